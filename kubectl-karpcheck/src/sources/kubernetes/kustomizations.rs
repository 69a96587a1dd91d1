//! What kustomizations, Flux's Kustomizations and Argo CD's Applications make of the objects of a repository: each overlay that
//! no other one takes in has its own copy of what it changes, and what is only ever changed is not installed as it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::inventory::paths::normalized;
use crate::inventory::{Builder, Map, Node, Value};
use crate::sources::helm::values::over;
use crate::sources::kubernetes::configs;
use crate::sources::kubernetes::configs::{Configs, nearest};
use crate::sources::kubernetes::gitops;
use crate::sources::kubernetes::held::Held;
use crate::sources::kubernetes::name_of;
use crate::sources::kubernetes::naming::{Naming, Renamed};
use crate::sources::kubernetes::overlays::{TAKEN, in_repository, names_taken};
use crate::sources::kubernetes::patches;
use crate::sources::kubernetes::patches::Patch;
use crate::sources::kubernetes::replacements::Variable;
use crate::sources::objects::kind_of;
use crate::sources::referenced;

/// What the file of a kustomization is called.
const FILES: &[&str] = &["kustomization.yaml", "kustomization.yml"];

/// A kustomization: what it takes in, and what it changes.
#[derive(Debug, Default)]
struct Kustomization {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    components: Vec<PathBuf>,
    patches: Vec<Patch>,
    /// The files of its patches.
    patch_files: BTreeSet<PathBuf>,
    naming: Naming,
    /// The file that it stands in.
    file: PathBuf,
    /// The ConfigMaps that it makes, each with its `behavior`.
    configs: BTreeMap<String, String>,
    variables: Vec<Variable>,
}

impl Kustomization {
    fn changes_nothing(&self) -> bool {
        self.patches.is_empty() && self.naming.is_none() && self.configs.is_empty() && self.variables.is_empty()
    }
}

/// What is installed as a whole.
#[derive(Default)]
struct Top {
    /// The folder that it takes in.
    folder: PathBuf,
    components: Vec<PathBuf>,
    patches: Vec<Patch>,
    naming: Naming,
    variables: Vec<(String, Node)>,
}

impl Top {
    const fn changes_nothing(&self) -> bool {
        self.patches.is_empty() && self.variables.is_empty() && self.components.is_empty() && self.naming.is_none()
    }
}

/// An object as some overlay has it.
#[derive(Debug)]
struct Rendered {
    /// Which one it is.
    held: usize,
    /// Where it was changed.
    node: Option<Node>,
    /// The names that it had before: patches and references may go on using them.
    was: Vec<String>,
}

impl Rendered {
    const fn unchanged(held: usize) -> Self {
        Self { held, node: None, was: vec![] }
    }
}

/// What overlays make of objects.
#[derive(Default)]
pub(super) struct Overlaid {
    /// The copies: whose overlay, which object, what it is there.
    pub(super) copies: Vec<(Arc<Path>, usize, Node)>,
    /// The objects that are not installed as they stand.
    pub(super) gone: BTreeSet<usize>,
    /// Those of them that are parts of objects which are not here.
    pub(super) parts: BTreeSet<usize>,
}

/// A kustomization need not say its kind: its file's name does.
pub(super) fn with_kind(node: &mut Node, path: &Path) {
    let at = node.at;
    if !is_file_of_one(path) {
        return;
    }
    let Value::Map(map) = &mut node.value else { return };
    for (key, value) in [("kind", "Kustomization"), ("apiVersion", "kustomize.config.k8s.io/v1beta1")] {
        if map.get(key).is_none() {
            map.entries.insert(0, (key.into(), Node::text(value, at)));
        }
    }
}

/// Is this what a file with a kustomization is called?
pub(super) fn is_file_of_one(path: &Path) -> bool {
    path.file_name().is_some_and(|name| FILES.iter().any(|own| name == *own))
}

/// The files that a kustomization takes in: objects, and other kustomizations.
pub(super) fn taken(node: &Node, path: &Path) -> Vec<PathBuf> {
    if !is_file_of_one(path) {
        return vec![];
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    names_taken(node)
        .map(|name| folder.join(name))
        .flat_map(|path| if path.is_dir() { FILES.iter().map(|file| path.join(file)).collect() } else { vec![path] })
        .collect()
}

/// What the kustomizations among some objects make of the others.
pub(super) fn overlaid(builder: &mut Builder, held: &[Held], configs: &Configs) -> Overlaid {
    let mut all: BTreeMap<PathBuf, Kustomization> = BTreeMap::new();
    // Each with the file that says so.
    let mut tops: Vec<(Arc<Path>, Top)> = vec![];
    let mut taken: BTreeSet<PathBuf> = BTreeSet::new();
    let mut files: BTreeMap<PathBuf, Arc<Path>> = BTreeMap::new();
    for object in held {
        let Some((kind, _)) = kind_of(&object.node) else { continue };
        let written = object.path.parent().unwrap_or(Path::new(""));
        let folder = normalized(written);
        match &*kind {
            "kustomize.config.k8s.io/Kustomization" | "kustomize.config.k8s.io/Component"
                if is_file_of_one(&object.path) =>
            {
                let own = kustomization(builder, &object.node, &object.path);
                taken.extend(own.folders.iter().chain(&own.components).cloned());
                if !kind.ends_with("Component") {
                    files.insert(folder.clone(), Arc::clone(&object.path));
                }
                all.insert(folder, own);
            }
            "kustomize.toolkit.fluxcd.io/Kustomization" => {
                tops.extend(of_flux(builder, object, configs).map(|top| (Arc::clone(&object.path), top)));
            }
            "argoproj.io/Application" | "argoproj.io/ApplicationSet" => tops.extend(of_argo(builder, object)),
            _ => {}
        }
    }
    // What Flux or Argo CD changes is not installed in any other way, but as another of their objects takes it in.
    let changed: BTreeSet<PathBuf> =
        tops.iter().filter(|(_, top)| !top.changes_nothing()).map(|(_, top)| top.folder.clone()).collect();
    tops.retain(|(_, top)| changed.contains(&top.folder));
    taken.extend(changed);
    let alone = files.into_iter().filter(|(folder, _)| !taken.contains(folder));
    tops.extend(alone.map(|(folder, file)| (file, Top { folder, ..Top::default() })));
    let parts = parts(held, &all);
    if tops.iter().all(|(_, top)| top.changes_nothing()) && all.values().all(Kustomization::changes_nothing) {
        return Overlaid { parts, ..Overlaid::default() };
    }
    let mut objects: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (number, object) in held.iter().enumerate() {
        objects.entry(normalized(&object.path)).or_default().push(number);
    }
    let render = Render { all: &all, objects: &objects, held };
    let rendered: Vec<(Arc<Path>, Vec<Rendered>)> = tops
        .iter()
        .map(|(file, top)| {
            let (mut found, mut seen) = (vec![], BTreeSet::new());
            render.take(&top.folder, &mut found, &mut seen);
            if !all.contains_key(&top.folder) {
                // Without a kustomization Flux takes all there is.
                let below = objects.iter().filter(|(path, _)| path.starts_with(&top.folder));
                found.extend(below.flat_map(|(_, own)| own).map(|held| Rendered::unchanged(*held)));
            }
            render.compose(&top.components, &mut found, &mut seen);
            render.change(&mut found, &top.patches);
            render.rename(&mut found, &top.naming);
            // They are filled in where all is there, whichever kustomization has them.
            render.fill(&mut found, seen.iter().filter_map(|folder| all.get(folder)).flat_map(|own| &own.variables));
            for one in &mut found {
                render.substitute(one, &top.variables);
            }
            (Arc::clone(file), found)
        })
        .collect();
    let changed: BTreeSet<usize> =
        rendered.iter().flat_map(|(_, found)| found).filter(|one| one.node.is_some()).map(|one| one.held).collect();
    // A patch is no object by itself.
    let applied = |number: &&usize| {
        let object = &held[**number];
        changed.iter().any(|other| {
            kind_of(&held[*other].node) == kind_of(&object.node) && name_of(&held[*other].node) == name_of(&object.node)
        })
    };
    let (mut gone, parts): (BTreeSet<usize>, BTreeSet<usize>) = {
        let (applied, alone): (Vec<&usize>, Vec<&usize>) = parts.iter().partition(applied);
        (applied.into_iter().copied().collect(), alone.into_iter().copied().collect())
    };
    gone.extend(&changed);
    let copies = rendered
        .into_iter()
        .flat_map(|(file, found)| found.into_iter().map(move |one| (Arc::clone(&file), one)))
        .filter(|(_, one)| changed.contains(&one.held))
        .map(|(file, one)| (file, one.held, one.node.unwrap_or_else(|| held[one.held].node.clone())))
        .collect();
    Overlaid { copies, gone, parts }
}

/// The objects that are parts of others: those of a patch's file, and of one that is called so, unless it was named or a
/// kustomization takes it in as an object.
fn parts(held: &[Held], all: &BTreeMap<PathBuf, Kustomization>) -> BTreeSet<usize> {
    let patch_files: BTreeSet<&PathBuf> = all.values().flat_map(|own| &own.patch_files).collect();
    let taken: BTreeSet<&PathBuf> = all.values().flat_map(|own| &own.files).collect();
    let part = |object: &Held| {
        let path = normalized(&object.path);
        patch_files.contains(&path) || (!object.named && called_a_patch(&path) && !taken.contains(&path))
    };
    held.iter().enumerate().filter(|(_, object)| part(object)).map(|(number, _)| number).collect()
}

/// Is a file, or its folder, called a patch: `patch-nodepool.yaml`, `nodepool.patch.yaml`, `patches/nodepool.yaml`?
fn called_a_patch(path: &Path) -> bool {
    let says = |name: &std::ffi::OsStr| {
        let name = name.to_string_lossy().to_ascii_lowercase();
        name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| matches!(word, "patch" | "patches"))
    };
    path.file_name().is_some_and(says) || path.parent().and_then(Path::file_name).is_some_and(says)
}

/// Reads a kustomization, and the files of its patches.
fn kustomization(builder: &mut Builder, node: &Node, file: &Path) -> Kustomization {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut own = Kustomization { file: normalized(file), ..Kustomization::default() };
    for field in TAKEN {
        let components = *field == "components";
        for path in node.member(field).map(Node::elements).unwrap_or_default().iter().filter_map(Node::as_str) {
            let path = folder.join(path);
            match (path.is_dir(), components) {
                (true, true) => own.components.push(normalized(&path)),
                (true, false) => own.folders.push(normalized(&path)),
                (false, _) => own.files.push(normalized(&path)),
            }
        }
    }
    let mut patch_files = BTreeSet::new();
    own.patches = patches::of(node, &mut |file| {
        let path = folder.join(file);
        patch_files.insert(normalized(&path));
        read(builder, &path)
    });
    own.patch_files = patch_files;
    own.naming = Naming::of(node, &mut |file| read(builder, &folder.join(file)));
    own.variables = Variable::all(node);
    own.configs = configs::generators(node)
        .iter()
        .filter_map(|made| {
            let behavior = made.str_at(&["behavior"]).unwrap_or("create");
            Some((made.str_at(&["name"])?.to_owned(), behavior.to_owned()))
        })
        .collect();
    own
}

fn read(builder: &mut Builder, path: &Path) -> Option<Vec<Node>> {
    let (text, doc) = referenced::read(builder, path)?;
    patches::documents(&text, doc)
}

/// What Applications make of the folders that they take in, each with the file that says so.
fn of_argo(builder: &mut Builder, object: &Held) -> Vec<(Arc<Path>, Top)> {
    let Some(folder) = object.path.parent() else { return vec![] };
    let mut found: Vec<(Arc<Path>, Top)> = vec![];
    for spec in gitops::applications(builder, &object.node, folder) {
        for source in gitops::sources(&spec).filter(|source| source.member("chart").is_none()) {
            let path = source.str_at(&["path"]).filter(|path| !path.is_empty());
            let Some(taken) = path.and_then(|path| in_repository(folder, Path::new(path))) else { continue };
            let mut top = Top { folder: normalized(&taken), ..Top::default() };
            if let Some(own) = source.member("kustomize") {
                top.patches = patches::of(own, &mut |file| read(builder, &taken.join(file)));
                top.naming = Naming::of(own, &mut |file| read(builder, &taken.join(file)));
                let components = own.member("components").map(Node::elements).unwrap_or_default();
                top.components =
                    components.iter().filter_map(Node::as_str).map(|path| normalized(&taken.join(path))).collect();
            }
            // One folder that is taken in twice is installed in two places.
            let file = match found.iter().filter(|(_, other)| other.folder == top.folder).count() {
                0 => Arc::clone(&object.path),
                count => Arc::from(object.path.join((count + 1).to_string())),
            };
            found.push((file, top));
        }
    }
    found
}

/// What a Kustomization of Flux's makes of the folder that it takes in.
fn of_flux(builder: &mut Builder, object: &Held, configs: &Configs) -> Option<Top> {
    let spec = object.node.member("spec")?;
    let folder = object.path.parent()?;
    let path = spec.str_at(&["path"]).filter(|path| !path.is_empty())?;
    let taken = in_repository(folder, Path::new(path))?;
    let patches = patches::of(spec, &mut |file| read(builder, &taken.join(file)));
    let mut variables: Vec<(String, Node)> = vec![];
    let build = spec.member("postBuild");
    let from = build.and_then(|build| build.member("substituteFrom")).map(Node::elements).unwrap_or_default();
    for one in from.iter().filter(|one| one.str_at(&["kind"]) == Some("ConfigMap")) {
        let data = one.str_at(&["name"]).and_then(|name| nearest(configs, name, folder));
        let members = data.and_then(Node::as_map).map(|map| map.entries.as_slice()).unwrap_or_default();
        variables.extend(members.iter().map(|(key, value)| (key.to_string(), value.clone())));
    }
    let own = build.and_then(|build| build.member("substitute")).and_then(Node::as_map);
    let own = own.map(|map: &Map| map.entries.as_slice()).unwrap_or_default();
    variables.extend(own.iter().map(|(key, value)| (key.to_string(), value.clone())));
    let naming = Naming::of(spec, &mut |file| read(builder, &taken.join(file)));
    Some(Top { folder: normalized(&taken), patches, naming, variables, ..Top::default() })
}

struct Render<'a> {
    all: &'a BTreeMap<PathBuf, Kustomization>,
    objects: &'a BTreeMap<PathBuf, Vec<usize>>,
    held: &'a [Held],
}

impl Render<'_> {
    /// Adds what a folder's kustomization makes.
    fn take(&self, folder: &Path, found: &mut Vec<Rendered>, seen: &mut BTreeSet<PathBuf>) {
        let Some(own) = self.all.get(folder).filter(|_| seen.insert(folder.to_owned())) else { return };
        let mut inner: Vec<Rendered> = vec![];
        let files = own.files.iter().filter_map(|file| self.objects.get(file)).flatten();
        inner.extend(files.map(|held| Rendered::unchanged(*held)));
        for other in &own.folders {
            self.take(other, &mut inner, seen);
        }
        let creates = |name: &str| own.configs.get(name).is_some_and(|behavior| behavior == "create");
        let created = self.made(own).filter(|(_, name)| creates(name));
        inner.extend(created.map(|(held, _)| Rendered::unchanged(held)));
        self.generate(own, &mut inner);
        self.compose(&own.components, &mut inner, seen);
        self.change(&mut inner, &own.patches);
        self.rename(&mut inner, &own.naming);
        found.extend(inner);
    }

    /// Adds what components make, and lets them change what is there.
    fn compose(&self, components: &[PathBuf], found: &mut Vec<Rendered>, seen: &mut BTreeSet<PathBuf>) {
        for component in components {
            let mut part = vec![];
            self.take(component, &mut part, seen);
            if let Some(component) = self.all.get(component) {
                self.generate(component, found);
                self.change(found, &component.patches);
                self.rename(found, &component.naming);
            }
            found.extend(part);
        }
    }

    /// The ConfigMaps that a kustomization makes, with their names.
    fn made(&self, own: &Kustomization) -> impl Iterator<Item = (usize, String)> {
        let made = self.objects.get(&own.file).into_iter().flatten();
        made.filter(|held| configs::is_config(&self.held[**held].node))
            .map(|held| (*held, name_of(&self.held[*held].node)))
    }

    /// Lays the ConfigMaps that a kustomization makes over those that are there. A release that takes its values from one is
    /// the overlay's.
    fn generate(&self, own: &Kustomization, found: &mut [Rendered]) {
        if own.configs.is_empty() {
            return;
        }
        for one in found.iter_mut() {
            let node = one.node.as_ref().unwrap_or(&self.held[one.held].node);
            let name = name_of(node);
            let behavior = own.configs.get(&name).filter(|_| configs::is_config(node)).map(String::as_str);
            let made = || self.made(own).find(|(_, other)| *other == name).map(|(held, _)| &self.held[held].node);
            let changed = match behavior {
                Some("merge") => made().and_then(|made| made.member("data")).map(|data| laid_over(node, data, true)),
                Some("replace") => made().and_then(|made| made.member("data")).map(|data| laid_over(node, data, false)),
                _ if takes_values_of(node, &own.configs) => Some(node.clone()),
                _ => None,
            };
            one.node = changed.or_else(|| one.node.take());
        }
    }

    fn change(&self, found: &mut [Rendered], patches: &[Patch]) {
        for one in found.iter_mut() {
            if patches.is_empty() {
                return;
            }
            let mut changed = one.node.is_some();
            let mut node = one.node.take().unwrap_or_else(|| self.held[one.held].node.clone());
            for patch in patches {
                changed |= patch.apply(&mut node, &one.was);
            }
            one.node = changed.then_some(node);
        }
        for patch in patches {
            let Some(replacement) = patch.replacement() else { continue };
            let node_of = |one: &Rendered| one.node.clone().unwrap_or_else(|| self.held[one.held].node.clone());
            let mut sources = found
                .iter()
                .filter(|one| replacement.takes_from(one.node.as_ref().unwrap_or(&self.held[one.held].node), &one.was));
            let source = sources.next().filter(|_| sources.next().is_none()).map(node_of);
            let value = source.and_then(|source| replacement.value(&source));
            for one in found.iter_mut() {
                let mut node = node_of(one);
                if patch.replace(&mut node, &one.was, value.as_ref()) {
                    one.node = Some(node);
                }
            }
        }
    }

    fn rename(&self, found: &mut [Rendered], naming: &Naming) {
        if naming.is_none() {
            return;
        }
        let mut renamed = vec![];
        for one in found.iter_mut() {
            let mut node = one.node.clone().unwrap_or_else(|| self.held[one.held].node.clone());
            let (Some((kind, _)), Some((was, name))) = (kind_of(&node), naming.rename(&mut node)) else { continue };
            one.was.push(was);
            one.node = Some(node);
            renamed.push(Renamed { kind, was: one.was.clone(), name });
        }
        for node in found.iter_mut().filter_map(|one| one.node.as_mut()) {
            naming.follow(node, &renamed);
        }
    }

    fn fill<'v>(&self, found: &mut [Rendered], variables: impl Iterator<Item = &'v Variable>) {
        for variable in variables {
            let node_of = |one: &Rendered| one.node.clone().unwrap_or_else(|| self.held[one.held].node.clone());
            let gives = |one: &&Rendered| {
                variable.source.takes_from(one.node.as_ref().unwrap_or(&self.held[one.held].node), &one.was)
            };
            let source = found.iter().find(gives).map(node_of);
            let Some(value) = source.and_then(|source| variable.source.value(&source)) else { continue };
            for one in found.iter_mut() {
                let mut node = node_of(one);
                if variable.fill(&mut node, &value) {
                    one.node = Some(node);
                }
            }
        }
    }

    fn substitute(&self, one: &mut Rendered, variables: &[(String, Node)]) {
        if variables.is_empty() {
            return;
        }
        let changed = one.node.is_some();
        let mut node = one.node.take().unwrap_or_else(|| self.held[one.held].node.clone());
        one.node = (patches::substitute(&mut node, variables) || changed).then_some(node);
    }
}

/// An object with the data of another one over, or instead of, its own.
fn laid_over(object: &Node, data: &Node, merged: bool) -> Node {
    let mut object = object.clone();
    if let Value::Map(map) = &mut object.value {
        let own = map.get("data").filter(|_| merged).cloned();
        map.set("data", own.map_or_else(|| data.clone(), |own| over(data.clone(), own)));
    }
    object
}

/// Is it a release with values from one of these ConfigMaps?
fn takes_values_of(object: &Node, configs: &BTreeMap<String, String>) -> bool {
    let from = object.at_path(&["spec", "valuesFrom"]).map(Node::elements).unwrap_or_default();
    kind_of(object).is_some_and(|(kind, _)| kind == "helm.toolkit.fluxcd.io/HelmRelease")
        && from.iter().filter_map(|one| one.str_at(&["name"])).any(|name| configs.contains_key(name))
}
