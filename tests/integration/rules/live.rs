//! Rules before a cluster that refuses: no file says so, so the inventory is made by hand.

use kubectl_karpcheck::findings::finding::{Finding, Outcome, Severity};
use kubectl_karpcheck::inventory::{
    At, Builder, Cause, ClusterId, Draft, Gap, List, Listing, LiveOrigin, Map, Node, Origin, Reason, SourceKind,
    Stated, Value,
};
use kubectl_karpcheck::karpenter;
use serde_json::{Value as Json, json};

use super::WITHOUT_UNKNOWN_FILES;
use super::harness::{harness, rule};

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
pub(super) struct Cluster {
    builder: Builder,
    id: ClusterId,
    /// When the next objects were read.
    pub(super) read_at: Option<std::sync::Arc<str>>,
    /// The controller's image.
    pub(super) image: String,
}

impl Cluster {
    pub(super) fn that_refuses(kinds: &[&str]) -> Self {
        let mut builder = Builder::default();
        let id = builder.cluster("demo", "https://demo.example", vec![]);
        for kind in kinds {
            let why = format!("listing {kind} was refused");
            builder.listed(id, kind, Listing::Partial(Reason::new(Cause::Refused, Gap::said(why))));
        }
        Self { builder, id, read_at: None, image: "public.ecr.aws/karpenter/controller:0.31.5".into() }
    }

    pub(super) fn with(mut self, kind: &str, namespace: &str, name: &str, mut body: Json) -> Self {
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

    pub(super) fn with_controller(self, env: &Json) -> Self {
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
        self.findings(id)
            .into_iter()
            .map(|finding| (finding.outcome, finding.reason.map(|reason| reason.cause)))
            .collect()
    }

    /// What a rule finds.
    pub(super) fn findings(self, id: &str) -> Vec<Finding> {
        let pack = &harness().builtin;
        harness().inventory(pack, rule(pack, id), karpenter::inventory(self.builder)).results.findings
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
fn rules_without_unknown_cases_stay_silent_when_refused() {
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
    cluster.image = "public.ecr.aws/karpenter/controller:1.8.7".into();
    cluster.read_at = Some(read_at.into());
    let cluster = cluster.with_controller(&json!([{"name": "KARPENTER_SERVICE", "value": "karpenter"}]));
    cluster.with("karpenter.sh/NodeClaim", "", "default-abcde", claim)
}

#[test]
fn an_old_untagged_node_claim_is_reported() {
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
fn an_old_node_claim_without_a_node_is_reported() {
    assert_eq!(unregistered_claim("2026-03-02T09:24:00Z").judged("ebs-launch-failures"), []);
    assert_eq!(unregistered_claim("2026-03-02T09:33:00Z").judged("ebs-launch-failures"), [(Outcome::Fail, None)]);
}

/// What a rule says of two clusters, each with its server and its object: outcome and severity.
fn two_clusters(id: &str, servers: [&str; 2], kind: &str, bodies: [&Json; 2]) -> Vec<(Outcome, Severity)> {
    let stated = Stated { account: Some("111122223333".into()), region: Some("eu-west-1".into()), ..Stated::default() };
    let mut builder = Builder::new(stated);
    for (context, (server, body)) in ["blue", "green"].into_iter().zip(servers.into_iter().zip(bodies)) {
        let id = builder.cluster(context, server, vec![]);
        let doc = builder.document(Origin::Live(Box::new(LiveOrigin {
            context: context.into(),
            api_version: "v1".into(),
            kind: kind.rsplit('/').next().unwrap().into(),
            namespace: "kube-system".into(),
            name: "karpenter".into(),
        })));
        let mut draft = Draft::new(kind, "karpenter", node(At::whole(doc), body), SourceKind::Live);
        draft.namespace = Some("kube-system".into());
        draft.cluster = id;
        builder.add(draft);
    }
    let pack = &harness().builtin;
    let judged = harness().inventory(pack, rule(pack, id), karpenter::inventory(builder));
    judged.results.findings.iter().map(|finding| (finding.outcome, finding.severity)).collect()
}

fn deployment(name: &str, queue: &str) -> Json {
    json!({"spec": {"template": {"spec": {"containers": [{
        "name": "controller", "image": "public.ecr.aws/karpenter/controller:1.8.7",
        "env": [{"name": "CLUSTER_NAME", "value": name}, {"name": "INTERRUPTION_QUEUE", "value": queue}]}]}}}})
}

const TWO: [&str; 2] = ["https://blue.example", "https://green.example"];
const ONE: [&str; 2] = ["https://blue.example", "https://BLUE.example/"];
const DEPLOYMENT: &str = "apps/Deployment";
const ERROR: (Outcome, Severity) = (Outcome::Fail, Severity::Error);

#[test]
fn contexts_with_one_cluster_name_are_reported_once() {
    let same = deployment("prod", "prod");
    assert_eq!(two_clusters("cluster-name-shared", TWO, DEPLOYMENT, [&same, &same]), [ERROR]);
    assert_eq!(two_clusters("cluster-name-shared", ONE, DEPLOYMENT, [&same, &same]), []);
    assert_eq!(two_clusters("cluster-name-shared", TWO, DEPLOYMENT, [&same, &deployment("test", "prod")]), []);
}

#[test]
fn two_contexts_with_one_queue_are_reported_once() {
    let (blue, green) = (deployment("blue", "karpenter"), deployment("green", "karpenter"));
    assert_eq!(two_clusters("queue-shared", TWO, DEPLOYMENT, [&blue, &green]), [ERROR]);
    assert_eq!(two_clusters("queue-shared", ONE, DEPLOYMENT, [&blue, &green]), []);
}

#[test]
fn a_discovery_tag_of_two_clusters_is_reported() {
    let class = |groups: &str| {
        json!({"spec": {"securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": groups}}],
            "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "network"}}]}})
    };
    let kind = "karpenter.k8s.aws/EC2NodeClass";
    let (warning, info) = ((Outcome::Fail, Severity::Warning), (Outcome::Fail, Severity::Info));
    let shared = two_clusters("discovery-tag-shared", TWO, kind, [&class("a"), &class("a")]);
    assert_eq!(shared, [warning, info, warning, info]);
    assert_eq!(two_clusters("discovery-tag-shared", TWO, kind, [&class("a"), &class("b")]), [info, info]);
    assert_eq!(two_clusters("discovery-tag-shared", ONE, kind, [&class("a"), &class("a")]), []);
}
