//! What is known of Karpenter.

pub mod controller;
