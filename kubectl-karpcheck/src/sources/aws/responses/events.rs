//! EventBridge.

use crate::inventory::reason::Answers;
use crate::inventory::{List, LookupResult, Map, Node, Reason, Text, Value};
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::reader::{
    ResponseReader, Subject, bare, is_list, not_given, nothing_missing, text_of,
};
use crate::sources::mapping::{Rows, row};

const RULE: &str = "AWS::Events::Rule";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "events",
        name: "list-rules",
        members: &["Rules"],
        // Other services have rules, too, without an ARN of EventBridge.
        fits: |node| {
            is_list(node, "Rules", "Name")
                && node.member("Rules").is_some_and(|rules| {
                    rules
                        .elements()
                        .iter()
                        .all(|rule| text_of(rule.member("Arn")).is_some_and(|arn| arn.contains(":events:")))
                })
        },
        read: rules,
        unavailable: |reader, reason| reader.record(RULE, LookupResult::Unavailable(reason.clone())),
        missing: nothing_missing,
    },
    Operation {
        service: "events",
        name: "describe-rule",
        members: &["Name", "Arn", "State"],
        fits: |node| text_of(node.member("Arn")).is_some_and(|arn| arn.contains(":events:")),
        read: |reader, node| rule(reader, node),
        unavailable: |reader, reason| unavailable(reader, "name", &["EventPattern", "State"], reason),
        missing: |reader| reader.none_called(RULE, "name"),
    },
    Operation {
        service: "events",
        name: "list-targets-by-rule",
        members: &["Targets"],
        fits: |node| is_list(node, "Targets", "Arn"),
        read: targets,
        unavailable: |reader, reason| unavailable(reader, "rule", &["Targets"], reason),
        missing: |reader| reader.none_called(RULE, "rule"),
    },
    Operation {
        service: "events",
        name: "list-rule-names-by-target",
        members: &["RuleNames"],
        fits: |node| node.member("RuleNames").is_some_and(|list| matches!(list.value, Value::List(_))),
        read: names,
        unavailable: |reader, reason| reader.record(RULE, LookupResult::Unavailable(reason.clone())),
        missing: nothing_missing,
    },
];

const FIELDS: Rows = &[
    row("Name", "Name"),
    row("EventPattern", "EventPattern"),
    row("State", "State"),
    row("EventBusName", "EventBusName"),
    row("ScheduleExpression", "ScheduleExpression"),
    row("Description", "Description"),
    row("RoleArn", "RoleArn"),
];

fn rules(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(list) = node.member("Rules") else { return };
    list.elements().iter().for_each(|one| rule(reader, one));
    let narrowed = reader.asked.option("name-prefix").is_some() || reader.asked.option("event-bus-name").is_some();
    if reader.asked.operation == "list-rules"
        && !narrowed
        && ResponseReader::whole(node)
        && reader.asked.region.is_some()
    {
        reader.record(RULE, LookupResult::Complete);
    }
}

fn rule(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(arn) = text_of(node.member("Arn")) else { return };
    let subject = Subject::named(arn);
    let mut map = reader.fields(RULE, node, FIELDS);
    map.set("Targets", not_given(Answers::Targets { rule: subject.name.as_str().into() }, node.at));
    reader.resource(RULE, subject, map, node.at);
}

fn targets(reader: &mut ResponseReader<'_>, node: &Node) {
    let (Some(list), Some(subject)) = (node.member("Targets"), asked_for(reader, "rule")) else {
        return reader.nameless(
            "events list-targets-by-rule",
            "which rule it is about",
            "list-targets-by-rule--RULE.json",
            node.at,
        );
    };
    let mut map = Map::default();
    map.set("Targets", list.clone());
    reader.part(RULE, subject, map, node.at);
}

/// The rules that send to a queue: each exists and has it as a target, of which no more is known.
fn names(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(target) = reader.asked.option("target-arn").filter(|arn| arn.starts_with("arn:")).map(str::to_owned)
    else {
        return reader.nameless(
            "events list-rule-names-by-target",
            "which target it is about",
            "list-targets-by-rule--RULE.json for each rule",
            node.at,
        );
    };
    for name in node.member("RuleNames").map(Node::elements).unwrap_or_default() {
        let Some(rule) = name.as_str() else { continue };
        let reason = || {
            Some(Box::new(Reason::new(crate::inventory::Cause::NotProvided, Answers::Targets { rule: rule.into() })))
        };
        let entries = vec![(Text::from("Arn"), Node::text(target.as_str(), name.at))];
        let one = Node::new(Value::Map(Map { entries, more: reason() }), name.at);
        let mut map = Map::default();
        map.set("Name", name.clone());
        map.set("Targets", Node::new(Value::List(List { items: vec![one], more: reason() }), name.at));
        for property in ["EventPattern", "State"] {
            map.set(property, not_given(Answers::Pattern { rule: rule.into() }, name.at));
        }
        let subject = of_name(reader, rule);
        reader.resource(RULE, subject, map, name.at);
    }
    if ResponseReader::whole(node) {
        reader.record(RULE, LookupResult::CompleteFor(target));
    }
}

/// A rule that was asked for, by its name and bus.
fn asked_for(reader: &ResponseReader<'_>, option: &str) -> Option<Subject> {
    let name = reader.asked.option(option)?;
    Some(if name.starts_with("arn:") { Subject::named(name) } else { of_name(reader, name) })
}

fn of_name(reader: &ResponseReader<'_>, name: &str) -> Subject {
    let bus = reader.asked.option("event-bus-name").filter(|bus| !bus.ends_with("default"));
    match bus.and_then(|bus| bus.rsplit('/').next()) {
        // On a bus of one's own the ARN has it: rule/BUS/NAME.
        Some(bus) => bare(&format!("{bus}/{name}"), name.to_owned()),
        None => bare(name, name.to_owned()),
    }
}

fn unavailable(reader: &mut ResponseReader<'_>, option: &str, properties: &[&str], reason: &Reason) {
    if let Some(subject) = asked_for(reader, option) {
        reader.unknown(RULE, subject, properties, reason);
    }
}
