//! One story over five sources: a queue in CloudFormation, its key in a plan of Terraform, the key's policy in an answer of
//! the `aws` CLI, the controller in a Deployment, its role in ACK.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

const STORY: [&str; 5] = [
    "queue.yaml",
    "plan.json",
    "get-key-policy--1234abcd-12ab-34cd-56ef-1234567890ab.json",
    "deployment.yaml",
    "role.yaml",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/story")
}

/// What rules of some areas find in these files.
fn findings(files: &[&str], areas: &[&str]) -> Vec<Json> {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    command.current_dir(folder()).env("HOME", home.path()).env_remove("XDG_CACHE_HOME");
    command.args(["check", "--offline", "--account", "111122223333", "--region", "us-west-2"]);
    for area in areas {
        command.args(["--area", area]);
    }
    for file in files {
        command.args(["-f", file]);
    }
    let ended = command.args(["-o", "json"]).output().unwrap();
    let report: Json = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(report["problems"], serde_json::json!([]));
    report["findings"].as_array().unwrap().clone()
}

#[test]
fn five_sources_tell_one_finding_that_names_them_all() {
    let found = findings(&STORY, &["queue"]);
    assert_eq!(found.len(), 1, "{found:#?}");
    let found = &found[0];
    assert_eq!(found["rule"], "queue-controller-cannot-decrypt");
    assert_eq!(found["outcome"], "fail");
    let related = found["related"].as_array().unwrap().iter().map(|place| &place["origin"]);
    let mut files: Vec<&str> = related
        .chain([&found["subject"]["origin"]])
        .map(|origin| {
            assert!(origin["line"].as_u64() > Some(1), "a place within the file: {origin}");
            // For machines a path begins at the root of the repository, where there is one.
            let file = origin["file"].as_str().unwrap();
            file.strip_prefix("tests/fixtures/story/").unwrap_or(file)
        })
        .collect();
    files.sort_unstable();
    // A key's place is where it is known best; that it is the plan's is told by its name.
    let mut all: Vec<&str> = STORY.into_iter().filter(|file| *file != "plan.json").collect();
    all.sort_unstable();
    assert_eq!(files, all);
    assert!(found["message"].as_str().unwrap().contains("the key aws_kms_key.interruption of its"), "{found:#}");
}

#[test]
fn without_any_one_of_them_nothing_is_certain() {
    for left_out in STORY {
        let rest: Vec<&str> = STORY.into_iter().filter(|file| *file != left_out).collect();
        // That the role was not given is said by controller-role-missing alone, which is of the area upgrade.
        let mut found = findings(&rest, &["queue", "upgrade"]);
        found.retain(|found| found["area"] == "queue" || found["rule"] == "controller-role-missing");
        assert!(found.iter().all(|found| found["outcome"] == "unknown"), "without {left_out}: {found:#?}");
        // Without a controller there is nobody of whom it could be said.
        assert_eq!(found.is_empty(), left_out == "deployment.yaml", "without {left_out}");
    }
}
