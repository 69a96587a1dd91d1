//! The README's example is true: what it quotes is what the tool prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use kubectl_karpcheck::report;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The arguments of the README's first command, as it is written there.
fn arguments() -> Vec<String> {
    let readme = readme();
    let (_, rest) = readme.split_once("cargo run -q -p kubectl-karpcheck -- ").unwrap();
    rest.lines().next().unwrap().split_whitespace().map(str::to_owned).collect()
}

fn run(more: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"));
    command.args(arguments()).args(more).current_dir(root()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command.output().unwrap()
}

#[test]
fn the_example_shows_findings_of_several_areas() {
    let output = run(&["-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["area"].as_str().unwrap()).collect();
    for area in ["queue", "ebs", "cluster-name", "ack", "upgrade"] {
        assert!(found.contains(&area), "{area}: {found:?}");
    }
}

#[test]
fn what_the_readme_quotes_is_what_is_printed() {
    let output = run(&[]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let readme = readme();
    let (_, rest) = readme.split_once("It ends with\n\n").expect("the README quotes the end of the report");
    let quoted: Vec<&str> = rest.lines().map_while(|line| line.strip_prefix("    ")).collect();
    assert!(quoted.len() >= 2, "{quoted:?}");
    let (_, end) = printed.split_once("\n\n").unwrap();
    assert_eq!(quoted, end.lines().collect::<Vec<_>>());
}
