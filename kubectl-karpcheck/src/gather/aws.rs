//! AWS itself: what its `aws` CLI answers, saved to files or asked for now.

pub(crate) mod answers;
pub(crate) mod home;
