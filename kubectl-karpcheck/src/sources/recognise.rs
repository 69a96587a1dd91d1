//! What kind of document something is, by what it holds.

use crate::inventory::{Node, Value};

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
    /// A plan or state of Terraform.
    Terraform(super::terraform::Shape),
    /// An answer of the `aws` CLI.
    AwsAnswer,
    /// Nothing at all.
    Empty,
    /// Anything else.
    Unknown,
}

/// Recognises a document.
pub(super) fn format_of(node: &Node) -> Format {
    match &node.value {
        Value::Null => return Format::Empty,
        Value::List(_) if super::iam_policies::is_policy(node) => return Format::Policy,
        Value::List(_) if super::aws_cli::responses::is_answer(node) => return Format::AwsAnswer,
        Value::Map(_) => {}
        _ => return Format::Unknown,
    }
    if super::kubernetes::kind_of(node).is_some() {
        return Format::Kubernetes;
    }
    if super::cloudformation::is_template(node) {
        return Format::CloudFormation;
    }
    if super::helm::is_values(node) {
        return Format::HelmValues;
    }
    if super::iam_policies::is_policy(node) {
        return Format::Policy;
    }
    if let Some(shape) = super::terraform::shape_of(node) {
        return Format::Terraform(shape);
    }
    if super::aws_cli::responses::saved::is_saved(node) {
        return Format::AwsAnswer;
    }
    if !super::helm::values_in(node).is_empty() {
        return Format::HelmValues;
    }
    Format::Unknown
}
