//! ## What it finds
//!
//! An ACK DynamoDB Table with `sseSpecification.enabled: true` whose `kmsMasterKeyID` is anything but a key ARN: an
//! alias, an alias ARN, a bare key id, `alias/aws/dynamodb`.
//!
//! Tables that are read-only (`services.k8s.aws/read-only`), that have encryption off, or that use `kmsMasterKeyRef`
//! are left alone.
//!
//! ## Why it matters
//!
//! DynamoDB always answers with the key's ARN, and the controller compares texts. So it sees a difference at every
//! reconcile and calls UpdateTable again, every ten seconds. DynamoDB counts each call as a change of the encryption mode:
//! after four within 24 hours it answers `LimitExceededException: … Encryption mode changes are limited`, the object
//! stays `ACK.Recoverable`, and no other change to the table comes through. No version of the controller mends this.
//!
//! ## How to fix it
//!
//! Write the key's ARN, or refer to an ACK Key with `kmsMasterKeyRef`, which the controller resolves to the ARN before
//! it compares. To use DynamoDB's own key, leave `kmsMasterKeyID` out and keep `sseType: KMS`.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: dynamodb.services.k8s.aws/v1alpha1
//! kind: Table
//! metadata:
//!   name: orders
//! spec:
//!   tableName: orders
//!   billingMode: PAY_PER_REQUEST
//!   attributeDefinitions:
//!     - {attributeName: id, attributeType: S}
//!   keySchema:
//!     - {attributeName: id, keyType: HASH}
//!   sseSpecification:
//!     enabled: true
//!     sseType: KMS
//!     kmsMasterKeyID: alias/orders
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: dynamodb.services.k8s.aws/v1alpha1
//! kind: Table
//! metadata:
//!   name: orders
//! spec:
//!   tableName: orders
//!   billingMode: PAY_PER_REQUEST
//!   attributeDefinitions:
//!     - {attributeName: id, attributeType: S}
//!   keySchema:
//!     - {attributeName: id, keyType: HASH}
//!   sseSpecification:
//!     enabled: true
//!     sseType: KMS
//!     kmsMasterKeyID: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Sources
//!
//! - The report: <https://github.com/aws-controllers-k8s/community/issues/2136>
//! - The comparison: `customPreCompare` in
//!   <https://github.com/aws-controllers-k8s/dynamodb-controller/blob/main/pkg/resource/table/hooks.go>
//! - References to keys, since v1.2.21: <https://github.com/aws-controllers-k8s/dynamodb-controller/pull/118>

use karpcheck_sdk::prelude::*;

use crate::ack::{self, keys};

pub(crate) const RULE: Rule = Rule {
    title: "A table's key never matches what DynamoDB returns, so the controller updates it in an endless loop",
    severity: Error,
    subjects: &["dynamodb.services.k8s.aws/Table"],
    // Only to offer the ARN.
    reads_if_allowed: &["AWS::KMS::Key", "AWS::KMS::Alias"],
    check,
    ..Rule::DEFAULT
};

fn check(table: Item) -> Check {
    let key = table.field("/spec/sseSpecification/kmsMasterKeyID");
    // With a reference beside the key the controller does nothing at all: ack-key-and-ref says so.
    if key.is_blank() || !key.sibling("kmsMasterKeyRef").is_absent() {
        return skip();
    }
    let enabled = key.sibling("enabled");
    if enabled.flag() == Ok(Some(false)) || ack::is_read_only(table)? {
        return skip();
    }
    // The fixed part of a text with a placeholder may decide either way.
    if key.matches_or_unknown(keys::ARN)? {
        return pass();
    }
    if enabled.flag()? != Some(true) {
        return skip();
    }
    let finding = fail(
        &key,
        format!(
            "Table {} names its key by {}, but DynamoDB returns the key's ARN: the controller updates the table \
             every few seconds until AWS refuses with LimitExceededException",
            table.name(),
            keys::named(&key)
        ),
    )
    .remedy("Write the key's ARN, or refer to an ACK Key with kmsMasterKeyRef.");
    let named = key.related().iter().find_map(Link::known);
    match named.and_then(|named| named.known_text("@arn")) {
        Some(arn) => finding.edit(key, arn).check(),
        None => finding.check(),
    }
}
