//! Fixes, shown as a diff and tried in memory.

use std::fs;

use super::{BROKEN_CLASS, TestDir};

/// An ACK table that loops, with a comment that must stay.
const TABLE: &str = "\
apiVersion: dynamodb.services.k8s.aws/v1alpha1
kind: Table
metadata: {name: orders, namespace: shop}
spec:
  tableName: orders
  sseSpecification:
    enabled: true # by order of the auditors
    sseType: KMS
    kmsMasterKeyID: alias/orders
    kmsMasterKeyRef: {from: {name: orders}}
";

fn json(place: &TestDir, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&place.run(&[args, &["-o", "json"]].concat()).out).unwrap()
}

fn verified(report: &serde_json::Value, rule: &str) -> serde_json::Value {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["rule"] == rule).unwrap();
    finding["verified"].clone()
}

#[test]
fn a_diff_changes_only_what_the_edit_says() {
    let place = TestDir::new();
    let ended = place.run(&["check", "--offline", "-f", "good.yaml", "-o", "diff"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    let new = BROKEN_CLASS.replace("eeeeeeeeeeee'}", "eeeeeeeeeeee', encrypted: true}");
    let last = |text: &str| text.lines().last().unwrap().to_owned();
    assert!(ended.out.starts_with("--- good.yaml\n+++ good.yaml\n"), "{}", ended.out);
    assert!(ended.out.contains(&format!("\n-{}\n+{}\n", last(BROKEN_CLASS), last(&new))), "{}", ended.out);
    assert_eq!(fs::read_to_string(place.path().join("good.yaml")).unwrap(), BROKEN_CLASS, "nothing is written");
}

#[test]
fn what_a_patched_file_says_is_clean_where_the_fix_was_verified() {
    let place = TestDir::new();
    place.write("table.yaml", TABLE);
    let args = ["check", "--offline", "-f", "table.yaml", "-f", "good.yaml"];
    let before = json(&place, &[&args[..], &["--verify-fixes"]].concat());
    assert_eq!(verified(&before, "ebs-key-without-encryption")["result"], "cleared");
    assert_eq!(verified(&before, "ack-key-and-ref")["result"], "cleared");
    let diff = place.run(&[&args[..], &["-o", "diff"]].concat()).out;
    place.write("fix.diff", &diff);
    let patch = std::process::Command::new("git")
        .args(["apply", "-p0", "--unsafe-paths", "fix.diff"])
        .current_dir(place.path())
        .env("GIT_CEILING_DIRECTORIES", place.path().parent().unwrap())
        .status()
        .unwrap();
    assert!(patch.success(), "{diff}");
    let after = json(&place, &args);
    let rules: Vec<&str> =
        after["findings"].as_array().unwrap().iter().filter_map(|finding| finding["rule"].as_str()).collect();
    assert!(!rules.contains(&"ebs-key-without-encryption") && !rules.contains(&"ack-key-and-ref"), "{rules:?}");
    assert!(fs::read_to_string(place.path().join("table.yaml")).unwrap().contains("# by order of the auditors"));
}

#[test]
fn what_no_diff_can_show_is_said() {
    let place = TestDir::new();
    let ended = place.run_with(&["check", "--offline", "-f", "-", "-o", "diff"], BROKEN_CLASS.as_bytes());
    assert_eq!((ended.code, ended.out.as_str()), (1, ""));
    let wanted = "not in the diff: ebs-key-without-encryption EC2NodeClass/general";
    assert!(ended.err.contains(wanted) && ended.err.contains("standard input"), "{}", ended.err);
}

#[test]
fn the_table_says_what_a_fix_does() {
    let place = TestDir::new();
    let ended = place.run(&["check", "--offline", "-f", "good.yaml", "--verify-fixes"]);
    assert!(ended.out.contains("verified: cleared by the edit"), "{}", ended.out);
    let silent = place.run(&["check", "--offline", "-f", "good.yaml"]);
    assert!(!silent.out.contains("verified"), "{}", silent.out);
}
