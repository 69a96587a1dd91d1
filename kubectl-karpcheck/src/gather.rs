//! From files and clusters to drafts. The only place that names kube.
//!
//! A reader recognises a document by what it holds, never by its name alone, and hands on what it found in the normal
//! form of the contract. What it cannot read is a problem with its place, and costs nothing else.

pub(crate) mod aws;
mod cloudformation;
pub mod cluster;
mod files;
mod helm;
mod iam;
mod json;
mod json_value;
mod kubernetes;
mod placeholders;
mod policy;
mod recognise;
mod yaml;

pub use files::{FileSummary, files};
