//! How fast a live cluster is checked, beside fetching the same lists and dropping them:
//! `cargo bench -p kubectl-karpcheck --bench live`. It needs the API server that the live tests need.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on ends there")]

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use kube::client::{Body, Client};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kubectl_karpcheck::engine::{Engine, Limits};
use kubectl_karpcheck::inventory::Builder;
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources::cluster::{ClusterOptions, gather};
use serde_json::{Value, json};

#[path = "../integration/apiserver.rs"]
#[expect(dead_code, reason = "the tests need more of the server than this does")]
mod apiserver;
#[path = "../integration/skipped.rs"]
mod skipped;

const POOLS: usize = 1_000;
const CLAIMS: usize = 9_000;
const TABLES: usize = 10_000;
/// Each is the best of so many runs; they take turns, since a server gets slower and faster by itself.
const RUNS: usize = 4;
/// Objects per page, as check asks for.
const PAGE: usize = 500;
const LISTS: [&str; 3] = [
    "/apis/karpenter.sh/v1/nodepools",
    "/apis/karpenter.sh/v1/nodeclaims",
    "/apis/dynamodb.services.k8s.aws/v1alpha1/tables",
];
/// The lists, and what more the first request for each says: claims may come from the server's cache.
const AS_CHECK_ASKS: [(&str, &str); 3] = [(LISTS[0], ""), (LISTS[1], "&resourceVersion=0"), (LISTS[2], "")];

fn main() {
    let Some(server) = apiserver::ApiServer::shared() else { return };
    server.apply_definitions();
    for list in LISTS {
        server.wait_until_allowed("admin", list);
    }
    let kubeconfig = server.kubeconfig_for("admin");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = Instant::now();
    runtime.block_on(fill(&kubeconfig));
    println!("{} objects in {:.0} s\n", POOLS + CLAIMS + TABLES, start.elapsed().as_secs_f64());

    let engine = Engine::new(Limits::default(), None).unwrap();
    let pack = engine.builtin().unwrap();
    let plan = GatherScope::new(pack.rules().iter().flat_map(|rule| rule.kinds().map(|kind| (kind, true))));
    let args = ClusterOptions { kubeconfig: Some(kubeconfig.clone()), ..ClusterOptions::default() };
    let home = tempfile::tempdir().unwrap();
    let mut best = [Duration::MAX; 6];
    let mut read = (0, 0);
    for _ in 0..RUNS {
        let mut timed = |number: usize, work: &mut dyn FnMut()| {
            let start = Instant::now();
            work();
            best[number] = best[number].min(start.elapsed());
        };
        // A client of its own for each run, as a process has it.
        timed(0, &mut || read = runtime.block_on(fetch(&kubeconfig, &LISTS.map(|list| (list, "")))));
        timed(1, &mut || {
            black_box(runtime.block_on(fetch(&kubeconfig, &AS_CHECK_ASKS)));
        });
        timed(2, &mut || {
            let mut builder = Builder::default();
            gather(&args, &plan, &mut builder, &mut |_| {});
            black_box(builder);
        });
        timed(3, &mut || {
            let mut builder = Builder::default();
            gather(&args, &plan, &mut builder, &mut |_| {});
            black_box(karpenter::inventory(builder));
        });
        timed(4, &mut || check(&kubeconfig, home.path(), &["--rule", "ack-key-loops"]));
        timed(5, &mut || check(&kubeconfig, home.path(), &[]));
    }
    let (objects, bytes) = read;
    println!("{objects} objects, {:.1} MB; best of {RUNS}\n", bytes as f64 / 1e6);
    println!("{:46} {:>10} {:>8}", "WORK", "TIME", "RATIO");
    for (work, time) in [
        "fetch the three lists and drop them",
        "fetch them as check does, and drop them",
        "gather what all rules read",
        "gather it to an inventory",
        "check by one rule, which reads only tables",
        "check by all rules (target: 1.2)",
    ]
    .into_iter()
    .zip(best)
    {
        println!("{work:46} {:>7.0} ms {:>8.2}", time.as_secs_f64() * 1e3, time.as_secs_f64() / best[0].as_secs_f64());
    }
}

fn check(kubeconfig: &Path, home: &Path, more: &[&str]) {
    let run = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(["check", "-o", "json", "--kubeconfig"])
        .arg(kubeconfig)
        .args(more)
        .env("HOME", home)
        .env_remove("KUBECONFIG")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(run.code().is_some_and(|code| code < 2), "{run}");
}

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.proxy_url = None;
    Client::try_from(config).unwrap()
}

/// All pages of all lists, the lists at one time. How many objects and bytes that was.
async fn fetch(kubeconfig: &Path, lists: &[(&'static str, &'static str)]) -> (usize, usize) {
    let client = client(kubeconfig).await;
    let mut fetched = tokio::task::JoinSet::new();
    for &(list, first) in lists {
        let client = client.clone();
        fetched.spawn(async move {
            let (mut pages, mut bytes, mut next) = (0, 0, first.to_owned());
            loop {
                let path = format!("{list}?limit={PAGE}{next}");
                let request =
                    http::Request::get(path).header("accept", "application/json").body(Body::empty()).unwrap();
                let body = client.send(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
                (pages, bytes) = (pages + 1, bytes + body.len());
                // The token stands before the items or, of custom resources, after them; to look for it is not to parse.
                let text = std::str::from_utf8(&body).unwrap();
                let token = memchr::memmem::rfind(&body, br#""continue":""#).map(|at| &text[at + 12..]);
                match token.and_then(|rest| rest.split_once('"')) {
                    Some((token, _)) if !token.is_empty() => next = format!("&continue={token}"),
                    _ => return (pages * PAGE, bytes),
                }
            }
        });
    }
    fetched.join_all().await.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// Creates the objects, many at one time.
async fn fill(kubeconfig: &Path) {
    let client = client(kubeconfig).await;
    let mut objects = (0..POOLS)
        .map(|number| (LISTS[0], pool(number)))
        .chain((0..CLAIMS).map(|number| (LISTS[1], claim(number))))
        .chain(
            (0..TABLES)
                .map(|number| ("/apis/dynamodb.services.k8s.aws/v1alpha1/namespaces/default/tables", table(number))),
        );
    let mut running = tokio::task::JoinSet::new();
    loop {
        while running.len() < 48
            && let Some((path, object)) = objects.next()
        {
            let client = client.clone();
            running.spawn(async move {
                let request = http::Request::post(path)
                    .header("content-type", "application/json")
                    .body(object.to_string().into_bytes())
                    .unwrap();
                client.request_text(request).await.unwrap();
            });
        }
        match running.join_next().await {
            Some(created) => created.unwrap(),
            None => return,
        }
    }
}

fn requirements() -> Value {
    json!([
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]},
        {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "arm64"]},
        {"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": ["c", "m", "r"]},
    ])
}

fn class() -> Value {
    json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"})
}

fn pool(number: usize) -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool",
        "metadata": {"name": format!("pool-{number}"), "labels": {"team": format!("team-{}", number % 40)}},
        "spec": {"limits": {"cpu": "1000"}, "template": {"spec": {"nodeClassRef": class(), "requirements": requirements()}}},
    })
}

fn claim(number: usize) -> Value {
    let pool = format!("pool-{}", number % POOLS);
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {
            "name": format!("{pool}-{number:05}"),
            "labels": {
                "karpenter.sh/nodepool": pool, "karpenter.sh/capacity-type": "spot", "kubernetes.io/arch": "amd64",
                "node.kubernetes.io/instance-type": "m7i.xlarge", "topology.kubernetes.io/zone": "eu-west-1a",
            },
            "annotations": {
                "karpenter.k8s.aws/ec2nodeclass-hash": "12345678901234567890",
                "karpenter.k8s.aws/ec2nodeclass-hash-version": "v4",
                "compatibility.karpenter.k8s.aws/cluster-name-tagged": "true",
            },
        },
        "spec": {"nodeClassRef": class(), "requirements": requirements(), "resources": {"requests": {"cpu": "3200m", "memory": "11Gi"}}},
    })
}

fn table(number: usize) -> Value {
    json!({
        "apiVersion": "dynamodb.services.k8s.aws/v1alpha1", "kind": "Table",
        "metadata": {"name": format!("orders-{number}"), "labels": {"app": "orders", "team": "shop"}},
        "spec": {
            "tableName": format!("orders-{number}"), "billingMode": "PAY_PER_REQUEST",
            "attributeDefinitions": [{"attributeName": "pk", "attributeType": "S"}, {"attributeName": "sk", "attributeType": "S"}],
            "keySchema": [{"attributeName": "pk", "keyType": "HASH"}, {"attributeName": "sk", "keyType": "RANGE"}],
            "sseSpecification": {
                "enabled": true, "sseType": "KMS",
                "kmsMasterKeyID": format!("arn:aws:kms:eu-west-1:111122223333:key/0b1c2d3e-0000-4000-8000-{number:012}"),
            },
        },
    })
}
