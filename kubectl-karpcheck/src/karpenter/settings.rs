//! The controller's settings, by the names that Karpenter's chart gives them, wherever they are written.

use crate::inventory::item::Item;
use crate::inventory::node::{At, Map, Node, Value};
use crate::inventory::reason::Controller as Gap;
use crate::inventory::reason::{Cause, Reason};
use crate::inventory::stated::Stated;
use crate::inventory::text::Text;
use crate::karpenter::controller_draft::ControllerDraft;
use crate::karpenter::releases::{Minor, minor, number};

/// The member of Helm values that says that they are all of an installation's: no other file or flag adds to them.
pub const WHOLE: &str = "@whole";

/// The environment variables of the controller from 0.32 on (and, for the cluster's, up to 0.18), and the chart's name
/// for each: charts/karpenter/templates/deployment.yaml of aws/karpenter-provider-aws.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("CLUSTER_NAME", "clusterName"),
    ("CLUSTER_ENDPOINT", "clusterEndpoint"),
    ("INTERRUPTION_QUEUE", "interruptionQueue"),
    ("ISOLATED_VPC", "isolatedVPC"),
    ("EKS_CONTROL_PLANE", "eksControlPlane"),
    ("ENABLE_ZONAL_SHIFT", "enableZonalShift"),
    ("CLUSTER_CA_BUNDLE", "clusterCABundle"),
    ("VM_MEMORY_OVERHEAD_PERCENT", "vmMemoryOverheadPercent"),
    ("RESERVED_ENIS", "reservedENIs"),
    ("BATCH_MAX_DURATION", "batchMaxDuration"),
    ("BATCH_IDLE_DURATION", "batchIdleDuration"),
    ("FEATURE_GATES", "featureGates"),
];

/// The environment variables that settings are read from.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    ENVIRONMENT.iter().map(|(variable, _)| *variable)
}

/// The fields of `Karpcheck::Controller` that have a name of their own, by the chart's name.
const NAMED: &[(&str, &str)] = &[
    ("clusterName", "ClusterName"),
    ("clusterEndpoint", "ClusterEndpoint"),
    ("interruptionQueue", "InterruptionQueue"),
];

/// The versions that count beside what a controller says itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Versions<'a> {
    /// Where it says none.
    stated: Option<&'a str>,
    /// Whatever it says.
    target: Option<&'a str>,
}

impl<'a> Versions<'a> {
    pub(super) fn of(stated: &'a Stated) -> Self {
        Self { stated: stated.karpenter_version.as_deref(), target: stated.target.as_deref() }
    }

    /// Is a controller that says `own` older, or may it be?
    fn older(self, own: Option<&str>, since: Minor) -> bool {
        self.target.or(own).or(self.stated).is_none_or(|version| older(version, since))
    }
}

/// The value of a container's environment variable: the last one of a name counts. A value from elsewhere is unknown.
pub(super) fn env(container: &Node, name: &str) -> Option<Node> {
    let entry = container.member("env")?.elements().iter().rev().find(|entry| entry.str_at(&["name"]) == Some(name))?;
    if let Some(value) = entry.member("value") {
        return Some(match value.as_str() {
            // Kubernetes puts other variables in here, the chart does not.
            Some(text) if text.contains("$(") => {
                Node::unknown(Cause::Undecidable, Gap::OfVariables { name: name.into() }, value.at)
            }
            _ => value.clone(),
        });
    }
    let from = entry.member("valueFrom")?;
    Some(Node::unknown(Cause::NotProvided, Gap::FromElsewhere { name: name.into() }, from.at))
}

/// The value of a command line flag, `--name=value` or `--name value`.
pub(super) fn argument(container: &Node, name: &str) -> Option<Node> {
    let words: Vec<&Node> = ["command", "args"]
        .iter()
        .filter_map(|field| container.member(field))
        .flat_map(|words| words.elements())
        .collect();
    words.iter().enumerate().find_map(|(index, word)| {
        let Value::Text(text) = &word.value else { return None };
        let written = text.to_string();
        let rest = written.strip_prefix("--").or_else(|| written.strip_prefix('-'))?.strip_prefix(name)?;
        match rest.strip_prefix('=') {
            Some(value) if value.contains("$(") => {
                Some(Node::unknown(Cause::Undecidable, Gap::FlagOfVariables { name: name.into() }, word.at))
            }
            Some(value) => {
                let value = match text.hole() {
                    Some(symbol) if written.ends_with(&*symbol.name) && value == &*symbol.name => {
                        Text::symbol(symbol.clone())
                    }
                    Some(symbol) => return Some(Node::because(symbol.reason.as_cause(Cause::Symbolic), word.at)),
                    None => Text::from(value),
                };
                Some(Node::text(value, word.at))
            }
            None if rest.is_empty() => words.get(index + 1).map(|value| (*value).clone()),
            None => None,
        }
    })
}

/// The controller's version: the image's tag, else the labels that the chart sets.
pub(super) fn version(item: &Item, container: &Node) -> Option<Node> {
    let image = container.member("image");
    let tag = image.and_then(|image| {
        let text = image.as_str()?;
        let untagged = text.split('@').next()?;
        let (_, tag) = untagged.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
        number(tag).map(|version| Node::text(version, image.at))
    });
    let labels = [&["metadata", "labels"][..], &["spec", "template", "metadata", "labels"]];
    let label = |name: &str, prefix: &str| {
        labels.iter().find_map(|path| {
            let label = item.body.at_path(path)?.member(name)?;
            let version = number(label.as_str()?.strip_prefix(prefix)?)?;
            Some(Node::text(version, label.at))
        })
    };
    tag.or_else(|| label("app.kubernetes.io/version", "")).or_else(|| label("helm.sh/chart", "karpenter-")).or_else(
        || {
            let symbol = image.and_then(|image| match &image.value {
                Value::Text(text) => text.hole(),
                _ => None,
            })?;
            Some(Node::because(symbol.reason.clone(), image?.at))
        },
    )
}

/// Reads a container's environment and arguments, and the ConfigMap that held the settings up to 0.32.
pub(super) fn from_container(
    controller: &mut ControllerDraft,
    container: &Node,
    config: Option<&Item>,
    config_refused: Option<Reason>,
    versions: Versions<'_>,
) {
    let at = container.at;
    let mut settings = Map::default();
    for (variable, setting) in ENVIRONMENT {
        let flag = variable.to_ascii_lowercase().replace('_', "-");
        if let Some(value) = env(container, variable).or_else(|| argument(container, &flag)) {
            settings.set(*setting, value);
        }
    }
    // What envFrom brings can be anything, unless a literal says it.
    if container.member("envFrom").is_some_and(|from| !from.elements().is_empty()) {
        settings.more = Some(Box::new(Reason::new(Cause::NotProvided, Gap::EnvFrom)));
    }
    let own = controller.fields.get("Version").and_then(Node::as_str);
    let by_config_map = versions.older(own, (0, 33));
    // What the ConfigMap says under its own names counts as the settings of these names, and is not written there.
    let mut effective = settings.clone();
    if let Some(data) = config.and_then(|config| config.body.member("data")).and_then(Node::as_map) {
        let mut old = Map::default();
        for (key, value) in &data.entries {
            if let Some(name) = key.known().and_then(|key| key.strip_prefix("aws.")) {
                old.set(name, value.clone());
            }
        }
        if by_config_map {
            lay_old_names(&old, &mut effective);
        }
        let place = config.map_or(at, Item::at);
        settings.set("aws", Node::new(Value::Map(old), place));
    } else if let (true, Some(reason)) = (by_config_map, config_refused) {
        settings.more.get_or_insert_with(|| Box::new(reason));
    }
    name_fields(controller, &effective, at, settings.more.as_deref());
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| env(container, name));
    controller.set("Region", region.or_else(|| region_of_endpoint(&effective)));
    controller.set("Settings", Some(Node::new(Value::Map(settings), at)));
}

/// Lays the settings that stood below `aws` up to 0.32 under the names that they have now, where these say nothing.
fn lay_old_names(old: &Map, settings: &mut Map) {
    for (old_name, name) in [
        ("clusterName", "clusterName"),
        ("clusterEndpoint", "clusterEndpoint"),
        ("interruptionQueueName", "interruptionQueue"),
    ] {
        if let (Some(value), true) = (old.get(old_name), settings.get(name).is_none_or(Node::is_blank)) {
            settings.set(name, value.clone());
        }
    }
}

/// The region that the endpoint of an EKS cluster names: `https://ID.gr7.eu-west-1.eks.amazonaws.com`.
fn region_of_endpoint(settings: &Map) -> Option<Node> {
    let endpoint = settings.get("clusterEndpoint")?;
    let text = endpoint.as_str()?.to_ascii_lowercase();
    let (before, _) = text.split_once(".eks.amazonaws.com")?;
    let (_, region) = before.rsplit_once('.')?;
    Some(Node::text(region, endpoint.at))
}

/// Reads the values of Karpenter's chart.
pub(super) fn from_values(controller: &mut ControllerDraft, values: &Node, versions: Versions<'_>) {
    let tag = values.at_path(&["controller", "image", "tag"]).or_else(|| values.at_path(&["image", "tag"]));
    // The image that runs says more than the chart that was installed.
    controller.set("Version", tag.and_then(|tag| Some(Node::text(number(tag.as_str()?)?, tag.at))));
    let role = values.at_path(&["serviceAccount", "annotations", "eks.amazonaws.com/role-arn"]);
    controller.set("Role", role.cloned());
    let settings = values.member("settings").and_then(Node::as_map).cloned().unwrap_or_default();
    let at = values.member("settings").map_or(values.at, |settings| settings.at);
    let mut effective = settings.clone();
    let own = controller.fields.get("Version").and_then(Node::as_str);
    // Up to 0.18 the names stood at the top, up to 0.32 below `aws`.
    let (at_top, nested) = (versions.older(own, (0, 19)), versions.older(own, (0, 33)));
    for name in ["clusterName", "clusterEndpoint"].iter().filter(|_| at_top) {
        if let (None, Some(value)) = (effective.get(name), values.member(name)) {
            effective.set(*name, value.clone());
        }
    }
    if let Some(old) = settings.get("aws").and_then(Node::as_map).filter(|_| nested) {
        lay_old_names(old, &mut effective);
    }
    if let (None, Some(at)) = (effective.get("clusterName"), ignored_name(values, at_top, nested)) {
        effective.set("clusterName", Node::text("", at));
    }
    // controller.env outranks the settings, as it comes last in the Deployment.
    if let Some(container) = values.member("controller") {
        for (variable, setting) in ENVIRONMENT {
            if let Some(value) = env(container, variable) {
                effective.set(*setting, value);
            }
        }
    }
    // Values are laid over the chart's defaults: what they do not say is the default, which is empty; but other values
    // files may say it, so that silence is knowledge only where these values are all of an installation's.
    let whole = values.member(WHOLE).is_some() && settings.more.is_none();
    let silent = (!whole).then(|| Reason::new(Cause::NotProvided, Gap::NotInValues));
    controller.set("Region", region_of_endpoint(&effective));
    name_fields(controller, &effective, at, silent.as_ref());
    controller.set("Settings", Some(Node::new(Value::Map(settings), at)));
}

/// Where values give the cluster's name to a chart that does not read it there, and nothing else of them may hold it.
fn ignored_name(values: &Node, at_top: bool, nested: bool) -> Option<At> {
    let settings = values.member("settings");
    let open = |node: Option<&Node>| node.and_then(Node::as_map).is_some_and(|map| map.more.is_some());
    if open(Some(values)) || open(settings) || settings.is_some_and(|settings| settings.as_map().is_none()) {
        return None;
    }
    let old = values.at_path(&["settings", "aws", "clusterName"]).filter(|_| !nested);
    // Values of another chart around this one may well have a name of their own at the top.
    let top = values.member("clusterName").filter(|_| !at_top && values.member(WHOLE).is_some());
    old.or(top).filter(|name| !name.is_blank()).map(|name| name.at)
}

/// The queue that is set under a name which may be ignored: the controller does not read it, and it is meant all the same.
pub(super) fn ignored_queue(fields: &Map) -> Option<String> {
    let settings = fields.get("Settings")?;
    [&["interruptionQueueName"][..], &["interruptionQueue"], &["aws", "interruptionQueueName"]]
        .iter()
        .find_map(|path| settings.str_at(path).filter(|name| !name.is_empty()))
        .map(str::to_owned)
}

fn name_fields(controller: &mut ControllerDraft, settings: &Map, at: At, silent: Option<&Reason>) {
    for (setting, field) in NAMED {
        match (settings.get(setting), silent) {
            (Some(value), _) => controller.fields.set(*field, value.clone()),
            (None, Some(reason)) => controller.fields.set(*field, Node::because(reason.clone(), at)),
            (None, None) => {}
        }
    }
}

fn older(version: &str, since: Minor) -> bool {
    minor(version).is_some_and(|version| version < since)
}
