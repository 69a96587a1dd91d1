//! What kind of document something is, by what it holds.

use crate::model::{Node, Value};

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    /// A Kubernetes object, or a list of them.
    Kubernetes,
    /// A CloudFormation template.
    CloudFormation,
    /// Values of Karpenter's chart.
    HelmValues,
    /// IAM policies.
    Policy,
    /// An answer of the `aws` CLI.
    AwsAnswer,
    /// Nothing at all.
    Empty,
    /// A format that karpcheck will read, but does not yet.
    NotYet(&'static str),
    /// Anything else.
    Unknown,
}

/// Recognises a document.
pub(super) fn format_of(node: &Node) -> Format {
    let has = |name: &str| node.member(name).is_some();
    match &node.value {
        Value::Null => return Format::Empty,
        Value::List(_) if super::iam::is_policy(node) => return Format::Policy,
        Value::List(_) if super::aws::answers::is_answer(node) => return Format::AwsAnswer,
        Value::Map(_) => {}
        _ => return Format::Unknown,
    }
    if let Some((kind, _)) = super::kubernetes::kind_of(node) {
        return match kind.split_once('/').unwrap_or_default() {
            (group, _)
                if ["upbound.io", "crossplane.io"].iter().any(|of| group.ends_with(of)) && group.contains("aws") =>
            {
                Format::NotYet("a Crossplane object")
            }
            ("kro.run", _) => Format::NotYet("a kro ResourceGraphDefinition"),
            ("eksctl.io", _) => Format::NotYet("an eksctl ClusterConfig"),
            _ => Format::Kubernetes,
        };
    }
    if super::cloudformation::is_template(node) {
        return Format::CloudFormation;
    }
    if super::helm::is_values(node) {
        return Format::HelmValues;
    }
    if super::iam::is_policy(node) {
        return Format::Policy;
    }
    if has("planned_values") || has("resource_changes") {
        return Format::NotYet("a Terraform plan");
    }
    if has("terraform_version") {
        return Format::NotYet("a Terraform state");
    }
    if super::aws::answers::saved::is_saved(node) {
        return Format::AwsAnswer;
    }
    Format::Unknown
}
