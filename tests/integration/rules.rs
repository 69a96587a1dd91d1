//! The built-in rules over fixtures as a whole: `tests/cases` judges each folder of `tests/fixtures/rules/RULE/CASE/`.

mod calls;
mod causes;
mod forms;
pub(crate) mod harness;
mod live;
mod neighbours;
mod pages;
mod readiness;
mod releases;
mod schemas;

use std::collections::BTreeSet;
use std::fs;

use harness::{cases, harness, root};

/// Rules that never say fail, and why.
const NEVER_FAILS: &[(&str, &str)] = &[(
    "queue-key-unverified",
    "it is about what nobody gave; what a policy that was given says is another rule's matter",
)];

/// Rules that cannot be unknown, from files or from a cluster, and why. `live` holds them to it.
pub(crate) const WITHOUT_UNKNOWN_FILES: &[(&str, &str)] = &[
    ("cluster-name-mismatch", "a name or a witness without a value contradicts nobody, so there is nothing to judge"),
    (
        "discovery-tag-shared",
        "a selector without a value selects nobody's in particular, and other clusters are there or they are not",
    ),
    ("queue-setting-ignored", "it speaks of settings that are written; one that was not read cannot be called ignored"),
];

fn listed(table: &[(&str, &str)], rule: &str) -> bool {
    table.iter().any(|(listed, _)| *listed == rule)
}

#[test]
fn every_rule_has_cases_that_fail_that_pass_and_that_are_unknown() {
    let cases = cases();
    let mut missing = vec![];
    for rule in harness().builtin.rules() {
        let count =
            |kind: &str| cases.iter().filter(|case| case.rule == rule.id && case.name.starts_with(kind)).count();
        for (kind, never) in [("fail-", NEVER_FAILS), ("pass-", &[]), ("unknown-", WITHOUT_UNKNOWN_FILES)] {
            // A rule that cannot say it has no case that does: the table would be wrong.
            if (count(kind) == 0) != listed(never, &rule.id) {
                missing.push(format!("{}: {} cases {kind}", rule.id, count(kind)));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_fixture_belongs_to_a_rule() {
    let rules: BTreeSet<&str> = harness().builtin.rules().iter().map(|rule| rule.id.as_str()).collect();
    let folders: BTreeSet<String> = cases().into_iter().map(|case| case.rule).collect();
    let without: Vec<&String> = folders.iter().filter(|folder| !rules.contains(folder.as_str())).collect();
    assert!(without.is_empty(), "fixtures of no rule: {without:?}");
    for (rule, _) in NEVER_FAILS.iter().chain(WITHOUT_UNKNOWN_FILES) {
        assert!(rules.contains(rule), "there is no rule {rule}");
    }
}

#[test]
fn a_rule_is_called_like_its_file_and_its_area_like_the_folder() {
    let folders = fs::read_dir(root().join("rules-wasm/src/rules")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, String)> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = |part: &std::ffi::OsStr| part.to_str().unwrap().replace('_', "-");
            (name(path.file_stem().unwrap()), name(path.parent().unwrap().file_name().unwrap()))
        })
        .collect();
    files.sort();
    let rules = harness().builtin.rules().iter();
    let mut described: Vec<(String, String)> = rules.map(|rule| (rule.id.clone(), rule.area.clone())).collect();
    described.sort();
    assert_eq!(described, files, "the pack in the program is not made of these files: build it anew");
}
