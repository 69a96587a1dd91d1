//! What is known of ACK's controllers: which fields hold or refer to a KMS key, and how the controller treats them.
//!
//! One table for all controllers, no code per controller. Its source is in the table's head.

use std::sync::OnceLock;

use crate::schema::pattern::{glob, kind_matches};

/// One key field of one ACK kind.
#[derive(Clone, Copy, Debug)]
pub struct KeyField {
    /// `dynamodb.services.k8s.aws/Table`.
    pub kind: &'static str,
    /// The field that holds the key, as a pattern: `/spec/sseSpecification/kmsMasterKeyID`.
    pub key: &'static str,
    /// The field that refers to an ACK Key, as a pattern; empty where the kind has none.
    pub reference: &'static str,
}

const TABLE: &str = include_str!("ack/key-fields.tsv");

/// All key fields that are known.
pub fn key_fields() -> &'static [KeyField] {
    static FIELDS: OnceLock<Vec<KeyField>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        TABLE
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .filter_map(|line| {
                let mut columns = line.split('\t');
                Some(KeyField {
                    kind: columns.next()?,
                    key: columns.next()?,
                    reference: columns.next().unwrap_or_default(),
                })
            })
            .collect()
    })
}

/// Does this field of a kind hold a KMS key?
pub(crate) fn is_key_field(kind: &str, at: &str) -> bool {
    key_fields().iter().any(|field| field.kind == kind && glob(field.key, at))
}

/// The kind that a reference field of an ACK object refers to, where it is known.
pub fn referred_kind(kind: &str, at: &str) -> Option<&'static str> {
    if !kind_matches("*.services.k8s.aws/*", kind) {
        return None;
    }
    let key =
        key_fields().iter().any(|field| field.kind == kind && !field.reference.is_empty() && glob(field.reference, at));
    if key {
        return Some("kms.services.k8s.aws/Key");
    }
    // Other references are named after what they refer to. Only those are listed that every controller uses alike.
    let field = at.rsplit('/').find(|segment| segment.parse::<u32>().is_err()).unwrap_or_default();
    match field {
        "roleRef" | "roleARNRef" | "executionRoleRef" | "taskRoleRef" => Some("iam.services.k8s.aws/Role"),
        "policyRef" | "policyRefs" | "permissionsBoundaryRef" => Some("iam.services.k8s.aws/Policy"),
        "eventBusRef" => Some("eventbridge.services.k8s.aws/EventBus"),
        _ => None,
    }
}
