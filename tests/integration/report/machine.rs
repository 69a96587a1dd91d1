//! The JSON that scripts read.

use kubectl_karpcheck::findings::finding::{Edit, Severity};
use kubectl_karpcheck::inventory::Place;
use kubectl_karpcheck::inventory::{At, Builder, Node, Origin, SourceKind, Stated};
use serde_json::{Value as Json, json};

use super::fixture::{ReportFixture, bad_day};

#[test]
fn json_is_the_contract_of_the_design() {
    let run = bad_day();
    let report = run.json();
    assert_eq!(report["schema"], "karpcheck.report/v1");
    assert_eq!(
        report["run"],
        json!({
            "tool": env!("CARGO_PKG_VERSION"),
            "packs": [{"name": "builtin", "version": "0.1.0", "digest": "sha256:00"}],
            "contexts": [],
            "assumed": {"karpenterVersion": "1.8.7"},
            "config": null,
            "at": "2026-01-02T03:04:05Z"
        })
    );
    assert_eq!(
        report["summary"],
        json!({
            "error": 6, "warning": 1, "info": 0, "unknown": 3, "suppressed": 0, "passed": 6, "rules": 7, "items": 9,
            "complete": false
        })
    );
    let queue =
        report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "queue-aws-managed-key");
    let mut queue = queue.unwrap().clone();
    let print = queue["fingerprint"].take();
    assert_eq!(print.as_str().unwrap().len(), 32);
    assert_eq!(
        queue,
        json!({
            "rule": "queue-aws-managed-key", "area": "queue", "outcome": "fail", "severity": "error", "confidence": "high",
            "message": "EventBridge cannot deliver to this queue: alias/aws/sqs is a key of AWS, and its policy cannot be changed",
            "remediation": "Use a customer managed key, and add to its policy:\n  Principal: events.amazonaws.com\n  Action: kms:Decrypt, kms:GenerateDataKey",
            "subject": {
                "kind": "AWS::SQS::Queue", "name": "karpenter-prod", "pointer": "/KmsMasterKeyId",
                "origin": {"file": "infra/karpenter-queue.yaml", "line": 9, "column": 5}
            },
            "cause": null, "settle": null, "fingerprint": null, "related": [], "edits": [], "properties": {}
        })
    );
    assert_eq!(
        report["coverage"][1],
        json!({"rule": "ack-key-loops", "passed": 2, "failed": 5, "unknown": 0, "skipped": null})
    );
    assert_eq!(
        report["problems"][0],
        json!({
            "code": "file-not-readable", "class": "unread",
            "message": "this is not YAML: a mapping key has no value; mend it or leave the file out",
            "origin": {"file": "apps/broken.yaml", "line": 3, "column": 7}
        })
    );
    assert_eq!(report["problems"][1]["origin"], json!({"file": "a.yaml"}));
}

#[test]
fn json_of_an_unknown_names_its_cause_and_what_settles_it() {
    let report = bad_day().json();
    let findings = report["findings"].as_array().unwrap();
    let of = |rule: &str| findings.iter().find(|finding| finding["rule"] == rule).unwrap();
    assert_eq!(of("api-version-removed")["outcome"], "unknown");
    assert_eq!(of("api-version-removed")["cause"], "not-provided");
    assert_eq!(of("api-version-removed")["settle"], "kubectl karpcheck check -f . --karpenter-version VERSION");
    assert_eq!(of("queue-key-unverified")["settle"], "kubectl karpcheck check -f . --aws");
    assert_eq!(of("ebs-mapping-incomplete")["settle"], Json::Null);
}

#[test]
fn json_has_the_worst_first_and_every_place_of_a_row() {
    let report = bad_day().json();
    let order: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!("{} {}", finding["severity"].as_str().unwrap(), finding["subject"]["name"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        order,
        [
            "error orders",
            "error users",
            "error carts",
            "error stock",
            "error prices",
            "error karpenter-prod",
            "warning default",
            "info karpenter-test",
            "info karpenter",
            "info karpenter",
        ]
    );
}

#[test]
fn json_places_live_objects_flags_and_related_items() {
    let mut fixture = ReportFixture { builder: Builder::new(Stated::default()), ..ReportFixture::default() };
    fixture.rule("r", "queue", Severity::Error, (0, 1, 0));
    let table = fixture.live(
        "prod",
        "dynamodb.services.k8s.aws/v1alpha1",
        ("dynamodb.services.k8s.aws", "Table"),
        "shop",
        "orders",
    );
    let doc = fixture.builder.document(Origin::Flag("--karpenter-version"));
    let flag =
        fixture.item("Karpcheck::Controller", "karpenter", "", Node::text("1.8.7", At::whole(doc)), SourceKind::Flag);
    fixture.fail("r", Severity::Error, table, "/spec/x", "m", "f");
    let finding = &mut fixture.results.findings[0];
    finding.related.push(Place { item: flag, pointer: "/Version".into(), note: "stated here".into() });
    finding.edits.push(Edit { item: table, pointer: "/spec/x".into(), value: None });
    finding.edits.push(Edit { item: table, pointer: "/spec/y".into(), value: Some(json!({"a": [1]})) });
    finding.properties.push(("service".into(), "dynamodb".into()));
    let report = fixture.done().json();
    let finding = &report["findings"][0];
    assert_eq!(
        finding["subject"],
        json!({
            "kind": "dynamodb.services.k8s.aws/Table", "name": "orders", "namespace": "shop", "pointer": "/spec/x",
            "origin": {
                "context": "prod", "apiVersion": "dynamodb.services.k8s.aws/v1alpha1", "kind": "Table",
                "namespace": "shop", "name": "orders"
            }
        })
    );
    assert_eq!(
        finding["related"],
        json!([{
            "kind": "Karpcheck::Controller", "name": "karpenter", "pointer": "/Version",
            "origin": {"flag": "--karpenter-version"}, "note": "stated here"
        }])
    );
    assert_eq!(
        finding["edits"],
        json!([
            {"kind": "dynamodb.services.k8s.aws/Table", "name": "orders", "namespace": "shop", "pointer": "/spec/x", "value": null},
            {"kind": "dynamodb.services.k8s.aws/Table", "name": "orders", "namespace": "shop", "pointer": "/spec/y", "value": {"a": [1]}}
        ])
    );
    assert_eq!(finding["properties"], json!({"service": "dynamodb"}));
}

#[test]
fn a_fingerprint_depends_on_the_place_alone() {
    let print = |file: &str, line: u32, name: &str, message: &str, times: usize| {
        let mut fixture = ReportFixture::default();
        fixture.rule("r", "queue", Severity::Error, (0, 1, 0));
        let queue = fixture.in_file(file, line, "AWS::SQS::Queue", name, ("k", "x"));
        for _ in 0..times {
            fixture.fail("r", Severity::Error, queue, "/k", message, "");
        }
        let report = fixture.done().json();
        let prints = report["findings"].as_array().unwrap().iter().map(|finding| finding["fingerprint"].clone());
        prints.collect::<Vec<_>>()
    };
    let before = print("q.yaml", 3, "q", "old words", 1);
    assert_eq!(before, print("./q.yaml", 90, "q", "new words", 1));
    assert_ne!(before, print("other.yaml", 3, "q", "old words", 1));
    assert_ne!(before, print("q.yaml", 3, "other", "old words", 1));
    let twice = print("q.yaml", 3, "q", "old words", 2);
    assert_eq!(before[0], twice[0]);
    assert_ne!(twice[0], twice[1]);
}
