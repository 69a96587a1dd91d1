//! `kubectl karpcheck rules` and `explain`.

use kubectl_karpcheck::findings::finding::{RuleInfo, Severity};
use kubectl_karpcheck::report;
use serde_json::{Value as Json, json};

use super::snapshot;

fn explained() -> RuleInfo {
    RuleInfo {
        pack: "builtin".into(),
        id: "queue-aws-managed-key".into(),
        area: "queue".into(),
        title: "The interruption queue is encrypted with a key of AWS".into(),
        docs: include_str!("page.md").into(),
        severity: Severity::Error,
        enabled: true,
        subjects: vec!["AWS::SQS::Queue".into()],
        reads: vec!["AWS::KMS::Key".into(), "AWS::KMS::Alias".into()],
        reads_if_allowed: vec![],
        karpenter: ">=0.32".into(),
        settings: vec![],
        properties: vec![],
    }
}

#[test]
fn a_page_is_light_on_a_terminal_and_markdown_in_a_pipe() {
    let page = |width| {
        let mut out = vec![];
        report::page(&explained(), width, false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    snapshot("page-72.txt", &page(Some(72)));
    snapshot("page-piped.md", &page(None));
}

#[test]
fn rules_of_other_packs_are_listed_with_the_packs_name() {
    let mut off = explained();
    off.id = "queue-without-customer-key".into();
    off.title = "The queue has no customer managed key".into();
    off.severity = Severity::Warning;
    off.enabled = false;
    let list = |rules: &[RuleInfo], width| {
        let mut out = vec![];
        report::rules_table(rules, width, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let mut rules = vec![explained(), off];
    assert_eq!(
        list(&rules, None),
        "\
ID                          AREA   SEVERITY  TITLE
queue-aws-managed-key       queue  error     The interruption queue is encrypted with a key of AWS
queue-without-customer-key  queue  warning   The queue has no customer managed key (off unless asked for)
"
    );
    rules[1].pack = "acme".into();
    let table = list(&rules, Some(80));
    let ids: Vec<&str> =
        table.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(ids, ["ID", "queue-aws-managed-key", "acme/queue-without-customer-key"], "{table}");
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
    let mut out = vec![];
    report::rules_json(&rules, &mut out).unwrap();
    let json: Json = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["schema"], "karpcheck.rules/v1alpha1");
    assert_eq!(json["rules"][0]["subjects"], json!(["AWS::SQS::Queue"]));
    assert_eq!(json["rules"][1]["enabled"], json!(false));
}
