//! JSON texts as trees: definitions, and what kubectl last applied.

use crate::schemas::tree::{Node, Whole};

/// What a text is taken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Texts {
    AsWritten,
    /// One that a tool is yet to fill in is known in part.
    Templates,
}

/// Reads a text; none where it is null, or no JSON.
pub(super) fn parse(text: &str, texts: Texts) -> Option<Node> {
    parse_without(text, texts, &[])
}

/// The same, but these members of the object are left out.
pub(super) fn parse_without(text: &str, texts: Texts, left_out: &[&str]) -> Option<Node> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, texts };
    let value = reader.value(0, left_out)?;
    reader.blanks();
    (reader.at == text.len()).then_some(value).flatten()
}

/// Deeper than any definition or manifest.
const DEEPEST: usize = 200;

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    texts: Texts,
}

impl Reader<'_> {
    fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.next(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, sign: u8) -> bool {
        self.blanks();
        let found = self.next() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// A value, without these members; none of null.
    fn value(&mut self, depth: usize, left_out: &[&str]) -> Option<Option<Node>> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        Some(Some(match self.next()? {
            b'{' => {
                let mut members = vec![];
                self.list(b'}', |reader| {
                    reader.blanks();
                    let name = reader.text()?;
                    if !reader.takes(b':') {
                        return None;
                    }
                    if left_out.contains(&name.as_str()) {
                        return reader.pass_over();
                    }
                    members.extend(reader.value(depth + 1, &[])?.map(|value| (name, value)));
                    Some(())
                })?;
                Node::Map(members, Whole::Yes)
            }
            b'[' => {
                let mut list = vec![];
                self.list(b']', |reader| {
                    list.push(reader.value(depth + 1, &[])?.unwrap_or(Node::Unknown));
                    Some(())
                })?;
                Node::List(list, Whole::Yes)
            }
            b'"' => {
                let text = self.text()?;
                if self.texts == Texts::Templates { Node::of_text(text) } else { Node::Text(text) }
            }
            b'n' if self.takes_word("null") => return Some(None),
            b't' if self.takes_word("true") => Node::Flag(true),
            b'f' if self.takes_word("false") => Node::Flag(false),
            _ => {
                let start = self.at;
                while matches!(self.next(), Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
                    self.at += 1;
                }
                Node::Number(self.text.get(start..self.at)?.parse().ok()?)
            }
        }))
    }

    /// Goes to the end of a value, of which only that matters.
    fn pass_over(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.next()? {
                b'"' => {
                    self.at += 1;
                    loop {
                        match self.next()? {
                            b'"' => break,
                            b'\\' => self.at += 2,
                            _ => self.at += 1,
                        }
                    }
                }
                b'{' | b'[' => open += 1,
                b',' if open == 0 => return Some(()),
                b'}' | b']' => match open.checked_sub(1) {
                    Some(left) => open = left,
                    None => return Some(()),
                },
                _ => {}
            }
            self.at += 1;
        }
    }

    /// What stands between an opening bracket, which is the next sign, and its closing one, with commas.
    fn list(&mut self, close: u8, mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.takes(close) {
            return Some(());
        }
        loop {
            one(self)?;
            if self.takes(close) {
                return Some(());
            }
            if !self.takes(b',') {
                return None;
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        if self.next()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        // Most texts have nothing that is escaped.
        let end = start + self.bytes[start..].iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let mut value = self.text.get(start..end)?.to_owned();
        if self.bytes[end] == b'"' {
            self.at = end + 1;
            return Some(value);
        }
        let mut chars = self.text.get(end..)?.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at = end + at + 1;
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

    fn parse(text: &str) -> Option<Node> {
        super::parse(text, Texts::AsWritten)
    }

    #[test]
    fn members_are_left_out_whatever_they_hold() {
        let text = r#"{"a": 1, "b": {"a": ["}", "\\", "\"]", {}]}, "c": [1], "d": "x,}", "e": {"b": 2}}"#;
        let node = parse_without(text, Texts::AsWritten, &["b", "c", "d"]).unwrap();
        assert_eq!(Some(node), parse(r#"{"a": 1, "e": {"b": 2}}"#));
        assert_eq!(parse_without(r#"{"b": {"#, Texts::AsWritten, &["b"]), None);
        assert_eq!(parse_without(r#"{"b": "x"#, Texts::AsWritten, &["b"]), None);
    }

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
