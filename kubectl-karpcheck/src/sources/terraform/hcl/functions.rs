//! Terraform's functions, as far as configurations of Karpenter use them. Each gets values that may be known in part and
//! answers with one; none of what is not known is made up. Held to Terraform's own answers in tests/fixtures/terraform/functions.tsv.

mod collections;
mod format;
mod numbers;
mod text;

pub(super) use collections::{in_order, set};

use crate::inventory::reason::Terraform;
use crate::inventory::{At, Cause, Node, Part, Text, Value};
use crate::sources::objects;
use crate::sources::policy_documents;

/// Calls a function. None where it is not evaluated here, or not on such values.
pub(super) fn call(name: &str, args: &[Node], at: At) -> Option<Node> {
    converted(name, args, at)
        .or_else(|| collections::call(name, args, at))
        .or_else(|| text::call(name, args, at))
        .or_else(|| format::call(name, args, at))
        .or_else(|| numbers::call(name, args, at))
}

/// Functions that make a value of another type of one.
fn converted(name: &str, args: &[Node], at: At) -> Option<Node> {
    let [one] = args else { return None };
    match (name, &one.value) {
        // What is encoded here is decoded again where it is read: the value itself says more than its text.
        ("jsonencode" | "yamlencode" | "sensitive" | "nonsensitive", _) => Some(one.clone()),
        ("tostring" | "tobool" | "tonumber", Value::Null | Value::Unknown(_)) => Some(one.clone()),
        ("tostring", _) => Some(Node::text(primitive(one)?, one.at)),
        ("tobool", _) => match (flag(one), one.as_str()) {
            (Some(flag), _) => Some(Node::new(Value::Flag(flag), one.at)),
            (None, Some(_)) => Some(failed(Terraform::WhenRun { written: "tobool(…)".into() }, at)),
            (None, None) => Some(one.clone()),
        },
        ("tonumber", _) => match (numeric(one), one.as_str()) {
            (Some(number), _) => Some(Node::new(Value::Number(number), one.at)),
            (None, Some(_)) => Some(failed(Terraform::WhenRun { written: "tonumber(…)".into() }, at)),
            (None, None) => Some(one.clone()),
        },
        // What was encoded here is the value still.
        ("jsondecode" | "yamldecode", Value::Map(_) | Value::List(_)) => Some(one.clone()),
        ("jsondecode", Value::Text(text)) => match (policy_documents::object(one.clone()), text.known()) {
            (Node { value: Value::Unknown(_), .. }, Some(known)) => Some(match serde_json::from_str(known) {
                Ok(json) => Node::from_json(&json, one.at),
                Err(error) => failed(Terraform::WhenRun { written: format!("jsondecode(…): {error}").into() }, at),
            }),
            (Node { value: Value::Unknown(_), .. }, None) => None,
            (node, _) => Some(node),
        },
        ("yamldecode", Value::Text(_)) => match objects::documents(one).as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
        ("toset" | "tolist" | "tomap", Value::Null | Value::Unknown(_) | Value::Text(_)) => Some(one.clone()),
        _ => None,
    }
}

/// A text, or a number or flag as Terraform writes it into one.
fn primitive(node: &Node) -> Option<Text> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Flag(_) | Value::Number(_) => Some(Text::from(node.to_json().to_string())),
        _ => None,
    }
}

/// A number, or a text that is one.
pub(super) fn numeric(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => text.known()?.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// A number that counts something: whole, not negative, and within reason.
fn whole(number: f64) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to its bounds")]
    (number.fract() == 0.0 && (0.0..1e6).contains(&number)).then_some(number as usize)
}

/// A flag, or a text that is one.
pub(super) fn flag(node: &Node) -> Option<bool> {
    match (&node.value, node.as_str()) {
        (Value::Flag(flag), _) => Some(*flag),
        (_, Some("true")) => Some(true),
        (_, Some("false")) => Some(false),
        _ => None,
    }
}

/// Is it unknown as a whole, so that it may be nothing?
pub(super) fn maybe_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => !text.clone().into_parts().iter().any(|part| matches!(part, Part::Known(_))),
        Value::Unknown(_) => true,
        _ => false,
    }
}

/// An evaluation that Terraform would refuse: `try` goes on with the next.
pub(super) fn failed(gap: Terraform, at: At) -> Node {
    Node::unknown(Cause::Failed, gap, at)
}

pub(super) fn number(count: usize, at: At) -> Node {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    Node::new(Value::Number(count as f64), at)
}
