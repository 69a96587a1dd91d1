//! ## What it finds
//!
//! A reference of an ACK object to a KMS key whose Key object does not exist, or is in a terminal state; and any reference
//! that the object's own status calls unresolved.
//!
//! From files alone a missing Key is a warning, since it may be in the cluster. Where a cluster was listed and does not
//! have it, it is an error. Where the object's own status says that its references are resolved, nothing is said.
//!
//! ## Why it matters
//!
//! The controller reads the Key before it does anything else. Without it, the resource is neither created nor updated: no
//! queue, no table, and no condition `ACK.ResourceSynced` that would say so, only `ACK.ReferencesResolved`.
//!
//! ## How to fix it
//!
//! Create the Key, or mend the name. A reference without a namespace means the namespace of the object itself
//! (`default` where a manifest names none). A Key in a terminal state says in its condition what AWS refused.
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
//!   kmsMasterKeyRef:
//!     from:
//!       name: order-key
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
//! - How references are resolved and what the conditions say:
//!   <https://aws-controllers-k8s.github.io/community/docs/user-docs/references/>
//! - A reference that is not synced, as users see it:
//!   <https://github.com/aws-controllers-k8s/community/issues/2119>
//! - The errors' texts: <https://github.com/aws-controllers-k8s/runtime/blob/main/pkg/errors/error.go>

use karpcheck_sdk::prelude::*;

use crate::ack;

pub(crate) const RULE: Rule = Rule {
    area: "ack",
    title: "A reference leads nowhere",
    severity: Error,
    subjects: &[ack::KINDS],
    reads: &["kms.services.k8s.aws/Key"],
    check,
    ..Rule::DEFAULT
};

const RESOLVED: &str = "ACK.ReferencesResolved";

/// What other rules say of, in the controller's words.
const SAID_ELSEWHERE: &[&str] =
    &["cannot be used together", "reference is nil or empty", "cross-namespace resource reference is not allowed"];

fn check(object: Item) -> Check {
    if ack::ignores_references(object)? {
        return skip();
    }
    let condition = ack::condition(object, RESOLVED);
    match condition {
        Some(condition) if condition.status == "True" => pass(),
        None => keys(object),
        Some(condition) => {
            let judged = keys(object);
            // What the controller itself says outweighs a guess from files.
            if matches!(&judged, Ok(Verdict::Found(found)) if found.iter().any(|finding| finding.is(Error))) {
                return judged;
            }
            let words = if condition.reason.is_empty() { &condition.message } else { &condition.reason };
            if SAID_ELSEWHERE.iter().any(|said| words.contains(said)) {
                return judged;
            }
            fail(
                Warning,
                &condition.at,
                format!(
                    "{} {} waits for a reference: the controller says \"{words}\" and leaves the resource as it is until then",
                    ack::noun(object),
                    object.name()
                ),
            )
            .remedy("Create the object that is referred to, mend what keeps it from syncing, or correct the name.")
            .check()
        }
    }
}

/// The references to keys.
fn keys(object: Item) -> Check {
    let links = ["/spec/**/*Ref", "/spec/**/*Refs/*"].into_iter().flat_map(|pattern| object.related(pattern));
    let links = links.filter(|link| ack::field_name(&link.at).is_some_and(is_key_reference));
    all(links, |link| {
        // Without `from` it is no reference: ack-ref-malformed.
        if !ack::is_object(object, &format!("{}/from", link.at))? {
            return skip();
        }
        let at = format!("{}/from/name", link.at);
        let of = format!("{} {}", ack::noun(object), object.name());
        match link.item {
            Found::Known(key) => terminal(key, &at, &of),
            Found::Absent(what) => {
                let name = object.text(&at)?.unwrap_or_default();
                fail(
                    Error,
                    at,
                    format!("{of} refers to Key {name}, but there is no {what}: it is neither created nor updated"),
                )
                .remedy("Create the Key, or correct name and namespace of the reference.")
                .check()
            }
            Found::Unknown(unknown) if unknown.cause == "not-provided" => missing(object, &at, &of),
            // It names nothing, or something else than an ACK Key: not this rule's.
            Found::Unknown(unknown) if unknown.cause == "undecidable" => skip(),
            Found::Unknown(unknown) => Err(unknown),
        }
    })
}

/// Key references end so, whatever the field of the key is called.
fn is_key_reference(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("keyref") || name.ends_with("keyidentifierref")
}

fn terminal(key: Item, at: &str, of: &str) -> Check {
    let Some(condition) = ack::condition(key, "ACK.Terminal").filter(|condition| condition.status == "True") else {
        return pass();
    };
    let words = if condition.message.is_empty() { &condition.reason } else { &condition.message };
    fail(
        Error,
        at,
        format!(
            "{of} refers to Key {}, which AWS refused for good ({words}): it is neither created nor updated",
            key.name()
        ),
    )
    .remedy("Mend the Key, as its condition ACK.Terminal says.")
    .see([key.place(condition.at, "the Key's condition")])
    .check()
}

/// Files alone: it may be in the cluster.
fn missing(object: Item, at: &str, of: &str) -> Check {
    let live = object.related("@same").into_iter().filter_map(|link| link.given()).find(|live| {
        ack::condition(*live, RESOLVED).is_some_and(|condition| condition.status == "True")
            && object.same(at, *live, at) == Answer::Yes
    });
    if live.is_some() {
        return pass();
    }
    let name = object.text(at)?.unwrap_or_default();
    fail(
        Warning,
        at,
        format!(
            "{of} refers to Key {name}, which is not among what was read: unless the cluster has it, nothing is created"
        ),
    )
    .remedy("Add the Key's manifest, correct name and namespace of the reference, or check against the cluster.")
    .confidence(Confidence::Medium)
    .check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_keys_are_told_by_their_names() {
        for name in ["kmsKeyRef", "kmsMasterKeyRef", "keyRef", "masterUserSecretKMSKeyRef", "kmsKeyIdentifierRef"] {
            assert!(is_key_reference(name), "{name}");
        }
        assert!(!is_key_reference("roleRef") && !is_key_reference("policyRefs"));
    }
}
