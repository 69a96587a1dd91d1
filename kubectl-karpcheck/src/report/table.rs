//! `-o table`, what people read, and `-o wide`, the same with everything.
//!
//! On a terminal one row for each cause, with its remedy: the message beside the row where there is room, under it where
//! there is not. Without a terminal one plain line for each finding, for grep.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::report::message;
use crate::report::message::{PLACES, few};
use crate::report::rows;
use crate::report::rows::Group;
use crate::report::{Run, closing, layout, matrix, text};

/// Below this the message stands under its row.
const WIDE: usize = 100;
/// A message narrower than this stands under its row, too.
const MESSAGE: usize = 44;
/// Under the second column.
const INDENT: &str = "          ";

/// How much detail is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Detail {
    /// Enough to act on.
    Short,
    /// Also the confidence, every place of a group, related places, and in a pipe the remedy.
    Whole,
}

pub(super) fn write(
    run: &Run<'_>,
    detail: Detail,
    width: Option<usize>,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let lines = findings(run, detail, width, color);
    for line in width.map(|width| matrix::lines(run, width)).unwrap_or_default() {
        writeln!(out, "{line}")?;
    }
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
pub(super) fn findings(run: &Run<'_>, detail: Detail, width: Option<usize>, color: bool) -> Vec<String> {
    let lines = match width {
        Some(width) => on_terminal(run, detail, width),
        None => plain(run, detail),
    };
    lines.iter().map(|line| paint(line, color)).collect()
}

/// The columns; the last two are the place and the message.
const fn header(detail: Detail) -> &'static [&'static str] {
    match detail {
        Detail::Short => &["SEVERITY", "RULE", "SUBJECT", "WHERE", "MESSAGE"],
        Detail::Whole => &["SEVERITY", "CONFIDENCE", "RULE", "SUBJECT", "WHERE", "MESSAGE"],
    }
}

/// One line for each finding.
fn plain(run: &Run<'_>, detail: Detail) -> Vec<String> {
    let scoped = matrix::is_shown(run);
    let rows: Vec<Vec<String>> = rows::sorted(run)
        .into_iter()
        .map(|finding| {
            let mut text = vec![message::whole_message(run, finding)];
            if detail == Detail::Whole {
                text = message::finding(run, finding);
                text.extend(message::related(run, finding).iter().map(|place| format!("see {place}")));
            }
            let mut cells = vec![message::severity(finding).to_owned()];
            if detail == Detail::Whole {
                cells.push(finding.confidence.as_str().to_owned());
            }
            if scoped {
                cells.push(text::one_line(&few(&finding.scopes).join(",")));
            }
            cells.extend([
                text::one_line(&finding.rule),
                rows::subject(run, finding.subject),
                rows::place(run, finding),
                text::one_line(&text.join("; ")),
            ]);
            cells
        })
        .collect();
    let mut header = header(detail).to_vec();
    if scoped {
        header.insert(header.len() - 4, "SCOPE");
    }
    if rows.is_empty() { vec![] } else { layout::columns(&header, &rows) }
}

/// One row for each group.
fn on_terminal(run: &Run<'_>, detail: Detail, width: usize) -> Vec<String> {
    let groups = rows::grouped(run);
    if groups.is_empty() {
        return vec![];
    }
    let header = header(detail);
    let heads: Vec<Head> = groups.iter().map(|group| head(run, detail, group)).collect();
    let all = header.len() - 1;
    let taken = |columns: usize| -> usize { (0..columns).map(|index| column_width(header, &heads, index) + 2).sum() };
    let beside = width.saturating_sub(taken(all));
    if width >= WIDE && beside >= MESSAGE {
        let rows: Vec<Vec<String>> = heads
            .into_iter()
            .zip(&groups)
            .map(|(head, group)| {
                let text = text(run, detail, group);
                let mut cells = head.cells;
                cells.push(text.iter().flat_map(|text| text::wrap(text, beside)).collect::<Vec<_>>().join("\n"));
                cells
            })
            .collect();
        return layout::columns(header, &rows);
    }
    // Without room for the places they stand under the row as well.
    let columns = if taken(all) <= width + 2 { all } else { all - 1 };
    let rows: Vec<Vec<String>> = heads.iter().map(|head| head.cells[..columns].to_vec()).collect();
    let mut laid_out = layout::columns(&header[..columns], &rows).into_iter();
    let mut lines: Vec<String> = laid_out.by_ref().take(1).collect();
    for ((Head { cells, more }, group), index) in heads.iter().zip(&groups).zip(0..) {
        if index > 0 {
            lines.push(String::new());
        }
        let height = cells[..columns].iter().map(|cell| layout::height(cell)).max().unwrap_or(1);
        lines.extend(laid_out.by_ref().take(height));
        let room = width.saturating_sub(INDENT.len()).max(20);
        if columns < all {
            let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
            let places = format!("{}{more}", cells[all - 1].replace('\n', ", "));
            lines.extend(text::wrap(&format!("at {places}"), room).iter().map(|line| format!("{INDENT}{line}")));
        }
        for text in text(run, detail, group) {
            lines.extend(text::wrap(&text, room).iter().map(|line| format!("{INDENT}{line}").trim_end().to_owned()));
        }
    }
    lines
}

/// A row but for its message.
struct Head {
    /// The cells under the header, but for the last.
    cells: Vec<String>,
    /// How many places are not named.
    more: usize,
}

fn head(run: &Run<'_>, detail: Detail, group: &Group<'_>) -> Head {
    let rules = group.rules();
    let pairs = group.places(run);
    let count = pairs.len();
    let (mut subjects, mut places): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
    let mut rules = few(&rules);
    if count > 1 {
        rules.push(format!("{count} times"));
    }
    let mut more = 0;
    if detail == Detail::Short {
        subjects = few(&subjects);
        // How many more there are is said once, beside the subjects.
        more = if places.len() > PLACES + 1 { places.drain(PLACES..).count() } else { 0 };
    }
    let mut cells = vec![message::severity(group.first()).to_owned()];
    if detail == Detail::Whole {
        cells.push(group.confidence().to_owned());
    }
    cells.extend([rules.join("\n"), subjects.join("\n"), places.join("\n")]);
    Head { cells, more }
}

/// The text of a group: its message and what to do.
fn text(run: &Run<'_>, detail: Detail, group: &Group<'_>) -> Vec<String> {
    let mut text = message::group(run, group);
    if detail == Detail::Whole {
        text.extend(message::related_to_group(run, group).iter().map(|place| format!("see {place}")));
    }
    text.iter().map(|text| text::clean(text)).collect()
}

fn column_width(header: &[&'static str], rows: &[Head], column: usize) -> usize {
    let cells = rows.iter().flat_map(|row| row.cells[column].split('\n'));
    cells.chain([header[column]]).map(text::width).max().unwrap_or(0)
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
