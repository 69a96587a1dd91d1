//! Consequences stand under their cause: for each pair an input on which both rules fail.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use kubectl_karpcheck::engine;
use kubectl_karpcheck::engine::Selected;
use kubectl_karpcheck::findings::finding::{Outcome, RuleInfo};
use kubectl_karpcheck::inventory::{Builder, Stated};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

use super::harness::{harness, root, rule};

/// What of a fixture is input.
fn input(fixture: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/fixtures/rules").join(fixture);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{fixture}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| !["args", "expected", "ORIGIN"].iter().any(|ours| path.ends_with(ours)))
        .collect();
    files.sort();
    files
}

/// Asserts that the findings of a rule follow from those of another on these fixtures and this text.
fn follows(effect: &str, cause: &str, fixtures: &[&str], text: &str, stated: Stated) {
    let pack = &harness().builtin;
    let rules: Vec<RuleInfo> = [effect, cause].iter().map(|id| rule(pack, id).clone()).collect();
    let kinds = rules.iter().flat_map(|rule| rule.subjects.iter().chain(&rule.reads).chain(&rule.reads_if_allowed));
    let plan = GatherScope::new(kinds.map(|kind| (kind.as_str(), false)));
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<PathBuf> = fixtures.iter().flat_map(|fixture| input(fixture)).collect();
    if !text.is_empty() {
        files.push(folder.path().join("more.yaml"));
        fs::write(&files[files.len() - 1], text).unwrap();
    }
    let mut builder = Builder::new(stated);
    let named = sources::Named { paths: &files, ..sources::Named::default() };
    sources::files(named, &plan, &mut builder, &mut std::io::empty());
    let chosen: Vec<Selected<'_>> = rules.iter().map(|rule| Selected::new(pack, rule)).collect();
    let mut results = engine::run_rules(&harness().engine, &chosen, &Arc::new(karpenter::inventory(builder)));
    results.trace(&rules);
    let failed =
        |id: &str| results.findings.iter().filter(|one| one.rule == id && one.outcome == Outcome::Fail).count();
    assert!(failed(effect) > 0 && failed(cause) > 0, "{effect} {}, {cause} {}", failed(effect), failed(cause));
    assert!(
        results
            .findings
            .iter()
            .any(|one| one.rule == effect && one.follows.is_some_and(|root| results.findings[root].rule == cause)),
        "no finding of {effect} follows from one of {cause}"
    );
}

#[test]
fn events_do_not_arrive_because_of_the_managed_key() {
    let fixture = "queue-delivery-failing/fail-every-invocation";
    follows("queue-delivery-failing", "queue-aws-managed-key", &[fixture], "", Stated::default());
}

#[test]
fn a_table_is_updated_without_end_because_of_its_key() {
    follows("ack-update-loop", "ack-key-loops", &["ack-update-loop/fail-quota-phase"], "", Stated::default());
}

#[test]
fn a_reference_is_pruned_because_the_definition_is_old() {
    follows(
        "ack-ref-pruned",
        "ack-crd-outdated",
        &["ack-ref-pruned/fail-and-the-crd-shows-why"],
        "",
        Stated::default(),
    );
}

#[test]
fn a_wrong_cluster_name_explains_what_does_not_fit_it() {
    let named = |name: &str| Stated { cluster_name: Some(name.into()), ..Stated::default() };
    let cause = "cluster-name-mismatch";
    let controller = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: karpenter, namespace: kube-system}
spec:
  template:
    spec:
      containers:
        - name: controller
          image: public.ecr.aws/karpenter/controller:1.14.1
          env: [{name: CLUSTER_NAME, value: prod}]
";
    let policy = "cluster-name-policy-mismatch/fail-conditions-of-another-cluster";
    follows("cluster-name-policy-mismatch", cause, &[policy], controller, named("demo"));
    let two = "cluster-name-shared/fail-two-endpoints-of-one-region";
    // The name that is stated is meant for a cluster that says none; here a component of one of them says another.
    let third = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: karpenter, namespace: kube-system}
spec:
  template:
    spec:
      containers:
        - name: controller
          image: public.ecr.aws/karpenter/controller:1.8.1
          env:
            - {name: CLUSTER_NAME, value: prod}
            - {name: CLUSTER_ENDPOINT, value: 'https://4E5F.gr7.eu-west-1.eks.amazonaws.com'}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: eks-pod-identity-agent, namespace: kube-system}
spec: {template: {spec: {containers: [{name: agent, args: [--cluster-name=another]}]}}}
";
    follows("cluster-name-shared", cause, &[two], third, Stated::default());
    follows(
        "cluster-name-interference",
        cause,
        &["cluster-name-interference/fail-nodes-terminated"],
        "",
        named("another"),
    );
}

#[test]
fn nodes_vanish_because_two_clusters_share_a_name() {
    let fixtures =
        ["cluster-name-shared/fail-two-endpoints-of-one-region", "cluster-name-interference/fail-nodes-terminated"];
    follows("cluster-name-interference", "cluster-name-shared", &fixtures, "", Stated::default());
}

#[test]
fn nodes_do_not_register_because_of_their_volumes_key() {
    let class = "\
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec:
  role: nodes
  blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {kmsKeyID: alias/nodes}}]
";
    let pool = "ebs-launch-failures/fail-pool-without-a-key";
    follows("ebs-launch-failures", "ebs-key-without-encryption", &[pool], class, Stated::default());
}

#[test]
fn a_launch_is_refused_because_the_policy_lets_nothing_be_tagged() {
    let claim = "\
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: other, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
spec: {role: nodes}
status:
  conditions:
    - {type: ValidationSucceeded, status: \"False\", reason: CreateFleetAuthCheckFailed, message: Controller isn't authorized}
";
    let policy = "create-tags-denied-at-launch/fail-spot-under-the-template-of-0-32";
    let stated = Stated { karpenter_version: Some("0.37.8".into()), ..Stated::default() };
    follows("tagging-denied", "create-tags-denied-at-launch", &[policy], claim, stated);
}

#[test]
fn a_class_is_not_ready_because_aws_refuses_the_dry_run() {
    let class = "node-class-not-ready/fail-dry-run-refused";
    follows("node-class-not-ready", "tagging-denied", &[class], "", Stated::default());
}

#[test]
fn a_pool_is_not_ready_because_its_class_is_not() {
    let pool = "\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a12}
spec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}}}
status:
  conditions:
    - {type: NodeClassReady, status: \"False\", reason: UnhealthyDependents, message: SubnetsReady=False}
";
    let class = "node-class-not-ready/fail-nothing-selected";
    follows("node-pool-not-ready", "node-class-not-ready", &[class], pool, Stated::default());
}

#[test]
fn nodes_do_not_register_because_of_the_key() {
    let class = "\
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec:
  role: nodes
  blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {kmsKeyID: alias/nodes}}]
";
    let pool = "node-pool-not-ready/fail-registrations";
    follows("node-pool-not-ready", "ebs-key-without-encryption", &[pool], class, Stated::default());
}

#[test]
fn a_queue_of_ack_does_not_reach_aws_because_of_a_reference() {
    let queue = "\
apiVersion: sqs.services.k8s.aws/v1alpha1
kind: Queue
metadata: {name: orders, namespace: shop, uid: 0d3c9b7e-9c2f-4d38-8a0e-5c6d1b0e7f21}
spec: {queueName: orders, kmsMasterKeyRef: {from: {name: orders-key}}}
status:
  conditions:
    - {type: ACK.ReferencesResolved, status: Unknown, message: Reference resolution failed, reason: \"the referenced resource is not synced yet. resource:Key, namespace:shop, name:orders-key\"}
";
    follows("ack-not-synced", "ack-ref-dangling", &[], queue, Stated::default());
}

#[test]
fn every_cause_that_a_rule_names_is_a_rule() {
    let rules = harness().builtin.rules();
    for rule in rules {
        for cause in rule.follows() {
            assert!(cause != rule.id && rules.iter().any(|other| other.id == cause), "{} follows {cause}", rule.id);
        }
    }
}
