//! Kubernetes objects, from files and clusters alike: recognised, selected by the gather scope, and, where they are ACK's or
//! Crossplane's, joined with the AWS resource that they describe.

mod ack;
mod charts;
mod compositions;
mod configs;
mod crossplane;
mod eksctl;
mod generators;
mod gitops;
mod held;
mod kro;
mod kustomizations;
mod naming;
mod overlays;
mod patches;
mod replacements;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::inventory::problem::KubernetesProblem;
use crate::inventory::{Builder, Draft, Node, Problem, SourceKind, SymbolScope, UnitPart, Value};
use crate::schema::kinds::GatherScope;
use crate::schema::{aws, kinds};
use crate::sources::objects;
use crate::sources::objects::{Carried, kind_of};
use crate::sources::reader::{Content, Context, Document, Reader};
use crate::sources::{placeholders, policy_documents};
use configs::Configs;
use held::Held;

/// The fields of an object of ACK's or Crossplane's that say what it describes, as pointers: `*` stands for the place in a list, and what a
/// value holds is a part of it. None where it is no such object.
pub(super) fn described_in(kind: &str) -> Option<Vec<String>> {
    let (group, _) = kind.split_once('/')?;
    match () {
        () if is_group_of_crossplane(group) => Some(crossplane::described_in(kind)),
        () if group.ends_with(".services.k8s.aws") => Some(ack::described_in(kind)),
        () => None,
    }
}

/// The way to the field of an object that a property of what it describes is written in.
pub(super) fn written(kind: &str, path: &[String]) -> Option<Vec<String>> {
    ack::written(kind, path).or_else(|| crossplane::written(kind, path))
}

/// Kubernetes objects in files, one by one or as a list. Those of a repository wait until all are there: a kustomization may
/// change them, or a ConfigMap hold the values of a release.
#[derive(Default)]
pub(super) struct Kubernetes {
    held: Vec<Held>,
    configs: Configs,
    /// How many answers of API servers were read.
    answers: u32,
    /// Are all there?
    finished: bool,
}

impl Reader for Kubernetes {
    fn detects(&self, document: &Document<'_>) -> bool {
        // A kustomization that installs charts is no object of a cluster.
        document.node().is_some_and(|node| {
            let kustomization = || node.as_map().is_some() && kustomizations::is_file_of_one(&document.path);
            (objects::is_object(node) || kustomization()) && node.member("helmCharts").is_none()
        })
    }

    fn read(&mut self, mut document: Document<'_>, context: &mut Context<'_>) -> u64 {
        let (path, doc, named, root) = (Arc::clone(&document.path), document.doc, document.named, document.root);
        let Content::Node { node, placeholders } = &mut document.content else { return 0 };
        kustomizations::with_kind(node, &path);
        let Some((kind, _)) = kind_of(node) else { return 0 };
        let is_list =
            kind.ends_with("List") && node.member("items").is_some_and(|items| matches!(items.value, Value::List(_)));
        if is_list {
            let (items, placeholders) = (items_of(node, &kind), *placeholders);
            // A list without objects of a cluster, and one of lists, is nobody's answer.
            let answered = items.iter().any(is_live);
            let part = if answered { Some(self.answer()) } else { document.part.clone() };
            let items = items
                .into_iter()
                .map(|node| Document { part: part.clone(), ..document.inner(Content::Node { node, placeholders }) });
            context.nested.extend(items);
            return 0;
        }
        // A dump of a cluster says what is there, dollars included.
        let live = is_live(node);
        if !live {
            if *placeholders {
                placeholders::mark(node);
            }
            placeholders::mark_form(node);
        }
        let body = std::mem::replace(node, Node::new(Value::Null, node.at));
        if live && document.part.is_none() {
            document.part = Some(self.answer());
            context.builder.enter_part(document.part.clone());
        }
        if !live && root.is_none() && !self.finished {
            context.followed.extend(kustomizations::taken(&body, &path));
            self.held.push(Held { path, doc, named, node: body });
            return 1;
        }
        self.take(&document, None, kind, body, context);
        1
    }

    fn finish(&mut self, context: &mut Context<'_>) -> u64 {
        self.finished = true;
        let mut held = std::mem::take(&mut self.held);
        held.extend(configs::generated(context, &held));
        self.configs = configs::of(&held);
        let overlaid = kustomizations::overlaid(context.builder, &held, &self.configs);
        let mut units: BTreeMap<Arc<Path>, SymbolScope> = BTreeMap::new();
        let mut copies = vec![];
        for (file, number, node) in overlaid.copies {
            let unit = *units.entry(Arc::clone(&file)).or_insert_with(|| context.builder.overlay(&file));
            let Held { path, doc, named, .. } = &held[number];
            copies.push((Some((unit, file)), Held { path: Arc::clone(path), doc: *doc, named: *named, node }));
        }
        for part in overlaid.parts.iter().map(|number| &held[*number].node) {
            if kind_of(part).is_some_and(|(kind, _)| context.gather_scope.wants(&kind)) {
                context.builder.problem(Problem::new(KubernetesProblem::Part, Some(part.at)));
            }
        }
        let left_out = |number: &usize| overlaid.gone.contains(number) || overlaid.parts.contains(number);
        let own = held.into_iter().enumerate().filter(|(number, _)| !left_out(number));
        let own = own.map(|(_, held)| (None, held));
        for (overlay, held) in own.chain(copies) {
            let Some((kind, _)) = kind_of(&held.node) else { continue };
            let Held { path, doc, named, node } = held;
            let content = Content::Node { node: Node::new(Value::Null, node.at), placeholders: false };
            let (unit, file) = overlay.unzip();
            let document = Document { path, doc, named, root: unit, part: None, content };
            if let Some(unit) = unit {
                context.builder.enter(unit);
            }
            self.take(&document, file.as_deref(), kind, node, context);
            context.builder.leave();
        }
        0
    }
}

impl Kubernetes {
    /// The next answer of an API server.
    const fn answer(&mut self) -> UnitPart {
        self.answers += 1;
        UnitPart::Answer(self.answers)
    }

    /// Adds an object as it is installed, by the overlay of a file if it is.
    fn take(
        &self,
        document: &Document<'_>,
        overlay: Option<&Path>,
        kind: String,
        body: Node,
        context: &mut Context<'_>,
    ) {
        overlays::add(context.builder, &kind, &body, &document.path);
        let source = if is_live(&body) { SourceKind::Live } else { SourceKind::Manifest };
        let mut draft = Draft::new(kind, name_of(&body), body, source);
        draft.namespace = namespace_of(&draft.kind, &draft.body);
        let folder = overlay.unwrap_or(&document.path).parent().unwrap_or(Path::new(""));
        let found: Vec<Content<'static>> = match &*draft.kind {
            // The definition itself is nothing that a rule asks for.
            "kro.run/ResourceGraphDefinition" | "kro.run/ResourceGroup" => {
                let templates = kro::templates(context.builder, &draft.body);
                let inner = templates.into_iter().map(|node| Content::Node { node, placeholders: false });
                context.nested.extend(inner.map(|content| document.inner(content)));
                return;
            }
            "argoproj.io/Application" | "argoproj.io/ApplicationSet" => {
                let installed = gitops::argo(context.builder, &draft, folder);
                let parts = installed.into_iter().map(|(part, content)| {
                    let inner = document.inner(content);
                    Document { part: part.or_else(|| inner.part.clone()), ..inner }
                });
                context.nested.extend(parts);
                vec![]
            }
            "helm.toolkit.fluxcd.io/HelmRelease" => {
                gitops::flux(&draft, &|name| configs::nearest(&self.configs, name, folder))
            }
            "source.toolkit.fluxcd.io/OCIRepository" => {
                gitops::flux_chart(context.builder, &draft);
                vec![]
            }
            "eksctl.io/ClusterConfig" => eksctl::add(context.builder, &draft),
            "apiextensions.crossplane.io/Composition" => {
                let composed = compositions::objects(context.builder, &draft.body, context.gather_scope);
                unload(context, document, composed);
                vec![]
            }
            _ => charts::releases(context.builder, &draft),
        };
        if found.is_empty() && source != SourceKind::Live && may_carry(&draft, context.gather_scope) {
            let carried = objects::carried(&draft.body, context.gather_scope);
            if draft.kind.starts_with("policy.open-cluster-management.io/") {
                // What a policy demands of an object is a part of it.
                for part in &carried.objects {
                    context.builder.problem(Problem::new(KubernetesProblem::Part, Some(part.at)));
                }
            } else {
                unload(context, document, carried);
            }
        }
        context.nested.extend(found.into_iter().map(|content| document.inner(content)));
        add(context.builder, context.gather_scope, draft);
    }
}

/// Hands on the objects that another one carries.
fn unload(context: &mut Context<'_>, document: &Document<'_>, carried: Carried) {
    let inner = carried.objects.into_iter().map(|node| document.inner(Content::Node { node, placeholders: false }));
    context.nested.extend(inner);
    for at in carried.broken {
        context.builder.problem(Problem::new(KubernetesProblem::CarriedText, Some(at)));
    }
}

/// May an object carry others that it has installed? What tests compare with, what changes others and what is only observed
/// does not.
fn may_carry(object: &Draft, gather_scope: &GatherScope) -> bool {
    const NOT: &[&str] = &["kustomize.", "argoproj.io/", "apiextensions.crossplane.io/Composition", "core/Secret"];
    let kind = &*object.kind;
    kind == "core/ConfigMap"
        || (!gather_scope.wants(kind)
            && !NOT.iter().any(|start| kind.starts_with(start))
            && !["Test", "TestAssert", "TestStep"].iter().any(|end| kind.ends_with(end))
            && !crossplane::observes(&object.body))
}

/// Is it an object of a cluster?
fn is_live(node: &Node) -> bool {
    node.at_path(&["metadata", "uid"]).is_some()
}

/// The kinds of Crossplane's that describe what rules look at.
pub(super) fn kinds_of_crossplane(gather_scope: &GatherScope) -> impl Iterator<Item = String> {
    crossplane::kinds().filter(|kind| is_of_crossplane(kind, gather_scope))
}

/// The AWS resource kind that an object of Crossplane's describes.
pub(super) fn described_by_crossplane(kind: &str) -> Option<&'static str> {
    crossplane::described_by(kind)
}

/// Is it a kind of Crossplane's that describes what a rule looks at?
pub(super) fn is_of_crossplane(kind: &str, gather_scope: &GatherScope) -> bool {
    crossplane::described_by(kind).is_some_and(|own| gather_scope.declares(own) || aws::always(own))
}

/// The groups of Crossplane's that describe what rules look at, of a service or of all.
pub(super) fn is_group_of_crossplane(group: &str) -> bool {
    [".aws.upbound.io", ".aws.m.upbound.io", ".aws.crossplane.io"].iter().any(|suffix| group.ends_with(suffix))
}

/// The objects of a list. Those of a typed one (`TableList`) need not name their kind.
fn items_of(list: &mut Node, kind: &str) -> Vec<Node> {
    let group = list.member("apiVersion").cloned();
    let kind = kind.strip_suffix("List").and_then(|kind| kind.split_once('/')).map_or("", |(_, kind)| kind);
    let Value::Map(map) = &mut list.value else { return vec![] };
    let Some(Value::List(list)) = map.remove("items").map(|items| items.value) else { return vec![] };
    let mut items = list.items;
    if let (Some(group), false) = (group, kind.is_empty()) {
        for item in &mut items {
            let Value::Map(object) = &mut item.value else { continue };
            if object.get("kind").is_none() {
                object.entries.insert(0, ("kind".into(), Node::text(kind, group.at)));
            }
            if object.get("apiVersion").is_none() {
                object.entries.insert(0, ("apiVersion".into(), group.clone()));
            }
        }
    }
    items
}

/// Adds an object, if a rule, or what a rule wants, is made from its kind.
pub(super) fn add(builder: &mut Builder, gather_scope: &GatherScope, mut draft: Draft) {
    // Secrets are never kept, whatever a rule declares.
    let crossplane = crossplane::described_by(&draft.kind);
    let wanted = gather_scope.wants(&draft.kind) || is_of_crossplane(&draft.kind, gather_scope);
    let foreign = &*draft.kind == kinds::DEFINITION
        && draft.body.str_at(&["spec", "group"]).is_some_and(|group| !gather_scope.wants_group(group));
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
        .filter(|kind| *kind != kinds::TABLE || gather_scope.declares(kind))
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

/// The namespace of an object, if objects of its kind are in one.
fn namespace_of(kind: &str, node: &Node) -> Option<Box<str>> {
    if kinds::is_cluster_scoped(kind) || crossplane::is_cluster_scoped(kind) {
        return None;
    }
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
