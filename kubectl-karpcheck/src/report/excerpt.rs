//! The line of a file that a finding is about, with the part that is meant.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;

use crate::inventory::Origin;
use crate::report::rows::Spot;
use crate::report::text;

/// Larger files are not read a second time for one line of them.
const MAX_SIZE: u64 = 8 << 20;

/// A line of a source, fit for a terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Excerpt {
    /// Its number, from 1.
    pub(super) line: usize,
    /// The line without control characters.
    pub(super) text: String,
    /// The bytes of it that are meant.
    pub(super) span: Range<usize>,
}

/// The files that findings name, each read once.
#[derive(Debug, Default)]
pub(super) struct Excerpts {
    files: HashMap<String, Option<Vec<String>>>,
}

impl Excerpt {
    /// The same in at most so many columns: what stands before and behind the part that is meant is left out first.
    pub(super) fn fit(mut self, columns: usize) -> Self {
        if text::width(&self.text) <= columns {
            return self;
        }
        // A word before it says what it is the value of.
        let before = &self.text[..self.span.start];
        let meant = text::width(&self.text[self.span.clone()]);
        let context = text::end_of(before.trim_start(), columns.saturating_sub(meant + 2).clamp(8, columns / 2));
        let rest = text::begin_of(&self.text[self.span.start..], columns.saturating_sub(text::width(&context)));
        let end = (context.len() + self.span.len()).min(context.len() + rest.len());
        self.span = context.len()..end;
        self.text = context + &rest;
        self
    }
}

impl Excerpts {
    /// The line of a spot; none for what is not in a file, for standard input, and for a file that is gone or not text.
    pub(super) fn of(&mut self, spot: Spot<'_>) -> Option<Excerpt> {
        let lines = self.lines(spot)?;
        let line = spot.at.line as usize;
        let text = text::clean(lines.get(line - 1)?).trim_end().to_owned();
        let span = span(&text, spot.at.column as usize);
        (!text.trim().is_empty()).then_some(Excerpt { line, text, span })
    }
}

impl Excerpts {
    /// The column behind what is meant at a spot.
    pub(super) fn end(&mut self, spot: Spot<'_>) -> Option<u32> {
        let lines = self.lines(spot)?;
        let line = lines.get(spot.at.line as usize - 1)?;
        let end = span(line, spot.at.column as usize).end;
        u32::try_from(line.get(..end)?.chars().count() + 1)
            .ok()
            .filter(|end| spot.at.column > 0 && *end > spot.at.column)
    }

    /// The lines around a spot: the number of the first, and they without control characters.
    pub(super) fn around(&mut self, spot: Spot<'_>, context: usize) -> Option<(usize, Vec<String>)> {
        let lines = self.lines(spot)?;
        let meant = spot.at.line as usize;
        let first = meant.saturating_sub(context).max(1);
        let last = (meant + context).min(lines.len());
        let shown = lines.get(first - 1..last)?.iter().map(|line| text::clean(line).trim_end().to_owned());
        Some((first, shown.collect()))
    }

    fn lines(&mut self, spot: Spot<'_>) -> Option<&[String]> {
        let (Origin::File(path) | Origin::Setting(path)) = spot.origin else { return None };
        if &**path == "-" || spot.at.line == 0 {
            return None;
        }
        self.files.entry((**path).to_owned()).or_insert_with(|| read(path)).as_deref()
    }
}

fn read(path: &str) -> Option<Vec<String>> {
    let regular = fs::metadata(path).ok()?;
    if !regular.is_file() || regular.len() > MAX_SIZE {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    Some(text.strip_prefix('\u{feff}').unwrap_or(text).lines().map(str::to_owned).collect())
}

/// The bytes of what begins a text without quotes: to the bracket that closes what it opens, to where it ends in a flow, or to a comment.
fn unquoted(text: &str) -> usize {
    let is_flow = text.starts_with(['{', '[']);
    let (mut depth, mut quote, mut before) = (0_usize, None, ' ');
    for (byte, char) in text.char_indices() {
        let next = text[byte + char.len_utf8()..].chars().next();
        match (quote, char) {
            (Some(quoted), char) => quote = (char != quoted || before == '\\').then_some(quoted),
            (None, '"' | '\'') if depth > 0 && " {[:,".contains(before) => quote = Some(char),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => match depth {
                0 => return byte,
                1 if is_flow => return byte + 1,
                _ => depth -= 1,
            },
            (None, ',') if depth == 0 && next == Some(' ') => return byte,
            (None, ' ') if depth == 0 && next == Some('#') => return byte,
            _ => {}
        }
        before = char;
    }
    text.len()
}

/// What begins at a column (from 1, in characters): a quoted scalar to its quote, another to where it ends in a flow or before
/// a comment, a map or list in brackets to the last of these.
fn span(line: &str, column: usize) -> Range<usize> {
    let indent = line.len() - line.trim_start().len();
    let start = match column {
        0 => indent,
        column => line.char_indices().nth(column - 1).map_or(indent, |(byte, _)| byte),
    };
    let rest = &line[start..];
    let length = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, char)| {
                let ends = *char == quote && !escaped;
                escaped = *char == '\\' && !escaped && quote == '"';
                ends
            });
            end.map_or(rest.len(), |(byte, _)| byte + 1)
        }
        Some(_) => unquoted(rest),
        None => 0,
    };
    let whole = rest[..length].trim_end();
    let whole = if whole.starts_with(['"', '\'']) { whole } else { whole.trim_end_matches(',') };
    start..start + whole.len().max(usize::from(!rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_what_is_meant() {
        let line = "      \"Resource\": \"arn:aws:sqs:eu-west-1:111122223333:karpenter\", \"Effect\": \"Allow\"";
        for columns in [30, 40, 60, 100] {
            let excerpt = Excerpt { line: 3, text: line.into(), span: span(line, 19) };
            let fit = excerpt.fit(columns);
            assert!(text::width(&fit.text) <= columns, "{columns}: {}", fit.text);
            assert!(fit.text[fit.span].starts_with("\"arn:aws"), "{columns}: {}", fit.text);
        }
    }

    #[test]
    fn the_scalar_is_meant_and_no_more() {
        let meant = |line: &'static str, column| line[span(line, column)].to_owned();
        assert_eq!(meant("    name: karpenter # the queue", 11), "karpenter");
        assert_eq!(meant("  \"KmsMasterKeyId\": \"alias/aws/sqs\",", 21), "\"alias/aws/sqs\"");
        assert_eq!(meant("ebs: {kmsKeyID: abc, encrypted: true}", 17), "abc");
        assert_eq!(meant("ebs: {kmsKeyID: 'a b'}", 17), "'a b'");
        assert_eq!(meant("  spec: {}", 9), "{}");
        assert_eq!(meant("- {ebs: {kmsKeyID: 'a}', iops: 1}, x: y}", 4), "ebs: {kmsKeyID: 'a}', iops: 1}");
        assert_eq!(meant("- {ebs: {kmsKeyID: 'a}', iops: 1}, x: y}", 9), "{kmsKeyID: 'a}', iops: 1}");
        assert_eq!(meant("role-arn: ${module.karpenter.arn} # ours", 11), "${module.karpenter.arn}");
        assert_eq!(meant("  spec: {a: b,", 9), "{a: b");
        assert_eq!(meant("  \"Resource\": 5,", 15), "5");
        assert_eq!(meant("  a: é", 6), "é");
        assert_eq!(meant("  tags", 0), "tags");
        // A column that the line does not have.
        assert_eq!(meant("  tags", 90), "tags");
    }
}
