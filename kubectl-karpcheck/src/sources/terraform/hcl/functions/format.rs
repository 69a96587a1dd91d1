//! `format` and `formatlist`: verbs as in Go, of which those that nobody writes in a configuration are left out (`%e`, `%g`).

use super::{numeric, primitive};
use crate::inventory::{At, List, Node, Part, Text, Value};

pub(super) fn call(name: &str, args: &[Node], at: At) -> Option<Node> {
    let (pattern, values) = args.split_first()?;
    let pattern = pattern.as_str()?;
    match name {
        "format" => Some(Node::text(formatted(pattern, &values.iter().collect::<Vec<_>>())?, at)),
        "formatlist" => {
            let items = |node: &Node| match &node.value {
                Value::List(List { items, more: None }) => Some(items.len()),
                _ => None,
            };
            let lengths: Vec<usize> = values.iter().filter_map(items).collect();
            let length = lengths.first().copied()?;
            // One that is not known is no list here, and would stand in each element as a whole.
            if lengths.iter().any(|other| *other != length) || values.iter().any(|one| one.first_unknown().is_some()) {
                return None;
            }
            let element = |index: usize| {
                let of = |node: &'_ Node| match items(node) {
                    Some(_) => node.elements().get(index).cloned(),
                    None => Some(node.clone()),
                };
                let values: Vec<Node> = values.iter().map(of).collect::<Option<_>>()?;
                Some(Node::text(formatted(pattern, &values.iter().collect::<Vec<_>>())?, at))
            };
            let items = (0..length).map(element).collect::<Option<_>>()?;
            Some(Node::new(Value::List(List { items, more: None }), at))
        }
        _ => None,
    }
}

/// One verb: `%-08.3f`, `%[2]s`.
#[derive(Default)]
struct Verb {
    minus: bool,
    plus: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
}

fn formatted(pattern: &str, values: &[&Node]) -> Option<Text> {
    let mut parts = vec![];
    let mut rest = pattern;
    let (mut next, mut by_number) = (0, false);
    while let Some(start) = rest.find('%') {
        parts.push(Part::Known(rest[..start].into()));
        rest = &rest[start + 1..];
        let mut verb = Verb::default();
        let flags = rest.len() - rest.trim_start_matches(['-', '+', '0', '#', ' ']).len();
        for flag in rest[..flags].chars() {
            match flag {
                '-' => verb.minus = true,
                '+' => verb.plus = true,
                '0' => verb.zero = true,
                '#' => verb.sharp = true,
                _ => return None,
            }
        }
        rest = &rest[flags..];
        (verb.width, rest) = digits(rest).map_or(Some((0, rest)), |(width, rest)| Some((width, rest)))?;
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = digits(after).unwrap_or((0, after));
            (verb.precision, rest) = (Some(precision), after);
        }
        if let Some(after) = rest.strip_prefix('[') {
            let (number, after) = digits(after)?;
            (next, rest, by_number) = (number.checked_sub(1)?, after.strip_prefix(']')?, true);
        }
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        if letter == '%' {
            parts.push(Part::Known("%".into()));
            continue;
        }
        parts.extend(written(letter, &verb, values.get(next)?)?);
        next += 1;
    }
    parts.push(Part::Known(rest.into()));
    // Terraform refuses values that nothing is made of.
    (by_number || next == values.len()).then(|| Text::from_parts(parts))
}

fn digits(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    // A longer one is no width.
    (1..=3).contains(&end).then(|| Some((text[..end].parse().ok()?, &text[end..])))?
}

fn written(letter: char, verb: &Verb, node: &Node) -> Option<Vec<Part>> {
    let text = match letter {
        's' | 'v' | 'q' => {
            let plain = verb.width == 0 && verb.precision.is_none() && letter != 'q' && !verb.sharp;
            let text = match &node.value {
                Value::Map(_) | Value::List(_) if letter == 'v' && node.first_unknown().is_none() => {
                    Text::from(sorted_json(&node.to_json()))
                }
                _ => primitive(node)?,
            };
            if plain {
                return Some(text.into_parts());
            }
            let text = text.known()?.to_owned();
            let text = if letter == 'q' || (verb.sharp && matches!(node.value, Value::Text(_))) {
                serde_json::Value::String(text).to_string()
            } else {
                text
            };
            // A precision and a width count what people see as one character.
            if !text.is_ascii() {
                return None;
            }
            verb.precision.map_or(text.clone(), |most| text.chars().take(most).collect())
        }
        't' => match &node.value {
            Value::Flag(flag) => flag.to_string(),
            _ => return None,
        },
        'd' | 'b' | 'o' | 'x' | 'X' => {
            let number = numeric(node)?;
            #[expect(clippy::cast_possible_truncation, reason = "held to its bounds")]
            let whole = (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)?;
            let digits = match letter {
                'd' => whole.unsigned_abs().to_string(),
                'b' => format!("{:b}", whole.unsigned_abs()),
                'o' => format!("{:o}", whole.unsigned_abs()),
                'x' => format!("{:x}", whole.unsigned_abs()),
                _ => format!("{:X}", whole.unsigned_abs()),
            };
            signed(whole < 0, &digits, verb)
        }
        'f' | 'F' => {
            let number = numeric(node)?;
            signed(number < 0.0, &format!("{:.*}", verb.precision.unwrap_or(6), number.abs()), verb)
        }
        _ => return None,
    };
    let missing = verb.width.saturating_sub(text.len());
    Some(vec![Part::Known(if verb.minus { text + &" ".repeat(missing) } else { " ".repeat(missing) + &text }.into())])
}

/// The digits of a number behind its sign, filled with zeros where the verb asks for them.
fn signed(negative: bool, digits: &str, verb: &Verb) -> String {
    let sign = if negative {
        "-"
    } else if verb.plus {
        "+"
    } else {
        ""
    };
    let zeros = if verb.zero && !verb.minus { verb.width.saturating_sub(sign.len() + digits.len()) } else { 0 };
    format!("{sign}{}{digits}", "0".repeat(zeros))
}

/// JSON as Terraform writes it, members by their names.
fn sorted_json(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", serde_json::Value::from(name.as_str()), sorted_json(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        serde_json::Value::Array(list) => {
            format!("[{}]", list.iter().map(sorted_json).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
