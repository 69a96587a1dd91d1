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
    title: "The discovery tag selects what other clusters select, too",
    severity: Warning,
    subjects: CLASSES,
    uses: &[clusters::READS],
    check,
    ..Rule::DEFAULT
};

const CLASSES: &[&str] = &["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate"];
const TAG: &str = "karpenter.sh/discovery";
/// Classes of other clusters that a finding names: in a fleet that shares one tag, more would only be longer.
const SHOWN: usize = 10;

/// What is selected by tags, and the patterns of the selectors' tags.
struct Selectors {
    what: &'static str,
    tags: &'static [&'static str],
    severity: Severity,
}

const SELECTORS: &[Selectors] = &[
    Selectors {
        what: "security groups",
        tags: &["/spec/securityGroupSelectorTerms/*/tags", "/spec/securityGroupSelector"],
        severity: Warning,
    },
    Selectors { what: "subnets", tags: &["/spec/subnetSelectorTerms/*/tags", "/spec/subnetSelector"], severity: Info },
];

impl Selectors {
    /// The patterns of the discovery tag.
    fn discovery(&self) -> impl Iterator<Item = String> {
        self.tags.iter().map(|tags| format!("{tags}/{}", TAG.replace('/', "~1")))
    }

    /// The discovery tags by which a class selects.
    fn of(&self, class: Item) -> Vec<Field> {
        self.discovery().flat_map(|tag| class.find(&tag).known()).filter(alone).collect()
    }

    /// The same tag of classes of other clusters, as many as are shown, each with whether account and region are certainly the same.
    fn others(&self, tag: &Field) -> Vec<(Field, bool)> {
        let class = tag.item();
        let peers = |kind: &&str| {
            self.discovery().flat_map(|pattern| class.peers(tag.pointer(), kind, &pattern)).collect::<Vec<_>>()
        };
        CLASSES
            .iter()
            .flat_map(peers)
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
    let name = class.name();
    all(SELECTORS, |selectors| {
        let what = selectors.what;
        all(selectors.of(class), |tag| {
            let value = tag.text()?.unwrap_or_default();
            if value == "*" {
                let message =
                    format!("node class {name} takes all {what} with the tag {TAG}, also those of other clusters");
                return remedied(fail(&tag, message).confidence(Confidence::Medium)).group("any").check();
            }
            let others = selectors.others(&tag);
            let Some((other, sure)) = others.first() else { return pass() };
            let message = format!(
                "node class {name} takes the {what} tagged {TAG}={value}, as does {} of another cluster",
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
