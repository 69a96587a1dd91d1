//! Terragrunt's units: each file runs Terraform in one folder with `inputs`, which the files that it includes and reads give
//! in part. What Terragrunt computes when it runs (outputs of other units, commands, the environment) stays a symbol, and so
//! does a variable that none of them gives: more arguments, files of values and the environment may give it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use hcl_edit::structure::Block;

use crate::inventory::{At, DocId, Map, Node, Stated, SymbolScope, Value};
use crate::karpenter::terraform_modules;
use crate::sources::helm::values::over;
use crate::sources::terraform::hcl::code::Code;
use crate::sources::terraform::hcl::evaluate::{Around, Env, Evaluator, ModuleInstance};
use crate::sources::terraform::hcl::named_files::NamedFiles;
use crate::sources::terraform::hcl::{canonical, parse};

/// Files that include or read each other deeper than this are a circle.
const DEPTH: usize = 8;

/// A file of Terragrunt that was given.
pub(in crate::sources::terraform::hcl) struct UnitFile {
    pub(in crate::sources::terraform::hcl) path: PathBuf,
    pub(in crate::sources::terraform::hcl) doc: DocId,
    pub(in crate::sources::terraform::hcl) text: String,
    /// The scope of what it makes of its folder of Terraform.
    pub(in crate::sources::terraform::hcl) scope: SymbolScope,
}

/// What one file runs.
pub(in crate::sources::terraform::hcl) struct Unit {
    /// The folder of Terraform that it runs, as a real path.
    pub(in crate::sources::terraform::hcl) target: PathBuf,
    pub(in crate::sources::terraform::hcl) inputs: Vec<(String, Node)>,
    /// The region of the provider that it generates.
    pub(in crate::sources::terraform::hcl) region: Option<String>,
    pub(in crate::sources::terraform::hcl) scope: SymbolScope,
    /// The call of a known module, where it runs that and no folder that is there.
    pub(in crate::sources::terraform::hcl) call: Option<Call>,
}

/// Code that calls what Terragrunt runs, in the place of the folder that it fetches.
pub(in crate::sources::terraform::hcl) struct Call {
    /// The folder of the file that says so.
    pub(in crate::sources::terraform::hcl) folder: PathBuf,
    pub(in crate::sources::terraform::hcl) doc: DocId,
    pub(in crate::sources::terraform::hcl) text: String,
}

/// What Terragrunt runs that is not there: the source, and the file that names it.
pub(in crate::sources::terraform::hcl) struct Elsewhere {
    pub(in crate::sources::terraform::hcl) source: String,
    pub(in crate::sources::terraform::hcl) at: At,
}

/// What a file says, with what it includes.
struct Config {
    locals: Node,
    inputs: Map,
    source: Option<String>,
    region: Option<String>,
}

/// What files run: folders that are there, and what is not.
pub(in crate::sources::terraform::hcl) fn units(
    files: &[UnitFile],
    named: &NamedFiles<'_>,
) -> (Vec<Unit>, Vec<Elsewhere>) {
    let mut elsewhere = vec![];
    let units = files
        .iter()
        .filter_map(|file| {
            let path = canonical(&file.path)?;
            let folder = path.parent()?.to_owned();
            let reading = Reading { named, scope: file.scope };
            let config = reading.config(&path, file.doc, &file.text, &folder, 0)?;
            let inputs = config.inputs.entries.into_iter();
            let inputs: Vec<(String, Node)> =
                inputs.filter_map(|(name, node)| Some((name.known()?.to_owned(), node))).collect();
            let local = config
                .source
                .as_deref()
                .map(|source| local_folder(&folder, source).and_then(|local| canonical(&local)));
            let call = match (&local, &config.source) {
                (Some(None), Some(source)) => match call(file, source, &inputs) {
                    Some(call) => Some(call),
                    None => {
                        elsewhere.push(Elsewhere { source: source.clone(), at: At::whole(file.doc) });
                        return None;
                    }
                },
                _ => None,
            };
            let target = local.flatten().unwrap_or(folder);
            Some(Unit { target, inputs, region: config.region, scope: file.scope, call })
        })
        .collect();
    (units, elsewhere)
}

/// The folder of `../../modules//eks?ref=main`; none of what is kept elsewhere.
fn local_folder(folder: &Path, source: &str) -> Option<PathBuf> {
    let source = source.split('?').next()?;
    let local = source.starts_with(['.', '/']) && !source.contains("::");
    local.then(|| folder.join(source.replace("//", "/")))
}

/// The call of a known module that a file runs with some inputs, in the line that names it. What else gives it values (files of
/// values, the environment alone) is not known.
fn call(file: &UnitFile, source: &str, inputs: &[(String, Node)]) -> Option<Call> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).filter(|name| is_name(name)).collect();
    if names.is_empty() || file.text.contains("extra_arguments") {
        return None;
    }
    // `tfr:///terraform-aws-modules/eks/aws//modules/karpenter?version=20.8.5`, with a registry or without.
    let (source, version) = match source.strip_prefix("tfr://") {
        Some(module) => {
            let (module, version) = module.split_once("?version=")?;
            (module.trim_start_matches('/'), Some(version))
        }
        None => (source, None),
    };
    terraform_modules::find(source, version, &names)?;
    let line = file.text.lines().position(source_line).unwrap_or_default();
    let mut text = "\n".repeat(line);
    text.push_str(&format!("module \"this\" {{\nsource = {source:?}\n"));
    if let Some(version) = version {
        text.push_str(&format!("version = {version:?}\n"));
    }
    names.iter().for_each(|name| text.push_str(&format!("{name} = var.{name}\n")));
    text.push_str("}\n");
    names.iter().for_each(|name| text.push_str(&format!("variable {name:?} {{}}\n")));
    Some(Call { folder: file.path.parent().unwrap_or(Path::new("")).to_owned(), doc: file.doc, text })
}

fn source_line(line: &str) -> bool {
    line.trim_start().trim_start_matches("terraform").trim_start_matches([' ', '{']).starts_with("source")
}

/// The region of the provider without an alias that a file of Terraform configures.
fn region_of_provider(doc: DocId, text: &str) -> Option<String> {
    let source = parse::parse(doc, text.to_owned()).ok()?;
    let providers = source.body.get_blocks("provider").filter(|block| {
        block.labels.first().is_some_and(|label| label.as_str() == "aws") && !block.body.has_attribute("alias")
    });
    let regions = providers.filter_map(|block| block.body.get_attribute("region")?.value.as_str().map(str::to_owned));
    regions.last()
}

/// Reads configurations for one file that runs something.
struct Reading<'f> {
    named: &'f NamedFiles<'f>,
    scope: SymbolScope,
}

impl<'f> Reading<'f> {
    /// What a file says, where functions look around from a folder: that of the file that includes it.
    fn config(&self, path: &Path, doc: DocId, text: &str, folder: &Path, depth: usize) -> Option<Config> {
        if depth > DEPTH {
            return None;
        }
        let source = parse::parse(doc, text.to_owned()).ok()?;
        let (code, _) = Code::new(folder.to_owned(), &[&source]);
        let resolve = |_: &ModuleInstance<'_>, _: &str, _: &Block| None;
        let evaluator = Evaluator::new(self.scope, Stated::default(), self.named, &resolve);
        let (mut below, mut include, mut inherited, mut region) = (Map::default(), Map::default(), None, None);
        let mut included: Option<PathBuf> = None;
        for block in source.body.get_blocks("include") {
            let place = Place { path: path.to_owned(), folder: folder.to_owned(), included: None, include: None };
            let instance = self.instance(&code, place, depth);
            let env = Env::new(&instance, &source);
            let value = |name: &str| Some(evaluator.eval(&env, &block.body.get_attribute(name)?.value));
            let parent = value("path").and_then(|path| Some(folder.join(path.as_str()?)));
            let read = parent.as_deref().and_then(|parent| Some((parent, self.named.read(parent)?)));
            let config = read.and_then(|(parent, (doc, text))| self.config(parent, doc, &text, folder, depth + 1));
            let Some(config) = config else { continue };
            included = parent;
            let inputs = Node::new(Value::Map(config.inputs.clone()), At::whole(doc));
            let said = [("locals", config.locals.clone()), ("inputs", inputs.clone())];
            let whole = Map { entries: said.into_iter().map(|(name, node)| (name.into(), node)).collect(), more: None };
            match block.labels.first() {
                Some(label) => include.set(label.as_str(), Node::new(Value::Map(whole), At::whole(doc))),
                None => include = whole,
            }
            inherited = inherited.or(config.source);
            region = region.or(config.region);
            let strategy = value("merge_strategy").and_then(|node| node.as_str().map(str::to_owned));
            match strategy.as_deref() {
                Some("no_merge") => {}
                Some("deep" | "deep_map_only") => below = deep(config.inputs, below),
                _ => shallow(config.inputs, &mut below),
            }
        }
        let deep_child = source.body.get_blocks("include").any(|block| {
            let strategy = block.body.get_attribute("merge_strategy");
            strategy.is_some_and(|strategy| strategy.value.as_str().is_some_and(|text| text.starts_with("deep")))
        });
        let include = Some(Node::new(Value::Map(include), At::whole(doc)));
        let place = Place { path: path.to_owned(), folder: folder.to_owned(), included, include };
        let instance = self.instance(&code, place, depth);
        let env = Env::new(&instance, &source);
        let own = source.body.get_attribute("inputs").map(|inputs| evaluator.eval(&env, &inputs.value));
        if let Some(Value::Map(own)) = own.map(|own| own.value) {
            if deep_child {
                below = deep(own, below);
            } else {
                shallow(own, &mut below);
            }
        }
        let mut locals = Map::default();
        // In the order of their names.
        let declared: BTreeMap<_, _> = code.locals.iter().collect();
        for (name, local) in declared {
            let env = Env::new(&instance, local.source);
            locals.set(*name, evaluator.eval(&env, local.it));
        }
        let from = source.body.get_blocks("terraform").find_map(|block| block.body.get_attribute("source"));
        let own_source = match from.map(|from| evaluator.eval(&env, &from.value)) {
            // What is known only in part is named with its symbols, and is no folder.
            Some(Node { value: Value::Text(text), .. }) => Some(text.to_string()),
            Some(_) => None,
            None => inherited,
        };
        let locals = Node::new(Value::Map(locals), At::whole(doc));
        let written = source.body.get_blocks("generate").filter_map(|block| block.body.get_attribute("contents"));
        let own = written.filter_map(|contents| {
            let text = evaluator.eval(&env, &contents.value);
            region_of_provider(doc, text.as_str()?)
        });
        let region = own.last().or(region);
        Some(Config { locals, inputs: below, source: own_source, region })
    }

    fn instance<'a>(&self, code: &'a Code<'a>, place: Place, depth: usize) -> Rc<ModuleInstance<'a>>
    where
        'f: 'a,
    {
        let mut instance = ModuleInstance::new(code);
        instance.around = Some(Rc::new(Surroundings { named: self.named, scope: self.scope, place, depth }));
        Rc::new(instance)
    }
}

/// Where a file stands.
struct Place {
    path: PathBuf,
    /// The folder of the file that includes it, or its own.
    folder: PathBuf,
    /// A file that it includes.
    included: Option<PathBuf>,
    /// What `include` names.
    include: Option<Node>,
}

/// Terragrunt's functions, as a file means them.
struct Surroundings<'f> {
    named: &'f NamedFiles<'f>,
    scope: SymbolScope,
    place: Place,
    depth: usize,
}

impl Surroundings<'_> {
    /// A file in one of the folders around.
    fn in_parents(&self, name: &str) -> Option<PathBuf> {
        for folder in self.place.folder.ancestors().skip(1) {
            let path = folder.join(name);
            if self.named.exists(&path)? {
                return Some(path);
            }
        }
        None
    }

    fn repository(&self) -> Option<PathBuf> {
        super::repository_of(&self.place.folder).map(Path::to_owned)
    }
}

impl Around for Surroundings<'_> {
    fn call(&self, name: &str, args: &[Node], at: At) -> Option<Node> {
        let text = |path: &Path| Some(Node::text(path.to_string_lossy().into_owned(), at));
        let argument = |index: usize| args.get(index).and_then(Node::as_str);
        let own = || self.place.path.parent();
        match name {
            "find_in_parent_folders" => {
                let found = match argument(0) {
                    Some(name) => self.in_parents(name),
                    None if args.is_empty() => {
                        self.in_parents("terragrunt.hcl").or_else(|| self.in_parents("root.hcl"))
                    }
                    None => return None,
                };
                found.map_or_else(|| args.get(1).cloned(), |path| text(&path))
            }
            "get_terragrunt_dir" | "get_original_terragrunt_dir" => text(&self.place.folder),
            "get_parent_terragrunt_dir" => {
                text(self.place.included.as_deref().and_then(Path::parent).or_else(own).unwrap_or(&self.place.folder))
            }
            "get_repo_root" => text(&self.repository()?),
            "path_relative_to_include" | "path_relative_from_include" => {
                let to = self.place.included.as_deref().and_then(Path::parent).or_else(own)?;
                let below = self.place.folder.strip_prefix(to).ok()?;
                match (name, below.components().count()) {
                    (_, 0) => text(Path::new(".")),
                    ("path_relative_to_include", _) => text(below),
                    (_, count) => text(&[".."].repeat(count).iter().collect::<PathBuf>()),
                }
            }
            "get_path_from_repo_root" => text(self.place.folder.strip_prefix(self.repository()?).ok()?),
            "get_path_to_repo_root" => {
                let below = self.place.folder.strip_prefix(self.repository()?).ok()?;
                let up = below.components().filter(|part| matches!(part, Component::Normal(_))).map(|_| "..");
                text(&up.collect::<PathBuf>())
            }
            "dirname" => text(Path::new(argument(0)?).parent()?),
            "read_terragrunt_config" => {
                let path = self.place.folder.join(argument(0)?);
                let reading = Reading { named: self.named, scope: self.scope };
                let read = self.named.read(&path).and_then(|(doc, text)| {
                    let real = canonical(&path)?;
                    let config = reading.config(&real, doc, &text, real.parent()?, self.depth + 1)?;
                    let inputs = Node::new(Value::Map(config.inputs), At::whole(doc));
                    let said = [("locals", config.locals), ("inputs", inputs)];
                    let entries = said.into_iter().map(|(name, node)| (name.into(), node)).collect();
                    Some(Node::new(Value::Map(Map { entries, more: None }), at))
                });
                read.or_else(|| args.get(1).cloned().filter(|_| self.named.exists(&path) == Some(false)))
            }
            _ => None,
        }
    }

    fn named(&self, name: &str) -> Option<Node> {
        (name == "include").then(|| self.place.include.clone()).flatten()
    }
}

fn shallow(upper: Map, lower: &mut Map) {
    for (name, node) in upper.entries {
        lower.set(name, node);
    }
    lower.more = lower.more.take().or(upper.more);
}

fn deep(upper: Map, lower: Map) -> Map {
    let node = |map: Map| Node::new(Value::Map(map), At::default());
    match over(node(upper), node(lower)).value {
        Value::Map(map) => map,
        _ => Map::default(),
    }
}
