//! What many clusters in one run cost: `cargo bench -p kubectl-karpcheck --bench fleet`. It needs the API server that the live tests
//! need.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on ends there")]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::json;

#[path = "../integration/apiserver.rs"]
#[expect(dead_code, reason = "the tests need more of the server than this does")]
mod apiserver;
#[path = "../integration/skipped.rs"]
mod skipped;

/// Objects of one cluster: of a middling one.
const OBJECTS: [(&str, usize); 3] = [("pool", 20), ("claim", 300), ("table", 200)];

fn main() {
    let Some(server) = apiserver::ApiServer::shared() else { return };
    server.apply_definitions();
    server.apply(include_str!("../fixtures/live/cluster.yaml"));
    for (kind, count) in OBJECTS {
        (0..count).for_each(|number| fill(&server, kind, number));
    }
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server.kubeconfig_for("admin");
    let one = folder.path().join("one.karpcheck");
    run(folder.path(), &kubeconfig, &["snapshot", one.to_str().unwrap()]);
    println!("one snapshot of some 550 objects: {} kB\n", fs::metadata(&one).unwrap().len() / 1000);
    println!("| snapshots in one run | time | peak memory |\n|---|---|---|");
    for count in [1, 50, 100, 200] {
        let many = folder.path().join(format!("many-{count}"));
        copies(&one, &many, count);
        let args = ["check", "--offline", "-o", "json", "-f", many.to_str().unwrap()];
        let (time, memory) = run(folder.path(), &kubeconfig, &args);
        println!("| {count} | {:.1} s | {} MB |", time.as_secs_f64(), memory / 1000);
    }
    // Each connection is taken and never answered.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", deaf.local_addr().unwrap());
    let fleet = folder.path().join("kubeconfig");
    println!("\n| contexts | of which hang | time | peak memory |\n|---|---|---|---|");
    for (good, hanging) in [(1, 0), (30, 0), (30, 10)] {
        fs::write(&fleet, contexts(&fs::read_to_string(&kubeconfig).unwrap(), &address, good, hanging)).unwrap();
        let (time, memory) = run(folder.path(), &fleet, &["check", "--all-contexts", "-o", "json"]);
        println!("| {} | {hanging} | {:.1} s | {} MB |", good + hanging, time.as_secs_f64(), memory / 1000);
    }
}

fn fill(server: &apiserver::ApiServer, kind: &str, number: usize) {
    let object = match kind {
        "pool" => json!({
            "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": format!("pool-{number}")},
            "spec": {"template": {"spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}, "requirements": [],
            }}},
        }),
        "claim" => json!({
            "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": format!("claim-{number}")},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}, "requirements": [],
            },
        }),
        _ => json!({
            "apiVersion": "dynamodb.services.k8s.aws/v1alpha1", "kind": "Table",
            "metadata": {"name": format!("table-{number}"), "namespace": "default"},
            "spec": {
                "tableName": format!("table-{number}"), "billingMode": "PAY_PER_REQUEST",
                "attributeDefinitions": [{"attributeName": "id", "attributeType": "S"}],
                "keySchema": [{"attributeName": "id", "keyType": "HASH"}],
            },
        }),
    };
    server.apply_object(&object);
}

/// As many clusters as are asked for, each with a name, a queue and a uid of its own.
fn copies(one: &Path, folder: &Path, count: usize) {
    fs::create_dir(folder).unwrap();
    let mut text = String::new();
    GzDecoder::new(fs::File::open(one).unwrap()).read_to_string(&mut text).unwrap();
    let recorded: serde_json::Value = serde_json::from_str(&text).unwrap();
    let uid = recorded["clusters"][0]["uid"].as_str().unwrap().to_owned();
    for number in 0..count {
        let text = text
            .replace(&uid, &format!("{number:08}-0000-4000-8000-000000000000"))
            .replace("\"context\":\"live\"", &format!("\"context\":\"cluster-{number}\""))
            .replace("\"value\":\"prod\"", &format!("\"value\":\"prod-{number}\""))
            .replace("cluster/prod", &format!("cluster/prod-{number}"))
            .replace("prod-interruptions", &format!("prod-{number}-interruptions"));
        let file = fs::File::create(folder.join(format!("{number:05}.karpcheck"))).unwrap();
        let mut packed = GzEncoder::new(file, Compression::default());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap();
    }
}

/// A kubeconfig with so many contexts of the server, and so many of one that never answers.
fn contexts(own: &str, deaf: &str, good: usize, hanging: usize) -> String {
    let mut text = own.split("contexts:").next().unwrap().trim_end().trim_end_matches("}]").to_owned();
    write!(text, "}}, {{name: deaf, cluster: {{server: '{deaf}', insecure-skip-tls-verify: true}}}}]\ncontexts:\n")
        .unwrap();
    let cluster = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    for number in 0..good {
        writeln!(text, "- {{name: good-{number}, context: {{cluster: '{cluster}', user: admin}}}}").unwrap();
    }
    for number in 0..hanging {
        writeln!(text, "- {{name: deaf-{number}, context: {{cluster: deaf, user: admin}}}}").unwrap();
    }
    text.push_str("users: [{name: admin, user: {token: admin-token}}]\n");
    text
}

/// How long a run takes, and its peak memory in kB.
fn run(home: &Path, kubeconfig: &Path, args: &[&str]) -> (Duration, u64) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(args)
        .env("HOME", home)
        .env("KUBECONFIG", kubeconfig)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak = line.trim().trim_end_matches(" kB").parse().unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    (begun.elapsed(), peak)
}
