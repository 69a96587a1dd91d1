//! ## What it finds
//!
//! An ACK object that gives one thing twice: by its id, ARN or name, and by a reference. `kmsMasterKeyID` beside
//! `kmsMasterKeyRef`, `roleARN` beside `roleRef`, `policies` beside `policyRefs`.
//!
//! ## Why it matters
//!
//! The controller refuses both together: "both resource reference wrapper and ID cannot be used together". It says so in
//! the condition `ACK.ReferencesResolved` only, and never creates or updates the resource. (Crossplane is the other way
//! round: there it is normal that both are set.)
//!
//! ## How to fix it
//!
//! Keep one of the two. The reference follows its target and needs no ARN; the id also serves a resource that ACK does
//! not manage.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata:
//!   name: orders
//!   namespace: shop
//! spec:
//!   queueName: orders
//!   kmsMasterKeyID: alias/orders
//!   kmsMasterKeyRef:
//!     from:
//!       name: orders-key
//! ---
//! apiVersion: kms.services.k8s.aws/v1alpha1
//! kind: Key
//! metadata:
//!   name: orders-key
//!   namespace: shop
//! spec:
//!   enableKeyRotation: true
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata:
//!   name: orders
//!   namespace: shop
//! spec:
//!   queueName: orders
//!   kmsMasterKeyRef:
//!     from:
//!       name: orders-key
//! ---
//! apiVersion: kms.services.k8s.aws/v1alpha1
//! kind: Key
//! metadata:
//!   name: orders-key
//!   namespace: shop
//! spec:
//!   enableKeyRotation: true
//! ```
//!
//! ## Sources
//!
//! - `validateReferenceFields` in each controller's `pkg/resource/*/references.go`:
//!   <https://github.com/aws-controllers-k8s/sqs-controller/blob/main/pkg/resource/queue/references.go>
//! - The error's text: <https://github.com/aws-controllers-k8s/runtime/blob/main/pkg/errors/error.go>

use karpcheck_sdk::prelude::*;

use crate::ack;

pub(crate) const RULE: Rule = Rule {
    title: "An id and a reference are both set for one field",
    severity: Error,
    subjects: &[ack::KINDS],
    check,
    ..Rule::DEFAULT
};

fn check(object: Item) -> Check {
    let mut fields: Vec<Field> = vec![];
    for reference in ack::references(object)? {
        // A list of references counts once.
        let field = if reference.index().is_some() { reference.parent() } else { reference };
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    all(fields, |field| {
        let name = field.name();
        all(partners(&name), |partner| {
            let other = field.sibling(&partner);
            if !is_set(&other)? {
                return pass();
            }
            fail(
                &field,
                format!(
                    "{} sets both {partner} and {name}: the controller refuses that, and neither creates nor updates it",
                    ack::called(object)
                ),
            )
            .remedy(format!("Remove {partner} to follow the reference, or remove {name}."))
            .related([other.place("the same by its id")])
            .edit(other, Value::Absent)
            .check()
        })
    })
}

/// The fields that a reference may stand for: the code generator drops `ID`, `ARN` or `Name` and adds `Ref`.
fn partners(name: &str) -> Vec<String> {
    if let Some(stem) = name.strip_suffix("Refs") {
        let plural = match stem.strip_suffix('y') {
            Some(start) => format!("{start}ies"),
            None => format!("{stem}s"),
        };
        return vec![plural, format!("{stem}IDs"), format!("{stem}ARNs"), format!("{stem}Names")];
    }
    let stem = name.strip_suffix("Ref").unwrap_or(name);
    vec![stem.to_owned(), format!("{stem}ID"), format!("{stem}ARN"), format!("{stem}Name")]
}

/// Is the field set, as the controller sees it? An empty text is, an empty list is not.
fn is_set(field: &Field) -> Result<bool, Unknown> {
    match field.value() {
        Value::Absent => Ok(false),
        Value::Json(json) => Ok(json != "[]"),
        Value::Text(_) | Value::Number(_) | Value::Flag(_) => Ok(true),
        // A placeholder may stand for nothing at all.
        Value::Unknown(_) if field.each().known().next().is_some() || field.matches("?*").is_yes() => Ok(true),
        Value::Unknown(unknown) => Err(unknown.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partners_are_the_generators_reference_fields() {
        for (reference, field) in [
            ("kmsMasterKeyRef", "kmsMasterKeyID"),
            ("roleRef", "roleARN"),
            ("permissionsBoundaryRef", "permissionsBoundary"),
            ("eventBusRef", "eventBusName"),
            ("policyRefs", "policies"),
            ("routeTableRefs", "routeTables"),
            ("securityGroupRefs", "securityGroupIDs"),
        ] {
            assert!(partners(reference).iter().any(|partner| partner == field), "{reference}");
        }
    }
}
