//! New values in the style of their surroundings.

use serde_json::{Map, Value};

use crate::fixes::patch::spans::{Kind, Tree, dash};

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
        // What takes the place of a quoted text is quoted, too.
        let quoted = matches!(target.kind, Kind::Scalar { .. }) && text[target.start..target.end].starts_with('"');
        Self { json: target.json || quoted, lines }
    }
}

/// How block collections of a file are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Blocks {
    /// Columns that a member is indented by below its key.
    step: usize,
    /// Columns that an element's dash is indented by below its key.
    dash: usize,
    /// What texts are quoted with.
    quote: Option<char>,
    newline: &'static str,
}

impl Blocks {
    /// The style of a document, by the first collections in it.
    pub(super) fn of(text: &str, documents: &[Tree]) -> Self {
        let (mut steps, mut dashes, mut quotes) = (vec![], vec![], [0_usize; 3]);
        documents.iter().for_each(|tree| tree.measure(text, &mut steps, &mut dashes, &mut quotes));
        let quote = match quotes {
            [plain, double, single] if double > plain && double >= single => Some('"'),
            [plain, double, single] if single > plain && single > double => Some('\''),
            _ => None,
        };
        let step = most(&steps).unwrap_or(2);
        Self { step, dash: most(&dashes).unwrap_or(step), quote, newline: super::newline(text) }
    }

    /// A value whose first line stands where the cursor is, the others at a margin.
    pub(super) fn value(self, value: &Value, margin: usize) -> String {
        let line = |indent: usize| format!("{}{}", self.newline, " ".repeat(indent));
        match value {
            Value::Object(members) if !members.is_empty() => {
                let members: Vec<String> =
                    ordered(members).into_iter().map(|(name, value)| self.member(name, value, margin)).collect();
                members.join(&line(margin))
            }
            Value::Array(items) if !items.is_empty() => {
                let items: Vec<String> =
                    items.iter().map(|item| format!("- {}", self.value(item, margin + 2))).collect();
                items.join(&line(margin))
            }
            Value::String(text) => match self.quote {
                Some('\'') if !text.contains(['\n', '\r']) => format!("'{}'", text.replace('\'', "''")),
                Some('"') => value.to_string(),
                _ => plain(value),
            },
            other => plain(other),
        }
    }

    /// A member, without its margin.
    pub(super) fn member(self, name: &str, value: &Value, margin: usize) -> String {
        let name = key(name, false);
        let inner = match value {
            Value::Object(members) if !members.is_empty() => margin + self.step,
            Value::Array(items) if !items.is_empty() => margin + self.dash,
            other => return format!("{name}: {}", self.value(other, margin)),
        };
        format!("{name}:{}{}{}", self.newline, " ".repeat(inner), self.value(value, inner))
    }
}

fn most(numbers: &[usize]) -> Option<usize> {
    let count = |wanted: usize| numbers.iter().filter(|number| **number == wanted).count();
    // The first of those that occur most.
    numbers.iter().copied().rev().max_by_key(|number| count(*number))
}

impl Tree {
    fn measure(&self, text: &str, steps: &mut Vec<usize>, dashes: &mut Vec<usize>, quotes: &mut [usize; 3]) {
        match &self.kind {
            Kind::Map(members) => {
                for member in members {
                    let own = &member.value;
                    let indent = (own.column as usize)
                        .checked_sub(member.column as usize)
                        .filter(|_| !own.flow && own.line > member.line);
                    match &own.kind {
                        Kind::Map(inner) if !inner.is_empty() && !self.flow => {
                            steps.extend(indent.filter(|step| *step > 0))
                        }
                        Kind::List(items) if !self.flow => {
                            let first = (!own.flow && !items.is_empty()).then(|| dash(text, items, own.start, 0));
                            dashes.extend(first.and_then(|dash| {
                                (dash - super::line_start(text, dash)).checked_sub(member.column as usize - 1)
                            }));
                        }
                        _ => {}
                    }
                    own.measure(text, steps, dashes, quotes);
                }
            }
            Kind::List(items) => items.iter().for_each(|item| item.measure(text, steps, dashes, quotes)),
            Kind::Scalar { block: None, empty: false } => {
                let raw = &text[self.start..self.end];
                let word = raw.starts_with(|char: char| char.is_ascii_alphabetic() || char == '/');
                match raw.chars().next() {
                    Some('"') => quotes[1] += 1,
                    Some('\'') => quotes[2] += 1,
                    // Numbers and flags say nothing about texts.
                    _ if word && !["true", "false", "null"].contains(&raw) => quotes[0] += 1,
                    _ => {}
                }
            }
            Kind::Scalar { .. } => {}
        }
    }
}

/// The members of an object, those of a template's resource and of a policy's statement in the order in which AWS documents them.
pub(super) fn ordered(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    const FIRST: &[&str] = &[
        "Type",
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "Id",
        "source",
    ];
    let mut all: Vec<(&String, &Value)> = members.iter().collect();
    all.sort_by_key(|(name, _)| FIRST.iter().position(|known| known == name).unwrap_or(FIRST.len()));
    all
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
            let members: Vec<String> = ordered(members)
                .into_iter()
                .map(|(name, value)| format!("{}: {}", key(name, json), inline(value, json)))
                .collect();
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
            let members: Vec<String> = ordered(members)
                .into_iter()
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
