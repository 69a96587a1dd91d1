//! What ConfigMaps hold, those that kustomizations make among them: values of releases, variables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::inventory::{At, Builder, Map, Node, Value};
use crate::sources::helm::values;
use crate::sources::kubernetes::held::Held;
use crate::sources::kubernetes::name_of;
use crate::sources::objects::kind_of;
use crate::sources::reader::Context;
use crate::sources::referenced;

/// A ConfigMap: the folder that it stands in, its name, its data.
pub(super) struct Config {
    folder: PathBuf,
    name: String,
    data: Node,
}

/// All ConfigMaps of a run.
pub(super) type Configs = Vec<Config>;

/// The ConfigMaps among some objects.
pub(super) fn of(held: &[Held]) -> Configs {
    let maps = held.iter().filter(|object| is_config(&object.node));
    maps.filter_map(|object| {
        let folder = object.path.parent().unwrap_or(Path::new("")).to_owned();
        Some(Config { folder, name: name_of(&object.node), data: object.node.member("data")?.clone() })
    })
    .collect()
}

/// Is it a ConfigMap?
pub(super) fn is_config(node: &Node) -> bool {
    node.str_at(&["kind"]) == Some("ConfigMap") && kind_of(node).is_some_and(|(kind, _)| kind == "core/ConfigMap")
}

/// The ConfigMaps that kustomizations make, as objects of the kustomization's file. What they are made of is nothing else then.
pub(super) fn generated(context: &mut Context<'_>, held: &[Held]) -> Vec<Held> {
    let mut all = vec![];
    for object in held {
        let folder = object.path.parent().unwrap_or(Path::new(""));
        for made in generators(&object.node) {
            let Some(name) = made.member("name").filter(|name| name.as_str().is_some()) else { continue };
            let metadata = [("name", Some(name.clone())), ("namespace", made.member("namespace").cloned())];
            let mut map = Map::default();
            for (key, value) in metadata {
                value.into_iter().for_each(|value| map.set(key, value));
            }
            let members = [
                ("apiVersion", Node::text("v1", made.at)),
                ("kind", Node::text("ConfigMap", made.at)),
                ("metadata", Node::new(Value::Map(map), made.at)),
                ("data", data_of(context, made, folder)),
            ];
            let node = values::object(members, made.at);
            all.push(Held { path: Arc::clone(&object.path), doc: object.doc, named: object.named, node });
        }
    }
    all
}

/// What a kustomization says of the ConfigMaps that it makes.
pub(super) fn generators(kustomization: &Node) -> &[Node] {
    let is_one = || kind_of(kustomization).is_some_and(|(kind, _)| kind.starts_with("kustomize.config.k8s.io/"));
    let made = kustomization.member("configMapGenerator").filter(|_| is_one());
    made.map(Node::elements).unwrap_or_default()
}

fn data_of(context: &mut Context<'_>, made: &Node, folder: &Path) -> Node {
    let mut data = Map::default();
    let list = |name: &str| made.member(name).map(Node::elements).unwrap_or_default().iter().filter_map(Node::as_str);
    for file in list("files") {
        let own = || Path::new(file).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (key, path) = file.split_once('=').map_or_else(|| (own(), file), |(key, path)| (key.to_owned(), path));
        let path = folder.join(path);
        context.claimed.extend(std::fs::canonicalize(&path));
        if let Some(text) = text_of(context.builder, &path) {
            data.set(key.as_str(), text);
        }
    }
    for literal in list("literals") {
        if let Some((key, value)) = literal.split_once('=') {
            data.set(key, Node::text(value.trim_matches(['"', '\'']), made.at));
        }
    }
    Node::new(Value::Map(data), made.at)
}

/// A file's text, which begins on its first line.
fn text_of(builder: &mut Builder, path: &Path) -> Option<Node> {
    let (text, doc) = referenced::read(builder, path)?;
    Some(Node::text(text, At { doc, line: 1, column: 1 }))
}

/// The data of the ConfigMap of a name that stands nearest to a folder; none where several are as near and differ.
pub(super) fn nearest<'a>(configs: &'a Configs, name: &str, folder: &Path) -> Option<&'a Node> {
    let common = |config: &Config| {
        folder.components().zip(config.folder.components()).take_while(|(one, other)| one == other).count()
    };
    let named = || configs.iter().filter(|config| config.name == name);
    let most = named().map(common).max()?;
    let mut near = named().filter(|config| common(config) == most);
    let first = near.next()?;
    near.all(|other| other.data.to_json() == first.data.to_json()).then_some(&first.data)
}
