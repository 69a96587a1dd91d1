//! What kustomizations, and Flux's Kustomizations, make of the objects of a repository: each overlay that no other one takes
//! in has its own copy of what it changes, and what is only ever changed is nobody's as it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::inventory::{Builder, Map, Node, Origin, Value};
use crate::sources::kubernetes::configs::{Configs, nearest};
use crate::sources::kubernetes::held::Held;
use crate::sources::kubernetes::overlays::in_repository;
use crate::sources::kubernetes::patches;
use crate::sources::kubernetes::patches::Patch;
use crate::sources::kubernetes::{kind_of, name_of};

/// The fields that take others in.
const TAKEN: &[&str] = &["resources", "bases", "components"];
/// What the file of a kustomization is called.
const FILES: &[&str] = &["kustomization.yaml", "kustomization.yml"];
/// A patch's file is not read beyond this size.
const MOST: u64 = 1 << 20;

/// A kustomization: what it takes in, and what it changes.
#[derive(Debug, Default)]
struct Kustomization {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    components: Vec<PathBuf>,
    patches: Vec<Patch>,
    /// The files of its patches.
    patch_files: BTreeSet<PathBuf>,
}

/// What is installed as a whole.
struct Top {
    /// The file that says so.
    file: Arc<Path>,
    /// The folder that it takes in.
    folder: PathBuf,
    patches: Vec<Patch>,
    variables: Vec<(String, Node)>,
}

/// An object as some overlay has it.
#[derive(Debug)]
struct Rendered {
    /// Which one it is.
    held: usize,
    /// Where it was changed.
    node: Option<Node>,
}

/// What overlays make of objects.
#[derive(Default)]
pub(super) struct Overlaid {
    /// The copies: whose overlay, which object, what it is there.
    pub(super) copies: Vec<(Arc<Path>, usize, Node)>,
    /// The objects that are not installed as they stand.
    pub(super) gone: BTreeSet<usize>,
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
    let named = TAKEN.iter().filter_map(|field| node.member(field)).flat_map(Node::elements).filter_map(Node::as_str);
    named
        .map(|name| folder.join(name))
        .flat_map(|path| if path.is_dir() { FILES.iter().map(|file| path.join(file)).collect() } else { vec![path] })
        .collect()
}

/// What the kustomizations among some objects make of the others.
pub(super) fn overlaid(builder: &mut Builder, held: &[Held], configs: &Configs) -> Overlaid {
    let mut all: BTreeMap<PathBuf, Kustomization> = BTreeMap::new();
    let mut tops: Vec<Top> = vec![];
    let mut taken: BTreeSet<PathBuf> = BTreeSet::new();
    let mut files: BTreeMap<PathBuf, Arc<Path>> = BTreeMap::new();
    for object in held {
        let Some((kind, _)) = kind_of(&object.node) else { continue };
        let written = object.path.parent().unwrap_or(Path::new(""));
        let folder = plain(written);
        match &*kind {
            "kustomize.config.k8s.io/Kustomization" | "kustomize.config.k8s.io/Component"
                if is_file_of_one(&object.path) =>
            {
                let own = kustomization(builder, &object.node, written);
                taken.extend(own.folders.iter().chain(&own.components).cloned());
                if !kind.ends_with("Component") {
                    files.insert(folder.clone(), Arc::clone(&object.path));
                }
                all.insert(folder, own);
            }
            "kustomize.toolkit.fluxcd.io/Kustomization" => tops.extend(of_flux(builder, object, configs)),
            _ => {}
        }
    }
    // What Flux changes is not installed in any other way.
    taken.extend(tops.iter().map(|top| top.folder.clone()));
    tops.extend(files.into_iter().filter(|(folder, _)| !taken.contains(folder)).map(|(folder, file)| Top {
        file,
        folder,
        patches: vec![],
        variables: vec![],
    }));
    if tops.iter().all(|top| top.patches.is_empty() && top.variables.is_empty())
        && all.values().all(|own| own.patches.is_empty())
    {
        return Overlaid::default();
    }
    let mut objects: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (number, object) in held.iter().enumerate() {
        objects.entry(plain(&object.path)).or_default().push(number);
    }
    let render = Render { all: &all, objects: &objects, held };
    let rendered: Vec<(Arc<Path>, Vec<Rendered>)> = tops
        .iter()
        .map(|top| {
            let mut found = vec![];
            render.take(&top.folder, &mut found, &mut BTreeSet::new());
            if !all.contains_key(&top.folder) {
                // Without a kustomization Flux takes all there is.
                let below = objects.iter().filter(|(path, _)| path.starts_with(&top.folder));
                found.extend(below.flat_map(|(_, own)| own).map(|held| Rendered { held: *held, node: None }));
            }
            render.change(&mut found, &top.patches);
            for one in &mut found {
                render.substitute(one, &top.variables);
            }
            (Arc::clone(&top.file), found)
        })
        .collect();
    let changed: BTreeSet<usize> =
        rendered.iter().flat_map(|(_, found)| found).filter(|one| one.node.is_some()).map(|one| one.held).collect();
    let patch_files: BTreeSet<&PathBuf> = all.values().flat_map(|own| &own.patch_files).collect();
    // A patch is no object by itself, once what it changes is known.
    let applied = |number: &usize| {
        let object = &held[*number];
        patch_files.contains(&plain(&object.path))
            && changed.iter().any(|other| {
                kind_of(&held[*other].node) == kind_of(&object.node)
                    && name_of(&held[*other].node) == name_of(&object.node)
            })
    };
    let mut gone: BTreeSet<usize> = (0..held.len()).filter(applied).collect();
    gone.extend(&changed);
    let copies = rendered
        .into_iter()
        .flat_map(|(file, found)| found.into_iter().map(move |one| (Arc::clone(&file), one)))
        .filter(|(_, one)| changed.contains(&one.held))
        .map(|(file, one)| (file, one.held, one.node.unwrap_or_else(|| held[one.held].node.clone())))
        .collect();
    Overlaid { copies, gone }
}

/// Reads a kustomization, and the files of its patches.
fn kustomization(builder: &mut Builder, node: &Node, folder: &Path) -> Kustomization {
    let mut own = Kustomization::default();
    for field in TAKEN {
        let components = *field == "components";
        for path in node.member(field).map(Node::elements).unwrap_or_default().iter().filter_map(Node::as_str) {
            let path = folder.join(path);
            match (path.is_dir(), components) {
                (true, true) => own.components.push(plain(&path)),
                (true, false) => own.folders.push(plain(&path)),
                (false, _) => own.files.push(plain(&path)),
            }
        }
    }
    let mut patch_files = BTreeSet::new();
    own.patches = patches::of(node, &mut |file| {
        let path = folder.join(file);
        patch_files.insert(plain(&path));
        read(builder, &path)
    });
    own.patch_files = patch_files;
    own
}

fn read(builder: &mut Builder, path: &Path) -> Option<Vec<Node>> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    let doc = builder.document(Origin::File(path.to_string_lossy().into()));
    patches::documents(&text, doc)
}

/// What a Kustomization of Flux's makes of the folder that it takes in, if it changes anything.
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
    (!patches.is_empty() || !variables.is_empty()).then(|| Top {
        file: Arc::clone(&object.path),
        folder: plain(&taken),
        patches,
        variables,
    })
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
        inner.extend(files.map(|held| Rendered { held: *held, node: None }));
        for other in &own.folders {
            self.take(other, &mut inner, seen);
        }
        for component in &own.components {
            let mut part = vec![];
            self.take(component, &mut part, seen);
            inner.extend(part);
            if let Some(component) = self.all.get(component) {
                self.change(&mut inner, &component.patches);
            }
        }
        self.change(&mut inner, &own.patches);
        found.extend(inner);
    }

    fn change(&self, found: &mut [Rendered], patches: &[Patch]) {
        for one in found {
            if patches.is_empty() {
                return;
            }
            let mut changed = one.node.is_some();
            let mut node = one.node.take().unwrap_or_else(|| self.held[one.held].node.clone());
            for patch in patches {
                changed |= patch.apply(&mut node);
            }
            one.node = changed.then_some(node);
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

/// A path without `.` and `..` where these can be resolved by name.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
