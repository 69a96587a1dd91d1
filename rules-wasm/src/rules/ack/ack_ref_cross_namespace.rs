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

use crate::ack::{self, CROSS_NAMESPACE_REFUSED, controllers};

pub(crate) const RULE: Rule = Rule {
    title: "A reference points into another namespace, which the controller does not follow",
    severity: Error,
    subjects: &[ack::KINDS],
    reads_if_allowed: &[controllers::DEPLOYMENT],
    check,
    ..Rule::DEFAULT
};

const FLAG: &str = "enable-cross-namespace";

fn check(object: Item) -> Check {
    let own = object.field("/metadata/namespace");
    all(ack::references(object)?, |reference| {
        let namespace = reference.field("/from/namespace");
        let other = match namespace.value() {
            Value::Absent => return pass(),
            Value::Text(text) if text.is_empty() => return pass(),
            Value::Text(text) => text.clone(),
            // The placeholder of the object's own namespace is its own namespace.
            _ if namespace.same(&own).is_yes() => return pass(),
            value => return Err(value.clone().text().err().unwrap_or_else(|| "the namespace is not known".into())),
        };
        if object.text("@namespace")?.as_deref().unwrap_or("default") == other {
            return pass();
        }
        let name = ack::reference_name(&reference).unwrap_or_default();
        let what = format!("{name} of {} leads to namespace {other}", ack::called(object));
        judge(&what, &namespace)
    })
}

fn judge(what: &str, at: &Field) -> Check {
    let object = at.item();
    // What the object itself was told outweighs what follows from a release.
    if let Some(condition) = ack::condition(object, ack::RESOLVED)
        && condition.reason.contains(CROSS_NAMESPACE_REFUSED)
    {
        return refused(what, at).related([condition.field.place("the controller says so")]).check();
    }
    let kind = object.kind();
    let service = controllers::service(&kind);
    let Some(controller) = controllers::of(object, service)? else {
        return unknown(
            Unknown::not_provided(format!(
                "whether references to other namespaces are followed depends on the {service} controller, which was not read"
            ))
            .with_code("ack-controller-not-given")
            .settled_by(Settlement::Kind(controllers::DEPLOYMENT.into())),
        );
    };
    if let Some((on, place)) = controller.switch(FLAG)? {
        let finding = if on { advised(what, at, "since its flag says so") } else { refused(what, at) };
        return finding.related([place]).check();
    }
    let (Some(release), Some((namespaces, flag))) = (controller.release, controllers::cross_namespace_since(service))
    else {
        return unknown(format!(
            "whether this release of the {service} controller follows references to other namespaces"
        ));
    };
    if release < namespaces {
        return fail(
            at,
            format!(
                "{what}, but the {service} controller {release} does not know namespaces of references (from {namespaces} on): \
                 it looks in the object's own namespace"
            ),
        )
        .remedy("Keep the object that is referred to in the same namespace, or upgrade the controller with its CRDs.")
        .related([controller.place()])
        .group("not-known")
        .check();
    }
    match flag {
        Some(flag) if release >= flag => advised(what, at, "by default").related([controller.place()]).check(),
        _ => pass(),
    }
}

fn refused(what: &str, at: &Field) -> Finding {
    fail(
        at,
        format!("{what}, but the controller runs with --{FLAG}=false: the resource is neither created nor updated"),
    )
    .remedy("Set enableCrossNamespace: true for the controller, or keep the object that is referred to in the same namespace.")
    .group("refused")
}

fn advised(what: &str, at: &Field, why: &str) -> Finding {
    fail(
        at,
        format!("{what}, which the controller follows {why}; a later release will not, unless it is configured to"),
    )
    .severity(Info)
    .remedy("Nothing now: before the next upgrade, check that enableCrossNamespace: true is set for the controller.")
    .group("followed")
}
