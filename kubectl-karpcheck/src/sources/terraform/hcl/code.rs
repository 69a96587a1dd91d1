//! The blocks of a module's files, by what they declare.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, BlockLabel, Body, Structure};
use hcl_edit::template::Template;

use crate::inventory::{At, DocId, Node};
use crate::sources::terraform::hcl::heredocs::without_needless_dashes;
use crate::sources::terraform::hcl::json::Rewritten;

/// A file that was parsed, or all files of a folder whose overrides were merged.
#[derive(Debug)]
pub(super) struct Source {
    /// The file, or the first of them.
    pub(super) doc: DocId,
    /// In their order. What is parsed says where it stands by its offset in all of them.
    files: Vec<SourceFile>,
    pub(super) body: Body,
}

/// A template that stands in a file of its own, which `templatefile` renders.
#[derive(Debug)]
pub(super) struct TemplateFile {
    /// Its text, as a source without blocks.
    pub(super) source: Source,
    pub(super) template: Template,
}

/// The text of a file.
#[derive(Debug)]
struct SourceFile {
    doc: DocId,
    /// Where it begins among the others.
    start: usize,
    /// Where its lines begin.
    lines: Vec<usize>,
    text: String,
    /// Where its parts stand, by offset, if it was rewritten from JSON.
    places: Vec<(usize, At)>,
}

impl SourceFile {
    fn new(doc: DocId, text: String) -> Self {
        let lines = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { doc, start: 0, lines, text, places: vec![] }
    }

    fn at(&self, offset: usize) -> At {
        if let Some(index) = self.places.partition_point(|(start, _)| *start <= offset).checked_sub(1) {
            return self.places.get(index).map_or_else(|| At::whole(self.doc), |(_, at)| *at);
        }
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        At { doc: self.doc, line: number(line + 1), column: number(before.chars().count() + 1) }
    }
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
        let text = without_needless_dashes(text);
        match hcl_edit::parser::parse_body(&text) {
            Ok(body) => Ok(Self { doc, files: vec![SourceFile::new(doc, text)], body }),
            Err(error) => Err(broken(doc, &error)),
        }
    }

    /// A file without blocks.
    pub(super) fn empty(doc: DocId) -> Self {
        Self { doc, files: vec![], body: Body::new() }
    }

    /// Parses what was rewritten from JSON: of what is wrong the place is the file.
    pub(super) fn rewritten(doc: DocId, from: Rewritten) -> Result<Self, (String, At)> {
        let mut source = Self::parse(doc, from.text).map_err(|(what, _)| (what, At::whole(doc)))?;
        source.files.iter_mut().for_each(|file| file.places.clone_from(&from.places));
        Ok(source)
    }

    /// Lays files of overrides over the others of their folder, in their order, as Terraform merges them: an argument
    /// takes the place of the earlier one, nested blocks the place of all earlier ones of their type.
    pub(super) fn merged(sources: Vec<Self>, overrides: Vec<Self>) -> Option<Self> {
        let doc = sources.first().or(overrides.first())?.doc;
        let (mut files, mut text, mut first_override) = (vec![], String::new(), None);
        for (source, is_override) in
            sources.into_iter().map(|source| (source, false)).chain(overrides.into_iter().map(|source| (source, true)))
        {
            for file in source.files {
                if is_override {
                    first_override.get_or_insert(text.len());
                }
                let start = text.len();
                text.push_str(&file.text);
                text.push('\n');
                files.push(SourceFile { start, ..file });
            }
        }
        // Parsed once more, so that every offset is one of the whole.
        let all = hcl_edit::parser::parse_body(&text).ok()?;
        let mut body = Body::new();
        for structure in all {
            let start = structure.span().map_or(0, |span| span.start);
            match structure {
                Structure::Block(block) if first_override.is_some_and(|first| start >= first) => {
                    lay_over(&mut body, block);
                }
                structure => body.push(structure),
            }
        }
        Some(Self { doc, files, body })
    }

    /// Where something stands.
    pub(super) fn at(&self, span: Option<Range<usize>>) -> At {
        let Some(span) = span else { return At::whole(self.doc) };
        let index = self.files.partition_point(|file| file.start <= span.start).saturating_sub(1);
        self.files.get(index).map_or_else(|| At::whole(self.doc), |file| file.at(span.start - file.start))
    }

    /// Where the lines of a heredoc begin, of which so many columns are no part. None of a file that was rewritten.
    pub(super) fn lines(&self, span: Option<Range<usize>>, indent: usize) -> Option<At> {
        let span = span?;
        let file = &self.files[self.files.partition_point(|file| file.start <= span.start).checked_sub(1)?];
        let start = span.start - file.start;
        let first = start + file.text.get(start..).filter(|_| file.places.is_empty())?.find('\n')? + 1;
        Some(At { column: u32::try_from(indent + 1).ok()?, ..file.at(first) })
    }

    pub(super) fn place(&self, expression: &Expression) -> At {
        self.at(expression.span())
    }
}

impl TemplateFile {
    /// Parses a template; the place and the parser's words where it cannot be.
    pub(super) fn parse(doc: DocId, text: String) -> Result<Self, (String, At)> {
        let template = hcl_edit::parser::parse_template(&text).map_err(|error| broken(doc, &error))?;
        let source = Source { doc, files: vec![SourceFile::new(doc, text)], body: Body::new() };
        Ok(Self { source, template })
    }
}

fn broken(doc: DocId, error: &hcl_edit::parser::Error) -> (String, At) {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (line, column) = (number(error.location().line()), number(error.location().column()));
    (error.message().replace('\n', "; "), At { doc, line, column })
}

/// Merges a block of an override into the one of the same type and labels.
fn lay_over(body: &mut Body, over: Block) {
    let labels = |block: &Block| block.labels.iter().map(|label| label.as_str().to_owned()).collect::<Vec<_>>();
    let (ident, wanted) = (over.ident.as_str().to_owned(), labels(&over));
    let is_locals = ident == "locals";
    let earlier = body
        .get_blocks_mut(&ident)
        .find(|block| !is_locals && labels(block) == wanted && is_aliased(block) == is_aliased(&over));
    let Some(block) = earlier else {
        // Of two locals of one name the later one counts.
        body.push(over);
        return;
    };
    let replaced: Vec<String> = over.body.blocks().map(nested_type).collect();
    for name in &replaced {
        block.body.remove_blocks(name);
        let is_made = |structure: &Structure| {
            structure.as_block().is_some_and(|block| block.ident.as_str() == "dynamic" && nested_type(block) == *name)
        };
        let made: Vec<usize> =
            block.body.iter().enumerate().filter(|(_, structure)| is_made(structure)).map(|(index, _)| index).collect();
        for index in made.into_iter().rev() {
            block.body.remove(index);
        }
    }
    for structure in over.body {
        if let Structure::Attribute(attribute) = &structure {
            block.body.remove_attribute(attribute.key.as_str());
        }
        block.body.push(structure);
    }
}

/// A provider's configuration under another name is another one.
fn is_aliased(block: &Block) -> Option<String> {
    block.body.get_attribute("alias").and_then(|alias| alias.value.as_str()).map(str::to_owned)
}

/// The type of the nested blocks that a block makes: of `dynamic "statement"` it is `statement`.
fn nested_type(block: &Block) -> String {
    match (block.ident.as_str(), block.labels.first()) {
        ("dynamic", Some(label)) => label.as_str().to_owned(),
        (ident, _) => ident.to_owned(),
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
    /// Does it say where its state is kept, or configure a provider? Modules that others call don't.
    pub(super) is_configured: bool,
    /// Of a module that karpcheck knows by itself: the inputs that its version decides.
    pub(super) known: Option<Vec<Decided>>,
}

/// An input of a known module that its version decides.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub(super) input: String,
    pub(super) value: Node,
    /// Does it matter only where the call gives it, too?
    pub(super) only_if_given: bool,
}

impl<'a> Code<'a> {
    /// Indexes the files of a folder. Also the first thing that is declared twice, which Terraform refuses.
    pub(super) fn new(folder: PathBuf, sources: &[&'a Source]) -> (Self, Option<(String, At)>) {
        let mut code = Self { folder, ..Self::default() };
        let mut twice = None;
        for source in sources {
            for block in source.body.blocks() {
                let label = |number: usize| block.labels.get(number).map(BlockLabel::as_str);
                let here = In { source, it: block };
                let earlier = match (block.ident.as_str(), label(0), label(1)) {
                    ("resource", Some(kind), Some(name)) => code.resources.insert((false, kind, name), here).is_some(),
                    ("data", Some(kind), Some(name)) => code.resources.insert((true, kind, name), here).is_some(),
                    ("module", Some(name), _) => code.modules.insert(name, here).is_some(),
                    ("variable", Some(name), _) => code.variables.insert(name, here).is_some(),
                    ("output", Some(name), _) => code.outputs.insert(name, here).is_some(),
                    ("provider", Some(name), _) => {
                        code.is_configured = true;
                        if name == "aws" {
                            code.providers.push(here);
                        }
                        false
                    }
                    ("terraform", ..) => {
                        code.is_configured |= ["backend", "cloud"].iter().any(|kept| block.body.has_blocks(kept));
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
                    let names: Vec<&str> = block.labels.iter().map(BlockLabel::as_str).collect();
                    twice.get_or_insert_with(|| {
                        (format!("{} {}", block.ident.as_str(), names.join(".")), source.at(block.span()))
                    });
                }
            }
        }
        (code, twice)
    }
}
