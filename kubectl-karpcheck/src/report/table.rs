//! `-o table`: what people read.
//!
//! On a terminal one row for each cause, with its remedy: the message beside the row where there is room, under it where
//! there is not. Without a terminal one plain line for each finding, for grep.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::rows::{self, Group};
use super::{Run, cause_words, closing, layout, words};
use crate::model::verdict::{Cure, Finding, Outcome, Severity};

const HEADER: [&str; 5] = ["SEVERITY", "RULE", "SUBJECT", "WHERE", "MESSAGE"];
/// Below this the message stands under its row.
const WIDE: usize = 100;
/// A message narrower than this stands under its row, too.
const MESSAGE: usize = 44;
/// Under the second column.
const INDENT: &str = "          ";
/// So many places of a row are named, and one more where it would be the only one left.
const PLACES: usize = 3;

pub(super) fn write(run: &Run<'_>, width: Option<usize>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let lines = findings(run, width, color);
    for line in &lines {
        writeln!(out, "{line}")?;
    }
    let tail = closing::lines(run, width);
    if !lines.is_empty() && !tail.is_empty() {
        writeln!(out)?;
    }
    for line in tail {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The findings alone, painted.
pub(super) fn findings(run: &Run<'_>, width: Option<usize>, color: bool) -> Vec<String> {
    let lines = match width {
        Some(width) => on_terminal(run, width),
        None => plain(run),
    };
    lines.iter().map(|line| paint(line, color)).collect()
}

/// One line for each finding.
fn plain(run: &Run<'_>) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows::sorted(run)
        .into_iter()
        .map(|finding| {
            vec![
                severity(finding).to_owned(),
                words::one_line(&finding.rule),
                rows::subject(run, finding.subject),
                rows::place(run, finding),
                words::one_line(&whole_message(run, finding)),
            ]
        })
        .collect();
    if rows.is_empty() { vec![] } else { layout::columns(&HEADER, &rows) }
}

/// One row for each group.
fn on_terminal(run: &Run<'_>, width: usize) -> Vec<String> {
    let groups = rows::grouped(run);
    if groups.is_empty() {
        return vec![];
    }
    let heads: Vec<Head> = groups.iter().map(|group| head(run, group)).collect();
    let taken = |columns: usize| -> usize { (0..columns).map(|index| column_width(&heads, index) + 2).sum() };
    let beside = width.saturating_sub(taken(4));
    if width >= WIDE && beside >= MESSAGE {
        let rows: Vec<Vec<String>> = heads
            .into_iter()
            .zip(&groups)
            .map(|(head, group)| {
                let text = text(run, group);
                let mut cells = head.cells.to_vec();
                cells.push(text.iter().flat_map(|text| words::wrap(text, beside)).collect::<Vec<_>>().join("\n"));
                cells
            })
            .collect();
        return layout::columns(&HEADER, &rows);
    }
    // Without room for the places they stand under the row as well.
    let columns = if taken(4) <= width + 2 { 4 } else { 3 };
    let rows: Vec<Vec<String>> = heads.iter().map(|head| head.cells[..columns].to_vec()).collect();
    let mut laid_out = layout::columns(&HEADER[..columns], &rows).into_iter();
    let mut lines: Vec<String> = laid_out.by_ref().take(1).collect();
    for ((Head { cells, more }, group), index) in heads.iter().zip(&groups).zip(0..) {
        if index > 0 {
            lines.push(String::new());
        }
        let height = cells[..columns].iter().map(|cell| layout::height(cell)).max().unwrap_or(1);
        lines.extend(laid_out.by_ref().take(height));
        let room = width.saturating_sub(INDENT.len()).max(20);
        if columns == 3 {
            let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
            let places = format!("{}{more}", cells[3].replace('\n', ", "));
            lines.extend(words::wrap(&format!("at {places}"), room).iter().map(|line| format!("{INDENT}{line}")));
        }
        for text in text(run, group) {
            lines.extend(words::wrap(&text, room).iter().map(|line| format!("{INDENT}{line}").trim_end().to_owned()));
        }
    }
    lines
}

/// A row but for its message.
struct Head {
    /// Severity, rules, subjects, places.
    cells: [String; 4],
    /// How many places are not named.
    more: usize,
}

fn head(run: &Run<'_>, group: &Group<'_>) -> Head {
    let findings = &group.findings;
    let mut rules: Vec<String> = findings.iter().map(|finding| words::one_line(&finding.rule)).collect();
    rules.sort_unstable();
    rules.dedup();
    let mut rules = few(&rules);
    let pairs: Vec<(String, String)> = {
        let mut pairs: Vec<_> =
            findings.iter().map(|finding| (rows::subject(run, finding.subject), rows::place(run, finding))).collect();
        // Several rules may lack one fact of one subject.
        let mut seen = std::collections::BTreeSet::new();
        pairs.retain(|pair| findings.len() == 1 || seen.insert(pair.clone()));
        pairs
    };
    if pairs.len() > 1 {
        rules.push(format!("{} times", pairs.len()));
    }
    let (subjects, mut places): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
    let subjects = few(&subjects);
    // The rest is said once, beside the subjects.
    let more = if places.len() > PLACES + 1 { places.drain(PLACES..).count() } else { 0 };
    let severity = severity(group.first()).to_owned();
    Head { cells: [severity, rules.join("\n"), subjects.join("\n"), places.join("\n")], more }
}

/// The first few of many, and how many more there are.
fn few(all: &[String]) -> Vec<String> {
    if all.len() <= PLACES + 1 {
        return all.to_vec();
    }
    let mut few = all[..PLACES].to_vec();
    few.push(format!("and {} more", all.len() - PLACES));
    few
}

/// A message, what it follows from, and what its edits do.
fn whole_message(run: &Run<'_>, finding: &Finding) -> String {
    let mut text = message(finding);
    if let Some(cause) = rows::cause(run, finding) {
        text.push_str(&format!(" (follows from {})", cause.rule));
    }
    if let Some(cure) = &finding.cure {
        text.push_str(&format!(" (verified: {})", cured(cure)));
    }
    text
}

/// What a group has to say: its message, and what to do.
fn text(run: &Run<'_>, group: &Group<'_>) -> Vec<String> {
    let first = group.first();
    let mut text = vec![words::clean(&message(first))];
    let label = if first.outcome == Outcome::Fail { "fix" } else { "to settle it" };
    if !first.remediation.trim().is_empty() {
        text.push(words::clean(&format!("{label}: {}", first.remediation.trim())));
    }
    text.extend(verified(group));
    let mut named: Vec<String> = group
        .consequences
        .iter()
        .map(|finding| format!("{} ({})", finding.rule, rows::subject(run, finding.subject)))
        .collect();
    named.dedup();
    if !named.is_empty() {
        text.push(words::clean(&format!("from it follows: {}", few(&named).join(", "))));
    }
    if let Some(command) = rows::settle(run, first) {
        text.push(words::clean(&format!("settled by: {command}")));
    }
    text
}

/// What the edits of a group do; where they differ, of the first that is not cleared.
fn verified(group: &Group<'_>) -> Option<String> {
    let cures: Vec<&Cure> = group.findings.iter().filter_map(|finding| finding.cure.as_ref()).collect();
    let worst = cures.iter().find(|cure| ***cure != Cure::Cleared).or(cures.first())?;
    Some(words::clean(&format!("verified: {}", cured(worst))))
}

fn cured(cure: &Cure) -> String {
    match cure {
        Cure::Cleared => "cleared by the edit that karpcheck knows (`-o diff` shows it)".to_owned(),
        Cure::Reveals(new) => format!("cleared by the edit that karpcheck knows, and then comes {}", new.join("; ")),
        Cure::NotEnough(left) => format!("the edit that karpcheck knows is not enough: {left}"),
        Cure::NotTried(why) => format!("not tried: {why}"),
    }
}

/// A message, with the reason and its kind where it is unknown.
fn message(finding: &Finding) -> String {
    let message = finding.message.trim();
    let Some(reason) = finding.reason.as_ref().filter(|_| finding.outcome == Outcome::Unknown) else {
        return message.to_owned();
    };
    let undecided = if severity(finding) == "unknown" { "" } else { "undecided, " };
    let cause = cause_words(reason.cause);
    if message.is_empty() {
        return format!("{} ({undecided}{cause})", reason.why);
    }
    if message.contains(&*reason.why) {
        return format!("{message} ({undecided}{cause})");
    }
    format!("{message} ({undecided}{cause}: {})", reason.why)
}

/// The word of the first column. An undecided finding is called so unless it was raised to a warning.
fn severity(finding: &Finding) -> &'static str {
    match (finding.outcome, finding.severity) {
        (Outcome::Unknown, Severity::Info) => "unknown",
        (_, severity) => severity.as_str(),
    }
}

fn column_width(rows: &[Head], column: usize) -> usize {
    let cells = rows.iter().flat_map(|row| row.cells[column].split('\n'));
    cells.chain([HEADER[column]]).map(words::width).max().unwrap_or(0)
}

/// Adds colour to the severity at the beginning of a row.
fn paint(line: &str, color: bool) -> String {
    let word = line.split(' ').next().unwrap_or_default();
    let style = match word {
        "error" => Style::new().fg_color(Some(AnsiColor::Red.into())).bold(),
        "warning" => Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold(),
        "info" => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
        "unknown" => Style::new().fg_color(Some(AnsiColor::Magenta.into())),
        _ => return line.to_owned(),
    };
    if !color {
        return line.to_owned();
    }
    format!("{style}{word}{style:#}{}", &line[word.len()..])
}
