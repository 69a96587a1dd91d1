//! ## What it finds
//!
//! A reference of an ACK object without `from` (`kmsMasterKeyRef: {}`, `kmsMasterKeyRef: {name: orders-key}`), or with
//! a `from` that names nothing.
//!
//! ## Why it matters
//!
//! Without `from` the controller takes it for no reference at all, without a word: no error, no condition. The queue or
//! table is made with the key that AWS takes by default, and everything looks healthy. (The API server drops a `name` that
//! stands where `from` belongs.) With an empty name it never syncs: "provided resource reference is nil or empty".
//!
//! ## How to fix it
//!
//! Write `from` with the `name` of the ACK object, and its `namespace` where that is another one.
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
//!     name: orders-key
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
//! - How a controller reads a reference (`resolveReferenceFor…`):
//!   <https://github.com/aws-controllers-k8s/sqs-controller/blob/main/pkg/resource/queue/references.go>
//! - The type: `AWSResourceReferenceWrapper` in
//!   <https://github.com/aws-controllers-k8s/runtime/blob/main/apis/core/v1alpha1/resource_reference.go>

use karpcheck_sdk::prelude::*;

use crate::ack;

pub(crate) const RULE: Rule = Rule {
    title: "A reference is malformed, so it is ignored or never resolves",
    severity: Error,
    subjects: &[ack::KINDS],
    check,
    ..Rule::DEFAULT
};

fn check(object: Item) -> Check {
    all(ack::references(object)?, |reference| {
        let from = reference.child("from");
        let what = format!("{} of {}", ack::reference_name(&reference).unwrap_or_default(), ack::called(object));
        if !from.is_object()? {
            return without_from(&reference, &what);
        }
        let name = from.child("name");
        // Whether a placeholder is filled, ack-ref-dangling asks.
        if !name.is_blank() {
            return pass();
        }
        fail(name, format!("{what} names nothing: it cannot be resolved, so the object never syncs"))
            .remedy("Set from.name to the name of the intended ACK object.")
            .group("no-name")
            .check()
    })
}

fn without_from(reference: &Field, what: &str) -> Check {
    let Ok(members) = reference.each().collect::<Result<Vec<_>, _>>() else { return skip() };
    // A structure of AWS's own that happens to be called so has other members.
    if !members.iter().all(|member| ["name", "namespace"].contains(&member.name().as_str())) {
        return skip();
    }
    let finding = fail(
        reference,
        format!("{what} has no `from`: the controller silently ignores it, and AWS uses its default instead"),
    )
    .remedy("Write it as from: {name: NAME}, with the namespace if it is another one.")
    .group("no-from");
    let name = reference.child("name");
    if name.exists() != Ok(true) {
        return finding.check();
    }
    members
        .iter()
        .fold(finding, |finding, member| {
            let moved = reference.child("from").child(&member.name());
            finding.edit(moved, member.value().clone()).edit(member, Value::Absent)
        })
        .related([name.place("the name is where `from` belongs")])
        .check()
}
