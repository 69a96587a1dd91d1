//! Edits in the text of a file: only what changes is written anew, so that comments, order and style stay.
//!
//! A value is found again by its place, the one that a finding names. The text is YAML or JSON, or JSON in a block of
//! lines inside YAML, as the policies of CloudFormation templates are.

mod render;
mod spans;

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::fixes::edit::{Change, Target};
use crate::fixes::patch::render::Style;
use crate::fixes::patch::spans::{Kind, Tree};

/// Why a change is not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The text at this place is not what was read.
    #[error("its place was not found in the text")]
    NotFound,
    /// Two changes of one place.
    #[error("another change of the same place comes first")]
    Overlap,
    /// A change that has no meaning, such as an element added to a text.
    #[error("what is there cannot take it")]
    Unfit,
}

/// A file and what changes make of it.
#[derive(Clone, Debug)]
pub struct File {
    /// Its text.
    pub before: String,
    /// Its text with the changes.
    pub after: String,
    /// Changes that were not made, by their number, and why.
    pub refused: Vec<(usize, Refused)>,
}

/// Makes changes in a copy of a file.
///
/// # Errors
/// It cannot be read again, or is of a kind in which nothing is edited. In words.
pub fn file(path: &Path, changes: &[Change]) -> Result<File, String> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let code = path.to_string_lossy().ends_with(".tf.json");
    if code || matches!(extension.as_deref(), Some("tf" | "tfstate")) {
        return Err("Terraform's files are not edited: change its source by hand".into());
    }
    let bytes = fs::read(path).map_err(|error| format!("it cannot be read again: {error}"))?;
    let before = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let (after, refused) = apply(&before, changes);
    Ok(File { before, after, refused })
}

/// A piece of text in place of another.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
}

/// Makes changes in a text. Beside the new text: which changes were not made, by their number, and why.
pub fn apply(text: &str, changes: &[Change]) -> (String, Vec<(usize, Refused)>) {
    let documents = spans::documents(text);
    let (mut splices, mut refused): (Vec<(usize, Splice)>, _) = (vec![], vec![]);
    for (number, change) in changes.iter().enumerate() {
        match splice(text, &documents, change) {
            Ok(splice) if splices.iter().any(|(_, known)| *known == splice) => {}
            Ok(splice) if splices.iter().any(|(_, known)| overlap(&known.range, &splice.range)) => {
                refused.push((number, Refused::Overlap));
            }
            Ok(splice) => splices.push((number, splice)),
            Err(why) => refused.push((number, why)),
        }
    }
    // Insertions at one place stay in their order.
    splices.sort_by_key(|(number, splice)| (splice.range.start, splice.range.end, *number));
    let mut patched = String::with_capacity(text.len());
    let mut done = 0;
    for (_, Splice { range, text: new }) in &splices {
        patched.push_str(&text[done..range.start]);
        patched.push_str(new);
        done = range.end;
    }
    patched.push_str(&text[done..]);
    (patched, refused)
}

/// Two insertions at one place do not overlap.
const fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    let insertions = one.start == one.end && other.start == other.end;
    !insertions && one.start < other.end && other.start < one.end
}

fn splice(text: &str, documents: &[Tree], change: &Change) -> Result<Splice, Refused> {
    let mut inner;
    let route = match documents.iter().find_map(|tree| route(tree, change)) {
        Some(route) => route,
        // A text of several lines may hold JSON, whose places count inside of it.
        None => {
            let block = documents.iter().find_map(|tree| tree.block_at(change.at.line)).ok_or(Refused::NotFound)?;
            inner = spans::embedded(text, block).ok_or(Refused::NotFound)?;
            inner.json = true;
            route(&inner, change).ok_or(Refused::NotFound)?
        }
    };
    let (target, parents) = route.split_last().ok_or(Refused::NotFound)?;
    match (change.rest.as_slice(), &change.value) {
        ([], None) => {
            let parent = parents.last().ok_or(Refused::Unfit)?;
            remove(text, parent, target)
        }
        ([], Some(value)) => Ok(replace(text, parents.last().copied(), target, value)),
        (_, None) => Err(Refused::Unfit),
        ([first, more @ ..], Some(value)) => {
            let value = more.iter().rev().fold(value.clone(), |value, key| match key.as_str() {
                "-" => serde_json::Value::Array(vec![value]),
                key => serde_json::Value::Object([(key.to_owned(), value)].into_iter().collect()),
            });
            match &target.kind {
                Kind::List(items) if first == "-" => Ok(append(text, target, items, &value)),
                Kind::Map(members) if members.iter().all(|member| member.key != *first) => {
                    Ok(insert(text, target, first, &value))
                }
                // Nothing is there yet: `ebs:`.
                Kind::Scalar { empty: true, .. } => {
                    let value = serde_json::Value::Object([(first.clone(), value)].into_iter().collect());
                    Ok(replace(text, parents.last().copied(), target, &value))
                }
                _ => Err(Refused::Unfit),
            }
        }
    }
}

/// The way from a document to the value that a change is about, the value last.
fn route<'a>(tree: &'a Tree, change: &Change) -> Option<Vec<&'a Tree>> {
    let mut found: Vec<Vec<&Tree>> = vec![];
    search(tree, None, change, &mut vec![], &mut found);
    // What begins at its own place counts before what its key's place stands for.
    found.into_iter().max_by_key(|route| {
        let last = route.last();
        let own = last.is_some_and(|tree| tree.line == change.at.line && tree.column == change.at.column);
        let leaf = last.is_some_and(|tree| matches!(tree.kind, Kind::Scalar { .. }));
        (change.target == Target::Leaf && leaf, change.target == Target::Leaf && own)
    })
}

fn search<'a>(
    tree: &'a Tree,
    key: Option<(u32, u32)>,
    change: &Change,
    above: &mut Vec<&'a Tree>,
    found: &mut Vec<Vec<&'a Tree>>,
) {
    let here = (change.at.line, change.at.column);
    let fits = match (&change.target, &tree.kind) {
        // What a list or object is about stands at its key.
        (Target::Map(keys), Kind::Map(members)) => {
            key.unwrap_or((tree.line, tree.column)) == here
                && keys.iter().all(|key| members.iter().any(|member| member.key == *key))
        }
        (Target::List(least), Kind::List(items)) => {
            key.unwrap_or((tree.line, tree.column)) == here && items.len() >= *least
        }
        (Target::Leaf, Kind::Scalar { .. }) => (tree.line, tree.column) == here,
        // An intrinsic that stands for a value.
        (Target::Leaf, _) => key == Some(here) || (tree.line, tree.column) == here,
        _ => false,
    } || (change.target == Target::Leaf && key == Some(here));
    above.push(tree);
    if fits {
        found.push(above.clone());
    }
    match &tree.kind {
        Kind::Map(members) => {
            for member in members {
                search(&member.value, Some((member.line, member.column)), change, above, found);
            }
        }
        Kind::List(items) => {
            for item in items {
                search(item, None, change, above, found);
            }
        }
        Kind::Scalar { .. } => {}
    }
    above.pop();
}

fn replace(text: &str, parent: Option<&Tree>, target: &Tree, value: &serde_json::Value) -> Splice {
    let in_flow = target.json || target.flow || parent.is_some_and(|parent| parent.flow);
    let container = value.is_object() || value.is_array();
    let scalar = matches!(target.kind, Kind::Scalar { .. });
    let new = if in_flow {
        render::flow(value, Style::of(text, target, parent))
    } else if container && scalar {
        let indent = parent.map_or(0, |parent| parent.column as usize - 1) + 2;
        let pad = " ".repeat(indent);
        format!("{}{pad}{}", newline(text), render::block(value, indent, newline(text)))
    } else if container {
        render::block(value, target.column as usize - 1, newline(text))
    } else {
        render::scalar(value, &text[target.start..target.end])
    };
    let before = &text[..target.start];
    // `key:` with nothing behind it.
    let space = if scalar && target.start == target.end && before.ends_with(':') && !new.starts_with(['\n', '\r']) {
        " "
    } else {
        ""
    };
    // A block takes its own line: no space is left behind the key.
    let start = if new.starts_with(['\n', '\r']) { before.trim_end_matches(' ').len() } else { target.start };
    Splice { range: start..target.end, text: format!("{space}{new}") }
}

fn insert(text: &str, target: &Tree, key: &str, value: &serde_json::Value) -> Splice {
    let Kind::Map(members) = &target.kind else { return Splice { range: 0..0, text: String::new() } };
    let Some(last) = members.last() else {
        let new = format!("{{{}: {}}}", render::key(key, target.json), render::flow(value, Style::tight(target.json)));
        return Splice { range: target.start..target.end, text: new };
    };
    if target.flow {
        let style = Style::of(text, target, None);
        let quoted = target.json || text[last.start..].starts_with('"');
        let new = format!("{}: {}", render::key(key, quoted), render::flow(value, style));
        return beside(text, last.start, last.value.end, &new);
    }
    let indent = target.column as usize - 1;
    let new = render::block_member(key, value, indent, newline(text));
    let end = line_end(text, last.value.end);
    Splice { range: end..end, text: format!("{}{}{new}", newline(text), " ".repeat(indent)) }
}

fn append(text: &str, target: &Tree, items: &[Tree], value: &serde_json::Value) -> Splice {
    let Some(last) = items.last() else {
        let new = format!("[{}]", render::flow(value, Style::tight(target.json)));
        return Splice { range: target.start..target.end, text: new };
    };
    if target.flow {
        return beside(text, last.start, last.end, &render::flow(value, Style::of(text, target, None)));
    }
    let dash = text[..last.start].rfind('-').unwrap_or(last.start);
    let indent = dash - line_start(text, dash);
    let new = render::block(value, indent + 2, newline(text));
    let end = line_end(text, last.end);
    Splice { range: end..end, text: format!("{}{}- {new}", newline(text), " ".repeat(indent)) }
}

/// A new element behind the last one of a flow collection, on its own line where that one has its own.
fn beside(text: &str, start: usize, end: usize, new: &str) -> Splice {
    let line = line_start(text, start);
    let before = &text[line..start];
    let own_line = line > 0 && before.trim().is_empty();
    let text = if own_line { format!(",{}{before}{new}", newline(text)) } else { format!(", {new}") };
    Splice { range: end..end, text }
}

fn remove(text: &str, parent: &Tree, target: &Tree) -> Result<Splice, Refused> {
    // Start and end of each element.
    let elements: Vec<(usize, usize)> = match &parent.kind {
        Kind::Map(members) => members.iter().map(|member| (member.start, member.value.end.max(member.end))).collect(),
        Kind::List(items) => items
            .iter()
            .map(|item| {
                let start = if parent.flow { item.start } else { text[..item.start].rfind('-').unwrap_or(item.start) };
                (start, item.end)
            })
            .collect(),
        Kind::Scalar { .. } => return Err(Refused::Unfit),
    };
    let children: Vec<&Tree> = match &parent.kind {
        Kind::Map(members) => members.iter().map(|member| &member.value).collect(),
        Kind::List(items) => items.iter().collect(),
        Kind::Scalar { .. } => vec![],
    };
    let number = children.iter().position(|child| std::ptr::eq(*child, target)).ok_or(Refused::NotFound)?;
    let (start, end) = elements[number];
    let range = if elements.len() == 1 {
        let empty = if matches!(parent.kind, Kind::Map(_)) { "{}" } else { "[]" };
        return Ok(Splice { range: parent.start..parent.end, text: empty.to_owned() });
    } else if number == 0 {
        start..elements[1].0
    } else if parent.flow {
        elements[number - 1].1..end
    } else {
        line_end(text, elements[number - 1].1)..line_end(text, end)
    };
    Ok(Splice { range, text: String::new() })
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of the line, before its line break.
fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    if text[..end].ends_with('\r') { (end - 1).max(at) } else { end }
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests;
