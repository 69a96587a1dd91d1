//! Write rule packs for kubectl karpcheck in Rust.
