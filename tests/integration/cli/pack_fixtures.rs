//! `pack test` and `pack inspect` where something is wrong with what they are given.

use super::*;

/// A project with two fixtures, and the pack that was built of it once.
fn project() -> TestDir {
    let place = TestDir::new();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/components/kept/platform.wasm");
    fs::copy(kept, place.path().join("pack.wasm")).unwrap();
    let pool = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: default}\nspec: {template: {}}\n";
    for case in ["a", "b"] {
        place.write(&format!("fixtures/node-pool-without-team/fail/{case}.yaml"), pool);
    }
    place
}

fn test(place: &TestDir, more: &[&str]) -> Ended {
    place.run(&[&["pack", "test", "--pack", "pack.wasm"], more].concat())
}

#[test]
fn a_fixture_that_cannot_be_read_is_named_with_its_line() {
    let place = project();
    place.write("fixtures/node-pool-without-team/fail/b.yaml", "a: 1\nb: [\n");
    let ended = test(&place, &[]);
    ended.code(1).has("test node-pool-without-team/fail/a.yaml ... ok").has("fail/b.yaml:3:1: it is not valid YAML");
}

#[test]
fn a_case_that_cannot_be_judged_fails_and_the_others_are_judged() {
    let place = project();
    let case = "fixtures/node-pool-without-team/fail/a";
    for (flags, why) in [
        ("--foo bar", "a.args: no fact or setting is stated by --foo"),
        ("--set labl=x", "a.args: rule platform/node-pool-without-team has no setting labl; it has label"),
        ("--set", "a.args: \"--set\" has no value"),
    ] {
        place.write(&format!("{case}.args"), flags);
        let ended = test(&place, &[]);
        ended
            .code(1)
            .has("fail/a.yaml ... FAILED")
            .has(why)
            .has("fail/b.yaml ... ok")
            .has("FAILED. 1 passed; 1 failed");
    }
    fs::remove_file(place.path().join(format!("{case}.args"))).unwrap();
    place.write(&format!("{case}.expected"), b"\xff\xfe");
    test(&place, &[]).code(1).has("a.expected: it is not UTF-8").has("fail/b.yaml ... ok");
    place.write(&format!("{case}.expected"), "");
    place.write("fixtures/node-pool-without-tem/fail/c.yaml", "a: 1\n");
    test(&place, &["--update"])
        .code(1)
        .has("c.yaml: the pack has no rule node-pool-without-tem")
        .has("fail/b.yaml ... ok");
    test(&place, &["--only", "tem/fail"]).code(1).has("0 passed; 1 failed");
}

/// Nothing of the language is installed: its program is named, and where it comes from.
#[test]
fn a_program_that_is_missing_is_named() {
    let place = TestDir::new();
    let bare =
        |args: &[&str]| Ended::from(place.command(args).env("PATH", place.path()).env("CARGO", "").output().unwrap());
    for (language, why) in [
        ("rust", "error: cargo is not installed: see https://rustup.rs"),
        ("js", "error: componentize-qjs is not installed: `npm install"),
        ("python", "error: componentize-py is not installed: `python3 -m venv"),
    ] {
        bare(&["pack", "new", language, "--lang", language]).code(0);
        bare(&["pack", "build", language]).code(3).complains(why);
    }
    place.write("js/node_modules/componentize-qjs/cli.mjs", "");
    bare(&["pack", "build", "js"]).code(3).complains("error: node is not installed: see https://nodejs.org");
}

#[test]
fn a_place_without_fixtures_is_told_from_a_name_that_none_has() {
    let place = project();
    test(&place, &["--only", "c.yaml"])
        .code(3)
        .complains("none of the 2 fixtures in ./fixtures has \"c.yaml\" in its name");
    for (folder, at) in [("none", "none"), ("pack.wasm", "pack.wasm")] {
        test(&place, &["--fixtures", folder])
            .code(3)
            .complains(&format!("{at}: there are no fixtures; they are files in"));
    }
    place.run(&["pack", "inspect", "fixtures"]).code(3).complains("error: fixtures: it is a folder");
    place.run(&["pack", "inspect", "none.wasm"]).code(3).complains("error: none.wasm: no such file");
}
