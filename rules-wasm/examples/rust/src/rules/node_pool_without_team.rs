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
    area: "platform",
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

const LABELS: &str = "/spec/template/metadata/labels";

fn check(pool: Item) -> Check {
    let label = setting("label").text()?.unwrap_or_default();
    let pointer = format!("{LABELS}/{}", segment(&label));
    // A placeholder is a team, whichever it is: only a label that is missing or empty is wrong.
    if pool.matches(&pointer, "?*") == Answer::Yes {
        return pass();
    }
    if pool.text(&pointer)?.is_some_and(|team| !team.is_empty()) {
        return pass();
    }
    fail(
        Warning,
        LABELS,
        format!("the nodes of {} get no label {label}: their cost is booked to the platform team", pool.name()),
    )
    .remedy(format!("Set {label} to the team's name in spec.template.metadata.labels."))
    .check()
}

/// A name as one segment of an RFC 6901 pointer.
fn segment(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_with_a_slash_is_one_segment() {
        assert_eq!(segment("example.com/team"), "example.com~1team");
    }
}
