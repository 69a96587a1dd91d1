//! What AWS and Kubernetes look like: kinds, references, the operations that read them.

pub mod ack;
pub mod aws_calls;
pub mod kinds;
