//! What several commands need.

pub mod args;
pub mod ending;
pub mod error;
pub mod files;
pub mod fix_verification;
pub mod gathering;
pub mod item_names;
pub mod known_findings;
pub mod outputs;
pub mod pack_lock;
pub mod pack_source;
pub mod paths;
pub mod progress;
pub mod rule_selection;
pub mod run_report;
pub mod streams;
pub mod suppressions;
