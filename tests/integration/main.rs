//! All integration tests of `kubectl karpcheck`, one binary. Every file beside this one is named here.
#![expect(clippy::unwrap_used, reason = "a panic in a test is a failure with a line")]

mod apiserver;
mod cli;
mod floors;
mod krew;
mod live;
mod readme;
mod report;
mod sandbox;
