//! Files that expressions name (`file`, `templatefile`, `local_file`), read once each and within bounds.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::inventory::{Builder, DocId};
use crate::sources::terraform::hcl::code::TemplateFile;

/// A larger file is no policy, manifest or values.
const MAX_FILE: u64 = 1 << 20;
/// Files that all expressions together may name, and their length together.
const MAX_FILES: usize = 2_000;
const MAX_TOTAL: u64 = 64 << 20;

/// Registers the documents that files become.
pub(super) struct Documents<'b>(RefCell<&'b mut Builder>);

impl<'b> Documents<'b> {
    pub(super) const fn new(builder: &'b mut Builder) -> Self {
        Self(RefCell::new(builder))
    }
}

/// Gives a file's document.
pub(super) trait Register {
    fn document(&self, path: &Path) -> DocId;
}

impl Register for Documents<'_> {
    fn document(&self, path: &Path) -> DocId {
        super::document(&mut self.0.borrow_mut(), path)
    }
}

/// A document and its text.
type FileText = (DocId, Arc<str>);

/// The files that expressions may name: those of the repository that the modules lie in, of the folder around them, or of what
/// was named on the command line.
pub(super) struct NamedFiles<'a> {
    documents: &'a dyn Register,
    bounds: Vec<PathBuf>,
    /// By their real paths; none of those that are no text.
    texts: RefCell<BTreeMap<PathBuf, Option<FileText>>>,
    read: RefCell<HashSet<DocId>>,
    templates: Templates,
    total: Cell<u64>,
}

impl<'a> NamedFiles<'a> {
    /// Those around the folders of modules, and in the folders that were named.
    pub(super) fn new(documents: &'a dyn Register, folders: &[PathBuf], given: &[PathBuf]) -> Self {
        let given = given.iter().filter_map(|folder| super::canonical(folder));
        let folders: Vec<PathBuf> = folders.iter().filter_map(|folder| super::canonical(folder)).collect();
        let mut bounds: Vec<PathBuf> = vec![];
        for folder in &folders {
            if let Some(repository) = super::repository_of(folder)
                && !bounds.iter().any(|bound| bound == repository)
            {
                bounds.push(repository.to_owned());
            }
        }
        let around = folders.iter().cloned().reduce(|around, folder| {
            around.ancestors().find(|around| folder.starts_with(around)).map(Path::to_owned).unwrap_or_default()
        });
        // Modules from everywhere have nothing around them but the machine.
        bounds.extend(around.filter(|around| around.components().count() > 2));
        bounds.extend(given);
        Self {
            documents,
            bounds,
            texts: RefCell::default(),
            read: RefCell::default(),
            templates: Templates::default(),
            total: Cell::new(0),
        }
    }

    fn within(&self, path: &Path) -> Option<PathBuf> {
        let real = fs::canonicalize(path).ok()?;
        self.bounds.iter().any(|bound| real.starts_with(bound)).then_some(real)
    }

    /// Is there such a file? None where it is not to be told.
    pub(super) fn exists(&self, path: &Path) -> Option<bool> {
        if self.within(path).is_some_and(|real| real.is_file()) {
            return Some(true);
        }
        // The folder is there, and the file is not in it.
        self.within(path.parent()?).map(|folder| folder.join(path.file_name().unwrap_or_default()).is_file())
    }

    /// The text of a file.
    pub(super) fn read(&self, path: &Path) -> Option<FileText> {
        let real = self.within(path)?;
        if let Some(known) = self.texts.borrow().get(&real) {
            return known.clone();
        }
        let length = fs::metadata(&real).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())?;
        if length > MAX_FILE || self.texts.borrow().len() >= MAX_FILES || self.total.get() + length > MAX_TOTAL {
            return None;
        }
        self.total.set(self.total.get() + length);
        let text = fs::read_to_string(&real).ok().map(|text| (self.documents.document(path), Arc::from(text)));
        self.read.borrow_mut().extend(text.iter().map(|(doc, _): &FileText| *doc));
        self.texts.borrow_mut().insert(real, text.clone());
        text
    }

    /// Is a document one of the files?
    pub(super) fn is_read(&self, doc: DocId) -> bool {
        self.read.borrow().contains(&doc)
    }

    /// The files that were read, each by its document.
    pub(super) fn read_files(&self) -> HashMap<DocId, PathBuf> {
        let texts = self.texts.borrow();
        texts.iter().filter_map(|(path, text)| Some((text.as_ref()?.0, path.clone()))).collect()
    }

    /// A file as a template.
    pub(super) fn template(&'a self, path: &Path) -> Option<&'a TemplateFile> {
        let (doc, text) = self.read(path)?;
        if let Some(known) = self.templates.iter().find(|template| template.source.doc == doc) {
            return Some(known);
        }
        TemplateFile::parse(doc, text.to_string()).ok().map(|template| self.templates.add(template))
    }

    /// The files that a pattern of `fileset` or of the kubectl provider means, sorted, relative to the folder. `*` and `?`
    /// stay within a folder, `**` does not, and braces hold alternatives.
    pub(super) fn matching(&self, folder: &Path, pattern: &str) -> Option<Vec<String>> {
        let start = self.within(folder)?;
        let (mut found, mut queue) = (vec![], vec![(start, String::new())]);
        while let Some((folder, before)) = queue.pop() {
            for entry in fs::read_dir(folder).ok()? {
                let entry = entry.ok()?;
                let name = format!("{before}{}", entry.file_name().to_string_lossy());
                let kind = entry.file_type().ok()?;
                if kind.is_dir() && before.matches('/').count() < 16 {
                    queue.push((entry.path(), format!("{name}/")));
                } else if kind.is_file() && alternatives(pattern).iter().any(|pattern| fits(pattern, &name)) {
                    found.push(name);
                }
                if found.len() + queue.len() > MAX_FILES {
                    return None;
                }
            }
        }
        found.sort();
        Some(found)
    }
}

/// `a.{yaml,yml}` is two patterns.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let Some((inner, after)) = rest.split_once('}') else { return vec![pattern.to_owned()] };
    let all = inner.split(',').take(16).map(|one| format!("{before}{one}{after}"));
    if after.contains('{') { all.flat_map(|one| alternatives(&one)).take(64).collect() } else { all.collect() }
}

/// Does a path fit a pattern, name by name?
fn fits(pattern: &str, path: &str) -> bool {
    fn names(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            (["**", rest @ ..], path) => names(rest, path) || (!path.is_empty() && names(pattern, &path[1..])),
            ([one, rest @ ..], [name, others @ ..]) => crate::schema::pattern::glob(one, name) && names(rest, others),
            _ => false,
        }
    }
    let pattern: Vec<&str> = pattern.trim_start_matches("./").split('/').collect();
    names(&pattern, &path.split('/').collect::<Vec<_>>())
}

/// Parsed templates, each at one place for as long as anything is evaluated: more may come while some are used.
#[derive(Default)]
struct Templates(OnceCell<Box<(TemplateFile, Self)>>);

impl Templates {
    fn iter(&self) -> impl Iterator<Item = &TemplateFile> {
        std::iter::successors(self.0.get(), |link| link.1.0.get()).map(|link| &link.0)
    }

    fn add(&self, template: TemplateFile) -> &TemplateFile {
        let mut end = self;
        while let Some(link) = end.0.get() {
            end = &link.1;
        }
        &end.0.get_or_init(|| Box::new((template, Self::default()))).0
    }
}
