//! All integration tests of `kubectl karpcheck`, one binary. Every file beside this one is named here.
#![expect(clippy::unwrap_used, reason = "a panic in a test is a failure with a line")]

mod apiserver;
mod aws;
mod cli;
mod custom_pack;
mod docs;
mod equivalence;
mod fleet;
mod floors;
mod freshness;
mod frozen;
mod iam;
mod krew;
mod linear;
mod live;
mod merge;
mod pseudo_locale;
mod readme;
mod recipes;
mod release;
mod report;
mod rules;
mod sandbox;
mod skipped;
mod sources;
