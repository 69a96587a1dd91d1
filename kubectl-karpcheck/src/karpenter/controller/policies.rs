//! What IAM policies say of a controller: that there is one, and the name of the cluster that their conditions pin.

use crate::inventory::Ternary;
use crate::inventory::builder::Builder;
use crate::inventory::item::Item;
use crate::inventory::node::{At, Node, Value};
use crate::inventory::text::{Part, Text};

/// Keys of conditions that end in the name of the cluster, in lower case.
const NAMED_BY_KEY: &[&str] = &[
    "aws:resourcetag/kubernetes.io/cluster/",
    "aws:requesttag/kubernetes.io/cluster/",
    "ec2:resourcetag/kubernetes.io/cluster/",
];
/// Keys of conditions whose value is the name of the cluster, in lower case.
const NAMED_BY_VALUE: &[&str] = &["aws:resourcetag/eks:eks-cluster-name", "aws:requesttag/eks:eks-cluster-name"];

/// The policy documents of a role's or policy's own.
fn documents(item: &Item) -> Vec<&Node> {
    match &*item.kind {
        "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" => item.body.member("PolicyDocument").into_iter().collect(),
        "AWS::IAM::Role" => item
            .body
            .member("Policies")
            .map(Node::elements)
            .unwrap_or_default()
            .iter()
            .filter_map(|policy| policy.member("PolicyDocument"))
            .collect(),
        _ => vec![],
    }
}

/// A field's elements, or itself where it is a single one.
fn each(node: &Node) -> impl Iterator<Item = &Node> {
    let list = matches!(node.value, Value::List(_));
    node.elements().iter().chain((!list).then_some(node))
}

fn allows(document: &Node) -> impl Iterator<Item = &Node> {
    document
        .member("Statement")
        .into_iter()
        .flat_map(each)
        .filter(|statement| statement.str_at(&["Effect"]) == Some("Allow"))
}

/// The names of clusters that the conditions of all policies pin, the most frequent one first.
pub(super) fn pinned(builder: &Builder) -> Vec<Node> {
    pinned_by(builder.items().iter())
}

/// The names of clusters that the conditions of some items' policies pin, the most frequent one first.
pub(super) fn pinned_by<'a>(items: impl Iterator<Item = &'a Item>) -> Vec<Node> {
    let mut names: Vec<(Text, At, usize)> = vec![];
    let mut add = |name: Text, at: At| {
        let wild = name.known().is_some_and(|name| name.is_empty() || name.contains(['*', '?']));
        if wild {
            return;
        }
        match names.iter_mut().find(|(other, ..)| other.same(&name) == Ternary::Yes) {
            Some((_, _, count)) => *count += 1,
            None => names.push((name, at, 1)),
        }
    };
    for statement in items.flat_map(documents).flat_map(allows) {
        let operators = statement.member("Condition").and_then(Node::as_map);
        for keys in operators.into_iter().flat_map(|map| &map.entries).filter_map(|(_, keys)| keys.as_map()) {
            for (key, values) in &keys.entries {
                if let Some(name) = NAMED_BY_KEY.iter().find_map(|prefix| after(key, prefix)) {
                    add(name, values.at);
                } else if key
                    .known()
                    .is_some_and(|key| NAMED_BY_VALUE.iter().any(|name| key.eq_ignore_ascii_case(name)))
                {
                    for value in each(values) {
                        if let Value::Text(name) = &value.value {
                            add(name.clone(), value.at);
                        }
                    }
                }
            }
        }
    }
    names.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    names.into_iter().map(|(name, at, _)| Node::text(name, at)).collect()
}

/// What follows a beginning, whose case does not count.
fn after(key: &Text, prefix: &str) -> Option<Text> {
    let mut parts = key.clone().into_parts();
    let Some(Part::Known(first)) = parts.first_mut() else { return None };
    let begins = first.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if !begins {
        return None;
    }
    *first = first[prefix.len()..].into();
    Some(Text::from_parts(parts))
}

/// The first policy that only a controller has: it names `ec2:CreateFleet` (or, under a name that says Karpenter,
/// `ec2:RunInstances`).
pub(super) fn first_of_a_controller(builder: &Builder) -> Option<At> {
    let found = builder.items().iter().find(|item| {
        let named = item.name.to_ascii_lowercase().contains("karpenter");
        let names = |action: &str| {
            documents(item).into_iter().flat_map(allows).filter_map(|statement| statement.member("Action")).any(
                |actions| each(actions).filter_map(Node::as_str).any(|written| written.eq_ignore_ascii_case(action)),
            )
        };
        names("ec2:CreateFleet") || (named && names("ec2:RunInstances"))
    })?;
    Some(found.at())
}
