//! The blocks of a module's files, by what they declare.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};

use crate::inventory::{At, DocId};
use crate::sources::terraform::hcl::json::Rewritten;

/// A file that was parsed.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) doc: DocId,
    /// Where its lines begin.
    lines: Vec<usize>,
    text: String,
    /// Where its parts stand, by offset, if it was rewritten from JSON.
    places: Vec<(usize, At)>,
    pub(super) body: Body,
}

/// Something declared, and the file that declares it.
#[derive(Debug)]
pub(super) struct In<'a, T> {
    pub(super) source: &'a Source,
    pub(super) it: &'a T,
}

// Derived, these would want the declared thing to be copied.
impl<T> Clone for In<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for In<'_, T> {}

impl Source {
    /// Parses a file: the place and the parser's words where it cannot be.
    pub(super) fn parse(doc: DocId, text: String) -> Result<Self, (String, At)> {
        match hcl_edit::parser::parse_body(&text) {
            Ok(body) => {
                let lines = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
                Ok(Self { doc, lines: lines.collect(), text, places: vec![], body })
            }
            Err(error) => {
                let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                let (line, column) = (number(error.location().line()), number(error.location().column()));
                Err((error.message().replace('\n', "; "), At { doc, line, column }))
            }
        }
    }

    /// Parses what was rewritten from JSON: of what is wrong the place is the file.
    pub(super) fn rewritten(doc: DocId, from: Rewritten) -> Result<Self, (String, At)> {
        match Self::parse(doc, from.text) {
            Ok(source) => Ok(Self { places: from.places, ..source }),
            Err((what, _)) => Err((what, At::whole(doc))),
        }
    }

    /// Where something stands.
    pub(super) fn at(&self, span: Option<Range<usize>>) -> At {
        let Some(span) = span else { return At::whole(self.doc) };
        if let Some(index) = self.places.partition_point(|(offset, _)| *offset <= span.start).checked_sub(1) {
            return self.places.get(index).map_or_else(|| At::whole(self.doc), |(_, at)| *at);
        }
        let line = self.lines.partition_point(|start| *start <= span.start).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or_default();
        let before = self.text.get(start..span.start).unwrap_or_default();
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        At { doc: self.doc, line: number(line + 1), column: number(before.chars().count() + 1) }
    }

    pub(super) fn place(&self, expression: &Expression) -> At {
        self.at(expression.span())
    }
}

/// What a module declares.
#[derive(Debug, Default)]
pub(super) struct Code<'a> {
    pub(super) folder: PathBuf,
    pub(super) variables: HashMap<&'a str, In<'a, Block>>,
    pub(super) locals: HashMap<&'a str, In<'a, Expression>>,
    /// Whether it is a data source, its type and name.
    pub(super) resources: BTreeMap<(bool, &'a str, &'a str), In<'a, Block>>,
    pub(super) modules: BTreeMap<&'a str, In<'a, Block>>,
    pub(super) outputs: HashMap<&'a str, In<'a, Block>>,
    pub(super) providers: Vec<In<'a, Block>>,
    /// Is it a module that karpcheck knows by itself?
    pub(super) known: bool,
    /// Variables of a known module that its version decides.
    pub(super) facts: Vec<(&'static str, bool)>,
}

impl<'a> Code<'a> {
    /// Indexes the files of a folder. Also the first thing that is declared twice, which Terraform refuses.
    pub(super) fn new(folder: PathBuf, sources: &[&'a Source]) -> (Self, Option<(String, At)>) {
        let mut code = Self { folder, ..Self::default() };
        let mut twice = None;
        for source in sources {
            for block in source.body.blocks() {
                let label = |number: usize| block.labels.get(number).map(hcl_edit::structure::BlockLabel::as_str);
                let here = In { source, it: block };
                let earlier = match (block.ident.as_str(), label(0), label(1)) {
                    ("resource", Some(kind), Some(name)) => code.resources.insert((false, kind, name), here).is_some(),
                    ("data", Some(kind), Some(name)) => code.resources.insert((true, kind, name), here).is_some(),
                    ("module", Some(name), _) => code.modules.insert(name, here).is_some(),
                    ("variable", Some(name), _) => code.variables.insert(name, here).is_some(),
                    ("output", Some(name), _) => code.outputs.insert(name, here).is_some(),
                    ("provider", Some("aws"), _) => {
                        code.providers.push(here);
                        false
                    }
                    ("locals", ..) => {
                        for attribute in block.body.attributes() {
                            code.locals.insert(attribute.key.as_str(), In { source, it: &attribute.value });
                        }
                        false
                    }
                    _ => false,
                };
                if earlier {
                    let names: Vec<&str> = block.labels.iter().map(hcl_edit::structure::BlockLabel::as_str).collect();
                    twice.get_or_insert_with(|| {
                        (format!("{} {}", block.ident.as_str(), names.join(".")), source.at(block.span()))
                    });
                }
            }
        }
        (code, twice)
    }
}
