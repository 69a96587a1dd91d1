//! JSON text to nodes with positions, by serde_json: a visitor that knows how many bytes were consumed.

use std::cell::Cell;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::formats::yaml::{Duplicate, Keys, ParseError};
use crate::inventory::{At, DocId, List, Map, Node, Text, Value};

/// Where a text stands: it may be a whole file, or a text inside another document.
#[derive(Clone, Copy)]
pub(crate) enum Base {
    /// A file: positions count from its beginning.
    File(DocId),
    /// A block of lines inside a document, of which the first stands at this place; the others begin in its column.
    Block(At),
    /// Everything stands at one place.
    Fixed(At),
}

/// Is a member of an object, by its name and by the members before it, not worth keeping?
pub(crate) type Prune = fn(&Map, &str) -> bool;

/// Reads a stream of JSON values. After a broken one nothing more can be read.
pub(crate) fn read(text: &str, base: Base) -> (Vec<Node>, Vec<Duplicate>, Option<ParseError>) {
    read_pruned(text, base, |_, _| false)
}

/// The same, without the members that are not worth keeping: they are parsed and dropped piece by piece, so that a large
/// document costs the memory of what is wanted of it.
pub(crate) fn read_pruned(text: &str, base: Base, prune: Prune) -> (Vec<Node>, Vec<Duplicate>, Option<ParseError>) {
    let consumed = Cell::new(0);
    let context = Context {
        text: text.as_bytes(),
        consumed: &consumed,
        cursor: Cell::new(Cursor { offset: 0, line: 1, column: 1 }),
        base,
        prune,
        keys: std::cell::RefCell::default(),
        duplicates: std::cell::RefCell::default(),
    };
    let mut deserializer =
        serde_json::Deserializer::from_reader(Counted { bytes: text.as_bytes(), consumed: &consumed });
    let mut nodes = vec![];
    loop {
        match deserializer.end() {
            Ok(()) => return (nodes, context.duplicates.into_inner(), None),
            Err(error) if error.is_syntax() => {}
            Err(error) => return (nodes, context.duplicates.take(), Some(context.broken(&error))),
        }
        // `end` has looked at the first byte behind the white space.
        match (Seed { context: &context, peeked: 1 }).deserialize(&mut deserializer) {
            Ok(node) => nodes.push(node),
            Err(error) => return (nodes, context.duplicates.take(), Some(context.broken(&error))),
        }
    }
}

/// Gives out bytes one by one, so that no byte counts before it is used.
struct Counted<'a> {
    bytes: &'a [u8],
    consumed: &'a Cell<usize>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match (self.bytes.get(self.consumed.get()), buffer.first_mut()) {
            (Some(byte), Some(slot)) => {
                *slot = *byte;
                self.consumed.set(self.consumed.get() + 1);
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

#[derive(Clone, Copy)]
struct Cursor {
    offset: usize,
    line: u32,
    column: u32,
}

struct Context<'a> {
    text: &'a [u8],
    consumed: &'a Cell<usize>,
    cursor: Cell<Cursor>,
    base: Base,
    prune: Prune,
    keys: std::cell::RefCell<Keys>,
    duplicates: std::cell::RefCell<Vec<Duplicate>>,
}

impl Context<'_> {
    /// The place of the value that begins at or behind the bytes consumed so far, of which some were only looked at.
    fn here(&self, peeked: usize) -> At {
        let mut offset = self.consumed.get().saturating_sub(peeked);
        while self.text.get(offset).is_some_and(u8::is_ascii_whitespace) {
            offset += 1;
        }
        self.place(offset)
    }

    fn place(&self, offset: usize) -> At {
        if let Base::Fixed(at) = self.base {
            return at;
        }
        let mut cursor = self.cursor.get();
        if offset < cursor.offset {
            cursor = Cursor { offset: 0, line: 1, column: 1 };
        }
        for byte in &self.text[cursor.offset..offset.min(self.text.len())] {
            match byte {
                b'\n' => {
                    cursor.line += 1;
                    cursor.column = 1;
                }
                // The bytes of one character after its first.
                0x80..=0xbf => {}
                _ => cursor.column += 1,
            }
        }
        cursor.offset = offset;
        self.cursor.set(cursor);
        self.at(cursor.line, cursor.column)
    }

    const fn at(&self, line: u32, column: u32) -> At {
        match self.base {
            Base::File(doc) => At { doc, line, column },
            Base::Block(at) => At { doc: at.doc, line: at.line + line - 1, column: at.column + column - 1 },
            Base::Fixed(at) => at,
        }
    }

    fn broken(&self, error: &serde_json::Error) -> ParseError {
        let message = error.to_string();
        let what = message.split(" at line ").next().unwrap_or(&message);
        #[expect(clippy::cast_possible_truncation, reason = "files are smaller than 4 GiB")]
        let at = self.at((error.line() as u32).max(1), (error.column() as u32).max(1));
        match what {
            // It is a syntax error for the parser, and has no type of its own.
            "recursion limit exceeded" => ParseError::too_deep(at),
            _ if error.is_eof() => ParseError::cut("it ends too early", at),
            what => ParseError::syntax(what, at),
        }
    }
}

struct Seed<'c, 'a> {
    context: &'c Context<'a>,
    /// Bytes of the value that the parser has looked at already.
    peeked: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let at = self.context.here(self.peeked);
        let value = deserializer.deserialize_any(Values { context: self.context })?;
        Ok(Node::new(value, at))
    }
}

struct Values<'c, 'a> {
    context: &'c Context<'a>,
}

impl<'de> Visitor<'de> for Values<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    #[expect(clippy::cast_precision_loss, reason = "a double is what JSON has")]
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "a double is what JSON has")]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = vec![];
        while let Some(item) = list.next_element_seed(Seed { context: self.context, peeked: 1 })? {
            items.push(item);
        }
        Ok(Value::List(List { items, more: None }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut map = Map::default();
        let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        while let Some((key, key_at)) = object.next_key_seed(KeySeed { context: self.context })? {
            if key.known().is_some_and(|key| (self.context.prune)(&map, key)) {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            let mut node = object.next_value_seed(Seed { context: self.context, peeked: 0 })?;
            // What a list or object is about stands at its key.
            if matches!(node.value, Value::List(_) | Value::Map(_)) {
                node.at = key_at;
            }
            let many = map.entries.len() > 16;
            if many && seen.is_empty() {
                seen = map.entries.iter().enumerate().map(|(index, (key, _))| (key.to_string(), index)).collect();
            }
            let earlier = if many {
                seen.insert(key.to_string(), map.entries.len())
            } else {
                map.entries.iter().position(|(known, _)| *known == key)
            };
            match earlier {
                Some(index) => {
                    let duplicate = Duplicate { key: key.to_string(), at: key_at };
                    self.context.duplicates.try_borrow_mut().map_err(A::Error::custom)?.push(duplicate);
                    if many {
                        seen.insert(key.to_string(), index);
                    }
                    map.entries[index].1 = node;
                }
                None => map.entries.push((key, node)),
            }
        }
        Ok(Value::Map(map))
    }
}

struct KeySeed<'c, 'a> {
    context: &'c Context<'a>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = (Text, At);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(Text, At), D::Error> {
        let at = self.context.here(1);
        let key = deserializer.deserialize_str(Key { context: self.context })?;
        Ok((key, at))
    }
}

struct Key<'c, 'a> {
    context: &'c Context<'a>,
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Text, E> {
        Ok(self.context.keys.try_borrow_mut().map_err(E::custom)?.intern(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::yaml::ParseErrorKind;

    fn positions(node: &Node, at: &str, out: &mut Vec<String>) {
        out.push(format!("{at}@{}:{}", node.at.line, node.at.column));
        match &node.value {
            Value::Map(map) => map.entries.iter().for_each(|(key, node)| positions(node, &format!("{at}/{key}"), out)),
            Value::List(list) => {
                list.items.iter().enumerate().for_each(|(index, node)| positions(node, &format!("{at}/{index}"), out));
            }
            _ => {}
        }
    }

    #[test]
    fn values_know_their_places() {
        let (nodes, _, broken) =
            read("\n{\"a\" :  1,\n \"b\": [ true,\n  {\"ü\": \"x\", \"c\": null}]}\n", Base::File(DocId(0)));
        assert_eq!(broken, None);
        let mut out = vec![];
        positions(&nodes[0], "", &mut out);
        assert_eq!(out, ["@2:1", "/a@2:9", "/b@3:2", "/b/0@3:9", "/b/1@4:3", "/b/1/ü@4:9", "/b/1/c@4:19"]);
    }

    #[test]
    fn a_stream_of_values_is_read() {
        let (nodes, _, broken) = read("{\"a\":1}\n{\"b\":2}\n[3] 4", Base::File(DocId(0)));
        assert_eq!(broken, None);
        let json: Vec<String> = nodes.iter().map(|node| node.to_json().to_string()).collect();
        assert_eq!(json, ["{\"a\":1}", "{\"b\":2}", "[3]", "4"]);
    }

    #[test]
    fn what_is_broken_is_told_with_its_place() {
        let (nodes, _, broken) = read("{\"a\":1}\n{\"b\": [1,", Base::File(DocId(0)));
        assert_eq!(nodes.len(), 1);
        let broken = broken.expect("broken");
        assert_eq!(broken.at.line, 2);
        assert!(matches!(broken.kind, ParseErrorKind::Syntax { cut: true, .. }), "{broken:?}");
        let deep = read(&"[".repeat(10_000), Base::File(DocId(0))).2.expect("broken");
        assert!(matches!(deep.kind, ParseErrorKind::TooDeep { .. }), "{deep:?}");
    }

    #[test]
    fn blocks_are_placed_in_their_document() {
        let at = At { doc: DocId(0), line: 10, column: 5 };
        let (nodes, ..) = read("{\n  \"a\": 1}", Base::Block(at));
        assert_eq!(nodes[0].member("a").map(|node| (node.at.line, node.at.column)), Some((11, 12)));
    }
}
