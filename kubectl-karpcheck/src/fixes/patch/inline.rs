//! JSON within a quoted text of a file, such as a policy on one line. All of it has one place, so that what changes is found
//! by its path, and written as the text is escaped.

use std::ops::Range;

use serde_json::Value;

use super::operations::{Op, add, op_at, splices_of};
use super::render::Blocks;
use super::spans::{self, Kind, Tree};
use super::{Refused, Splice};

/// The number of a change, its path in a text, and its value.
pub(super) type InText<'w> = (usize, &'w [String], Option<&'w Value>);

/// A text that is JSON.
pub(super) struct Inline {
    /// Line and column at which the text as a value begins.
    pub(super) place: (u32, u32),
    /// What it says.
    text: String,
    /// The byte of the file at which each byte of what it says begins, and that behind it.
    bytes: Vec<usize>,
    quote: char,
    tree: Tree,
}

impl Inline {
    /// Reads the text that stands in quotes at these bytes. None if it is no JSON, or is written in a way that is not edited.
    pub(super) fn read(file: &str, range: Range<usize>, place: (u32, u32)) -> Option<Self> {
        let raw = file.get(range.clone())?;
        let quote = raw.chars().next()?;
        let inner = raw.strip_prefix(quote)?.strip_suffix(quote)?;
        if !is_like_json(raw) || inner.contains(['\n', '\r']) {
            return None;
        }
        let (text, bytes) = match quote {
            '\'' => single(inner, range.start + 1)?,
            _ => double(inner, range.start + 1)?,
        };
        let tree = spans::json(&text)?;
        Some(Self { place, text, bytes, quote, tree })
    }

    /// The changes of one fix in this text.
    pub(super) fn splices(&self, changes: &[InText<'_>]) -> Result<Vec<Splice>, (usize, Refused)> {
        let mut ops = vec![];
        for (number, path, value) in changes {
            self.op(path, *value).map(|op| add(&mut ops, op)).map_err(|why| (*number, why))?;
        }
        let inner = splices_of(&self.text, Blocks::of(&self.text, &[]), ops);
        let inner = inner.map_err(|why| (changes.first().map_or(0, |(number, ..)| *number), why))?;
        Ok(inner.into_iter().map(|splice| self.outer(splice)).collect())
    }

    fn op(&self, path: &[String], value: Option<&Value>) -> Result<Op<'_>, Refused> {
        let mut route = vec![&self.tree];
        let mut rest = path;
        while let (Some(at), [first, more @ ..]) = (route.last(), rest) {
            let next = match &at.kind {
                Kind::Map(_) => at.member(first),
                Kind::List(items) => first.parse::<usize>().ok().and_then(|index| items.get(index)),
                Kind::Scalar { .. } => None,
            };
            let Some(next) = next else { break };
            route.push(next);
            rest = more;
        }
        op_at(&route, rest, value)
    }

    fn outer(&self, splice: Splice) -> Splice {
        let byte = |at: usize| self.bytes[at.min(self.bytes.len() - 1)];
        let text = match self.quote {
            '\'' => splice.text.replace('\'', "''"),
            _ => {
                let quoted = Value::String(splice.text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
        };
        Splice {
            range: byte(splice.range.start)..byte(splice.range.end),
            text,
            adds: splice.adds.map(|(at, name)| (byte(at), name)),
        }
    }
}

/// May a value be JSON in quotes?
pub(super) fn is_like_json(raw: &str) -> bool {
    raw.strip_prefix(['"', '\'']).is_some_and(|inner| inner.trim_start().starts_with(['{', '[']))
}

/// What a text in single quotes of YAML's says.
fn single(raw: &str, start: usize) -> Option<(String, Vec<usize>)> {
    let (mut text, mut bytes) = (String::with_capacity(raw.len()), vec![]);
    let mut chars = raw.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if char == '\'' {
            chars.next_if(|(_, next)| *next == '\'')?;
        }
        bytes.extend((0..char.len_utf8()).map(|byte| start + at + byte));
        text.push(char);
    }
    bytes.push(start + raw.len());
    Some((text, bytes))
}

/// What a text in double quotes says, with the escapes that JSON, YAML and HCL have in common.
fn double(raw: &str, start: usize) -> Option<(String, Vec<usize>)> {
    let (mut text, mut bytes) = (String::with_capacity(raw.len()), vec![]);
    let mut rest = raw;
    while let Some(char) = rest.chars().next() {
        let len = if char != '\\' {
            char.len_utf8()
        } else if rest[1..].starts_with('u') {
            6
        } else {
            2
        };
        let written = rest.get(..len)?;
        let said: String = serde_json::from_str(&format!("\"{written}\"")).ok()?;
        let at = start + raw.len() - rest.len();
        bytes.extend(std::iter::repeat_n(at, said.len()));
        text.push_str(&said);
        rest = &rest[len..];
    }
    bytes.push(start + raw.len());
    Some((text, bytes))
}
