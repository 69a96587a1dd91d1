//! What a report carries of its clusters for those that look across clusters: the controllers with what names their cluster and
//! their role, the classes of nodes, account and region.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::formats::json_value;
use crate::formats::json_value::Plain;
use crate::inventory::{At, Builder, Draft, Inventory, Item, LiveOrigin, Node, Origin, Scope, SourceKind};
use crate::karpenter::controller;
use crate::schema::kinds;
use crate::schema::kinds::GatherScope;
use crate::sources::kubernetes;
use crate::sources::snapshot::left_out;

/// Kinds of which a report carries every object, beside the controllers and what is read because of them.
const CLASSES: [&str; 2] = ["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate"];

/// One cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterFacts {
    /// The name of its scope.
    pub scope: String,
    /// The uid of its namespace kube-system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The API server's URL.
    pub server: String,
    /// Was it asked from within, where that is the same in every cluster?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    within: bool,
    /// The account of its AWS resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Their region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    objects: Vec<Object>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    kind: String,
    api_version: String,
    body: Body,
}

#[derive(Clone, Debug)]
struct Body(Node);

impl Serialize for Body {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Plain(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Plain::<Node>::deserialize(deserializer).map(|plain| Self(plain.0))
    }
}

/// The facts of each cluster that was asked, now or for a snapshot.
pub fn of(inventory: &Inventory) -> Vec<ClusterFacts> {
    inventory.scopes().iter().filter_map(|scope| of_scope(inventory, scope)).collect()
}

fn of_scope(inventory: &Inventory, scope: &Scope) -> Option<ClusterFacts> {
    let cluster = scope.clusters().first()?;
    let home = |fact: &str| {
        let known = |(_, item): (_, &Item)| scope.home(item, fact).and_then(Node::as_str).map(str::to_owned);
        scope.items().filter(|(_, item)| &*item.kind == kinds::CLUSTER).find_map(known)
    };
    let objects = scope.items().filter(|(_, item)| item.source == SourceKind::Live && is_carried(item)).filter_map(
        |(_, item)| {
            let Origin::Live(live) = &inventory.document(item.doc()).origin else { return None };
            let body = left_out::of_object(&item.kind, item.body.clone());
            Some(Object { kind: item.kind.to_string(), api_version: live.api_version.to_string(), body: Body(body) })
        },
    );
    Some(ClusterFacts {
        scope: scope.name().to_owned(),
        uid: cluster.uid.clone(),
        server: cluster.server.to_string(),
        within: cluster.within,
        account: home("account"),
        region: home("region"),
        objects: objects.collect(),
    })
}

fn is_carried(item: &Item) -> bool {
    match &*item.kind {
        "apps/Deployment" => controller::container_of(item).is_some(),
        "core/ConfigMap" => &*item.name == controller::GLOBAL_SETTINGS,
        // Of these only the controller's own are read, unless a rule of the user's reads all.
        "core/ServiceAccount" => {
            item.body.at_path(&["metadata", "annotations", "eks.amazonaws.com/role-arn"]).is_some()
        }
        kind => CLASSES.contains(&kind),
    }
}

impl ClusterFacts {
    /// Which cluster it is: its uid, else its address. Seen from within, the API servers of all clusters have one, so that it is then
    /// what was seen: of the same cluster, twice the same.
    fn identity(&self) -> String {
        match &self.uid {
            Some(uid) => uid.clone(),
            None if self.within => serde_json::to_string(self).unwrap_or_default(),
            None => format!("{} {}", self.server, self.scope),
        }
    }
}

/// The facts of several reports, taken in one by one.
#[derive(Debug, Default)]
pub struct Facts {
    seen: BTreeSet<String>,
}

impl Facts {
    /// Takes the facts of one cluster in. One that was taken in already counts once: then it is false.
    pub fn take_in(&mut self, facts: ClusterFacts, gather_scope: &GatherScope, builder: &mut Builder) -> bool {
        if !self.seen.insert(facts.identity()) {
            return false;
        }
        let id = builder.cluster(facts.scope.as_str(), facts.server.as_str(), vec![]);
        builder.set_asked(id, facts.within, true);
        builder.set_uid(id, facts.uid.clone());
        let origin = |api_version: &str, kind: &str, namespace: &str, name: &str| {
            Origin::Live(Box::new(LiveOrigin {
                context: facts.scope.as_str().into(),
                api_version: api_version.into(),
                kind: kind.into(),
                namespace: namespace.into(),
                name: name.into(),
            }))
        };
        builder.set_location(id, facts.region.as_deref(), facts.account.as_deref(), origin("v1", "Cluster", "", ""));
        for Object { kind, api_version, body: Body(body) } in facts.objects {
            let name = kind.rsplit_once('/').map_or(kind.as_str(), |(_, name)| name);
            // What has no name is no object.
            let Ok(mut object) = json_value::of_body(body, &api_version, name) else { continue };
            left_out::mark(&mut object.body);
            let namespace = object.namespace.as_deref().unwrap_or_default();
            let doc = builder.document(origin(&api_version, name, namespace, &object.name));
            json_value::place(&mut object.body, At::whole(doc));
            let mut draft = Draft::new(Arc::from(kind.as_str()), object.name, object.body, SourceKind::Live);
            draft.namespace = object.namespace;
            draft.cluster = id;
            kubernetes::add(builder, gather_scope, draft);
        }
        true
    }
}
