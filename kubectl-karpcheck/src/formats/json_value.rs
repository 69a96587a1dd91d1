//! JSON without positions, straight to nodes: what a cluster answers.
//!
//! No tree of JSON values is made on the way, names of fields are shared within a page, and what nobody reads
//! (`metadata.managedFields`, often half of an object) is never allocated.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::inventory::{At, Key, List, Map, Node, Text, Value};

/// Names longer than this are data (the keys of a ConfigMap), not fields, and are not worth remembering.
const LONGEST_NAME: usize = 64;
/// Labels and annotations are made up by people: at some point remembering them costs more than it saves.
const MOST_NAMES: usize = 10_000;
/// Up to this size a map is searched for a name, above it the names are remembered.
const SMALL_MAP: usize = 24;

/// The part of a list's answer that the next request needs. Reading only this costs a tenth of reading the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Head {
    /// The list's metadata.
    #[serde(default)]
    pub metadata: HeadMetadata,
}

/// See [`Head`].
#[derive(Debug, Default, Deserialize)]
pub(crate) struct HeadMetadata {
    /// What to ask for the next page with; empty or absent on the last one.
    #[serde(default, rename = "continue")]
    pub next: Option<String>,
}

/// An object, with its coordinates taken out of its body.
#[derive(Debug)]
pub(crate) struct Object {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.namespace`.
    pub namespace: Option<Box<str>>,
    /// All of it, its fields not yet placed in a document.
    pub body: Node,
}

/// Where to go on after a page of a list. Nothing else of the page is read.
///
/// # Errors
/// The text is not JSON, or not a list's answer.
pub(crate) fn head(text: &[u8]) -> Result<Head, serde_json::Error> {
    serde_json::from_slice(text)
}

/// The objects of a page of a list. The items of a list of built-in objects do not say what they are: they are given
/// the API version and kind that the list is of.
///
/// # Errors
/// The text is not JSON, or not a list's answer.
pub(crate) fn page(text: &[u8], api_version: &str, kind: &str) -> Result<Vec<Object>, serde_json::Error> {
    let names = Names::default();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let bodies = Page(&names).deserialize(&mut deserializer)?;
    deserializer.end()?;
    bodies.into_iter().map(|body| coordinates(body, &names, api_version, kind)).collect()
}

/// One object.
///
/// # Errors
/// The text is not JSON, or not an object with a name.
pub(crate) fn object(text: &[u8], api_version: &str, kind: &str) -> Result<Object, serde_json::Error> {
    let names = Names::default();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let body = Body(&names).deserialize(&mut deserializer)?;
    deserializer.end()?;
    coordinates(body, &names, api_version, kind)
}

/// A node as JSON, its members in their order. What is unknown is an object with [`UNKNOWN`] alone.
#[derive(Debug)]
pub(crate) struct Plain<N>(pub N);

/// The member of an object that stands for a value that is not known.
pub(crate) const UNKNOWN: &str = "karpcheck.io/left-out";

impl Serialize for Plain<&Node> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.value {
            Value::Null => serializer.serialize_unit(),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Number(number) => crate::inventory::json_number(*number).serialize(serializer),
            Value::Text(text) => serializer.collect_str(text),
            Value::List(list) => serializer.collect_seq(list.items.iter().map(Plain)),
            Value::Map(map) => {
                serializer.collect_map(map.entries.iter().map(|(key, node)| (key.to_string(), Plain(node))))
            }
            Value::Unknown(_) => serializer.collect_map([(UNKNOWN, true)]),
        }
    }
}

impl<'de> Deserialize<'de> for Plain<Node> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Any { names: &Names::default(), level: Level::Below }.deserialize(deserializer).map(Plain)
    }
}

/// An object of its body. See [`object`].
///
/// # Errors
/// It has no name.
pub(crate) fn of_body(body: Node, api_version: &str, kind: &str) -> Result<Object, serde_json::Error> {
    coordinates(body, &Names::default(), api_version, kind)
}

/// Gives every node of a value its place: the same for all of them.
pub(crate) fn place(node: &mut Node, at: At) {
    node.at = at;
    match &mut node.value {
        Value::List(list) => list.items.iter_mut().for_each(|item| place(item, at)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, value)| place(value, at)),
        _ => {}
    }
}

fn coordinates(mut body: Node, names: &Names, api_version: &str, kind: &str) -> Result<Object, serde_json::Error> {
    let name = body
        .str_at(&["metadata", "name"])
        .ok_or_else(|| serde_json::Error::custom("an object has no metadata.name"))?
        .into();
    let namespace = body.str_at(&["metadata", "namespace"]).filter(|namespace| !namespace.is_empty()).map(Into::into);
    if let Value::Map(map) = &mut body.value {
        for (field, value) in [("kind", kind), ("apiVersion", api_version)] {
            if map.get(field).is_none() {
                map.entries.insert(0, (names.key(field), Node::text(names.key(value), At::default())));
            }
        }
    }
    Ok(Object { name, namespace, body })
}

/// The names seen so far in a page.
#[derive(Default)]
struct Names(RefCell<HashSet<Arc<str>>>);

impl Names {
    fn key(&self, name: &str) -> Key {
        if name.len() > LONGEST_NAME {
            return Text::Known(name.into());
        }
        let mut known = self.0.borrow_mut();
        if let Some(shared) = known.get(name) {
            return Text::Known(Arc::clone(shared));
        }
        let shared: Arc<str> = name.into();
        if known.len() < MOST_NAMES {
            known.insert(Arc::clone(&shared));
        }
        Text::Known(shared)
    }
}

/// A list's answer: its `items`.
struct Page<'a>(&'a Names);

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = Vec<Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Node>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = Vec<Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Node>, A::Error> {
        let mut bodies = None;
        while let Some(field) = map.next_key::<Field>()? {
            if field.items {
                bodies = Some(map.next_value_seed(Bodies(self.0))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        bodies.ok_or_else(|| A::Error::custom("the answer is not a list of objects"))
    }
}

/// A name that is only compared.
struct Field {
    items: bool,
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self { items: name == "items" })
    }
}

/// The items of a list. Some servers write `null` for an empty one.
struct Bodies<'a>(&'a Names);

impl<'de> DeserializeSeed<'de> for Bodies<'_> {
    type Value = Vec<Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Node>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bodies<'_> {
    type Value = Vec<Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E>(self) -> Result<Vec<Node>, E> {
        Ok(vec![])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Node>, A::Error> {
        let mut bodies = vec![];
        while let Some(body) = seq.next_element_seed(Body(self.0))? {
            bodies.push(body);
        }
        Ok(bodies)
    }
}

/// A whole object.
struct Body<'a>(&'a Names);

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_map(Any { names: self.0, level: Level::Object })
    }
}

/// How deep in an object a value is: only there `managedFields` is what Kubernetes means by it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Object,
    Metadata,
    Below,
}

#[derive(Clone, Copy)]
struct Any<'a> {
    names: &'a Names,
    level: Level,
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

const fn node(value: Value) -> Node {
    Node::new(value, At::whole(crate::inventory::DocId(0)))
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.level == Level::Object { "an object" } else { "a value" })
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(node(Value::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(node(Value::Flag(flag)))
    }

    #[expect(clippy::cast_precision_loss, reason = "see `Value::Number`")]
    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(node(Value::Number(number as f64)))
    }

    #[expect(clippy::cast_precision_loss, reason = "see `Value::Number`")]
    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(node(Value::Number(number as f64)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(node(Value::Number(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(node(Value::Text(Text::Known(text.into()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = vec![];
        while let Some(item) = seq.next_element_seed(Self { level: Level::Below, ..self })? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(node(Value::List(List { items, more: None })))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Members::default();
        while let Some(key) = map.next_key_seed(Name(self.names))? {
            if self.level == Level::Metadata && key.is("managedFields") {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let level = if self.level == Level::Object && key.is("metadata") { Level::Metadata } else { Level::Below };
            members.set(key, map.next_value_seed(Self { level, ..self })?);
        }
        members.map.entries.shrink_to_fit();
        Ok(node(Value::Map(members.map)))
    }
}

/// A map in the making. Names are unique in what a server sends; were they not, the last one would count.
#[derive(Default)]
struct Members {
    map: Map,
    index: HashMap<Arc<str>, usize>,
}

impl Members {
    fn set(&mut self, key: Key, value: Node) {
        let Key::Known(name) = &key else { return };
        if self.map.entries.len() < SMALL_MAP {
            return self.map.set(key, value);
        }
        if self.index.is_empty() {
            self.index = (0..)
                .zip(&self.map.entries)
                .filter_map(|(index, (key, _))| match key {
                    Key::Known(name) => Some((Arc::clone(name), index)),
                    Key::Template(_) => None,
                })
                .collect();
        }
        match self.index.get(name) {
            Some(&index) => self.map.entries[index].1 = value,
            None => {
                self.index.insert(Arc::clone(name), self.map.entries.len());
                self.map.entries.push((key, value));
            }
        }
    }
}

/// A member's name, shared.
struct Name<'a>(&'a Names);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(self.0.key(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[u8] = br#"{"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{"continue":"next"},"items":[
        {"metadata":{"name":"a","namespace":"b","managedFields":[{"manager":"kubectl"}],"labels":{"x":"1"}},
         "spec":{"replicas":2,"managedFields":"ours","paused":false,"ratio":0.5,"none":null}}]}"#;

    fn json(text: &str) -> String {
        let object = format!(r#"{{"kind":"K","apiVersion":"v1","metadata":{{"name":"n"}},"data":{text}}}"#);
        self::object(object.as_bytes(), "v1", "K").unwrap().body.member("data").unwrap().to_json().to_string()
    }

    #[test]
    fn items_of_a_list_are_told_what_they_are() {
        let objects = page(PAGE, "apps/v1", "Deployment").unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!((&*objects[0].name, objects[0].namespace.as_deref()), ("a", Some("b")));
        assert_eq!(objects[0].body.str_at(&["apiVersion"]), Some("apps/v1"));
        assert_eq!(objects[0].body.str_at(&["kind"]), Some("Deployment"));
    }

    #[test]
    fn managed_fields_are_dropped_where_they_are_kubernetes_own() {
        let body = &page(PAGE, "apps/v1", "Deployment").unwrap()[0].body;
        assert!(body.at_path(&["metadata", "managedFields"]).is_none());
        assert_eq!(body.str_at(&["spec", "managedFields"]), Some("ours"));
        assert_eq!(body.str_at(&["metadata", "labels", "x"]), Some("1"));
    }

    #[test]
    fn values_keep_their_types() {
        for text in [r#"{"a":[1,-2,0.5,true,null,"x"]}"#, r#"{"z":1,"a":2}"#, "[]", r#""\u00e9\n""#] {
            let expected: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(json(text), expected.to_string());
        }
    }

    #[test]
    fn the_last_of_two_equal_names_counts_in_small_and_large_maps() {
        assert_eq!(json(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
        let many: Vec<String> = (0..100).map(|number| format!(r#""k{}":{number}"#, number % 50)).collect();
        let read: serde_json::Value = serde_json::from_str(&json(&format!("{{{}}}", many.join(",")))).unwrap();
        assert_eq!(read.as_object().unwrap().len(), 50);
        assert_eq!(read["k0"], 50);
        assert_eq!(read["k49"], 99);
    }

    #[test]
    fn the_next_page_is_found_without_reading_the_items() {
        assert_eq!(head(PAGE).unwrap().metadata.next.as_deref(), Some("next"));
        assert_eq!(head(br#"{"items":[{"x":{}}],"metadata":{}}"#).unwrap().metadata.next, None);
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in ["", "[]", "{}", "<html>", r#"{"items":[{}]}"#, r#"{"items":[1]}"#, r#"{"items":[]} x"#] {
            assert!(page(text.as_bytes(), "v1", "K").is_err(), "{text}");
        }
        assert!(page(br#"{"items":null}"#, "v1", "K").unwrap().is_empty());
        let deep = format!(r#"{{"items":[{}]}}"#, "[".repeat(10_000));
        assert!(page(deep.as_bytes(), "v1", "K").is_err());
    }

    #[test]
    fn every_node_gets_its_place() {
        let mut body = page(PAGE, "apps/v1", "Deployment").unwrap().remove(0).body;
        let at = At::whole(crate::inventory::DocId(7));
        place(&mut body, at);
        assert_eq!(body.at_path(&["metadata", "labels", "x"]).unwrap().at, at);
    }
}
