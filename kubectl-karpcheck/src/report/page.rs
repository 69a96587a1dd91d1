//! `kubectl karpcheck explain RULE`: a rule's page, laid out for a terminal or, in a pipe, as markdown.

use std::io::{self, Write};

use anstyle::Style;

use crate::findings::finding::RuleInfo;
use crate::report::text;

/// Writes a rule's page. With a width (a terminal's columns) headings are upper case, code is indented and text is
/// wrapped; without one the page is markdown.
pub fn page(rule: &RuleInfo, width: Option<usize>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let facts = facts(rule);
    let docs = text::clean(&rule.docs);
    let Some(width) = width else {
        writeln!(out, "# {}: {}\n", text::one_line(&rule.label()), text::one_line(&rule.title))?;
        for (name, value) in facts {
            writeln!(out, "- {name}: {value}")?;
        }
        return writeln!(out, "\n{}", without_title(&docs).trim());
    };
    // Longer lines than this are hard to read.
    let width = width.clamp(40, 110);
    let bold = if color { Style::new().bold() } else { Style::new() };
    writeln!(out, "{bold}{}{bold:#}", text::one_line(&rule.label()))?;
    for line in text::wrap(&text::one_line(&rule.title), width) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    let names = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    for (name, value) in facts {
        let mut lines = text::wrap(&value, width.saturating_sub(names)).into_iter();
        writeln!(out, "{:names$}{}", format!("{name}:"), lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "{:names$}{line}", "")?;
        }
    }
    for line in rendered(without_title(&docs), width) {
        match line {
            Line::Heading(text) => writeln!(out, "{bold}{text}{bold:#}")?,
            Line::Text(text) => writeln!(out, "{text}")?,
        }
    }
    Ok(())
}

fn facts(rule: &RuleInfo) -> Vec<(&'static str, String)> {
    let list = |kinds: &[String]| kinds.iter().map(|kind| text::one_line(kind)).collect::<Vec<_>>().join(", ");
    let severity = format!(
        "{} at worst{}",
        rule.severity.as_str(),
        if rule.enabled { "" } else { "; off unless asked for with --rule" }
    );
    let settings: Vec<String> =
        rule.settings.iter().map(|(name, _, default)| format!("{name} (default {default})")).collect();
    let mut facts =
        vec![("area", text::one_line(&rule.area)), ("severity", severity), ("judges", list(&rule.subjects))];
    let more = [
        ("reads", list(&rule.reads)),
        ("reads if allowed", list(&rule.reads_if_allowed)),
        ("for Karpenter", text::one_line(&rule.karpenter)),
        ("settings", list(&settings)),
    ];
    facts.extend(more.into_iter().filter(|(_, value)| !value.is_empty()));
    facts
}

/// The page without a title of its own: the rule has one.
fn without_title(docs: &str) -> &str {
    let docs = docs.trim_start_matches('\n');
    match docs.strip_prefix("# ") {
        Some(rest) => rest.split_once('\n').map_or("", |(_, body)| body.trim_start_matches('\n')),
        None => docs,
    }
}

enum Line {
    Heading(String),
    Text(String),
}

/// Markdown for a terminal: paragraphs and list items wrapped, code and tables as they are, headings in upper case.
fn rendered(docs: &str, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::Text(String::new())];
    let mut paragraph = String::new();
    let mut fence = false;
    let flush = |paragraph: &mut String, lines: &mut Vec<Line>| {
        let text = std::mem::take(paragraph);
        if text.is_empty() {
            return;
        }
        let body = text.trim_start();
        let indent = text.len() - body.len();
        // A list item hangs under its text.
        let marker = body.find(' ').filter(|end| is_marker(&body[..*end])).map_or(0, |end| end + 1);
        let hanging = " ".repeat(indent + marker);
        let wrapped = text::wrap(&body[marker..], width.saturating_sub(hanging.len()).max(20));
        for (index, line) in wrapped.into_iter().enumerate() {
            let before =
                if index == 0 { format!("{}{}", " ".repeat(indent), &body[..marker]) } else { hanging.clone() };
            lines.push(Line::Text(format!("{before}{line}")));
        }
    };
    for line in docs.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            flush(&mut paragraph, &mut lines);
            fence = !fence;
        } else if fence {
            lines.push(Line::Text(format!("    {line}").trim_end().to_owned()));
        } else if let Some(heading) = heading(line) {
            flush(&mut paragraph, &mut lines);
            lines.push(Line::Heading(heading.to_uppercase()));
        } else if trimmed.is_empty() {
            flush(&mut paragraph, &mut lines);
            lines.push(Line::Text(String::new()));
        } else if trimmed.starts_with('|') {
            flush(&mut paragraph, &mut lines);
            lines.push(Line::Text(line.to_owned()));
        } else if trimmed.find(' ').is_some_and(|end| is_marker(&trimmed[..end])) {
            flush(&mut paragraph, &mut lines);
            paragraph.push_str(line);
        } else if paragraph.is_empty() {
            paragraph.push_str(trimmed);
        } else {
            paragraph.push(' ');
            paragraph.push_str(trimmed);
        }
    }
    flush(&mut paragraph, &mut lines);
    lines
}

/// `## Why it matters` without its signs.
fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    (rest.len() < line.len()).then(|| rest.strip_prefix(' ')).flatten().map(str::trim)
}

/// `-`, `*` or `12.`.
fn is_marker(word: &str) -> bool {
    matches!(word, "-" | "*")
        || word.strip_suffix('.').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}
