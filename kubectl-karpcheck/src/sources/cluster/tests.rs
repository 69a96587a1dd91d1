//! Scenarios at the HTTP seam: a scripted API server on loopback, asked through everything that a real one is.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::inventory::{FieldValue, Found, Inventory, Listing, Problem};
use crate::karpenter;

use scripted_server::{Say, Server};

mod events;
mod faults;
mod fleet;
#[path = "../../../../tests/scripted_server.rs"]
mod scripted_server;

const POOL: &str = "karpenter.sh/NodePool";
const CLASS: &str = "karpenter.k8s.aws/EC2NodeClass";

/// Discovery as servers from 1.27 on have it.
fn discovery(path: &str) -> Option<Say> {
    let resource = |plural: &str, kind: &str, scope: &str| {
        format!(
            r#"{{"resource":"{plural}","responseKind":{{"kind":"{kind}"}},"scope":"{scope}","verbs":["get","list"]}}"#
        )
    };
    let group = |name: &str, version: &str, resources: &[String]| {
        format!(
            r#"{{"metadata":{{"name":"{name}"}},"versions":[{{"version":"{version}","freshness":"Current","resources":[{}]}}]}}"#,
            resources.join(",")
        )
    };
    let list =
        |groups: &[String]| Say::Json(format!(r#"{{"kind":"APIGroupDiscoveryList","items":[{}]}}"#, groups.join(",")));
    match path {
        "/api" => Some(list(&[group(
            "",
            "v1",
            &[
                resource("nodes", "Node", "Cluster"),
                resource("pods", "Pod", "Namespaced"),
                resource("secrets", "Secret", "Namespaced"),
                resource("configmaps", "ConfigMap", "Namespaced"),
                resource("serviceaccounts", "ServiceAccount", "Namespaced"),
            ],
        )])),
        "/apis" => Some(list(&[
            group(
                "apps",
                "v1",
                &[
                    resource("deployments", "Deployment", "Namespaced"),
                    resource("daemonsets", "DaemonSet", "Namespaced"),
                ],
            ),
            group(
                "karpenter.sh",
                "v1",
                &[resource("nodepools", "NodePool", "Cluster"), resource("nodeclaims", "NodeClaim", "Cluster")],
            ),
            group("karpenter.k8s.aws", "v1", &[resource("ec2nodeclasses", "EC2NodeClass", "Cluster")]),
            group("sqs.services.k8s.aws", "v1alpha1", &[resource("queues", "Queue", "Namespaced")]),
            group("kms.services.k8s.aws", "v1alpha1", &[resource("keys", "Key", "Namespaced")]),
            r#"{"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale","resources":[]}]}"#.into(),
            r#"{"metadata":{"name":"rds.services.k8s.aws"},"versions":[{"version":"v1alpha1","freshness":"Stale"}]}"#.into(),
        ])),
        _ => None,
    }
}

fn page(names: &[&str], next: &str) -> Say {
    let items: Vec<String> = names.iter().map(|name| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)).collect();
    Say::Json(format!(r#"{{"metadata":{{"continue":"{next}"}},"items":[{}]}}"#, items.join(",")))
}

fn empty() -> Say {
    page(&[], "")
}

/// A server with discovery, on which lists that the scenario does not speak of are empty.
fn scenario(script: impl Fn(&str, usize) -> Option<Say> + Send + Sync + 'static) -> Server {
    Server::new(move |path, before| script(path, before).or_else(|| discovery(path)).unwrap_or_else(empty))
}

fn kubeconfig(server: &str, more: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: arn:aws:eks:eu-west-1:111122223333:cluster/prod, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: test, context: {{cluster: 'arn:aws:eks:eu-west-1:111122223333:cluster/prod', user: u}}}}]\n\
         users: [{{name: u, user: {{{more}}}}}]\n"
    )
    .unwrap();
    file
}

fn gathered_as(args: &ClusterOptions, kinds: &[(&str, bool)]) -> Inventory {
    let gather_scope = GatherScope::new(kinds.iter().copied());
    let mut builder = Builder::default();
    let deadline = Duration::from_millis(700);
    let patience = Patience { deadline, first: deadline, attempts: 3, pause: Duration::from_millis(1) };
    take_in(fetch::all(args, &gather_scope, &mut |_| {}, patience), &gather_scope, &mut builder);
    karpenter::inventory(builder)
}

fn gathered(server: &Server, kinds: &[(&str, bool)]) -> Inventory {
    let file = kubeconfig(&server.url, "token: t");
    gathered_as(&ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() }, kinds)
}

fn names(inventory: &Inventory, kind: &str) -> Vec<String> {
    inventory
        .first()
        .select(kind)
        .into_iter()
        .map(|found| match found {
            Found::Known(id) => inventory.item(id).unwrap().name.to_string(),
            Found::Unknown(unknown) => format!("unknown: {}", unknown.reason.cause.as_str()),
            Found::Absent(what) => format!("absent: {what}"),
        })
        .collect()
}

fn only_problem(inventory: &Inventory) -> &Problem {
    let [problem] = inventory.problems() else { panic!("{:?}", inventory.problems()) };
    problem
}

#[test]
fn pages_are_joined_and_objects_keep_their_coordinates() {
    let server = scenario(|path, _| match path {
        "/apis/karpenter.sh/v1/nodepools?limit=500" => Some(page(&["a", "b"], "x/y=")),
        "/apis/karpenter.sh/v1/nodepools?limit=500&continue=x%2Fy%3D" => Some(page(&["c"], "")),
        _ => None,
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert_eq!(names(&inventory, POOL), ["a", "b", "c"]);
    assert!(inventory.problems().is_empty());
    let (id, item) = inventory.items().find(|(_, item)| &*item.kind == POOL).unwrap();
    assert_eq!(inventory.document(item.doc()).origin.to_string(), "test: NodePool a");
    assert_eq!(inventory.get(id, "/apiVersion").unwrap(), FieldValue::Text("karpenter.sh/v1".into()));
    assert!(item.read_at.as_deref().unwrap().ends_with('Z'));
}

#[test]
fn an_expired_list_starts_anew_once() {
    let server = scenario(|path, before| match (path, before) {
        ("/apis/karpenter.sh/v1/nodepools?limit=500", 0) => Some(page(&["a", "b"], "old")),
        ("/apis/karpenter.sh/v1/nodepools?limit=500", _) => Some(page(&["a", "b", "c"], "")),
        (path, _) if path.contains("continue=old") => {
            Some(Say::Status(410, "the provided continue parameter is too old"))
        }
        _ => None,
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert_eq!(names(&inventory, POOL), ["a", "b", "c"]);
    assert!(inventory.problems().is_empty());
}

#[test]
fn a_list_that_keeps_expiring_is_partial_and_keeps_what_was_read() {
    let server = scenario(|path, _| match path {
        "/apis/karpenter.sh/v1/nodepools?limit=500" => Some(page(&["a"], "old")),
        path if path.contains("continue=old") => Some(Say::Status(410, "too old")),
        _ => None,
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert_eq!(names(&inventory, POOL), ["a", "unknown: failed"]);
    assert!(only_problem(&inventory).is_incomplete());
    assert_eq!(server.asked().iter().filter(|path| path.ends_with("nodepools?limit=500")).count(), 2);
}

#[test]
fn a_server_that_sheds_load_is_asked_again() {
    let server = scenario(|path, before| match (path, before) {
        ("/apis", 0) => Some(Say::Status(503, "starting")),
        ("/apis/karpenter.sh/v1/nodepools?limit=500", 0) => Some(Say::Status(429, "too many requests")),
        ("/apis/karpenter.sh/v1/nodepools?limit=500", 1) => Some(Say::Break),
        ("/apis/karpenter.sh/v1/nodepools?limit=500", _) => Some(page(&["a"], "")),
        _ => None,
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert_eq!(names(&inventory, POOL), ["a"]);
    assert!(inventory.problems().is_empty());
}

#[test]
fn a_server_that_says_when_to_come_back_is_asked_as_often_as_client_go_asks() {
    let pools = "/apis/karpenter.sh/v1/nodepools?limit=500";
    let server = scenario(move |path, before| match (path, before) {
        (path, 0..9) if path == pools => Some(Say::Later),
        (path, _) if path == pools => Some(page(&["a"], "")),
        _ => None,
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert_eq!((names(&inventory, POOL), inventory.problems().len()), (vec!["a".to_owned()], 0));
    let server = scenario(move |path, _| (path == pools).then_some(Say::Later));
    assert_eq!(gathered(&server, &[(POOL, false)]).problems().len(), 1);
    assert_eq!(server.asked.lock().unwrap().iter().filter(|path| *path == pools).count(), 10);
}

#[test]
fn a_kind_that_keeps_failing_costs_only_itself() {
    for answer in [|| Say::Status(503, "down"), || Say::Break, || Say::Hang, || Say::Json("<html>".into())] {
        let server = scenario(move |path, _| match path {
            "/apis/karpenter.sh/v1/nodepools?limit=500" => Some(answer()),
            "/apis/karpenter.k8s.aws/v1/ec2nodeclasses?limit=500" => Some(page(&["class"], "")),
            _ => None,
        });
        let inventory = gathered(&server, &[(POOL, false), (CLASS, false)]);
        assert_eq!(names(&inventory, POOL), ["unknown: failed"]);
        assert_eq!(names(&inventory, CLASS), ["class"]);
        let problem = only_problem(&inventory);
        assert!(problem.is_incomplete() && !problem.is_fatal());
        assert!(problem.to_string().starts_with("listing karpenter.sh/NodePool failed"), "{problem}");
    }
}

#[test]
fn a_refusal_says_what_it_costs_and_what_to_ask_for() {
    let server = scenario(|path, _| {
        path.contains("nodepools").then_some(Say::Status(403, "nodepools.karpenter.sh is forbidden"))
    });
    let inventory = gathered(&server, &[(POOL, false), (CLASS, false)]);
    assert_eq!(names(&inventory, POOL), ["unknown: refused"]);
    let problem = only_problem(&inventory);
    assert!(problem.is_incomplete() && !problem.is_fatal());
    assert_eq!(
        problem.to_string(),
        "listing karpenter.sh/NodePool was refused, so rules that read it stay unknown: ask for `list \
         nodepools.karpenter.sh`; `kubectl karpcheck rbac` prints all rights that are needed"
    );
    assert_eq!(server.asked().iter().filter(|path| path.contains("nodepools")).count(), 1, "a refusal is not retried");
}

#[test]
fn a_refusal_of_what_is_optional_leaves_the_run_complete() {
    let server = scenario(|path, _| path.contains("nodepools").then_some(Say::Status(403, "forbidden")));
    let inventory = gathered(&server, &[(POOL, true)]);
    assert!(!only_problem(&inventory).is_incomplete());
    assert_eq!(names(&inventory, POOL), ["unknown: refused"]);
}

#[test]
fn kinds_that_are_not_served_are_not_installed() {
    // Of one that goes away meanwhile the server says so.
    let server = scenario(|path, before| match (path, before) {
        ("/apis", 1..) => Some(Say::Json(r#"{"kind":"APIGroupDiscoveryList","items":[]}"#.into())),
        (path, _) if path.contains("ec2nodeclasses") => Some(Say::Status(404, "gone meanwhile")),
        _ => None,
    });
    let inventory = gathered(&server, &[("karpenter.sh/Provisioner", false), (CLASS, false)]);
    assert!(inventory.problems().is_empty());
    let listed = &inventory.clusters()[0].listed;
    assert_eq!(listed["karpenter.sh/Provisioner"], Listing::NotInstalled);
    assert_eq!(listed[CLASS], Listing::NotInstalled);
    assert!(names(&inventory, "karpenter.sh/Provisioner").is_empty());
}

#[test]
fn a_broken_aggregated_api_matters_only_to_what_is_wanted_of_it() {
    let server =
        scenario(|path, _| (path == "/apis/sqs.services.k8s.aws/v1alpha1/queues?limit=500").then(|| page(&["q"], "")));
    let inventory = gathered(&server, &[("*.services.k8s.aws/*", false)]);
    assert_eq!(names(&inventory, "*.services.k8s.aws/*"), ["q", "unknown: failed"]);
    assert_eq!(names(&inventory, "sqs.services.k8s.aws/Queue"), ["q"]);
    assert!(only_problem(&inventory).to_string().contains("what rds.services.k8s.aws serves"));
}

#[test]
fn an_old_server_is_asked_group_by_group() {
    let server = scenario(|path, _| {
        let groups = r#"{"kind":"APIGroupList","groups":[
            {"name":"karpenter.sh","versions":[{"version":"v1beta1"},{"version":"v1"}],"preferredVersion":{"version":"v1"}},
            {"name":"rds.services.k8s.aws","versions":[{"version":"v1alpha1"}]},
            {"name":"batch","versions":[{"version":"v1"}]}]}"#;
        let resources = r#"{"kind":"APIResourceList","resources":[
            {"name":"nodepools","kind":"NodePool","namespaced":false,"verbs":["list"]},
            {"name":"nodepools/status","kind":"NodePool","namespaced":false,"verbs":["get"]}]}"#;
        Some(match path {
            "/api" => Say::Json(r#"{"kind":"APIVersions","versions":["v1"]}"#.into()),
            "/apis" => Say::Json(groups.into()),
            "/api/v1" => Say::Json(r#"{"resources":[]}"#.into()),
            "/apis/karpenter.sh/v1" | "/apis/karpenter.sh/v1beta1" => Say::Json(resources.into()),
            "/apis/karpenter.sh/v1/nodepools?limit=500" => page(&["a"], ""),
            "/apis/rds.services.k8s.aws/v1alpha1" => Say::Status(503, "the server is currently unable"),
            _ => return None,
        })
    });
    let inventory = gathered(&server, &[(POOL, false), ("*.services.k8s.aws/*", false)]);
    assert_eq!(names(&inventory, POOL), ["a"]);
    assert_eq!(names(&inventory, "*.services.k8s.aws/*"), ["unknown: failed"]);
    assert!(only_problem(&inventory).to_string().contains("the server is currently unable"));
    assert!(!server.asked().iter().any(|path| path.contains("batch")), "groups that nobody wants are not asked for");
}

#[test]
fn only_what_is_needed_is_read() {
    let deployment = r#"{"items":[{"metadata":{"name":"karpenter","namespace":"kube-system"},"spec":{
        "selector":{"matchLabels":{"app":"karpenter"}},"template":{"spec":{"serviceAccountName":"karpenter","containers":[
        {"image":"public.ecr.aws/karpenter/controller:1.8.7","env":[{"name":"CLUSTER_NAME","value":"prod"}]}]}}}}]}"#;
    let account = r#"{"metadata":{"name":"karpenter","namespace":"kube-system",
        "annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::111122223333:role/KarpenterControllerRole-prod"}}}"#;
    let node = r#"{"metadata":{"continue":"more"},"items":[{"metadata":{"name":"n"},"spec":{"providerID":"aws:///eu-west-1a/i-0"}}]}"#;
    let server = scenario(move |path, _| match path {
        "/apis/apps/v1/deployments?limit=500" => Some(Say::Json(deployment.into())),
        "/api/v1/namespaces/kube-system/serviceaccounts/karpenter" => Some(Say::Json(account.into())),
        "/api/v1/namespaces/kube-system/configmaps/karpenter-global-settings" => Some(Say::Status(404, "not found")),
        "/api/v1/nodes?limit=20" => Some(Say::Json(node.into())),
        _ => None,
    });
    let inventory = gathered(&server, &[("Karpcheck::Controller", false), ("Karpcheck::Cluster", false)]);
    assert!(inventory.problems().is_empty(), "{:?}", inventory.problems());
    let [Found::Known(controller)] = inventory.first().select("Karpcheck::Controller")[..] else { panic!() };
    assert_eq!(
        inventory.get(controller, "/Role").unwrap(),
        FieldValue::Text("arn:aws:iam::111122223333:role/KarpenterControllerRole-prod".into())
    );
    let mut asked = server.asked();
    asked.sort();
    assert_eq!(
        asked,
        [
            "/api",
            "/api/v1/namespaces/kube-system",
            "/api/v1/namespaces/kube-system/configmaps/karpenter-global-settings",
            "/api/v1/namespaces/kube-system/pods?labelSelector=app%3Dkarpenter&limit=5",
            "/api/v1/namespaces/kube-system/serviceaccounts/karpenter",
            "/api/v1/nodes?limit=20",
            "/apis",
            "/apis/apps/v1/daemonsets?limit=500&resourceVersion=0",
            "/apis/apps/v1/deployments?limit=500",
            "/apis/karpenter.k8s.aws/v1/ec2nodeclasses?limit=500",
        ]
    );
}

#[test]
fn secrets_are_never_read_whatever_a_pack_declares() {
    let server = scenario(|_, _| None);
    let inventory = gathered(&server, &[("core/*", false), ("core/Secret", false)]);
    assert!(!server.asked().iter().any(|path| path.contains("secrets")));
    assert!(server.asked().contains(&"/api/v1/pods?limit=500".to_owned()));
    assert_eq!(names(&inventory, "core/Secret"), ["unknown: not-provided"]);
}

#[test]
fn one_namespace_leaves_the_others_unknown() {
    let server = scenario(|path, _| {
        (path == "/apis/sqs.services.k8s.aws/v1alpha1/namespaces/a/queues?limit=500").then(|| page(&["q"], ""))
    });
    let file = kubeconfig(&server.url, "token: t");
    let args = ClusterOptions {
        kubeconfig: Some(file.path().into()),
        namespace: Some("a".into()),
        ..ClusterOptions::default()
    };
    let inventory = gathered_as(&args, &[("sqs.services.k8s.aws/Queue", false), (POOL, false)]);
    assert_eq!(names(&inventory, "sqs.services.k8s.aws/Queue"), ["q", "unknown: not-provided"]);
    assert!(names(&inventory, POOL).is_empty());
}

#[test]
fn a_list_without_end_is_given_up() {
    let server = scenario(|path, _| path.contains("nodepools").then(|| page(&["a"], "again")));
    let inventory = gathered(&server, &[(POOL, false)]);
    assert!(only_problem(&inventory).to_string().contains("endless"));
    assert_eq!(names(&inventory, POOL).last().unwrap(), "unknown: failed");
}

#[test]
fn an_unreachable_cluster_is_one_fatal_problem() {
    let refused = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let cases: [(String, &str); 6] = [
        (refused, "nothing listens there"),
        (Server::new(|_, _| Say::Status(401, "Unauthorized")).url, "auth whoami` tells whether it worked"),
        (Server::new(|_, _| Say::Status(403, "forbidden")).url, "system:discovery"),
        (Server::new(|_, _| Say::Json("<html>login</html>".into())).url, "is not what an API server answers"),
        (Server::new(|_, _| Say::Json(r#"{"kind":"Status"}"#.into())).url, "is this the API server's address?"),
        (Server::new(|_, _| Say::Hang).url, "--request-timeout allows more"),
    ];
    for (url, cure) in cases {
        let file = kubeconfig(&url, "token: t");
        let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
        let inventory = gathered_as(&args, &[(POOL, false)]);
        let problem = only_problem(&inventory);
        assert!(problem.is_fatal() && problem.to_string().contains(cure), "{problem}");
        assert!(problem.to_string().contains("test"), "it names the context: {problem}");
        assert_eq!(names(&inventory, POOL), ["unknown: failed"]);
    }
}

#[test]
fn tls_to_a_server_that_speaks_none_is_told() {
    // What an HTTP server makes of a TLS hello.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    let file = kubeconfig(&url, "token: t");
    let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    let inventory = gathered_as(&args, &[(POOL, false)]);
    assert!(only_problem(&inventory).to_string().contains("does not speak TLS"), "{:?}", inventory.problems());
}

#[test]
fn a_kubeconfig_that_does_not_serve_says_why() {
    let file = kubeconfig("http://127.0.0.1:1", "token: t");
    let here = || Some(file.path().to_path_buf());
    let with = |change: &dyn Fn(&mut ClusterOptions)| {
        let mut args = ClusterOptions { kubeconfig: here(), ..ClusterOptions::default() };
        change(&mut args);
        let inventory = gathered_as(&args, &[(POOL, false)]);
        let problem = only_problem(&inventory);
        assert!(problem.is_fatal());
        problem.to_string()
    };
    assert!(with(&|args| args.kubeconfig = Some("/no/such/file".into())).contains("/no/such/file cannot be read"));
    assert!(
        with(&|args| args.contexts = vec!["prod".into()])
            .ends_with("the kubeconfig has no context prod: there is test")
    );
    assert!(with(&|args| args.cluster = Some("x".into())).contains("has no cluster x"));
    assert!(with(&|args| args.user = Some("x".into())).contains("has no user x: there is u"));
    assert!(with(&|args| args.server = Some("no url".into())).starts_with("the API server no url is no URL"));
    assert!(with(&|args| args.certificate_authority = Some("/no/ca".into())).contains("/no/ca"));
    let mut bad = tempfile::NamedTempFile::new().unwrap();
    bad.write_all(b"contexts: {{").unwrap();
    assert!(with(&|args| args.kubeconfig = Some(bad.path().into())).contains("cannot be read"));
    let nothing = tempfile::NamedTempFile::new().unwrap();
    assert!(with(&|args| args.kubeconfig = Some(nothing.path().into())).contains("has no current context"));
}

#[test]
fn a_failing_credential_plugin_is_told_in_one_sentence() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: sh, interactiveMode: Never, \
                args: ['-c', 'echo The SSO session has expired >&2; exit 1']}";
    let file = kubeconfig("http://127.0.0.1:1", exec);
    let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    let inventory = gathered_as(&args, &[(POOL, false)]);
    assert_eq!(
        only_problem(&inventory).to_string(),
        "context test: `sh`, which the kubeconfig gets its credentials from, failed: The SSO session has expired: log \
         in again with `aws sso login`"
    );
}

#[test]
fn the_token_of_a_credential_plugin_is_sent() {
    let seen = Arc::new(Mutex::new(HashMap::new()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let length = stream.read(&mut head).unwrap();
        for line in String::from_utf8_lossy(&head[..length]).lines() {
            if let Some((name, value)) = line.split_once(": ") {
                log.lock().unwrap().insert(name.to_ascii_lowercase(), value.to_owned());
            }
        }
        let _ = write!(stream, "HTTP/1.1 401 X\r\ncontent-length: 0\r\n\r\n");
    });
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never, \
                args: ['-c', 'echo \"{status: {token: from-plugin}}\"']}";
    let file = kubeconfig(&url, exec);
    let args = ClusterOptions {
        kubeconfig: Some(file.path().into()),
        impersonate: Some("somebody".into()),
        impersonate_group: vec!["readers".into()],
        impersonate_user_extra: vec![("scopes".into(), "view".into())],
        ..ClusterOptions::default()
    };
    gathered_as(&args, &[(POOL, false)]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen["authorization"], "Bearer from-plugin");
    assert_eq!(seen["impersonate-user"], "somebody");
    assert_eq!(seen["impersonate-group"], "readers");
    assert_eq!(seen["impersonate-extra-scopes"], "view");
}

#[test]
fn the_kubeconfig_is_evidence_of_the_clusters_name() {
    let server = scenario(|_, _| None);
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never, \
                args: ['-c', 'echo \"{status: {token: t}}\"', eks, get-token, --cluster-name, prod]}";
    let file = kubeconfig(&server.url, exec);
    let mut args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    let words = |args: &ClusterOptions| -> Vec<String> {
        gathered_as(args, &[]).clusters()[0].hints.iter().map(|(word, _)| word.clone()).collect()
    };
    assert_eq!(words(&args), ["test", "arn:aws:eks:eu-west-1:111122223333:cluster/prod", "exec:prod"]);
    args.server = Some(server.url.clone());
    assert_eq!(words(&args), ["test"]);
}
