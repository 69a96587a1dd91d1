//! Documents that stand as text in another document: JSON policies and event patterns, known in part or as a whole.

use crate::formats::json;
use crate::formats::json::Base;
use crate::inventory::reason::Documents;
use crate::inventory::{Address, At, Cause, List, Map, Node, Part, Symbol, SymbolScope, Text, Value};

/// What stands for a hole while the text is read as JSON: private use characters, which no policy contains.
const FIRST_HOLE: u32 = 0xf_0000;

/// The object that a text holds. Objects stay as they are, what is no JSON becomes unknown, with its reason.
pub(super) fn object(node: Node) -> Node {
    let Value::Text(text) = &node.value else { return node };
    if text.is_empty() {
        return Node::new(Value::Null, node.at);
    }
    let (plain, holes) = marked(text);
    let trimmed = plain.trim();
    if let ([only], Some(_)) = (holes.as_slice(), trimmed.chars().next().filter(|_| trimmed.chars().count() == 1)) {
        return Node::new(Value::Unknown(Box::new(only.reason.clone())), node.at);
    }
    // The CLI decodes what the API returns, an SDK does not.
    let decoded;
    let source = if plain.starts_with("%7B") || plain.starts_with("%7b") {
        decoded = percent_decoded(&plain);
        decoded.as_str()
    } else {
        plain.as_str()
    };
    let (mut nodes, _, broken) = json::read(source, base(node.at, &plain));
    match (nodes.pop(), broken) {
        (Some(mut document), None) if nodes.is_empty() && matches!(document.value, Value::Map(_) | Value::List(_)) => {
            if !holes.is_empty() {
                fill(&mut document, &holes);
            }
            document.at = node.at;
            document
        }
        (_, Some(broken)) if holes.is_empty() => {
            unknown(node.at, Documents::NotJson { error: broken.kind.to_string().into(), line: broken.at.line })
        }
        // A hole may stand for a whole statement, or for the quotes around a text.
        _ => match holes.first() {
            Some(symbol) => Node::new(Value::Unknown(Box::new(symbol.reason.clone())), node.at),
            None => unknown(node.at, Documents::NotAnObject),
        },
    }
}

/// A text with a mark for each of its holes, which the parser of another format takes for a character; [`fill`] puts
/// them back.
pub(super) fn marked(text: &Text) -> (String, Vec<Symbol>) {
    let mut holes: Vec<Symbol> = vec![];
    let mut plain = String::new();
    for part in text.clone().into_parts() {
        match part {
            Part::Known(known) => plain.push_str(&known),
            Part::Hole(symbol) => {
                #[expect(clippy::cast_possible_truncation, reason = "a text has fewer holes than characters")]
                let number = holes.len() as u32;
                let Some(mark) = char::from_u32(FIRST_HOLE + number) else { break };
                plain.push(mark);
                holes.push(symbol);
            }
        }
    }
    (plain, holes)
}

fn unknown(at: At, gap: Documents) -> Node {
    Node::unknown(Cause::Failed, gap, at)
}

/// A text of several lines is a block, whose first line is the place of the text and whose others begin in its column.
fn base(at: At, text: &str) -> Base {
    if at.line > 0 && text.trim_end().contains('\n') { Base::Block(at) } else { Base::Fixed(at) }
}

/// Puts the holes of a [`marked`] text back into what was parsed of it.
pub(super) fn fill(node: &mut Node, holes: &[Symbol]) {
    match &mut node.value {
        Value::Text(text) => fill_text(text, holes),
        Value::List(List { items, .. }) => items.iter_mut().for_each(|node| fill(node, holes)),
        Value::Map(Map { entries, .. }) => {
            for (key, node) in entries {
                fill_text(key, holes);
                fill(node, holes);
            }
        }
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Unknown(_) => {}
    }
}

fn fill_text(text: &mut Text, holes: &[Symbol]) {
    let hole = |char: char| (char as u32).checked_sub(FIRST_HOLE).and_then(|number| holes.get(number as usize));
    let Some(known) = text.known().filter(|known| known.chars().any(|char| hole(char).is_some())) else { return };
    let mut parts = vec![];
    let mut plain = String::new();
    for char in known.chars() {
        match hole(char) {
            Some(symbol) => {
                parts.push(Part::Known(std::mem::take(&mut plain).into()));
                parts.push(Part::Hole(symbol.clone()));
            }
            None => plain.push(char),
        }
    }
    parts.push(Part::Known(plain.into()));
    let filled = Text::from_parts(parts);
    *text = match attribute(&filled) {
        Some(address) => filled.referring(address),
        None => filled,
    };
}

/// A text that is nothing but `${Key.Arn}` refers to the resource, in a document that stands as text, too.
fn attribute(text: &Text) -> Option<Address> {
    let symbol =
        text.hole().filter(|symbol| matches!(symbol.scope, SymbolScope::Template(_)) && text.is(&symbol.name))?;
    let (id, attribute) = symbol.name.strip_prefix("${")?.strip_suffix('}')?.split_once('.')?;
    Some(Address { scope: symbol.scope, id: id.into(), attribute: attribute.into() })
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = (bytes[index] == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::reason::Template;
    use crate::inventory::{DocId, SymbolScope};

    const AT: At = At { doc: DocId(0), line: 7, column: 3 };

    fn hole(name: &str) -> Part {
        Part::Hole(Symbol::new(name, SymbolScope::Run, Template::Placeholder { name: name.into() }))
    }

    #[test]
    fn a_policy_known_in_part_keeps_its_holes() {
        let text = Text::from_parts([
            Part::Known("{\"Statement\": [{\"Condition\": {\"StringEquals\": {\"aws:ResourceTag/cluster/".into()),
            hole("${C}"),
            Part::Known("\": \"owned\"}}, \"Resource\": \"arn:".into()),
            hole("${P}"),
            Part::Known(":x\"}]}".into()),
        ]);
        let document = object(Node::text(text, AT));
        assert_eq!(
            document.to_json().to_string(),
            "{\"Statement\":[{\"Condition\":{\"StringEquals\":{\"aws:ResourceTag/cluster/${C}\":\"owned\"}},\"Resource\":\"arn:${P}:x\"}]}"
        );
        assert!(document.first_unknown().is_some());
    }

    #[test]
    fn what_is_no_policy_is_unknown() {
        for text in ["not json", "[1,", "{\"a\":"] {
            assert!(matches!(object(Node::text(text, AT)).value, Value::Unknown(_)), "{text}");
        }
        assert!(matches!(object(Node::text(Text::from_parts([hole("$POLICY")]), AT)).value, Value::Unknown(_)));
    }

    #[test]
    fn encoded_policies_are_decoded() {
        let document = object(Node::text("%7B%22Version%22%3A%222012-10-17%22%7D", AT));
        assert_eq!(document.str_at(&["Version"]), Some("2012-10-17"));
    }

    #[test]
    fn lines_of_a_block_are_counted() {
        let document = object(Node::text("{\n  \"Statement\": [\n    {\"Sid\": \"x\"}\n  ]\n}", AT));
        let sid = document.member("Statement").and_then(|list| list.elements().first()?.member("Sid")).expect("there");
        assert_eq!(sid.at.line, 9);
    }

    #[test]
    fn a_text_that_is_one_attribute_refers_to_its_resource() {
        let symbol = |name: &str| {
            Part::Hole(Symbol::new(name, SymbolScope::Template(1), Template::WhenMade { name: name.into() }))
        };
        let text = Text::from_parts([
            Part::Known("{\"Resource\": [\"".into()),
            symbol("${EbsKey.Arn}"),
            Part::Known("\", \"".into()),
            symbol("${EbsKey.Arn}"),
            Part::Known("/*\", \"".into()),
            symbol("${KeyArn}"),
            Part::Known("\"]}".into()),
        ]);
        let document = object(Node::text(text, AT));
        let refers: Vec<Option<String>> = document
            .member("Resource")
            .map(Node::elements)
            .unwrap_or_default()
            .iter()
            .map(|node| match &node.value {
                Value::Text(text) => text.refers().map(|address| format!("{} {}", address.id, address.attribute)),
                _ => None,
            })
            .collect();
        assert_eq!(refers, [Some("EbsKey Arn".to_owned()), None, None]);
    }
}
