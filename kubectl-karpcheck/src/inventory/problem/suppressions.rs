//! Problems of comments, annotations and entries of the configuration that accept findings.

use std::sync::Arc;

super::problems! {
    /// Of what accepts findings.
    pub enum SuppressionProblem {
        Note "suppression-not-used" Unused { before: Arc<str>, rule: Arc<str> } = "{before}nothing is suppressed: {rule} finds nothing here any more, so the suppression can go";
        Note "suppression-not-used" Elsewhere { before: Arc<str>, rule: Arc<str>, line: u32 } = "{before}nothing is suppressed: {rule} finds nothing at this line, but something at line {line}";
        Note "suppression-expired" Expired { before: Arc<str>, rule: Arc<str>, day: Arc<str> } = "{before}the suppression of {rule} expired on {day}: what it suppressed is reported again";
        Note "suppression-malformed" Malformed { before: Arc<str>, why: Arc<str> } = "{before}this suppresses nothing: {why}";
        Note "suppression-malformed" NoDay { before: Arc<str>, word: Arc<str> } = "{before}this suppresses nothing: expires={word} is not a date: write it like 2027-01-31";
        Note "suppression-of-no-rule" NoRule { before: Arc<str>, unknown: Arc<str> } = "{before}this suppresses nothing: {unknown}";
        Note "baseline-outdated" Gone { count: usize, file: Arc<str> } = "{count} of the findings in {file} were not found in this run: --write-baseline updates it";
    }
}
