//! ## What it finds
//!
//! An interruption queue that is not under a customer managed key: encrypted by SQS itself (SSE-SQS) or not at all. It is a
//! wish of some compliance rules and no defect, so this rule is off unless it is asked for (`--rule
//! queue-without-customer-key`, or the configuration).
//!
//! **SSE-SQS does deliver.** That EventBridge could not send to a queue under SSE-SQS is a folk claim. The sentence in
//! EventBridge's guide ("if your queue is encrypted, you must create a customer managed key") is of spring 2022, from before
//! SSE-SQS became the default in October 2022: "encrypted" means SSE-KMS there. SSE-SQS uses no KMS key, so no sender needs
//! rights on one. What cannot work is `alias/aws/sqs`, the AWS managed key (`queue-aws-managed-key`), and the two are mixed
//! up. Karpenter's own template has `SqsManagedSseEnabled: true` since May 2023, tested with a real spot interruption.
//!
//! ## Why it matters
//!
//! Only where a policy asks for it: with a key of one's own, its use is logged in CloudTrail and can be cut off. In return the
//! key's policy must let `events.amazonaws.com` use it and the controller's role needs `kms:Decrypt`, and if either is
//! forgotten no interruption is handled.
//!
//! ## How to fix it
//!
//! Make a key whose policy lets `events.amazonaws.com` use `kms:GenerateDataKey` and `kms:Decrypt`, let the controller's role
//! use `kms:Decrypt`, and set the queue's `KmsMasterKeyId` to the key's ARN.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   Queue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: karpenter, SqsManagedSseEnabled: true}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! Resources:
//!   Queue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: karpenter, KmsMasterKeyId: !GetAtt Key.Arn}
//!   Key:
//!     Type: AWS::KMS::Key
//!     Properties: {KeyPolicy: {Statement: []}}
//! ```
//!
//! ## Sources
//!
//! - The question: <https://github.com/aws/karpenter-provider-aws/issues/7209>
//! - The test through a queue under SSE-SQS: <https://github.com/aws/karpenter-provider-aws/pull/3886>
//! - The guide's sentence: <https://github.com/awsdocs/amazon-eventbridge-user-guide/pull/21>
//! - SSE-KMS fails where SSE-SQS works: <https://github.com/aws/aws-cdk/issues/17770>
//! - The wish: <https://github.com/aws/karpenter-provider-aws/issues/3929>

use crate::interruption::{self, KEY};
use crate::kms;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The interruption queue is not encrypted with a customer managed key",
    severity: Warning,
    enabled: false,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::KMS::Key"],
    uses: &[interruption::READS],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

fn check(queue: Item) -> Check {
    let named = queue.field(KEY);
    // That AWS manages the key is said by queue-aws-managed-key.
    if kms::names_aws_managed(&named, "*").is_yes() {
        return skip();
    }
    if named.linked().is_some() || named.text()?.is_some() {
        return pass();
    }
    let own = queue.field("/SqsManagedSseEnabled");
    let (how, at) = match own.value() {
        Value::Flag(true) => ("encrypted by SQS itself (SSE-SQS)", own),
        Value::Flag(false) => ("not encrypted", own),
        _ => ("encrypted with the default of SQS", queue.field("")),
    };
    fail(
        at,
        format!(
            "queue {} is {how}, not with a customer managed key: events do arrive; this only matters for compliance",
            queue.name()
        ),
    )
    .remedy(
        "Set KmsMasterKeyId to a key whose policy lets events.amazonaws.com use kms:GenerateDataKey and \
         kms:Decrypt, and allow the controller's role to use kms:Decrypt.",
    )
    .check()
}
