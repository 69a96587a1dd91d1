//! Several clusters that one root, file or generator describes: whose is what.

use serde_json::{Value as Json, json};

use super::TestDir;

/// What was found for certain, each as its rule, the name of its subject and its scopes; none where there is one scope.
fn failures(place: &TestDir, folder: &str) -> Vec<(String, String, Json)> {
    let ended = place.run(&["check", "--offline", "-o", "json", "-f", folder]);
    let report: Json =
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.err));
    let text = |node: &Json| node.as_str().unwrap_or_default().to_owned();
    let all = report["findings"].as_array().unwrap();
    all.iter()
        .filter(|finding| finding["outcome"] == "fail" && finding["severity"] == "error")
        .map(|finding| (text(&finding["rule"]), text(&finding["subject"]["name"]), finding["scopes"].clone()))
        .collect()
}

/// A module with a cluster's controller, queue and node class.
const MODULE: &str = r#"
variable "cluster" {}
variable "release" {}
variable "api" {}
variable "queue_key" { default = null }
resource "aws_sqs_queue" "karpenter" {
  name              = "karpenter-${var.cluster}"
  kms_master_key_id = var.queue_key
}
resource "helm_release" "karpenter" {
  name       = "karpenter"
  namespace  = "kube-system"
  repository = "oci://public.ecr.aws/karpenter"
  chart      = "karpenter"
  version    = var.release
  values     = [yamlencode({ settings = { clusterName = var.cluster, interruptionQueue = aws_sqs_queue.karpenter.name } })]
}
resource "kubectl_manifest" "class" {
  yaml_body = <<-YAML
    apiVersion: karpenter.k8s.aws/${var.api}
    kind: EC2NodeClass
    metadata: {name: of-${var.cluster}}
    spec:
      role: nodes
      amiFamily: AL2023
      amiSelectorTerms: [{id: ami-0123456789abcdef0}]
      subnetSelectorTerms: [{tags: {team: a}}]
      securityGroupSelectorTerms: [{tags: {team: b}}]
  YAML
}
"#;

#[test]
fn calls_of_a_module_are_each_of_their_own_cluster() {
    let by_name = r#"
module "staging" {
  source    = "./cluster"
  cluster   = "staging"
  release   = "0.37.0"
  api       = "v1beta1"
}
module "prod" {
  source    = "./cluster"
  cluster   = "prod"
  release   = "1.13.0"
  api       = API
  queue_key = KEY
}
"#;
    let by_key = r#"
locals {
  clusters = {
    staging = { release = "0.37.0", api = "v1beta1", key = null }
    prod    = { release = "1.13.0", api = API, key = KEY }
  }
}
module "cluster" {
  source    = "./cluster"
  for_each  = local.clusters
  cluster   = each.key
  release   = each.value.release
  api       = each.value.api
  queue_key = each.value.key
}
"#;
    for calls in [by_name, by_key] {
        let place = TestDir::new();
        place.write("root/cluster/main.tf", MODULE);
        place.write("root/main.tf", calls.replace("API", "\"v1\"").replace("KEY", "null"));
        assert_eq!(failures(&place, "root"), vec![], "{calls}");
        place.write("root/main.tf", calls.replace("API", "\"v1beta1\"").replace("KEY", "\"alias/aws/sqs\""));
        let of_prod = |rule: &str, name: &str| (rule.to_owned(), name.to_owned(), json!(["prod"]));
        let expected = [of_prod("queue-aws-managed-key", "karpenter-prod"), of_prod("api-version-removed", "of-prod")];
        assert_eq!(failures(&place, "root"), expected, "{calls}");
    }
}

#[test]
fn what_stands_with_the_key_of_a_cluster_is_of_that_cluster() {
    let (release, class) = MODULE.split_at(MODULE.find("resource \"kubectl_manifest\"").unwrap());
    let (class_alone, of_class) = ("variable \"cluster\" {}\nvariable \"api\" {}\n", class);
    let place = TestDir::new();
    place.write("root/release/main.tf", release);
    place.write("root/class/main.tf", format!("{class_alone}{of_class}"));
    let root = r#"
locals {
  clusters = {
    staging = { release = "0.37.0", api = "v1beta1" }
    prod    = { release = "1.13.0", api = "v1beta1" }
  }
}
module "release" {
  source   = "./release"
  for_each = local.clusters
  cluster  = each.key
  release  = each.value.release
  api      = each.value.api
}
module "class" {
  source   = "./class"
  for_each = local.clusters
  cluster  = each.key
  api      = each.value.api
}
"#;
    place.write("root/main.tf", root);
    let expected = [("api-version-removed".to_owned(), "of-prod".to_owned(), json!(["prod"]))];
    assert_eq!(failures(&place, "root"), expected);
}

fn release(cluster: &str, version: &str) -> Json {
    json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": format!("karpenter-{cluster}"), "namespace": "kube-system"},
        "spec": {"chart": {"spec": {"chart": "karpenter", "version": version,
                "sourceRef": {"kind": "HelmRepository", "name": "karpenter"}}},
            "values": {"settings": {"clusterName": cluster, "interruptionQueue": cluster}}}})
}

#[test]
fn what_stands_with_the_releases_of_two_clusters_is_of_the_one_that_it_names() {
    let class = |tag: &str| {
        let terms = json!([{"tags": {"karpenter.sh/discovery": tag}}]);
        json!({"apiVersion": "karpenter.k8s.aws/v1beta1", "kind": "EC2NodeClass", "metadata": {"name": "default"},
            "spec": {"role": "nodes", "amiFamily": "AL2", "subnetSelectorTerms": terms, "securityGroupSelectorTerms": terms}})
    };
    let failures = |tag: &str| {
        let place = TestDir::new();
        let objects = [release("staging", "0.37.0"), release("prod", "1.13.0"), class(tag)];
        place.write("all/all.yaml", objects.map(|object| object.to_string()).join("\n---\n"));
        failures(&place, "all")
    };
    assert_eq!(failures("staging"), vec![]);
    assert!(
        matches!(failures("prod").as_slice(), [(rule, _, of)] if rule == "api-version-removed" && *of == json!(["prod"]))
    );
    // Whose it is cannot be told.
    assert_eq!(failures("nodes"), vec![]);
}

#[test]
fn values_of_a_chart_that_lies_elsewhere_are_no_file_of_the_repository() {
    let place = TestDir::new();
    let application = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "argocd"},
        "spec": {"source": {"repoURL": "https://example.com/charts", "chart": "argo-cd", "targetRevision": "5.51.6",
            "helm": {"valueFiles": ["values.yaml"]}}, "destination": {"namespace": "argocd"}}});
    place.write("all/argocd/app.yaml", application.to_string());
    place.write(
        "all/karpenter/values.yaml",
        "settings:\n  clusterName: prod\n  interruptionQueueName: prod\nimage: {tag: 1.13.0}\n",
    );
    let ended = place.run(&["check", "--offline", "-o", "json", "-f", "all"]);
    let report: Json = serde_json::from_str(&ended.out).unwrap();
    let controllers: Vec<&Json> =
        report["findings"].as_array().unwrap().iter().map(|one| &one["subject"]["name"]).collect();
    assert!(!controllers.is_empty() && controllers.iter().all(|name| *name == "karpenter"), "{controllers:?}");
}
