//! The README's example is true: what it quotes is what the tool prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser as _;
use kubectl_karpcheck::cli;
use kubectl_karpcheck::cli::Cli;
use kubectl_karpcheck::commands::shared::progress::Progress;
use kubectl_karpcheck::commands::shared::streams::Streams;

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
fn the_example_shows_findings_of_every_area() {
    let output = run(&["-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["area"].as_str().unwrap()).collect();
    for area in ["queue", "ebs", "cluster-name", "tagging", "ack", "upgrade"] {
        assert!(found.contains(&area), "{area}: {found:?}");
    }
}

/// The lines that the README quotes after these words.
fn quoted(after: &str) -> Vec<String> {
    let readme = readme();
    let (_, rest) = readme.split_once(&format!("{after}\n\n")).expect(after);
    rest.lines().map_while(|line| line.strip_prefix("    ")).map(str::to_owned).collect()
}

#[test]
fn the_end_that_the_readme_quotes_is_printed() {
    let printed = String::from_utf8(run(&[]).stdout).unwrap();
    let (_, end) = printed.split_once("\n\n").unwrap();
    assert_eq!(quoted("It ends with"), end.lines().collect::<Vec<_>>());
}

#[test]
fn the_finding_that_the_readme_quotes_is_shown_on_a_terminal() {
    // Tests run beside the top level, so that the example has another path and lines may break elsewhere.
    let args = arguments().iter().map(|arg| arg.replace("examples/", "../examples/")).collect::<Vec<_>>();
    let plain = ["--color".to_owned(), "never".to_owned()];
    let cli = Cli::parse_from([&["kubectl-karpcheck".to_owned()][..], &args, &plain].concat());
    let (mut out, mut err) = (vec![], vec![]);
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        input: &mut std::io::empty(),
        width: Some(80),
        progress: Progress::default(),
    };
    cli::run(cli, &mut streams).unwrap();
    let words = |text: &str| text.replace("../", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = quoted("and then shows each in its source:").join("\n");
    assert!(quoted.contains("fix: "));
    let shown = String::from_utf8(out).unwrap();
    assert!(words(&shown).contains(&words(&quoted)), "{quoted}\nis not in\n{shown}");
}
