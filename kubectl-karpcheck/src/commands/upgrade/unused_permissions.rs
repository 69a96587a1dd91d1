//! Actions that a controller's policy no longer needs after an upgrade.

use crate::commands::upgrade::upgrade_path::Minor;
use crate::inventory::{Inventory, Item, ItemId, Node, Value};

/// An action that a version no longer calls.
struct Row {
    action: &'static str,
    /// The first version whose template is without it.
    since: Minor,
    why: &'static str,
}

/// What the template of the getting started guide dropped, by a comparison of its statements at all tags of
/// <https://github.com/aws/karpenter-provider-aws>.
const ROWS: &[Row] = &[
    Row {
        action: "sqs:GetQueueAttributes",
        since: (0, 33),
        why: "the controller does not call it from 0.33 on, whose template is without it",
    },
    Row {
        action: "ec2:DescribeAvailabilityZones",
        since: (1, 1),
        why: "the controller no longer calls it, and the template of 1.1 is without it",
    },
];

/// An action that is no longer needed.
pub(super) struct Spare {
    /// The policy.
    pub(super) item: ItemId,
    /// Where it stands.
    pub(super) pointer: String,
    /// The action.
    pub(super) action: &'static str,
    /// Why.
    pub(super) why: &'static str,
}

/// The spare actions of the policies of a controller. A policy that others may use, too, is left alone.
pub(super) fn actions(inventory: &Inventory, from: Minor, to: Minor) -> Vec<Spare> {
    let rows: Vec<&Row> = ROWS.iter().filter(|row| from < row.since && row.since <= to).collect();
    let mut spare = vec![];
    for (id, item) in inventory.items() {
        for (at, document) in documents(item) {
            let written: Vec<(String, &str)> = allowed(&at, document);
            let named = item.name.to_ascii_lowercase().contains("karpenter");
            if !named && !written.iter().any(|(_, action)| action.eq_ignore_ascii_case("ec2:CreateFleet")) {
                continue;
            }
            for (pointer, action) in &written {
                let found = rows.iter().filter(|row| row.action.eq_ignore_ascii_case(action));
                spare.extend(found.map(|row| Spare {
                    item: id,
                    pointer: pointer.clone(),
                    action: row.action,
                    why: row.why,
                }));
            }
        }
    }
    spare
}

fn documents(item: &Item) -> Vec<(String, &Node)> {
    match &*item.kind {
        "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" => item
            .body
            .member("PolicyDocument")
            .map(|document| ("/PolicyDocument".to_owned(), document))
            .into_iter()
            .collect(),
        "AWS::IAM::Role" => item
            .body
            .member("Policies")
            .map(Node::elements)
            .unwrap_or_default()
            .iter()
            .enumerate()
            .filter_map(|(number, policy)| {
                Some((format!("/Policies/{number}/PolicyDocument"), policy.member("PolicyDocument")?))
            })
            .collect(),
        _ => vec![],
    }
}

/// The elements of a list, or the only one, each with its pointer.
fn each<'a>(at: &str, node: &'a Node) -> Vec<(String, &'a Node)> {
    match &node.value {
        Value::List(list) => {
            list.items.iter().enumerate().map(|(number, node)| (format!("{at}/{number}"), node)).collect()
        }
        _ => vec![(at.to_owned(), node)],
    }
}

fn allowed<'a>(at: &str, document: &'a Node) -> Vec<(String, &'a str)> {
    let statements = document.member("Statement").map(|node| each(&format!("{at}/Statement"), node));
    statements
        .unwrap_or_default()
        .into_iter()
        .filter(|(_, statement)| statement.str_at(&["Effect"]) == Some("Allow"))
        .filter_map(|(at, statement)| Some(each(&format!("{at}/Action"), statement.member("Action")?)))
        .flatten()
        .filter_map(|(at, action)| Some((at, action.as_str()?)))
        .collect()
}
