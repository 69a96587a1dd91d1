//! Documents that Terraform's resources hold: manifests of the kubernetes and kubectl providers and of files that are written,
//! service accounts, the release of Karpenter's chart, templates of CloudFormation.

use crate::inventory::reason::Terraform;
use crate::inventory::{Cause, List, Map, Node, Reason, SourceKind, Text, Value};
use crate::sources::helm::values::{over, set_path};
use crate::sources::objects;
use crate::sources::objects::{documents, open};
use crate::sources::reader::{Content, Release};
use crate::sources::terraform::resource::Resource;

/// The Kubernetes objects and Helm releases that a resource describes, as documents of their own.
pub(super) fn documents_of(resource: &Resource) -> Vec<Content<'static>> {
    let mut documents = described(resource);
    let Some(attributes) = &resource.without_blanks else { return documents };
    let others = described(&Resource { attributes: attributes.clone(), without_blanks: None, ..resource.clone() });
    if documents.len() == others.len() {
        for (document, other) in documents.iter_mut().zip(others) {
            match (document, other) {
                (Content::Node { node, .. }, Content::Node { node: other, .. }) => fill_blanks(node, other),
                (Content::Release(release), Content::Release(other)) => fill_blanks(&mut release.values, other.values),
                _ => {}
            }
        }
    }
    documents
}

/// What is blank, and only because a default is, is to be given.
fn fill_blanks(node: &mut Node, other: Node) {
    let blank = node.is_null() || node.as_str().is_some_and(|text| text.trim().is_empty());
    match (&mut node.value, other) {
        (Value::Map(map), Node { value: Value::Map(others), .. }) => {
            for (key, other) in others.entries {
                let own = key.known().and_then(|key| map.entries.iter_mut().find(|(own, _)| own.known() == Some(key)));
                if let Some((_, own)) = own {
                    fill_blanks(own, other);
                }
            }
        }
        (Value::List(list), Node { value: Value::List(others), .. }) if list.items.len() == others.items.len() => {
            list.items.iter_mut().zip(others.items).for_each(|(own, other)| fill_blanks(own, other));
        }
        (_, other) if blank && other.first_unknown().is_some() => *node = other,
        _ => {}
    }
}

fn described(resource: &Resource) -> Vec<Content<'static>> {
    let object = |node: Node| Content::Node { node, placeholders: false };
    if resource.data {
        return vec![];
    }
    match &*resource.kind {
        "kubernetes_manifest" => resource.get("manifest").cloned().map(object).into_iter().collect(),
        "kubectl_manifest" => {
            resource.get("yaml_body").map(documents).unwrap_or_default().into_iter().map(object).collect()
        }
        "kubernetes_service_account" | "kubernetes_service_account_v1" => {
            service_account(resource).map(object).into_iter().collect()
        }
        "helm_release" => release(resource).into_iter().collect(),
        "aws_cloudformation_stack" => stack(resource).map(object).into_iter().collect(),
        // Somebody applies the manifests that it writes.
        "local_file" => resource
            .get("content")
            .filter(|content| objects::is_manifest(content))
            .map(documents)
            .unwrap_or_default()
            .into_iter()
            .map(object)
            .collect(),
        _ => vec![],
    }
}

/// The template of a stack, whose parameters have the values that they are given.
fn stack(resource: &Resource) -> Option<Node> {
    let mut template = resource.get("template_body").map(documents)?.into_iter().next()?;
    let given = resource.get("parameters").and_then(Node::as_map).map(|given| &*given.entries).unwrap_or_default();
    let Value::Map(members) = &mut template.value else { return None };
    if let Some(Value::Map(declared)) = members.get_mut("Parameters").map(|declared| &mut declared.value) {
        for (name, value) in given {
            let parameter = name.known().and_then(|name| declared.get_mut(name)).map(|parameter| &mut parameter.value);
            if let Some(Value::Map(parameter)) = parameter {
                parameter.set("Default", value.clone());
            }
        }
    }
    Some(template)
}

fn service_account(resource: &Resource) -> Option<Node> {
    let at = resource.attributes.at;
    let from = resource.get("metadata").and_then(|node| match &node.value {
        Value::List(list) => list.items.first(),
        _ => Some(node),
    })?;
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
    Some(Node::new(Value::Map(account), at))
}

/// The release of a chart, its values laid over each other as Helm does.
fn release(resource: &Resource) -> Option<Content<'static>> {
    let chart = resource.text("chart")?.to_string();
    let mut values = Node::new(Value::Map(Map::default()), resource.attributes.at);
    let mut unread: Option<Reason> = None;
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
                if document.as_map().is_some() {
                    values = over(document, values);
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
                (Some(name), _) if argument == "set_sensitive" => {
                    set_path(&mut values, name, super::resource::concealed(one.at));
                }
                (Some(name), Some(value)) if !value.is_null() => set_path(&mut values, name, value.clone()),
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
    let version = resource.get("version").filter(|version| match &version.value {
        Value::Text(text) => text.known().is_none_or(|known| !known.is_empty()),
        _ => false,
    });
    Some(Content::Release(Box::new(Release {
        name: resource.text("name").and_then(Text::known).unwrap_or("karpenter").into(),
        files: vec![],
        namespace: resource.text("namespace").and_then(Text::known).map(Into::into),
        chart,
        repository: resource.text("repository").map(Text::to_string).unwrap_or_default(),
        version: version.cloned(),
        chart_ref: None,
        values,
        source: SourceKind::Source,
    })))
}

/// Why values of a release are not known.
fn unclear(values: &Node) -> Reason {
    values.first_unknown().map_or_else(|| Reason::new(Cause::Symbolic, Terraform::Values), |(reason, _)| reason)
}

/// What is laid over by something unknown is unknown.
fn forget(values: &mut Node, reason: &Reason) {
    match &mut values.value {
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, node)| forget(node, reason)),
        value => *value = Value::Unknown(Box::new(reason.clone())),
    }
}
