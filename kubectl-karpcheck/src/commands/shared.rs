//! What several commands need.

pub mod args;
pub mod error;
pub mod fix_verification;
pub mod gathering;
pub mod item_names;
pub mod nearest;
pub mod paths;
pub mod rule_selection;
pub mod run_report;
pub mod streams;
