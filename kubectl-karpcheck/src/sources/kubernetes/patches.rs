//! What an overlay changes of an object: strategic merges, JSON patches, images, namespaces, variables.

use crate::formats::yaml;
use crate::inventory::reason::Objects;
use crate::inventory::{At, Cause, DocId, Map, Node, Reason, Text, Value};
use crate::sources::helm::values::from_text;
use crate::sources::kubernetes::name_of;
use crate::sources::kubernetes::replacements::Replacement;
use crate::sources::objects::kind_of;
use crate::sources::placeholders;

/// A change to some objects.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    target: Target,
    change: Change,
}

/// Which objects are changed.
#[derive(Clone, Debug, Default)]
struct Target {
    group: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    /// Are they chosen by more than these, so that it is not known which they are?
    vague: bool,
}

#[derive(Clone, Debug)]
enum Change {
    /// A part of the object, to be laid over it.
    Merge(Node),
    /// Operations on paths, in their order.
    Operations(Vec<Operation>),
    /// It could not be read.
    Unread(Node),
    /// Another name, tag or digest of an image.
    Image(Image),
    /// Another namespace.
    Namespace(Node),
    /// Fields that get the value of another object's.
    Replaced(Replacement),
}

#[derive(Clone, Debug)]
struct Operation {
    op: String,
    path: Vec<String>,
    value: Option<Node>,
}

#[derive(Clone, Debug)]
struct Image {
    name: String,
    new_name: Option<String>,
    new_tag: Option<String>,
    digest: Option<String>,
}

/// The kinds whose namespace tells whose role they have.
const IN_NAMESPACES: &[&str] =
    &["helm.toolkit.fluxcd.io/HelmRelease", "apps/Deployment", "core/ServiceAccount", "core/ConfigMap"];

/// The patches of a kustomization, and those of Flux's, which have the same form. What names a file is read by `file`.
pub(super) fn of(spec: &Node, file: &mut dyn FnMut(&str) -> Option<Vec<Node>>) -> Vec<Patch> {
    let mut all = vec![];
    let list = |name: &str| spec.member(name).map(Node::elements).unwrap_or_default();
    for merge in list("patchesStrategicMerge") {
        let stands_here = |text: &Text| text.to_string().contains(['\n', '{']);
        let found = match &merge.value {
            Value::Text(text) if !stands_here(text) => merge.as_str().and_then(&mut *file),
            _ => inline(merge),
        };
        all.extend(merges(merge, found, &Target::default()));
    }
    for patch in list("patchesJson6902").iter().chain(list("patches")) {
        let target = patch.member("target").map(Target::of).unwrap_or_default();
        match (patch.member("patch"), patch.member("path")) {
            (Some(patch), _) => all.extend(merges(patch, inline(patch), &target)),
            (None, Some(path)) => all.extend(merges(path, path.as_str().and_then(&mut *file), &target)),
            (None, None) => {}
        }
    }
    for image in list("images") {
        let Some(image) = Image::of(image) else { continue };
        all.push(Patch { target: Target::default(), change: Change::Image(image) });
    }
    if let Some(namespace) = spec.member("namespace").filter(|namespace| !namespace.is_null()) {
        all.push(Patch { target: Target::default(), change: Change::Namespace(namespace.clone()) });
    }
    for one in list("replacements") {
        let targets = one.member("targets").map(Node::elements).unwrap_or_default();
        all.extend(targets.iter().map(|target| {
            let select = target.member("select").map(Target::of).unwrap_or_default();
            Patch { target: select, change: Change::Replaced(Replacement::of(one, target)) }
        }));
    }
    all
}

/// The patches that some documents hold.
fn merges(from: &Node, nodes: Option<Vec<Node>>, target: &Target) -> Vec<Patch> {
    let unread = || vec![Patch { target: target.clone(), change: Change::Unread(from.clone()) }];
    let Some(nodes) = nodes else { return unread() };
    nodes
        .into_iter()
        .filter(|node| !node.is_null())
        .flat_map(|node| match &node.value {
            Value::List(list) if list.items.iter().all(|item| item.member("op").is_some()) => {
                let operations = list.items.iter().map(Operation::of).collect();
                vec![Patch { target: target.clone(), change: Change::Operations(operations) }]
            }
            Value::Map(_) => {
                let target = if target.is_open() { Target::named(&node) } else { target.clone() };
                vec![Patch { target, change: Change::Merge(node) }]
            }
            _ => unread(),
        })
        .collect()
}

/// The documents of a text, each with its place in the file.
fn inline(text: &Node) -> Option<Vec<Node>> {
    let written = match &text.value {
        Value::Text(text) => text.to_string(),
        Value::Map(_) | Value::List(_) => return Some(vec![text.clone()]),
        _ => return None,
    };
    if written.contains("\n---") {
        let parts = written.split("\n---").map(|part| Node::text(part.trim_start_matches('-'), text.at));
        return parts.map(|part| from_text(&part)).collect();
    }
    from_text(text).map(|node| vec![node])
}

/// The documents of a patch's file.
pub(super) fn documents(text: &str, doc: DocId) -> Option<Vec<Node>> {
    yaml::read(text, doc)
        .map(|parsed| {
            let mut node = parsed.node.ok()?;
            placeholders::mark(&mut node);
            Some(node)
        })
        .collect()
}

impl Target {
    fn of(node: &Node) -> Self {
        let text = |name: &str| node.str_at(&[name]).filter(|text| !text.is_empty()).map(str::to_owned);
        let selects =
            ["labelSelector", "annotationSelector", "namespace"].iter().any(|name| node.member(name).is_some());
        Self { group: text("group"), kind: text("kind"), name: text("name"), vague: selects }
    }

    /// The object that a strategic merge names itself.
    fn named(patch: &Node) -> Self {
        let kind = kind_of(patch).map(|(kind, _)| kind);
        let (group, kind) = kind.as_deref().and_then(|kind| kind.split_once('/')).unzip();
        Self {
            group: group.map(str::to_owned),
            kind: kind.map(str::to_owned),
            name: Some(name_of(patch)),
            vague: false,
        }
    }

    const fn is_open(&self) -> bool {
        self.group.is_none() && self.kind.is_none() && self.name.is_none() && !self.vague
    }

    /// Is an object, which had other names before, among them, and is that certain?
    fn fits(&self, object: &Node, was: &[String]) -> Option<bool> {
        let (kind, _) = kind_of(object)?;
        let (group, kind) = kind.split_once('/')?;
        let same = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
        if !same(&self.kind, kind)
            || !(same(&self.group, group) || (self.group.as_deref() == Some("") && group == "core"))
        {
            return None;
        }
        let name = name_of(object);
        let (fits, certain) = match self.name.as_deref() {
            None | Some(".*") => (true, true),
            Some(wanted) if wanted == name || was.iter().any(|was| was == wanted) => (true, true),
            // A name is a regular expression.
            Some(wanted) => (wanted.contains(['*', '+', '?', '|', '(', '[', '^', '$']), false),
        };
        fits.then_some(certain && !self.vague)
    }
}

impl Operation {
    fn of(node: &Node) -> Self {
        let text = |name: &str| node.str_at(&[name]).unwrap_or_default().to_owned();
        let path = text("path").split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        Self { op: text("op"), path, value: node.member("value").cloned() }
    }
}

impl Patch {
    /// Changes an object, if it is one that the patch is for. Where what becomes of it is not known, neither are the fields
    /// that are touched. Did it change?
    pub(super) fn apply(&self, object: &mut Node, was: &[String]) -> bool {
        let Some(certain) = self.target.fits(object, was) else { return false };
        match &self.change {
            Change::Merge(patch) if certain => {
                let by_name =
                    kind_of(object).is_some_and(|(kind, _)| kind.starts_with("core/") || kind.starts_with("apps/"));
                merge_object(object, patch, by_name);
            }
            Change::Merge(patch) => cover_object(object, patch),
            Change::Operations(operations) => {
                for operation in operations {
                    operation.apply(object, certain);
                }
            }
            Change::Unread(at) => {
                if let Value::Map(map) = &mut object.value
                    && let Some(spec) = map.get_mut("spec")
                {
                    cover_all(spec, at.at);
                }
            }
            Change::Image(image) => return image.apply(object),
            Change::Namespace(namespace) => return move_to(object, namespace),
            // What it takes from which object is known where all of them are: see `replace`.
            Change::Replaced(_) => return false,
        }
        true
    }
}

impl Patch {
    /// Where a replacement takes its value from.
    pub(super) const fn replacement(&self) -> Option<&Replacement> {
        match &self.change {
            Change::Replaced(replacement) => Some(replacement),
            _ => None,
        }
    }

    /// Lets a replacement put its value into an object that it chooses. Did it change it?
    pub(super) fn replace(&self, object: &mut Node, was: &[String], value: Option<&Node>) -> bool {
        let Some(replacement) = self.replacement() else { return false };
        let Some(certain) = self.target.fits(object, was) else { return false };
        replacement.put(object, value.filter(|_| certain))
    }
}

/// Lays a part over an object. Its kind and name only say which object is meant.
fn merge_object(object: &mut Node, patch: &Node, by_name: bool) {
    let (Value::Map(own), Value::Map(part)) = (&mut object.value, &patch.value) else { return };
    for (key, node) in &part.entries {
        if key.is("apiVersion") || key.is("kind") {
            continue;
        }
        if key.is("metadata") {
            let mut node = node.clone();
            if let Value::Map(metadata) = &mut node.value {
                metadata.remove("name");
                metadata.remove("namespace");
            }
            merge_member(own, key, &node, by_name);
        } else {
            merge_member(own, key, node, by_name);
        }
    }
}

fn merge_member(own: &mut Map, key: &Text, node: &Node, by_name: bool) {
    let written = key.to_string();
    if node.is_null() {
        own.remove(&written);
        return;
    }
    match own.get_mut(&written) {
        Some(old) => merge(old, node, by_name),
        None => own.set(key.clone(), without_directives(node)),
    }
}

fn merge(old: &mut Node, node: &Node, by_name: bool) {
    let replaces = node.str_at(&["$patch"]) == Some("replace");
    match (&mut old.value, &node.value) {
        (Value::Map(own), Value::Map(part)) if !replaces => {
            for (key, node) in &part.entries {
                merge_member(own, key, node, by_name);
            }
        }
        (Value::List(own), Value::List(part))
            if by_name && part.items.iter().all(|item| item.member("name").is_some()) =>
        {
            for item in &part.items {
                let name = item.member("name").map(Node::to_json);
                let twin = own.items.iter().position(|old| old.member("name").map(Node::to_json) == name);
                match twin {
                    Some(twin) if item.str_at(&["$patch"]) == Some("delete") => {
                        own.items.remove(twin);
                    }
                    Some(twin) => merge(&mut own.items[twin], item, by_name),
                    None => own.items.push(without_directives(item)),
                }
            }
        }
        _ => *old = without_directives(node),
    }
}

fn without_directives(node: &Node) -> Node {
    let mut node = node.clone();
    if let Value::Map(map) = &mut node.value {
        map.remove("$patch");
    }
    node
}

/// Makes all values unknown but those that say what is installed.
fn cover_all(node: &mut Node, at: At) {
    const KEPT: &[&str] = &["sourceRef", "chartRef", "repoURL", "releaseName", "name"];
    let reason = || Reason::new(Cause::NotProvided, Objects::Patched);
    match &mut node.value {
        Value::Map(map) => {
            for (key, node) in &mut map.entries {
                let chart = key.is("chart") && node.as_map().is_none();
                if !chart && !KEPT.iter().any(|kept| key.is(kept)) {
                    cover_all(node, at);
                }
            }
            map.more.get_or_insert_with(|| Box::new(reason()));
        }
        _ => *node = Node::because(reason(), at),
    }
}

/// Makes the fields of an object unknown that a part would be laid over.
fn cover_object(object: &mut Node, patch: &Node) {
    let members = patch.as_map().map(|map| map.entries.as_slice()).unwrap_or_default();
    for (key, node) in members {
        if !(key.is("apiVersion") || key.is("kind") || key.is("metadata")) {
            cover(object, &mut vec![key.to_string()], node);
        }
    }
}

fn cover(object: &mut Node, path: &mut Vec<String>, node: &Node) {
    match node.as_map() {
        Some(map) if !map.entries.is_empty() => {
            for (key, node) in &map.entries {
                path.push(key.to_string());
                cover(object, path, node);
                path.pop();
            }
        }
        _ => set(object, path, Node::unknown(Cause::Undecidable, Objects::Patched, node.at)),
    }
}

impl Operation {
    fn apply(&self, object: &mut Node, certain: bool) {
        let at = self.value.as_ref().map_or(object.at, |value| value.at);
        let unknown = || Node::unknown(Cause::Undecidable, Objects::Patched, at);
        match (self.op.as_str(), &self.value) {
            ("add" | "replace", Some(value)) if certain => set(object, &self.path, value.clone()),
            ("remove", _) if certain => remove(object, &self.path),
            ("test", _) => {}
            _ => set(object, &self.path, unknown()),
        }
    }
}

/// Sets what a path leads to; objects on the way are made.
fn set(node: &mut Node, path: &[String], value: Node) {
    let Some((first, rest)) = path.split_first() else {
        *node = value;
        return;
    };
    let at = value.at;
    match &mut node.value {
        Value::List(list) => {
            let number = if first == "-" { Some(list.items.len()) } else { first.parse().ok() };
            match number {
                // Beside an element that is there comes another one, into it goes what is deeper.
                Some(number) if number < list.items.len() => set(&mut list.items[number], rest, value),
                Some(_) if rest.is_empty() => list.items.push(value),
                _ => {}
            }
        }
        Value::Unknown(_) => {}
        other => {
            if !matches!(other, Value::Map(_)) {
                *other = Value::Map(Map::default());
            }
            let Value::Map(map) = other else { return };
            if map.get(first).is_none() {
                map.set(first.as_str(), Node::new(Value::Map(Map::default()), at));
            }
            if let Some(next) = map.get_mut(first) {
                set(next, rest, value);
            }
        }
    }
}

fn remove(node: &mut Node, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    match &mut node.value {
        Value::List(list) => {
            let Some(number) = first.parse::<usize>().ok().filter(|number| *number < list.items.len()) else { return };
            if rest.is_empty() {
                list.items.remove(number);
            } else {
                remove(&mut list.items[number], rest);
            }
        }
        Value::Map(map) if rest.is_empty() => {
            map.remove(first);
        }
        Value::Map(map) => {
            if let Some(next) = map.get_mut(first) {
                remove(next, rest);
            }
        }
        _ => {}
    }
}

impl Image {
    /// As kustomizations write it, and as Applications do: `[NAME=]NEWNAME[:TAG][@DIGEST]`.
    fn of(node: &Node) -> Option<Self> {
        if let Some(text) = node.as_str() {
            let (name, new) = text.split_once('=').map_or((None, text), |(name, new)| (Some(name), new));
            let (new, digest) = new.split_once('@').map_or((new, None), |(new, digest)| (new, Some(digest)));
            let (new, tag) = tagged(new);
            let owned = |text: Option<&str>| text.map(str::to_owned);
            return Some(Self {
                name: name.unwrap_or(new).to_owned(),
                new_name: name.map(|_| new.to_owned()),
                new_tag: owned(tag),
                digest: owned(digest),
            });
        }
        let text = |name: &str| node.str_at(&[name]).map(str::to_owned);
        let tag =
            node.member("newTag").map(|tag| tag.as_str().map_or_else(|| tag.to_json().to_string(), str::to_owned));
        Some(Self { name: text("name")?, new_name: text("newName"), new_tag: tag, digest: text("digest") })
    }

    fn apply(&self, node: &mut Node) -> bool {
        match &mut node.value {
            Value::List(list) => list.items.iter_mut().fold(false, |any, item| self.apply(item) | any),
            Value::Map(map) => map.entries.iter_mut().fold(false, |any, (key, node)| {
                let own = key.is("image").then(|| node.as_str().and_then(|image| self.renamed(image))).flatten();
                match own {
                    Some(image) => {
                        node.value = Value::Text(image.into());
                        true
                    }
                    None => self.apply(node) | any,
                }
            }),
            _ => false,
        }
    }

    /// An image as it is called from then on, if it is the one that is meant.
    fn renamed(&self, image: &str) -> Option<String> {
        let plain = image.split('@').next()?;
        let (name, tag) = tagged(plain);
        if name != self.name {
            return None;
        }
        let new = self.new_name.as_deref().unwrap_or(name);
        let tag = self.new_tag.as_deref().or(tag).map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.digest.as_deref().map(|digest| format!("@{digest}")).unwrap_or_default();
        Some(format!("{new}{tag}{digest}"))
    }
}

/// An image's name, and its tag: a registry may have a port.
fn tagged(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((name, tag)) => (name, Some(tag)),
        None => (image, None),
    }
}

fn move_to(object: &mut Node, namespace: &Node) -> bool {
    let tells = kind_of(object).is_some_and(|(kind, _)| IN_NAMESPACES.contains(&&*kind));
    let same = object.at_path(&["metadata", "namespace"]).map(Node::to_json) == Some(namespace.to_json());
    if !tells || same {
        return false;
    }
    set(object, &["metadata".to_owned(), "namespace".to_owned()], namespace.clone());
    true
}

/// Puts the values of variables (`${NAME}`, `${NAME:=default}`) into the texts of an object, as Flux does. Did it change?
/// A part of a value (`${NAME:0:8}`, `${NAME%-*}`) is not made here.
pub(super) fn substitute(node: &mut Node, variables: &[(String, Node)]) -> bool {
    placeholders::fill(node, &|written| {
        let inner = written.strip_prefix("${")?.strip_suffix('}')?;
        let end = inner.find(|one: char| !(one.is_ascii_alphanumeric() || one == '_')).unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        let value = variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)?;
        let otherwise = [":=", ":-", "=", "-"].iter().any(|sign| rest.starts_with(sign));
        // An empty value is none where a default stands beside it.
        (rest.is_empty() || (otherwise && value.as_str() != Some(""))).then(|| value.clone())
    })
}
