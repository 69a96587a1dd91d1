//! What differs between two reports: for people, for machines and for a comment on a pull request.

use std::io::{self, Write};

use serde_json::json;

use crate::findings::comparison::{Change, Known};
use crate::findings::finding::Outcome;
use crate::report::text::count;
use crate::report::{encoding, layout, text};

/// What a finding is: its severity, or that it is unknown.
const fn severity(known: &Known) -> &'static str {
    match known.outcome {
        Outcome::Fail => known.severity.as_str(),
        Outcome::Unknown => "unknown",
    }
}

/// `2 new, 1 gone, 14 unchanged.`
fn closing(changes: &[(Change, Known)]) -> String {
    let all = [Change::New, Change::Worse, Change::Better, Change::Suppressed, Change::Gone, Change::Unchanged];
    let number = |of: Change| changes.iter().filter(|(change, _)| *change == of).count();
    let parts: Vec<String> = all
        .into_iter()
        .filter(|change| number(*change) > 0)
        .map(|change| format!("{} {}", number(change), change.as_str()))
        .collect();
    if parts.is_empty() { "Neither report has a finding.".to_owned() } else { format!("{}.", parts.join(", ")) }
}

fn told(changes: &[(Change, Known)]) -> impl Iterator<Item = &(Change, Known)> {
    changes.iter().filter(|(change, _)| *change != Change::Unchanged)
}

/// Writes the changes for people. On a terminal of `width` columns a message is wrapped under its row.
///
/// # Errors
/// It cannot be written.
pub fn table(changes: &[(Change, Known)], width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<String>> = told(changes)
        .map(|(change, known)| {
            let cells = [change.as_str(), severity(known), &known.rule, &known.subject, &known.place];
            cells.into_iter().map(text::one_line).collect()
        })
        .collect();
    if !rows.is_empty() {
        let columns = ["CHANGE", "SEVERITY", "RULE", "SUBJECT", "WHERE"];
        let mut lines = layout::columns(&columns, &rows).into_iter();
        let fit = |line: String| width.map_or(line.clone(), |width| text::begin_of(&line, width));
        for line in lines.by_ref().take(1) {
            writeln!(out, "{}", fit(line))?;
        }
        for (line, (_, known)) in lines.zip(told(changes)) {
            writeln!(out, "{}", fit(line))?;
            let message = text::one_line(&known.message);
            let message = match width {
                _ if message.is_empty() => vec![],
                Some(width) => text::wrap(&message, width.saturating_sub(2).max(20)),
                None => vec![message],
            };
            for line in message {
                writeln!(out, "  {line}")?;
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", closing(changes))
}

/// Writes the changes as JSON: `karpcheck.diff/v1alpha1`.
///
/// # Errors
/// It cannot be written.
pub fn json(changes: &[(Change, Known)], out: &mut dyn Write) -> io::Result<()> {
    let number = |of: Change| changes.iter().filter(|(change, _)| *change == of).count();
    let changed: Vec<_> = told(changes)
        .map(|(change, known)| {
            json!({
                "change": change.as_str(),
                "rule": known.rule,
                "outcome": known.outcome.as_str(),
                "severity": known.severity.as_str(),
                "subject": known.subject,
                "place": known.place,
                "message": known.message,
                "fingerprint": known.fingerprint,
            })
        })
        .collect();
    let report = json!({
        "schema": "karpcheck.diff/v1alpha1",
        "summary": {
            "new": number(Change::New),
            "worse": number(Change::Worse),
            "better": number(Change::Better),
            "suppressed": number(Change::Suppressed),
            "gone": number(Change::Gone),
            "unchanged": number(Change::Unchanged),
        },
        "findings": changed,
    });
    encoding::json(&report, out)
}

/// Writes the changes as GitHub's markdown.
///
/// # Errors
/// It cannot be written.
pub fn markdown(changes: &[(Change, Known)], out: &mut dyn Write) -> io::Result<()> {
    /// Rows that a comment has room for.
    const MOST: usize = 200;
    writeln!(out, "### karpcheck\n\n{}", closing(changes))?;
    let all: Vec<&(Change, Known)> = told(changes).collect();
    if !all.is_empty() {
        writeln!(out, "\n| change | severity | rule | where | what |\n|---|---|---|---|---|")?;
    }
    for (change, known) in all.iter().take(MOST) {
        let place = if known.place.is_empty() { String::new() } else { format!("<br>{}", markdown_code(&known.place)) };
        writeln!(
            out,
            "| {} | {} | {} | {}{place} | {} |",
            change.as_str(),
            severity(known),
            super::markdown::escape(&known.rule),
            markdown_code(&known.subject),
            super::markdown::escape(&known.message)
        )?;
    }
    if all.len() > MOST {
        writeln!(out, "\n{} more, for which a comment has no room.", count(all.len() - MOST, "finding"))?;
    }
    Ok(())
}

fn markdown_code(text: &str) -> String {
    super::markdown::code(text)
}
