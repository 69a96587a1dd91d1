//! Snapshots of scripted API servers: what was not read when they were taken is told whenever they are read.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::karpcheck;
use scripted_server::{Say, Server};

#[path = "../../scripted_server.rs"]
#[expect(dead_code, reason = "the readers' own tests have it say more")]
mod scripted_server;

/// A server of a cluster with this uid that serves NodePools alone.
fn server(uid: &'static str) -> String {
    scripted(uid, || Say::Json(json!({"items": [{"metadata": {"name": "default"}}]}).to_string()))
}

/// One whose lists have no answer, and say that they were asked for.
fn hanging(uid: &'static str) -> (String, mpsc::Receiver<()>) {
    let (tell, asked) = mpsc::channel();
    let list = move || {
        let _ = tell.send(());
        Say::Hang
    };
    (scripted(uid, list), asked)
}

fn scripted(uid: &'static str, list: impl Fn() -> Say + Send + Sync + 'static) -> String {
    let pools =
        json!({"resource": "nodepools", "responseKind": {"kind": "NodePool"}, "scope": "Cluster", "verbs": ["list"]});
    let groups = json!([{"metadata": {"name": "karpenter.sh"}, "versions": [{"version": "v1", "resources": [pools]}]}]);
    let server = Server::new(move |path, _| {
        let body = match path {
            "/api" => json!({"kind": "APIGroupDiscoveryList", "items": []}),
            "/apis" => json!({"kind": "APIGroupDiscoveryList", "items": groups}),
            "/api/v1/namespaces/kube-system" => json!({"metadata": {"uid": uid}}),
            _ => return list(),
        };
        Say::Json(body.to_string())
    });
    server.url
}

fn kubeconfig(folder: &Path, servers: &[(&str, &str)]) {
    let clusters = servers.iter().map(|(name, server)| json!({"name": name, "cluster": {"server": server}}));
    let contexts = servers.iter().map(|(name, _)| json!({"name": name, "context": {"cluster": name, "user": "u"}}));
    let text = json!({
        "current-context": servers[0].0, "clusters": clusters.collect::<Vec<_>>(), "contexts": contexts.collect::<Vec<_>>(),
        "users": [{"name": "u", "user": {"token": "t"}}],
    });
    fs::write(folder.join("kubeconfig"), text.to_string()).unwrap();
}

fn codes(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let problems = report["problems"].as_array().unwrap();
    problems.iter().map(|problem| (text(&problem["code"]), text(&problem["message"]))).collect()
}

/// Of a rule that reads NodePools alone.
const CHECK: [&str; 6] = ["check", "--rule", "node-pool-not-ready", "-o", "json", "--fail-on=none"];

#[test]
fn clusters_that_were_not_reached_are_told_when_the_snapshot_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let run = |args: &[&str]| karpcheck(home, Some(&home.join("kubeconfig")), args);
    let (blue, gone) = (server("1"), server("2"));
    kubeconfig(home, &[("blue", &blue), ("gone", "http://127.0.0.1:1")]);
    let ran = run(&["snapshot", "both.karpcheck", "--context", "blue", "--context", "gone"]);
    assert!(ran.code == 3 && ran.err.contains("error: context gone: no answer"), "{}", ran.err);
    assert!(ran.err.contains("recorded 1 cluster with"), "{}", ran.err);
    let live = run(&[&CHECK[..], &["--all-contexts"]].concat());
    let read = run(&[&CHECK[..], &["--offline", "-f", "both.karpcheck"]].concat());
    assert_eq!((codes(&live.report()), live.code), (codes(&read.report()), read.code));
    assert_eq!((&codes(&read.report())[0].0[..], read.code), ("cluster-not-reached", 3));
    assert_eq!(read.report()["summary"]["complete"], json!(false));
    assert_eq!(read.report()["run"]["contexts"], live.report()["run"]["contexts"]);
    // What is read now, or was another time, is not missing.
    let mut dead: Value = serde_json::from_str(&super::unpacked(&home.join("both.karpcheck"))).unwrap();
    dead["clusters"][1]["server"] = gone.as_str().into();
    super::pack(&home.join("both.karpcheck"), &dead);
    kubeconfig(home, &[("again", &gone)]);
    assert_eq!(run(&["snapshot", "later.karpcheck"]).code, 0);
    for beside in [["--offline", "-f", "later.karpcheck"].as_slice(), &["--context", "again"]] {
        let ran = run(&[&CHECK[..], &["-f", "both.karpcheck"], beside].concat());
        let said = codes(&ran.report());
        assert!(matches!(&said[..], [(twice, _)] if twice == "cluster-twice") && ran.code == 0, "{said:?}");
    }
}

#[test]
fn of_two_snapshots_of_one_context_the_file_and_the_time_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let run = |args: &[&str]| karpcheck(home, Some(&home.join("kubeconfig")), args);
    kubeconfig(home, &[("blue", &server("1"))]);
    assert_eq!(run(&["snapshot", "new.karpcheck"]).code, 0);
    let mut old: Value = serde_json::from_str(&super::unpacked(&home.join("new.karpcheck"))).unwrap();
    let at = old["at"].as_str().unwrap().to_owned();
    old["at"] = "2020-01-01T00:00:00Z".into();
    super::pack(&home.join("old.karpcheck"), &old);
    let said = |args: &[&str]| codes(&run(&[&CHECK[..], args].concat()).report()).remove(0).1;
    assert_eq!(
        said(&["--offline", "-f", "old.karpcheck", "-f", "new.karpcheck"]),
        format!(
            "context blue of old.karpcheck (taken 2020-01-01T00:00:00Z) is the same cluster as context blue of \
             new.karpcheck (taken {at}), which was read in its place"
        )
    );
    assert_eq!(
        said(&["-f", "old.karpcheck"]),
        "context blue of old.karpcheck (taken 2020-01-01T00:00:00Z) is the same cluster as context blue, which was read \
         in its place"
    );
}

#[test]
fn a_report_of_a_part_says_which_one_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let run = |args: &[&str]| karpcheck(home, Some(&home.join("kubeconfig")), args);
    fs::create_dir(home.join("all")).unwrap();
    for (name, uid) in [("blue", "1"), ("green", "2")] {
        kubeconfig(home, &[(name, &server(uid))]);
        assert_eq!(run(&["snapshot", &format!("all/{name}.karpcheck")]).code, 0);
    }
    for part in ["0", "1"] {
        let shard = format!("{part}/2");
        let ran = run(&[&CHECK[..], &["--offline", "-f", "all", "--shard", &shard]].concat());
        assert_eq!(ran.report()["run"]["shard"].to_string(), format!(r#"{{"count":2,"index":{part}}}"#));
        fs::write(home.join(format!("{part}.json")), &ran.out).unwrap();
    }
    let one = run(&["merge", "1.json", "--fail-on=none"]).report();
    assert!(
        codes(&one).iter().any(|(code, said)| code == "report-parts-missing" && said.contains("part 0")),
        "{one:#}"
    );
    assert_eq!(one["summary"]["complete"], json!(false));
    let both = run(&["merge", "0.json", "1.json", "--fail-on=none"]).report();
    assert!(!codes(&both).iter().any(|(code, _)| code == "report-parts-missing"), "{both:#}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_snapshot_says_so_whenever_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let run = |args: &[&str]| karpcheck(home, Some(&home.join("kubeconfig")), args);
    let (slow, asked) = hanging("1");
    kubeconfig(home, &[("blue", &slow)]);
    let mut taking = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(["snapshot", "cut.karpcheck", "--request-timeout", "50s"])
        .current_dir(home)
        .env("HOME", home)
        .env("KUBECONFIG", home.join("kubeconfig"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    asked.recv_timeout(Duration::from_secs(60)).unwrap();
    let begun = Instant::now();
    assert!(Command::new("kill").args(["-INT", &taking.id().to_string()]).status().unwrap().success());
    let mut said = String::new();
    taking.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(taking.wait().unwrap().code(), Some(130), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited for the list");
    assert!(said.contains("warning: the snapshot was interrupted while it was taken"), "{said}");
    let ran = run(&[&CHECK[..], &["--offline", "-f", "cut.karpcheck", "--require-complete"]].concat());
    let report = ran.report();
    let told = codes(&report);
    assert!(matches!(&told[..], [(code, _)] if code == "snapshot-interrupted"), "{told:?}");
    assert_eq!((&report["problems"][0]["class"], &report["summary"]["complete"]), (&json!("unread"), &json!(false)));
    assert_eq!(report["problems"][0]["origin"]["file"], "cut.karpcheck");
    assert_ne!(ran.code, 0);
    // Beside the cluster itself it lacks nothing.
    kubeconfig(home, &[("blue", &server("1"))]);
    let beside = run(&[&CHECK[..], &["-f", "cut.karpcheck", "--require-complete"]].concat());
    assert!(beside.code == 0 && codes(&beside.report())[0].0 == "cluster-twice", "{:#}", beside.report());
}
