//! `collect`: the same questions as a POSIX shell script. Each answer becomes a file that says what was asked, of whom and
//! when; what depends on an earlier answer takes its words from it with `--query … --output text`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::schema::aws_calls;
use crate::schema::aws_calls::{Lead, Operation, Opt, Part, SPAN, Topic};
use crate::schema::kinds::GatherScope;
use crate::sources::aws::Target;
use crate::sources::aws::call::quoted;
use crate::sources::aws::executor::MOST;
use crate::sources::aws::schedule::Seeds;

/// What the script is made of, whatever is asked.
const HEAD: &str = include_str!("collect.sh");

/// The script for some contexts.
pub(super) fn write(parts: &[(Target, Seeds)], gather_scope: &GatherScope) -> String {
    let mut script = HEAD.replace("@MOST@", &MOST.to_string()).replace("@SPAN@", &SPAN.to_string());
    for topic in reachable(parts, gather_scope) {
        function(&mut script, topic, gather_scope);
    }
    for (target, seeds) in parts {
        let _ = writeln!(
            script,
            "\n# {}\nif begin {} {}; then",
            comment(&target.context),
            quoted(target.account.as_deref().unwrap_or_default()),
            quoted(target.region.as_deref().unwrap_or_default())
        );
        for (topic, values) in &seeds.topics {
            let _ = write!(script, "  {}", name(*topic));
            for value in values {
                let _ = write!(script, " {}", quoted(value));
            }
            script.push('\n');
        }
        script.push_str("fi\n");
    }
    script.push_str("finish\n");
    script
}

/// A stranger's text behind `#`.
fn comment(context: &str) -> String {
    if context.is_empty() { "from files".into() } else { format!("context {}", crate::sources::cluster::tidy(context)) }
}

/// The topics that the seeds lead to.
fn reachable(parts: &[(Target, Seeds)], gather_scope: &GatherScope) -> BTreeSet<Topic> {
    let mut topics: BTreeSet<Topic> =
        parts.iter().flat_map(|(_, seeds)| seeds.topics.iter().map(|seed| seed.0)).collect();
    loop {
        let led = topics
            .iter()
            .flat_map(|topic| aws_calls::about(gather_scope, *topic))
            .flat_map(|operation| operation.leads);
        let more: BTreeSet<Topic> = led.map(|lead| lead.to).filter(|to| !topics.contains(to)).collect();
        if more.is_empty() {
            return topics;
        }
        topics.extend(more);
    }
}

/// The name of a topic's function.
fn name(topic: Topic) -> String {
    let mut name = "about".to_owned();
    for char in format!("{topic:?}").chars() {
        if char.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(char.to_ascii_lowercase());
    }
    name
}

/// A function that asks everything about a topic, and follows what the answers name.
fn function(script: &mut String, topic: Topic, gather_scope: &GatherScope) {
    let name = name(topic);
    let _ = writeln!(script, "\n{name}() {{\n  once {name} \"$@\" || return 0");
    for operation in aws_calls::about(gather_scope, topic) {
        let words = arguments(operation);
        let leads: Vec<&Lead> =
            operation.leads.iter().filter(|lead| aws_calls::about(gather_scope, lead.to).next().is_some()).collect();
        if leads.is_empty() {
            let _ = writeln!(script, "  ask {words}");
            continue;
        }
        let _ = writeln!(script, "  if ask {words}; then");
        for lead in leads {
            let kept: String = (1..=lead.keep).map(|number| format!(" \"${number}\"")).collect();
            let cut = if lead.to == Topic::Role { "\"${found##*/}\"" } else { "\"$found\"" };
            let list = if lead.to == Topic::QueueUrl { "urls" } else { "names" };
            let _ = writeln!(
                script,
                "    for found in $({list} {} {words}); do {}{kept} {cut}; done",
                quoted(&lead.query()),
                self::name(lead.to)
            );
        }
        script.push_str("  fi\n");
    }
    script.push_str("}\n");
}

/// The arguments of an operation, with the function's parameters in them.
fn arguments(operation: &Operation) -> String {
    let mut words = format!("{} {}", operation.service, operation.name);
    for Opt { name, value } in operation.options {
        let _ = write!(words, " {name} ");
        for part in *value {
            match part {
                Part::Fixed(text) => words.push_str(&quoted(text)),
                Part::Value(number) => {
                    let _ = write!(words, "\"${}\"", number + 1);
                }
                Part::From => words.push_str("\"$from\""),
                Part::To => words.push_str("\"$to\""),
            }
        }
    }
    words
}
