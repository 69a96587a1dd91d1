//! What templates that the AWS CDK writes make in the cluster: `Cluster.addHelmChart` and `Cluster.addManifest` become resources of its
//! own, which a function of the stack carries out.

use crate::inventory::{Node, SourceKind, Text, Value};
use crate::sources::helm::values::{from_text, object};
use crate::sources::reader::{Content, Release};

const HELM_CHART: &str = "Custom::AWSCDK-EKS-HelmChart";
const MANIFEST: &str = "Custom::AWSCDK-EKS-KubernetesResource";

/// Is it such a resource?
pub(super) fn is_read(kind: &str) -> bool {
    [HELM_CHART, MANIFEST].contains(&kind)
}

/// What it makes.
pub(super) fn documents(kind: &str, properties: &Node) -> Vec<Content<'static>> {
    if kind == HELM_CHART {
        return release(properties).into_iter().collect();
    }
    let Some(manifest) = properties.member("Manifest").and_then(from_text) else { return vec![] };
    let objects = match &manifest.value {
        Value::List(list) => list.items.clone(),
        _ => vec![manifest],
    };
    objects.into_iter().map(|node| Content::Node { node, placeholders: false }).collect()
}

fn release(properties: &Node) -> Option<Content<'static>> {
    let written = |name: &str| match properties.member(name).map(|node| &node.value) {
        Some(Value::Text(text)) if !text.is_empty() => Some(Text::to_string(text)),
        _ => None,
    };
    let values = match properties.member("Values") {
        Some(values) => from_text(values)?,
        None => object([], properties.at),
    };
    Some(Content::Release(Box::new(Release {
        name: written("Release").unwrap_or_else(|| "karpenter".to_owned()).into(),
        namespace: written("Namespace").map(Into::into),
        chart: written("Chart").unwrap_or_default(),
        repository: written("Repository").unwrap_or_default(),
        version: properties.member("Version").cloned(),
        chart_ref: None,
        files: vec![],
        values,
        source: SourceKind::Template,
    })))
}
