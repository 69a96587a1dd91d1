//! ## What it finds
//!
//! A reference of an ACK object to an object in another namespace, where the controller in charge does not follow it, or
//! will not for long: it depends on the controller's release and on its flag `--enable-cross-namespace`.
//!
//! ## Why it matters
//!
//! - Releases on a runtime before 0.36 do not know `from.namespace`: the CRD drops it, and the name is looked up in the
//!   object's own namespace.
//! - Where the flag is `false`, the reference is refused: `ACK.ReferencesResolved` is `False` ("cross-namespace resource
//!   reference is not allowed"), and the resource is neither created nor updated.
//! - Where the flag is there and `true`, its default, the reference works, and the condition `ACK.Advisory` says that a
//!   later release will turn it off by default.
//!
//! ## How to fix it
//!
//! Keep the key beside what uses it, or set `enableCrossNamespace: true` in the values of the controller's chart, so that
//! a change of the default does not matter. An older controller needs an upgrade.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: ack-sqs-controller, namespace: ack-system}
//! spec:
//!   selector: {matchLabels: {app: sqs}}
//!   template:
//!     metadata: {labels: {app: sqs}}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/aws-controllers-k8s/sqs-controller:1.6.1
//!           args: [--enable-cross-namespace=false]
//! ---
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop}
//! spec:
//!   queueName: orders
//!   kmsMasterKeyRef: {from: {name: data-key, namespace: keys}}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: ack-sqs-controller, namespace: ack-system}
//! spec:
//!   selector: {matchLabels: {app: sqs}}
//!   template:
//!     metadata: {labels: {app: sqs}}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/aws-controllers-k8s/sqs-controller:1.6.1
//!           args: [--enable-cross-namespace=false]
//! ---
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop}
//! spec:
//!   queueName: orders
//!   kmsMasterKeyRef: {from: {name: data-key}}
//! ```
//!
//! ## Sources
//!
//! - The runtime's flag and the conditions: <https://github.com/aws-controllers-k8s/runtime/blob/main/pkg/config/config.go>
//!   and <https://github.com/aws-controllers-k8s/runtime/blob/main/pkg/condition/condition.go>
//! - How a reference finds its namespace (`resolveReferenceFor…`):
//!   <https://github.com/aws-controllers-k8s/sqs-controller/blob/main/pkg/resource/queue/references.go>

use karpcheck_sdk::prelude::*;

use crate::ack::{self, controllers};

pub(crate) const RULE: Rule = Rule {
    area: "ack",
    title: "A reference leads into another namespace, which the controller may not follow",
    severity: Error,
    subjects: &[ack::KINDS],
    reads_if_allowed: &[controllers::DEPLOYMENT],
    check,
    ..Rule::DEFAULT
};

const FLAG: &str = "enable-cross-namespace";

fn check(object: Item) -> Check {
    all(ack::references(object)?, |at| {
        let namespace = format!("{at}/from/namespace");
        let other = match object.get(&namespace) {
            Value::Absent => return pass(),
            Value::Text(text) if text.is_empty() => return pass(),
            Value::Text(text) => text,
            // The placeholder of the object's own namespace is its own namespace.
            _ if object.same(&namespace, object, "/metadata/namespace") == Answer::Yes => return pass(),
            value => return Err(value.text().err().unwrap_or_else(|| "the namespace is not known".into())),
        };
        if object.text("@namespace")?.as_deref().unwrap_or("default") == other {
            return pass();
        }
        judge(object, &namespace, &other)
    })
}

fn judge(object: Item, at: &str, other: &str) -> Check {
    let field = ack::field_name(at.trim_end_matches("/from/namespace")).unwrap_or_default().to_owned();
    let what = format!("{field} of {} {} leads to namespace {other}", ack::noun(object), object.name());
    // What the object itself was told outweighs what follows from a release.
    if let Some(condition) = ack::condition(object, "ACK.ReferencesResolved")
        && condition.reason.contains("cross-namespace resource reference is not allowed")
    {
        return refused(&what, at).see([object.place(condition.at, "the controller says so")]).check();
    }
    let kind = object.kind();
    let service = controllers::service(&kind);
    let Some(controller) = controllers::of(object, service)? else {
        return unknown(Unknown::not_provided(format!(
            "whether references to other namespaces are followed depends on the {service} controller, which was not read"
        )));
    };
    if let Some((on, place)) = controller.switch(FLAG)? {
        if !on {
            return refused(&what, at).see([place]).check();
        }
        return advised(&what, at, false).see([place]).check();
    }
    let (Some(release), Some((namespaces, flag))) = (controller.release, controllers::cross_namespace_since(service))
    else {
        return unknown(format!(
            "whether this release of the {service} controller follows references to other namespaces"
        ));
    };
    if release < namespaces {
        return fail(
            Error,
            at,
            format!(
                "{what}, but the {service} controller {release} does not know namespaces of references (from {namespaces} on): \
                 it looks in the object's own namespace"
            ),
        )
        .remedy("Keep the object that is referred to in the same namespace, or upgrade the controller with its CRDs.")
        .see([controller.place("the controller's release")])
        .check();
    }
    match flag {
        Some(flag) if release >= flag => {
            advised(&what, at, true).see([controller.place("the controller's release")]).check()
        }
        _ => pass(),
    }
}

fn refused(what: &str, at: &str) -> Finding {
    fail(
        Error,
        at,
        format!("{what}, but the controller runs with --{FLAG}=false: the resource is neither created nor updated"),
    )
    .remedy("Set enableCrossNamespace: true for the controller, or keep the object that is referred to in the same namespace.")
}

fn advised(what: &str, at: &str, by_default: bool) -> Finding {
    let why = if by_default { "by default" } else { "since its flag says so" };
    fail(
        Info,
        at,
        format!("{what}, which the controller follows {why}; a later release will not, unless it is told to"),
    )
    .remedy("Nothing now: before the next upgrade see that enableCrossNamespace: true is set for the controller.")
}
