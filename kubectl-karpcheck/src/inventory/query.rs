//! What a scope's fields hold: the questions of the contract.

use std::borrow::Cow;

use crate::inventory::answer::{Field, FieldValue, Found, Known, Seen, Unknown};
use crate::inventory::id::ItemId;
use crate::inventory::item::{Item, SourceKind};
use crate::inventory::node::{At, Node, Value};
use crate::inventory::pointer;
use crate::inventory::pointer::{Malformed, Step};
use crate::inventory::reason::{Cause, Gathered, Reason};
use crate::inventory::scope::Scope;
use crate::inventory::ternary::Ternary;
use crate::inventory::text::Text;

impl Scope {
    /// All items of a kind. Where some may be missing, the last entry is unknown and says why.
    pub fn select(&self, kind: &str) -> Vec<Found> {
        let mut found: Vec<Found> = self.of_kind(kind).into_iter().map(Found::Known).collect();
        if let Some(unknown) = self.missing(kind) {
            found.push(Found::Unknown(unknown));
        }
        found
    }

    /// One field, by pointer or `@` name.
    pub fn get(&self, id: ItemId, pointer: &str) -> Result<FieldValue<'_>, Malformed> {
        let Some(item) = self.item(id) else { return Ok(FieldValue::Absent) };
        if let Some(fact) = pointer.strip_prefix('@') {
            return Ok(self.fact(id, item, fact));
        }
        let segments = pointer::Segments::of(pointer)?;
        Ok(self.value(id, item, pointer::follow(&item.body, segments), pointer))
    }

    /// Why a list or an object may have members that were not read. An AWS resource as a whole is only known where AWS or a
    /// state describes it: what a manifest or a template leaves out may have been set elsewhere.
    pub fn open(&self, id: ItemId, pointer: &str) -> Result<Option<Unknown>, Malformed> {
        let Some(item) = self.item(id) else { return Ok(None) };
        let segments = pointer::Segments::of(pointer)?;
        let unknown = |reason: &Reason, at: &str| Unknown { reason: reason.clone(), place: Some((id, at.to_owned())) };
        let step = pointer::follow(&item.body, segments);
        let own = match &step {
            Step::Node(node) => match &node.value {
                Value::List(list) => list.more.as_deref().map(|reason| unknown(reason, pointer)),
                Value::Map(map) => map.more.as_deref().map(|reason| unknown(reason, pointer)),
                Value::Unknown(reason) => Some(unknown(reason, pointer)),
                Value::Text(_) => match self.value(id, item, step.clone(), pointer) {
                    FieldValue::Unknown(unknown) => Some(unknown),
                    _ => None,
                },
                Value::Null | Value::Flag(_) | Value::Number(_) => None,
            },
            Step::Unknown(..) => match self.value(id, item, step.clone(), pointer) {
                FieldValue::Unknown(unknown) => Some(unknown),
                _ => None,
            },
            Step::Absent | Step::Key(..) => None,
        };
        if own.is_some() || !pointer.is_empty() || !item.is_aws() {
            return Ok(own);
        }
        let whole = |source: SourceKind| matches!(source, SourceKind::Aws | SourceKind::State);
        if whole(item.source) || item.views.iter().any(|view| whole(view.source)) {
            return Ok(None);
        }
        let gap = Gathered::NotDescribed { item: (&*item.name).into() };
        Ok(Some(Unknown { place: Some((id, String::new())), ..Unknown::new(Cause::NotProvided, gap) }))
    }

    /// The node under a pointer, for the host's own use.
    pub fn node(&self, id: ItemId, pointer: &str) -> Option<&Node> {
        let item = self.item(id)?;
        match pointer::follow(&item.body, pointer::Segments::of(pointer).ok()?) {
            Step::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The place of a pointer, else of the nearest parent that has one.
    pub fn place(&self, id: ItemId, pointer: &str) -> Option<At> {
        let item = self.item(id)?;
        let segments = pointer::segments(pointer).unwrap_or_default();
        Some(pointer::place(&item.body, &segments))
    }

    /// Each source's word on a field, the strongest first.
    pub fn views(&self, id: ItemId, pointer: &str) -> Result<Vec<Seen<'_>>, Malformed> {
        let Some(item) = self.item(id) else { return Ok(vec![]) };
        if pointer.starts_with('@') {
            return Ok(vec![Seen { source: item.source, value: self.get(id, pointer)?, at: item.at() }]);
        }
        let segments = pointer::segments(pointer)?;
        let bodies: Vec<(SourceKind, &Node)> = if item.views.is_empty() {
            vec![(item.source, &item.body)]
        } else {
            item.views.iter().map(|view| (view.source, &view.body)).collect()
        };
        Ok(bodies
            .into_iter()
            .map(|(source, body)| Seen {
                source,
                value: self.value(id, item, pointer::follow(body, &segments), pointer),
                at: pointer::place(body, &segments),
            })
            .collect())
    }

    /// Does a field's text match a pattern of `*` and `?`?
    pub fn matches(&self, id: ItemId, pointer: &str, pattern: &str) -> Result<Ternary, Malformed> {
        Ok(match self.text(id, pointer)? {
            Known::Text(text) => text.matches(pattern),
            Known::No => Ternary::No,
            Known::Unknown => Ternary::Unknown,
        })
    }

    /// Every field that a pattern matches, and how many nodes were visited.
    pub fn find(&self, id: ItemId, pattern: &str) -> Result<(Vec<Field<'_>>, u64), Malformed> {
        self.find_within(id, pattern, u64::MAX)
    }

    /// The same, but it stops once more than `most` nodes were visited. The fields are complete if the count is at most
    /// `most`.
    pub fn find_within(&self, id: ItemId, pattern: &str, most: u64) -> Result<(Vec<Field<'_>>, u64), Malformed> {
        let Some(item) = self.item(id) else { return Ok((vec![], 1)) };
        let segments = pointer::segments(pattern)?;
        let (matches, mut visited) = pointer::find_within(&item.body, &segments, most);
        let mut fields = Vec::with_capacity(matches.len());
        for found in matches {
            if visited > most {
                break;
            }
            let value = match found.step {
                Step::Unknown(reason, ..) => {
                    FieldValue::Unknown(Unknown { reason, place: Some((id, found.at.clone())) })
                }
                step => {
                    // An object is visited again to be written as JSON: under `/**` once for each of its parents.
                    if let Step::Node(node @ Node { value: Value::List(_) | Value::Map(_), .. }) = step {
                        visited += node.size();
                    }
                    self.value(id, item, step, &found.at)
                }
            };
            fields.push(Field { at: found.at, value });
        }
        Ok((fields, visited))
    }

    /// What a step comes to, and the pointer that it was found by.
    fn value<'a>(&'a self, id: ItemId, item: &Item, step: Step<'a>, pointer: &str) -> FieldValue<'a> {
        let here = || Some((id, pointer.to_owned()));
        match step {
            Step::Absent => FieldValue::Absent,
            Step::Unknown(reason, _, depth) => {
                let place = Some((id, pointer::beginning(pointer, depth).to_owned()));
                FieldValue::Unknown(Unknown { reason, place })
            }
            Step::Key(key, _) => text_value(key, here),
            Step::Node(node) => match &node.value {
                Value::Null => FieldValue::Absent,
                Value::Flag(flag) => FieldValue::Flag(*flag),
                Value::Number(number) => FieldValue::Number(*number),
                Value::Text(text) if text.is_empty() && item.is_aws() => FieldValue::Absent,
                Value::Text(text) => text_value(text, here),
                Value::Unknown(reason) => FieldValue::Unknown(Unknown { reason: (**reason).clone(), place: here() }),
                Value::List(_) | Value::Map(_) => match node.first_unknown() {
                    Some((reason, _)) => FieldValue::Unknown(Unknown { reason, place: here() }),
                    None => FieldValue::Json(node.json_text()),
                },
            },
        }
    }

    fn fact<'a>(&'a self, id: ItemId, item: &'a Item, fact: &str) -> FieldValue<'a> {
        let aws = item.aws.as_deref();
        let place = || Some((id, String::new()));
        let told = |node: Option<&'a Node>| match node.map(|node| &node.value) {
            Some(Value::Text(text)) => text_value(text, place),
            Some(Value::Unknown(reason)) => FieldValue::Unknown(Unknown { reason: (**reason).clone(), place: place() }),
            _ if aws.is_some() => FieldValue::Unknown(Unknown::new(
                Cause::NotProvided,
                Gathered::OfItem { fact: fact.into(), item: (&*item.name).into() },
            )),
            _ => FieldValue::Absent,
        };
        match fact {
            "kind" => FieldValue::Text(Cow::Borrowed(&item.kind)),
            "name" => FieldValue::Text(Cow::Borrowed(&item.name)),
            "namespace" => item
                .namespace
                .as_deref()
                .map_or(FieldValue::Absent, |namespace| FieldValue::Text(Cow::Borrowed(namespace))),
            "partition" | "account" | "region" => match self.home(item, fact) {
                None if aws.is_none() => FieldValue::Unknown(Unknown::new(
                    Cause::NotProvided,
                    Gathered::Location { fact: fact.into(), item: (&*item.name).into() },
                )),
                node => told(node),
            },
            "arn" => told(aws.and_then(|aws| aws.arn.as_ref())),
            "scope" => FieldValue::Json(serde_json::json!([self.name]).to_string()),
            "cluster" => FieldValue::Text(Cow::Owned(format!("cluster-{}", item.cluster.0))),
            "view" => FieldValue::Text(Cow::Borrowed(if item.source.observed() { "observed" } else { "declared" })),
            "read-at" => item.read_at.as_deref().map_or(FieldValue::Absent, |at| FieldValue::Text(Cow::Borrowed(at))),
            _ => FieldValue::Absent,
        }
    }

    pub(crate) fn text<'a>(&'a self, id: ItemId, pointer: &str) -> Result<Known<'a>, Malformed> {
        let Some(item) = self.item(id) else { return Ok(Known::No) };
        if let Some(fact) = pointer.strip_prefix('@') {
            let aws = item.aws.as_deref();
            let node = match fact {
                "partition" | "account" | "region" => self.home(item, fact),
                "arn" => aws.and_then(|aws| aws.arn.as_ref()),
                _ => None,
            };
            if let Some(Node { value: Value::Text(text), .. }) = node {
                return Ok(Known::Text(Cow::Borrowed(text)));
            }
            return Ok(match self.fact(id, item, fact) {
                FieldValue::Text(text) => Known::Text(Cow::Owned(text.into_owned().into())),
                FieldValue::Unknown(_) => Known::Unknown,
                _ => Known::No,
            });
        }
        let segments = pointer::Segments::of(pointer)?;
        Ok(match pointer::follow(&item.body, segments) {
            Step::Unknown(..) => Known::Unknown,
            Step::Key(key, _) => Known::Text(Cow::Borrowed(key)),
            Step::Node(node) => match &node.value {
                Value::Text(text) => Known::Text(Cow::Borrowed(text)),
                Value::Unknown(_) => Known::Unknown,
                _ => Known::No,
            },
            Step::Absent => Known::No,
        })
    }
}

fn text_value(text: &Text, place: impl FnOnce() -> Option<(ItemId, String)>) -> FieldValue<'_> {
    match (text.known(), text.hole()) {
        (Some(text), _) => FieldValue::Text(Cow::Borrowed(text)),
        (None, Some(symbol)) => FieldValue::Unknown(Unknown { reason: symbol.reason.clone(), place: place() }),
        (None, None) => FieldValue::Absent,
    }
}
