//! Values as they were read: a tree in which every node knows its place, and may be unknown.

use std::borrow::Cow;

use crate::inventory::reason::{Cause, Gap, Reason};
use crate::inventory::text::Text;

/// A document of the inventory, see [`Inventory::document`](super::Inventory::document).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct DocId(pub u32);

/// A place in a document. Lines and columns count from 1; line 0 means the document as a whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct At {
    /// The document.
    pub doc: DocId,
    /// The line, from 1; 0 where there is none (a live object, a flag).
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl At {
    /// The document as a whole.
    pub const fn whole(doc: DocId) -> Self {
        Self { doc, line: 0, column: 0 }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub at: At,
}

/// A value of any source.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Null; for all purposes, not there.
    #[default]
    Null,
    /// True or false.
    Flag(bool),
    /// A number. AWS and Kubernetes use none that a double cannot hold exactly.
    Number(f64),
    /// A text, known wholly or in part.
    Text(Text),
    /// A list.
    List(List),
    /// An object.
    Map(Map),
    /// It may have a value that cannot be told.
    Unknown(Box<Reason>),
}

/// A list, which may have more elements than are known.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// The known elements.
    pub items: Vec<Node>,
    /// Why there may be more.
    pub more: Option<Box<Reason>>,
}

/// The name of a member. Policies of templates have symbols in their condition keys, so a key may be known in part.
pub type Key = Text;

/// An object in the order of its source, which may have more members than are known.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The known members. Names are unique.
    pub entries: Vec<(Key, Node)>,
    /// Why there may be more.
    pub more: Option<Box<Reason>>,
}

impl Map {
    /// A member by its name, as it is written (`kubernetes.io/cluster/${ClusterName}`).
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entries.iter().find(|(key, _)| key.is(name)).map(|(_, node)| node)
    }

    /// A member by its name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|(key, _)| key.is(name)).map(|(_, node)| node)
    }

    /// Removes a member.
    pub fn remove(&mut self, name: &str) -> Option<Node> {
        let index = self.entries.iter().position(|(key, _)| key.is(name))?;
        Some(self.entries.remove(index).1)
    }

    /// Sets a member: the last one of a name counts.
    pub fn set(&mut self, name: impl Into<Key>, node: Node) {
        let name = name.into();
        match self.entries.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = node,
            None => self.entries.push((name, node)),
        }
    }
}

impl Node {
    /// A value at a place.
    pub const fn new(value: Value, at: At) -> Self {
        Self { value, at }
    }

    /// A known text.
    pub fn text(text: impl Into<Text>, at: At) -> Self {
        Self::new(Value::Text(text.into()), at)
    }

    /// Something unknown.
    pub fn unknown(cause: Cause, gap: impl Into<Gap>, at: At) -> Self {
        Self::because(Reason::new(cause, gap), at)
    }

    /// Something unknown for this reason.
    pub fn because(reason: Reason, at: At) -> Self {
        Self::new(Value::Unknown(Box::new(reason)), at)
    }

    /// A member of an object; none of anything else.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.as_map()?.get(name)
    }

    /// The value under a route of names, without regard to what is unknown on the way: for readers that look for
    /// what they recognise. Rules ask [`Inventory::get`](super::Inventory::get).
    pub fn at_path(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.member(name))
    }

    /// The wholly known text under a route of names.
    pub fn str_at(&self, path: &[&str]) -> Option<&str> {
        self.at_path(path)?.as_str()
    }

    /// The wholly known text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => text.known(),
            _ => None,
        }
    }

    /// The object.
    pub const fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list's known elements; none of anything else.
    pub fn elements(&self) -> &[Self] {
        match &self.value {
            Value::List(list) => &list.items,
            _ => &[],
        }
    }

    /// Null, or in an AWS resource an empty text: nothing is there.
    pub const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// Null or an empty text: whoever wrote it has said nothing yet.
    pub fn is_blank(&self) -> bool {
        self.is_null() || self.as_str() == Some("")
    }

    /// The first unknown in this value, at whatever depth: while there is one, the whole is unknown.
    pub fn first_unknown(&self) -> Option<(Reason, At)> {
        match &self.value {
            Value::Unknown(reason) => Some(((**reason).clone(), self.at)),
            Value::Text(text) => text.hole().map(|symbol| (symbol.reason.clone(), self.at)),
            Value::List(list) => list
                .items
                .iter()
                .find_map(Self::first_unknown)
                .or_else(|| list.more.as_deref().map(|reason| (reason.clone(), self.at))),
            Value::Map(map) => map
                .entries
                .iter()
                .find_map(|(key, node)| {
                    key.hole().map(|symbol| (symbol.reason.clone(), node.at)).or_else(|| node.first_unknown())
                })
                .or_else(|| map.more.as_deref().map(|reason| (reason.clone(), self.at))),
            Value::Null | Value::Flag(_) | Value::Number(_) => None,
        }
    }

    /// The number of nodes, for charging work to a guest.
    pub fn size(&self) -> u64 {
        1 + match &self.value {
            Value::List(list) => list.items.iter().map(Self::size).sum(),
            Value::Map(map) => map.entries.iter().map(|(_, node)| node.size()).sum(),
            _ => 0,
        }
    }

    /// The value as JSON, with symbols and unknowns in the form in which they were written. For people and for
    /// `json` values that are wholly known.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Flag(flag) => Json::Bool(*flag),
            Value::Number(number) => json_number(*number),
            Value::Text(text) => Json::String(text.to_string()),
            Value::List(list) => Json::Array(list.items.iter().map(Self::to_json).collect()),
            Value::Map(map) => {
                Json::Object(map.entries.iter().map(|(key, node)| (key.to_string(), node.to_json())).collect())
            }
            Value::Unknown(reason) => Json::String(format!("(unknown: {reason})")),
        }
    }

    /// The text of [`to_json`](Self::to_json), without its tree: rules ask for thousands of objects.
    pub fn json_text(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    fn write_json(&self, out: &mut String) {
        match &self.value {
            Value::Null => out.push_str("null"),
            Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Number(number) => out.push_str(&json_number(*number).to_string()),
            Value::Text(text) => write_json_string(&text.written(), out),
            Value::List(list) => {
                out.push('[');
                for (index, item) in list.items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Value::Map(map) => {
                // By their names, and of two with one name the last, as the tree has them.
                let mut members: Vec<(Cow<'_, str>, &Self)> =
                    map.entries.iter().map(|(key, node)| (key.written(), node)).collect();
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
                members.dedup_by(|(name, node), (kept, last)| {
                    let same = name == kept;
                    if same {
                        *last = node;
                    }
                    same
                });
                out.push('{');
                for (index, (key, node)) in members.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_json_string(&key, out);
                    out.push(':');
                    node.write_json(out);
                }
                out.push('}');
            }
            Value::Unknown(reason) => write_json_string(&format!("(unknown: {reason})"), out),
        }
    }
}

fn write_json_string(text: &str, out: &mut String) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        out.push_str(&serde_json::Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

impl Node {
    /// A value of JSON, all of it at one place.
    pub fn from_json(value: &serde_json::Value, at: At) -> Self {
        use serde_json::Value as Json;
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Flag(*flag),
            Json::Number(number) => number.as_f64().map_or(Value::Null, Value::Number),
            Json::String(text) => Value::Text(text.as_str().into()),
            Json::Array(items) => Value::List(items.iter().map(|item| Self::from_json(item, at)).collect()),
            Json::Object(members) => Value::Map(
                members.iter().map(|(key, value)| (key.as_str().into(), Self::from_json(value, at))).collect(),
            ),
        };
        Self::new(value, at)
    }
}

/// A number as JSON writes it: whole numbers without a fraction.
pub fn json_number(number: f64) -> serde_json::Value {
    #[expect(clippy::cast_possible_truncation, reason = "guarded: whole and within 2^53")]
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        return serde_json::Value::from(number as i64);
    }
    serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl FromIterator<Node> for List {
    fn from_iter<I: IntoIterator<Item = Node>>(items: I) -> Self {
        Self { items: items.into_iter().collect(), more: None }
    }
}

impl FromIterator<(Key, Node)> for Map {
    fn from_iter<I: IntoIterator<Item = (Key, Node)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, node) in entries {
            map.set(key, node);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_tree_is_written_without_it() {
        let text = r#"{"z": [], "a": {"b": [1, -2.5, 1e300, 9007199254740993, true, null, {}]}, "\"q\\": "\n\u0001\u007f\u2028é\ud83d\ude00/", "": ""}"#;
        let mut node = Node::from_json(&serde_json::from_str(text).expect("well formed"), At::default());
        assert_eq!(node.json_text(), node.to_json().to_string());
        // YAML may say a name twice.
        let Value::Map(map) = &mut node.value else { panic!("an object") };
        map.entries.push(("a".into(), Node::text("later", At::default())));
        assert_eq!(node.json_text(), node.to_json().to_string());
        assert!(node.json_text().contains(r#""a":"later""#));
    }
}
