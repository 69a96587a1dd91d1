//! `-o markdown`: for the comment on a pull request. GitHub takes 65,536 characters, so a long report is cut, and says so.

use std::io::{self, Write};

use crate::report::message;
use crate::report::text::few;
use crate::report::{Run, closing, rows, text};

/// Characters for findings; the rest of a comment is for the end of the report.
const ROOM: usize = 48_000;
/// Characters for the end of the report.
const END: usize = 12_000;

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut summary = closing::summary(run).into_iter();
    writeln!(out, "### karpcheck\n\n{}", escape(&summary.next().unwrap_or_default()))?;
    let groups = rows::grouped(run);
    if !groups.is_empty() {
        writeln!(out, "\n| severity | rule | where | what |\n|---|---|---|---|")?;
    }
    let mut used = 0;
    let mut left = groups.as_slice();
    while let [group, rest @ ..] = left {
        let first = group.first();
        let pairs = group.places(run);
        let times = if pairs.len() > 1 { format!("<br>{} times", pairs.len()) } else { String::new() };
        let places: Vec<String> =
            pairs.into_iter().map(|(subject, place)| format!("{} {}", code(&subject), code(&place))).collect();
        let text = message::group(run, group);
        let text: Vec<String> = text.iter().map(|text| escape(text)).collect();
        let rules: Vec<String> = few(&group.rules()).iter().map(|rule| escape(rule)).collect();
        let row = format!(
            "| {} | {}{times} | {} | {} |",
            message::severity(first),
            rules.join("<br>"),
            few(&places).join("<br>"),
            text.join("<br>")
        );
        used += row.len();
        if used > ROOM {
            break;
        }
        writeln!(out, "{row}")?;
        left = rest;
    }
    if !left.is_empty() {
        writeln!(out, "\n{} more, for which a comment has no room.", text::count(left.len(), "cause"))?;
    }
    // Problems must not be folded away.
    let (loud, quiet): (Vec<_>, Vec<_>) = closing::problems(run).into_iter().partition(|problem| problem.loud);
    let lines = |problems: Vec<closing::Line>| problems.iter().map(ToString::to_string).collect::<Vec<String>>();
    let (loud, quiet) = (lines(loud), lines(quiet));
    for line in few(&loud) {
        writeln!(out, "\n**{}**", escape(&line))?;
    }
    let hidden = loud.iter().skip(if loud.len() > text::PLACES + 1 { text::PLACES } else { loud.len() });
    let mut lines: Vec<String> =
        hidden.chain(&quiet).chain(summary.as_slice()).map(|line| format!("- {}", escape(line))).collect();
    let mut used = 0;
    let fit = lines.iter().take_while(|line| (used += line.len(), used < END).1).count();
    let cut = lines.len() - fit;
    lines.truncate(fit);
    if cut > 0 {
        lines.push(format!("- {} more", text::count(cut, "line")));
    }
    if !lines.is_empty() {
        writeln!(out, "\n<details><summary>What was checked, and what was not</summary>\n")?;
        for line in lines {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

/// A text that markdown shows as it is, also in a cell of a table, without mentions or links to issues.
pub(super) fn escape(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for char in text::clean(text).chars() {
        match char {
            '&' => made.push_str("&amp;"),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '\n' => made.push_str("<br>"),
            // An empty comment keeps GitHub from seeing a mention or an issue, and is not shown.
            '@' | '#' => {
                made.push(char);
                made.push_str("<!-- -->");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => made.extend(['\\', char]),
            char => made.push(char),
        }
    }
    made
}

pub(super) fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<code>{}</code>", escape(text)) }
}
