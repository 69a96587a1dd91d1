//! Actions that a controller's policies no longer need after an upgrade.

use crate::inventory::{Found, Inventory, ItemId};
use crate::karpenter::policies::{RELATION, allows, documents, each};
use crate::karpenter::releases::Minor;
use crate::schema::kinds;

/// An action that a version no longer calls.
struct Dropped {
    action: &'static str,
    /// The first version whose template no longer has it.
    since: Minor,
    why: &'static str,
}

/// What the template of the getting started guide dropped, by a comparison of its statements at all tags of
/// <https://github.com/aws/karpenter-provider-aws>.
const DROPPED: &[Dropped] = &[
    Dropped {
        action: "sqs:GetQueueAttributes",
        since: (0, 33),
        why: "the controller does not call it from 0.33 on, whose template no longer has it",
    },
    Dropped {
        action: "ec2:DescribeAvailabilityZones",
        since: (1, 1),
        why: "the controller no longer calls it, and the template of 1.1 no longer has it",
    },
];

/// An action that is no longer needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnusedPermission {
    /// The policy.
    pub item: ItemId,
    /// Where it stands.
    pub pointer: String,
    /// The action.
    pub action: &'static str,
    /// Why.
    pub why: &'static str,
}

/// The actions of the controllers' policies that are no longer needed.
pub fn unused_permissions(inventory: &Inventory, from: Minor, to: Minor) -> Vec<UnusedPermission> {
    let dropped: Vec<&Dropped> = DROPPED.iter().filter(|row| from < row.since && row.since <= to).collect();
    let controllers = inventory.of_kind(kinds::CONTROLLER);
    let mut policies: Vec<ItemId> = controllers
        .iter()
        .flat_map(|controller| inventory.related(*controller, RELATION).unwrap_or_default())
        .filter_map(|link| match link.item {
            Found::Known(policy) => Some(policy),
            Found::Absent(_) | Found::Unknown(_) => None,
        })
        .collect();
    policies.sort_unstable();
    policies.dedup();
    let mut unused = vec![];
    for item in policies {
        let documents = inventory.item(item).map(documents).unwrap_or_default();
        let statements = documents.into_iter().flat_map(|(at, document)| allows(&at, document));
        let actions =
            statements.filter_map(|(at, statement)| Some(each(&format!("{at}/Action"), statement.member("Action")?)));
        for (pointer, action) in actions.flatten() {
            let written = action.as_str().unwrap_or_default();
            let found = dropped.iter().filter(|row| row.action.eq_ignore_ascii_case(written));
            unused.extend(found.map(|row| UnusedPermission {
                item,
                pointer: pointer.clone(),
                action: row.action,
                why: row.why,
            }));
        }
    }
    unused
}
