//! ## What it finds
//!
//! A CustomResourceDefinition of an ACK controller that does not know a reference field which an object uses (error) or
//! which the running controller already has (warning); and the other way round, an object that uses a reference which the
//! definition knows but the running controller is too old to read (error).
//!
//! ## Why it matters
//!
//! The API server drops a field that the definition does not know, without an error unless the client asks for strict
//! validation: kubectl does and is refused, Helm and most controllers do not. The controller never sees the reference and makes the resource with the key that AWS takes by default; the object says that it is in sync. A controller
//! that is older than its definition does not look at the field at all, with the same result.
//!
//! ## How to fix it
//!
//! Bring both to one release. `helm upgrade` leaves the CRDs of a chart as they are; apply `helm/crds` of the controller's
//! release by hand, and then the objects again.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata: {name: queues.sqs.services.k8s.aws}
//! spec:
//!   group: sqs.services.k8s.aws
//!   names: {kind: Queue, plural: queues}
//!   scope: Namespaced
//!   versions:
//!     - name: v1alpha1
//!       served: true
//!       storage: true
//!       schema:
//!         openAPIV3Schema:
//!           type: object
//!           properties:
//!             spec:
//!               type: object
//!               properties:
//!                 queueName: {type: string}
//!                 kmsMasterKeyID: {type: string}
//! ---
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop}
//! spec:
//!   queueName: orders
//!   kmsMasterKeyRef: {from: {name: orders-key}}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata: {name: queues.sqs.services.k8s.aws}
//! spec:
//!   group: sqs.services.k8s.aws
//!   names: {kind: Queue, plural: queues}
//!   scope: Namespaced
//!   versions:
//!     - name: v1alpha1
//!       served: true
//!       storage: true
//!       schema:
//!         openAPIV3Schema:
//!           type: object
//!           properties:
//!             spec:
//!               type: object
//!               properties:
//!                 queueName: {type: string}
//!                 kmsMasterKeyID: {type: string}
//!                 kmsMasterKeyRef:
//!                   type: object
//!                   properties:
//!                     from: {type: object, properties: {name: {type: string}, namespace: {type: string}}}
//! ---
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop}
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
//! - Which release has which reference: `helm/crds` of each tag, as
//!   <https://github.com/aws-controllers-k8s/dynamodb-controller/tree/v1.2.21/helm/crds>

use std::collections::BTreeMap;

use karpcheck_sdk::prelude::*;

use crate::ack::controllers::{self, Controller};
use crate::ack::keys::{self, KeyField};
use crate::{ack, crds};

pub(crate) const RULE: Rule = Rule {
    title: "An installed ACK CRD and its controller disagree about reference fields",
    severity: Error,
    subjects: &[crds::KIND],
    reads: &[ack::KINDS],
    reads_if_allowed: &[controllers::DEPLOYMENT],
    check,
    ..Rule::DEFAULT
};

/// Places of objects that a finding shows.
const SHOWN: usize = 10;

/// Reference fields that objects use, with `*` for indices, and the objects' fields.
type Uses = BTreeMap<String, Vec<Field>>;

fn check(definition: Item) -> Check {
    let Some(kind) = crds::defined(definition)?.filter(|kind| ack::is_kind(kind)) else { return skip() };
    if !crds::counts(definition) {
        return skip();
    }
    let uses = uses(definition, &kind);
    let names: Vec<Field> = definition.find("/spec/versions/*/name").known().collect();
    let Some(version) = names.last().map(Field::parent) else { return skip() };
    let controller = controllers::of(definition, controllers::service(&kind))?;
    if uses.is_empty() && controller.is_none() {
        return skip();
    }
    let used = all(&uses, |(field, uses)| used(&version, field, uses));
    let known = keys::of_kind(&kind).filter(|field| !field.reference.is_empty());
    let released = match &controller {
        Some(controller) => all(known, |field| released(&version, controller, field, uses.get(field.reference))),
        None => skip(),
    };
    both([used, released])
}

/// Which references the objects of this kind use. An object whose spec is not known uses none that could be named.
fn uses(definition: Item, kind: &str) -> Uses {
    let mut uses = Uses::new();
    for object in select(kind).known() {
        let elsewhere =
            object.observed() && definition.observed() && object.same("@cluster", definition, "@cluster").is_no();
        if elsewhere {
            continue;
        }
        for field in ack::references(object).unwrap_or_default() {
            uses.entry(pattern(field.pointer())).or_default().push(field);
        }
    }
    uses
}

/// `/spec/encryptionConfig/*/provider/keyRef` of `/spec/encryptionConfig/0/provider/keyRef`.
fn pattern(at: &str) -> String {
    let index = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    at.split('/').map(|segment| if index(segment) { "*" } else { segment }).collect::<Vec<_>>().join("/")
}

/// A field that objects use.
fn used(version: &Field, field: &str, uses: &[Field]) -> Check {
    if crds::keeps(version, field)? {
        return pass();
    }
    let definition = version.item();
    crds::contested(definition, |rival| crds::keeps(&version.of(rival), field) != Ok(false))?;
    let since = uses
        .first()
        .and_then(|first| keys::of_kind(&first.item().kind()).find(|known| known.reference == field)?.since)
        .map(|since| format!(" (it came with release {since})"))
        .unwrap_or_default();
    fail(
        version,
        format!(
            "CRD {} does not know {}{since}, which {} uses: the API server drops it (or refuses the object, if the client is \
             strict), and the controller never sees it",
            definition.name(),
            name(field),
            who(uses)
        ),
    )
    .remedy("Apply the CRDs of the controller's release (helm upgrade does not), then the objects again.")
    .related(places(uses))
    .group(name(field))
    .check()
}

/// A field that a release of the controller has or does not have.
fn released(version: &Field, controller: &Controller, field: &KeyField, uses: Option<&Vec<Field>>) -> Check {
    let (Some(since), reference) = (field.since, field.reference) else { return skip() };
    let kept = crds::keeps(version, reference)?;
    if !kept && uses.is_some() {
        // Told above.
        return skip();
    }
    let definition = version.item();
    let Some(release) = controller.release else {
        return unknown(
            Unknown::not_provided(format!(
                "which release of the {} controller runs is not known",
                controllers::service(&definition.text("/spec/group")?.unwrap_or_default())
            ))
            .with_code("ack-release-not-known"),
        );
    };
    let name = name(reference);
    match (kept, uses) {
        (false, _) if release >= since => fail(
            version,
            format!(
                "CRD {} does not know {name}, which the controller {release} has: the API server silently drops it",
                definition.name()
            ),
        )
        .severity(Warning)
        .remedy("Apply the CRDs of the controller's release: helm upgrade leaves them as they are.")
        .related([controller.place()])
        .group(name)
        .check(),
        (true, Some(uses)) if release < since => fail(
            version,
            format!(
                "CRD {} knows {name}, which {} uses, but the controller {release} does not read it (from {since} on): the \
                 reference is silently ignored",
                definition.name(),
                who(uses)
            ),
        )
        .remedy(format!("Upgrade the controller to {since} or later."))
        .related([controller.place()])
        .related(places(uses))
        .group(format!("{name} ignored"))
        .check(),
        _ => pass(),
    }
}

fn places(uses: &[Field]) -> impl Iterator<Item = Place> {
    uses.iter().take(SHOWN).map(|field| field.place("uses it"))
}

fn name(field: &str) -> &str {
    let field = field.strip_suffix("/*").unwrap_or(field);
    field.rsplit('/').next().unwrap_or(field)
}

fn who(uses: &[Field]) -> String {
    let Some(first) = uses.first() else { return String::new() };
    let one = ack::called(first.item());
    match uses.len() - 1 {
        0 => one,
        more => format!("{one} (and {more} more)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_stand_for_all_elements() {
        assert_eq!(pattern("/spec/encryptionConfig/0/provider/keyRef"), "/spec/encryptionConfig/*/provider/keyRef");
        assert_eq!(name("/spec/policyRefs/*"), "policyRefs");
        assert_eq!(name("/spec/kmsMasterKeyRef"), "kmsMasterKeyRef");
    }

    #[test]
    fn only_definitions_of_ack_are_judged() {
        assert!(ack::is_kind("sqs.services.k8s.aws/Queue"));
        assert!(!ack::is_kind("karpenter.sh/NodePool"));
    }
}
