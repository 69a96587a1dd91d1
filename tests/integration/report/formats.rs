//! The formats beside table, JSON and diff: for pipelines, comments and browsers, with the texts of strangers in them.

use kubectl_karpcheck::findings::finding::Severity;
use kubectl_karpcheck::inventory::Place;
use kubectl_karpcheck::inventory::{At, LiveOrigin, Node, Origin, SourceKind};
use kubectl_karpcheck::report;
use kubectl_karpcheck::report::{Detail, TableOptions};
use serde_json::{Value as Json, json};

use super::fixture::{Done, ReportFixture, bad_day};
use super::schema;
use super::snapshot;

/// Every format that quotes, and what writes it.
const QUOTING: [(&str, Writer); 6] = [
    ("yaml", report::yaml),
    ("sarif", report::sarif),
    ("junit", report::junit),
    ("github", report::github),
    ("markdown", report::markdown),
    ("html", report::html),
];

type Writer = fn(&report::Run<'_>, &mut dyn std::io::Write) -> std::io::Result<()>;

fn written(done: &Done, write: Writer) -> String {
    let mut out = vec![];
    done.with(|run| write(run, &mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

fn sarif(done: &Done) -> Json {
    serde_json::from_str(&written(done, report::sarif)).unwrap()
}

fn names(done: &Done) -> (String, String) {
    let (mut out, mut err) = (vec![], vec![]);
    done.with(|run| report::name(run, &mut out, &mut err)).unwrap();
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// Names and messages with all that some format takes for its own.
fn hostile() -> Done {
    let mut fixture = ReportFixture::default();
    fixture.rule("r", "queue", Severity::Error, (0, 1, 1));
    let name = "x\n::error::y ##[error]z ]]>|<script>alert('1')</script> `@team` #7 [a](b) \u{7}\"&";
    let queue = fixture.in_file("a b|,:\n%<q>.yaml", 3, "AWS::SQS::Queue", name, ("k", "x"));
    fixture.fail("r", Severity::Error, queue, "/k", &format!("queue {name} is wrong"), &format!("mend {name}"));
    fixture.results.findings[0].related.push(Place { item: queue, pointer: "/z".into(), note: name.into() });
    fixture.done()
}

#[test]
fn wide_says_how_sure_and_names_every_place() {
    let done = bad_day();
    let wide = |width| {
        let mut out = vec![];
        done.with(|run| {
            report::table(run, &TableOptions { width, detail: Detail::Whole, ..TableOptions::default() }, &mut out)
        })
        .unwrap();
        String::from_utf8(out).unwrap()
    };
    snapshot("bad-day-wide-80.txt", &wide(Some(80)));
    snapshot("bad-day-wide-200.txt", &wide(Some(200)));
    snapshot("bad-day-wide-piped.txt", &wide(None));
    for width in [80, 200] {
        let text = wide(Some(width));
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        assert!(text.contains("confidence: high") && text.contains("Table/prices"), "{text}");
    }
}

#[test]
fn yaml_is_the_json_in_another_dress() {
    for done in [bad_day(), hostile()] {
        let read: Json = serde_yaml::from_str(&written(&done, report::yaml)).unwrap();
        assert_eq!(read, done.json());
    }
}

#[test]
fn a_name_is_what_kubectl_would_call_it() {
    let mut fixture = ReportFixture::default();
    fixture.rule("r", "ack", Severity::Error, (0, 1, 0));
    let table = ("dynamodb.services.k8s.aws", "Table");
    let subjects = [
        fixture.live("prod", "dynamodb.services.k8s.aws/v1alpha1", table, "shop", "orders"),
        fixture.live("prod", "v1", ("core", "ServiceAccount"), "kube-system", "karpenter"),
        fixture.in_file("q.yaml", 3, "AWS::SQS::Queue", "jobs", ("k", "x")),
    ];
    // What a Deployment tells of the controller is found again as the Deployment.
    let doc = fixture.builder.document(Origin::Live(Box::new(LiveOrigin {
        context: "prod".into(),
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: "kube-system".into(),
        name: "karpenter".into(),
    })));
    let body = Node::text("1.8.7", At::whole(doc));
    let controller = fixture.item("Karpcheck::Controller", "karpenter", "kube-system", body, SourceKind::Live);
    for subject in subjects.into_iter().chain([controller]) {
        fixture.fail("r", Severity::Error, subject, "", "wrong", "");
        fixture.fail("r", Severity::Error, subject, "/k", "wrong in another way", "");
    }
    let (out, err) = names(&fixture.done());
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "AWS::SQS::Queue/jobs",
            "deployment.apps/karpenter",
            "serviceaccount/karpenter",
            "table.dynamodb.services.k8s.aws/orders"
        ]
    );
    assert_eq!(err, "");
    let (_, err) = names(&bad_day());
    assert!(err.starts_with("problem: apps/broken.yaml:3:7: this is not YAML"), "{err}");
}

#[test]
fn sarif_holds_to_the_schema_of_oasis() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/sarif/sarif-schema-2.1.0.json");
    let schema: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut live = ReportFixture::default();
    live.rule("r", "upgrade", Severity::Error, (0, 1, 0));
    let pool = live.live("prod", "karpenter.sh/v1", ("karpenter.sh", "NodePool"), "", "default");
    live.fail("r", Severity::Error, pool, "/apiVersion", "it is gone", "");
    for done in [bad_day(), hostile(), live.done(), ReportFixture::default().done()] {
        let sarif = sarif(&done);
        assert_eq!(schema::faults(&schema, &sarif), Vec::<String>::new(), "{sarif:#}");
    }
}

#[test]
fn a_sarif_result_has_rule_place_level_and_fingerprint() {
    let done = bad_day();
    let sarif = sarif(&done);
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    let of = |rule: &str| results.iter().find(|result| result["ruleId"] == rule).unwrap();
    let queue = of("queue-aws-managed-key");
    assert_eq!((&queue["kind"], &queue["level"]), (&json!("fail"), &json!("error")));
    assert_eq!(
        queue["locations"],
        json!([{
            "physicalLocation": {
                "artifactLocation": {"uri": "infra/karpenter-queue.yaml"},
                "region": {"startLine": 9, "startColumn": 5}
            },
            "logicalLocations": [
                {"name": "Queue/karpenter-prod", "fullyQualifiedName": "Queue/karpenter-prod/KmsMasterKeyId", "kind": "resource"}
            ]
        }])
    );
    let rule = &run["tool"]["driver"]["rules"][usize::try_from(queue["ruleIndex"].as_u64().unwrap()).unwrap()];
    assert_eq!(rule["id"], "queue-aws-managed-key");
    assert_eq!(rule["defaultConfiguration"], json!({"enabled": true, "level": "error"}));
    // What is undecided accuses nobody.
    let unknown = of("queue-key-unverified");
    assert_eq!((&unknown["kind"], &unknown["level"]), (&json!("open"), &json!("none")));
    assert_eq!(unknown["properties"]["cause"], "not-provided");
    assert_eq!(of("ebs-mapping-incomplete")["level"], "warning");
    // The same names for findings as in JSON, each once.
    let prints = |list: &Json, pointer: &str| -> Vec<Json> {
        list.as_array().unwrap().iter().map(|one| one.pointer(pointer).unwrap().clone()).collect()
    };
    assert_eq!(
        prints(&run["results"], "/partialFingerprints/karpcheck~1v1"),
        prints(&done.json()["findings"], "/fingerprint")
    );
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["message"]["text"].as_str().unwrap().contains("7 rules")), "{notes:?}");
    assert_eq!(notes[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "apps/broken.yaml");
}

#[test]
fn sarif_names_a_live_object_and_writes_a_path_as_a_reference() {
    let mut fixture = ReportFixture::default();
    fixture.rule("r", "upgrade", Severity::Error, (0, 1, 0));
    let pool = fixture.live("prod", "karpenter.sh/v1", ("karpenter.sh", "NodePool"), "", "default");
    fixture.fail("r", Severity::Error, pool, "/apiVersion", "it is gone", "");
    for (line, file) in [(1, "./a b/ü.yaml"), (2, "/tmp/x.yaml"), (3, "-")] {
        let queue = fixture.in_file(file, line, "AWS::SQS::Queue", "q", ("k", "x"));
        fixture.fail("r", Severity::Warning, queue, "/k", "m", "");
    }
    let sarif = sarif(&fixture.done());
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(
        results[0]["locations"],
        json!([{"logicalLocations": [{
            "name": "NodePool/default",
            "fullyQualifiedName": "prod/karpenter.sh/v1/NodePool/default/apiVersion",
            "kind": "resource"
        }]}])
    );
    let mut uris: Vec<&str> = results
        .iter()
        .filter_map(|result| result.pointer("/locations/0/physicalLocation/artifactLocation/uri")?.as_str())
        .collect();
    uris.sort_unstable();
    assert_eq!(uris, ["a%20b/%C3%BC.yaml", "file:///tmp/x.yaml"]);
}

#[test]
fn code_scanning_gets_no_more_results_than_it_takes() {
    let mut fixture = ReportFixture::default();
    fixture.rule("r", "queue", Severity::Warning, (0, 25_001, 0));
    let queue = fixture.in_file("q.yaml", 3, "AWS::SQS::Queue", "q", ("k", "x"));
    for number in 0..25_001 {
        fixture.fail("r", Severity::Warning, queue, "/k", &number.to_string(), "");
    }
    let sarif = sarif(&fixture.done());
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 25_000);
    let notes = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notes.contains("1 finding left out"), "{notes}");
}

#[test]
fn junit_counts_what_it_holds() {
    let text = written(&bad_day(), report::junit);
    snapshot("bad-day-junit.xml", &text);
    let count = |what: &str| text.matches(what).count();
    let (failures, skipped, errors) = (count("<failure "), count("<skipped "), count("<error "));
    let cases = count("<testcase ");
    assert!(
        text.contains(&format!(
            r#"<testsuites name="karpcheck" tests="{cases}" failures="{failures}" errors="{errors}" skipped="{skipped}""#
        )),
        "{text}"
    );
    assert_eq!(failures, 7, "every fail is a failure");
}

#[test]
fn github_gets_a_command_for_each_finding_and_each_cause_first() {
    let text = written(&bad_day(), report::github);
    snapshot("bad-day-github.txt", &text);
    let first: Vec<&str> = text.lines().take(2).filter_map(|line| line.split("title=").nth(1)).collect();
    assert!(first[0].starts_with("ack-key-loops") && first[1].starts_with("queue-aws-managed-key"), "{text}");
    let text = written(&hostile(), report::github);
    assert!(
        text.starts_with("::error file=a b|%2C%3A%0A%25<q>.yaml,line=3,col=5,title=r%3A Queue/x %3A%3Aerror"),
        "{text}"
    );
    for line in text.lines().filter(|line| !line.ends_with("rule).")) {
        assert!(line.starts_with("::error file=") || line.starts_with("Nothing passed"), "{line}");
    }
}

#[test]
fn markdown_is_a_table_whatever_the_names_are() {
    snapshot("bad-day.md", &written(&bad_day(), report::markdown));
    let text = written(&hostile(), report::markdown);
    let row = text.lines().find(|line| line.starts_with("| error")).unwrap();
    let bars = row.replace("\\|", "").matches('|').count();
    assert_eq!(bars, 5, "{row}");
    for harm in ["<script", "@team", "#7", "[a]", "\u{7}"] {
        assert!(!text.contains(harm), "{harm} in {text}");
    }
}

#[test]
fn markdown_fits_in_a_comment() {
    let mut fixture = ReportFixture::default();
    fixture.rule("r", "queue", Severity::Error, (0, 900, 0));
    let queue = fixture.in_file("q.yaml", 3, "AWS::SQS::Queue", "q", ("k", "x"));
    for number in 0..900 {
        fixture.fail("r", Severity::Error, queue, "/k", &format!("fault {number} {}", "x".repeat(200)), "");
    }
    let text = written(&fixture.done(), report::markdown);
    assert!(text.chars().count() < 65_536, "{}", text.len());
    let shown = text.lines().filter(|line| line.starts_with("| error")).count();
    assert!(text.contains(&format!("{} causes more, for which a comment has no room.", 900 - shown)), "{text}");
}

#[test]
fn html_is_one_file_without_a_script() {
    let text = written(&bad_day(), report::html);
    snapshot("bad-day.html", &text);
    for text in [text, written(&hostile(), report::html)] {
        for harm in ["<script", "src=", "href=", "http:", "https:", "\u{7}"] {
            assert!(!text.contains(harm), "{harm} in {text}");
        }
    }
}

#[test]
fn no_format_lets_a_strangers_text_be_its_own() {
    let done = hostile();
    for (format, write) in QUOTING {
        let text = written(&done, write);
        assert!(!text.contains('\u{7}'), "{format}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("::error::y")), "{format}: {text}");
    }
    let junit = written(&done, report::junit);
    assert!(!junit.contains("]]>") && !junit.contains("<script") && junit.contains("]]&gt;"), "{junit}");
    let (names, _) = names(&done);
    assert_eq!(names.lines().count(), 1, "{names}");
}

#[test]
fn every_format_of_a_clean_run_says_what_it_covered() {
    let mut fixture = ReportFixture::default();
    fixture.rule("queue-aws-managed-key", "queue", Severity::Error, (2, 0, 0));
    fixture.in_file("queue.yaml", 3, "AWS::SQS::Queue", "q", ("KmsMasterKeyId", "x"));
    let done = fixture.done();
    for (format, write) in QUOTING {
        let text = written(&done, write);
        let said = match format {
            "yaml" => text.contains("passed: 2"),
            "junit" => text.contains("2 judgements passed"),
            _ => text.contains("Nothing wrong was found"),
        };
        assert!(said, "{format}: {text}");
    }
}
