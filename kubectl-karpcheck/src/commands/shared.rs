//! What several commands need.

pub mod fix_verification;
pub mod gathering;
pub mod rule_selection;
