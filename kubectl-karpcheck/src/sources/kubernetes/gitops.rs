//! Objects that install Karpenter's chart: Argo CD's Application and ApplicationSet, Flux's HelmRelease.

use crate::inventory::{Builder, Cause, Draft, Map, Node, SourceKind, Text, Value};
use crate::karpenter::controller::CHART;
use crate::sources::helm;
use crate::sources::helm::Release;

/// Adds what an Application installs, or the Applications that an ApplicationSet makes, of which there is one template.
pub(super) fn argo(builder: &mut Builder, draft: &Draft, source: SourceKind) {
    let spec = if draft.kind.ends_with("/ApplicationSet") {
        draft.body.at_path(&["spec", "template", "spec"])
    } else {
        draft.body.member("spec")
    };
    let Some(spec) = spec else { return };
    let destination = text(spec.at_path(&["destination", "namespace"]));
    let sources = spec.member("sources").map(Node::elements).unwrap_or_default();
    for one in spec.member("source").into_iter().chain(sources) {
        let (values, open) = argo_values(one);
        let chart = written(one.member("chart")).or_else(|| written(one.member("path"))).unwrap_or_default();
        let repository = written(one.member("repoURL")).unwrap_or_default();
        let version = one.member("targetRevision").cloned();
        let name = written(one.at_path(&["helm", "releaseName"]));
        install(
            builder,
            draft,
            Install {
                is_chart: one.member("helm").or_else(|| one.member("chart")).is_some()
                    && helm::is_chart(&chart, &repository),
                // A branch or tag of a repository is no version of a chart.
                version: version.filter(|_| one.member("chart").is_some() || repository.starts_with("oci://")),
                chart: None,
                name,
                namespace: destination.clone(),
                values,
                open,
            },
            source,
        );
    }
}

/// The values of one source: parameters over `valuesObject` or `values`. What files or a plugin bring is not known.
fn argo_values(source: &Node) -> (Node, bool) {
    let at = source.at;
    let empty = || Node::new(Value::Map(Map::default()), at);
    let Some(settings) = source.member("helm") else { return (empty(), false) };
    let given = |name: &str| settings.member(name).filter(|node| !node.is_null());
    let mut open = false;
    let mut values = match (given("valuesObject"), given("values")) {
        (Some(object), _) => object.clone(),
        (None, Some(written)) => helm::from_text(written).unwrap_or_else(|| {
            open = true;
            empty()
        }),
        (None, None) => empty(),
    };
    for parameter in settings.member("parameters").map(Node::elements).unwrap_or_default() {
        if let (Some(name), Some(value)) = (parameter.str_at(&["name"]), parameter.member("value")) {
            helm::set_path(&mut values, name, value.clone());
        }
    }
    for parameter in settings.member("fileParameters").map(Node::elements).unwrap_or_default() {
        if let Some(name) = parameter.str_at(&["name"]) {
            let why = format!("{name} comes from a file of the repository");
            helm::set_path(&mut values, name, Node::unknown(Cause::NotProvided, why, parameter.at));
        }
    }
    (values, open)
}

/// Adds what a HelmRelease installs.
pub(super) fn flux(builder: &mut Builder, draft: &Draft, source: SourceKind) {
    let Some(spec) = draft.body.member("spec") else { return };
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
    let at = spec.at;
    let mut values = Node::new(Value::Map(Map::default()), at);
    // What comes from elsewhere counts less than what stands here.
    for from in spec.member("valuesFrom").map(Node::elements).unwrap_or_default() {
        if let Some(path) = from.str_at(&["targetPath"]) {
            let kind = from.str_at(&["kind"]).unwrap_or("object");
            let name = from.str_at(&["name"]).unwrap_or("without a name");
            let why = format!("{path} comes from the {kind} {name}");
            helm::set_path(&mut values, path, Node::unknown(Cause::NotProvided, why, from.at));
        }
    }
    if let Some(own) = spec.member("values") {
        values = helm::over(own.clone(), values);
    }
    let target = text(spec.member("targetNamespace")).or_else(|| draft.namespace.clone());
    install(
        builder,
        draft,
        Install {
            is_chart: helm::is_chart(&named, &repository),
            version: chart.and_then(|chart| chart.member("version")).cloned(),
            chart: chart_ref,
            name: written(spec.member("releaseName")),
            namespace: target,
            values,
            open: false,
        },
        source,
    );
}

/// Adds the chart that Flux's OCIRepository keeps: its version, by tag.
pub(super) fn flux_chart(builder: &mut Builder, draft: &Draft, source: SourceKind) {
    let reference = |name: &str| draft.body.at_path(&["spec", "ref", name]).cloned();
    let version = reference("tag").or_else(|| reference("semver"));
    let Some(version) = version else { return };
    let mut body = Map::default();
    body.set("Version", version);
    let mut chart = Draft::new(CHART, draft.name.clone(), Node::new(Value::Map(body), draft.body.at), source);
    chart.namespace.clone_from(&draft.namespace);
    builder.add(chart);
}

struct Install {
    is_chart: bool,
    version: Option<Node>,
    chart: Option<Node>,
    name: Option<String>,
    namespace: Option<Box<str>>,
    values: Node,
    /// Are there values that could not be read?
    open: bool,
}

fn install(builder: &mut Builder, draft: &Draft, install: Install, source: SourceKind) {
    let Install { is_chart, version, chart, name, namespace, values, open } = install;
    let name: Box<str> = name.map_or_else(|| draft.name.clone(), Into::into);
    if is_chart {
        if open {
            let what = "its `values` are no YAML: what they set is not known";
            builder.problem(crate::inventory::Problem::new(what, Some(values.at)));
        }
        let release = Release { name, namespace, version, chart, values };
        return helm::add_release(builder, release, source);
    }
    // A chart of one's own that has Karpenter's as a dependency, or a copy of it by another name.
    let found: Vec<Node> = helm::values_in(&values).into_iter().cloned().collect();
    for values in found {
        let (name, namespace) = (name.clone(), namespace.clone());
        helm::add_release(builder, Release { name, namespace, version: None, chart: None, values }, source);
    }
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
