//! ## What it finds
//!
//! - An EC2NodeClass with both `role` and `instanceProfile`, or with neither.
//! - An EC2NodeClass whose `tags` hold a key that Karpenter sets itself: `eks:eks-cluster-name`,
//!   `kubernetes.io/cluster…`, `karpenter.sh/nodepool`, `karpenter.sh/nodeclaim`, `karpenter.k8s.aws/ec2nodeclass`, and in
//!   `v1beta1` `karpenter.sh/managed-by`.
//! - A NodePool or NodeClaim whose `nodeClassRef` has no `group` or no `kind`, for Karpenter from 1.1 on.
//!
//! ## Why it matters
//!
//! The API server refuses such an object ("must specify exactly one of ['role', 'instanceProfile']", "tag contains a
//! restricted tag"), so the deployment fails, or the old object stays as it was. A `nodeClassRef` without group or kind
//! that is still stored from before makes Karpenter 1.1 launch nothing for it.
//!
//! ## How to fix it
//!
//! Keep `role`, from which Karpenter makes the instance profile, or `instanceProfile`, if somebody else makes it. Remove the
//! reserved tags: Karpenter sets them on everything it makes. Write `group: karpenter.k8s.aws` and `kind: EC2NodeClass`.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   instanceProfile: KarpenterNodeInstanceProfile-demo
//!   amiSelectorTerms: [{alias: al2023@latest}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms: [{alias: al2023@latest}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//! ```
//!
//! ## Sources
//!
//! - The rules of the CRD (`x-kubernetes-validations`):
//!   <https://github.com/aws/karpenter-provider-aws/blob/main/pkg/apis/crds/karpenter.k8s.aws_ec2nodeclasses.yaml>
//! - Karpenter, upgrade guide, 1.1.0: <https://karpenter.sh/docs/upgrading/upgrade-guide/>

use karpcheck_sdk::prelude::*;

use crate::spot::is_self_managed;
use crate::versions::{self, version_for};

pub(crate) const RULE: Rule = Rule {
    title: "A node class, or a reference to one, is invalid, so the API server rejects it",
    severity: Error,
    subjects: &["karpenter.k8s.aws/EC2NodeClass", "karpenter.sh/NodePool", "karpenter.sh/NodeClaim"],
    uses: &[versions::READS],
    check,
    ..Rule::DEFAULT
};

fn check(object: Item) -> Check {
    match object.kind().as_str() {
        "karpenter.k8s.aws/EC2NodeClass" => both([identity(object), tags(object)]),
        "karpenter.sh/NodePool" => reference(&object.field("/spec/template/spec/nodeClassRef")),
        _ => reference(&object.field("/spec/nodeClassRef")),
    }
}

fn identity(class: Item) -> Check {
    // A text is set as soon as some part of it is known: `KarpenterNodeRole-${CLUSTER_NAME}`. An empty one is refused anyway.
    let set = |field: &Field| match field.value() {
        Value::Text(text) => Ok(!text.is_empty()),
        _ if field.matches("?*").is_yes() => Ok(true),
        value => value.exists(),
    };
    let (role, profile) = (class.field("/spec/role"), class.field("/spec/instanceProfile"));
    let name = class.name();
    // A placeholder alone is a role, whichever it will be.
    if profile.is_absent() && role.value().unknown().is_some_and(Unknown::is_symbolic) {
        return pass();
    }
    match (set(&role)?, set(&profile)?) {
        (true, true) => {
            fail(profile, format!("EC2NodeClass {name} sets both role and instanceProfile: the API server refuses it"))
                .remedy("Remove instanceProfile to let Karpenter create one from the role, or remove role.")
                .related([role.place("the role")])
                .check()
        }
        (false, false) if is_patch(class) => skip(),
        (false, false) => fail(
            "/spec",
            format!("EC2NodeClass {name} sets neither role nor instanceProfile: the API server refuses it"),
        )
        .remedy("Set role to the name of the role that the nodes are to have.")
        .check(),
        _ => pass(),
    }
}

/// A part of a class, to be laid over another one, as kustomize does: it lacks more that every class must have.
fn is_patch(class: Item) -> bool {
    class.get("/spec/subnetSelectorTerms").is_absent()
}

fn tags(class: Item) -> Check {
    let beta = class.matches_or_unknown("/apiVersion", "*/v1beta1")?;
    all(class.each("/spec/tags"), |tag| {
        let tag = tag?;
        let key = tag.key().text()?.unwrap_or_default();
        if !is_reserved(&key, beta) {
            return pass();
        }
        fail(
            &tag,
            format!(
                "EC2NodeClass {} sets the tag {key}, which is Karpenter's own: the API server refuses the object",
                class.name()
            ),
        )
        .remedy("Remove the tag: Karpenter sets it by itself.")
        .edit(&tag, Value::Absent)
        .group("reserved-tag")
        .check()
    })
}

/// The keys that the CRD restricts.
fn is_reserved(key: &str, beta: bool) -> bool {
    match key {
        "karpenter.sh/nodepool" | "karpenter.sh/nodeclaim" | "karpenter.k8s.aws/ec2nodeclass" => true,
        "eks:eks-cluster-name" => !beta,
        "karpenter.sh/managed-by" => beta,
        _ => key.starts_with("kubernetes.io/cluster"),
    }
}

fn reference(class: &Field) -> Check {
    let object = class.item();
    // Objects of v1beta1 are not served from 1.1 on: api-version-removed.
    if !is_self_managed(object) || !object.matches_or_unknown("/apiVersion", "karpenter.sh/v1")? {
        return skip();
    }
    // A patch does not refer at all.
    if !class.child("name").exists()? {
        return skip();
    }
    let wanted = [("group", "karpenter.k8s.aws"), ("kind", "EC2NodeClass")];
    let missing: Vec<(Field, &str)> = wanted
        .into_iter()
        .map(|(name, value)| (class.child(name), value))
        .filter(|(field, _)| field.is_blank())
        .collect();
    let Some((first, _)) = missing.first() else { return pass() };
    let field = first.name();
    let Some(version) = version_for(object) else {
        return unknown(versions::not_known(format!(
            "a nodeClassRef without {field} is refused from Karpenter 1.1 on, and which version runs is not known"
        )));
    };
    if version < (1, 1) {
        return pass();
    }
    let finding = fail(
        class,
        format!(
            "{} {} refers to its node class without {field}, which Karpenter {}.{} demands: nothing is launched for it",
            object.noun(),
            object.name(),
            version.0,
            version.1
        ),
    )
    .remedy("Write group: karpenter.k8s.aws and kind: EC2NodeClass.");
    missing.into_iter().fold(finding, |finding, (field, value)| finding.edit(field, value)).check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_tags_are_those_of_the_crd() {
        assert!(is_reserved("kubernetes.io/cluster/demo", false) && is_reserved("eks:eks-cluster-name", false));
        assert!(!is_reserved("eks:eks-cluster-name", true) && is_reserved("karpenter.sh/managed-by", true));
        assert!(!is_reserved("karpenter.sh/discovery", false) && !is_reserved("team", false));
    }
}
