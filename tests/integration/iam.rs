//! The IAM evaluator against AWS's documentation, Karpenter's own policies, and what must hold of any policy.

mod faults;
mod holders;
mod inventory;
mod karpenter;
mod properties;
mod vectors;

use std::sync::Arc;

use kubectl_karpcheck::iam::{Document, Given, Policy, PolicyKind};
use kubectl_karpcheck::inventory::{
    At, Cause, Gap, ItemId, List, Map, Node, Part, Reason, Symbol, SymbolScope, Text, Value,
};
use serde_json::Value as Json;

/// A text in which `<X>` is a symbol.
pub(crate) fn text(written: &str) -> Text {
    let mut parts = vec![];
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((name, after)) = after.split_once('>') else { break };
        parts.push(Part::Known(before.into()));
        parts.push(Part::Hole(Symbol::new(name, SymbolScope::Run, Gap::said(format!("{name} has no value")))));
        rest = after;
    }
    parts.push(Part::Known(rest.into()));
    Text::from_parts(parts)
}

/// JSON as a reader hands it on. `{"unknown": …}` is unknown.
pub(crate) fn node(json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => Value::Number(number.as_f64().expect("a double")),
        Json::String(written) => Value::Text(text(written)),
        Json::Array(items) => Value::List(items.iter().map(node).collect::<List>()),
        Json::Object(members) => match members.get("unknown").and_then(Json::as_str) {
            Some(why) => Value::Unknown(Box::new(Reason::new(Cause::Symbolic, Gap::said(why)))),
            None => Value::Map(members.iter().map(|(key, value)| (text(key), node(value))).collect::<Map>()),
        },
    };
    Node::new(value, At::default())
}

pub(crate) fn given(json: &Json) -> Given {
    match json {
        Json::Null => Given::Absent,
        Json::Object(unknown) => {
            Given::Unknown(Reason::new(Cause::NotProvided, Gap::said(unknown["unknown"].as_str().expect("a reason"))))
        }
        Json::Array(values) => Given::Values(values.iter().map(scalar).collect()),
        value => Given::Values(vec![scalar(value)]),
    }
}

fn scalar(json: &Json) -> Text {
    match json {
        Json::String(written) => text(written),
        other => Text::from(other.to_string()),
    }
}

pub(crate) fn policy(document: &Json, kind: PolicyKind, pointer: &str) -> Policy {
    Policy {
        item: ItemId(1),
        pointer: pointer.into(),
        name: "the policy".into(),
        kind,
        document: Arc::new(Document::new(&node(document), kind)),
        home: None,
    }
}
