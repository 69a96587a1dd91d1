//! Kubernetes objects as documents: those of a text in YAML, and those that another document holds to have them installed
//! (a Helm chart of plain manifests, Crossplane's Object, a ManifestWork, an OpenShift Template).

use crate::formats::yaml;
use crate::inventory::reason::{Gap, Terraform};
use crate::inventory::{At, Node, Reason, Symbol, Value};
use crate::schema::kinds;
use crate::schema::kinds::GatherScope;
use crate::sources::{placeholders, policy_documents};

/// Groups whose objects say something of Karpenter or of AWS, or install charts.
const GROUPS: &[&str] =
    &["karpenter.sh", "karpenter.k8s.aws", "argoproj.io", "helm.toolkit.fluxcd.io", "source.toolkit.fluxcd.io"];
/// The ends of those of ACK and Crossplane.
const FAMILIES: &[&str] = &[".services.k8s.aws", ".upbound.io", ".crossplane.io"];
/// Texts within texts that are looked into.
const MOST: u32 = 2;

/// What a document holds.
#[derive(Default)]
pub(super) struct Carried {
    /// Objects.
    pub(super) objects: Vec<Node>,
    /// Texts with objects in them that are no YAML by themselves.
    pub(super) broken: Vec<At>,
}

/// The objects that another document holds. What it says of itself, and of what became of it, holds none.
pub(super) fn carried(document: &Node, gather_scope: &GatherScope) -> Carried {
    let mut carried = Carried::default();
    let mut walk = Walk { gather_scope, carried: &mut carried };
    walk.below(document, 0);
    carried
}

struct Walk<'a> {
    gather_scope: &'a GatherScope,
    carried: &'a mut Carried,
}

impl Walk<'_> {
    fn below(&mut self, node: &Node, depth: u32) {
        match &node.value {
            Value::Map(map) => {
                let own = if map.get("apiVersion").is_some() { &["metadata", "status"][..] } else { &[] };
                let others = map.entries.iter().filter(|(key, _)| !own.iter().any(|name| key.is(name)));
                others.for_each(|(_, inner)| self.node(inner, depth));
            }
            Value::List(list) => list.items.iter().for_each(|inner| self.node(inner, depth)),
            Value::Null | Value::Flag(_) | Value::Number(_) | Value::Text(_) | Value::Unknown(_) => {}
        }
    }

    fn node(&mut self, node: &Node, depth: u32) {
        if matches!(node.value, Value::Text(_)) {
            self.text(node, depth);
        } else if self.is_object(node) {
            self.carried.objects.push(node.clone());
        } else {
            self.below(node, depth);
        }
    }

    /// A reference to an object has no metadata.
    fn is_object(&self, node: &Node) -> bool {
        let named =
            kind_of(node).filter(|_| node.member("metadata").is_some_and(|metadata| metadata.as_map().is_some()));
        // Whether a cluster has the kinds that something would define shows nothing.
        named.filter(|(kind, _)| kind != kinds::DEFINITION).is_some_and(|(kind, _)| {
            let group = kind.split_once('/').map_or("", |(group, _)| group);
            GROUPS.contains(&group)
                || FAMILIES.iter().any(|family| group.ends_with(family))
                || self.gather_scope.wants(&kind)
        })
    }

    fn text(&mut self, node: &Node, depth: u32) {
        let Value::Text(text) = &node.value else { return };
        if depth >= MOST || !is_manifest(node) {
            return;
        }
        let before = self.carried.objects.len();
        for mut document in documents(node) {
            placeholders::mark(&mut document);
            self.node(&document, depth + 1);
        }
        if self.carried.objects.len() == before && speaks_of_objects(&text.to_string()) {
            self.carried.broken.push(node.at);
        }
    }
}

/// Does a text begin as a manifest does? A script that holds one does not.
pub(super) fn is_manifest(node: &Node) -> bool {
    let Value::Text(text) = &node.value else { return false };
    let written = text.to_string();
    let mut lines = written.lines().map(str::trim_start);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(['#', '{']) && !line.starts_with("---"));
    let begins =
        |line: &str| ["apiVersion:", "kind:", "metadata:", "- apiVersion:"].iter().any(|start| line.starts_with(start));
    first.is_some_and(begins)
}

fn speaks_of_objects(text: &str) -> bool {
    let named = |line: &str| {
        let group =
            line.trim_start().trim_start_matches("- ").strip_prefix("apiVersion:")?.trim().trim_matches(['"', '\'']);
        let (group, _) = group.split_once('/')?;
        Some(GROUPS[..2].contains(&group) || FAMILIES.iter().any(|family| group.ends_with(family)))
    };
    text.lines().any(|line| named(line) == Some(true))
}

/// Is it a Kubernetes object, by its first two fields?
pub(super) fn is_object(node: &Node) -> bool {
    node.str_at(&["apiVersion"]).is_some() && node.str_at(&["kind"]).is_some_and(|kind| !kind.is_empty())
}

/// `group/Kind` and the version of a Kubernetes object.
pub(super) fn kind_of(node: &Node) -> Option<(String, String)> {
    let version = node.str_at(&["apiVersion"])?;
    let kind = node.str_at(&["kind"]).filter(|_| is_object(node))?;
    let (group, version) = version.split_once('/').unwrap_or(("core", version));
    Some((format!("{group}/{kind}"), version.to_owned()))
}

/// The objects of a text in YAML, or the one object where the text was made of it by `yamlencode`.
pub(super) fn documents(body: &Node) -> Vec<Node> {
    let Value::Text(text) = &body.value else {
        return if body.as_map().is_some() { vec![body.clone()] } else { vec![] };
    };
    let (plain, holes) = policy_documents::marked(text);
    // A text of several lines is a block, which stands where its first line does.
    let block = body.at.line > 0 && plain.trim_end().contains('\n');
    let place = |inner: At| {
        if block && inner.line > 0 {
            At { line: body.at.line + inner.line - 1, column: body.at.column + inner.column - 1, ..body.at }
        } else {
            body.at
        }
    };
    // A hole in a line is a part of a value; what a directive writes may be lines.
    let lines = text.holes().find(|hole| matches!(&*hole.reason.gap, Gap::Terraform(Terraform::Elements { .. })));
    let lines = lines.map(Symbol::reason);
    yaml::read(&plain, body.at.doc)
        .filter_map(|parsed| parsed.node.ok())
        .map(|mut node| {
            policy_documents::fill(&mut node, &holes);
            relocate(&mut node, &place);
            if let Some(reason) = &lines {
                open(&mut node, reason);
            }
            node
        })
        .collect()
}

/// Where something unknown is laid over, under or into them, objects may have more than is known.
pub(super) fn open(values: &mut Node, reason: &Reason) {
    match &mut values.value {
        Value::Map(map) => {
            map.more.get_or_insert_with(|| Box::new(reason.clone()));
            map.entries.iter_mut().for_each(|(_, node)| open(node, reason));
        }
        Value::List(list) => list.items.iter_mut().for_each(|node| open(node, reason)),
        _ => {}
    }
}

/// Gives a node and everything below it one place.
pub(super) fn relocate(node: &mut Node, place: &dyn Fn(At) -> At) {
    node.at = place(node.at);
    match &mut node.value {
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, node)| relocate(node, place)),
        Value::List(list) => list.items.iter_mut().for_each(|node| relocate(node, place)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{DocId, Map, Part, Text};

    fn hole(name: &str) -> Text {
        Text::from_parts([Part::Hole(crate::inventory::Symbol::new(
            name,
            crate::inventory::SymbolScope::Run,
            crate::inventory::reason::Template::Placeholder { name: name.into() },
        ))])
    }

    #[test]
    fn lines_that_depend_on_a_condition_may_be_fields() {
        let gap = Terraform::Elements { written: "var.role != null".into() };
        let symbol = crate::inventory::Symbol::new("%{if}", crate::inventory::SymbolScope::Run, gap);
        let parts = [Part::Known("spec:\n  a: 1\n".into()), Part::Hole(symbol), Part::Known("\n  b: 2\n".into())];
        let nodes = documents(&Node::text(Text::from_parts(parts), At::default()));
        for node in &nodes {
            let Some(Value::Map(Map { more, .. })) = node.member("spec").map(|spec| &spec.value) else { continue };
            assert!(more.is_some(), "{node:?}");
        }
    }

    #[test]
    fn documents_keep_holes_and_places() {
        let at = At { doc: DocId(0), line: 10, column: 3 };
        let parts = [Part::Known("kind: A\nspec:\n  role: x-".into())]
            .into_iter()
            .chain(hole("${role}").into_parts())
            .chain([Part::Known("\n".into())]);
        let nodes = documents(&Node::text(Text::from_parts(parts), at));
        let role = nodes[0].at_path(&["spec", "role"]).expect("there");
        assert_eq!((role.at.line, role.at.column), (12, 11));
        assert_eq!(role.to_json().to_string(), "\"x-${role}\"");
    }
}
