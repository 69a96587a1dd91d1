//! What a rule says of a cluster it says of it beside other clusters, too.

use std::fs;
use std::path::{Path, PathBuf};

use kubectl_karpcheck::inventory::Stated;

use super::harness::{Case, CaseResults, cases, harness, root, rule};

/// Two clusters, each in a folder of its own: with only one, what names no cluster would be that one's.
const OTHERS: [(&str, &str, &str); 2] =
    [("zeta", "444455556666", "eu-north-1"), ("theta", "777788889999", "ap-south-1")];

/// Cases that say something else, and why.
const OTHERWISE: [(&str, &str); 1] = [(
    "queue-policy-denies-eventbridge",
    "its templates have a parameter whose default is the cluster's name, which is a guess where all controllers have other names",
)];

/// A sound cluster: its controller, its class and the official template, all with one name.
fn other(folder: &Path, (name, account, region): (&str, &str, &str)) {
    let folder = folder.join(format!("other-{name}"));
    fs::create_dir(&folder).unwrap();
    let template = fs::read_to_string(root().join("tests/fixtures/karpenter/cfn/karpenter-v1.14.1.yaml")).unwrap();
    fs::write(folder.join("template.yaml"), template.replace("${ClusterName}", name)).unwrap();
    let objects = format!(
        "apiVersion: v1
kind: ServiceAccount
metadata:
  name: karpenter
  namespace: kube-system
  annotations: {{eks.amazonaws.com/role-arn: 'arn:aws:iam::{account}:role/{name}-karpenter'}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: karpenter, namespace: kube-system}}
spec:
  template:
    spec:
      serviceAccountName: karpenter
      containers:
        - name: controller
          image: public.ecr.aws/karpenter/controller:1.14.1
          env:
            - {{name: CLUSTER_NAME, value: {name}}}
            - {{name: INTERRUPTION_QUEUE, value: {name}}}
            - {{name: AWS_REGION, value: {region}}}
---
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {{name: default}}
spec:
  role: KarpenterNodeRole-{name}
  amiSelectorTerms: [{{alias: al2023@latest}}]
  subnetSelectorTerms: [{{tags: {{karpenter.sh/discovery: {name}}}}}]
  securityGroupSelectorTerms: [{{tags: {{karpenter.sh/discovery: {name}}}}}]
"
    );
    fs::write(folder.join("karpenter.yaml"), objects).unwrap();
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

/// What is said of all but the other clusters.
fn said(case: &Case, folder: &Path) -> Vec<String> {
    let paths: Vec<PathBuf> = vec![folder.to_owned()];
    let pack = &harness().builtin;
    let judged: CaseResults = harness().files(pack, rule(pack, &case.rule), &paths, Stated::default(), folder);
    let mut lines = judged.lines();
    lines.retain(|line| !line.starts_with("passed ") && !line.contains(" other-"));
    lines.sort();
    lines
}

#[test]
fn other_clusters_change_nothing() {
    let mut changed = vec![];
    let mut tried = 0;
    for case in cases() {
        // What a flag states is about all clusters, and some rules are about several.
        let across = rule(&harness().builtin, &case.rule).is_across_clusters();
        let otherwise = OTHERWISE.iter().any(|(rule, _)| *rule == case.rule);
        if across || otherwise || case.folder.join("args").exists() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        fs::create_dir(&own).unwrap();
        for path in case.input() {
            copy(&path, &own.join(path.file_name().unwrap()));
        }
        let alone = said(&case, folder.path());
        OTHERS.iter().for_each(|one| other(folder.path(), *one));
        let beside = said(&case, folder.path());
        tried += 1;
        if alone != beside {
            changed.push(format!("{}/{}\n alone  {alone:#?}\n beside {beside:#?}", case.rule, case.name));
        }
    }
    assert!(tried > 200, "{tried}");
    assert!(changed.is_empty(), "{} of {tried}\n{}", changed.len(), changed.join("\n"));
}
