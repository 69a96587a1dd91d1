//! The built-in rule pack.
//!
//! A file in `src/rules` is a rule: its page (the `//!` comment), its metadata, its logic, its unit tests. There is no
//! list to add it to. `kubectl karpcheck pack build rules-wasm` makes the component that the binary embeds.

mod karpenter;

karpcheck_sdk::pack!();
