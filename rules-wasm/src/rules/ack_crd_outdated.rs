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
use crate::{ack, definitions};

pub(crate) const RULE: Rule = Rule {
    area: "ack",
    title: "An installed CRD and the controller do not know the same reference fields",
    severity: Error,
    subjects: &[definitions::KIND],
    reads: &[ack::KINDS],
    reads_if_allowed: &[controllers::DEPLOYMENT],
    check,
    ..Rule::DEFAULT
};

/// Places of objects that a finding shows.
const MOST_SHOWN: usize = 10;

/// Reference fields that objects use, with `*` for indices, and the objects' places.
type Uses = BTreeMap<String, Vec<Place>>;

fn check(definition: Item) -> Check {
    let Some(kind) = definitions::defined(definition)?.filter(|kind| is_ack(kind)) else { return skip() };
    if !definitions::counts(definition) {
        return skip();
    }
    let uses = uses(definition, &kind);
    let versions: Vec<String> =
        definition.find("/spec/versions/*/name").into_iter().filter_map(|version| at_version(&version.at)).collect();
    let Some(version) = versions.last() else { return skip() };
    let controller = controllers::of(definition, controllers::service(&kind))?;
    if uses.is_empty() && controller.is_none() {
        return skip();
    }
    let used = all(&uses, |(field, places)| used(definition, version, field, places));
    let known = keys::of_kind(&kind).filter(|field| !field.reference.is_empty());
    let released = match &controller {
        Some(controller) => {
            all(known, |field| released(definition, version, controller, field, uses.get(field.reference)))
        }
        None => skip(),
    };
    all([used, released], |verdict| verdict)
}

fn is_ack(kind: &str) -> bool {
    kind.split('/').next().is_some_and(|group| group.ends_with(".services.k8s.aws"))
}

fn at_version(name: &str) -> Option<String> {
    name.strip_suffix("/name").map(str::to_owned)
}

/// Which references the objects of this kind use. An object whose spec is not known uses none that could be named.
fn uses(definition: Item, kind: &str) -> Uses {
    let mut uses = Uses::new();
    for object in select(kind).given() {
        let elsewhere =
            object.observed() && definition.observed() && object.same("@cluster", definition, "@cluster") == Answer::No;
        if elsewhere {
            continue;
        }
        for at in ack::references(object).unwrap_or_default() {
            uses.entry(pattern(&at)).or_default().push(object.place(&at, "uses it"));
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
fn used(definition: Item, version: &str, field: &str, places: &[Place]) -> Check {
    if definitions::keeps(definition, version, field)? {
        return pass();
    }
    for rival in definitions::rivals(definition) {
        if definitions::keeps(rival, version, field) != Ok(false) {
            return unknown(format!(
                "several files define {}, and which one is installed is not known",
                definition.name()
            ));
        }
    }
    let since = places
        .first()
        .map(|place| place.item.kind())
        .and_then(|kind| keys::of_kind(&kind).find(|known| known.reference == field)?.since)
        .map(|since| format!(" (it came with release {since})"))
        .unwrap_or_default();
    fail(
        Error,
        version,
        format!(
            "CRD {} does not know {}{since}, which {} uses: the API server drops it (or refuses the object, if the client is \
             strict), and the controller never sees it",
            definition.name(),
            name(field),
            who(places)
        ),
    )
    .remedy("Apply the CRDs of the controller's release (helm upgrade does not), then the objects again.")
    .see(places.iter().take(MOST_SHOWN).cloned())
    .check()
}

/// A field that a release of the controller has or does not have.
fn released(
    definition: Item,
    version: &str,
    controller: &Controller,
    field: &KeyField,
    places: Option<&Vec<Place>>,
) -> Check {
    let (Some(since), reference) = (field.since, field.reference) else { return skip() };
    let kept = definitions::keeps(definition, version, reference)?;
    if !kept && places.is_some() {
        // Told above.
        return skip();
    }
    let Some(release) = controller.release else {
        return unknown(Unknown::not_provided(format!(
            "which release of the {} controller runs is not known",
            controllers::service(&definition.text("/spec/group")?.unwrap_or_default())
        )));
    };
    let place = controller.place("the controller's release");
    match (kept, places) {
        (false, _) if release >= since => fail(
            Warning,
            version,
            format!(
                "CRD {} does not know {}, which the controller {release} has: whoever uses it loses it without a word",
                definition.name(),
                name(reference)
            ),
        )
        .remedy("Apply the CRDs of the controller's release: helm upgrade leaves them as they are.")
        .see([place])
        .check(),
        (true, Some(places)) if release < since => fail(
            Error,
            version,
            format!(
                "CRD {} knows {}, which {} uses, but the controller {release} does not read it (from {since} on): the \
                 reference is ignored without a word",
                definition.name(),
                name(reference),
                who(places)
            ),
        )
        .remedy(format!("Upgrade the controller to {since} or later."))
        .see([place])
        .see(places.iter().take(MOST_SHOWN).cloned())
        .check(),
        _ => pass(),
    }
}

fn name(field: &str) -> &str {
    let field = field.strip_suffix("/*").unwrap_or(field);
    field.rsplit('/').next().unwrap_or(field)
}

fn who(places: &[Place]) -> String {
    let Some(first) = places.first() else { return String::new() };
    let one = format!("{} {}", ack::noun(first.item), first.item.name());
    match places.len() - 1 {
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
        assert!(is_ack("sqs.services.k8s.aws/Queue"));
        assert!(!is_ack("karpenter.sh/NodePool"));
    }
}
