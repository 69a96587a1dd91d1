//! All that is known of Karpenter: its releases and settings, how its controller and cluster are recognised, whose a policy is,
//! what an upgrade goes through, and what known Terraform modules make. Pure.
//!
//! ```text
//! Builder (what was gathered) -> inventory -> Karpcheck::Controller, Karpcheck::Cluster, `@policies`
//! ```

use crate::inventory::builder::Derivation;

pub mod cluster_identity;
pub mod controller;
mod controller_draft;
pub mod kubernetes_versions;
pub mod policies;
pub mod releases;
mod scopes;
pub mod settings;
pub mod terraform_modules;
pub mod unused_permissions;
pub mod upgrade_path;

pub use scopes::{inventory, stated_of_units};

/// What is derived from the items of each scope, once they are joined.
pub const DERIVATION: Derivation = Derivation { items: controller::derive, relations: policies::relate };
