//! Files, folders and standard input.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::error::Error;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::formats::encoding::{Undecodable, decode};
use crate::formats::json;
use crate::formats::json::Base;
use crate::formats::yaml;
use crate::formats::yaml::{Duplicate, ParseError, ParseErrorKind};
use crate::inventory::problem::{
    FileFormat, FileProblem, FlagProblem, IsCut, KubernetesProblem, Megabytes, ProblemClass,
};
use crate::inventory::{At, Builder, DocId, Node, Origin, Problem};
use crate::schema::kinds::GatherScope;
use crate::sources::exclude::Exclusions;
use crate::sources::reader::{Content, Context, Document};
use crate::sources::readers::Readers;
use crate::sources::relevance::Relevance;
use crate::sources::{helm, interrupt, kustomize, logs, objects, policy_documents, terraform};

/// Extensions of the files that are read in a folder.
const READ: &[&str] = &["yaml", "yml", "json", "template", "tf", "tofu", "tfvars", "tfstate"];
/// Bytes of a file in a folder that tell whether it is a log.
const LOG_BEGINNING: u64 = 64 << 10;
/// Larger files are refused: a plan of this size takes some 6 GB to read.
const MAX_SIZE: u64 = 512 << 20;

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FileSummary {
    /// Files that were read.
    pub files: u64,
    /// Objects and resources in them.
    pub documents: u64,
    /// Files that `--exclude` names and that would have been read.
    pub excluded: u64,
    /// Files of folders that were left alone for their names, by extension (empty for none).
    pub left_alone: BTreeMap<String, u64>,
    /// Files of folders that could not be read, in whole or in part, and speak neither of Karpenter nor of ACK.
    pub unread: u64,
}

/// What the command line names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'a> {
    /// `-f`: files, folders and standard input.
    pub paths: &'a [PathBuf],
    /// `--exclude`: globs as in a `.gitignore`, relative to the working directory and to each named folder.
    pub exclude: &'a [String],
    /// A folder, and globs that its configuration has: they are relative to it.
    pub exclude_beside: Option<(&'a Path, &'a [String])>,
    /// `-k`: folders that `kubectl kustomize` builds.
    pub kustomizations: &'a [PathBuf],
    /// Folders among the paths that hold snapshots, which are read elsewhere: there was something in them to read.
    pub holding: &'a [PathBuf],
    /// `--allow-unread`: a file that cannot be read is a problem, and never a fatal one.
    pub allow_unread: bool,
}

/// Reads files, folders (recursively, without what `.gitignore` names) and standard input (`-`).
///
/// A path that was named and cannot be read whole is a fatal problem, and so is a file that a walk finds, that speaks of
/// Karpenter or ACK and cannot be read. Templates of other charts, settings of editors and the like are only counted. What
/// is named twice, or named and found by a walk, is read once.
pub fn files(named: Named<'_>, gather_scope: &GatherScope, builder: &mut Builder, stdin: &mut dyn Read) -> FileSummary {
    let Named { paths, exclude, exclude_beside, kustomizations, holding, allow_unread } = named;
    let exclusions = Arc::new(Exclusions::new(exclude, exclude_beside));
    let mut reader = Files::new(gather_scope, builder, jiff::Timestamp::now());
    reader.context.allow_unread = allow_unread;
    // What is named counts as named also where it lies in a folder that is named before it.
    let (folders, others): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|path| path.is_dir());
    for path in paths.iter().chain(kustomizations) {
        let (place, tracked) = in_repository(path);
        reader.context.builder.located(path, place, tracked);
    }
    for path in others.into_iter().chain(folders) {
        if path.as_os_str() == "-" {
            if reader.seen.insert(path.clone()) {
                reader.standard_input(stdin);
            }
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if exclusions.excludes(path, path, metadata.is_dir()) => {
                exclusions.leave_out(path);
                reader.count_excluded(path, &exclusions);
            }
            Ok(metadata) if metadata.is_dir() => {
                reader.context.builder.given(path);
                let excluded = reader.summary.excluded;
                let (files, unread) = (reader.summary.files, reader.unread());
                let found =
                    reader.walk(path, &exclusions) || reader.summary.excluded > excluded || holding.contains(path);
                if !found && !allow_unread {
                    let doc = reader.document(path);
                    reader.context.builder.problem(Problem::new(FileProblem::EmptyFolder, Some(At::whole(doc))));
                }
                let (files, unread) = (reader.summary.files - files, reader.unread() - unread);
                if files > 0 && files == unread && !allow_unread {
                    let doc = reader.document(path);
                    reader.context.builder.problem(Problem::new(FileProblem::NothingReadable, Some(At::whole(doc))));
                }
            }
            Ok(_) => reader.file(path, true),
            Err(error) => {
                let doc = reader.document(path);
                let url = path.to_str().is_some_and(is_address);
                let what = if url { FileProblem::Address } else { of_io(&error) };
                let problem = Problem::new(what, Some(At::whole(doc)));
                reader.context.builder.problem(problem.as_class(ProblemClass::Fatal));
            }
        }
    }
    for folder in kustomizations {
        reader.kustomization(folder);
    }
    reader.follow(&exclusions);
    for glob in exclusions.unused() {
        reader.context.builder.problem(Problem::new(FlagProblem::Exclude { glob: glob.into() }, None));
    }
    reader.finish()
}

/// Reads texts as if they were files of these names, each one named on the command line. Of the disk it reads nothing but
/// the modules that a `.tf` file's folder holds.
pub fn texts(texts: &[(&Path, &[u8])], gather_scope: &GatherScope, builder: &mut Builder) -> FileSummary {
    let mut reader = Files::new(gather_scope, builder, jiff::Timestamp::UNIX_EPOCH);
    for (path, bytes) in texts {
        let doc = reader.document(path);
        reader.bytes(bytes, path, doc, true);
    }
    reader.finish()
}

struct Files<'a> {
    context: Context<'a>,
    readers: Readers,
    summary: FileSummary,
    /// Where what was read really is.
    seen: HashSet<PathBuf>,
    /// Files that hold something that was read.
    read: BTreeSet<DocId>,
    /// Templates, each of which is told once.
    templates: BTreeSet<DocId>,
    /// What a walk met that is not valid by itself.
    invalid: Vec<Invalid>,
}

/// A part of a file that is not valid by itself. It may be a template that something else renders.
struct Invalid {
    path: PathBuf,
    what: FileProblem,
    at: At,
    relevance: Relevance,
}

impl<'a> Files<'a> {
    fn new(gather_scope: &'a GatherScope, builder: &'a mut Builder, now: jiff::Timestamp) -> Self {
        builder.set_document_parser(policy_documents::object);
        Self {
            context: Context {
                builder,
                gather_scope,
                allow_unread: false,
                left_alone: BTreeSet::new(),
                claimed: HashSet::new(),
                rendered: HashSet::new(),
                followed: vec![],
                now,
                nested: vec![],
            },
            readers: Readers::new(),
            summary: FileSummary::default(),
            seen: HashSet::new(),
            read: BTreeSet::new(),
            templates: BTreeSet::new(),
            invalid: vec![],
        }
    }

    /// How many files could not be read so far, and are of no relevance.
    fn unread(&self) -> u64 {
        self.context.left_alone.difference(&self.read).count() as u64
    }

    fn finish(mut self) -> FileSummary {
        self.summary.documents += self.readers.finish(&mut self.context);
        for Invalid { path, what, at, relevance } in self.invalid {
            if fs::canonicalize(path).is_ok_and(|path| self.context.rendered.contains(&path)) {
                self.read.insert(at.doc);
            } else {
                self.context.unread(what, at, false, relevance);
            }
        }
        let unread = &self.context.left_alone;
        self.summary.unread = unread.len() as u64;
        self.summary.files -= unread.difference(&self.read).count() as u64;
        self.summary
    }
}

/// Is a file of this name read in a folder?
fn is_read(path: &Path, extension: &str) -> bool {
    READ.contains(&extension) || terraform::is_terragrunt(path) || helm::is_template_of_a_helmfile(path)
}

impl Files<'_> {
    fn document(&mut self, path: &Path) -> DocId {
        self.context.builder.document(Origin::File(Arc::from(path.to_string_lossy())))
    }

    /// Is this met for the first time, by whatever name?
    fn first(&mut self, path: &Path) -> bool {
        self.seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// Reads what a folder holds. Was there anything to read?
    fn walk(&mut self, folder: &Path, exclusions: &Arc<Exclusions>) -> bool {
        let mut any = false;
        for entry in exclusions.walk(folder, true).build() {
            if interrupt::is_raised() {
                return true;
            }
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    let extension = extension(entry.path());
                    let read = is_read(entry.path(), &extension);
                    let excluded =
                        (read || logs::is_called_log(entry.path())) && exclusions.excludes(folder, entry.path(), false);
                    if read && excluded {
                        self.summary.excluded += 1;
                    } else if read || (!excluded && is_log(entry.path())) {
                        any = true;
                        self.file(entry.path(), false);
                    } else {
                        *self.summary.left_alone.entry(extension).or_default() += 1;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    // It is said by itself that this could not be read.
                    any = true;
                    self.not_walked(folder, &error);
                }
            }
        }
        self.count_excluded(folder, exclusions);
        any
    }

    /// Counts what a walk over this folder leaves out without looking into it. What cannot be walked is not read anyway.
    fn count_excluded(&mut self, root: &Path, exclusions: &Arc<Exclusions>) {
        for folder in exclusions.take_folders() {
            let files = exclusions.walk(&folder, false).build().flatten();
            let left_out = files
                .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
                .filter(|entry| is_read(entry.path(), &extension(entry.path())))
                .filter(|entry| exclusions.excludes(root, entry.path(), false));
            self.summary.excluded += left_out.count() as u64;
        }
    }

    /// Reads what was read takes in: bases that lie beside the folder that was given.
    fn follow(&mut self, exclusions: &Exclusions) {
        while let Some(path) = self.context.followed.pop() {
            let folder = path.parent().unwrap_or(Path::new(""));
            if path.is_file() && is_read(&path, &extension(&path)) && !exclusions.excludes(folder, &path, false) {
                self.file(&path, false);
            }
        }
    }

    fn not_walked(&mut self, place: &Path, error: &ignore::Error) {
        match error {
            ignore::Error::WithPath { path, err } => self.not_walked(path, err),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
                self.not_walked(place, err);
            }
            ignore::Error::Loop { ancestor, child } => {
                // Everything in the loop was read where it really is.
                let what = FileProblem::Loop { ancestor: ancestor.display().to_string().into() };
                let doc = self.document(child);
                self.context.builder.problem(Problem::new(what, Some(At::whole(doc))));
            }
            ignore::Error::Io(error) if error.kind() == io::ErrorKind::NotFound && place.is_symlink() => {
                let doc = self.document(place);
                self.context.builder.problem(Problem::new(FileProblem::Dangling, Some(At::whole(doc))));
            }
            // What cannot be opened may speak of anything.
            ignore::Error::Io(error) => {
                let doc = self.document(place);
                self.context.unread(of_io(error), At::whole(doc), false, Relevance::Aws);
            }
            other => {
                let doc = self.document(place);
                let error = lowercase_text(&other.to_string()).into();
                self.context.unread(FileProblem::NotReadable { error }, At::whole(doc), false, Relevance::Aws);
            }
        }
    }

    fn kustomization(&mut self, folder: &Path) {
        let doc = self.document(folder);
        match kustomize::render(folder, MAX_SIZE + 1) {
            Ok(bytes) if bytes.len() as u64 > MAX_SIZE => self.too_large(doc, None, true),
            Ok(bytes) => self.bytes(&bytes, folder, doc, true),
            Err(what) => self.context.builder.problem(Problem::new(what, Some(At::whole(doc)))),
        }
    }

    fn standard_input(&mut self, stdin: &mut dyn Read) {
        let doc = self.context.builder.document(Origin::File("-".into()));
        let mut bytes = vec![];
        match interrupt::while_waiting(|| stdin.take(MAX_SIZE + 1).read_to_end(&mut bytes)) {
            Ok(_) if bytes.len() as u64 > MAX_SIZE => self.too_large(doc, None, true),
            Ok(_) => self.bytes(&bytes, Path::new("-"), doc, true),
            Err(error) => {
                let what = FileProblem::StandardInput { error: error.to_string().into() };
                self.context.builder.problem(Problem::new(what, Some(At::whole(doc))));
            }
        }
    }

    fn file(&mut self, path: &Path, named: bool) {
        if !self.first(path) {
            return;
        }
        let doc = self.document(path);
        let read = || -> io::Result<Result<Vec<u8>, u64>> {
            let mut file = fs::File::open(path)?;
            let size = file.metadata()?.len();
            if size > MAX_SIZE {
                return Ok(Err(size));
            }
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
            // A pipe has no size, and a file may grow.
            file.by_ref().take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
            Ok(if bytes.len() as u64 > MAX_SIZE { Err(bytes.len() as u64) } else { Ok(bytes) })
        };
        match read() {
            Ok(Ok(bytes)) => self.bytes(&bytes, path, doc, named),
            Ok(Err(size)) => self.too_large(doc, Some(size), named),
            Err(error) => self.context.unread(of_io(&error), At::whole(doc), named, Relevance::Aws),
        }
    }

    fn too_large(&mut self, doc: DocId, size: Option<u64>, named: bool) {
        let what = FileProblem::TooLarge { most: MAX_SIZE >> 20, size: Megabytes(size.map(|size| size >> 20)) };
        self.context.unread(what, At::whole(doc), named, Relevance::Aws);
    }

    fn bytes(&mut self, bytes: &[u8], path: &Path, doc: DocId, named: bool) {
        self.summary.files += 1;
        match decode(bytes) {
            Ok(text) => self.text(&text, path, doc, named),
            Err(Undecodable::Binary) => {
                self.context.unread(FileProblem::Binary, At::whole(doc), named, Relevance::of(bytes));
            }
            Err(Undecodable::Encoding { line, column }) => {
                self.context.unread(FileProblem::NotUtf8, At { doc, line, column }, named, Relevance::of(bytes));
            }
        }
    }

    fn text(&mut self, text: &str, path: &Path, doc: DocId, named: bool) {
        self.context.builder.remarks(doc, text);
        let file = Document { path: path.into(), doc, named, root: None, part: None, content: Content::Text(text) };
        let file = match self.readers.read(file, &mut self.context) {
            Ok(count) => {
                self.summary.documents += count;
                return;
            }
            Err(file) => file,
        };
        let mut known = 0;
        let mut problems = 0;
        // Told once: a file may hold ten thousand broken documents.
        let whole = std::cell::LazyCell::new(|| Whole {
            lines: line_count(text),
            braces: text.contains("{{"),
            relevance: Relevance::of(text.as_bytes()),
        });
        let start = text.trim_start();
        let is_json = (start.starts_with('{') && !start.starts_with("{{")) || start.starts_with('[');
        let named_json = extension(path) == "json";
        if extension(path) == "log" && !is_json {
            let relevance = Relevance::of(text.as_bytes());
            return self.context.unread(FileProblem::OtherLog, At::whole(doc), named, relevance);
        }
        if is_json || named_json {
            let placeholders = text.contains(['$', '<']) || text.contains("{{");
            let (nodes, duplicates, broken) = match self.readers.prune(text) {
                Some(prune) => json::read_pruned(text, Base::File(doc), prune),
                None => json::read(text, Base::File(doc)),
            };
            // What begins like JSON may be YAML in its flow style, or a stream of documents, as kubectl takes it.
            let stream = text.contains("\n---");
            let json = !nodes.is_empty() || named_json;
            if broken.is_none() || (json && !stream) {
                for node in nodes {
                    known += u32::from(self.node(&file, node, placeholders));
                }
                if known > 0 {
                    self.duplicates(duplicates);
                }
                if let Some(broken) = broken {
                    problems += 1;
                    self.broken(FileFormat::Json, broken, &whole, path, named);
                }
                return self.nothing(known, problems, text, path, At::whole(doc), named);
            }
        }
        yaml::read_each(text, doc, |parsed| match parsed.node {
            Ok(node) => {
                if self.node(&file, node, parsed.placeholders) {
                    known += 1;
                    self.duplicates(parsed.duplicates);
                }
            }
            Err(broken) => {
                problems += 1;
                self.broken(FileFormat::Yaml, broken, &whole, path, named);
            }
        });
        self.nothing(known, problems, text, path, At::whole(doc), named);
    }

    /// A file that was named and holds nothing that karpcheck knows is a mistake; in a folder it is what folders hold.
    fn nothing(&mut self, known: u32, problems: u32, text: &str, path: &Path, at: At, named: bool) {
        if known > 0 {
            self.read.insert(at.doc);
        }
        if known > 0 || problems > 0 || !named {
            return;
        }
        let comment = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
        let what = if !text.lines().map(str::trim).all(comment) {
            FileProblem::NotRecognised
        } else if path.as_os_str() == "-" {
            FileProblem::EmptyPipe
        } else {
            FileProblem::Empty
        };
        self.context.builder.problem(Problem::new(what, Some(at)));
    }

    fn broken(&mut self, format: FileFormat, broken: ParseError, whole: &Whole, path: &Path, named: bool) {
        let ParseError { kind, at } = broken;
        let what = match kind {
            ParseErrorKind::TooDeep { .. } => FileProblem::TooDeep { error: kind.to_string().into() },
            ParseErrorKind::AliasBomb { .. } => FileProblem::AliasBomb { error: kind.to_string().into() },
            // What the parser stumbled over tells nothing, and without it many templates are one line of the report.
            ParseErrorKind::Syntax { .. } if whole.braces && format == FileFormat::Yaml => FileProblem::NotRendered,
            ParseErrorKind::Syntax { error, cut } => {
                // Where an error stands behind the end, something is missing, too.
                FileProblem::Syntax { format, error: error.into(), cut: IsCut(cut || at.line > whole.lines) }
            }
        };
        if what == FileProblem::NotRendered && !self.templates.insert(at.doc) {
            return;
        }
        let relevance = whole.relevance;
        if named || relevance == Relevance::None {
            self.context.unread(what, at, named, relevance);
        } else {
            self.invalid.push(Invalid { path: path.to_owned(), what, at, relevance });
        }
    }

    fn duplicates(&mut self, duplicates: Vec<Duplicate>) {
        for duplicate in duplicates {
            let what = FileProblem::KeyTwice { key: duplicate.key.into() };
            self.context.builder.problem(Problem::new(what, Some(duplicate.at)));
        }
    }

    /// Reads a document of a file. Was it of a format that karpcheck knows?
    fn node(&mut self, file: &Document<'_>, node: Node, placeholders: bool) -> bool {
        if node.is_null() {
            return true;
        }
        match self.readers.read(file.inner(Content::Node { node, placeholders }), &mut self.context) {
            Ok(count) => {
                self.summary.documents += count;
                true
            }
            Err(document) => self.carried(file, &document),
        }
    }

    /// Reads the objects that a document of an unknown format carries, to have them installed. Were there any?
    fn carried(&mut self, file: &Document<'_>, document: &Document<'_>) -> bool {
        let Content::Node { node, placeholders } = &document.content else { return false };
        let carried = objects::carried(node, self.context.gather_scope);
        for at in &carried.broken {
            self.context.builder.problem(Problem::new(KubernetesProblem::CarriedText, Some(*at)));
        }
        let mut known = !carried.broken.is_empty();
        if is_of_pulumi(node) {
            let relevance = Relevance::of(node.to_json().to_string().as_bytes());
            self.context.unread(FileProblem::Pulumi, node.at, file.named, relevance);
            known = true;
        }
        for node in carried.objects {
            let content = Content::Node { node, placeholders: *placeholders };
            if let Ok(count) = self.readers.read(file.inner(content), &mut self.context) {
                self.summary.documents += count;
                known = true;
            }
        }
        known
    }
}

/// Is it a program of Pulumi's in YAML, with resources that somebody looks for here?
fn is_of_pulumi(node: &Node) -> bool {
    let resources = node.member("resources").filter(|_| node.member("runtime").is_some()).and_then(Node::as_map);
    let looked_for = |resource: &Node| {
        let kind = resource.str_at(&["type"]).unwrap_or_default();
        let chart = || resource.str_at(&["properties", "chart"]).is_some_and(|chart| chart.contains("karpenter"));
        ["aws:sqs", "aws:kms", "aws:iam", "aws:cloudwatch", "aws:eks", "aws-native:", "eks:"]
            .iter()
            .any(|service| kind.starts_with(service))
            || (kind.starts_with("kubernetes:helm") && chart())
    };
    resources.is_some_and(|resources| resources.entries.iter().any(|(_, resource)| looked_for(resource)))
}

/// Is a file in a folder a log of Karpenter's controller, by its name and its beginning? Any program writes files of such names.
fn is_log(path: &Path) -> bool {
    let begins = || -> io::Result<bool> {
        let mut bytes = vec![];
        fs::File::open(path)?.take(LOG_BEGINNING).read_to_end(&mut bytes)?;
        Ok(logs::is_log(&String::from_utf8_lossy(&bytes)))
    };
    logs::is_called_log(path) && begins().unwrap_or(false)
}

/// What the words for a broken document depend on, of the text that it is in.
struct Whole {
    lines: u32,
    braces: bool,
    relevance: Relevance,
}

fn line_count(text: &str) -> u32 {
    u32::try_from(text.lines().count()).unwrap_or(u32::MAX)
}

/// Where a file or folder is: its path from the root of the repository that it lies in, and whether it lies in one.
fn in_repository(path: &Path) -> (PathBuf, bool) {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let root = real.ancestors().find(|folder| folder.join(".git").exists());
    match root.and_then(|root| real.strip_prefix(root).ok()) {
        Some(place) => (place.to_owned(), true),
        None if real.is_dir() => (PathBuf::new(), false),
        None => (real.file_name().map(PathBuf::from).unwrap_or_default(), false),
    }
}

/// A file's extension in lower case; empty for none.
fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Is it an address and no path: `https://…`, `s3://…`, `oci://…`?
fn is_address(path: &str) -> bool {
    let scheme = path.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.len() > 1 && scheme.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.'))
}

/// Why a file cannot be read.
fn of_io(error: &io::Error) -> FileProblem {
    match error.kind() {
        io::ErrorKind::NotFound => FileProblem::NotFound,
        io::ErrorKind::PermissionDenied => FileProblem::Denied,
        _ => FileProblem::NotReadable { error: lowercase_text(&innermost(error).to_string()).into() },
    }
}

/// What the system says, without the path that a library puts before it: it stands before the message anyway.
fn innermost(error: &io::Error) -> &dyn Error {
    let mut inner: &dyn Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner
}

/// Library messages begin with a capital, ours go on behind a colon.
fn lowercase_text(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
