//! ## What it finds
//!
//! A NodePool whose nodes get no team label.
//!
//! ## Why it matters
//!
//! The nodes' cost is booked by that label. Without it they are booked to the platform team.
//!
//! ## How to fix it
//!
//! Set the label in the NodePool's `spec.template.metadata.labels`. Which label it is, the setting `label` says.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata:
//!   name: default
//! spec:
//!   template:
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata:
//!   name: default
//! spec:
//!   template:
//!     metadata:
//!       labels:
//!         example.com/team: payments
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//! ```
//!
//! ## Sources
//!
//! - The platform team's handbook, "Who pays for a node".

use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "A NodePool's nodes belong to no team",
    severity: Warning,
    subjects: &["karpenter.sh/NodePool"],
    settings: &[Setting {
        name: "label",
        docs: "The label that names the team.",
        default: SettingDefault::Text("example.com/team"),
    }],
    check,
    ..Rule::DEFAULT
};

fn check(pool: Item) -> Check {
    let label = setting("label").text()?.unwrap_or_default();
    let labels = pool.field("/spec/template/metadata/labels");
    let team = labels.child(&label);
    // A placeholder is a team, whichever it is: only a label that is missing or empty is wrong.
    if team.matches("?*").is_yes() || team.text()?.is_some_and(|team| !team.is_empty()) {
        return pass();
    }
    fail(
        labels,
        format!("the nodes of {} get no label {label}: their cost is booked to the platform team", pool.name()),
    )
    .remedy(format!("Set {label} to the team's name in spec.template.metadata.labels."))
    .check()
}
