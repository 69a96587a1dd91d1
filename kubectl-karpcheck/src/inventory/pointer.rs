//! JSON pointers (RFC 6901) and the patterns of `find`.

use std::borrow::Cow;

use crate::inventory::node::{At, Map, Node, Value};
use crate::inventory::reason::Reason;

/// A pointer or pattern that is not one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no JSON pointer: it is empty or begins with `/`, and `~` is written `~0`")]
pub struct Malformed(pub String);

/// The segments of a pointer, unescaped.
pub fn segments(pointer: &str) -> Result<Vec<Cow<'_, str>>, Malformed> {
    Segments::of(pointer).map(Iterator::collect)
}

/// The segments of a pointer, one after the other: a rule's question needs no list of them.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    /// What follows the next `/`; none at the end.
    rest: Option<&'a str>,
    escaped: bool,
}

impl<'a> Segments<'a> {
    /// Those of a pointer, if it is one.
    pub fn of(pointer: &'a str) -> Result<Self, Malformed> {
        let malformed = || Malformed(pointer.into());
        if pointer.is_empty() {
            return Ok(Self { rest: None, escaped: false });
        }
        let rest = pointer.strip_prefix('/').ok_or_else(malformed)?;
        let escaped = memchr::memchr(b'~', rest.as_bytes()).is_some();
        if escaped && !rest.split('~').skip(1).all(|after| after.starts_with(['0', '1'])) {
            return Err(malformed());
        }
        Ok(Self { rest: Some(rest), escaped })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let rest = self.rest?;
        // Names are short: looking at byte after byte is faster than a search that is made for long texts.
        let segment = match rest.bytes().position(|byte| byte == b'/') {
            Some(end) => {
                self.rest = Some(&rest[end + 1..]);
                &rest[..end]
            }
            None => {
                self.rest = None;
                rest
            }
        };
        Some(if self.escaped && segment.contains('~') {
            Cow::Owned(segment.replace("~1", "/").replace("~0", "~"))
        } else {
            Cow::Borrowed(segment)
        })
    }
}

/// Adds a segment to a pointer.
pub fn push(pointer: &mut String, segment: &str) {
    pointer.push('/');
    if segment.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
    } else {
        pointer.push_str(segment);
    }
}

/// The first segments of a pointer.
pub(super) fn beginning(pointer: &str, segments: usize) -> &str {
    let end = pointer.match_indices('/').nth(segments).map_or(pointer.len(), |(at, _)| at);
    &pointer[..end]
}

/// What stands at the end of a route.
#[derive(Clone, Debug)]
pub enum Step<'a> {
    /// A value.
    Node(&'a Node),
    /// The name of a member, by `/@key`.
    Key(&'a super::text::Text, At),
    /// Nothing.
    Absent,
    /// Knowledge ended on the way, with this many segments gone.
    Unknown(Reason, At, usize),
}

/// Follows segments from a node.
pub fn follow<'a, S: AsRef<str>>(from: &'a Node, segments: impl IntoIterator<Item = S>) -> Step<'a> {
    let mut node = from;
    let mut name = None;
    let mut segments = segments.into_iter().enumerate().peekable();
    while let Some((depth, segment)) = segments.next() {
        let segment = segment.as_ref();
        if segment == "@key" && segments.peek().is_none() {
            return match name {
                Some((key, at)) => Step::Key(key, at),
                None => Step::Absent,
            };
        }
        let ended = |reason: &Reason| Step::Unknown(reason.clone(), node.at, depth);
        name = None;
        match &node.value {
            Value::Unknown(reason) => return ended(reason),
            // A text with holes may turn out to be anything, such as a placeholder where an object belongs.
            Value::Text(text) => match text.hole() {
                Some(symbol) if is_one_hole(text) => return ended(&symbol.reason.clone()),
                _ => return Step::Absent,
            },
            Value::Map(map) => match map.entries.iter().find(|(key, _)| key.is(segment)) {
                Some((key, child)) => {
                    name = Some((key, child.at));
                    node = child;
                }
                None => match &map.more {
                    Some(reason) => return ended(reason),
                    None => return Step::Absent,
                },
            },
            Value::List(list) => match segment.parse::<usize>().ok().and_then(|index| list.items.get(index)) {
                Some(child) => node = child,
                None => match &list.more {
                    Some(reason) => return ended(reason),
                    None => return Step::Absent,
                },
            },
            Value::Null | Value::Flag(_) | Value::Number(_) => return Step::Absent,
        }
    }
    Step::Node(node)
}

/// Has it certainly nothing below?
fn is_leaf(node: &Node) -> bool {
    match &node.value {
        Value::Null | Value::Flag(_) | Value::Number(_) => true,
        Value::Text(text) => !is_one_hole(text),
        Value::List(_) | Value::Map(_) | Value::Unknown(_) => false,
    }
}

fn is_one_hole(text: &super::text::Text) -> bool {
    matches!(text, super::text::Text::Template(template) if template.parts.len() == 1)
}

/// The member or element of this name; none where the node has none.
pub fn child<'a>(node: &'a Node, segment: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Map(map) => map.get(segment),
        Value::List(list) => segment.parse::<usize>().ok().and_then(|index| list.items.get(index)),
        _ => None,
    }
}

/// The place of a pointer, else of the nearest parent that has one.
pub fn place<S: AsRef<str>>(from: &Node, segments: impl IntoIterator<Item = S>) -> At {
    let mut node = from;
    let mut at = from.at;
    for segment in segments {
        let Some(child) = child(node, segment.as_ref()) else { break };
        node = child;
        if node.at.line > 0 || at.line == 0 {
            at = node.at;
        }
    }
    at
}

/// One match of a pattern.
#[derive(Clone, Debug)]
pub struct Match<'a> {
    /// The pointer, without wildcards.
    pub at: String,
    /// What stands there.
    pub step: Step<'a>,
}

/// Walks a pattern: `*` is every element or member, `*Ref` the members whose names end so (any name with one `*`), `**`
/// any depth. Returns the matches, and how many nodes were visited.
pub fn find<'a>(from: &'a Node, pattern: &[Cow<'_, str>]) -> (Vec<Match<'a>>, u64) {
    find_within(from, pattern, u64::MAX)
}

/// The same, but it stops once more than `most` nodes were visited: `/**/**/**` visits a node once for every way to it.
/// The matches are complete if the count is at most `most`.
pub fn find_within<'a>(from: &'a Node, pattern: &[Cow<'_, str>], most: u64) -> (Vec<Match<'a>>, u64) {
    let mut walk = Walk { matches: vec![], visited: 0, most, at: vec![] };
    walk.go(from, None, pattern);
    (walk.matches, walk.visited)
}

/// A member's name as it is written, or a place in a list.
enum Segment<'w> {
    Name(Cow<'w, str>),
    Index(usize),
}

struct Walk<'a, 'w> {
    matches: Vec<Match<'a>>,
    visited: u64,
    most: u64,
    /// The way to the node. It is written as a pointer for what matches only, which is little of what is visited.
    at: Vec<Segment<'w>>,
}

impl<'a: 'w, 'w> Walk<'a, 'w> {
    fn go(&mut self, node: &'a Node, name: Option<&'a super::text::Text>, pattern: &'w [Cow<'_, str>]) {
        if self.visited > self.most {
            return;
        }
        self.visited += 1;
        let Some((segment, rest)) = pattern.split_first() else {
            return self.matched(Step::Node(node));
        };
        let segment: &'w str = segment;
        if segment == "@key" && rest.is_empty() {
            let step = name.map_or(Step::Absent, |key| Step::Key(key, node.at));
            return self.below(Segment::Name(segment.into()), |walk| walk.matched(step));
        }
        let unknown = match &node.value {
            Value::Unknown(reason) => Some((**reason).clone()),
            Value::Text(text) if is_one_hole(text) => text.hole().map(super::text::Symbol::reason),
            _ => None,
        };
        if let Some(reason) = unknown {
            return self.matched(Step::Unknown(reason, node.at, 0));
        }
        if segment == "**" {
            self.go(node, name, rest);
            // Below a leaf there is nothing, so it matters only where the rest of the pattern may end at it.
            let ends = rest.first().is_none_or(|next| next == "@key");
            let visit = |walk: &mut Self, child: &'a Node, key: Option<&'a super::text::Text>| {
                if ends || !is_leaf(child) {
                    walk.go(child, key, pattern);
                }
            };
            self.children(node, visit, |_| true);
            self.more(node);
        } else if segment == "*" {
            self.children(node, |walk, child, key| walk.go(child, key, rest), |_| true);
            self.more(node);
        } else if let Some((before, after)) = segment.split_once('*') {
            if matches!(node.value, Value::Map(_)) {
                let fits = |key: &str| {
                    key.len() >= before.len() + after.len() && key.starts_with(before) && key.ends_with(after)
                };
                self.children(node, |walk, child, key| walk.go(child, key, rest), fits);
                self.more(node);
            }
        } else {
            let member = node.as_map().and_then(|map| map.entries.iter().find(|(key, _)| key.is(segment)));
            let step = match member {
                Some((_, child)) => Step::Node(child),
                None => follow(node, [segment]),
            };
            self.below(Segment::Name(segment.into()), |walk| match step {
                Step::Node(child) => walk.go(child, member.map(|(key, _)| key), rest),
                // An absent field is still a field, at its full pointer: "the mapping does not say". Below a
                // wildcard nothing is there to name.
                step if rest.iter().all(|segment| !segment.contains('*')) => {
                    let length = walk.at.len();
                    walk.at.extend(rest.iter().map(|segment| Segment::Name(Cow::Borrowed(&**segment))));
                    walk.matched(step);
                    walk.at.truncate(length);
                }
                step @ Step::Unknown(..) => walk.matched(step),
                Step::Key(..) | Step::Absent => {}
            });
        }
    }

    /// Does something one segment further.
    fn below(&mut self, segment: Segment<'w>, go: impl FnOnce(&mut Self)) {
        self.at.push(segment);
        go(self);
        self.at.pop();
    }

    /// What stands here is a match.
    fn matched(&mut self, step: Step<'a>) {
        let mut at = String::new();
        for segment in &self.at {
            match segment {
                Segment::Name(name) => push(&mut at, name),
                Segment::Index(index) => push(&mut at, &index.to_string()),
            }
        }
        self.matches.push(Match { at, step });
    }

    /// Visits the members whose name fits, and all elements.
    fn children(
        &mut self,
        node: &'a Node,
        mut visit: impl FnMut(&mut Self, &'a Node, Option<&'a super::text::Text>),
        fits: impl Fn(&str) -> bool,
    ) {
        match &node.value {
            Value::List(list) => {
                for (index, child) in list.items.iter().enumerate() {
                    self.below(Segment::Index(index), |walk| visit(walk, child, None));
                }
            }
            Value::Map(Map { entries, .. }) => {
                for (key, child) in entries {
                    let written: Cow<'_, str> = match key.known() {
                        Some(known) => Cow::Borrowed(known),
                        None => Cow::Owned(key.to_string()),
                    };
                    if fits(&written) {
                        self.below(Segment::Name(written), |walk| visit(walk, child, Some(key)));
                    }
                }
            }
            _ => {}
        }
    }

    /// The list or object may go on.
    fn more(&mut self, node: &Node) {
        let more = match &node.value {
            Value::List(list) => list.more.as_deref(),
            Value::Map(map) => map.more.as_deref(),
            _ => None,
        };
        if let Some(reason) = more {
            self.matched(Step::Unknown(reason.clone(), node.at, 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::List;
    use crate::inventory::reason::{Cause, Terraform};

    fn node(json: &serde_json::Value) -> Node {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Flag(*flag),
            Json::Number(number) => Value::Number(number.as_f64().expect("a double")),
            Json::String(text) if text == "?" => {
                return Node::unknown(Cause::Symbolic, Terraform::AfterApply { address: "it".into() }, At::default());
            }
            Json::String(text) => Value::Text(text.as_str().into()),
            Json::Array(items) => Value::List(items.iter().map(node).collect::<List>()),
            Json::Object(members) => {
                Value::Map(members.iter().map(|(key, value)| (key.as_str().into(), node(value))).collect())
            }
        };
        Node::new(value, At::default())
    }

    fn found(json: &serde_json::Value, pattern: &str) -> Vec<String> {
        let node = node(json);
        let pattern = segments(pattern).expect("a pattern");
        find(&node, &pattern)
            .0
            .iter()
            .map(|found| match &found.step {
                Step::Node(node) => format!("{} = {}", found.at, node.to_json()),
                Step::Key(key, _) => format!("{} = {key}", found.at),
                Step::Absent => format!("{} absent", found.at),
                Step::Unknown(reason, ..) => format!("{} unknown: {}", found.at, reason),
            })
            .collect()
    }

    #[test]
    fn patterns_name_every_place() {
        let json = serde_json::json!({"m": [{"ebs": {"encrypted": true}}, {"ebs": {}}, "?"], "keyRef": {"a~/b": 1}, "nested": {"roleRef": 2}});
        assert_eq!(
            found(&json, "/m/*/ebs/encrypted"),
            ["/m/0/ebs/encrypted = true", "/m/1/ebs/encrypted absent", "/m/2 unknown: it is known after apply"]
        );
        assert_eq!(
            found(&json, "/**/*Ref"),
            ["/keyRef = {\"a~/b\":1}", "/m/2 unknown: it is known after apply", "/nested/roleRef = 2"]
        );
        assert_eq!(found(&json, "/keyRef/*"), ["/keyRef/a~0~1b = 1"]);
        assert_eq!(found(&json, "/keyRef/*/@key"), ["/keyRef/a~0~1b/@key = a~/b"]);
        assert_eq!(found(&json, "/none/*"), Vec::<String>::new());
    }

    #[test]
    fn a_walk_ends_when_it_costs_too_much() {
        let deep = (0..20).fold(serde_json::json!(1), |inner, _| serde_json::json!({"a": inner}));
        let deep = node(&deep);
        let pattern = segments("/**/**/**/**/**/**/**/**/none").expect("a pattern");
        assert_eq!(find_within(&deep, &pattern, 1_000).1, 1_001);
        let pattern = segments("/**").expect("a pattern");
        assert_eq!(find_within(&deep, &pattern, 1_000).0.len(), 21);
    }

    #[test]
    fn malformed_pointers_are_refused() {
        assert!(segments("spec").is_err());
        assert!(segments("/a~2").is_err());
        assert_eq!(segments("/a~1b/c~0d").expect("well formed"), ["a/b", "c~d"]);
    }
}
