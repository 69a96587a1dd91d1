//! What an ApplicationSet makes an Application of each: the elements of its generators, as far as files say them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::formats::yaml;
use crate::inventory::{At, Builder, Map, Node, Value};
use crate::schema::pattern::glob;
use crate::sources::helm::values::over;
use crate::sources::referenced;

/// More elements than these are taken as one.
const MOST: usize = 50;
/// Folders are looked through so deep.
const DEPTH: usize = 6;

/// The elements of all generators; none where one of them makes its elements of what no file says, such as the clusters that Argo CD
/// knows.
pub(super) fn elements(builder: &mut Builder, set: &Node, folder: &Path) -> Vec<Node> {
    let generators = set.at_path(&["spec", "generators"]).map(Node::elements).unwrap_or_default();
    let mut all = vec![];
    for generator in generators {
        let Some(elements) = of(builder, generator, folder) else { return vec![] };
        all.extend(elements);
    }
    if all.len() > MOST { vec![] } else { all }
}

/// What an element says by some names. The path of a folder is what `path` is in a template that is none of Go's.
pub(super) fn value<'n>(element: &'n Node, names: &[&str]) -> Option<&'n Node> {
    match element.at_path(names)? {
        path if names == ["path"] && path.as_map().is_some() => path.member("path"),
        found => Some(found),
    }
}

fn of(builder: &mut Builder, generator: &Node, folder: &Path) -> Option<Vec<Node>> {
    let inner = |builder: &mut Builder, kind: &str| -> Option<Vec<Vec<Node>>> {
        let generators = generator.at_path(&[kind, "generators"]).map(Node::elements).unwrap_or_default();
        generators.iter().map(|one| of(builder, one, folder)).collect()
    };
    if let Some(elements) = generator.at_path(&["list", "elements"]) {
        return Some(elements.elements().to_vec());
    }
    if generator.member("matrix").is_some() {
        let mut product: Option<Vec<Node>> = None;
        for elements in inner(builder, "matrix")? {
            product = Some(match product {
                None => elements,
                Some(before) => {
                    let pairs = before
                        .iter()
                        .flat_map(|one| elements.iter().map(move |other| over(other.clone(), one.clone())));
                    pairs.take(MOST + 1).collect()
                }
            });
        }
        return product;
    }
    if let Some(merge) = generator.member("merge") {
        let keys = merge.member("mergeKeys").map(Node::elements).unwrap_or_default();
        let keys: Vec<&str> = keys.iter().filter_map(Node::as_str).collect();
        let mut merged: Option<Vec<Node>> = None;
        for elements in inner(builder, "merge")? {
            let Some(base) = &mut merged else {
                merged = Some(elements);
                continue;
            };
            for one in base {
                let same = |other: &&Node| {
                    keys.iter().all(|key| {
                        let said = |node: &Node| node.member(key).map(Node::to_json);
                        said(one).is_some() && said(one) == said(other)
                    })
                };
                if let Some(other) = elements.iter().find(same) {
                    *one = over(other.clone(), one.clone());
                }
            }
        }
        return merged;
    }
    let git = generator.member("git")?;
    let listed = |name: &str| git.member(name).map(Node::elements).unwrap_or_default();
    let patterns = |name: &str| {
        let excluded = |one: &Node| matches!(one.member("exclude").map(|flag| &flag.value), Some(Value::Flag(true)));
        let paths = |wanted: bool| -> Option<Vec<String>> {
            let those = listed(name).iter().filter(move |one| excluded(one) != wanted);
            those.map(|one| Some(one.str_at(&["path"])?.trim_matches('/').to_owned())).collect()
        };
        Some((paths(true)?, paths(false)?))
    };
    let (folders, files) = (patterns("directories")?, patterns("files")?);
    let (is_folders, (wanted, unwanted)) = if files.0.is_empty() { (true, folders) } else { (false, files) };
    let root = folder.ancestors().find(|root| !matching(root, &wanted, is_folders).is_empty())?;
    let unwanted: BTreeSet<PathBuf> = matching(root, &unwanted, is_folders).into_iter().collect();
    let mut found = vec![];
    for path in matching(root, &wanted, is_folders).into_iter().filter(|path| !unwanted.contains(path)) {
        if is_folders {
            found.push(with_path(Map::default(), &path, None, git.at));
            continue;
        }
        let (text, doc) = referenced::read(builder, &root.join(&path))?;
        let said = yaml::read(&text, doc).next()?.node.ok()?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let folder = path.parent().unwrap_or(Path::new(""));
        found.push(with_path(said.as_map()?.clone(), folder, name, said.at));
    }
    Some(found)
}

/// An element with what a template may say of its path.
fn with_path(mut element: Map, folder: &Path, file: Option<String>, at: At) -> Node {
    let parts: Vec<String> = folder.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let mut path = Map::default();
    path.set("path", Node::text(parts.join("/"), at));
    path.set("basename", Node::text(parts.last().cloned().unwrap_or_default(), at));
    if let Some(file) = file {
        path.set("filename", Node::text(file, at));
    }
    element.set("path", Node::new(Value::Map(path), at));
    Node::new(Value::Map(element), at)
}

/// The files or folders below a root whose paths fit one of these patterns, in the order of their names: `*` stands for a name or a
/// part of one, `**` for any folders.
fn matching(root: &Path, patterns: &[String], folders: bool) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    for pattern in patterns {
        let steps: Vec<&str> = pattern.split('/').collect();
        let mut places: BTreeSet<PathBuf> = BTreeSet::from([PathBuf::new()]);
        for step in steps {
            let mut next = BTreeSet::new();
            for place in places {
                if step == "**" {
                    below(root, &place, DEPTH, &mut next);
                } else if !step.contains(['*', '?', '[', '{']) {
                    next.insert(place.join(step));
                } else {
                    let fits = |name: &String| !name.starts_with('.') && glob(step, name);
                    next.extend(names(&root.join(&place)).into_iter().filter(fits).map(|name| place.join(name)));
                }
            }
            places = next;
            if places.len() > MOST * MOST {
                return vec![];
            }
        }
        let fits = |path: &PathBuf| if folders { root.join(path).is_dir() } else { root.join(path).is_file() };
        found.extend(places.into_iter().filter(fits));
    }
    found.into_iter().collect()
}

/// A folder and those below it.
fn below(root: &Path, folder: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    found.insert(folder.to_owned());
    if depth == 0 {
        return;
    }
    for name in names(&root.join(folder)).into_iter().filter(|name| !name.starts_with('.')) {
        let inner = folder.join(name);
        let is_link = root.join(&inner).symlink_metadata().is_ok_and(|data| data.is_symlink());
        if !is_link && root.join(&inner).is_dir() {
            below(root, &inner, depth - 1, found);
        }
    }
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
