//! What ConfigMaps hold, those that kustomizations make among them: values of releases, variables.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::inventory::{Builder, Map, Node, Origin, Value};
use crate::sources::kubernetes::held::Held;
use crate::sources::kubernetes::{kind_of, name_of};
use crate::sources::reader::Context;

/// A file that a kustomization puts into a ConfigMap is not read beyond this size.
const MOST: u64 = 1 << 20;

/// A ConfigMap: the folder that it stands in, its name, its data.
pub(super) struct Config {
    folder: PathBuf,
    name: String,
    data: Node,
}

/// All ConfigMaps of a run.
pub(super) type Configs = Vec<Config>;

/// The ConfigMaps among some objects, and those that kustomizations make, of files that are nothing else then.
pub(super) fn of(context: &mut Context<'_>, held: &[Held]) -> Configs {
    let mut all = vec![];
    for object in held {
        let Some((kind, _)) = kind_of(&object.node) else { continue };
        let folder = object.path.parent().unwrap_or(Path::new("")).to_owned();
        match &*kind {
            "core/ConfigMap" => {
                if let Some(data) = object.node.member("data") {
                    all.push(Config { folder, name: name_of(&object.node), data: data.clone() });
                }
            }
            "kustomize.config.k8s.io/Kustomization" | "kustomize.config.k8s.io/Component" => {
                for made in object.node.member("configMapGenerator").map(Node::elements).unwrap_or_default() {
                    if let Some(name) = made.str_at(&["name"]) {
                        let data = generated(context, made, &folder);
                        all.push(Config { folder: folder.clone(), name: name.to_owned(), data });
                    }
                }
            }
            _ => {}
        }
    }
    all
}

fn generated(context: &mut Context<'_>, made: &Node, folder: &Path) -> Node {
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
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    let doc = builder.document(Origin::File(path.to_string_lossy().into()));
    Some(Node::text(text, crate::inventory::At { doc, line: 1, column: 1 }))
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
