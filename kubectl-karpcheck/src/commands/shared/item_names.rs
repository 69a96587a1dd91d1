//! What users call an item.

use crate::inventory::{Inventory, Item, ItemId};

/// Does a user mean this item: by its name, its id in AWS, or `Kind/name`?
pub fn is_called(item: &Item, written: &str) -> bool {
    let own = |name: &str| {
        *item.name == *name
            || item.namespace.as_deref().is_some_and(|namespace| {
                name.split_once('/').is_some_and(|(space, rest)| space == namespace && rest == &*item.name)
            })
            || item.aws.as_deref().is_some_and(|aws| {
                aws.id.as_ref().and_then(|id| id.known()) == Some(name)
                    || aws.logical.iter().any(|logical| &*logical.id == name)
            })
    };
    let kind = item.kind.rsplit(['/', ':']).next().unwrap_or_default();
    own(written) || written.split_once('/').is_some_and(|(of, name)| of.eq_ignore_ascii_case(kind) && own(name))
}

/// An item as `Kind/name`.
pub fn label(inventory: &Inventory, id: ItemId) -> String {
    inventory.item(id).map_or_else(String::new, |item| {
        format!("{}/{}", item.kind.rsplit(['/', ':']).next().unwrap_or_default(), item.name)
    })
}
