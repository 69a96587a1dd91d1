//! What AWS was asked and said of resources that are not in the inventory: which do not exist, and which lists are whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::inventory::reason::Reason;

/// AWS's word on a kind, in one account and region.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookupRecord {
    /// `AWS::SQS::Queue`.
    pub kind: Arc<str>,
    /// The account that was asked; none where nobody said.
    pub account: Option<String>,
    /// The region that was asked; none where nobody said, and for services without regions.
    pub region: Option<String>,
    /// What it said.
    pub word: LookupResult,
}

/// See [`LookupRecord`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LookupResult {
    /// None has this name, id or ARN.
    NotFound(String),
    /// All that there are, are in the inventory.
    Complete,
    /// There are those of these names alone.
    Only(BTreeSet<String>),
    /// All that refer to the resource with this ARN are in the inventory.
    CompleteFor(String),
    /// Which there are was not told.
    Unavailable(Reason),
}
