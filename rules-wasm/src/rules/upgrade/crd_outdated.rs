//! ## What it finds
//!
//! - A CustomResourceDefinition of Karpenter that lacks a version or a field which the definition of the running Karpenter
//!   has, or a field which an object uses.
//! - One whose `status.storedVersions` still names `v1alpha5`, `v1alpha1` or `v1beta1`: a warning at 1.0, an error from 1.1
//!   on, which no longer serves them.
//!
//! ## Why it matters
//!
//! `helm upgrade` leaves the CRDs of a chart as they are. A field that the definition does not know is dropped without an
//! error unless the client asks for strict validation (kubectl does, Helm and most controllers do not): the node class is saved, and Karpenter never sees what was set. With old versions in `storedVersions` the API
//! server refuses the definitions of 1.1 ("must appear in spec.versions"), and objects that are still stored so cannot be
//! read.
//!
//! ## How to fix it
//!
//! Upgrade the chart `karpenter-crd`, or apply the definitions of the release, before the controller. For `storedVersions`
//! save every object once with 1.0 (`kubectl get … -o yaml | kubectl replace -f -`), then
//! `kubectl patch crd NAME --subresource=status --type=merge -p '{"status":{"storedVersions":["v1"]}}'`.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system, labels: {app.kubernetes.io/name: karpenter}}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata: {labels: {app.kubernetes.io/name: karpenter}}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.1.0
//!           env: [{name: CLUSTER_NAME, value: demo}, {name: INTERRUPTION_QUEUE, value: demo}]
//! ---
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata: {name: nodeclaims.karpenter.sh}
//! spec:
//!   group: karpenter.sh
//!   names: {kind: NodeClaim, plural: nodeclaims}
//!   scope: Cluster
//!   versions:
//!     - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
//! status:
//!   storedVersions: [v1beta1, v1]
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system, labels: {app.kubernetes.io/name: karpenter}}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata: {labels: {app.kubernetes.io/name: karpenter}}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.1.0
//!           env: [{name: CLUSTER_NAME, value: demo}, {name: INTERRUPTION_QUEUE, value: demo}]
//! ---
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata: {name: nodeclaims.karpenter.sh}
//! spec:
//!   group: karpenter.sh
//!   names: {kind: NodeClaim, plural: nodeclaims}
//!   scope: Cluster
//!   versions:
//!     - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
//! status:
//!   storedVersions: [v1]
//! ```
//!
//! ## Sources
//!
//! - Kubernetes, "Field validation" (what strict clients are told, and others are not):
//!   <https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation>
//! - Karpenter, upgrade guide, "CRD Upgrades" and 1.1.0: <https://karpenter.sh/docs/upgrading/upgrade-guide/>
//! - Stored versions: <https://github.com/kubernetes-sigs/karpenter/issues/2157> and
//!   <https://github.com/aws/karpenter-provider-aws/issues/7734>
//! - The definitions of each release:
//!   <https://github.com/aws/karpenter-provider-aws/tree/v1.14.1/pkg/apis/crds>

use karpcheck_sdk::prelude::*;

use crate::crds;
use crate::versions::{self, Minor, version_for};

pub(crate) const RULE: Rule = Rule {
    title: "An installed CRD of Karpenter is older than the controller",
    severity: Error,
    subjects: &[crds::KIND],
    reads: &["karpenter.sh/NodePool", "karpenter.k8s.aws/EC2NodeClass"],
    uses: &[versions::READS],
    check,
    ..Rule::DEFAULT
};

/// Fields of `v1` that later definitions have and that of 1.0 does not: the kind, the field, and the version from which on
/// it is certainly there. Made of the definitions of 1.0.14 and 1.14.1; earlier versions where the upgrade guide names one.
const FIELDS: &[(&str, &str, Minor)] = &[
    ("EC2NodeClass", "/spec/amiSelectorTerms/*/ssmParameter", (1, 14)),
    ("EC2NodeClass", "/spec/blockDeviceMappings/*/ebs/volumeInitializationRate", (1, 14)),
    ("EC2NodeClass", "/spec/capacityReservationSelectorTerms", (1, 3)),
    ("EC2NodeClass", "/spec/capacityReservationSelectorTerms/*/instanceMatchCriteria", (1, 14)),
    ("EC2NodeClass", "/spec/connectionTracking", (1, 14)),
    ("EC2NodeClass", "/spec/cpuOptions", (1, 14)),
    ("EC2NodeClass", "/spec/ipPrefixCount", (1, 14)),
    ("EC2NodeClass", "/spec/networkInterfaces", (1, 14)),
    ("EC2NodeClass", "/spec/placementGroupSelector", (1, 12)),
    ("NodePool", "/spec/replicas", (1, 14)),
];
/// The version of 1.0 and later.
const V1: &str = "v1";
/// Places of objects that a finding shows.
const SHOWN: usize = 10;

fn check(definition: Item) -> Check {
    let Some(kind) = crds::defined(definition)? else { return skip() };
    let Some((group, noun)) = kind.split_once('/') else { return skip() };
    let ours = matches!(noun, "NodePool" | "NodeClaim" | "EC2NodeClass");
    if !ours || !matches!(group, "karpenter.sh" | "karpenter.k8s.aws") || !crds::counts(definition) {
        return skip();
    }
    let used = used(definition, &kind, noun);
    let Some(version) = version_for(definition) else {
        let why = "which version of Karpenter runs is not known (--karpenter-version states it)";
        return both([used, unknown(versions::not_known(why))]);
    };
    both([stored(definition, version), lacking(definition, noun, version), used])
}

fn stored(definition: Item, version: Minor) -> Check {
    // Until 1.0 the old versions are what is stored.
    if version < (1, 0) {
        return skip();
    }
    all(definition.each("/status/storedVersions"), |entry| {
        let entry = entry?;
        let stored = match entry.value() {
            Value::Text(text) => text,
            Value::Unknown(unknown) => return Err(unknown.clone()),
            _ => return skip(),
        };
        if stored == V1 {
            return pass();
        }
        let refused = version >= (1, 1);
        let when = if refused {
            format!("which Karpenter {}.{} does not serve", version.0, version.1)
        } else {
            "which Karpenter 1.1 no longer serves".to_owned()
        };
        let finding = fail(
            &entry,
            format!(
                "CRD {} still counts {stored} among its stored versions, {when}: its definitions are refused, and objects that \
                 are stored so cannot be read",
                definition.name()
            ),
        )
        .remedy("Under 1.0, save all objects once and set status.storedVersions to [v1], as the upgrade guide says for 1.1.");
        if refused { finding } else { finding.severity(Warning) }.check()
    })
}

fn lacking(definition: Item, noun: &str, version: Minor) -> Check {
    if version < (1, 0) {
        return pass();
    }
    let running = format!("Karpenter {}.{}", version.0, version.1);
    let Some(v1) = crds::version(definition, V1) else {
        return fail(
            "/spec/versions",
            format!(
                "CRD {} has no version v1, which {running} reads: it finds none of these objects",
                definition.name()
            ),
        )
        .severity(Warning)
        .remedy("Apply the CRDs of the running release (chart karpenter-crd) before anything else.")
        .check();
    };
    let mut missing: Vec<&str> = vec![];
    for (_, field, since) in FIELDS.iter().filter(|(of, ..)| *of == noun) {
        let told = missing.iter().any(|missing| field.starts_with(missing));
        if version >= *since && !told && !crds::keeps(&v1, field)? {
            missing.push(field);
        }
    }
    let Some(first) = missing.first() else { return pass() };
    let more = if missing.len() > 1 { format!(" and {} more fields", missing.len() - 1) } else { String::new() };
    fail(
        v1,
        format!(
            "CRD {} is older than {running}: it does not know {}{more}, which the API server therefore drops without a word",
            definition.name(),
            dotted(first)
        ),
    )
    .severity(Warning)
    .remedy("Apply the CRDs of the running release (chart karpenter-crd): helm upgrade leaves them as they are.")
    .group("older")
    .property("missing", missing.join(" "))
    .check()
}

/// Fields that objects use: these are lost now, whatever version runs.
fn used(definition: Item, kind: &str, noun: &str) -> Check {
    let Some(v1) = crds::version(definition, V1) else { return skip() };
    all(FIELDS.iter().filter(|(of, ..)| *of == noun), |(_, field, _)| {
        let set = |object: Item| object.find(field).known().find(|found| found.exists() == Ok(true));
        let users: Vec<Field> = select(kind).known().filter_map(set).collect();
        let Some(first) = users.first() else { return skip() };
        if crds::keeps(&v1, field)? {
            return pass();
        }
        let may_keep = |rival: Item| crds::version(rival, V1).is_some_and(|v1| crds::keeps(&v1, field) != Ok(false));
        crds::contested(definition, may_keep)?;
        fail(
            &v1,
            format!(
                "CRD {} does not know {}, which {noun} {} uses: the API server drops it without a word",
                definition.name(),
                dotted(field),
                first.item().name()
            ),
        )
        .severity(Warning)
        .remedy("Apply the CRDs of the running release (chart karpenter-crd), then the object again.")
        .related(users.iter().take(SHOWN).map(|user| user.place("uses it")))
        .group(*field)
        .check()
    })
}

/// `spec.replicas` of `/spec/replicas`.
fn dotted(field: &str) -> String {
    field.trim_start_matches('/').replace("/*", "[]").replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_people_write_them() {
        assert_eq!(dotted("/spec/amiSelectorTerms/*/ssmParameter"), "spec.amiSelectorTerms[].ssmParameter");
    }

    #[test]
    fn no_field_is_listed_twice() {
        for (index, (kind, field, _)) in FIELDS.iter().enumerate() {
            assert!(!FIELDS[..index].iter().any(|(other, same, _)| (other, same) == (kind, field)), "{field}");
        }
    }
}
