//! Components that no tool would write: bytes are changed, cut, or many more than any pack has.

use std::time::{Duration, Instant};

use kubectl_karpcheck::engine::{Engine, Limits, PackFault};

use super::{engine, guest};

const PAGE: usize = 1 << 20;

/// A section of a component or module.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &*guest::leb(content.len()), content].concat()
}

/// A name as the binary format has it.
fn name(text: &str) -> Vec<u8> {
    [guest::leb(text.len()), text.as_bytes().to_vec()].concat()
}

/// The well-behaved pack with something more at its end.
fn with(more: &[u8]) -> Vec<u8> {
    [guest::component("well_behaved"), more.to_vec()].concat()
}

/// What a component of these bytes is: a pack, or why it is none. It takes no longer than anything else here.
fn load(bytes: &[u8]) -> Result<(), PackFault> {
    let program = Some(env!("CARGO_BIN_EXE_kubectl-karpcheck").into());
    let begun = Instant::now();
    let engine = Engine::new(Limits::default(), None).unwrap().compiler(program);
    let loaded = engine.from_bytes("odd", bytes).map(drop).map_err(|error| error.fault);
    assert!(begun.elapsed() < Duration::from_secs(300), "{:?}", begun.elapsed());
    loaded
}

#[test]
fn custom_sections_are_bytes_like_any_other() {
    let custom = |bytes: usize| section(0, &[name("x"), vec![0; bytes]].concat());
    assert!(load(&with(&custom(30 * PAGE))).is_ok(), "no custom section is looked into");
    let large = load(&with(&custom(32 * PAGE)));
    assert!(matches!(large, Err(PackFault::TooLarge { .. })), "{large:?}");
    // A section that says it has a gigabyte, and has none.
    let lies = with(&[&[0][..], &guest::leb(1 << 30)].concat());
    assert!(load(&lies).is_err());
}

/// A module of 8 MB inside of a component has a million names to export one function by.
#[test]
fn a_million_exports_of_a_module_are_refused() {
    let count: usize = 1_000_000;
    let mut exports = guest::leb(count);
    for number in 0..count {
        exports.extend(name(&format!("{number:x}")));
        exports.extend([0, 0]);
    }
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[1, 0]),
        section(7, &exports),
        section(10, &[1, 2, 0, 0x0b]),
    ]
    .concat();
    let refused = load(&with(&section(1, &module)));
    assert!(refused.is_err(), "it is no pack");
}

/// What can be parsed in part, or not at all, is refused, and no byte of it stops the program.
#[test]
fn changed_and_cut_components_are_refused_or_packs() {
    let whole = guest::component("well_behaved");
    let (mut refused, mut packs) = (0, 0);
    let mut count = |bytes: &[u8]| match engine().from_bytes("odd", bytes) {
        Ok(_) => packs += 1,
        Err(_) => refused += 1,
    };
    for cut in (0..whole.len()).step_by(whole.len() / 100) {
        count(&whole[..cut]);
    }
    // Always the same places and bytes.
    let mut seed: u64 = 1;
    for _ in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] = (seed >> 24) as u8;
        }
        count(&bytes);
    }
    assert!(refused > 200 && packs > 0, "{refused} refused, {packs} packs");
}
