//! Helm values of Karpenter's chart, recognised by what they hold: alone, below the key of a dependency, or in the object
//! that installs the chart.

mod releases;
pub(in crate::sources) mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::inventory::problem::KubernetesProblem;
use crate::inventory::{Builder, Draft, Map, Node, Problem, SourceKind, SymbolScope, UnitPart, Value};
use crate::karpenter::controller::{CHART_REF, CHART_VERSION, VALUES};
use crate::karpenter::settings::WHOLE;
use crate::sources::reader::{Content, Context, Document, Reader, Release};
use crate::sources::{objects, placeholders};
use releases::{Environment, FileOfValues};
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

/// The annotation of a ServiceAccount that names its role.
const ROLE: &str = "eks.amazonaws.com/role-arn";

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

/// Values in files, and installations of charts: which files belong to which installation is known when all are read.
#[derive(Default)]
pub(super) struct Helm {
    files: Vec<FileOfValues>,
    /// The environments of helmfiles, which stand in documents of their own.
    environments: BTreeMap<PathBuf, Vec<Environment>>,
    /// Each with the overlay that it is of, and its part there.
    releases: Vec<(Option<SymbolScope>, Option<UnitPart>, Release)>,
}

impl Reader for Helm {
    fn detects(&self, document: &Document<'_>) -> bool {
        match &document.content {
            Content::Text(_) => false,
            Content::Node { node, .. } => {
                node.member("helmCharts").is_some()
                    || releases::is_helmfile(node)
                    || has_environments(node, &document.path)
                    || !values_in(node, &document.path).is_empty()
            }
            Content::Release(_) => true,
        }
    }

    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64 {
        unload(&document, context);
        let Document { path, root, part, content, .. } = document;
        match content {
            Content::Text(_) => 0,
            Content::Node { mut node, placeholders } => {
                if placeholders {
                    placeholders::mark(&mut node);
                }
                if node.member("helmCharts").is_some() {
                    self.releases
                        .extend(releases::of_kustomization(&node, &path).into_iter().map(|one| (None, None, one)));
                    return 0;
                }
                if has_environments(&node, &path) {
                    let found = releases::environments(context.builder, &node, &path);
                    self.environments.entry(path.to_path_buf()).or_default().extend(found);
                    if !releases::is_helmfile(&node) {
                        return 0;
                    }
                }
                if releases::is_helmfile(&node) {
                    let environments = self.environments.get(&*path).map(Vec::as_slice).unwrap_or_default();
                    let found = releases::of_helmfile(&node, &path, environments);
                    self.releases.extend(found.into_iter().map(|one| (None, None, one)));
                    return 0;
                }
                let found = values_in(&node, &path);
                let count = found.len() as u64;
                let path = path.to_path_buf();
                let files = found.into_iter().map(|keys| FileOfValues { path: path.clone(), node: node.clone(), keys });
                self.files.extend(files);
                count
            }
            Content::Release(release)
                if release.files.is_empty() || root.is_some_and(|root| !context.builder.is_overlay(root)) =>
            {
                add_release(context.builder, *release, None);
                0
            }
            Content::Release(release) => {
                self.releases.push((root, part, *release));
                0
            }
        }
    }

    fn finish(&mut self, context: &mut Context<'_>) -> u64 {
        let files = std::mem::take(&mut self.files);
        let mut used = BTreeSet::new();
        let each = |(overlay, part, release): (_, Option<UnitPart>, _)| {
            releases::variants(&files, release).into_iter().map(move |one| (overlay, part.clone(), one))
        };
        for (overlay, part, mut release) in std::mem::take(&mut self.releases).into_iter().flat_map(each) {
            if let Some(overlay) = overlay {
                context.builder.enter(overlay);
            }
            context.builder.enter_part(part);
            let named = std::mem::take(&mut release.files);
            release.values = releases::of_files(context.builder, &files, &named, release.values, &mut used);
            // A chart in the repository has its version of Karpenter's in its own file.
            let own = named.iter().find_map(|file| releases::find(&files, file));
            let folder = own.and_then(|number| files[number].path.parent()).filter(|_| release.version.is_none());
            let version = folder.and_then(|folder| releases::version_for(context.builder, folder));
            add_release(context.builder, release, version);
            context.builder.leave();
        }
        let claimed =
            |file: &FileOfValues| std::fs::canonicalize(&file.path).is_ok_and(|path| context.claimed.contains(&path));
        used.extend((0..files.len()).filter(|number| claimed(&files[*number])));
        add_files(context.builder, &files, &used);
        0
    }
}

/// Hands on the objects in values: charts of plain manifests take them there, and Karpenter's does not.
fn unload(document: &Document<'_>, context: &mut Context<'_>) {
    let values = match &document.content {
        Content::Release(release) if !is_chart(&release.chart, &release.repository) => &release.values,
        Content::Node { node, .. } => node,
        Content::Release(_) | Content::Text(_) => return,
    };
    let mut carried = objects::carried(values, context.gather_scope);
    for node in &mut carried.objects {
        placeholders::mark(node);
    }
    let inner = carried.objects.into_iter().map(|node| document.inner(Content::Node { node, placeholders: false }));
    context.nested.extend(inner);
    for at in carried.broken {
        context.builder.problem(Problem::new(KubernetesProblem::CarriedText, Some(at)));
    }
}

/// Is it a helmfile whose name says that it is a template, as Helmfile wants it from its version 1 on?
pub(super) fn is_template_of_a_helmfile(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let inside = path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "helmfile.d");
    [".yaml.gotmpl", ".yml.gotmpl"].iter().any(|end| name.ends_with(end)) && (inside || name.starts_with("helmfile"))
}

/// Is this the part of a helmfile that lists its environments?
fn has_environments(node: &Node, path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("helmfile"));
    named && node.member("kind").is_none() && node.member("environments").and_then(Node::as_map).is_some()
}

/// Adds the releases that files of values without an object that installs them describe: each environment over its base.
fn add_files(builder: &mut Builder, files: &[FileOfValues], used: &BTreeSet<usize>) {
    let bases = releases::bases(files);
    for (number, file) in files.iter().enumerate().filter(|(number, _)| !used.contains(number)) {
        let named = |node: &Node| {
            [&["settings", "clusterName"][..], &["settings", "aws", "clusterName"], &["clusterName"]]
                .iter()
                .filter_map(|path| node.at_path(path))
                .any(|name| name.as_str().is_none_or(|name| !name.is_empty()) && !name.is_null())
        };
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let is_base = bases.values().any(|base| *base == number);
        let of_the_chart = file.path.file_name().is_some_and(|name| name == "values.yaml")
            && releases::chart_in(builder, folder).is_some_and(|chart| chart.own);
        // The chart's own values and the base of environments are installed nowhere by themselves.
        if (is_base || of_the_chart) && !named(file.values()) {
            continue;
        }
        let mut body = kept(&releases::layered(files, &bases, number));
        releases::open_blanks(&mut body);
        releases::open_queue(&mut body);
        if let (Value::Map(map), Some(version)) = (&mut body.value, releases::version_for(builder, folder)) {
            map.set(CHART_VERSION, version);
        }
        builder.add(Draft::new(VALUES, "karpenter", body, SourceKind::Source));
    }
}

/// Adds an installation of Karpenter's chart, or those in the values of another one: a chart of one's own that has Karpenter's
/// as a dependency, or a copy of it by another name.
fn add_release(builder: &mut Builder, release: Release, dependency: Option<Node>) {
    let Release { name, namespace, chart, repository, version, chart_ref, values, source, files: _ } = release;
    let direct = kept(&values);
    let is_empty = direct.as_map().is_some_and(|map| map.entries.is_empty());
    let below: Vec<Vec<String>> =
        values_in(&values, Path::new("")).into_iter().filter(|keys| !keys.is_empty()).collect();
    let bodies = if is_chart(&chart, &repository) && (!is_empty || below.is_empty()) {
        let mut body = direct;
        if let Value::Map(map) = &mut body.value {
            let whole = (map.more.is_none() && says_all(&chart, &repository, &values))
                .then(|| Node::new(Value::Flag(true), values.at));
            for (member, node) in [(CHART_VERSION, version.or(dependency)), (CHART_REF, chart_ref), (WHOLE, whole)] {
                if let Some(node) = node {
                    map.set(member, node);
                }
            }
        }
        vec![body]
    } else {
        let more = values.as_map().and_then(|map| map.more.clone());
        values_in(&values, Path::new(""))
            .iter()
            .filter_map(|keys| releases::below(&values, keys))
            .map(|values| {
                let mut body = kept(values);
                if let Value::Map(map) = &mut body.value {
                    map.more = map.more.take().or_else(|| more.clone());
                    if let Some(version) = dependency.clone() {
                        map.set(CHART_VERSION, version);
                    }
                }
                body
            })
            .collect()
    };
    for body in bodies {
        let mut draft = Draft::new(VALUES, name.clone(), body, source);
        draft.namespace.clone_from(&namespace);
        builder.add(draft);
    }
}

/// Are these values, none of which was left out, all that Karpenter's chart is told? A copy of it in a folder, or another one
/// by its name, may have defaults of its own, and variables from a ConfigMap or a Secret are settings, too.
fn says_all(chart: &str, repository: &str, values: &Node) -> bool {
    const OWN: &[&str] = &["public.ecr.aws/karpenter", "charts.karpenter.sh"];
    let of_a_folder = chart.contains('/') && !chart.contains("://");
    let own = OWN.iter().any(|place| chart.contains(place) || repository.contains(place));
    let from_elsewhere = values.at_path(&["controller", "envFrom"]).is_some_and(|from| !from.elements().is_empty());
    !from_elsewhere && !of_a_folder && (own || values.member("settings").and_then(Node::as_map).is_some())
}

/// The values of Karpenter's chart in a document, by the keys that they stand below: none for the document itself, or those of
/// dependencies. A file that is called after Karpenter needs fewer signs.
fn values_in(node: &Node, path: &Path) -> Vec<Vec<String>> {
    /// An umbrella of umbrellas is as deep as it gets.
    const MOST: usize = 3;
    fn below(node: &Node, keys: &[String], found: &mut Vec<Vec<String>>) {
        for (key, child) in node.as_map().map(|map| map.entries.as_slice()).unwrap_or_default() {
            let Some(key) = key.known() else { continue };
            let named = key.to_ascii_lowercase().contains("karpenter");
            let keys: Vec<String> = keys.iter().cloned().chain([key.to_owned()]).collect();
            if is_values(child) || (named && is_likely(child)) {
                found.push(keys);
            } else if keys.len() < MOST {
                below(child, &keys, found);
            }
        }
    }
    if node.member("apiVersion").is_some() || node.member("kind").is_some() {
        return vec![];
    }
    let named = path.to_string_lossy().to_ascii_lowercase().contains("karpenter");
    let by_name = named && path.to_string_lossy().contains("values") && is_likely(node);
    if is_values(node) || by_name {
        return vec![vec![]];
    }
    let mut found = vec![];
    below(node, &[], &mut found);
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
    // A release without a queue may set no more than the cluster and the role.
    let few = node.at_path(&["settings", "clusterName"]).is_some()
        && node.at_path(&["serviceAccount", "annotations", ROLE]).is_some();
    image || settings || oldest || few
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
        if let Some(role) = account.at_path(&["annotations", ROLE]) {
            own.set("annotations", object([(ROLE, role.clone())], role.at));
        }
        kept.set("serviceAccount", Node::new(Value::Map(own), account.at));
    }
    Node::new(Value::Map(kept), values.at)
}
