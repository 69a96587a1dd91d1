//! ## What it finds
//!
//! An interruption queue under a customer managed key whose policy nobody gave: whether EventBridge can deliver cannot be
//! told.
//!
//! ## Why it matters
//!
//! The default policy of a new key lets the account's own principals use it and no service. A queue under such a key
//! exists, looks healthy and receives nothing.
//!
//! ## How to fix it
//!
//! Give karpcheck the key's policy, or look yourself: it must hold
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
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties:
//!       QueueName: prod
//!       KmsMasterKeyId: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
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
//!     Properties:
//!       QueueName: prod
//!       KmsMasterKeyId: !Ref Key
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
//! - Amazon EventBridge user guide, "Troubleshooting", on encrypted queues: the statement above.
//! - Amazon SQS developer guide, "Key management".

use crate::interruption::{self, KEY};
use crate::kms;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The policy of the interruption queue's key is not known",
    severity: Warning,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::KMS::Key"],
    uses: &[interruption::READS],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

const STATEMENT: &str = r#"{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}"#;

fn check(queue: Item) -> Check {
    let named = queue.field(KEY);
    // queue-aws-managed-key speaks of these, and of a key whose very name has no value.
    let managed = kms::names_aws_managed(&named, "sqs");
    if managed.is_yes() {
        return skip();
    }
    let links = named.related();
    let Some(link) = links.first() else { return skip() };
    let (name, unknown) = match &link.item {
        Lookup::Known(key) => match kms::policy_not_given(*key) {
            Some(unknown) => (key.name(), unknown),
            // There is a policy, and what it says is another rule's matter.
            None => return pass(),
        },
        // queue-key-unusable says so.
        Lookup::Absent(_) => return skip(),
        Lookup::Unknown(unknown) if managed.is_unknown() && unknown.is_symbolic() => return skip(),
        Lookup::Unknown(unknown) => match named.text() {
            Ok(Some(key)) => (key, unknown.clone()),
            Ok(None) => return skip(),
            Err(_) => (String::new(), unknown.clone()),
        },
    };
    let what = if name.is_empty() {
        format!("Queue {} may be encrypted with a key that was not provided: unless the key's policy", queue.name())
    } else {
        format!("Queue {} is encrypted with the key {name}, whose policy was not provided: unless it", queue.name())
    };
    undecided(unknown, named, format!("{what} allows EventBridge to use the key, no interruption event arrives"))
        .remedy(format!("Check that the key's policy holds this statement: {STATEMENT}"))
        .check()
}
