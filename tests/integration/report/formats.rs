//! The formats beside table, JSON and diff: for pipelines, comments and browsers, with the texts of strangers in them.

use kubectl_karpcheck::findings::comparison::{Change, Known};
use kubectl_karpcheck::findings::finding::{Outcome, Severity};
use kubectl_karpcheck::inventory::Place;
use kubectl_karpcheck::inventory::{At, LiveOrigin, Node, Origin, SourceKind};
use kubectl_karpcheck::report;
use kubectl_karpcheck::report::{Detail, TableOptions, comparison};
use serde_json::{Value as Json, json};

use super::fixture::{Done, ReportFixture, bad_day};
use super::snapshot;
use super::validators;

/// Every format that quotes, and what writes it.
const QUOTING: [(&str, Writer); 7] = [
    ("yaml", report::yaml),
    ("sarif", |run, out| report::sarif(run, &report::Pieces::new(), out)),
    ("junit", junit),
    ("github", report::github),
    ("gitlab", gitlab),
    ("markdown", report::markdown),
    ("html", report::html),
];

/// The style sheet that a page carries.
const STYLE: &str = include_str!("../../../kubectl-karpcheck/src/report/html/page.css");

type Writer = fn(&report::Run<'_>, &mut dyn std::io::Write) -> std::io::Result<()>;

fn written(done: &Done, write: impl Fn(&report::Run<'_>, &mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = vec![];
    done.with(|run| write(run, &mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

fn sarif(done: &Done) -> Json {
    serde_json::from_str(&written(done, |run, out| report::sarif(run, &report::Pieces::new(), out))).unwrap()
}

/// With the default of `--fail-on`.
fn junit(run: &report::Run<'_>, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    report::junit(run, Some(Severity::Error), out)
}

fn gitlab(run: &report::Run<'_>, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    report::gitlab(run, out, &mut std::io::sink())
}

fn names(done: &Done) -> (String, String) {
    let (mut out, mut err) = (vec![], vec![]);
    done.with(|run| report::name(run, &mut out, &mut err)).unwrap();
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// A name with all that some format takes for its own, what commands a pipeline, and what hides or turns text.
const HOSTILE: &str = "x\n::error::y ##[error]z ##vso[task.complete] ]]>|<script>alert('1')</script> `@team` #7 [a](b) \u{7}\"& \
                       \u{9b}31m \u{202e}rtl \u{200b}hidden";

/// Names and messages with all that some format takes for its own.
fn hostile() -> Done {
    let mut fixture = ReportFixture::default();
    fixture.rule("r", "queue", Severity::Error, (0, 1, 1));
    let name = HOSTILE;
    let queue = fixture.in_file("a b|,:\n%<q>.yaml", 3, "AWS::SQS::Queue", name, ("k", "x"));
    fixture.fail("r", Severity::Error, queue, "/k", &format!("queue {name} is wrong"), &format!("mend {name}"));
    fixture.results.findings[0].related.push(Place { item: queue, pointer: "/z".into(), note: name.into() });
    fixture.done()
}

/// The same, as an earlier report has it.
fn hostile_before() -> Known {
    Known {
        fingerprint: HOSTILE.into(),
        rule: HOSTILE.into(),
        outcome: Outcome::Fail,
        severity: Severity::Error,
        subject: HOSTILE.into(),
        place: HOSTILE.into(),
        message: HOSTILE.into(),
        suppressed: false,
    }
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
    let schema = "tests/fixtures/sarif/sarif-schema-2.1.0.json";
    let mut live = ReportFixture::default();
    live.rule("r", "upgrade", Severity::Error, (0, 1, 0));
    let pool = live.live("prod", "karpenter.sh/v1", ("karpenter.sh", "NodePool"), "", "default");
    live.fail("r", Severity::Error, pool, "/apiVersion", "it is gone", "");
    let runs = [bad_day(), hostile(), live.done(), ReportFixture::default().done()];
    validators::holds(schema, &runs.iter().map(sarif).collect::<Vec<_>>());
    let piece = |start, end, text: &str| report::Piece { path: "infra/a b.yaml".into(), start, end, text: text.into() };
    let pieces = report::Pieces::from([(0, vec![piece((3, 5), (3, 9), "true"), piece((4, 1), (5, 1), "")])]);
    let sarif: Json = serde_json::from_str(&written(&bad_day(), |run, out| report::sarif(run, &pieces, out))).unwrap();
    validators::holds(schema, std::slice::from_ref(&sarif));
    let fixes: Vec<&Json> =
        sarif["runs"][0]["results"].as_array().unwrap().iter().filter_map(|result| result.get("fixes")).collect();
    assert_eq!(fixes.len(), 1);
    assert_eq!(
        fixes[0][0]["artifactChanges"],
        json!([{"artifactLocation": {"uri": "infra/a%20b.yaml"}, "replacements": [
            {"deletedRegion": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9}, "insertedContent": {"text": "true"}},
            {"deletedRegion": {"startLine": 4, "startColumn": 1, "endLine": 5, "endColumn": 1}}
        ]}])
    );
}

#[test]
fn json_holds_to_its_published_schema() {
    let runs = [bad_day(), hostile(), ReportFixture::default().done()];
    validators::holds("docs/schema/karpcheck.report.schema.json", &runs.iter().map(Done::json).collect::<Vec<_>>());
}

#[test]
fn gitlab_holds_to_its_parsers_schema() {
    let runs = [bad_day(), hostile(), ReportFixture::default().done()];
    let reports: Vec<Json> = runs.iter().map(|done| serde_json::from_str(&written(done, gitlab)).unwrap()).collect();
    validators::holds("tests/fixtures/gitlab/codequality.schema.json", &reports);
    let issues = reports[0].as_array().unwrap();
    let queue = issues.iter().find(|issue| issue["check_name"] == "queue-aws-managed-key").unwrap();
    assert_eq!(queue["location"], json!({"path": "infra/karpenter-queue.yaml", "lines": {"begin": 9}}));
    assert_eq!(queue["severity"], "critical");
    assert!(!issues.iter().any(|issue| issue["check_name"] == "queue-key-unverified"), "what is undecided is no issue");
}

#[test]
fn other_programs_read_what_is_written_for_them() {
    for done in [bad_day(), hostile(), ReportFixture::default().done()] {
        let (junit, page) = (written(&done, junit), written(&done, report::html));
        let cases = validators::junit(&junit);
        assert!(cases.is_none_or(|cases| cases == junit.matches("<testcase ").count()), "{junit}");
        validators::html(&page);
        let table = validators::common_mark(&written(&done, report::markdown));
        assert!(!table.contains("<script"), "{table}");
    }
    let rendered = validators::common_mark(&written(&bad_day(), report::markdown));
    assert_eq!(rendered.matches("<table>").count(), 1, "{rendered}");
    assert!(rendered.matches("<tr>").count() > 5, "{rendered}");
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
    // What is undecided accuses nobody: it is no alert, but something that the tool says.
    assert!(!results.iter().any(|result| result["ruleId"] == "queue-key-unverified"));
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let unknown = notes.iter().find(|note| note["associatedRule"]["id"] == "queue-key-unverified").unwrap();
    assert_eq!(unknown["level"], "note");
    assert!(rule["helpUri"].as_str().unwrap().ends_with("/docs/rules/queue-aws-managed-key.md"), "{rule}");
    // The same names for findings as in JSON, each once.
    let prints = |list: &Json, pointer: &str| -> Vec<Json> {
        list.as_array().unwrap().iter().map(|one| one.pointer(pointer).unwrap().clone()).collect()
    };
    let mut fails = done.json()["findings"].clone();
    fails.as_array_mut().unwrap().retain(|finding| finding["outcome"] == "fail");
    assert_eq!(prints(&run["results"], "/partialFingerprints/karpcheck~1v1"), prints(&fails, "/fingerprint"));
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
        json!([{
            // Code scanning refuses a report with a result that has no file and no line.
            "physicalLocation": {
                "artifactLocation": {"uri": "prod/karpenter.sh/v1/NodePool/default"},
                "region": {"startLine": 1}
            },
            "logicalLocations": [{
                "name": "NodePool/default",
                "fullyQualifiedName": "prod/karpenter.sh/v1/NodePool/default/apiVersion",
                "kind": "resource"
            }]
        }])
    );
    let mut uris: Vec<&str> = results
        .iter()
        .map(|result| result.pointer("/locations/0/physicalLocation/artifactLocation/uri").unwrap().as_str().unwrap())
        .collect();
    uris.sort_unstable();
    assert_eq!(uris, ["a%20b/%C3%BC.yaml", "file:///tmp/x.yaml", "prod/karpenter.sh/v1/NodePool/default", "stdin"]);
    assert!(results.iter().all(|result| result.pointer("/locations/0/physicalLocation/region/startLine").is_some()));
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
    let text = written(&bad_day(), junit);
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
    let report = bad_day().json();
    assert_eq!(json!(failures), report["summary"]["error"], "what is below --fail-on is no failure");
    let passed = bad_day().with(|run| run.results.coverage.iter().filter(|coverage| coverage.passed > 0).count());
    assert_eq!(count("<system-out>"), 7 - failures + passed);
}

#[test]
fn github_gets_a_command_for_each_finding_and_each_cause_first() {
    let text = written(&bad_day(), report::github);
    snapshot("bad-day-github.txt", &text);
    let first: Vec<&str> = text.lines().take(2).filter_map(|line| line.split("title=").nth(1)).collect();
    assert!(first[0].starts_with("ack-key-loops") && first[1].starts_with("queue-aws-managed-key"), "{text}");
    let text = written(&hostile(), report::github);
    assert!(
        text.starts_with("::error file=a b|%2C%3A%0A%25<q>.yaml,line=3,col=5,title=r%3A Queue/x %3A %3Aerror"),
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
    assert_eq!(text.matches(STYLE).count(), 1);
    snapshot("bad-day.html", &text.replace(STYLE, "page.css\n"));
    for text in [text, written(&hostile(), report::html)] {
        for harm in ["<script", "src=", "http:", "url(", "@import", "javascript", "\u{7}"] {
            assert!(!text.contains(harm), "{harm} in {text}");
        }
        for link in text.split("href=\"").skip(1) {
            assert!(link.starts_with(env!("CARGO_PKG_REPOSITORY")), "{link}");
        }
        assert!(text.contains("default-src 'none'"), "{text}");
    }
}

#[test]
fn no_format_lets_a_strangers_text_be_its_own() {
    let done = hostile();
    let table = |width, detail| {
        let mut out = vec![];
        done.with(|run| report::table(run, &TableOptions { width, detail, ..TableOptions::default() }, &mut out))
            .unwrap();
        String::from_utf8(out).unwrap()
    };
    let mut all: Vec<(&str, String)> =
        QUOTING.iter().map(|(format, write)| (*format, written(&done, *write))).collect();
    all.push(("json", written(&done, report::json)));
    all.push(("name", names(&done).0));
    for width in [None, Some(40), Some(80), Some(200)] {
        all.push(("table", table(width, Detail::Short)));
        all.push(("wide", table(width, Detail::Whole)));
    }
    let changes = [(Change::New, hostile_before())];
    let compared = |write: &dyn Fn(&mut dyn std::io::Write) -> std::io::Result<()>| {
        let mut out = vec![];
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let compared_json = compared(&|out| comparison::json(&changes, out));
    let read: Json = serde_json::from_str(&compared_json).unwrap();
    assert_eq!(read["findings"][0]["message"], HOSTILE);
    all.push(("comparison as JSON", compared_json));
    all.push(("comparison as markdown", compared(&|out| comparison::markdown(&changes, out))));
    for width in [None, Some(80)] {
        all.push(("comparison", compared(&|out| comparison::table(&changes, width, out))));
    }
    for (format, text) in all {
        let hides = |char: char| (char.is_control() && char != '\n') || "\u{202e}\u{200b}".contains(char);
        assert!(!text.contains(hides), "{format}: {text:?}");
        for line in text.lines() {
            assert!(!line.contains("##[") && !line.contains("##vso["), "{format}: {line}");
            let command = line.trim_start().strip_prefix("::").filter(|rest| rest.contains("::"));
            let own = format == "github"
                && line.starts_with("::error file=a b|%2C%3A%0A%25<q>.yaml,line=3,col=5,title=r%3A ");
            assert!(command.is_none() || own, "{format}: {line}");
        }
    }
    // Where a format has escapes, nothing is lost.
    let name = |report: &Json| report["findings"][0]["subject"]["name"].as_str().unwrap().to_owned();
    assert_eq!(name(&done.json()), HOSTILE);
    assert_eq!(name(&serde_yaml::from_str(&written(&done, report::yaml)).unwrap()), HOSTILE);
    let junit = written(&done, junit);
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
            "gitlab" => text == "[]\n",
            _ => text.contains("Nothing wrong was found"),
        };
        assert!(said, "{format}: {text}");
    }
}
