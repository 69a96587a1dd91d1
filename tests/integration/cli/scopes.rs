//! Several clusters in one run: each gets the verdict that it would have alone, in every layout that a repository may have.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Ended, TestDir};

mod dumped_clusters;
mod fingerprints;

/// One environment of a repository: its cluster, and what is wrong with it.
#[derive(Clone, Copy)]
struct Environment {
    /// The folder, and what the cluster is called.
    name: &'static str,
    /// Does a NodePool of a version that Karpenter no longer serves lie there?
    old_pool: bool,
    /// Is the class's key left without encryption?
    broken_class: bool,
    /// What else it shares with its neighbours, each under a name of all: the cluster's name, the queue, the discovery tag.
    shares: &'static [Shared],
}

/// What clusters may share and should not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shared {
    Name,
    Queue,
    Tag,
}

const SOUND: Environment = Environment { name: "staging", old_pool: false, broken_class: false, shares: &[] };
const LEFT_BEHIND: Environment = Environment { name: "prod", old_pool: true, broken_class: false, shares: &[] };
const BROKEN: Environment = Environment { name: "dev", old_pool: false, broken_class: true, shares: &[] };

impl Environment {
    fn or_shared(&self, what: Shared) -> &str {
        if self.shares.contains(&what) { "shared" } else { self.name }
    }

    /// What its controller calls the cluster.
    fn cluster(&self) -> &str {
        self.or_shared(Shared::Name)
    }

    fn queue(&self) -> &str {
        self.or_shared(Shared::Queue)
    }

    /// The API server's URL, which no two have in common.
    fn endpoint(&self) -> String {
        format!("https://{}.gr7.eu-west-1.eks.amazonaws.com", self.name)
    }

    /// Its node class, and the NodePool that was left behind.
    fn nodes(&self, uid: Option<u32>) -> Vec<Json> {
        let meta = |name: &str| match uid {
            Some(uid) => json!({"name": name, "uid": format!("00000000-0000-4000-8000-{uid:012}")}),
            None => json!({"name": name}),
        };
        let tag = json!([{"tags": {"karpenter.sh/discovery": self.or_shared(Shared::Tag)}}]);
        let mut class = json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": meta("default"),
            "spec": {"role": format!("KarpenterNodeRole-{}", self.name), "amiSelectorTerms": [{"alias": "al2023@latest"}],
                "subnetSelectorTerms": tag, "securityGroupSelectorTerms": tag}});
        if self.broken_class {
            let key = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
            class["spec"]["blockDeviceMappings"] = json!([{"deviceName": "/dev/xvda", "ebs": {"kmsKeyID": key}}]);
        }
        let mut objects = vec![class];
        if self.old_pool {
            objects.push(json!({"apiVersion": "karpenter.sh/v1beta1", "kind": "NodePool", "metadata": meta("left-behind"),
                "spec": {"template": {"spec": {"nodeClassRef":
                    {"apiVersion": "karpenter.k8s.aws/v1beta1", "kind": "EC2NodeClass", "name": "default"},
                    "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}]}}}}));
        }
        objects
    }

    fn values(&self) -> Json {
        json!({"settings": {"clusterName": self.cluster(), "interruptionQueue": self.queue(),
                "clusterEndpoint": self.endpoint()},
            "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": self.role()}}})
    }

    fn role(&self) -> String {
        format!("arn:aws:iam::111122223333:role/karpenter-{}", self.name)
    }

    /// Its controller as a Deployment with its ServiceAccount. The endpoint tells clusters of one name apart.
    fn controller(&self, cluster: &str, endpoint: &str, uid: Option<u32>) -> Vec<Json> {
        let meta = |name: &str| {
            let mut meta = json!({"name": name, "namespace": "kube-system"});
            if let Some(uid) = uid {
                meta["uid"] = json!(format!("10000000-0000-4000-8000-{uid:012}"));
            }
            meta
        };
        let mut env = vec![
            json!({"name": "CLUSTER_NAME", "value": cluster}),
            json!({"name": "INTERRUPTION_QUEUE", "value": if self.shares.is_empty() { cluster } else { self.queue() }}),
        ];
        if !endpoint.is_empty() {
            let endpoint = format!("https://{endpoint}.gr7.eu-west-1.eks.amazonaws.com");
            env.push(json!({"name": "CLUSTER_ENDPOINT", "value": endpoint}));
        }
        let mut account = meta("karpenter");
        account["annotations"] = json!({"eks.amazonaws.com/role-arn": self.role()});
        vec![
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("karpenter"), "spec": {"template": {"spec": {
                "serviceAccountName": "karpenter",
                "containers": [{"name": "controller", "image": "public.ecr.aws/karpenter/controller:1.13.0", "env": env}]}}}}),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}),
        ]
    }
}

fn documents(objects: &[Json]) -> String {
    objects.iter().map(|object| format!("---\n{object:#}\n")).collect()
}

/// A way to lay an environment out in a folder.
type Layout = fn(&TestDir, &str, &Environment);

fn flux(place: &TestDir, folder: &str, of: &Environment) {
    let release = json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": "karpenter", "namespace": "kube-system"},
        "spec": {"chart": {"spec": {"chart": "karpenter", "version": "1.13.0",
            "sourceRef": {"kind": "HelmRepository", "name": "karpenter"}}}, "values": of.values()}});
    place.write(&format!("{folder}/infrastructure/karpenter.yaml"), documents(&[release]));
    place.write(&format!("{folder}/apps/nodes.yaml"), documents(&of.nodes(None)));
}

fn argo(place: &TestDir, folder: &str, of: &Environment) {
    let application = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": format!("karpenter-{}", of.name), "namespace": "argocd"},
        "spec": {"source": {"repoURL": "public.ecr.aws/karpenter", "chart": "karpenter", "targetRevision": "1.13.0",
            "helm": {"valuesObject": of.values()}},
            "destination": {"namespace": "kube-system", "name": of.name}}});
    place.write(&format!("{folder}/karpenter.yaml"), documents(&[application]));
    place.write(&format!("{folder}/nodes/nodes.yaml"), documents(&of.nodes(None)));
}

fn values(place: &TestDir, folder: &str, of: &Environment) {
    let mut values = of.values();
    values["controller"] = json!({"image": {"repository": "public.ecr.aws/karpenter/controller", "tag": "1.13.0"}});
    place.write(&format!("{folder}/values.yaml"), documents(&[values]));
    place.write(&format!("{folder}/nodes.yaml"), documents(&of.nodes(None)));
}

fn manifests(place: &TestDir, folder: &str, of: &Environment) {
    place.write(&format!("{folder}/karpenter.yaml"), documents(&of.controller(of.cluster(), of.name, None)));
    place.write(&format!("{folder}/nodes/nodes.yaml"), documents(&of.nodes(None)));
}

fn dumps(place: &TestDir, folder: &str, of: &Environment) {
    let uid = u32::try_from(of.name.len()).unwrap();
    let items: Vec<Json> =
        of.controller(of.cluster(), of.name, Some(uid)).into_iter().chain(of.nodes(Some(uid))).collect();
    place
        .write(&format!("{folder}/dump.json"), json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
}

fn roots(place: &TestDir, folder: &str, of: &Environment) {
    let bodies: String = of
        .nodes(None)
        .iter()
        .enumerate()
        .map(|(number, object)| {
            format!("resource \"kubectl_manifest\" \"n{number}\" {{\n  yaml_body = <<-YAML\n{object:#}\n  YAML\n}}\n")
        })
        .collect();
    let text = format!(
        "module \"eks\" {{\n  source = \"terraform-aws-modules/eks/aws\"\n  cluster_name = \"{name}\"\n}}\n\
         resource \"helm_release\" \"karpenter\" {{\n  name = \"karpenter\"\n  namespace = \"kube-system\"\n  \
         repository = \"oci://public.ecr.aws/karpenter\"\n  chart = \"karpenter\"\n  version = \"1.13.0\"\n  \
         values = [<<-EOT\n    settings:\n      clusterName: {cluster}\n      interruptionQueue: {queue}\n      \
         clusterEndpoint: {endpoint}\n    serviceAccount:\n      annotations:\n        eks.amazonaws.com/role-arn: \
         {role}\n    EOT\n  ]\n}}\n{bodies}",
        name = of.cluster(),
        // A name that a module gives is its root's own.
        cluster = if of.shares.is_empty() { "${module.eks.cluster_name}" } else { of.cluster() },
        queue = of.queue(),
        endpoint = of.endpoint(),
        role = of.role(),
    );
    place.write(&format!("{folder}/main.tf"), text);
}

/// Roots that call one module, which has the release and, where it is sound, the class.
fn callers(place: &TestDir, folder: &str, of: &Environment) {
    let (above, _) = folder.rsplit_once('/').unwrap();
    let manifest = |number: usize, object: &str| {
        format!("resource \"kubectl_manifest\" \"n{number}\" {{\n  yaml_body = <<-YAML\n{object}\n  YAML\n}}\n")
    };
    let given = [
        ("cluster", of.cluster().to_owned()),
        ("queue", of.queue().to_owned()),
        ("endpoint", of.endpoint()),
        ("role", of.role()),
        ("tag", of.or_shared(Shared::Tag).to_owned()),
        ("nodes", format!("KarpenterNodeRole-{}", of.name)),
    ];
    let variables: String = given.iter().map(|(name, _)| format!("variable \"{name}\" {{}}\n")).collect();
    let class = format!("{:#}", SOUND.nodes(None)[0])
        .replace("KarpenterNodeRole-staging", "${var.nodes}")
        .replace("\"staging\"", "\"${var.tag}\"");
    let module = format!(
        "{variables}resource \"helm_release\" \"karpenter\" {{\n  name = \"karpenter\"\n  namespace = \"kube-system\"\n  \
         repository = \"oci://public.ecr.aws/karpenter\"\n  chart = \"karpenter\"\n  version = \"1.13.0\"\n  \
         values = [<<-EOT\n    settings:\n      clusterName: ${{var.cluster}}\n      interruptionQueue: ${{var.queue}}\n      \
         clusterEndpoint: ${{var.endpoint}}\n    serviceAccount:\n      annotations:\n        \
         eks.amazonaws.com/role-arn: ${{var.role}}\n    EOT\n  ]\n}}\n"
    );
    let module_of = if of.broken_class { "bare" } else { "whole" };
    let class = if of.broken_class { String::new() } else { manifest(0, &class) };
    place.write(&format!("{above}/modules/{module_of}/main.tf"), format!("{module}{class}"));
    let own = of.nodes(None).into_iter().skip(usize::from(!of.broken_class));
    let own: String = own.enumerate().map(|(number, object)| manifest(number, &format!("{object:#}"))).collect();
    let arguments: String = given.iter().map(|(name, value)| format!("  {name} = \"{value}\"\n")).collect();
    let call = format!("module \"karpenter\" {{\n  source = \"../modules/{module_of}\"\n{arguments}}}\n");
    place.write(&format!("{folder}/main.tf"), format!("{call}{own}"));
}

/// Applications that each change one folder that all of them take in.
fn applications(place: &TestDir, folder: &str, of: &Environment) {
    let (above, _) = folder.rsplit_once('/').unwrap();
    let controller = SOUND.controller("", "base", None);
    place.write(&format!("{above}/base/karpenter.yaml"), documents(&controller));
    place.write(&format!("{above}/base/kustomization.yaml"), "resources: [karpenter.yaml]\n");
    let own = of.controller(of.cluster(), of.name, None);
    let set = |kind: &str, path: &str, value: &Json| {
        let patch = json!([{"op": "replace", "path": path, "value": value}]).to_string();
        json!({"target": {"kind": kind, "name": "karpenter"}, "patch": patch})
    };
    let patches = [
        set(
            "Deployment",
            "/spec/template/spec/containers/0/env",
            &own[0]["spec"]["template"]["spec"]["containers"][0]["env"],
        ),
        set("ServiceAccount", "/metadata/annotations", &own[1]["metadata"]["annotations"]),
    ];
    let application = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": format!("karpenter-{}", of.name), "namespace": "argocd"},
        "spec": {"source": {"repoURL": "https://example.com/fleet.git", "path": "base", "kustomize": {"patches": patches}},
            "destination": {"namespace": "kube-system", "name": of.name}}});
    place.write(&format!("{folder}/karpenter.yaml"), documents(&[application]));
    place.write(&format!("{folder}/nodes.yaml"), documents(&of.nodes(None)));
}

/// With AWS's answers as `aws` prints them: the role that the ServiceAccount names, and the queue.
fn snapshots(place: &TestDir, folder: &str, of: &Environment) {
    manifests(place, folder, of);
    let role = json!({"Role": {"RoleName": format!("karpenter-{}", of.name), "Arn": of.role(), "Path": "/",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]}}});
    place.write(&format!("{folder}/aws/get-role.json"), role.to_string());
    let cluster = json!({"cluster": {"name": of.cluster(),
        "arn": format!("arn:aws:eks:eu-west-1:111122223333:cluster/{}", of.cluster()), "endpoint": of.endpoint(), "version": "1.33", "status": "ACTIVE"}});
    place.write(&format!("{folder}/aws/describe-cluster.json"), cluster.to_string());
}

/// An overlay over a base that all of them have, which says nothing of any cluster.
fn overlays(place: &TestDir, folder: &str, of: &Environment) {
    let release = json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": "karpenter", "namespace": "kube-system"},
        "spec": {"chart": {"spec": {"chart": "karpenter", "version": "1.13.0",
            "sourceRef": {"kind": "HelmRepository", "name": "karpenter"}}},
            "values": {"settings": {"clusterName": "", "interruptionQueue": ""}}}});
    let (above, _) = folder.rsplit_once('/').unwrap();
    let base = format!("{above}/base");
    place.write(&format!("{base}/karpenter.yaml"), documents(&[release]));
    place.write(&format!("{base}/kustomization.yaml"), "resources: [karpenter.yaml]\n");
    place.write(&format!("{folder}/nodes.yaml"), documents(&of.nodes(None)));
    let patch = json!([{"op": "replace", "path": "/spec/values", "value": of.values()}]).to_string();
    let overlay = json!({"resources": ["../base", "nodes.yaml"],
        "patches": [{"patch": patch, "target": {"kind": "HelmRelease", "name": "karpenter"}}]});
    place.write(&format!("{folder}/kustomization.yaml"), format!("{overlay:#}\n"));
}

/// A helmfile with the values of the release in a file beside it.
fn helmfile(place: &TestDir, folder: &str, of: &Environment) {
    let file = json!({"releases": [{"name": "karpenter", "namespace": "kube-system", "chart": "karpenter/karpenter",
        "version": "1.13.0", "values": ["karpenter.yaml"]}]});
    place.write(&format!("{folder}/helmfile.yaml"), format!("{file:#}\n"));
    place.write(&format!("{folder}/karpenter.yaml"), documents(&[of.values()]));
    place.write(&format!("{folder}/nodes.yaml"), documents(&of.nodes(None)));
}

const LAYOUTS: &[(&str, Layout)] = &[
    ("flux", flux),
    ("argo", argo),
    ("values", values),
    ("manifests", manifests),
    ("dumps", dumps),
    ("roots", roots),
    ("callers", callers),
    ("applications", applications),
    ("snapshots", snapshots),
    ("overlays", overlays),
    ("helmfile", helmfile),
];

fn report(ended: &Ended) -> Json {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.err))
}

/// What was found, each as rule, outcome, severity and message; with a scope only what is of it, be it of others, too. The rules about several
/// clusters have nothing to judge in one.
fn findings(report: &Json, scope: Option<&str>) -> BTreeSet<String> {
    let all = report["findings"].as_array().unwrap();
    all.iter()
        .filter(|finding| !finding["rule"].as_str().is_some_and(|rule| rule.ends_with("-shared")))
        .filter(|finding| {
            let of = finding["scopes"].as_array();
            scope.is_none_or(|scope| of.is_some_and(|of| of.contains(&json!(scope))))
        })
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}: {}", text("rule"), text("outcome"), text("severity"), text("message"))
        })
        .collect()
}

fn check(place: &TestDir, folder: &str) -> Json {
    report(&place.run(&["check", "--offline", "-o", "json", "-f", folder]))
}

/// The name of the scope that a folder became, by what lies below it.
fn scope_of(report: &Json, environment: &Environment, folder: &str) -> String {
    let names: Vec<&String> = report["scopes"].as_object().unwrap().keys().collect();
    let fits = |name: &&&String| ***name == environment.name || name.split('/').any(|part| part == folder);
    match names.iter().filter(fits).collect::<Vec<_>>().as_slice() {
        [one] => (***one).clone(),
        several => panic!("{}: {several:?} of {names:?}", environment.name),
    }
}

#[test]
fn together_each_has_the_verdict_that_it_has_alone() {
    for (layout, lay_out) in LAYOUTS {
        for environments in [&[SOUND, LEFT_BEHIND][..], &[SOUND, LEFT_BEHIND, BROKEN]] {
            let place = TestDir::new();
            for environment in environments {
                lay_out(&place, &format!("all/{}", environment.name), environment);
            }
            let together = check(&place, "all");
            for environment in environments {
                // The folder that an Application takes in is no part of its own, and is not looked for outside of what is given.
                let base = if *layout == "applications" { ",all/base" } else { "" };
                let alone = check(&place, &format!("all/{}{base}", environment.name));
                let scope = scope_of(&together, environment, environment.name);
                let (alone, among) = (findings(&alone, None), findings(&together, Some(&scope)));
                assert_eq!(alone, among, "{layout}: {} of {}", environment.name, environments.len());
                let has = |rule: &str| alone.iter().any(|finding| finding.starts_with(&format!("{rule} fail error")));
                assert_eq!(has("api-version-removed"), environment.old_pool, "{layout}: {alone:?}");
                assert_eq!(has("ebs-key-without-encryption"), environment.broken_class, "{layout}: {alone:?}");
            }
        }
    }
}

/// How often each rule about several clusters fails.
fn shared(report: &Json) -> Vec<String> {
    let all = report["findings"].as_array().unwrap();
    let mut shared: Vec<String> = all
        .iter()
        .filter(|finding| finding["outcome"] == "fail")
        .filter_map(|finding| Some(finding["rule"].as_str()?.to_owned()))
        .filter(|rule| rule.ends_with("-shared"))
        .collect();
    shared.sort();
    shared
}

#[test]
fn what_clusters_share_is_said_where_it_is_shared_and_nowhere_else() {
    for (layout, lay_out) in LAYOUTS {
        for (shares, due) in [
            (&[][..], &[][..]),
            (&[Shared::Name], &["cluster-name-shared"]),
            (&[Shared::Queue], &["queue-shared"]),
            (&[Shared::Tag], &["discovery-tag-shared"]),
            (
                &[Shared::Name, Shared::Queue, Shared::Tag],
                &["cluster-name-shared", "discovery-tag-shared", "queue-shared"],
            ),
        ] {
            let place = TestDir::new();
            for name in ["staging", "prod"] {
                let environment = Environment { name, shares, ..SOUND };
                lay_out(&place, &format!("all/{name}"), &environment);
                let alone = check(&place, &format!("all/{name}"));
                assert_eq!(shared(&alone), [""; 0], "{layout}: {name} alone");
            }
            let mut found = shared(&check(&place, "all"));
            // A shared tag is said of the security groups and of the subnets of each class.
            found.dedup();
            assert_eq!(found, due, "{layout}");
        }
    }
}

#[test]
fn two_clusters_of_one_name_are_told_apart_by_their_endpoint() {
    let place = TestDir::new();
    for (folder, endpoint) in [("east", "aaaa"), ("west", "bbbb")] {
        place.write(&format!("all/{folder}/karpenter.yaml"), documents(&SOUND.controller("main", endpoint, None)));
    }
    assert_eq!(shared(&check(&place, "all")), ["cluster-name-shared", "queue-shared"]);
}

#[test]
fn two_healthy_clusters_share_nothing() {
    for (layout, lay_out) in LAYOUTS {
        let place = TestDir::new();
        for environment in [SOUND, Environment { name: "production", ..SOUND }] {
            lay_out(&place, &format!("all/{}", environment.name), &environment);
        }
        let report = check(&place, "all");
        assert_eq!(shared(&report), [""; 0], "{layout}");
        assert_eq!((&report["summary"]["error"], &report["summary"]["warning"]), (&json!(0), &json!(0)), "{layout}");
    }
}

#[test]
fn one_cluster_is_one_scope_whatever_the_folders() {
    let place = TestDir::new();
    place.write("all/infrastructure/karpenter.yaml", documents(&LEFT_BEHIND.controller("prod", "aaaa", None)));
    place.write("all/apps/nodes/pools.yaml", documents(&LEFT_BEHIND.nodes(None)));
    let report = check(&place, "all");
    assert!(report.get("scopes").is_none(), "{}", report["scopes"]);
    assert_eq!(report["summary"]["error"], 1);
}

#[test]
fn examples_are_evidence_against_no_other() {
    let place = TestDir::new();
    manifests(&place, "all/cluster", &SOUND);
    place.write("all/examples/upgrade/old.yaml", documents(&LEFT_BEHIND.nodes(None)));
    let report = check(&place, "all");
    assert_eq!(findings(&report, Some("staging")).iter().filter(|finding| finding.contains(" fail error")).count(), 0);
    assert_eq!(report["summary"]["error"], 0);
}

#[test]
fn scopes_are_chosen_by_name() {
    let place = TestDir::new();
    for environment in [SOUND, LEFT_BEHIND] {
        flux(&place, &format!("all/{}", environment.name), &environment);
    }
    let run = |scope: &str| place.run(&["check", "--offline", "-o", "json", "-f", "all", "--scope", scope]);
    assert_eq!(report(&run("stag*"))["summary"]["error"], 0);
    assert_eq!(report(&run("prod"))["summary"]["error"], 1);
    let ended = run("test");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("--scope test: no scope has this name; there are prod, staging"), "{}", ended.err);
}

#[test]
fn a_report_of_several_scopes_begins_with_a_matrix() {
    let place = TestDir::new();
    for environment in [SOUND, LEFT_BEHIND] {
        flux(&place, &format!("all/{}", environment.name), &environment);
    }
    let report = check(&place, "all");
    assert_eq!(report["scopes"]["prod"]["upgrade"]["error"], 1);
    assert_eq!(report["scopes"]["staging"]["upgrade"]["error"], 0);
    let piped = place.run(&["check", "--offline", "-f", "all"]);
    let header: Vec<&str> = piped.out.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["SEVERITY", "SCOPE", "RULE", "SUBJECT", "WHERE", "MESSAGE"]);
}

#[test]
fn a_stated_name_is_meant_for_the_only_cluster_without_one() {
    let nameless = Environment { name: "staging", ..SOUND };
    let place = TestDir::new();
    let write = |folder: &str, name: &str| {
        let mut objects = nameless.controller(name, folder, None);
        if name.is_empty() {
            objects[0]["spec"]["template"]["spec"]["containers"][0]["env"][0] =
                json!({"name": "CLUSTER_NAME", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}});
        }
        place.write(&format!("all/{folder}/karpenter.yaml"), documents(&objects));
    };
    write("east", "main");
    write("west", "");
    let args = ["check", "--offline", "-o", "json", "-f", "all", "--cluster-name", "other"];
    assert_eq!(place.run(&args).code, 0);
    write("north", "");
    let ended = place.run(&args);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("2 do not say their name"), "{}", ended.err);
    assert_eq!(place.run(&[&args[..], &["--scope", "west*"]].concat()).code, 0);
}

#[test]
fn one_name_in_two_folders_is_not_called_two_clusters() {
    let place = TestDir::new();
    for folder in ["a", "b"] {
        flux(&place, &format!("all/{folder}"), &SOUND);
    }
    place.write("all/nodes/old.yaml", documents(&LEFT_BEHIND.nodes(None)[1..]));
    let report = check(&place, "all");
    assert_eq!(shared(&report), [""; 0]);
    let all = findings(&report, None);
    assert_eq!(all.iter().filter(|finding| finding.starts_with("api-version-removed fail")).count(), 1, "{all:?}");
    let undecided = |finding: &&Json| finding["rule"] == "cluster-name-shared" && finding["outcome"] == "unknown";
    assert_eq!(report["findings"].as_array().unwrap().iter().filter(undecided).count(), 2);
}

#[test]
fn an_example_shares_nothing_with_what_is_deployed() {
    let place = TestDir::new();
    for folder in ["cluster", "examples/one", "examples/two"] {
        let objects = SOUND.controller("main", &folder.replace('/', ""), None);
        place.write(&format!("all/{folder}/karpenter.yaml"), documents(&objects));
    }
    assert_eq!(shared(&check(&place, "all")), [""; 0]);
}

#[test]
fn an_overlay_takes_its_base_in() {
    let place = TestDir::new();
    let base = Environment { name: "base", ..SOUND };
    flux(&place, "all/base", &base);
    place.write("all/base/infrastructure/karpenter.yaml", "");
    place.write("all/base/nodes.yaml", documents(&LEFT_BEHIND.nodes(None)[1..]));
    for environment in [SOUND, LEFT_BEHIND] {
        let folder = format!("all/overlays/{}", environment.name);
        flux(&place, &folder, &environment);
        place.write(&format!("{folder}/apps/nodes.yaml"), documents(&SOUND.nodes(None)));
        let overlay = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
            "resources": ["infrastructure", "apps", "../../base"]});
        place.write(&format!("{folder}/kustomization.yaml"), documents(&[overlay]));
    }
    let report = check(&place, "all");
    let all = report["findings"].as_array().unwrap();
    let old: Vec<&Json> = all.iter().filter(|finding| finding["rule"] == "api-version-removed").collect();
    assert_eq!(old.len(), 1, "{old:?}");
    assert_eq!((&old[0]["outcome"], &old[0]["scopes"]), (&json!("fail"), &json!(["prod", "staging"])));
}

const ONE_ROOT: &str = r#"
variable "cluster_name" {}
variable "queue_key" { default = null }
resource "aws_sqs_queue" "karpenter" {
  name              = "karpenter-${var.cluster_name}"
  kms_master_key_id = var.queue_key
}
resource "helm_release" "karpenter" {
  name       = "karpenter"
  namespace  = "kube-system"
  repository = "oci://public.ecr.aws/karpenter"
  chart      = "karpenter"
  version    = "1.13.0"
  values     = [yamlencode({ settings = { clusterName = var.cluster_name, interruptionQueue = aws_sqs_queue.karpenter.name } })]
}
"#;

#[test]
fn files_of_values_of_one_root_that_name_clusters_are_scopes_of_their_own() {
    let place = TestDir::new();
    place.write("root/main.tf", ONE_ROOT);
    place.write("root/env/dev.tfvars", "cluster_name = \"dev\"\n");
    place.write("root/env/prod.tfvars", "cluster_name = \"prod\"\nqueue_key = \"alias/aws/sqs\"\n");
    let together = check(&place, "root");
    let names: Vec<&String> = together["scopes"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["dev", "prod"]);
    let fails = |scope: &str| -> Vec<String> {
        let all = findings(&together, Some(scope)).into_iter();
        all.filter(|finding| finding.contains(" fail error")).collect()
    };
    assert_eq!(fails("dev"), Vec::<String>::new());
    assert!(matches!(fails("prod").as_slice(), [one] if one.starts_with("queue-aws-managed-key")), "{together:#}");
    // Values of one cluster that come in several files are one.
    place.write("root/env/dev.tfvars", "cluster_name = \"prod\"\n");
    let together = check(&place, "root");
    assert_eq!(together["scopes"], Json::Null);
    assert_eq!(findings(&together, None).iter().filter(|finding| finding.contains(" fail error")).count(), 0);
}
