//! `kubectl karpcheck`: finds what will break Karpenter on AWS.
//!
//! ```text
//! gather (files, cluster) -> model (inventory) -> engine (packs of rules) -> report
//! ```
//!
//! Arrows point one way. `gather`, `engine` and `report` are siblings and never import each other; all three know
//! `model`, which does no I/O; `commands` puts them together.

pub mod cli;
pub mod commands;
pub mod engine;
pub mod exit;
pub mod gather;
pub mod iam;
pub mod model;
pub mod report;
