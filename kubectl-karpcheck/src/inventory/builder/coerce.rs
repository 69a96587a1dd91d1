//! Values as the schema has them, whatever a source writes: `"true"` is a flag, a JSON text a document, a map of tags a
//! list. What cannot be such a value stays as it is.

use crate::inventory::node::{List, Map, Node, Value};
use crate::inventory::text::Text;
use crate::schema::aws::{Kind, properties};

/// Reads the JSON document that a text holds. The parsers stand among the sources, which therefore bring it.
pub type DocumentParser = fn(Node) -> Node;

/// Types that say of one thing what another says of a list of them: the type, its property, and what these are there.
const SINGLE: &[(&str, &str, &str, &str)] = &[
    ("AWS::IAM::RolePolicy", "RoleName", "AWS::IAM::Policy", "Roles"),
    ("AWS::IAM::UserPolicy", "UserName", "AWS::IAM::Policy", "Users"),
    ("AWS::IAM::GroupPolicy", "GroupName", "AWS::IAM::Policy", "Groups"),
    ("AWS::SQS::QueueInlinePolicy", "Queue", "AWS::SQS::QueuePolicy", "Queues"),
];

/// The type that stands for another one in the inventory, if there is such; renames the property.
pub(super) fn normal_kind(kind: &str, body: &mut Node) -> Option<&'static str> {
    let (_, property, normal, list) = SINGLE.iter().find(|(own, ..)| *own == kind)?;
    if let Value::Map(map) = &mut body.value
        && let Some(one) = map.remove(property)
    {
        map.set(*list, one);
    }
    Some(normal)
}

/// Coerces the properties of a resource.
pub(super) fn resource(kind: &str, body: &mut Node, parse: DocumentParser) {
    object(properties(kind), body, parse);
}

/// Coerces what a property of a resource holds, or one element of its list.
pub(super) fn property(kind: &str, property: &str, element: bool, node: &mut Node, parse: DocumentParser) {
    match properties(kind).iter().find(|own| own.name == property).map(|own| own.kind) {
        Some(Kind::List(of)) if element => value(*of, node, parse),
        Some(kind) => value(kind, node, parse),
        None => {}
    }
}

fn object(properties: &[crate::schema::aws::Property], node: &mut Node, parse: DocumentParser) {
    let Value::Map(map) = &mut node.value else { return };
    for (key, child) in &mut map.entries {
        if let Some(own) = key.known().and_then(|key| properties.iter().find(|own| own.name == key)) {
            value(own.kind, child, parse);
        }
    }
}

fn value(kind: Kind, node: &mut Node, parse: DocumentParser) {
    match kind {
        Kind::Text | Kind::Name(_) | Kind::Arn(_) => {}
        Kind::Map => single(node),
        Kind::Prefixed(prefix) => {
            if let Value::Text(text) = &node.value
                && let Some(known) = text.known().filter(|known| !known.is_empty() && !known.starts_with(prefix))
                && !known.starts_with("arn:")
            {
                node.value = Value::Text(Text::from(format!("{prefix}{known}")));
            }
        }
        Kind::Flag => {
            if let Some(flag) = node.as_str().and_then(flag) {
                node.value = Value::Flag(flag);
            }
        }
        Kind::Either(yes, no) => match &node.value {
            Value::Flag(flag) => node.value = Value::Text(if *flag { yes } else { no }.into()),
            _ => {
                if let Some(flag) = node.as_str().and_then(flag) {
                    node.value = Value::Text(if flag { yes } else { no }.into());
                }
            }
        },
        Kind::Number => {
            let number = node.as_str().and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
            if let Some(number) = number {
                node.value = Value::Number(number);
            }
        }
        Kind::Document => {
            if matches!(node.value, Value::Text(_)) {
                let at = node.at;
                *node = parse(std::mem::replace(node, Node::new(Value::Null, at)));
            }
        }
        Kind::List(element) => {
            match &node.value {
                Value::List(_) | Value::Unknown(_) | Value::Null => {}
                Value::Text(text) if text.is_empty() => {}
                _ => {
                    let only = std::mem::take(&mut node.value);
                    node.value = Value::List(std::iter::once(Node::new(only, node.at)).collect());
                }
            }
            if let Value::List(list) = &mut node.value {
                list.items.iter_mut().for_each(|item| value(*element, item, parse));
            }
        }
        Kind::Object(properties) => {
            single(node);
            object(properties, node, parse);
        }
        Kind::Tags => {
            if let Value::Map(map) = &mut node.value {
                let Map { entries, more } = std::mem::take(map);
                let tag = |(key, value): (Text, Node)| {
                    let at = value.at;
                    let entries = vec![("Key".into(), Node::text(key, at)), ("Value".into(), value)];
                    Node::new(Value::Map(Map { entries, more: None }), at)
                };
                node.value = Value::List(List { items: entries.into_iter().map(tag).collect(), more });
            }
        }
    }
}

/// A block that may occur once is an object in one source and a list of one in another.
fn single(node: &mut Node) {
    if let Value::List(list) = &mut node.value {
        node.value = match (list.items.len(), list.more.take()) {
            (0, Some(more)) => Value::Unknown(more),
            (0, None) => Value::Null,
            (1, None) => std::mem::take(&mut list.items[0].value),
            (_, more) => {
                list.more = more;
                return;
            }
        };
    }
}

/// Services and providers write flags as texts, too.
fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::At;

    fn coerced(kind: &str, body: serde_json::Value) -> serde_json::Value {
        let mut node = Node::from_json(&body, At::default());
        resource(kind, &mut node, |node| {
            let parsed = node.as_str().and_then(|text| serde_json::from_str(text).ok());
            parsed.map_or(node, |parsed| Node::from_json(&parsed, At::default()))
        });
        node.to_json()
    }

    #[test]
    fn values_become_what_the_schema_says() {
        use serde_json::json;
        for (kind, written, read) in [
            ("AWS::SQS::Queue", json!({"SqsManagedSseEnabled": "True"}), json!({"SqsManagedSseEnabled": true})),
            ("AWS::SQS::Queue", json!({"MessageRetentionPeriod": "300"}), json!({"MessageRetentionPeriod": 300})),
            ("AWS::SQS::Queue", json!({"QueueName": "300"}), json!({"QueueName": "300"})),
            ("AWS::SQS::Queue", json!({"DelaySeconds": "inf"}), json!({"DelaySeconds": "inf"})),
            ("AWS::SQS::Queue", json!({"Policy": "{\"Statement\": []}"}), json!({"Policy": {"Statement": []}})),
            ("AWS::SQS::Queue", json!({"Tags": {"a": "b"}}), json!({"Tags": [{"Key": "a", "Value": "b"}]})),
            ("AWS::SQS::QueuePolicy", json!({"Queues": "prod"}), json!({"Queues": ["prod"]})),
            ("AWS::Events::Rule", json!({"State": false}), json!({"State": "DISABLED"})),
            ("AWS::KMS::Alias", json!({"AliasName": "prod"}), json!({"AliasName": "alias/prod"})),
            (
                "AWS::EKS::Cluster",
                json!({"EncryptionConfig": {"Provider": [{"KeyArn": "k"}]}}),
                json!({"EncryptionConfig": [{"Provider": {"KeyArn": "k"}}]}),
            ),
            ("AWS::EKS::Cluster", json!({"ComputeConfig": []}), json!({"ComputeConfig": null})),
            (
                "AWS::IAM::Role",
                json!({"Policies": [{"PolicyName": "p", "PolicyDocument": "{}"}]}),
                json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {}}]}),
            ),
            ("AWS::Unlisted::Type", json!({"Enabled": "true"}), json!({"Enabled": "true"})),
        ] {
            assert_eq!(coerced(kind, written.clone()), read, "{written} of {kind}");
        }
    }
}
