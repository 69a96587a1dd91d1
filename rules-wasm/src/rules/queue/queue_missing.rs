//! ## What it finds
//!
//! A controller whose interruption queue does not exist: AWS was asked for a queue of that name, in the controller's account
//! and region, and has none.
//!
//! ## Why it matters
//!
//! Karpenter looks the queue up when it starts and fails with `creating sqs provider` and `QueueDoesNotExist`; older versions
//! run on without interruption handling, and no node is drained before it is gone.
//!
//! ## How to fix it
//!
//! Create the queue with its policy and its EventBridge rules, as Karpenter's CloudFormation template does, or set
//! `settings.interruptionQueue` to the name of the existing queue. It is looked up in the cluster's own account and
//! region.
//!
//! ## Example that fails
//!
//! ```yaml
//! # Two documents: the controller, and the answer of `aws sqs get-queue-url` as `kubectl karpcheck collect` keeps it.
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env: [{name: CLUSTER_NAME, value: prod}, {name: INTERRUPTION_QUEUE, value: prod}]
//! ---
//! karpcheck: aws-answer/v1
//! command: [aws, sqs, get-queue-url, --queue-name, prod]
//! account: "111122223333"
//! region: eu-west-1
//! at: "2026-11-24T07:00:00Z"
//! error: "An error occurred (AWS.SimpleQueueService.NonExistentQueue) when calling the GetQueueUrl operation: The specified queue does not exist."
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env: [{name: CLUSTER_NAME, value: prod}, {name: INTERRUPTION_QUEUE, value: prod}]
//! ---
//! AWSTemplateFormatVersion: "2010-09-09"
//! Resources:
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, SqsManagedSseEnabled: true}
//! ```
//!
//! ## Sources
//!
//! - <https://github.com/aws/karpenter-provider-aws/issues/6024> and
//!   <https://github.com/aws/karpenter-provider-aws/issues/7565>: what the controller says.
//! - Karpenter, "Settings": `INTERRUPTION_QUEUE` is the queue's name.
//! - When the controller asks for the queue: up to 1.3 at its start, which fails
//!   (<https://github.com/aws/karpenter-provider-aws/blob/v1.3.0/pkg/controllers/controllers.go>), later each time
//!   (<https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/interruption/controller.go>).

use crate::interruption;
use karpcheck_sdk::prelude::*;

use crate::logs;

pub(crate) const RULE: Rule = Rule {
    title: "The interruption queue does not exist",
    severity: Error,
    subjects: &["Karpcheck::Controller", LOG],
    uses: &[interruption::READS],
    karpenter: ">=0.19",
    check,
    ..Rule::DEFAULT
};

const LOG: &str = "Karpcheck::Log";
const REMEDY: &str = "Create the queue with its policy and its EventBridge rules, or set settings.interruptionQueue \
     to the name of the existing queue.";
/// AWS's codes for a queue that is not there, by the protocols that its SDKs have spoken.
const CODES: [&str; 2] = ["NonExistentQueue", "QueueDoesNotExist"];
/// AWS's words where the queue may be there, and is another account's.
const NO_ACCESS: &str = "or you do not have access to it";

fn check(subject: Item) -> Check {
    if subject.kind() == LOG { log(subject) } else { controller(subject) }
}

/// The name of the queue that a controller is to read, and the queue. An ARN or URL where a name belongs is another rule's
/// matter, and so is a queue that was not given.
fn named(controller: Item) -> Result<Option<(String, Link)>, Unknown> {
    let setting = controller.field("/InterruptionQueue");
    if ["arn:*", "https://*"].iter().any(|form| setting.matches(form).is_yes()) {
        return Ok(None);
    }
    let name = match setting.text() {
        Ok(name) => name.filter(|name| !name.is_empty()),
        Err(unknown) if unknown.is_not_provided() => None,
        Err(unknown) => return Err(unknown),
    };
    Ok(name.zip(setting.related().into_iter().next()))
}

/// The controller whose log was given: which one it is, a log does not say.
fn only() -> Option<Item> {
    let mut all = select("Karpcheck::Controller").known();
    all.next().filter(|_| all.next().is_none())
}

fn controller(controller: Item) -> Check {
    let Some((name, link)) = named(controller)? else { return skip() };
    let setting = controller.field("/InterruptionQueue");
    let answered = match &link.item {
        // Of a queue that AWS would not speak of no more is known than that it was asked for.
        Lookup::Known(queue) => match queue.get("/SqsManagedSseEnabled") {
            Value::Unknown(unknown) if matches!(unknown.cause, Cause::Refused | Cause::Failed) => Err(unknown),
            // AWS has it, whatever an older log says.
            _ if queue.observed() => return pass(),
            _ => pass(),
        },
        Lookup::Unknown(reason) => match of_another_name(&setting) {
            Some(queue) => {
                let why = format!(
                    "whether there is a queue {name}, which {} is to read, was not given; the queue that gets Karpenter's events here is {}",
                    controller.name(),
                    queue.name()
                );
                unknown(reason.clone().reworded(why).at(queue.place("", "the queue that gets the events")))
            }
            None => Err(reason.clone()),
        },
        Lookup::Absent(what) => {
            let message = format!(
                "Controller {} is configured to read the queue {name}, and there is no {what}: it does not start, or does not drain nodes before they are interrupted",
                controller.name()
            );
            return fail(setting, message).remedy(REMEDY).check();
        }
    };
    let told = only().and_then(|_| select(LOG).known().find_map(not_there));
    let Some(told) = told else { return answered };
    let message = format!(
        "Controller {} is configured to read the queue {name}, and AWS answers that {}: it does not start, or does not drain nodes before they are interrupted",
        controller.name(),
        answer(&told)
    );
    fail(setting, message).remedy(REMEDY).related([told.place("what its log says")]).check()
}

/// A log of a controller whose settings were not given, or of one of several.
fn log(log: Item) -> Check {
    if only().is_some_and(|controller| matches!(named(controller), Ok(Some(_)))) {
        return skip();
    }
    let Some(told) = not_there(log) else { return pass() };
    let message = format!(
        "AWS answers the controller that {}, as its log says: it does not start, or does not drain nodes before they are interrupted",
        answer(&told)
    );
    fail(told, message).remedy(REMEDY).check()
}

/// Where a log says last that the queue does not exist.
fn not_there(log: Item) -> Option<Field> {
    logs::errors(log).filter(|text| CODES.iter().any(|code| text.matches(&format!("*{code}*")).is_yes())).last()
}

/// What AWS says of the queue.
fn answer(told: &Field) -> &'static str {
    if told.matches(&format!("*{NO_ACCESS}*")).is_yes() {
        "its interruption queue does not exist, or is one that it has no access to (NonExistentQueue)"
    } else {
        "its interruption queue does not exist (NonExistentQueue)"
    }
}

/// The only interruption queue there is, where it certainly has another name than the one that is set.
fn of_another_name(named: &Field) -> Option<Item> {
    let all = select("AWS::SQS::Queue").known();
    let mut queues = all.filter(|queue| interruption::queue(*queue) == Some(Confidence::High));
    let only = queues.next().filter(|_| queues.next().is_none())?;
    named.same(&only.field("/QueueName")).is_no().then_some(only)
}
