//! Sorts, groups and counts findings, with their places.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::findings::finding::{Confidence, Finding, Outcome, Severity};
use crate::findings::next_step;
use crate::inventory::cluster;
use crate::inventory::{At, Cause, Inventory, ItemId, Origin, Reason};
use crate::report::{Paths, Run, text};

/// The numbers of a run. Each finding counts once: a fail under its severity, an undecided one under `unknown`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Fails that are errors.
    pub error: usize,
    /// Fails that are warnings.
    pub warning: usize,
    /// Fails that are infos.
    pub info: usize,
    /// Undecided findings of any severity.
    pub unknown: usize,
    /// Verdicts `pass`.
    pub passed: usize,
    /// Rules that were selected.
    pub rules: usize,
    /// Items in the inventory.
    pub items: usize,
    /// Was nothing refused and did nothing fail? What was not provided does not count.
    pub complete: bool,
}

/// Counts a run.
pub fn summary(run: &Run<'_>) -> Summary {
    let fails = |severity| {
        run.results
            .findings
            .iter()
            .filter(|finding| finding.outcome == Outcome::Fail && finding.severity == severity)
            .count()
    };
    // A refusal that the rule's owner allows is an unknown of severity info; the host raises the others.
    let missed = run.results.findings.iter().any(|finding| {
        finding.reason.as_ref().is_some_and(|reason| match reason.cause {
            Cause::Failed => true,
            Cause::Refused => finding.severity > Severity::Info,
            Cause::NotProvided | Cause::Symbolic | Cause::Undecidable => false,
        })
    });
    let unread = run.inventory.problems().iter().any(|problem| problem.is_incomplete());
    Summary {
        error: fails(Severity::Error),
        warning: fails(Severity::Warning),
        info: fails(Severity::Info),
        unknown: run.results.findings.iter().filter(|finding| finding.outcome == Outcome::Unknown).count(),
        passed: run.results.coverage.iter().map(|coverage| coverage.passed as usize).sum(),
        rules: run.sources.merged.map_or(run.rules.len(), |merged| merged.rules),
        items: run.sources.merged.map_or_else(|| run.inventory.items().count(), |merged| merged.items),
        complete: run.sources.merged.map_or(!missed && !unread, |merged| merged.complete)
            && run.results.faults.is_empty(),
    }
}

/// A place: the document's origin and the position in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    pub(super) origin: &'a Origin,
    /// Of a file, its path from the root of its repository, else as it was named: for readers that are no people.
    pub(super) file: Option<&'a str>,
    pub(super) at: At,
}

/// The spot of a place.
pub(super) fn spot<'a>(run: &Run<'a>, at: At) -> Spot<'a> {
    Spot::new(run.inventory, at)
}

impl<'a> Spot<'a> {
    /// The spot of a place.
    pub(super) fn new(inventory: &'a Inventory, at: At) -> Self {
        let document = inventory.document(at.doc);
        let file = match &document.origin {
            Origin::File(path) => Some(document.in_repository.as_deref().unwrap_or(path)),
            _ => None,
        };
        Self { origin: &document.origin, file, at }
    }
}

/// The spot of a pointer in an item, else of the nearest parent that has one.
pub(super) fn spot_of<'a>(run: &Run<'a>, item: ItemId, pointer: &str) -> Option<Spot<'a>> {
    run.inventory.place(item, pointer).map(|at| spot(run, at))
}

/// All findings, worst first: severity, fails before unknowns, area, rule, place.
pub(super) fn sorted<'a>(run: &Run<'a>) -> Vec<&'a Finding> {
    let mut keyed: Vec<_> = run
        .results
        .findings
        .iter()
        .map(|finding| {
            let spot = spot_of(run, finding.subject, &finding.pointer);
            let place = spot.map(|spot| (spot.origin.to_string(), spot.at.line, spot.at.column));
            let rank = (Reverse(finding.severity), Reverse(finding.outcome));
            (rank, &finding.area, &finding.rule, place, finding.subject, &finding.pointer, &finding.group, finding)
        })
        .collect();
    // Stable: what a rule says of one place stays in the rule's order.
    keyed.sort_by(|one, other| {
        (&one.0, one.1, one.2, &one.3, one.4, one.5, one.6)
            .cmp(&(&other.0, other.1, other.2, &other.3, other.4, other.5, other.6))
    });
    keyed.into_iter().map(|key| key.7).collect()
}

/// Findings that are one row for a reader: one cause, several places. Never empty.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    pub(super) findings: Vec<&'a Finding>,
    /// Findings that follow from them and have no row of their own.
    pub(super) consequences: Vec<&'a Finding>,
}

impl<'a> Group<'a> {
    /// The finding that stands for all of them.
    pub(super) fn first(&self) -> &'a Finding {
        self.findings[0]
    }

    /// The rules, each once.
    pub(super) fn rules(&self) -> Vec<String> {
        let rules: BTreeSet<String> = self.findings.iter().map(|finding| text::one_line(&finding.rule)).collect();
        rules.into_iter().collect()
    }

    /// Each subject with its place. Several rules may lack one fact of one subject: that is one pair.
    pub(super) fn places(&self, run: &Run<'_>) -> Vec<(String, String)> {
        let pairs = self.findings.iter().map(|finding| (subject(run, finding.subject), place(run, finding)));
        let mut seen = BTreeSet::new();
        pairs.filter(|pair| seen.insert(pair.clone())).collect()
    }

    /// The least confidence of its findings.
    pub(super) fn confidence(&self) -> &'static str {
        self.findings.iter().map(|finding| finding.confidence).min().map_or("", Confidence::as_str)
    }
}

/// What the findings of one row have in common.
#[derive(PartialEq, Eq, Hash)]
enum Row<'a> {
    /// They lack one fact, whatever rule asks for it.
    Lacking(Severity, &'a Reason),
    /// They are one defect, or one question, of a rule.
    Saying {
        rule: &'a str,
        severity: Severity,
        outcome: Outcome,
        reason: Option<(Cause, &'a str)>,
        group: String,
        /// Without a group, how many findings of the rule were of this place before: two that are of one place are two defects.
        nth: usize,
    },
}

impl<'a> Row<'a> {
    fn of(finding: &'a Finding, before: &mut HashMap<(&'a str, ItemId, &'a str), usize>) -> Self {
        let nth = if finding.group.is_empty() && !finding.is_plain() {
            let count = before.entry((&finding.rule, finding.subject, &finding.pointer)).or_default();
            *count += 1;
            *count - 1
        } else {
            0
        };
        match &finding.reason {
            Some(reason) if finding.is_plain() => Self::Lacking(finding.severity, reason),
            reason => Self::Saying {
                rule: &finding.rule,
                severity: finding.severity,
                outcome: finding.outcome,
                reason: reason.as_ref().map(|reason| (reason.cause, reason.code())),
                group: match &*finding.group {
                    "" => unindexed(&finding.pointer),
                    group => group.to_owned(),
                },
                nth,
            },
        }
    }
}

/// A pointer without the numbers of elements. It begins with `/`, as no group that a rule gives should.
fn unindexed(pointer: &str) -> String {
    let index = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    pointer.split('/').map(|segment| if index(segment) { "*" } else { segment }).collect::<Vec<_>>().join("/")
}

/// Sorted findings in groups, each in the place of its first.
///
/// Fails are one row when rule, severity and group are the same; without a group, the place within the subject is the
/// group. Unknowns that say nothing beyond their reason are one row for all rules that lack the same fact.
pub(super) fn grouped<'a>(run: &Run<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = vec![];
    let mut known: HashMap<Row<'a>, usize> = HashMap::new();
    let mut before = HashMap::new();
    let (roots, consequences): (Vec<&Finding>, Vec<&Finding>) =
        sorted(run).into_iter().partition(|finding| finding.follows.is_none());
    // The group of each finding, which is known by its address.
    let mut of_root: HashMap<*const Finding, usize> = HashMap::new();
    for finding in roots {
        let group = *known.entry(Row::of(finding, &mut before)).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.findings.push(finding),
            None => groups.push(Group { findings: vec![finding], consequences: vec![] }),
        }
        of_root.insert(std::ptr::from_ref(finding), group);
    }
    for finding in consequences {
        let root = cause(run, finding).and_then(|root| of_root.get(&std::ptr::from_ref(root)));
        if let Some(group) = root.and_then(|group| groups.get_mut(*group)) {
            group.consequences.push(finding);
        }
    }
    groups
}

/// The one command that would settle a finding that is unknown.
pub(super) fn suggested_command(run: &Run<'_>, finding: &Finding) -> Option<String> {
    // What was read elsewhere is not read again by a flag of this command.
    if run.sources.merged.is_some() {
        return None;
    }
    let aws_was_asked = run.sources.asked > 0 || run.invocation.asks_aws();
    let step = next_step::next_step(run.inventory, run.rules, finding, aws_was_asked)?;
    Some(run.invocation.next(&step))
}

/// The finding that a finding follows from.
pub(super) fn cause<'a>(run: &Run<'a>, finding: &Finding) -> Option<&'a Finding> {
    run.results.findings.get(finding.follows?)
}

/// `Table/shop/orders`: an item in the manner of kubectl, on one line.
pub(super) fn subject(run: &Run<'_>, item: ItemId) -> String {
    let Some(item) = run.inventory.item(item) else { return String::new() };
    let kind = short_kind(&item.kind);
    text::one_line(&match item.namespace.as_deref() {
        Some(namespace) if !namespace.is_empty() => format!("{kind}/{namespace}/{}", item.name),
        _ => format!("{kind}/{}", item.name),
    })
}

/// `Queue` of `AWS::SQS::Queue` and `sqs.services.k8s.aws/Queue`.
pub(super) fn short_kind(kind: &str) -> &str {
    kind.rsplit(['/', ':']).next().unwrap_or(kind)
}

/// A finding's place for a reader: `queue.yaml:12:5`, `Deployment/karpenter/karpenter`, `/spec/kubelet` of the live
/// subject itself, `--karpenter-version`. The context stands before a live place where there are several.
pub(super) fn place(run: &Run<'_>, finding: &Finding) -> String {
    let Some(spot) = spot_of(run, finding.subject, &finding.pointer) else { return String::new() };
    let Origin::Live(live) = spot.origin else { return spot_words(run, spot) };
    let itself = run.inventory.item(finding.subject).is_some_and(|item| {
        short_kind(&item.kind) == &*live.kind
            && item.name == live.name
            && item.namespace.as_deref().unwrap_or_default() == &*live.namespace
            && !item.is_aws()
    });
    if !itself {
        return spot_words(run, spot);
    }
    let pointer = text::one_line(&finding.pointer);
    match (context(run.inventory, &live.context), pointer.is_empty()) {
        (Some(context), true) => context,
        (Some(context), false) => format!("{context}:{pointer}"),
        (None, true) => "live".to_owned(),
        (None, false) => pointer,
    }
}

/// Where the statement of a policy stands that a finding is about first, unless that is the finding's own place.
pub(super) fn statement<'a>(run: &Run<'a>, finding: &'a Finding) -> Option<Spot<'a>> {
    let place = finding.related.first().filter(|place| place.pointer.contains("/Statement"))?;
    let own = place.item == finding.subject && finding.pointer.contains("/Statement");
    spot_of(run, place.item, &place.pointer).filter(|_| !own)
}

/// A spot for a reader.
pub(super) fn spot_words(run: &Run<'_>, spot: Spot<'_>) -> String {
    place_words(run.inventory, spot, run.paths)
}

/// The file of a spot as a reader elsewhere knows it, without a line: what lies in a file keeps its name when lines move.
pub(super) fn file_words(spot: Spot<'_>) -> Option<String> {
    let path = spot.file.filter(|path| *path != "-")?;
    Some(text::one_line(path.strip_prefix("./").unwrap_or(path)))
}

/// A place in one line: `queue.yaml:3:5`, `Deployment/kube-system/karpenter`.
pub(super) fn place_words(inventory: &Inventory, spot: Spot<'_>, paths: Paths) -> String {
    text::one_line(&match spot.origin {
        Origin::File(path) | Origin::Setting(path) => {
            let elsewhere =
                spot.file.filter(|_| paths == Paths::Repository).map(|path| path.strip_prefix("./").unwrap_or(path));
            let path = if &**path == "-" { "(standard input)" } else { elsewhere.unwrap_or(path) };
            match (spot.at.line, spot.at.column) {
                (0, _) => path.to_owned(),
                (line, 0) => format!("{path}:{line}"),
                (line, column) => format!("{path}:{line}:{column}"),
            }
        }
        Origin::Live(live) => {
            let parts = [&*live.kind, &*live.namespace, &*live.name];
            let object = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
            match context(inventory, &live.context) {
                Some(context) => format!("{context}:{object}"),
                None => object,
            }
        }
        Origin::Flag(flag) => (*flag).to_owned(),
        // The operation and what it is about; the rest stands in JSON.
        Origin::Aws(aws) => aws.command.split(" --").next().unwrap_or_default().to_owned(),
    })
}

/// What to call a context where there are several: of an EKS cluster's ARN its name, unless another has it, too.
fn context(inventory: &Inventory, context: &str) -> Option<String> {
    if inventory.clusters().len() < 2 {
        return None;
    }
    let own = cluster::short_name(context);
    Some(if inventory.contexts_called(own) > 1 { context.to_owned() } else { own.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_one_list_have_one_place() {
        assert_eq!(unindexed("/Statement/12/Action/0"), "/Statement/*/Action/*");
        assert_eq!(unindexed("/spec/tags/2fa"), "/spec/tags/2fa");
        assert_eq!(unindexed(""), "");
    }
}
