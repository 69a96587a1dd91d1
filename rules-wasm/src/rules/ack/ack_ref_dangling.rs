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

use crate::ack::{self, CROSS_NAMESPACE_REFUSED, RESOLVED};

pub(crate) const RULE: Rule = Rule {
    title: "A reference points to an object that does not exist",
    severity: Error,
    subjects: &[ack::KINDS],
    reads: &[KEY],
    check,
    ..Rule::DEFAULT
};

const KEY: &str = "kms.services.k8s.aws/Key";
/// What other rules say of, in the controller's words.
const SAID_ELSEWHERE: &[&str] = &["cannot be used together", "reference is nil or empty", CROSS_NAMESPACE_REFUSED];

fn check(object: Item) -> Check {
    if ack::ignores_references(object)? {
        return skip();
    }
    let Some(condition) = ack::condition(object, RESOLVED) else { return keys(object) };
    if condition.holds() {
        return pass();
    }
    let judged = keys(object);
    // What is certainly wrong says more; a guess from files says less than the controller itself.
    if matches!(&judged, Ok(Verdict::Found(found)) if found.iter().any(Finding::is_worst)) {
        return judged;
    }
    let words = condition.said();
    if SAID_ELSEWHERE.iter().any(|said| words.contains(said)) {
        return judged;
    }
    fail(
        &condition.field,
        format!(
            "{} waits for a reference: the controller says \"{words}\" and leaves the resource as it is until then",
            ack::called(object)
        ),
    )
    .severity(Warning)
    .remedy("Create the object that is referred to, fix what keeps it from syncing, or correct the name.")
    .check()
}

/// The references to keys.
fn keys(object: Item) -> Check {
    let links = ack::links(object).filter(|link| ack::reference_name(&link.field).is_some_and(is_key_reference));
    all(links, |link| {
        let from = link.field.child("from");
        // Without `from` it is no reference: ack-ref-malformed.
        if !from.is_object()? {
            return skip();
        }
        let name = from.child("name");
        match link.item {
            Lookup::Known(key) => terminal(key, &name),
            Lookup::Absent(what) => fail(
                &name,
                format!(
                    "{} refers to Key {} in namespace {}, but there is no {what}{}: it is neither created nor updated",
                    ack::called(object),
                    name.text()?.unwrap_or_default(),
                    namespace(&from),
                    elsewhere(&from)
                ),
            )
            .remedy("Create the Key, or correct name and namespace of the reference.")
            .related(keys_elsewhere(&from).into_iter().map(|key| key.place("", "a Key of that name")))
            .group("missing")
            .check(),
            Lookup::Unknown(unknown) => match unknown.cause {
                Cause::NotProvided => missing(&from),
                // It names nothing, or something else than an ACK Key: not this rule's.
                Cause::Undecidable => skip(),
                _ => Err(unknown),
            },
        }
    })
}

/// Key references end so, whatever the field of the key is called.
fn is_key_reference(name: String) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("keyref") || name.ends_with("keyidentifierref")
}

fn terminal(key: Item, name: &Field) -> Check {
    let Some(condition) = ack::condition(key, "ACK.Terminal").filter(|condition| condition.holds()) else {
        return pass();
    };
    let words = if condition.message.is_empty() { &condition.reason } else { &condition.message };
    fail(
        name,
        format!(
            "{} refers to Key {}, which AWS rejected permanently ({words}): it is neither created nor updated",
            ack::called(name.item()),
            key.name()
        ),
    )
    .remedy("Fix the Key, as its condition ACK.Terminal says.")
    .related([condition.field.place("the Key's condition")])
    .group("terminal")
    .check()
}

/// The namespace in which the Key is looked for.
fn namespace(from: &Field) -> String {
    let own = || from.item().known_text("@namespace").filter(|namespace| !namespace.is_empty());
    from.child("namespace").known_text().or_else(own).unwrap_or_else(|| "default".into())
}

/// Keys of the name that is referred to, in other namespaces.
fn keys_elsewhere(from: &Field) -> Vec<Item> {
    let Some(name) = from.child("name").known_text() else { return vec![] };
    select(KEY).known().filter(|key| key.name() == name).collect()
}

/// ` (there is one in kms-keys)`, or nothing.
fn elsewhere(from: &Field) -> String {
    let mut homes: Vec<String> = vec![];
    for key in keys_elsewhere(from) {
        let home = key.known_text("@namespace").filter(|home| !home.is_empty()).unwrap_or_else(|| "default".into());
        if home != namespace(from) && !homes.contains(&home) {
            homes.push(home);
        }
    }
    if homes.is_empty() { String::new() } else { format!(" (there is one in {})", homes.join(", ")) }
}

/// Files alone: it may be in the cluster.
fn missing(from: &Field) -> Check {
    let name = &from.child("name");
    let object = name.item();
    let resolved = |live: Item| {
        ack::condition(live, RESOLVED).is_some_and(|condition| condition.holds()) && name.same(&name.of(live)).is_yes()
    };
    if object.linked("@same").any(resolved) {
        return pass();
    }
    fail(
        name,
        format!(
            "{} refers to Key {} in namespace {}, whose definition was not found{}: unless the cluster has it, nothing is \
             created",
            ack::called(object),
            name.text()?.unwrap_or_default(),
            namespace(from),
            elsewhere(from)
        ),
    )
    .severity(Warning)
    .confidence(Confidence::Medium)
    .related(keys_elsewhere(from).into_iter().map(|key| key.place("", "a Key of that name")))
    .remedy("Add the Key's manifest, correct name and namespace of the reference, or check against the cluster.")
    .check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_keys_are_told_by_their_names() {
        for name in ["kmsKeyRef", "kmsMasterKeyRef", "keyRef", "masterUserSecretKMSKeyRef", "kmsKeyIdentifierRef"] {
            assert!(is_key_reference(name.into()), "{name}");
        }
        assert!(!is_key_reference("roleRef".into()) && !is_key_reference("policyRefs".into()));
    }
}
