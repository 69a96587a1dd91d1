//! Logs of Karpenter's controller.

use karpcheck_sdk::prelude::*;

/// What the lines of a log say of errors, in their order: the error of a line, else the message of a line that is one.
pub(crate) fn errors(log: Item) -> impl Iterator<Item = Field> {
    log.find("/Lines/*/Level").known().filter_map(|level| {
        let error = level.sibling("Error");
        if !error.is_absent() {
            return Some(error);
        }
        let told = ["WARN", "ERROR", "DPANIC", "PANIC", "FATAL"].iter().any(|bad| level.is(bad));
        told.then(|| level.sibling("Message"))
    })
}
