//! Kinds: which ones there are beside AWS's and Kubernetes' own, and which objects of a cluster describe which kind.

pub use crate::schema::aws::{CLUSTER, CONTROLLER};
use crate::schema::pattern::kind_matches;

/// The one described kind that no other depends on or refers to: made only for a rule that declares it.
pub const TABLE: &str = "AWS::DynamoDB::Table";

/// A definition of further kinds. Those of groups that no rule reads are not kept: a cluster may have hundreds, and each is
/// as long as a hundred objects.
pub const DEFINITION: &str = "apiextensions.k8s.io/CustomResourceDefinition";

/// The kinds of objects that describe a kind, or from which it is derived. A Kubernetes kind describes itself.
const DESCRIBED_BY: &[(&str, &[&str])] = &[
    (CONTROLLER, &["apps/Deployment", "core/Pod", "core/ServiceAccount", "core/ConfigMap"]),
    (CLUSTER, &["apps/DaemonSet", "apps/Deployment", "core/Node", "karpenter.k8s.aws/EC2NodeClass"]),
    ("AWS::SQS::Queue", &["sqs.services.k8s.aws/Queue"]),
    ("AWS::KMS::Key", &["kms.services.k8s.aws/Key", "kms.services.k8s.aws/Alias", "kms.services.k8s.aws/Grant"]),
    ("AWS::KMS::Alias", &["kms.services.k8s.aws/Alias"]),
    ("AWS::DynamoDB::Table", &["dynamodb.services.k8s.aws/Table"]),
    ("AWS::IAM::Role", &["iam.services.k8s.aws/Role"]),
    ("AWS::IAM::User", &["iam.services.k8s.aws/User"]),
    ("AWS::IAM::Group", &["iam.services.k8s.aws/Group"]),
    ("AWS::IAM::ManagedPolicy", &["iam.services.k8s.aws/Policy"]),
    ("AWS::IAM::InstanceProfile", &["iam.services.k8s.aws/InstanceProfile"]),
    ("AWS::EC2::LaunchTemplate", &["ec2.services.k8s.aws/LaunchTemplate"]),
    ("AWS::Events::Rule", &["eventbridge.services.k8s.aws/Rule"]),
    ("AWS::EKS::Cluster", &["eks.services.k8s.aws/Cluster"]),
    ("AWS::EKS::PodIdentityAssociation", &["eks.services.k8s.aws/PodIdentityAssociation"]),
];

/// The kinds of objects to gather from a cluster so that a kind, or a pattern of kinds, can be answered for.
pub fn gathered_for(kind: &str) -> Vec<&str> {
    if let Some((_, objects)) = DESCRIBED_BY.iter().find(|(own, _)| *own == kind) {
        return objects.to_vec();
    }
    if is_kubernetes(kind) { vec![kind] } else { vec![] }
}

/// Are objects of this kind in no namespace? The API server takes a namespace away that such an object is written with.
pub fn is_cluster_scoped(kind: &str) -> bool {
    match kind.split_once('/') {
        Some(("karpenter.sh" | "karpenter.k8s.aws" | "apiextensions.k8s.io" | "admissionregistration.k8s.io", _)) => {
            true
        }
        Some(("core", name)) => matches!(name, "Node" | "Namespace"),
        _ => false,
    }
}

/// The AWS resource kind that an object of this kind describes, if it is one that is normalised.
pub fn described_by(object: &str) -> Option<&'static str> {
    // Of two kinds that one object describes the narrower comes last: an ACK Alias describes an alias.
    DESCRIBED_BY.iter().rev().find(|(own, by)| own.starts_with("AWS::") && by.contains(&object)).map(|(own, _)| *own)
}

/// The kind of object that describes a resource of this kind.
pub fn described_in(kind: &str) -> Option<&'static str> {
    DESCRIBED_BY.iter().find(|(own, _)| *own == kind).and_then(|(_, by)| by.first().copied())
}

/// The kinds of objects that describe something beside themselves.
pub fn describing() -> impl Iterator<Item = &'static str> {
    DESCRIBED_BY.iter().flat_map(|(_, objects)| objects.iter().copied())
}

/// Is it a kind of Kubernetes objects, `group/Kind`, or a pattern of such?
pub fn is_kubernetes(kind: &str) -> bool {
    kind.contains('/')
}

/// Can a cluster's listings say that there are no more of a kind? Of AWS resources they never can.
pub fn listable(kind: &str) -> bool {
    is_kubernetes(kind) || kind == CONTROLLER || kind == CLUSTER
}

/// Is it a kind that a self-managed Karpenter reconciles?
pub fn is_reconciled(kind: &str) -> bool {
    matches!(
        kind,
        "karpenter.sh/NodePool"
            | "karpenter.sh/NodeClaim"
            | "karpenter.sh/Provisioner"
            | "karpenter.sh/Machine"
            | "karpenter.sh/NodeOverlay"
            | "karpenter.k8s.aws/EC2NodeClass"
            | "karpenter.k8s.aws/AWSNodeTemplate"
    )
}

/// What is gathered, from the kinds that the chosen rules declare.
#[derive(Clone, Debug, Default)]
pub struct GatherScope {
    /// Declared kinds, patterns among them.
    declared: Vec<String>,
    /// Kubernetes kinds and patterns to list, sorted, each with whether access may be denied without affecting completeness.
    listed: Vec<(String, bool)>,
    /// Is a cluster without Karpenter a failure?
    karpenter: bool,
}

impl GatherScope {
    /// From declared kinds, each with whether its owner may refuse it.
    pub fn new<'a>(declared: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let mut plan = Self::default();
        let mut listed = std::collections::BTreeMap::new();
        for (kind, optional) in declared {
            if !plan.declared.iter().any(|known| known == kind) {
                plan.declared.push(kind.to_owned());
            }
            for object in gathered_for(kind) {
                *listed.entry(object.to_owned()).or_insert(true) &= optional;
            }
        }
        plan.listed = listed.into_iter().collect();
        plan
    }

    /// The same, where a cluster without Karpenter is a failure.
    #[must_use]
    pub fn requiring_karpenter(self, karpenter: bool) -> Self {
        Self { karpenter, ..self }
    }

    /// Is a cluster without Karpenter a failure?
    pub const fn requires_karpenter(&self) -> bool {
        self.karpenter
    }

    /// The Kubernetes kinds and patterns to list: `group/Kind`, and whether a refusal leaves the run complete.
    pub fn listed(&self) -> impl Iterator<Item = (&str, bool)> {
        self.listed.iter().map(|(kind, optional)| (kind.as_str(), *optional))
    }

    /// Is an object or resource of this kind wanted, by a rule or for what a rule wants?
    pub fn wants(&self, kind: &str) -> bool {
        self.listed.iter().any(|(listed, _)| kind_matches(listed, kind)) || self.declares(kind)
    }

    /// Is some kind of this group wanted?
    pub fn wants_group(&self, group: &str) -> bool {
        let of = |kind: &str| {
            kind.split_once('/')
                .is_some_and(|(pattern, _)| kind_matches(&format!("{pattern}/x"), &format!("{group}/x")))
        };
        self.listed.iter().any(|(listed, _)| of(listed))
    }

    /// Did a rule declare this kind?
    pub fn declares(&self, kind: &str) -> bool {
        self.declared.iter().any(|declared| kind_matches(declared, kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_wanted_by_the_groups_of_the_kinds_that_are() {
        let plan =
            GatherScope::new([(DEFINITION, false), ("*.services.k8s.aws/*", false), ("karpenter.sh/NodePool", true)]);
        assert!(plan.wants_group("sqs.services.k8s.aws") && plan.wants_group("karpenter.sh"));
        assert!(!plan.wants_group("sqs.aws.upbound.io") && !plan.wants_group("karpenter.k8s.aws"));
    }
}
