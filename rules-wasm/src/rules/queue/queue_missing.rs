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
//! `settings.interruptionQueue` to the name of the queue that there is. It is looked up in the cluster's own account and
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

use crate::interruption;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The interruption queue does not exist",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    uses: &[interruption::READS],
    karpenter: ">=0.19",
    check,
    ..Rule::DEFAULT
};

fn check(controller: Item) -> Check {
    let named = controller.field("/InterruptionQueue");
    // An ARN or URL where a name belongs is another rule's matter, and so is a queue that was not given.
    if ["arn:*", "https://*"].iter().any(|form| named.matches(form).is_yes()) {
        return skip();
    }
    let name = match named.text() {
        Ok(Some(name)) if !name.is_empty() => name,
        Ok(_) => return skip(),
        Err(unknown) if unknown.is_not_provided() => return skip(),
        Err(unknown) => return Err(unknown),
    };
    let links = named.related();
    let Some(link) = links.first() else { return skip() };
    match &link.item {
        // Of a queue that AWS would not speak of no more is known than that it was asked for.
        Lookup::Known(queue) => match queue.get("/SqsManagedSseEnabled") {
            Value::Unknown(unknown) if matches!(unknown.cause, Cause::Refused | Cause::Failed) => Err(unknown),
            _ => pass(),
        },
        Lookup::Unknown(reason) => match of_another_name(&named) {
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
        Lookup::Absent(what) => fail(
            named,
            format!(
                "Controller {} is to read the queue {name}, and there is no {what}: it does not start, or drains no node before it is gone",
                controller.name()
            ),
        )
        .remedy("Create the queue with its policy and its EventBridge rules, or set settings.interruptionQueue to the name of the queue that there is.")
        .check(),
    }
}

/// The only interruption queue there is, where it certainly has another name than the one that is set.
fn of_another_name(named: &Field) -> Option<Item> {
    let all = select("AWS::SQS::Queue").known();
    let mut queues = all.filter(|queue| interruption::queue(*queue) == Some(Confidence::High));
    let only = queues.next().filter(|_| queues.next().is_none())?;
    named.same(&only.field("/QueueName")).is_no().then_some(only)
}
