//! The pack that the program carries is machine code, made when the program was built. It says what the component says
//! from which it was made, and what a component says that is made of the same sources anew.

use std::path::Path;

use kubectl_karpcheck::engine::Pack;

use super::harness::{cases, harness};
use crate::skipped::skipped;

/// Holds a pack to the one in the program, over all fixtures.
fn agrees(other: &Pack) {
    let harness = harness();
    assert_eq!(other.rules(), harness.builtin.rules(), "the packs describe other rules");
    let cases = cases();
    assert!(!cases.is_empty());
    for case in cases {
        let (own, other) = (harness.judge(&harness.builtin, &case).results, harness.judge(other, &case).results);
        assert_eq!(own, other, "{}/{}", case.rule, case.name);
    }
}

#[test]
fn machine_code_and_component_say_the_same() {
    let component = include_bytes!("../../../kubectl-karpcheck/assets/builtin.wasm");
    agrees(&harness().engine.from_bytes("builtin", component).unwrap());
}

/// `KARPCHECK_REBUILT_PACK` names a component that was just made of `rules-wasm`.
#[test]
fn the_rebuilt_pack_says_the_same() {
    let Some(file) = std::env::var_os("KARPCHECK_REBUILT_PACK") else {
        skipped("KARPCHECK_REBUILT_PACK names no rebuilt pack to compare with");
        return;
    };
    let component = std::fs::read(Path::new(&file)).unwrap();
    agrees(&harness().engine.from_bytes("builtin", &component).unwrap());
}
