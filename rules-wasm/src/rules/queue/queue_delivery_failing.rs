//! ## What it finds
//!
//! CloudWatch's evidence that events do not arrive: an EventBridge rule that sends to the interruption queue and whose
//! invocations fail, or invocations without a single message in the queue.
//!
//! ## Why it matters
//!
//! It is happening, whatever the files say. EventBridge does not try again when it is refused, by the queue's policy or by its
//! key: each failed invocation is an interruption that Karpenter never learns of.
//!
//! ## How to fix it
//!
//! See what the other queue rules say of the queue's policy and key; where they are silent, an organisation policy or a
//! resource control policy may be in the way. A dead letter queue on the rule's target keeps the error with each event.
//!
//! ## Example that fails
//!
//! ```yaml
//! # The rule, and the answers of `aws cloudwatch get-metric-statistics` as `kubectl karpcheck collect` keeps them.
//! Resources:
//!   Queue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, SqsManagedSseEnabled: true}
//!   Spot:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       Name: prod-spot
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: queue, Arn: !GetAtt Queue.Arn}]
//! ---
//! karpcheck: aws-answer/v1
//! command: [aws, cloudwatch, get-metric-statistics, --namespace, AWS/Events, --metric-name, Invocations, --dimensions, "Name=RuleName,Value=prod-spot"]
//! answer: {Label: Invocations, Datapoints: [{Sum: 12.0, Unit: Count}]}
//! ---
//! karpcheck: aws-answer/v1
//! command: [aws, cloudwatch, get-metric-statistics, --namespace, AWS/Events, --metric-name, FailedInvocations, --dimensions, "Name=RuleName,Value=prod-spot"]
//! answer: {Label: FailedInvocations, Datapoints: [{Sum: 12.0, Unit: Count}]}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! Resources:
//!   Queue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, SqsManagedSseEnabled: true}
//!   Spot:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       Name: prod-spot
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: queue, Arn: !GetAtt Queue.Arn}]
//! ---
//! karpcheck: aws-answer/v1
//! command: [aws, cloudwatch, get-metric-statistics, --namespace, AWS/Events, --metric-name, Invocations, --dimensions, "Name=RuleName,Value=prod-spot"]
//! answer: {Label: Invocations, Datapoints: [{Sum: 12.0, Unit: Count}]}
//! ---
//! karpcheck: aws-answer/v1
//! command: [aws, cloudwatch, get-metric-statistics, --namespace, AWS/Events, --metric-name, FailedInvocations, --dimensions, "Name=RuleName,Value=prod-spot"]
//! answer: {Label: FailedInvocations, Datapoints: []}
//! ```
//!
//! ## Sources
//!
//! - Amazon EventBridge user guide, "Monitoring Amazon EventBridge": `Invocations` and `FailedInvocations` by `RuleName`.
//! - Amazon EventBridge user guide, "Using dead-letter queues": refusals are not retried.
//! - Amazon SQS developer guide, "Available CloudWatch metrics": `NumberOfMessagesSent` by `QueueName`.

use crate::interruption;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "Events do not arrive in the interruption queue",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    reads: &[METRIC],
    uses: &[interruption::READS],
    properties: &[(
        "follows",
        "queue-aws-managed-key queue-key-unusable queue-key-denies-eventbridge queue-policy-denies-eventbridge queue-event-rule-missing",
    )],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

const METRIC: &str = "Karpcheck::Metric";
const REMEDY: &str = "Allow events.amazonaws.com to send to the queue and to use its key; a dead letter queue on the \
     rule's target shows the error of each event.";

fn check(queue: Item) -> Check {
    let (mut findings, mut invoked, mut judged) = (vec![], 0.0, false);
    for rule in queue.referring("AWS::Events::Rule").filter(|rule| interruption::listens(*rule)) {
        let name = rule.name();
        let of_rule = |metric: &str| sum(rule, "AWS/Events", metric, "/Dimensions/RuleName", &name);
        let Some((runs, _)) = of_rule("Invocations")? else { continue };
        invoked += runs;
        let Some((failed, metric)) = of_rule("FailedInvocations")? else { continue };
        judged = true;
        if failed <= 0.0 {
            continue;
        }
        let message = format!(
            "EventBridge could not deliver {failed} of {} events of the rule {name} to queue {}: Karpenter never \
             learned about these",
            runs.max(failed),
            queue.name()
        );
        let finding = fail("", message)
            .remedy(REMEDY)
            .related([rule.place("", "the rule"), metric.place("/Sum", "the failed invocations")])
            .group("not-delivered");
        findings.push(if failed >= runs { finding } else { finding.severity(Warning) });
    }
    if let (true, Some((received, metric))) = (
        findings.is_empty() && invoked > 0.0,
        sum(queue, "AWS/SQS", "NumberOfMessagesSent", "/Dimensions/QueueName", &queue.name())?,
    ) {
        judged = true;
        if received <= 0.0 {
            let message = format!("EventBridge sent {invoked} events to queue {}, and not one arrived", queue.name());
            findings.push(
                fail("", message)
                    .remedy(REMEDY)
                    .related([metric.place("/Sum", "the messages sent")])
                    .group("not-arrived"),
            );
        }
    }
    if judged || !findings.is_empty() { found(findings) } else { skip() }
}

/// The sum of a metric of this subject, where it was given, and the metric.
fn sum(
    item: Item,
    namespace: &str,
    name: &str,
    dimension: &str,
    subject: &str,
) -> Result<Option<(f64, Item)>, Unknown> {
    let says = |metric: &Item, field: &str, text: &str| metric.matches(field, text).is_yes();
    let metric = select(METRIC).known().find(|metric| {
        says(metric, "/Namespace", namespace)
            && says(metric, "/Name", name)
            && says(metric, dimension, subject)
            // The same name may be another one's elsewhere.
            && ["@account", "@region"].iter().all(|fact| !metric.same(fact, item, fact).is_no())
    });
    let Some(metric) = metric else { return Ok(None) };
    match metric.get("/Sum") {
        Value::Number(sum) => Ok(Some((sum, metric))),
        Value::Unknown(unknown) => Err(unknown),
        _ => Ok(None),
    }
}
