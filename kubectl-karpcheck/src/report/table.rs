//! `-o table`, what people read, and `-o wide`, the same with everything.
//!
//! On a terminal a table of causes, a block for each, and what could not be decided. Without a terminal one plain line for
//! each finding, for grep.

use std::io::{self, Write};

use crate::findings::finding::Finding;
use crate::report::message;
use crate::report::options::{Detail, TableOptions};
use crate::report::rows;
use crate::report::text::few;
use crate::report::{Run, closing, layout, matrix, terminal, text};

pub(super) fn write(run: &Run<'_>, options: &TableOptions, out: &mut dyn Write) -> io::Result<()> {
    let lines = findings(run, options);
    if let Some(width) = options.width.filter(|_| !options.quiet) {
        for line in matrix::lines(run, width) {
            writeln!(out, "{line}")?;
        }
    }
    for line in &lines {
        writeln!(out, "{line}")?;
    }
    let mut tail = vec![];
    if options.passed {
        tail.extend(passed(run, options));
    }
    if options.quiet {
        tail.extend(closing::loud_problems(run, options.width));
    } else {
        tail.extend(closing::lines(run, options.width));
    }
    if !lines.is_empty() && !tail.is_empty() {
        writeln!(out)?;
    }
    for line in tail {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The findings alone, painted.
pub(super) fn findings(run: &Run<'_>, options: &TableOptions) -> Vec<String> {
    match options.width {
        Some(width) => terminal::lines(run, options, width),
        None => plain(run, options).iter().map(|line| terminal::paint(line, options.color)).collect(),
    }
}

/// The columns; the last two are the place and the message.
const fn header(detail: Detail) -> &'static [&'static str] {
    match detail {
        Detail::Short => &["SEVERITY", "RULE", "SUBJECT", "WHERE", "MESSAGE"],
        Detail::Whole => &["SEVERITY", "CONFIDENCE", "RULE", "SUBJECT", "WHERE", "MESSAGE"],
    }
}

/// One line for each finding, its remedy with it.
fn plain(run: &Run<'_>, options: &TableOptions) -> Vec<String> {
    let scoped = matrix::is_shown(run);
    let whole = options.detail == Detail::Whole;
    let mut findings: Vec<&Finding> = rows::sorted(run);
    if let Some(by) = options.group_by {
        findings.sort_by_cached_key(|finding| terminal::heading(run, finding, by));
    }
    let rows: Vec<Vec<String>> = findings
        .into_iter()
        .map(|finding| {
            let mut text = message::finding(run, finding);
            let mut cells = vec![message::severity(finding).to_owned()];
            if whole {
                text.extend(message::related(run, finding).iter().map(|place| format!("see {place}")));
                cells.push(finding.confidence.as_str().to_owned());
            }
            if scoped {
                cells.push(text::one_line(&few(&finding.scopes).join(",")));
            }
            cells.extend([
                text::one_line(&finding.rule),
                rows::subject(run, finding.subject),
                rows::place(run, finding),
                message::in_one_line(&text),
            ]);
            cells
        })
        .collect();
    let mut header = header(options.detail).to_vec();
    if scoped {
        header.insert(header.len() - 4, "SCOPE");
    }
    if rows.is_empty() {
        return vec![];
    }
    layout::lines(&header, &rows).into_iter().skip(usize::from(!options.headers)).collect()
}

/// How often each rule found nothing wrong.
fn passed(run: &Run<'_>, options: &TableOptions) -> Vec<String> {
    let rows: Vec<Vec<String>> = run
        .results
        .coverage
        .iter()
        .filter(|coverage| coverage.passed > 0)
        .map(|coverage| vec![coverage.passed.to_string(), text::one_line(&coverage.rule)])
        .collect();
    if rows.is_empty() {
        return vec![];
    }
    let lines = layout::columns(&["PASSED", "RULE"], &rows);
    lines.into_iter().skip(usize::from(!options.headers)).chain([String::new()]).collect()
}
