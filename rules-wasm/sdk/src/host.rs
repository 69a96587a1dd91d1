//! The host's side of the contract: its imports in a pack, a stand-in in native tests.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::wit::karpcheck::rules::inventory::*;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    pub(crate) use crate::wit::karpcheck::rules::inventory::{
        Access, Answer, ContextKey, Decision, Field, Found, Link, Operand, Place, Principal, Reason, Request, Seen,
        Settlement, Target, Value,
    };

    /// What answers in the place of the host.
    pub(crate) trait Respond {
        /// The kinds that were asked for and not declared.
        fn undeclared(&mut self) -> BTreeSet<String>;
        fn select(&mut self, kind: &str) -> Vec<Found>;
        fn get(&self, item: u32, pointer: &str) -> Value;
        fn views(&self, item: u32, pointer: &str) -> Vec<Seen>;
        fn open(&self, item: u32, pointer: &str) -> Option<Reason>;
        fn matches(&self, item: u32, pointer: &str, pattern: &str) -> Answer;
        fn same(&self, item: u32, pointer: &str, other: u32, other_pointer: &str) -> Answer;
        fn find(&self, item: u32, pattern: &str) -> Vec<Field>;
        fn related(&self, item: u32, pattern: &str) -> Vec<Link>;
        fn referrers(&mut self, item: u32, kind: &str) -> Vec<Link>;
        fn peers(&mut self, item: u32, pointer: &str, kind: &str, pattern: &str) -> Vec<Link>;
        fn decide(&self, request: &Request) -> Decision;
        fn setting(&self, name: &str) -> Value;
    }

    thread_local! {
        static HOST: RefCell<Option<Box<dyn Respond>>> = const { RefCell::new(None) };
    }

    /// Runs something with a stand-in for the host, and gives it back.
    pub(crate) fn with<T>(host: Box<dyn Respond>, run: impl FnOnce() -> T) -> (T, Option<Box<dyn Respond>>) {
        HOST.set(Some(host));
        crate::facts::forget();
        let result = run();
        (result, HOST.take())
    }

    fn ask<T>(question: impl FnOnce(&mut dyn Respond) -> T) -> T {
        HOST.with_borrow_mut(|host| match host {
            Some(host) => question(&mut **host),
            None => panic!("there is no host outside of a pack: give the test one, karpcheck_sdk::testing::Inventory"),
        })
    }

    pub(crate) fn select(kind: &str) -> Vec<Found> {
        ask(|host| host.select(kind))
    }

    pub(crate) fn get(item: u32, pointer: &str) -> Value {
        ask(|host| host.get(item, pointer))
    }

    pub(crate) fn views(item: u32, pointer: &str) -> Vec<Seen> {
        ask(|host| host.views(item, pointer))
    }

    pub(crate) fn open(item: u32, pointer: &str) -> Option<Reason> {
        ask(|host| host.open(item, pointer))
    }

    pub(crate) fn matches(item: u32, pointer: &str, pattern: &str) -> Answer {
        ask(|host| host.matches(item, pointer, pattern))
    }

    pub(crate) fn same(item: u32, pointer: &str, other: u32, other_pointer: &str) -> Answer {
        ask(|host| host.same(item, pointer, other, other_pointer))
    }

    pub(crate) fn find(item: u32, pattern: &str) -> Vec<Field> {
        ask(|host| host.find(item, pattern))
    }

    pub(crate) fn related(item: u32, pattern: &str) -> Vec<Link> {
        ask(|host| host.related(item, pattern))
    }

    pub(crate) fn referrers(item: u32, kind: &str) -> Vec<Link> {
        ask(|host| host.referrers(item, kind))
    }

    pub(crate) fn peers(item: u32, pointer: &str, kind: &str, pattern: &str) -> Vec<Link> {
        ask(|host| host.peers(item, pointer, kind, pattern))
    }

    pub(crate) fn decide(request: &Request) -> Decision {
        ask(|host| host.decide(request))
    }

    pub(crate) fn setting(name: &str) -> Value {
        ask(|host| host.setting(name))
    }

    pub(crate) fn log(_: &str) {}
}
