//! The index behind peers: the items of a kind by what a field of theirs holds. Made by the parent, kept by the inventory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::inventory::answer::Unknown;
use crate::inventory::id::ItemId;
use crate::inventory::text::{Pieces, Text};

/// The indexes of an inventory, by kind and pattern.
pub(crate) type Indexes = HashMap<(String, String), Arc<Peers>>;

/// The items of a kind by what a field of theirs holds.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// By world: only scopes of one world are compared.
    pub(crate) worlds: BTreeMap<u32, World>,
    /// Why items of the kind may be missing.
    pub(crate) missing: Option<Unknown>,
    /// Nodes that were visited to make it.
    pub(crate) work: u64,
}

/// The items of one world.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// By what is held: each item once, with the first such field, by scope in the order of the inventory.
    pub(crate) by_value: HashMap<Held, Vec<InScope>>,
    /// Texts that are known in part, each once in a scope.
    pub(crate) partial: Vec<(u32, Text, Unknown)>,
    /// Why a field may hold anything, once for a scope.
    pub(crate) open: Vec<(u32, Unknown)>,
}

/// The items of a scope that hold one value, each with the field.
#[derive(Debug)]
pub(crate) struct InScope {
    pub(crate) scope: u32,
    pub(crate) items: Vec<(ItemId, String)>,
}

/// What a field holds, to find the same by.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(crate) enum Held {
    Text(String),
    /// A text with holes: its scope, its known parts, and its symbols with the place where they mean the same. What a
    /// placeholder stands for is another thing in another scope.
    Parts(u32, Pieces),
    /// A number, a flag, or JSON.
    Other(String),
}

impl Held {
    pub(crate) fn of_text(scope: u32, text: &Text) -> Self {
        match text.known() {
            Some(known) => Self::Text(known.to_owned()),
            None => Self::Parts(scope, text.pieces()),
        }
    }
}
