//! Why Karpenter does not use a class, a pool or a claim, by the conditions that it writes.

use karpcheck_sdk::prelude::*;

use crate::conditions::Condition;
use crate::controllers::of_object;
use crate::refusals::{By, refusals};
use crate::time::age;
use crate::versions::patch_for;

pub(crate) mod reasons;

use reasons::{Cause, Kind, READY, Reason, Weight};

/// A condition that does not hold.
pub(crate) struct Open {
    /// Its type.
    pub(crate) name: String,
    /// What it says.
    pub(crate) condition: Condition,
    /// What is known of its reason.
    pub(crate) known: Option<&'static Reason>,
}

/// The conditions of an object that do not hold, and those that say something though they do. A placeholder says nothing.
pub(crate) fn open(object: Item, kind: Kind) -> Result<Vec<Open>, Unknown> {
    let mut all = vec![];
    for name in object.find("/status/conditions/*/type").known() {
        let field = name.parent();
        let Some(name) = name.known_text() else { continue };
        let status = field.child("status").text()?.unwrap_or_default();
        if !["True", "False", "Unknown", ""].contains(&status.as_str()) {
            let why = format!("the status of {name} is {status}, which Kubernetes does not write");
            return Err(Unknown::undecidable(why).with_code("no-status").at(field.child("status").place("")));
        }
        let part = |part: &str| field.child(part).known_text().unwrap_or_default();
        let (reason, message) = (part("reason"), part("message"));
        let known = reasons::known(kind, &name, &status, &reason);
        if status.is_empty() || status == "True" || known.is_some_and(|known| known.weight == Weight::Normal) {
            continue;
        }
        all.push(Open { name, condition: Condition { field, status, reason, message }, known });
    }
    Ok(all)
}

impl Open {
    /// Does it only tell of other conditions?
    pub(crate) fn is_dependent(&self) -> bool {
        self.name == READY || self.known.is_some_and(|known| known.weight == Weight::Dependent)
    }

    /// Is it usual for a while? A reason that is not known, too, where nothing says that it failed.
    pub(crate) fn is_waiting(&self) -> bool {
        match self.known {
            Some(known) => known.weight == Weight::Waiting,
            None => self.condition.status != "False",
        }
    }

    /// Do things get better by themselves?
    pub(crate) fn is_transient(&self) -> bool {
        self.known.is_some_and(|known| known.weight == Weight::Transient)
    }

    /// Since how many seconds it is so; none where it is not known.
    fn age(&self) -> Result<Option<i64>, Unknown> {
        age(&self.condition.field.child("lastTransitionTime"))
    }

    /// Has it been so for longer than that? Unknown where it is not known when the object was read.
    pub(crate) fn lasts(&self, seconds: i64) -> Result<bool, Unknown> {
        match self.age()? {
            Some(age) => Ok(age >= seconds),
            None => Err(Unknown::undecidable(format!(
                "it is not known how long {} has been {}, so it may only just have become so",
                self.name, self.condition.status
            ))
            .with_code("condition-age-not-known")),
        }
    }

    /// What it means, with the condition's own words behind.
    pub(crate) fn means(&self, object: Item) -> String {
        let Condition { status, reason, message, .. } = &self.condition;
        let Some(known) = self.known else {
            let because = [reason, message].into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>();
            let because = if because.is_empty() { "no reason is given".to_owned() } else { because.join(": ") };
            return format!("its condition {} is {status}: {because}", self.name);
        };
        let mut text = format!("{} ({} is {status}: {reason}", known.means, self.name);
        if !message.is_empty() && message != reason {
            text.push_str(": ");
            text.push_str(message);
        }
        text.push(')');
        if let Some((major, minor, patch)) = patch_for(object)
            && !written_by(known.releases, (major, minor, patch))
        {
            text.push_str(&format!(
                "; Karpenter {major}.{minor}.{patch} does not write this reason: another release left it behind"
            ));
        }
        text
    }

    /// A finding about it; not decided where it is not known for how long it has been so.
    pub(crate) fn finding(&self, object: Item, message: String, lasts: Option<Unknown>) -> Finding {
        let finding = match lasts {
            None => fail(&self.condition.field, message),
            Some(unknown) => undecided(unknown, &self.condition.field, message),
        };
        let finding = finding
            .group(format!("{} {}", self.name, self.condition.reason))
            .property("condition", self.name.clone())
            .property("reason", self.condition.reason.clone())
            .related(of_object(object));
        let Some(known) = self.known else {
            return finding.remedy("karpcheck does not know this reason: read its message and the controller's log.");
        };
        let finding = finding.property("follows", known.cause.rules());
        // Where AWS's kind of policy is told, its owner is.
        let refusal = refusals(&self.condition.message).into_iter().find(|refusal| refusal.by != By::NotSaid);
        let finding = match refusal.filter(|_| matches!(known.cause, Cause::Refused(_))) {
            Some(refusal) => finding.remedy(refusal.remedy()),
            None => finding.remedy(known.look),
        };
        match known.cause.actions() {
            "" => finding,
            actions => finding.property("actions", actions),
        }
    }
}

/// The class that a reference names, and the keys of its volumes: places by which a finding stands under what is wrong there.
pub(crate) fn of_class(reference: &Field) -> Vec<Place> {
    let Some(class) = reference.linked() else { return vec![] };
    let keys = class.find("/spec/blockDeviceMappings/*/ebs/kmsKeyID").known().filter(|key| !key.is_absent());
    [class.place("", "its node class")].into_iter().chain(keys.map(|key| key.place("the key of its volumes"))).collect()
}

/// A quantity of Kubernetes as a number: `1500m`, `10Gi`, `100`.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let (number, factor) = SUFFIXES
        .into_iter()
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, factor)))
        .unwrap_or((text, 1.0));
    let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite())?;
    Some(number * factor)
}

/// Is a release among those that write a reason? `v1.0.0 on`, `v1.3.0 to v1.12.2; v1.13.1 on`.
fn written_by(releases: &str, version: (u64, u64, u64)) -> bool {
    let parse = |text: &str| -> Option<(u64, u64, u64)> {
        let mut parts = text.trim().trim_start_matches('v').split('.').map(|part| part.parse().ok());
        Some((parts.next()??, parts.next()??, parts.next()??))
    };
    releases.is_empty()
        || releases.split(';').any(|range| match range.trim().split_once(" to ") {
            Some((from, to)) => {
                parse(from).is_some_and(|from| from <= version) && parse(to).is_some_and(|to| version <= to)
            }
            None => range.trim().strip_suffix(" on").and_then(parse).is_some_and(|from| from <= version),
        })
}

#[cfg(test)]
mod tests {
    use super::reasons::{REASONS, known};
    use super::*;

    /// The lists that are made of Karpenter's source: condition, status, reason, releases, place.
    fn written() -> Vec<[&'static str; 5]> {
        const LISTS: [&str; 2] = [
            include_str!("../../tests/fixtures/karpenter/reasons/karpenter-reasons-aws.tsv"),
            include_str!("../../tests/fixtures/karpenter/reasons/karpenter-reasons-core.tsv"),
        ];
        let rows = LISTS.into_iter().flat_map(|list| list.lines().skip(1));
        rows.map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            columns.try_into().unwrap_or_else(|_| panic!("{line}"))
        })
        .collect()
    }

    /// Whose condition a place in the source writes.
    fn kind(place: &str) -> Kind {
        [
            ("/nodeclass/", Kind::Class),
            ("/nodeoverlay/", Kind::Overlay),
            ("/nodepool/", Kind::Pool),
            ("/liveness.go", Kind::Pool),
        ]
        .into_iter()
        .find_map(|(part, kind)| place.contains(part).then_some(kind))
        .unwrap_or(Kind::Claim)
    }

    /// What a variable in the source stands for: a reason of each kind that it may have.
    fn values(reason: &'static str) -> &'static [&'static str] {
        match reason {
            "<failureReason>" | "<val.(string)>" => {
                &["CreateFleetAuthCheckFailed", "CreateLaunchTemplateAuthCheckFailed", "RunInstancesAuthCheckFailed"]
            }
            "<entry.reason>" => &[
                "CreateFleetAuthCheckFailed",
                "CreateLaunchTemplateAuthCheckFailed",
                "RunInstancesAuthCheckFailed",
                "UserDataSizeLimitExceeded",
            ],
            "<string(cmd.Reason())>" | "<string(m.Reason())>" => &["Underutilized", "Empty", "Drifted"],
            "<string(driftedReason)>" => {
                &["NodePoolDrifted", "RequirementsDrifted", "InstanceTypeNotFound", "AMIDrift"]
            }
            "<ready.Reason>" => &["UnhealthyDependents", "NodeClassNotReady"],
            "<createError.ConditionReason>" | "<launchCondition.Reason>" => LAUNCH_FAILURES,
            _ => &[],
        }
    }

    /// Of `ToReasonMessage` in pkg/errors/errors.go of karpenter-provider-aws v1.14.1, and of `NewCreateError` in its packages
    /// cloudprovider and instance.
    const LAUNCH_FAILURES: &[&str] = &[
        "SpotSLRCreationFailed",
        "Unauthorized",
        "AMIAuthorizationFailure",
        "SecurityGroupSubnetVPCMismatch",
        "InstanceProfileNameInvalid",
        "LaunchTemplateNotFound",
        "UserDataSizeLimitExceeded",
        "InvalidAMIID",
        "AMINotFound",
        "RequestLimitExceeded",
        "InternalError",
        "FreeTierIneligible",
        "FleetQuotaExceeded",
        "AccountPendingVerification",
        "SpotQuotaExceeded",
        "VCPULimitExceeded",
        "InsufficientFreeAddressesInSubnet",
        "LaunchFailed",
        "NodeClassReadinessUnknown",
        "InstanceTypeResolutionFailed",
        "SubnetResolutionFailed",
    ];

    #[test]
    fn every_reason_of_a_release_is_explained() {
        let mut rows = 0;
        for [condition, status, reason, releases, place] in written() {
            rows += 1;
            let condition = if condition == "ConditionReady" { READY } else { condition };
            let variable = values(reason);
            assert!(reason.starts_with('<') != variable.is_empty(), "what {reason} stands for is not known");
            let plain = [reason];
            for value in if variable.is_empty() { &plain } else { variable } {
                let found = known(kind(place), condition, status, value);
                let Some(found) = found else { panic!("{condition} {status} {value} ({place}) is not explained") };
                assert!(found.means.len() > 15 && found.look.ends_with('.'), "{condition} {value}");
                if variable.is_empty() {
                    assert_eq!(found.releases, releases, "{condition} {status} {value}");
                }
            }
        }
        assert_eq!(rows, 15 + 38, "rows of the lists");
    }

    #[test]
    fn no_reason_is_explained_that_no_release_writes() {
        for row in REASONS.iter().filter(|row| !row.releases.is_empty()) {
            let is_written = written().into_iter().any(|[condition, status, reason, _, place]| {
                let condition = if condition == "ConditionReady" { READY } else { condition };
                (kind(place), condition, status) == (row.kind, row.condition, row.status)
                    && (reason == row.reason || row.reason == "*" || values(reason).contains(&row.reason))
            });
            // Reasons of launches that only releases before the newest one write, of the same sources.
            let former = ["InstanceTypeFilteringFailed", "CreateFleetRequestConstructionFailed"].contains(&row.reason);
            assert!(is_written || former, "{} {} {}", row.condition, row.status, row.reason);
        }
    }

    #[test]
    fn quantities_are_numbers() {
        assert_eq!(quantity("1500m"), Some(1.5));
        assert_eq!(quantity("2Gi"), Some(2_147_483_648.0));
        assert_eq!(quantity("1e3"), Some(1000.0));
        assert_eq!(quantity("much"), None);
    }

    #[test]
    fn releases_are_read_as_they_are_written() {
        let releases = "v1.3.5 to v1.3.8; v1.6.4 on";
        for (version, written) in
            [((1, 3, 5), true), ((1, 3, 8), true), ((1, 3, 9), false), ((1, 6, 3), false), ((1, 14, 1), true)]
        {
            assert_eq!(written_by(releases, version), written, "{version:?}");
        }
        assert!(
            REASONS
                .iter()
                .filter(|row| !row.releases.is_empty())
                .all(|row| { written_by(row.releases, (1, 14, 1)) || row.releases.contains(" to ") })
        );
    }

    #[test]
    fn the_pages_list_what_they_explain() {
        use crate::RULES;
        for row in REASONS {
            let page = match row.kind {
                Kind::Class => "node-class-not-ready",
                Kind::Pool => "node-pool-not-ready",
                Kind::Claim => "node-claim-stuck",
                Kind::Overlay => "node-pool-not-ready",
            };
            let docs = RULES.iter().find(|rule| rule.id == page).map(|rule| rule.docs).unwrap_or_default();
            assert!(row.reason == "*" || docs.contains(row.reason), "{page} does not list {}", row.reason);
        }
    }
}
