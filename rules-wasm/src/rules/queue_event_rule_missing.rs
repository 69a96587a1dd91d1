//! ## What it finds
//!
//! An event that this version of Karpenter handles and that no EventBridge rule sends to the interruption queue: the rule
//! is missing, disabled, misspelt, on a custom event bus, or changes what it sends.
//!
//! ## Why it matters
//!
//! Without the spot rule a node is gone two minutes after a warning that nobody passed on: its pods are not moved. The
//! others tell of instances that stop, of scheduled maintenance and of rebalance recommendations. A rule with a typing
//! error in its pattern is accepted and never matches anything.
//!
//! ## How to fix it
//!
//! Add the rule as Karpenter's template has it: pattern, default event bus, the queue's ARN as its only target, and
//! neither `Input`, `InputPath` nor `InputTransformer`, since Karpenter reads the event as AWS sends it.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, SqsManagedSseEnabled: true}
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern:
//!         source: [aws.ec2]
//!         detail-type: [EC2 Spot Instance Interruption Warning]
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   InstanceStateChangeRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern:
//!         source: [aws.ec2]
//!         detail-type: [C2 Instance State-change Notification]
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! Resources:
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, SqsManagedSseEnabled: true}
//!   ScheduledChangeRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.health], detail-type: [AWS Health Event]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   RebalanceRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Instance Rebalance Recommendation]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   InstanceStateChangeRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Instance State-change Notification]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//! ```
//!
//! ## Sources
//!
//! - The parsers in pkg/controllers/interruption/messages of <https://github.com/aws/karpenter-provider-aws>: exact matches on source and detail-type.
//! - The CloudFormation template of the getting started guide at each release: the first four rules since 0.19, the fifth since 1.10.0.
//! - aws-quickstart/cdk-eks-blueprints, lib/addons/karpenter: `C2 Instance State-change Notification`, the real misspelling above.

use crate::karpenter::{Minor, Spot, interruption, spot, version_for};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "queue",
    title: "An event that Karpenter handles is not sent to the interruption queue",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::Events::Rule", "Karpcheck::Controller", "karpenter.sh/NodePool", "karpenter.sh/Provisioner"],
    check,
    ..Rule::DEFAULT
};

/// An event that Karpenter handles.
struct Event {
    source: &'static str,
    detail_type: &'static str,
    since: Minor,
    /// What is lost without it.
    loss: &'static str,
}

const EVENTS: &[Event] = &[
    Event {
        source: "aws.ec2",
        detail_type: "EC2 Spot Instance Interruption Warning",
        since: (0, 19),
        loss: "spot nodes are taken away without being drained",
    },
    Event {
        source: "aws.ec2",
        detail_type: "EC2 Instance State-change Notification",
        since: (0, 19),
        loss: "pods on instances that stop or terminate are moved minutes later",
    },
    Event {
        source: "aws.health",
        detail_type: "AWS Health Event",
        since: (0, 19),
        loss: "nodes are not drained before scheduled maintenance",
    },
    Event {
        source: "aws.ec2",
        detail_type: "EC2 Instance Rebalance Recommendation",
        since: (0, 19),
        loss: "rebalance recommendations are not shown as events",
    },
    Event {
        source: "aws.ec2",
        detail_type: "EC2 Capacity Reservation Instance Interruption Warning",
        since: (1, 10),
        loss: "nodes on capacity reservations that end are not drained",
    },
];

fn check(queue: Item) -> Check {
    let Some(confidence) = interruption(queue) else { return skip() };
    let links = queue.referrers("AWS::Events::Rule");
    let senders: Vec<(Item, &str)> = links.iter().filter_map(|link| Some((link.given()?, link.at.as_str()))).collect();
    // That there may be more is no reason to wait while some are given: they are kept in one place.
    let open = links.iter().find_map(|link| match &link.item {
        Found::Unknown(unknown) if senders.is_empty() || unknown.cause != "not-provided" => Some(unknown.clone()),
        _ => None,
    });
    let version = version_for(queue);
    let mut findings = vec![];
    let mut undecided = None;
    for event in EVENTS.iter().filter(|event| event.since <= version.unwrap_or((0, 19))) {
        match delivery(event, &senders) {
            Delivery::Sent => {}
            Delivery::Unknown(unknown) => undecided = undecided.or(Some(unknown)),
            Delivery::Lost(near) => match &open {
                Some(unknown) => undecided = undecided.or_else(|| Some(unknown.clone())),
                None => findings.push(missing(queue, event, near, confidence)),
            },
        }
    }
    match (findings.is_empty(), undecided) {
        (true, Some(unknown)) => Err(unknown),
        _ => found(findings),
    }
}

enum Delivery {
    Sent,
    /// By no rule; the rule that comes nearest, and what is wrong with it.
    Lost(Option<(Item, String, String)>),
    Unknown(Unknown),
}

fn delivery(event: &Event, senders: &[(Item, &str)]) -> Delivery {
    let (mut near, mut open) = (None, None);
    for (rule, at) in senders {
        match listens(*rule, event) {
            Ok(true) => match hindrance(*rule, event, at) {
                Ok(None) => return Delivery::Sent,
                Ok(Some((pointer, what))) => near = Some((*rule, pointer, what)),
                Err(unknown) => open = Some(unknown),
            },
            Ok(false) => {
                if let (None, Some((pointer, text))) = (&near, misspelt(*rule, event)) {
                    near = Some((*rule, pointer, format!("listens for `{text}`, which AWS never sends")));
                }
            }
            Err(unknown) => open = Some(unknown),
        }
    }
    match open {
        Some(unknown) => Delivery::Unknown(unknown),
        None => Delivery::Lost(near),
    }
}

/// Does the rule's pattern match the event?
fn listens(rule: Item, event: &Event) -> Result<bool, Unknown> {
    let names = |field: &str, wanted: &str| -> Result<bool, Unknown> {
        let values = rule.find(&format!("/EventPattern/{field}/*"));
        if values.is_empty() {
            // A field that the pattern does not name matches anything.
            return match rule.get(&format!("/EventPattern/{field}")) {
                Value::Absent => Ok(rule.get("/EventPattern") != Value::Absent),
                Value::Unknown(unknown) => Err(unknown),
                _ => Ok(false),
            };
        }
        let mut open = None;
        for value in values {
            match value.value {
                Value::Text(text) if text == wanted => return Ok(true),
                Value::Unknown(unknown) => open = Some(unknown),
                // A matcher: `{"prefix": "EC2 "}`.
                Value::Json(_) => match rule.text(&format!("{}/prefix", value.at))? {
                    Some(prefix) if wanted.starts_with(&prefix) => return Ok(true),
                    Some(_) => {}
                    None => open = Some(Unknown::undecidable("the pattern has a matcher that karpcheck does not know")),
                },
                _ => {}
            }
        }
        open.map_or(Ok(false), Err)
    };
    Ok(names("source", event.source)? && names("detail-type", event.detail_type)?)
}

/// Why a rule that listens for the event does not deliver it as it is.
fn hindrance(rule: Item, event: &Event, target: &str) -> Result<Option<(String, String)>, Unknown> {
    if rule.text("/State")?.is_some_and(|state| state == "DISABLED") {
        return Ok(Some(("/State".into(), "is disabled".into())));
    }
    if let Some(bus) = rule.text("/EventBusName")?
        && bus != "default"
        && !bus.ends_with(":event-bus/default")
    {
        return Ok(Some((
            "/EventBusName".into(),
            format!("is on the event bus {bus}, where AWS's events do not arrive"),
        )));
    }
    if let Some(lost) = filtered(rule, event)? {
        return Ok(Some(lost));
    }
    let target = target.trim_end_matches("/Arn");
    for field in ["Input", "InputPath", "InputTransformer"] {
        let pointer = format!("{target}/{field}");
        if rule.get(&pointer) != Value::Absent {
            return Ok(Some((pointer, format!("changes the event ({field}), so that Karpenter cannot read it"))));
        }
    }
    Ok(None)
}

/// What of the event the rule's pattern keeps out. Karpenter itself takes of the health events only the scheduled changes of
/// EC2, and of the state changes only those to the four states below: a pattern that lets these through loses nothing.
fn filtered(rule: Item, event: &Event) -> Result<Option<(String, String)>, Unknown> {
    for field in rule.find("/EventPattern/*") {
        if !["/EventPattern/source", "/EventPattern/detail-type", "/EventPattern/detail"].contains(&field.at.as_str()) {
            return Err(Unknown::undecidable(format!(
                "whether the filter {} of the rule {} lets it through",
                field.at,
                rule.name()
            )));
        }
    }
    let (health, state) = ("AWS Health Event", "EC2 Instance State-change Notification");
    let needed: &[(&str, &str, &[&str])] = &[
        (health, "/EventPattern/detail/service", &["EC2"]),
        (health, "/EventPattern/detail/eventTypeCategory", &["scheduledChange"]),
        (state, "/EventPattern/detail/state", &["stopping", "stopped", "shutting-down", "terminated"]),
    ];
    for field in rule.find("/EventPattern/detail/*") {
        let Some((_, _, wanted)) = needed.iter().find(|(of, at, _)| *of == event.detail_type && *at == field.at) else {
            return Err(Unknown::undecidable(format!(
                "whether the filter {} of the rule {} lets it through",
                field.at,
                rule.name()
            )));
        };
        let let_through = rule.find(&format!("{}/*", field.at));
        let lost: Vec<&str> = wanted
            .iter()
            .filter(|wanted| !let_through.iter().any(|value| value.value == Value::Text((**wanted).into())))
            .copied()
            .collect();
        if !lost.is_empty() {
            return Ok(Some((field.at, format!("keeps out {}", lost.join(", ")))));
        }
    }
    Ok(None)
}

/// A detail type of the rule that is nearly the event's.
fn misspelt(rule: Item, event: &Event) -> Option<(String, String)> {
    let near = |text: &str| text != event.detail_type && distance(text, event.detail_type) <= 3;
    rule.find("/EventPattern/detail-type/*").into_iter().find_map(|field| match field.value {
        Value::Text(text) if near(&text) => Some((field.at, text)),
        _ => None,
    })
}

/// How many letters differ (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.chars().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

fn missing(queue: Item, event: &Event, near: Option<(Item, String, String)>, confidence: Confidence) -> Finding {
    let severity = match (event.detail_type, spot(queue)) {
        ("EC2 Spot Instance Interruption Warning", Spot::Admitted(_)) => Error,
        ("EC2 Spot Instance Interruption Warning", Spot::NoPools) => Warning,
        ("EC2 Instance State-change Notification" | "AWS Health Event", _) => Warning,
        _ => Info,
    };
    let why = match &near {
        Some((rule, _, what)) => format!("the EventBridge rule {} {what}", rule.name()),
        None => "no EventBridge rule sends it".to_owned(),
    };
    let finding = fail(severity, "", format!("Queue {} does not receive `{}`: {why}, so {}", queue.name(), event.detail_type, event.loss))
        .confidence(confidence)
        .remedy(format!(
            "Let an EventBridge rule on the default bus send it: source {}, detail-type `{}`, with the queue's ARN as the target and no input transformation.",
            event.source, event.detail_type
        ))
        .property("source", event.source)
        .property("detail-type", event.detail_type);
    match near {
        Some((rule, pointer, what)) => finding.see([rule.place(pointer, what)]),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_misspelling_is_near() {
        assert_eq!(distance("C2 Instance State-change Notification", "EC2 Instance State-change Notification"), 1);
        assert!(distance("EC2 Instance Rebalance Recommendation", "EC2 Spot Instance Interruption Warning") > 3);
    }
}
