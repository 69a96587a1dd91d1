//! Plurals, lists, wrapping, and making untrusted texts safe for a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

/// `1 file`, `2 files`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How many places of a row are named. One more is where it would be the only one left.
pub(super) const PLACES: usize = 3;

/// The first few of many, and how many more there are.
pub(super) fn few(all: &[String]) -> Vec<String> {
    if all.len() <= PLACES + 1 {
        return all.to_vec();
    }
    let mut few = all[..PLACES].to_vec();
    few.push(format!("and {} more", all.len() - PLACES));
    few
}

/// May a character not be shown as it is: does it control a terminal, turn the direction of writing, or hide? Names of files
/// and objects are not trusted.
pub(super) const fn is_harmful(char: char) -> bool {
    matches!(char,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// What begins a command in the middle of a line: older ones of GitHub's runner, and those of Azure's agent.
const COMMANDS: [&str; 2] = ["##[", "##vso["];

/// Would a runner of a pipeline take a line for a command?
/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
/// <https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands>
pub(super) fn is_command(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    COMMANDS.iter().any(|command| lower.contains(command)) || begins_command(line.trim_start())
}

/// `::error::`, `::set-output name=x::y`: what a runner takes for a command at the beginning of a line.
fn begins_command(text: &str) -> bool {
    text.strip_prefix("::")
        .is_some_and(|rest| rest.contains("::") && rest.starts_with(|char: char| char.is_ascii_alphabetic()))
}

/// A text that neither controls a terminal nor commands a pipeline, wherever its words end up in a line. Line breaks stay
/// (`\r\n` as `\n`), tabs become blanks.
pub(super) fn clean(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let next = &rest[char.len_utf8()..];
        match char {
            '\r' if next.starts_with('\n') => {}
            '\n' => made.push('\n'),
            '\t' => made.push(' '),
            char if is_harmful(char) => made.push('\u{fffd}'),
            '#' if begins_command_within(rest) => made.push_str("# "),
            ':' if begins_command(rest) && !made.ends_with(|before: char| !before.is_whitespace()) => {
                made.push_str(": ")
            }
            char => made.push(char),
        }
        rest = next;
    }
    made
}

/// Does a text begin with what is a command in the middle of a line, too?
pub(super) fn begins_command_within(text: &str) -> bool {
    COMMANDS.iter().any(|command| text.get(..command.len()).is_some_and(|start| start.eq_ignore_ascii_case(command)))
}

/// The same on one line.
pub(super) fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Columns that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text in lines of at most `columns`. Line breaks and indents of the text stay. A word that is longer than a line
/// is not broken, so that an ARN or a path can be copied.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![];
    for paragraph in text.trim_end().split('\n') {
        let indent = &paragraph[..paragraph.len() - paragraph.trim_start().len()];
        let mut line = indent.to_owned();
        for word in paragraph.split_whitespace() {
            let begun = line.len() > indent.len();
            if begun && width(&line) + 1 + width(word) > columns {
                lines.push(std::mem::replace(&mut line, indent.to_owned()));
                line.push_str(word);
                continue;
            }
            if begun {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The beginning of a text that has no room.
pub(super) fn begin_of(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let kept: String = fitting(text.chars(), room).collect();
    format!("{kept}…")
}

/// The end of a text that has no room: paths differ there.
pub(super) fn end_of(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let kept: Vec<char> = fitting(text.chars().rev(), room).collect();
    format!("…{}", kept.into_iter().rev().collect::<String>())
}

/// The first characters that leave a column of the room for an ellipsis.
fn fitting(chars: impl Iterator<Item = char>, room: usize) -> impl Iterator<Item = char> {
    let mut taken = 1;
    chars.take_while(move |char| {
        taken += char.width().unwrap_or(0);
        taken <= room
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_word_is_not_broken() {
        let arn = "arn:aws:kms:eu-west-1:111122223333:key/0123";
        assert_eq!(wrap(&format!("the key {arn} is disabled"), 20), ["the key", arn, "is disabled"]);
    }

    #[test]
    fn indents_and_line_breaks_stay() {
        assert_eq!(wrap("add:\n  one two\n\nthen", 7), ["add:", "  one", "  two", "", "then"]);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(wrap("鍵鍵 鍵鍵", 8), ["鍵鍵", "鍵鍵"]);
    }

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\td"), "a\u{fffd}[31mb\u{fffd}c d");
        assert_eq!(one_line("a\n  b\r\nc"), "a b c");
    }

    #[test]
    fn no_text_commands_a_pipeline() {
        for text in ["##[error]x", "a ##VSO[task.setvariable]x", "::error::x", "a ::set-env name=b::c", "x\n::debug::"]
        {
            let clean = clean(text);
            assert!(!clean.lines().any(is_command), "{clean}");
            assert!(!clean.split(' ').any(is_command), "{clean}");
        }
        for text in ["AWS::SQS::Queue", "::1", "a # b", "## [x]", "arn:aws:sqs:::"] {
            assert_eq!(clean(text), text);
        }
        assert_eq!(clean("a\u{9b}b\u{200b}c\u{feff}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }

    #[test]
    fn plurals_and_lists_read_right() {
        assert_eq!((count(1, "file"), count(0, "file")), ("1 file".into(), "0 files".into()));
        let words = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(
            (and(&words[..1]), and(&words[..2]), and(&words)),
            ("a".into(), "a and b".into(), "a, b and c".into())
        );
    }
}
