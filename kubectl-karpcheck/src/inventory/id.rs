//! The numbers of items. On its own, since a reason names items and an item holds reasons.

/// An item's number: its place in the inventory, counted from 1, so that 0 is never an item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ItemId(pub u32);
