//! What kustomizations and Flux make of the objects of a repository: each overlay has its own.

use super::releases::{controllers, folder, of_kinds};
use super::*;

const RELEASE: &str = "
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: karpenter, namespace: flux-system}
spec:
  chart: {spec: {chart: karpenter, version: 1.4.0, sourceRef: {kind: HelmRepository, name: karpenter}}}
  values: {settings: {clusterName: '', interruptionQueue: shared}}
";

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: karpenter, namespace: karpenter}
spec:
  template:
    spec:
      containers:
      - name: controller
        image: public.ecr.aws/karpenter/controller:1.4.0
        env: [{name: CLUSTER_NAME, value: base}, {name: INTERRUPTION_QUEUE, value: queue}]
";

/// Cluster, queue and version of the controllers that these patches of two overlays make of a base.
fn overlaid(base: &str, dev: &str, prod: &str) -> Vec<[Json; 3]> {
    let overlay = |patches: &str| format!("resources: [../../base]\n{patches}");
    controllers(&folder(&[
        ("base/kustomization.yaml", "resources: [karpenter.yaml]"),
        ("base/karpenter.yaml", base),
        ("overlays/dev/kustomization.yaml", &overlay(dev)),
        ("overlays/prod/kustomization.yaml", &overlay(prod)),
        ("overlays/prod/patch.yaml", "[{op: replace, path: /spec/values/settings/clusterName, value: prod}]"),
    ]))
}

#[test]
fn each_overlay_has_its_own_release() {
    let dev = "patches:\n- patch: |-\n    apiVersion: helm.toolkit.fluxcd.io/v2\n    kind: HelmRelease\n    metadata: {name: \
               karpenter}\n    spec: {chart: {spec: {version: 1.8.1}}, values: {settings: {clusterName: dev}}}\n";
    let prod = "patchesJson6902:\n- {path: patch.yaml, target: {kind: HelmRelease, name: karpenter}}\n";
    let found = overlaid(RELEASE, dev, prod);
    let expected = [[json!("dev"), json!("shared"), json!("1.8.1")], [json!("prod"), json!("shared"), json!("1.4.0")]];
    assert_eq!(found, expected);
}

#[test]
fn lists_of_a_deployment_are_merged_by_name_and_images_get_their_tags() {
    let dev = "images: [{name: public.ecr.aws/karpenter/controller, newTag: 1.8.1}]\n";
    let prod = "patchesStrategicMerge:\n- |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: karpenter}\n  \
                spec: {template: {spec: {containers: [{name: controller, env: [{name: CLUSTER_NAME, value: prod}]}]}}}\n";
    let found = overlaid(DEPLOYMENT, dev, prod);
    let expected = [[json!("base"), json!("queue"), json!("1.8.1")], [json!("prod"), json!("queue"), json!("1.4.0")]];
    assert_eq!(found, expected);
}

#[test]
fn what_a_patch_does_that_cannot_be_told_is_unknown() {
    // Which objects have the label is not looked at, and the file of the other patch is not there.
    let dev = "patches:\n- target: {kind: HelmRelease, labelSelector: app=karpenter}\n  patch: |-\n    - {op: replace, path: \
               /spec/values/settings/interruptionQueue, value: dev}\n";
    let prod = "patches:\n- {path: none.yaml, target: {kind: HelmRelease}}\n";
    let found = overlaid(RELEASE, dev, prod);
    // One of which nothing is known is no cluster of its own.
    assert_eq!(found, [[json!(""), json!("unknown"), json!("1.4.0")]]);
    let alone = |patches: &str| {
        let overlay = format!("resources: [karpenter.yaml]\n{patches}");
        controllers(&folder(&[("kustomization.yaml", &overlay), ("karpenter.yaml", RELEASE)]))
    };
    assert_eq!(alone(prod), [[json!("unknown"), json!("unknown"), json!("unknown")]]);
}

#[test]
fn a_patch_is_no_object_by_itself() {
    let class = |spec: &str| {
        format!("apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {{name: default}}\nspec: {{{spec}}}\n")
    };
    let plan = ["karpenter.k8s.aws/EC2NodeClass"];
    let found = of_kinds(
        &[
            ("base/kustomization.yaml", "resources: [class.yaml]"),
            ("base/class.yaml", &class("role: nodes, tags: {a: b}")),
            ("prod/kustomization.yaml", "resources: [../base]\npatches: [{path: class.yaml}]"),
            ("prod/class.yaml", &class("role: null, instanceProfile: nodes, tags: {c: d}")),
        ],
        &plan,
    );
    let id = only(&found, plan[0]);
    assert_eq!(json_of(&found, id, "/spec"), json!({"tags": {"a": "b", "c": "d"}, "instanceProfile": "nodes"}));
}

#[test]
fn a_config_map_holds_values_of_a_release() {
    let release = "
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: karpenter, namespace: kube-system}
spec:
  chart: {spec: {chart: karpenter, version: 1.8.1, sourceRef: {kind: HelmRepository, name: karpenter}}}
  valuesFrom: [{kind: ConfigMap, name: karpenter-values}, {kind: ConfigMap, name: cluster, valuesKey: name, targetPath: settings.clusterName}]
  values: {settings: {interruptionQueue: own}}
";
    let cluster = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cluster}\ndata: {name: prod}\n";
    let generator =
        "resources: [release.yaml]\nconfigMapGenerator: [{name: karpenter-values, files: [values.yaml=v.yaml]}]\n";
    let mut files = vec![
        ("kustomization.yaml", generator),
        ("release.yaml", release),
        (
            "v.yaml",
            "settings: {interruptionQueue: theirs, clusterEndpoint: 'https://a.gr7.eu-west-1.eks.amazonaws.com'}",
        ),
        ("cluster.yaml", cluster),
    ];
    let inventory = folder(&files);
    assert_eq!(controllers(&inventory), [[json!("prod"), json!("own"), json!("1.8.1")]]);
    let id = only(&inventory, "Karpcheck::Controller");
    assert_eq!(json_of(&inventory, id, "/Region"), json!("eu-west-1"));
    // A Secret is not looked into: what it says is not known.
    let secret = release.replace("{kind: ConfigMap, name: karpenter-values}", "{kind: Secret, name: karpenter-values}");
    files[1].1 = &secret;
    let inventory = folder(&files);
    let id = only(&inventory, "Karpcheck::Controller");
    assert!(matches!(inventory.get(id, "/ClusterEndpoint"), Ok(FieldValue::Unknown(_))));
}

#[test]
fn flux_fills_in_variables_of_each_cluster() {
    let settings = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: flux-system}}\ndata: {{CLUSTER: {name}}}\n"
        )
    };
    let flux = "
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: infrastructure, namespace: flux-system}
spec:
  path: ./infrastructure
  postBuild:
    substitute: {VERSION: 1.8.1}
    substituteFrom: [{kind: ConfigMap, name: settings}, {kind: Secret, name: secrets}]
";
    let release = RELEASE
        .replace("version: 1.4.0", "version: '${VERSION}'")
        .replace("clusterName: ''", "clusterName: '${CLUSTER}'");
    let release = release.replace("interruptionQueue: shared", "interruptionQueue: 'karpenter-${CLUSTER}-${SECRET}'");
    let found = controllers(&folder(&[
        ("clusters/dev/settings.yaml", &settings("dev")),
        ("clusters/dev/infrastructure.yaml", flux),
        ("clusters/prod/settings.yaml", &settings("prod")),
        ("clusters/prod/infrastructure.yaml", flux),
        ("infrastructure/kustomization.yaml", "resources: [karpenter.yaml]"),
        ("infrastructure/karpenter.yaml", &release),
    ]));
    let expected =
        [[json!("dev"), json!("unknown"), json!("1.8.1")], [json!("prod"), json!("unknown"), json!("1.8.1")]];
    assert_eq!(found, expected);
}
