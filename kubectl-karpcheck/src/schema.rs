//! What AWS and Kubernetes look like: types with their properties, references, the operations that read them.

pub mod ack;
pub mod aws;
pub mod aws_calls;
pub mod kinds;
pub mod pattern;
pub mod references;
