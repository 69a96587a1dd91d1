//! All integration tests of `kubectl karpcheck`, one binary. Every file beside this one is named here.
#![expect(clippy::unwrap_used, reason = "a panic in a test is a failure with a line")]

mod apiserver;
mod aws;
mod cli;
mod custom_pack;
mod equivalence;
mod floors;
mod freshness;
mod iam;
mod krew;
mod linear;
mod live;
mod pseudo_locale;
mod readme;
mod report;
mod rules;
mod sandbox;
mod skipped;
mod sources;
