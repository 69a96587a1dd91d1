//! Additions of an upgrade that a diff cannot show, such as those to policies that are in no file.

use crate::report::upgrade::Upgrade;
use crate::report::{rows, text};

/// What is to be done by hand, one line each.
pub(super) fn by_hand(upgrade: &Upgrade<'_>) -> Vec<String> {
    let findings = &upgrade.all.results.findings;
    upgrade
        .not_shown
        .iter()
        .map(|not_shown| {
            let finding = &findings[not_shown.finding];
            let subject = finding.edits.first().map_or(finding.subject, |edit| edit.item);
            text::one_line(&format!("{}: {}", rows::subject(&upgrade.all, subject), not_shown.why))
        })
        .collect()
}
