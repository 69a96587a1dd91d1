//! The built-in rules over fixtures, a test for each folder of `tests/fixtures/rules/RULE/CASE/`:
//! `cargo test -p kubectl-karpcheck --test cases -- ebs-key-denies-spot/fail` runs some.
//!
//! A case is a folder of input files, named after what the rule is to say (`fail-…`, `pass-…`, `unknown-…`), with an
//! optional file `args` (flags, one a line), an optional `ORIGIN` (where files of others come from) and a file
//! `expected`. `BLESS=1` writes `expected` anew; what a case's name promises holds even then.
#![expect(clippy::unwrap_used, reason = "a panic in a test is a failure with a line")]

#[expect(dead_code, reason = "the other tests of rules, in the binary `integration`, use the rest")]
#[path = "../integration/rules/harness.rs"]
mod harness;

use std::fs;

use libtest_mimic::{Arguments, Failed, Trial};

use harness::{Case, cases, harness};

fn main() {
    let trials = cases()
        .into_iter()
        .map(|case| Trial::test(format!("{}/{}", case.rule, case.name), move || is_judged_as_expected(&case)))
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn is_judged_as_expected(case: &Case) -> Result<(), Failed> {
    let judged = harness().judge(&harness().builtin, case);
    let lines = judged.lines();
    let found = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    if let Some(why) = broken_promise(case, &lines) {
        return Err(format!("{why}\n{found}").into());
    }
    let file = case.folder.join("expected");
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        return Ok(fs::write(&file, &found)?);
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    Err(format!("expected\n{expected}but found\n{found}(`BLESS=1` takes what was found as expected)").into())
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
