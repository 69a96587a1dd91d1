//! Makes texts of a guest safe to show.

/// How many characters are looked at for each byte that may be kept: megabytes of blanks are no sentence.
const LOOKED_AT: usize = 16;

/// One line: every run of blanks and control characters is one blank. Cut at `most` bytes.
pub(super) fn line(text: &str, most: usize) -> String {
    if text.len() <= most && is_clean(text.as_bytes()) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len().min(most));
    for char in text.chars().take(most.saturating_mul(LOOKED_AT)) {
        if char.is_whitespace() || char.is_control() {
            if !clean.ends_with(' ') && !clean.is_empty() {
                clean.push(' ');
            }
        } else if !invisible(char) {
            clean.push(char);
        }
        if clean.len() > most {
            break;
        }
    }
    clean.truncate(clean.trim_end().len());
    cut(clean, most)
}

/// Is it one line already, as most texts are: words of ASCII with one blank between them?
fn is_clean(text: &[u8]) -> bool {
    let mut blank = true;
    for byte in text {
        match byte {
            b' ' if blank => return false,
            b' '..=b'~' => blank = *byte == b' ',
            _ => return false,
        }
    }
    !blank || text.is_empty()
}

/// Markdown: lines stay, other control characters go. Cut at `most` bytes.
pub(super) fn page(text: &str, most: usize) -> String {
    // Pages are looked at when a pack is loaded, at each start.
    if text.len() <= most && text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len().min(most));
    for char in text.chars().take(most.saturating_mul(LOOKED_AT)) {
        match char {
            '\n' => clean.push('\n'),
            '\t' => clean.push_str("    "),
            char if char.is_control() || invisible(char) => {}
            char => clean.push(char),
        }
        if clean.len() > most {
            break;
        }
    }
    cut(clean, most)
}

/// A pointer up to the first segment that cannot be shown: keys in a hostile file are not the rule's mistake.
pub(super) fn pointer(mut pointer: String) -> String {
    if let Some(bad) = pointer.find(|char: char| char.is_control() || invisible(char)) {
        pointer.truncate(pointer[..bad].rfind('/').unwrap_or(0));
    }
    pointer
}

/// Characters that reverse or hide the text around them.
const fn invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most.saturating_sub('…'.len_utf8())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_or_hides_is_left() {
        assert_eq!(line("a\u{1b}[31mred\u{7}\r\nb\u{202e}c\u{9b}2J", 100), "a [31mred bc 2J");
        assert_eq!(line("  \n ", 100), "");
        assert_eq!(line(&format!("a{}b", " ".repeat(3_000)), 100), "a", "blanks without end are not looked at");
        assert_eq!(page("# a\r\n\tb\u{1b}[2J\u{0}", 100), "# a\n    b[2J");
    }

    #[test]
    fn the_short_way_answers_as_the_long_one() {
        for text in ["", " ", "a", "a b", " a", "a ", "a  b", "a\tb", "é", "~", "\u{7f}", "a\u{200b}", "a b c"] {
            let long = line(&format!("{text}\n"), 100);
            assert_eq!(line(text, 100), long, "{text:?}");
            assert!(is_clean(text.as_bytes()) || text != long || !text.is_ascii(), "{text:?}");
        }
    }

    #[test]
    fn pointers_end_before_what_cannot_be_shown() {
        assert_eq!(pointer("/a/b\u{1b}[2J/c".into()), "/a");
        assert_eq!(pointer("/a/b".into()), "/a/b");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(line("ééééé", 7), "éé…");
        assert_eq!(line(&"x".repeat(10), 10), "x".repeat(10));
        assert!(line(&"é".repeat(1_000_000), 100).len() <= 100);
    }
}
