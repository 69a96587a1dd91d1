//! Tests that need a server or a tool which may not be there.

use std::io::Write as _;

/// Set where all of them are to be there: a test that would skip fails.
const REQUIRED: &str = "KARPCHECK_REQUIRE_SERVERS";

/// Says past the capture of the test's output that a test was skipped and why, so that everybody sees it.
///
/// # Panics
/// Where nothing may be skipped.
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, and this would be skipped: {why}");
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}");
}
