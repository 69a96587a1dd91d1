//! The rules' pages: all of one form, and their examples do what they say.

use std::fs;

use kubectl_karpcheck::findings::finding::RuleInfo;
use kubectl_karpcheck::inventory::Stated;
use kubectl_karpcheck::report;

use super::harness::{CaseResults, harness};
use super::{NEVER_FAILS, listed};

const HEADINGS: &[&str] = &[
    "## What it finds",
    "## Why it matters",
    "## How to fix it",
    "## Example that fails",
    "## Example that passes",
    "## Sources",
];

#[test]
fn every_page_has_the_six_headings_in_order() {
    for rule in harness().builtin.rules() {
        let mut fenced = false;
        let headings: Vec<&str> = rule
            .docs
            .lines()
            .filter(|line| {
                fenced ^= line.starts_with("```");
                !fenced && line.starts_with("## ")
            })
            .collect();
        assert_eq!(headings, HEADINGS, "{}", rule.id);
    }
}

/// `docs/rules` is what `explain` prints: one text, so that neither can grow old. `BLESS=1` writes it anew.
#[test]
fn the_pages_in_docs_are_those_of_explain() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules");
    let bless = std::env::var_os("BLESS").is_some();
    let mut wanted: Vec<(String, String)> = vec![];
    let mut index = "# Rules\n\n| rule | area | worst | what it finds |\n|---|---|---|---|\n".to_owned();
    for rule in harness().builtin.rules() {
        let mut page = vec![];
        report::page(rule, None, false, &mut page).unwrap();
        let RuleInfo { id, area, title, severity, .. } = rule;
        index.push_str(&format!("| [{id}]({id}.md) | {area} | {} | {title} |\n", severity.as_str()));
        wanted.push((format!("{id}.md"), String::from_utf8(page).unwrap()));
    }
    wanted.push(("README.md".into(), index));
    if bless {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &wanted {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &wanted {
        let found = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(found, *text, "docs/rules/{name} is not what `explain` prints: BLESS=1 cargo test pages");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), wanted.len(), "a page in docs/rules is of no rule");
}

/// Writes the example below a heading to a file of its own and judges it.
fn example(rule: &RuleInfo, heading: &str) -> CaseResults {
    let section = rule.docs.split(&format!("{heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let mut fences = section.split("\n```");
    let text = fences.nth(1).and_then(|fenced| fenced.strip_prefix("yaml\n"));
    let text = text.unwrap_or_else(|| panic!("{}: no example in YAML below {heading}", rule.id));
    assert_eq!(fences.next().map(str::trim), Some(""), "{}: {heading} holds more than one example", rule.id);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("example.yaml");
    fs::write(&file, text).unwrap();
    harness().files(&harness().builtin, rule, &[file], Stated::default(), folder.path())
}

#[test]
fn every_example_that_fails_is_reported() {
    let mut wrong = vec![];
    for rule in harness().builtin.rules() {
        let lines = example(rule, "## Example that fails").lines();
        let word = if listed(NEVER_FAILS, &rule.id) { "unknown " } else { "fail " };
        if !lines.iter().any(|line| line.starts_with(word)) {
            wrong.push(format!("{}: nothing is reported\n{}", rule.id, lines.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_that_passes_is_judged_and_found_well() {
    let mut wrong = vec![];
    for rule in harness().builtin.rules() {
        let judged = example(rule, "## Example that passes");
        let lines = judged.lines();
        if !judged.results.findings.is_empty() || lines.is_empty() {
            wrong.push(format!("{}: {lines:?}", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
