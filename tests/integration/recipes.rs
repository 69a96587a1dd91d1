//! The recipes that pipelines take from here, run as a pipeline runs them: action.yml, release/templates/gitlab-ci.yml and
//! .pre-commit-hooks.yaml. Only the download is a stand-in: a `curl` that serves a release from a folder.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_yaml::Value;
use tempfile::TempDir;

use crate::krew::{archive, binary, digest};

const ARCHIVE: &str = if cfg!(target_arch = "aarch64") {
    "kubectl-karpcheck_linux_arm64.tar.gz"
} else {
    "kubectl-karpcheck_linux_amd64.tar.gz"
};

/// Takes what the recipes give it: `-o FILE`, `-O`, or the answer on standard output.
const CURL: &str = r#"#!/usr/bin/env bash
to=/dev/stdout
while [ $# -gt 0 ]; do
  case $1 in
    --proto|--retry) shift ;;
    --*) ;;
    -o) to=$2; shift ;;
    -*O*) remote=yes ;;
    -*) ;;
    https://github.com/kubectl-karpcheck/kubectl-karpcheck/releases/download/v0.1.0/*) name=${1##*/} ;;
    *) echo "curl: $1 is not there" >&2; exit 22 ;;
  esac
  shift
done
if [ "${remote:-}" = yes ]; then to=$name; fi
cat "$SERVED/$name" > "$to"
"#;

struct Runner {
    place: TempDir,
}

impl Runner {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for folder in ["bin", "served", "temp"] {
            std::fs::create_dir(place.path().join(folder)).unwrap();
        }
        let curl = place.path().join("bin/curl");
        std::fs::write(&curl, CURL).unwrap();
        std::fs::set_permissions(&curl, std::fs::Permissions::from_mode(0o755)).unwrap();
        let archive = archive(&[("kubectl-karpcheck", &binary())]);
        let sums = format!("{}  another.tar.gz\n{}  {ARCHIVE}\n", digest(b"another"), digest(&archive));
        std::fs::write(place.path().join("served").join(ARCHIVE), archive).unwrap();
        std::fs::write(place.path().join("served/SHA256SUMS"), sums).unwrap();
        Self { place }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// Runs a step's script in a folder, as runners do: errors end it.
    fn bash(&self, script: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.at("bin").display(), std::env::var("PATH").unwrap());
        Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(folder)
            .env("PATH", path)
            .env("SERVED", self.at("served"))
            .env("RUNNER_TEMP", self.at("temp"))
            .env("GITHUB_PATH", self.at("path"))
            .env("GITHUB_OUTPUT", self.at("output"))
            .env("GITHUB_STEP_SUMMARY", self.at("summary"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

/// The script of a step of action.yml, with the names of the variables that it is given.
fn step(name: &str) -> (String, Vec<String>) {
    let action = yaml("action.yml");
    let steps = action["runs"]["steps"].as_sequence().unwrap().clone();
    let step = steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step {name}"));
    let variables = step["env"].as_mapping().unwrap().keys().map(|key| key.as_str().unwrap().to_owned()).collect();
    (step["run"].as_str().unwrap().to_owned(), variables)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn processor() -> &'static str {
    if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }
}

#[test]
fn the_action_downloads_checks_and_reports() {
    let runner = Runner::new();
    let (download, given) = step("Download");
    assert_eq!(given, ["VERSION", "SHA256", "SYSTEM", "PROCESSOR"]);
    let system = [("VERSION", "v0.1.0"), ("SYSTEM", "Linux"), ("PROCESSOR", processor())];
    let output = runner.bash(&download, &root(), &[&system[..], &[("SHA256", "")]].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains(&format!("{ARCHIVE}: OK")), "{}", said(&output));
    // What the runner adds to the PATH of later steps.
    let added = runner.text("path");
    let path = format!("{}:{}", added.trim(), std::env::var("PATH").unwrap());

    let (check, given) = step("Check");
    assert_eq!(given, ["PATHS", "ARGS"]);
    let variables = [("PATHS", "examples/broken-cluster\n\n"), ("ARGS", "--fail-on  error"), ("PATH", path.as_str())];
    let output = runner.bash(&check, &root(), &variables);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("::error "), "{}", said(&output));
    // The upload goes by what this says: an expression of the workflow sees no file outside of the workspace.
    assert_eq!(runner.text("output"), "code=1\nsarif=true\n");
    assert!(runner.text("summary").contains("queue-aws-managed-key"), "{}", runner.text("summary"));
    let sarif: serde_json::Value = serde_json::from_str(&runner.text("temp/karpcheck.sarif")).unwrap();
    assert!(sarif["runs"][0]["results"].as_array().unwrap().len() >= 12);
    let (exit, given) = (step("The exit code").0, step("The exit code").1);
    assert_eq!(given, ["CODE"]);
    assert_eq!(runner.bash(&exit, &root(), &[("CODE", "1")]).status.code(), Some(1));

    // Each line of the arguments counts.
    let lines = [
        ("PATHS", "examples/broken-cluster"),
        ("ARGS", "\n--fail-on none\n--min-confidence high\n"),
        ("PATH", path.as_str()),
    ];
    runner.bash(&check, &root(), &lines);
    assert!(runner.text("output").ends_with("code=0\nsarif=true\n"), "{}", runner.text("output"));

    // An argument is neither expanded nor run, and a run that did not come to a report shows none of an earlier one.
    let hostile =
        [("PATHS", "examples/broken-cluster"), ("ARGS", "$(touch hit) `touch hit` ;touch"), ("PATH", path.as_str())];
    runner.bash(&check, &root(), &hostile);
    assert!(!root().join("hit").exists());
    assert!(runner.text("output").ends_with("code=2\n"), "{}", runner.text("output"));
    assert!(!runner.at("temp/karpcheck.sarif").exists() && !runner.at("temp/karpcheck.md").exists());
}

#[test]
fn the_action_runs_nothing_that_has_another_digest() {
    let runner = Runner::new();
    let (download, _) = step("Download");
    let system = [("VERSION", "v0.1.0"), ("SYSTEM", "Linux"), ("PROCESSOR", processor())];
    for variables in
        [[("SHA256", "00")], [("SHA256", "0000000000000000000000000000000000000000000000000000000000000000")]]
    {
        let output = runner.bash(&download, &root(), &[&system[..], &variables].concat());
        assert!(!output.status.success(), "{}", said(&output));
        assert!(!runner.at("path").exists() && !runner.at("temp/karpcheck/kubectl-karpcheck").exists());
    }
    let tampered = runner.at("served").join(ARCHIVE);
    std::fs::write(tampered, archive(&[("kubectl-karpcheck", b"#!/bin/sh\n")])).unwrap();
    let output = runner.bash(&download, &root(), &[&system[..], &[("SHA256", "")]].concat());
    assert!(!output.status.success() && !runner.at("path").exists(), "{}", said(&output));
    let elsewhere = [("VERSION", "v0.1.0"), ("SYSTEM", "Plan9"), ("PROCESSOR", "X64"), ("SHA256", "")];
    let output = runner.bash(&download, &root(), &elsewhere);
    assert!(said(&output).contains("::error::no release for Plan9"), "{}", said(&output));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_gitlab_job_reports() {
    let runner = Runner::new();
    let job = yaml("release/templates/gitlab-ci.yml")["karpcheck"].clone();
    let lines = |part: &str| {
        let lines = job[part].as_sequence().unwrap().iter().map(|line| line.as_str().unwrap().to_owned());
        lines.collect::<Vec<String>>().join("\n")
    };
    let own: Vec<(String, String)> = job["variables"]
        .as_mapping()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str().unwrap().to_owned(), value.as_str().unwrap().to_owned()))
        .collect();
    let mut variables: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let example = root().join("examples/broken-cluster");
    variables.push(("KARPCHECK_PATH", example.to_str().unwrap()));
    // Only where the archive goes, and what a container's package manager does, are this machine's.
    let bin = runner.at("bin");
    let script = format!("{}\n{}", lines("before_script"), lines("script"));
    let script = script.replace("/usr/local/bin", bin.to_str().unwrap());
    let script = script.replace("apt-get update -qq && apt-get install -y -qq ca-certificates curl >/dev/null", "true");
    let output = runner.bash(&script, &runner.at("temp"), &variables);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let quality: serde_json::Value = serde_json::from_str(&runner.text("temp/karpcheck.json")).unwrap();
    assert!(quality.as_array().unwrap().len() >= 12);
    assert!(runner.text("temp/karpcheck.xml").contains("<testsuite"));
    for report in ["codequality", "junit"] {
        let path = job["artifacts"]["reports"][report].as_str().unwrap();
        assert!(runner.at("temp").join(path).exists(), "{path}");
    }
}

#[test]
fn the_pre_commit_hook_is_a_command() {
    let hook = yaml(".pre-commit-hooks.yaml")[0].clone();
    let files = regex_lite::Regex::new(hook["files"].as_str().unwrap()).unwrap();
    for read in
        ["a.yaml", "b/c.yml", "q.template", "main.tofu", "x.tf", ".karpcheck.toml", "values.yaml.gotmpl", "s.tfstate"]
    {
        assert!(files.is_match(read), "{read}");
    }
    assert!(!files.is_match("README.md") && !files.is_match("karpcheck.tomly"));
    let words: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(&words[1..])
        .current_dir(root().join("examples/broken-cluster"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}
