//! Rules before a cluster that refuses: no file says so, so the inventory is made by hand.

use kubectl_karpcheck::model::verdict::Outcome;
use kubectl_karpcheck::model::{
    At, Builder, Cause, ClusterId, Draft, List, Listing, LiveOrigin, Map, Node, Origin, Reason, SourceKind, Value,
};
use serde_json::{Value as Json, json};

use super::WITHOUT_UNKNOWN_FILES;
use super::bench::{bench, rule};

fn node(at: At, json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::Text(text.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(|item| node(at, item)).collect::<List>()),
        Json::Object(members) => {
            Value::Map(members.iter().map(|(key, value)| (key.as_str().into(), node(at, value))).collect::<Map>())
        }
    };
    Node::new(value, at)
}

/// A cluster that lets some kinds be listed, and refuses others.
struct Cluster {
    builder: Builder,
    id: ClusterId,
    /// When the next objects were read.
    read_at: Option<std::sync::Arc<str>>,
    /// The controller's image.
    image: &'static str,
}

impl Cluster {
    fn that_refuses(kinds: &[&str]) -> Self {
        let mut builder = Builder::default();
        let id = builder.cluster("demo", "https://demo.example", vec![]);
        for kind in kinds {
            let why = format!("listing {kind} was refused");
            builder.listed(id, kind, Listing::Partial(Reason::new(Cause::Refused, why)));
        }
        Self { builder, id, read_at: None, image: "public.ecr.aws/karpenter/controller:0.31.5" }
    }

    fn with(mut self, kind: &str, namespace: &str, name: &str, mut body: Json) -> Self {
        let doc = self.builder.document(Origin::Live(Box::new(LiveOrigin {
            context: "demo".into(),
            api_version: "v1".into(),
            kind: kind.rsplit('/').next().unwrap().into(),
            namespace: namespace.into(),
            name: name.into(),
        })));
        body["metadata"] = json!({"name": name, "namespace": namespace, "uid": "0b1c2d3e-0000-4000-8000-000000000000"});
        let mut draft = Draft::new(kind, name, node(At::whole(doc), &body), SourceKind::Live);
        draft.namespace = Some(namespace.into());
        draft.cluster = self.id;
        draft.read_at.clone_from(&self.read_at);
        self.builder.add(draft);
        self
    }

    fn with_controller(self, env: &Json) -> Self {
        let container = json!({"name": "controller", "image": self.image, "env": env});
        self.with(
            "apps/Deployment",
            "karpenter",
            "karpenter",
            json!({"spec": {"template": {"spec": {"containers": [container]}}}}),
        )
    }

    /// What a rule says: the outcome and why it could not be told.
    fn judged(self, id: &str) -> Vec<(Outcome, Option<Cause>)> {
        let pack = &bench().builtin;
        let judged = bench().inventory(pack, rule(pack, id), self.builder.build());
        judged
            .judgement
            .findings
            .into_iter()
            .map(|finding| (finding.outcome, finding.reason.map(|reason| reason.cause)))
            .collect()
    }
}

const REFUSED: (Outcome, Option<Cause>) = (Outcome::Unknown, Some(Cause::Refused));

#[test]
fn a_queue_whose_config_map_was_refused_may_be_set_there() {
    let cluster = || {
        Cluster::that_refuses(&["core/ConfigMap"])
            .with_controller(&json!([{"name": "KARPENTER_SERVICE", "value": "karpenter"}]))
    };
    for id in ["queue-not-configured", "cluster-name-empty"] {
        assert_eq!(cluster().judged(id), [REFUSED], "{id}");
    }
}

#[test]
fn a_key_that_may_not_be_listed_may_be_there() {
    let queue = json!({"spec": {"queueName": "orders", "kmsMasterKeyRef": {"from": {"name": "orders-key"}}}});
    let cluster = Cluster::that_refuses(&["kms.services.k8s.aws/Key"]);
    assert_eq!(
        cluster.with("sqs.services.k8s.aws/Queue", "shop", "orders", queue).judged("ack-ref-dangling"),
        [REFUSED]
    );
}

#[test]
fn a_controller_that_may_not_be_listed_may_serve_anything() {
    let pool = json!({"apiVersion": "karpenter.sh/v1beta1", "spec": {}});
    let cluster = Cluster::that_refuses(&["apps/Deployment"]);
    assert_eq!(cluster.with("karpenter.sh/NodePool", "", "default", pool).judged("api-version-removed"), [REFUSED]);
}

#[test]
fn rules_without_unknown_cases_stay_silent_where_all_else_was_refused() {
    let kinds = [
        "apps/DaemonSet",
        "core/ConfigMap",
        "core/Node",
        "core/Pod",
        "core/ServiceAccount",
        "sqs.services.k8s.aws/Queue",
    ];
    for (id, _) in WITHOUT_UNKNOWN_FILES {
        for env in [
            json!([{"name": "KARPENTER_SERVICE", "value": "karpenter"}]),
            json!([{"name": "CLUSTER_NAME", "valueFrom": {"configMapKeyRef": {"name": "cluster", "key": "name"}}},
                   {"name": "INTERRUPTION_QUEUE", "value": "$(CLUSTER_NAME)"}]),
        ] {
            assert_eq!(Cluster::that_refuses(&kinds).with_controller(&env).judged(id), [], "{id}");
        }
    }
}

fn registered_claim(read_at: &str) -> Cluster {
    let claim = json!({"apiVersion": "karpenter.sh/v1", "spec": {}, "status": {"conditions": [
        {"type": "Registered", "status": "True", "reason": "Registered", "lastTransitionTime": "2026-03-02T09:21:15Z"}]}});
    let mut cluster = Cluster::that_refuses(&[]);
    cluster.image = "public.ecr.aws/karpenter/controller:1.8.7";
    cluster.read_at = Some(read_at.into());
    let cluster = cluster.with_controller(&json!([{"name": "KARPENTER_SERVICE", "value": "karpenter"}]));
    cluster.with("karpenter.sh/NodeClaim", "", "default-abcde", claim)
}

#[test]
fn a_node_claim_that_stays_untagged_is_reported_once_it_is_old_enough() {
    assert_eq!(registered_claim("2026-03-02T09:30:00Z").judged("tagging-denied"), []);
    assert_eq!(registered_claim("2026-03-02T10:00:00Z").judged("tagging-denied"), [(Outcome::Fail, None)]);
}

fn unregistered_claim(read_at: &str) -> Cluster {
    let claim = json!({"apiVersion": "karpenter.sh/v1",
        "spec": {"nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}},
        "status": {"conditions": [
            {"type": "Launched", "status": "True", "reason": "Launched", "lastTransitionTime": "2026-03-02T09:21:15Z"},
            {"type": "Registered", "status": "Unknown", "reason": "NodeNotFound", "lastTransitionTime": "2026-03-02T09:21:15Z"}]}});
    let mut cluster = Cluster::that_refuses(&[]);
    cluster.read_at = Some(read_at.into());
    cluster.with("karpenter.sh/NodeClaim", "", "default-abcde", claim)
}

#[test]
fn a_node_claim_whose_node_does_not_come_is_reported_once_it_is_old_enough() {
    assert_eq!(unregistered_claim("2026-03-02T09:24:00Z").judged("ebs-launch-failures"), []);
    assert_eq!(unregistered_claim("2026-03-02T09:33:00Z").judged("ebs-launch-failures"), [(Outcome::Fail, None)]);
}
