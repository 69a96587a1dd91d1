//! Terraform's functions, as far as configurations of Karpenter use them. Each gets values that may be known in part and
//! answers with one; none of what is not known is made up.

use crate::inventory::reason::Terraform;
use crate::inventory::{At, Cause, List, Map, Node, Text, Value};

/// Calls a function. None where it is not evaluated here, or not on such values.
pub(super) fn call(name: &str, args: &[Node], at: At) -> Option<Node> {
    let list = |items: Vec<Node>, more| Some(Node::new(Value::List(List { items, more }), at));
    let text = |node: &Node| node.as_str().map(str::to_owned);
    let known = |index: usize| args.get(index).and_then(text);
    let first = args.first();
    match (name, args) {
        // What is encoded here is decoded again where it is read: the value itself says more than its text.
        (
            "jsonencode" | "yamlencode" | "jsondecode" | "yamldecode" | "sensitive" | "nonsensitive" | "tostring"
            | "tomap" | "toset" | "tolist" | "tobool" | "tonumber",
            [one],
        ) => match (name, &one.value) {
            ("toset" | "tolist", Value::List(_)) | ("tomap", Value::Map(_)) => Some(one.clone()),
            ("tostring", Value::Flag(_) | Value::Number(_)) => Some(Node::text(one.to_json().to_string(), one.at)),
            ("tobool", Value::Text(_)) => Some(Node::new(Value::Flag(one.as_str()?.parse().ok()?), one.at)),
            ("jsondecode" | "yamldecode", Value::Text(_)) => {
                match crate::sources::policy_documents::object(one.clone()) {
                    Node { value: Value::Unknown(_), .. } => None,
                    node => Some(node),
                }
            }
            _ => Some(one.clone()),
        },
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
        ("compact" | "flatten" | "distinct", [Node { value: Value::List(from), .. }]) => {
            let (mut items, mut more): (Vec<Node>, _) = (vec![], from.more.clone());
            for one in &from.items {
                match (name, &one.value) {
                    ("compact", Value::Null) => {}
                    ("compact", Value::Text(text)) if text.is_empty() => {}
                    ("flatten", Value::List(inner)) => {
                        items.extend(inner.items.iter().cloned());
                        more = more.or_else(|| inner.more.clone());
                    }
                    ("flatten", Value::Unknown(reason)) => more = more.or_else(|| Some(reason.clone())),
                    ("distinct", _) if items.iter().any(|known| known.to_json() == one.to_json()) => {}
                    _ => items.push(one.clone()),
                }
            }
            list(items, more)
        }
        ("keys" | "values", [Node { value: Value::Map(map), .. }]) => list(
            map.entries
                .iter()
                .map(|(key, node)| if name == "keys" { Node::text(key.clone(), node.at) } else { node.clone() })
                .collect(),
            map.more.clone(),
        ),
        ("length", [one]) => match &one.value {
            Value::List(List { items, more: None }) => Some(number(items.len(), at)),
            Value::Map(Map { entries, more: None }) => Some(number(entries.len(), at)),
            Value::Text(text) => Some(number(text.known()?.chars().count(), at)),
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
            let Value::Number(index) = index.value else { return None };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index; out of range wraps")]
            items.get((index as usize).checked_rem(items.len())?).cloned()
        }
        ("one", [Node { value: Value::List(List { items, more: None }), .. }]) => match items.as_slice() {
            [] => Some(Node::new(Value::Null, at)),
            [only] => Some(only.clone()),
            _ => None,
        },
        ("join", [separator, Node { value: Value::List(List { items, more: None }), .. }]) => {
            let separator = separator.as_str()?;
            let mut parts = vec![];
            for (index, item) in items.iter().enumerate() {
                let Value::Text(text) = &item.value else { return None };
                if index > 0 {
                    parts.extend(Text::from(separator).into_parts());
                }
                parts.extend(text.clone().into_parts());
            }
            Some(Node::text(Text::from_parts(parts), at))
        }
        ("split", [separator, one]) => {
            let (separator, one) = (separator.as_str()?, one.as_str()?);
            list(one.split(separator).map(|piece| Node::text(piece, at)).collect(), None)
        }
        ("format", [pattern, rest @ ..]) => {
            let pattern = pattern.as_str()?;
            let mut parts = vec![];
            let mut values = rest.iter();
            let mut pieces = pattern.split("%s");
            parts.extend(Text::from(pieces.next()?).into_parts());
            for piece in pieces {
                match &values.next()?.value {
                    Value::Text(text) => parts.extend(text.clone().into_parts()),
                    Value::Number(_) | Value::Flag(_) => return None,
                    _ => return None,
                }
                parts.extend(Text::from(piece).into_parts());
            }
            let text = Text::from_parts(parts);
            (!pattern.replace("%s", "").contains('%')).then(|| Node::text(text, at))
        }
        ("lower", _) => known(0).map(|text| Node::text(text.to_lowercase(), at)),
        ("upper", _) => known(0).map(|text| Node::text(text.to_uppercase(), at)),
        ("trimspace" | "chomp", _) => known(0).map(|text| Node::text(text.trim(), at)),
        ("trimprefix", _) => {
            known(0).zip(known(1)).map(|(text, cut)| Node::text(text.strip_prefix(cut.as_str()).unwrap_or(&text), at))
        }
        ("trimsuffix", _) => {
            known(0).zip(known(1)).map(|(text, cut)| Node::text(text.strip_suffix(cut.as_str()).unwrap_or(&text), at))
        }
        // A pattern between slashes is a regular expression.
        ("replace", [one, what, with]) => {
            let (one, what, with) = (one.as_str()?, what.as_str()?, with.as_str()?);
            let regular = what.len() > 1 && what.starts_with('/') && what.ends_with('/');
            match (regular, up_to(what)) {
                (false, _) => Some(Node::text(one.replace(what, with), at)),
                (true, Some(end)) => {
                    let rest = one.rsplit_once(end).map_or_else(|| one.to_owned(), |(_, rest)| format!("{with}{rest}"));
                    Some(Node::text(rest, at))
                }
                (true, None) => None,
            }
        }
        ("basename", _) => known(0).map(|text| Node::text(text.rsplit('/').next().unwrap_or(&text), at)),
        _ => {
            let _ = first;
            None
        }
    }
}

/// Is it unknown as a whole, so that it may be nothing?
fn maybe_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => {
            !text.clone().into_parts().iter().any(|part| matches!(part, crate::inventory::Part::Known(_)))
        }
        Value::Unknown(_) => true,
        _ => false,
    }
}

/// An evaluation that Terraform would refuse: `try` goes on with the next.
pub(super) fn failed(gap: Terraform, at: At) -> Node {
    Node::unknown(Cause::Failed, gap, at)
}

pub(super) fn number(count: usize, at: At) -> Node {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    Node::new(Value::Number(count as f64), at)
}

/// The end of what a regular expression takes off the start of a text: `role/` of `/^(.*role/)/`. Others are not evaluated.
fn up_to(expression: &str) -> Option<&str> {
    let inner = expression.strip_prefix("/^")?.strip_suffix('/')?;
    let inner = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(inner);
    let end = inner.strip_prefix(".*")?;
    (!end.is_empty() && end.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | ':'))).then_some(end)
}
