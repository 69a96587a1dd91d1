//! Kubernetes objects that Terraform makes: manifests of the kubernetes and kubectl providers, service accounts, and the
//! release of Karpenter's chart.

use crate::formats::yaml;
use crate::inventory::{At, Builder, Cause, List, Map, Node, Reason, SourceKind, Text, Value};
use crate::schema::kinds::GatherScope;
use crate::sources::terraform::resource::{ModuleResources, Resource, relocate};
use crate::sources::{helm, policy_documents, recognise};

/// Types of resources that are read here.
pub(super) fn is_read(kind: &str) -> bool {
    matches!(
        kind,
        "kubernetes_manifest"
            | "kubectl_manifest"
            | "kubernetes_service_account"
            | "kubernetes_service_account_v1"
            | "helm_release"
    )
}

/// Adds what the resource is in Kubernetes. Is it a type that is read here?
pub(super) fn add(builder: &mut Builder, plan: &GatherScope, set: &ModuleResources, resource: &Resource) -> bool {
    if !is_read(&resource.kind) {
        return false;
    }
    if resource.data {
        return true;
    }
    match &*resource.kind {
        "kubernetes_manifest" => {
            if let Some(manifest) = resource.get("manifest") {
                object(builder, plan, manifest.clone());
            }
        }
        "kubectl_manifest" => {
            if let Some(body) = resource.get("yaml_body") {
                for node in documents(body) {
                    object(builder, plan, node);
                }
            }
        }
        "helm_release" => release(builder, resource),
        _ => service_account(builder, plan, resource),
    }
    let _ = set;
    true
}

fn object(builder: &mut Builder, plan: &GatherScope, node: Node) {
    if recognise::format_of(&node) == recognise::Format::Kubernetes {
        crate::sources::kubernetes::add_document(builder, plan, node);
    }
}

/// The objects of a text in YAML, or the one object where the text was made of it by `yamlencode`.
pub(super) fn documents(body: &Node) -> Vec<Node> {
    let Value::Text(text) = &body.value else {
        return if body.as_map().is_some() { vec![body.clone()] } else { vec![] };
    };
    let (plain, holes) = policy_documents::marked(text);
    // A text of several lines stands below its attribute; of one line, beside it. One that is a file begins a line.
    let block = body.at.line > 0 && plain.trim_end().contains('\n');
    let below = u32::from(body.at.column != 1);
    let place = |inner: At| {
        if block {
            At { line: (body.at.line + inner.line + below).saturating_sub(1), column: inner.column, ..body.at }
        } else {
            body.at
        }
    };
    yaml::read(&plain, body.at.doc)
        .filter_map(|parsed| parsed.node.ok())
        .map(|mut node| {
            policy_documents::fill(&mut node, &holes);
            relocate(&mut node, &place);
            node
        })
        .collect()
}

fn service_account(builder: &mut Builder, plan: &GatherScope, resource: &Resource) {
    let at = resource.attributes.at;
    let Some(from) = resource.get("metadata").and_then(|node| match &node.value {
        Value::List(list) => list.items.first(),
        _ => Some(node),
    }) else {
        return;
    };
    let mut metadata = Map::default();
    for name in ["name", "namespace", "annotations", "labels"] {
        if let Some(node) = from.member(name).filter(|node| !node.is_null()) {
            metadata.set(name, node.clone());
        }
    }
    let mut account = Map::default();
    account.set("apiVersion", Node::text("v1", at));
    account.set("kind", Node::text("ServiceAccount", at));
    account.set("metadata", Node::new(Value::Map(metadata), from.at));
    object(builder, plan, Node::new(Value::Map(account), at));
}

/// The values of a release of Karpenter's chart, as Helm lays them over each other.
fn release(builder: &mut Builder, resource: &Resource) {
    let at = resource.attributes.at;
    let known = |name: &str| resource.text(name).map(Text::to_string).unwrap_or_default();
    if !helm::is_chart(&known("chart"), &known("repository")) {
        return;
    }
    let mut values = Map::default();
    let mut unread: Option<Reason> = None;
    let unclear = |node: &Node| {
        node.first_unknown().map_or_else(
            || Reason::new(Cause::Symbolic, "a part of the release's values is not known"),
            |(reason, _)| reason,
        )
    };
    if let Some(list) = resource.get("values") {
        for one in list.elements() {
            let documents = documents(one);
            let known = documents.iter().all(|document| matches!(document.value, Value::Map(_) | Value::Null));
            let empty = one.as_str().is_some_and(|text| text.trim().is_empty());
            if !known || (documents.is_empty() && !empty) {
                // It may set anything over what came before it.
                let reason = unclear(one);
                forget(&mut values, &reason);
                unread = Some(reason);
            }
            for document in documents {
                if let Value::Map(map) = document.value {
                    overlay(&mut values, map);
                }
            }
        }
        if !matches!(list.value, Value::List(List { more: None, .. })) {
            let reason = unclear(list);
            forget(&mut values, &reason);
            unread = Some(reason);
        }
    }
    // Nobody keeps a secret value; that there is one is known.
    for argument in ["set", "set_list", "set_sensitive"] {
        let Some(list) = resource.get(argument) else { continue };
        for one in list.elements() {
            match (one.str_at(&["name"]), one.member("value")) {
                // What is set within a list leaves the list itself as it is known.
                (Some(name), _) if name.contains('[') => {}
                (Some(name), _) if argument == "set_sensitive" => {
                    set(&mut values, &path(name), super::resource::concealed(one.at));
                }
                (Some(name), Some(value)) if !value.is_null() => set(&mut values, &path(name), value.clone()),
                (Some(_), _) => {}
                (None, _) => unread = Some(unclear(one)),
            }
        }
        if !matches!(list.value, Value::List(List { more: None, .. }) | Value::Map(_)) {
            unread = Some(unclear(list));
        }
    }
    if let Some(reason) = unread {
        open(&mut values, &reason);
    }
    // The chart of each release runs the controller of that release.
    let version = resource.text("version").filter(|version| version.known().is_none_or(|known| !known.is_empty()));
    let tag = |path: &[&str]| {
        path.iter().try_fold(&values, |map, name| map.get(name)?.as_map()).and_then(|map| map.get("tag"))
    };
    let tagged = tag(&["controller", "image"]).or_else(|| tag(&["image"])).is_some();
    if let (Some(version), false) = (version, tagged) {
        let place = resource.get("version").map_or(at, |node| node.at);
        set(&mut values, &["image".into(), "tag".into()], Node::text(version.clone(), place));
    }
    let namespace = resource.text("namespace").and_then(Text::known);
    let release = helm::Release {
        name: resource.text("name").and_then(Text::known).unwrap_or("karpenter").into(),
        namespace: namespace.map(Into::into),
        version: None,
        chart: None,
        values: Node::new(Value::Map(values), at),
    };
    helm::add_release(builder, release, SourceKind::Source);
}

/// `serviceAccount.annotations.eks\.amazonaws\.com/role-arn` in its parts. Indexes (`a[0]`) are left in the name.
fn path(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = name.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => parts.last_mut().into_iter().for_each(|part| part.extend(chars.next())),
            '.' => parts.push(String::new()),
            char => parts.last_mut().into_iter().for_each(|part| part.push(char)),
        }
    }
    parts
}

fn set(into: &mut Map, path: &[String], node: Node) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        into.set(name.as_str(), node);
        return;
    }
    let is_map = into.get(name).is_some_and(|node| node.as_map().is_some());
    if !is_map {
        into.set(name.as_str(), Node::new(Value::Map(Map::default()), node.at));
    }
    if let Some(Value::Map(map)) = into.get_mut(name).map(|node| &mut node.value) {
        set(map, rest, node);
    }
}

/// What is laid over by something unknown is unknown.
fn forget(values: &mut Map, reason: &Reason) {
    for (_, node) in &mut values.entries {
        match &mut node.value {
            Value::Map(map) => forget(map, reason),
            value => *value = Value::Unknown(Box::new(reason.clone())),
        }
    }
}

/// Where something unknown is laid over or under them, objects may have more than is known.
fn open(values: &mut Map, reason: &Reason) {
    values.more.get_or_insert_with(|| Box::new(reason.clone()));
    for (_, node) in &mut values.entries {
        if let Value::Map(map) = &mut node.value {
            open(map, reason);
        }
    }
}

/// Lays values over others, object by object.
fn overlay(into: &mut Map, over: Map) {
    for (key, node) in over.entries {
        let earlier = into.entries.iter_mut().find(|(known, _)| *known == key).map(|(_, node)| node);
        match (earlier, node) {
            (Some(Node { value: Value::Map(earlier), .. }), Node { value: Value::Map(map), .. }) => {
                overlay(earlier, map);
            }
            (Some(earlier), node) => *earlier = node,
            (None, node) => into.entries.push((key, node)),
        }
    }
    if over.more.is_some() {
        into.more = over.more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{DocId, Part};

    fn hole(name: &str) -> Text {
        Text::from_parts([Part::Hole(crate::inventory::Symbol::new(
            name,
            crate::inventory::SymbolScope::Run,
            "no value",
        ))])
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
        assert_eq!((role.at.line, role.to_json().to_string()), (13, "\"x-${role}\"".into()));
    }

    #[test]
    fn names_of_set_are_paths() {
        assert_eq!(
            path(r"serviceAccount.annotations.eks\.amazonaws\.com/role-arn"),
            ["serviceAccount", "annotations", "eks.amazonaws.com/role-arn"]
        );
    }
}
