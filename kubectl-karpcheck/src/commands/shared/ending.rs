//! How a run that judged ends.

use crate::commands::shared::args::FailOn;
use crate::exit::Exit;
use crate::findings::finding::{Finding, Outcome};
use crate::inventory::{Inventory, Problem};

/// The exit code of what was read and judged: what could not be done counts before what fails at or above the severity, which
/// is an error where nothing says otherwise. What is undecided does not fail.
pub fn exit<'a>(
    inventory: &Inventory,
    faults: &[Problem],
    findings: impl IntoIterator<Item = &'a Finding>,
    fail_on: Option<FailOn>,
) -> Exit {
    // The subjects of a rule that crashed were not checked.
    if inventory.problems().iter().any(Problem::is_fatal) || !faults.is_empty() {
        return Exit::NotDone;
    }
    let Some(least) = fail_on.unwrap_or(FailOn::Error).severity() else { return Exit::Clean };
    let fails = |finding: &Finding| finding.outcome == Outcome::Fail && finding.severity >= least;
    if findings.into_iter().any(fails) { Exit::Findings } else { Exit::Clean }
}
