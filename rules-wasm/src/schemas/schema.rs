//! A schema: one level of what a CRD's version describes.

use std::cell::{Cell, OnceCell, RefCell};

use crate::schemas::cel::{Regex, Rule};
use crate::schemas::json;
use crate::schemas::tree::Node;

/// What a value may be.
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct Schema {
    /// `string`, `object`, `int-or-string`, …; empty where nothing is said.
    pub(crate) kind: String,
    /// Are members kept that it does not describe?
    pub(crate) keeps: bool,
    /// Of a release: did the first patch of it not have it?
    pub(crate) late: bool,
    pub(crate) required: Vec<String>,
    pub(crate) default: Option<Node>,
    pub(crate) values: Vec<Node>,
    pub(crate) patterns: Vec<Regex>,
    /// `minItems` and the like.
    pub(crate) limits: Vec<(String, f64)>,
    /// The rules in CEL.
    pub(crate) rules: Vec<Rule>,
    pub(crate) fields: Vec<(String, Self)>,
    /// Every element of a list.
    pub(crate) element: Option<Box<Self>>,
    /// Every member of a map.
    pub(crate) member: Option<Box<Self>>,
    /// What is worked out when it is first asked.
    known: Known,
}

/// What is worked out from the rest of a schema, and so makes no difference between two of them.
#[derive(Clone, Default, Debug)]
struct Known {
    defaults: OnceCell<bool>,
    asks: OnceCell<bool>,
    sound: Sound,
    /// The same, as far as the names go.
    named: Sound,
}

/// Values with which nothing is wrong.
#[derive(Clone, Default, Debug)]
pub(super) struct Sound {
    values: RefCell<Vec<Node>>,
    /// How often a value was looked for among them, and found.
    looked: Cell<u32>,
    found: Cell<u32>,
}

impl Sound {
    /// Was a value judged before, and nothing is wrong with it? Objects of a fleet have much in common.
    pub(super) fn has(&self, node: &Node) -> bool {
        if self.looked.get() >= TRIES && self.found.get() < self.looked.get() / 4 {
            return false;
        }
        let is_known = self.values.borrow().contains(node);
        self.looked.set(self.looked.get() + 1);
        self.found.set(self.found.get() + u32::from(is_known));
        is_known
    }

    /// Remembers a value: of the first ones, since comparing with many costs, too.
    pub(super) fn add(&self, node: &Node) {
        let mut values = self.values.borrow_mut();
        if values.len() < MOST_SOUND {
            values.push(node.clone());
        }
    }
}

impl PartialEq for Known {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// How many values are remembered to be as a schema wants them.
const MOST_SOUND: usize = 8;
/// So often a value is looked for among them before it is asked whether that is worth it: one of four must be found.
const TRIES: u32 = 32;

/// The keywords whose value is a number.
pub(crate) const LIMITS: &[&str] =
    &["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];

impl Schema {
    /// Reads `openAPIV3Schema`, as JSON. What an object's metadata may hold is the API server's own matter, and its status the
    /// controller's.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        let mut schema = Self::read(&json::parse(json, json::Texts::AsWritten)?);
        for (name, own) in [("apiVersion", false), ("kind", false), ("metadata", true), ("status", true)] {
            if own || schema.field(name).is_none() {
                schema.fields.retain(|(known, _)| known != name);
                schema.fields.push((name.into(), Self { keeps: true, ..Self::default() }));
            }
        }
        Some(schema)
    }

    fn read(json: &Node) -> Self {
        let text = |node: &Node, name: &str| node.member(name).and_then(Node::text).map(str::to_owned);
        let flag = |name: &str| json.member(name) == Some(&Node::Flag(true));
        let list = |name: &str| match json.member(name) {
            Some(Node::List(list, _)) => list.iter(),
            _ => [].iter(),
        };
        let child = |name: &str| {
            json.member(name).filter(|child| matches!(child, Node::Map(..))).map(|child| Box::new(Self::read(child)))
        };
        let limit = |name: &&str| match json.member(name) {
            Some(Node::Number(number)) => Some(((*name).to_owned(), *number)),
            _ => None,
        };
        let fields = match json.member("properties") {
            Some(Node::Map(fields, _)) => fields.iter(),
            _ => [].iter(),
        };
        let rule = |rule: &Node| Some(Rule::new(text(rule, "rule")?, text(rule, "message").unwrap_or_default()));
        let either = flag("x-kubernetes-int-or-string");
        Self {
            kind: if either { "int-or-string".into() } else { text(json, "type").unwrap_or_default() },
            keeps: flag("x-kubernetes-preserve-unknown-fields")
                || flag("x-kubernetes-embedded-resource")
                || flag("additionalProperties"),
            late: false,
            required: list("required").filter_map(Node::text).map(str::to_owned).collect(),
            default: json.member("default").cloned(),
            values: list("enum").cloned().collect(),
            patterns: text(json, "pattern")
                .into_iter()
                .chain(list("allOf").filter_map(|part| text(part, "pattern")))
                .map(Regex::new)
                .collect(),
            limits: LIMITS.iter().filter_map(limit).collect(),
            rules: list("x-kubernetes-validations").filter_map(rule).collect(),
            fields: fields.map(|(name, field)| (name.clone(), Self::read(field))).collect(),
            element: child("items"),
            member: child("additionalProperties"),
            known: Known::default(),
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Self> {
        let inner = [&self.element, &self.member].into_iter().flatten().map(|inner| &**inner);
        self.fields.iter().map(|(_, field)| field).chain(inner)
    }

    /// Has it, or a part of it, a default?
    pub(crate) fn has_defaults(&self) -> bool {
        *self.known.defaults.get_or_init(|| self.default.is_some() || self.parts().any(Self::has_defaults))
    }

    /// Is judging a value by it more work than to compare the value with another one?
    fn asks(&self) -> bool {
        let own = || !self.rules.is_empty() || !self.patterns.is_empty();
        *self.known.asks.get_or_init(|| own() || self.parts().any(Self::asks))
    }

    /// The values that were judged before, where remembering them saves work.
    pub(super) fn sound(&self) -> Option<&Sound> {
        self.asks().then_some(&self.known.sound)
    }

    /// The same of what was judged by its names alone: worth it where there are several to look up.
    pub(super) fn named(&self) -> Option<&Sound> {
        (!self.fields.is_empty()).then_some(&self.known.named)
    }

    /// The field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, field)| field)
    }

    /// The schema of a place in the object, by its pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |schema, segment| {
            let element = segment == "*" || segment.bytes().all(|byte| byte.is_ascii_digit());
            let field = schema.field(&segment.replace("~1", "/").replace("~0", "~"));
            field.or(schema.element.as_deref().filter(|_| element)).or(schema.member.as_deref())
        })
    }

    /// Is a place described, or kept without it? Lists and maps are `*` in the pointer.
    pub(crate) fn describes(&self, pointer: &str) -> bool {
        let mut schema = self;
        for segment in pointer.split('/').skip(1) {
            let inner = schema.element.as_deref().or(schema.member.as_deref()).filter(|_| segment == "*");
            match schema.field(segment).or(inner).or(schema.member.as_deref()) {
                Some(next) => schema = next,
                None => return schema.keeps || schema.kind.is_empty(),
            }
        }
        true
    }

    /// The same, made on the way.
    pub(crate) fn make(&mut self, pointer: &str) -> &mut Self {
        pointer.split('/').skip(1).fold(self, |schema, segment| match segment {
            "*" => schema.element.get_or_insert_default(),
            "{}" => schema.member.get_or_insert_default(),
            name => {
                let at = schema.fields.iter().position(|(known, _)| known == name).unwrap_or(schema.fields.len());
                if at == schema.fields.len() {
                    schema.fields.push((name.to_owned(), Self::default()));
                }
                &mut schema.fields[at].1
            }
        })
    }

    /// The pointers of all fields of a name, lists and maps as `*`.
    pub(crate) fn called(&self, name: &str) -> Vec<String> {
        let mut found = vec![];
        self.walk(String::new(), &mut |pointer, _| {
            if pointer.rsplit('/').next() == Some(name) {
                found.push(pointer.to_owned());
            }
        });
        found
    }

    /// Looks at all that it describes.
    pub(crate) fn walk(&self, pointer: String, look: &mut impl FnMut(&str, &Self)) {
        look(&pointer, self);
        for (name, field) in &self.fields {
            field.walk(format!("{pointer}/{name}"), look);
        }
        for inner in [&self.element, &self.member].into_iter().flatten() {
            inner.walk(format!("{pointer}/*"), look);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_read() {
        let schema = Schema::parse(
            r#"{"type": "object", "properties": {"spec": {"type": "object", "required": ["list"], "properties": {
                "list": {"type": "array", "maxItems": 2, "items": {"type": "string", "enum": ["a"]}},
                "size": {"x-kubernetes-int-or-string": true, "allOf": [{"pattern": "^x$"}, {"pattern": "^y$"}]},
                "map": {"additionalProperties": {"type": "string"}}}}}}"#,
        )
        .unwrap();
        assert_eq!(schema.at("/spec/list/0").unwrap().values, [Node::Text("a".into())]);
        assert_eq!(schema.at("/spec/list").unwrap().limits, [("maxItems".to_owned(), 2.0)]);
        let patterns: Vec<&str> = schema.at("/spec/size").unwrap().patterns.iter().map(Regex::written).collect();
        assert_eq!(patterns, ["^x$", "^y$"]);
        assert_eq!(schema.at("/spec/map/any").unwrap().kind, "string");
        assert!(schema.at("/metadata").unwrap().keeps && schema.at("/spec/nothing").is_none());
        assert_eq!(schema.called("size"), ["/spec/size"]);
    }
}
