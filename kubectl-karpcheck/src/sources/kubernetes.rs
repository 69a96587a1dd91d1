//! Kubernetes objects, from files and clusters alike: recognised, selected by the gather scope, and, where they are ACK's or
//! Crossplane's, joined with the AWS resource that they describe.

mod ack;
mod crossplane;
mod eksctl;
mod gitops;
mod kro;

use crate::inventory::{Builder, Draft, Node, SourceKind, Value};
use crate::schema::kinds::GatherScope;
use crate::schema::{aws, kinds};
use crate::sources::{placeholders, policy_documents};

/// Is this a Kubernetes object? `group/Kind` and the version.
pub(super) fn kind_of(node: &Node) -> Option<(String, String)> {
    let version = node.str_at(&["apiVersion"])?;
    let kind = node.str_at(&["kind"]).filter(|kind| !kind.is_empty())?;
    let (group, version) = version.split_once('/').unwrap_or(("core", version));
    Some((format!("{group}/{kind}"), version.to_owned()))
}

/// Marks the placeholders of an object, of a list in each by itself. A dump of a cluster says what is there, dollars included.
pub(super) fn mark_placeholders(node: &mut Node) {
    if node.at_path(&["metadata", "uid"]).is_some() {
        return;
    }
    match node.as_map().and_then(|map| map.get("items")).map(|items| &items.value) {
        Some(Value::List(_)) if node.str_at(&["kind"]).is_some_and(|kind| kind.ends_with("List")) => {
            if let Value::Map(map) = &mut node.value
                && let Some(Value::List(list)) = map.get_mut("items").map(|items| &mut items.value)
            {
                list.items.iter_mut().for_each(mark_placeholders);
            }
        }
        _ => placeholders::mark(node),
    }
}

/// Adds an object that was read from a file, and the objects of a list each by itself.
pub(super) fn add_document(builder: &mut Builder, plan: &GatherScope, node: Node) -> u64 {
    let Some((kind, _)) = kind_of(&node) else { return 0 };
    let is_list =
        kind.ends_with("List") && node.member("items").is_some_and(|items| matches!(items.value, Value::List(_)));
    if !is_list {
        let name = name_of(&node);
        let source = if node.at_path(&["metadata", "uid"]).is_some() { SourceKind::Live } else { SourceKind::Manifest };
        let mut draft = Draft::new(kind, name, node, source);
        draft.namespace = namespace_of(&draft.body);
        match &*draft.kind {
            "kro.run/ResourceGraphDefinition" | "kro.run/ResourceGroup" => return kro::add(builder, plan, &draft.body),
            "argoproj.io/Application" | "argoproj.io/ApplicationSet" => gitops::argo(builder, &draft, source),
            "helm.toolkit.fluxcd.io/HelmRelease" => gitops::flux(builder, &draft, source),
            "source.toolkit.fluxcd.io/OCIRepository" => gitops::flux_chart(builder, &draft, source),
            "eksctl.io/ClusterConfig" => eksctl::add(builder, &draft),
            _ => {}
        }
        add(builder, plan, draft);
        return 1;
    }
    let (group, version) = (
        node.member("apiVersion").cloned(),
        kind.strip_suffix("List").and_then(|kind| kind.split_once('/')).map(|(_, kind)| kind.to_owned()),
    );
    let Value::Map(mut map) = node.value else { return 0 };
    let Some(Value::List(list)) = map.remove("items").map(|items| items.value) else { return 0 };
    let mut count = 0;
    for mut item in list.items {
        // The objects of a typed list (`TableList`) need not say what they are.
        if let (Value::Map(object), Some(kind), Some(group)) = (&mut item.value, &version, &group)
            && !kind.is_empty()
        {
            if object.get("kind").is_none() {
                object.entries.insert(0, ("kind".into(), Node::text(kind.as_str(), group.at)));
            }
            if object.get("apiVersion").is_none() {
                object.entries.insert(0, ("apiVersion".into(), group.clone()));
            }
        }
        count += add_document(builder, plan, item);
    }
    count
}

/// Adds an object, if a rule, or what a rule wants, is made from its kind.
pub(super) fn add(builder: &mut Builder, plan: &GatherScope, mut draft: Draft) {
    // Secrets are never kept, whatever a rule declares.
    let crossplane = crossplane::described_by(&draft.kind);
    let wanted = plan.wants(&draft.kind) || crossplane.is_some_and(|own| plan.declares(own) || aws::always(own));
    let foreign = &*draft.kind == kinds::DEFINITION
        && draft.body.str_at(&["spec", "group"]).is_some_and(|group| !plan.wants_group(group));
    if &*draft.kind == "core/Secret" || !wanted || foreign {
        builder.skip(1);
        return;
    }
    if let Value::Map(body) = &mut draft.body.value
        && let Some(Value::Map(metadata)) = body.get_mut("metadata").map(|metadata| &mut metadata.value)
    {
        // Who wrote which field: half of a live object, and nothing that a rule asks for.
        metadata.remove("managedFields");
    }
    if crossplane.is_some() {
        crossplane::add(builder, draft);
        return;
    }
    let described = kinds::described_by(&draft.kind)
        .filter(|kind| *kind != kinds::TABLE || plan.declares(kind))
        .and_then(|kind| ack::described(kind, &draft));
    if described.is_some() {
        builder.unmapped("ack", &draft.kind, &|found| ack::unmapped(&draft, found));
    }
    let object = builder.add(draft);
    match described {
        Some(ack::Described::Resource(resource)) => {
            let resource = builder.add(*resource);
            builder.join(object, resource);
        }
        Some(ack::Described::Part(part)) => builder.add_fragment(*part),
        None => {}
    }
}

/// Gives a resource the identifier that its properties hold, which is its name, too.
fn identify(draft: &mut Draft) {
    draft.coerce(policy_documents::object);
    let id =
        aws::identifier(&draft.kind).and_then(|property| match draft.body.member(property).map(|node| &node.value) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        });
    if let Some(id) = &id {
        draft.name = id.to_string().into();
    }
    if let Some(facts) = draft.aws.as_deref_mut() {
        facts.id = id;
    }
}

fn namespace_of(node: &Node) -> Option<Box<str>> {
    match node.at_path(&["metadata", "namespace"]).map(|node| &node.value) {
        Some(Value::Text(namespace)) if !namespace.is_empty() => Some(namespace.to_string().into()),
        _ => None,
    }
}

fn name_of(node: &Node) -> String {
    let field = |name: &str| match node.at_path(&["metadata", name]).map(|name| &name.value) {
        Some(Value::Text(text)) => Some(text.to_string()),
        Some(Value::Number(_) | Value::Flag(_)) => {
            node.at_path(&["metadata", name]).map(|name| name.to_json().to_string())
        }
        _ => None,
    };
    field("name").or_else(|| field("generateName")).unwrap_or_else(|| "(no name)".to_owned())
}
