//! `-o github`: workflow commands, which GitHub shows beside the lines of a pull request.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::io::{self, Write};

use crate::findings::finding::{Finding, Outcome, Severity};
use crate::inventory::Problem;
use crate::report::rows::Spot;
use crate::report::{Run, closing, message, rows, text};

/// One command for each finding, then the end of the report as plain lines of the log.
pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    // GitHub shows ten of a kind for a step, so each cause comes once before any comes again.
    let groups = rows::grouped(run);
    let firsts = groups.iter().map(|group| group.first());
    let rest = groups.iter().flat_map(|group| group.findings.iter().skip(1).chain(&group.consequences).copied());
    for finding in firsts.chain(rest) {
        let spot = rows::spot_of(run, finding.subject, &finding.pointer);
        let file = spot.and_then(place);
        let title = format!("{}: {}", finding.rule, rows::subject(run, finding.subject));
        let mut text = message::finding(run, finding).join("\n");
        if file.is_none() {
            text = format!("{}: {text}", rows::place(run, finding));
        }
        command(out, level(finding), file, &title, &text)?;
    }
    for problem in run.problems() {
        let file = problem.at.and_then(|at| place(rows::spot(run, at)));
        command(out, problem_level(problem), file, "not read in full", &problem.to_string())?;
    }
    for fault in &run.results.faults {
        command(out, "error", None, "a rule broke", &fault.to_string())?;
    }
    for line in closing::summary(run) {
        // GitHub recognises the older form of a command in the middle of a line as well.
        writeln!(out, "{}", line.replace("##[", "## ["))?;
    }
    Ok(())
}

const fn level(finding: &Finding) -> &'static str {
    match (finding.outcome, finding.severity) {
        (_, Severity::Warning) => "warning",
        (Outcome::Fail, Severity::Error) => "error",
        _ => "notice",
    }
}

const fn problem_level(problem: &Problem) -> &'static str {
    if problem.is_fatal() {
        "error"
    } else if problem.is_incomplete() {
        "warning"
    } else {
        "notice"
    }
}

/// The place in a file of the repository; none where there is no such file.
fn place(spot: Spot<'_>) -> Option<String> {
    let (path, at) = (spot.file?, spot.at);
    if path == "-" {
        return None;
    }
    let file = format!("file={}", property(path.strip_prefix("./").unwrap_or(path)));
    Some(match (at.line, at.column) {
        (0, _) => file,
        (line, 0) => format!("{file},line={line}"),
        (line, column) => format!("{file},line={line},col={column}"),
    })
}

fn command(out: &mut dyn Write, level: &str, place: Option<String>, title: &str, text: &str) -> io::Result<()> {
    let place = place.map_or_else(String::new, |place| format!("{place},"));
    writeln!(out, "::{level} {place}title={}::{}", property(title), data(text))
}

/// Escaped as in GitHub's toolkit, without control characters.
fn data(text: &str) -> String {
    text::clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
