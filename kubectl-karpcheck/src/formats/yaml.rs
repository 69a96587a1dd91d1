//! YAML text to nodes with positions, as kubectl reads it: YAML 1.1's scalars, anchors, merge keys, and CloudFormation's
//! short tags in their long form (`!Ref x` is `{Ref: x}`).
//!
//! A stream is split at its `---` lines first, so that a broken document costs no other one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::inventory::{At, DocId, List, Map, Node, Text, Value};

mod stream;

pub(crate) use stream::{chunks, read, read_each};

/// Documents nest no deeper than this, in YAML as in JSON.
const MAX_DEPTH: usize = 128;
/// Values that aliases may add to one document. Real anchors add tens; a bomb adds billions.
const MAX_ALIASED: u64 = 100_000;

/// So far such lines are moved.
const INDENTATION: usize = 256;

/// A document that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ParseError {
    /// What is wrong.
    pub(crate) kind: ParseErrorKind,
    /// Where.
    pub(crate) at: At,
}

impl ParseError {
    /// It is not written as its format wants it; in the parser's words.
    pub(crate) fn syntax(error: impl Into<String>, at: At) -> Self {
        Self { kind: ParseErrorKind::Syntax { error: error.into(), cut: false }, at }
    }

    /// Its end is missing; in the parser's words.
    pub(crate) fn cut(error: impl Into<String>, at: At) -> Self {
        Self { kind: ParseErrorKind::Syntax { error: error.into(), cut: true }, at }
    }

    /// Is a line within brackets indented less than the standard wants? The parser says so of nothing else.
    fn is_of_brackets(&self) -> bool {
        let words = ["invalid indentation", "invalid indentation in flow construct"];
        matches!(&self.kind, ParseErrorKind::Syntax { error, .. } if words.contains(&error.as_str()))
    }

    /// It nests too deep, which is the same in both formats.
    pub(crate) const fn too_deep(at: At) -> Self {
        Self { kind: ParseErrorKind::TooDeep { most: MAX_DEPTH }, at }
    }
}

/// What is wrong with a text that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ParseErrorKind {
    /// It is not written as its format wants it.
    #[error("{error}")]
    Syntax {
        /// What is wrong, as a sentence fragment.
        error: String,
        /// Is something missing at its end, rather than wrong?
        cut: bool,
    },
    /// It nests deeper than this.
    #[error("it nests deeper than {most} levels, which nothing that Kubernetes or AWS takes does")]
    TooDeep {
        /// Levels.
        most: usize,
    },
    /// Its aliases expand to more values than this.
    #[error("its aliases expand to more than {most} values (an alias bomb)")]
    AliasBomb {
        /// Values.
        most: u64,
    },
}

/// What a document says twice: the last word counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Duplicate {
    /// The key.
    pub(crate) key: String,
    /// Where it stands again.
    pub(crate) at: At,
}

/// One document of a stream.
pub(crate) struct Parsed {
    /// The document; null where it is empty.
    pub(crate) node: Result<Node, ParseError>,
    /// Keys that occur twice in one object.
    pub(crate) duplicates: Vec<Duplicate>,
    /// Does its text hold anything that could be a placeholder (`$`, `<` or `{{`)?
    pub(crate) placeholders: bool,
}

/// The keys of a stream, each once in memory.
#[derive(Default)]
pub(crate) struct Keys(HashMap<Box<str>, Arc<str>>);

impl Keys {
    /// The key, shared.
    pub(crate) fn intern(&mut self, key: &str) -> Text {
        if let Some(known) = self.0.get(key) {
            return Text::Known(Arc::clone(known));
        }
        let shared: Arc<str> = key.into();
        self.0.insert(key.into(), Arc::clone(&shared));
        Text::Known(shared)
    }
}

struct Reader<'k> {
    doc: DocId,
    line: u32,
    depth: usize,
    aliased: u64,
    anchors: HashMap<usize, Node>,
    duplicates: Vec<Duplicate>,
    /// Lines of the document that were moved to the right.
    moved: HashSet<usize>,
    keys: &'k mut Keys,
}

/// A collection that is not closed yet.
struct Open {
    at: At,
    anchor: usize,
    tag: Option<String>,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    /// Members so far, the key that waits for its value, and what `<<` brings.
    Map(Vec<(Text, Node)>, Option<(Text, At)>, Vec<Node>),
}

impl<'k> Reader<'k> {
    fn new(doc: DocId, line: u32, keys: &'k mut Keys) -> Self {
        let (anchors, moved) = (HashMap::new(), HashSet::new());
        Self { doc, line, depth: 0, aliased: 0, anchors, duplicates: vec![], moved, keys }
    }

    fn at(&self, marker: Marker) -> At {
        let column =
            if self.moved.contains(&marker.line()) { marker.col().saturating_sub(INDENTATION) } else { marker.col() };
        #[expect(clippy::cast_possible_truncation, reason = "files are smaller than 4 GiB")]
        At { doc: self.doc, line: self.line + marker.line() as u32, column: column as u32 + 1 }
    }

    /// Reads a document with lines in brackets that are not indented more than the key before the bracket, mostly the closing one.
    /// The standard wants that; libyaml, and with it kubectl and Helm, does not. Within brackets indentation says nothing, so
    /// that such lines are moved to the right until the document is read, or something else is wrong with it.
    fn indented(&mut self, chunk: &str, first: ParseError, again: &mut usize) -> Result<Node, ParseError> {
        let mut error = first.clone();
        while error.is_of_brackets() && *again >= chunk.len() {
            let line = (error.at.line - self.line) as usize;
            if !self.moved.insert(line) {
                break;
            }
            *again -= chunk.len();
            let (padding, mut text) = (" ".repeat(INDENTATION), String::with_capacity(chunk.len()));
            for (number, line) in chunk.split_inclusive('\n').enumerate() {
                if self.moved.contains(&(number + 1)) {
                    text.push_str(&padding);
                }
                text.push_str(line);
            }
            (self.depth, self.aliased) = (0, 0);
            self.anchors.clear();
            self.duplicates.clear();
            match self.document(&text) {
                Ok(node) => return Ok(node),
                Err(next) => error = next,
            }
        }
        Err(if error.is_of_brackets() { first } else { error })
    }

    fn document(&mut self, chunk: &str) -> Result<Node, ParseError> {
        let mut parser = Parser::new_from_str(chunk);
        let mut open: Vec<Open> = vec![];
        let mut root = None;
        let mut starts = None;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                let at = self.at(*error.marker());
                match error.info() {
                    // The scanner looks ahead, so that it may meet its own limit before we meet ours.
                    "recursion limit exceeded" => ParseError::too_deep(at),
                    // The parser tells its errors apart by their words only.
                    error if error.contains("end of stream") => ParseError::cut(error, at),
                    error => ParseError::syntax(error, at),
                }
            })?;
            let Span { start, .. } = span;
            let at = self.at(start);
            let done = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    // A key is a text, whatever it looks like.
                    if let Some(Open { kind: Kind::Map(_, waiting @ None, _), .. }) = open.last_mut() {
                        *waiting = Some((self.keys.intern(&text), at));
                        if anchor > 0 {
                            self.anchors.insert(anchor, Node::text(&*text, at));
                        }
                        continue;
                    }
                    // A block of lines is where its first line is; the parser says so only where it has no tag.
                    let tagged = tag.is_some() && matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                    let at = if tagged {
                        first_line(chunk, starts.get_or_insert_with(|| line_starts(chunk)), start.line())
                            .map_or(at, |(line, column)| At { line: self.line + line, column, ..at })
                    } else {
                        at
                    };
                    let node = scalar(&text, style, tag.as_deref(), at);
                    (node, anchor)
                }
                Event::SequenceStart(anchor, tag) => {
                    self.open(&mut open, anchor, tag.as_deref(), at, Kind::List(vec![]))?;
                    continue;
                }
                Event::MappingStart(anchor, tag) => {
                    self.open(&mut open, anchor, tag.as_deref(), at, Kind::Map(vec![], None, vec![]))?;
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    self.depth -= 1;
                    let Some(closed) = open.pop() else { continue };
                    let anchor = closed.anchor;
                    (self.close(closed), anchor)
                }
                Event::Alias(anchor) => {
                    let Some(node) = self.anchors.get(&anchor) else {
                        return Err(ParseError::syntax("an alias stands before its anchor, or inside it", at));
                    };
                    self.aliased += node.size();
                    if self.aliased > MAX_ALIASED {
                        return Err(ParseError { kind: ParseErrorKind::AliasBomb { most: MAX_ALIASED }, at });
                    }
                    (node.clone(), 0)
                }
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd => {
                    continue;
                }
            };
            let (node, anchor) = done;
            if anchor > 0 {
                self.anchors.insert(anchor, node.clone());
            }
            match open.last_mut() {
                None => root = Some(node),
                Some(Open { kind: Kind::List(items), .. }) => items.push(node),
                Some(Open { kind: Kind::Map(members, waiting, merged), .. }) => match waiting.take() {
                    None => {
                        return Err(ParseError::syntax("a key is a list or an object: only texts can be keys", at));
                    }
                    Some((key, _)) if key.is("<<") => match node.value {
                        Value::List(list) => merged.extend(list.items),
                        _ => merged.push(node),
                    },
                    Some((key, key_at)) => {
                        let mut node = node;
                        // What a list or object is about stands at its key.
                        if matches!(node.value, Value::List(_) | Value::Map(_)) {
                            node.at = key_at;
                        }
                        members.push((key, node));
                    }
                },
            }
        }
        Ok(root.unwrap_or(Node::new(Value::Null, At { doc: self.doc, line: self.line + 1, column: 1 })))
    }

    fn open(
        &mut self,
        open: &mut Vec<Open>,
        anchor: usize,
        tag: Option<&Tag>,
        at: At,
        kind: Kind,
    ) -> Result<(), ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ParseError::too_deep(at));
        }
        if let Some(Open { kind: Kind::Map(_, None, _), .. }) = open.last() {
            return Err(ParseError::syntax("a key is a list or an object: only texts can be keys", at));
        }
        open.push(Open { at, anchor, tag: tag.and_then(intrinsic), kind });
        Ok(())
    }

    fn close(&mut self, closed: Open) -> Node {
        let value = match closed.kind {
            Kind::List(mut items) => {
                // Most have one element, and room for four.
                items.shrink_to_fit();
                Value::List(List { items, more: None })
            }
            Kind::Map(members, _, merged) => Value::Map(self.members(members, merged)),
        };
        let node = Node::new(value, closed.at);
        match closed.tag {
            Some(name) => Node::new(Value::Map(Map { entries: vec![(name.into(), node)], more: None }), closed.at),
            None => node,
        }
    }

    fn members(&mut self, members: Vec<(Text, Node)>, merged: Vec<Node>) -> Map {
        let mut map = Map { entries: Vec::with_capacity(members.len()), more: None };
        // Large objects are searched by a set: looking at every pair takes seconds at some ten thousand members.
        let mut seen: Option<HashMap<KeyText, usize>> = (members.len() > 32).then(HashMap::new);
        for (key, node) in members {
            let earlier = match &mut seen {
                Some(seen) => seen.insert(KeyText(key.to_string()), map.entries.len()),
                None => map.entries.iter().position(|(known, _)| *known == key),
            };
            match earlier {
                Some(index) => {
                    self.duplicates.push(Duplicate { key: key.to_string(), at: node.at });
                    map.entries[index].1 = node;
                    if let Some(seen) = &mut seen {
                        seen.insert(KeyText(key.to_string()), index);
                    }
                }
                None => map.entries.push((key, node)),
            }
        }
        // An object's own members count before those of a merge key, the first merged object before the next.
        for node in merged {
            if let Value::Map(other) = node.value {
                for (key, node) in other.entries {
                    if !map.entries.iter().any(|(known, _)| *known == key) {
                        map.entries.push((key, node));
                    }
                }
            }
        }
        map
    }
}

/// Where the lines of a text begin.
fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|newline| newline + 1)).collect()
}

/// The first line below another one that is not blank: its number and the column of what stands in it, both from 1.
fn first_line(text: &str, starts: &[usize], below: usize) -> Option<(u32, u32)> {
    let (line, content) = starts.iter().enumerate().skip(below).find_map(|(line, start)| {
        let content = text.get(*start..)?.lines().next()?;
        (!content.trim().is_empty()).then_some((line, content))
    })?;
    let margin = content.len() - content.trim_start().len();
    Some((u32::try_from(line + 1).ok()?, u32::try_from(margin + 1).ok()?))
}

/// A key as it is written.
#[derive(PartialEq, Eq, Hash)]
struct KeyText(String);

/// The long name of CloudFormation's short tag.
fn intrinsic(tag: &Tag) -> Option<String> {
    if tag.handle != "!" || tag.suffix.is_empty() {
        return None;
    }
    Some(match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    })
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, at: At) -> Node {
    let core = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    let value = match (style, core) {
        (ScalarStyle::Plain, None) if tag.is_none() => plain(text),
        (_, Some("str") | None) => Value::Text(text.into()),
        (_, Some("binary")) => Value::Text(text.into()),
        (_, Some(_)) => plain(text),
    };
    let node = Node::new(value, at);
    match tag.and_then(intrinsic) {
        // `!GetAtt Queue.Arn` is `{Fn::GetAtt: [Queue, Arn]}`, which the template's reader sees to.
        Some(name) => Node::new(Value::Map(Map { entries: vec![(name.into(), Node::text(text, at))], more: None }), at),
        None => node,
    }
}

/// What kubectl makes of a plain scalar: the rules of YAML 1.1 as go-yaml has them.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Value::Flag(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Value::Flag(false),
        _ => number(text).map_or_else(|| Value::Text(text.into()), Value::Number),
    }
}

fn number(text: &str) -> Option<f64> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let plain = if digits.contains('_') { digits.replace('_', "") } else { digits.to_owned() };
    let radix = |prefix: &str, radix: u32| {
        let digits = plain.strip_prefix(prefix)?;
        #[expect(clippy::cast_precision_loss, reason = "a double is what JSON has")]
        u64::from_str_radix(digits, radix).ok().map(|number| sign * number as f64)
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0b", 2)).or_else(|| radix("0o", 8)) {
        return Some(number);
    }
    match plain.as_str() {
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => return None,
        _ => {}
    }
    if plain.len() > 1 && plain.starts_with('0') && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        // An octal number, where it is one; account numbers with a leading zero stay texts.
        return radix("0", 8);
    }
    let numeric = plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    let number = numeric.then(|| plain.parse::<f64>().ok()).flatten().filter(|number| number.is_finite())?;
    Some(sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Vec<String> {
        read(text, DocId(0))
            .map(|parsed| match parsed.node {
                Ok(node) => node.to_json().to_string(),
                Err(broken) => format!("{}:{} {:?}", broken.at.line, broken.at.column, broken.kind),
            })
            .collect()
    }

    #[test]
    fn scalars_are_kubectls() {
        let text = "a: yes\nb: 'yes'\nc: 0123\nd: 1e3\ne: 2012-10-17\nf: ~\ng: 0x1f\nh: 012345678901\ni: v1\nj: -1.5\nk: 1_000";
        assert_eq!(
            json(text),
            [
                r#"{"a":true,"b":"yes","c":83,"d":1000,"e":"2012-10-17","f":null,"g":31,"h":"012345678901","i":"v1","j":-1.5,"k":1000}"#
            ]
        );
    }

    #[test]
    fn merge_keys_and_anchors_are_followed() {
        assert_eq!(json("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3"), [r#"{"a":{"b":1,"c":2},"d":{"b":1,"c":3}}"#]);
    }

    #[test]
    fn within_brackets_indentation_says_nothing() {
        let text = "k:\n  a: [\n    x,\n  ]\n  b: {\nc: [\n1], d: 2\n}\ne: 1\n";
        assert_eq!(json(text), [r#"{"e":1,"k":{"a":["x"],"b":{"c":[1],"d":2}}}"#]);
        let node = read(text, DocId(0)).next().and_then(|parsed| parsed.node.ok()).unwrap();
        let at = |path: &[&str]| node.at_path(path).map(|node| (node.at.line, node.at.column));
        assert_eq!((at(&["k", "b", "d"]), at(&["e"])), (Some((7, 8)), Some((9, 4))));
        // What is wrong besides is said where it is.
        assert_eq!(json("a: [\nx]\nb: }\n")[0].split(' ').next(), Some("3:4"));
        assert!(json("a:\n  b: 1\n c: 2\n")[0].contains("Syntax"));
    }

    #[test]
    fn a_broken_document_costs_no_other_one() {
        let documents = json("a: 1\n---\nb: [1,\n---\nc: 3\n");
        assert_eq!(documents.len(), 3);
        assert_eq!((documents[0].as_str(), documents[2].as_str()), (r#"{"a":1}"#, r#"{"c":3}"#));
        assert!(documents[1].starts_with("4:") || documents[1].starts_with("3:"), "{}", documents[1]);
    }

    #[test]
    fn short_tags_have_their_long_form() {
        assert_eq!(
            json("a: !Ref Queue\nb: !GetAtt Queue.Arn\nc: !Join ['-', [a, !Ref B]]"),
            [r#"{"a":{"Ref":"Queue"},"b":{"Fn::GetAtt":"Queue.Arn"},"c":{"Fn::Join":["-",["a",{"Ref":"B"}]]}}"#]
        );
    }

    #[test]
    fn bombs_and_towers_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            bomb.push_str(&format!("a{level}: &a{level} [{before}x]\n"));
        }
        assert!(json(&bomb)[0].contains("AliasBomb"), "{:?}", json(&bomb));
        for tower in ["[".repeat(10_000), "- ".repeat(10_000), "a: {".repeat(10_000)] {
            assert!(json(&tower)[0].contains("TooDeep"), "{:?}", json(&tower));
        }
    }

    #[test]
    fn a_block_of_lines_is_where_its_first_line_is() {
        for header in ["|", "!Sub |", "!Sub >-", ">-"] {
            let text = format!("x: 1\na: {header}\n\n    one\n    two\n");
            let document = read(&text, DocId(0)).next().expect("one").node.expect("well formed");
            let value = document.member("a").expect("there");
            let block = value.member("Fn::Sub").unwrap_or(value);
            let line =
                u32::try_from(text.lines().position(|line| line == "    one").expect("there")).expect("small") + 1;
            assert_eq!((block.at.line, block.at.column), (line, 5), "{header}");
        }
    }

    #[test]
    fn positions_count_through_the_stream() {
        let documents: Vec<Node> =
            read("a: 1\n---\n# c\nb:\n  c: d\n", DocId(0)).map(|parsed| parsed.node.expect("well formed")).collect();
        let node = documents[1].at_path(&["b", "c"]).expect("there");
        assert_eq!((node.at.line, node.at.column), (5, 6));
        let parent = documents[1].member("b").expect("there");
        assert_eq!((parent.at.line, parent.at.column), (4, 1));
    }

    #[test]
    fn duplicate_keys_are_told_and_the_last_one_counts() {
        let parsed = read("a: 1\nb: 2\na: 3\n", DocId(0)).next().expect("one");
        assert_eq!(parsed.node.expect("well formed").to_json().to_string(), r#"{"a":3,"b":2}"#);
        assert_eq!((parsed.duplicates[0].key.as_str(), parsed.duplicates[0].at.line), ("a", 3));
    }
}
