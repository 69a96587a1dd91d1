//! Fields: where a rule reads, steps and points.

use std::cell::OnceCell;
use std::fmt;

use crate::glob::glob;
use crate::host;
use crate::item::{Answer, Item, Link, Place};
use crate::value::{Unknown, Value};

/// A field of an item: a cursor that is read when it is asked, steps to its neighbours, and says where a finding stands.
#[derive(Clone)]
pub struct Field {
    item: Item,
    at: String,
    value: OnceCell<Value>,
}

impl Field {
    pub(crate) fn new(item: Item, at: impl Into<String>) -> Self {
        Self { item, at: at.into(), value: OnceCell::new() }
    }

    /// The item that has it.
    pub const fn item(&self) -> Item {
        self.item
    }

    /// Its pointer (RFC 6901).
    pub fn pointer(&self) -> &str {
        &self.at
    }

    /// Its name, or its number in a list: the last part of the pointer, as it is written in the document.
    pub fn name(&self) -> String {
        let last = self.last();
        if last.contains('~') { last.replace("~1", "/").replace("~0", "~") } else { last.to_owned() }
    }

    /// Its number in a list.
    pub fn index(&self) -> Option<usize> {
        self.last().parse().ok()
    }

    fn last(&self) -> &str {
        // Names are short: a search that is made for long texts takes longer.
        let start = self.at.bytes().rposition(|byte| byte == b'/').map_or(0, |slash| slash + 1);
        &self.at[start..]
    }

    /// The object or list that holds it; of the whole item, itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self::new(self.item, self.at.rsplit_once('/').map_or("", |(parent, _)| parent))
    }

    /// The member of this name, which is written as in the document: `example.com/team`.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        if name.contains(['~', '/']) {
            return Self::new(self.item, [&*self.at, "/", &name.replace('~', "~0").replace('/', "~1")].concat());
        }
        Self::new(self.item, [&*self.at, "/", name].concat())
    }

    /// The other member of this name in the object that holds it.
    #[must_use]
    pub fn sibling(&self, name: &str) -> Self {
        self.parent().child(name)
    }

    /// The field at a pointer from here: `/ebs/encrypted`.
    #[must_use]
    pub fn field(&self, pointer: &str) -> Self {
        Self::new(self.item, [&*self.at, pointer].concat())
    }

    /// The same field of another item.
    #[must_use]
    pub fn of(&self, item: Item) -> Self {
        Self::new(item, self.at.as_str())
    }

    /// Every field that a pattern from here matches: see [`Item::find`].
    pub fn find(&self, pattern: &str) -> Fields {
        self.item.find(&[&*self.at, pattern].concat())
    }

    /// Every element of the list, or member of the object: see [`Item::each`].
    pub fn each(&self) -> Fields {
        self.item.each(&self.at)
    }

    /// What it holds.
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| self.item.get(&self.at))
    }

    /// The text, none where the field is absent.
    pub fn text(&self) -> Result<Option<String>, Unknown> {
        self.value().clone().text()
    }

    /// The text if it is known, for what is only shown or compared: none where the field is absent, unknown or not a text.
    pub fn known_text(&self) -> Option<String> {
        match self.value() {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The flag, none where the field is absent.
    pub fn flag(&self) -> Result<Option<bool>, Unknown> {
        match self.value() {
            Value::Flag(flag) => Ok(Some(*flag)),
            Value::Absent => Ok(None),
            other => other.clone().flag(),
        }
    }

    /// The number, none where the field is absent.
    pub fn number(&self) -> Result<Option<f64>, Unknown> {
        self.value().clone().number()
    }

    /// Is there something, whatever it is? Unknown where that is not known.
    pub fn exists(&self) -> Result<bool, Unknown> {
        self.value().exists()
    }

    /// Is it certainly not there?
    pub fn is_absent(&self) -> bool {
        self.value().is_absent()
    }

    /// Is it certainly this text?
    pub fn is(&self, text: &str) -> bool {
        self.value().is(text)
    }

    /// Is it certainly not there, or an empty text?
    pub fn is_blank(&self) -> bool {
        self.value().is_blank()
    }

    /// Is there an object, whatever is known of its parts?
    pub fn is_object(&self) -> Result<bool, Unknown> {
        match self.value() {
            Value::Json(json) => Ok(json.starts_with('{')),
            // Knowledge that ends at the field itself leaves open what it is; below it, it is an object.
            Value::Unknown(unknown) => match self.each().known().next() {
                Some(_) => Ok(true),
                None => Err(unknown.clone()),
            },
            Value::Absent | Value::Text(_) | Value::Number(_) | Value::Flag(_) => Ok(false),
        }
    }

    /// The name of the member that it is, as far as that is known: `kubernetes.io/cluster/${Name}`.
    #[must_use]
    pub fn key(&self) -> Self {
        self.field("/@key")
    }

    /// Does its text match a pattern of `*` and `?`? See [`Item::matches`].
    pub fn matches(&self, pattern: &str) -> Answer {
        match self.value.get() {
            // What was read and is known as a whole needs no question.
            Some(Value::Text(text)) if glob(pattern, text) => Answer::Yes,
            Some(Value::Text(_)) => Answer::No,
            _ => self.item.matches(&self.at, pattern),
        }
    }

    /// [`matches`](Self::matches) for `?`: see [`Item::matches_or_unknown`].
    pub fn matches_or_unknown(&self, pattern: &str) -> Result<bool, Unknown> {
        match self.value.get() {
            Some(Value::Text(text)) => Ok(glob(pattern, text)),
            _ => self.item.matches_or_unknown(&self.at, pattern),
        }
    }

    /// Do both hold the same? See [`Item::same`].
    pub fn same(&self, other: &Self) -> Answer {
        self.item.same(&self.at, other.item, &other.at)
    }

    /// The items that it refers to: see [`Item::related`].
    pub fn related(&self) -> Vec<Link> {
        self.item.related(&self.at)
    }

    /// The item that it refers to, if that is known.
    pub fn linked(&self) -> Option<Item> {
        self.related().first().and_then(Link::known)
    }

    /// Why it may have members that were not read: see [`Item::open`].
    pub fn open(&self) -> Option<Unknown> {
        self.item.open(&self.at)
    }

    /// The place, for a finding's related places. The note may be empty.
    pub fn place(&self, note: impl Into<String>) -> Place {
        self.item.place(self.at.as_str(), note)
    }
}

/// One field is the same whenever it was read.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.item == other.item && self.at == other.at
    }
}

impl Eq for Field {}

impl fmt::Debug for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}{}", self.item, self.at)
    }
}

impl From<&Self> for Field {
    fn from(field: &Self) -> Self {
        field.clone()
    }
}

/// What [`Item::find`] found. Where there may be more, the last is an `Err` that says why.
#[derive(Debug)]
pub struct Fields(std::vec::IntoIter<Result<Field, Unknown>>);

impl Fields {
    pub(crate) fn new(item: Item, pattern: &str) -> Self {
        let found = |found: host::Field| match found.value.into() {
            // Knowledge ended above what was looked for: there may be more fields.
            Value::Unknown(unknown)
                if !fits(&pattern.split('/').collect::<Vec<_>>(), &found.at.split('/').collect::<Vec<_>>()) =>
            {
                Err(unknown)
            }
            value => Ok(Field { item, at: found.at, value: OnceCell::from(value) }),
        };
        Self(host::find(item.0, pattern).into_iter().map(found).collect::<Vec<_>>().into_iter())
    }

    /// Only the fields that were read; that there may be more is left out. For rules that judge what they see, not for
    /// those that miss something.
    pub fn known(self) -> impl Iterator<Item = Field> {
        self.filter_map(Result::ok)
    }
}

impl Iterator for Fields {
    type Item = Result<Field, Unknown>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Fields {}

/// Can a pattern give this pointer?
fn fits(pattern: &[&str], pointer: &[&str]) -> bool {
    match (pattern, pointer) {
        ([], []) => true,
        (["**", rest @ ..], _) => fits(rest, pointer) || (!pointer.is_empty() && fits(pattern, &pointer[1..])),
        ([step, rest @ ..], [name, more @ ..]) => {
            let alike = match step.split_once('*') {
                None => step == name,
                Some((start, end)) => {
                    name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
                }
            };
            alike && fits(rest, more)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(at: &str) -> Field {
        Item(1).field(at)
    }

    #[test]
    fn a_cursor_steps_without_asking_the_host() {
        let key = field("/spec/blockDeviceMappings/0/ebs/kmsKeyID");
        assert_eq!(key.sibling("encrypted"), field("/spec/blockDeviceMappings/0/ebs/encrypted"));
        assert_eq!(key.parent().parent().index(), Some(0));
        assert_eq!(key.parent().field("/x/y").pointer(), "/spec/blockDeviceMappings/0/ebs/x/y");
        assert_eq!(field("/spec").parent().parent(), field(""));
        assert_eq!(field("@arn").parent(), field(""));
    }

    #[test]
    fn names_are_escaped_on_the_way_in_and_out() {
        let label = field("/metadata/labels").child("example.com/a~b");
        assert_eq!(label.pointer(), "/metadata/labels/example.com~1a~0b");
        assert_eq!(label.name(), "example.com/a~b");
        assert_eq!(label.index(), None);
    }

    #[test]
    fn what_a_pattern_cannot_give_is_where_knowledge_ends() {
        let fits = |pattern: &str, at: &str| {
            super::fits(&pattern.split('/').collect::<Vec<_>>(), &at.split('/').collect::<Vec<_>>())
        };
        assert!(fits("/spec/list/*/a", "/spec/list/0/a") && fits("/spec/list/*", "/spec/list/0"));
        assert!(!fits("/spec/list/*/a", "/spec/list") && !fits("/spec/list/*/a", "/spec/list/0"));
        assert!(fits("/spec/**/*Ref", "/spec/keyRef") && fits("/spec/**/*Ref", "/spec/a/0/keyRef"));
        assert!(!fits("/spec/**/*Ref", "/spec") && !fits("/spec/**/*Ref", "/spec/a"));
        assert!(fits("/Principal/**", "/Principal") && fits("", ""));
    }
}
