//! ## What it finds
//!
//! An interruption queue under a customer managed key whose policy does not let EventBridge use `kms:GenerateDataKey` and
//! `kms:Decrypt`, for each EventBridge rule that sends to the queue. Conditions on `aws:SourceArn`, `aws:SourceAccount` and
//! the encryption context are evaluated as EventBridge and SQS send them. A key without a policy has the default one, which
//! lets the account's own principals in and no service.
//!
//! ## Why it matters
//!
//! EventBridge cannot put a message into a queue whose key it may not use. It does not retry, the queue looks healthy and
//! stays empty, and Karpenter learns of no spot interruption. `FailedInvocations` of the rules is the only trace.
//!
//! ## How to fix it
//!
//! Add a statement to the key's policy. An IAM policy does not help, since EventBridge comes as a service:
//!
//! ```json
//! {"Effect": "Allow",
//!  "Principal": {"Service": "events.amazonaws.com"},
//!  "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
//!  "Resource": "*"}
//! ```
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   Key:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       KeyPolicy:
//!         Version: "2012-10-17"
//!         Statement:
//!           - Effect: Allow
//!             Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
//!             Action: kms:*
//!             Resource: "*"
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, KmsMasterKeyId: !Ref Key}
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
//!   Key:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       KeyPolicy:
//!         Version: "2012-10-17"
//!         Statement:
//!           - Effect: Allow
//!             Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
//!             Action: kms:*
//!             Resource: "*"
//!           - Effect: Allow
//!             Principal: {Service: events.amazonaws.com}
//!             Action: [kms:Decrypt, kms:GenerateDataKey]
//!             Resource: "*"
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, KmsMasterKeyId: !Ref Key}
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//! ```
//!
//! ## Sources
//!
//! - Amazon EventBridge user guide, "Troubleshooting", on encrypted queues: `kms:Decrypt` and `kms:GenerateDataKey` for `events.amazonaws.com`.
//! - Amazon SQS developer guide, "Key management": what producers, consumers and AWS services need on the key.
//! - AWS KMS developer guide, "Default key policy": it names the account alone.

use crate::interruption::{self, KEY, customer_key, in_words, refused, sender_count};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The key of the interruption queue does not allow EventBridge to use it",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::KMS::Key"],
    uses: &[interruption::READS],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

const ACTIONS: &[&str] = &["kms:GenerateDataKey", "kms:Decrypt"];

fn check(queue: Item) -> Check {
    let Some(key) = customer_key(queue) else { return skip() };
    let (refused, open) = refused(queue, key, ACTIONS);
    let Some(first) = refused.first() else { return open.map_or_else(pass, Err) };
    let (what, places) = in_words(&refused, sender_count(queue));
    fail(
        KEY,
        format!(
            "Queue {} is encrypted with the key {}, which does not allow EventBridge to use {what}: {}; no such event \
             arrives, and Karpenter does not drain nodes before they are interrupted",
            queue.name(),
            key.name(),
            first.decision.why
        ),
    )
    .remedy(
        "Allow the service events.amazonaws.com to use kms:Decrypt and kms:GenerateDataKey in the key's policy, for \
         every EventBridge rule that sends to the queue.",
    )
    .group(if first.decision.access == Access::ExplicitDeny { "denied" } else { "not-allowed" })
    .related(places)
    .check()
}
