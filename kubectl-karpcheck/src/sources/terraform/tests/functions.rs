//! Expressions, held to what Terraform itself makes of them.

use std::fmt::Write as _;
use std::fs;

use super::{fixture, item, module};

/// Not evaluated here: what no name, policy or count of a configuration of Karpenter is made of, and what counts other characters
/// than those of ASCII.
const LEFT_OUT: &[&str] = &[
    "base64decode(",
    "base64encode(",
    "cidrhost(",
    "cidrnetmask(",
    "cidrsubnet",
    "csvdecode(",
    "format(\"%e\"",
    "format(\"%g\"",
    "format(\"%s\", [",
    "format(\"%v\", null)",
    "formatdate(",
    "length(\"👾",
    "log(",
    "md5(",
    "sha1(",
    "sha256(",
    "sha512(",
    "substr(\"🤔",
    "timeadd(",
    "urlencode(",
];

/// What variables, templates and loops of a module come to, by the names of its locals.
#[test]
fn locals_are_what_terraform_says() {
    let text = fs::read_to_string(fixture("expressions/main.tf")).expect("the module");
    let expected = fs::read_to_string(fixture("expressions/expected.json")).expect("what Terraform says");
    let expected: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&expected).expect("JSON");
    let mut module_text = text + "\nresource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n  policy = jsonencode({\n";
    for name in expected.keys() {
        writeln!(module_text, "    {name} = [local.{name}]").expect("written");
    }
    module_text.push_str("  })\n}\n");
    let all = module(&module_text);
    let policy = item(&all, "AWS::IAM::ManagedPolicy", "p");
    let document = policy.body.member("PolicyDocument").expect("the document");
    let mut wrong = vec![];
    for (name, expected) in &expected {
        let found = document.member(name).and_then(|list| list.elements().first()).expect("a value");
        let json = found.to_json();
        // A number may be written with a fraction.
        if serde_json::to_value(&json).expect("JSON") != *expected || found.first_unknown().is_some() {
            wrong.push(format!("{name}: {expected}, not {json}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} of {}", wrong.join("\n"), wrong.len(), expected.len());
}

#[test]
fn expressions_are_what_terraform_says() {
    let vectors = fs::read_to_string(fixture("functions.tsv")).expect("the vectors");
    let vectors: Vec<(&str, &str)> = vectors.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut text = "resource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n  policy = jsonencode({\n".to_owned();
    for (number, (expression, _)) in vectors.iter().enumerate() {
        writeln!(text, "    \"r{number}\" = [try({expression}, \"ERROR\")]").expect("written");
    }
    text.push_str("  })\n}\n");
    let all = module(&text);
    let policy = item(&all, "AWS::IAM::ManagedPolicy", "p");
    let document = policy.body.member("PolicyDocument").expect("the document");
    let mut wrong = vec![];
    for (number, (expression, expected)) in vectors.iter().enumerate() {
        let found = document.member(&format!("r{number}")).and_then(|list| list.elements().first());
        let is_known = found.is_some_and(|node| node.first_unknown().is_none());
        let found = found.map(|node| node.to_json().to_string()).unwrap_or_default();
        let expected = if *expected == "ERROR" { "\"ERROR\"" } else { expected };
        let same = serde_json::from_str::<serde_json::Value>(&found).ok() == serde_json::from_str(expected).ok();
        let left_out = LEFT_OUT.iter().any(|name| expression.starts_with(name));
        if (is_known && !same) || is_known == left_out {
            wrong.push(format!("{expression}: {expected}, not {found}{}", if is_known { "" } else { " (not known)" }));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} of {}", wrong.join("\n"), wrong.len(), vectors.len());
}
