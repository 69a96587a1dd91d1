//! ## What it finds
//!
//! An interruption queue under a customer managed key that AWS KMS does not rotate, though it could: symmetric, with key
//! material of KMS's own.
//!
//! ## Why it matters
//!
//! Nothing breaks. Most baselines (CIS AWS Foundations Benchmark, "Ensure rotation for customer created symmetric CMKs is
//! enabled") ask for it, and it costs neither code nor downtime: the key keeps its ARN, and old data can still be read.
//!
//! ## How to fix it
//!
//! `EnableKeyRotation: true` (`enable_key_rotation = true` in Terraform, `spec.enableKeyRotation` in ACK), or
//! `aws kms enable-key-rotation --key-id KEY`.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   Queue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: karpenter, KmsMasterKeyId: !GetAtt Key.Arn}
//!   Key:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       KeyPolicy:
//!         Statement:
//!           - {Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*"}
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
//!     Properties:
//!       EnableKeyRotation: true
//!       KeyPolicy:
//!         Statement:
//!           - {Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*"}
//! ```
//!
//! ## Sources
//!
//! - AWS KMS developer guide, "Rotate AWS KMS keys": <https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html>
//! - CloudFormation, `AWS::KMS::Key`: the default of `EnableKeyRotation` is `false`.

use crate::interruption::{self, KEY, customer_key};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The key of the interruption queue is not rotated",
    severity: Info,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::KMS::Key"],
    uses: &[interruption::READS],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

fn check(queue: Item) -> Check {
    let Some(key) = customer_key(queue) else { return skip() };
    // KMS rotates symmetric keys with material of its own only.
    let other_spec = key.text("/KeySpec")?.is_some_and(|spec| spec != "SYMMETRIC_DEFAULT");
    if other_spec || key.text("/Origin")?.is_some_and(|origin| origin != "AWS_KMS") {
        return skip();
    }
    let rotation = key.field("/EnableKeyRotation");
    match rotation.value() {
        Value::Flag(true) => return pass(),
        Value::Unknown(unknown) if unknown.is_not_provided() => return skip(),
        Value::Unknown(unknown) => return Err(unknown.clone()),
        _ => {}
    }
    let finding = fail(
        KEY,
        format!(
            "the key {} of queue {} is not rotated: nothing breaks, but most security baselines require it",
            key.name(),
            queue.name()
        ),
    )
    .remedy("Set EnableKeyRotation to true: the key keeps its ARN and old data stays readable.")
    .related([rotation.place("the key")]);
    if key.observed() { finding } else { finding.edit(rotation, true) }.check()
}
