//! JSON and YAML whose texts neither control a terminal nor command a pipeline, and lose nothing: what might is escaped.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_yaml::Value;

use crate::report::text;

/// Writes a value as JSON over several lines.
pub(super) fn json<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    // What is written comes sign by sign.
    let mut lines = BufWriter::new(Lines { line: vec![], out });
    serde_json::to_writer_pretty(&mut lines, value)?;
    lines.into_inner()?.end()
}

/// Escapes what is written through it line by line, so that a report of any size is written with the memory of its longest line.
struct Lines<'a> {
    line: Vec<u8>,
    out: &'a mut dyn Write,
}

impl Lines<'_> {
    fn end(&mut self) -> io::Result<()> {
        if is_plain(&self.line) {
            self.line.push(b'\n');
            self.out.write_all(&self.line)?;
        } else {
            let line = std::str::from_utf8(&self.line).map_err(io::Error::other)?;
            self.out.write_all(escaped(line, false).as_bytes())?;
            self.out.write_all(b"\n")?;
        }
        self.line.clear();
        Ok(())
    }
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.line.extend_from_slice(&rest[..end]);
            self.end()?;
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a value as YAML.
pub(super) fn yaml<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    let value = serde_yaml::to_value(value).map_err(io::Error::other)?;
    for line in lines(&value)? {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Is there nothing to escape, as in most lines: no control character, no command, and nothing beyond ASCII?
fn is_plain(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' '..=b'~' if *byte != b'#'))
}

/// A text of JSON, in which only strings hold what must be escaped. YAML has one escape for a character, JSON two halves.
fn escaped(json: &str, yaml: bool) -> String {
    let mut made = String::with_capacity(json.len());
    for (at, char) in json.char_indices() {
        match char {
            '\n' => made.push('\n'),
            '#' if text::begins_command_within(&json[at..]) => made.push_str("\\u0023"),
            char if text::is_harmful(char) && yaml && char > '\u{ffff}' => {
                let _ = write!(made, "\\U{:08x}", u32::from(char));
            }
            char if text::is_harmful(char) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let _ = write!(made, "\\u{unit:04x}");
                }
            }
            char => made.push(char),
        }
    }
    made
}

/// A value's lines at no margin.
fn lines(value: &Value) -> io::Result<Vec<String>> {
    let mut made = vec![];
    match value {
        Value::Mapping(members) if !members.is_empty() => {
            for (key, value) in members {
                let key = scalar(key)?;
                match value {
                    Value::Mapping(inner) if !inner.is_empty() => {
                        made.push(format!("{key}:"));
                        made.extend(lines(value)?.iter().map(|line| format!("  {line}")));
                    }
                    Value::Sequence(inner) if !inner.is_empty() => {
                        made.push(format!("{key}:"));
                        made.extend(lines(value)?);
                    }
                    value => made.push(format!("{key}: {}", scalar(value)?)),
                }
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for item in items {
                let inner = lines(item)?;
                made.extend(
                    inner.iter().zip(0..).map(|(line, at)| format!("{}{line}", if at == 0 { "- " } else { "  " })),
                );
            }
        }
        value => made.push(scalar(value)?),
    }
    Ok(made)
}

/// What has no lines of its own.
fn scalar(value: &Value) -> io::Result<String> {
    if let Value::String(text) = value {
        let hides = text.contains(text::is_harmful) || text::is_command(text);
        if hides {
            return Ok(escaped(&serde_json::to_string(text)?, true));
        }
    }
    let written = serde_yaml::to_string(value).map_err(io::Error::other)?;
    let written = written.trim_end_matches('\n');
    Ok(match value {
        Value::String(text) if text == written && is_another_type_in_yaml_1_1(text) => format!("'{text}'"),
        _ => written.to_owned(),
    })
}

/// Would a reader of YAML 1.1 (PyYAML, Ruby's Psych, kubectl's own) take a text without quotes for something else: a date, `on`, `1_000`,
/// `12:30`? What both versions take for something else is in quotes anyway.
/// <https://yaml.org/type/>
fn is_another_type_in_yaml_1_1(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if ["y", "n", "yes", "no", "on", "off", "=", "<<"].contains(&&*lower) {
        return true;
    }
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    number.starts_with(|char: char| char.is_ascii_digit() || char == '.')
        && number.chars().any(|char| char.is_ascii_digit())
        && number.chars().all(|char| char.is_ascii_hexdigit() || "_.:-+xXoOtTzZ ".contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_back_whole() {
        let hostile = [
            "::error::a",
            "##[error]x ##vso[a]",
            "a\nb: c\n",
            "\u{9b}31m\u{202e}\u{200b}\u{e0041}\u{7f}",
            "- # 'x'",
            "true",
            "",
            "2026-11-29T12:48:02Z",
            "12:30:45",
            "yes",
        ];
        let value = serde_json::json!({"a": hostile, "::b::": {"c": [], "d": {}, "e": null, "f": [[1, 2], {"g": hostile[2], "h": 1.5}]}});
        let (mut json, mut yaml) = (vec![], vec![]);
        self::json(&value, &mut json).unwrap();
        self::yaml(&value, &mut yaml).unwrap();
        let (json, yaml) = (String::from_utf8(json).unwrap(), String::from_utf8(yaml).unwrap());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value, "{json}");
        assert_eq!(serde_yaml::from_str::<serde_json::Value>(&yaml).unwrap(), value, "{yaml}");
        for quoted in ["'2026-11-29T12:48:02Z'", "'12:30:45'", "'yes'"] {
            assert!(yaml.contains(&format!("- {quoted}\n")), "{yaml}");
        }
        for text in [json, yaml] {
            assert!(!text.contains(|char| char != '\n' && text::is_harmful(char)), "{text}");
            assert!(!text.lines().any(text::is_command), "{text}");
        }
    }
}
