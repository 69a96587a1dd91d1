//! Write rule packs for `kubectl karpcheck` in Rust.
//!
//! A rule is a function from one item to one verdict. It asks the inventory on its way, and every answer is known,
//! absent, or unknown with a reason; `?` on anything unknown ends that judgement as unknown, so that a rule never
//! takes "nobody told me" for "it is wrong".
//!
//! # A pack
//!
//! A pack is a crate with three files beside its `Cargo.toml` (`crate-type = ["cdylib", "rlib"]`, this crate under both
//! `[dependencies]` and `[build-dependencies]`):
//!
//! ```text
//! build.rs             fn main() { karpcheck_sdk::build::rules(); }
//! src/lib.rs           karpcheck_sdk::pack!();
//! src/rules/RULE.rs    one file for each rule: its page, its metadata, its logic
//! ```
//!
//! A file in `src/rules` is a rule: there is no list to add it to. Its id is the file's name with hyphens, its page is
//! the file's `//!` comment. `kubectl karpcheck pack build` makes the component, `--pack FILE` loads it.
//!
//! # A rule
//!
//! ```
//! use karpcheck_sdk::prelude::*;
//!
//! pub(crate) const RULE: Rule = Rule {
//!     area: "queue",
//!     title: "The key of the interruption queue does not let EventBridge use it",
//!     severity: Error,
//!     subjects: &["AWS::SQS::Queue"],
//!     reads: &["AWS::KMS::Key", "AWS::Events::Rule"],
//!     check,
//!     ..Rule::DEFAULT
//! };
//!
//! fn check(queue: Item) -> Check {
//!     all(queue.related("/KmsMasterKeyId"), |link| {
//!         let Found::Known(key) = link.item else { return skip() };
//!         all(queue.referrers("AWS::Events::Rule"), |sender| {
//!             let Some(rule) = sender.item()? else { return skip() };
//!             all(["kms:GenerateDataKey", "kms:Decrypt"], |action| {
//!                 let decision = Request::by_service("events.amazonaws.com", action, key)
//!                     .with("aws:SourceArn", rule.get("@arn"))
//!                     .with("aws:SourceAccount", rule.get("@account"))
//!                     .with("kms:EncryptionContext:aws:sqs:arn", queue.get("@arn"))
//!                     .decide();
//!                 match decision.access {
//!                     Access::Allowed => pass(),
//!                     Access::Unknown => unknown(decision.unknown),
//!                     Access::ImplicitDeny | Access::ExplicitDeny => {
//!                         fail(Error, &link.at, format!("EventBridge rule {} cannot send: {}", rule.name(), decision.why))
//!                             .remedy("Let events.amazonaws.com use kms:Decrypt and kms:GenerateDataKey in the key's policy.")
//!                             .see(decision.statements)
//!                             .check()
//!                     }
//!                 }
//!             })
//!         })
//!     })
//! }
//! ```
//!
//! # Tests
//!
//! `cargo test` runs natively, where there is no host: functions that ask it (those of [`Item`], [`select`],
//! [`setting`], [`Request::decide`]) panic there. Unit-test what a rule computes by itself; test the whole rule by
//! running its pack over a file.

#[cfg(not(target_arch = "wasm32"))]
pub mod build;
mod finding;
mod item;
mod pack;
mod request;
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

pub use finding::{Check, Confidence, Finding, Severity, Verdict, all, fail, found, pass, skip, undecided, unknown};
pub use item::{Answer, Field, Found, Item, Link, Place, Seen, Selection, log, select, setting};
pub use pack::{Rule, Setting, SettingDefault};
#[doc(hidden)]
pub use pack::{check, describe};
pub use request::{Access, Decision, Operand, Principal, Request, Target};
pub use value::{Unknown, Value};

/// What a rule's file needs: `use karpcheck_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::finding::{
        Check, Confidence, Finding,
        Severity::{self, Error, Info, Warning},
        Verdict, all, fail, found, pass, skip, undecided, unknown,
    };
    pub use crate::item::{Answer, Field, Found, Item, Link, Place, Seen, log, select, setting};
    pub use crate::pack::{Rule, Setting, SettingDefault};
    pub use crate::request::{Access, Decision, Request};
    pub use crate::value::{Unknown, Value};
}
