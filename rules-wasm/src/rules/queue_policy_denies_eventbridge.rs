//! ## What it finds
//!
//! An interruption queue whose policy does not let EventBridge send, or denies it: no Allow for `events.amazonaws.com`, a
//! condition that a rule does not meet, or a Deny that hits AWS services, too. It is judged for each EventBridge rule that
//! sends to the queue.
//!
//! ## Why it matters
//!
//! The rules match, the queue exists, and no event arrives: EventBridge does not retry a refusal. Karpenter learns of no spot
//! interruption and drains no node before it is gone.
//!
//! A Deny with `StringNotEquals` on `aws:PrincipalOrgID` hits EventBridge, whose calls carry no such key. In the China regions
//! the service is called `events.amazonaws.com`, too: `events.amazonaws.com.cn` is nobody.
//!
//! ## How to fix it
//!
//! Let `events.amazonaws.com` use `sqs:SendMessage` on the queue, as Karpenter's template does, and let a Deny spare AWS
//! services (`"Bool": {"aws:PrincipalIsAWSService": "false"}`).
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, SqsManagedSseEnabled: true}
//!   KarpenterInterruptionQueuePolicy:
//!     Type: AWS::SQS::QueuePolicy
//!     Properties:
//!       Queues: [!Ref KarpenterInterruptionQueue]
//!       PolicyDocument:
//!         Statement:
//!           - Effect: Allow
//!             Principal: {Service: sns.amazonaws.com}
//!             Action: sqs:SendMessage
//!             Resource: !GetAtt KarpenterInterruptionQueue.Arn
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
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
//!   KarpenterInterruptionQueuePolicy:
//!     Type: AWS::SQS::QueuePolicy
//!     Properties:
//!       Queues: [!Ref KarpenterInterruptionQueue]
//!       PolicyDocument:
//!         Statement:
//!           - Effect: Allow
//!             Principal: {Service: [events.amazonaws.com, sqs.amazonaws.com]}
//!             Action: sqs:SendMessage
//!             Resource: !GetAtt KarpenterInterruptionQueue.Arn
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//! ```
//!
//! ## Sources
//!
//! - The queue policy of the CloudFormation template in Karpenter's getting started guide.
//! - Amazon EventBridge user guide, "Resource-based policies", on Amazon SQS permissions.
//! - <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2941>: the principal in the China regions.

use crate::karpenter::{in_words, interruption, refused, sender_count};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "queue",
    title: "The policy of the interruption queue does not let EventBridge send",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::Events::Rule", "Karpcheck::Controller"],
    check,
    ..Rule::DEFAULT
};

const POLICY: &str = "/Policy";

fn check(queue: Item) -> Check {
    let Some(confidence) = interruption(queue) else { return skip() };
    // What a cluster's object does not say may be set on the queue all the same: only AWS can say that there is none.
    let told_by_aws = queue.views(POLICY).iter().any(|seen| matches!(seen.source.as_str(), "aws" | "state"));
    if queue.get(POLICY) == Value::Absent && !told_by_aws {
        return unknown(
            Unknown::not_provided(format!(
                "the policy of queue {} was not given, and it may be set elsewhere",
                queue.name()
            ))
            .at(queue.place("", "")),
        );
    }
    let (refused, open) = refused(queue, queue, &["sqs:SendMessage"]);
    let Some(first) = refused.first() else {
        return open.map_or_else(pass, Err);
    };
    let (what, places) = in_words(&refused, sender_count(queue));
    fail(
        Error,
        POLICY,
        format!(
            "The policy of queue {} does not let EventBridge use {what}: {}; no such event arrives, and Karpenter drains no node before it is gone",
            queue.name(),
            first.decision.why
        ),
    )
    .confidence(confidence)
    .remedy(
        "Let the service events.amazonaws.com (so called in every partition) use sqs:SendMessage in the queue's policy, and let no Deny hit it.",
    )
    .see(places)
    .check()
}
