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

use crate::karpenter::interruption;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "queue",
    title: "The key of the interruption queue cannot be used",
    severity: Error,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::KMS::Key", "AWS::Events::Rule", "Karpcheck::Controller"],
    check,
    ..Rule::DEFAULT
};

const KEY: &str = "/KmsMasterKeyId";

fn check(queue: Item) -> Check {
    let Some(confidence) = interruption(queue) else { return skip() };
    if ["alias/aws/*", "arn:*:kms:*:alias/aws/*"].iter().any(|managed| queue.matches(KEY, managed) == Answer::Yes) {
        return skip();
    }
    let links = queue.related(KEY);
    let Some(link) = links.first() else { return skip() };
    // An ARN says where the key is, whoever describes it.
    if let (Ok(Some(key)), Ok(Some(own))) = (queue.text(KEY), queue.text("@region"))
        && let Some(region) = region(&key)
        && region != own
    {
        return broken(queue, None, confidence, &format!("the key {key} is in {region} and the queue is in {own}"));
    }
    match &link.item {
        Found::Absent(what) => broken(queue, None, confidence, &format!("there is no {what}")),
        // What nobody described is said by queue-key-unverified.
        Found::Unknown(_) => skip(),
        Found::Known(key) => described(queue, *key, confidence),
    }
}

fn described(queue: Item, key: Item, confidence: Confidence) -> Check {
    let name = key.name();
    if queue.same("@region", key, "@region") == Answer::No {
        let place = |item: Item| item.text("@region").ok().flatten().unwrap_or_else(|| "another region".into());
        let what = format!("the key {name} is in {} and the queue is in {}", place(key), place(queue));
        return broken(queue, Some(key.place("", "the key")), confidence, &what);
    }
    match key.text("/KeyState") {
        Ok(Some(state)) => match state.as_str() {
            "Enabled" => return pass(),
            "Disabled" | "PendingDeletion" | "PendingReplicaDeletion" | "PendingImport" | "Unavailable" => {
                let what = format!("the key {name} is in the state {state}");
                return broken(queue, Some(key.place("/KeyState", "its state")), confidence, &what);
            }
            // Creating and Updating pass by themselves.
            _ => return unknown(format!("the key {name} is in the state {state}")),
        },
        Ok(None) => {}
        Err(unknown) if unknown.cause == "not-provided" => {}
        Err(unknown) => return Err(unknown),
    }
    match key.flag("/Enabled") {
        Ok(Some(false)) => {
            broken(queue, Some(key.place("/Enabled", "disabled")), confidence, &format!("the key {name} is disabled"))
        }
        Ok(_) => pass(),
        Err(unknown) if unknown.cause == "not-provided" => skip(),
        Err(unknown) => Err(unknown),
    }
}

/// The region of a key's or an alias's ARN.
fn region(key: &str) -> Option<&str> {
    let mut parts = key.split(':');
    let of_kms = parts.next() == Some("arn") && parts.nth(1) == Some("kms");
    parts.next().filter(|region| of_kms && !region.is_empty())
}

fn broken(queue: Item, place: Option<Place>, confidence: Confidence, what: &str) -> Check {
    fail(
        Error,
        KEY,
        format!(
            "Queue {} is encrypted with a key that cannot be used: {what}; no interruption event arrives, and Karpenter drains no node before it is gone",
            queue.name()
        ),
    )
    .confidence(confidence)
    .remedy("Bring the key back (enable it, cancel its deletion, import its material), or give the queue an enabled key of its own region, or SSE-SQS.")
    .see(place)
    .check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_arn_of_kms_says_a_region() {
        assert_eq!(region("arn:aws:kms:us-east-1:111122223333:alias/karpenter"), Some("us-east-1"));
        assert_eq!(region("alias/karpenter"), None);
        assert_eq!(region("arn:aws:sqs:us-east-1:111122223333:prod"), None);
    }
}
