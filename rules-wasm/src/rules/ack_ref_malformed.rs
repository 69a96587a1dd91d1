//! ## What it finds
//!
//! A reference of an ACK object without `from` (`kmsMasterKeyRef: {}`, `kmsMasterKeyRef: {name: orders-key}`), or with
//! a `from` that names nothing.
//!
//! ## Why it matters
//!
//! Without `from` the controller takes it for no reference at all, without a word: no error, no condition. The queue or
//! table is made with the key that AWS takes by default, and everything looks green. (The API server drops a `name` that
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
    area: "ack",
    title: "A reference is ignored or never resolves, since it is not written as one",
    severity: Error,
    subjects: &[ack::KINDS],
    check,
    ..Rule::DEFAULT
};

fn check(object: Item) -> Check {
    all(ack::references(object)?, |at| {
        let from = format!("{at}/from");
        let what = format!("{} of {} {}", ack::field_name(&at).unwrap_or_default(), ack::noun(object), object.name());
        if !ack::is_object(object, &from)? {
            return without_from(object, &at, &what);
        }
        let name = format!("{from}/name");
        match object.get(&name) {
            Value::Absent => {}
            Value::Text(text) if text.is_empty() => {}
            // Whether a placeholder is filled, ack-ref-dangling asks.
            _ => return pass(),
        }
        fail(Error, name, format!("{what} names nothing: it cannot be resolved, so the object never syncs"))
            .remedy("Write the name of the ACK object that is meant into from.name.")
            .check()
    })
}

fn without_from(object: Item, at: &str, what: &str) -> Check {
    let members = object.find(&format!("{at}/*"));
    let is = |member: &Field, name: &str| member.at.len() == at.len() + 1 + name.len() && member.at.ends_with(name);
    // A structure of AWS's own that happens to be called so has other members.
    if !members.iter().all(|member| is(member, "name") || is(member, "namespace")) {
        return skip();
    }
    let mut finding = fail(
        Error,
        at,
        format!("{what} has no `from`: the controller ignores it without a word, and AWS takes its default instead"),
    )
    .remedy("Write it as from: {name: NAME}, with the namespace where that is another one.");
    if let Some(name) = members.iter().find(|member| is(member, "name")).filter(|name| name.value.exists() == Ok(true))
    {
        for member in &members {
            let moved = if is(member, "name") { "from/name" } else { "from/namespace" };
            finding = finding.edit(object, format!("{at}/{moved}"), member.value.clone());
            finding = finding.edit(object, &member.at, Value::Absent);
        }
        finding = finding.see([object.place(&name.at, "the name stands where from belongs")]);
    }
    finding.check()
}
