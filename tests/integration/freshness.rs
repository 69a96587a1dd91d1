//! The committed pack was made of the sources that stand beside it.

use std::fs;
use std::path::{Path, PathBuf};

use kubectl_karpcheck::commands::pack::sources;
use kubectl_karpcheck::commands::pack::sources::Crate;
use sha2::{Digest as _, Sha256};

const CURE: &str = "build it anew and commit both files: cargo run -p kubectl-karpcheck -- pack build rules-wasm \
                    -o kubectl-karpcheck/assets/builtin.wasm --record kubectl-karpcheck/assets/builtin.toml";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A field of `builtin.toml`, which `pack build --record` writes.
fn recorded(field: &str) -> String {
    let record = fs::read_to_string(root().join("kubectl-karpcheck/assets/builtin.toml")).unwrap();
    let value =
        record.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(" = \"sha256:")?.strip_suffix('"'));
    value.unwrap_or_else(|| panic!("builtin.toml has no {field}; {CURE}")).to_owned()
}

#[test]
fn builtin_pack_is_made_of_these_sources() {
    let of = Crate::read(&root().join("rules-wasm")).unwrap();
    assert_eq!(recorded("sources"), sources::digest(&of).unwrap(), "builtin.wasm is not of these sources; {CURE}");
}

#[test]
fn builtin_pack_is_the_one_that_was_recorded() {
    let component = fs::read(root().join("kubectl-karpcheck/assets/builtin.wasm")).unwrap();
    let digest: String = Sha256::digest(component).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(recorded("component"), digest, "builtin.wasm and builtin.toml are of two builds; {CURE}");
}
