//! The host's side of the contract: its imports in a pack, a stand-in in native tests.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::wit::karpcheck::rules::inventory::*;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cell::RefCell;

    use crate::testing::Oracle;
    pub(crate) use crate::wit::karpcheck::rules::inventory::{
        Access, Answer, ContextKey, Decision, Field, Found, Link, Operand, Place, Principal, Reason, Request, Seen,
        Settlement, Target, Value,
    };

    thread_local! {
        static ORACLE: RefCell<Option<Oracle>> = const { RefCell::new(None) };
    }

    /// Runs something with an oracle in the place of the host, and gives the oracle back.
    pub(crate) fn with<T>(oracle: Oracle, run: impl FnOnce() -> T) -> (T, Option<Oracle>) {
        ORACLE.set(Some(oracle));
        let result = run();
        (result, ORACLE.take())
    }

    fn ask<T>(question: impl FnOnce(&mut Oracle) -> T) -> T {
        ORACLE.with_borrow_mut(|oracle| match oracle {
            Some(oracle) => question(oracle),
            None => panic!("there is no host outside of a pack: test the whole rule by running its pack over a file"),
        })
    }

    pub(crate) fn select(kind: &str) -> Vec<Found> {
        ask(|oracle| oracle.select(kind))
    }

    pub(crate) fn get(item: u32, pointer: &str) -> Value {
        ask(|oracle| oracle.get(item, pointer))
    }

    pub(crate) fn views(item: u32, pointer: &str) -> Vec<Seen> {
        ask(|oracle| oracle.views(item, pointer))
    }

    pub(crate) fn open(item: u32, pointer: &str) -> Option<Reason> {
        ask(|oracle| oracle.open(item, pointer))
    }

    pub(crate) fn matches(item: u32, pointer: &str, pattern: &str) -> Answer {
        ask(|oracle| oracle.answer(&format!("{item}{pointer} {pattern}")))
    }

    pub(crate) fn same(item: u32, pointer: &str, other: u32, other_pointer: &str) -> Answer {
        ask(|oracle| oracle.answer(&format!("{item}{pointer} {other}{other_pointer}")))
    }

    pub(crate) fn find(item: u32, pattern: &str) -> Vec<Field> {
        ask(|oracle| oracle.find(item, pattern))
    }

    pub(crate) fn related(item: u32, pattern: &str) -> Vec<Link> {
        ask(|oracle| oracle.related(item, pattern))
    }

    pub(crate) fn referrers(item: u32, kind: &str) -> Vec<Link> {
        ask(|oracle| oracle.referrers(item, kind))
    }

    pub(crate) fn peers(item: u32, _: &str, kind: &str, _: &str) -> Vec<Link> {
        ask(|oracle| oracle.referrers(item, kind))
    }

    pub(crate) fn decide(request: &Request) -> Decision {
        ask(|oracle| oracle.decide(request))
    }

    pub(crate) fn setting(name: &str) -> Value {
        ask(|oracle| oracle.setting(name))
    }

    pub(crate) fn log(_: &str) {}
}
