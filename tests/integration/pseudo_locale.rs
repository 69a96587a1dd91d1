//! Words are not data: a run in which every sentence is rewritten comes to the same result.
//!
//! What a rule is told (reasons, decisions, notes) is rewritten before it sees it, and what it says after it returned. The
//! verdicts, causes, codes, groups, rows, fingerprints, next steps and the numbers that decide the exit code stay.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubectl_karpcheck::engine;
use kubectl_karpcheck::engine::{Engine, Limits, Pack, Selected, Wording};
use kubectl_karpcheck::findings::finding::CheckResults;
use kubectl_karpcheck::inventory::{Builder, Inventory, Reason, Stated};
use kubectl_karpcheck::report;
use kubectl_karpcheck::report::{Run, Sources};
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;
use serde_json::{Value as Json, json};

use crate::rules::harness::{cases, root, rule};

/// Every letter becomes another one: no word stays, the length does, and different sentences stay different.
fn rotated(text: &str) -> String {
    let turn = |letter: u8, first: u8| char::from(first + (letter - first + 13) % 26);
    text.chars()
        .map(|char| match char {
            'a'..='z' => turn(char as u8, b'a'),
            'A'..='Z' => turn(char as u8, b'A'),
            char => char,
        })
        .collect()
}

struct Tongue {
    engine: Engine,
    builtin: Pack,
}

impl Tongue {
    fn new(wording: Wording) -> Self {
        let engine = Engine::new(Limits::default(), None).unwrap().worded(wording);
        let builtin = engine.builtin().unwrap();
        Self { engine, builtin }
    }

    /// What the rules say of an inventory; one rule, or all.
    fn judge(&self, inventory: &Arc<Inventory>, only: Option<&str>) -> Outcome {
        let rules = self.builtin.rules().iter().filter(|rule| only.is_none_or(|id| rule.id == id));
        let selected: Vec<Selected<'_>> = rules.map(|rule| Selected::new(&self.builtin, rule)).collect();
        let mut results = engine::run_rules(&self.engine, &selected, inventory);
        assert!(results.faults.is_empty(), "{:?}", results.faults);
        results.trace(self.builtin.rules());
        Outcome::of(inventory, &results, self)
    }
}

/// A result without its words, and with them.
struct Outcome {
    bare: Json,
    messages: Vec<String>,
}

impl Outcome {
    fn of(inventory: &Inventory, results: &CheckResults, tongue: &Tongue) -> Self {
        let run = Run {
            inventory,
            results,
            rules: tongue.builtin.rules(),
            packs: &[],
            assumed: &[],
            at: "2026-01-02T03:04:05Z".into(),
            sources: Sources { files: 1, documents: 1, ..Sources::default() },
            invocation: report::Invocation::default(),
        };
        let mut out = vec![];
        report::json(&run, &mut out).unwrap();
        let mut whole: Json = serde_json::from_slice(&out).unwrap();
        let mut messages = vec![];
        for shown in whole["findings"].as_array_mut().unwrap() {
            messages.push(shown["message"].as_str().unwrap().to_owned());
            for sentence in ["message", "remediation"] {
                shown[sentence] = json!(null);
            }
            for related in shown["related"].as_array_mut().unwrap() {
                related["note"] = json!(null);
            }
        }
        let mut rows = vec![];
        report::markdown(&run, &mut rows).unwrap();
        let rows: Vec<String> = String::from_utf8(rows)
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix('|')?.rsplit_once(" | ").map(|(columns, _)| columns.to_owned()))
            .collect();
        let groups: Vec<&str> = results.findings.iter().map(|finding| finding.group.as_str()).collect();
        let codes: Vec<Option<&str>> =
            results.findings.iter().map(|finding| finding.reason.as_ref().map(Reason::code)).collect();
        let bare = json!({
            "summary": whole["summary"],
            "findings": whole["findings"],
            "coverage": whole["coverage"],
            "groups": groups,
            "codes": codes,
            "rows": rows,
        });
        Self { bare, messages }
    }
}

fn read(paths: &[PathBuf], kinds: &GatherScope, stated: Stated) -> Arc<Inventory> {
    let mut builder = Builder::new(stated);
    let named = sources::Named { paths, ..sources::Named::default() };
    sources::files(named, kinds, &mut builder, &mut std::io::empty());
    Arc::new(kubectl_karpcheck::karpenter::inventory(builder))
}

#[test]
fn a_run_in_other_words_has_the_same_result() {
    let (plain, other) = (Tongue::new(Wording::default()), Tongue::new(Wording::rewritten(rotated)));
    let mut wrong = vec![];
    let mut reworded = 0;
    let mut compare = |name: String, inventory: &Arc<Inventory>, only: Option<&str>| {
        let (one, two) = (plain.judge(inventory, only), other.judge(inventory, only));
        if one.bare != two.bare {
            wrong.push(format!("{name}:\n{}\n{}", one.bare, two.bare));
        }
        reworded += one.messages.iter().zip(&two.messages).filter(|(one, two)| one != two).count();
    };
    for case in cases() {
        let rule = rule(&plain.builtin, &case.rule);
        let kinds = GatherScope::new(rule.kinds().map(|kind| (kind, false)));
        compare(format!("{}/{}", case.rule, case.name), &read(&case.input(), &kinds, case.stated()), Some(&case.rule));
    }
    let all = GatherScope::new(plain.builtin.rules().iter().flat_map(|rule| rule.kinds().map(|kind| (kind, false))));
    for source in equivalence() {
        let stated =
            Stated { account: Some("111122223333".into()), region: Some("eu-west-1".into()), ..Stated::default() };
        let paths = [source.with_file_name("common"), source.clone()];
        compare(source.display().to_string(), &read(&paths, &all, stated), None);
    }
    assert!(wrong.is_empty(), "{} runs differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(reworded > 300, "only {reworded} sentences were rewritten");
}

/// Each source of each architecture.
fn equivalence() -> Vec<PathBuf> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    };
    let architectures = folders(&root().join("tests/fixtures/equivalence"));
    let sources = architectures.iter().flat_map(|architecture| folders(architecture));
    let mut sources: Vec<PathBuf> = sources.filter(|path| !path.ends_with("common")).collect();
    sources.sort();
    sources
}
