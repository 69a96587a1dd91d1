//! Several clusters: two real API servers whose clusters have one name, snapshots of them, and what is written into them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::apiserver::ApiServer;
use crate::live;

mod scripted;
mod snapshots;

/// What a run printed and how it ended.
struct Ran {
    code: i32,
    out: Vec<u8>,
    err: String,
}

impl Ran {
    fn report(&self) -> Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.err))
    }
}

fn karpcheck(folder: &Path, kubeconfig: Option<&Path>, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    command.args(args).current_dir(folder).env("HOME", folder).env_remove("KUBECONFIG");
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    let ran = command.output().unwrap();
    Ran { code: ran.status.code().unwrap(), out: ran.stdout, err: String::from_utf8_lossy(&ran.stderr).into_owned() }
}

/// The shared server, and a second one whose controller calls its cluster as the first one does, read through one kubeconfig with
/// the contexts `blue`, `blue-again`, `green` and `gone`.
struct Fleet {
    folder: tempfile::TempDir,
    blue: Arc<ApiServer>,
    green: Arc<ApiServer>,
}

impl Fleet {
    fn new() -> Option<Self> {
        let blue = live::server()?;
        let green = ApiServer::second()?;
        green.set_up.call_once(|| {
            green.apply_definitions();
            green.apply(include_str!("../fixtures/live/cluster.yaml"));
        });
        let fleet = Self { folder: tempfile::tempdir().unwrap(), blue, green };
        let cluster = |name: &str, server: &ApiServer| {
            let (url, authority) = server.address();
            format!(
                "{{name: '{name}', cluster: {{server: '{url}', certificate-authority: '{}'}}}}",
                authority.display()
            )
        };
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: blue\n\
             clusters: [{}, {}, {{name: gone, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
             contexts: [{{name: blue, context: {{cluster: '{BLUE}', user: admin}}}}, \
             {{name: blue-again, context: {{cluster: '{BLUE}', user: reader}}}}, \
             {{name: green, context: {{cluster: '{GREEN}', user: admin}}}}, {{name: gone, context: {{cluster: gone, user: admin}}}}]\n\
             users: [{{name: admin, user: {{token: admin-token}}}}, {{name: reader, user: {{token: reader-token}}}}]\n",
            cluster(BLUE, &fleet.blue),
            cluster(GREEN, &fleet.green),
        );
        fs::write(fleet.kubeconfig(), text).unwrap();
        Some(fleet)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn run(&self, args: &[&str]) -> Ran {
        karpcheck(self.folder.path(), Some(&self.kubeconfig()), args)
    }
}

const BLUE: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
const GREEN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod-green";
/// The rules that look across clusters.
const SHARED: [&str; 6] = ["--rule", "cluster-name-shared", "--rule", "queue-shared", "--rule", "discovery-tag-shared"];

fn failures(report: &Value) -> Vec<(String, String)> {
    let failed = report["findings"].as_array().unwrap().iter().filter(|finding| finding["outcome"] == "fail");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut failed: Vec<(String, String)> =
        failed.map(|finding| (text(&finding["rule"]), text(&finding["severity"]))).collect();
    failed.sort();
    failed.dedup();
    failed
}

fn shared_errors() -> Vec<(String, String)> {
    [("cluster-name-shared", "error"), ("queue-shared", "error")].map(|(rule, word)| (rule.into(), word.into())).into()
}

/// What does not depend on when, where and by whose command it was read.
fn comparable(mut report: Value) -> Value {
    report["run"]["at"] = Value::Null;
    for finding in report["findings"].as_array_mut().unwrap() {
        finding["settle"] = Value::Null;
    }
    // Another test of the first server breaks an API group.
    report["problems"].as_array_mut().unwrap().retain(|problem| !problem["message"].to_string().contains("broken."));
    report["summary"]["complete"] = Value::Null;
    report
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn pack(path: &Path, snapshot: &Value) {
    let mut packed = flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    serde_json::to_writer(&mut packed, snapshot).unwrap();
    packed.finish().unwrap();
}

#[test]
fn two_clusters_of_one_name_are_told_and_a_dead_one_costs_itself_alone() {
    let Some(fleet) = Fleet::new() else { return };
    let ran = fleet.run(&[&["check", "--all-contexts", "-o", "json"], &SHARED[..]].concat());
    let report = ran.report();
    let found = failures(&report);
    assert!(shared_errors().iter().all(|error| found.contains(error)), "{report:#}");
    // The second context of one cluster is no third cluster.
    let message = report["findings"].to_string();
    assert!(
        message.contains("2 clusters are called prod (blue, green)") && !message.contains("3 clusters"),
        "{message}"
    );
    // One speaks for both, in both.
    let named = report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "cluster-name-shared");
    assert_eq!(named.unwrap()["scopes"], json!(["blue", "green"]));
    let problems = report["problems"].to_string();
    assert!(problems.contains("context blue-again is the same cluster as context blue"), "{problems}");
    assert!(problems.contains("context gone: no answer"), "{problems}");
    assert_eq!(ran.code, 3, "a cluster that was named and could not be read: the job is not done");
    let ran = fleet.run(&[&["check", "--context", "blue*", "-o", "json"], &SHARED[..]].concat());
    assert_eq!((failures(&ran.report()), ran.code), (vec![], 0), "{:#}", ran.report());
}

#[test]
fn what_a_dead_cluster_does_not_say_is_no_gap_of_another() {
    let Some(fleet) = Fleet::new() else { return };
    let said = |args: &[&str]| {
        let report = comparable(fleet.run(&[&["check", "-o", "json"], args].concat()).report());
        (report["findings"].clone(), report["coverage"].clone())
    };
    assert_eq!(said(&["--context", "blue", "--context", "gone"]), said(&["--context", "blue"]));
}

#[test]
fn a_report_is_written_only_where_it_was_read() {
    let Some(fleet) = Fleet::new() else { return };
    assert_eq!(fleet.run(&["snapshot", "green.karpcheck", "--context", "green"]).code, 0);
    let written = |args: &[&str]| {
        let ran =
            fleet.run(&[&["check", "-f", "green.karpcheck", "--write-policy-reports", "-o", "name"], args].concat());
        let of = |line: &&str| line.starts_with("green: ") || line.contains("context green");
        (ran.code, ran.err.lines().filter(of).map(str::to_owned).collect::<Vec<_>>(), ran.err)
    };
    for args in [&["--context", "blue"][..], &[]] {
        let (_, of_green, err) = written(args);
        assert_eq!(of_green, Vec::<String>::new(), "{err}");
        assert!(err.contains("blue: the report was written") || err.contains("context blue"), "{err}");
    }
    let (code, _, err) = written(&["--offline"]);
    assert!(code == 2 && err.contains("--offline"), "{err}");
}

/// Seen from within, all clusters have one address and one context; and not everybody may see the uid of kube-system.
#[test]
fn clusters_that_were_asked_from_within_are_not_one() {
    let Some(fleet) = Fleet::new() else { return };
    let (mut with, mut without) = (vec![], vec![]);
    for context in ["blue", "green"] {
        let file = format!("{context}.karpcheck");
        assert_eq!(fleet.run(&["snapshot", &file, "--context", context]).code, 0);
        let mut recorded: Value = serde_json::from_str(&unpacked(&fleet.folder.path().join(&file))).unwrap();
        recorded["clusters"][0]["context"] = json!("in-cluster");
        recorded["clusters"][0]["server"] = json!("https://10.100.0.1:443");
        for (files, uid) in [(&mut with, true), (&mut without, false)] {
            if !uid {
                recorded["clusters"][0].as_object_mut().unwrap().remove("uid").unwrap();
            }
            let file = format!("{context}-within-{uid}.karpcheck");
            pack(&fleet.folder.path().join(&file), &recorded);
            files.push(file);
        }
    }
    for files in [&with, &without] {
        let both = ["check", "--offline", "-o", "json", "-f", &files[0], "-f", &files[1]];
        let ran = fleet.run(&[&both[..], &SHARED[..]].concat());
        assert!(shared_errors().iter().all(|error| failures(&ran.report()).contains(error)), "{:#}", ran.report());
        // Merged, too; and a part that was run twice still counts once.
        for (number, file) in files.iter().enumerate() {
            let report = format!("{number}.json");
            fleet.run(&["check", "--offline", "--for-merge", "-o", &format!("json={report}"), "-f", file]);
        }
        let merged = fleet.run(&["merge", "0.json", "1.json", "0.json", "-o", "json"]);
        assert!(
            shared_errors().iter().all(|error| failures(&merged.report()).contains(error)),
            "{:#}",
            merged.report()
        );
        assert_eq!(merged.report()["problems"].to_string().matches("was left out").count(), 1, "{}", merged.err);
    }
    // What is accepted in one cluster is not accepted in another.
    fleet.run(&["check", "--offline", "-o", "json=0.json", "-f", &with[0]]);
    let other = fleet.run(&["check", "--offline", "-o", "json", "--baseline", "0.json", "-f", &with[1]]).report();
    assert!(!failures(&other).is_empty() && other["suppressed"].as_array().is_none_or(Vec::is_empty), "{other:#}");
}

#[test]
fn a_snapshot_is_judged_as_the_cluster_is() {
    let Some(fleet) = Fleet::new() else { return };
    let recorded = fleet.run(&["snapshot", "both.karpcheck", "--context", "blue", "--context", "green"]);
    assert_eq!(recorded.code, 0, "{}", recorded.err);
    let live = fleet.run(&["check", "--context", "blue", "--context", "green", "-o", "json"]).report();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = fleet.folder.path().join("both.karpcheck");
    let read = karpcheck(elsewhere.path(), None, &["check", "--offline", "-o", "json", "-f", file.to_str().unwrap()]);
    assert!(!failures(&live).is_empty());
    assert_eq!(comparable(read.report()), comparable(live));
    // Beside a live context; and each by itself, found in a folder.
    let ran =
        fleet.run(&[&["check", "--context", "green", "-f", "both.karpcheck", "-o", "json"], &SHARED[..]].concat());
    assert!(shared_errors().iter().all(|error| failures(&ran.report()).contains(error)), "{:#}", ran.report());
    let folder = fleet.folder.path().join("many");
    fs::create_dir(&folder).unwrap();
    for context in ["blue", "green"] {
        let file = folder.join(format!("{context}.karpcheck"));
        assert_eq!(fleet.run(&["snapshot", file.to_str().unwrap(), "--context", context]).code, 0);
    }
    let many = folder.to_str().unwrap();
    let ran =
        karpcheck(elsewhere.path(), None, &[&["check", "--offline", "-f", many, "-o", "json"], &SHARED[..]].concat());
    assert!(shared_errors().iter().all(|error| failures(&ran.report()).contains(error)), "{:#}", ran.report());
    // One part of two has one cluster, which shares nothing with itself.
    let part = ["check", "--offline", "-f", many, "--shard", "0/2", "-o", "json"];
    let ran = karpcheck(elsewhere.path(), None, &[&part, &SHARED[..]].concat());
    assert_eq!(failures(&ran.report()), []);
}

#[test]
fn a_dump_is_of_the_cluster_that_its_objects_were_seen_in() {
    let Some(fleet) = Fleet::new() else { return };
    for (name, server) in [("blue", &fleet.blue), ("green", &fleet.green)] {
        let mut items = vec![];
        for (path, version, kind) in [
            ("/apis/apps/v1/namespaces/kube-system/deployments", "apps/v1", "Deployment"),
            ("/api/v1/namespaces/kube-system/serviceaccounts", "v1", "ServiceAccount"),
        ] {
            let list = server.get("admin", path).unwrap();
            // As kubectl prints them.
            items.extend(list["items"].as_array().unwrap().iter().cloned().map(|mut item| {
                item["apiVersion"] = version.into();
                item["kind"] = kind.into();
                item
            }));
        }
        let dump = json!({"apiVersion": "v1", "kind": "List", "items": items});
        fs::write(fleet.folder.path().join(format!("{name}.json")), dump.to_string()).unwrap();
        assert_eq!(fleet.run(&["snapshot", &format!("{name}.karpcheck"), "--context", name]).code, 0);
    }
    let check = |sources: &[&str]| {
        let report = fleet.run(&[&["check", "-o", "json"], sources, &SHARED[..]].concat()).report();
        failures(&report).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>()
    };
    let rules = ["cluster-name-shared", "queue-shared"];
    for two in [
        ["--context", "blue", "-f", "green.json"].as_slice(),
        &["--offline", "-f", "green.karpcheck", "-f", "blue.json"],
        &["--offline", "-f", "green.json", "-f", "blue.json"],
        &["--context", "blue", "-f", "green.karpcheck", "-f", "green.json"],
    ] {
        let mut found = check(two);
        // Node classes of the one and of a snapshot of the other have one discovery tag, too.
        found.retain(|rule| rules.contains(&&**rule));
        assert_eq!(found, rules, "{two:?}");
    }
    for one in [
        ["--context", "blue", "-f", "blue.json"].as_slice(),
        &["--offline", "-f", "green.karpcheck", "-f", "green.json"],
        &["--context", "blue", "-f", "blue.karpcheck", "-f", "blue.json"],
    ] {
        assert_eq!(check(one), Vec::<String>::new(), "{one:?}");
    }
}

#[test]
fn the_report_is_written_into_the_cluster_by_whom_may_do_so() {
    let Some(fleet) = Fleet::new() else { return };
    let write = |context: &str| fleet.run(&["check", "--context", context, "--write-policy-reports", "-o", "name"]);
    let ran = write("green");
    assert!(ran.code == 3 && ran.err.contains("serves neither openreports.io/v1alpha1 nor"), "{}", ran.err);
    let definitions = [
        (include_str!("../fixtures/reports/wgpolicy.yaml"), "wgpolicyk8s.io/v1alpha2/clusterpolicyreports"),
        (include_str!("../fixtures/reports/openreports.yaml"), "openreports.io/v1alpha1/clusterreports"),
    ];
    for (definition, path) in definitions {
        fleet.green.apply(definition);
        fleet.green.wait_until_allowed("admin", &format!("/apis/{path}"));
        // Twice, since the second time it is there.
        for _ in 0..2 {
            let ran = write("green");
            assert_eq!(ran.code, 1, "{}", ran.err);
        }
        let report = fleet.green.get("admin", &format!("/apis/{path}/karpcheck")).unwrap();
        let results = report["results"].as_array().unwrap();
        let queue = results.iter().find(|result| result["policy"] == "queue-aws-managed-key").unwrap();
        assert_eq!((&queue["result"], &queue["severity"]), (&json!("fail"), &json!("high")));
        assert!(report["summary"]["pass"].as_u64().unwrap() > 0 && report["summary"]["fail"].as_u64().unwrap() > 0);
        let node_class = results.iter().find(|result| result["category"] == "ebs").unwrap();
        assert_eq!(node_class["resources"][0]["kind"], "EC2NodeClass", "{node_class:#}");
    }
    // A report that has nothing to tell is no clean one where something could not be read.
    let ran = fleet.run(&["check", "--context", "green", "-n", "nosuch", "--write-policy-reports", "-o", "name"]);
    assert!(ran.code < 2, "{}", ran.err);
    let report = fleet.green.get("admin", &format!("/apis/{}/karpcheck", definitions[1].1)).unwrap();
    let unread = report["results"].as_array().unwrap().iter().find(|result| result["policy"] == "namespace-empty");
    assert_eq!(unread.map(|result| &result["result"]), Some(&json!("error")), "{report:#}");
    assert!(report["summary"]["error"].as_u64().unwrap() > 0, "{report:#}");
    // Reading is not writing.
    fleet.blue.apply(definitions[0].0);
    fleet.blue.wait_until_allowed("admin", &format!("/apis/{}", definitions[0].1));
    let ran = write("blue-again");
    assert!(ran.code == 3 && ran.err.contains("ask for `patch clusterpolicyreports.wgpolicyk8s.io`"), "{}", ran.err);
    let rights = fleet.run(&["rbac", "--subject", "user:reader", "--write-reports"]);
    fleet.blue.apply(std::str::from_utf8(&rights.out).unwrap());
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while write("blue-again").code == 3 {
        assert!(std::time::Instant::now() < patience, "the printed rights are not enough");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn what_is_deployed_is_valid_and_reads_with_the_printed_rights() {
    let Some(fleet) = Fleet::new() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/base");
    for file in ["namespace.yaml", "service-account.yaml", "role.yaml", "cron-job.yaml"] {
        // Server-side apply refuses fields that it does not know.
        fleet.green.apply(&fs::read_to_string(folder.join(file)).unwrap());
    }
    fleet.green.apply(&fs::read_to_string(folder.join("../policy-reports/role.yaml")).unwrap());
    let job = fleet.green.get("admin", "/apis/batch/v1/namespaces/karpcheck/cronjobs/karpcheck").unwrap();
    let container = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["securityContext"]["capabilities"], json!({"drop": ["ALL"]}), "{job:#}");
    // The role is the one that is printed today.
    let printed = fleet.run(&["rbac", "--subject", "serviceaccount:karpcheck:karpcheck"]);
    let kept = fs::read_to_string(folder.join("role.yaml")).unwrap();
    let own = kept.split_once('\n').unwrap().1;
    assert_eq!(own, String::from_utf8(printed.out).unwrap(), "write it anew: kubectl karpcheck rbac --subject …");
}

#[test]
fn a_manifest_beside_its_cluster_is_what_will_run_there() {
    let Some(fleet) = Fleet::new() else { return };
    let deployment = |name: &str, queue: &str| {
        let written = include_str!("../fixtures/live/cluster.yaml");
        let controller = written.split("\n---").find(|part| part.contains("kind: Deployment")).unwrap();
        let changed = controller.replace("value: prod-interruptions", queue).replace("value: prod\n", name);
        fs::write(fleet.folder.path().join("next.yaml"), changed).unwrap();
        fleet.run(&["check", "--context", "blue", "-f", "next.yaml", "-o", "json"]).report()
    };
    let live = fleet.run(&["check", "--context", "blue", "-o", "json"]).report();
    // What changes nothing says nothing new.
    let same = deployment("value: prod\n", "value: prod-interruptions");
    assert_eq!(failures(&same), failures(&live), "{same:#}");
    assert_eq!(same["summary"]["error"], live["summary"]["error"]);
    // A wrong name fails before it is applied, at its place in the file.
    let renamed = deployment("value: staging\n", "value: prod-interruptions");
    let found =
        renamed["findings"].as_array().unwrap().iter().find(|found| found["rule"] == "cluster-name-mismatch").unwrap();
    assert_eq!(
        (&found["outcome"], &found["subject"]["origin"]["file"]),
        (&json!("fail"), &json!("next.yaml")),
        "{found:#}"
    );
    for rule in ["cluster-name-shared", "queue-shared"] {
        assert!(!failures(&renamed).iter().any(|(other, _)| other == rule), "{renamed:#}");
    }
    // A queue that is not there is no shared queue; that there is none, not decidable here.
    let moved = deployment("value: prod\n", "value: other");
    assert_eq!(failures(&moved), failures(&live), "{moved:#}");
    // What both states have in common is said once.
    let both = moved["findings"].as_array().unwrap().iter().filter(|found| found["rule"] == "queue-setting-ignored");
    assert_eq!(both.count(), 1, "{moved:#}");
    let asked = moved["findings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|found| found["rule"] == "queue-missing" && found["subject"]["origin"]["file"] == "next.yaml");
    assert!(asked, "{moved:#}");
}

#[test]
fn what_a_file_and_its_live_object_have_in_common_is_one_finding() {
    let Some(fleet) = Fleet::new() else { return };
    let class = "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: plain}\nspec:\n  role: nodes\n  \
                 amiSelectorTerms: [{alias: al2023@latest}]\n  subnetSelectorTerms: [{id: subnet-0123456789abcdef0}]\n  \
                 securityGroupSelectorTerms: [{id: sg-0123456789abcdef0}]\n  blockDeviceMappings:\n  - deviceName: /dev/xvda\n    \
                 ebs: {volumeSize: 20Gi, encrypted: false, kmsKeyID: 1234abcd-12ab-34cd-56ef-1234567890ab}\n";
    fs::write(fleet.folder.path().join("class.yaml"), class).unwrap();
    let rule = ["--rule", "ebs-key-without-encryption", "-o", "json"];
    let count = |report: &Value| {
        report["findings"].as_array().unwrap().iter().filter(|one| one["subject"]["name"] == "plain").count()
    };
    fleet.green.apply(class);
    let live = fleet.run(&[&["check", "--context", "green"], &rule[..]].concat()).report();
    let both = fleet.run(&[&["check", "--context", "green", "-f", "class.yaml"], &rule[..]].concat()).report();
    assert_eq!((count(&live), count(&both)), (1, 1), "{both:#}");
    let one = both["findings"].as_array().unwrap().iter().find(|one| one["subject"]["name"] == "plain").unwrap();
    assert_eq!(one["subject"]["origin"]["file"], "class.yaml");
    assert!(one["related"].as_array().unwrap().iter().any(|place| place["origin"]["context"] == "green"), "{one:#}");
}

#[test]
fn what_a_cluster_and_a_dump_of_it_have_in_common_is_one_finding() {
    let Some(fleet) = Fleet::new() else { return };
    let class = "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: dumped}\nspec:\n  role: nodes\n  \
                 amiSelectorTerms: [{alias: al2023@latest}]\n  subnetSelectorTerms: [{id: subnet-0123456789abcdef0}]\n  \
                 securityGroupSelectorTerms: [{id: sg-0123456789abcdef0}]\n  blockDeviceMappings:\n  - deviceName: /dev/xvda\n    \
                 ebs: {volumeSize: 20Gi, encrypted: false, kmsKeyID: 1234abcd-12ab-34cd-56ef-1234567890ab}\n";
    fleet.green.apply(class);
    let mut dump = vec![];
    for path in [
        "/apis/karpenter.k8s.aws/v1/ec2nodeclasses/dumped",
        "/apis/apps/v1/namespaces/kube-system/deployments/karpenter",
        "/api/v1/namespaces/kube-system/configmaps/karpenter-global-settings",
    ] {
        dump.push(fleet.green.get("admin", path).unwrap());
    }
    let write = |name: &str, items: &[Value]| {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        fs::write(fleet.folder.path().join(name), list.to_string()).unwrap();
    };
    write("dump.json", &dump);
    write("again.json", &dump);
    let rules = ["--rule", "ebs-key-without-encryption", "--rule", "queue-setting-ignored", "-o", "json"];
    let found = |sources: &[&str]| {
        let report = fleet.run(&[&["check"], sources, &rules[..]].concat()).report();
        let all = report["findings"].as_array().unwrap().clone();
        all.into_iter().filter(|one| one["subject"]["name"] != "plain").collect::<Vec<_>>()
    };
    let live = found(&["--context", "green"]);
    let both = found(&["--context", "green", "-f", "dump.json"]);
    let names = |all: &[Value]| {
        all.iter().map(|one| (one["rule"].clone(), one["subject"]["origin"].clone())).collect::<Vec<_>>()
    };
    assert_eq!((names(&both).len(), names(&both)), (2, names(&live)), "{both:#?}");
    let place =
        |place: &Value| place["origin"]["file"] == "dump.json" && place["note"] == "this is the same object in a dump";
    assert!(both[0]["related"].as_array().unwrap().iter().any(place), "{both:#?}");
    assert_eq!(found(&["--offline", "-f", "dump.json", "-f", "again.json"]).len(), 2);
    // What was changed in the dump since is what shall run, and is judged as such.
    dump[1]["spec"]["template"]["spec"]["containers"][0]["env"][2]["value"] = "another".into();
    write("next.json", &dump);
    let next = fleet
        .run(&["check", "--context", "green", "-f", "next.json", "--rule", "queue-missing", "-o", "json"])
        .report();
    assert!(
        next["findings"].as_array().unwrap().iter().any(|one| one["subject"]["origin"]["file"] == "next.json"),
        "{next:#}"
    );
}

#[test]
fn what_clusters_of_two_reports_share_is_found_when_they_are_merged() {
    let Some(fleet) = Fleet::new() else { return };
    let folder = fleet.folder.path().join("snapshots");
    fs::create_dir(&folder).unwrap();
    for context in ["blue", "green"] {
        let file = folder.join(format!("{context}.karpcheck"));
        assert_eq!(fleet.run(&["snapshot", file.to_str().unwrap(), "--context", context]).code, 0);
    }
    let check =
        |args: &[&str]| fleet.run(&[&["check", "--offline", "-f", "snapshots", "-o", "json"], args].concat()).report();
    for part in ["0", "1"] {
        let report = check(&["--shard", &format!("{part}/2")]);
        assert!(shared_errors().iter().all(|error| !failures(&report).contains(error)), "{report:#}");
        fs::write(fleet.folder.path().join(format!("{part}.json")), report.to_string()).unwrap();
    }
    let ran = fleet.run(&["merge", "0.json", "1.json"]);
    let (merged, whole) = (ran.report(), check(&[]));
    assert_eq!(ran.code, 1);
    assert_eq!(failures(&merged), failures(&whole), "{merged:#}");
    for count in ["error", "warning", "info", "unknown"] {
        assert_eq!(merged["summary"][count], whole["summary"][count], "{count}");
    }
    let scopes = |report: &Value| report["scopes"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(scopes(&merged), scopes(&whole));
    // What is merged can be merged, and a cluster that two reports have is one.
    fs::write(fleet.folder.path().join("merged.json"), merged.to_string()).unwrap();
    let again = fleet.run(&["merge", "merged.json", "1.json"]).report();
    assert!(again["findings"].to_string().contains("2 clusters are called prod"), "{again:#}");
    assert!(!merged["facts"].to_string().contains("token"), "{:#}", merged["facts"]);
    fs::write(fleet.folder.path().join("other.json"), "{}").unwrap();
    let ran = fleet.run(&["merge", "other.json"]);
    assert!(ran.code == 2 && ran.err.contains("it is not a karpcheck report"), "{}", ran.err);
}
