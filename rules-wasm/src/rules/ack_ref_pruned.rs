//! ## What it finds
//!
//! A reference that a manifest has and the live object has lost: the API server dropped it, since the installed CRD does not
//! know the field. What was written is told by the manifest, or by kubectl's note of what was last applied.
//!
//! ## Why it matters
//!
//! The API server drops unknown fields without an error, unless the client asks for strict validation (kubectl does, Helm
//! and most controllers do not). The controller never sees the reference, makes the resource with
//! the key that AWS takes by default, and everything is green: `ACK.ResourceSynced`, `Ready`. The data is under the wrong
//! key.
//!
//! ## How to fix it
//!
//! Install the CRDs of the controller's release and apply the manifest again. `helm upgrade` leaves the CRDs of a chart as
//! they are: `kubectl apply --server-side -f helm/crds` of the release does it. What was made with the wrong key may have to
//! be changed by hand.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop}
//! spec:
//!   queueName: orders
//!   kmsMasterKeyRef: {from: {name: orders-key}}
//! ---
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop, uid: 0d3c9b7e-9c2f-4d38-8a0e-5c6d1b0e7f21}
//! spec:
//!   queueName: orders
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop}
//! spec:
//!   queueName: orders
//!   kmsMasterKeyRef: {from: {name: orders-key}}
//! ---
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop, uid: 0d3c9b7e-9c2f-4d38-8a0e-5c6d1b0e7f21}
//! spec:
//!   queueName: orders
//!   kmsMasterKeyRef: {from: {name: orders-key}}
//! ```
//!
//! ## Sources
//!
//! - Kubernetes, "Field validation" (what strict clients are told, and others are not):
//!   <https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation>
//! - Kubernetes, "Field pruning":
//!   <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning>
//! - Helm, "Custom Resource Definitions": charts' CRDs are not upgraded:
//!   <https://helm.sh/docs/chart_best_practices/custom_resource_definitions/>
//! - The reference of DynamoDB's tables, since v1.2.21: <https://github.com/aws-controllers-k8s/dynamodb-controller/pull/118>

use karpcheck_sdk::prelude::*;

use crate::ack::{self, keys};
use crate::definitions;

pub(crate) const RULE: Rule = Rule {
    area: "ack",
    title: "The cluster dropped a reference of a manifest",
    severity: Error,
    subjects: &[ack::KINDS],
    reads_if_allowed: &[definitions::KIND],
    properties: &[("follows", "ack-crd-outdated")],
    check,
    ..Rule::DEFAULT
};

const APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

fn check(object: Item) -> Check {
    if object.observed() {
        return applied(object);
    }
    let Some(live) = object.related("@same").iter().filter_map(Link::given).find(|same| same.kind() == object.kind())
    else {
        return skip();
    };
    all(ack::references(object)?, |at| {
        // In a list the controller itself takes the reference away once it has resolved it.
        if at.split('/').any(is_index) {
            return skip();
        }
        if live.get(&at).exists()? {
            return pass();
        }
        // Whoever finds the id in its place has not applied this manifest yet: that would have removed it.
        if has_id(live, &at) {
            return skip();
        }
        judge(object, live, &at)
    })
}

fn is_index(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_id(live: Item, at: &str) -> bool {
    let stem = at.strip_suffix("Ref").unwrap_or(at);
    ["", "ID", "ARN", "Name"].iter().any(|end| live.get(&format!("{stem}{end}")) != Value::Absent)
}

/// What kubectl noted when the object was last applied: the JSON of the manifest.
fn applied(live: Item) -> Check {
    let Ok(Some(note)) = live.text(APPLIED) else { return skip() };
    let kind = live.kind();
    let fields = keys::of_kind(&kind).map(|field| field.reference).filter(|at| !at.is_empty() && !at.contains('*'));
    all(fields, |at| {
        let name = ack::field_name(at).unwrap_or_default();
        if !note.contains(&format!("\"{name}\":{{\"from\":{{")) {
            return skip();
        }
        if live.get(at).exists()? { pass() } else { judge(live, live, at) }
    })
}

fn judge(object: Item, live: Item, at: &str) -> Check {
    let kind = object.kind();
    // The definition of the cluster, where it was read: one that has the field did not drop it.
    let definition = select(definitions::KIND).given().find(|definition| {
        definitions::counts(*definition) && definitions::defined(*definition) == Ok(Some(kind.clone()))
    });
    let version = object.text("/apiVersion")?.unwrap_or_default();
    let version = version.rsplit('/').next().unwrap_or_default();
    let kept = definition.and_then(|definition| {
        definitions::version(definition, version).map(|version| definitions::keeps(definition, &version, at))
    });
    let field = ack::field_name(at).unwrap_or_default();
    let of = format!("{field} of {} {}", ack::noun(object), object.name());
    let mut related = if live == object { vec![] } else { vec![live.place("", "the live object")] };
    let confidence = match (kept, definition) {
        (Some(Ok(true)), _) if live == object => return pass(),
        // It is not applied yet.
        (Some(Ok(true)), _) => return skip(),
        (Some(Ok(false)), Some(definition)) => {
            related.push(definition.place("", "the definition that does not know it"));
            Confidence::High
        }
        _ if live == object => Confidence::High,
        _ => Confidence::Medium,
    };
    let shown = if live == object { APPLIED } else { at };
    let key = keys::of_kind(&kind).any(|known| known.reference == at);
    let consequence =
        if key { "the resource is under the key that AWS takes by default" } else { "the controller never sees it" };
    fail(
        Error,
        shown,
        format!("{of} was dropped by the cluster: the live object does not have it, {consequence}, and everything looks green"),
    )
    .remedy("Install the CRDs of the controller's release, then apply the manifest again.")
    .confidence(confidence)
    .see(related)
    .check()
}
