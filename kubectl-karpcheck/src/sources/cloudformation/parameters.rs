//! The values of a template's parameters that files give: what `aws cloudformation create-stack --parameters file://…` takes,
//! what a pipeline takes, and what `aws cloudformation describe-stacks` says of a stack that was made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::inventory::{Node, Value};

/// A file that gives parameters values.
pub(super) struct ParameterFile {
    path: Arc<Path>,
    named: bool,
    values: Vec<(String, Node)>,
}

/// What files give a parameter.
pub(super) enum Given {
    /// All of them the same.
    Value(Node),
    /// Each another value: these, in words.
    Differing(String),
}

impl ParameterFile {
    pub(super) fn new(path: Arc<Path>, named: bool, node: &Node) -> Self {
        Self { path, named, values: values(node) }
    }

    /// Is it for the template of a file, by where it lies and what it gives?
    fn fits(&self, template: &Path, declared: &Node) -> bool {
        let folder = |path: &Path| path.parent().unwrap_or(Path::new("")).to_owned();
        let (own, other) = (folder(&self.path), folder(template));
        // `parameters/prod.json` belongs to `template.yaml` and to `templates/eks.yaml` beside it.
        let near = own.starts_with(&other) || (own != Path::new("") && other.starts_with(folder(&own)));
        let declares = |name: &str| declared.member(name).is_some();
        (self.named || near) && !self.values.is_empty() && self.values.iter().all(|(name, _)| declares(name))
    }
}

/// Is it a file with values of parameters?
pub(super) fn is_file(node: &Node) -> bool {
    !values(node).is_empty()
}

fn values(node: &Node) -> Vec<(String, Node)> {
    let listed = |list: &[Node]| -> Option<Vec<(String, Node)>> {
        list.iter()
            .map(|one| Some((one.str_at(&["ParameterKey"])?.to_owned(), one.member("ParameterValue")?.clone())))
            .collect()
    };
    if !node.elements().is_empty() {
        return listed(node.elements()).unwrap_or_default();
    }
    if let Some([stack]) = node.member("Stacks").map(Node::elements) {
        return stack.member("Parameters").and_then(|all| listed(all.elements())).unwrap_or_default();
    }
    let Some(map) = node.member("Parameters").and_then(Node::as_map) else { return vec![] };
    let is_value = |node: &Node| matches!(node.value, Value::Text(_) | Value::Flag(_) | Value::Number(_));
    let named = |(name, node): &(_, Node)| Some((crate::inventory::Text::known(name)?.to_owned(), node.clone()));
    if map.entries.iter().all(|(_, node)| is_value(node)) {
        map.entries.iter().filter_map(named).collect()
    } else {
        vec![]
    }
}

/// What the files for a template give its parameters. A file that leaves one out takes the default.
pub(super) fn of(path: &Path, template: &Node, files: &[ParameterFile]) -> BTreeMap<String, Given> {
    let mut found = BTreeMap::new();
    let Some(declared) = template.member("Parameters") else { return found };
    let own: Vec<&ParameterFile> = files.iter().filter(|file| file.fits(path, declared)).collect();
    for (name, parameter) in declared.as_map().map(|map| map.entries.as_slice()).unwrap_or_default() {
        let Some(name) = name.known() else { continue };
        let of = |file: &&ParameterFile| {
            let value = file.values.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value);
            value.or_else(|| parameter.member("Default")).cloned()
        };
        let given = |file: &&ParameterFile| file.values.iter().any(|(known, _)| known == name);
        let each: Vec<Option<Node>> = own.iter().map(of).collect();
        let (true, Some(first)) = (own.iter().any(given), each.first()) else { continue };
        let json = |node: &Option<Node>| node.as_ref().map(Node::to_json);
        let given = match first {
            Some(value) if each.iter().all(|other| json(other) == json(first)) => Given::Value(value.clone()),
            _ => {
                let words = own.iter().zip(&each).filter_map(|(file, value)| {
                    let value = value.as_ref()?.to_json().to_string();
                    Some(format!("{value} in {}", file.path.file_name()?.to_string_lossy()))
                });
                Given::Differing(words.take(4).collect::<Vec<_>>().join(", "))
            }
        };
        found.insert(name.to_owned(), given);
    }
    found
}

/// Is a parameter of this name the name of the cluster?
pub(super) fn names_a_cluster(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    name.ends_with("clustername") || matches!(name.as_str(), "cluster" | "ekscluster")
}
