//! Gaps of what was gathered: items, references and facts that are not there.

use std::sync::Arc;

use crate::inventory::reason::{Fact, Settlement};

super::gaps! {
    /// Of what was gathered: items, references and facts that are not there.
    pub enum Gathered {
        "partition-not-stated" Partition = "the partition is not known: --partition states it", settled by Settlement::Fact(Fact::Partition);
        "region-not-stated" Region = "the region is not known: --region states it", settled by Settlement::Fact(Fact::Region);
        "account-not-stated" Account = "the account is not known: --account states it", settled by Settlement::Fact(Fact::Account);
        "region-not-stated" OfRegion { what: &'static str } = "{what} is not known: --region states it", settled by Settlement::Fact(Fact::Region);
        "location-not-stated" Location { fact: Arc<str>, item: Arc<str> } = "the {fact} of {item} is not known: --{fact} states it", settled by Fact::parse(fact).map(Settlement::Fact);
        "location-not-given" OfItem { fact: Arc<str>, item: Arc<str> } = "the {fact} of {item} is not known";
        "not-listed" MayBeMore { kind: Arc<str> } = "only what was provided was read; there may be more of kind {kind}", settled by Settlement::Kind(Arc::clone(kind));
        "not-described-by-aws" NotDescribed { item: Arc<str> } = "what AWS says of {item} was not given";
        "no-reference" NoReference { at: Arc<str> } = "{at} is not a reference";
        "reference-not-read" NotRead { what: Arc<str> } = "the definition of {what} was not found";
        "target-not-known" Target { text: Arc<str> } = "what {text} refers to is not known";
        "target-kind-not-known" TargetKind { at: Arc<str> } = "which kind {at} refers to is not known";
        "reference-without-name" Nameless { at: Arc<str> } = "{at} names nothing";
        "several-of-a-name" Several { count: usize, noun: Arc<str>, text: Arc<str> } = "{count} {noun}s are called {text}";
        "alias-of-alias" AliasOfAlias { from: Arc<str>, alias: Arc<str> } = "{from} names {alias}, which is an alias: AWS takes only a key there";
        "key-of-alias-not-known" KeyOfAlias { alias: Arc<str> } = "the key behind {alias} is not known";
        "several-controllers" Controllers { count: usize, item: Arc<str> } = "{count} controllers could be the ones that use {item}";
        "kind-not-declared" Undeclared { kind: Arc<str> } = "the rule does not declare {kind}";
        "whole-replaced" Replaced = "it is known in part";
    }
}
