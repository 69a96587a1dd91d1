//! Functions of texts. A text that is known in part is cut where the known part decides, and else not at all. What counts
//! characters counts what people see as one (`substr`, `length`), which is one byte of ASCII: other texts are left alone.

use regex_lite::Regex;

use super::{failed, number, primitive, whole};
use crate::inventory::reason::Terraform;
use crate::inventory::{At, List, Map, Node, Part, Text, Value};

/// Calls a function. None where it is no function of texts, or not evaluated on such values.
pub(super) fn call(name: &str, args: &[Node], at: At) -> Option<Node> {
    let text = |text: String| Some(Node::text(text, at));
    let flag = |flag: bool| Some(Node::new(Value::Flag(flag), at));
    let known = |index: usize| args.get(index).and_then(Node::as_str);
    match (name, args) {
        ("lower", [_]) => text(known(0)?.to_lowercase()),
        ("upper", [_]) => text(known(0)?.to_uppercase()),
        ("title", [_]) => text(titled(known(0)?)),
        ("strrev", [_]) => text(ascii(known(0)?)?.chars().rev().collect()),
        ("trimspace", [_]) => text(known(0)?.trim().to_owned()),
        ("chomp", [_]) => text(known(0)?.trim_end_matches(['\n', '\r']).to_owned()),
        ("trim", [_, _]) => {
            let cut = known(1)?;
            text(known(0)?.trim_matches(|char| cut.contains(char)).to_owned())
        }
        ("indent", [Node { value: Value::Number(spaces), .. }, _]) => {
            text(known(1)?.replace('\n', &format!("\n{}", " ".repeat(whole(*spaces)?))))
        }
        ("length", [Node { value: Value::Text(one), .. }]) => Some(number(ascii(one.known()?)?.len(), at)),
        ("startswith", [one, _]) => flag(begins(one, known(1)?)?),
        ("endswith", [_, _]) => flag(known(0)?.ends_with(known(1)?)),
        ("strcontains", [_, _]) => flag(known(0)?.contains(known(1)?)),
        ("trimprefix", [one, _]) => {
            let prefix = known(1)?;
            if !begins(one, prefix)? {
                return Some(one.clone());
            }
            let Value::Text(of) = &one.value else { return None };
            let mut parts = of.clone().into_parts();
            if let Some(Part::Known(first)) = parts.first_mut() {
                *first = first.get(prefix.len()..)?.into();
            }
            Some(Node::text(Text::from_parts(parts), at))
        }
        ("trimsuffix", [one, _]) => {
            let suffix = known(1)?;
            let Value::Text(of) = &one.value else { return None };
            let mut parts = of.clone().into_parts();
            match (parts.last_mut(), of.known()) {
                (Some(Part::Known(last)), _) if last.ends_with(suffix) => {
                    *last = last[..last.len() - suffix.len()].into();
                    Some(Node::text(Text::from_parts(parts), at))
                }
                (Some(Part::Known(last)), None) if !suffix.ends_with(&**last) => Some(one.clone()),
                (_, Some(_)) => Some(one.clone()),
                _ => None,
            }
        }
        ("substr", [one, Node { value: Value::Number(offset), .. }, Node { value: Value::Number(length), .. }]) => {
            text(part_of(one, *offset, *length)?)
        }
        ("replace", [_, _, _]) => {
            let (one, what, with) = (known(0)?, known(1)?, known(2)?);
            // A pattern between slashes is a regular expression.
            match what.strip_prefix('/').and_then(|what| what.strip_suffix('/')).filter(|_| what.len() > 1) {
                Some(expression) => text(regular(expression)?.replace_all(one, with).into_owned()),
                None => text(one.replace(what, with)),
            }
        }
        ("regex", [_, _]) => {
            let (expression, one) = (regular(known(0)?)?, known(1)?);
            Some(match expression.captures(one) {
                Some(found) => captured(&expression, &found, at),
                None => failed(Terraform::None { written: format!("regex({:?}, …)", known(0)?).into() }, at),
            })
        }
        ("regexall", [_, _]) => {
            let (expression, one) = (regular(known(0)?)?, known(1)?);
            let items = expression.captures_iter(one).map(|found| captured(&expression, &found, at)).collect();
            Some(Node::new(Value::List(List { items, more: None }), at))
        }
        ("split", [_, _]) => {
            let (separator, one) = (known(0)?, known(1)?);
            let pieces: Vec<String> = if separator.is_empty() {
                one.chars().map(String::from).collect()
            } else {
                one.split(separator).map(str::to_owned).collect()
            };
            let items = pieces.into_iter().map(|piece| Node::text(piece, at)).collect();
            Some(Node::new(Value::List(List { items, more: None }), at))
        }
        ("join", [separator, lists @ ..]) => {
            let separator = separator.as_str()?;
            let mut parts = vec![];
            for list in lists {
                let Value::List(List { items, more: None }) = &list.value else { return None };
                for item in items {
                    if !parts.is_empty() {
                        parts.push(Part::Known(separator.into()));
                    }
                    // An empty piece counts, too.
                    parts.push(Part::Known("".into()));
                    parts.extend(primitive(item)?.into_parts());
                }
            }
            Some(Node::text(Text::from_parts(parts), at))
        }
        ("basename", [_]) => {
            text(known(0)?.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty())?.into())
        }
        ("dirname", [_]) => {
            let path = known(0)?.trim_end_matches('/');
            let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
            (!folder.is_empty()).then(|| Node::text(folder, at))
        }
        _ => None,
    }
}

/// A text of which each byte is a character.
fn ascii(text: &str) -> Option<&str> {
    text.is_ascii().then_some(text)
}

/// The first letter of each word as a capital, as Go's `strings.Title` has it.
fn titled(text: &str) -> String {
    let mut before = ' ';
    let letter = |char: char| {
        let begins = !(before.is_alphanumeric() || before == '_');
        before = char;
        if begins { char.to_uppercase().collect::<String>() } else { char.to_string() }
    };
    text.chars().map(letter).collect()
}

/// Does a text begin so, as far as that is certain?
fn begins(one: &Node, prefix: &str) -> Option<bool> {
    let Value::Text(text) = &one.value else { return None };
    if let Some(known) = text.known() {
        return Some(known.starts_with(prefix));
    }
    let beginning = text.beginning().unwrap_or_default();
    match (beginning.starts_with(prefix), prefix.starts_with(beginning)) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(false),
    }
}

/// A part by its first character (from the end, if negative) and its length (to the end, if negative).
fn part_of(one: &Node, offset: f64, length: f64) -> Option<String> {
    let Value::Text(text) = &one.value else { return None };
    let (whole_text, known) = match text.known() {
        Some(known) => (true, known),
        None => (false, text.beginning()?),
    };
    let known = ascii(known)?;
    let start = match whole(offset) {
        Some(start) => start,
        None => known.len().saturating_sub(whole(-offset).filter(|_| whole_text)?),
    };
    let end = match whole(length) {
        Some(length) => start + length,
        None => whole_text.then_some(known.len())?,
    };
    if whole_text {
        let start = start.min(known.len());
        return Some(known[start..end.clamp(start, known.len())].to_owned());
    }
    known.get(start..end).map(str::to_owned)
}

/// A regular expression of Go's kind, which is Rust's, too. Large ones are left alone.
fn regular(expression: &str) -> Option<Regex> {
    regex_lite::RegexBuilder::new(expression).size_limit(1 << 20).build().ok()
}

/// What an expression took: all, or its groups as a list, or by their names.
fn captured(expression: &Regex, found: &regex_lite::Captures<'_>, at: At) -> Node {
    let group = |index: usize| match found.get(index) {
        Some(group) => Node::text(group.as_str(), at),
        None => Node::new(Value::Null, at),
    };
    let names: Vec<Option<&str>> = expression.capture_names().skip(1).collect();
    if names.is_empty() {
        return group(0);
    }
    if names.iter().all(Option::is_none) {
        let items = (1..=names.len()).map(group).collect();
        return Node::new(Value::List(List { items, more: None }), at);
    }
    let mut map = Map::default();
    for (index, name) in names.iter().enumerate() {
        if let Some(name) = name {
            map.set(*name, group(index + 1));
        }
    }
    Node::new(Value::Map(map), at)
}
