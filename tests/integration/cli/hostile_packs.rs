//! Packs whose every text is an attack on who reads the output, from the outside.

use super::*;
use crate::sandbox::guest;

/// Would a pipeline's runner, or a terminal, take something in this for a command?
fn harmful(output: &str) -> Option<&str> {
    output.lines().find(|line| {
        let lower = line.to_ascii_lowercase();
        let begins = line.trim_start().strip_prefix("::").is_some_and(|rest| rest.contains("::"));
        let hidden = |char| matches!(char, '\u{1b}' | '\u{7}' | '\u{9b}' | '\u{202e}' | '\u{200b}');
        lower.contains("##[") || lower.contains("##vso[") || begins || line.contains(hidden)
    })
}

fn place() -> TestDir {
    let place = TestDir::new();
    place.write(
        "queue.yaml",
        "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q}}\n",
    );
    place
}

#[test]
fn no_text_of_a_pack_is_more_than_a_text() {
    let place = place();
    place.write("hostile.wasm", guest::component("hostile_texts"));
    place.write("crashes.wasm", guest::component("hostile_crash"));
    place.write("fixtures/hostile-texts/fail/queue.yaml", fs::read(place.path().join("queue.yaml")).unwrap());
    place.write("fixtures/hostile-texts/fail/queue.expected", "another\n");
    // A name that no tool would write: the bytes are looked at before they are valid.
    let mut odd = wat::parse_str(r#"(component (import "aaaaaaaaaaaaaaaaaaaa" (func)))"#).unwrap();
    let at = odd.windows(20).position(|bytes| bytes == [b'a'; 20]).unwrap();
    odd[at..at + 20].copy_from_slice(b"\n::error::x ##[y]\x1b[m");
    place.write("imports.wasm", odd);
    let mut shown = 0;
    for args in [
        "check -v --pack hostile.wasm",
        "check -v --pack hostile.wasm -o wide",
        "check -v --pack hostile.wasm -o json",
        "check -v --pack hostile.wasm -o yaml",
        "check -v --pack hostile.wasm -o sarif",
        "check -v --pack hostile.wasm -o junit",
        "check -v --pack hostile.wasm -o markdown",
        "check -v --pack hostile.wasm -o html",
        "check -v --pack hostile.wasm -o gitlab",
        "check -v --pack hostile.wasm -o diff",
        "check -v --pack crashes.wasm",
        "check --pack imports.wasm",
    ] {
        let args: Vec<&str> = args.split(' ').chain(["--offline", "-f", "queue.yaml"]).collect();
        let ended = place.run(&args);
        for output in [&ended.out, &ended.err] {
            assert_eq!(harmful(output), None, "{args:?}");
        }
        shown += usize::from(ended.out.contains("error]x"));
    }
    assert!(shown > 8, "the words are there, only not as commands: {shown}");
    for args in [
        "rules --pack hostile.wasm",
        "rules --pack hostile.wasm -o json",
        "explain hostile-texts/hostile-texts --pack hostile.wasm",
        "why hostile-texts/hostile-texts --pack hostile.wasm --offline -f queue.yaml",
        "rbac --pack hostile.wasm",
        "pack inspect hostile.wasm",
        "pack inspect hostile.wasm -o json",
        "pack inspect hostile.wasm --fixtures fixtures",
        "pack inspect imports.wasm",
        "pack inspect imports.wasm -o json",
        "pack test --pack hostile.wasm --fixtures fixtures -v",
        "pack push imports.wasm localhost:1/x:1",
        "explain ::error::x##[y]",
        "check --rule ::error::x##[y]",
        "check --pack ::error::x##[y]",
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let ended = place.run(&args);
        for output in [&ended.out, &ended.err] {
            assert_eq!(harmful(output), None, "{args:?}");
        }
    }
}

/// A report that is a page shows what a pack says, and does nothing that it says.
#[test]
fn no_text_of_a_pack_is_markup() {
    let place = place();
    place.write("pages.wasm", guest::component("writes_pages"));
    let shown = |output: &str| {
        let ended = place.run(&["check", "--offline", "-f", "queue.yaml", "--pack", "pages.wasm", "-o", output]);
        assert!(ended.out.contains("onerror"), "{}", ended.out);
        ended.out
    };
    for output in ["html", "markdown", "junit"] {
        let page = shown(output);
        for markup in ["<script>x", "<img src=x", "<b>x"] {
            assert!(!page.contains(markup), "{output}: {markup}");
        }
    }
    let page = shown("markdown");
    let unescaped = |markup: &str| {
        let mut at = page.match_indices(markup).map(|(at, _)| at);
        at.find(|at| !page[..*at].ends_with('\\'))
            .map(|at| page[at.saturating_sub(80)..].chars().take(200).collect::<String>())
    };
    for markup in ["![a](", "[a](javascript", "| a |", "@acme"] {
        assert_eq!(unescaped(markup), None, "{markup}");
    }
}

/// An edit of the item as a whole is no edit of a field: no file is emptied by it.
#[test]
fn no_edit_removes_an_item() {
    let place = place();
    place.write("edits.wasm", guest::component("edits_everything"));
    let before = fs::read(place.path().join("queue.yaml")).unwrap();
    let all = ["--offline", "-f", "queue.yaml", "--pack", "edits.wasm"];
    let diff = place.run(&[&["check", "-o", "diff"][..], &all].concat());
    diff.has_not("---");
    place.run(&[&["fix", "--yes"][..], &all].concat());
    assert_eq!(fs::read(place.path().join("queue.yaml")).unwrap(), before);
}
