//! Write rule packs for `kubectl karpcheck` in Rust.
//!
//! A rule is a function from one item to one verdict. It asks the inventory on its way, and every answer is known,
//! absent, or unknown with a reason; `?` on anything unknown ends that judgement as unknown, so that a rule never
//! takes "not known" for "wrong".
//!
//! # A pack
//!
//! A pack is a crate with three files beside its `Cargo.toml` (`crate-type = ["cdylib", "rlib"]`, this crate under both
//! `[dependencies]` and `[build-dependencies]`):
//!
//! ```text
//! build.rs             fn main() { karpcheck_sdk::build::rules(); }
//! src/lib.rs           karpcheck_sdk::pack!();
//! src/rules/AREA/RULE.rs    one file for each rule: its page, its metadata, its logic
//! ```
//!
//! A file in `src/rules` is a rule: there is no list to add it to. Its id is the file's name with hyphens, its page is
//! the file's `//!` comment, its area is the folder that it is in (or `area` of its metadata, where it is in none).
//! `kubectl karpcheck pack build` makes the component, `--pack FILE` loads it. The pack is called as the crate is.
//!
//! # A rule
//!
//! ```
//! use karpcheck_sdk::prelude::*;
//!
//! pub(crate) const RULE: Rule = Rule {
//!     area: "ebs",
//!     title: "A volume has a KMS key, but encryption is not enabled",
//!     severity: Error,
//!     subjects: &["karpenter.k8s.aws/EC2NodeClass"],
//!     check,
//!     ..Rule::DEFAULT
//! };
//!
//! fn check(class: Item) -> Check {
//!     all(class.find("/spec/blockDeviceMappings/*/ebs/kmsKeyID"), |key| {
//!         let key = key?;
//!         let encrypted = key.sibling("encrypted");
//!         if key.is_absent() {
//!             return skip();
//!         }
//!         if encrypted.flag()? == Some(true) {
//!             return pass();
//!         }
//!         fail(key.parent(), format!("A volume of {} has a key and is not encrypted: EC2 rejects it", class.name()))
//!             .remedy("Set encrypted: true beside kmsKeyID.")
//!             .edit(encrypted, true)
//!             .check()
//!     })
//! }
//! ```
//!
//! - **A [`Field`] is a cursor**: it is read when it is asked ([`text`](Field::text), [`flag`](Field::flag),
//!   [`matches`](Field::matches)), steps to its [`parent`](Field::parent), [`child`](Field::child) and
//!   [`sibling`](Field::sibling), and says where a finding stands. No rule takes pointers apart.
//! - **A list may have an end that is not known.** [`find`](Item::find), [`each`](Item::each) and [`select`] then yield an
//!   `Err`: `?` ends that judgement as unknown, and [`all`] goes on with the others. A rule that judges what it sees takes
//!   `.known()`; one that misses something must not.
//! - **What is unknown has a [`Cause`] and a code** ([`Unknown`]); its wording is for people.
//! - **A finding is as bad as the rule says** ([`Rule::severity`]), and as sure as [`Rule::applies`] says, unless it says
//!   less itself.
//!
//! # Asking IAM
//!
//! A [`Request`] names its fields, and what is symbolic in them stays so:
//!
//! ```
//! use karpcheck_sdk::prelude::*;
//!
//! fn may_use(queue: Item, key: Item, rule: Item) -> Check {
//!     let decision = Request::by_service("events.amazonaws.com", "kms:Decrypt", key)
//!         .field("queue", queue.field("@arn"))
//!         .field("rule", rule.field("@arn"))
//!         .with_template("aws:SourceArn", "{rule}")
//!         .with_template("kms:EncryptionContext:aws:sqs:arn", "{queue}")
//!         .decide();
//!     if decision.allowed()? {
//!         return pass();
//!     }
//!     fail("/KmsMasterKeyId", format!("EventBridge rule {} cannot send: {}", rule.name(), decision.why))
//!         .related(decision.statements)
//!         .check()
//! }
//! ```
//!
//! # What a rule reads
//!
//! The host shows a rule the kinds of its `subjects`, `reads` and `reads_if_allowed`; asking for another ends its run. A
//! module that several rules share says what it asks for, as a constant beside its functions, and the rules name it:
//! `uses: &[interruption::READS]`. [`testing::undeclared_reads`] finds what was forgotten.
//!
//! # Memory
//!
//! A pack has this crate's allocator, which is made for what rules do: many small blocks that are soon given back. So it cannot
//! have a `#[global_allocator]` of its own.
//!
//! # Tests
//!
//! `cargo test` runs natively, where there is no host. [`testing::Inventory`] stands in for it: items from JSON, how they refer to
//! each other, what IAM answers; it says what a rule finds in them. [`testing::undeclared_reads`] runs all rules against invented
//! answers and finds what they forgot to declare. `kubectl karpcheck pack test` judges whole files by the built pack.

#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
mod allocator;
#[cfg(not(target_arch = "wasm32"))]
pub mod build;
mod facts;
mod field;
mod finding;
mod glob;
mod host;
mod item;
mod pack;
mod request;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod value;

/// The generated bindings of the contract. What a pack may rely on is re-exported by name from the crate's root.
#[doc(hidden)]
pub mod wit {
    wit_bindgen::generate!({
        path: "wit",
        world: "pack",
        pub_export_macro: true,
        default_bindings_module: "karpcheck_sdk::wit",
    });
}

pub use field::{Field, Fields};
pub use finding::{
    At, Check, Confidence, Finding, MOST_PLACES, Severity, Verdict, all, both, fail, found, pass, skip, undecided,
    unknown,
};
pub use item::{Answer, Item, Link, Lookup, Place, Seen, Selection, log, select, setting};
pub use pack::{Rule, Setting, SettingDefault};
#[doc(hidden)]
pub use pack::{check, describe};
pub use request::{Access, Decision, Operand, Prepared, Principal, Request, Target};
pub use value::{Cause, Settlement, Unknown, Value};

/// What a rule's file needs: `use karpcheck_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::field::{Field, Fields};
    pub use crate::finding::{
        Check, Confidence, Finding, MOST_PLACES,
        Severity::{self, Error, Info, Warning},
        Verdict, all, both, fail, found, pass, skip, undecided, unknown,
    };
    pub use crate::item::{Answer, Item, Link, Lookup, Place, Seen, log, select, setting};
    pub use crate::pack::{Rule, Setting, SettingDefault};
    pub use crate::request::{Access, Decision, Request};
    pub use crate::value::{Cause, Settlement, Unknown, Value};
}
