//! `-o gitlab`: a code quality report, which GitLab shows in a merge request.
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>

use std::io::{self, Write};

use serde::Serialize;

use crate::findings::finding::{Outcome, Severity};
use crate::report::{Run, encoding, message, rows, text};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// One issue for each finding that is wrong. GitLab has no place for what is undecided.
pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let issues: Vec<Issue> = rows::sorted(run)
        .into_iter()
        .filter(|finding| finding.outcome == Outcome::Fail)
        .map(|finding| {
            let spot = rows::spot_of(run, finding.subject, &finding.pointer);
            let file = spot.and_then(|spot| spot.file).filter(|path| *path != "-");
            // What is live has no file: its address stands for one.
            let path = file.map_or_else(|| rows::subject(run, finding.subject), text::one_line);
            Issue {
                description: message::in_one_line(&message::finding(run, finding)),
                check_name: text::one_line(&finding.rule),
                fingerprint: finding.fingerprint.clone(),
                severity: match finding.severity {
                    Severity::Error => "critical",
                    Severity::Warning => "minor",
                    Severity::Info => "info",
                },
                location: Location {
                    path: path.strip_prefix("./").unwrap_or(&path).to_owned(),
                    lines: Lines { begin: spot.map_or(1, |spot| spot.at.line.max(1)) },
                },
            }
        })
        .collect();
    encoding::json(&issues, out)
}
