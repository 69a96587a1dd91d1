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

use crate::interruption::{self, listens};
use crate::versions::{Minor, version};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "This version of Karpenter ignores a setting",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    uses: &[interruption::READS],
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
    let Ok(settings) = controller.each("/Settings").collect::<Result<Vec<_>, _>>() else {
        // What the settings are is not known at all.
        return skip();
    };
    let version = version(controller).ok().flatten();
    let mut findings: Vec<Finding> = settings.iter().filter_map(|setting| ignored(setting, version)).collect();
    for (form, what) in [("arn:*", "an ARN"), ("https://*", "a URL"), ("http://*", "a URL")] {
        if controller.matches(QUEUE, form).is_yes() {
            let message = format!(
                "The interruption queue of {} is given as {what}: Karpenter expects a name and finds no such queue, so the controller does not start or handles no interruptions",
                controller.name()
            );
            findings.push(fail(QUEUE, message).remedy(
                "Give the queue's name: the part after the last colon of its ARN, or after the last slash of its URL.",
            ).group(what));
        }
    }
    found(findings)
}

fn ignored(setting: &Field, version: Option<Minor>) -> Option<Finding> {
    let name = setting.name();
    if name == "interruptionQueueName" {
        let why = "no version of the chart has ever had it";
        return Some(queue_ignored(setting, "settings.interruptionQueueName", why));
    }
    let (_, since, until) = VERSIONS.iter().find(|(known, ..)| *known == name)?;
    let version = version?;
    if version < *since && setting.is_absent() || setting.is("") {
        return None;
    }
    let (major, minor) = version;
    if version < *since {
        let (a, b) = since;
        let why = format!("it exists from {a}.{b} on, and this is {major}.{minor}");
        return Some(match name.as_str() {
            "interruptionQueue" => queue_ignored(setting, "settings.interruptionQueue", &why),
            name => quietly(setting, name, &why),
        });
    }
    if until.is_some_and(|until| version >= until) {
        let why = format!("settings.aws is ignored from 0.33 on, and this is {major}.{minor}");
        let queue = setting.child("interruptionQueueName");
        return match queue.value() {
            Value::Absent => setting.each().known().next().map(|first| quietly(&first, "aws", &why)),
            Value::Text(text) if text.is_empty() => None,
            _ => Some(queue_ignored(&queue, "settings.aws.interruptionQueueName", &why)),
        };
    }
    None
}

/// The queue's setting is ignored: bad where there is a queue, or rules that send to one.
fn queue_ignored(setting: &Field, called: &str, why: &str) -> Finding {
    let controller = setting.item();
    let set = controller.known_text(QUEUE).is_some_and(|queue| !queue.is_empty());
    // The very queue that the setting names is meant for Karpenter, even where it has neither a policy nor rules yet.
    let meant =
        |queue: &Item| setting.same(&queue.field("/QueueName")).is_yes() || setting.same(&queue.field("@arn")).is_yes();
    let queues = || select("AWS::SQS::Queue").known();
    let queue = queues().find(meant).or_else(|| queues().find(|queue| interruption::queue(*queue).is_some()));
    let there = queue.or_else(|| select("AWS::Events::Rule").known().find(|rule| listens(*rule)));
    let loss = if set {
        "the queue is set elsewhere, so this line does nothing".to_owned()
    } else {
        match queue {
            Some(queue) => format!("Karpenter does not read the queue {} and handles no interruption", queue.name()),
            None => "Karpenter reads no queue and handles no interruption".to_owned(),
        }
    };
    let finding = fail(setting, format!("Controller {} sets {called}, which is ignored: {why}; {loss}", controller.name()))
        .remedy("Set settings.interruptionQueue (up to 0.31: settings.aws.interruptionQueueName) to the queue's name, and remove this one.")
        .related(there.map(|there| there.place("", "what nothing reads from")));
    if !set && there.is_some() { finding } else { finding.severity(Warning) }
}

fn quietly(setting: &Field, name: &str, why: &str) -> Finding {
    let message = format!("Controller {} sets settings.{name}, which is ignored: {why}", setting.item().name());
    fail(setting, message).severity(Info).remedy("Remove it, or use the setting that this version has.")
}
