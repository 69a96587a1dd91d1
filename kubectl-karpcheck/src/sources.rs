//! From files and clusters to drafts. The only place that names kube.
//!
//! A reader recognises a document by what it holds, never by its name alone, and hands on what it found in the normal
//! form of the contract. What it cannot read is a problem with its place, and costs nothing else.

#[cfg(feature = "live")]
pub mod aws;
/// Without a client for anything live there are the answers that were saved to files.
#[cfg(not(feature = "live"))]
mod aws {
    pub(crate) mod account_region;
    pub(crate) mod responses;
}
mod cloudformation;
#[cfg(feature = "live")]
pub mod cluster;
mod exclude;
mod files;
mod helm;
mod iam_policies;
pub mod interrupt;
mod kubernetes;
mod kustomize;
mod logs;
mod mapping;
mod objects;
mod placeholders;
mod policy_documents;
mod process;
mod pulumi;
mod reader;
mod readers;
mod referenced;
#[cfg(feature = "oci")]
pub mod registry;
mod relevance;
#[cfg(feature = "live")]
pub mod snapshot;
mod terraform;

pub use exclude::is_glob;
pub use files::{FileSummary, Named, files, texts};

/// What a file calls a property of an AWS resource: by the kind of the object (`sqs.services.k8s.aws/Queue`) or Terraform's
/// type of the resource (`aws_sqs_queue`) that describes it, and the property's path; the way from the object or the resource
/// to the field. None where no name is known.
pub fn written_as(kind: &str, path: &[String]) -> Option<Vec<String>> {
    if kind.contains('/') { kubernetes::written(kind, path) } else { terraform::arguments::written(kind, path) }
}
