//! Terraform's own files, read without running Terraform: the files of a folder are one module.
//!
//! A module that another one calls is read as it is called, with its inputs, wherever its code is: in a folder beside it,
//! in `.terraform/modules`, or among the modules for Karpenter that karpcheck knows by itself.

mod bundled_modules;
mod code;
mod evaluate;
mod functions;
mod json;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::inventory::{At, Builder, DocId, Node, Origin, Problem, SourceKind, Stated, SymbolScope, Value};
use crate::schema::kinds::GatherScope;
use crate::sources::terraform::items;
use crate::sources::terraform::resource::{ModuleResources, Resource};
use code::{Code, Source};
use evaluate::{Env, Evaluator, ModuleInstance};

/// Evaluation nests: on a thread of its own, so that a module cannot end the process.
const STACK: usize = 256 << 20;
/// A module's file that nobody named is not read beyond this size.
const MAX_CALLED: u64 = 8 << 20;
/// Folders that calls may lead to.
const MAX_FOLDERS: usize = 500;

/// The files that were given, by folder.
#[derive(Default)]
pub(in crate::sources) struct Modules {
    folders: BTreeMap<PathBuf, Folder>,
    /// Files of values (`*.tfvars`) that were given, and whether they were named.
    values: Vec<(PathBuf, DocId, String, bool)>,
    /// The scope of what lies in a folder, and which shapes have it: the plan or state beside a module speaks of the
    /// same addresses, a second plan of others.
    scopes: HashMap<PathBuf, (SymbolScope, Vec<bool>)>,
}

#[derive(Default)]
struct Folder {
    files: Vec<(DocId, String, bool)>,
    /// Was it only read since something calls it?
    called: bool,
}

impl Modules {
    /// Takes a file.
    pub(in crate::sources) fn file(&mut self, path: &Path, doc: DocId, text: String, named: bool) {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        if path.extension().is_some_and(|extension| extension == "tfvars") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Of those that nobody named Terraform reads these, and no others.
            if named || name == "terraform.tfvars" || name.ends_with(".auto.tfvars") {
                self.values.push((folder, doc, text, named));
            }
            return;
        }
        self.folders.entry(folder).or_default().files.push((doc, text, named));
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
    pub(in crate::sources) fn add(
        mut self,
        builder: &mut Builder,
        plan: &GatherScope,
        parameters: &[(String, String)],
    ) -> u64 {
        if self.folders.is_empty() && self.values.is_empty() {
            return 0;
        }
        let installed = self.follow(builder);
        let mut parsed: Vec<(PathBuf, bool, Vec<Source>)> = vec![];
        for (path, folder) in std::mem::take(&mut self.folders) {
            let mut sources = vec![];
            for (doc, text, named) in folder.files {
                match parse(doc, text) {
                    Ok(source) => sources.push(source),
                    Err((what, at, before)) => {
                        let what = format!("it is not valid {what}");
                        builder.problem(if named {
                            Problem::fatal(what, Some(at))
                        } else {
                            Problem::new(what, Some(at))
                        });
                        sources.extend(before.and_then(|text| parse(doc, text).ok()));
                    }
                }
            }
            parsed.push((path, folder.called, sources));
        }
        let mut values: Vec<(PathBuf, Source, bool)> = vec![];
        for (folder, doc, text, named) in std::mem::take(&mut self.values) {
            match parse(doc, text) {
                Ok(source) => values.push((folder, source, named)),
                Err((what, at, _)) => {
                    builder.problem(Problem::new(format!("it is not valid {what}"), Some(at)));
                }
            }
        }
        let stated = builder.stated().clone();
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
        let input = Input { parsed, values, installed, parameters, stated, scopes };
        let outcome = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || evaluate_all(&input));
            thread.ok()?.join().ok()
        });
        let Some((sets, problems)) = outcome else {
            builder.problem(Problem::new("the Terraform files could not be evaluated", None));
            return 0;
        };
        for problem in problems {
            builder.problem(problem);
        }
        let mut count = 0;
        for set in &sets {
            builder.enter(set.scope);
            count += items::add(builder, plan, set);
        }
        builder.leave();
        count
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
            if (path.extension().is_some_and(|extension| extension == "tf") || is_json(&path))
                && small()
                && let Ok(text) = fs::read_to_string(&path)
            {
                files.push((builder.document(Origin::File(Arc::from(path.to_string_lossy()))), text, false));
            }
        }
        if !files.is_empty() {
            self.folders.insert(folder.to_owned(), Folder { files, called: true });
        }
    }
}

/// Is it a module's file in Terraform's JSON syntax?
pub(in crate::sources) fn is_json(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".tf.json")
}

fn canonical(path: &Path) -> Option<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    fs::canonicalize(path).ok()
}

/// What is wrong with a file, where, and the whole blocks that stand before it.
type Unparsed = (String, At, Option<String>);

/// Parsing nests as the text does, within the parser's own bounds.
fn parse(doc: DocId, text: String) -> Result<Source, Unparsed> {
    let parsed = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        // No block of Terraform's own syntax begins with a brace.
        if text.trim_start().starts_with('{') {
            return match json::rewrite(doc, &text) {
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

/// `source = "./x"` of a folder's module calls, by their look: what it is not finds no folder.
fn local_sources(folder: &Folder) -> Vec<String> {
    folder
        .files
        .iter()
        .flat_map(|(_, text, _)| text.lines())
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
    let Ok(bytes) = fs::read(root.join(".terraform/modules/modules.json")) else { return vec![] };
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

struct Input<'p> {
    parsed: Vec<(PathBuf, bool, Vec<Source>)>,
    values: Vec<(PathBuf, Source, bool)>,
    installed: HashMap<(PathBuf, String), PathBuf>,
    parameters: &'p [(String, String)],
    stated: Stated,
    /// As many as there may be roots.
    scopes: Vec<SymbolScope>,
}

fn evaluate_all(input: &Input<'_>) -> (Vec<ModuleResources>, Vec<Problem>) {
    let mut problems = vec![];
    let mut codes: Vec<Code<'_>> = vec![];
    let mut called: Vec<bool> = vec![];
    let mut scopes: Vec<SymbolScope> = vec![];
    let mut next = input.scopes.iter().copied();
    for (folder, only_called, sources) in &input.parsed {
        let own = next.next().unwrap_or(SymbolScope::Run);
        let each: Vec<SymbolScope> = next.by_ref().take(sources.len()).collect();
        let all: Vec<&Source> = sources.iter().collect();
        let (code, twice) = Code::new(folder.clone(), &all);
        match twice {
            Some((what, at)) if sources.len() > 1 => {
                // No module, but files that happen to lie side by side.
                problems.push(Problem::note(
                    format!("{what} is declared twice in this folder: its files are read each by itself"),
                    Some(at),
                ));
                for (source, scope) in sources.iter().zip(each) {
                    codes.push(Code::new(folder.clone(), &[source]).0);
                    called.push(*only_called);
                    scopes.push(scope);
                }
            }
            _ => {
                scopes.push(own);
                codes.push(code);
                called.push(*only_called);
            }
        }
    }
    let known_sources = bundled_modules::Sources::default();
    let known = bundled_modules::Known::new(&known_sources);
    let by_folder: HashMap<PathBuf, usize> =
        codes.iter().enumerate().filter_map(|(number, code)| Some((canonical(&code.folder)?, number))).collect();
    // What another folder calls is read as it is called.
    for (number, code) in codes.iter().enumerate() {
        for block in code.modules.values() {
            let source = block.it.body.get_attribute("source").and_then(|source| source.value.as_str());
            if let Some(source) = source.filter(|source| source.starts_with('.'))
                && let Some(target) = canonical(&code.folder.join(source)).and_then(|path| by_folder.get(&path))
                && *target != number
            {
                called[*target] = true;
            }
        }
    }
    // A circle of calls has no root; then all are.
    if called.iter().all(|called| *called) {
        called.fill(false);
    }
    let mut sets = vec![];
    for (number, code) in codes.iter().enumerate().filter(|(number, _)| !called[*number]) {
        let scope = scopes.get(number).copied().unwrap_or(SymbolScope::Run);
        let resolve = |module: &ModuleInstance<'_>, key: &str, source: &str, version: Option<&str>| {
            let folder = match input.installed.get(&(code.folder.clone(), key.to_owned())) {
                Some(folder) => Some(folder.clone()),
                None if source.starts_with('.') => Some(module.code.folder.join(source)),
                None => None,
            };
            let found = folder.and_then(|folder| canonical(&folder)).and_then(|folder| by_folder.get(&folder));
            match found {
                Some(number) => codes.get(*number),
                None => known.find(source, version),
            }
        };
        let evaluator = Evaluator::new(scope, input.stated.clone(), &resolve);
        let mut root = ModuleInstance::new(code);
        root.given = given(input, code);
        let root = Rc::new(root);
        let mut resources: Vec<Resource> = vec![];
        evaluator.resources(&root, &mut resources);
        problems.extend(left_out(&evaluator, code));
        let used = evaluator.used.borrow();
        for one in &mut resources {
            if used.contains(&*one.address)
                && let Value::Map(map) = &mut one.attributes.value
            {
                map.set("@used", Node::new(Value::Flag(true), one.attributes.at));
            }
        }
        let home = evaluator.home(&root);
        sets.push(ModuleResources { scope, source: SourceKind::Source, home, resources });
    }
    (sets, problems)
}

/// What was not read of a root, in words.
fn left_out(evaluator: &Evaluator<'_>, code: &Code<'_>) -> Vec<Problem> {
    let mut problems = vec![];
    let unread = evaluator.unread.borrow();
    if let Some((_, at)) = unread.first() {
        let names: Vec<&str> = unread.iter().map(|(name, _)| name.as_str()).take(5).collect();
        let more = unread.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        problems.push(Problem::note(
            format!(
                "the code of {} was not read ({}{more}): `terraform init` brings it, or give the plan \
                 (`terraform show -json PLAN`)",
                if unread.len() == 1 { "a module" } else { "modules" },
                names.join(", ")
            ),
            Some(*at),
        ));
    }
    if evaluator.is_spent() {
        let what = "its expressions make more than karpcheck evaluates, so the rest of it is unknown: give the plan";
        let at = code.resources.values().next().map(|block| At::whole(block.source.doc));
        problems.push(Problem::new(what, at));
    }
    problems
}

/// The values of a root's variables: files of values, then what the command line gives.
fn given(input: &Input<'_>, code: &Code<'_>) -> Vec<(String, Node)> {
    let empty = Code::default();
    let resolve = |_: &ModuleInstance<'_>, _: &str, _: &str, _: Option<&str>| None;
    let mut given = vec![];
    for (folder, source, named) in &input.values {
        if !named && *folder != code.folder {
            continue;
        }
        let evaluator = Evaluator::new(SymbolScope::Run, input.stated.clone(), &resolve);
        let env = Env::new(&Rc::new(ModuleInstance::new(&empty)), source);
        for attribute in source.body.attributes() {
            given.push((attribute.key.as_str().to_owned(), evaluator.eval(&env, &attribute.value)));
        }
    }
    let at = code.variables.values().next().map(|block| At::whole(block.source.doc)).unwrap_or_default();
    given.extend(input.parameters.iter().map(|(name, value)| (name.clone(), Node::text(value.as_str(), at))));
    given
}
