//! What would settle an unknown for want of facts: one step.

use crate::findings::finding::{Finding, Outcome, RuleInfo};
use crate::inventory::Inventory;
use crate::inventory::id::ItemId;
use crate::inventory::item::Item;
use crate::inventory::reason::{Cause, Fact, Settlement};
use crate::schema::aws_calls;
use crate::schema::aws_calls::Topic;
use crate::schema::kinds;

/// A step that settles an unknown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NextStep {
    /// Running again with a flag that states a fact; a word in capitals stands for its value.
    Flag(&'static str),
    /// Running again with a cluster.
    Context,
    /// Running again and asking AWS.
    Aws,
    /// Running this command, and giving its answer with `-f`.
    Command(String),
}

/// The one step that would settle a finding. None where facts are not what is missing, or where nothing that can be run would
/// tell.
pub fn next_step(
    inventory: &Inventory,
    rules: &[RuleInfo],
    finding: &Finding,
    aws_was_asked: bool,
) -> Option<NextStep> {
    let reason = finding.reason.as_ref().filter(|_| finding.outcome == Outcome::Unknown)?;
    if reason.cause != Cause::NotProvided {
        return None;
    }
    let settlements = reason.settlements();
    if let Some(flag) = settlements.iter().find_map(flag) {
        return Some(NextStep::Flag(flag));
    }
    let unasked = inventory.clusters().is_empty();
    // What is said to be missing counts before what the rule reads.
    let missing = settlements.iter().find_map(|settlement| match settlement {
        Settlement::Kind(kind) => Some(&**kind),
        Settlement::Fact(_) | Settlement::Item(_) => None,
    });
    if missing.is_some_and(kinds::listable) && unasked {
        return Some(NextStep::Context);
    }
    let at = finding.reason_at.as_ref().map(|place| place.item);
    let items = || at.into_iter().chain([finding.subject]).filter_map(|id: ItemId| inventory.item(id));
    let rule = rules.iter().find(|rule| finding.rule == rule.id || finding.rule.ends_with(&format!("/{}", rule.id)));
    let of_aws = missing.is_some_and(aws_calls::tells_of)
        || items().any(|item| aws_calls::tells_of(&item.kind))
        || rule.is_some_and(|rule| rule.kinds().any(aws_calls::tells_of));
    if of_aws && !aws_was_asked && items().all(can_be_named) {
        return Some(NextStep::Aws);
    }
    if let Some(line) = items().find_map(line) {
        return Some(NextStep::Command(line));
    }
    // A cluster tells nothing more of a resource of AWS.
    let of_cluster = items().all(|item| item.aws.is_none());
    (unasked && of_cluster && rule.is_some_and(|rule| rule.kinds().any(kinds::listable))).then_some(NextStep::Context)
}

/// The flag that states a fact, with a word for its value.
fn flag(settlement: &Settlement) -> Option<&'static str> {
    let Settlement::Fact(fact) = settlement else { return None };
    Some(match fact {
        Fact::KarpenterVersion => "--karpenter-version VERSION",
        Fact::ClusterName => "--cluster-name NAME",
        Fact::Account => "--account ID",
        Fact::Region => "--region REGION",
        Fact::Partition => "--partition PARTITION",
    })
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
