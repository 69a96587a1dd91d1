//! ## What it finds
//!
//! An interruption queue whose policy does not let EventBridge send, or denies it: no Allow for `events.amazonaws.com`, a
//! condition that a rule does not meet, or a Deny that hits AWS services, too. It is judged for each EventBridge rule that
//! sends to the queue.
//!
//! ## Why it matters
//!
//! The rules match, the queue exists, and no event arrives: EventBridge does not retry a refusal. Karpenter learns of no spot
//! interruption and does not drain nodes before they are interrupted.
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

use crate::interruption::{self, in_words, refused, sender_count};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The policy of the interruption queue does not allow EventBridge to send to it",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    uses: &[interruption::READS],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

fn check(queue: Item) -> Check {
    let policy = queue.field("/Policy");
    // Where not all of the queue was read, it may have a policy all the same.
    if policy.is_absent()
        && let Some(unknown) = queue.open("")
    {
        return unknown_policy(queue, unknown);
    }
    let (refused, open) = refused(queue, queue, &["sqs:SendMessage"]);
    let Some(first) = refused.first() else { return open.map_or_else(pass, Err) };
    let (what, places) = in_words(&refused, sender_count(queue));
    fail(
        policy,
        format!(
            "The policy of queue {} does not allow EventBridge to use {what}: {}; no such event arrives, and \
             Karpenter does not drain nodes before they are interrupted",
            queue.name(),
            first.decision.why
        ),
    )
    .remedy(
        "Allow the service events.amazonaws.com (the same name in every partition) to use sqs:SendMessage in the \
         queue's policy, and make sure that no Deny statement applies to it.",
    )
    .group(if first.decision.access == Access::ExplicitDeny { "denied" } else { "not-allowed" })
    .related(places)
    .check()
}

fn unknown_policy(queue: Item, open: Unknown) -> Check {
    let why = format!("the policy of queue {} was not given, and it may be set elsewhere", queue.name());
    unknown(open.reworded(why).at(queue.place("", "")))
}
