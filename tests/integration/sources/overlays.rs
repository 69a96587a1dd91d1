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
fn a_replacement_puts_the_value_of_another_object_where_it_belongs() {
    let overlay = "resources: [../base, env.yaml]\nreplacements:\n- source: {kind: ConfigMap, name: env, fieldPath: data.cluster}\n  \
                   targets:\n  - select: {kind: Deployment, name: karpenter}\n    fieldPaths: \
                   ['spec.template.spec.containers.[name=controller].env.[name=CLUSTER_NAME].value']\n\
                   - source: {kind: ConfigMap, name: env, fieldPath: data.version}\n  targets:\n  - select: {kind: Deployment}\n    \
                   fieldPaths: [spec.template.spec.containers.0.image]\n    options: {delimiter: ':', index: 1}\n\
                   - source: {kind: ConfigMap, name: elsewhere, fieldPath: data.queue}\n  targets:\n  - select: {kind: Deployment}\n    \
                   fieldPaths: ['spec.template.spec.containers.[name=controller].env.[name=INTERRUPTION_QUEUE].value']\n";
    let found = controllers(&folder(&[
        ("base/kustomization.yaml", "resources: [karpenter.yaml]"),
        ("base/karpenter.yaml", DEPLOYMENT),
        ("overlay/kustomization.yaml", overlay),
        (
            "overlay/env.yaml",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: env}, data: {cluster: prod, version: 1.8.1}}",
        ),
    ]));
    // The object that the queue would come from is not there.
    assert_eq!(found, [[json!("prod"), json!("unknown"), json!("1.8.1")]]);
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

const INSTALLED: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: karpenter, namespace: karpenter}
spec:
  template:
    spec:
      serviceAccountName: karpenter
      volumes: [{name: settings, configMap: {name: karpenter-global-settings}}]
      containers:
      - name: controller
        image: public.ecr.aws/karpenter/controller:1.4.0
        env: [{name: CLUSTER_NAME, value: base}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: karpenter, namespace: karpenter}
---
apiVersion: v1
kind: Namespace
metadata: {name: karpenter}
---
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec: {role: nodes}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: default}
spec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}}}
";

/// Kinds and names of the objects that an overlay makes, and what they name: service accounts, classes.
fn named(files: &[(&str, &str)]) -> Vec<String> {
    let plan = ["apps/Deployment", "core/ServiceAccount", "karpenter.k8s.aws/EC2NodeClass", "karpenter.sh/NodePool"];
    let inventory = of_kinds(files, &plan);
    let mut found: Vec<String> = plan
        .iter()
        .flat_map(|kind| inventory.of_kind(kind))
        .map(|id| {
            let name = json_of(&inventory, id, "/metadata/name");
            let refers = ["/spec/template/spec/serviceAccountName", "/spec/template/spec/nodeClassRef/name"]
                .map(|at| json_of(&inventory, id, at).as_str().map(|text| format!(" > {text}")).unwrap_or_default());
            format!("{} {}{}", inventory.item(id).unwrap().kind, name.as_str().unwrap_or_default(), refers.concat())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn names_have_the_prefix_of_their_overlay_and_so_has_what_kustomize_knows_to_name_them() {
    let found = named(&[
        ("base/kustomization.yaml", "resources: [all.yaml]\nnameSuffix: -v1"),
        ("base/all.yaml", INSTALLED),
        // A patch may go on using the name as it was written.
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: prod-\npatches:\n- patch: |-\n    apiVersion: karpenter.k8s.aws/v1\n    kind: \
             EC2NodeClass\n    metadata: {name: default}\n    spec: {role: others}\n",
        ),
    ]);
    let expected = [
        "apps/Deployment prod-karpenter-v1 > prod-karpenter-v1",
        "core/ServiceAccount prod-karpenter-v1",
        "karpenter.k8s.aws/EC2NodeClass prod-default-v1",
        "karpenter.sh/NodePool prod-default-v1 > default",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_file_of_configurations_names_further_references() {
    let found = named(&[
        ("kustomization.yaml", "resources: [all.yaml]\nnamePrefix: prod-\nconfigurations: [names.yaml]"),
        ("all.yaml", INSTALLED),
        (
            "names.yaml",
            "nameReference:\n- kind: EC2NodeClass\n  fieldSpecs: [{kind: NodePool, path: spec/template/spec/nodeClassRef/name}]",
        ),
    ]);
    assert_eq!(found[3], "karpenter.sh/NodePool prod-default > prod-default");
}

#[test]
fn a_component_renames_what_it_is_laid_over_once() {
    let found = named(&[
        ("kustomization.yaml", "resources: [all.yaml]\ncomponents: [blue]"),
        ("all.yaml", INSTALLED),
        (
            "blue/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\nnameSuffix: -blue",
        ),
        ("blue/more.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: more}"),
    ]);
    let accounts: Vec<&String> = found.iter().filter(|name| name.starts_with("core/ServiceAccount")).collect();
    assert_eq!(accounts, ["core/ServiceAccount karpenter-blue", "core/ServiceAccount more-blue"]);
}

#[test]
fn a_patch_whose_object_is_elsewhere_is_none_by_itself() {
    let class =
        "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: default}\nspec: {role: nodes}\n";
    let classes = |files: &[(&str, &str)]| {
        let inventory = of_kinds(files, &["karpenter.k8s.aws/EC2NodeClass"]);
        let problems: Vec<&str> = inventory.problems().iter().map(|problem| problem.code()).collect();
        (inventory.of_kind("karpenter.k8s.aws/EC2NodeClass").len(), problems)
    };
    for file in ["patch-class.yaml", "class.patch.yaml", "patches/class.yaml", "overlay/ec2_node_class_patch.yml"] {
        assert_eq!(classes(&[(file, class)]), (0, vec!["patch-without-object"]), "{file}");
    }
    // The base is another repository's.
    let remote = "resources: ['https://example.com/base']\npatches: [{path: class.yaml}]";
    assert_eq!(classes(&[("kustomization.yaml", remote), ("class.yaml", class)]), (0, vec!["patch-without-object"]));
    // What is taken in as an object is one, whatever its file is called.
    let taken = "resources: [patch-class.yaml]";
    assert_eq!(classes(&[("kustomization.yaml", taken), ("patch-class.yaml", class)]), (1, vec![]));
    assert_eq!(classes(&[("dispatcher/class.yaml", class)]), (1, vec![]));
}

fn application(name: &str, source: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\nspec:\n  source: \
         {{repoURL: 'https://example.com/a.git', targetRevision: main, {source}}}\n  destination: {{namespace: karpenter}}\n"
    )
}

#[test]
fn an_application_changes_what_it_takes_in_as_a_kustomization_does() {
    let patched = |name: &str| {
        let patch = format!("[{{op: replace, path: /spec/template/spec/containers/0/env/0/value, value: {name}}}]");
        format!("{{target: {{kind: Deployment}}, patch: '{patch}'}}")
    };
    let of = |applications: &[(&str, &str)]| {
        let base = [("base/kustomization.yaml", "resources: [karpenter.yaml]"), ("base/karpenter.yaml", DEPLOYMENT)];
        controllers(&folder(&[&base, applications].concat()))
    };
    let image = "public.ecr.aws/karpenter/controller";
    let dev = application(
        "dev",
        &format!("path: base, kustomize: {{images: ['{image}:1.8.1'], patches: [{}]}}", patched("dev")),
    );
    let moved = format!("path: base, kustomize: {{images: ['{image}=example.com/karpenter/controller:1.6.0']}}");
    let prod = application("prod", &moved);
    let plain = application("plain", "path: base");
    let found = of(&[("apps/dev.yaml", &dev), ("apps/prod/app.yaml", &prod)]);
    assert_eq!(found, [["base", "queue", "1.6.0"], ["dev", "queue", "1.8.1"]].map(|one| one.map(|text| json!(text))));
    // One that changes nothing installs the folder as it stands.
    let found = of(&[("apps/dev.yaml", &dev), ("apps/plain.yaml", &plain)]);
    assert_eq!(found, [["base", "queue", "1.4.0"], ["dev", "queue", "1.8.1"]].map(|one| one.map(|text| json!(text))));
    assert_eq!(of(&[("apps/plain.yaml", &plain)]), [[json!("base"), json!("queue"), json!("1.4.0")]]);
}

#[test]
fn an_application_set_changes_the_folder_of_each_element() {
    let set = "
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: karpenter, namespace: argocd}
spec:
  generators: [{list: {elements: [{cluster: dev}, {cluster: prod}]}}]
  template:
    metadata: {name: 'karpenter-{{cluster}}'}
    spec:
      source:
        repoURL: https://example.com/a.git
        path: base
        targetRevision: main
        kustomize:
          patches:
          - target: {kind: Deployment}
            patch: '[{op: replace, path: /spec/template/spec/containers/0/env/0/value, value: \"{{cluster}}\"}]'
      destination: {namespace: karpenter, name: '{{cluster}}'}
";
    let found = controllers(&folder(&[
        ("base/kustomization.yaml", "resources: [karpenter.yaml]"),
        ("base/karpenter.yaml", DEPLOYMENT),
        ("set.yaml", set),
    ]));
    assert_eq!(found, ["dev", "prod"].map(|name| [json!(name), json!("queue"), json!("1.4.0")]));
}

#[test]
fn a_config_map_that_a_kustomization_makes_is_an_object() {
    let deployment = DEPLOYMENT.replace(":1.4.0", ":v0.31.5");
    let deployment = deployment.split("        env:").next().unwrap();
    let base = "resources: [karpenter.yaml]\nnamespace: karpenter\n\
                configMapGenerator: [{name: karpenter-global-settings, literals: [aws.clusterName=base, aws.interruptionQueueName=q]}]\n";
    let overlay = "resources: [../base]\n\
                   configMapGenerator: [{name: karpenter-global-settings, behavior: merge, literals: [aws.clusterName=prod]}]\n";
    let of = |files: &[(&str, &str)]| {
        controllers(&folder(
            &[&[("base/kustomization.yaml", base), ("base/karpenter.yaml", deployment)], files].concat(),
        ))
    };
    assert_eq!(of(&[]), [[json!("base"), json!("q"), json!("0.31.5")]]);
    assert_eq!(of(&[("prod/kustomization.yaml", overlay)]), [[json!("prod"), json!("q"), json!("0.31.5")]]);
}

#[test]
fn each_overlay_makes_the_values_of_its_release() {
    let release = RELEASE.replace(
        "  values: {settings: {clusterName: '', interruptionQueue: shared}}",
        "  valuesFrom: [{kind: ConfigMap, name: values}]",
    );
    let overlay = "resources: [../base]\nconfigMapGenerator: [{name: values, files: [values.yaml]}]\n";
    let found = controllers(&folder(&[
        ("base/kustomization.yaml", "resources: [karpenter.yaml]"),
        ("base/karpenter.yaml", &release),
        ("dev/kustomization.yaml", overlay),
        ("dev/values.yaml", "settings: {clusterName: dev, interruptionQueue: dev}"),
        ("prod/kustomization.yaml", overlay),
        ("prod/values.yaml", "settings: {clusterName: prod, interruptionQueue: prod}"),
    ]));
    assert_eq!(found, ["dev", "prod"].map(|name| [json!(name), json!(name), json!("1.4.0")]));
}
