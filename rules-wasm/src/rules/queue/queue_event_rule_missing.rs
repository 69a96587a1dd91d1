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
//!       Targets: [{Id: KarpenterInterruptionQueueTarget, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   InstanceStateChangeRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern:
//!         source: [aws.ec2]
//!         detail-type: [C2 Instance State-change Notification]
//!       Targets: [{Id: KarpenterInterruptionQueueTarget, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
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
//!       Targets: [{Id: KarpenterInterruptionQueueTarget, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: KarpenterInterruptionQueueTarget, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   RebalanceRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Instance Rebalance Recommendation]}
//!       Targets: [{Id: KarpenterInterruptionQueueTarget, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   InstanceStateChangeRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Instance State-change Notification]}
//!       Targets: [{Id: KarpenterInterruptionQueueTarget, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//! ```
//!
//! ## Sources
//!
//! - The parsers in pkg/controllers/interruption/messages of <https://github.com/aws/karpenter-provider-aws>: exact matches on source and detail-type.
//! - The CloudFormation template of the getting started guide at each release: the first four rules since 0.19, the fifth since 1.10.0.
//! - aws-quickstart/cdk-eks-blueprints, lib/addons/karpenter: `C2 Instance State-change Notification`, the real misspelling above.

use crate::interruption::{self, EVENTS, Event, HEALTH, SPOT_INTERRUPTION, STATE_CHANGE};
use crate::spot::{self, Spot};
use crate::versions::{self, version_for};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "No EventBridge rule sends the interruption queue an event that Karpenter handles",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    uses: &[interruption::READS, versions::READS, spot::READS],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

fn check(queue: Item) -> Check {
    let links = queue.referrers("AWS::Events::Rule");
    let targets: Vec<&Field> = links.iter().filter(|link| link.known().is_some()).map(|link| &link.field).collect();
    // That there may be more is no reason to wait while some are given: they are kept in one place.
    let open = links.iter().find_map(|link| match &link.item {
        Lookup::Unknown(unknown) if targets.is_empty() || !unknown.is_not_provided() => Some(unknown.clone()),
        _ => None,
    });
    let version = version_for(queue);
    let mut findings = vec![];
    let mut undecided = None;
    for event in EVENTS.iter().filter(|event| event.since <= version.unwrap_or((0, 19))) {
        match delivery(event, &targets) {
            Delivery::Sent => {}
            Delivery::Unknown(unknown) => undecided = undecided.or(Some(unknown)),
            Delivery::Lost(near) => match &open {
                Some(unknown) => undecided = undecided.or_else(|| Some(unknown.clone())),
                None => findings.push(missing(queue, event, near)),
            },
        }
    }
    if !findings.is_empty()
        && let Some(unknown) = interruption::perhaps_not_read(queue)
    {
        return Err(unknown);
    }
    match (findings.is_empty(), undecided) {
        (true, Some(unknown)) => Err(unknown),
        _ => found(findings),
    }
}

enum Delivery {
    Sent,
    /// By no rule; what is wrong with the rule that comes nearest.
    Lost(Option<Hindrance>),
    Unknown(Unknown),
}

/// Why a rule does not deliver: the field that keeps it from it, and how.
struct Hindrance(Field, String);

fn delivery(event: &Event, targets: &[&Field]) -> Delivery {
    let (mut near, mut open) = (None, None);
    for target in targets {
        let rule = target.item();
        match listens(rule, event) {
            Ok(true) => match hindrance(target, event) {
                Ok(None) => return Delivery::Sent,
                Ok(hindrance) => near = hindrance,
                Err(unknown) => open = Some(unknown),
            },
            Ok(false) => near = near.or_else(|| misspelt(rule, event)),
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
    let pattern = rule.field("/EventPattern");
    Ok(names(&pattern, "source", event.source)? && names(&pattern, "detail-type", event.detail_type)?)
}

/// Does a field of the pattern let a value through?
fn names(pattern: &Field, field: &str, wanted: &str) -> Result<bool, Unknown> {
    let field = pattern.child(field);
    let values: Vec<_> = field.each().collect();
    if values.is_empty() {
        // A field that the pattern does not name matches anything.
        return if field.exists()? { Ok(false) } else { Ok(!pattern.is_absent()) };
    }
    let mut open = None;
    for value in values {
        let value = match value {
            Ok(value) => value,
            Err(unknown) => {
                open = Some(unknown);
                continue;
            }
        };
        match value.value() {
            Value::Text(text) if text == wanted => return Ok(true),
            Value::Unknown(unknown) => open = Some(unknown.clone()),
            // A matcher: `{"prefix": "EC2 "}`.
            Value::Json(_) => match value.child("prefix").text()? {
                Some(prefix) if wanted.starts_with(&prefix) => return Ok(true),
                Some(_) => {}
                None => {
                    let why = "the pattern has a matcher that karpcheck does not know";
                    open = Some(Unknown::undecidable(why).with_code("event-matcher"));
                }
            },
            _ => {}
        }
    }
    open.map_or(Ok(false), Err)
}

/// Why a rule that listens for the event does not deliver it as it is to its target.
fn hindrance(target: &Field, event: &Event) -> Result<Option<Hindrance>, Unknown> {
    let rule = target.item();
    let state = rule.field("/State");
    if state.text()?.is_some_and(|state| state == "DISABLED") {
        return Ok(Some(Hindrance(state, "is disabled".into())));
    }
    let named = rule.field("/EventBusName");
    if let Some(bus) = named.text()?
        && bus != "default"
        && !bus.ends_with(":event-bus/default")
    {
        return Ok(Some(Hindrance(named, format!("is on the event bus {bus}, which does not receive AWS's events"))));
    }
    if let Some(lost) = filtered(rule, event)? {
        return Ok(Some(lost));
    }
    let changed = ["Input", "InputPath", "InputTransformer"].map(|field| target.sibling(field));
    Ok(changed.into_iter().find(|field| !field.is_absent()).map(|field| {
        let what = format!("changes the event ({}), so that Karpenter cannot read it", field.name());
        Hindrance(field, what)
    }))
}

/// What of an event Karpenter itself takes: of the health events only the scheduled changes of EC2, and of the state changes
/// only those to the four states below. A pattern that lets these through loses nothing.
const NEEDED: &[(&str, &str, &[&str])] = &[
    (HEALTH, "service", &["EC2"]),
    (HEALTH, "eventTypeCategory", &["scheduledChange"]),
    (STATE_CHANGE, "state", &["stopping", "stopped", "shutting-down", "terminated"]),
];

/// What of the event the rule's pattern keeps out.
fn filtered(rule: Item, event: &Event) -> Result<Option<Hindrance>, Unknown> {
    let pattern = rule.field("/EventPattern");
    for field in pattern.each() {
        let field = field?;
        if !["source", "detail-type", "detail"].contains(&field.name().as_str()) {
            return Err(not_understood(&field));
        }
    }
    for field in pattern.child("detail").each() {
        let field = field?;
        let needed = NEEDED.iter().find(|(of, name, _)| *of == event.detail_type && *name == field.name());
        let Some((.., wanted)) = needed else { return Err(not_understood(&field)) };
        let passes = |wanted: &&&str| field.each().known().any(|value| value.is(wanted));
        let lost: Vec<&str> = wanted.iter().filter(|wanted| !passes(wanted)).copied().collect();
        if !lost.is_empty() {
            return Ok(Some(Hindrance(field, format!("keeps out {}", lost.join(", ")))));
        }
    }
    Ok(None)
}

fn not_understood(filter: &Field) -> Unknown {
    let why = format!("whether the filter {} of the rule {} lets it pass", filter.pointer(), filter.item().name());
    Unknown::undecidable(why)
}

/// A detail type of the rule that is nearly the event's.
fn misspelt(rule: Item, event: &Event) -> Option<Hindrance> {
    let near = |text: &str| text != event.detail_type && distance(text, event.detail_type) <= 3;
    rule.each("/EventPattern/detail-type").known().find_map(|field| {
        let text = field.known_text().filter(|text| near(text))?;
        Some(Hindrance(field, format!("listens for `{text}`, which AWS never sends")))
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

fn missing(queue: Item, event: &Event, near: Option<Hindrance>) -> Finding {
    let severity = match (event.detail_type, spot::spot(queue)) {
        (SPOT_INTERRUPTION, Spot::Admitted(_)) => Error,
        (SPOT_INTERRUPTION, Spot::NoPools) | (STATE_CHANGE | HEALTH, _) => Warning,
        _ => Info,
    };
    let why = match &near {
        Some(Hindrance(field, what)) => format!("the EventBridge rule {} {what}", field.item().name()),
        None => "no EventBridge rule sends it".to_owned(),
    };
    fail("", format!("Queue {} does not receive `{}`: {why}, so {}", queue.name(), event.detail_type, event.loss))
        .severity(severity)
        .remedy(format!(
            "Add an EventBridge rule on the default bus that sends it: source {}, detail-type `{}`, with the queue's \
             ARN as the target and no input transformation.",
            event.source, event.detail_type
        ))
        .related(near.map(|Hindrance(field, what)| field.place(what)))
        .group(event.detail_type)
        .property("source", event.source)
        .property("detail-type", event.detail_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_misspelling_is_near() {
        assert_eq!(distance("C2 Instance State-change Notification", STATE_CHANGE), 1);
        assert!(distance("EC2 Instance Rebalance Recommendation", SPOT_INTERRUPTION) > 3);
    }
}
