//! Replacements of a kustomization: fields that get the value of another object's field, or a piece of it.

use crate::inventory::reason::Objects;
use crate::inventory::{At, Cause, Map, Node, Text, Value};
use crate::sources::kubernetes::name_of;
use crate::sources::objects::kind_of;

/// Where one of the targets of a replacement takes its value from, and where it puts it.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    kind: Option<String>,
    name: Option<String>,
    from: Path,
    piece: Option<Piece>,
    to: Vec<Path>,
    into: Option<Piece>,
    create: bool,
    at: At,
}

/// The steps to a field.
type Path = Vec<Step>;

#[derive(Clone, Debug)]
enum Step {
    /// A member, or an element by its number.
    Name(String),
    /// The element of a list whose member has this value.
    With(String, String),
    /// All elements.
    All,
}

/// A piece of a text between delimiters.
#[derive(Clone, Debug)]
struct Piece {
    delimiter: String,
    index: usize,
}

impl Piece {
    fn of(options: Option<&Node>) -> Option<Self> {
        let delimiter = options?.str_at(&["delimiter"]).filter(|delimiter| !delimiter.is_empty())?.to_owned();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index; out of range finds none"
        )]
        let index = match options?.member("index").map(|index| &index.value) {
            Some(Value::Number(index)) => *index as usize,
            _ => 0,
        };
        Some(Self { delimiter, index })
    }
}

impl Replacement {
    pub(super) fn of(replacement: &Node, target: &Node) -> Self {
        let source = replacement.member("source");
        let text = |name: &str| source.and_then(|source| source.str_at(&[name])).map(str::to_owned);
        let options = target.member("options");
        let flag = options.and_then(|options| options.member("create"));
        let paths = target.member("fieldPaths").map(Node::elements).unwrap_or_default();
        Self {
            kind: text("kind"),
            name: text("name"),
            from: path(text("fieldPath").as_deref().unwrap_or("metadata.name")),
            piece: Piece::of(source.and_then(|source| source.member("options"))),
            to: paths.iter().filter_map(Node::as_str).map(path).collect(),
            into: Piece::of(options),
            create: flag.is_some_and(|flag| matches!(flag.value, Value::Flag(true))),
            at: target.at,
        }
    }

    /// Where one of a kustomization's older `vars` takes its value from.
    fn of_variable(variable: &Node) -> Self {
        let text = |path: &[&str]| variable.str_at(path).map(str::to_owned);
        // `annotations[a.b]` names a member here.
        let field = text(&["fieldref", "fieldpath"]).or_else(|| text(&["fieldref", "fieldPath"]));
        let field = field.map(|field| field.replace('[', ".["));
        Self {
            kind: text(&["objref", "kind"]),
            name: text(&["objref", "name"]),
            from: path(field.as_deref().unwrap_or("metadata.name")),
            piece: None,
            to: vec![],
            into: None,
            create: false,
            at: variable.at,
        }
    }

    /// Is this the object that the value is taken from, by one of the names that it had?
    pub(super) fn takes_from(&self, object: &Node, was: &[String]) -> bool {
        let Some((kind, _)) = kind_of(object) else { return false };
        let same_kind = self.kind.as_ref().is_none_or(|own| kind.rsplit_once('/').is_some_and(|(_, kind)| kind == own));
        let same_name = self.name.as_ref().is_none_or(|own| name_of(object) == *own || was.contains(own));
        (self.kind.is_some() || self.name.is_some()) && same_kind && same_name
    }

    /// The value that an object gives.
    pub(super) fn value(&self, object: &Node) -> Option<Node> {
        let mut node = object;
        for step in &self.from {
            node = match (step, &node.value) {
                (Step::Name(name), Value::Map(map)) => map.get(name)?,
                (Step::Name(index), Value::List(list)) => list.items.get(index.parse::<usize>().ok()?)?,
                (Step::With(name, value), Value::List(list)) => {
                    list.items.iter().find(|item| item.str_at(&[name]) == Some(value))?
                }
                _ => return None,
            };
        }
        let Some(piece) = &self.piece else { return Some(node.clone()) };
        let part = node.as_str()?.split(piece.delimiter.as_str()).nth(piece.index)?;
        Some(Node::text(part, node.at))
    }

    /// Puts a value into an object; what it is where it is not known. Did it change the object?
    pub(super) fn put(&self, object: &mut Node, value: Option<&Node>) -> bool {
        let mut changed = false;
        for path in &self.to {
            changed |= self.put_at(object, path, value);
        }
        changed
    }

    fn put_at(&self, node: &mut Node, path: &[Step], value: Option<&Node>) -> bool {
        let at = node.at;
        let Some((step, rest)) = path.split_first() else {
            let new = self.merged(node, value);
            let changed = new.first_unknown().is_some() || new.to_json() != node.to_json();
            *node = new;
            return changed;
        };
        match (step, &mut node.value) {
            (Step::Name(name), Value::Map(map)) => {
                if map.get(name).is_none() && self.create {
                    let empty = if rest.is_empty() { Value::Null } else { Value::Map(Map::default()) };
                    map.set(name.as_str(), Node::new(empty, at));
                }
                map.get_mut(name).is_some_and(|inner| self.put_at(inner, rest, value))
            }
            (Step::Name(index), Value::List(list)) => {
                let item = index.parse::<usize>().ok().and_then(|index| list.items.get_mut(index));
                item.is_some_and(|item| self.put_at(item, rest, value))
            }
            (Step::With(..) | Step::All, Value::List(list)) => {
                let chosen = |item: &Node| match step {
                    Step::With(name, wanted) => item.str_at(&[name]) == Some(wanted),
                    _ => true,
                };
                let mut changed = false;
                for item in list.items.iter_mut().filter(|item| chosen(item)) {
                    changed |= self.put_at(item, rest, value);
                }
                changed
            }
            _ => false,
        }
    }

    /// What a field becomes.
    fn merged(&self, field: &Node, value: Option<&Node>) -> Node {
        let unknown = || Node::unknown(Cause::Undecidable, Objects::Patched, self.at);
        let (Some(value), Some(piece)) = (value, &self.into) else {
            return value.map_or_else(unknown, Node::clone);
        };
        let (Some(own), Some(new)) = (field.as_str(), value.as_str()) else { return unknown() };
        let mut pieces: Vec<&str> = own.split(piece.delimiter.as_str()).collect();
        match pieces.get_mut(piece.index) {
            Some(old) => *old = new,
            None => pieces.push(new),
        }
        Node::new(Value::Text(Text::from(pieces.join(&piece.delimiter))), value.at)
    }
}

/// One of a kustomization's `vars`: what `$(NAME)` stands for in the objects that are installed.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    written: String,
    pub(super) source: Replacement,
}

impl Variable {
    /// Those of a kustomization.
    pub(super) fn all(kustomization: &Node) -> Vec<Self> {
        let all = kustomization.member("vars").map(Node::elements).unwrap_or_default();
        let of = |one: &Node| {
            let written = format!("$({})", one.str_at(&["name"])?);
            Some(Self { written, source: Replacement::of_variable(one) })
        };
        all.iter().filter_map(of).collect()
    }

    /// Puts its value in wherever an object has it. Did it change the object?
    pub(super) fn fill(&self, node: &mut Node, value: &Node) -> bool {
        match &mut node.value {
            Value::Text(text) => match (text.known(), value.as_str()) {
                (Some(own), _) if own == self.written => {
                    node.value = value.value.clone();
                    true
                }
                (Some(own), Some(value)) if own.contains(&self.written) => {
                    *text = Text::from(own.replace(&self.written, value));
                    true
                }
                _ => false,
            },
            Value::List(list) => list.items.iter_mut().fold(false, |any, item| self.fill(item, value) | any),
            Value::Map(map) => map.entries.iter_mut().fold(false, |any, (_, item)| self.fill(item, value) | any),
            Value::Null | Value::Flag(_) | Value::Number(_) | Value::Unknown(_) => false,
        }
    }
}

/// The steps of `spec.containers.[name=controller].env.0.value`; a dot may be escaped.
fn path(written: &str) -> Path {
    let (mut parts, mut part, mut escaped, mut depth) = (vec![], String::new(), false, 0_u32);
    for char in written.chars() {
        match char {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '.' if !escaped && depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {
                depth = match char {
                    '[' => depth + 1,
                    ']' => depth.saturating_sub(1),
                    _ => depth,
                };
                part.push(char);
            }
        }
        escaped = false;
    }
    parts.push(part);
    let step = |part: String| match part.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => match inner.split_once('=') {
            Some((name, value)) => Step::With(name.to_owned(), value.to_owned()),
            None => Step::Name(inner.to_owned()),
        },
        None if part == "*" => Step::All,
        None => Step::Name(part),
    };
    parts.into_iter().filter(|part| !part.is_empty()).map(step).collect()
}
