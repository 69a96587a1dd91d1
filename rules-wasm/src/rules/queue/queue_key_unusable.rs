//! ## What it finds
//!
//! An interruption queue whose key cannot be used: it does not exist, is disabled, waits for its deletion or for its key
//! material, or lives in another region than the queue.
//!
//! ## Why it matters
//!
//! SQS can neither encrypt nor decrypt a message. EventBridge delivers nothing, and what is in the queue cannot be received:
//! Karpenter learns of no interruption.
//!
//! ## How to fix it
//!
//! Enable the key, cancel its deletion, import its material; or give the queue a key of its own region, or SSE-SQS
//! (`SqsManagedSseEnabled: true`), which needs no key.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   Key:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       Enabled: false
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
//! - AWS KMS developer guide, "Key states of AWS KMS keys": what fails in which state.
//! - Amazon SQS developer guide, "Key management": the key is in the queue's region.

use crate::interruption::{self, KEY};
use crate::kms::{self, State};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The key of the interruption queue cannot be used",
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
    if kms::names_aws_managed(&named, "*").is_yes() {
        return skip();
    }
    let links = named.related();
    let Some(link) = links.first() else { return skip() };
    // An ARN says where the key is, whoever describes it.
    if let (Some(key), Some(own)) = (named.known_text(), queue.known_text("@region"))
        && let Some(region) = kms::region(&key)
        && region != own
    {
        return broken(queue, "region", &format!("the key {key} is in {region} and the queue is in {own}")).check();
    }
    match &link.item {
        Lookup::Absent(what) => broken(queue, "missing", &format!("there is no {what}")).check(),
        // What was not described is said by queue-key-unverified.
        Lookup::Unknown(_) => skip(),
        Lookup::Known(key) => described(queue, *key),
    }
}

fn described(queue: Item, key: Item) -> Check {
    let name = key.name();
    if queue.same("@region", key, "@region").is_no() {
        let region = |item: Item| item.known_text("@region").unwrap_or_else(|| "another region".into());
        let what = format!("the key {name} is in {} and the queue is in {}", region(key), region(queue));
        return broken(queue, "region", &what).related([key.place("", "the key")]).check();
    }
    match kms::state(key)? {
        State::Enabled | State::NotDisabled => pass(),
        State::NotDescribed => skip(),
        State::Changing(state) => unknown(kms::changing(key, &state)),
        State::Broken(_, field) if field.name() == "Enabled" => {
            broken(queue, "state", &format!("the key {name} is disabled")).related([field.place("disabled")]).check()
        }
        State::Broken(state, field) => {
            let what = format!("the key {name} is in the state {state}");
            broken(queue, "state", &what).related([field.place("its state")]).check()
        }
    }
}

fn broken(queue: Item, group: &str, what: &str) -> Finding {
    fail(
        KEY,
        format!(
            "Queue {} is encrypted with a key that cannot be used: {what}; no interruption event arrives, and Karpenter does not drain nodes before they are interrupted",
            queue.name()
        ),
    )
    .remedy("Restore the key (enable it, cancel its deletion, import its material), or give the queue an enabled key \
         of its own region, or SSE-SQS.")
    .group(group)
}
