//! Parsing of files: modules and values, in Terraform's own syntax and in JSON.

use crate::inventory::{At, DocId};
use crate::sources::terraform::hcl::STACK;
use crate::sources::terraform::hcl::code::Source;
use crate::sources::terraform::hcl::json;
use crate::sources::terraform::hcl::json::Rewritten;

/// What is wrong with a file, where, and the whole blocks that stand before it.
pub(super) type Unparsed = (String, At, Option<String>);

/// Parses a file of a module.
pub(super) fn parse(doc: DocId, text: String) -> Result<Source, Unparsed> {
    parse_with(doc, text, json::rewrite)
}

/// Parses a file of values.
pub(super) fn parse_values(doc: DocId, text: String) -> Result<Source, Unparsed> {
    parse_with(doc, text, json::rewrite_values)
}

/// How a file in JSON becomes one in Terraform's own syntax.
type Rewrite = fn(DocId, &str) -> Result<Rewritten, (String, At)>;

/// Parsing nests as the text does, within the parser's own bounds.
fn parse_with(doc: DocId, text: String, rewrite: Rewrite) -> Result<Source, Unparsed> {
    let parsed = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        // No block of Terraform's own syntax begins with a brace.
        if text.trim_start().starts_with('{') {
            return match rewrite(doc, &text) {
                Ok(rewritten) => Source::rewritten(doc, rewritten)
                    .map_err(|(what, at)| (format!("Terraform code: {what}"), at, None)),
                Err((what, at)) => Err((format!("JSON: {what}"), at, None)),
            };
        }
        Source::parse(doc, text.clone()).map_err(|(what, at)| {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let broken = (at.line as usize).saturating_sub(1).min(lines.len());
            // A block ends with a brace at the beginning of a line.
            let end = lines[..broken].iter().rposition(|line| line.starts_with('}'));
            let cut = if lines[broken..].iter().skip(1).all(|line| line.trim().is_empty()) {
                " (is the file whole?)"
            } else {
                ""
            };
            (format!("HCL: {what}{cut}"), at, end.map(|end| lines[..=end].concat()))
        })
    });
    match parsed.map(std::thread::JoinHandle::join) {
        Ok(Ok(parsed)) => parsed,
        _ => Err(("HCL: it cannot be parsed".to_owned(), At::whole(doc), None)),
    }
}
