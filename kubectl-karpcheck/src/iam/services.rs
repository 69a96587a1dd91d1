//! What the services at hand have: actions, and the condition keys that they offer to them. A service that is not in the
//! table is never judged.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::schema::pattern::glob;

/// The table, with its source and date. The script that makes it is tests/fixtures/iam/services.py.
const TABLE: &str = include_str!("services.txt");
/// When the table was read: what AWS added since is no fault of anybody's.
const AS_OF: &str = "2026-11";

/// One service.
#[derive(Debug, Default)]
struct Service {
    /// In lower case. One that ends in `*` goes on with a name.
    keys: Vec<&'static str>,
    /// As it is written, in lower case, and the numbers of the keys that it is offered.
    actions: Vec<(&'static str, String, usize)>,
    sets: Vec<Vec<usize>>,
}

static SERVICES: LazyLock<BTreeMap<&'static str, Service>> = LazyLock::new(|| {
    let mut services: BTreeMap<&str, Service> = BTreeMap::new();
    let mut name = "";
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        if let Some(next) = line.strip_prefix("= ") {
            name = next;
            continue;
        }
        let service = services.entry(name).or_default();
        if let Some(keys) = line.strip_prefix(':') {
            service.keys = keys.split_whitespace().collect();
        } else if let Some((keys, actions)) = line.split_once('|') {
            let set = service.sets.len();
            service.sets.push(keys.split_whitespace().filter_map(|number| number.parse().ok()).collect());
            service.actions.extend(actions.split_whitespace().map(|action| (action, action.to_ascii_lowercase(), set)));
        }
    }
    services
});

impl Service {
    /// The actions that a name or pattern in lower case stands for.
    fn matching<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = &'a (&'static str, String, usize)> {
        self.actions.iter().filter(move |(_, known, _)| glob(pattern, known))
    }

    /// The number of a key in lower case.
    fn key(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|known| match known.strip_suffix('*') {
            Some(beginning) => key.starts_with(beginning),
            None => *known == key,
        })
    }
}

/// Says so where a service (`ec2`) is known and no action of it matches a name or pattern (`RunInstances`).
pub fn no_such_action(service: &str, action: &str) -> Option<String> {
    let known = SERVICES.get(service.to_ascii_lowercase().as_str())?;
    let wanted = action.to_ascii_lowercase();
    if known.matching(&wanted).next().is_some() {
        return None;
    }
    if action.contains(['*', '?']) {
        return Some(format!("no action of {service} is like {action} in AWS's reference of {AS_OF}"));
    }
    let meant = nearest(&wanted, known.actions.iter().map(|(written, lower, _)| (lower.as_str(), *written)));
    let meant = meant.map(|meant| format!(": {service}:{meant} may be meant")).unwrap_or_default();
    Some(format!("{service} has no action {action} in AWS's reference of {AS_OF}{meant}"))
}

/// Says so where no request of these actions has a condition key. Actions are patterns in full, `ec2:Run*`; the key, too.
pub(super) fn no_such_key(key: &str, actions: &[&str]) -> Option<String> {
    let (prefix, name) = key.split_once(':')?;
    let (prefix, name) = (prefix.to_ascii_lowercase(), name.to_ascii_lowercase());
    let service = SERVICES.get(prefix.as_str())?;
    let Some(number) = service.key(&name) else {
        let meant = nearest(&name, service.keys.iter().map(|known| (*known, *known)));
        let meant = meant.map(|meant| format!(": {prefix}:{meant} may be meant")).unwrap_or_default();
        return Some(format!("{prefix} has no condition key {key} in AWS's reference of {AS_OF}{meant}"));
    };
    // Tags are offered in one name or the other, and the pages list them less than carefully.
    if service.keys.get(number).is_some_and(|known| known.ends_with("tag/*")) {
        return None;
    }
    let mut judged = 0;
    for action in actions {
        let (of, verb) = action.split_once(':')?;
        // Keys of some services come with the credentials to all others: only a service's own actions are judged.
        if !of.eq_ignore_ascii_case(&prefix) {
            return None;
        }
        let verb = verb.to_ascii_lowercase();
        for (_, _, set) in service.matching(&verb) {
            judged += 1;
            if service.sets.get(*set).is_some_and(|keys| keys.contains(&number)) {
                return None;
            }
        }
    }
    let these = match actions {
        [one] => (*one).to_owned(),
        _ => "any of the statement's actions".to_owned(),
    };
    (judged > 0).then(|| format!("{prefix} does not offer {key} to {these}"))
}

/// The name that differs in the fewest letters, if they are few.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    known
        .filter(|(folded, _)| folded.len().abs_diff(name.len()) <= 2)
        .map(|(folded, written)| (distance(name, folded), written))
        .min()
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, known)| known)
}

/// How many letters have to be changed, added or left out.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let count = |name: &str| SERVICES.get(name).map_or(0, |service| service.actions.len());
        assert_eq!(SERVICES.len(), 11);
        assert!(count("ec2") > 700 && count("kms") > 50 && count("sqs") > 20);
        for service in SERVICES.values() {
            assert!(service.sets.iter().flatten().all(|key| *key < service.keys.len()));
        }
    }

    #[test]
    fn what_exists_is_no_fault_in_any_case_and_pattern() {
        for action in ["kms:ReEncrypt*", "KMS:reencryptfrom", "ec2:*", "ec2:Describe?nstances", "sqs:SendMessageBatch"]
        {
            let (service, name) = action.split_once(':').expect("a colon");
            assert_eq!(no_such_action(service, name), None, "{action}");
        }
        assert_eq!(no_such_action("unheardof", "Anything"), None);
    }

    #[test]
    fn a_slip_is_told_with_what_may_be_meant() {
        let message = no_such_action("ec2", "CreateTag").expect("a fault");
        assert_eq!(message, "ec2 has no action CreateTag in AWS's reference of 2026-11: ec2:CreateTags may be meant");
        assert_eq!(
            no_such_action("sqs", "Receive*s").as_deref(),
            Some("no action of sqs is like Receive*s in AWS's reference of 2026-11")
        );
        let message = no_such_key("ec2:InstanceTyp", &["ec2:*"]).expect("a fault");
        assert_eq!(
            message,
            "ec2 has no condition key ec2:InstanceTyp in AWS's reference of 2026-11: ec2:instancetype may be meant"
        );
    }

    #[test]
    fn a_key_is_judged_by_the_actions_that_are_offered_it() {
        assert_eq!(no_such_key("ec2:InstanceType", &["ec2:RunInstances"]), None);
        assert_eq!(no_such_key("ec2:InstanceType", &["ec2:DescribeInstances", "ec2:Run*"]), None);
        assert_eq!(
            no_such_key("ec2:InstanceType", &["ec2:CreateLaunchTemplate"]).as_deref(),
            Some("ec2 does not offer ec2:InstanceType to ec2:CreateLaunchTemplate")
        );
        for key in
            ["ec2:ResourceTag/karpenter.sh/nodepool", "ec2:SourceInstanceARN", "kms:EncryptionContext:aws:ebs:id"]
        {
            let own = if key.starts_with("kms") { "kms:Decrypt" } else { "ec2:TerminateInstances" };
            assert_eq!(no_such_key(key, &[own, "s3:GetObject"]), None, "{key}");
        }
        assert_eq!(no_such_key("iam:PassedToService", &["iam:PassRole"]), None);
        assert_eq!(no_such_key("kms:ViaService", &["kms:CreateGrant"]), None);
        assert_eq!(no_such_key("kms:GrantIsForAWSResource", &["kms:CreateGrant", "kms:ListGrants"]), None);
    }
}
