//! Helm values of Karpenter's chart, recognised by what they hold: alone, below the key of a dependency, or in the object
//! that installs the chart.

pub(in crate::sources) mod values;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::inventory::{Builder, Draft, Map, Node, SourceKind, Value};
use crate::karpenter::controller::{CHART_REF, CHART_VERSION, VALUES};
use crate::sources::placeholders;
use crate::sources::reader::{Content, Context, Document, Reader, Release};
use values::object;

/// Settings that only Karpenter's chart has together.
const SETTINGS: &[&str] = &[
    "clusterName",
    "clusterEndpoint",
    "clusterCABundle",
    "interruptionQueue",
    "interruptionQueueName",
    "featureGates",
    "vmMemoryOverheadPercent",
    "reservedENIs",
    "isolatedVPC",
    "eksControlPlane",
    "batchMaxDuration",
    "batchIdleDuration",
    "enableZonalShift",
];

/// The controller's variables that are settings; what else its environment holds may be secret, and is not kept.
const VARIABLES: &[&str] = &[
    "CLUSTER_NAME",
    "CLUSTER_ENDPOINT",
    "INTERRUPTION_QUEUE",
    "ISOLATED_VPC",
    "EKS_CONTROL_PLANE",
    "ENABLE_ZONAL_SHIFT",
    "CLUSTER_CA_BUNDLE",
    "VM_MEMORY_OVERHEAD_PERCENT",
    "RESERVED_ENIS",
    "BATCH_MAX_DURATION",
    "BATCH_IDLE_DURATION",
    "FEATURE_GATES",
];

/// Values in files, and installations of charts.
pub(super) struct Helm;

impl Reader for Helm {
    fn detects(&self, document: &Document<'_>) -> bool {
        match &document.content {
            Content::Text(_) => false,
            Content::Node { node, .. } => !values_in(node).is_empty(),
            Content::Release(_) => true,
        }
    }

    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64 {
        match document.content {
            Content::Text(_) => 0,
            Content::Node { mut node, placeholders } => {
                if placeholders {
                    placeholders::mark(&mut node);
                }
                add_values(context.builder, &node, &document.path)
            }
            Content::Release(release) => {
                add_release(context.builder, *release);
                0
            }
        }
    }
}

/// Adds values that stand alone in a file, or below keys in one. Returns how many.
fn add_values(builder: &mut Builder, node: &Node, path: &Path) -> u64 {
    let found = values_in(node);
    let count = found.len() as u64;
    for values in found {
        let mut body = kept(values);
        if std::ptr::eq(values, node) && is_of_the_chart(path) {
            leave_to_the_installation(&mut body);
        }
        builder.add(Draft::new(VALUES, "karpenter", body, SourceKind::Source));
    }
    count
}

/// Adds an installation of Karpenter's chart, or those in the values of another one: a chart of one's own that has Karpenter's
/// as a dependency, or a copy of it by another name.
fn add_release(builder: &mut Builder, release: Release) {
    let Release { name, namespace, chart, repository, version, chart_ref, values, source } = release;
    let bodies = if is_chart(&chart, &repository) {
        let mut body = kept(&values);
        if let Value::Map(map) = &mut body.value {
            for (member, node) in [(CHART_VERSION, version), (CHART_REF, chart_ref)] {
                if let Some(node) = node {
                    map.set(member, node);
                }
            }
        }
        vec![body]
    } else {
        values_in(&values).into_iter().map(kept).collect()
    };
    for body in bodies {
        let mut draft = Draft::new(VALUES, name.clone(), body, source);
        draft.namespace.clone_from(&namespace);
        builder.add(draft);
    }
}

/// The values of Karpenter's chart in a document: the document itself, or what stands below the keys of dependencies.
fn values_in(node: &Node) -> Vec<&Node> {
    /// An umbrella of umbrellas is as deep as it gets.
    const MOST: usize = 3;
    fn below<'n>(node: &'n Node, depth: usize, found: &mut Vec<&'n Node>) {
        for (key, child) in node.as_map().map(|map| map.entries.as_slice()).unwrap_or_default() {
            let named = key.known().is_some_and(|key| key.to_ascii_lowercase().contains("karpenter"));
            if is_values(child) || (named && is_likely(child)) {
                found.push(child);
            } else if depth < MOST {
                below(child, depth + 1, found);
            }
        }
    }
    if node.member("apiVersion").is_some() || node.member("kind").is_some() {
        return vec![];
    }
    if is_values(node) {
        return vec![node];
    }
    let mut found = vec![];
    below(node, 1, &mut found);
    found
}

/// Are these values of Karpenter's chart? They name its image, or have a setting that only Karpenter's chart has.
fn is_values(node: &Node) -> bool {
    if node.member("apiVersion").is_some() || node.member("kind").is_some() {
        return false;
    }
    let image = node
        .str_at(&["controller", "image", "repository"])
        .is_some_and(|repository| repository.ends_with("karpenter/controller") && !repository.contains("/aks/"));
    let settings = node.member("settings").and_then(Node::as_map).is_some_and(|settings| {
        let has = |name: &&str| settings.get(name).is_some();
        let aws = settings.get("aws").and_then(Node::as_map).is_some_and(|aws| {
            ["clusterName", "interruptionQueueName", "clusterEndpoint", "defaultInstanceProfile"]
                .iter()
                .any(|name| aws.get(name).is_some())
        });
        // `clusterName` alone could be anybody's; beside a queue, or as old settings, it is Karpenter's.
        aws || SETTINGS.iter().filter(|name| has(name)).count() >= 2
            || ["interruptionQueue", "interruptionQueueName"].iter().any(has)
    });
    // Up to 0.18 the settings stood at the top.
    let oldest = node.at_path(&["aws", "defaultInstanceProfile"]).is_some()
        && ["clusterName", "clusterEndpoint"].iter().any(|name| node.member(name).is_some());
    image || settings || oldest
}

/// What stands below a key that is called after Karpenter needs fewer signs.
fn is_likely(node: &Node) -> bool {
    let setting = node
        .member("settings")
        .and_then(Node::as_map)
        .is_some_and(|settings| SETTINGS.iter().chain(&["aws"]).any(|name| settings.get(name).is_some()));
    setting || (node.member("clusterName").is_some() && node.member("clusterEndpoint").is_some())
}

/// Is this Karpenter's chart for AWS, by the chart's name and the place where it is kept?
pub(super) fn is_chart(chart: &str, repository: &str) -> bool {
    let repository = repository.trim_end_matches('/');
    let last = chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    // Other providers' charts have the same name: AKS's lies in `mcr.microsoft.com/aks/karpenter`.
    let others = ["/aks/", "azure", "gcp", "alibaba", "oracle"].iter().any(|word| repository.contains(word));
    !others
        && (last == "karpenter"
            || (chart.trim_matches(['.', '/']).is_empty() && repository.ends_with("/karpenter/karpenter")))
}

/// Is this the `values.yaml` in the folder of Karpenter's own chart?
fn is_of_the_chart(path: &Path) -> bool {
    let mut chart = String::new();
    path.file_name().is_some_and(|name| name == "values.yaml")
        && File::open(path.with_file_name("Chart.yaml"))
            .is_ok_and(|file| file.take(64 << 10).read_to_string(&mut chart).is_ok())
        && chart.lines().any(|line| line.trim_end() == "name: karpenter")
}

/// The chart's own values leave the cluster's name empty for whoever installs it to set: that says nothing of a cluster.
fn leave_to_the_installation(body: &mut Node) {
    fn drop_empty(node: &mut Node) {
        let Value::Map(map) = &mut node.value else { return };
        map.entries.retain(|(key, value)| {
            !key.is("clusterName") || !(value.is_null() || value.as_str().is_some_and(str::is_empty))
        });
        for (key, value) in &mut map.entries {
            if key.is("settings") || key.is("aws") {
                drop_empty(value);
            }
        }
    }
    drop_empty(body);
}

/// What of the values tells of the controller. The rest may hold anything, secrets among it.
fn kept(values: &Node) -> Node {
    // That there may be more than is known stays known.
    let mut kept = Map { more: values.as_map().and_then(|map| map.more.clone()), ..Map::default() };
    for name in ["settings", "clusterName", "clusterEndpoint", "aws", "nameOverride", "fullnameOverride"] {
        if let Some(node) = values.member(name) {
            kept.set(name, node.clone());
        }
    }
    if let Some(tag) = values.at_path(&["image", "tag"]) {
        kept.set("image", object([("tag", tag.clone())], tag.at));
    }
    if let Some(controller) = values.member("controller") {
        let mut own = Map::default();
        if let Some(image) = controller.member("image") {
            own.set("image", image.clone());
        }
        if let Some(env) = controller.member("env") {
            let variables = env
                .elements()
                .iter()
                .filter(|variable| variable.str_at(&["name"]).is_some_and(|name| VARIABLES.contains(&name)));
            own.set("env", Node::new(Value::List(variables.cloned().collect()), env.at));
        }
        kept.set("controller", Node::new(Value::Map(own), controller.at));
    }
    if let Some(account) = values.member("serviceAccount") {
        let mut own = Map::default();
        if let Some(name) = account.member("name") {
            own.set("name", name.clone());
        }
        if let Some(role) = account.at_path(&["annotations", "eks.amazonaws.com/role-arn"]) {
            own.set("annotations", object([("eks.amazonaws.com/role-arn", role.clone())], role.at));
        }
        kept.set("serviceAccount", Node::new(Value::Map(own), account.at));
    }
    Node::new(Value::Map(kept), values.at)
}
