//! ## What it finds
//!
//! A setting of Karpenter's chart that the controller's version ignores, or an ARN or URL where the interruption queue's
//! name belongs.
//!
//! ## Why it matters
//!
//! Helm accepts any value. `settings.interruptionQueueName` looks right and was never a setting; what stood below
//! `settings.aws` moved up with 0.32 and is ignored from 0.33 on. The controller then runs without interruption handling,
//! and says nothing about it.
//!
//! ## How to fix it
//!
//! From 0.32 on the name of the queue (not its ARN, not its URL) belongs into `settings.interruptionQueue`, up to 0.31 into
//! `settings.aws.interruptionQueueName`.
//!
//! ## Example that fails
//!
//! ```yaml
//! settings:
//!   clusterName: prod
//!   interruptionQueueName: prod
//! controller:
//!   image: {repository: public.ecr.aws/karpenter/controller, tag: 1.8.7}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! settings:
//!   clusterName: prod
//!   interruptionQueue: prod
//! controller:
//!   image: {repository: public.ecr.aws/karpenter/controller, tag: 1.8.7}
//! ```
//!
//! ## Sources
//!
//! - charts/karpenter/values.yaml of <https://github.com/aws/karpenter-provider-aws> at each release.
//! - <https://github.com/aws/karpenter-provider-aws/issues/7124>, <https://github.com/eksctl-io/eksctl/pull/8844>: the setting that never was.
//! - <https://github.com/aws/karpenter-provider-aws/issues/6024>: an ARN where the name belongs.

use crate::karpenter::{Minor, interruption, is_karpenters, version};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "queue",
    title: "A setting that this version of Karpenter ignores",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    reads: &["AWS::SQS::Queue", "AWS::Events::Rule"],
    check,
    ..Rule::DEFAULT
};

const QUEUE: &str = "/InterruptionQueue";

/// Settings that are not there in every version: the first that has it, and the first that has it no more.
const VERSIONS: &[(&str, Minor, Option<Minor>)] = &[
    ("interruptionQueue", (0, 32), None),
    ("aws", (0, 19), Some((0, 33))),
    ("clusterName", (0, 32), None),
    ("clusterEndpoint", (0, 32), None),
    ("featureGates", (0, 27), None),
    ("eksControlPlane", (1, 0), None),
    ("preferencePolicy", (1, 3), None),
    ("minValuesPolicy", (1, 6), None),
    ("enableZonalShift", (1, 12), None),
];

fn check(controller: Item) -> Check {
    let settings = controller.find("/Settings/*");
    if settings.iter().any(|field| field.at == "/Settings") {
        // What the settings are is not known at all.
        return skip();
    }
    let version = version(controller).ok().flatten();
    let mut findings: Vec<Finding> = settings.iter().filter_map(|field| ignored(controller, field, version)).collect();
    for form in ["arn:*", "https://*", "http://*"] {
        if controller.matches(QUEUE, form) == Answer::Yes {
            findings.push(
                fail(
                    Error,
                    QUEUE,
                    format!("The interruption queue of {} is given as {}: Karpenter takes its name and finds no such queue, so the controller does not start or handles no interruption", controller.name(), if form == "arn:*" { "an ARN" } else { "a URL" }),
                )
                .remedy("Give the queue's name: what stands behind the last colon of its ARN, or the last slash of its URL."),
            );
        }
    }
    found(findings)
}

fn ignored(controller: Item, field: &Field, version: Option<Minor>) -> Option<Finding> {
    let name = field.at.rsplit('/').next()?;
    if name == "interruptionQueueName" {
        return Some(queue_ignored(
            controller,
            &field.at,
            "settings.interruptionQueueName",
            "no version of the chart has ever known it",
        ));
    }
    let (_, since, until) = VERSIONS.iter().find(|(known, ..)| *known == name)?;
    let version = version?;
    if version < *since && matches!(field.value, Value::Absent)
        || matches!(&field.value, Value::Text(text) if text.is_empty())
    {
        return None;
    }
    let (major, minor) = version;
    if version < *since {
        let (a, b) = since;
        let why = format!("it exists from {a}.{b} on, and this is {major}.{minor}");
        return Some(match name {
            "interruptionQueue" => queue_ignored(controller, &field.at, "settings.interruptionQueue", &why),
            _ => quietly(controller, &field.at, name, &why),
        });
    }
    if until.is_some_and(|until| version >= until) {
        let why = format!("what stands below settings.aws is ignored from 0.33 on, and this is {major}.{minor}");
        let queue = format!("{}/interruptionQueueName", field.at);
        return match controller.get(&queue) {
            Value::Absent => controller
                .find(&format!("{}/*", field.at))
                .first()
                .map(|first| quietly(controller, &first.at, "aws", &why)),
            Value::Text(text) if text.is_empty() => None,
            _ => Some(queue_ignored(controller, &queue, "settings.aws.interruptionQueueName", &why)),
        };
    }
    None
}

/// The queue's setting is ignored: bad where there is a queue, or rules that send to one.
fn queue_ignored(controller: Item, pointer: &str, setting: &str, why: &str) -> Finding {
    let set = controller.text(QUEUE).is_ok_and(|queue| queue.is_some_and(|queue| !queue.is_empty()));
    let queue = select("AWS::SQS::Queue").given().find(|queue| interruption(*queue).is_some());
    let rule = select("AWS::Events::Rule").given().find(|rule| is_karpenters(*rule));
    let there = queue.or(rule);
    let severity = if !set && there.is_some() { Error } else { Warning };
    let loss = if set {
        "the queue is set elsewhere, so this line does nothing".to_owned()
    } else {
        match queue {
            Some(queue) => format!("Karpenter does not read the queue {} and handles no interruption", queue.name()),
            None => "Karpenter reads no queue and handles no interruption".to_owned(),
        }
    };
    let finding = fail(severity, pointer, format!("Controller {} sets {setting}, which is ignored: {why}; {loss}", controller.name()))
        .remedy("Set settings.interruptionQueue (up to 0.31: settings.aws.interruptionQueueName) to the queue's name, and remove this one.");
    match there {
        Some(there) => finding.see([there.place("", "what nobody reads from")]),
        None => finding,
    }
}

fn quietly(controller: Item, pointer: &str, name: &str, why: &str) -> Finding {
    fail(Info, pointer, format!("Controller {} sets settings.{name}, which is ignored: {why}", controller.name()))
        .remedy("Remove it, or use the setting that this version has.")
}
