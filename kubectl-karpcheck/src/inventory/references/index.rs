//! The indexes behind references: who has which name, and who refers to whom. Made by the parent, kept by the scope.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::answer::Unknown;
use crate::inventory::id::ItemId;
use crate::inventory::item::Logical;
use crate::inventory::text::{Pieces, Text};

/// Which items have which names.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    /// By kind and physical id.
    pub(crate) ids: HashMap<(Arc<str>, String), Vec<ItemId>>,
    /// By ARN, where it is known as a whole.
    pub(crate) arns: HashMap<String, ItemId>,
    /// By kind and a physical id that is known in part.
    pub(crate) partial_ids: HashMap<(Arc<str>, Pieces), Vec<ItemId>>,
    /// By kind and what the ARN ends in, of all items with an ARN.
    pub(crate) ends_of_arns: HashMap<(Arc<str>, Pieces), Vec<ItemId>>,
    /// By address in a template or cluster.
    pub(crate) logical: HashMap<Logical, ItemId>,
    /// Kubernetes objects by kind, namespace and name.
    pub(crate) objects: HashMap<(Arc<str>, String, String), Vec<ItemId>>,
}

/// Who refers to an item, among the items of one kind.
#[derive(Debug, Default)]
pub(crate) struct Referrers {
    pub(crate) to: HashMap<ItemId, Vec<(ItemId, String)>>,
    /// References that cannot be resolved, each text once: the kind that they refer to, the text, and why.
    pub(crate) open: Vec<(Option<&'static str>, Text, Unknown)>,
    /// Nodes that were visited to make it.
    pub(crate) work: u64,
}
