//! A text as a tree of places: where each value begins and ends.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

/// A value of a text.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// From 1.
    pub(super) line: u32,
    /// From 1, in characters.
    pub(super) column: u32,
    /// The first byte.
    pub(super) start: usize,
    /// The byte behind the last.
    pub(super) end: usize,
    /// Is it in brackets?
    pub(super) flow: bool,
    /// Is it JSON, in which all keys and texts are quoted?
    pub(super) json: bool,
    /// Has it a name (`&x`) by which it stands in other places, too?
    pub(super) shared: bool,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar {
        /// Of a block of lines (`|`) the byte that its place stands for: its tag, or the first of its lines.
        block: Option<usize>,
        /// Nothing stands there.
        empty: bool,
    },
    List(Vec<Tree>),
    Map(Vec<Member>),
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) line: u32,
    pub(super) column: u32,
    /// The key's first byte.
    pub(super) start: usize,
    /// The byte behind the key.
    pub(super) end: usize,
    pub(super) value: Tree,
}

impl Tree {
    /// A member of an object by its key: of two with one key the last, which is the one that counts for a reader.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let Kind::Map(members) = &self.kind else { return None };
        members.iter().rfind(|member| member.key == name).map(|member| &member.value)
    }

    /// All blocks of lines, and all other texts.
    pub(super) fn texts<'a>(&'a self, blocks: &mut Vec<&'a Self>, others: &mut Vec<&'a Self>) {
        match &self.kind {
            Kind::Scalar { block: Some(_), .. } => blocks.push(self),
            Kind::Scalar { .. } => others.push(self),
            Kind::List(items) => items.iter().for_each(|item| item.texts(blocks, others)),
            Kind::Map(members) => members.iter().for_each(|member| member.value.texts(blocks, others)),
        }
    }

    fn mark_json(&mut self) {
        self.json = true;
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().for_each(Self::mark_json),
            Kind::Map(members) => members.iter_mut().for_each(|member| member.value.mark_json()),
            Kind::Scalar { .. } => {}
        }
    }
}

/// Where the lines of a text begin in the file: line, column and bytes are one thing by this table.
struct Lines<'a> {
    text: &'a str,
    /// The number of the first line, less 1.
    before: u32,
    /// The first byte of each line; of a block, behind its margin.
    starts: Vec<usize>,
    /// The columns before each line.
    margin: u32,
}

impl Lines<'_> {
    fn offset(&self, marker: Marker) -> usize {
        let Some(start) = marker.line().checked_sub(1).and_then(|line| self.starts.get(line)).copied() else {
            return self.text.len();
        };
        let line = &self.text[start..];
        start + line.char_indices().nth(marker.col()).map_or(line.len(), |(offset, _)| offset)
    }

    fn line(&self, marker: Marker) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "files are smaller than 4 GiB")]
        let line = marker.line() as u32;
        self.before + line
    }
}

/// The documents of a file. One that is no YAML is left out.
pub(super) fn documents(text: &str) -> Vec<Tree> {
    // A byte order mark is in no column.
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut offset = text.len() - plain.len();
    let json = plain.trim_start().starts_with(['{', '[']);
    crate::formats::yaml::chunks(plain)
        .filter_map(|(chunk, before)| {
            let start = offset;
            offset += chunk.len();
            let mut starts = vec![start];
            starts.extend(memchr::memchr_iter(b'\n', chunk.as_bytes()).map(|newline| start + newline + 1));
            let lines = Lines { text: &text[..start + chunk.len()], before, starts, margin: 0 };
            let mut tree = tree(chunk, &lines)?;
            if json {
                tree.mark_json();
            }
            Some(tree)
        })
        .collect()
}

/// The JSON in a block of lines.
pub(super) fn embedded(text: &str, block: &Tree) -> Option<Tree> {
    let Kind::Scalar { block: Some(placed), .. } = block.kind else { return None };
    let (first, before) = if text[placed..].starts_with('!') {
        (placed + text.get(placed..block.end)?.find('\n')? + 1, block.line)
    } else {
        (super::line_start(text, placed), block.line - 1)
    };
    // A header may have no lines.
    let body = text.get(first..block.end)?;
    let margin = body.lines().find(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len())?;
    let (mut starts, mut inner, mut at) = (vec![], String::new(), first);
    for line in body.split_inclusive('\n') {
        let cut = margin.min(line.len() - line.trim_start_matches(' ').len());
        starts.push(at + cut);
        inner.push_str(&line[cut..]);
        at += line.len();
    }
    let lines = Lines { text: &text[..block.end], before, starts, margin: u32::try_from(margin).ok()? };
    if !inner.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut tree = tree(&inner, &lines)?;
    tree.mark_json();
    Some(tree)
}

/// A text that is one JSON value.
pub(super) fn json(text: &str) -> Option<Tree> {
    lines(text, 0..text.len())
}

/// The JSON in lines of a file, by their bytes.
pub(super) fn lines(text: &str, range: std::ops::Range<usize>) -> Option<Tree> {
    let body = text.get(range.clone())?;
    serde_json::from_str::<serde::de::IgnoredAny>(body).ok()?;
    let before = memchr::memchr_iter(b'\n', &text.as_bytes()[..range.start]).count();
    let mut starts = vec![range.start];
    starts.extend(memchr::memchr_iter(b'\n', body.as_bytes()).map(|newline| range.start + newline + 1));
    let lines = Lines { text: &text[..range.end], before: u32::try_from(before).ok()?, starts, margin: 0 };
    let mut tree = tree(body, &lines)?;
    tree.mark_json();
    Some(tree)
}

/// The documents of YAML in lines of a file, by their bytes, which may all be indented. One that is no YAML is left out.
pub(super) fn manifests(text: &str, range: std::ops::Range<usize>) -> Vec<Tree> {
    let Some(body) = text.get(range.clone()) else { return vec![] };
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let margin = body.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let (mut plain, mut starts, mut at) = (String::with_capacity(body.len()), vec![], range.start);
    for line in body.split_inclusive('\n') {
        let cut = margin.min(indent(line));
        starts.push(at + cut);
        plain.push_str(&line[cut..]);
        at += line.len();
    }
    let above = memchr::memchr_iter(b'\n', &text.as_bytes()[..range.start]).count();
    let (Ok(above), Ok(margin)) = (u32::try_from(above), u32::try_from(margin)) else { return vec![] };
    crate::formats::yaml::chunks(&plain)
        .filter_map(|(chunk, before)| {
            let starts = starts.get(before as usize..)?.to_vec();
            tree(chunk, &Lines { text: &text[..range.end], before: above + before, starts, margin })
        })
        .collect()
}

/// The bytes that a scalar takes: the parser's end is where the next token begins, behind a comment perhaps.
fn written(raw: &str, text: &str, style: ScalarStyle) -> Option<usize> {
    match style {
        ScalarStyle::Plain => {
            // A tag counts as a part of its value.
            let tag = if raw.starts_with('!') { raw.find(' ')? + 1 } else { 0 };
            let at = tag + raw[tag..].len() - raw[tag..].trim_start().len();
            raw[at..].starts_with(text).then_some(at + text.len())
        }
        ScalarStyle::SingleQuoted => {
            let mut quotes = raw.match_indices('\'').skip(1).peekable();
            while let Some((at, _)) = quotes.next() {
                // Two quotes are one in the text.
                if quotes.next_if(|(next, _)| *next == at + 1).is_none() {
                    return Some(at + 1);
                }
            }
            None
        }
        ScalarStyle::DoubleQuoted => {
            let mut escaped = false;
            // Before the first quote there may be a tag.
            let text = raw.find('"')? + 1;
            let closing = raw[text..].char_indices().find(|(_, char)| {
                let closes = *char == '"' && !escaped;
                escaped = *char == '\\' && !escaped;
                closes
            });
            closing.map(|(at, _)| text + at + 1)
        }
        ScalarStyle::Literal | ScalarStyle::Folded => None,
    }
}

struct Open {
    tree: Tree,
    key: Option<(String, Marker, Marker)>,
}

impl Open {
    /// The byte behind all that was read of it so far.
    fn written_to(&self, lines: &Lines<'_>) -> usize {
        match (&self.key, &self.tree.kind) {
            (Some((.., end)), _) => lines.offset(*end),
            (None, Kind::List(items)) => items.last().map_or(self.tree.start, |item| item.end),
            (None, _) => self.tree.start,
        }
    }
}

/// Where the header of a block of lines begins (`|-`): the parser gives its tag, or the first of its lines.
fn block_start(text: &str, after: usize, placed: usize) -> usize {
    if text[placed..].starts_with(['!', '|', '>']) {
        return placed;
    }
    first(&['|', '>'], text, after, placed)
}

/// The byte of the dash of an element of a list that is not in brackets.
pub(super) fn dash(text: &str, list: &[Tree], start: usize, index: usize) -> usize {
    let after = if index == 0 { start } else { list[index - 1].end };
    first(&['-'], text, after, list[index].start)
}

/// The first of some characters between two places that stands in no comment; the second place where there is none.
fn first(wanted: &[char], text: &str, mut at: usize, end: usize) -> usize {
    while at < end {
        let rest = &text[at..end];
        match rest.chars().next() {
            Some(char) if wanted.contains(&char) => return at,
            Some('#') => at += rest.find('\n').unwrap_or(rest.len()),
            Some(char) => at += char.len_utf8(),
            None => break,
        }
    }
    end
}

fn tree(chunk: &str, lines: &Lines<'_>) -> Option<Tree> {
    // The parser ends lines at these, too, and no editor does.
    if memchr::memchr_iter(b'\r', chunk.as_bytes()).any(|at| chunk.as_bytes().get(at + 1) != Some(&b'\n')) {
        return None;
    }
    let mut open: Vec<Open> = vec![];
    let mut parser = Parser::new_from_str(chunk);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.ok()?;
        let here = |kind, flow| {
            #[expect(clippy::cast_possible_truncation, reason = "files are smaller than 4 GiB")]
            Tree {
                line: lines.line(span.start),
                column: span.start.col() as u32 + 1 + lines.margin,
                start: lines.offset(span.start),
                end: lines.offset(span.end),
                flow,
                json: false,
                shared: false,
                kind,
            }
        };
        let mut done = match event {
            Event::Scalar(text, style, anchor, _) => {
                if let Some(Open { tree: Tree { kind: Kind::Map(_), .. }, key: key @ None }) = open.last_mut() {
                    *key = Some((text.into_owned(), span.start, span.end));
                    continue;
                }
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let empty = style == ScalarStyle::Plain && text.is_empty();
                let mut tree = here(Kind::Scalar { block: None, empty }, false);
                tree.shared = anchor > 0;
                if block {
                    tree.kind = Kind::Scalar { block: Some(tree.start), empty };
                    let after = open.last().map_or(0, |open| open.written_to(lines));
                    tree.start = block_start(lines.text, after, tree.start);
                }
                let raw = lines.text.get(tree.start..tree.end)?;
                tree.end = written(raw, &text, style).map_or(tree.end, |len| tree.start + len);
                tree
            }
            Event::Alias(_) => here(Kind::Scalar { block: None, empty: false }, false),
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                let kind =
                    if matches!(event, Event::SequenceStart(..)) { Kind::List(vec![]) } else { Kind::Map(vec![]) };
                let mut tree = here(kind, false);
                tree.shared = anchor > 0;
                tree.flow = lines.text[tree.start..].starts_with(['[', '{']);
                // Of a list that is not indented, the parser gives the place behind its first dash.
                let is_behind = matches!(tree.kind, Kind::List(_))
                    && !tree.flow
                    && !lines.text[tree.start..].starts_with(['-', '!', '&']);
                if let Some(after) = open.last().map(|open| open.written_to(lines)).filter(|_| is_behind) {
                    tree.start = first(&['-'], lines.text, after, tree.start);
                }
                open.push(Open { tree, key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { mut tree, .. } = open.pop()?;
                tree.end = if tree.flow {
                    lines.offset(span.end)
                } else {
                    let last = match &tree.kind {
                        Kind::List(items) => items.last().map(|item| item.end),
                        Kind::Map(members) => members.last().map(|member| member.value.end),
                        Kind::Scalar { .. } => None,
                    };
                    last.unwrap_or(tree.start)
                };
                tree
            }
            _ => continue,
        };
        // A block's end is where the next token begins.
        let written = lines.text[..done.end].trim_end().len();
        if written > done.start {
            done.end = written;
        }
        if done.end < done.start {
            return None;
        }
        match open.last_mut() {
            None => return Some(done),
            Some(Open { tree: Tree { kind: Kind::List(items), .. }, .. }) => items.push(done),
            Some(Open { tree: Tree { kind: Kind::Map(members), .. }, key }) => {
                let (key, start, end) = key.take()?;
                let (line, key_end) = (lines.line(start), lines.offset(end));
                if matches!(done.kind, Kind::Scalar { empty: true, .. }) {
                    // It stands behind the colon, wherever the parser saw that nothing comes.
                    let colon = lines.text[key_end..].find(':').map_or(key_end, |colon| key_end + colon + 1);
                    (done.start, done.end) = (colon, colon);
                }
                #[expect(clippy::cast_possible_truncation, reason = "files are smaller than 4 GiB")]
                let column = start.col() as u32 + 1 + lines.margin;
                members.push(Member { key, line, column, start: lines.offset(start), end: key_end, value: done });
            }
            Some(_) => return None,
        }
    }
    None
}
