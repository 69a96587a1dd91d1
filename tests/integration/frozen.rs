//! What 0.1.0 froze (docs/stability.md), held against what stands: the contract of packs, the JSON report, the names of commands,
//! flags and rules, and the fingerprints of findings. A copy in fixtures/frozen changes with a new minor version only;
//! `BLESS=1` adds names that came since, and takes none away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory as _;
use kubectl_karpcheck::cli::Cli;
use kubectl_karpcheck::engine::{Engine, Limits};
use serde_json::Value as Json;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words of a WIT package, without comments.
fn words(wit: &str) -> Vec<&str> {
    wit.lines().filter_map(|line| line.split("//").next()).flat_map(str::split_whitespace).collect()
}

#[test]
fn the_contract_is_the_frozen_one() {
    let (frozen, now) = (text("tests/fixtures/frozen/karpcheck-rules-0.1.wit"), text("wit/karpcheck.wit"));
    assert!(words(&frozen).contains(&"karpcheck:rules@0.1.0;"));
    assert_eq!(words(&now), words(&frozen), "the contract of packs changes with a new version of its package only");
}

/// What a reader of the report relied on, and is no longer so. New fields and new values may come.
fn lost(frozen: &Json, now: &Json, at: &str, losses: &mut Vec<String>) {
    for keyword in ["const", "type", "pattern", "format", "$ref"] {
        if frozen[keyword] != now[keyword] {
            losses.push(format!("{at}/{keyword} was {} and is {}", frozen[keyword], now[keyword]));
        }
    }
    for keyword in ["enum", "required"] {
        for value in frozen[keyword].as_array().into_iter().flatten() {
            if !now[keyword].as_array().is_some_and(|values| values.contains(value)) {
                losses.push(format!("{at}/{keyword} has no longer {value}"));
            }
        }
    }
    for keyword in ["properties", "$defs"] {
        for (name, schema) in frozen[keyword].as_object().into_iter().flatten() {
            let at = format!("{at}/{keyword}/{name}");
            match now[keyword].get(name) {
                Some(now) => lost(schema, now, &at, losses),
                None => losses.push(format!("{at} is gone")),
            }
        }
    }
    for keyword in ["items", "additionalProperties"] {
        if frozen[keyword].is_object() {
            lost(&frozen[keyword], &now[keyword], &format!("{at}/{keyword}"), losses);
        }
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        for (index, schema) in frozen[keyword].as_array().into_iter().flatten().enumerate() {
            lost(schema, &now[keyword][index], &format!("{at}/{keyword}/{index}"), losses);
        }
    }
}

#[test]
fn the_report_has_all_that_the_frozen_one_has() {
    let read = |path: &str| -> Json { serde_json::from_str(&text(path)).unwrap() };
    let frozen = read("tests/fixtures/frozen/karpcheck.report-v1.schema.json");
    let now = read("docs/schema/karpcheck.report.schema.json");
    assert_eq!(frozen["properties"]["schema"]["const"], "karpcheck.report/v1");
    let mut losses = vec![];
    lost(&frozen, &now, "", &mut losses);
    assert_eq!(losses, Vec::<String>::new());
    // The comparison sees a loss wherever it is.
    let mut without = now;
    without["properties"]["summary"]["properties"].as_object_mut().unwrap().remove("error");
    without["$defs"]["finding"]["properties"]["severity"] = Json::Null;
    lost(&frozen, &without, "", &mut losses);
    assert!(losses.iter().any(|loss| loss == "/properties/summary/properties/error is gone"), "{losses:?}");
    assert!(losses.iter().any(|loss| loss.starts_with("/$defs/finding/properties/severity/")), "{losses:?}");
}

/// `check --offline`, `check`: every command and flag, as it is written.
fn names(command: &clap::Command, path: &str, names: &mut BTreeSet<String>) {
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let long = argument.get_long().map(|long| format!("{path} --{long}"));
        let short = argument.get_short().map(|short| format!("{path} -{short}"));
        names.extend(long.into_iter().chain(short).map(|name| name.trim_start().to_owned()));
    }
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let path = format!("{path} {}", command.get_name());
        names.insert(path.trim_start().to_owned());
        self::names(command, &path, names);
    }
}

/// Holds that a list of names has all that it had. `BLESS=1` adds the new ones.
fn keeps(file: &str, now: &BTreeSet<String>) {
    let path = root().join("tests/fixtures/frozen").join(file);
    let known: BTreeSet<String> =
        std::fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
    let gone: Vec<&String> = known.difference(now).collect();
    assert!(gone.is_empty(), "{file}: {gone:?} is gone, which 0.1.0 promised to keep (docs/stability.md)");
    let more: Vec<&String> = now.difference(&known).collect();
    if std::env::var_os("BLESS").is_some() {
        let all: Vec<&str> = known.union(now).map(String::as_str).collect();
        std::fs::write(&path, all.join("\n") + "\n").unwrap();
    } else {
        assert!(more.is_empty(), "{file}: {more:?} is new: BLESS=1 cargo test frozen");
    }
}

#[test]
fn commands_and_flags_keep_their_names() {
    let mut found = BTreeSet::new();
    names(&Cli::command(), "", &mut found);
    assert!(found.contains("check --offline") && found.contains("pack test"), "{found:?}");
    keeps("flags.txt", &found);
}

#[test]
fn rules_keep_their_ids() {
    let pack = Engine::new(Limits::default(), None).unwrap().builtin().unwrap();
    keeps("rules.txt", &pack.rules().iter().map(|rule| format!("{} {}", rule.area, rule.id)).collect());
}

#[test]
fn findings_keep_their_fingerprints() {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-karpcheck"))
        .args(["check", "--offline", "--no-config", "-f", "examples/broken-cluster", "-o", "json"])
        .current_dir(root())
        .output()
        .unwrap();
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let print = |finding: &Json| {
        let word = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("rule"), word("fingerprint"))
    };
    let found: BTreeSet<String> = report["findings"].as_array().unwrap().iter().map(print).collect();
    assert!(found.len() >= 12, "{found:?}");
    keeps("fingerprints.txt", &found);
}
