//! All integration tests of `kubectl karpcheck`, one binary. Every file beside this one is named here.

mod floors;
mod krew;
mod report;
