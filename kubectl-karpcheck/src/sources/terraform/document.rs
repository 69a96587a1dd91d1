//! `aws_iam_policy_document`: the document that Terraform would write, from its statements.

use crate::inventory::reason::Terraform;
use crate::inventory::{Cause, List, Map, Node, Part, Reason, Text, Value};
use crate::sources::policy_documents;

/// The policy document of a data source's arguments. What may be in it and cannot be told leaves its statements open.
pub(super) fn build(attributes: &Node) -> Node {
    let at = attributes.at;
    let mut statements = List::default();
    for source in ["source_policy_documents", "source_json"] {
        if let Some(node) = attributes.member(source) {
            merge_documents(&mut statements, node);
        }
    }
    if let Some(own) = attributes.member("statement") {
        match &own.value {
            Value::List(list) => {
                for one in &list.items {
                    put(&mut statements, statement(one));
                }
                if let Some(more) = &list.more {
                    statements.more.get_or_insert_with(|| more.clone());
                }
            }
            Value::Unknown(reason) => {
                statements.more.get_or_insert_with(|| reason.clone());
            }
            _ => {}
        }
    }
    for over in ["override_policy_documents", "override_json"] {
        if let Some(node) = attributes.member(over) {
            merge_documents(&mut statements, node);
        }
    }
    let mut document = Map::default();
    let version = attributes.member("version").filter(|version| !version.is_null()).cloned();
    document.set("Version", version.unwrap_or_else(|| Node::text("2012-10-17", at)));
    document.set("Statement", Node::new(Value::List(statements), at));
    Node::new(Value::Map(document), at)
}

fn merge_documents(statements: &mut List, node: &Node) {
    let documents: Vec<Node> = match &node.value {
        Value::List(list) => {
            if let Some(more) = &list.more {
                statements.more.get_or_insert_with(|| more.clone());
            }
            list.items.clone()
        }
        _ => vec![node.clone()],
    };
    for document in documents {
        let document = policy_documents::object(document);
        match &document.value {
            Value::Map(map) => match map.get("Statement").map(|node| &node.value) {
                Some(Value::List(list)) => {
                    for one in &list.items {
                        put(statements, one.clone());
                    }
                    if let Some(more) = &list.more {
                        statements.more.get_or_insert_with(|| more.clone());
                    }
                }
                Some(Value::Map(_)) => {
                    if let Some(one) = map.get("Statement") {
                        put(statements, one.clone());
                    }
                }
                Some(Value::Unknown(reason)) => {
                    statements.more.get_or_insert_with(|| reason.clone());
                }
                _ => {}
            },
            Value::Unknown(reason) => {
                statements.more.get_or_insert_with(|| reason.clone());
            }
            _ => {}
        }
    }
}

/// A statement of the same `Sid` takes the place of an earlier one.
fn put(statements: &mut List, statement: Node) {
    let sid = statement.str_at(&["Sid"]).filter(|sid| !sid.is_empty()).map(str::to_owned);
    let earlier = sid.and_then(|sid| statements.items.iter_mut().find(|one| one.str_at(&["Sid"]) == Some(&sid)));
    match earlier {
        Some(earlier) => *earlier = statement,
        None => statements.items.push(statement),
    }
}

fn statement(block: &Node) -> Node {
    let at = block.at;
    if block.as_map().is_none() {
        return block.clone();
    }
    let given = |name: &str| {
        block.member(name).filter(|node| !node.is_blank()).filter(|node| match &node.value {
            Value::List(list) => !list.items.is_empty() || list.more.is_some(),
            _ => true,
        })
    };
    let mut statement = Map::default();
    if let Some(sid) = given("sid") {
        statement.set("Sid", sid.clone());
    }
    statement.set("Effect", given("effect").cloned().unwrap_or_else(|| Node::text("Allow", at)));
    for (argument, element) in [
        ("actions", "Action"),
        ("not_actions", "NotAction"),
        ("resources", "Resource"),
        ("not_resources", "NotResource"),
    ] {
        if let Some(node) = given(argument) {
            statement.set(element, variables(node));
        }
    }
    for (argument, element) in [("principals", "Principal"), ("not_principals", "NotPrincipal")] {
        if let Some(node) = given(argument) {
            statement.set(element, principals(node));
        }
    }
    if let Some(node) = given("condition") {
        statement.set("Condition", conditions(node));
    }
    Node::new(Value::Map(statement), at)
}

fn principals(node: &Node) -> Node {
    let Value::List(list) = &node.value else { return node.clone() };
    let mut principals = Map { entries: vec![], more: list.more.clone() };
    for one in &list.items {
        let (Some(kind), Some(identifiers)) = (one.member("type"), one.member("identifiers")) else {
            principals.more.get_or_insert_with(|| unclear(one));
            continue;
        };
        let Some(kind) = kind.as_str() else {
            principals.more.get_or_insert_with(|| unclear(kind));
            continue;
        };
        if kind == "*" && list.items.len() == 1 {
            return Node::text("*", one.at);
        }
        append(&mut principals, &kind.into(), &variables(identifiers));
    }
    Node::new(Value::Map(principals), node.at)
}

fn conditions(node: &Node) -> Node {
    let Value::List(list) = &node.value else { return node.clone() };
    let mut operators = Map { entries: vec![], more: list.more.clone() };
    for one in &list.items {
        let (Some(test), Some(Value::Text(variable)), Some(values)) =
            (one.str_at(&["test"]), one.member("variable").map(|node| &node.value), one.member("values"))
        else {
            // The test itself is a variable: the statement holds under a condition that cannot be told.
            operators.more.get_or_insert_with(|| unclear(one));
            continue;
        };
        if operators.get(test).is_none() {
            operators.set(test, Node::new(Value::Map(Map::default()), one.at));
        }
        if let Some(Value::Map(keys)) = operators.get_mut(test).map(|node| &mut node.value) {
            append(keys, variable, &variables(values));
        }
    }
    Node::new(Value::Map(operators), node.at)
}

/// Adds values under a name: blocks of the same name count together.
fn append(map: &mut Map, name: &Text, values: &Node) {
    let earlier = map.entries.iter_mut().find(|(key, _)| key == name).map(|(_, node)| node);
    match (earlier.map(|node| &mut node.value), &values.value) {
        (Some(Value::List(earlier)), Value::List(values)) => {
            earlier.items.extend(values.items.iter().cloned());
            if earlier.more.is_none() {
                earlier.more.clone_from(&values.more);
            }
        }
        (Some(Value::List(earlier)), _) => earlier.items.push(values.clone()),
        (Some(_), _) => {}
        (None, _) => map.entries.push((name.clone(), values.clone())),
    }
}

fn unclear(node: &Node) -> Box<Reason> {
    Box::new(
        node.first_unknown().map_or_else(|| Reason::new(Cause::Undecidable, Terraform::Document), |(reason, _)| reason),
    )
}

/// `&{aws:username}` is how IAM's variables are written here, since `${` is Terraform's.
fn variables(node: &Node) -> Node {
    let value = match &node.value {
        Value::Text(text) if text.tokens().len() > 1 => {
            let parts = text.clone().into_parts();
            let written = parts.iter().any(|part| matches!(part, Part::Known(known) if known.contains("&{")));
            if !written {
                return node.clone();
            }
            Value::Text(Text::from_parts(parts.into_iter().map(|part| match part {
                Part::Known(known) => Part::Known(known.replace("&{", "${").into()),
                hole @ Part::Hole(_) => hole,
            })))
        }
        Value::List(list) => {
            Value::List(List { items: list.items.iter().map(variables).collect(), more: list.more.clone() })
        }
        _ => return node.clone(),
    };
    Node::new(value, node.at)
}
