//! ## What it finds
//!
//! An ACK DynamoDB Table whose `sseSpecification` has `enabled: true` but no `sseType`, or has no `enabled` at all.
//!
//! ## Why it matters
//!
//! Without `sseType` the controller sees a difference to the `KMS` that DynamoDB returns, and calls UpdateTable at every
//! reconcile. DynamoDB refuses: "SSEType KMS is required if KMSMasterKeyId is specified", or "Table is already encrypted
//! with given KMSMasterKeyId". The table never syncs, and no other change gets through.
//!
//! Without `enabled` the controller fails on the table with a nil pointer, for as long as DynamoDB describes no encryption
//! of its own.
//!
//! ## How to fix it
//!
//! Write `enabled: true` and `sseType: KMS`. To leave the table under DynamoDB's own key, remove `sseSpecification`
//! before the table is created. (From a table that exists it cannot be removed: set `enabled: false`.)
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: dynamodb.services.k8s.aws/v1alpha1
//! kind: Table
//! metadata:
//!   name: sessions
//! spec:
//!   tableName: sessions
//!   billingMode: PAY_PER_REQUEST
//!   attributeDefinitions:
//!     - {attributeName: id, attributeType: S}
//!   keySchema:
//!     - {attributeName: id, keyType: HASH}
//!   sseSpecification:
//!     enabled: true
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: dynamodb.services.k8s.aws/v1alpha1
//! kind: Table
//! metadata:
//!   name: sessions
//! spec:
//!   tableName: sessions
//!   billingMode: PAY_PER_REQUEST
//!   attributeDefinitions:
//!     - {attributeName: id, attributeType: S}
//!   keySchema:
//!     - {attributeName: id, keyType: HASH}
//!   sseSpecification:
//!     enabled: true
//!     sseType: KMS
//! ```
//!
//! ## Sources
//!
//! - The comparison: `customPreCompare` and `syncTableSSESpecification` in
//!   <https://github.com/aws-controllers-k8s/dynamodb-controller/blob/main/pkg/resource/table/hooks.go>
//! - What DynamoDB answers: <https://github.com/hashicorp/terraform-provider-aws/issues/29137> and
//!   <https://github.com/awsdocs/aws-cloudformation-user-guide/issues/1228>

use karpcheck_sdk::prelude::*;

use crate::ack;

pub(crate) const RULE: Rule = Rule {
    title: "A table's encryption settings are incomplete, so every update of it fails",
    severity: Error,
    subjects: &["dynamodb.services.k8s.aws/Table"],
    check,
    ..Rule::DEFAULT
};

fn check(table: Item) -> Check {
    let sse = table.field("/spec/sseSpecification");
    if !sse.is_object()? || ack::is_read_only(table)? {
        return skip();
    }
    let (enabled, kind) = (sse.child("enabled"), sse.child("sseType"));
    match enabled.flag()? {
        // What else it says is not looked at then.
        Some(false) => pass(),
        Some(true) if kind.is_blank() => fail(
            enabled,
            format!(
                "Table {} turns encryption on without sseType: the controller sees a difference at every reconcile, and DynamoDB \
                 refuses each update",
                table.name()
            ),
        )
        .remedy("Add sseType: KMS.")
        .edit(kind, "KMS")
        .check(),
        Some(true) => kind.exists().and_then(|_| pass()),
        None => fail(
            sse,
            format!(
                "Table {} has an sseSpecification without `enabled`: the controller fails with a nil pointer and never syncs the table",
                table.name()
            ),
        )
        .remedy("Write enabled: true and sseType: KMS, or remove sseSpecification.")
        .check(),
    }
}
