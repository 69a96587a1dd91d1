//! Roots: folders that no other folder calls, each with its values and everything that it calls.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use hcl_edit::structure::Block;

use crate::inventory::problem::{Calls, TerraformProblem};
use crate::inventory::{At, DocId, Node, Problem, SourceKind, Stated, SymbolScope};
use crate::sources::terraform::hcl::code::{Code, Source};
use crate::sources::terraform::hcl::evaluate::{Env, Evaluator, ModuleInstance, Variant};
use crate::sources::terraform::hcl::known_modules;
use crate::sources::terraform::hcl::named_files::{NamedFiles, Register};
use crate::sources::terraform::hcl::{canonical, name_of};
use crate::sources::terraform::resource::{ModuleResources, Resource};

/// Everything that is evaluated.
pub(super) struct Input<'p> {
    /// Folders, whether each was only read since something calls it, and their files.
    pub(super) parsed: Vec<(PathBuf, bool, Vec<Source>)>,
    pub(super) values: Vec<Values>,
    /// The folder of each module that `terraform init` brought, by its root and key.
    pub(super) installed: HashMap<(PathBuf, String), PathBuf>,
    pub(super) parameters: &'p [(String, String)],
    pub(super) stated: Stated,
    /// As many as there may be roots.
    pub(super) scopes: Vec<SymbolScope>,
}

/// A parsed file of values.
pub(super) struct Values {
    pub(super) path: PathBuf,
    pub(super) source: Source,
    /// Was it named, so that it counts for every root?
    pub(super) named: bool,
}

/// What came of it.
pub(super) struct Evaluated {
    pub(super) roots: Vec<ModuleResources>,
    pub(super) problems: Vec<Problem>,
    /// Files that expressions named, by the document that each became.
    pub(super) files: HashMap<DocId, PathBuf>,
}

/// Evaluates all roots.
pub(super) fn evaluate_all(input: &Input<'_>, documents: &dyn Register) -> Evaluated {
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
                problems.push(Problem::new(TerraformProblem::DeclaredTwice { what: what.into() }, Some(at)));
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
    let known_sources = known_modules::Sources::of(&codes);
    let known = known_modules::Known::new(&known_sources);
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
    let folders: Vec<PathBuf> = codes.iter().map(|code| code.folder.clone()).collect();
    let files = NamedFiles::new(documents, &folders);
    let mut variants = variants(input, &codes, &called);
    let (mut sets, mut unread, mut terragrunt) = (vec![], vec![], Terragrunt::default());
    for (number, code) in codes.iter().enumerate().filter(|(number, _)| !called[*number]) {
        let scope = scopes.get(number).copied().unwrap_or(SymbolScope::Run);
        let resolve = |module: &ModuleInstance<'_>, key: &str, call: &Block| {
            let source = call.body.get_attribute("source")?.value.as_str()?;
            let folder = match input.installed.get(&(code.folder.clone(), key.to_owned())) {
                Some(folder) => Some(folder.clone()),
                None if source.starts_with('.') => Some(module.code.folder.join(source)),
                None => None,
            };
            let found = folder.and_then(|folder| canonical(&folder)).and_then(|folder| by_folder.get(&folder));
            match found {
                Some(number) => codes.get(*number),
                None => known.find(call),
            }
        };
        let evaluator = Evaluator::new(scope, input.stated.clone(), &files, &resolve);
        let mut root = ModuleInstance::new(code);
        root.folder = Some(".".to_owned());
        root.given = given(input, code, &files);
        root.variants = variants.remove(&number).unwrap_or_default();
        root.is_library = root.given.is_empty() && root.variants.is_empty() && is_library(code, &mut terragrunt);
        let root = Rc::new(root);
        let mut resources: Vec<Resource> = vec![];
        evaluator.resources(&root, &mut resources);
        problems.extend(spent(&evaluator, code));
        resources.extend(evaluator.handed_over());
        unread.extend(evaluator.unread().into_iter().map(|call| (call.source.to_owned(), call.key, call.at)));
        let home = evaluator.home(&root);
        sets.push(ModuleResources { scope, source: SourceKind::Source, home, resources });
    }
    problems.extend(not_read(unread));
    Evaluated { roots: sets, problems, files: files.read_files() }
}

/// Is it a module that only others call, though none of them was given? What its variables have by default says nothing
/// then: a module takes what each caller gives.
fn is_library(code: &Code<'_>, terragrunt: &mut Terragrunt) -> bool {
    let required = || code.variables.values().any(|variable| !variable.it.body.has_attribute("default"));
    let shelved =
        || code.folder.components().any(|name| matches!(name.as_os_str().to_str(), Some("modules" | "module")));
    let installed = || [".terraform", ".terraform.lock.hcl"].iter().any(|name| code.folder.join(name).exists());
    (!code.is_configured && (required() || shelved()) && !installed()) || terragrunt.runs(&code.folder)
}

/// How deep below a repository's top files of Terragrunt are looked for, and among how many entries of folders.
const TERRAGRUNT_DEPTH: usize = 6;
const TERRAGRUNT_ENTRIES: usize = 5_000;

/// The folders that files of Terragrunt name as their source, by the repository's top: Terragrunt gives their variables.
#[derive(Default)]
struct Terragrunt(HashMap<PathBuf, HashSet<String>>);

impl Terragrunt {
    fn runs(&mut self, folder: &Path) -> bool {
        if folder.join("terragrunt.hcl").is_file() {
            return true;
        }
        let Some(real) = canonical(folder) else { return false };
        // The repository, or as far up as the path goes that was given.
        let given = folder.components().filter(|part| matches!(part, Component::Normal(_))).count();
        let repository = real.ancestors().find(|above| above.join(".git").exists());
        let Some(top) = repository.or_else(|| real.ancestors().nth(given)) else { return false };
        let named = self.0.entry(top.to_path_buf()).or_insert_with(|| terragrunt_sources(top));
        real.file_name().is_some_and(|name| named.contains(&*name.to_string_lossy()))
    }
}

/// The last names of the sources in the files of Terragrunt below a folder.
fn terragrunt_sources(top: &Path) -> HashSet<String> {
    let (mut found, mut left, mut queue) = (HashSet::new(), TERRAGRUNT_ENTRIES, vec![(top.to_path_buf(), 0)]);
    while let Some((folder, depth)) = queue.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            left = left.saturating_sub(1);
            if left == 0 {
                return found;
            }
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !hidden && depth < TERRAGRUNT_DEPTH && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                queue.push((entry.path(), depth + 1));
            } else if entry.file_name() == "terragrunt.hcl" {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                found.extend(text.lines().filter_map(source_name));
            }
        }
    }
    found
}

/// `layer2-k8s` of `source = "${get_terragrunt_dir()}/../..//layer2-k8s?ref=main"`.
fn source_name(line: &str) -> Option<String> {
    let value = line.trim().strip_prefix("source")?.trim_start().strip_prefix('=')?;
    let (_, source) = value.split_once('"')?;
    let source = source.rsplit_once('"')?.0;
    let path = source.split('?').next()?.trim_end_matches('/');
    Some(path.rsplit('/').next()?.to_owned())
}

/// Modules whose code is not there, by source, key and place of their calls: one line for each source.
fn not_read(unread: Vec<(String, String, At)>) -> Vec<Problem> {
    let mut by_source: BTreeMap<String, (String, At, usize)> = BTreeMap::new();
    for (source, key, at) in unread {
        by_source.entry(source).or_insert((key, at, 0)).2 += 1;
    }
    by_source
        .into_iter()
        .map(|(source, (key, at, calls))| {
            let calls = Calls { key: key.into(), others: calls - 1 };
            let is_folder = source.starts_with('.');
            let source = source.into();
            let what = if is_folder {
                TerraformProblem::ModuleFolder { source, calls }
            } else {
                TerraformProblem::Module { source, calls }
            };
            Problem::new(what, Some(at))
        })
        .collect()
}

fn spent(evaluator: &Evaluator<'_>, code: &Code<'_>) -> Option<Problem> {
    evaluator.is_spent().then(|| {
        let at = code.resources.values().next().map(|block| At::whole(block.source.doc));
        Problem::new(TerraformProblem::TooMuch, at)
    })
}

/// Does Terraform read a file of values of this name by itself, and as which of them?
fn automatic(name: &str) -> Option<u8> {
    match name {
        "terraform.tfvars" => Some(0),
        "terraform.tfvars.json" => Some(1),
        _ => (name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json")).then_some(2),
    }
}

fn in_folder(values: &Values, code: &Code<'_>) -> bool {
    values.path.parent().unwrap_or(Path::new("")) == code.folder
}

/// What a file of values gives.
fn entries(input: &Input<'_>, files: &NamedFiles<'_>, values: &Values) -> Vec<(String, Node)> {
    let empty = Code::default();
    let resolve = |_: &ModuleInstance<'_>, _: &str, _: &Block| None;
    let evaluator = Evaluator::new(SymbolScope::Run, input.stated.clone(), files, &resolve);
    let env = Env::new(&Rc::new(ModuleInstance::new(&empty)), &values.source);
    let attributes = values.source.body.attributes();
    attributes.map(|entry| (entry.key.as_str().to_owned(), evaluator.eval(&env, &entry.value))).collect()
}

/// The values of a root's variables, the later ones over the earlier: what Terraform reads by itself, the files that were
/// named, then what the command line gives.
fn given(input: &Input<'_>, code: &Code<'_>, files: &NamedFiles<'_>) -> Vec<(String, Node)> {
    let mut counted: Vec<(u8, &Values)> = input
        .values
        .iter()
        .filter_map(|values| match automatic(&name_of(&values.path)).filter(|_| in_folder(values, code)) {
            Some(order) => Some((order, values)),
            None => values.named.then_some((3, values)),
        })
        .collect();
    counted.sort_by(|(one, this), (other, that)| one.cmp(other).then_with(|| this.path.cmp(&that.path)));
    let mut given: Vec<(String, Node)> =
        counted.into_iter().flat_map(|(_, values)| entries(input, files, values)).collect();
    let at = code.variables.values().next().map(|block| At::whole(block.source.doc)).unwrap_or_default();
    given.extend(input.parameters.iter().map(|(name, value)| (name.clone(), Node::text(value.as_str(), at))));
    given
}

/// Files of values of which a run of Terraform names one, by the number of the root that they belong to: the nearest
/// folder around them that has code. Of what lies beside its root the names of the variables tell.
fn variants<'a>(input: &'a Input<'_>, codes: &[Code<'a>], called: &[bool]) -> HashMap<usize, Vec<Variant<'a>>> {
    let mut variants: HashMap<usize, Vec<Variant<'a>>> = HashMap::new();
    let roots = || codes.iter().enumerate().filter(|(number, _)| !called[*number]);
    for values in input.values.iter().filter(|values| !values.named) {
        let names: Vec<&str> = values.source.body.attributes().map(|entry| entry.key.as_str()).collect();
        let declares = |code: &Code<'_>, name: &&str| code.variables.contains_key(*name);
        let around = values.path.ancestors().skip(1).find(|folder| codes.iter().any(|code| code.folder == **folder));
        let automatic = automatic(&name_of(&values.path)).is_some();
        let of: Vec<usize> = match around {
            Some(folder) => roots()
                .filter(|(_, code)| code.folder == folder && !(automatic && in_folder(values, code)))
                .filter(|(_, code)| names.iter().any(|name| declares(code, name)))
                .map(|(number, _)| number)
                .collect(),
            None => roots()
                .filter(|(_, code)| !names.is_empty() && names.iter().all(|name| declares(code, name)))
                .map(|(number, _)| number)
                .collect(),
        };
        for number in of {
            let path = values.path.strip_prefix(&codes[number].folder).unwrap_or(&values.path);
            let name = path.to_string_lossy().into_owned();
            variants.entry(number).or_default().push(Variant { name, source: &values.source });
        }
    }
    variants
}
