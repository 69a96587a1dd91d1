//! ## What it finds
//!
//! - An EC2NodeClass whose security groups or subnets are selected by `karpenter.sh/discovery: "*"` and no other tag: that
//!   selects what any cluster has tagged.
//! - Node classes of two clusters of one account and region whose security groups are selected by the same value of
//!   `karpenter.sh/discovery`. That they share subnets alone is usual, and said as an info.
//!
//! ## Why it matters
//!
//! Nodes of one cluster get the security groups of the other: they may reach what they should not, and may not reach their own
//! control plane. Who changes the other cluster's groups or subnets makes these nodes drift, and Karpenter replaces them.
//!
//! ## How to fix it
//!
//! Tag the security groups and subnets of each cluster with a value of its own, usually the cluster's name, and select by
//! that.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-prod
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: prod}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: "*"}}]
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-prod
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: prod}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: prod}}]
//! ```
//!
//! ## Sources
//!
//! - Karpenter, "NodeClasses", `spec.subnetSelectorTerms` and `spec.securityGroupSelectorTerms`, where `*` stands for any
//!   value: <https://karpenter.sh/docs/concepts/nodeclasses/>
//! - Two clusters of one account: <https://github.com/aws/karpenter-provider-aws/issues/7356>

use karpcheck_sdk::prelude::*;

use crate::clusters::{self, beside};

pub(crate) const RULE: Rule = Rule {
    title: "The discovery tag also selects resources of other clusters",
    severity: Warning,
    subjects: CLASSES,
    uses: &[clusters::READS],
    properties: &[clusters::ACROSS],
    check,
    ..Rule::DEFAULT
};

const CLASSES: &[&str] = &[NODE_CLASS, TEMPLATE];
const NODE_CLASS: &str = "karpenter.k8s.aws/EC2NodeClass";
/// Of before 0.32.
const TEMPLATE: &str = "karpenter.k8s.aws/AWSNodeTemplate";
const TAG: &str = "karpenter.sh/discovery";
/// Classes of other clusters that a finding names: in a fleet that shares one tag, more would only be longer.
const SHOWN: usize = 10;

/// What is selected by tags, and the patterns of the discovery tag in the selectors of each kind.
struct Selectors {
    what: &'static str,
    tags: &'static [(&'static str, &'static str)],
    severity: Severity,
}

const SELECTORS: &[Selectors] = &[
    Selectors {
        what: "security groups",
        tags: &[
            (NODE_CLASS, "/spec/securityGroupSelectorTerms/*/tags/karpenter.sh~1discovery"),
            (TEMPLATE, "/spec/securityGroupSelector/karpenter.sh~1discovery"),
        ],
        severity: Warning,
    },
    Selectors {
        what: "subnets",
        tags: &[
            (NODE_CLASS, "/spec/subnetSelectorTerms/*/tags/karpenter.sh~1discovery"),
            (TEMPLATE, "/spec/subnetSelector/karpenter.sh~1discovery"),
        ],
        severity: Info,
    },
];

impl Selectors {
    /// The discovery tags by which a class selects.
    fn of(&self, class: Item) -> Vec<Field> {
        let kind = class.kind();
        let own = self.tags.iter().filter(|(of, _)| *of == kind);
        own.flat_map(|(_, tag)| class.find(tag).known()).filter(alone).collect()
    }

    /// The same tag of classes of other clusters, as many as are shown, each with whether account and region are certainly the same.
    fn others(&self, tag: &Field) -> Vec<(Field, bool)> {
        let class = tag.item();
        self.tags
            .iter()
            .flat_map(|(kind, pattern)| class.peers(tag.pointer(), kind, pattern))
            .filter_map(|link| Some((beside(class, link.known()?).shares()?, link.field)))
            .filter(|(_, tag)| alone(tag))
            .map(|(sure, tag)| (tag, sure))
            .take(SHOWN)
            .collect()
    }
}

/// Does its selector select by this tag alone, with a known value?
fn alone(tag: &Field) -> bool {
    tag.known_text().is_some() && tag.parent().each().len() == 1
}

fn check(class: Item) -> Check {
    all(SELECTORS, |selectors| {
        let what = selectors.what;
        all(selectors.of(class), |tag| {
            let value = tag.text()?.unwrap_or_default();
            if value == "*" {
                let message = format!(
                    "node class {} selects all {what} with the tag {TAG}, including those of other clusters",
                    class.name()
                );
                return remedied(fail(&tag, message).confidence(Confidence::Medium)).group("any").check();
            }
            let others = selectors.others(&tag);
            let Some((other, sure)) = others.first() else { return pass() };
            let message = format!(
                "node class {} selects the {what} tagged {TAG}={value}, as does {} of another cluster",
                class.name(),
                other.item().name()
            );
            remedied(fail(&tag, message))
                .severity(selectors.severity)
                .confidence(if *sure { Confidence::High } else { Confidence::Low })
                .related(others.iter().map(|(other, _)| other.place("another cluster's node class")))
                .check()
        })
    })
}

fn remedied(finding: Finding) -> Finding {
    finding.remedy("Tag each cluster's security groups and subnets with a value of its own, and select by that.")
}
