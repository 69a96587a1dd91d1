//! What the inventory answers: the answers of the contract, in the host's own types.

use std::borrow::Cow;

use crate::inventory::id::ItemId;
use crate::inventory::item::SourceKind;
use crate::inventory::node::At;
use crate::inventory::reason::{Cause, Gap, Reason};
use crate::inventory::text::Text;

/// A reason with its place: the item and pointer where knowledge ends.
#[derive(Clone, PartialEq, Debug)]
pub struct Unknown {
    /// Why.
    pub reason: Reason,
    /// Where knowledge ends.
    pub place: Option<(ItemId, String)>,
}

impl Unknown {
    /// A reason without a place.
    pub fn new(cause: Cause, gap: impl Into<Gap>) -> Self {
        Self { reason: Reason::new(cause, gap), place: None }
    }
}

/// What a field holds, as the contract has it.
#[derive(Clone, PartialEq, Debug)]
pub enum FieldValue<'a> {
    /// Not there.
    Absent,
    /// It cannot be told.
    Unknown(Unknown),
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// An object or list that is wholly known, as JSON.
    Json(String),
}

/// One result of [`Scope::find`].
#[derive(Clone, PartialEq, Debug)]
pub struct Field<'a> {
    /// The pointer, without wildcards.
    pub at: String,
    /// What it holds.
    pub value: FieldValue<'a>,
}

/// What one source says of a field.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen<'a> {
    /// Whose word.
    pub source: SourceKind,
    /// What it says.
    pub value: FieldValue<'a>,
    /// Where it says so.
    pub at: At,
}

/// An item that was looked for.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// This one.
    Known(ItemId),
    /// It certainly does not exist: what was looked for, and where.
    Absent(String),
    /// It may exist.
    Unknown(Unknown),
}

/// One reference between two items.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    /// The item at the other end.
    pub item: Found,
    /// The pointer of the field that refers.
    pub at: String,
}

/// What an index answers, and what it took.
#[derive(Debug)]
pub struct Answered {
    /// The other items. The last may be unknown.
    pub links: Vec<Link>,
    /// What the index took, whoever was the first to need it: nodes visited.
    pub index: u64,
    /// Entries of the index that were looked at.
    pub visited: u64,
}

/// A text of a field, with its holes.
pub(crate) enum Known<'a> {
    Text(Cow<'a, Text>),
    No,
    Unknown,
}
