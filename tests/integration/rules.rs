//! The built-in rules over fixtures: `tests/fixtures/rules/RULE/CASE/`.
//!
//! A case is a folder of input files, named after what the rule is to say (`fail-…`, `pass-…`, `unknown-…`), with an
//! optional file `args` (flags, one a line), an optional `ORIGIN` (where files of others come from) and a file
//! `expected`. `BLESS=1` writes `expected` anew; what a case's name promises holds even then.

mod calls;
mod causes;
mod forms;
pub(crate) mod harness;
mod live;
mod pages;
mod readiness;
mod releases;
mod schemas;

use std::collections::BTreeSet;
use std::fs;

use harness::{Case, cases, harness, root};

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

/// What a judgement of this case must look like, whatever `expected` says.
fn broken_promise(case: &Case, lines: &[String]) -> Option<&'static str> {
    let any = |word: &str| lines.iter().any(|line| line.starts_with(word));
    match case.name.split('-').next() {
        Some("fail") if any("fail ") => None,
        Some("fail") => Some("nothing failed"),
        Some("pass") if any("fail ") || any("unknown ") => Some("something was reported"),
        Some("pass") if any("passed ") => None,
        Some("pass") => Some("nothing was judged"),
        Some("unknown") if any("fail ") => Some("something failed"),
        Some("unknown") if any("unknown ") => None,
        Some("unknown") => Some("all was known"),
        _ => Some("its name begins with neither fail-, pass- nor unknown-"),
    }
}

#[test]
fn every_case_is_judged_as_expected() {
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let mut wrong = vec![];
    for case in cases() {
        let judged = harness().judge(&harness().builtin, &case);
        let lines = judged.lines();
        let found = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        if let Some(why) = broken_promise(&case, &lines) {
            wrong.push(format!("{}/{}: {why}\n{found}", case.rule, case.name));
            continue;
        }
        let file = case.folder.join("expected");
        if bless {
            fs::write(&file, &found).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if expected != found {
            wrong.push(format!("{}/{}: expected\n{expected}but found\n{found}", case.rule, case.name));
        }
    }
    assert!(wrong.is_empty(), "{}\n(`BLESS=1` takes what was found as expected)", wrong.join("\n"));
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
