//! Gaps that rules leave: a rule that ended before it judged.

use std::sync::Arc;

super::gaps! {
    /// Of rules: one that ended before it judged.
    pub enum Rules {
        "rule-ended" Ended { what: Arc<str> } = "the rule {what}";
    }
}
