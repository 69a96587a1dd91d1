//! The Karpenter controller and its cluster, derived from the objects that were read.
//!
//! ```text
//! Deployment + ServiceAccount + ConfigMap + Pod, Helm values, flags -> Karpcheck::Controller
//! DaemonSets, Deployments, Nodes, kubeconfig, flags                 -> Karpcheck::Cluster (evidence of its true name)
//! ```
//!
//! A controller is recognised by its image, its environment and its labels together, never by a label alone. What
//! nobody stated is unknown, what a Deployment certainly does not set is absent.

mod states;

use std::collections::BTreeMap;

use crate::inventory::builder::{Builder, Draft};
use crate::inventory::cluster::Listing;
use crate::inventory::item::{ClusterId, Item, Origin, SourceKind};
use crate::inventory::location::endpoint;
use crate::inventory::node::{At, Map, Node, Value};
use crate::inventory::problem::{FlagProblem, Problem};
use crate::inventory::reason::{Cause, Controller as Gap};
use crate::inventory::stated::StatedFact;
use crate::karpenter::controller_draft::ControllerDraft;
use crate::karpenter::releases::{RELEASES, number, written};
use crate::karpenter::{cluster_identity, policies, settings};
use crate::schema::kinds;

/// The kind of Helm values of Karpenter's chart, as their reader hands them on. No rule sees it: it becomes a controller.
pub const VALUES: &str = "Karpcheck::HelmValues";
/// The member of [`VALUES`] that holds the chart's version, where what installs the chart says it.
pub const CHART_VERSION: &str = "@chartVersion";
/// The member of [`VALUES`] that names the [`CHART`] that is installed: `NAMESPACE/NAME`.
pub const CHART_REF: &str = "@chartRef";
/// The kind of an object that says where a chart is kept and which version of it counts, with `/Version`.
pub const CHART: &str = "Karpcheck::HelmChart";
/// The role that EC2 takes for spot instances, one for each account.
const SPOT_SERVICE_ROLE: &str = "AWSServiceRoleForEC2Spot";
/// The ConfigMap in which Karpenter up to 0.32 keeps its settings.
pub const GLOBAL_SETTINGS: &str = "karpenter-global-settings";

/// The environment variables of the controller's container that its settings are read from; each is a flag, too.
pub fn variables() -> impl Iterator<Item = &'static str> {
    settings::variables()
}

/// Does this object, a Deployment or a Pod, run the Karpenter controller for AWS? The container that does.
pub fn container_of(item: &Item) -> Option<&Node> {
    let spec = match &*item.kind {
        "apps/Deployment" => item.body.at_path(&["spec", "template", "spec"])?,
        "core/Pod" => item.body.member("spec")?,
        _ => return None,
    };
    let labelled = item.body.str_at(&["metadata", "labels", "app.kubernetes.io/name"]) == Some("karpenter");
    spec.member("containers")?.elements().iter().find(|container| signs(container, labelled) >= 2)
}

/// How many independent signs there are that a container is the controller.
fn signs(container: &Node, labelled: bool) -> u32 {
    let image = container
        .member("image")
        .map(|image| image.to_json().as_str().unwrap_or_default().to_owned())
        .unwrap_or_default();
    let path = image.split(['@', ':']).next().unwrap_or_default();
    // Other providers' controllers have the same name: AKS's is `aks/karpenter/controller`.
    if path.contains("/aks/") {
        return 0;
    }
    let has = |name: &str| settings::env(container, name).is_some();
    let image_signs = if path.ends_with("karpenter/controller") {
        2
    } else {
        u32::from(path.rsplit('/').next().is_some_and(|name| name == "karpenter" || name == "karpenter-controller"))
    };
    let typical = [
        "INTERRUPTION_QUEUE",
        "CLUSTER_ENDPOINT",
        "VM_MEMORY_OVERHEAD_PERCENT",
        "ISOLATED_VPC",
        "BATCH_MAX_DURATION",
        "AWS_DEFAULT_INSTANCE_PROFILE",
    ];
    image_signs
        + u32::from(has("KARPENTER_SERVICE"))
        + u32::from(has("CLUSTER_NAME")) * u32::from(typical.iter().any(|name| has(name)) || has("KARPENTER_SERVICE"))
        + u32::from(labelled && image_signs > 0)
}

/// Adds the controllers and clusters.
pub(crate) fn derive(builder: &mut Builder) {
    let mut found = from_deployments(builder);
    let stated = builder
        .stated()
        .chart_version
        .clone()
        .map(|version| Node::text(version, builder.stated_at(StatedFact::ChartVersion)));
    if stated.is_some() && builder.is_whole() && !builder.items().iter().any(|item| &*item.kind == VALUES) {
        builder.problem(Problem::new(FlagProblem::ChartVersion, stated.as_ref().map(|stated| stated.at)));
    }
    found.extend(from_values(builder, stated.as_ref()));
    let mut found = states::distinct(found);
    state(builder, &mut found);
    cluster_identity::derive(builder, &found);
    // What runs in each cluster that is asked, by name: what a manifest makes of it is another state of the same thing.
    let mut running: BTreeMap<(ClusterId, Box<str>), usize> = BTreeMap::new();
    for controller in found {
        let key = (controller.cluster, controller.name.clone());
        let state = (controller.cluster != ClusterId::FILES).then_some(controller.source);
        let mut draft = Draft::new(
            kinds::CONTROLLER,
            controller.name,
            Node::new(Value::Map(controller.fields), controller.at),
            controller.source,
        );
        draft.namespace = controller.namespace;
        draft.cluster = controller.cluster;
        draft.read_at = controller.read_at;
        let added = builder.add(draft);
        builder.items_mut()[added].unit = controller.unit;
        match (state, running.get(&key)) {
            (Some(SourceKind::Manifest), Some(runs)) => builder.join(*runs, added),
            (Some(SourceKind::Live), None) => drop(running.insert(key, added)),
            _ => {}
        }
    }
}

fn from_deployments(builder: &Builder) -> Vec<ControllerDraft> {
    let mut found = vec![];
    let versions = settings::Versions::of(builder.stated());
    for item in builder.items().iter().filter(|item| &*item.kind == "apps/Deployment") {
        let Some(container) = container_of(item) else { continue };
        // A manifest of what runs in a cluster that is asked is what will run there, with all that is there.
        let cluster = runs_in(builder, item).unwrap_or(item.cluster);
        let mut controller = ControllerDraft {
            name: item.name.clone(),
            namespace: item.namespace.clone(),
            cluster,
            uid: item.body.str_at(&["metadata", "uid"]).map(Into::into),
            source: item.source,
            read_at: item.read_at.clone(),
            unit: item.unit.clone(),
            at: item.at(),
            fields: Map::default(),
        };
        controller.set("Version", settings::version(item, container));
        let config = builder.items().iter().find(|other| {
            &*other.kind == "core/ConfigMap"
                && &*other.name == GLOBAL_SETTINGS
                && other.cluster == cluster
                && other.namespace.as_deref().unwrap_or("default") == item.namespace.as_deref().unwrap_or("default")
        });
        let refused = cluster.index().and_then(|index| builder.clusters().get(index)).and_then(|cluster| match cluster
            .listed
            .get("core/ConfigMap")
        {
            Some(Listing::Partial(reason)) => Some(reason.clone()),
            _ => None,
        });
        settings::from_container(&mut controller, container, config, refused, versions);
        let role = role_of(builder, item, container, cluster);
        controller.set("Role", role);
        controller.set("TokenAudience", annotation(builder, item, cluster, "eks.amazonaws.com/audience"));
        controller
            .set("ServiceAccount", item.body.at_path(&["spec", "template", "spec", "serviceAccountName"]).cloned());
        found.push(controller);
    }
    found
}

fn from_values(builder: &Builder, stated: Option<&Node>) -> Vec<ControllerDraft> {
    builder
        .items()
        .iter()
        .filter(|item| &*item.kind == VALUES)
        .map(|item| {
            let mut controller = ControllerDraft {
                name: item.name.clone(),
                namespace: item.namespace.clone(),
                cluster: item.cluster,
                uid: None,
                source: item.source,
                read_at: None,
                unit: item.unit.clone(),
                at: item.at(),
                fields: Map::default(),
            };
            controller.set("Version", chart_version(builder, &item.body).or_else(|| stated.cloned()));
            controller.set("ServiceAccount", service_account(item));
            settings::from_values(&mut controller, &item.body, settings::Versions::of(builder.stated()));
            if controller.fields.get("Role").is_none() {
                controller.set("Role", associated(builder, item));
            }
            controller
        })
        .collect()
}

/// The version of the chart that is installed with some values: the object that installs it says it, the object that it
/// names, or the command line.
fn chart_version(builder: &Builder, values: &Node) -> Option<Node> {
    let named = || {
        let reference = values.str_at(&[CHART_REF])?;
        let chart = builder.items().iter().find(|item| {
            &*item.kind == CHART
                && format!("{}/{}", item.namespace.as_deref().unwrap_or_default(), item.name) == reference
        });
        chart?.body.member("Version").cloned()
    };
    let told = values.member(CHART_VERSION).cloned().or_else(named);
    told.map(|version| match version.as_str() {
        Some(text) => match number(text) {
            Some(number) => Node::text(number, version.at),
            None => Node::unknown(Cause::Undecidable, Gap::ChartVersion { text: text.into() }, version.at),
        },
        None => match version.first_unknown() {
            Some((reason, at)) => Node::because(reason, at),
            None => version,
        },
    })
}

/// The ServiceAccount of a release, whose namespace is known: the one that its values name, else the chart's name for it, which
/// is made of the release's.
fn service_account(values: &Item) -> Option<Node> {
    values.namespace.as_ref()?;
    let own = values.body.at_path(&["serviceAccount", "name"]).filter(|name| name.as_str() != Some(""));
    // Values that were not read may name another one, and these give the chart's objects other names.
    let open = values.body.as_map().is_none_or(|map| map.more.is_some())
        || ["nameOverride", "fullnameOverride"].iter().any(|name| values.body.member(name).is_some());
    own.cloned().or_else(|| {
        let name = if values.name.contains("karpenter") {
            values.name.to_string()
        } else {
            format!("{}-karpenter", values.name)
        };
        (!open).then(|| Node::text(name, values.at()))
    })
}

/// The role that a Pod Identity association or a ServiceAccount gives the service account of some values.
fn associated(builder: &Builder, values: &Item) -> Option<Node> {
    let account = values.body.str_at(&["serviceAccount", "name"]).unwrap_or("karpenter");
    let here = |namespace: &str| match values.namespace.as_deref() {
        Some(own) => own == namespace,
        None => matches!(namespace, "karpenter" | "kube-system"),
    };
    let roles: Vec<&Node> = builder
        .items()
        .iter()
        .filter(|item| item.cluster == values.cluster)
        .filter_map(|item| match &*item.kind {
            "AWS::EKS::PodIdentityAssociation" => {
                let fits = item.body.str_at(&["ServiceAccount"]) == Some(account)
                    && item.body.member("Namespace").is_some_and(|node| node.as_str().is_none_or(here));
                item.body.member("RoleArn").filter(|_| fits)
            }
            "core/ServiceAccount" => {
                let fits = *item.name == *account && here(item.namespace.as_deref().unwrap_or("default"));
                item.body.at_path(&["metadata", "annotations", "eks.amazonaws.com/role-arn"]).filter(|_| fits)
            }
            _ => None,
        })
        .collect();
    match roles.as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    }
}

/// The cluster that is asked in which the Deployment of a manifest runs already.
fn runs_in(builder: &Builder, manifest: &Item) -> Option<ClusterId> {
    if manifest.cluster != ClusterId::FILES || manifest.source.observed() {
        return None;
    }
    let linked = manifest.same.iter().filter_map(|same| builder.items().get(same.0 as usize - 1));
    linked.map(|item| item.cluster).find(|cluster| *cluster != ClusterId::FILES)
}

/// Takes from another controller what one does not know. What its Deployment does not set it knows.
fn fill(controller: &mut ControllerDraft, from: Map) {
    let next = controller.cluster != ClusterId::FILES && controller.source == SourceKind::Manifest;
    for (key, node) in from.entries {
        let fills = match controller.fields.entries.iter().find(|(own, _)| *own == key) {
            None => !next || !["ClusterName", "ClusterEndpoint", "InterruptionQueue"].iter().any(|name| key.is(name)),
            Some((_, own)) => own.first_unknown().is_some() && node.first_unknown().is_none(),
        };
        if fills {
            controller.fields.set(key, node);
        }
    }
}

/// Fills in what the command line states. It never overrides what runs.
fn state(builder: &mut Builder, found: &mut Vec<ControllerDraft>) {
    let stated = builder.stated().clone();
    let version = stated.karpenter_version.as_deref();
    if found.is_empty() {
        // Where there is a policy, it is what the reader can look at; else the flag.
        let policy = policies::first_of_a_controller(builder);
        let facts = [StatedFact::KarpenterVersion, StatedFact::ClusterName];
        // Among several scopes a fact says of none that it has a controller.
        let fact = facts.into_iter().find(|fact| stated.value(*fact).is_some()).filter(|_| builder.is_whole());
        let at = policy.or_else(|| fact.map(|fact| builder.stated_at(fact)));
        found.extend(at.map(|at| ControllerDraft { name: "karpenter".into(), at, ..ControllerDraft::empty() }));
        if let (Some(controller), Some(name)) = (found.last_mut(), stated.cluster_name.as_deref()) {
            controller.fields.set("ClusterName", Node::text(name, builder.stated_at(StatedFact::ClusterName)));
        }
    }
    if let Some(version) = version {
        let node = Node::text(version, builder.stated_at(StatedFact::KarpenterVersion));
        for controller in found.iter_mut() {
            match controller.fields.get("Version").and_then(Node::as_str) {
                Some(running) if running != version => {
                    let at = controller.fields.get("Version").map(|node| node.at);
                    let unused = FlagProblem::KarpenterVersion {
                        version: version.into(),
                        name: (&*controller.name).into(),
                        running: running.into(),
                    };
                    builder.problem(Problem::new(unused, at));
                }
                Some(_) => {}
                None => controller.fields.set("Version", node.clone()),
            }
        }
    }
    if let Some(target) = stated.target.as_deref() {
        let at = At::whole(builder.document(Origin::Flag("--to")));
        for controller in found.iter_mut() {
            controller.fields.set("Version", Node::text(target, at));
        }
    }
    for controller in found.iter_mut() {
        let at = controller.at;
        let releases = RELEASES.iter().map(|release| Node::text(written(*release), at)).collect();
        controller.fields.set("Releases", Node::new(Value::List(releases), at));
        controller.fields.set("SpotServiceRole", Node::text(SPOT_SERVICE_ROLE, at));
        for (field, what) in [
            ("Version", "version"),
            ("ClusterName", "cluster name"),
            ("ClusterEndpoint", "cluster endpoint"),
            ("InterruptionQueue", "interruption queue"),
            ("Settings", "settings"),
            ("Role", "role"),
        ] {
            if controller.source == SourceKind::Flag && controller.fields.get(field).is_none() {
                controller.fields.set(field, Node::unknown(Cause::NotProvided, unstated(what), at));
            }
        }
        for (field, gap) in [("Version", Gap::Version), ("Role", Gap::RoleNotRead)] {
            if controller.fields.get(field).is_none() {
                controller.fields.set(field, Node::unknown(Cause::NotProvided, gap, at));
            }
        }
    }
}

/// Why a fact of a controller is unknown of which only a flag or its policy is known, with what would tell.
fn unstated(what: &'static str) -> Gap {
    match what {
        "version" => Gap::Version,
        "cluster name" => Gap::ClusterName,
        "role" => Gap::Role,
        what => Gap::Setting { what },
    }
}

/// What makes a controller one and no other, as far as its own object says it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Identity {
    /// The cluster's name, where it is known and not empty.
    pub(crate) name: Option<String>,
    /// The cluster's endpoint, in one spelling.
    pub(crate) endpoint: Option<String>,
    /// The region that it says it is in.
    pub(crate) region: Option<String>,
    /// The ARN of its role.
    pub(crate) role: Option<String>,
    /// The interruption queue that it is told.
    pub(crate) queue: Option<String>,
    /// The release that runs.
    pub(crate) version: Option<String>,
    /// The uid of its object, where that was seen in a cluster.
    pub(crate) uid: Option<String>,
}

impl Identity {
    /// Does it leave open which cluster it is of?
    pub(crate) const fn is_vague(&self) -> bool {
        self.name.is_none() && self.endpoint.is_none() && self.uid.is_none()
    }

    /// How much of it is known.
    pub(crate) fn known(&self) -> usize {
        [&self.name, &self.endpoint, &self.region, &self.uid].iter().filter(|fact| fact.is_some()).count()
    }

    /// Do they certainly speak of two clusters?
    pub(crate) fn differs(&self, other: &Self) -> bool {
        let differ = |one: &Option<String>, other: &Option<String>| matches!((one, other), (Some(one), Some(other)) if one != other);
        differ(&self.name, &other.name)
            || differ(&self.endpoint, &other.endpoint)
            || differ(&self.region, &other.region)
    }

    /// Do both name one cluster?
    pub(crate) fn names(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        !self.differs(other) && (same(&self.name, &other.name) || same(&self.endpoint, &other.endpoint))
    }
}

/// The identity of the controller that an item makes; none where it makes none.
pub(crate) fn identity(builder: &Builder, item: &Item) -> Option<Identity> {
    let mut found = ControllerDraft { at: item.at(), source: item.source, ..ControllerDraft::empty() };
    let versions = settings::Versions::of(builder.stated());
    if let Some(container) = container_of(item).filter(|_| &*item.kind == "apps/Deployment") {
        found.set("Version", settings::version(item, container));
        settings::from_container(&mut found, container, None, None, versions);
        found.set("Role", settings::env(container, "AWS_ROLE_ARN"));
    } else if &*item.kind == VALUES {
        settings::from_values(&mut found, &item.body, versions);
    } else {
        return None;
    }
    let known =
        |field: &str| found.fields.get(field).and_then(Node::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Identity {
        name: known("ClusterName"),
        endpoint: known("ClusterEndpoint").map(|url| endpoint(&url)),
        region: known("Region"),
        role: known("Role"),
        queue: known("InterruptionQueue").or_else(|| settings::ignored_queue(&found.fields)),
        version: known("Version"),
        uid: item.body.str_at(&["metadata", "uid"]).map(str::to_owned),
    })
}

/// The names of clusters that an item says, and for each whether it is certain: what an AWS tool or a component of the
/// cluster is given is, what people usually name after a cluster is not.
pub(crate) fn names_in(item: &Item) -> Vec<(String, bool)> {
    cluster_identity::from_item(item)
        .into_iter()
        .filter_map(|evidence| Some((evidence.name.as_str()?.to_owned(), evidence.rank != "weak")))
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// The names of clusters that the conditions of an item's policies pin.
pub(crate) fn pinned_in(item: &Item) -> Vec<String> {
    policies::pinned_by(std::iter::once(item)).into_iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// The role's ARN, in the order in which the SDK looks.
fn role_of(builder: &Builder, deployment: &Item, container: &Node, cluster: ClusterId) -> Option<Node> {
    if let Some(role) = settings::env(container, "AWS_ROLE_ARN") {
        return Some(role);
    }
    let account = account_of(deployment)?;
    let namespace = namespace_of(deployment);
    let mut pods = within(builder, "core/Pod", cluster, namespace);
    // A ServiceAccount that was refused may name a role.
    let is_read = || cluster == ClusterId::FILES || accounts(builder, cluster, namespace, account).next().is_some();
    pods.find_map(|pod| settings::env(container_of(pod)?, "AWS_ROLE_ARN"))
        .or_else(|| annotation(builder, deployment, cluster, "eks.amazonaws.com/role-arn"))
        .or_else(|| of_association(builder, namespace, account))
        .or_else(|| none_in_pod(builder, cluster, namespace).filter(|_| is_read()))
}

/// The ServiceAccount that a Deployment's Pods have.
fn account_of(deployment: &Item) -> Option<&str> {
    let spec = deployment.body.at_path(&["spec", "template", "spec"])?;
    spec.member("serviceAccountName").or_else(|| spec.member("serviceAccount"))?.as_str()
}

fn namespace_of(item: &Item) -> &str {
    item.namespace.as_deref().unwrap_or("default")
}

/// The items of a kind in a namespace of a cluster.
fn within<'a>(
    builder: &'a Builder,
    kind: &'a str,
    cluster: ClusterId,
    namespace: &'a str,
) -> impl Iterator<Item = &'a Item> {
    let is_in = move |item: &&Item| item.cluster == cluster && namespace_of(item) == namespace;
    builder.items().iter().filter(move |item| &*item.kind == kind).filter(is_in)
}

/// The ServiceAccounts of a name, of which a file may hold those of several clusters.
fn accounts<'a>(
    builder: &'a Builder,
    cluster: ClusterId,
    namespace: &'a str,
    name: &'a str,
) -> impl Iterator<Item = &'a Item> {
    within(builder, "core/ServiceAccount", cluster, namespace).filter(move |item| &*item.name == name)
}

/// An annotation of the ServiceAccount that a Deployment's Pods have.
fn annotation(builder: &Builder, deployment: &Item, cluster: ClusterId, name: &str) -> Option<Node> {
    let (account, namespace) = (account_of(deployment)?, namespace_of(deployment));
    let of = |cluster: ClusterId| -> Vec<&Node> {
        accounts(builder, cluster, namespace, account)
            .filter_map(|item| item.body.at_path(&["metadata", "annotations", name]))
            .collect()
    };
    // Of a manifest, the ServiceAccount beside it will count, else the one that is there.
    let beside = of(deployment.cluster);
    let said = if beside.is_empty() && cluster != deployment.cluster { of(cluster) } else { beside };
    let first = *said.first()?;
    // Objects of several clusters may stand in one file: which of them is this controller's is not known.
    if said.iter().any(|other| other.to_json() != first.to_json()) {
        let account = format!("{namespace}/{account}").into();
        let gap = Gap::ServiceAccounts { count: said.len(), account, annotation: name.into() };
        return Some(Node::unknown(Cause::Undecidable, gap, first.at));
    }
    Some(first.clone())
}

/// That it has no role, where a running Pod shows that nothing was injected into it: null, not unknown.
fn none_in_pod(builder: &Builder, cluster: ClusterId, namespace: &str) -> Option<Node> {
    let pods = within(builder, "core/Pod", cluster, namespace).filter(|item| item.source.observed());
    // Pod Identity says where credentials are to be had, and not whose; other ways have these variables too.
    const INJECTED: [&str; 4] = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ACCESS_KEY_ID",
    ];
    let mut at = None;
    for container in pods.filter_map(container_of) {
        // What comes from a Secret or a ConfigMap may hold any of them.
        if container.member("envFrom").is_some() || INJECTED.iter().any(|name| settings::env(container, name).is_some())
        {
            return None;
        }
        at = at.or(Some(container.at));
    }
    at.map(|at| Node::new(Value::Null, at))
}

/// The role that a Pod Identity association gives a service account.
fn of_association(builder: &Builder, namespace: &str, account: &str) -> Option<Node> {
    builder.items().iter().filter(|item| &*item.kind == "AWS::EKS::PodIdentityAssociation").find_map(|item| {
        let says = |field: &str, value: &str| item.body.str_at(&[field]) == Some(value);
        (says("Namespace", namespace) && says("ServiceAccount", account))
            .then(|| item.body.member("RoleArn").cloned())
            .flatten()
    })
}
