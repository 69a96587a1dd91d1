//! `kubectl karpcheck iam-policy`: the least IAM policy that `--aws` or `collect` needs, to review and attach.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use serde::Serialize;

use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection;
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::streams::Streams;
use crate::config::Config;
use crate::exit::Exit;
use crate::schema::aws_calls;
use crate::schema::kinds::GatherScope;

/// An identity policy, as IAM has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// `2012-10-17`.
    pub version: &'static str,
    /// One statement, or none where the chosen rules read nothing of AWS.
    pub statement: Vec<Statement>,
}

/// A statement of a [`Policy`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Its name.
    pub sid: &'static str,
    /// `Allow`.
    pub effect: &'static str,
    /// What is called, sorted. Nothing that changes anything.
    pub action: Vec<&'static str>,
    /// `*`: which queue, key and role it is, the cluster says.
    pub resource: &'static str,
}

/// The least policy with which everything that a plan reads of AWS can be asked.
pub fn policy(gather_scope: &GatherScope) -> Policy {
    let mut actions: BTreeSet<&'static str> =
        aws_calls::wanted(gather_scope).map(|operation| operation.action).collect();
    if !actions.is_empty() {
        // It is allowed to everybody, and named all the same: the policy holds what is called.
        actions.insert(aws_calls::IDENTITY.action);
    }
    if actions.contains(aws_calls::SUM) {
        // Many sums as one question. Where it is refused, each is asked for alone.
        actions.insert(aws_calls::SUMS_AT_ONCE);
    }
    let statement =
        Statement { sid: "KarpcheckReads", effect: "Allow", action: actions.into_iter().collect(), resource: "*" };
    let some = !statement.action.is_empty();
    Policy { version: "2012-10-17", statement: some.then_some(statement).into_iter().collect() }
}

/// Prints the policy that the chosen rules need.
pub fn run(
    args: &RuleSelectionArgs,
    config: Option<&Arc<Config>>,
    streams: &mut Streams<'_>,
) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.pack, config)?;
    let selected = packs.select(args)?;
    serde_json::to_writer_pretty(&mut *streams.out, &policy(&rule_selection::gather_scope(&selected)))
        .map_err(io::Error::from)?;
    writeln!(streams.out)?;
    for problem in &packs.problems {
        writeln!(streams.err, "error: {problem}")?;
    }
    Ok(if packs.problems.is_empty() { Exit::Clean } else { Exit::NotDone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_read_nothing_of_aws_need_nothing() {
        let policy = policy(&GatherScope::new([("karpenter.sh/NodePool", false)]));
        assert!(policy.statement.is_empty());
    }

    #[test]
    fn only_what_is_asked_is_allowed() {
        let policy = policy(&GatherScope::new([("AWS::Events::Rule", false)]));
        assert_eq!(
            policy.statement[0].action,
            [
                "events:DescribeRule",
                "events:ListRuleNamesByTarget",
                "events:ListTargetsByRule",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sts:GetCallerIdentity"
            ]
        );
    }
}
