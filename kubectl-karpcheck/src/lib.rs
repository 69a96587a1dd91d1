//! `kubectl karpcheck`: finds what will break Karpenter on AWS.
//!
//! ```text
//! gather (files, cluster) -> model (inventory) -> engine (packs of rules) -> report
//! ```
//!
//! Arrows point one way. `gather`, `engine` and `report` are siblings and never import each other; all three know
//! `model`, which does no I/O; `commands` puts them together.

#![cfg_attr(not(feature = "cli"), expect(dead_code, reason = "what only the command line and the live cluster use"))]

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod commands;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "cli")]
pub mod exit;
pub mod gather;
pub mod iam;
pub mod model;
pub mod report;
