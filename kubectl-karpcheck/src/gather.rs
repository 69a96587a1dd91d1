//! From files and clusters to drafts. The only place that names kube.

pub mod cluster;
pub mod json_value;
pub mod kubernetes;
