//! The text of a finding in all formats for people.

use std::collections::BTreeSet;

use crate::findings::finding::{BUILTIN, Finding, Outcome, RuleInfo, Severity};
use crate::report::notes;
use crate::report::notes::Note;
use crate::report::rows;
use crate::report::rows::Group;
use crate::report::{Run, cause_words, text};

/// A message, what it follows from, and what its edits do.
pub(super) fn whole_message(run: &Run<'_>, finding: &Finding) -> String {
    let mut text = message(finding);
    if let Some(cause) = rows::cause(run, finding) {
        text.push_str(&format!(" (follows from {})", cause.rule));
    }
    if let Some(cure) = &finding.cure {
        text.push_str(&format!(" (verified: {})", notes::cured(cure)));
    }
    text
}

/// The other places that explain a finding, each with its note.
pub(super) fn related(run: &Run<'_>, finding: &Finding) -> Vec<String> {
    let mut places: Vec<String> = finding
        .related
        .iter()
        .chain(&finding.reason_at)
        .filter(|place| place.item != finding.subject || place.pointer != finding.pointer)
        .map(|place| {
            let spot = rows::spot_of(run, place.item, &place.pointer).map(|spot| rows::spot_words(run, spot));
            let spot = spot.filter(|spot| !spot.is_empty()).map_or_else(String::new, |spot| format!(" ({spot})"));
            let note = text::one_line(&place.note);
            let note = if note.is_empty() { note } else { format!(": {note}") };
            format!("{}{spot}{note}", rows::subject(run, place.item))
        })
        .collect();
    let mut seen = BTreeSet::new();
    places.retain(|place| seen.insert(place.clone()));
    places
}

/// The places that explain the findings of a group, each once.
pub(super) fn related_to_group(run: &Run<'_>, group: &Group<'_>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = group.findings.iter().flat_map(|finding| related(run, finding));
    all.filter(|place| seen.insert(place.clone())).collect()
}

/// The lines of a group: its message, what to do, and what follows.
pub(super) fn group(run: &Run<'_>, group: &Group<'_>) -> Vec<String> {
    lines(message(group.first()), &notes::of_group(run, group))
}

/// The lines of one finding: its message and what to do.
pub(super) fn finding(run: &Run<'_>, finding: &Finding) -> Vec<String> {
    lines(whole_message(run, finding), &notes::of_finding(run, finding))
}

/// Lines as one: what ends a sentence goes where another one follows. The `.` of a command (`-f .`) stays.
pub(super) fn in_one_line(lines: &[String]) -> String {
    let mut joined = String::new();
    for line in lines {
        if !joined.is_empty() {
            if joined.ends_with('.') && joined.chars().rev().nth(1).is_some_and(char::is_alphanumeric) {
                joined.pop();
            }
            joined.push_str("; ");
        }
        joined.push_str(line);
    }
    text::one_line(&joined)
}

fn lines(message: String, notes: &[Note]) -> Vec<String> {
    std::iter::once(message).chain(notes.iter().map(Note::line)).collect()
}

/// The page of a built-in rule on the web.
pub(super) fn page_url(rule: &RuleInfo) -> Option<String> {
    let repository = env!("CARGO_PKG_REPOSITORY");
    (rule.pack == BUILTIN).then(|| format!("{repository}/blob/main/docs/rules/{}.md", rule.id))
}

/// A message, with the reason and its kind where it is unknown.
pub(super) fn message(finding: &Finding) -> String {
    let message = finding.message.trim();
    let Some(reason) = finding.reason.as_ref().filter(|_| finding.outcome == Outcome::Unknown) else {
        return message.to_owned();
    };
    let undecided = if is_unknown(finding) { "" } else { "undecided, " };
    let cause = cause_words(reason.cause);
    // The first column already says that it is unknown.
    if finding.is_plain() {
        return match undecided {
            "" => format!("{reason} ({cause})"),
            _ => format!("{} ({undecided}{cause})", finding.sentence()),
        };
    }
    // A rule may have put the reason into its message: no reader wants it twice.
    if message.contains(&reason.to_string()) {
        return format!("{message} ({undecided}{cause})");
    }
    format!("{message} ({undecided}{cause}: {reason})")
}

/// The text of the first column. An undecided finding is `unknown` unless it was raised to a warning.
pub(super) fn severity(finding: &Finding) -> &'static str {
    if is_unknown(finding) { "unknown" } else { finding.severity.as_str() }
}

/// Is a finding undecided, and not raised to a warning?
pub(super) fn is_unknown(finding: &Finding) -> bool {
    finding.outcome == Outcome::Unknown && finding.severity == Severity::Info
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_as_one_sentence() {
        let lines = |lines: &[&str]| in_one_line(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            lines(&["it lacks a name", "to settle it: Name it.", "or run: x -f ."]),
            "it lacks a name; to settle it: Name it; or run: x -f ."
        );
        assert_eq!(lines(&["to settle it: x -f .", "see a.yaml:1"]), "to settle it: x -f .; see a.yaml:1");
    }
}
