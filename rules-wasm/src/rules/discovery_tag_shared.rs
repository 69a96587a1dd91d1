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

use crate::neighbours::{Beside, objects};

pub(crate) const RULE: Rule = Rule {
    area: "cluster-name",
    title: "The discovery tag selects what other clusters select, too",
    severity: Warning,
    subjects: CLASSES,
    reads: &["Karpcheck::Cluster"],
    check,
    ..Rule::DEFAULT
};

const CLASSES: &[&str] = &["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate"];
const GROUPS: &[&str] = &["/spec/securityGroupSelectorTerms/*/tags", "/spec/securityGroupSelector"];
const SUBNETS: &[&str] = &["/spec/subnetSelectorTerms/*/tags", "/spec/subnetSelector"];
const TAG: &str = "karpenter.sh~1discovery";

/// The tags of selectors that select by the discovery tag alone, with its value.
fn discovered(class: Item, selectors: &[&str]) -> Vec<(String, String)> {
    let fields = selectors.iter().flat_map(|selector| class.find(&format!("{selector}/{TAG}")));
    fields
        .filter_map(|field| {
            let Value::Text(value) = field.value else { return None };
            let tags = class.find(&format!("{}/*", field.at.trim_end_matches(&format!("/{TAG}"))));
            (tags.len() == 1).then_some((field.at, value))
        })
        .collect()
}

fn check(class: Item) -> Check {
    let mut findings = vec![];
    let mut any = false;
    for (selectors, what, shared) in [(GROUPS, "security groups", Warning), (SUBNETS, "subnets", Info)] {
        for (at, value) in discovered(class, selectors) {
            any = true;
            if value == "*" {
                let message = format!(
                    "node class {} takes all {what} with the tag karpenter.sh/discovery, also those of other clusters",
                    class.name()
                );
                findings.push(remedied(fail(Warning, at, message).confidence(Confidence::Medium)));
                continue;
            }
            let others = others(class, selectors, &value);
            let Some((other, _, sure)) = others.first() else { continue };
            let message = format!(
                "node class {} takes the {what} tagged karpenter.sh/discovery={value}, as does {} of another cluster",
                class.name(),
                other.name()
            );
            let confidence = if *sure { Confidence::High } else { Confidence::Low };
            let places = others.iter().map(|(other, at, _)| other.place(at.clone(), "another cluster's node class"));
            findings.push(remedied(fail(shared, at, message).confidence(confidence)).see(places));
        }
    }
    if any { found(findings) } else { skip() }
}

fn remedied(finding: Finding) -> Finding {
    finding.remedy("Tag each cluster's security groups and subnets with a value of its own, and select by that.")
}

/// The classes of other clusters that select the same, the field of each, and whether it is certain that account and region
/// are the same.
fn others(class: Item, selectors: &[&str], value: &str) -> Vec<(Item, String, bool)> {
    let mut others = vec![];
    for other in CLASSES.iter().flat_map(|kind| select(kind).given()).filter(|other| *other != class) {
        let sure = match objects(class, other) {
            Beside::Same | Beside::Elsewhere => continue,
            beside => matches!(beside, Beside::Neighbours),
        };
        others.extend(
            discovered(other, selectors).into_iter().filter(|(_, own)| own == value).map(|(at, _)| (other, at, sure)),
        );
    }
    others
}
