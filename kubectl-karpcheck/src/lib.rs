//! `kubectl karpcheck`: finds what will break Karpenter on AWS.
//!
//! ```text
//! sources (files, cluster, AWS) -> inventory -> engine (packs of rules) -> findings -> report
//! ```
//!
//! Arrows point one way: a room uses only rooms below it. From the bottom: `schema`, `inventory`, `formats`, `iam`,
//! `karpenter`, `findings`, `storage`, then the siblings `sources`, `engine`, `report`, `fixes` and `config`, which never import each other, then
//! `exit`, `commands`, which puts them together, and `cli`.

#![cfg_attr(not(feature = "cli"), expect(dead_code, reason = "what only the command line and the live cluster use"))]

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod commands;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "cli")]
pub mod exit;
pub mod findings;
pub mod fixes;
mod formats;
pub mod iam;
pub mod inventory;
pub mod karpenter;
pub mod report;
pub mod schema;
pub mod sources;
mod storage;
