//! Comments of files that are meant for karpcheck: `# karpcheck:ignore …`, and those that only look like it.

use memchr::memmem;

use crate::inventory::node::{At, DocId};

/// The word that such a comment begins with.
const MARK: &str = "karpcheck:ignore";

/// What a word begins with that was meant to suppress something.
const MEANT: &[&str] = &["ignor", "disabl", "skip", "suppress"];

/// A comment that is meant for karpcheck.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// Where it stands.
    pub at: At,
    /// The line that it is about: its own where something stands before it, else the next one that is no comment.
    pub line: u32,
    /// What stands behind the mark, to the end of the line.
    pub text: Box<str>,
    /// Is the mark written otherwise, so that nothing is suppressed though somebody meant to?
    pub misspelt: bool,
}

impl Remark {
    /// The remarks of a text of YAML or HCL. Most texts have none, so that one search is all they cost.
    pub(crate) fn all(doc: DocId, text: &str) -> Vec<Self> {
        if memmem::find(text.as_bytes(), b"arpcheck").is_none() {
            return vec![];
        }
        let lines: Vec<&str> = text.lines().collect();
        let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
        let about = |after: usize| lines[after..].iter().position(|line| says_something(line)).map(|more| after + more);
        let of_line = |(index, line): (usize, &&str)| {
            let exact = line.split_once(MARK).and_then(|(before, behind)| {
                let text = behind.strip_prefix(char::is_whitespace).or_else(|| behind.is_empty().then_some(behind))?;
                let before = before.trim_end();
                match before.strip_suffix("/*") {
                    Some(start) => Some((start, text.trim_end().strip_suffix("*/")?)),
                    None => Some((["#", "//"].into_iter().find_map(|sign| before.strip_suffix(sign))?, text)),
                }
            });
            let misspelt = exact.is_none();
            let within = || within_comment(&lines[..index], line);
            let (start, text) = exact.or_else(|| like_mark(line)).or_else(within)?;
            let itself = (!start.trim().is_empty()).then_some(index);
            let column = number(start.chars().count());
            let at = At { doc, line: number(index), column };
            Some(Self { at, line: number(itself.or_else(|| about(index + 1))?), text: text.trim().into(), misspelt })
        };
        lines.iter().enumerate().filter_map(of_line).collect()
    }
}

/// What stands before a comment that only looks like one for karpcheck, and the comment.
fn like_mark(line: &str) -> Option<(&str, &str)> {
    let (before, _) = line.split_once("arpcheck")?;
    let before = before.trim_end_matches(['k', 'K']).trim_end();
    let start = ["#", "//", "/*"].into_iter().find_map(|sign| before.strip_suffix(sign))?;
    let comment = line[before.len()..].trim();
    let word = comment.get("karpcheck".len()..)?.trim_start_matches([':', ' ', '\t', '-', '_', '/', '.', '@']);
    let word = word.to_ascii_lowercase();
    MEANT.iter().any(|meant| word.starts_with(meant)).then_some((start, comment))
}

/// The mark on a line of its own within a comment of several lines, which is about no line.
fn within_comment<'t>(before: &[&str], line: &'t str) -> Option<(&'t str, &'t str)> {
    let comment = line.trim_start().trim_start_matches(['*', ' ']);
    let start = comment.starts_with(MARK).then(|| &line[..line.len() - line.trim_start().len()])?;
    let opened = before.iter().rposition(|line| line.trim_start().starts_with("/*"))?;
    (!before[opened..].iter().any(|line| line.contains("*/"))).then_some((start, comment))
}

/// Is there more than a comment or the end of a document on this line?
fn says_something(line: &str) -> bool {
    let line = line.trim();
    !(line.is_empty() || line.starts_with('#') || line.starts_with("//") || line.starts_with("---"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(u32, u32, u32, String)> {
        let remarks = Remark::all(DocId(0), text).into_iter();
        remarks.map(|remark| (remark.at.line, remark.at.column, remark.line, remark.text.to_string())).collect()
    }

    #[test]
    fn a_comment_is_about_its_line_or_the_next_one() {
        assert_eq!(all("a: 1 # karpcheck:ignore x reason=y"), [(1, 6, 1, "x reason=y".to_owned())]);
        assert_eq!(all("  # karpcheck:ignore x\n\n# more\n---\na: 1\n"), [(1, 3, 5, "x".to_owned())]);
        assert_eq!(all("// karpcheck:ignore x\nresource \"a\" \"b\" {\n"), [(1, 1, 2, "x".to_owned())]);
        assert_eq!(all("#karpcheck:ignore\na: 1"), [(1, 1, 2, String::new())]);
        assert_eq!(all("a = 1 /* karpcheck:ignore x reason=y */"), [(1, 7, 1, "x reason=y".to_owned())]);
        assert_eq!(all("/* karpcheck:ignore x */\na = 1"), [(1, 1, 2, "x".to_owned())]);
    }

    #[test]
    fn what_only_looks_like_such_a_comment_is_misspelt() {
        for mark in [
            "# karpcheck: ignore x",
            "# Karpcheck:ignore x",
            "#karpcheck ignore x",
            "// karpcheck-ignore x",
            "/* karpcheck:ignore x",
            "# karpcheck:ignored x",
            "# karpcheck:disable x",
            "# karpcheck:ignore=x",
        ] {
            let text = format!("a: 1 {mark}");
            let found = Remark::all(DocId(0), &text);
            assert!(matches!(found.as_slice(), [only] if only.misspelt && only.line == 1), "{mark}: {found:?}");
        }
        for comment in ["/*\nkarpcheck:ignore x\n*/\na = 1", "/* of ours:\n * karpcheck:ignore x\n */\na = 1"] {
            let found = Remark::all(DocId(0), comment);
            assert!(matches!(found.as_slice(), [only] if only.misspelt && only.at.line == 2), "{comment}: {found:?}");
        }
        assert_eq!(all("/* a */\nkarpcheck:ignore x\nb = 1"), []);
        assert!(Remark::all(DocId(0), "a: 1 # karpcheck:ignore x").iter().all(|remark| !remark.misspelt));
        for other in ["# karpcheck found this", "image: karpcheck/ignore", "# run karpcheck: ignore its notes"] {
            assert_eq!(all(&format!("{other}\na: 1")), [], "{other}");
        }
    }

    #[test]
    fn what_is_no_such_comment_is_none() {
        assert_eq!(all("a: karpcheck:ignore x"), []);
        assert_eq!(all("# see karpcheck:ignore x\na: 1"), []);
        assert_eq!(all("a: 1\n# karpcheck:ignore x"), []);
    }
}
