//! Servers and credentials that misbehave.

use std::time::Instant;

use super::*;

const POOLS: &str = "/apis/karpenter.sh/v1/nodepools?limit=500";

#[test]
fn a_list_with_ever_new_tokens_is_given_up() {
    // The same page behind a new token each time.
    let server = scenario(|path, _| {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        path.contains("nodepools").then(|| page(&["a"], &format!("t{number}")))
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert!(only_problem(&inventory).to_string().contains("endless"), "{:?}", inventory.problems());
    assert!(server.asked().len() < 10, "{}", server.asked().len());
    let server = scenario(|path, _| {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        path.contains("nodepools").then(|| page(&[], &format!("t{number}")))
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert!(only_problem(&inventory).to_string().contains("endless"), "{:?}", inventory.problems());
}

#[test]
fn a_list_from_the_cache_may_come_in_pages_all_the_same() {
    let daemons = "/apis/apps/v1/daemonsets?limit=500";
    // With a version beside the token, a real server refuses the request.
    let server = scenario(move |path, _| match path.strip_prefix(daemons) {
        Some("&resourceVersion=0") => Some(page(&["a"], "more")),
        Some("&continue=more") => Some(page(&["b"], "")),
        Some(_) => Some(Say::Status(400, "specifying resource version is not allowed when using continue")),
        None => None,
    });
    let inventory = gathered(&server, &[("apps/DaemonSet", false)]);
    assert_eq!(names(&inventory, "apps/DaemonSet"), ["a", "b"], "{:?}", inventory.problems());
}

#[test]
fn a_list_that_does_not_come_in_one_piece_is_asked_for_in_pages() {
    let claims = "/apis/karpenter.sh/v1/nodeclaims?limit=500";
    let server = scenario(move |path, _| match path.strip_prefix(claims) {
        Some("&resourceVersion=0") => Some(Say::Hang),
        Some("") => Some(page(&["a"], "more")),
        Some("&continue=more") => Some(page(&["b"], "")),
        _ => None,
    });
    let inventory = gathered(&server, &[("karpenter.sh/NodeClaim", false)]);
    assert_eq!(names(&inventory, "karpenter.sh/NodeClaim"), ["a", "b"]);
    assert!(inventory.problems().is_empty(), "{:?}", inventory.problems());
}

#[test]
fn a_list_that_expires_twice_goes_on_where_it_was() {
    let gone = |token: &'static str| {
        Say::Raw(
            410,
            format!(
                r#"{{"kind":"Status","metadata":{{"continue":"{token}"}},"message":"expired","reason":"Expired"}}"#
            ),
        )
    };
    let server = scenario(move |path, _| match path {
        POOLS => Some(page(&["a"], "one")),
        _ if path.ends_with("continue=one") => Some(gone("later")),
        _ if path.ends_with("continue=later") => Some(page(&["b"], "")),
        _ => None,
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert_eq!(names(&inventory, POOL), ["a", "b"]);
    assert!(inventory.problems().is_empty(), "{:?}", inventory.problems());
    assert_eq!(server.asked().iter().filter(|path| *path == POOLS).count(), 2, "it starts anew first");
}

#[test]
fn a_list_that_is_not_there_although_its_kind_is_served_is_told() {
    let later = "/apis/karpenter.sh/v1/nodepools?limit=500&continue=more";
    for (missing, read) in [(POOLS, vec!["unknown: failed"]), (later, vec!["a", "unknown: failed"])] {
        let server = scenario(move |path, _| match path {
            path if path == missing => Some(Say::Status(404, "page not found")),
            path if path == POOLS => Some(page(&["a"], "more")),
            _ => None,
        });
        let inventory = gathered(&server, &[(POOL, false), (CLASS, false)]);
        assert_eq!(names(&inventory, POOL), read);
        let problem = only_problem(&inventory);
        assert!(problem.is_incomplete() && problem.to_string().contains("404"), "{problem}");
    }
    // A page that is missing is no kind that is gone, whatever is served by then.
    let server = scenario(move |path, before| match (path, before) {
        ("/apis", 1..) => Some(Say::Json(r#"{"kind":"APIGroupDiscoveryList","items":[]}"#.into())),
        (path, _) if path == later => Some(Say::Status(404, "page not found")),
        (path, _) if path == POOLS => Some(page(&["a"], "more")),
        _ => None,
    });
    let inventory = gathered(&server, &[(POOL, false)]);
    assert_eq!(names(&inventory, POOL), ["a", "unknown: failed"]);
    assert!(only_problem(&inventory).is_incomplete());
}

#[test]
fn a_plugin_whose_credentials_are_not_accepted_is_run_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never, args: ['-c', 'echo x >> {}; \
         echo \"status: {{token: t}}\"']}}",
        runs.display()
    );
    for (stale, user, expected) in [(1, &*exec, 2), (9, &*exec, 2), (9, "token: t", 0)] {
        let _ = std::fs::remove_file(&runs);
        let server = scenario(move |path, before| match path {
            "/api" if before < stale => Some(Say::Status(401, "Unauthorized")),
            path if path == POOLS => Some(page(&["a"], "")),
            _ => None,
        });
        let file = kubeconfig(&server.url, user);
        let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
        let inventory = gathered_as(&args, &[(POOL, false)]);
        assert_eq!(std::fs::read_to_string(&runs).unwrap_or_default().lines().count(), expected);
        assert_eq!(server.asked().iter().filter(|path| *path == "/api").count(), expected.max(1));
        if stale == 1 {
            assert_eq!((names(&inventory, POOL), inventory.problems().len()), (vec!["a".to_owned()], 0));
        } else {
            assert!(only_problem(&inventory).to_string().contains("did not accept the credentials (401"));
        }
    }
}

#[test]
fn a_context_without_a_cluster_costs_itself_alone() {
    let server = scenario(|path, _| (path == POOLS).then(|| page(&["a"], "")));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let write = |contexts: &str| {
        let text = format!(
            "clusters: [{{name: c, cluster: {{server: '{}'}}}}]\ncontexts: [{contexts}]\nusers: [{{name: u, user: {{tokenFile: token}}}}]\n",
            server.url
        );
        std::fs::write(&path, text).unwrap();
    };
    std::fs::write(folder.path().join("token"), "t").unwrap();
    let args = |contexts: &[&str]| ClusterOptions {
        kubeconfig: Some(path.clone()),
        contexts: contexts.iter().map(|name| (*name).to_owned()).collect(),
        ..ClusterOptions::default()
    };
    for lacking in ["context: {}", "context: {user: u}", "context: {cluster: ~, user: u}", "context: ~"] {
        write(&format!("{{name: empty, {lacking}}}, {{name: good, context: {{cluster: c, user: u}}}}"));
        let inventory = gathered_as(&args(&["good"]), &[(POOL, false)]);
        assert_eq!((names(&inventory, POOL), inventory.problems().len()), (vec!["a".to_owned()], 0), "{lacking}");
        let inventory = gathered_as(&args(&["*"]), &[(POOL, false)]);
        assert_eq!(names(&inventory, POOL), ["a"]);
        assert_eq!(
            only_problem(&inventory).to_string(),
            "context empty of the kubeconfig cannot be used: it names no cluster: there is c"
        );
    }
    // With a server there is nothing that it lacks, as for kubectl.
    write("{name: empty, context: {user: u}}");
    let args = ClusterOptions { server: Some(server.url.clone()), ..args(&["empty"]) };
    assert_eq!(names(&gathered_as(&args, &[(POOL, false)]), POOL), ["a"]);
}

#[test]
fn what_is_wrong_with_credentials_is_told_with_its_context_and_its_file() {
    let said = |server: &str, user: &str| {
        let file = kubeconfig(server, user);
        let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
        only_problem(&gathered_as(&args, &[(POOL, false)])).to_string()
    };
    let here = "https://127.0.0.1:1";
    for (user, why) in [
        (
            "client-certificate: /no/such.crt, client-key: /no/such.key",
            "its client certificate /no/such.crt cannot be read",
        ),
        ("client-certificate-data: '*', client-key-data: '*'", "failed to load client certificate"),
        ("auth-provider: {name: gcp}", "an exec plugin takes its place, gke-gcloud-auth-plugin"),
        ("auth-provider: {name: azure}", "an exec plugin takes its place, kubelogin"),
        ("auth-provider: {name: oidc}", "No id-token"),
    ] {
        let said = said(here, user);
        assert!(said.starts_with("context test") && said.contains(why), "{said}");
    }
    let said_of = said("127.0.0.1:24102", "token: t");
    assert!(said_of.starts_with("context test") && said_of.contains("127.0.0.1:24102 is no URL"), "{said_of}");
    // Who is seen as nobody, and sent something all the same.
    let server = Server::new(|_, _| Say::Status(403, "forbidden: User \\\"system:anonymous\\\" cannot get path"));
    let said_of = said(&server.url, "username: me, password: secret");
    assert!(said_of.contains("removed basic authentication") && !said_of.contains("secret"), "{said_of}");
    let said_of = said(&server.url, "username: ''");
    assert!(said_of.contains("give the context a user with credentials"), "{said_of}");
    // A context whose cluster the kubeconfig does not have.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "current-context: lost\ncontexts: [{{name: lost, context: {{cluster: ghost}}}}]\n").unwrap();
    let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    assert_eq!(
        only_problem(&gathered_as(&args, &[(POOL, false)])).to_string(),
        "context lost of the kubeconfig cannot be used: the kubeconfig has no cluster ghost: there are no clusters in it"
    );
}

#[test]
fn a_list_that_hangs_costs_one_deadline() {
    let server = scenario(|path, _| path.contains("nodepools").then_some(Say::Hang));
    let begun = Instant::now();
    let inventory = gathered(&server, &[(POOL, false), (CLASS, false)]);
    assert!(begun.elapsed() < Duration::from_millis(1800), "{:?}", begun.elapsed());
    assert!(only_problem(&inventory).to_string().contains("nothing came within 0.7 s"), "{:?}", inventory.problems());
    assert!(names(&inventory, CLASS).is_empty());
}

#[test]
fn a_token_file_may_end_in_a_line_break() {
    let mut token = tempfile::NamedTempFile::new().unwrap();
    token.write_all(b"secret\n").unwrap();
    let server = scenario(|path, _| (path == POOLS).then(|| page(&["a"], "")));
    let file = kubeconfig(&server.url, &format!("tokenFile: '{}'", token.path().display()));
    let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    let inventory = gathered_as(&args, &[(POOL, false)]);
    assert_eq!(names(&inventory, POOL), ["a"], "{:?}", inventory.problems());
    let file = kubeconfig(&server.url, "tokenFile: /no/such/token");
    let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    let inventory = gathered_as(&args, &[(POOL, false)]);
    assert!(only_problem(&inventory).to_string().contains("its token file /no/such/token cannot be read"));
}

#[test]
fn a_dead_proxy_is_named() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: 'https://api.example.com', proxy-url: 'http://me:pw@{proxy}'}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n"
    )
    .unwrap();
    let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    let said = only_problem(&gathered_as(&args, &[(POOL, false)])).to_string();
    assert!(said.contains(&format!("through the proxy http://{proxy}/")) && !said.contains("pw@"), "{said}");
}

/// The problems that make the run fail when every list but those with `fine` in their path ends like this.
fn fatal(say: fn() -> Say, fine: &'static str, kinds: &[(&str, bool)]) -> Vec<String> {
    let failing = move |path: &str, _| {
        (!path.ends_with("/api") && path != "/apis").then(|| if path.contains(fine) { empty() } else { say() })
    };
    let inventory = gathered(&scenario(failing), kinds);
    inventory.problems().iter().filter(|problem| problem.is_fatal()).map(ToString::to_string).collect()
}

#[test]
fn what_a_server_refuses_altogether_could_not_be_judged() {
    let many = [
        (POOL, false),
        (CLASS, false),
        ("sqs.services.k8s.aws/Queue", false),
        ("kms.services.k8s.aws/Key", false),
        ("core/ConfigMap", true),
    ];
    let refused = || Say::Status(403, "no");
    let said = fatal(refused, "nothing", &many);
    assert!(matches!(&said[..], [one] if one.contains("refused every list")), "{said:?}");
    // What rules can do without makes no difference, be it refused or not.
    let said = fatal(refused, "configmaps", &many);
    assert!(matches!(&said[..], [one] if one.contains("refused every list")), "{said:?}");
    assert_eq!(fatal(refused, "queues", &many), [""; 0], "one list that a rule needs was read");
    // Of a few each is told, with the right to ask for.
    let said = fatal(refused, "nothing", &many[..2]);
    assert!(matches!(&said[..], [one, _] if one.contains("ask for `list ec2nodeclasses")), "{said:?}");
}

#[test]
fn where_every_list_fails_nothing_could_be_judged_and_it_is_told_once() {
    let many =
        [(POOL, false), (CLASS, false), ("sqs.services.k8s.aws/Queue", false), ("kms.services.k8s.aws/Key", false)];
    let said = fatal(|| Say::Status(401, "expired"), "nothing", &many);
    let words = "4 lists of context test failed (karpenter.k8s.aws/EC2NodeClass, karpenter.sh/NodePool, \
                 kms.services.k8s.aws/Key, sqs.services.k8s.aws/Queue), so rules that read them stay unknown: the \
                 server did not accept the credentials (401 expired): log in again";
    assert_eq!(said, [words]);
    assert_eq!(fatal(|| Say::Status(401, "expired"), "keys", &many), [""; 0]);
}

/// A cluster of somebody else: it serves nothing but what every cluster does.
fn bare() -> Server {
    Server::new(|path, _| match path {
        "/apis" => Say::Json(
            r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"apps"},"versions":[{"version":"v1",
                "freshness":"Current","resources":[{"resource":"deployments","responseKind":{"kind":"Deployment"},
                "scope":"Namespaced","verbs":["list"]}]}]}]}"#
                .into(),
        ),
        _ => discovery(path).unwrap_or_else(empty),
    })
}

#[test]
fn a_cluster_without_karpenter_and_ack_is_told_to_be_one() {
    let kinds = [("Karpcheck::Controller", false), (POOL, false), ("*.services.k8s.aws/*", false)];
    let server = bare();
    let inventory = gathered(&server, &kinds);
    let problem = only_problem(&inventory);
    assert_eq!(problem.to_string(), "neither Karpenter nor ACK was found in context test: is it the right one?");
    assert!(!problem.is_incomplete());
    let file = kubeconfig(&server.url, "token: t");
    let args = ClusterOptions { kubeconfig: Some(file.path().into()), ..ClusterOptions::default() };
    let gather_scope = GatherScope::new(kinds).requiring_karpenter(true);
    let mut builder = Builder::default();
    gather(&args, &gather_scope, &mut builder, &mut |_| {});
    let inventory = karpenter::inventory(builder);
    assert!(only_problem(&inventory).is_fatal(), "{:?}", inventory.problems());
    // With ACK alone it is a cluster that some rules are about.
    let server = scenario(|path, _| {
        (path == "/apis").then(|| {
        Say::Json(r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"sqs.services.k8s.aws"},"versions":[
            {"version":"v1alpha1","freshness":"Current","resources":[{"resource":"queues","responseKind":{"kind":"Queue"},
            "scope":"Namespaced","verbs":["list"]}]}]}]}"#.into())
    })
    });
    assert_eq!(gathered(&server, &kinds).problems(), []);
}

#[test]
fn one_namespace_says_that_the_others_were_not_read() {
    let said = |objects: bool| {
        let server = scenario(move |path, _| {
            (objects && path == "/apis/sqs.services.k8s.aws/v1alpha1/namespaces/a/queues?limit=500")
                .then(|| page(&["q"], ""))
        });
        let file = kubeconfig(&server.url, "token: t");
        let args = ClusterOptions {
            kubeconfig: Some(file.path().into()),
            namespace: Some("a".into()),
            ..ClusterOptions::default()
        };
        let inventory = gathered_as(&args, &[("sqs.services.k8s.aws/Queue", false)]);
        let problem = only_problem(&inventory);
        (problem.to_string(), problem.is_incomplete())
    };
    let (text, incomplete) = said(true);
    assert!(text.contains("leave -n out to read all") && !incomplete, "{text}");
    let (text, incomplete) = said(false);
    assert!(text.contains("namespace a of context test holds nothing") && incomplete, "{text}");
}

#[test]
fn the_controllers_last_lines_are_read_if_they_are_asked_for() {
    let deployment = r#"{"items":[{"metadata":{"name":"karpenter","namespace":"kube-system"},"spec":{
        "selector":{"matchLabels":{"app":"karpenter"}},"template":{"spec":{"serviceAccountName":"karpenter","containers":[
        {"name":"controller","image":"public.ecr.aws/karpenter/controller:1.8.7"}]}}}}]}"#;
    let pods = r#"{"items":[{"metadata":{"name":"karpenter-0","namespace":"kube-system"},"spec":{"containers":[
        {"name":"proxy","image":"envoy"},{"name":"controller","image":"public.ecr.aws/karpenter/controller:1.8.7"}]},
        "status":{"containerStatuses":[{"lastState":{"terminated":{"exitCode":1}}}]}},
        {"metadata":{"name":"karpenter-1","namespace":"kube-system"},"spec":{"containers":[
        {"name":"controller","image":"public.ecr.aws/karpenter/controller:1.8.7"}]}}]}"#;
    let line = r#"{"level":"ERROR","time":"2026-11-28T10:00:00.000Z","logger":"controller","message":"Reconciler error","error":"boom"}"#;
    let log = "/api/v1/namespaces/kube-system/pods/karpenter-0/log?tailLines=5000&container=controller";
    let server = scenario(move |path, _| match path {
        "/apis/apps/v1/deployments?limit=500" => Some(Say::Json(deployment.into())),
        _ if path.contains("/pods?labelSelector") => Some(Say::Json(pods.into())),
        _ if path.contains("/configmaps/") || path.contains("/serviceaccounts/") => Some(Say::Status(404, "not found")),
        _ if path == log || path == format!("{log}&previous=true") => Some(Say::Json(line.into())),
        _ if path.contains("/log?") => Some(Say::Status(403, "no")),
        _ => None,
    });
    let file = kubeconfig(&server.url, "token: t");
    let read = |logs: bool| {
        let args = ClusterOptions { kubeconfig: Some(file.path().into()), logs, ..ClusterOptions::default() };
        gathered_as(&args, &[("Karpcheck::Controller", false), ("Karpcheck::Log", false)])
    };
    let inventory = read(false);
    assert!(!server.asked().iter().any(|path| path.contains("/log?")) && inventory.problems().is_empty());
    let inventory = read(true);
    let lines: Vec<_> = inventory
        .items()
        .filter(|(_, item)| &*item.kind == "Karpcheck::Log")
        .map(|(id, _)| inventory.get(id, "/Lines/0/Message").unwrap())
        .collect();
    assert_eq!(lines, [FieldValue::Text("Reconciler error".into()), FieldValue::Text("Reconciler error".into())]);
    let problem = only_problem(&inventory).to_string();
    assert!(problem.contains("kube-system/karpenter-1") && problem.contains("rbac --logs"), "{problem}");
}

#[test]
fn live_objects_of_crossplane_are_the_resources_that_they_describe() {
    let server = scenario(|path, _| {
        match path {
        "/apis" => Some(Say::Json(
            r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"sqs.aws.upbound.io"},"versions":[{"version":"v1beta1",
                "freshness":"Current","resources":[
                {"resource":"queues","responseKind":{"kind":"Queue"},"scope":"Cluster","verbs":["list"]},
                {"resource":"things","responseKind":{"kind":"Thing"},"scope":"Cluster","verbs":["list"]}]}]}]}"#
                .into(),
        )),
        "/apis/sqs.aws.upbound.io/v1beta1/queues?limit=500" => Some(Say::Json(
            r#"{"items":[{"metadata":{"name":"q","annotations":{"crossplane.io/external-name":"prod"}},
                "spec":{"forProvider":{"region":"eu-west-1","name":"prod","kmsMasterKeyId":"alias/aws/sqs"}}}]}"#
                .into(),
        )),
        _ => None,
    }
    });
    let inventory = gathered(&server, &[("AWS::SQS::Queue", false)]);
    let (id, _) = inventory.items().find(|(_, item)| &*item.kind == "AWS::SQS::Queue").expect("a queue");
    assert_eq!(inventory.get(id, "/KmsMasterKeyId").unwrap(), FieldValue::Text("alias/aws/sqs".into()));
    assert!(!server.asked().iter().any(|path| path.contains("things")));
}

/// What is refused is missing under the name of what it would have described, and no note for those who look closely.
#[test]
fn refused_objects_of_crossplane_are_resources_that_were_not_seen() {
    let server = scenario(|path, _| {
        match path {
        "/apis" => Some(Say::Json(
            r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"sqs.aws.m.upbound.io"},"versions":[{"version":"v1beta1",
                "freshness":"Current","resources":[
                {"resource":"queues","responseKind":{"kind":"Queue"},"scope":"Namespaced","verbs":["list"]}]}]}]}"#
                .into(),
        )),
        "/apis/sqs.aws.m.upbound.io/v1beta1/queues?limit=500" => Some(Say::Status(403, "no")),
        _ => None,
    }
    });
    let inventory = gathered(&server, &[("AWS::SQS::Queue", false)]);
    assert_eq!(inventory.missing("AWS::SQS::Queue").expect("a reason").reason.cause, crate::inventory::Cause::Refused);
    assert!(only_problem(&inventory).is_incomplete(), "{}", only_problem(&inventory));
}
