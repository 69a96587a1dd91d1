//! ## What it finds
//!
//! An ACK object whose key, by reference or by name, is disabled, waits for its deletion or has no material: by the status
//! of an ACK Key or by what AWS says of the key.
//!
//! Queues that receive Karpenter's interruption events are told by `queue-key-unusable`.
//!
//! ## Why it matters
//!
//! A reference to such a key resolves, and the Key itself says `ACK.ResourceSynced`: in the cluster everything is green.
//! AWS refuses to create the resource ("KMSInvalidStateException"), and what is already encrypted cannot be read: a
//! DynamoDB table becomes inaccessible, a queue delivers nothing.
//!
//! ## How to fix it
//!
//! `aws kms enable-key` brings a disabled key back, `aws kms cancel-key-deletion` (and `enable-key`) one that is to be
//! deleted. Otherwise give the resource another key while the old one can still decrypt.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: sns.services.k8s.aws/v1alpha1
//! kind: Topic
//! metadata:
//!   name: orders
//!   namespace: shop
//! spec:
//!   name: orders
//!   kmsMasterKeyRef: {from: {name: orders-key}}
//! ---
//! apiVersion: kms.services.k8s.aws/v1alpha1
//! kind: Key
//! metadata:
//!   name: orders-key
//!   namespace: shop
//!   uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10
//! spec:
//!   enableKeyRotation: true
//! status:
//!   ackResourceMetadata:
//!     arn: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//!     ownerAccountID: "111122223333"
//!     region: eu-west-1
//!   keyID: 1234abcd-12ab-34cd-56ef-1234567890ab
//!   keyState: Disabled
//!   enabled: false
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: sns.services.k8s.aws/v1alpha1
//! kind: Topic
//! metadata:
//!   name: orders
//!   namespace: shop
//! spec:
//!   name: orders
//!   kmsMasterKeyRef: {from: {name: orders-key}}
//! ---
//! apiVersion: kms.services.k8s.aws/v1alpha1
//! kind: Key
//! metadata:
//!   name: orders-key
//!   namespace: shop
//!   uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10
//! spec:
//!   enableKeyRotation: true
//! status:
//!   ackResourceMetadata:
//!     arn: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//!     ownerAccountID: "111122223333"
//!     region: eu-west-1
//!   keyID: 1234abcd-12ab-34cd-56ef-1234567890ab
//!   keyState: Enabled
//!   enabled: true
//! ```
//!
//! ## Sources
//!
//! - AWS KMS developer guide, "Key states of AWS KMS keys": what fails in which state:
//!   <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
//! - How a reference is resolved, without a look at the key's state:
//!   <https://github.com/aws-controllers-k8s/dynamodb-controller/blob/main/pkg/resource/table/references.go>

use karpcheck_sdk::prelude::*;

use crate::ack::{self, keys};
use crate::interruption;
use crate::kms::{self, State};

pub(crate) const RULE: Rule = Rule {
    title: "The KMS key of a resource cannot be used",
    severity: Error,
    subjects: &[ack::KINDS],
    reads: &["kms.services.k8s.aws/Key", KEY, "AWS::KMS::Alias"],
    uses: &[interruption::READS],
    check,
    ..Rule::DEFAULT
};

const KEY: &str = "AWS::KMS::Key";
/// Turned off, a table's key does not matter.
const TABLE_SSE: &str = "/spec/sseSpecification/enabled";

fn check(object: Item) -> Check {
    let kind = object.kind();
    // Aliases and grants may well belong to a key that is switched off.
    if kind.starts_with("kms.") || object.flag(TABLE_SSE) == Ok(Some(false)) {
        return skip();
    }
    let fields = keys::of_kind(&kind).flat_map(|field| [field.key, field.reference]).filter(|field| !field.is_empty());
    all(fields.flat_map(|field| object.related(field)), |link| {
        // That it is missing, or not named, others say.
        let Some(key) = link.known() else { return skip() };
        judge(key, &link.field)
    })
}

fn judge(key: Item, at: &Field) -> Check {
    let described = if key.kind() == KEY { Some(key) } else { key.linked("@same").find(|same| same.kind() == KEY) };
    let Some(described) = described.filter(|key| !key.get("/KeyState").unknown().is_some_and(Unknown::is_not_provided))
    else {
        return skip();
    };
    let (state, told) = match kms::state(described)? {
        State::Enabled => return pass(),
        State::NotDisabled | State::NotDescribed => return skip(),
        State::Changing(state) => return unknown(kms::changing(key, &state)),
        State::Broken(state, told) => (state, told),
    };
    let object = at.item();
    // What comes of it for an interruption queue is said by queue-key-unusable.
    let queue = object.linked("@same").find(|same| same.kind() == "AWS::SQS::Queue");
    if queue.is_some_and(|queue| interruption::queue(queue).is_some()) {
        return skip();
    }
    fail(
        at,
        format!(
            "{} is encrypted with the key {}, which is in the state {state}: AWS neither creates nor changes the \
             resource, and what it holds cannot be decrypted",
            ack::called(object),
            key.name()
        ),
    )
    .remedy("Restore the key (enable-key, cancel-key-deletion, import its material), or name another key.")
    .group(format!("{} {state}", key.name()))
    .related([told.place("the key's state")])
    .check()
}
