//! Parsing of files: modules and values, in Terraform's own syntax and in JSON.

use crate::inventory::problem::{FileFormat, FileProblem, IsCut, ProblemKind, TerraformProblem};
use crate::inventory::{At, DocId};
use crate::sources::terraform::hcl::STACK;
use crate::sources::terraform::hcl::code::Source;
use crate::sources::terraform::hcl::json;
use crate::sources::terraform::hcl::json::Rewritten;

/// A file that is not written as Terraform wants it.
pub(super) struct Unparsed {
    /// What is wrong.
    pub(super) what: Box<ProblemKind>,
    /// Where.
    pub(super) at: At,
    /// The whole blocks that stand before it.
    pub(super) before: Option<String>,
}

impl Unparsed {
    fn new(format: FileFormat, error: &str, at: At) -> Self {
        let what = FileProblem::Syntax { format, error: error.into(), cut: IsCut(false) };
        Self { what: Box::new(what.into()), at, before: None }
    }
}

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
                    .map_err(|(what, at)| Unparsed::new(FileFormat::TerraformJson, &what, at)),
                Err((what, at)) => Err(Unparsed::new(FileFormat::Json, &what, at)),
            };
        }
        let parsed = Source::parse(doc, text.clone()).or_else(|_| Source::parse(doc, distinct_keys(text.clone())));
        parsed.map_err(|(what, at)| {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let broken = (at.line as usize).saturating_sub(1).min(lines.len());
            // A block ends with a brace at the beginning of a line.
            let end = lines[..broken].iter().rposition(|line| line.starts_with('}'));
            let cut = IsCut(lines[broken..].iter().skip(1).all(|line| line.trim().is_empty()));
            let what = FileProblem::Syntax { format: FileFormat::Hcl, error: what.into(), cut };
            Unparsed { what: Box::new(what.into()), at, before: end.map(|end| lines[..=end].concat()) }
        })
    });
    match parsed.map(std::thread::JoinHandle::join) {
        Ok(Ok(parsed)) => parsed,
        _ => Err(Unparsed { what: Box::new(TerraformProblem::NotParsed.into()), at: At::whole(doc), before: None }),
    }
}

/// Keys that an object names twice, of which the last one counts for Terraform, are written so that the parser takes them for
/// different ones: `a` as `"a"`, that as `("a")`, and so on.
fn distinct_keys(mut text: String) -> String {
    /// A file with more of them is nobody's.
    const MOST: usize = 100;
    for _ in 0..MOST {
        let Err(error) = hcl_edit::parser::parse_body(&text) else { break };
        let place = error.location();
        // The parser tells its errors apart by their words only.
        if !error.message().contains("redefined object key") {
            break;
        }
        let line: usize = text.split_inclusive('\n').take(place.line().saturating_sub(1)).map(str::len).sum();
        let rest = text.get(line..).unwrap_or_default();
        let Some((column, _)) = rest.char_indices().nth(place.column().saturating_sub(1)) else { break };
        let (from, key) = (line + column, &rest[column..]);
        let opened = key.chars().take_while(|one| *one == '(').count();
        let quoted = key[opened..].starts_with('"');
        let length = if quoted {
            key[opened + 1..].find('"').map(|end| end + 2 + 2 * opened)
        } else {
            key.find(|one: char| !(one.is_alphanumeric() || matches!(one, '_' | '-'))).filter(|length| *length > 0)
        };
        let Some(length) = length.filter(|length| text.is_char_boundary(from + length)) else { break };
        let (before, after) = if quoted { ("(", ")") } else { ("\"", "\"") };
        text.insert_str(from + length, after);
        text.insert_str(from, before);
    }
    text
}
