//! Terraform's own files, read without running Terraform: the files of a folder are one module.
//!
//! A module that another one calls is read as it is called, with its inputs, wherever its code is: in a folder beside it,
//! in `.terraform/modules`, or among the modules for Karpenter that karpcheck knows by itself.

mod code;
mod evaluate;
mod functions;
mod heredocs;
mod json;
mod known_modules;
mod named_files;
mod parse;
mod roots;
mod terragrunt;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::inventory::paths::as_named;
use crate::inventory::problem::TerraformProblem;
use crate::inventory::{Builder, DocId, Item, Node, Origin, Problem, SymbolScope, Value};
use crate::sources::reader::{Content, Context};
use crate::sources::relevance::Relevance;
use crate::sources::terraform::hcl::parse::Unparsed;
use crate::storage;
use code::Source;
use named_files::{Documents, NamedFiles};
use roots::{Input, Values};
use terragrunt::units;
use terragrunt::units::{Call, Unit, UnitFile};

/// Evaluation nests: on a thread of its own, so that a module cannot end the process.
const STACK: usize = 256 << 20;
/// A module's file that nobody named is not read beyond this size.
const MAX_CALLED: u64 = 8 << 20;
/// Folders that calls may lead to.
const MAX_FOLDERS: usize = 500;
/// Files of Terragrunt that are evaluated.
const MAX_UNITS: usize = 300;

/// The files that were given, by folder.
#[derive(Default)]
pub(in crate::sources) struct Modules {
    folders: BTreeMap<PathBuf, Folder>,
    /// Files of values (`*.tfvars`) that were given.
    values: Vec<ValuesFile>,
    /// Terragrunt's files that were given.
    terragrunt: Vec<ValuesFile>,
    /// The scope of what lies in a folder, and which shapes have it: the plan or state beside a module speaks of the
    /// same addresses, a second plan of others.
    scopes: HashMap<PathBuf, (SymbolScope, Vec<bool>)>,
}

/// A file of values for variables.
struct ValuesFile {
    path: PathBuf,
    doc: DocId,
    text: String,
    /// Was it named, as `-var-file` names it? Then it counts for every root.
    named: bool,
}

/// A file of a module.
struct ModuleFile {
    name: String,
    doc: DocId,
    text: String,
    named: bool,
}

#[derive(Default)]
struct Folder {
    files: Vec<ModuleFile>,
    /// Was it only read since something calls it?
    called: bool,
}

impl Modules {
    /// Takes a file.
    pub(in crate::sources) fn file(&mut self, path: &Path, doc: DocId, text: String, named: bool) {
        if is_terragrunt(path) {
            self.terragrunt.push(ValuesFile { path: path.to_owned(), doc, text, named });
            return;
        }
        if is_values(path) {
            self.values.push(ValuesFile { path: path.to_owned(), doc, text, named });
            return;
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        self.folders.entry(folder).or_default().files.push(ModuleFile { name: name_of(path), doc, text, named });
    }

    /// The scope of a plan's or state's addresses: that of the module in the same folder.
    pub(in crate::sources) fn scope(&mut self, builder: &mut Builder, path: &Path, is_plan: bool) -> SymbolScope {
        let Some(folder) = path.parent().filter(|_| path.as_os_str() != "-") else { return builder.root(path) };
        let (scope, taken) = self.scopes.entry(folder.to_owned()).or_insert_with(|| (builder.root(folder), vec![]));
        if taken.contains(&is_plan) {
            return builder.root(path);
        }
        taken.push(is_plan);
        *scope
    }

    /// Reads them. Returns how many resources of interest there were.
    pub(in crate::sources) fn add(mut self, context: &mut Context<'_>) -> u64 {
        if self.folders.is_empty() && self.values.is_empty() && self.terragrunt.is_empty() {
            return 0;
        }
        let units = self.units(context);
        let installed = self.follow(context.builder);
        let mut parsed: Vec<(PathBuf, bool, Vec<Source>)> = vec![];
        for (path, mut folder) in std::mem::take(&mut self.folders) {
            without_twins(&mut folder.files);
            let (mut sources, mut overrides) = (vec![], vec![]);
            for file in folder.files {
                let into = if is_override(&file.name) { &mut overrides } else { &mut sources };
                let relevance = Relevance::of_code(&file.text);
                match parse::parse(file.doc, file.text) {
                    Ok(source) => into.push(source),
                    Err(Unparsed { what, at, before }) => {
                        context.unread(*what, at, file.named, relevance);
                        into.extend(before.and_then(|text| parse::parse(file.doc, text).ok()));
                    }
                }
            }
            if !overrides.is_empty() {
                sources = Source::merged(sources, overrides).into_iter().collect();
            }
            parsed.push((path, folder.called, sources));
        }
        let mut values: Vec<Values> = vec![];
        for ValuesFile { path, doc, text, named } in std::mem::take(&mut self.values) {
            let relevance = Relevance::of_code(&text);
            match parse::parse_values(doc, text) {
                Ok(source) => values.push(Values { path, source, named, scope: SymbolScope::Run }),
                Err(Unparsed { what, at, .. }) => context.unread(*what, at, named, relevance),
            }
        }
        let builder = &mut *context.builder;
        let stated = builder.stated().clone();
        // Each may describe a cluster of its own.
        for one in values.iter_mut().filter(|one| !one.named) {
            one.scope = builder.root(&one.path);
        }
        // Files that are read each by itself have each a scope.
        let mut scopes: Vec<SymbolScope> = vec![];
        for (folder, _, sources) in &parsed {
            let own = self.scopes.get(folder).map(|(scope, _)| *scope);
            scopes.push(own.unwrap_or_else(|| builder.root(folder)));
            for source in sources {
                let path = builder.origin(source.doc).to_string();
                scopes.push(builder.root(Path::new(&path)));
            }
        }
        let every = scopes.iter().chain(values.iter().map(|one| &one.scope)).chain(units.iter().map(|one| &one.scope));
        let of_scopes = every.map(|scope| (*scope, builder.stated_of(*scope).clone())).collect();
        let sources = parsed.iter().flat_map(|(_, _, sources)| sources);
        let variables = sources.flat_map(|source| source.body.get_blocks("variable"));
        let names = variables.filter_map(|block| block.labels.first().map(|label| label.as_str().to_owned()));
        builder.declare_parameters(names);
        let given = builder.given_folders().to_vec();
        let input = Input { parsed, values, units, installed, of_scopes, stated, scopes, given };
        let documents = &mut *builder;
        let outcome = std::thread::scope(|scope| {
            let evaluate = || roots::evaluate_all(&input, &Documents::new(documents));
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, evaluate);
            thread.ok()?.join().ok()
        });
        let Some(evaluated) = outcome else {
            builder.problem(Problem::new(TerraformProblem::NotEvaluated, None));
            return 0;
        };
        for problem in evaluated.problems {
            builder.problem(problem);
        }
        let (mut count, before) = (0, builder.len());
        for set in &evaluated.roots {
            count += super::add(context, Path::new(""), set);
        }
        leave_to_the_root(context, before, &evaluated.files);
        count
    }

    /// What Terragrunt's files run. Folders that nobody gave are read for them.
    fn units(&mut self, context: &mut Context<'_>) -> Vec<Unit> {
        let mut files = vec![];
        for ValuesFile { path, doc, text, named } in std::mem::take(&mut self.terragrunt).into_iter().take(MAX_UNITS) {
            let relevance = Relevance::of_code(&text);
            match parse::parse(doc, text.clone()) {
                Ok(_) => {
                    let scope = context.builder.root(path.parent().unwrap_or(Path::new("")));
                    files.push(UnitFile { path, doc, text, scope });
                }
                Err(Unparsed { what, at, .. }) => context.unread(*what, at, named, relevance),
            }
        }
        if files.is_empty() {
            return vec![];
        }
        let given = context.builder.given_folders().to_vec();
        let folders: Vec<PathBuf> =
            files.iter().map(|file| file.path.parent().unwrap_or(Path::new("")).to_owned()).collect();
        let documents = &mut *context.builder;
        let units = std::thread::scope(|scope| {
            let evaluate = || {
                let documents = Documents::new(documents);
                units::units(&files, &NamedFiles::new(&documents, &folders, &given))
            };
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, evaluate);
            thread.ok()?.join().ok()
        });
        let (units, elsewhere) = units.unwrap_or_default();
        let mut told: HashSet<String> = HashSet::new();
        for one in elsewhere {
            if told.insert(one.source.clone()) {
                let what = TerraformProblem::OfTerragrunt { source: one.source.into() };
                context.builder.problem(Problem::new(what, Some(one.at)));
            }
        }
        let mut known: HashSet<PathBuf> = self.folders.keys().filter_map(|path| canonical(path)).collect();
        for unit in &units {
            if let Some(Call { folder, doc, text }) = &unit.call {
                // A folder with code of its own is merged into what is fetched.
                let here = self.folders.entry(folder.clone()).or_default();
                here.called |= here.files.is_empty();
                let (doc, text) = (*doc, text.clone());
                here.files.push(ModuleFile { name: "terragrunt.tf".to_owned(), doc, text, named: false });
                known.insert(unit.target.clone());
                continue;
            }
            if self.folders.len() < MAX_FOLDERS && known.insert(unit.target.clone()) {
                self.read_folder(context.builder, &unit.target);
            }
        }
        units
    }

    /// Reads the folders that calls lead to and nobody gave. Returns which folder each installed module is in, by its
    /// root and key.
    fn follow(&mut self, builder: &mut Builder) -> HashMap<(PathBuf, String), PathBuf> {
        let mut installed = HashMap::new();
        let mut queue: Vec<PathBuf> = self.folders.keys().cloned().collect();
        let known: HashSet<PathBuf> = queue.iter().filter_map(|path| canonical(path)).collect();
        let mut seen = known;
        for root in queue.clone() {
            for (key, folder) in modules_json(&root) {
                if let Some(real) = canonical(&folder) {
                    if seen.insert(real) && self.folders.len() < MAX_FOLDERS {
                        self.read_folder(builder, &folder);
                        queue.push(folder.clone());
                    }
                    installed.insert((root.clone(), key), folder);
                }
            }
        }
        while let Some(folder) = queue.pop() {
            let calls: Vec<String> = self.folders.get(&folder).map(local_sources).unwrap_or_default();
            for source in calls {
                let target = folder.join(&source);
                let Some(real) = canonical(&target) else { continue };
                if real.is_dir() && self.folders.len() < MAX_FOLDERS && seen.insert(real) {
                    self.read_folder(builder, &target);
                    queue.push(target);
                }
            }
        }
        installed
    }

    fn read_folder(&mut self, builder: &mut Builder, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        let mut files = vec![];
        for path in paths {
            let small = || fs::metadata(&path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_CALLED);
            if (path.extension().is_some_and(|extension| extension == "tf" || extension == "tofu") || is_json(&path))
                && !is_values(&path)
                && small()
                && let Ok(text) = fs::read_to_string(&path)
            {
                let doc = document(builder, &path);
                builder.remarks(doc, &text);
                files.push(ModuleFile { name: name_of(&path), doc, text, named: false });
            }
        }
        if !files.is_empty() {
            self.folders.insert(folder.to_owned(), Folder { files, called: true });
        }
    }
}

/// What a root takes from a file (values of a release, a manifest) is the root's: read by itself the file says less.
fn leave_to_the_root(context: &mut Context<'_>, before: usize, files: &HashMap<DocId, PathBuf>) {
    fn taken(node: &Node, files: &HashMap<DocId, PathBuf>, into: &mut HashSet<PathBuf>) {
        if let Some(path) = files.get(&node.at.doc) {
            into.insert(path.clone());
        }
        match &node.value {
            Value::Map(map) => map.entries.iter().for_each(|(_, node)| taken(node, files, into)),
            Value::List(list) => list.items.iter().for_each(|node| taken(node, files, into)),
            _ => {}
        }
    }
    if files.is_empty() {
        return;
    }
    let mut paths = HashSet::new();
    for document in &context.nested {
        match &document.content {
            Content::Node { node, .. } => taken(node, files, &mut paths),
            Content::Release(release) => taken(&release.values, files, &mut paths),
            Content::Text(_) => {}
        }
    }
    let builder = &mut *context.builder;
    builder.items()[before..].iter().for_each(|item| taken(&item.body, files, &mut paths));
    let read: HashSet<DocId> = builder.items()[..before].iter().map(Item::doc).collect();
    let is_taken = |doc: &DocId| match builder.origin(*doc) {
        Origin::File(path) => canonical(Path::new(&**path)).is_some_and(|path| paths.contains(&path)),
        _ => false,
    };
    let documents = read.into_iter().filter(is_taken).collect();
    builder.supersede(before, &documents);
    context.rendered.extend(paths.iter().cloned());
    context.claimed.extend(paths);
}

/// Is it a module's file or a file of values in Terraform's JSON syntax?
pub(in crate::sources) fn is_json(path: &Path) -> bool {
    let path = path.to_string_lossy();
    [".tf.json", ".tofu.json", ".tfvars.json"].iter().any(|end| path.ends_with(end))
}

/// Is it a file in which Terragrunt says what it runs, and with which inputs?
pub(in crate::sources) fn is_terragrunt(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "terragrunt.hcl")
}

/// Is it a file of values for variables?
fn is_values(path: &Path) -> bool {
    let path = path.to_string_lossy();
    path.ends_with(".tfvars") || path.ends_with(".tfvars.json")
}

/// Does Terraform merge a file of this name into the others of its folder?
fn is_override(name: &str) -> bool {
    let stem = stem_of(name).unwrap_or(name);
    stem == "override" || stem.ends_with("_override")
}

/// The name of a file of code without what tells its language.
fn stem_of(name: &str) -> Option<&str> {
    [".tf", ".tofu", ".tf.json", ".tofu.json"].iter().find_map(|end| name.strip_suffix(end))
}

/// Leaves out the files that have a twin for OpenTofu, which takes that one.
fn without_twins(files: &mut Vec<ModuleFile>) {
    let of_tofu = |name: &str| name.ends_with(".tofu") || name.ends_with(".tofu.json");
    let stems: HashSet<String> = files
        .iter()
        .filter(|file| of_tofu(&file.name))
        .filter_map(|file| Some(stem_of(&file.name)?.to_owned()))
        .collect();
    files.retain(|file| of_tofu(&file.name) || stem_of(&file.name).is_none_or(|stem| !stems.contains(stem)));
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The document of a file that calls and functions lead to, under its shortest path: `a/../b/c.json` is `b/c.json`, unless a link
/// makes it another file.
fn document(builder: &mut Builder, path: &Path) -> DocId {
    let short = as_named(path);
    let same = || canonical(&short).is_some_and(|real| canonical(path).is_some_and(|other| other == real));
    let path = if short != path && same() { &short } else { path };
    builder.document(Origin::File(Arc::from(path.to_string_lossy())))
}

fn canonical(path: &Path) -> Option<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    fs::canonicalize(path).ok()
}

/// The root of the repository that a real path lies in.
fn repository_of(real: &Path) -> Option<&Path> {
    real.ancestors().find(|folder| folder.join(".git").exists())
}

/// `source = "./x"` of a folder's module calls, by their look: what it is not finds no folder.
fn local_sources(folder: &Folder) -> Vec<String> {
    folder
        .files
        .iter()
        .flat_map(|file| file.text.lines())
        .filter_map(|line| {
            let name = line.trim().trim_start_matches('"').strip_prefix("source")?;
            let value = name.trim_start_matches('"').trim_start().strip_prefix(['=', ':'])?.trim();
            let value = value.strip_prefix('"')?.split('"').next()?;
            (value.starts_with("./") || value.starts_with("../")).then(|| value.to_owned())
        })
        .collect()
}

/// What `terraform init` has installed below a root: keys and folders.
fn modules_json(root: &Path) -> Vec<(String, PathBuf)> {
    let Ok(bytes) = storage::read(&root.join(".terraform/modules/modules.json"), MAX_CALLED) else { return vec![] };
    let Ok(list) = serde_json::from_slice::<serde_json::Value>(&bytes) else { return vec![] };
    let modules = list.get("Modules").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    modules
        .iter()
        .filter_map(|module| {
            let (key, folder) = (module.get("Key")?.as_str()?, module.get("Dir")?.as_str()?);
            (!key.is_empty()).then(|| (key.to_owned(), root.join(folder)))
        })
        .take(MAX_FOLDERS)
        .collect()
}
