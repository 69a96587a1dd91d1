//! What is written apart and belongs together: a queue's policy, a rule's targets, a role's attachments; and the objects
//! that a choice by labels means. Both are settled when everything was read, whatever the order of the files.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::builder::Builder;
use crate::inventory::item::{ClusterId, Item, ItemId, Logical, SourceKind};
use crate::inventory::node::{List, Map, Node, Value};
use crate::inventory::reason::{Cause, Reason};
use crate::inventory::text::{Part, Text};

/// A part of an AWS resource that was read as a thing of its own: `aws_sqs_queue_policy` and its like.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// The CloudFormation type of the whole.
    pub kind: &'static str,
    /// What names the whole: its name, id, ARN or URL, or a text that refers to it by address.
    pub whole: Node,
    /// The property of the whole that this is.
    pub property: &'static str,
    /// The property's value, or the element of the list that the property is.
    pub value: Node,
    /// Is the property a list, of which this is one element?
    pub element: bool,
}

/// A choice by labels among the objects of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selector {
    /// `kms.aws.upbound.io/Key`.
    pub kind: String,
    /// The namespace, of kinds that have one.
    pub namespace: Option<String>,
    /// The labels that the object has, all of them.
    pub labels: Vec<(String, String)>,
    /// The cluster in whose objects it stands.
    pub cluster: ClusterId,
    /// The address that stands for what the chosen object describes.
    pub means: Logical,
}

/// The last part of a resource's ARN, from the name by which others refer to it: a role's path stands before its name, a
/// rule's bus, too. None where it cannot be told.
pub(crate) fn resource_id(kind: &str, body: &Node, id: &Text) -> Option<Text> {
    let before = match kind {
        "AWS::IAM::Role" | "AWS::IAM::ManagedPolicy" | "AWS::IAM::InstanceProfile" => match body.member("Path") {
            Some(path) => match &path.value {
                Value::Text(path) if path.is("/") || path.is_empty() => None,
                Value::Text(path) => Some(path.clone()),
                Value::Null => None,
                _ => return None,
            },
            None => None,
        },
        "AWS::Events::Rule" => match body.member("EventBusName").map(|bus| &bus.value) {
            Some(Value::Text(bus)) if bus.is("default") || bus.is_empty() => None,
            Some(Value::Text(bus)) => {
                Some(Text::from_parts(bus.clone().into_parts().into_iter().chain([Part::Known("/".into())])))
            }
            Some(Value::Unknown(_)) => return None,
            _ => None,
        },
        _ => None,
    };
    let Some(before) = before else { return Some(id.clone()) };
    // A path begins with a slash, which the type's own prefix ends with.
    let mut parts = before.into_parts();
    if let Some(Part::Known(first)) = parts.first_mut() {
        *first = first.trim_start_matches('/').into();
    }
    Some(Text::from_parts(parts.into_iter().chain(id.clone().into_parts())))
}

impl Builder {
    /// Gives what a choice by labels means the address of that choice. A choice that fits several means none for certain.
    pub(crate) fn settle_selectors(&mut self) {
        for selector in std::mem::take(&mut self.selectors) {
            let fits = |item: &&Item| {
                *item.kind == *selector.kind
                    && item.cluster == selector.cluster
                    && selector
                        .namespace
                        .as_deref()
                        .is_none_or(|wanted| item.namespace.as_deref().unwrap_or("default") == wanted)
                    && selector
                        .labels
                        .iter()
                        .all(|(key, value)| item.body.str_at(&["metadata", "labels", key]) == Some(value))
            };
            let found: Vec<&Item> = self.items.iter().filter(fits).collect();
            let Some(first) = found.first() else { continue };
            if found.iter().any(|other| other.name != first.name || other.namespace != first.namespace) {
                continue;
            }
            let described: Vec<ItemId> = found.iter().flat_map(|item| item.same.iter().copied()).collect();
            for ItemId(number) in described {
                let item = &mut self.items[number as usize - 1];
                if let Some(aws) = item.aws.as_deref_mut() {
                    aws.logical.push(selector.means.clone());
                }
            }
        }
    }

    /// Puts parts into their wholes. A queue policy is the queue's attribute, by whichever resource it was set.
    pub(crate) fn fold_parts(&mut self) {
        let mut parts: Vec<Fragment> = std::mem::take(&mut self.parts).into_iter().map(|(_, part)| part).collect();
        for policy in self.items.iter().filter(|item| &*item.kind == "AWS::SQS::QueuePolicy") {
            let Some(document) = policy.body.member("PolicyDocument") else { continue };
            for queue in policy.body.member("Queues").map(Node::elements).unwrap_or_default() {
                parts.push(Fragment {
                    kind: "AWS::SQS::Queue",
                    whole: queue.clone(),
                    property: "Policy",
                    value: document.clone(),
                    element: false,
                });
            }
        }
        if parts.is_empty() {
            return;
        }
        let mut wholes: HashMap<Logical, usize> = HashMap::new();
        for (index, item) in self.items.iter().enumerate() {
            for logical in item.aws.iter().flat_map(|aws| &aws.logical) {
                wholes.entry(logical.clone()).or_insert(index);
            }
        }
        for part in parts {
            let Value::Text(text) = &part.whole.value else { continue };
            let by_address = text.refers().and_then(|address| {
                wholes.get(&Logical { scope: address.scope, id: Arc::clone(&address.id) }).copied()
            });
            let name = || Some(text.known()?.rsplit(['/', ':']).next()?.to_owned()).filter(|name| !name.is_empty());
            let by_name = || {
                let name = name()?;
                self.items.iter().position(|item| {
                    // What AWS says of a resource is not changed by what a template says.
                    &*item.kind == part.kind
                        && item.source != SourceKind::Aws
                        && item.aws.as_ref().and_then(|aws| aws.id.as_ref()?.known()) == Some(name.as_str())
                })
            };
            // Two resources of one template may both be called `${Name}`.
            let by_symbol = || {
                let mut same = self.items.iter().enumerate().filter(|(_, item)| {
                    let id = item.aws.as_ref().and_then(|aws| aws.id.as_ref());
                    &*item.kind == part.kind && text.known().is_none() && id == Some(text)
                });
                same.next().filter(|_| same.next().is_none()).map(|(index, _)| index)
            };
            // Of a whole that was not read, a part alone tells too little to judge it by.
            let Some(index) = by_address.or_else(by_name).or_else(by_symbol) else { continue };
            if let Value::Map(map) = &mut self.items[index].body.value {
                insert(map, part);
            }
        }
    }
}

fn insert(map: &mut Map, part: Fragment) {
    let Fragment { property, value, element, .. } = part;
    if !element {
        map.set(property, value);
        return;
    }
    match map.get_mut(property).map(|list| &mut list.value) {
        Some(Value::List(list)) => list.items.push(value),
        // What cannot be told stays so: there is one more for certain, but that helps nobody.
        Some(Value::Unknown(reason)) => {
            let more = Some(std::mem::replace(reason, Box::new(Reason::new(Cause::Symbolic, ""))));
            let at = value.at;
            map.set(property, Node::new(Value::List(List { items: vec![value], more }), at));
        }
        _ => {
            let at = value.at;
            map.set(property, Node::new(Value::List(List { items: vec![value], more: None }), at));
        }
    }
}
