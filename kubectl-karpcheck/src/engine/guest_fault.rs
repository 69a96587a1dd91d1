//! Why the host ends a guest's run.

use crate::engine::text;
use crate::inventory::pointer::Malformed;

/// Why a rule's run ends. The text goes on a sentence that begins with the rule: "it …".
#[derive(Debug, thiserror::Error)]
pub(super) enum GuestFault {
    /// The rule did what the contract forbids.
    #[error("{0}")]
    Mistake(String),
    /// The rule exceeded one of its limits.
    #[error("{0}")]
    Limit(String),
}

impl From<Malformed> for GuestFault {
    fn from(malformed: Malformed) -> Self {
        Self::Mistake(format!("it asks for a field in a wrong way: {}", text::line(&malformed.to_string(), 300)))
    }
}
