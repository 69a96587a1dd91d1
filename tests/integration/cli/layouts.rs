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

fn values(cluster: &str, tag: &str) -> String {
    json!({"settings": {"clusterName": cluster, "interruptionQueue": cluster}, "controller": {"image": {"tag": tag}}})
        .to_string()
}

fn class(version: &str) -> String {
    let terms = json!([{"tags": {"team": "nodes"}}]);
    json!({"apiVersion": format!("karpenter.k8s.aws/{version}"), "kind": "EC2NodeClass", "metadata": {"name": "default"},
        "spec": {"role": "nodes", "amiFamily": "AL2023", "amiSelectorTerms": [{"id": "ami-0123456789abcdef0"}],
            "subnetSelectorTerms": terms, "securityGroupSelectorTerms": terms}})
    .to_string()
}

fn chart(files: &[&str]) -> Json {
    json!({"repoURL": "public.ecr.aws/karpenter", "chart": "karpenter", "targetRevision": "1.13.0", "helm": {"valueFiles": files}})
}

fn folder(path: &str) -> Json {
    json!({"repoURL": "https://example.com/fleet.git", "targetRevision": "HEAD", "path": path})
}

fn set(name: &str, generator: &Json, sources: &[Json], cluster: &str) -> String {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": name, "namespace": "argocd"},
        "spec": {"generators": [generator], "template": {"metadata": {"name": format!("{cluster}-{name}")},
            "spec": {"sources": sources, "destination": {"name": cluster, "namespace": "kube-system"}}}}})
    .to_string()
}

/// What runs 1.13 in two clusters, of which one still has a class that it does not serve.
fn fleet() -> TestDir {
    let place = TestDir::new();
    for (cluster, version) in [("staging", "v1"), ("prod", "v1beta1")] {
        place.write(&format!("all/clusters/{cluster}/values.yaml"), values(cluster, "1.13.0"));
        place.write(&format!("all/clusters/{cluster}/nodes/class.yaml"), class(version));
        let facts =
            json!({"cluster": {"name": cluster}, "karpenter": {"values": format!("clusters/{cluster}/values.yaml")}});
        place.write(&format!("all/clusters/{cluster}/config.json"), facts.to_string());
    }
    place
}

fn only_prod_is_left_behind(place: &TestDir, of: &str) {
    let expected = [("api-version-removed".to_owned(), "default".to_owned(), json!(["prod"]))];
    assert_eq!(failures(place, "all"), expected, "{of}");
}

#[test]
fn each_application_of_a_set_takes_in_what_is_for_its_cluster() {
    let reference = json!({"repoURL": "https://example.com/fleet.git", "targetRevision": "HEAD", "ref": "fleet"});
    let clusters = json!({"list": {"elements": [{"cluster": "staging"}, {"cluster": "prod"}]}});
    let addons = json!({"list": {"elements": [{"addon": "karpenter"}]}});
    let blank = json!({"list": {"elements": [{"cluster": "staging", "env": "x"}, {"cluster": "prod", "env": "x"}]}});
    let folders = json!({"git": {"repoURL": "https://example.com/fleet.git", "directories": [{"path": "clusters/*"}]}});
    let files =
        json!({"git": {"repoURL": "https://example.com/fleet.git", "files": [{"path": "clusters/**/config.json"}]}});
    for (kind, generator, cluster, path, named) in [
        ("list", clusters.clone(), "{{cluster}}", "clusters/{{cluster}}", None),
        (
            "matrix",
            json!({"matrix": {"generators": [addons, clusters.clone()]}}),
            "{{cluster}}",
            "clusters/{{cluster}}",
            None,
        ),
        (
            "merge",
            json!({"merge": {"mergeKeys": ["cluster"], "generators": [blank, clusters.clone()]}}),
            "{{cluster}}",
            "clusters/{{cluster}}",
            None,
        ),
        ("directories", folders.clone(), "{{path.basename}}", "{{path}}", None),
        ("directories, in Go's words", folders, "{{.path.basename}}", "{{ .path.path }}", None),
        ("files", files, "{{cluster.name}}", "{{path}}", Some("$fleet/{{karpenter.values}}")),
    ] {
        let place = fleet();
        let own = format!("$fleet/{path}/values.yaml");
        let karpenter = chart(&[named.unwrap_or(&own)]);
        let nodes = folder(&format!("{path}/nodes"));
        place.write(
            "all/sets/all.yaml",
            set("karpenter", &generator, &[karpenter.clone(), reference.clone(), nodes.clone()], cluster),
        );
        only_prod_is_left_behind(&place, kind);
        // The nodes are installed by another set.
        place.write("all/sets/all.yaml", set("karpenter", &generator, &[karpenter, reference.clone()], cluster));
        place.write("all/sets/nodes.yaml", set("nodes", &generator, &[nodes], cluster));
        only_prod_is_left_behind(&place, &format!("{kind}, two sets"));
    }
}

#[test]
fn applications_of_one_folder_take_in_what_is_for_their_clusters() {
    let place = fleet();
    for cluster in ["staging", "prod"] {
        let application = |name: &str, source: Json| {
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": format!("{cluster}-{name}")},
                "spec": {"source": source, "destination": {"server": format!("https://{cluster}.example.com"), "namespace": "x"}}})
            .to_string()
        };
        let mut karpenter = chart(&[]);
        karpenter["helm"] = json!({"values": values(cluster, "1.13.0")});
        place.write(&format!("all/apps/{cluster}.yaml"), application("karpenter", karpenter));
        place.write(
            &format!("all/apps/{cluster}-nodes.yaml"),
            application("nodes", folder(&format!("clusters/{cluster}/nodes"))),
        );
        place.write(&format!("all/clusters/{cluster}/values.yaml"), "{}");
    }
    only_prod_is_left_behind(&place, "applications");
}

#[test]
fn a_file_of_values_that_says_little_is_found_where_an_application_names_it() {
    let place = TestDir::new();
    let application = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "karpenter"},
        "spec": {"sources": [chart(&["$own/base.yaml", "$own/prod/own.yaml"]), {"repoURL": "https://example.com", "ref": "own"}],
            "destination": {"namespace": "kube-system"}}});
    place.write("all/apps/karpenter.yaml", application.to_string());
    place.write("all/base.yaml", "settings: {clusterName: '', interruptionQueue: ''}\n");
    place.write("all/prod/own.yaml", "settings: {clusterName: ''}\n");
    let empty = [("cluster-name-empty".to_owned(), "karpenter".to_owned(), Json::Null)];
    assert_eq!(failures(&place, "all"), empty);
    place.write("all/prod/own.yaml", "settings: {clusterName: prod}\n");
    assert_eq!(failures(&place, "all"), vec![]);
}

#[test]
fn a_helmfile_that_says_that_it_is_a_template_is_read() {
    let place = TestDir::new();
    let helmfile = "releases:\n  - name: karpenter\n    namespace: kube-system\n    \
                    chart: oci://public.ecr.aws/karpenter/karpenter\n    version: 1.8.2\n    values:\n      \
                    - settings: {clusterName: prod, interruptionQueue: prod}\n";
    place.write("all/nodes.yaml", class("v1beta1"));
    for name in ["helmfile.yaml.gotmpl", "helmfile.d/karpenter.yaml.gotmpl"] {
        place.write(&format!("all/{name}"), helmfile);
        let expected = [("api-version-removed".to_owned(), "default".to_owned(), Json::Null)];
        assert_eq!(failures(&place, "all"), expected, "{name}");
        place.write(&format!("all/{name}"), "releases: []\n");
    }
}

#[test]
fn variables_of_a_base_are_what_each_overlay_has() {
    let place = TestDir::new();
    let container = json!({"name": "controller", "image": "public.ecr.aws/karpenter/controller:1.13.0", "env": [
        {"name": "CLUSTER_NAME", "value": "$(CLUSTER)"}, {"name": "INTERRUPTION_QUEUE", "value": "karpenter-$(CLUSTER)"}]});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "karpenter", "namespace": "kube-system"},
        "spec": {"template": {"spec": {"serviceAccountName": "karpenter", "containers": [container]}}}});
    place.write("all/base/karpenter.yaml", deployment.to_string());
    let variable = json!({"name": "CLUSTER", "objref": {"apiVersion": "v1", "kind": "ConfigMap", "name": "facts"},
        "fieldref": {"fieldpath": "data.cluster"}});
    place
        .write("all/base/kustomization.yaml", json!({"resources": ["karpenter.yaml"], "vars": [variable]}).to_string());
    for (cluster, version) in [("staging", "v1"), ("prod", "v1beta1")] {
        let facts = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "facts"}, "data": {"cluster": cluster}});
        place.write(&format!("all/overlays/{cluster}/facts.yaml"), facts.to_string());
        place.write(&format!("all/overlays/{cluster}/class.yaml"), class(version));
        let overlay = json!({"resources": ["../../base", "facts.yaml", "class.yaml"]});
        place.write(&format!("all/overlays/{cluster}/kustomization.yaml"), overlay.to_string());
    }
    only_prod_is_left_behind(&place, "variables");
}

#[test]
fn roles_of_one_name_are_each_of_the_cluster_that_their_root_names() {
    let place = TestDir::new();
    let policy = |cluster: &str, actions: &[&str]| {
        let owned = json!({"StringEquals": {format!("aws:ResourceTag/kubernetes.io/cluster/{cluster}"): "owned"}});
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Resource": "*", "Action": actions},
            {"Effect": "Allow", "Resource": "*", "Action": ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"], "Condition": owned}]})
    };
    let all = [
        "ec2:RunInstances",
        "ec2:CreateFleet",
        "ec2:CreateLaunchTemplate",
        "ec2:CreateTags",
        "ec2:Describe*",
        "ssm:GetParameter",
        "pricing:GetProducts",
        "iam:*InstanceProfile*",
        "sqs:*",
        "eks:DescribeCluster",
        "iam:PassRole",
    ];
    for (cluster, account, actions) in [("staging", "111122223333", &all[..]), ("prod", "444455556666", &all[..10])] {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"]}]});
        let root = format!(
            "resource \"aws_iam_role\" \"karpenter\" {{\n  name = \"karpenter\"\n  assume_role_policy = jsonencode({trust})\n}}\n\
             resource \"aws_iam_role_policy\" \"karpenter\" {{\n  role = aws_iam_role.karpenter.name\n  policy = jsonencode({})\n}}\n",
            policy(cluster, actions)
        );
        place.write(&format!("all/terraform/{cluster}/main.tf"), root);
        let mut own = release(cluster, "1.13.0");
        own["spec"]["values"]["serviceAccount"] =
            json!({"annotations": {"eks.amazonaws.com/role-arn": format!("arn:aws:iam::{account}:role/karpenter")}});
        place.write(&format!("all/clusters/{cluster}/karpenter.yaml"), own.to_string());
        place.write(&format!("all/clusters/{cluster}/class.yaml"), class("v1"));
    }
    let expected = [("controller-permission-missing".to_owned(), "karpenter-prod".to_owned(), json!(["prod"]))];
    assert_eq!(failures(&place, "all"), expected);
}

#[test]
fn what_the_cdk_makes_in_a_cluster_is_read() {
    let place = TestDir::new();
    let values = json!({"Fn::Join": ["", [
        "{\"settings\":{\"clusterName\":\"", {"Ref": "Cluster"}, "\",\"interruptionQueue\":\"", {"Fn::GetAtt": ["Queue", "QueueName"]}, "\"}}"]]});
    let template = |version: &str| {
        let manifest = format!("[{}]", class(version));
        json!({"Resources": {
            "Cluster": {"Type": "AWS::EKS::Cluster", "Properties": {"Name": "prod"}},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "prod", "KmsMasterKeyId": "alias/aws/sqs"}},
            "Chart": {"Type": "Custom::AWSCDK-EKS-HelmChart", "Properties": {"Release": "karpenter", "Chart": "karpenter",
                "Version": "1.8.2", "Namespace": "kube-system", "Values": values,
                "Repository": "oci://public.ecr.aws/karpenter/karpenter"}},
            "Nodes": {"Type": "Custom::AWSCDK-EKS-KubernetesResource", "Properties": {"Manifest": manifest}}}})
        .to_string()
    };
    let key = ("queue-aws-managed-key".to_owned(), "prod".to_owned(), Json::Null);
    place.write("all/cdk.out/Prod.template.json", template("v1"));
    assert_eq!(failures(&place, "all"), std::slice::from_ref(&key));
    place.write("all/cdk.out/Prod.template.json", template("v1beta1"));
    assert_eq!(failures(&place, "all"), [key, ("api-version-removed".to_owned(), "default".to_owned(), Json::Null)]);
}

#[test]
fn the_region_of_a_unit_is_that_of_the_provider_which_terragrunt_generates() {
    let place = TestDir::new();
    let module = MODULE.split("resource \"kubectl_manifest\"").next().unwrap();
    place.write("all/modules/karpenter/main.tf", module);
    let root = "locals {\n  region = read_terragrunt_config(find_in_parent_folders(\"region.hcl\")).locals.region\n}\n\
                generate \"provider\" {\n  path = \"provider.tf\"\n  if_exists = \"overwrite\"\n  contents = <<-EOF\n    \
                provider \"aws\" {\n      region = \"${local.region}\"\n    }\n  EOF\n}\n";
    place.write("all/live/root.hcl", root);
    for (region, cluster) in [("eu-west-1", "staging"), ("us-east-1", "prod")] {
        place.write(&format!("all/live/{region}/region.hcl"), format!("locals {{\n  region = \"{region}\"\n}}\n"));
        let key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let unit = format!(
            "include \"root\" {{\n  path = find_in_parent_folders(\"root.hcl\")\n}}\nterraform {{\n  source = \
             \"../../../modules/karpenter\"\n}}\ninputs = {{\n  cluster = \"{cluster}\"\n  release = \"1.13.0\"\n  api = \"v1\"\n  \
             queue_key = \"{key}\"\n}}\n"
        );
        place.write(&format!("all/live/{region}/karpenter/terragrunt.hcl"), unit);
    }
    let expected = [("queue-key-unusable".to_owned(), "karpenter-prod".to_owned(), json!(["prod"]))];
    assert_eq!(failures(&place, "all"), expected);
}
