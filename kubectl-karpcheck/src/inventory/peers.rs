//! Which items have a field that holds the same: an index for each kind and field that is asked about, made once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::inventory::answer::{Answered, Field, FieldValue, Found, Link, Unknown};
use crate::inventory::id::ItemId;
use crate::inventory::item::Item;

use crate::inventory::node::Value;
use crate::inventory::peers::index::{Held, InScope, Peers, World};
use crate::inventory::pointer::Malformed;
use crate::inventory::scopes::Inventory;
use crate::inventory::ternary::Ternary;
use crate::inventory::text::Text;
use crate::schema::pattern::kind_matches;

pub(crate) mod index;

/// One field, as far as it is known.
enum One {
    Absent,
    Held(Held, Option<Text>),
    /// It may hold anything.
    Open,
}

/// What a field holds. The value is the same field's.
fn one(inventory: &Inventory, id: ItemId, pointer: &str, value: &FieldValue<'_>) -> One {
    match value {
        FieldValue::Absent => One::Absent,
        FieldValue::Text(text) => One::Held(Held::Text(text.to_string()), None),
        FieldValue::Number(number) => One::Held(Held::Other(number.to_string()), None),
        FieldValue::Flag(flag) => One::Held(Held::Other(flag.to_string()), None),
        FieldValue::Json(json) => One::Held(Held::Other(json.clone()), None),
        FieldValue::Unknown(_) => match inventory.text_at(id, pointer) {
            Some(text) => {
                One::Held(Held::of_text(inventory.scope(id).map_or(0, |scope| scope.before), &text), Some(text))
            }
            None => One::Open,
        },
    }
}

impl Peers {
    /// Over the items of a kind. None where that takes more than `most` nodes.
    fn new(inventory: &Inventory, kind: &str, pattern: &str, most: u64) -> Result<Option<Self>, Malformed> {
        let mut index = Self { missing: inventory.missing(kind), ..Self::default() };
        let mut partial = HashSet::new();
        for id in inventory.of_kind(kind) {
            let left = most.saturating_sub(index.work);
            let (fields, visited) = if pattern.starts_with('@') {
                let value = inventory.get(id, pattern)?;
                (vec![Field { at: pattern.to_owned(), value }], 1)
            } else {
                inventory.find_within(id, pattern, left)?
            };
            index.work += visited + 1;
            if index.work > most {
                return Ok(None);
            }
            let Some(own) = inventory.scope(id) else { continue };
            let (here, world) = (own.before, index.worlds.entry(own.world).or_default());
            for field in fields {
                let text = match one(inventory, id, &field.at, &field.value) {
                    One::Absent => continue,
                    One::Held(held, text) => {
                        let partly = text.filter(|text| partial.insert(Held::of_text(here, text)));
                        world.hold(held, here, id, field.at);
                        partly
                    }
                    One::Open => None,
                };
                if let FieldValue::Unknown(unknown) = field.value {
                    match text {
                        Some(text) => world.partial.push((here, text, unknown)),
                        None if world.open.last().is_none_or(|(last, _)| *last != here) => {
                            world.open.push((here, unknown));
                        }
                        None => {}
                    }
                }
            }
        }
        Ok(Some(index))
    }

    /// The items that hold the same as a field, and how many entries were looked at.
    fn of(
        &self,
        inventory: &Inventory,
        (id, pointer): (ItemId, &str),
        kind: &str,
    ) -> Result<(Vec<Link>, u64), Malformed> {
        let unknown = |unknown: &Unknown| Link { item: Found::Unknown(unknown.clone()), at: String::new() };
        let value = inventory.get(id, pointer)?;
        let (held, text) = match (one(inventory, id, pointer, &value), &value) {
            (One::Absent, _) => return Ok((vec![], 1)),
            (One::Open, FieldValue::Unknown(why)) => return Ok((vec![unknown(why)], 1)),
            (One::Open, _) => return Ok((vec![], 1)),
            (One::Held(held, text), _) => (held, text),
        };
        let (Some(own), Some(item)) = (inventory.scope(id), inventory.item(id)) else { return Ok((vec![], 1)) };
        // What stands beside an item in its own scope is no peer of it: else every item of a cluster would be handed all others.
        let among = |scope: u32| scope != own.before || !kind_matches(kind, &item.kind);
        let mut visited = 1;
        let mut links = vec![];
        let world = self.worlds.get(&own.world);
        let same = world.and_then(|world| world.by_value.get(&held)).map(Vec::as_slice).unwrap_or_default();
        for group in same.iter().filter(|group| among(group.scope)) {
            visited += 1 + group.items.len() as u64;
            let others = group.items.iter().filter(|(other, _)| {
                let one_thing = |other: &Item| Inventory::is_one_thing(item, other);
                *other != id && (group.scope == own.before || !inventory.item(*other).is_some_and(one_thing))
            });
            links.extend(others.map(|(other, at)| Link { item: Found::Known(*other), at: at.clone() }));
        }
        let missing = match (&text, &value) {
            // A text that is known in part may be any of the others.
            (Some(_), FieldValue::Unknown(why)) => Some(why.clone()),
            _ => world.and_then(|world| world.maybe(&held, among, &mut visited)).or_else(|| self.missing.clone()),
        };
        links.extend(missing.as_ref().map(unknown));
        Ok((links, visited))
    }
}

impl World {
    /// Adds what an item holds. Items come in the order of the inventory, so those of a scope stand together.
    fn hold(&mut self, held: Held, scope: u32, id: ItemId, at: String) {
        let groups = self.by_value.entry(held).or_default();
        match groups.last_mut().filter(|group| group.scope == scope) {
            Some(group) if group.items.last().is_some_and(|(last, _)| *last == id) => {}
            Some(group) => group.items.push((id, at)),
            None => groups.push(InScope { scope, items: vec![(id, at)] }),
        }
    }

    /// Why another item may hold a value that is known.
    fn maybe(&self, held: &Held, among: impl Fn(u32) -> bool, visited: &mut u64) -> Option<Unknown> {
        if let Held::Text(text) = held {
            let own = Text::from(text.as_str());
            for (scope, other, why) in &self.partial {
                *visited += 1;
                if among(*scope) && own.same(other) == Ternary::Unknown {
                    return Some(why.clone());
                }
            }
        }
        self.open.iter().find(|(scope, _)| among(*scope)).map(|(_, why)| why.clone())
    }
}

impl Inventory {
    /// The other items of a kind that have a field which certainly holds the same, of the item's own kind those of other scopes;
    /// none where the index takes more than `most` nodes.
    pub fn peers(
        &self,
        (id, pointer): (ItemId, &str),
        kind: &str,
        pattern: &str,
        most: u64,
    ) -> Result<Option<Answered>, Malformed> {
        let key = (kind.to_owned(), pattern.to_owned());
        let cached = self.peers.lock().ok().and_then(|cache| cache.get(&key).cloned());
        let index = match cached {
            Some(index) => index,
            None => {
                let Some(made) = Peers::new(self, kind, pattern, most)? else { return Ok(None) };
                let made = Arc::new(made);
                if let Ok(mut cache) = self.peers.lock() {
                    cache.insert(key, Arc::clone(&made));
                }
                made
            }
        };
        let (links, visited) = index.of(self, (id, pointer), kind)?;
        Ok(Some(Answered { links, index: index.work, visited }))
    }

    /// The text at a pointer or fact, with its holes.
    fn text_at(&self, id: ItemId, pointer: &str) -> Option<Text> {
        if let Some(fact) = pointer.strip_prefix('@') {
            let item = self.item(id)?;
            let node = match fact {
                "arn" => item.aws.as_deref()?.arn.as_ref(),
                fact => self.scope(id)?.home(item, fact),
            }?;
            return text(&node.value);
        }
        text(&self.node(id, pointer)?.value)
    }
}

/// A text of which something is known; not one that is a hole as a whole, which may be absent.
fn text(value: &Value) -> Option<Text> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}
