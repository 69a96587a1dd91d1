//! The plugin's entry: everything is in the library.

fn main() {}
