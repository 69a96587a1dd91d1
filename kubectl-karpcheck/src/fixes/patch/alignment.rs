//! The `=` of arguments that stand on lines below each other, in one column as `terraform fmt` has them.

use std::ops::Range;

/// An argument that stands on one line: `  name = value`.
struct Argument<'t> {
    indent: &'t str,
    name: &'t str,
    /// The column of the `=`, in characters from the name.
    column: usize,
    value: &'t str,
}

impl<'t> Argument<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let line = line.trim_end_matches(['\r', '\n']);
        let rest = line.trim_start_matches([' ', '\t']);
        let indent = &line[..line.len() - rest.len()];
        let end = match rest.strip_prefix('"') {
            Some(quoted) => quoted.find('"')? + 2,
            None => rest.find(|char: char| !(char.is_alphanumeric() || matches!(char, '_' | '-')))?,
        };
        let (name, rest) = rest.split_at(end);
        let padded = rest.trim_start_matches(' ');
        let value = padded.strip_prefix('=').filter(|value| !value.starts_with(['=', '>']))?;
        let column = name.chars().count() + (rest.len() - padded.len());
        (!name.is_empty() && closes(value)).then_some(Self { indent, name, column, value })
    }

    /// Does a text begin here that goes on over the next lines?
    fn opens_text(&self) -> bool {
        self.value.trim_start().starts_with("<<")
    }
}

/// Is every bracket closed on this line? `terraform fmt` leaves what goes on over lines out.
fn closes(value: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_i32, false, false);
    for char in value.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// A text whose new parts, given by their bytes, are aligned with the arguments beside them where these are aligned. No other line
/// changes.
pub(super) fn align(text: &str, new: &[Range<usize>]) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut start = 0;
    let is_new: Vec<bool> = lines
        .iter()
        .map(|line| {
            let own = start..start + line.trim_end().len();
            start += line.len();
            new.iter().any(|new| new.start < own.end && own.start < new.end)
        })
        .collect();
    let mut at = 0;
    while at < lines.len() {
        let run = at..end_of_run(&lines, at);
        at = run.end.max(at + 1);
        if is_new[run.clone()].contains(&true) {
            align_run(&mut lines[run.clone()], &is_new[run]);
        }
    }
    lines.concat()
}

/// The end of the lines of arguments that begin here.
fn end_of_run(lines: &[String], at: usize) -> usize {
    let Some(first) = Argument::read(&lines[at]) else { return at };
    let mut end = at + 1;
    let mut open = first.opens_text();
    while !open && let Some(next) = lines.get(end).and_then(|line| Argument::read(line)) {
        if next.indent != first.indent {
            break;
        }
        open = next.opens_text();
        end += 1;
    }
    end
}

fn align_run(lines: &mut [String], is_new: &[bool]) {
    let arguments: Vec<Argument<'_>> = lines.iter().filter_map(|line| Argument::read(line)).collect();
    let mut others = arguments.iter().zip(is_new).filter(|(_, new)| !**new).map(|(argument, _)| argument.column);
    let Some(column) = others.next() else { return };
    if others.any(|other| other != column) {
        return;
    }
    let aligned: Vec<String> = arguments
        .iter()
        .map(|Argument { indent, name, value, .. }| {
            let width = column.saturating_sub(1);
            format!("{indent}{name:width$} ={value}")
        })
        .collect();
    for ((line, aligned), _) in lines.iter_mut().zip(aligned).zip(is_new).filter(|(_, new)| **new) {
        let end = line[line.trim_end_matches(['\r', '\n']).len()..].to_owned();
        *line = aligned + &end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aligns a text whose new lines are marked with `+`.
    fn aligned(marked: &str) -> String {
        let (mut text, mut new) = (String::new(), vec![]);
        for line in marked.split_inclusive('\n') {
            let plain = line.strip_prefix('+').unwrap_or(line);
            if plain.len() < line.len() {
                new.push(text.len()..text.len() + plain.len());
            }
            text.push_str(plain);
        }
        align(&text, &new)
    }

    #[test]
    fn what_is_new_stands_in_the_column_of_the_others() {
        assert_eq!(
            aligned("x {\n  name       = \"q\"\n+  an_id = true\n  a          = 1\n+  longer_than_these = 2\n}\n"),
            "x {\n  name       = \"q\"\n  an_id      = true\n  a          = 1\n  longer_than_these = 2\n}\n"
        );
        assert_eq!(
            aligned(
                "  ebs = {\n    volumeSize = \"4Gi\"\r\n    \"kms\"      = \"a == {\"\n+    encrypted = true\n  }\n"
            ),
            "  ebs = {\n    volumeSize = \"4Gi\"\r\n    \"kms\"      = \"a == {\"\n    encrypted  = true\n  }\n"
        );
    }

    #[test]
    fn what_stands_apart_or_was_not_aligned_stays() {
        for text in [
            "  a = 1\n  bcd = 2\n+  longest = 3\n",
            "  a = 1\n\n+  longest = 3\n\n  b = 2\n",
            "  a = 1\n  # why\n+  longest = 3\n  policy = jsonencode({\n    b = 1\n  })\n",
            "  a = <<E\n+  longest = 3\n  E\n",
            "  a = 1\n  bc = 2\n",
        ] {
            assert_eq!(aligned(text), text.replace('+', ""));
        }
    }
}
