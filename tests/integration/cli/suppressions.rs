//! Findings that are accepted: by comments, annotations, the configuration and a baseline.

use super::*;

/// A queue with the defect `queue-aws-managed-key`, in each language that has comments; `{}` is a line above the item, `{2}`
/// above the field, `{3}` behind it.
const TEMPLATE: &str = "\
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  {1}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders
      {2}
      KmsMasterKeyId: alias/aws/sqs {3}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
      Targets: [{Id: q, Arn: !GetAtt Queue.Arn}]
";
const TERRAFORM: &str = "\
{1}
resource \"aws_sqs_queue\" \"q\" {
  name = \"orders\"
  {2}
  kms_master_key_id = \"alias/aws/sqs\" {3}
}
resource \"aws_cloudwatch_event_rule\" \"spot\" {
  event_pattern = jsonencode({ source = [\"aws.ec2\"], detail-type = [\"EC2 Spot Instance Interruption Warning\"] })
}
resource \"aws_cloudwatch_event_target\" \"q\" {
  rule = aws_cloudwatch_event_rule.spot.name
  arn  = aws_sqs_queue.q.arn
}
";
const ACK: &str = "\
{1}
apiVersion: sqs.services.k8s.aws/v1alpha1
kind: Queue
metadata: {name: orders, annotations: {{4}}}
spec:
  queueName: orders
  {2}
  kmsMasterKeyID: alias/aws/sqs {3}
---
apiVersion: eventbridge.services.k8s.aws/v1alpha1
kind: Rule
metadata: {name: spot}
spec:
  name: spot
  eventPattern: '{\"source\":[\"aws.ec2\"],\"detail-type\":[\"EC2 Spot Instance Interruption Warning\"]}'
  targets: [{id: q, arn: 'arn:aws:sqs:eu-west-1:111122223333:orders'}]
";
const RULE: &str = "queue-aws-managed-key";

/// The source with a text at one of its places.
fn with(source: &str, place: &str, text: &str) -> String {
    ["{1}", "{2}", "{3}", "{4}"]
        .iter()
        .fold(source.to_owned(), |made, other| made.replace(other, if *other == place { text } else { "" }))
}

fn check(file: &str, args: &[&str]) -> Vec<String> {
    let all = [&["check", "--offline", "--rule", RULE, "-f", file, "-o", "json"], args].concat();
    all.into_iter().map(str::to_owned).collect()
}

fn run(place: &TestDir, args: &[String]) -> Ended {
    place.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn codes(report: &serde_json::Value) -> Vec<&str> {
    report["problems"].as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[test]
fn a_comment_accepts_what_is_found_at_its_place() {
    let place = TestDir::new();
    for (file, source, places) in [
        ("q.yaml", TEMPLATE, &["{1}", "{2}", "{3}"][..]),
        ("a/q.tf", TERRAFORM, &["{1}", "{2}", "{3}"]),
        ("k.yaml", ACK, &["{1}", "{2}", "{3}"]),
    ] {
        place.write(file, with(source, "", ""));
        let file = if file == "a/q.tf" { "a" } else { file };
        let report = run(&place, &check(file, &[])).code(1).json();
        assert_eq!((&report["summary"]["error"], &report["summary"]["suppressed"]), (&1.into(), &0.into()), "{file}");
        for at in places {
            let comment = format!("# karpcheck:ignore {RULE} reason=\"a lab\" owner=team-a expires=2999-01-31");
            place.write(if file == "a" { "a/q.tf" } else { file }, with(source, at, &comment));
            let report = run(&place, &check(file, &[])).code(0).json();
            assert_eq!(report["summary"]["error"], 0, "{file} {at}");
            assert_eq!(codes(&report), Vec::<&str>::new(), "{file} {at}");
            let suppressed = &report["suppressed"][0];
            assert_eq!(suppressed["rule"], RULE);
            assert_eq!(suppressed["suppression"]["source"], "comment");
            assert_eq!(suppressed["suppression"]["reason"], "a lab");
            assert_eq!(suppressed["suppression"]["owner"], "team-a");
            assert_eq!(suppressed["suppression"]["expires"], "2999-01-31");
            // An audit sees it.
            let report = run(&place, &check(file, &["--no-suppressions"])).code(1).json();
            assert_eq!(report["summary"]["error"], 1);
        }
    }
}

#[test]
fn a_comment_elsewhere_or_of_another_rule_accepts_nothing() {
    let place = TestDir::new();
    let other = format!("# karpcheck:ignore {RULE} reason=x\n{}", with(TEMPLATE, "", ""));
    place.write("q.yaml", other);
    let report = run(&place, &check("q.yaml", &[])).code(1).json();
    assert_eq!(codes(&report), ["suppression-not-used"]);
    assert_eq!(report["problems"][0]["origin"]["line"], 1);
    // What a run leaves out is not called unused.
    place.write("q.yaml", with(TEMPLATE, "{2}", "# karpcheck:ignore queue-not-configured reason=x"));
    let report = run(&place, &check("q.yaml", &[])).code(1).json();
    assert_eq!(codes(&report), Vec::<&str>::new());
}

#[test]
fn what_cannot_be_read_or_has_expired_accepts_nothing_and_is_told() {
    let place = TestDir::new();
    for (text, code, words) in [
        (RULE.to_owned(), "suppression-malformed", "it gives no reason: add reason=\"…\""),
        (format!("{RULE} because"), "suppression-malformed", "`because` is not reason=, owner= or expires="),
        (format!("{RULE} reason=x expires=soon"), "suppression-malformed", "expires=soon is not a date"),
        (
            "queue-aws-managed-kye reason=x".to_owned(),
            "suppression-of-no-rule",
            "there is no rule queue-aws-managed-kye, did you mean queue-aws-managed-key?",
        ),
        (format!("{RULE} reason=x expires=2020-01-31"), "suppression-expired", "expired on 2020-01-31"),
    ] {
        place.write("q.yaml", with(TEMPLATE, "{2}", &format!("# karpcheck:ignore {text}")));
        let report = run(&place, &check("q.yaml", &[])).code(1).json();
        assert_eq!(codes(&report), [code], "{text}");
        let message = report["problems"][0]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        assert_eq!(report["problems"][0]["origin"]["line"], 8);
        assert_eq!(report["summary"]["complete"], true);
    }
}

#[test]
fn a_comment_that_misses_is_noted_with_what_was_meant() {
    for (comment, code, sentence) in [
        (format!("# karpcheck: ignore {RULE} reason=x"), "suppression-malformed", "write it as # karpcheck:ignore"),
        (format!("# karpcheck:disable {RULE} reason=x"), "suppression-malformed", "write it as # karpcheck:ignore"),
        // Beside a field of the queue that is fine.
        (
            format!("# karpcheck:ignore {RULE} reason=x\n      QueueName: orders"),
            "suppression-not-used",
            "but something at line 10",
        ),
    ] {
        let place = TestDir::new();
        let template = with(TEMPLATE, "", "");
        let template = match comment.contains('\n') {
            true => template.replacen("QueueName: orders", &comment, 1),
            false => template.replacen(
                "KmsMasterKeyId: alias/aws/sqs",
                &format!("KmsMasterKeyId: alias/aws/sqs {comment}"),
                1,
            ),
        };
        place.write("t.yaml", &template);
        let report = run(&place, &check("t.yaml", &[])).code(1).json();
        let problem = report["problems"].as_array().unwrap().iter().find(|problem| problem["code"] == code);
        let message = problem.unwrap_or_else(|| panic!("{comment}: {report}"))["message"].as_str().unwrap();
        assert!(message.contains(sentence), "{comment}: {message}");
    }
}

#[test]
fn where_all_is_suppressed_the_closing_line_says_so() {
    let place = TestDir::new();
    place.write("q.yaml", with(TEMPLATE, "{3}", &format!("# karpcheck:ignore {RULE} reason=x")));
    let ended = place.run(&["check", "--offline", "--rule", RULE, "-f", "q.yaml"]);
    assert_eq!(ended.code, 0);
    assert!(
        ended.out.contains("Nothing was found in 1 file (") && ended.out.contains("but what is suppressed."),
        "{}",
        ended.out
    );
}

#[test]
fn an_annotation_accepts_what_is_found_of_its_object() {
    let place = TestDir::new();
    let annotation = format!("karpcheck.dev/ignore: '{RULE} reason=\"a lab\"'");
    place.write("k.yaml", with(ACK, "{4}", &annotation));
    let report = run(&place, &check("k.yaml", &[])).code(0).json();
    assert_eq!(report["suppressed"][0]["suppression"]["source"], "annotation");
    assert_eq!(codes(&report), Vec::<&str>::new());
    run(&place, &check("k.yaml", &["--no-suppressions"])).code(1);
}

#[test]
fn the_configuration_accepts_by_file_resource_and_scope() {
    let place = TestDir::new();
    place.write("infra/q.yaml", with(TEMPLATE, "", ""));
    place.write("other/q.yaml", with(TEMPLATE, "", ""));
    let config = |more: &str| {
        place.write(".karpcheck.toml", format!("[[suppressions]]\nrule = \"{RULE}\"\nreason = \"a lab\"\n{more}\n"));
    };
    for (more, code, problems) in [
        ("", 0, &[][..]),
        ("path = \"/infra\"", 0, &[]),
        ("path = \"/infra/*.yaml\"", 0, &[]),
        ("path = \"/else\"", 1, &["suppression-not-used"]),
        // Another run may have it.
        ("path = \"/else/*.yaml\"", 1, &[]),
        ("resource = \"Queue/ord*\"", 0, &[]),
        ("resource = \"Queue/else\"", 1, &[]),
        ("scope = \"nope\"", 1, &[]),
        ("expires = 2020-01-31", 1, &["suppression-expired"]),
        ("expires = 2999-01-31\nowner = \"team-a\"", 0, &[]),
    ] {
        config(more);
        let ended = run(&place, &check("infra/q.yaml", &[]));
        let report = ended.code(code).json();
        assert_eq!(codes(&report), problems, "{more}");
        if code == 0 {
            assert_eq!(report["suppressed"][0]["suppression"]["place"], ".karpcheck.toml:1:1");
        }
    }
    config("path = \"/infra\"");
    run(&place, &check("other/q.yaml", &[])).code(1);
    place.write(".karpcheck.toml", format!("[[suppressions]]\nrule = \"{RULE}\"\n"));
    run(&place, &check("infra/q.yaml", &[])).code(2).complains(".karpcheck.toml:1:1: the key `reason` is missing");
    place.write(".karpcheck.toml", "[[suppressions]]\nrule = \"queue-aws-managed-kye\"\nreason = \"x\"\n");
    run(&place, &check("infra/q.yaml", &[])).code(2).complains("did you mean queue-aws-managed-key?");
}

#[test]
fn every_format_leaves_it_out_and_the_closing_line_counts_it() {
    let place = TestDir::new();
    place.write("q.yaml", with(TEMPLATE, "{2}", &format!("# karpcheck:ignore {RULE} reason=\"a lab\"")));
    let format = |format: &str| place.run(&["check", "--offline", "--rule", RULE, "-f", "q.yaml", "-o", format]);
    format("table").code(0).has_not(RULE).line("Suppressed: 1 finding (1 by comments).");
    for other in ["name", "junit", "github", "markdown"] {
        format(other).code(0).has_not("alias/aws/sqs");
    }
    let sarif = format("sarif").code(0).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["suppressions"][0]["kind"], "inSource");
    assert_eq!(results[0]["suppressions"][0]["justification"], "a lab");
    assert_eq!(results[0]["suppressions"][0]["status"], "accepted");
}

#[test]
fn a_baseline_accepts_what_is_known_and_new_fails() {
    let place = TestDir::new();
    place.write("q.yaml", with(TEMPLATE, "", ""));
    let all =
        |args: &[&'static str]| place.run(&[&["check", "--offline", "-f", "q.yaml", "-f", "good.yaml"], args].concat());
    all(&["--rule", RULE, "--write-baseline", "known.json"]).code(1);
    let accepted = all(&["--rule", RULE, "--baseline", "known.json", "--fail-on", "new"]);
    accepted.code(0).line("Suppressed: 1 finding (1 by the baseline).");
    // A report of an earlier run serves as well.
    let report = all(&["--rule", RULE, "-o", "json"]);
    place.write("report.json", &report.out);
    all(&["--rule", RULE, "--baseline", "report.json", "--fail-on", "new"]).code(0);
    // The class is new.
    let both = ["--rule", RULE, "--rule", "ebs-key-without-encryption", "--baseline", "known.json"];
    all(&both).code(1).has("ebs-key-without-encryption").has_not("alias/aws/sqs");
    // A baseline that is written beside another one has what that one has.
    let wider = [
        "--rule",
        RULE,
        "--rule",
        "ebs-key-without-encryption",
        "--baseline",
        "known.json",
        "--write-baseline",
        "wider.json",
    ];
    all(&wider).code(1);
    all(&["--rule", RULE, "--rule", "ebs-key-without-encryption", "--baseline", "wider.json", "--fail-on", "new"])
        .code(0);
    // What is gone is told.
    let gone = all(&["--rule", RULE, "--baseline", "wider.json"]);
    gone.code(0).has("1 of the findings in wider.json were not found in this run");
    all(&["--fail-on", "new"]).code(2).complains("--fail-on new: name what is not new with --baseline FILE");
    all(&["--baseline", "q.yaml"]).code(2).complains("q.yaml: it is not JSON");
    all(&["--baseline", "no.json"]).code(2).complains("no.json cannot be read");
}

#[test]
fn a_baseline_holds_when_lines_move_from_elsewhere_and_named_otherwise() {
    let place = TestDir::new();
    place.write("repo/.git/HEAD", "");
    place.write("repo/infra/q.yaml", with(TEMPLATE, "", ""));
    place.write("repo/infra/tf/q.tf", with(TERRAFORM, "", ""));
    let run = |folder: &str, args: &[&str]| {
        let mut command = place.command(&[&["check", "--offline", "--rule", RULE], args].concat());
        Ended::from(command.current_dir(place.path().join(folder)).output().unwrap())
    };
    run(".", &["-f", "repo", "--write-baseline", "known.json"]).code(1);
    let known = fs::read_to_string(place.path().join("known.json")).unwrap();
    assert_eq!(known.matches("fingerprint").count(), 2, "{known}");
    let file = place.path().join("known.json");
    let new = ["--baseline", file.to_str().unwrap(), "--fail-on", "new"];
    place.write("repo/infra/q.yaml", format!("# one\n# two\n{}", with(TEMPLATE, "", "")));
    place.write("repo/infra/tf/q.tf", format!("\n\n{}", with(TERRAFORM, "", "")));
    for (folder, named) in [(".", "repo"), (".", "./repo/infra/../infra"), ("repo/infra", "."), ("repo/infra/tf", "..")]
    {
        run(folder, &[&["-f", named][..], &new].concat()).code(0).has("2 by the baseline");
    }
    let absolute = place.path().join("repo");
    run("repo/infra", &[&["-f", absolute.to_str().unwrap()][..], &new].concat()).code(0);
}

/// `kubectl karpcheck … -o json > report.json` in PowerShell.
#[test]
fn a_report_that_powershell_wrote_is_read() {
    let place = TestDir::new();
    let report = place.run(&["check", "--offline", "-f", "good.yaml", "-o", "json"]).out;
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(report.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [wide, format!("\u{feff}{report}").into_bytes()] {
        place.write("report.json", bytes);
        place.run(&["check", "--offline", "-f", "good.yaml", "--baseline", "report.json", "--fail-on", "new"]).code(0);
        place.run(&["diff", "report.json", "report.json"]).code(0);
    }
}

#[test]
fn a_diff_says_what_became_of_each_finding() {
    let place = TestDir::new();
    place.write("q.yaml", with(TEMPLATE, "", ""));
    let report = |name: &str, args: &[&str]| {
        let ended = place.run(&[&["check", "--offline", "-o", "json"], args].concat());
        place.write(name, &ended.out);
    };
    report("old.json", &["--rule", RULE, "-f", "q.yaml"]);
    report("new.json", &["--rule", "ebs-key-without-encryption", "-f", "good.yaml"]);
    let changed = place.run(&["diff", "old.json", "new.json"]);
    changed
        .code(1)
        .has("CHANGE")
        .has("new     error     ebs-key-without-encryption  EC2NodeClass/general  good.yaml:7:5")
        .has("gone    error     queue-aws-managed-key")
        .line("1 new, 1 gone.");
    place.run(&["diff", "old.json", "new.json", "--fail-on", "none"]).code(0);
    place.run(&["diff", "old.json", "old.json"]).code(0).line("1 unchanged.");
    let json = place.run(&["diff", "old.json", "new.json", "-o", "json"]).code(1).json();
    assert_eq!(json["schema"], "karpcheck.diff/v1alpha1");
    assert_eq!((&json["summary"]["new"], &json["summary"]["gone"]), (&1.into(), &1.into()));
    assert_eq!(json["findings"][0]["change"], "new");
    place
        .run(&["diff", "old.json", "new.json", "-o", "markdown"])
        .code(1)
        .has("| new | error | ebs-key-without-encryption |");
    place.write("q.yaml", with(TEMPLATE, "{2}", &format!("# karpcheck:ignore {RULE} reason=x")));
    report("accepted.json", &["--rule", RULE, "-f", "q.yaml"]);
    place.run(&["diff", "old.json", "accepted.json"]).code(0).line("1 suppressed.");
    place.run(&["diff", "q.yaml", "old.json"]).code(2).complains("q.yaml: it is not JSON");
    place.run(&["diff", "kc", "old.json"]).code(2).complains("kc cannot be read");
}
