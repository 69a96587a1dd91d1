//! Objects that install Karpenter's chart: Argo CD's Application and ApplicationSet, Flux's HelmRelease.

use std::path::Path;

use crate::inventory::problem::KubernetesProblem;
use crate::inventory::reason::Objects;
use crate::inventory::{Builder, Cause, Draft, Map, Node, Problem, Reason, Text, UnitPart, Value};
use crate::karpenter::controller::CHART;
use crate::sources::helm::is_chart;
use crate::sources::helm::values::{from_text, over, set_path};
use crate::sources::kubernetes::generators;
use crate::sources::placeholders;
use crate::sources::reader::{Content, Release, ValuesFile};

/// What an Application installs, or the Applications that an ApplicationSet makes, each with the cluster that it is for.
pub(super) fn argo(builder: &mut Builder, draft: &Draft, folder: &Path) -> Vec<(Option<UnitPart>, Content<'static>)> {
    let specs = applications(builder, &draft.body, folder);
    let mut found = vec![];
    for spec in &specs {
        let to = destination(spec);
        found.extend(of_application(builder, draft, spec).into_iter().map(|content| (to.clone(), content)));
    }
    found
}

/// The specs of an Application, or of those that an ApplicationSet makes, of which there is one template.
pub(super) fn applications(builder: &mut Builder, object: &Node, folder: &Path) -> Vec<Node> {
    if object.str_at(&["kind"]) != Some("ApplicationSet") {
        return object.member("spec").cloned().into_iter().collect();
    }
    let Some(template) = object.at_path(&["spec", "template", "spec"]) else { return vec![] };
    let elements = generators::elements(builder, object, folder);
    if elements.is_empty() {
        return vec![template.clone()];
    }
    let of_element = |element: &Node| {
        let mut spec = template.clone();
        let value = |written: &str| generators::value(element, &placeholders::named(written)?).cloned();
        placeholders::fill(&mut spec, &value);
        spec
    };
    elements.iter().map(of_element).collect()
}

/// The cluster that an Application is for, where that is another one than Argo CD's own.
pub(super) fn destination(spec: &Node) -> Option<UnitPart> {
    let named = |name: &str| spec.str_at(&["destination", name]).filter(|text| !text.is_empty());
    let name = named("name").filter(|name| *name != "in-cluster");
    let server = || named("server").filter(|server| !server.contains("kubernetes.default.svc"));
    name.or_else(server).map(|text| UnitPart::Destination(text.into()))
}

/// The sources of an Application.
pub(super) fn sources(spec: &Node) -> impl Iterator<Item = &Node> {
    spec.member("source").into_iter().chain(spec.member("sources").map(Node::elements).unwrap_or_default())
}

fn of_application(builder: &mut Builder, draft: &Draft, spec: &Node) -> Vec<Content<'static>> {
    let destination = text(spec.at_path(&["destination", "namespace"]));
    let mut found = vec![];
    let sources_by_ref: Vec<&str> = sources(spec).filter_map(|source| source.str_at(&["ref"])).collect();
    for one in sources(spec) {
        let named = one.member("chart").is_some();
        let chart = written(one.member("chart")).or_else(|| written(one.member("path"))).unwrap_or_default();
        let repository = written(one.member("repoURL")).unwrap_or_default();
        if !named && one.member("helm").is_none() {
            // A folder of manifests.
            continue;
        }
        let values = match argo_values(one) {
            Ok(values) => values,
            Err(values) => {
                if is_chart(&chart, &repository) {
                    builder.problem(Problem::new(KubernetesProblem::Values, Some(values.at)));
                }
                values
            }
        };
        // A branch or tag of a repository is no version of a chart.
        let version = one.member("targetRevision").filter(|_| named || repository.starts_with("oci://")).cloned();
        let name = written(one.at_path(&["helm", "releaseName"]));
        found.push(Content::Release(Box::new(Release {
            name: name.map_or_else(|| draft.name.clone(), Into::into),
            namespace: destination.clone(),
            chart,
            repository,
            version,
            chart_ref: None,
            files: argo_files(one, &sources_by_ref),
            values,
            source: draft.source,
        })));
    }
    found
}

/// The files of values of one source: those of its own chart, and those of the repository that `$REF` stands for.
fn argo_files(source: &Node, refs: &[&str]) -> Vec<ValuesFile> {
    let folder = written(source.member("path")).filter(|_| source.member("chart").is_none());
    let mut files = vec![];
    if let Some(folder) = &folder {
        let path = format!("{folder}/values.yaml");
        files.push(ValuesFile::InRepository { path, optional: true });
    }
    let ignored = source.at_path(&["helm", "ignoreMissingValueFiles"]);
    let optional = ignored.is_some_and(|flag| matches!(flag.value, Value::Flag(true)));
    for file in source.at_path(&["helm", "valueFiles"]).map(Node::elements).unwrap_or_default() {
        let Some(file) = written(Some(file)) else { continue };
        let referred = file.strip_prefix('$').and_then(|rest| rest.split_once('/'));
        let path = match (referred, &folder) {
            (Some((name, path)), _) if refs.contains(&name) => path.to_owned(),
            (_, Some(folder)) if !file.starts_with('/') => format!("{folder}/{file}"),
            (_, Some(_)) => file.trim_start_matches('/').to_owned(),
            (_, None) => {
                files.push(ValuesFile::InChart(file));
                continue;
            }
        };
        files.push(ValuesFile::InRepository { path, optional });
    }
    files
}

/// The values of one source: parameters over `valuesObject` or `values`. What files or a plugin bring is not known. Where the
/// `values` are no YAML, the rest of them.
fn argo_values(source: &Node) -> Result<Node, Node> {
    let empty = || Node::new(Value::Map(Map::default()), source.at);
    let Some(settings) = source.member("helm") else { return Ok(empty()) };
    let given = |name: &str| settings.member(name).filter(|node| !node.is_null());
    let mut sound = true;
    let mut values = match (given("valuesObject"), given("values")) {
        (Some(object), _) => object.clone(),
        (None, Some(written)) => from_text(written).unwrap_or_else(|| {
            sound = false;
            empty()
        }),
        (None, None) => empty(),
    };
    for parameter in settings.member("parameters").map(Node::elements).unwrap_or_default() {
        if let (Some(name), Some(value)) = (parameter.str_at(&["name"]), parameter.member("value")) {
            set_path(&mut values, name, value.clone());
        }
    }
    for parameter in settings.member("fileParameters").map(Node::elements).unwrap_or_default() {
        if let Some(name) = parameter.str_at(&["name"]) {
            let gap = Objects::FromFile { name: name.into() };
            set_path(&mut values, name, Node::unknown(Cause::NotProvided, gap, parameter.at));
        }
    }
    if sound { Ok(values) } else { Err(values) }
}

/// What a HelmRelease installs.
pub(super) fn flux<'c>(draft: &Draft, config: &dyn Fn(&str) -> Option<&'c Node>) -> Vec<Content<'static>> {
    let Some(spec) = draft.body.member("spec") else { return vec![] };
    let chart = spec.at_path(&["chart", "spec"]);
    let reference = spec.member("chartRef");
    let named = written(chart.and_then(|chart| chart.member("chart")))
        .or_else(|| written(reference.and_then(|reference| reference.member("name"))))
        .unwrap_or_default();
    let repository = written(chart.and_then(|chart| chart.at_path(&["sourceRef", "name"]))).unwrap_or_default();
    let namespace = |node: &Node| {
        written(node.member("namespace")).or_else(|| draft.namespace.as_deref().map(str::to_owned)).unwrap_or_default()
    };
    let chart_ref = reference.and_then(|reference| {
        let name = written(reference.member("name"))?;
        Some(Node::text(format!("{}/{name}", namespace(reference)), reference.at))
    });
    let mut values = Node::new(Value::Map(Map::default()), spec.at);
    // What comes from elsewhere counts less than what stands here.
    for from in spec.member("valuesFrom").map(Node::elements).unwrap_or_default() {
        let kind = from.str_at(&["kind"]).unwrap_or("object");
        let name = from.str_at(&["name"]).unwrap_or("without a name");
        let key = from.str_at(&["valuesKey"]).unwrap_or("values.yaml");
        // Secrets are not looked into.
        let given = config(name).filter(|_| kind == "ConfigMap").and_then(|data| data.member(key));
        match (from.str_at(&["targetPath"]), given) {
            (Some(path), Some(value)) => set_path(&mut values, path, value.clone()),
            (Some(path), None) => {
                let gap = Objects::FromObject { path: path.into(), kind: kind.into(), name: name.into() };
                set_path(&mut values, path, Node::unknown(Cause::NotProvided, gap, from.at));
            }
            (None, given) => match given.and_then(from_text) {
                Some(given) => values = over(given, values),
                None => {
                    let gap = Objects::ValuesOf { kind: kind.into(), name: name.into() };
                    if let Value::Map(map) = &mut values.value {
                        map.more.get_or_insert_with(|| Box::new(Reason::new(Cause::NotProvided, gap)));
                    }
                }
            },
        }
    }
    if let Some(own) = spec.member("values") {
        values = over(own.clone(), values);
    }
    vec![Content::Release(Box::new(Release {
        name: written(spec.member("releaseName")).map_or_else(|| draft.name.clone(), Into::into),
        namespace: text(spec.member("targetNamespace")).or_else(|| draft.namespace.clone()),
        chart: named,
        repository,
        version: chart.and_then(|chart| chart.member("version")).cloned(),
        chart_ref,
        files: vec![],
        values,
        source: draft.source,
    }))]
}

/// Adds the chart that Flux's OCIRepository keeps: its version, by tag.
pub(super) fn flux_chart(builder: &mut Builder, draft: &Draft) {
    let reference = |name: &str| draft.body.at_path(&["spec", "ref", name]).cloned();
    let version = reference("tag").or_else(|| reference("semver"));
    let Some(version) = version else { return };
    let mut body = Map::default();
    body.set("Version", version);
    let mut chart = Draft::new(CHART, draft.name.clone(), Node::new(Value::Map(body), draft.body.at), draft.source);
    chart.namespace.clone_from(&draft.namespace);
    builder.add(chart);
}

fn text(node: Option<&Node>) -> Option<Box<str>> {
    node.and_then(Node::as_str).filter(|text| !text.is_empty()).map(Into::into)
}

/// A text as it is written, placeholders included.
fn written(node: Option<&Node>) -> Option<String> {
    match node.map(|node| &node.value) {
        Some(Value::Text(text)) if !text.is_empty() => Some(Text::to_string(text)),
        _ => None,
    }
}
