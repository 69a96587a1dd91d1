//! The evidence of a cluster's true name, ranked: domain facts with their strength, no judgement.
//!
//! Ranks: `definitive` (AWS says so, or the user does), `strong` (an AWS tool wrote it for this cluster), `medium` (a
//! person wrote it into another component), `weak` (a name that usually holds the cluster's).

use crate::inventory::builder::{Builder, Draft};
use crate::inventory::item::{ClusterId, Item, Origin, SourceKind};
use crate::inventory::node::{At, Map, Node, Value};
use crate::inventory::stated::StatedFact;
use crate::karpenter::controller_draft::ControllerDraft;
use crate::karpenter::settings;
use crate::schema::kinds;

/// Adds one `Karpcheck::Cluster` for each cluster that anything is known of.
pub(super) fn derive(builder: &mut Builder, controllers: &[ControllerDraft]) {
    let clusters: Vec<ClusterId> =
        std::iter::once(ClusterId::FILES).chain(builder.own_clusters().map(|(id, _)| id)).collect();
    for cluster in clusters {
        let mut evidence = stated(builder);
        evidence.extend(from_kubeconfig(builder, cluster));
        for item in builder.items().iter().filter(|item| item.cluster == cluster) {
            evidence.extend(from_item(item));
        }
        evidence.extend(from_roles(controllers.iter().filter(|controller| controller.cluster == cluster)));
        let live = cluster.index().and_then(|index| builder.clusters().get(index)).cloned();
        // Nothing is known of a cluster of which there is neither an object nor a word.
        if live.is_none() && evidence.is_empty() {
            continue;
        }
        let (name, origin) = match &live {
            Some(live) => (
                live.context.to_string(),
                Origin::Live(Box::new(crate::inventory::item::LiveOrigin {
                    context: live.context.clone(),
                    api_version: "v1".into(),
                    kind: "Cluster".into(),
                    namespace: "".into(),
                    name: "".into(),
                })),
            ),
            None => ("files".to_owned(), Origin::Flag("--filename")),
        };
        let at = evidence.first().map(|first| first.name.at).filter(|_| live.is_none());
        let at = at.unwrap_or_else(|| At::whole(builder.document(origin)));
        let mut fields = Map::default();
        // From within, the address is none that anything else knows the cluster by.
        if let Some(live) = live.as_ref().filter(|live| !live.within) {
            fields.set("Endpoint", Node::text(&*live.server, at));
        }
        let entries: Vec<Node> = evidence
            .into_iter()
            .map(|Evidence { name, rank, source }| {
                let place = name.at;
                let mut entry = Map::default();
                entry.set("Name", name);
                entry.set("Rank", Node::text(rank, place));
                entry.set("Source", Node::text(source, place));
                Node::new(Value::Map(entry), place)
            })
            .collect();
        fields.set("Evidence", Node::new(Value::List(entries.into_iter().collect()), at));
        let source = if live.is_some() { SourceKind::Live } else { SourceKind::Manifest };
        let mut draft = Draft::new(kinds::CLUSTER, name, Node::new(Value::Map(fields), at), source);
        draft.cluster = cluster;
        builder.add(draft);
    }
}

pub(super) struct Evidence {
    pub(super) name: Node,
    pub(super) rank: &'static str,
    source: String,
}

fn stated(builder: &mut Builder) -> Vec<Evidence> {
    let Some(name) = builder.stated().cluster_name.clone() else { return vec![] };
    let fact = StatedFact::ClusterName;
    let source = match builder.stated().places.get(&fact) {
        Some(place) => format!("cluster-name in {}", place.file),
        None => fact.flag().to_owned(),
    };
    vec![Evidence { name: Node::text(name, builder.stated_at(fact)), rank: "definitive", source }]
}

/// `arn:aws:eks:…:cluster/NAME` as the name of the cluster or context in the kubeconfig: `aws eks update-kubeconfig`
/// writes it. An alias of a context is free text.
fn from_kubeconfig(builder: &mut Builder, cluster: ClusterId) -> Vec<Evidence> {
    let Some(known) = cluster.index().and_then(|index| builder.clusters().get(index)).cloned() else { return vec![] };
    let mut names: Vec<(String, String)> = vec![];
    for (word, source) in known.hints.iter() {
        if let Some((_, name)) =
            word.split_once(":cluster/").filter(|_| word.starts_with("arn:") && word.contains(":eks:"))
        {
            names.push((name.to_owned(), source.clone()));
        } else if let Some(name) = word
            .strip_suffix(".eksctl.io")
            .and_then(|rest| rest.rsplit_once('@'))
            .and_then(|(_, rest)| rest.rsplit_once('.'))
        {
            names.push((name.0.to_owned(), source.clone()));
        } else if let Some(name) = word.strip_prefix("exec:") {
            names.push((name.to_owned(), source.clone()));
        }
    }
    names
        .into_iter()
        .map(|(name, source)| {
            let doc = builder.document(Origin::Live(Box::new(crate::inventory::item::LiveOrigin {
                context: known.context.clone(),
                api_version: "v1".into(),
                kind: "Config".into(),
                namespace: "".into(),
                name: "".into(),
            })));
            Evidence { name: Node::text(name, At::whole(doc)), rank: "strong", source }
        })
        .collect()
}

/// What a component of the cluster calls it.
pub(super) fn from_item(item: &Item) -> Vec<Evidence> {
    if &*item.kind == "core/Node" {
        let label = item.body.at_path(&["metadata", "labels", "alpha.eksctl.io/cluster-name"]);
        return label
            .map(|name| Evidence {
                name: name.clone(),
                rank: "medium",
                source: format!("label alpha.eksctl.io/cluster-name of node {}", item.name),
            })
            .into_iter()
            .collect();
    }
    if &*item.kind == "karpenter.k8s.aws/EC2NodeClass" {
        return from_class(item);
    }
    if !matches!(&*item.kind, "apps/DaemonSet" | "apps/Deployment") {
        return vec![];
    }
    let Some(containers) = item.body.at_path(&["spec", "template", "spec", "containers"]) else { return vec![] };
    let mut found = vec![];
    for container in containers.elements() {
        let mut add = |rank: &'static str, word: &str, name: Option<Node>| {
            if let Some(name) = name {
                found.push(Evidence { name, rank, source: format!("{word} of {}", item.name) });
            }
        };
        match &*item.name {
            "eks-pod-identity-agent" => add("strong", "--cluster-name", settings::argument(container, "cluster-name")),
            "ebs-csi-controller" => {
                add("strong", "--k8s-tag-cluster-id", settings::argument(container, "k8s-tag-cluster-id"))
            }
            "aws-node" => add("medium", "CLUSTER_NAME", settings::env(container, "CLUSTER_NAME")),
            "aws-load-balancer-controller" => {
                add("medium", "--cluster-name", settings::argument(container, "cluster-name"))
            }
            name if name.contains("cluster-autoscaler") => {
                let discovery = settings::argument(container, "node-group-auto-discovery").and_then(|node| {
                    let name = node
                        .as_str()?
                        .split([',', '='])
                        .find_map(|tag| tag.strip_prefix("k8s.io/cluster-autoscaler/"))?;
                    (name != "enabled" && !name.starts_with("node-template")).then(|| Node::text(name, node.at))
                });
                add("medium", "--node-group-auto-discovery", discovery);
            }
            _ => {}
        }
    }
    found
}

/// What the getting started guide names after the cluster: the nodes' role, the discovery tag. Both may hold anything.
fn from_class(item: &Item) -> Vec<Evidence> {
    let role = item.body.at_path(&["spec", "role"]).and_then(|role| {
        let name = role.as_str()?.strip_prefix("KarpenterNodeRole-")?;
        Some((Node::text(name, role.at), "the role"))
    });
    let discovery = ["securityGroupSelectorTerms", "subnetSelectorTerms"].into_iter().filter_map(|field| {
        let terms = item.body.at_path(&["spec", field])?.elements();
        let tag = terms.iter().find_map(|term| term.at_path(&["tags", "karpenter.sh/discovery"]))?;
        tag.as_str().filter(|name| *name != "*").map(|_| (tag.clone(), "the discovery tag"))
    });
    let found: Vec<(Node, &str)> = role.into_iter().chain(discovery.take(1)).collect();
    found
        .into_iter()
        .map(|(name, what)| Evidence { name, rank: "weak", source: format!("{what} of {}", item.name) })
        .collect()
}

/// `KarpenterControllerRole-NAME` and its like: usual, not certain.
fn from_roles<'a>(controllers: impl Iterator<Item = &'a ControllerDraft>) -> Vec<Evidence> {
    controllers
        .filter_map(|controller| {
            let role = controller.fields.get("Role")?;
            let Value::Text(arn) = &role.value else { return None };
            let (_, name) = arn.known()?.rsplit_once('/')?;
            let name = name.strip_prefix("KarpenterControllerRole-").or_else(|| name.strip_suffix("-karpenter"))?;
            Some(Evidence {
                name: Node::text(name, role.at),
                rank: "weak",
                source: "the name of the controller's role".into(),
            })
        })
        .collect()
}
