//! What would settle an unknown that nobody gave the facts for: one command.

use crate::findings::finding::{Finding, Outcome, RuleInfo};
use crate::inventory::Inventory;
use crate::inventory::item::{Item, ItemId};
use crate::inventory::reason::{Cause, Reason};
use crate::schema::aws_calls;
use crate::schema::aws_calls::Topic;
use crate::schema::kinds;

/// How the run was made, as far as it matters for what to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RunInputs {
    /// Were files given?
    pub files: bool,
    /// Was AWS asked?
    pub aws: bool,
}

/// The one command that would settle a finding. None where its cause is another than that nobody gave the facts, or where
/// nothing that can be run would tell.
pub fn suggested_command(
    inventory: &Inventory,
    rules: &[RuleInfo],
    finding: &Finding,
    asked: RunInputs,
) -> Option<String> {
    let reason = finding.reason.as_ref().filter(|_| finding.outcome == Outcome::Unknown)?;
    if reason.cause != Cause::NotProvided {
        return None;
    }
    if let Some(flag) = flag(reason) {
        return Some(format!("kubectl karpcheck check {flag}"));
    }
    let unasked = inventory.clusters().is_empty();
    // What is said to be missing counts before what the rule reads.
    let why = reason.to_string();
    let mut named = why.split(|char: char| char.is_whitespace() || ",;()`".contains(char));
    let named = named.find(|word| is_listed(word) || aws_calls::tells_of(word));
    if named.is_some_and(is_listed) && unasked {
        return Some("kubectl karpcheck check -f PATH --context CONTEXT".into());
    }
    let at = finding.reason_at.as_ref().map(|place| place.item);
    let items = || at.into_iter().chain([finding.subject]).filter_map(|id: ItemId| inventory.item(id));
    let rule = rules.iter().find(|rule| finding.rule == rule.id || finding.rule.ends_with(&format!("/{}", rule.id)));
    let of_aws = named.is_some_and(aws_calls::tells_of)
        || items().any(|item| aws_calls::tells_of(&item.kind))
        || rule.is_some_and(|rule| rule.kinds().any(aws_calls::tells_of));
    if of_aws && !asked.aws && items().all(can_be_named) {
        let files = if asked.files { " check -f PATH" } else { "" };
        return Some(format!("kubectl karpcheck{files} --aws"));
    }
    if let Some(line) = items().find_map(line) {
        return Some(line);
    }
    // A cluster tells nothing more of a resource of AWS.
    let of_cluster = items().all(|item| item.aws.is_none());
    (unasked && of_cluster && rule.is_some_and(|rule| rule.kinds().any(kinds::listable)))
        .then(|| "kubectl karpcheck check -f PATH --context CONTEXT".into())
}

/// Is it the name of a kind that a cluster lists? An ARN and an alias have a `/` as well.
fn is_listed(word: &str) -> bool {
    let kind = word.rsplit('/').next().unwrap_or_default();
    kinds::listable(word) && kind.starts_with(|char: char| char.is_ascii_uppercase()) && !word.starts_with("arn:")
}

/// The flag that a reason names, with a word for its value.
fn flag(reason: &Reason) -> Option<String> {
    const FLAGS: [(&str, &str); 5] = [
        ("--karpenter-version", "VERSION"),
        ("--cluster-name", "NAME"),
        ("--account", "ID"),
        ("--region", "REGION"),
        ("--partition", "PARTITION"),
    ];
    let why = reason.to_string();
    let mut words = why.split(|char: char| !(char.is_ascii_alphanumeric() || char == '-'));
    let (flag, value) = words.find_map(|word| FLAGS.iter().find(|(flag, _)| *flag == word))?;
    Some(format!("{flag} {value}"))
}

/// Is it known by a name, so that AWS can be asked about it?
fn can_be_named(item: &Item) -> bool {
    let Some(aws) = item.aws.as_deref() else { return true };
    aws.id.as_ref().is_some_and(|id| id.known().is_some()) || aws.arn.as_ref().is_some_and(|arn| arn.as_str().is_some())
}

/// The command that tells most of an item, to be saved and given with `-f`.
fn line(item: &Item) -> Option<String> {
    let (topic, operation) = match &*item.kind {
        "AWS::SQS::Queue" => (Topic::Queue, "get-queue-url"),
        "AWS::KMS::Key" => (Topic::KeyArn, "get-key-policy"),
        "AWS::IAM::Role" => (Topic::Role, "list-attached-role-policies"),
        "AWS::Events::Rule" => (Topic::Rule, "list-targets-by-rule"),
        "AWS::EKS::Cluster" => (Topic::Cluster, "describe-cluster"),
        "AWS::IAM::ManagedPolicy" => (Topic::Policy, "get-policy"),
        "AWS::DynamoDB::Table" => (Topic::Table, "describe-table"),
        _ => return None,
    };
    let facts = item.aws.as_deref()?;
    let name = facts.id.as_ref().and_then(|id| id.known()).or_else(|| facts.arn.as_ref()?.as_str())?;
    let value = topic.value(0, name)?;
    let command = aws_calls::TABLE.iter().find(|command| command.about == topic && command.name == operation)?;
    let mut line = format!("aws {} {operation}", command.service);
    for option in command.options {
        line.push(' ');
        line.push_str(option.name);
        line.push(' ');
        for part in option.value {
            match part {
                aws_calls::Part::Fixed(text) => line.push_str(text),
                _ => line.push_str(&value),
            }
        }
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_names_a_flag_is_settled_by_it() {
        let flag = |why: &str| flag(&Reason::new(Cause::NotProvided, why));
        assert_eq!(flag("the region is not known: --region states it").as_deref(), Some("--region REGION"));
        assert_eq!(flag("nobody gave the key's policy"), None);
        assert_eq!(flag("the chart's --region-hint is not set"), None);
    }

    #[test]
    fn an_arn_is_no_kind_that_a_cluster_lists() {
        for kind in ["karpenter.sh/NodePool", "core/Node", "Karpcheck::Controller"] {
            assert!(is_listed(kind), "{kind}");
        }
        for other in
            ["alias/karpenter", "arn:aws:kms:eu-west-1:111122223333:key/1a2b", "arn:aws:iam::1:role/Admin", "and/or"]
        {
            assert!(!is_listed(other), "{other}");
        }
    }
}
