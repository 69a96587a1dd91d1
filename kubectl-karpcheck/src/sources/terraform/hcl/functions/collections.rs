//! Functions of lists, sets and maps. A set is the list of its elements in order, each once; a map goes by its keys in order.

use super::{failed, maybe_nothing, number, numeric, primitive, whole};
use crate::inventory::reason::Terraform;
use crate::inventory::{At, Key, List, Map, Node, Reason, Value};

/// As many numbers `range` makes, as in Terraform.
const MAX_RANGE: usize = 1_024;

/// Calls a function. None where it is no function of collections, or not evaluated on such values.
pub(super) fn call(name: &str, args: &[Node], at: At) -> Option<Node> {
    let list = |items: Vec<Node>, more| Some(Node::new(Value::List(List { items, more }), at));
    let flag = |flag: bool| Some(Node::new(Value::Flag(flag), at));
    match (name, args) {
        ("concat", all) => {
            let (mut items, mut more) = (vec![], None);
            for one in all {
                match &one.value {
                    Value::List(list) => {
                        items.extend(list.items.iter().cloned());
                        more = more.or_else(|| list.more.clone());
                    }
                    Value::Null => {}
                    _ => more = more.or_else(|| Some(Box::new(one.first_unknown()?.0))),
                }
            }
            list(items, more)
        }
        ("merge", all) => {
            let mut map = Map::default();
            for one in all {
                match &one.value {
                    Value::Map(over) => {
                        for (key, node) in &over.entries {
                            map.set(key.clone(), node.clone());
                        }
                        map.more = map.more.or_else(|| over.more.clone());
                    }
                    Value::Null => {}
                    _ => map.more = map.more.or_else(|| Some(Box::new(one.first_unknown()?.0))),
                }
            }
            Some(Node::new(Value::Map(map), at))
        }
        ("coalesce", all) => {
            for one in all {
                match &one.value {
                    Value::Null => {}
                    Value::Text(text) if text.is_empty() => {}
                    // It may be empty, and then the next one counts.
                    _ if one.first_unknown().is_some_and(|_| maybe_nothing(one)) => return None,
                    _ => return Some(one.clone()),
                }
            }
            None
        }
        ("coalescelist", all) => {
            for one in all {
                match &one.value {
                    Value::List(List { items, more }) if items.is_empty() && more.is_none() => {}
                    Value::Null => {}
                    Value::List(list) if !list.items.is_empty() => return Some(one.clone()),
                    _ => return None,
                }
            }
            None
        }
        ("compact" | "distinct", [Node { value: Value::List(from), .. }]) => {
            let mut items: Vec<Node> = vec![];
            for one in &from.items {
                match (name, &one.value) {
                    ("compact", Value::Null) => {}
                    ("compact", Value::Text(text)) if text.is_empty() => {}
                    ("distinct", _) if items.iter().any(|known| known.to_json() == one.to_json()) => {}
                    _ => items.push(one.clone()),
                }
            }
            list(items, from.more.clone())
        }
        ("flatten", [Node { value: Value::List(from), .. }]) => {
            let (mut items, mut more) = (vec![], None);
            flatten(from, &mut items, &mut more);
            list(items, more)
        }
        ("keys" | "values", [Node { value: Value::Map(map), .. }]) => {
            let one = |(key, node): (&Key, &Node)| {
                if name == "keys" { Node::text(key.clone(), node.at) } else { node.clone() }
            };
            list(in_order(map).into_iter().map(one).collect(), map.more.clone())
        }
        ("length", [one]) => match &one.value {
            Value::List(List { items, more: None }) => Some(number(items.len(), at)),
            Value::Map(Map { entries, more: None }) => Some(number(entries.len(), at)),
            _ => None,
        },
        ("contains", [Node { value: Value::List(list), .. }, wanted]) => {
            let wanted = wanted.first_unknown().is_none().then(|| wanted.to_json())?;
            let found = list.items.iter().any(|one| one.first_unknown().is_none() && one.to_json() == wanted);
            let open = list.more.is_some() || list.items.iter().any(|one| one.first_unknown().is_some());
            (found || !open).then(|| Node::new(Value::Flag(found), at))
        }
        ("lookup", [Node { value: Value::Map(map), .. }, key, rest @ ..]) => {
            match (map.get(key.as_str()?), map.more.is_some()) {
                (Some(node), _) => Some(node.clone()),
                (None, false) => rest.first().cloned(),
                (None, true) => None,
            }
        }
        ("element", [Node { value: Value::List(List { items, more: None }), .. }, index]) => {
            let index = numeric(index).filter(|index| *index >= 0.0)?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index; out of range wraps")]
            items.get((index as usize).checked_rem(items.len())?).cloned()
        }
        ("index", [Node { value: Value::List(list), .. }, wanted]) => {
            let known = list.items.iter().all(|one| one.first_unknown().is_none());
            let wanted = wanted.first_unknown().is_none().then(|| wanted.to_json()).filter(|_| known)?;
            match list.items.iter().position(|one| one.to_json() == wanted) {
                Some(index) => Some(number(index, at)),
                None if list.more.is_some() => None,
                None => Some(failed(Terraform::None { written: format!("index(…, {wanted})").into() }, at)),
            }
        }
        ("one", [Node { value: Value::List(List { items, more: None }), .. }]) => match items.as_slice() {
            [] => Some(Node::new(Value::Null, at)),
            [only] => Some(only.clone()),
            _ => None,
        },
        ("slice", [Node { value: Value::List(List { items, more: None }), .. }, start, end]) => {
            let (start, end) = (whole(numeric(start)?)?, whole(numeric(end)?)?);
            list(items.get(start..end)?.to_vec(), None)
        }
        ("reverse", [Node { value: Value::List(List { items, more: None }), .. }]) => {
            list(items.iter().rev().cloned().collect(), None)
        }
        ("sort", [Node { value: Value::List(List { items, more: None }), .. }]) => {
            let mut texts: Vec<String> =
                items.iter().map(|one| Some(primitive(one)?.known()?.to_owned())).collect::<Option<_>>()?;
            texts.sort_unstable();
            list(texts.into_iter().map(|text| Node::text(text, at)).collect(), None)
        }
        ("range", [_] | [_, _] | [_, _, _]) => {
            let numbers: Vec<f64> = args.iter().map(numeric).collect::<Option<_>>()?;
            let (start, limit) = if let [limit] = *numbers { (0.0, limit) } else { (numbers[0], numbers[1]) };
            let step = numbers.get(2).copied().unwrap_or(if limit < start { -1.0 } else { 1.0 });
            if step == 0.0 || (limit - start) * step < 0.0 {
                return None;
            }
            let mut items = vec![];
            let mut next = start;
            while (step > 0.0 && next < limit) || (step < 0.0 && next > limit) {
                if items.len() >= MAX_RANGE {
                    return None;
                }
                items.push(Node::new(Value::Number(next), at));
                next += step;
            }
            list(items, None)
        }
        ("chunklist", [Node { value: Value::List(List { items, more: None }), .. }, size]) => {
            let size = match whole(numeric(size)?)? {
                0 => items.len().max(1),
                size => size,
            };
            let chunk = |items: &[Node]| Node::new(Value::List(items.iter().cloned().collect()), at);
            list(items.chunks(size).map(chunk).collect(), None)
        }
        ("zipmap", [Node { value: Value::List(keys), .. }, Node { value: Value::List(values), .. }])
            if keys.items.len() == values.items.len() && keys.more.is_none() && values.more.is_none() =>
        {
            let mut map = Map::default();
            for (key, value) in keys.items.iter().zip(&values.items) {
                map.set(primitive(key)?, value.clone());
            }
            Some(Node::new(Value::Map(map), at))
        }
        ("matchkeys", [values, keys, wanted]) => {
            let known = |node: &Node| match &node.value {
                Value::List(List { items, more: None }) if node.first_unknown().is_none() => {
                    Some(items.iter().map(Node::to_json).collect::<Vec<_>>())
                }
                _ => None,
            };
            let (keys, wanted) = (known(keys)?, known(wanted)?);
            let Value::List(List { items, more: None }) = &values.value else { return None };
            let matching = items.iter().zip(&keys).filter(|(_, key)| wanted.contains(key));
            (items.len() == keys.len())
                .then(|| matching.map(|(value, _)| value.clone()).collect())
                .and_then(|all| list(all, None))
        }
        ("toset", [Node { value: Value::List(from), .. }]) => match set(&from.items) {
            Some(items) => list(items, from.more.clone()),
            None => Some(args[0].clone()),
        },
        ("tolist", [Node { value: Value::List(from), .. }]) => list(of_one_type(&from.items), from.more.clone()),
        ("tomap", [Node { value: Value::Map(map), .. }]) => {
            let values: Vec<Node> = map.entries.iter().map(|(_, node)| node.clone()).collect();
            let keys = map.entries.iter().map(|(key, _)| key.clone());
            let entries = keys.zip(of_one_type(&values)).collect();
            Some(Node::new(Value::Map(Map { entries, more: map.more.clone() }), at))
        }
        ("setunion" | "setintersection", [_, ..]) => {
            let mut sets = args.iter().map(known_set).collect::<Option<Vec<_>>>()?.into_iter();
            let mut all = sets.next()?;
            for other in sets {
                if name == "setunion" {
                    all.extend(other);
                } else {
                    all.retain(|one| other.iter().any(|other| other.to_json() == one.to_json()));
                }
            }
            list(set(&all)?, None)
        }
        ("setsubtract", [of, less]) => {
            let (mut of, less) = (known_set(of)?, known_set(less)?);
            of.retain(|one| !less.iter().any(|other| other.to_json() == one.to_json()));
            list(of, None)
        }
        ("setproduct", [_, ..]) => {
            let mut all: Vec<Vec<Node>> = vec![vec![]];
            for one in args {
                let Value::List(List { items, more: None }) = &one.value else { return None };
                if all.len().saturating_mul(items.len()) > MAX_RANGE {
                    return None;
                }
                all = all
                    .iter()
                    .flat_map(|row| items.iter().map(|item| [&row[..], std::slice::from_ref(item)].concat()))
                    .collect();
            }
            list(all.into_iter().map(|row| Node::new(Value::List(row.into_iter().collect()), at)).collect(), None)
        }
        ("transpose", [one @ Node { value: Value::Map(map), .. }]) if one.first_unknown().is_none() => {
            let mut turned: std::collections::BTreeMap<String, Vec<Node>> = std::collections::BTreeMap::new();
            for (key, values) in in_order(map) {
                for value in values.elements() {
                    turned.entry(value.as_str()?.to_owned()).or_default().push(Node::text(key.clone(), at));
                }
            }
            let entries = turned
                .into_iter()
                .map(|(key, keys)| (key.into(), Node::new(Value::List(keys.into_iter().collect()), at)));
            Some(Node::new(Value::Map(Map { entries: entries.collect(), more: None }), at))
        }
        ("alltrue" | "anytrue", [Node { value: Value::List(from), .. }]) => {
            let all = name == "alltrue";
            let flags: Vec<Option<bool>> = from.items.iter().map(super::flag).collect();
            let open = from.more.is_some() || flags.contains(&None);
            if flags.contains(&Some(!all)) { flag(!all) } else { (!open).then(|| Node::new(Value::Flag(all), at)) }
        }
        _ => None,
    }
}

/// The members of a map as Terraform goes over them: by their names, where all are known.
pub(in crate::sources::terraform::hcl) fn in_order(map: &Map) -> Vec<(&Key, &Node)> {
    let mut entries: Vec<(&Key, &Node)> = map.entries.iter().map(|(key, node)| (key, node)).collect();
    if entries.iter().all(|(key, _)| key.known().is_some()) {
        entries.sort_by_key(|(key, _)| key.known());
    }
    entries
}

/// Lists within lists are one, however deep.
fn flatten(from: &List, items: &mut Vec<Node>, more: &mut Option<Box<Reason>>) {
    if more.is_none() {
        more.clone_from(&from.more);
    }
    for one in &from.items {
        match &one.value {
            Value::List(inner) => flatten(inner, items, more),
            Value::Unknown(reason) => *more = more.take().or_else(|| Some(reason.clone())),
            _ => items.push(one.clone()),
        }
    }
}

/// Elements of one type: where some are texts, numbers and flags are written as such.
fn of_one_type(items: &[Node]) -> Vec<Node> {
    let is = |text: bool| move |node: &&Node| matches!(node.value, Value::Text(_)) == text && !node.is_null();
    if items.iter().any(|one| is(true)(&one)) && items.iter().any(|one| is(false)(&one)) {
        let texts = items.iter().map(|one| {
            if one.is_null() { Some(one.clone()) } else { primitive(one).map(|text| Node::text(text, one.at)) }
        });
        if let Some(texts) = texts.collect() {
            return texts;
        }
    }
    items.to_vec()
}

/// The elements of a set, each once and in order; none where some are not known.
pub(in crate::sources::terraform::hcl) fn set(items: &[Node]) -> Option<Vec<Node>> {
    let mut items = of_one_type(items);
    if items.iter().any(|one| one.first_unknown().is_some()) {
        return None;
    }
    let mut seen = std::collections::BTreeSet::new();
    items.retain(|one| seen.insert(one.to_json().to_string()));
    items.sort_by(|one, other| match (&one.value, &other.value) {
        (Value::Number(one), Value::Number(other)) => one.total_cmp(other),
        (Value::Text(one), Value::Text(other)) => one.known().cmp(&other.known()),
        (Value::Flag(one), Value::Flag(other)) => one.cmp(other),
        _ => std::cmp::Ordering::Equal,
    });
    Some(items)
}

fn known_set(node: &Node) -> Option<Vec<Node>> {
    match &node.value {
        Value::List(List { items, more: None }) => set(items),
        _ => None,
    }
}
