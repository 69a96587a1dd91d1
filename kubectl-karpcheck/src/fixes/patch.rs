//! Edits in the text of files: only what changes is written anew, so that comments, order and style stay.
//!
//! What a finding changes is changed whole or not at all: half a fix may hide a finding without mending anything. A value is
//! found again by its place, the one that a finding names; what is not there yet is written beside its siblings, under the
//! name that the file has for it.

mod alignment;
mod documents;
mod hcl;
mod inline;
mod operations;
mod render;
mod spans;
mod terraform_json;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use crate::fixes::edit::Written;
use crate::inventory::SourceKind;

/// Why a change is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// Its file cannot be read again, or is none that is edited.
    #[error("{0}")]
    File(String),
    /// The text at this place is not what was read.
    #[error("its place was not found in the text")]
    NotFound,
    /// Two changes of one place.
    #[error("another fix changes the same place; apply that one first, then check again")]
    Overlap,
    /// A change that has no meaning, such as an element added to a text.
    #[error("the value there cannot take it")]
    Unfit,
    /// The file's kind of document has no known name for the field.
    #[error("it is not known how this file would write the field")]
    Unnamed,
    /// The text at this place is used elsewhere, too.
    #[error("the value is shared with other places by a YAML anchor")]
    Shared,
    /// Removing one of two members with one key would make the other one count.
    #[error("its key stands there twice")]
    Twice,
    /// The value stands in a text of its own, in a way that is not edited.
    #[error("the value stands within a text, as JSON that cannot be edited there")]
    Inline,
    /// What is written there is computed.
    #[error("the value is computed by an expression")]
    Expression,
    /// It would write down what the file takes from a variable.
    #[error("the file takes the cluster's name ({0}) from elsewhere")]
    Given(String),
    /// The changed file would not be sound.
    #[error("the changed file would not be valid")]
    Unsound,
}

/// What a kind of document calls a property: the kind of an object (`sqs.services.k8s.aws/Queue`) or of a resource of
/// Terraform's (`aws_sqs_queue`), and the property's path in the inventory. None where no name is known.
pub type Names<'a> = &'a dyn Fn(&str, &[String]) -> Option<Vec<String>>;

/// What one fix changes in files: the file of each change.
pub type Fix = Vec<(String, Written)>;

/// A file as fixes leave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Patched {
    /// Its path, as it was given.
    pub path: String,
    /// Its text.
    pub before: String,
    /// Its text with the fixes.
    pub after: String,
    /// The numbers of the fixes that changed it.
    pub fixes: Vec<usize>,
}

/// A piece of text in place of another. Lines and columns count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replacement {
    /// The file, as it was given.
    pub path: String,
    /// Line and column of the first character that goes.
    pub start: (u32, u32),
    /// Line and column of the character behind the last that goes.
    pub end: (u32, u32),
    /// What comes instead.
    pub text: String,
}

/// What fixes make of files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// The pieces of each fix that is made, by its number.
    pub pieces: BTreeMap<usize, Vec<Replacement>>,
    /// The files that change, by path.
    pub files: Vec<Patched>,
    /// The fixes that are not made, by number: which of their changes cannot be made, and why.
    pub refused: Vec<(usize, usize, Refused)>,
}

/// A piece of text in place of another.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
    /// The object that gets a member, by its first byte, and the member's name: no two fixes may add it.
    adds: Option<(usize, String)>,
}

impl Splice {
    const fn new(range: Range<usize>, text: String) -> Self {
        Self { range, text, adds: None }
    }

    fn piece(&self, path: &str, target: &Target) -> Replacement {
        let text = &target.text;
        let place = |at: usize| {
            let line = target.lines.partition_point(|start| *start <= at).saturating_sub(1);
            let number = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
            (number(line), number(text[target.lines[line]..at].chars().count()))
        };
        Replacement {
            path: path.to_owned(),
            start: place(self.range.start),
            end: place(self.range.end),
            text: with_newlines(&self.text, newline(text)),
        }
    }

    /// May both be made? Two insertions at one place may.
    fn clashes(&self, other: &Self) -> bool {
        let insertions = self.range.is_empty() && other.range.is_empty();
        let overlap = !insertions && self.range.start < other.range.end && other.range.start < self.range.end;
        overlap || (self.adds.is_some() && self.adds == other.adds)
    }
}

/// The splices of one fix, each once. None may clash with another.
fn distinct(splices: Vec<Splice>) -> Result<Vec<Splice>, Refused> {
    let mut distinct: Vec<Splice> = vec![];
    for splice in splices {
        if distinct.iter().any(|known| *known != splice && known.clashes(&splice)) {
            return Err(Refused::Overlap);
        }
        if !distinct.contains(&splice) {
            distinct.push(splice);
        }
    }
    Ok(distinct)
}

/// A file that fixes are made in.
struct Target {
    text: String,
    kind: Parsed,
    /// Where its lines begin.
    lines: Vec<usize>,
    /// What is to be done, with the number of the fix.
    splices: Vec<(usize, Splice)>,
    /// The splices by where they begin.
    by_start: BTreeMap<usize, Vec<usize>>,
    /// The bytes of the longest splice.
    longest: usize,
    /// The members that are added, and to what.
    added: HashSet<(usize, String)>,
}

enum Parsed {
    Documents(documents::Documents),
    Hcl(Box<hcl_edit::structure::Body>),
}

impl Target {
    fn new(path: &str, text: String) -> Result<Self, Refused> {
        let kind = parse(path, &text)?;
        let lines = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        let (splices, by_start, added) = (vec![], BTreeMap::new(), HashSet::new());
        Ok(Self { text, kind, lines, splices, by_start, longest: 0, added })
    }

    /// The splices that a new one may touch.
    fn near(&self, new: &Splice) -> impl Iterator<Item = &Splice> {
        let range = new.range.start.saturating_sub(self.longest)..=new.range.end;
        self.by_start.range(range).flat_map(|(_, all)| all).map(|index| &self.splices[*index].1)
    }

    fn clashes(&self, new: &Splice) -> bool {
        new.adds.as_ref().is_some_and(|adds| self.added.contains(adds))
            || self.near(new).any(|known| known.clashes(new))
    }

    fn add(&mut self, fix: usize, splice: Splice) {
        self.by_start.entry(splice.range.start).or_default().push(self.splices.len());
        self.longest = self.longest.max(splice.range.len());
        self.added.extend(splice.adds.clone());
        self.splices.push((fix, splice));
    }

    fn splices(&self, changes: &[(usize, &Written)], names: Names<'_>) -> Result<Vec<Splice>, (usize, Refused)> {
        match &self.kind {
            Parsed::Documents(documents) => documents.splices(&self.text, changes, names),
            Parsed::Hcl(body) => hcl::splices(body, &self.text, changes, names),
        }
    }

    fn patched(&self) -> String {
        let mut splices: Vec<&(usize, Splice)> = self.splices.iter().collect();
        // Of insertions at one place the inner come first, and equal ones stay in their order.
        splices.sort_by_key(|(_, splice)| (splice.range.start, splice.range.end, depth(&splice.text)));
        let mut patched = String::with_capacity(self.text.len());
        let mut done = 0;
        let mut new = vec![];
        for (_, Splice { range, text, .. }) in splices {
            patched.push_str(&self.text[done..range.start]);
            let start = patched.len();
            patched.push_str(&with_newlines(text, newline(&self.text)));
            new.push(start..patched.len());
            done = range.end;
        }
        patched.push_str(&self.text[done..]);
        match self.kind {
            Parsed::Hcl(_) => alignment::align(&patched, &new),
            Parsed::Documents(_) => patched,
        }
    }
}

/// How deep lines that are inserted stand, the deepest first. Elements of a list may stand as far right as the key after the list.
fn depth(text: &str) -> (Reverse<usize>, bool) {
    let line = text.trim_start_matches(['\r', '\n']);
    if line.len() == text.len() {
        return (Reverse(usize::MAX), false);
    }
    let inner = line.trim_start_matches(' ');
    (Reverse(line.len() - inner.len()), !inner.starts_with("- "))
}

fn extension(path: &str) -> String {
    path.rsplit(['/', '\\'])
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map_or("", |(_, end)| end)
        .to_ascii_lowercase()
}

fn parse(path: &str, text: &str) -> Result<Parsed, Refused> {
    match extension(path).as_str() {
        "tf" | "tofu" => match hcl_edit::parser::parse_body(&without_mark(text)) {
            Ok(body) => Ok(Parsed::Hcl(Box::new(body))),
            Err(_) => Err(Refused::File("it cannot be parsed again".into())),
        },
        "tfvars" | "hcl" => Err(Refused::File("files of this kind are not edited".into())),
        _ if name_ends(path, ".tfvars.json") => Err(Refused::File("files of this kind are not edited".into())),
        _ => {
            let terraform = name_ends(path, ".tf.json") || name_ends(path, ".tofu.json");
            Ok(Parsed::Documents(documents::Documents::read(text, terraform)))
        }
    }
}

/// A text without the byte order mark at its beginning, which Terraform passes over; blanks keep every place where it is.
fn without_mark(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => format!("{}{rest}", " ".repeat('\u{feff}'.len_utf8())).into(),
        None => text.into(),
    }
}

fn name_ends(path: &str, end: &str) -> bool {
    path.len() > end.len() && path.to_ascii_lowercase().ends_with(end)
}

/// What the fixes make of the files, each fix whole or not at all. `read` gives a file's text, or says why there is none.
pub fn plan(fixes: &[Fix], read: &mut dyn FnMut(&str) -> Result<String, String>, names: Names<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut targets: BTreeMap<&str, Result<Target, Refused>> = BTreeMap::new();
    for (number, fix) in fixes.iter().enumerate() {
        let mut made: Vec<(&str, Vec<Splice>)> = vec![];
        let mut pieces = vec![];
        let mut refused = None;
        let mut done: HashSet<&str> = HashSet::new();
        for (path, _) in fix {
            if refused.is_some() || !done.insert(path) {
                continue;
            }
            let changes: Vec<(usize, &Written)> = fix
                .iter()
                .enumerate()
                .filter(|(_, (own, _))| own == path)
                .map(|(at, (_, change))| (at, change))
                .collect();
            let first = changes[0].0;
            let given =
                |text: &str| changes.iter().find_map(|(at, change)| Some((*at, takes_from_outside(text, change)?)));
            let observed = changes.iter().find_map(|(at, change)| Some((*at, is_observed(change.source)?)));
            let target = targets
                .entry(path)
                .or_insert_with(|| read(path).map_err(Refused::File).and_then(|text| Target::new(path, text)));
            let splices = match (observed, &*target) {
                (Some((at, why)), _) => Err((at, Refused::File(why.into()))),
                (None, Err(why)) => Err((first, why.clone())),
                (None, Ok(target)) if let Some((at, name)) = given(&target.text) => Err((at, Refused::Given(name))),
                (None, Ok(target)) => target.splices(&changes, names).and_then(|splices| {
                    pieces.extend(splices.iter().map(|splice| splice.piece(path, target)));
                    let known = |splice: &Splice| target.near(splice).any(|known| known == splice);
                    let new: Vec<Splice> = splices.into_iter().filter(|splice| !known(splice)).collect();
                    let clash = new.iter().any(|new| target.clashes(new));
                    if clash { Err((first, Refused::Overlap)) } else { Ok(new) }
                }),
            };
            match splices {
                Ok(splices) => made.push((path, splices)),
                Err(why) => refused = Some(why),
            }
        }
        if let Some((change, why)) = refused {
            plan.refused.push((number, change, why));
            continue;
        }
        plan.pieces.insert(number, pieces);
        for (path, splices) in made {
            if let Some(Ok(target)) = targets.get_mut(path) {
                splices.into_iter().for_each(|splice| target.add(number, splice));
            }
        }
    }
    for (path, target) in targets {
        let Ok(target) = target else { continue };
        let after = target.patched();
        if after == target.text {
            continue;
        }
        let mut numbers: Vec<usize> = target.splices.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        plan.files.push(Patched { path: path.to_owned(), before: target.text, after, fixes: numbers });
    }
    drop_unsound(&mut plan);
    plan.refused.sort_by_key(|(number, ..)| *number);
    plan
}

/// Takes back the fixes of files that would not be sound any more, in all their files.
fn drop_unsound(plan: &mut Plan) {
    let is_sound = |file: &Patched| match (parse(&file.path, &file.before), parse(&file.path, &file.after)) {
        (Ok(Parsed::Documents(before)), Ok(Parsed::Documents(after))) => before.len() == after.len(),
        (Ok(_), Ok(_)) => true,
        _ => false,
    };
    let mut bad: HashSet<usize> = HashSet::new();
    loop {
        let (sound, unsound): (Vec<Patched>, Vec<Patched>) = std::mem::take(&mut plan.files)
            .into_iter()
            .partition(|file| is_sound(file) && !file.fixes.iter().any(|fix| bad.contains(fix)));
        plan.files = sound;
        let new: Vec<usize> =
            unsound.iter().flat_map(|file| &file.fixes).copied().filter(|fix| bad.insert(*fix)).collect();
        if unsound.is_empty() {
            break;
        }
        plan.pieces.retain(|fix, _| !bad.contains(fix));
        plan.refused.extend(new.into_iter().map(|fix| (fix, 0, Refused::Unsound)));
    }
}

/// What a change would write down that the file's text has nowhere, since it comes from where the file is used. What replaces a
/// text that is written there is not asked: its own text is no variable.
fn takes_from_outside(text: &str, written: &Written) -> Option<String> {
    let value = written.change.value.as_ref().filter(|_| !written.change.rest.is_empty())?;
    written.given.iter().find(|name| speaks_of(value, name) && !has_word(text, name)).cloned()
}

fn speaks_of(value: &serde_json::Value, name: &str) -> bool {
    match value {
        serde_json::Value::String(text) => has_word(text, name),
        serde_json::Value::Array(items) => items.iter().any(|item| speaks_of(item, name)),
        serde_json::Value::Object(members) => {
            members.iter().any(|(key, value)| has_word(key, name) || speaks_of(value, name))
        }
        _ => false,
    }
}

/// Does a text have a name as a whole, not as a part of a longer one?
fn has_word(text: &str, name: &str) -> bool {
    let part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    text.match_indices(name).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part) && !text[at + name.len()..].chars().next().is_some_and(part)
    })
}

/// Why nothing is changed in what only shows how things are, or were.
const fn is_observed(source: SourceKind) -> Option<&'static str> {
    match source {
        SourceKind::Aws => Some("this is an answer of AWS: change the resource, or what makes it"),
        SourceKind::Plan => Some("this is a Terraform plan: change the configuration that it was made from"),
        SourceKind::State => Some("this is Terraform's state: change the configuration that it was made from"),
        SourceKind::Flag => Some("it was stated by a flag"),
        SourceKind::Live | SourceKind::Manifest | SourceKind::Template | SourceKind::Source => None,
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of the line, before its line break.
fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    if text[..end].ends_with('\r') { (end - 1).max(at) } else { end }
}

/// The line break of a text: that of its first line, since this is asked for each change.
fn newline(text: &str) -> &'static str {
    let first = memchr::memchr(b'\n', text.as_bytes());
    if first.is_some_and(|at| text[..at].ends_with('\r')) { "\r\n" } else { "\n" }
}

fn with_newlines(text: &str, newline: &str) -> String {
    if newline == "\n" { text.to_owned() } else { text.replace("\r\n", "\n").replace('\n', newline) }
}

/// One value over another: objects are joined.
fn join(into: &mut serde_json::Value, value: &serde_json::Value) {
    match (into, value) {
        (serde_json::Value::Object(into), serde_json::Value::Object(members)) => {
            for (name, value) in members {
                match into.get_mut(name) {
                    Some(known) => join(known, value),
                    None => {
                        into.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (into, value) => *into = value.clone(),
    }
}

/// A value under names that do not exist yet; `-` is an element of a list.
fn under(names: &[String], value: &serde_json::Value) -> serde_json::Value {
    names.iter().rev().fold(value.clone(), |value, key| match key.as_str() {
        "-" => serde_json::Value::Array(vec![value]),
        key => serde_json::Value::Object([(key.to_owned(), value)].into_iter().collect()),
    })
}

#[cfg(test)]
mod tests;
