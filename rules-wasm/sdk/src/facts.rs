//! Facts beside an item's body, asked once: rules and their helpers ask for the kind and the name of one item again and again,
//! and a question costs more than to remember its answer. Nothing changes while a rule runs.

use std::cell::RefCell;

use crate::host;
use crate::item::Item;
use crate::value::Value;

/// Those that are asked for most.
const NAMES: [&str; 4] = ["@kind", "@name", "@view", "@scope"];
/// Of so many items at once: those that are looked at together have neighbouring numbers.
const ITEMS: usize = 8;

type Known = [[Option<(Item, Value)>; NAMES.len()]; ITEMS];

thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new([const { [const { None }; NAMES.len()] }; ITEMS]) };
}

/// What an `@` name of an item says.
pub(crate) fn get(item: Item, name: &str) -> Value {
    let Some(which) = NAMES.iter().position(|known| *known == name) else { return host::get(item.0, name).into() };
    KNOWN.with_borrow_mut(|known| match &mut known[item.0 as usize % ITEMS][which] {
        Some((of, value)) if *of == item => value.clone(),
        slot => slot.insert((item, host::get(item.0, name).into())).1.clone(),
    })
}

/// Forgets everything: another run has other items.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn forget() {
    KNOWN.with_borrow_mut(|known| *known = [const { [const { None }; NAMES.len()] }; ITEMS]);
}
