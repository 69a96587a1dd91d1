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
use crate::schemas::{self, Schema, dotted};
use crate::versions::{self, Minor, version_for};

pub(crate) const RULE: Rule = Rule {
    title: "An installed CRD of Karpenter is older than the controller",
    severity: Error,
    subjects: &[crds::KIND],
    reads: &["karpenter.sh/NodePool", "karpenter.sh/NodeClaim", "karpenter.k8s.aws/EC2NodeClass"],
    uses: &[versions::READS],
    check,
    ..Rule::DEFAULT
};

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
    both([stored(definition, version), lacking(definition, &kind, version), used])
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
                "CRD {} still counts {stored} among its stored versions, {when}: the CRD is refused, and objects \
                 stored in it cannot be read",
                definition.name()
            ),
        )
        .remedy("Under 1.0, save all objects once and set status.storedVersions to [v1], as the upgrade guide says for 1.1.");
        if refused { finding } else { finding.severity(Warning) }.check()
    })
}

fn lacking(definition: Item, kind: &str, version: Minor) -> Check {
    if version < (1, 0) {
        return pass();
    }
    let running = format!("Karpenter {}.{}", version.0, version.1);
    let Some(v1) = crds::version(definition, V1) else {
        return fail(
            "/spec/versions",
            format!(
                "CRD {} has no version v1, which {running} reads: it finds no such kind, and does not start",
                definition.name()
            ),
        )
        .remedy("Apply the CRDs of the running release (chart karpenter-crd) before anything else.")
        .check();
    };
    // A later release is judged as the newest one that is known.
    let newest = schemas::served(kind, V1).and_then(|served| served.minors().last().copied()).unwrap_or(version);
    let Some(released) = schemas::release(kind, V1, version.min(newest)) else { return skip() };
    let missing = missing(&v1, &released, true)?;
    let Some(first) = missing.first() else { return pass() };
    let more = if missing.len() > 1 { format!(" and {} more fields", missing.len() - 1) } else { String::new() };
    fail(
        v1,
        format!(
            "CRD {} is older than {running}: it does not know {}{more}, which the API server therefore silently drops",
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

/// The fields of a release that a definition's version does not have, without what is below them. Those that the first patch
/// of the release does not have may be left out.
fn missing(version: &Field, released: &Schema, without_late: bool) -> Result<Vec<String>, Unknown> {
    let name = version.child("name").text()?.unwrap_or_default();
    let Some(own) = schemas::schema_of(version.item(), &name)? else { return Ok(vec![]) };
    let mut missing: Vec<String> = vec![];
    released.walk(String::new(), &mut |at, schema| {
        let told = missing.iter().any(|told| at.starts_with(&format!("{told}/")));
        if !(told || own.describes(at) || without_late && schema.late) {
            missing.push(at.to_owned());
        }
    });
    Ok(missing)
}

/// Fields that objects use: these are lost now, whatever version runs.
fn used(definition: Item, kind: &str, noun: &str) -> Check {
    let Some(v1) = crds::version(definition, V1) else { return skip() };
    let objects: Vec<Item> = select(kind).known().collect();
    if objects.is_empty() {
        return skip();
    }
    let mut fields: Vec<String> = vec![];
    let served = schemas::served(kind, V1);
    for minor in served.iter().flat_map(|served| served.minors()) {
        let Some(released) = schemas::release(kind, V1, minor) else { continue };
        let missing = missing(&v1, &released, false)?;
        fields.extend(missing.into_iter().filter(|field| !fields.contains(field)).collect::<Vec<_>>());
    }
    let lost = all(fields, |field| {
        let set = |object: &Item| object.find(&field).known().find(|found| found.exists() == Ok(true));
        let users: Vec<Field> = objects.iter().filter_map(set).collect();
        let Some(first) = users.first() else { return skip() };
        let may_keep = |rival: Item| crds::version(rival, V1).is_some_and(|v1| crds::keeps(&v1, &field) != Ok(false));
        crds::contested(definition, may_keep)?;
        fail(
            &v1,
            format!(
                "CRD {} does not know {}, which {noun} {} uses: the API server silently drops it",
                definition.name(),
                dotted(&field),
                first.item().name()
            ),
        )
        .severity(Warning)
        .remedy("Apply the CRDs of the running release (chart karpenter-crd), then the object again.")
        .related(users.iter().take(SHOWN).map(|user| user.place("uses it")))
        .group(field.clone())
        .check()
    });
    both([lost, pass()])
}
