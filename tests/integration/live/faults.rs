//! What a real API server does on a bad day: it sheds load, forgets the state of a list, closes connections, and refuses what a
//! right was removed for.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kubectl_karpcheck::engine::{Engine, Limits};
use kubectl_karpcheck::inventory::{Builder, Inventory};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources::cluster::{ClusterOptions, gather};
use serde_json::{Value, json};

use crate::apiserver::ApiServer;
use crate::live;

/// A way to a server that counts its connections, and holds back what the server says.
struct Proxy {
    address: String,
    accepted: Arc<AtomicUsize>,
    /// So many milliseconds, before each piece of an answer.
    held: Arc<AtomicU64>,
}

impl Proxy {
    fn to(server: &ApiServer) -> Self {
        let upstream = server.address().0.trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let (accepted, held) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, holding) = (Arc::clone(&accepted), Arc::clone(&held));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::Relaxed);
                let Ok(server) = TcpStream::connect(&upstream) else { return };
                let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(from_client, to_server, &AtomicU64::new(0)));
                let holding = Arc::clone(&holding);
                std::thread::spawn(move || pass(server, client, &holding));
            }
        });
        Self { address, accepted, held }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, held: &AtomicU64) {
    let mut bytes = vec![0; 1 << 20];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        std::thread::sleep(Duration::from_millis(held.load(Ordering::Relaxed)));
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn read(server: &ApiServer, proxy: &Proxy, kinds: &[&str]) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let own = std::fs::read_to_string(server.kubeconfig_for("reader")).unwrap();
    std::fs::write(&path, own.replace(server.address().0, &proxy.address)).unwrap();
    let options = ClusterOptions { kubeconfig: Some(path), ..ClusterOptions::default() };
    let mut builder = Builder::default();
    gather(&options, &GatherScope::new(kinds.iter().map(|kind| (*kind, false))), &mut builder, &mut |_| {});
    karpenter::inventory(builder)
}

const KINDS: [&str; 10] = [
    "apps/Deployment",
    "apps/DaemonSet",
    "apps/StatefulSet",
    "batch/Job",
    "batch/CronJob",
    "core/ConfigMap",
    "core/Namespace",
    "core/Node",
    "core/Service",
    "core/ServiceAccount",
];

/// More than a page holds.
const MANY: usize = 520;

#[test]
fn a_server_that_sheds_load_hangs_up_and_forgets_is_read_whole() {
    let Some(server) = ApiServer::with_flags(&[
        "--enable-priority-and-fairness=false",
        "--max-requests-inflight=1",
        "--goaway-chance=0.02",
        "--etcd-compaction-interval=500ms",
        // Else the cache remembers what etcd forgot.
        "--watch-cache=false",
    ]) else {
        return;
    };
    server.apply_object(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}],
    }));
    server.apply_object(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "all"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "all"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}],
    }));
    server.apply_object(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "many"}}));
    for number in 0..MANY {
        server.apply_object(&json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": format!("s{number}"), "namespace": "many"},
        }));
    }
    server.wait_until_allowed("reader", "/apis/apps/v1/deployments");
    let accounts =
        |inventory: &Inventory| inventory.items().filter(|(_, item)| item.namespace.as_deref() == Some("many")).count();

    // 429: ten lists at once, of which the server takes one at a time. GOAWAY: one request of fifty ends its connection.
    let proxy = Proxy::to(&server);
    let (mut runs, patience) = (0, Instant::now() + Duration::from_secs(60));
    while server.answered_with(429) == 0 || proxy.accepted.load(Ordering::Relaxed) == runs {
        assert!(Instant::now() < patience, "neither 429 nor GOAWAY in {runs} runs");
        let inventory = read(&server, &proxy, &KINDS);
        assert_eq!(inventory.problems(), [], "run {runs}");
        assert_eq!(accounts(&inventory), MANY);
        runs += 1;
    }

    // 410: what is written meanwhile is compacted away before the second page is asked for.
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                let data = json!({"number": format!("{number}")});
                server.apply_object(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "clock", "namespace": "many"}, "data": data}));
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        proxy.held.store(1500, Ordering::Relaxed);
        let inventory = read(&server, &proxy, &["core/ServiceAccount"]);
        done.store(true, Ordering::Relaxed);
        assert!(server.answered_with(410) > 0, "nothing was forgotten");
        assert_eq!(inventory.problems(), []);
        assert_eq!(accounts(&inventory), MANY);
    });
}

/// The rules of the role that is printed for all rules that run by default.
fn printed() -> Vec<Value> {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck")).arg("rbac").output().unwrap();
    let role: Value = serde_yaml::from_slice(&run.stdout).unwrap();
    role["rules"].as_array().unwrap().clone()
}

#[test]
fn the_printed_rights_are_enough_and_none_of_them_is_too_much() {
    let Some(server) = live::server() else { return };
    let rules = printed();
    let engine = Engine::new(Limits::default(), None).unwrap();
    let pack = engine.builtin().unwrap();
    let default = pack.rules().iter().filter(|rule| rule.enabled);
    let needed = default.clone().flat_map(|rule| rule.subjects.iter().chain(&rule.reads).map(|kind| (&**kind, false)));
    let optional = default.flat_map(|rule| rule.reads_if_allowed.iter().map(|kind| (&**kind, true)));
    let scope = GatherScope::new(needed.chain(optional));
    // One user for each rule, who has all others; and one who has all.
    let user = |without: Option<usize>| without.map_or("whole".to_owned(), |number| format!("without-{number}"));
    let each = || std::iter::once(None).chain((0..rules.len()).map(Some));
    for without in each() {
        let kept: Vec<&Value> =
            rules.iter().enumerate().filter(|(number, _)| Some(*number) != without).map(|(_, rule)| rule).collect();
        let name = user(without);
        server.apply_object(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": kept,
        }));
        server.apply_object(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}],
        }));
    }
    // What the run misses: by its own words, and who the cluster is.
    let missed = |without: Option<usize>| {
        let options = ClusterOptions {
            kubeconfig: Some(server.kubeconfig_for("admin")),
            impersonate: Some(user(without)),
            ..ClusterOptions::default()
        };
        let mut builder = Builder::default();
        gather(&options, &scope, &mut builder, &mut |_| {});
        let inventory = karpenter::inventory(builder);
        // Another test of this server breaks an API group.
        let own = inventory.problems().iter().map(ToString::to_string).filter(|problem| !problem.contains("broken."));
        let mut missed: BTreeSet<String> = own.collect();
        if inventory.clusters()[0].uid.is_none() {
            missed.insert("namespaces".into());
        }
        missed
    };
    // Rights take a moment to count.
    let patience = Instant::now() + Duration::from_secs(20);
    while !missed(None).is_empty() {
        assert!(Instant::now() < patience, "the printed rights are not enough: {:?}", missed(None));
        std::thread::sleep(Duration::from_millis(200));
    }
    for (number, rule) in rules.iter().enumerate() {
        let patience = Instant::now() + Duration::from_secs(20);
        let texts = |of: &str| rule[of].as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<&str>>();
        // Crossplane is not installed here, so nothing is missed without; that a refusal is told is a test beside the reader.
        if texts("apiGroups").iter().all(|group| group.ends_with(".upbound.io") || group.ends_with(".crossplane.io")) {
            continue;
        }
        let resources = texts("resources");
        // Of a wildcard, a group of kinds that the cluster has.
        let named = |resource: &&str| if *resource == "*" { "karpenter.sh" } else { *resource }.to_owned();
        let told = |missed: &BTreeSet<String>| {
            resources.iter().map(named).all(|resource| missed.iter().any(|words| words.contains(&resource)))
        };
        let mut last = missed(Some(number));
        while !told(&last) {
            assert!(Instant::now() < patience, "without {rule} nothing says so: {last:?}");
            std::thread::sleep(Duration::from_millis(200));
            last = missed(Some(number));
        }
    }
}
