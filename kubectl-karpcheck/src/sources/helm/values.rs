//! Helm's values as Helm handles them: texts of YAML, paths of `--set`, one object over another.

use crate::formats::yaml;
use crate::inventory::{At, Map, Node, Value};
use crate::sources::placeholders;
use crate::sources::policy_documents::{fill, marked};

/// An object of some members.
pub(in crate::sources) fn object<const N: usize>(members: [(&str, Node); N], at: At) -> Node {
    let mut map = Map::default();
    for (name, node) in members {
        map.set(name, node);
    }
    Node::new(Value::Map(map), at)
}

/// Values that stand as YAML in a text, with placeholders or without; none where the text is no YAML.
pub(in crate::sources) fn from_text(node: &Node) -> Option<Node> {
    let Value::Text(text) = &node.value else { return Some(node.clone()) };
    let (plain, holes) = marked(text);
    let mut values = yaml::read(&plain, node.at.doc).next()?.node.ok()?;
    if !holes.is_empty() {
        fill(&mut values, &holes);
    }
    placeholders::mark(&mut values);
    // The first line of a block is the place of its text.
    shift(&mut values, node.at, plain.trim_end().contains('\n'));
    Some(values)
}

fn shift(node: &mut Node, at: At, block: bool) {
    node.at = if block {
        At {
            line: at.line + node.at.line.saturating_sub(1),
            column: at.column + node.at.column.saturating_sub(1),
            ..at
        }
    } else {
        at
    };
    match &mut node.value {
        Value::List(list) => list.items.iter_mut().for_each(|node| shift(node, at, block)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, node)| shift(node, at, block)),
        _ => {}
    }
}

/// Sets the value under a path as `helm --set` writes it: `serviceAccount.annotations.eks\.amazonaws\.com/role-arn`. What
/// stands in a list is left alone.
pub(in crate::sources) fn set_path(values: &mut Node, path: &str, value: Node) {
    let mut names = vec![String::new()];
    let mut escaped = false;
    for char in path.chars() {
        match char {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '.' if !escaped => names.push(String::new()),
            '[' if !escaped => return,
            other => {
                if let Some(name) = names.last_mut() {
                    name.push(other);
                }
            }
        }
        escaped = false;
    }
    let Some((last, before)) = names.split_last() else { return };
    let at = value.at;
    let mut target = values;
    for name in before {
        if !matches!(target.value, Value::Map(_)) {
            target.value = Value::Map(Map::default());
        }
        let Value::Map(map) = &mut target.value else { return };
        if map.get(name).is_none() {
            map.set(name.as_str(), Node::new(Value::Map(Map::default()), at));
        }
        let Some(next) = map.get_mut(name) else { return };
        target = next;
    }
    if !matches!(target.value, Value::Map(_)) {
        target.value = Value::Map(Map::default());
    }
    if let Value::Map(map) = &mut target.value {
        map.set(last.as_str(), value);
    }
}

/// One object over another, as Helm merges values: members one by one, everything else as a whole. What may be missing in one of
/// them may be missing in both.
pub(in crate::sources) fn over(upper: Node, mut lower: Node) -> Node {
    match (upper.value, &mut lower.value) {
        (Value::Map(upper), Value::Map(map)) => {
            for (key, node) in upper.entries {
                match map.entries.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, old)) => {
                        let below = std::mem::replace(old, Node::new(Value::Null, old.at));
                        *old = over(node, below);
                    }
                    None => map.entries.push((key, node)),
                }
            }
            if upper.more.is_some() {
                map.more = upper.more;
            }
            lower
        }
        (value, _) => Node::new(value, upper.at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_behind_a_backslash_is_part_of_a_name() {
        let at = At::default();
        let mut values = Node::new(Value::Map(Map::default()), at);
        set_path(&mut values, r"serviceAccount.annotations.eks\.amazonaws\.com/role-arn", Node::text("a", at));
        let found = values.str_at(&["serviceAccount", "annotations", "eks.amazonaws.com/role-arn"]);
        assert_eq!(found, Some("a"));
    }
}
