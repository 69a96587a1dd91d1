//! What is done at places of a text in YAML or JSON, and how it is written there.

use serde_json::Value;

use super::render;
use super::render::{Blocks, Style};
use super::spans::{Kind, Member, Tree, dash};
use super::{Refused, Splice, distinct, join, line_end, line_start, newline, under};
use crate::fixes::edit::{Change, Target};

/// What is to be done at a place.
pub(super) enum Op<'t> {
    Replace { parent: Option<&'t Tree>, target: &'t Tree, value: Value },
    Remove { parent: &'t Tree, index: usize },
    Insert { target: &'t Tree, key: String, value: Value },
    Append { target: &'t Tree, value: Value },
}

/// Follows names from the end of a route as far as there is something, and gives the names of the others.
pub(super) fn followed<'t>(mut route: Vec<&'t Tree>, names: &[String]) -> (Vec<&'t Tree>, Vec<String>) {
    let mut rest = names;
    while let (Some(at), [first, more @ ..]) = (route.last().copied(), rest) {
        let next = match &at.kind {
            Kind::Map(_) => at.member(first),
            // A block that may occur once is a list of one in some versions.
            Kind::List(items) => match (first.parse::<usize>(), items.as_slice()) {
                (Ok(index), items) => items.get(index),
                (Err(_), [only]) if first != "-" => only.member(first),
                _ => None,
            },
            Kind::Scalar { .. } => None,
        };
        let Some(next) = next else { break };
        route.push(next);
        rest = more;
    }
    (route, rest.to_vec())
}

/// What the changes of one fix are in a text.
pub(super) fn splices_of(text: &str, blocks: Blocks, mut ops: Vec<Op<'_>>) -> Result<Vec<Splice>, Refused> {
    let mut splices = vec![];
    // A member that is added takes the place of one that is removed beside it.
    while let Some(at) = ops.iter().position(|op| match op {
        Op::Insert { target, .. } => removed_from(&ops, target).next().is_some(),
        _ => false,
    }) {
        let Op::Insert { target, key, value } = ops.remove(at) else { return Err(Refused::Unfit) };
        let index = removed_from(&ops, target).min().ok_or(Refused::Unfit)?;
        ops.retain(
            |op| !matches!(op, Op::Remove { parent, index: own } if std::ptr::eq(*parent, target) && *own == index),
        );
        let Kind::Map(members) = &target.kind else { return Err(Refused::Unfit) };
        splices.push(in_place(text, target, &members[index], &key, &value, blocks));
    }
    for op in &ops {
        splices.push(match op {
            Op::Replace { parent, target, value } => replace(text, *parent, target, value, blocks),
            Op::Remove { parent, index } => {
                remove(text, parent, *index, &removed_from(&ops, parent).collect::<Vec<_>>())
            }
            Op::Insert { target, key, value } => insert(text, target, key, value, blocks),
            Op::Append { target, value } => append(text, target, value, blocks)?,
        });
    }
    distinct(splices)
}

fn removed_from<'o>(ops: &'o [Op<'_>], target: &'o Tree) -> impl Iterator<Item = usize> + 'o {
    ops.iter().filter_map(move |op| match op {
        Op::Remove { parent, index } if std::ptr::eq(*parent, target) => Some(*index),
        _ => None,
    })
}

/// Two members that are added under one name are one.
pub(super) fn add<'t>(ops: &mut Vec<Op<'t>>, op: Op<'t>) {
    if let Op::Insert { target, key, value } = &op {
        for known in &mut *ops {
            if let Op::Insert { target: own, key: name, value: into } = known
                && std::ptr::eq(*own, *target)
                && name == key
            {
                return join(into, value);
            }
        }
    }
    ops.push(op);
}

pub(super) fn op_at<'t>(route: &[&'t Tree], rest: &[String], value: Option<&Value>) -> Result<Op<'t>, Refused> {
    let (target, parents) = route.split_last().ok_or(Refused::NotFound)?;
    // What has a name stands in other places, too, and is changed there with it.
    if route.iter().any(|tree| tree.shared) {
        return Err(Refused::Shared);
    }
    match (rest, value) {
        ([], None) => {
            let parent = *parents.last().ok_or(Refused::Unfit)?;
            let own = |child: &Tree| std::ptr::eq(child, *target);
            let index = match &parent.kind {
                Kind::Map(members) => {
                    let index = members.iter().position(|member| own(&member.value));
                    // Without the last of two the first would count.
                    let twice = |key: &str| members.iter().filter(|member| member.key == key).count() > 1;
                    if index.is_some_and(|index| twice(&members[index].key)) {
                        return Err(Refused::Twice);
                    }
                    index
                }
                Kind::List(items) => items.iter().position(own),
                Kind::Scalar { .. } => None,
            };
            Ok(Op::Remove { parent, index: index.ok_or(Refused::NotFound)? })
        }
        ([], Some(value)) => Ok(Op::Replace { parent: parents.last().copied(), target, value: value.clone() }),
        (_, None) => Err(Refused::NotFound),
        ([first, more @ ..], Some(value)) => {
            let value = under(more, value);
            match &target.kind {
                Kind::List(_) if first == "-" => Ok(Op::Append { target, value }),
                Kind::Map(_) if first != "-" && target.member(first).is_none() => {
                    Ok(Op::Insert { target, key: first.clone(), value })
                }
                // Nothing is there yet: `ebs:`.
                Kind::Scalar { empty: true, .. } => {
                    let value = under(std::slice::from_ref(first), &value);
                    Ok(Op::Replace { parent: parents.last().copied(), target, value })
                }
                _ => Err(Refused::Unfit),
            }
        }
    }
}

/// The text of several, one behind the other, in which a line is.
pub(super) fn at_line(trees: &[Tree], line: u32) -> Option<&Tree> {
    trees[..trees.partition_point(|tree| tree.line <= line)].last()
}

/// The way from a document to the value that a change is about, the value last.
pub(super) fn route<'a>(tree: &'a Tree, change: &Change) -> Option<Vec<&'a Tree>> {
    let mut found: Vec<(usize, Vec<&Tree>)> = vec![];
    search(tree, None, change, &mut vec![], &mut found);
    // The most in common; then what begins at its own place before what its key's place stands for.
    let best = found.into_iter().max_by_key(|(common, route)| {
        let last = route.last();
        let own = last.is_some_and(|tree| tree.line == change.at.line && tree.column == change.at.column);
        let leaf = last.is_some_and(|tree| matches!(tree.kind, Kind::Scalar { .. }));
        (*common, change.target == Target::Leaf && leaf, change.target == Target::Leaf && own)
    });
    best.map(|(_, route)| route)
}

fn search<'a>(
    tree: &'a Tree,
    key: Option<(u32, u32)>,
    change: &Change,
    above: &mut Vec<&'a Tree>,
    found: &mut Vec<(usize, Vec<&'a Tree>)>,
) {
    let here = (change.at.line, change.at.column);
    let fits = match (&change.target, &tree.kind) {
        // What a list or object is about stands at its key. The inventory may have more members than the text, from other
        // places, or fewer.
        (Target::Map(keys), Kind::Map(members)) => {
            let common = keys.iter().filter(|key| members.iter().any(|member| member.key == **key)).count();
            let fits = key.unwrap_or((tree.line, tree.column)) == here && (common > 0 || keys.is_empty());
            fits.then_some(common)
        }
        (Target::List(least), Kind::List(items)) => {
            (key.unwrap_or((tree.line, tree.column)) == here && items.len() >= *least).then_some(0)
        }
        (Target::Leaf, Kind::Scalar { .. }) if (tree.line, tree.column) == here => Some(0),
        // An intrinsic that stands for a value.
        (Target::Leaf, _) if key == Some(here) || (tree.line, tree.column) == here => Some(0),
        _ => None,
    };
    above.push(tree);
    if let Some(common) = fits {
        found.push((common, above.clone()));
    }
    match &tree.kind {
        Kind::Map(members) => {
            for member in members {
                search(&member.value, Some((member.line, member.column)), change, above, found);
            }
        }
        Kind::List(items) => {
            for item in items {
                search(item, None, change, above, found);
            }
        }
        Kind::Scalar { .. } => {}
    }
    above.pop();
}

fn replace(text: &str, parent: Option<&Tree>, target: &Tree, value: &Value, blocks: Blocks) -> Splice {
    let in_flow = target.json || target.flow || parent.is_some_and(|parent| parent.flow);
    let container = matches!(value, Value::Object(members) if !members.is_empty())
        || matches!(value, Value::Array(items) if !items.is_empty());
    let scalar = matches!(target.kind, Kind::Scalar { .. });
    let new = if in_flow {
        render::flow(value, Style::of(text, target, parent))
    } else if container && scalar {
        let own = parent.map_or(0, |parent| parent.column as usize - 1);
        // What stands behind a key becomes a block under it.
        let member = blocks.member("k", value, own);
        member.strip_prefix("k:").unwrap_or_default().to_owned()
    } else if container {
        blocks.value(value, target.column as usize - 1)
    } else {
        format!("{}{}", margin(text, target), render::scalar(value, &text[target.start..target.end]))
    };
    let before = &text[..target.start];
    // `key:` with nothing behind it.
    let space = if scalar && target.start == target.end && before.ends_with(':') && !new.starts_with(['\n', '\r']) {
        " "
    } else {
        ""
    };
    // A block takes its own line: no space is left behind the key.
    let start = if new.starts_with(['\n', '\r']) { before.trim_end_matches(' ').len() } else { target.start };
    Splice::new(start..target.end, format!("{space}{new}"))
}

/// What goes before that which takes the place of a block on lines of its own: a list may stand in the column of its key, where
/// nothing else can.
fn margin(text: &str, block: &Tree) -> &'static str {
    let is_list = matches!(block.kind, Kind::List(_)) && !block.flow;
    let own_line = text[line_start(text, block.start)..block.start].trim().is_empty();
    if is_list && own_line { "  " } else { "" }
}

/// A member in the place of another one, with what stands behind that in its line.
fn in_place(text: &str, target: &Tree, old: &Member, key: &str, value: &Value, blocks: Blocks) -> Splice {
    let end = old.value.end.max(old.end);
    let adds = Some((target.start, key.to_owned()));
    if target.flow {
        let quoted = target.json || text[old.start..].starts_with('"');
        let new = format!("{}: {}", render::key(key, quoted), render::flow(value, Style::of(text, target, None)));
        return Splice { range: old.start..end, text: new, adds };
    }
    let new = blocks.member(key, value, target.column as usize - 1);
    Splice { range: old.start..line_end(text, end), text: new, adds }
}

fn insert(text: &str, target: &Tree, key: &str, value: &Value, blocks: Blocks) -> Splice {
    let adds = Some((target.start, key.to_owned()));
    let Kind::Map(members) = &target.kind else { return Splice::new(0..0, String::new()) };
    let Some(last) = members.last() else {
        let new = format!("{{{}: {}}}", render::key(key, target.json), render::flow(value, Style::tight(target.json)));
        return Splice { range: target.start..target.end, text: new, adds };
    };
    if target.flow {
        let style = Style::of(text, target, None);
        let quoted = target.json || text[last.start..].starts_with('"');
        let new = format!("{}: {}", render::key(key, quoted), render::flow(value, style));
        return Splice { adds, ..beside(text, last.start, last.value.end, &new) };
    }
    let indent = target.column as usize - 1;
    let new = blocks.member(key, value, indent);
    let end = line_end(text, last.value.end.max(last.end));
    Splice { range: end..end, text: format!("{}{}{new}", newline(text), " ".repeat(indent)), adds }
}

fn append(text: &str, target: &Tree, value: &Value, blocks: Blocks) -> Result<Splice, Refused> {
    let Kind::List(items) = &target.kind else { return Err(Refused::Unfit) };
    let Some(last) = items.last() else {
        let new = format!("[{}]", render::flow(value, Style::tight(target.json)));
        return Ok(Splice::new(target.start..target.end, new));
    };
    if target.flow {
        return Ok(beside(text, last.start, last.end, &render::flow(value, Style::of(text, target, None))));
    }
    let dash = dash(text, items, target.start, items.len() - 1);
    let indent = dash - line_start(text, dash);
    let end = line_end(text, last.end);
    let new = blocks.value(value, indent + 2);
    Ok(Splice::new(end..end, format!("{}{}- {new}", newline(text), " ".repeat(indent))))
}

/// A new element behind the last one of a flow collection, on its own line where that one has its own.
fn beside(text: &str, start: usize, end: usize, new: &str) -> Splice {
    let line = line_start(text, start);
    let before = &text[line..start];
    let own_line = line > 0 && before.trim().is_empty();
    let text = if own_line { format!(",{}{before}{new}", newline(text)) } else { format!(", {new}") };
    Splice::new(end..end, text)
}

/// Takes an element away, of several that are taken away.
fn remove(text: &str, parent: &Tree, index: usize, removed: &[usize]) -> Splice {
    // Start and end of each element.
    let elements: Vec<(usize, usize)> = match &parent.kind {
        Kind::Map(members) => members.iter().map(|member| (member.start, member.value.end.max(member.end))).collect(),
        Kind::List(items) => (0..items.len())
            .map(|index| {
                let start = if parent.flow { items[index].start } else { dash(text, items, parent.start, index) };
                (start, items[index].end)
            })
            .collect(),
        Kind::Scalar { .. } => vec![],
    };
    let Some(kept) = (0..elements.len()).find(|index| !removed.contains(index)) else {
        let empty = if matches!(parent.kind, Kind::Map(_)) { "{}" } else { "[]" };
        return Splice::new(parent.start..parent.end, format!("{}{empty}", margin(text, parent)));
    };
    let range = if index < kept {
        elements[0].0..elements[kept].0
    } else if parent.flow {
        elements[index - 1].1..elements[index].1
    } else {
        line_end(text, elements[index - 1].1)..line_end(text, elements[index].1)
    };
    Splice::new(range, String::new())
}
