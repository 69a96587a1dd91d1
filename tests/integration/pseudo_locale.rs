//! Words are not data: a run in which every sentence is rewritten comes to the same result.
//!
//! What a rule is given (reasons, decisions, notes) is rewritten before it sees it, what it says after it returned, and what
//! a reader says of a file that it cannot read. The verdicts, causes, codes, groups, rows, fingerprints, next steps, the lines
//! of problems and the numbers that decide the exit code stay.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubectl_karpcheck::engine;
use kubectl_karpcheck::engine::{Engine, Limits, Pack, Selected};
use kubectl_karpcheck::findings::finding::CheckResults;
use kubectl_karpcheck::inventory::{Builder, Inventory, Reason, Stated, Wording};
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
    wording: Wording,
    engine: Engine,
    builtin: Pack,
}

impl Tongue {
    fn new(wording: Wording) -> Self {
        let engine = Engine::new(Limits::default(), None).unwrap().worded(wording);
        let builtin = engine.builtin().unwrap();
        Self { wording, engine, builtin }
    }

    fn read(&self, input: &Input<'_>) -> Arc<Inventory> {
        let mut builder = Builder::new(input.stated.clone()).worded(self.wording);
        let named = sources::Named { paths: &input.paths, exclude: input.exclude, ..sources::Named::default() };
        sources::files(named, &input.kinds, &mut builder, &mut std::io::empty());
        Arc::new(kubectl_karpcheck::karpenter::inventory(builder))
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
            invocation: &report::Invocation::default(),
            config: None,
            facts: &[],
            shard: None,
            paths: report::Paths::Named,
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
        for problem in whole["problems"].as_array_mut().unwrap() {
            messages.push(problem["message"].as_str().unwrap().to_owned());
            problem["message"] = json!(null);
        }
        let classes: Vec<String> = inventory.problems().iter().map(|problem| format!("{:?}", problem.class)).collect();
        let mut rows = vec![];
        report::markdown(&run, &mut rows).unwrap();
        let rows: Vec<String> = String::from_utf8(rows)
            .unwrap()
            .lines()
            .filter_map(|line| match line.strip_prefix('|') {
                Some(row) => row.rsplit_once(" | ").map(|(columns, _)| columns.to_owned()),
                // A line for each problem, whatever it says.
                None => ["- problem: ", "- note: ", "**problem: "]
                    .into_iter()
                    .find(|start| line.starts_with(start))
                    .map(str::to_owned),
            })
            .collect();
        let groups: Vec<&str> = results.findings.iter().map(|finding| finding.group.as_str()).collect();
        let codes: Vec<Option<&str>> =
            results.findings.iter().map(|finding| finding.reason.as_ref().map(Reason::code)).collect();
        let bare = json!({
            "summary": whole["summary"],
            "findings": whole["findings"],
            "coverage": whole["coverage"],
            "problems": whole["problems"],
            "classes": classes,
            "groups": groups,
            "codes": codes,
            "rows": rows,
        });
        Self { bare, messages }
    }
}

/// What is read.
struct Input<'a> {
    paths: Vec<PathBuf>,
    exclude: &'a [String],
    kinds: GatherScope,
    stated: Stated,
}

/// Reads and judges in both wordings. Returns how many sentences differ, and the result.
fn compare(tongues: &[Tongue; 2], input: &Input<'_>, only: Option<&str>) -> (usize, Outcome) {
    let [one, two] = tongues.each_ref().map(|tongue| tongue.judge(&tongue.read(input), only));
    assert_eq!(one.bare, two.bare, "{:?}", input.paths);
    let reworded = one.messages.iter().zip(&two.messages).filter(|(one, two)| one != two).count();
    (reworded, one)
}

fn tongues() -> [Tongue; 2] {
    [Tongue::new(Wording::default()), Tongue::new(Wording::rewritten(rotated))]
}

#[test]
fn a_run_in_other_words_has_the_same_result() {
    let tongues = tongues();
    let builtin = &tongues[0].builtin;
    let mut reworded = 0;
    for case in cases() {
        let rule = rule(builtin, &case.rule);
        let kinds = GatherScope::new(rule.kinds().map(|kind| (kind, false)));
        let input = Input { paths: case.input(), exclude: &[], kinds, stated: case.stated() };
        reworded += compare(&tongues, &input, Some(&case.rule)).0;
    }
    for source in equivalence() {
        let stated =
            Stated { account: Some("111122223333".into()), region: Some("eu-west-1".into()), ..Stated::default() };
        let paths = vec![source.with_file_name("common"), source];
        reworded += compare(&tongues, &Input { paths, exclude: &[], kinds: all(builtin), stated }, None).0;
    }
    assert!(reworded > 300, "only {reworded} sentences were rewritten");
}

#[test]
fn what_cannot_be_read_is_the_same_in_other_words() {
    let tongues = tongues();
    let folder = tempfile::tempdir().unwrap();
    let policy = |service: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Action": "{service}:*", "Resource": "*"}}]}}"#
        )
    };
    let trust = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;
    let mut bomb = "karpenter: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        bomb += &format!("a{level}: &a{level} [{}x]\n", format!("*a{}, ", level - 1).repeat(9));
    }
    for (name, text) in [
        ("cut.json", r#"{"apiVersion": "karpenter.sh/v1", "#),
        ("cut.yaml", "karpenter: [1,\n"),
        ("wrong.yaml", "karpenter: ]\n"),
        ("deep.yaml", &format!("karpenter: {}", "[".repeat(10_000))),
        ("bomb.yaml", &bomb),
        ("chart.yaml", "{{- if .karpenter }}\na: [\n"),
        ("twice.yaml", "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: a}\nspec: {}\nspec: {}\n"),
        ("policies/trust.json", trust),
        ("policies/key.json", &policy("kms")),
        ("policies/queue.json", &policy("sqs")),
        ("policies/bucket.json", &policy("s3")),
        (
            "template.yaml",
            "AWSTemplateFormatVersion: '2010-09-09'\nTransform: [Our::Macro]\nResources:\n  \
             Nested: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: 'https://x/y.yaml'}}\n  \
             'Fn::ForEach::Queues': [Name, [a], {'${Name}': {Type: 'AWS::SQS::Queue'}}]\n",
        ),
        ("aws/form.json", r#"{"karpcheck": "aws-answer/v9", "command": ["aws", "sqs", "list-queues"]}"#),
        (
            "aws/refused.json",
            r#"{"karpcheck": "aws-answer/v1", "command": ["aws", "kms", "get-key-policy", "--key-id", "k"], "at": "2020-01-01T00:00:00Z",
                "error": "An error occurred (AccessDenied) when calling the GetKeyPolicy operation: not authorized to perform: kms:GetKeyPolicy"}"#,
        ),
        (
            "aws/failed.json",
            r#"{"karpcheck": "aws-answer/v1", "command": ["aws", "kms", "list-grants", "--key-id", "k"], "error": "no connection"}"#,
        ),
        (
            "aws/other.json",
            r#"{"karpcheck": "aws-answer/v1", "command": ["aws", "kms", "list-grants", "--key-id", "k"], "answer": {"a": 1}}"#,
        ),
        ("terraform/broken/main.tf", "resource \"aws_sqs_queue\" \"karpenter\" {\n  name = \n}\n"),
        (
            "terraform/module/main.tf",
            "module \"eks\" {\n  source = \"example.com/a/b/c\"\n}\nmodule \"x\" {\n  source = \"./none\"\n}\n",
        ),
        ("terraform/twice/a.tf", "resource \"aws_sqs_queue\" \"q\" {}\n"),
        ("terraform/twice/b.tf", "resource \"aws_sqs_queue\" \"q\" {}\n"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::write(folder.path().join("binary.yaml"), b"karpenter\0\xff").unwrap();
    std::fs::write(folder.path().join("latin.yaml"), b"karpenter: caf\xe9\n").unwrap();
    let named = tempfile::tempdir().unwrap();
    let (empty, other) = (named.path().join("empty.yaml"), named.path().join("other.yaml"));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&other, "a: 1\n").unwrap();
    let paths = vec![
        folder.path().to_owned(),
        empty,
        other,
        named.path().join("none.yaml"),
        "https://example.com/a.yaml".into(),
    ];
    let exclude = ["nothing-is-called-so".to_owned()];
    let stated = Stated { chart_version: Some("1.8.0".into()), ..Stated::default() };
    let kinds = all(&tongues[0].builtin);
    let (reworded, outcome) = compare(&tongues, &Input { paths, exclude: &exclude, kinds, stated }, None);
    let codes: BTreeSet<&str> =
        outcome.bare["problems"].as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect();
    assert_eq!(
        codes.into_iter().collect::<Vec<_>>(),
        [
            "alias-bomb",
            "answer-form-not-known",
            "answer-not-recognised",
            "answers-old",
            "call-failed",
            "declared-twice",
            "file-empty",
            "file-not-downloaded",
            "file-not-found",
            "file-not-recognised",
            "file-not-text",
            "file-not-utf-8",
            "flag-not-used",
            "key-policy-alone",
            "key-twice",
            "loop-not-run",
            "macro-not-run",
            "module-not-read",
            "nested-stack-not-read",
            "nests-too-deep",
            "permission-refused",
            "queue-policy-alone",
            "resource-policy-alone",
            "syntax-error",
            "template-not-rendered",
            "trust-policy-alone"
        ]
    );
    assert_eq!(reworded, outcome.messages.len());
}

/// The kinds of all rules.
fn all(pack: &Pack) -> GatherScope {
    GatherScope::new(pack.rules().iter().flat_map(|rule| rule.kinds().map(|kind| (kind, false))))
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
