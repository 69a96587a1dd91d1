//! JSON texts as trees: definitions, and what kubectl last applied.

use crate::schemas::tree::{Node, Whole};

/// Reads a text; none where it is null, or no JSON.
pub(super) fn parse(text: &str) -> Option<Node> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    (reader.at == text.len()).then_some(value).flatten()
}

/// Deeper than any definition or manifest.
const DEEPEST: usize = 200;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\n', '\r', '\t']).len();
    }

    fn takes(&mut self, word: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// A value; none of null.
    fn value(&mut self, depth: usize) -> Option<Option<Node>> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        Some(Some(match self.rest().bytes().next()? {
            b'{' => {
                let mut members = vec![];
                self.list('{', '}', |reader| {
                    reader.blanks();
                    let name = reader.text()?;
                    if !reader.takes(":") {
                        return None;
                    }
                    members.extend(reader.value(depth + 1)?.map(|value| (name, value)));
                    Some(())
                })?;
                Node::Map(members, Whole::Yes)
            }
            b'[' => {
                let mut list = vec![];
                self.list('[', ']', |reader| {
                    list.push(reader.value(depth + 1)?.unwrap_or(Node::Unknown));
                    Some(())
                })?;
                Node::List(list, Whole::Yes)
            }
            b'"' => Node::Text(self.text()?),
            b'n' if self.takes("null") => return Some(None),
            b't' if self.takes("true") => Node::Flag(true),
            b'f' if self.takes("false") => Node::Flag(false),
            _ => {
                let rest = self.rest();
                let length = rest.find(|char: char| !matches!(char, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
                let number = &rest[..length.unwrap_or(rest.len())];
                let value = number.parse().ok()?;
                self.at += number.len();
                Node::Number(value)
            }
        }))
    }

    /// What stands between two brackets, with commas.
    fn list(&mut self, open: char, close: char, mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let (open, close) = (open.to_string(), close.to_string());
        if !self.takes(&open) {
            return None;
        }
        if self.takes(&close) {
            return Some(());
        }
        loop {
            one(self)?;
            if self.takes(&close) {
                return Some(());
            }
            if !self.takes(",") {
                return None;
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.rest().char_indices();
        if chars.next()?.1 != '"' {
            return None;
        }
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at += at + 1;
                    return Some(value);
                }
                '\\' => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    't' => value.push('\t'),
                    'r' => value.push('\r'),
                    'b' => value.push('\u{8}'),
                    'f' => value.push('\u{c}'),
                    'u' => {
                        let code: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                        // Half of a pair, which stands for a sign beyond what names have.
                        value.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?).unwrap_or('\u{fffd}'));
                    }
                    plain => value.push(plain),
                },
                other => value.push(other),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_numbers_lists_and_objects_are_read() {
        let node = parse(r#" {"a" : [1, -2.5e1, true, null, []], "b\"\u00e9\n": "x", "c": null, "d": {}} "#).unwrap();
        let Some(Node::List(list, _)) = node.member("a") else { panic!("{node:?}") };
        let numbers = [Node::Number(1.0), Node::Number(-25.0), Node::Flag(true), Node::Unknown];
        assert_eq!(list[..4], numbers);
        assert_eq!(node.member("b\"é\n"), Some(&Node::Text("x".into())));
        assert_eq!(node.member("c"), None);
        for wrong in ["", "{", "{\"a\"}", "[1,]", "\"open", "tru", "1 2", "{a: 1}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }
}
