//! Stacks: a template, and those that it nests, each as often as it is nested.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::inventory::paths::normalized;
use crate::inventory::{Builder, Node, SymbolScope, Value};

/// Stacks within stacks that are followed: AWS takes some more, nobody has them.
const MOST: usize = 8;
/// Stacks that one run follows.
const MOST_STACKS: usize = 2000;

/// The types of resources that are stacks, and the property that says where their templates are.
const NESTING: &[(&str, &str)] =
    &[("AWS::CloudFormation::Stack", "TemplateURL"), ("AWS::Serverless::Application", "Location")];

/// A template that was read.
pub(super) struct Read {
    pub(super) path: Arc<Path>,
    pub(super) root: Option<SymbolScope>,
    pub(super) node: Node,
}

/// One stack.
pub(super) struct Stack<'a> {
    /// Its template.
    pub(super) node: &'a Node,
    /// The file of that.
    pub(super) path: &'a Arc<Path>,
    /// Where its names mean something.
    pub(super) scope: SymbolScope,
    /// The stacks that it nests, by their logical ids.
    pub(super) calls: BTreeMap<String, Self>,
}

/// The stacks that no other one nests, by the number of their template.
pub(super) fn all<'a>(builder: &mut Builder, read: &'a [Read]) -> Vec<(usize, Stack<'a>)> {
    let calls: Vec<Vec<(String, usize)>> = (0..read.len()).map(|number| nested(read, number)).collect();
    let by_others = |(by, all): (usize, &Vec<(String, usize)>)| {
        all.iter().map(|(_, one)| *one).filter(move |one| *one != by).collect::<Vec<_>>()
    };
    let nested: BTreeSet<usize> = calls.iter().enumerate().flat_map(by_others).collect();
    let mut count = 0;
    (0..read.len())
        .filter(|number| !nested.contains(number))
        .map(|number| (number, stack(builder, read, &calls, &mut vec![number], &mut count)))
        .collect()
}

fn stack<'a>(
    builder: &mut Builder,
    read: &'a [Read],
    calls: &[Vec<(String, usize)>],
    chain: &mut Vec<usize>,
    count: &mut usize,
) -> Stack<'a> {
    let number = chain.last().copied().unwrap_or_default();
    *count += 1;
    let scope = builder.template();
    let mut own = BTreeMap::new();
    for (id, nested) in &calls[number] {
        if chain.len() < MOST && *count < MOST_STACKS && !chain.contains(nested) {
            chain.push(*nested);
            own.insert(id.clone(), stack(builder, read, calls, chain, count));
            chain.pop();
        }
    }
    Stack { node: &read[number].node, path: &read[number].path, scope, calls: own }
}

/// The property of a resource that says where the template of a stack is.
pub(super) fn address(resource: &Node) -> Option<&Node> {
    let kind = resource.str_at(&["Type"])?;
    let (_, property) = NESTING.iter().find(|(nesting, _)| *nesting == kind)?;
    resource.at_path(&["Properties", property])
}

/// The stacks that a template nests and whose templates were read.
fn nested(read: &[Read], number: usize) -> Vec<(String, usize)> {
    let resources = read[number].node.member("Resources").and_then(Node::as_map);
    let mut found = vec![];
    for (id, resource) in resources.map(|map| &*map.entries).unwrap_or_default() {
        let (Some(id), Some(end)) = (id.known(), address(resource).and_then(end)) else { continue };
        let template = find(read, number, &end).filter(|template| {
            // Another one of the same name declares others.
            let given = resource.at_path(&["Properties", "Parameters"]).and_then(Node::as_map);
            let declared = read[*template].node.member("Parameters");
            let declares = |name: &str| declared.is_some_and(|all| all.member(name).is_some());
            given.is_none_or(|given| given.entries.iter().filter_map(|(name, _)| name.known()).all(declares))
        });
        found.extend(template.map(|template| (id.to_owned(), template)));
    }
    found
}

/// The end of an address, as far as it is written out.
fn end(address: &Node) -> Option<String> {
    let after = |text: &str| text.rsplit('}').next().unwrap_or_default().to_owned();
    let found = match &address.value {
        Value::Text(text) => text.known()?.to_owned(),
        Value::Map(_) => match (address.member("Fn::Sub"), address.member("Fn::Join").map(Node::elements)) {
            (Some(sub), _) => after(sub.as_str().or_else(|| sub.elements().first()?.as_str())?),
            (None, Some([_, parts])) => after(parts.elements().last()?.as_str()?),
            _ => return None,
        },
        _ => return None,
    };
    Some(found).filter(|end| !end.is_empty())
}

/// The template at an address: the file that a path leads to, else the only one whose path has the same end.
fn find(read: &[Read], from: usize, end: &str) -> Option<usize> {
    let folder = read[from].path.parent().unwrap_or(Path::new(""));
    if !end.contains("://") {
        let path = normalized(&folder.join(end));
        if let Some(there) = read.iter().position(|one| normalized(&one.path) == path) {
            return Some(there);
        }
    }
    let steps: Vec<&str> = end.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    (1..=steps.len()).rev().find_map(|length| {
        let tail: PathBuf = steps[steps.len() - length..].iter().collect();
        let mut fits = (0..read.len()).filter(|number| *number != from && read[*number].path.ends_with(&tail));
        fits.next().filter(|_| fits.next().is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::At;

    fn read(path: &str) -> Read {
        Read { path: Arc::from(Path::new(path)), root: None, node: Node::new(Value::Null, At::default()) }
    }

    #[test]
    fn templates_are_found_by_path_and_by_the_end_of_an_address() {
        let all = ["a/parent.yaml", "a/child.yaml", "b/child.yaml", "templates/queue.yaml"].map(read);
        assert_eq!(find(&all, 0, "./child.yaml"), Some(1));
        assert_eq!(find(&all, 0, "../b/child.yaml"), Some(2));
        assert_eq!(find(&all, 0, "https://s3.amazonaws.com/bucket/x/templates/queue.yaml"), Some(3));
        assert_eq!(find(&all, 0, "https://s3.amazonaws.com/bucket/queue.yaml"), Some(3));
        assert_eq!(find(&all, 3, "https://s3.amazonaws.com/bucket/child.yaml"), None, "two are called so");
        assert_eq!(find(&all, 0, "other.yaml"), None);
    }
}
