//! New values in the style of their surroundings.

use serde_json::Value;

use crate::fixes::patch::spans::{Kind, Tree};

/// How a flow collection is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Style {
    /// Keys and texts are quoted, as JSON has them.
    json: bool,
    /// The margin and the step, where elements have lines of their own.
    lines: Option<(usize, usize)>,
}

impl Style {
    /// All on one line.
    pub(super) const fn tight(json: bool) -> Self {
        Self { json, lines: None }
    }

    /// The style in which a collection and its neighbours are written.
    pub(super) fn of(text: &str, target: &Tree, parent: Option<&Tree>) -> Self {
        let around = if matches!(target.kind, Kind::Scalar { .. }) { parent.unwrap_or(target) } else { target };
        let children: Vec<usize> = match &around.kind {
            Kind::Map(members) => members.iter().map(|member| member.start).collect(),
            Kind::List(items) => items.iter().map(|item| item.start).collect(),
            Kind::Scalar { .. } => vec![],
        };
        let margin = |at: usize| {
            let start = super::line_start(text, at);
            let line = &text[start..];
            line.len() - line.trim_start_matches(' ').len()
        };
        let own_line = children.first().is_some_and(|first| {
            let start = super::line_start(text, *first);
            start > 0 && text[start..*first].trim().is_empty()
        });
        let lines = own_line.then(|| {
            let inner = children.first().map_or(0, |first| margin(*first));
            (inner, inner.saturating_sub(margin(around.start)).max(1))
        });
        Self { json: target.json, lines }
    }
}

/// A key as YAML or JSON has it.
pub(super) fn key(key: &str, quoted: bool) -> String {
    if quoted { Value::String(key.to_owned()).to_string() } else { plain(&Value::String(key.to_owned())) }
}

/// A value in brackets, or a scalar among them.
pub(super) fn flow(value: &Value, style: Style) -> String {
    let short = inline(value, style.json);
    let Some((margin, step)) = style.lines.filter(|_| short.len() > 60) else { return short };
    spread(value, margin, step, style.json)
}

fn inline(value: &Value, json: bool) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item, json)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", key(name, json), inline(value, json))).collect();
            format!("{{{}}}", members.join(", "))
        }
        // In brackets a plain text may not hold these.
        Value::String(text) if json || text.contains([',', '[', ']', '{', '}']) => value.to_string(),
        Value::String(_) => plain(value),
        scalar => scalar.to_string(),
    }
}

fn spread(value: &Value, margin: usize, step: usize, json: bool) -> String {
    let (inner, outer) = (" ".repeat(margin + step), " ".repeat(margin));
    match value {
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<String> =
                items.iter().map(|item| format!("{inner}{}", spread(item, margin + step, step, json))).collect();
            format!("[\n{}\n{outer}]", items.join(",\n"))
        }
        Value::Object(members) if !members.is_empty() => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!("{inner}{}: {}", key(name, json), spread(value, margin + step, step, json))
                })
                .collect();
            format!("{{\n{}\n{outer}}}", members.join(",\n"))
        }
        other => inline(other, json),
    }
}

/// A scalar in place of another: quoted as that one is.
pub(super) fn scalar(value: &Value, old: &str) -> String {
    match value {
        Value::String(text) if old.starts_with('"') => Value::String(text.clone()).to_string(),
        Value::String(text) if old.starts_with('\'') && !text.contains(['\n', '\r']) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match serde_yaml::to_string(value) {
        Ok(text) if text.trim_end().lines().count() == 1 => text.trim_end().to_owned(),
        _ => value.to_string(),
    }
}

/// A value in block style whose first line stands where the cursor is, the others at a margin.
pub(super) fn block(value: &Value, margin: usize, newline: &str) -> String {
    let pad = " ".repeat(margin);
    let text = serde_yaml::to_string(value).unwrap_or_else(|_| value.to_string());
    let lines: Vec<String> = text
        .trim_end()
        .lines()
        .enumerate()
        .map(|(number, line)| if number == 0 || line.is_empty() { line.to_owned() } else { format!("{pad}{line}") })
        .collect();
    lines.join(newline)
}

/// A member in block style, without its margin.
pub(super) fn block_member(name: &str, value: &Value, margin: usize, newline: &str) -> String {
    let member = Value::Object([(name.to_owned(), value.clone())].into_iter().collect());
    block(&member, margin, newline)
}
