//! The conditions in an object's status.

use karpcheck_sdk::prelude::*;

/// A condition of an object's status.
pub(crate) struct Condition {
    /// The condition as a whole.
    pub(crate) field: Field,
    /// `True`, `False` or `Unknown`.
    pub(crate) status: String,
    /// A word; of ACK's controllers the text of an error.
    pub(crate) reason: String,
    /// A text for people.
    pub(crate) message: String,
}

impl Condition {
    /// Does it hold?
    pub(crate) fn holds(&self) -> bool {
        self.status == "True"
    }

    /// What it says at most length.
    pub(crate) fn said(&self) -> &str {
        if self.reason.is_empty() { &self.message } else { &self.reason }
    }
}

/// A condition by its type, if the object's status has it.
pub(crate) fn condition(object: Item, wanted: &str) -> Option<Condition> {
    let field = object.find("/status/conditions/*/type").known().find(|field| field.is(wanted))?.parent();
    let part = |name: &str| field.child(name).known_text().unwrap_or_default();
    let (status, reason, message) = (part("status"), part("reason"), part("message"));
    Some(Condition { field, status, reason, message })
}
