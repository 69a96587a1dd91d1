//! The live cluster, against a real API server: what a reader with just the printed rights gets, and what is told to
//! one who has none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use std::sync::Arc;

use kubectl_karpcheck::commands::rbac;
use kubectl_karpcheck::inventory::{Builder, FieldValue, Found, Inventory, ItemId, Listing};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources::cluster::{ClusterOptions, gather};
use serde_json::json;

use crate::apiserver::ApiServer;

mod commands;
mod faults;

/// What the rules of the first day read.
const KINDS: &[&str] = &[
    "Karpcheck::Controller",
    "Karpcheck::Cluster",
    "karpenter.sh/NodePool",
    "karpenter.sh/NodeClaim",
    "karpenter.sh/Provisioner",
    "karpenter.k8s.aws/EC2NodeClass",
    "sqs.services.k8s.aws/Queue",
    "kms.services.k8s.aws/Key",
    "dynamodb.services.k8s.aws/Table",
];

fn plan() -> GatherScope {
    GatherScope::new(KINDS.iter().map(|kind| (*kind, false)))
}

/// The server with the cluster of the fixtures on it, and the reader's rights: those that `rbac` prints, no more.
pub(crate) fn server() -> Option<Arc<ApiServer>> {
    let server = ApiServer::shared()?;
    server.set_up.call_once(|| {
        server.apply_definitions();
        server.apply(include_str!("../fixtures/live/cluster.yaml"));
        let mut role = vec![];
        rbac::write(&plan(), &mut role).unwrap();
        server.apply(std::str::from_utf8(&role).unwrap());
        server.apply_object(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": rbac::NAME},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": rbac::NAME},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}],
        }));
        server.wait_until_allowed("reader", "/apis/apps/v1/deployments");
    });
    Some(server)
}

fn gathered_by(server: &ApiServer, user: &str, plan: &GatherScope) -> Inventory {
    let args = ClusterOptions { kubeconfig: Some(server.kubeconfig_for(user)), ..ClusterOptions::default() };
    let mut builder = Builder::default();
    gather(&args, plan, &mut builder, &mut |_| {});
    karpenter::inventory(builder)
}

fn names(inventory: &Inventory, kind: &str) -> Vec<String> {
    let name = |found| match found {
        Found::Known(id) => inventory.item(id).unwrap().name.to_string(),
        Found::Unknown(unknown) => format!("unknown: {}", unknown.reason.cause.as_str()),
        Found::Absent(what) => format!("absent: {what}"),
    };
    inventory.first().select(kind).into_iter().map(name).collect()
}

fn text(inventory: &Inventory, id: ItemId, pointer: &str) -> String {
    match inventory.get(id, pointer).unwrap() {
        FieldValue::Text(text) => text.into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_printed_rights_are_enough_to_read_everything() {
    let Some(server) = server() else { return };
    let inventory = gathered_by(&server, "reader", &plan());
    assert_eq!(inventory.problems(), []);
    for (kind, expected) in [
        ("karpenter.sh/NodePool", "default"),
        ("karpenter.k8s.aws/EC2NodeClass", "default"),
        ("kms.services.k8s.aws/Key", "tables"),
        ("dynamodb.services.k8s.aws/Table", "orders"),
    ] {
        assert_eq!(names(&inventory, kind), [expected], "{kind}");
    }
    assert!(names(&inventory, "sqs.services.k8s.aws/Queue").contains(&"interruptions".to_owned()));
    let listed = &inventory.clusters()[0].listed;
    assert_eq!(listed["karpenter.sh/NodePool"], Listing::Complete);
    assert_eq!(listed["karpenter.sh/NodeClaim"], Listing::Complete);
    assert_eq!(listed["karpenter.sh/Provisioner"], Listing::NotInstalled);
}

#[test]
fn the_controller_and_its_cluster_are_told_from_what_runs() {
    let Some(server) = server() else { return };
    let inventory = gathered_by(&server, "reader", &plan());
    let [Found::Known(controller)] = inventory.first().select("Karpcheck::Controller")[..] else { panic!() };
    for (pointer, expected) in [
        ("@name", "karpenter"),
        ("@namespace", "kube-system"),
        ("/Version", "1.8.7"),
        ("/ClusterName", "prod"),
        ("/InterruptionQueue", "prod-interruptions"),
        ("/Settings/aws/interruptionQueueName", "left-behind"),
        ("/Role", "arn:aws:iam::111122223333:role/KarpenterControllerRole-prod"),
    ] {
        assert_eq!(text(&inventory, controller, pointer), expected, "{pointer}");
    }
    let [Found::Known(cluster)] = inventory.first().select("Karpcheck::Cluster")[..] else { panic!() };
    let evidence = inventory.find(cluster, "/Evidence/*/Name").unwrap().0;
    assert!(!evidence.is_empty());
    assert!(evidence.iter().all(|name| name.value == FieldValue::Text("prod".into())), "{evidence:?}");
    assert_eq!(text(&inventory, cluster, "/Evidence/0/Rank"), "strong");
}

#[test]
fn nothing_is_read_that_nobody_needs() {
    let Some(server) = server() else { return };
    // As the administrator, who could read everything.
    let inventory = gathered_by(&server, "admin", &plan());
    let read: Vec<String> = inventory
        .items()
        .filter(|(_, item)| item.kind.starts_with("core/"))
        .map(|(_, item)| format!("{} {}", item.kind, item.name))
        .collect();
    assert_eq!(
        read,
        [
            "core/Node ip-10-0-0-1.eu-west-1.compute.internal",
            "core/ConfigMap karpenter-global-settings",
            "core/ServiceAccount karpenter",
            "core/Pod karpenter-0",
        ]
    );
}

#[test]
fn one_who_may_nothing_is_told_so_in_one_line_and_the_job_is_not_done() {
    let Some(server) = server() else { return };
    let inventory = gathered_by(&server, "nobody", &plan());
    for kind in ["karpenter.sh/NodePool", "sqs.services.k8s.aws/Queue", "Karpcheck::Controller"] {
        assert_eq!(names(&inventory, kind), ["unknown: refused"], "{kind}");
    }
    assert!(names(&inventory, "karpenter.sh/Provisioner").is_empty(), "what is not installed is not refused");
    let [problem] = inventory.problems() else { panic!("{:?}", inventory.problems()) };
    assert!(problem.is_fatal());
    assert_eq!(
        problem.to_string(),
        "context live refused every list that a rule needs, so nothing of it could be judged: `kubectl karpcheck rbac \
         --subject KIND:NAME` prints the rights that are needed; if your rights are for one namespace, name it with -n"
    );
}

#[test]
fn no_credentials_wrong_ones_and_a_wrong_authority_are_told_apart() {
    let Some(server) = server() else { return };
    let with = |change: &dyn Fn(&mut ClusterOptions)| {
        let mut args =
            ClusterOptions { kubeconfig: Some(server.kubeconfig_for("reader")), ..ClusterOptions::default() };
        change(&mut args);
        let mut builder = Builder::default();
        gather(&args, &plan(), &mut builder, &mut |_| {});
        let inventory = karpenter::inventory(builder);
        let [problem] = inventory.problems() else { panic!("{:?}", inventory.problems()) };
        assert!(problem.is_fatal());
        problem.to_string()
    };
    let unknown = with(&|args| args.token = Some("expired".into()));
    assert!(
        unknown.contains("did not accept the credentials (401") && unknown.contains(": log in again;"),
        "{unknown}"
    );
    let nobody = with(&|args| {
        let text = std::fs::read_to_string(args.kubeconfig.as_ref().unwrap()).unwrap();
        let path = args.kubeconfig.as_ref().unwrap().with_extension("anonymous");
        std::fs::write(&path, text.replace("{token: reader-token}", "{}")).unwrap();
        args.kubeconfig = Some(path);
    });
    assert!(
        nobody.contains("refuses system:anonymous (403): log in, ") && !nobody.contains("role"),
        "who is not logged in lacks no right: {nobody}"
    );
    let another = with(&|args| args.tls_server_name = Some("prod.example.com".into()));
    assert!(another.contains("certificate is for another name") && another.contains("--tls-server-name"), "{another}");
    let untrusted = with(&|args| {
        // The authorities of this machine, of which none made the server's certificate.
        let text = std::fs::read_to_string(args.kubeconfig.as_ref().unwrap()).unwrap();
        let (before, after) = text.split_once(", certificate-authority: ").unwrap();
        let (_, after) = after.split_once('}').unwrap();
        let path = args.kubeconfig.as_ref().unwrap().with_extension("untrusted");
        std::fs::write(&path, format!("{before}}}{after}")).unwrap();
        args.kubeconfig = Some(path);
    });
    assert!(untrusted.contains("certificate is not trusted"), "{untrusted}");
}

#[test]
fn a_long_list_is_read_to_its_end() {
    let Some(server) = server() else { return };
    let namespace = "many";
    server.apply_object(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
    for number in 0..510 {
        server.apply_object(&json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": format!("s{number}"), "namespace": namespace},
        }));
    }
    let inventory = gathered_by(&server, "admin", &GatherScope::new([("core/ServiceAccount", false)]));
    let read = inventory.items().filter(|(_, item)| item.namespace.as_deref() == Some(namespace)).count();
    assert_eq!(read, 510);
    assert!(inventory.items().all(|(_, item)| item.body.at_path(&["metadata", "managedFields"]).is_none()));
}

#[test]
fn a_broken_aggregated_api_costs_only_itself() {
    let Some(server) = server() else { return };
    server.apply_object(&json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": "v1alpha1.broken.services.k8s.aws"},
        "spec": {"group": "broken.services.k8s.aws", "version": "v1alpha1", "groupPriorityMinimum": 1, "versionPriority": 1,
                 "service": {"namespace": "default", "name": "nothing"}, "insecureSkipTLSVerify": true},
    }));
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let served = || server.get("admin", "/apis").unwrap().to_string().contains("broken.services.k8s.aws");
    while !served() {
        assert!(std::time::Instant::now() < patience, "the API server does not take the broken API up");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let plan = GatherScope::new([("broken.services.k8s.aws/Thing", false), ("karpenter.sh/NodePool", false)]);
    let inventory = gathered_by(&server, "admin", &plan);
    assert_eq!(names(&inventory, "karpenter.sh/NodePool"), ["default"]);
    assert_eq!(names(&inventory, "broken.services.k8s.aws/Thing"), ["unknown: failed"]);
    assert_eq!(inventory.problems().len(), 1, "{:?}", inventory.problems());
}

/// Runs the binary against the server as a user.
fn karpcheck(server: &ApiServer, user: &str, args: &[&str]) -> (i32, serde_json::Value, String) {
    let home = tempfile::tempdir().unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(args)
        .args(["-o", "json", "--kubeconfig"])
        .arg(server.kubeconfig_for(user))
        .env("HOME", home.path())
        .env_remove("KUBECONFIG")
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&run.stderr).into_owned();
    let report = serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{error}: {complaints}"));
    (run.status.code().unwrap(), report, complaints)
}

pub(crate) fn rules_of(report: &serde_json::Value, outcome: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["outcome"] == outcome);
    let mut rules: Vec<String> = findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect();
    rules.sort();
    rules.dedup();
    rules
}

#[test]
fn the_operators_first_command_finds_what_is_wrong_in_the_cluster() {
    let Some(server) = server() else { return };
    let (code, report, complaints) = karpcheck(&server, "admin", &[]);
    assert_eq!(rules_of(&report, "fail"), ["queue-aws-managed-key", "queue-setting-ignored"], "{complaints}");
    assert_eq!(code, 1, "{report:#}");
    // Another test of this server breaks an API group, which is told and costs nothing else.
    let problems = report["problems"].as_array().unwrap();
    assert!(problems.iter().all(|problem| problem["message"].to_string().contains("broken.")), "{report:#}");
    let findings = report["findings"].as_array().unwrap();
    let queue = &findings.iter().find(|finding| finding["rule"] == "queue-aws-managed-key").unwrap()["subject"];
    let origin = &queue["origin"];
    assert_eq!(
        (&queue["kind"], &origin["kind"], &origin["name"]),
        (&json!("AWS::SQS::Queue"), &json!("Queue"), &json!("interruptions"))
    );
    assert!(origin["context"].is_string() && report["run"]["contexts"].as_array().unwrap().len() == 1, "{report:#}");
}

#[test]
fn who_may_nothing_gets_no_green_report() {
    let Some(server) = server() else { return };
    let (code, report, _) = karpcheck(&server, "nobody", &["--require-complete"]);
    assert_eq!((code, &report["summary"]["complete"]), (3, &json!(false)), "{report:#}");
    assert_eq!(rules_of(&report, "fail"), Vec::<String>::new());
    let problems = report["problems"].to_string();
    assert!(problems.contains("cluster-refused-all") && problems.contains("kubectl karpcheck rbac"), "{problems}");
}

#[test]
fn files_are_checked_together_with_the_cluster() {
    let Some(server) = server() else { return };
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/broken-cluster/karpenter/old-pool.yaml");
    let (_, report, _) = karpcheck(&server, "admin", &["check", "-f", old, "--rule", "api-version-removed"]);
    let found = report["findings"].as_array().unwrap();
    // The version is the running controller's: no flag states it.
    assert!(
        found.iter().any(|finding| finding["outcome"] == "fail" && finding["message"].to_string().contains("1.8.7")),
        "{report:#}"
    );
}

#[test]
fn a_reference_dropped_by_an_old_definition_is_reported() {
    let Some(server) = server() else { return };
    // The server prunes by itself, as it does in real life.
    server.apply(include_str!("../fixtures/live/ack-ecr-repositories-v1.6.1-before-ref.yaml"));
    let path = "/apis/ecr.services.k8s.aws/v1alpha1/namespaces/default/repositories";
    server.wait_until_allowed("admin", path);
    server.create(path, &serde_yaml::from_str(include_str!("../fixtures/live/repository.yaml")).unwrap());
    let stored = server.get("admin", &format!("{path}/shop")).unwrap();
    assert_eq!(stored["spec"]["encryptionConfiguration"], json!({"encryptionType": "KMS"}));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/live/repository.yaml");
    let rules = ["--rule", "ack-ref-pruned", "--rule", "ack-crd-outdated"];
    let (code, report, complaints) = karpcheck(&server, "admin", &[&["check", "-f", manifest], &rules[..]].concat());
    assert_eq!(rules_of(&report, "fail"), ["ack-crd-outdated", "ack-ref-pruned"], "{complaints}{report:#}");
    assert_eq!(code, 1, "{report:#}");
    let findings = report["findings"].as_array().unwrap();
    let of = |rule: &str| findings.iter().find(|finding| finding["rule"] == rule).unwrap();
    // What runs is at fault, and the manifest shows what was meant.
    assert_eq!(of("ack-crd-outdated")["subject"]["origin"]["name"], json!("repositories.ecr.services.k8s.aws"));
    assert!(of("ack-ref-pruned")["subject"]["origin"]["file"].as_str().unwrap().ends_with("repository.yaml"));
    assert_eq!(of("ack-ref-pruned")["confidence"], json!("high"));
}

/// Creates an event in the default namespace, where a server wants those of objects without one.
fn event(server: &ApiServer, name: &str, kind: &str, reason: &str, source: &str) {
    server.create(
        "/api/v1/namespaces/default/events",
        &json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "default"},
            "involvedObject": {"kind": kind, "name": name}, "reason": reason, "message": "told by a test",
            "source": {"component": source}, "type": "Normal", "count": 1,
        }),
    );
}

#[test]
fn only_the_events_that_rules_look_at_leave_the_server() {
    let Some(server) = server() else { return };
    event(&server, "claim-launch", "NodeClaim", "LaunchFailed", "karpenter");
    event(&server, "claim-kept", "NodeClaim", "Unconsolidatable", "karpenter");
    event(&server, "class-not-ready", "EC2NodeClass", "ValidationSucceeded", "karpenter");
    event(&server, "node-interrupted", "Node", "TerminatingOnInterruption", "karpenter");
    event(&server, "node-started", "Node", "Starting", "kubelet");
    // The source of an event that the newer API made is its reporting controller.
    server.create(
        "/apis/events.k8s.io/v1/namespaces/default/events",
        &json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "node-stopped", "namespace": "default"},
            "eventTime": "2026-01-02T03:04:05.000000Z", "reportingController": "karpenter", "reportingInstance": "karpenter-0",
            "action": "Interrupt", "reason": "InstanceStopping", "regarding": {"kind": "Node", "name": "node-stopped"},
            "note": "told by a test", "type": "Warning",
        }),
    );
    event(&server, "pod-scheduled", "Pod", "Scheduled", "default-scheduler");
    // With just the right that is printed for it.
    let plan = GatherScope::new([("core/Event", true)]);
    let mut role = vec![];
    rbac::write(&plan, &mut role).unwrap();
    server.apply(&std::str::from_utf8(&role).unwrap().replace(rbac::NAME, "karpcheck-events"));
    server.apply_object(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "karpcheck-events"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "karpcheck-events"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}],
    }));
    server.wait_until_allowed("reader", "/api/v1/events");
    let inventory = gathered_by(&server, "reader", &plan);
    assert!(inventory.problems().is_empty(), "{:?}", inventory.problems());
    let mut read = names(&inventory, "core/Event");
    read.sort();
    assert_eq!(
        read,
        ["claim-launch", "class-not-ready", "node-interrupted", "node-stopped", "unknown: not-provided"],
        "and that there are others is not denied"
    );
}
