//! What a reader of a format is: what it recognises, and what it makes of it.
//!
//! ```text
//! file ──> Document ──> the first reader that detects it ──> drafts, problems
//!              ^                                        │
//!              └──────────── Context::nested ───────────┘
//! ```
//!
//! A document inside a document (the objects of a list, a manifest in Terraform, a Helm release in an Application) goes
//! back to the loop, so that no reader knows another one.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::formats::json::Prune;
use crate::inventory::problem::{ProblemClass, ProblemKind};
use crate::inventory::{At, Builder, DocId, Node, Problem, SourceKind, SymbolScope, UnitPart};
use crate::schema::kinds::GatherScope;
use crate::sources::relevance::Relevance;

/// What a reader is given: a file as text, or one unit of a file.
pub(super) struct Document<'t> {
    /// The file, whose name may say what the document is about; `-` for standard input.
    pub(super) path: Arc<Path>,
    /// The file as an origin.
    pub(super) doc: DocId,
    /// Is the file itself named on the command line, so that failing to read it is fatal?
    pub(super) named: bool,
    /// The root that it is a part of, where that is not the file itself.
    pub(super) root: Option<SymbolScope>,
    /// The part of that, or of its file.
    pub(super) part: Option<UnitPart>,
    /// What it holds.
    pub(super) content: Content<'t>,
}

/// What a document holds.
pub(super) enum Content<'t> {
    /// All of a file, for formats that are no YAML or JSON, or are read by a reader's own parser.
    Text(&'t str),
    /// One document of YAML or JSON.
    Node {
        /// Its root.
        node: Node,
        /// May its texts hold placeholders (`$VAR`, `{{ }}`) that nobody marked yet?
        placeholders: bool,
    },
    /// The installation of a Helm chart.
    Release(Box<Release>),
}

/// The installation of a Helm chart, as the object that installs it describes it.
#[derive(Clone)]
pub(super) struct Release {
    /// The name of the installation.
    pub(super) name: Box<str>,
    /// The namespace it is installed in, if that is given.
    pub(super) namespace: Option<Box<str>>,
    /// The chart's name, or its path in the repository.
    pub(super) chart: String,
    /// The repository of the chart.
    pub(super) repository: String,
    /// The chart's version.
    pub(super) version: Option<Node>,
    /// The object that has the chart's version: `NAMESPACE/NAME`.
    pub(super) chart_ref: Option<Node>,
    /// Files of values, the last one uppermost.
    pub(super) files: Vec<ValuesFile>,
    /// The values that stand with the release, which lie over those of files. What may be missing leaves them open.
    pub(super) values: Node,
    /// The kind of source that the values come from.
    pub(super) source: SourceKind,
}

/// A file of values that a release names.
#[derive(Clone, Debug)]
pub(super) enum ValuesFile {
    /// Its path.
    At(PathBuf),
    /// Its path in the repository, which what was given is a part of.
    InRepository {
        /// The path.
        path: String,
        /// Need it not be there?
        optional: bool,
    },
    /// A file of the chart itself, which lies where charts are kept.
    InChart(String),
}

impl std::fmt::Display for ValuesFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(path) => path.display().fmt(f),
            Self::InRepository { path, .. } | Self::InChart(path) => f.write_str(path),
        }
    }
}

/// What all readers share during a run.
pub(super) struct Context<'a> {
    /// Takes drafts and problems.
    pub(super) builder: &'a mut Builder,
    /// The kinds that the chosen rules ask for.
    pub(super) gather_scope: &'a GatherScope,
    /// `--allow-unread`.
    pub(super) allow_unread: bool,
    /// Files that cannot be read, in whole or in part, and are of no relevance.
    pub(super) left_alone: BTreeSet<DocId>,
    /// Where the files really are whose content a reader has taken into something that it read.
    pub(super) claimed: HashSet<PathBuf>,
    /// Those of them that are a template, and were read as it renders them: by itself such a file need not be YAML.
    pub(super) rendered: HashSet<PathBuf>,
    /// Files that what was read takes in, and that are read even where they lie beside what was given.
    pub(super) followed: Vec<PathBuf>,
    /// The time of the run.
    pub(super) now: jiff::Timestamp,
    /// Documents found inside of the one that is read.
    pub(super) nested: Vec<Document<'static>>,
}

impl Context<'_> {
    /// A file, or a part of it, could not be read. It is a problem where the file was named or is of some relevance; what a
    /// walk met beside that is only counted.
    pub(super) fn unread(&mut self, what: impl Into<ProblemKind>, at: At, named: bool, relevance: Relevance) {
        if !named && relevance == Relevance::None {
            self.left_alone.insert(at.doc);
            return;
        }
        let fatal = (named || relevance == Relevance::Karpenter) && !self.allow_unread;
        let class = if fatal { ProblemClass::Fatal } else { ProblemClass::Unread };
        self.builder.problem(Problem::new(what, Some(at)).as_class(class));
    }
}

/// A reader of one format.
pub(super) trait Reader {
    /// Is this a document of the format?
    fn detects(&self, document: &Document<'_>) -> bool;

    /// Adds what a detected document describes. Returns how many objects and resources that are.
    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64;

    /// The members of a JSON text that this reader never looks at, if the text is of the format.
    fn prune(&self, _text: &str) -> Option<Prune> {
        None
    }

    /// Adds what takes all documents to tell. Returns how many objects and resources that are.
    fn finish(&mut self, _context: &mut Context<'_>) -> u64 {
        0
    }

    /// Does that take what the other readers made of theirs?
    fn finishes_last(&self) -> bool {
        false
    }
}

impl Document<'_> {
    /// The root of a document of YAML or JSON.
    pub(super) fn node(&self) -> Option<&Node> {
        match &self.content {
            Content::Node { node, .. } => Some(node),
            Content::Text(_) | Content::Release(_) => None,
        }
    }

    /// A document that stands inside of this one.
    pub(super) fn inner(&self, content: Content<'static>) -> Document<'static> {
        let part = self.part.clone();
        Document { path: Arc::clone(&self.path), doc: self.doc, named: self.named, root: self.root, part, content }
    }
}
