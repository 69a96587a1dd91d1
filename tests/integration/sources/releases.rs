//! Files of values and what installs them: which of them make one release.

use super::*;

const DEPENDENCY: &str = "apiVersion: v2
name: platform
version: 0.1.0
dependencies:
- {name: karpenter, version: 1.8.2, repository: 'oci://public.ecr.aws/karpenter'}
";

/// The inventory of a folder with some files.
pub(super) fn folder(files: &[(&str, &str)]) -> Inventory {
    of_kinds(files, KINDS)
}

/// The same of these kinds.
pub(super) fn of_kinds(files: &[(&str, &str)], kinds: &[&'static str]) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let plan = GatherScope::new(kinds.iter().map(|kind| (*kind, false)));
    let mut builder = Builder::new(Stated::default());
    let paths = [folder.path().to_owned()];
    let named = sources::Named { paths: &paths, ..sources::Named::default() };
    sources::files(named, &plan, &mut builder, &mut std::io::empty());
    karpenter::inventory(builder)
}

/// Cluster, queue and version of the controllers.
pub(super) fn controllers(inventory: &Inventory) -> Vec<[Json; 3]> {
    let text = |id: ItemId, pointer: &str| match inventory.get(id, pointer).unwrap() {
        FieldValue::Unknown(_) => json!("unknown"),
        _ => json_of(inventory, id, pointer),
    };
    let found = inventory.of_kind("Karpcheck::Controller");
    let mut found: Vec<[Json; 3]> = found
        .into_iter()
        .map(|id| ["/ClusterName", "/InterruptionQueue", "/Version"].map(|pointer| text(id, pointer)))
        .collect();
    found.sort_by_key(|fields| fields.iter().map(Json::to_string).collect::<String>());
    found
}

#[test]
fn what_a_file_of_values_leaves_blank_is_unknown() {
    let inventory = folder(&[("values.yaml", "settings: {clusterName: '', interruptionQueue: ''}")]);
    assert_eq!(controllers(&inventory), [[json!("unknown"), json!("unknown"), json!("unknown")]]);
}

#[test]
fn an_environment_lies_over_its_base() {
    let base = "settings: {clusterName: '', interruptionQueue: queue, vmMemoryOverheadPercent: 0.1}";
    let inventory = folder(&[
        ("karpenter/values.yaml", base),
        ("karpenter/env/dev/values.yaml", "settings: {clusterName: dev, interruptionQueue: own}"),
        ("karpenter/values-prod.yaml", "settings: {clusterName: prod}"),
    ]);
    let found = controllers(&inventory);
    assert_eq!(
        found,
        [[json!("dev"), json!("own"), json!("unknown")], [json!("prod"), json!("queue"), json!("unknown")],]
    );
    for id in inventory.of_kind("Karpcheck::Controller") {
        let own = inventory.place(id, "").unwrap().doc;
        let name = inventory.place(id, "/ClusterName").unwrap().doc;
        assert_eq!(own, name, "its document is the environment's file");
    }
}

#[test]
fn a_chart_of_its_own_is_no_environment_of_another() {
    let inventory = folder(&[
        ("values.yaml", "settings: {clusterName: a, interruptionQueue: a}"),
        ("b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 1.0.0\n"),
        ("b/values.yaml", "settings: {clusterName: b, featureGates: {}}"),
    ]);
    let found = controllers(&inventory);
    assert_eq!(found[1][..2], [json!("b"), json!("unknown")]);
}

#[test]
fn the_version_of_a_dependency_is_in_chart_yaml() {
    let inventory = folder(&[
        ("Chart.yaml", DEPENDENCY),
        ("values.yaml", "karpenter: {settings: {clusterName: dev, interruptionQueue: dev}}"),
    ]);
    assert_eq!(controllers(&inventory), [[json!("dev"), json!("dev"), json!("1.8.2")]]);
}

#[test]
fn a_helmfile_names_its_values_and_sets_others() {
    let helmfile = "
repositories: [{name: karpenter, url: public.ecr.aws/karpenter, oci: true}]
releases:
- name: karpenter
  namespace: kube-system
  chart: karpenter/karpenter
  version: 1.8.2
  values: [base.yaml, values/prod.yaml, {settings: {featureGates: {spotToSpotConsolidation: true}}}]
  set: [{name: settings.interruptionQueue, value: prod}]
- {name: off, chart: karpenter/karpenter, installed: false}
";
    let inventory = folder(&[
        ("helmfile.yaml", helmfile),
        ("base.yaml", "settings: {clusterName: '', interruptionQueue: ''}"),
        ("values/prod.yaml", "settings: {clusterName: prod}"),
    ]);
    assert_eq!(controllers(&inventory), [[json!("prod"), json!("prod"), json!("1.8.2")]]);
    let id = only(&inventory, "Karpcheck::Controller");
    assert_eq!(json_of(&inventory, id, "/Settings/featureGates/spotToSpotConsolidation"), json!(true));
}

#[test]
fn a_kustomization_installs_charts() {
    for head in ["", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"] {
        let kustomization = format!(
            "{head}helmCharts:\n- name: karpenter\n  repo: oci://public.ecr.aws/karpenter\n  version: 1.8.2\n  \
             valuesFile: values.yaml\n  valuesInline: {{settings: {{clusterName: prod}}}}\n"
        );
        let inventory = folder(&[
            ("kustomization.yaml", &kustomization),
            ("values.yaml", "settings: {clusterName: '', interruptionQueue: queue}"),
        ]);
        assert_eq!(controllers(&inventory), [[json!("prod"), json!("queue"), json!("1.8.2")]]);
    }
}

#[test]
fn an_application_lays_the_files_that_it_names_over_the_charts() {
    let application = "
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: karpenter, namespace: argocd}
spec:
  source:
    repoURL: https://example.com/platform.git
    path: karpenter
    helm: {valueFiles: [values-prod.yaml]}
  destination: {namespace: kube-system}
";
    let files = [
        ("apps/karpenter.yaml", application),
        ("karpenter/values.yaml", "karpenter: {settings: {clusterName: '', interruptionQueue: queue}}"),
        ("karpenter/values-prod.yaml", "karpenter: {settings: {clusterName: prod, featureGates: {}}}"),
    ];
    assert_eq!(controllers(&folder(&files)), [[json!("prod"), json!("queue"), json!("unknown")]]);
    let dependent = [&files[..], &[("karpenter/Chart.yaml", DEPENDENCY)]].concat();
    assert_eq!(controllers(&folder(&dependent)), [[json!("prod"), json!("queue"), json!("1.8.2")]]);
    // With a file that is not there nothing that is silent is known.
    let missing = [files[0], ("x.yaml", "a: 1")];
    assert_eq!(controllers(&folder(&missing)), [[json!("unknown"), json!("unknown"), json!("unknown")]]);
}

#[test]
fn an_application_takes_values_from_another_source_by_its_ref() {
    let application = "
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: karpenter, namespace: argocd}
spec:
  sources:
  - {repoURL: 'https://example.com/platform.git', ref: values}
  - repoURL: public.ecr.aws/karpenter
    chart: karpenter
    targetRevision: 1.8.2
    helm: {valueFiles: ['$values/clusters/prod/karpenter.yaml'], valuesObject: {settings: {interruptionQueue: own}}}
  destination: {namespace: kube-system}
";
    let values = "settings: {clusterName: prod, interruptionQueue: theirs}";
    let inventory = folder(&[("app.yaml", application), ("clusters/prod/karpenter.yaml", values)]);
    assert_eq!(controllers(&inventory), [[json!("prod"), json!("own"), json!("1.8.2")]]);
}

#[test]
fn a_helmfile_installs_once_for_each_environment() {
    let helmfile = "
environments:
  dev: {values: [env/dev.yaml]}
  prod: {values: [{cluster: {name: prod}}]}
---
releases:
- name: karpenter
  namespace: kube-system
  chart: karpenter/karpenter
  version: 1.8.2
  values: ['values/{{ .Environment.Name }}.yaml', {settings: {clusterName: '{{ .Values.cluster.name }}'}}]
";
    let inventory = folder(&[
        ("helmfile.yaml", helmfile),
        ("env/dev.yaml", "cluster: {name: development}"),
        ("values/dev.yaml", "settings: {interruptionQueue: dev}"),
        ("values/prod.yaml", "settings: {interruptionQueue: prod}"),
    ]);
    let expected =
        [[json!("development"), json!("dev"), json!("1.8.2")], [json!("prod"), json!("prod"), json!("1.8.2")]];
    assert_eq!(controllers(&inventory), expected);
    // An environment that is not there may have anything.
    let inventory = folder(&[("helmfile.yaml", helmfile.split_once("---").unwrap().1)]);
    assert_eq!(controllers(&inventory), [[json!("unknown"), json!("unknown"), json!("1.8.2")]]);
}

#[test]
fn an_application_set_makes_an_application_of_each_element_of_its_list() {
    let set = |generators: &str| {
        format!(
            "
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: karpenter, namespace: argocd}}
spec:
  generators: [{generators}]
  template:
    metadata: {{name: 'karpenter-{{{{cluster}}}}'}}
    spec:
      source:
        repoURL: public.ecr.aws/karpenter
        chart: karpenter
        targetRevision: '{{{{ .version }}}}'
        helm:
          values: |
            settings:
              clusterName: {{{{cluster}}}}
              interruptionQueue: karpenter-{{{{cluster}}}}
      destination: {{namespace: kube-system}}
"
        )
    };
    let list = "{list: {elements: [{cluster: dev, version: 1.8.1}, {cluster: prod, version: 1.4.0}]}}";
    let expected = [
        [json!("dev"), json!("karpenter-dev"), json!("1.8.1")],
        [json!("prod"), json!("karpenter-prod"), json!("1.4.0")],
    ];
    assert_eq!(controllers(&folder(&[("set.yaml", &set(list))])), expected);
    for others in ["{git: {files: [{path: '**/config.json'}]}}", &format!("{list}, {{clusters: {{}}}}")] {
        let found = controllers(&folder(&[("set.yaml", &set(others))]));
        assert_eq!(found, [[json!("unknown"), json!("unknown"), json!("unknown")]], "{others}");
    }
}

/// An ApplicationSet whose generators are in the cluster, with a file of values for each of what they make.
const SET: &str = "
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: karpenter, namespace: argocd}
spec:
  generators: [{git: {repoURL: 'https://example.com/a.git', revision: HEAD, directories: [{path: 'envs/*'}]}}]
  template:
    metadata: {name: 'karpenter-{{path.basename}}'}
    spec:
      source:
        repoURL: https://example.com/a.git
        path: karpenter
        targetRevision: main
        helm:
          valueFiles: [values.yaml, 'values-{{path.basename}}.yaml']
          valuesObject: {karpenter: {settings: {interruptionQueue: 'karpenter-{{path.basename}}'}}}
      destination: {namespace: kube-system, server: '{{server}}'}
";

#[test]
fn a_name_of_a_file_with_a_placeholder_is_that_of_each_file_that_it_fits() {
    let files = [
        ("karpenter/Chart.yaml", DEPENDENCY),
        ("karpenter/values.yaml", "karpenter: {settings: {clusterName: '', interruptionQueue: ''}}"),
        ("set.yaml", SET),
        ("karpenter/values-dev.yaml", "karpenter: {settings: {clusterName: dev}}"),
        ("karpenter/values-prod.yaml", "karpenter: {settings: {clusterName: prod}}"),
    ];
    let expected = ["dev", "prod"].map(|name| [json!(name), json!(format!("karpenter-{name}")), json!("1.8.2")]);
    assert_eq!(controllers(&folder(&files)), expected);
    // Where no file fits, what the others leave blank may stand in one.
    let found = controllers(&folder(&files[..3]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][0], json!("unknown"));
}

#[test]
fn blank_below_a_file_that_is_not_there_is_unknown() {
    let helmfile = |last: &str| {
        format!(
            "releases:\n- {{name: karpenter, namespace: kube-system, version: 1.8.2, chart: \
             'oci://public.ecr.aws/karpenter/karpenter', values: [common.yaml, {last}]}}\n"
        )
    };
    let of = |helmfile: &str, blank: &str| controllers(&folder(&[("helmfile.yaml", helmfile), ("common.yaml", blank)]));
    let blank = "settings: {clusterName: '', interruptionQueue: ''}";
    assert_eq!(of(&helmfile("gone.yaml.gotmpl"), blank)[0][0], json!("unknown"));
    assert_eq!(of(&helmfile("'{{ .Environment.Name }}.yaml'"), blank)[0][0], json!("unknown"));
    // What lies over it is said.
    assert_eq!(of(&helmfile("gone.yaml, {settings: {clusterName: ''}}"), blank)[0][0], json!(""));
    // A file of values is no place for values of a file of templates.
    let found = controllers(&folder(&[
        ("helmfile.yaml", &helmfile("prod.yaml.gotmpl")),
        ("common.yaml", blank),
        ("prod.yaml.gotmpl", "settings: {clusterName: '{{ .Values.cluster }}', interruptionQueue: prod}"),
    ]));
    assert_eq!(found[0], [json!("unknown"), json!("prod"), json!("1.8.2")]);
}

#[test]
fn roots_of_terraform_take_a_file_of_values_that_lies_beside_them() {
    let root = |name: &str| {
        format!(
            "resource \"helm_release\" \"karpenter\" {{
  name       = \"karpenter\"
  namespace  = \"kube-system\"
  repository = \"oci://public.ecr.aws/karpenter\"
  chart      = \"karpenter\"
  version    = \"1.8.2\"
  values     = [file(\"${{path.module}}/../../helm/values.yaml\")]
  set {{
    name  = \"settings.clusterName\"
    value = \"{name}\"
  }}
}}
"
        )
    };
    let found = controllers(&folder(&[
        ("helm/values.yaml", "settings: {clusterName: '', interruptionQueue: shared}"),
        ("roots/dev/main.tf", &root("dev")),
        ("roots/prod/main.tf", &root("prod")),
    ]));
    assert_eq!(found, ["dev", "prod"].map(|name| [json!(name), json!("shared"), json!("1.8.2")]));
}
