//! EventBridge.

use crate::inventory::{List, LookupResult, Map, Node, Reason, Text, Value};
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    ResponseReader, Subject, bare, is_list, missing_nothing, not_given, text_of,
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
        take: rules,
        untold: |taker, reason| taker.told(RULE, LookupResult::Unavailable(reason.clone())),
        missing: missing_nothing,
    },
    Operation {
        service: "events",
        name: "describe-rule",
        members: &["Name", "Arn", "State"],
        fits: |node| text_of(node.member("Arn")).is_some_and(|arn| arn.contains(":events:")),
        take: |taker, node| rule(taker, node),
        untold: |taker, reason| untold(taker, "name", &["EventPattern", "State"], reason),
        missing: |taker| taker.none_called(RULE, "name"),
    },
    Operation {
        service: "events",
        name: "list-targets-by-rule",
        members: &["Targets"],
        fits: |node| is_list(node, "Targets", "Arn"),
        take: targets,
        untold: |taker, reason| untold(taker, "rule", &["Targets"], reason),
        missing: |taker| taker.none_called(RULE, "rule"),
    },
    Operation {
        service: "events",
        name: "list-rule-names-by-target",
        members: &["RuleNames"],
        fits: |node| node.member("RuleNames").is_some_and(|list| matches!(list.value, Value::List(_))),
        take: names,
        untold: |taker, reason| taker.told(RULE, LookupResult::Unavailable(reason.clone())),
        missing: missing_nothing,
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

fn rules(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(list) = node.member("Rules") else { return };
    list.elements().iter().for_each(|one| rule(taker, one));
    let narrowed = taker.asked.option("name-prefix").is_some() || taker.asked.option("event-bus-name").is_some();
    if taker.asked.operation == "list-rules" && !narrowed && ResponseReader::whole(node) && taker.asked.region.is_some()
    {
        taker.told(RULE, LookupResult::Complete);
    }
}

fn rule(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(arn) = text_of(node.member("Arn")) else { return };
    let subject = Subject::named(arn);
    let mut map = taker.fields(RULE, node, FIELDS);
    map.set("Targets", not_given(format!("the targets of rule {} were not given", subject.name), node.at));
    taker.resource(RULE, subject, map, node.at);
}

fn targets(taker: &mut ResponseReader<'_>, node: &Node) {
    let (Some(list), Some(subject)) = (node.member("Targets"), asked_for(taker, "rule")) else {
        return taker.nameless(
            "events list-targets-by-rule",
            "which rule it is about",
            "list-targets-by-rule--RULE.json",
            node.at,
        );
    };
    let mut map = Map::default();
    map.set("Targets", list.clone());
    taker.part(RULE, subject, map, node.at);
}

/// The rules that send to a queue: each exists and has it as a target, of which no more is known.
fn names(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(target) = taker.asked.option("target-arn").filter(|arn| arn.starts_with("arn:")).map(str::to_owned) else {
        return taker.nameless(
            "events list-rule-names-by-target",
            "which target it is about",
            "list-targets-by-rule--RULE.json for each rule",
            node.at,
        );
    };
    for name in node.member("RuleNames").map(Node::elements).unwrap_or_default() {
        let Some(rule) = name.as_str() else { continue };
        let reason = || {
            Some(Box::new(Reason::new(
                crate::inventory::Cause::NotProvided,
                format!("the targets of rule {rule} were not given"),
            )))
        };
        let entries = vec![(Text::from("Arn"), Node::text(target.as_str(), name.at))];
        let one = Node::new(Value::Map(Map { entries, more: reason() }), name.at);
        let mut map = Map::default();
        map.set("Name", name.clone());
        map.set("Targets", Node::new(Value::List(List { items: vec![one], more: reason() }), name.at));
        for property in ["EventPattern", "State"] {
            map.set(property, not_given(format!("what rule {rule} listens for was not given"), name.at));
        }
        let subject = of_name(taker, rule);
        taker.resource(RULE, subject, map, name.at);
    }
    if ResponseReader::whole(node) {
        taker.told(RULE, LookupResult::CompleteFor(target));
    }
}

/// A rule that was asked for, by its name and bus.
fn asked_for(taker: &ResponseReader<'_>, option: &str) -> Option<Subject> {
    let name = taker.asked.option(option)?;
    Some(if name.starts_with("arn:") { Subject::named(name) } else { of_name(taker, name) })
}

fn of_name(taker: &ResponseReader<'_>, name: &str) -> Subject {
    let bus = taker.asked.option("event-bus-name").filter(|bus| !bus.ends_with("default"));
    match bus.and_then(|bus| bus.rsplit('/').next()) {
        // On a bus of one's own the ARN has it: rule/BUS/NAME.
        Some(bus) => bare(&format!("{bus}/{name}"), name.to_owned()),
        None => bare(name, name.to_owned()),
    }
}

fn untold(taker: &mut ResponseReader<'_>, option: &str, properties: &[&str], reason: &Reason) {
    if let Some(subject) = asked_for(taker, option) {
        taker.unknown(RULE, subject, properties, reason);
    }
}
