//! Objects of other tools that install charts: Crossplane's Release, the HelmChartProxy of Cluster API, the HelmChart of k3s and
//! RKE2, Sveltos's profiles.

use crate::inventory::problem::KubernetesProblem;
use crate::inventory::reason::Objects;
use crate::inventory::{Builder, Cause, Draft, Map, Node, Problem, Reason, Text, Value};
use crate::sources::helm::is_chart;
use crate::sources::helm::values::{from_text, set_path};
use crate::sources::reader::{Content, Release};

/// What an object of such a tool installs.
pub(super) fn releases(builder: &mut Builder, object: &Draft) -> Vec<Content<'static>> {
    let Some(spec) = object.body.member("spec") else { return vec![] };
    let found = match &*object.kind {
        "helm.crossplane.io/Release" | "helm.m.crossplane.io/Release" => of_crossplane(spec).into_iter().collect(),
        "addons.cluster.x-k8s.io/HelmChartProxy" => of_cluster_api(spec).into_iter().collect(),
        "helm.cattle.io/HelmChart" => of_k3s(spec).into_iter().collect(),
        "config.projectsveltos.io/ClusterProfile" | "config.projectsveltos.io/Profile" => {
            spec.member("helmCharts").map(Node::elements).unwrap_or_default().iter().filter_map(of_sveltos).collect()
        }
        _ => vec![],
    };
    let content = |mut chart: Chart| {
        let repository = chart.repository.unwrap_or_default();
        // What the text of its values makes for each cluster, if it is no YAML by itself, is not known.
        if let Some(text) = chart.broken.take().filter(|_| is_chart(&chart.chart, &repository)) {
            builder.problem(Problem::new(KubernetesProblem::Values, Some(text.at)));
        }
        Content::Release(Box::new(Release {
            name: chart.name.map_or_else(|| object.name.clone(), Into::into),
            namespace: chart.namespace.map(Into::into),
            chart: chart.chart,
            repository,
            version: chart.version,
            chart_ref: None,
            files: vec![],
            values: chart.values,
            source: object.source,
        }))
    };
    found.into_iter().map(content).collect()
}

/// What the tools say alike.
struct Chart {
    name: Option<String>,
    namespace: Option<String>,
    chart: String,
    repository: Option<String>,
    version: Option<Node>,
    values: Node,
    /// The text of the values, if it is no YAML.
    broken: Option<Node>,
}

impl Chart {
    fn new(chart: String, values: Node) -> Self {
        Self { name: None, namespace: None, chart, repository: None, version: None, values, broken: None }
    }

    /// With the values that stand in a text.
    fn of_text(chart: String, text: Option<&Node>, around: &Node) -> Self {
        let Some(text) = text.filter(|text| !text.is_null()) else { return Self::new(chart, empty(around)) };
        match from_text(text).filter(|values| values.as_map().is_some()) {
            Some(values) => Self::new(chart, values),
            None => {
                let mut values = empty(around);
                leave_open(&mut values, Objects::ValuesTemplate);
                Self { broken: Some(text.clone()), ..Self::new(chart, values) }
            }
        }
    }
}

fn of_crossplane(spec: &Node) -> Option<Chart> {
    let asked = spec.member("forProvider")?;
    let chart = asked.member("chart")?;
    let mut values = asked.member("values").cloned().unwrap_or_else(|| empty(asked));
    for from in asked.member("valuesFrom").map(Node::elements).unwrap_or_default() {
        leave_open(&mut values, from_elsewhere(from));
    }
    for one in asked.member("set").map(Node::elements).unwrap_or_default() {
        let Some(name) = one.str_at(&["name"]) else { continue };
        let value = one.member("value").cloned();
        let value =
            value.unwrap_or_else(|| Node::unknown(Cause::NotProvided, Objects::FromFile { name: name.into() }, one.at));
        set_path(&mut values, name, value);
    }
    let named = written(chart.member("name")).or_else(|| written(chart.member("url")))?;
    Some(Chart {
        namespace: written(asked.member("namespace")),
        repository: written(chart.member("repository")),
        version: chart.member("version").cloned(),
        ..Chart::new(named, values)
    })
}

fn of_cluster_api(spec: &Node) -> Option<Chart> {
    Some(Chart {
        name: written(spec.member("releaseName")),
        namespace: written(spec.member("namespace")),
        repository: written(spec.member("repoURL")),
        version: spec.member("version").cloned(),
        ..Chart::of_text(written(spec.member("chartName"))?, spec.member("valuesTemplate"), spec)
    })
}

fn of_k3s(spec: &Node) -> Option<Chart> {
    let mut chart = Chart::of_text(written(spec.member("chart"))?, spec.member("valuesContent"), spec);
    for (path, value) in spec.member("set").and_then(Node::as_map).map(|set| &*set.entries).unwrap_or_default() {
        set_path(&mut chart.values, &path.to_string(), value.clone());
    }
    Some(Chart {
        namespace: written(spec.member("targetNamespace")),
        repository: written(spec.member("repo")),
        version: spec.member("version").cloned(),
        ..chart
    })
}

fn of_sveltos(installed: &Node) -> Option<Chart> {
    let mut chart = Chart::of_text(written(installed.member("chartName"))?, installed.member("values"), installed);
    for from in installed.member("valuesFrom").map(Node::elements).unwrap_or_default() {
        leave_open(&mut chart.values, from_elsewhere(from));
    }
    Some(Chart {
        name: written(installed.member("releaseName")),
        namespace: written(installed.member("releaseNamespace")),
        repository: written(installed.member("repositoryURL")),
        version: installed.member("chartVersion").cloned(),
        ..chart
    })
}

/// The object that values come from, which is not looked for.
fn from_elsewhere(from: &Node) -> Objects {
    let named = ["configMapKeyRef", "secretKeyRef"].iter().find_map(|kind| from.member(kind)).unwrap_or(from);
    let kind = from.str_at(&["kind"]).unwrap_or("object");
    Objects::ValuesOf { kind: kind.into(), name: named.str_at(&["name"]).unwrap_or("without a name").into() }
}

fn leave_open(values: &mut Node, gap: Objects) {
    if let Value::Map(map) = &mut values.value {
        map.more.get_or_insert_with(|| Box::new(Reason::new(Cause::NotProvided, gap)));
    }
}

fn empty(around: &Node) -> Node {
    Node::new(Value::Map(Map::default()), around.at)
}

/// A text as it is written, placeholders included.
fn written(node: Option<&Node>) -> Option<String> {
    match node.map(|node| &node.value) {
        Some(Value::Text(text)) if !text.is_empty() => Some(Text::to_string(text)),
        _ => None,
    }
}
