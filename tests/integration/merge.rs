//! `kubectl karpcheck merge`: what its parts said is there, in every format, and a fleet's report is merged within bounds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kubectl_karpcheck::engine::{Engine, Limits, Selected, run_rules};
use kubectl_karpcheck::inventory::Builder;
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources::snapshot::facts::Facts;
use serde_json::{Value, json};

use crate::report::validators;

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    command.args(args).current_dir(folder).env("HOME", folder).env_remove("KUBECONFIG");
    command
}

fn output(folder: &Path, args: &[&str]) -> (i32, String) {
    let ran = command(folder, args).output().unwrap();
    assert!(ran.status.code().is_some_and(|code| code != 2), "{}", String::from_utf8_lossy(&ran.stderr));
    (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap())
}

fn parsed(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&output(folder, args).1).unwrap()
}

/// What a report carries of one cluster.
fn cluster(number: usize, name: &str) -> Value {
    let labels = json!([{"tags": {"karpenter.sh/discovery": name}}]);
    let class = |number: usize| {
        json!({"kind": "karpenter.k8s.aws/EC2NodeClass", "apiVersion": "karpenter.k8s.aws/v1", "body": {
            "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": format!("class-{number}")},
            "spec": {"role": "nodes", "subnetSelectorTerms": labels, "securityGroupSelectorTerms": labels},
        }})
    };
    let environment = json!([{"name": "CLUSTER_NAME", "value": name}, {"name": "INTERRUPTION_QUEUE", "value": name}]);
    let container =
        json!({"name": "controller", "image": "public.ecr.aws/karpenter/controller:1.8.1", "env": environment});
    let controller = json!({"kind": "apps/Deployment", "apiVersion": "apps/v1", "body": {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "karpenter", "namespace": "kube-system"},
        "spec": {"template": {"spec": {"serviceAccountName": "karpenter", "containers": [container]}}},
    }});
    json!({
        "scope": format!("context-{number}"), "uid": format!("{number:08}-0000-4000-8000-000000000000"),
        "server": format!("https://{number}.example"), "account": "111122223333", "region": "eu-west-1",
        "objects": [controller, class(1), class(2)],
    })
}

/// A report of one cluster with so many findings.
fn report(number: usize, name: &str, findings: usize) -> Value {
    let context = format!("context-{number}");
    let finding = |place: usize| {
        let severity = ["error", "warning", "info"][place % 3];
        let origin = json!({"context": context, "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "namespace": "",
            "name": format!("class-{place}")});
        json!({
            "rule": "ebs-key-unusable", "area": "ebs", "outcome": if place.is_multiple_of(2) { "fail" } else { "unknown" },
            "severity": severity, "confidence": "high",
            "message": format!("the key of class {place} is of no use, which takes a sentence to say"), "remediation": "give another one",
            "subject": {"kind": "karpenter.k8s.aws/EC2NodeClass", "name": format!("class-{place}"), "pointer": "/spec", "origin": origin},
            "cause": if place.is_multiple_of(2) { Value::Null } else { json!("not-provided") }, "settle": null,
            "fingerprint": format!("{number:016x}{place:016x}"), "related": [], "edits": [], "properties": {},
        })
    };
    json!({
        "schema": "karpcheck.report/v1",
        "run": {"tool": "0.1.0", "packs": [], "contexts": [context], "assumed": {}, "config": null, "at": "2026-01-01T00:00:00Z"},
        "summary": {"error": 0, "warning": 0, "info": 0, "unknown": 0, "suppressed": 0, "passed": 2, "rules": 1, "items": 10, "complete": true},
        "findings": (0..findings).map(finding).collect::<Vec<_>>(), "suppressed": [],
        "coverage": [{"rule": "ebs-key-unusable", "passed": 2, "failed": 1, "unknown": 1, "skipped": null}],
        "problems": [], "facts": [cluster(number, name)],
    })
}

fn write(folder: &Path, count: usize, findings: usize) {
    fs::create_dir(folder).unwrap();
    for number in 0..count {
        let name = format!("cluster-{}", number / 2);
        fs::write(folder.join(format!("{number}.json")), report(number, &name, findings).to_string()).unwrap();
    }
}

#[test]
fn the_sums_are_those_of_the_parts_and_the_worst_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("parts"), 4, 12);
    let (code, text) =
        output(folder.path(), &["merge", "parts/0.json", "parts/1.json", "parts/2.json", "parts/3.json"]);
    let merged: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, 1);
    let of_rule = |rule: &str| {
        let own = merged["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
        own.cloned().collect::<Vec<_>>()
    };
    assert_eq!(of_rule("ebs-key-unusable").len(), 4 * 12);
    let shared = of_rule("cluster-name-shared");
    assert_eq!(shared.len(), 2, "{merged:#}");
    assert!(shared.iter().all(|finding| finding["severity"] == "error" && finding["outcome"] == "fail"));
    let ranks: Vec<(usize, bool)> = merged["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let severity = ["error", "warning", "info"].iter().position(|word| finding["severity"] == *word).unwrap();
            (severity, finding["outcome"] == "unknown")
        })
        .collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
    let summary = &merged["summary"];
    let count = |severity: &str| {
        let all = merged["findings"].as_array().unwrap().iter();
        all.filter(|finding| finding["severity"] == severity && finding["outcome"] == "fail").count()
    };
    for severity in ["error", "warning", "info"] {
        assert_eq!(summary[severity], count(severity), "{severity}");
    }
    assert_eq!(
        (&summary["unknown"], &summary["items"], &summary["complete"]),
        (&json!(4 * 6), &json!(40), &json!(true))
    );
    assert_eq!(
        merged["scopes"]["context-3"]["ebs"],
        json!({"error": 2, "warning": 2, "info": 2, "unknown": 6, "passed": 2})
    );
    validators::holds("docs/schema/karpcheck.report.schema.json", std::slice::from_ref(&merged));
    // YAML says the same.
    let yaml =
        output(folder.path(), &["merge", "parts/0.json", "parts/1.json", "parts/2.json", "parts/3.json", "-o", "yaml"])
            .1;
    assert_eq!(serde_yaml::from_str::<Value>(&yaml).unwrap(), merged);
    // What can be read once only, too.
    let mut piped = command(folder.path(), &["merge", "/dev/stdin", "parts/1.json", "parts/2.json", "parts/3.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = piped.stdin.take().unwrap();
    let first = fs::read(folder.path().join("parts/0.json")).unwrap();
    std::io::Write::write_all(&mut input, &first).unwrap();
    drop(input);
    assert_eq!(String::from_utf8(piped.wait_with_output().unwrap().stdout).unwrap(), text);
}

const QUEUE: &str = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: NAME, KmsMasterKeyId: alias/aws/sqs}\n";
const CONTROLLER: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: karpenter, namespace: kube-system}\nspec: {template: \
     {spec: {containers: [{name: controller, image: \"public.ecr.aws/karpenter/controller:1.8.1\", env: [{name: CLUSTER_NAME, value: \
     NAME}, {name: INTERRUPTION_QUEUE, value: NAME}]}]}}}\n";

/// What a format says of each finding, by a name for it.
fn results(format: &str, text: &str) -> Vec<String> {
    let found: Vec<String> = match format {
        "sarif" => {
            let log: Value = serde_json::from_str(text).unwrap();
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            let own = |result: &Value| {
                json!([
                    result["ruleId"],
                    result["level"],
                    result["message"],
                    result["locations"],
                    result["partialFingerprints"]
                ])
            };
            results.iter().map(|result| own(result).to_string()).collect()
        }
        "gitlab" => serde_json::from_str::<Vec<Value>>(text).unwrap().iter().map(ToString::to_string).collect(),
        _ => text.lines().map(str::to_owned).collect(),
    };
    let mut found = found;
    found.sort();
    found
}

#[test]
fn every_format_has_what_the_parts_have() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for name in ["blue", "green"] {
        fs::create_dir(home.join(name)).unwrap();
        fs::write(home.join(name).join("queue.yaml"), QUEUE.replace("NAME", name)).unwrap();
        fs::write(home.join(name).join("controller.yaml"), CONTROLLER.replace("NAME", name)).unwrap();
        let (code, text) = output(home, &["check", "--offline", "-f", name, "-o", "json"]);
        assert_eq!(code, 1, "{text}");
        fs::write(home.join(format!("{name}.json")), text).unwrap();
    }
    for format in ["sarif", "gitlab", "name"] {
        let of = |args: &[&str]| results(format, &output(home, &[args, &["-o", format]].concat()).1);
        let mut parts =
            [of(&["check", "--offline", "-f", "blue"]), of(&["check", "--offline", "-f", "green"])].concat();
        parts.sort();
        if format == "name" {
            // Names are printed once.
            parts.dedup();
        }
        assert!(!parts.is_empty());
        // The rules about several clusters judge anew, and have nothing to say here.
        assert_eq!(of(&["merge", "blue.json", "green.json"]), parts, "{format}");
    }
    let summaries: Vec<Value> = ["blue", "green"]
        .iter()
        .map(|name| serde_json::from_slice::<Value>(&fs::read(home.join(format!("{name}.json"))).unwrap()).unwrap())
        .collect();
    for format in ["table", "wide", "junit", "markdown", "html"] {
        let text = output(home, &["merge", "blue.json", "green.json", "-o", format]).1;
        for finding in summaries.iter().flat_map(|report| report["findings"].as_array().unwrap()) {
            let rule = finding["rule"].as_str().unwrap();
            assert!(text.contains(rule), "{format} lacks {rule}: {text}");
        }
    }
    let table = output(home, &["merge", "blue.json", "green.json", "-o", "table"]).1;
    let errors: u64 = summaries.iter().map(|report| report["summary"]["error"].as_u64().unwrap()).sum();
    assert!(table.contains(&format!("{errors} errors")) && table.contains("in 2 reports"), "{table}");
    assert!(table.contains("blue/queue.yaml:4") && table.contains("green/queue.yaml:4"), "{table}");
    // Several outputs of one merge.
    output(home, &["merge", "blue.json", "green.json", "-o", "table", "-o", "json=merged.json"]);
    let merged: Value = serde_json::from_slice(&fs::read(home.join("merged.json")).unwrap()).unwrap();
    assert_eq!(merged["summary"]["error"], errors);
}

#[test]
fn what_a_part_could_not_read_stays_said() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["merge", "one.json", "two.json", "--fail-on", "none"];
    fs::write(folder.path().join("two.json"), report(1, "two", 1).to_string()).unwrap();
    for (class, code) in [("unread", 0), ("fatal", 3)] {
        let mut one = report(0, "one", 1);
        one["summary"]["complete"] = json!(false);
        one["problems"] = json!([
            {"code": "cluster-unreachable", "class": class, "message": "context context-0: no answer", "origin": null}
        ]);
        fs::write(folder.path().join("one.json"), one.to_string()).unwrap();
        let merged = parsed(folder.path(), &args);
        assert_eq!((&merged["summary"]["complete"], &merged["problems"]), (&json!(false), &one["problems"]));
        // A part that could not do its job leaves the whole undone.
        assert_eq!(output(folder.path(), &args).0, code, "{class}");
        let table = output(folder.path(), &["merge", "one.json", "two.json", "-o", "table"]).1;
        assert!(
            table.contains("problem: context context-0: no answer") && table.contains("The run is incomplete"),
            "{table}"
        );
    }
}

#[test]
fn a_part_that_was_run_twice_counts_once_and_one_without_facts_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, report: &Value| fs::write(folder.path().join(name), report.to_string()).unwrap();
    let merged = |parts: &[&str]| parsed(folder.path(), &[&["merge"], parts].concat());
    let codes = |merged: &Value| {
        let all = merged["problems"].as_array().unwrap().iter();
        all.map(|problem| problem["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let one = report(0, "one", 3);
    let mut later = one.clone();
    later["run"]["at"] = "2026-01-01T00:10:00Z".into();
    for (name, report) in [("one.json", &one), ("again.json", &later), ("two.json", &report(1, "two", 3))] {
        write(name, report);
    }
    let once = merged(&["one.json", "two.json"]);
    let twice = merged(&["one.json", "two.json", "again.json"]);
    assert_eq!((&twice["summary"], &twice["findings"]), (&once["summary"], &once["findings"]));
    assert_eq!((codes(&once), codes(&twice)), (vec![], vec!["report-again".to_owned()]));
    // Other rules over the same cluster say something else.
    let mut others = one.clone();
    others["coverage"][0]["rule"] = "ebs-mapping-incomplete".into();
    write("others.json", &others);
    let both = merged(&["one.json", "others.json"]);
    assert_eq!(codes(&both), ["report-overlaps"]);
    assert_eq!(both["findings"].as_array().unwrap().len(), 6);
    // Without facts its cluster is compared with none.
    let mut bare = one.clone();
    bare.as_object_mut().unwrap().remove("facts");
    write("bare.json", &bare);
    let without = merged(&["bare.json", "two.json"]);
    assert_eq!(
        (codes(&without), &without["summary"]["complete"]),
        (vec!["report-without-facts".to_owned()], &json!(false))
    );
    let (_, table) = output(folder.path(), &["merge", "bare.json", "two.json", "-o", "table"]);
    assert!(table.contains("make it with --for-merge"), "{table}");
}

#[test]
fn a_part_that_is_missing_is_told_until_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, report: &Value| fs::write(folder.path().join(name), report.to_string()).unwrap();
    for index in 0..4 {
        let mut part = report(index, &format!("cluster-{index}"), 3);
        part["run"]["shard"] = json!({"index": index, "count": 4});
        write(&format!("{index}.json"), &part);
    }
    let merged = |parts: &[&str]| parsed(folder.path(), &[&["merge"], parts].concat());
    let told = |merged: &Value| {
        let all = merged["problems"].as_array().unwrap().iter();
        let missing = all.filter(|problem| problem["code"] == "report-parts-missing");
        missing.map(|problem| problem["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let whole = merged(&["0.json", "1.json", "2.json", "3.json"]);
    assert_eq!((told(&whole), &whole["summary"]["complete"]), (vec![], &json!(true)));
    let (low, high) = (merged(&["0.json", "1.json"]), merged(&["2.json", "3.json", "2.json"]));
    assert_eq!(
        told(&low),
        ["of the 4 parts of a check with --shard, no report of parts 2, 3 was given: what they found is missing here"]
    );
    assert_eq!((&low["summary"]["complete"], &low["problems"][0]["class"]), (&json!(false), &json!("unread")));
    validators::holds("docs/schema/karpcheck.report.schema.json", &[low.clone(), whole.clone()]);
    let (_, table) = output(folder.path(), &["merge", "0.json", "1.json", "3.json", "-o", "table"]);
    assert!(table.contains("no report of part 2 was given") && table.contains("The run is incomplete"), "{table}");
    // Halves that are merged with each other lack nothing, but what could not be read in one of them.
    write("low.json", &low);
    write("high.json", &high);
    let both = merged(&["low.json", "high.json"]);
    assert_eq!((told(&both), &both["summary"]), (vec![], &whole["summary"]));
    let mut unread = low.clone();
    unread["problems"]
        .as_array_mut()
        .unwrap()
        .push(json!({"code": "list-failed", "class": "unread", "message": "no", "origin": null}));
    write("low.json", &unread);
    let both = merged(&["low.json", "high.json"]);
    assert_eq!((told(&both), &both["summary"]["complete"]), (vec![], &json!(false)));
    let mut failed = low;
    failed["findings"][0]["cause"] = "failed".into();
    write("low.json", &failed);
    assert_eq!(merged(&["low.json", "high.json"])["summary"]["complete"], json!(false));
    // Parts of two checks are each a question of its own; reports of no part are none.
    let mut other = report(5, "cluster-5", 3);
    other["run"]["shard"] = json!({"index": 11, "count": 12});
    write("other.json", &other);
    let parts = ["0.json", "1.json", "2.json", "3.json", "other.json"];
    assert_eq!(
        told(&merged(&parts)),
        [
            "of the 12 parts of a check with --shard, no report of parts 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more was given: what \
          they found is missing here"
        ]
    );
    write("other.json", &report(5, "cluster-5", 3));
    assert_eq!(told(&merged(&parts)), [""; 0]);
}

#[test]
fn a_report_of_a_format_to_come_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut later = report(0, "one", 1);
    later["schema"] = "karpcheck.report/v2".into();
    fs::write(folder.path().join("later.json"), later.to_string()).unwrap();
    let ran = command(folder.path(), &["merge", "later.json"]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(2) && said.contains("karpcheck.report/v2"), "{said}");
}

#[cfg(target_os = "linux")]
fn peak_memory(folder: &Path, count: usize) -> u64 {
    let parts: Vec<String> = (0..count).map(|number| format!("{number}.json")).collect();
    let args: Vec<&str> = std::iter::once("merge").chain(parts.iter().map(String::as_str)).collect();
    let mut child = command(folder, &args).stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak = line.trim().trim_end_matches(" kB").parse().unwrap_or(peak).max(peak);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn memory_grows_with_what_clusters_share_and_not_with_the_findings() {
    let folder = tempfile::tempdir().unwrap();
    let parts = folder.path().join("parts");
    // Findings of 200 kB each, which are some 2 MB as values in memory.
    let (few, many) = (10, 40);
    write(&parts, many, 300);
    let (small, large) = (peak_memory(&parts, few), peak_memory(&parts, many));
    let each = large.saturating_sub(small) / (many - few) as u64;
    assert!(small > 0 && each < 200, "{each} kB for each report: {small} kB over {few}, {large} kB over {many}");
}

#[test]
fn judging_clusters_that_share_nothing_is_linear() {
    let engine = Engine::new(Limits::default(), None).unwrap();
    let pack = engine.builtin().unwrap();
    let selected: Vec<Selected<'_>> =
        pack.rules().iter().filter(|rule| rule.is_across_clusters()).map(|rule| Selected::new(&pack, rule)).collect();
    let across: Vec<&str> = selected.iter().map(|selected| &*selected.rule.id).collect();
    assert_eq!(across, ["cluster-name-shared", "discovery-tag-shared", "queue-shared"]);
    let scope = GatherScope::new(selected.iter().flat_map(|one| one.rule.kinds().map(|kind| (kind, false))));
    let costs = |count: usize| {
        let (mut facts, mut builder) = (Facts::default(), Builder::default());
        for number in 0..count {
            let own = serde_json::from_value(cluster(number, &format!("cluster-{number}"))).unwrap();
            assert!(facts.take_in(own, &scope, &mut builder));
        }
        let results = run_rules(&engine, &selected, &Arc::new(karpenter::inventory(builder)));
        assert_eq!(results.faults, []);
        results.costs.into_iter().map(|cost| (cost.rule.clone(), cost.fuel + cost.work)).collect::<BTreeMap<_, _>>()
    };
    let (small, large) = (costs(100), costs(400));
    for (rule, cost) in &large {
        assert!(*cost <= small[rule] * 440 / 100, "{rule}: {} over 100, {cost} over 400", small[rule]);
    }
    assert_eq!(large.len(), 3);
}
