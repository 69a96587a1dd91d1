//! Roots: folders that no other folder calls, each with its values and everything that it calls.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hcl_edit::structure::Block;

use crate::inventory::problem::{Calls, TerraformProblem};
use crate::inventory::{At, DocId, Node, Problem, SourceKind, Stated, SymbolScope, Value};
use crate::sources::terraform::hcl::code::{Code, Source};
use crate::sources::terraform::hcl::evaluate::{Env, Evaluator, ModuleInstance, Variant};
use crate::sources::terraform::hcl::known_modules;
use crate::sources::terraform::hcl::named_files::{NamedFiles, Register};
use crate::sources::terraform::hcl::terragrunt::Terragrunt;
use crate::sources::terraform::hcl::terragrunt::units::Unit;
use crate::sources::terraform::hcl::{canonical, name_of};
use crate::sources::terraform::resource::{ModuleResources, Resource};

/// Everything that is evaluated.
pub(super) struct Input {
    /// Folders, whether each was only read since something calls it, and their files.
    pub(super) parsed: Vec<(PathBuf, bool, Vec<Source>)>,
    pub(super) values: Vec<Values>,
    /// What Terragrunt runs.
    pub(super) units: Vec<Unit>,
    /// The folder of each module that `terraform init` brought, by its root and key.
    pub(super) installed: HashMap<(PathBuf, String), PathBuf>,
    pub(super) stated: Stated,
    /// What is stated of each of the scopes.
    pub(super) of_scopes: HashMap<SymbolScope, Stated>,
    /// As many as there may be roots.
    pub(super) scopes: Vec<SymbolScope>,
    /// The folders that were named on the command line.
    pub(super) given: Vec<PathBuf>,
}

impl Input {
    /// What is stated of the root whose symbols have this scope.
    fn stated_of(&self, scope: SymbolScope) -> &Stated {
        self.of_scopes.get(&scope).unwrap_or(&self.stated)
    }

    /// The values of variables that are stated of a root, which count before those of files.
    fn parameters(&self, scope: SymbolScope, code: &Code<'_>) -> Vec<(String, Node)> {
        let at = code.variables.values().next().map(|block| At::whole(block.source.doc)).unwrap_or_default();
        let parameters = &self.stated_of(scope).parameters;
        parameters.iter().map(|(name, value)| (name.clone(), Node::text(value.as_str(), at))).collect()
    }
}

/// A parsed file of values.
pub(super) struct Values {
    pub(super) path: PathBuf,
    pub(super) source: Source,
    /// Was it named, so that it counts for every root?
    pub(super) named: bool,
    /// The scope of what it makes of a root, where that is a cluster of its own.
    pub(super) scope: SymbolScope,
}

/// Who runs the code of a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Terraform itself.
    Root,
    /// Terragrunt.
    Unit,
    /// Others call it, none of whom was given.
    Library,
}

/// What came of one root, or of one with the values of one file.
struct Root {
    set: ModuleResources,
    problem: Option<Problem>,
    unread: Vec<(String, String, At)>,
}

/// What came of it.
pub(super) struct Evaluated {
    pub(super) roots: Vec<ModuleResources>,
    pub(super) problems: Vec<Problem>,
    /// Files that expressions named, by the document that each became.
    pub(super) files: HashMap<DocId, PathBuf>,
}

/// Evaluates all roots.
pub(super) fn evaluate_all(input: &Input, documents: &dyn Register) -> Evaluated {
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
    let files = NamedFiles::new(documents, &folders, &input.given);
    let mut variants = variants(input, &codes, &called);
    let (mut sets, mut unread, mut terragrunt) = (vec![], vec![], Terragrunt::default());
    let mut units: HashMap<usize, Vec<&Unit>> = HashMap::new();
    for unit in &input.units {
        if let Some(number) = by_folder.get(&unit.target) {
            units.entry(*number).or_default().push(unit);
        }
    }
    for (number, code) in codes.iter().enumerate() {
        let units = units.remove(&number).unwrap_or_default();
        if called[number] && units.is_empty() {
            continue;
        }
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
        let evaluate_in =
            |region: Option<&String>, scope: SymbolScope, given: Vec<(String, Node)>, variants: Vec<_>, run: Run| {
                let mut stated = input.stated_of(scope).clone();
                stated.region = region.cloned().or(stated.region);
                let evaluator = Evaluator::new(scope, stated, &files, &resolve);
                let mut root = ModuleInstance::new(code);
                root.folder = Some(".".to_owned());
                (root.given, root.variants) = (given, variants);
                (root.is_library, root.is_unit) = (run == Run::Library, run == Run::Unit);
                let root = Rc::new(root);
                let mut resources: Vec<Resource> = vec![];
                evaluator.resources(&root, &mut resources);
                let problem = spent(&evaluator, code);
                resources.extend(evaluator.handed_over());
                let unread =
                    evaluator.unread().into_iter().map(|call| (call.source.to_owned(), call.key, call.at)).collect();
                let home = evaluator.home(&root);
                Root { set: ModuleResources { scope, source: SourceKind::Source, home, resources }, problem, unread }
            };
        let evaluate = |scope, given, variants, run| evaluate_in(None, scope, given, variants, run);
        let own = given(input, code, &files);
        let variants = variants.remove(&number).unwrap_or_default();
        let mut each = clusters_apart(input, &variants, |one| {
            let more = entries(input, &files, &input.values[one]);
            let scope = input.values[one].scope;
            let given = [own.clone(), more, input.parameters(scope, code)].concat();
            evaluate(scope, given, vec![], Run::Root)
        });
        // What a run gives is known, and another run of the same folder is another cluster's.
        if !units.is_empty() {
            let run = |unit: &&Unit| {
                let given = [own.clone(), unit.inputs.clone(), input.parameters(unit.scope, code)].concat();
                evaluate_in(unit.region.as_ref(), unit.scope, given, vec![], Run::Unit)
            };
            each = units.iter().map(run).collect();
        }
        if each.is_empty() {
            let given = [own, input.parameters(scope, code)].concat();
            let is_library = given.is_empty() && variants.is_empty() && is_library(code, &mut terragrunt);
            each.push(evaluate(scope, given, variants, if is_library { Run::Library } else { Run::Root }));
        }
        // What is not read is so in each of them.
        unread.extend(each.first_mut().map(|root| std::mem::take(&mut root.unread)).unwrap_or_default());
        for root in each {
            problems.extend(root.problem);
            sets.push(root.set);
        }
    }
    problems.extend(not_read(unread));
    Evaluated { roots: sets, problems, files: files.read_files() }
}

/// A root with more files of values than these is not evaluated once for each.
const MOST_VARIANTS: usize = 12;

/// A root with the values of each file, where each makes a cluster with a name of its own; nothing where that is not certain:
/// values of different files are then held against each other.
fn clusters_apart(input: &Input, variants: &[Variant<'_>], evaluate: impl Fn(usize) -> Root) -> Vec<Root> {
    let alone = |variant: &Variant<'_>| {
        let names = |variant: &Variant<'_>| -> BTreeSet<String> {
            let body = &input.values[variant.number].source.body;
            body.attributes().map(|entry| entry.key.as_str().to_owned()).collect()
        };
        // A file that sets what no other does lies below or above them.
        let own = names(variant);
        variant.only && variants.iter().any(|other| other.number != variant.number && !own.is_disjoint(&names(other)))
    };
    if !(2..=MOST_VARIANTS).contains(&variants.len()) || !variants.iter().all(alone) {
        return vec![];
    }
    let each: Vec<Root> = variants.iter().map(|variant| evaluate(variant.number)).collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let apart = each.iter().all(|root| {
        let names = cluster_names(&root.set.resources);
        !names.is_empty() && names.into_iter().all(|name| seen.insert(name))
    });
    if apart { each } else { vec![] }
}

/// The names of clusters that resources say: their own, and those in arguments and values of charts.
fn cluster_names(resources: &[Resource]) -> BTreeSet<String> {
    fn look(node: &Node, names: &mut BTreeSet<String>) {
        match &node.value {
            Value::Map(map) => {
                for (key, node) in &map.entries {
                    match node.as_str() {
                        Some(text) if key.is("cluster_name") || key.is("clusterName") => {
                            names.extend((!text.is_empty()).then(|| text.to_owned()));
                        }
                        _ => look(node, names),
                    }
                }
            }
            Value::List(list) => list.items.iter().for_each(|node| look(node, names)),
            Value::Text(text) => {
                let known = text.known().unwrap_or_default();
                let said = known.lines().filter_map(|line| line.trim().strip_prefix("clusterName:"));
                let said = said.map(|name| name.trim().trim_matches(['"', '\'']).to_owned());
                names.extend(said.filter(|name| !name.is_empty()));
            }
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    for resource in resources {
        if &*resource.kind == "aws_eks_cluster" {
            names.extend(resource.attributes.str_at(&["name"]).filter(|name| !name.is_empty()).map(str::to_owned));
        }
        look(&resource.attributes, &mut names);
    }
    names
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
            let (is_folder, is_empty) = (source.starts_with('.'), source.is_empty());
            let source = source.into();
            let what = if is_empty {
                TerraformProblem::ModuleOfNoSource { calls }
            } else if is_folder {
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
fn entries(input: &Input, files: &NamedFiles<'_>, values: &Values) -> Vec<(String, Node)> {
    let empty = Code::default();
    let resolve = |_: &ModuleInstance<'_>, _: &str, _: &Block| None;
    let evaluator = Evaluator::new(SymbolScope::Run, input.stated.clone(), files, &resolve);
    let env = Env::new(&Rc::new(ModuleInstance::new(&empty)), &values.source);
    let attributes = values.source.body.attributes();
    attributes.map(|entry| (entry.key.as_str().to_owned(), evaluator.eval(&env, &entry.value))).collect()
}

/// The values that files give a root's variables, the later ones over the earlier: what Terraform reads by itself, then the
/// files that were named.
fn given(input: &Input, code: &Code<'_>, files: &NamedFiles<'_>) -> Vec<(String, Node)> {
    let mut counted: Vec<(u8, &Values)> = input
        .values
        .iter()
        .filter_map(|values| match automatic(&name_of(&values.path)).filter(|_| in_folder(values, code)) {
            Some(order) => Some((order, values)),
            None => values.named.then_some((3, values)),
        })
        .collect();
    counted.sort_by(|(one, this), (other, that)| one.cmp(other).then_with(|| this.path.cmp(&that.path)));
    counted.into_iter().flat_map(|(_, values)| entries(input, files, values)).collect()
}

/// Files of values of which a run of Terraform names one, by the number of the root that they belong to: the nearest
/// folder around them that has code. Of what lies beside its root the names of the variables tell.
fn variants<'a>(input: &'a Input, codes: &[Code<'a>], called: &[bool]) -> HashMap<usize, Vec<Variant<'a>>> {
    let mut variants: HashMap<usize, Vec<Variant<'a>>> = HashMap::new();
    let roots = || codes.iter().enumerate().filter(|(number, _)| !called[*number]);
    for (at, values) in input.values.iter().enumerate().filter(|(_, values)| !values.named) {
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
        let only = of.len() == 1;
        for number in of {
            let path = values.path.strip_prefix(&codes[number].folder).unwrap_or(&values.path);
            let name = path.to_string_lossy().into_owned();
            variants.entry(number).or_default().push(Variant { name, source: &values.source, number: at, only });
        }
    }
    variants
}
