//! `kubectl karpcheck rules`: which rules there are.

use std::io::{self, Write};

use serde::Serialize;

use crate::findings::finding::RuleInfo;
use crate::report::{encoding, layout, text};

/// Writes the rules for people, in the order given. On a terminal of `width` columns titles are wrapped.
pub fn table(rules: &[RuleInfo], width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let mut header = vec!["ID", "AREA", "SEVERITY"];
    let mut rows: Vec<Vec<String>> = rules
        .iter()
        .map(|rule| [&rule.label(), &*rule.area, rule.severity.as_str()].into_iter().map(text::one_line).collect())
        .collect();
    let taken: usize = (0..header.len())
        .map(|index| {
            let cells = rows.iter().map(|row| text::width(&row[index]));
            cells.chain([header[index].len()]).max().unwrap_or(0) + 2
        })
        .sum();
    // Where a title has no room beside three columns, it stands under its rule.
    if let Some(width) = width.filter(|width| *width < taken + 24) {
        for rule in rules {
            let off = if rule.enabled { "" } else { ", off unless asked for" };
            let head = format!("{} ({}, {}{off})", rule.label(), rule.area, rule.severity.as_str());
            let head = text::wrap(&text::one_line(&head), width);
            let title = text::wrap(&text::one_line(&rule.title), width.saturating_sub(4));
            for line in head.into_iter().chain(title.into_iter().map(|line| format!("    {line}"))) {
                writeln!(out, "{line}")?;
            }
        }
        return Ok(());
    }
    for (row, rule) in rows.iter_mut().zip(rules) {
        let off = if rule.enabled { "" } else { " (off unless asked for)" };
        let title = format!("{}{off}", text::one_line(&rule.title));
        row.push(match width {
            Some(width) => text::wrap(&title, width.saturating_sub(taken).max(20)).join("\n"),
            None => title,
        });
    }
    header.push("TITLE");
    for line in layout::columns(&header, &rows) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Rules<'a> {
    schema: &'static str,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    pack: &'a str,
    area: &'a str,
    title: &'a str,
    severity: &'static str,
    enabled: bool,
    subjects: &'a [String],
    reads: &'a [String],
    reads_if_allowed: &'a [String],
    karpenter: &'a str,
    settings: Vec<Setting<'a>>,
}

#[derive(Serialize)]
struct Setting<'a> {
    name: &'a str,
    docs: &'a str,
    default: &'a serde_json::Value,
}

/// Writes the rules as JSON: `karpcheck.rules/v1alpha1`.
pub fn json(rules: &[RuleInfo], out: &mut dyn Write) -> io::Result<()> {
    let rules = rules
        .iter()
        .map(|rule| Rule {
            id: &rule.id,
            pack: &rule.pack,
            area: &rule.area,
            title: &rule.title,
            severity: rule.severity.as_str(),
            enabled: rule.enabled,
            subjects: &rule.subjects,
            reads: &rule.reads,
            reads_if_allowed: &rule.reads_if_allowed,
            karpenter: &rule.karpenter,
            settings: rule.settings.iter().map(|(name, docs, default)| Setting { name, docs, default }).collect(),
        })
        .collect();
    encoding::json(&Rules { schema: "karpcheck.rules/v1alpha1", rules }, out)
}
