//! From files and clusters to drafts. The only place that names kube.
//!
//! A reader recognises a document by what it holds, never by its name alone, and hands on what it found in the normal
//! form of the contract. What it cannot read is a problem with its place, and costs nothing else.

#[cfg(feature = "live")]
pub mod aws;
/// Without a client for anything live there are the answers that were saved to files.
#[cfg(not(feature = "live"))]
mod aws {
    pub(crate) mod answers;
    pub(crate) mod home;
}
mod cloudformation;
#[cfg(feature = "live")]
pub mod cluster;
mod convert;
mod files;
mod helm;
mod iam;
mod json;
mod json_value;
mod kubernetes;
mod kustomize;
mod logs;
pub mod patch;
mod placeholders;
mod policy;
mod process;
mod recognise;
mod terraform;
mod terraform_arguments;
mod yaml;

pub use files::{FileSummary, Named, files, texts};
