//! The pack that the program carries is machine code, made when the program was built. It says what the component says
//! from which it was made, and what a component says that is made of the same sources anew.

use std::path::Path;

use kubectl_karpcheck::engine::Pack;

use super::harness::{cases, harness};
use crate::skipped::skipped;

/// Holds a pack to the one in the program, over all fixtures: to the last unit of fuel where both were made of one
/// component.
fn agrees(other: &Pack, one_component: bool) {
    let harness = harness();
    assert_eq!(other.rules(), harness.builtin.rules(), "the packs describe other rules");
    let cases = cases();
    assert!(!cases.is_empty());
    for case in cases {
        let (mut own, mut other) =
            (harness.judge(&harness.builtin, &case).results, harness.judge(other, &case).results);
        if !one_component {
            // Another release of the compiler makes other instructions of the same rule; what it asks of the host stays.
            own.costs.iter_mut().chain(&mut other.costs).for_each(|cost| cost.fuel = 0);
        }
        assert_eq!(own, other, "{}/{}", case.rule, case.name);
    }
}

#[test]
fn machine_code_and_component_say_the_same() {
    let component = include_bytes!("../../../kubectl-karpcheck/assets/builtin.wasm");
    agrees(&harness().engine.from_bytes("builtin", component).unwrap(), true);
}

/// `KARPCHECK_REBUILT_PACK` names a component that was just made of `rules-wasm`, by whichever compiler is at hand.
#[test]
fn the_rebuilt_pack_says_the_same() {
    let Some(file) = std::env::var_os("KARPCHECK_REBUILT_PACK") else {
        skipped("KARPCHECK_REBUILT_PACK names no rebuilt pack to compare with");
        return;
    };
    let component = std::fs::read(Path::new(&file)).unwrap();
    agrees(&harness().engine.from_bytes("builtin", &component).unwrap(), false);
}
