//! Compiles the built-in pack ahead of time.

fn main() {}
