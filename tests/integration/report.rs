//! The report as a tired operator sees it: at 80 columns, at 200, and in a pipe.

use kubectl_karpcheck::findings::finding::Severity;
use kubectl_karpcheck::inventory::{Cause, Gap, Listing, Reason};
use kubectl_karpcheck::report;
use kubectl_karpcheck::report::TableOptions;
use serde_json::json;

mod fixture;
mod formats;
mod machine;
mod pages;
pub(crate) mod validators;

use fixture::{ReportFixture, bad_day};

/// Holds an output to the file beside this one; with `BLESS=1` in the environment it becomes that file.
fn snapshot(name: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/integration/report").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    assert!(expected == actual, "{name} differs; BLESS=1 takes this for right:\n{actual}");
}

#[test]
fn at_80_columns() {
    snapshot("bad-day-80.txt", &bad_day().table(Some(80)));
}

#[test]
fn at_200_columns() {
    snapshot("bad-day-200.txt", &bad_day().table(Some(200)));
}

#[test]
fn at_40_and_120_columns() {
    snapshot("bad-day-40.txt", &bad_day().table(Some(40)));
    snapshot("bad-day-120.txt", &bad_day().table(Some(120)));
}

#[test]
fn in_a_pipe_a_finding_is_a_line() {
    snapshot("bad-day-piped.txt", &bad_day().table(None));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let run = bad_day();
    for width in [60, 72, 80, 100, 120, 160, 200] {
        let table = run.table(Some(width));
        // A command is not wrapped: it is there to be copied.
        let lines = table.lines().filter(|line| !line.starts_with("    run: "));
        let widest = lines.max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= width, "{width} columns: {widest}");
    }
}

#[test]
fn forty_tables_with_one_cause_are_one_row() {
    let mut fixture = ReportFixture::default();
    fixture.rule("ack-key-loops", "ack", Severity::Error, (0, 40, 0));
    for number in 1..=40 {
        let name = format!("table-{number:02}");
        let id =
            fixture.in_file("tables.yaml", number * 10, "dynamodb.services.k8s.aws/Table", &name, ("key", "alias/x"));
        fixture.fail(
            "ack-key-loops",
            Severity::Error,
            id,
            "/key",
            &format!("table {name} is updated for ever"),
            "Use an ARN.",
        );
    }
    assert_eq!(
        fixture.done().table(Some(120)),
        "\
error[ack-key-loops]: table table-01 is updated for ever
--> tables.yaml:10:5
 = subject: Table/table-01
 = also: Table/table-02 at tables.yaml:20:5
         Table/table-03 at tables.yaml:30:5
         Table/table-04 at tables.yaml:40:5
         and 36 more
 = fix: Use an ARN.

40 errors in 1 file (40 resources, 1 rule).
Nothing passed.
"
    );
}

#[test]
fn findings_of_different_groups_are_different_rows() {
    let mut fixture = ReportFixture::default();
    fixture.rule("ack-key-and-ref", "ack", Severity::Error, (0, 2, 0));
    for (name, what) in [("one", "the ref"), ("two", "the ARN")] {
        let id = fixture.in_file("t.yaml", 3, "dynamodb.services.k8s.aws/Table", name, ("key", "x"));
        fixture.fail("ack-key-and-ref", Severity::Error, id, "/key", &format!("{name} ignores {what}"), "");
        fixture.results.findings.last_mut().unwrap().group = what.into();
    }
    let table = fixture.done().table(Some(120));
    assert!(table.contains("one ignores the ref") && table.contains("two ignores the ARN"), "{table}");
}

#[test]
fn a_clean_run_says_what_it_covered() {
    let mut fixture = ReportFixture::default();
    fixture.rule("queue-aws-managed-key", "queue", Severity::Error, (2, 0, 0));
    fixture.rule("ack-key-loops", "ack", Severity::Error, (0, 0, 0));
    fixture.rule("api-version-removed", "upgrade", Severity::Error, (1, 0, 0));
    fixture.results.coverage[1].skipped = Some("made for Karpenter >=1.0, and 0.37.8 runs here".into());
    fixture.in_file("queue.yaml", 3, "AWS::SQS::Queue", "q", ("KmsMasterKeyId", "x"));
    let expected = "\
Nothing wrong was found in 1 file (1 resource, 3 rules).
Passed: 3 judgements (queue 2, upgrade 1); nothing to judge for ack.
Not checked: ack-key-loops: made for Karpenter >=1.0, and 0.37.8 runs here.
";
    let done = fixture.done();
    assert_eq!(done.table(Some(80)), expected);
    assert_eq!(done.table(None), expected);
}

#[test]
fn an_empty_run_does_not_look_clean() {
    let mut fixture = ReportFixture::default();
    fixture.rule("queue-aws-managed-key", "queue", Severity::Error, (0, 0, 0));
    fixture.files.extend(["a.yaml", "b.yaml", "c.yaml"].map(str::to_owned));
    fixture.builder.skip(3);
    assert_eq!(
        fixture.done().table(None),
        "\
There is nothing to check in 3 files: no Karpenter object, ACK object or AWS resource.
Skipped: 3 objects of kinds that no selected rule reads.
"
    );
}

#[test]
fn a_run_without_anything_to_judge_says_so() {
    let mut fixture = ReportFixture::default();
    fixture.rule("queue-aws-managed-key", "queue", Severity::Error, (0, 0, 0));
    fixture.in_file("pool.yaml", 3, "karpenter.sh/NodePool", "default", ("spec", "x"));
    assert_eq!(fixture.done().table(None), "No rule had anything to judge in 1 file (1 resource, 1 rule).\n");
}

#[test]
fn a_live_place_names_the_object_and_a_short_context() {
    let eks = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    let build = |contexts: &[&str]| {
        let mut fixture = ReportFixture::default();
        for context in contexts {
            let cluster = fixture.builder.cluster(*context, "https://example.eks.amazonaws.com", vec![]);
            fixture.builder.listed(cluster, "karpenter.sh/NodePool", Listing::Complete);
        }
        fixture.rule("api-version-removed", "upgrade", Severity::Error, (0, 1, 0));
        let pool = fixture.live(contexts[0], "karpenter.sh/v1", ("karpenter.sh", "NodePool"), "", "default");
        fixture.fail("api-version-removed", Severity::Error, pool, "/apiVersion", "it is gone", "");
        fixture.done().table(None)
    };
    let one = build(&[eks]);
    assert!(one.contains("NodePool/default  /apiVersion  it is gone"), "{one}");
    assert!(one.contains(&format!("in context {eks} (2 resources, 1 rule).")), "{one}");
    let two = build(&[eks, "staging"]);
    assert!(two.contains("NodePool/default  prod:/apiVersion  it is gone"), "{two}");
    // The same name in two accounts needs the whole ARN.
    let twins = build(&[eks, "arn:aws:eks:eu-west-1:444455556666:cluster/prod"]);
    assert!(twins.contains(&format!("{eks}:/apiVersion")), "{twins}");
}

#[test]
fn refused_evidence_is_a_warning_that_says_undecided() {
    let mut fixture = ReportFixture::default();
    fixture.rule("queue-key-unverified", "queue", Severity::Warning, (0, 0, 1));
    let queue = fixture.in_file("q.yaml", 3, "AWS::SQS::Queue", "q", ("KmsMasterKeyId", "x"));
    fixture.unknown(
        "queue-key-unverified",
        queue,
        "the key was not read",
        Reason::new(Cause::Refused, Gap::said("kms:GetKeyPolicy was denied")),
    );
    fixture.results.findings[0].severity = Severity::Warning;
    let done = fixture.done();
    let table = done.table(None);
    assert!(
        table.contains(
            "warning   queue-key-unverified  Queue/q  q.yaml:1:1  \
                        the key was not read (undecided, access refused: kms:GetKeyPolicy was denied)"
        ),
        "{table}"
    );
    assert!(
        table.contains("Nothing wrong was found in 1 file (1 resource, 1 rule), but 1 undecided (1 access refused)."),
        "{table}"
    );
    assert!(table.contains("The run is incomplete"), "{table}");
    assert_eq!(done.json()["summary"]["complete"], json!(false));
}

#[test]
fn colour_is_only_added_to_words_that_are_there_without_it() {
    let run = bad_day();
    let mut out = vec![];
    run.with(|bad| {
        report::table(bad, &TableOptions { width: Some(80), color: true, ..TableOptions::default() }, &mut out)
    })
    .unwrap();
    let painted = String::from_utf8(out).unwrap();
    assert!(painted.contains("\u{1b}[1m\u{1b}[31merror\u{1b}[0m "), "{painted:?}");
    let mut plain = String::new();
    let mut rest = painted.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        // A link ends with a backslash, a colour with an m.
        let end = if after.starts_with(']') { '\\' } else { 'm' };
        rest = after.trim_start_matches(|char| end == '\\' && char == ']').split_once(end).unwrap().1;
        if end == '\\' && after.starts_with("]8;;h") {
            assert!(after.contains("docs/rules/"), "{after}");
        }
    }
    plain.push_str(rest);
    assert_eq!(plain, run.table(Some(80)));
}

#[test]
fn a_name_cannot_move_the_cursor() {
    let mut fixture = ReportFixture::default();
    fixture.rule("r", "queue", Severity::Error, (0, 1, 0));
    let queue = fixture.in_file("a\u{1b}[2Jb.yaml", 3, "AWS::SQS::Queue", "x\ny\u{1b}[1A", ("k", "x"));
    fixture.fail("r", Severity::Error, queue, "/k", "m\u{7}\u{1b}]0;t", "f\u{1b}[A");
    let done = fixture.done();
    for width in [None, Some(80), Some(200)] {
        assert!(!done.table(width).contains(['\u{1b}', '\u{7}']), "{:?}", done.table(width));
    }
}
