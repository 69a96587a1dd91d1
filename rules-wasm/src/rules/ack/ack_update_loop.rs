//! ## What it finds
//!
//! The symptom: an ACK DynamoDB Table whose conditions say that DynamoDB takes no more changes of its encryption,
//! `LimitExceededException: … Encryption mode changes are limited`.
//!
//! ## Why it matters
//!
//! The controller sends the same update again and again. DynamoDB lets the encryption change four times within 24 hours and
//! then once in six hours. Until the cause is gone, the object stays `ACK.Recoverable`, and no other change to the table
//! comes through.
//!
//! Conditions are written anew at each reconcile, so a look between two rounds may miss it.
//!
//! ## How to fix it
//!
//! Write the key of `sseSpecification` as an ARN, or refer to an ACK Key with `kmsMasterKeyRef` (see `ack-key-loops`),
//! and see that `sseType: KMS` is there (see `ack-sse-incomplete`). The controller then finds nothing to change; the limit
//! need not pass first.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: dynamodb.services.k8s.aws/v1alpha1
//! kind: Table
//! metadata:
//!   name: orders
//!   namespace: shop
//!   uid: 0d3c9b7e-9c2f-4d38-8a0e-5c6d1b0e7f21
//! spec:
//!   tableName: orders
//!   sseSpecification: {enabled: true, sseType: KMS, kmsMasterKeyID: alias/orders}
//! status:
//!   tableStatus: ACTIVE
//!   conditions:
//!     - type: ACK.Recoverable
//!       status: "True"
//!       message: >-
//!         cannot update table LimitExceededException: Subscriber limit exceeded: Encryption mode changes are limited in the
//!         24h window ending at 2024-08-16T13:54:50.348Z.
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: dynamodb.services.k8s.aws/v1alpha1
//! kind: Table
//! metadata:
//!   name: orders
//!   namespace: shop
//!   uid: 0d3c9b7e-9c2f-4d38-8a0e-5c6d1b0e7f21
//! spec:
//!   tableName: orders
//!   sseSpecification: {enabled: true, sseType: KMS}
//! status:
//!   tableStatus: ACTIVE
//!   conditions:
//!     - {type: ACK.ResourceSynced, status: "True", message: Resource synced successfully}
//! ```
//!
//! ## Sources
//!
//! - The condition, as users see it: <https://github.com/aws-controllers-k8s/community/issues/2136>
//! - Why it is never terminal: `customUpdateTable` in
//!   <https://github.com/aws-controllers-k8s/dynamodb-controller/blob/main/pkg/resource/table/hooks.go>

use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "A table is updated in an endless loop, and AWS has begun to reject the updates",
    severity: Error,
    subjects: &["dynamodb.services.k8s.aws/Table"],
    properties: &[("follows", "ack-key-loops")],
    check,
    ..Rule::DEFAULT
};

/// What a condition says then, through all versions of the controller; between the two stands what differs.
const SIGNS: [&str; 2] = ["LimitExceededException", "Encryption mode changes are limited"];

fn check(table: Item) -> Check {
    let texts = ["message", "reason"].map(|part| table.find(&format!("/status/conditions/*/{part}")));
    let (mut open, mut any) = (None, false);
    for text in texts.into_iter().flatten() {
        any = true;
        match text {
            Ok(text) => match text.value() {
                Value::Text(said) if SIGNS.iter().all(|sign| said.contains(sign)) => return broken(&text),
                Value::Unknown(unknown) => open = Some(unknown.clone()),
                _ => {}
            },
            Err(unknown) => open = Some(unknown),
        }
    }
    if any { open.map_or_else(pass, Err) } else { skip() }
}

fn broken(at: &Field) -> Check {
    let table = at.item();
    let key = table.field("/spec/sseSpecification/kmsMasterKeyID");
    fail(
        at,
        format!(
            "Table {} is updated again and again: DynamoDB answers LimitExceededException (encryption mode changes \
             are limited), and no other change gets through",
            table.name()
        ),
    )
    .remedy(
        "Name the key by its ARN or with kmsMasterKeyRef, and set sseType: KMS; the updates then stop by themselves.",
    )
    .related((!key.is_absent()).then(|| key.place("the key, as it is written")))
    .check()
}
