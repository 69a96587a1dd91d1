//! The rules' pages: all of one form, and their examples do what they say.

use std::fs;

use kubectl_karpcheck::model::Stated;
use kubectl_karpcheck::model::verdict::RuleInfo;

use super::bench::{Judged, bench};
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
    for rule in bench().builtin.rules() {
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

/// Writes the example below a heading to a file of its own and judges it.
fn example(rule: &RuleInfo, heading: &str) -> Judged {
    let section = rule.docs.split(&format!("{heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let mut fences = section.split("\n```");
    let text = fences.nth(1).and_then(|fenced| fenced.strip_prefix("yaml\n"));
    let text = text.unwrap_or_else(|| panic!("{}: no example in YAML below {heading}", rule.id));
    assert_eq!(fences.next().map(str::trim), Some(""), "{}: {heading} holds more than one example", rule.id);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("example.yaml");
    fs::write(&file, text).unwrap();
    bench().files(&bench().builtin, rule, &[file], Stated::default(), folder.path())
}

#[test]
fn every_example_that_fails_is_reported() {
    let mut wrong = vec![];
    for rule in bench().builtin.rules() {
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
    for rule in bench().builtin.rules() {
        let judged = example(rule, "## Example that passes");
        let lines = judged.lines();
        if !judged.judgement.findings.is_empty() || lines.is_empty() {
            wrong.push(format!("{}: {lines:?}", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
