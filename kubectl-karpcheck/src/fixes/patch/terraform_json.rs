//! Changes in Terraform's configuration as JSON. Its blocks are objects, its expressions are texts.

use serde_json::{Map, Value, json};

use super::operations::{Op, followed, op_at, route};
use super::spans::{Kind, Tree};
use super::{Names, Refused};
use crate::fixes::edit::{Change, Target, Written};

/// The type of the blocks that write a policy's document.
const DOCUMENT: &str = "aws_iam_policy_document";

/// What a change is in a file.
pub(super) fn op<'t>(
    documents: &'t [Tree],
    text: &str,
    written: &Written,
    names: Names<'_>,
) -> Result<Op<'t>, Refused> {
    let change = &written.change;
    if written.beside {
        return Err(Refused::Unnamed);
    }
    let at_root = !change.rest.is_empty() && change.at == written.root;
    let wanted = if at_root {
        Change { at: written.root, target: Target::Map(vec![]), rest: vec![], value: None, inside: None }
    } else {
        change.clone()
    };
    let found = documents.iter().find_map(|tree| {
        // A block that lists something stands at its own place.
        let own = Change { target: Target::Map(vec![]), ..wanted.clone() };
        route(tree, &wanted).or_else(|| route(tree, &own).filter(|_| matches!(change.target, Target::List(_))))
    });
    let found = found.ok_or_else(|| {
        // What stands at the place is the text that computes it.
        let leaf = Change { target: Target::Leaf, ..wanted };
        let is_text = documents.iter().any(|tree| route(tree, &leaf).is_some());
        if is_text { Refused::Expression } else { Refused::NotFound }
    })?;
    let keys = keys(&found);
    // What a variable has by default is no one's value.
    let ("resource" | "data" | "locals" | "module", kind) = (*keys.first().ok_or(Refused::NotFound)?, keys.get(1))
    else {
        return Err(Refused::Expression);
    };
    let target = *found.last().ok_or(Refused::NotFound)?;
    let is_block = keys.first() != Some(&"locals") && keys.len() == 3 && matches!(target.kind, Kind::Map(_));
    if let (["data", DOCUMENT, _] | ["data", DOCUMENT, _, "statement"], [dash, more @ ..], Some(value)) =
        (keys.as_slice(), change.rest.as_slice(), &change.value)
        && dash == "-"
    {
        let statement = statement(&super::under(more, value)).ok_or(Refused::Unnamed)?;
        let (route, rest) = followed(found, &["statement".to_owned()][keys.len() - 3..]);
        return match (rest.is_empty(), &route.last().ok_or(Refused::NotFound)?.kind) {
            (true, Kind::List(_)) => op_at(&route, &["-".to_owned()], Some(&statement)),
            (true, _) => Err(Refused::Unfit),
            (false, _) => op_at(&route, &rest, Some(&json!([statement]))),
        };
    }
    let value = change.value.as_ref().map(escaped);
    if at_root {
        let kind = kind.filter(|_| is_block && keys.first() == Some(&"resource")).ok_or(Refused::Unnamed)?;
        let named = names(kind, &written.path).ok_or(Refused::Unnamed)?;
        // The parts of a value have the inventory's names, not Terraform's.
        if value.as_ref().is_some_and(|value| value.is_object() || value.is_array()) {
            return Err(Refused::Unnamed);
        }
        let (route, rest) = followed(found, &named);
        return match rest.as_slice() {
            [] => Err(Refused::Expression),
            rest => op_at(&route, rest, value.as_ref()),
        };
    }
    if value.is_some() && is_expression(&text[target.start..target.end]) {
        return Err(Refused::Expression);
    }
    op_at(&found, &change.rest, value.as_ref())
}

/// The names on the way to a value, without the places in lists.
fn keys<'t>(route: &[&'t Tree]) -> Vec<&'t str> {
    let key = |pair: &[&'t Tree]| match &pair[0].kind {
        Kind::Map(members) => {
            members.iter().find(|member| std::ptr::eq(&raw const member.value, pair[1])).map(|member| &*member.key)
        }
        _ => None,
    };
    route.windows(2).filter_map(key).collect()
}

/// Is a text, in its quotes, nothing but an expression?
fn is_expression(raw: &str) -> bool {
    raw.starts_with("\"${") && raw.ends_with("}\"")
}

/// A value whose texts mean themselves in a template.
pub(super) fn escaped(value: &Value) -> Value {
    let text = |text: &str| text.replace("${", "$${").replace("%{", "%%{");
    match value {
        Value::String(own) => Value::String(text(own)),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (text(name), escaped(value))).collect())
        }
        other => other.clone(),
    }
}

/// A statement of a policy as a block of a document. None if a part of it has no name there.
fn statement(value: &Value) -> Option<Value> {
    let list = |value: &Value| match value {
        Value::Array(_) => escaped(value),
        one => json!([escaped(one)]),
    };
    let mut block = Map::new();
    for (name, value) in value.as_object()? {
        match (name.as_str(), value) {
            ("Sid", value) => block.insert("sid".into(), escaped(value)),
            ("Effect", value) => block.insert("effect".into(), escaped(value)),
            ("Action", value) => block.insert("actions".into(), list(value)),
            ("Resource", value) => block.insert("resources".into(), list(value)),
            ("Principal", Value::Object(kinds)) => {
                let principal = |(kind, identifiers)| json!({"type": kind, "identifiers": list(identifiers)});
                block.insert("principals".into(), kinds.iter().map(principal).collect())
            }
            ("Condition", Value::Object(tests)) => {
                let mut conditions = vec![];
                for (test, keys) in tests {
                    for (variable, values) in keys.as_object()? {
                        conditions
                            .push(json!({"test": test, "variable": escaped(&json!(variable)), "values": list(values)}));
                    }
                }
                block.insert("condition".into(), conditions.into())
            }
            _ => return None,
        };
    }
    Some(Value::Object(block))
}
