//! ## What it finds
//!
//! An interruption queue that is encrypted with the AWS managed key of SQS: `alias/aws/sqs`, by name, by ARN, or by the
//! id of a key whose manager is AWS.
//!
//! ## Why it matters
//!
//! EventBridge needs `kms:GenerateDataKey` and `kms:Decrypt` on the queue's key. The policy of an AWS managed key lets
//! only callers of your account in, never a service principal, and it cannot be changed. So no event is ever delivered:
//! Karpenter learns of no spot interruption, and nothing says so. EventBridge does not retry, `FailedInvocations` of the
//! rules is the only trace.
//!
//! SSE-SQS (`SqsManagedSseEnabled`) is another thing: it uses no KMS key, and EventBridge delivers. Two scanners that
//! pass any KMS key call this queue secure.
//!
//! ## How to fix it
//!
//! Use SSE-SQS as Karpenter's own template does: remove the key and set `SqsManagedSseEnabled: true`. Where a policy of
//! yours asks for a customer managed key, make one whose policy lets `events.amazonaws.com` use `kms:Decrypt` and
//! `kms:GenerateDataKey`, and let the controller's role use `kms:Decrypt`.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties:
//!       QueueName: prod
//!       KmsMasterKeyId: alias/aws/sqs
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern:
//!         source: [aws.ec2]
//!         detail-type: [EC2 Spot Instance Interruption Warning]
//!       Targets:
//!         - Id: queue
//!           Arn: !GetAtt KarpenterInterruptionQueue.Arn
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! Resources:
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties:
//!       QueueName: prod
//!       SqsManagedSseEnabled: true
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern:
//!         source: [aws.ec2]
//!         detail-type: [EC2 Spot Instance Interruption Warning]
//!       Targets:
//!         - Id: queue
//!           Arn: !GetAtt KarpenterInterruptionQueue.Arn
//! ```
//!
//! ## Sources
//!
//! - Amazon SQS developer guide, "Key management": the key policy of an AWS managed KMS key for Amazon SQS cannot be modified.
//! - Amazon EventBridge user guide, "Troubleshooting": an encrypted queue needs a customer managed key with a statement for `events.amazonaws.com`.
//! - <https://github.com/aws/aws-cdk/issues/30549>, <https://github.com/aws-solutions/quota-monitor-for-aws/issues/38>: the same defect.
//! - <https://github.com/aws/karpenter-provider-aws/pull/3886>: with SSE-SQS the events arrive.

use crate::interruption::{self, KEY};
use crate::kms;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The interruption queue is encrypted with the AWS managed key, so EventBridge cannot deliver to it",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::KMS::Key"],
    uses: &[interruption::READS],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

fn check(queue: Item) -> Check {
    let named = queue.field(KEY);
    let by_name = kms::names_aws_managed(&named, "sqs");
    if by_name.is_yes() {
        return broken(&named, "alias/aws/sqs, the AWS managed key");
    }
    let links = named.related();
    let Some(link) = links.first() else { return pass() };
    match link.known() {
        // Whose the key is decides, whatever name the queue has for it.
        Some(key) if kms::is_aws_managed(key) => broken(&named, &format!("{}, a key that AWS manages", key.name())),
        Some(key) if by_name.is_unknown() => key.text("/KeyManager").and_then(|_| pass()),
        // A key that a template or a manifest makes is the customer's.
        Some(_) => pass(),
        // That the key of a queue is not described is said by queue-key-unverified; that its name has no value, here.
        None if by_name.is_unknown() => named.text().and_then(|_| pass()),
        None => skip(),
    }
}

fn broken(named: &Field, key: &str) -> Check {
    let queue = named.item();
    fail(
        named,
        format!(
            "Queue {} is encrypted with {key}: EventBridge is not allowed to use it, so no interruption event ever \
             arrives and Karpenter does not drain nodes before they are interrupted",
            queue.name()
        ),
    )
    .remedy(
        "Remove KmsMasterKeyId and set SqsManagedSseEnabled to true, as Karpenter's template does; or use a customer managed key whose policy lets events.amazonaws.com use kms:Decrypt and kms:GenerateDataKey.",
    )
    .edit(named, Value::Absent)
    .edit(queue.field("/SqsManagedSseEnabled"), true)
    .check()
}
