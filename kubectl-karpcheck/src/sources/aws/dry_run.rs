//! The plan for people: the commands, before anything is run.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use crate::inventory::ClusterId;
use crate::schema::aws_calls;
use crate::schema::aws_calls::Topic;
use crate::schema::kinds::GatherScope;
use crate::sources::aws::Target;
use crate::sources::aws::call;
use crate::sources::aws::call::{Call, Times};
use crate::sources::aws::executor::MOST;
use crate::sources::aws::schedule::Seeds;

/// How many questions it will be, as far as can be told beforehand: a queue has some five rules, a role some three policies.
pub(super) fn count(seeds: &Seeds, gather_scope: &GatherScope) -> usize {
    let target =
        Target { context: String::new(), cluster: ClusterId::FILES, profile: None, region: None, account: None };
    commands(&target, seeds, gather_scope).lines().filter(|line| line.starts_with("aws ")).count()
}

/// The commands, those first that need no answer of another.
pub(super) fn commands(target: &Target, seeds: &Seeds, gather_scope: &GatherScope) -> String {
    let now = "now".to_owned();
    let times = Times { from: "A_WEEK_AGO".into(), to: now.to_ascii_uppercase() };
    let mut text = String::new();
    let whose = if target.context.is_empty() { String::new() } else { format!(" for context {}", target.context) };
    let _ = writeln!(text, "# What --aws asks{whose}, read-only, at most {MOST} calls. Nothing was run.");
    let _ = writeln!(
        text,
        "# account {}, region {}, profile {}",
        target.account.as_deref().unwrap_or("of the login"),
        target.region.as_deref().unwrap_or("of the profile"),
        target.profile.as_deref().unwrap_or("of the environment")
    );
    let globals = [("--region", &target.region), ("--profile", &target.profile)];
    let globals: String = globals
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!(" {name} {}", call::quoted(value))))
        .collect();
    let line = |call: &Call| format!("{}{globals} --output json", call::line(&call.arguments(&times)));
    let _ = writeln!(text, "{}", line(&Call { operation: &aws_calls::IDENTITY, values: vec![] }));
    let mut seen = BTreeSet::new();
    let mut later = VecDeque::new();
    for (topic, values) in &seeds.topics {
        for operation in aws_calls::about(gather_scope, *topic) {
            let call = Call { operation, values: values.clone() };
            if seen.insert(call.key()) {
                let _ = writeln!(text, "{}", line(&call));
                later.extend(led_to(&call));
            }
        }
    }
    let mut lines = vec![];
    let mut topics = BTreeSet::new();
    while let Some((topic, values)) = later.pop_front() {
        if !topics.insert((topic, values.clone())) {
            continue;
        }
        for operation in aws_calls::about(gather_scope, topic) {
            let call = Call { operation, values: values.clone() };
            if seen.insert(call.key()) {
                lines.push(line(&call));
                later.extend(led_to(&call));
            }
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(text, "# For each that these answers name (words in capitals stand for it), once:");
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// What a call leads to, with words in place of the values.
fn led_to(call: &Call) -> Vec<(Topic, Vec<String>)> {
    let led = |lead: &aws_calls::Lead| {
        let mut values: Vec<String> = call.values.iter().take(lead.keep).cloned().collect();
        values.extend(lead.to.placeholders().iter().skip(lead.keep).map(|word| (*word).to_owned()));
        (lead.to, values)
    };
    call.operation.leads.iter().map(led).collect()
}
