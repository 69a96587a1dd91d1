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
use crate::crds;
use crate::schemas::Node;

pub(crate) const RULE: Rule = Rule {
    title: "The API server dropped a reference from a manifest",
    severity: Error,
    subjects: &[ack::KINDS],
    reads_if_allowed: &[crds::KIND],
    properties: &[("follows", "ack-crd-outdated")],
    check,
    ..Rule::DEFAULT
};

/// What kubectl noted when the object was last applied: the JSON of the manifest.
const APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

fn check(object: Item) -> Check {
    if object.observed() {
        return applied(object);
    }
    let Some(live) = object.linked("@same").find(|same| same.kind() == object.kind()) else { return skip() };
    all(ack::references(object)?, |reference| {
        // In a list the controller itself takes the reference away once it has resolved it.
        if in_a_list(&reference) {
            return skip();
        }
        let kept = reference.of(live);
        if kept.exists()? {
            return pass();
        }
        // Whoever finds the id in its place has not applied this manifest yet: that would have removed it.
        if has_id(&kept) {
            return skip();
        }
        judge(&reference, live)
    })
}

fn in_a_list(field: &Field) -> bool {
    !field.pointer().is_empty() && (field.index().is_some() || in_a_list(&field.parent()))
}

fn has_id(reference: &Field) -> bool {
    let name = reference.name();
    let stem = name.strip_suffix("Ref").unwrap_or(&name);
    ["", "ID", "ARN", "Name"].iter().any(|end| !reference.sibling(&format!("{stem}{end}")).is_absent())
}

fn applied(live: Item) -> Check {
    let Some(note) = live.known_text(APPLIED).as_deref().and_then(Node::parse) else { return skip() };
    let mut references = vec![];
    applied_references(&note, "", &mut references);
    all(references, |at| {
        let reference = live.field(at);
        if reference.exists()? { pass() } else { judge(&reference, live) }
    })
}

/// The references of an object as it was applied, without those of lists.
fn applied_references(node: &Node, at: &str, into: &mut Vec<String>) {
    let Node::Map(members, _) = node else { return };
    for (name, member) in members {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        if name.ends_with("Ref") && member.member("from").is_some() && at.starts_with("/spec/") {
            into.push(at);
        } else {
            applied_references(member, &at, into);
        }
    }
}

fn judge(reference: &Field, live: Item) -> Check {
    let object = reference.item();
    let kind = object.kind();
    // The definition of the cluster, where it was read: one that has the field did not drop it.
    let definition = select(crds::KIND).known().find(|definition| {
        crds::counts(*definition) && crds::defined(*definition).ok().flatten().as_ref() == Some(&kind)
    });
    let version = object.text("/apiVersion")?.unwrap_or_default();
    let version = version.rsplit('/').next().unwrap_or_default();
    let version = definition.and_then(|definition| crds::version(definition, version));
    let kept = version.as_ref().map(|version| crds::keeps(version, reference.pointer()));
    let confidence = match kept {
        Some(Ok(true)) if live == object => return pass(),
        // It is not applied yet.
        Some(Ok(true)) => return skip(),
        Some(Ok(false)) => Confidence::High,
        _ if live == object => Confidence::High,
        _ => Confidence::Medium,
    };
    let related = [
        (live != object).then(|| live.place("", "the live object")),
        version
            .filter(|_| kept == Some(Ok(false)))
            .map(|version| version.item().place("", "the definition that does not know it")),
    ];
    let key = keys::of_kind(&kind).any(|known| known.reference == reference.pointer());
    let consequence = if key {
        "the resource is encrypted with the key that AWS uses by default"
    } else {
        "the controller never sees it"
    };
    let name = ack::reference_name(reference).unwrap_or_default();
    fail(
        if live == object { object.field(APPLIED) } else { reference.clone() },
        format!(
            "{name} of {} was dropped by the cluster: the live object does not have it, {consequence}, and everything looks healthy",
            ack::called(object)
        ),
    )
    .remedy("Install the CRDs of the controller's release, then apply the manifest again.")
    .confidence(confidence)
    .related(related.into_iter().flatten())
    .group(name)
    .check()
}
