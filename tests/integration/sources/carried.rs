//! Objects that another document holds to have them installed.

use super::releases::{controllers, of_kinds};
use super::*;

const KINDS: &[&str] = &[
    "karpenter.k8s.aws/EC2NodeClass",
    "Karpcheck::Controller",
    "core/ConfigMap",
    "AWS::SQS::Queue",
    "sqs.services.k8s.aws/Queue",
];

const CLASS: &str = "apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec:
  role: nodes
  blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {kmsKeyID: alias/ebs}}]";

/// A text with the class in the place of `CLASS`, each line behind as much space.
fn with_class(around: &str) -> String {
    around
        .lines()
        .map(|line| match line.find("CLASS") {
            Some(column) => {
                let space = format!("\n{}", " ".repeat(column));
                format!("{}{}\n", &line[..column], CLASS.replace('\n', &space))
            }
            None => format!("{line}\n"),
        })
        .collect()
}

/// The keys of the classes that a file makes, `unknown` for those that are not known.
fn keys(name: &str, text: &str) -> Vec<Json> {
    let inventory = of_kinds(&[(name, text)], KINDS);
    let key = |id: ItemId| match inventory.get(id, "/spec/blockDeviceMappings/0/ebs/kmsKeyID").unwrap() {
        FieldValue::Unknown(_) => json!("unknown"),
        _ => json_of(&inventory, id, "/spec/blockDeviceMappings/0/ebs/kmsKeyID"),
    };
    inventory.of_kind("karpenter.k8s.aws/EC2NodeClass").into_iter().map(key).collect()
}

#[test]
fn objects_that_others_install_are_read() {
    for (what, name, around) in [
        (
            "a chart of plain manifests, by an Application",
            "app.yaml",
            "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: nodes}
spec:
  destination: {namespace: kube-system}
  source:
    repoURL: https://bedag.github.io/helm-charts/
    chart: raw
    targetRevision: 2.0.0
    helm:
      values: |
        resources:
          - CLASS",
        ),
        (
            "the same as a template in a text",
            "app.yaml",
            "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: nodes}
spec:
  source:
    repoURL: https://bedag.github.io/helm-charts/
    chart: raw
    helm:
      valuesObject:
        templates:
          - |
            CLASS",
        ),
        (
            "a chart of plain manifests, by a HelmRelease",
            "release.yaml",
            "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: nodes, namespace: kube-system}
spec:
  chart: {spec: {chart: raw, version: 2.0.0, sourceRef: {kind: HelmRepository, name: bedag}}}
  values:
    resources:
      - CLASS",
        ),
        (
            "a chart of plain manifests, by Terraform",
            "main.tf",
            "resource \"helm_release\" \"nodes\" {
  name       = \"nodes\"
  repository = \"https://bedag.github.io/helm-charts/\"
  chart      = \"raw\"
  values = [<<-EOF
    resources:
      - CLASS
    EOF
  ]
}",
        ),
        ("values of such a chart", "values.yaml", "resources:\n  - CLASS"),
        (
            "a ConfigMap of a ClusterResourceSet",
            "nodes.yaml",
            "apiVersion: v1
kind: ConfigMap
metadata: {name: nodes}
data:
  nodes.yaml: |
    CLASS",
        ),
        (
            "Crossplane's Object",
            "object.yaml",
            "apiVersion: kubernetes.m.crossplane.io/v1alpha1
kind: Object
metadata: {name: class}
spec:
  forProvider:
    manifest:
      CLASS",
        ),
        (
            "a ManifestWork",
            "work.yaml",
            "apiVersion: work.open-cluster-management.io/v1
kind: ManifestWork
metadata: {name: nodes}
spec:
  workload:
    manifests:
      - CLASS",
        ),
        (
            "a task of Ansible",
            "playbook.yml",
            "- hosts: localhost
  tasks:
    - kubernetes.core.k8s:
        definition:
          CLASS",
        ),
        (
            "a Composition",
            "composition.yaml",
            "apiVersion: apiextensions.crossplane.io/v1
kind: Composition
metadata: {name: nodes}
spec:
  mode: Pipeline
  pipeline:
    - step: template
      functionRef: {name: function-go-templating}
      input:
        apiVersion: gotemplating.fn.crossplane.io/v1beta1
        kind: GoTemplate
        inline:
          template: |
            CLASS",
        ),
    ] {
        assert_eq!(keys(name, &with_class(around)), [json!("alias/ebs")], "{what}");
    }
}

#[test]
fn what_only_observes_compares_or_changes_an_object_carries_none() {
    for around in [
        "apiVersion: kubernetes.crossplane.io/v1alpha2
kind: Object
metadata: {name: class}
spec:
  managementPolicies: [Observe]
  forProvider:
    manifest:
      CLASS",
        "apiVersion: chainsaw.kyverno.io/v1alpha1
kind: Test
metadata: {name: class}
spec:
  steps:
    - try:
        - assert:
            resource:
              CLASS",
        "apiVersion: meta.dev.upbound.io/v1alpha1
kind: CompositionTest
metadata: {name: class}
spec:
  assertResources:
    - CLASS",
        "apiVersion: policy.open-cluster-management.io/v1
kind: ConfigurationPolicy
metadata: {name: class}
spec:
  object-templates:
    - complianceType: musthave
      objectDefinition:
        CLASS",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: nodes, namespace: flux-system}
spec:
  path: ./nodes
  patches:
    - patch: |
        CLASS",
        "apiVersion: example.org/v1
kind: Dump
metadata:
  annotations:
    last-applied: |
      CLASS",
        "apiVersion: batch/v1
kind: Job
metadata: {name: apply}
spec:
  template:
    spec:
      containers:
        - name: kubectl
          args:
            - |
              kubectl apply -f - <<END
              CLASS
              END",
    ] {
        assert_eq!(keys("file.yaml", &with_class(around)), Vec::<Json>::new(), "{around}");
    }
}

#[test]
fn what_patches_of_a_composition_set_is_not_known() {
    let composition = with_class(
        "apiVersion: apiextensions.crossplane.io/v1
kind: Composition
metadata: {name: nodes}
spec:
  patchSets:
    - name: key
      patches:
        - fromFieldPath: spec.key
          toFieldPath: spec.forProvider.manifest.spec.blockDeviceMappings[0].ebs.kmsKeyID
  resources:
    - name: class
      base:
        apiVersion: kubernetes.crossplane.io/v1alpha2
        kind: Object
        spec:
          forProvider:
            manifest:
              CLASS
      patches:
        - {type: PatchSet, patchSetName: key}
        - {type: ToCompositeFieldPath, fromFieldPath: spec.forProvider.manifest.spec, toFieldPath: status.x}
    - name: queue
      base:
        apiVersion: sqs.aws.upbound.io/v1beta1
        kind: Queue
        spec: {forProvider: {region: eu-west-1, kmsMasterKeyId: alias/aws/sqs}}
      patches:
        - {fromFieldPath: spec.name, toFieldPath: spec.forProvider.name}",
    );
    assert_eq!(keys("composition.yaml", &composition), [json!("unknown")]);
    let inventory = of_kinds(&[("composition.yaml", &composition)], KINDS);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(json_of(&inventory, queue, "/KmsMasterKeyId"), "alias/aws/sqs");
    assert!(matches!(inventory.get(queue, "/QueueName").unwrap(), FieldValue::Unknown(_)));
}

#[test]
fn charts_that_other_tools_install_have_their_values() {
    for installed in [
        "apiVersion: helm.crossplane.io/v1beta1
kind: Release
metadata: {name: karpenter}
spec:
  forProvider:
    chart: {name: karpenter, repository: 'oci://public.ecr.aws/karpenter', version: 1.8.7}
    namespace: kube-system
    values: {settings: {clusterName: prod}}
    set: [{name: settings.interruptionQueue, value: queue}]",
        "apiVersion: addons.cluster.x-k8s.io/v1alpha1
kind: HelmChartProxy
metadata: {name: karpenter}
spec:
  repoURL: oci://public.ecr.aws/karpenter
  chartName: karpenter
  version: 1.8.7
  valuesTemplate: |
    settings: {clusterName: prod, interruptionQueue: queue}",
        "apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: karpenter, namespace: kube-system}
spec:
  chart: oci://public.ecr.aws/karpenter/karpenter
  version: 1.8.7
  set: {settings.interruptionQueue: queue}
  valuesContent: |-
    settings: {clusterName: prod}",
        "apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: karpenter}
spec:
  helmCharts:
    - repositoryURL: oci://public.ecr.aws/karpenter
      chartName: karpenter/karpenter
      chartVersion: 1.8.7
      releaseName: karpenter
      values: |
        settings: {clusterName: prod, interruptionQueue: queue}",
    ] {
        let inventory = of_kinds(&[("karpenter.yaml", installed)], KINDS);
        assert_eq!(controllers(&inventory), [[json!("prod"), json!("queue"), json!("1.8.7")]], "{installed}");
    }
}

#[test]
fn what_is_carried_and_cannot_be_read_is_told() {
    let template = "apiVersion: v1
kind: ConfigMap
metadata: {name: nodes}
data:
  nodes.yaml: |
    apiVersion: karpenter.k8s.aws/v1
    kind: EC2NodeClass
    {{ if .Values.a }}
    metadata: {name: {{ .Values.name }}}
    {{ end }}";
    let program = "name: karpenter
runtime: yaml
resources:
  queue:
    type: aws:sqs:Queue
    properties: {name: karpenter, kmsMasterKeyId: alias/aws/sqs}";
    let values = "apiVersion: addons.cluster.x-k8s.io/v1alpha1
kind: HelmChartProxy
metadata: {name: karpenter}
spec:
  repoURL: oci://public.ecr.aws/karpenter
  chartName: karpenter
  valuesTemplate: |
    {{- $outputs := .ControlPlane.status.outputs -}}
    settings:
      clusterName: {{ .Cluster.metadata.name }}";
    for (text, code) in [(template, "carried-text-not-yaml"), (program, "pulumi-not-read"), (values, "values-not-yaml")]
    {
        let inventory = of_kinds(&[("file.yaml", text)], KINDS);
        let codes: Vec<&str> = inventory.problems().iter().map(|problem| problem.code()).collect();
        assert_eq!(codes, [code]);
    }
}
