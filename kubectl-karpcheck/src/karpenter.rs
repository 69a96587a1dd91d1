//! What is known of Karpenter.

pub mod controller;
mod scopes;

pub use scopes::inventory;
