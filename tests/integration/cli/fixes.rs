//! Fixes, shown as a diff and tried in memory.

use std::fs;

use super::{BROKEN_CLASS, TestDir};
use crate::rules::harness;
use crate::skipped::skipped;

/// An ACK table that loops, with a comment that must stay.
const TABLE: &str = "\
apiVersion: dynamodb.services.k8s.aws/v1alpha1
kind: Table
metadata: {name: orders, namespace: shop}
spec:
  tableName: orders
  sseSpecification:
    enabled: true # by order of the auditors
    sseType: KMS
    kmsMasterKeyID: alias/orders
    kmsMasterKeyRef: {from: {name: orders}}
";

fn json(place: &TestDir, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&place.run(&[args, &["-o", "json"]].concat()).out).unwrap()
}

fn verified(report: &serde_json::Value, rule: &str) -> serde_json::Value {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["rule"] == rule).unwrap();
    finding["verified"].clone()
}

#[test]
fn a_diff_changes_only_what_the_edit_says() {
    let place = TestDir::new();
    let ended = place.run(&["check", "--offline", "-f", "good.yaml", "-o", "diff"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    let new = BROKEN_CLASS.replace("eeeeeeeeeeee'}", "eeeeeeeeeeee', encrypted: true}");
    let last = |text: &str| text.lines().last().unwrap().to_owned();
    assert!(ended.out.starts_with("--- a/good.yaml\n+++ b/good.yaml\n"), "{}", ended.out);
    assert!(ended.out.contains(&format!("\n-{}\n+{}\n", last(BROKEN_CLASS), last(&new))), "{}", ended.out);
    assert_eq!(fs::read_to_string(place.path().join("good.yaml")).unwrap(), BROKEN_CLASS, "nothing is written");
}

#[test]
fn what_a_patched_file_says_is_clean_where_the_fix_was_verified() {
    let place = TestDir::new();
    place.write("table.yaml", TABLE);
    let args = ["check", "--offline", "-f", "table.yaml", "-f", "good.yaml"];
    let before = json(&place, &[&args[..], &["--verify-fixes"]].concat());
    assert_eq!(verified(&before, "ebs-key-without-encryption")["result"], "cleared");
    assert_eq!(verified(&before, "ack-key-and-ref")["result"], "cleared");
    let diff = place.run(&[&args[..], &["-o", "diff"]].concat()).out;
    place.write("fix.diff", &diff);
    let patch = std::process::Command::new("git")
        .args(["apply", "--unsafe-paths", "fix.diff"])
        .current_dir(place.path())
        .env("GIT_CEILING_DIRECTORIES", place.path().parent().unwrap())
        .status()
        .unwrap();
    assert!(patch.success(), "{diff}");
    let after = json(&place, &args);
    let rules: Vec<&str> =
        after["findings"].as_array().unwrap().iter().filter_map(|finding| finding["rule"].as_str()).collect();
    assert!(!rules.contains(&"ebs-key-without-encryption") && !rules.contains(&"ack-key-and-ref"), "{rules:?}");
    assert!(fs::read_to_string(place.path().join("table.yaml")).unwrap().contains("# by order of the auditors"));
}

#[test]
fn what_no_diff_can_show_is_said() {
    let place = TestDir::new();
    let ended = place.run_with(&["check", "--offline", "-f", "-", "-o", "diff"], BROKEN_CLASS.as_bytes());
    assert_eq!((ended.code, ended.out.as_str()), (1, ""));
    let wanted = "not in the diff: ebs-key-without-encryption EC2NodeClass/general";
    assert!(ended.err.contains(wanted) && ended.err.contains("standard input"), "{}", ended.err);
}

#[test]
fn the_table_says_what_a_fix_does() {
    let place = TestDir::new();
    let ended = place.run(&["check", "--offline", "-f", "good.yaml", "--verify-fixes"]);
    assert!(ended.out.contains("verified: the edit that `-o diff` shows clears it"), "{}", ended.out);
    let silent = place.run(&["check", "--offline", "-f", "good.yaml"]);
    assert!(!silent.out.contains("verified"), "{}", silent.out);
}

/// A queue with a key of AWS's, as each source writes it: what is read, and what of it is written otherwise afterwards.
const QUEUES: [(&str, &str, &str, &str); 6] = [
    (
        "template.yaml",
        "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: demo\n      KmsMasterKeyId: alias/aws/sqs\n",
        "KmsMasterKeyId: alias/aws/sqs",
        "SqsManagedSseEnabled: true",
    ),
    (
        "ack.yaml",
        "apiVersion: sqs.services.k8s.aws/v1alpha1\nkind: Queue\nmetadata: {name: demo}\nspec:\n  queueName: demo\n  \
         kmsMasterKeyID: alias/aws/sqs\n",
        "kmsMasterKeyID: alias/aws/sqs",
        "sqsManagedSSEEnabled: true",
    ),
    (
        "crossplane.yaml",
        "apiVersion: sqs.aws.upbound.io/v1beta1\nkind: Queue\nmetadata: {name: demo}\nspec:\n  forProvider:\n    name: demo\n    \
         region: eu-west-1\n    kmsMasterKeyId: alias/aws/sqs\n",
        "kmsMasterKeyId: alias/aws/sqs",
        "sqsManagedSseEnabled: true",
    ),
    (
        "main.tf",
        "resource \"aws_sqs_queue\" \"demo\" {\n  name              = \"demo\"\n  kms_master_key_id = \"alias/aws/sqs\"\n}\n",
        "kms_master_key_id = \"alias/aws/sqs\"",
        "sqs_managed_sse_enabled = true",
    ),
    (
        "main.tf.json",
        "{\"resource\": {\"aws_sqs_queue\": {\"demo\": {\n  \"name\": \"demo\",\n  \"kms_master_key_id\": \"alias/aws/sqs\"\n}}}}\n",
        "\"kms_master_key_id\": \"alias/aws/sqs\"",
        "\"sqs_managed_sse_enabled\": true",
    ),
    (
        "template.json",
        "{\"Resources\": {\"Queue\": {\"Type\": \"AWS::SQS::Queue\", \"Properties\": {\r\n  \"QueueName\": \"demo\",\r\n  \
         \"KmsMasterKeyId\": \"alias/aws/sqs\"\r\n}}}}\r\n",
        "\"KmsMasterKeyId\": \"alias/aws/sqs\"",
        "\"SqsManagedSseEnabled\": true",
    ),
];

/// What makes the queue one of Karpenter's.
const CONTROLLER: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: karpenter, namespace: kube-system, labels: {app.kubernetes.io/name: karpenter}}
spec:
  template:
    spec:
      containers:
      - name: controller
        image: public.ecr.aws/karpenter/controller:1.8.7
        env: [{name: INTERRUPTION_QUEUE, value: demo}, {name: CLUSTER_NAME, value: demo}]
";

#[test]
fn a_queue_is_mended_in_every_source_that_writes_it() {
    for (file, broken, old, new) in QUEUES {
        let place = TestDir::new();
        place.write("controller.yaml", CONTROLLER);
        place.write(file, broken);
        let args = ["--offline", "-f", file, "-f", "controller.yaml", "--rule", "queue-aws-managed-key"];
        let dry = place.run(&[&["fix"][..], &args, &["--dry-run"]].concat());
        assert_eq!(dry.code, 1, "{file}: {}", dry.err);
        assert_eq!(fs::read_to_string(place.path().join(file)).unwrap(), broken, "nothing is written");
        let fixed = place.run(&[&["fix"][..], &args, &["--yes"]].concat());
        assert_eq!(fixed.code, 0, "{file}: {} {}", fixed.out, fixed.err);
        assert!(fixed.err.contains("1 file was changed; 1 finding is fixed."), "{file}: {}", fixed.err);
        assert_eq!(fs::read_to_string(place.path().join(file)).unwrap(), broken.replace(old, new));
    }
}

/// A policy that lacks a subnet, in each way in which a source writes a policy's document.
fn policies() -> Vec<(&'static str, String)> {
    let statement = |resource: serde_json::Value| serde_json::json!({"Effect": "Allow", "Action": ["ec2:RunInstances", "ec2:CreateFleet"], "Resource": resource});
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
        statement("arn:aws:ec2:*:*:subnet/subnet-0123456789abcdef0".into()),
        statement(
            ["*::image/*", "*:*:security-group/sg-*", "*:*:launch-template/lt-*", "*:*:instance/*", "*:*:volume/*",
             "*:*:network-interface/*", "*:*:fleet/*", "*:*:spot-instances-request/*"]
                .iter().map(|part| format!("arn:aws:ec2:{part}")).collect()
        ),
        {"Effect": "Allow", "Resource": "*", "Action": [
            "ec2:CreateLaunchTemplate", "ec2:DeleteLaunchTemplate", "ec2:TerminateInstances", "ec2:CreateTags",
            "ec2:Describe*", "ssm:GetParameter", "pricing:GetProducts", "iam:*InstanceProfile", "iam:ListInstanceProfiles"
        ]},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/KarpenterNodeRole-demo"}
    ]});
    let (line, lines) = (policy.to_string(), serde_json::to_string_pretty(&policy).unwrap());
    let indented = |by: usize| lines.replace('\n', &format!("\n{}", " ".repeat(by)));
    let quoted = serde_json::Value::from(line.clone()).to_string();
    let ack = |document: &str| {
        format!(
            "apiVersion: iam.services.k8s.aws/v1alpha1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  \
             name: KarpenterControllerPolicy-demo\n  policyDocument: {document}\n"
        )
    };
    let terraform = |policy: &str| {
        format!(
            "resource \"aws_iam_policy\" \"p\" {{\n  name   = \"KarpenterControllerPolicy-demo\"\n  policy = {policy}\n}}\n"
        )
    };
    let blocks: Vec<serde_json::Value> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let list = |name| if one[name].is_array() { one[name].clone() } else { serde_json::json!([one[name]]) };
            serde_json::json!({"effect": "Allow", "actions": list("Action"), "resources": list("Resource")})
        })
        .collect();
    let json = |policy: &str, data: serde_json::Value| {
        let policy = serde_json::json!({"p": {"name": "KarpenterControllerPolicy-demo", "policy": policy}});
        serde_json::to_string_pretty(&serde_json::json!({"data": data, "resource": {"aws_iam_policy": policy}}))
            .unwrap()
    };
    let document = serde_json::json!({"aws_iam_policy_document": {"p": {"statement": blocks}}});
    let statements: String = blocks
        .iter()
        .map(|one| {
            format!(
                "  statement {{\n    effect    = \"Allow\"\n    actions   = {}\n    resources = {}\n  }}\n",
                one["actions"], one["resources"]
            )
        })
        .collect();
    vec![
        ("block.yaml", ack(&format!("|\n    {}", indented(4)))),
        ("single.yaml", ack(&format!("'{line}'"))),
        ("double.yaml", ack(&quoted)),
        (
            "template.yaml",
            format!(
                "Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      \
                 ManagedPolicyName: KarpenterControllerPolicy-demo\n      PolicyDocument: {line}\n"
            ),
        ),
        ("heredoc.tf", terraform(&format!("<<-EOT\n    {}\n  EOT", indented(4)))),
        ("text.tf", terraform(&quoted)),
        ("jsonencode.tf", terraform(&format!("jsonencode({})", indented(2)))),
        (
            "document.tf",
            format!(
                "data \"aws_iam_policy_document\" \"p\" {{\n{statements}}}\n{}",
                terraform("data.aws_iam_policy_document.p.json")
            ),
        ),
        ("text.tf.json", json(&line, serde_json::json!({}))),
        ("document.tf.json", json("${data.aws_iam_policy_document.p.json}", document)),
    ]
}

#[test]
fn a_policy_is_mended_however_its_document_is_written() {
    let fixture = harness::root()
        .join("tests/fixtures/rules/controller-permission-missing/fail-a-subnet-of-the-class-is-not-named");
    let controller = fs::read(fixture.join("karpenter.yaml")).unwrap();
    let stated = ["--rule", "controller-permission-missing", "--account", "111122223333", "--region", "eu-west-1"];
    for (file, broken) in policies() {
        let place = TestDir::new();
        place.write("karpenter.yaml", &controller);
        place.write(file, &broken);
        let sources = ["--offline", "-f", file, "-f", "karpenter.yaml"];
        let tried = json(&place, &[&["check", "--verify-fixes"][..], &sources, &stated].concat());
        assert_eq!(verified(&tried, "controller-permission-missing")["result"], "cleared", "{file}: {tried}");
        let fixed = place.run(&[&["fix", "--yes"][..], &sources, &stated].concat());
        assert_eq!(fixed.code, 0, "{file}: {} {}", fixed.out, fixed.err);
        assert!(fixed.err.contains("1 file was changed; 1 finding is fixed."), "{file}: {}", fixed.err);
        let after = fs::read_to_string(place.path().join(file)).unwrap();
        assert_eq!(after.matches("subnet-0fedcba9876543210").count(), 1, "{file}: {after}");
        // Nothing else of it is changed: without the subnet it is what it was, but for the form of the list.
        let kept = |text: &str| text.matches("arn:aws:").count();
        assert_eq!(kept(&after), kept(&broken), "{file}: {after}");
        let left = json(&place, &[&["check"][..], &sources, &stated].concat());
        assert_eq!(left["summary"]["passed"], 1, "{file}: {left}");
    }
}

#[test]
fn what_every_rule_would_mend_is_mended() {
    let harness = harness::harness();
    let mut tried = 0;
    for case in harness::cases().into_iter().filter(|case| case.name.starts_with("fail-")) {
        let judged = harness.judge(&harness.builtin, &case);
        if judged.results.findings.iter().all(|finding| finding.edits.is_empty()) {
            continue;
        }
        let place = TestDir::new();
        let mut args = vec!["fix".to_owned(), "--offline".into(), "--yes".into(), "--rule".into(), case.rule.clone()];
        let stated = fs::read_to_string(case.folder.join("args")).unwrap_or_default();
        args.extend(stated.split_whitespace().map(str::to_owned));
        for file in case.input() {
            let name = file.file_name().unwrap().to_str().unwrap();
            place.write(name, fs::read(&file).unwrap());
            args.extend(["-f".to_owned(), name.to_owned()]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ended = place.run(&args);
        let whose = format!("{}/{}: {}", case.rule, case.name, ended.err);
        // What only shows how things are is not changed.
        if ended.err.contains("this is an answer of AWS") {
            assert!(ended.err.contains("There is nothing to change"), "{whose}");
            continue;
        }
        tried += 1;
        assert!(ended.err.contains("fixed.") && !ended.err.contains("not fixed"), "{whose}{}", ended.out);
        assert!(!ended.err.contains("not in the diff"), "{whose}");
        // Made a second time, there is nothing left to do.
        let again = place.run(&args);
        assert!(again.err.contains("There is nothing to change"), "{whose}{}", again.out);
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn a_diff_begins_at_the_repositorys_root() {
    let place = TestDir::new();
    let git = |folder: &str, args: &[&str]| {
        let ended =
            std::process::Command::new("git").args(args).current_dir(place.path().join(folder)).output().unwrap();
        assert!(ended.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ended.stderr));
    };
    fs::create_dir_all(place.path().join("repo/clusters/prod files")).unwrap();
    fs::create_dir_all(place.path().join("repo/ci")).unwrap();
    place.write("repo/clusters/prod files/class.yaml", BROKEN_CLASS);
    git("repo", &["init", "-q"]);
    for (from, named) in [("repo/ci", "../clusters"), ("repo", "."), (".", "repo/clusters/prod files/class.yaml")] {
        let diff = place.run_in(from, &["check", "--offline", "-f", named, "-o", "diff"]).out;
        assert!(
            diff.starts_with("--- a/clusters/prod files/class.yaml\t\n+++ b/clusters/prod files/class.yaml\t\n"),
            "{diff}"
        );
        place.write("fix.diff", &diff);
        git("repo", &["apply", "--check", "../fix.diff"]);
        let patch = ["-p1", "--dry-run", "--force", "-i", "../fix.diff"];
        match std::process::Command::new("patch").args(patch).current_dir(place.path().join("repo")).output() {
            Ok(ended) => assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout)),
            Err(_) => skipped("there is no patch"),
        }
        git("repo", &["apply", "../fix.diff"]);
        let fixed = fs::read_to_string(place.path().join("repo/clusters/prod files/class.yaml")).unwrap();
        assert!(fixed.contains("encrypted: true"), "{fixed}");
        place.write("repo/clusters/prod files/class.yaml", BROKEN_CLASS);
    }
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let place = TestDir::new();
    let ended = place.run(&["fix", "--offline", "-f", "good.yaml"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("--yes"), "{}", ended.err);
    assert_eq!(fs::read_to_string(place.path().join("good.yaml")).unwrap(), BROKEN_CLASS);
    for (args, told) in
        [(["fix", "--offline", "-f", "-"], "standard input"), (["fix", "--offline", "--rule", "queue-missing"], "-f")]
    {
        let ended = place.run(&args);
        assert_eq!(ended.code, 2);
        assert!(ended.err.contains(told), "{}", ended.err);
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_out_of_the_tree() {
    let place = TestDir::new();
    fs::create_dir_all(place.path().join("tree")).unwrap();
    std::os::unix::fs::symlink("../good.yaml", place.path().join("tree/link.yaml")).unwrap();
    let ended = place.run(&["fix", "--offline", "--yes", "-f", "tree/link.yaml"]);
    assert_eq!(ended.code, 3);
    assert!(ended.err.contains("outside of what was named"), "{}", ended.err);
    assert_eq!(fs::read_to_string(place.path().join("good.yaml")).unwrap(), BROKEN_CLASS);
}

#[test]
fn several_outputs_go_to_their_files() {
    let place = TestDir::new();
    let ended = place.run(&[
        "check",
        "--offline",
        "-f",
        "good.yaml",
        "-o",
        "table",
        "-o",
        "sarif=a.sarif",
        "-o",
        "json=b.json",
    ]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.out.contains("ebs-key-without-encryption"), "{}", ended.out);
    for (file, schema) in [("a.sarif", "sarif-2.1.0"), ("b.json", "karpcheck.report/v1")] {
        let text = fs::read_to_string(place.path().join(file)).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert!(text.contains(schema), "{file}");
    }
    let both = place.run(&["check", "--offline", "-f", "good.yaml", "-o", "table", "-o", "json=-"]);
    assert_eq!(both.code, 2);
    assert!(both.err.contains("both go to standard output"), "{}", both.err);
    let none = place.run(&["check", "--offline", "-f", "good.yaml", "-o", "html=none/a.html", "-o", "name"]);
    assert_eq!(none.code, 3);
    assert!(none.err.contains("none/a.html: it cannot be written") && none.out.contains("general"), "{}", none.err);
    let wrong = place.run(&["check", "--offline", "-f", "good.yaml", "-o", "htm=x"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("html"), "{}", wrong.err);
}

#[test]
fn a_plan_of_a_fix_ends_as_that_of_a_check() {
    let place = TestDir::new();
    place.write("broken.yaml", "kind: [karpenter");
    for command in ["check", "fix"] {
        let ended = place.run(&[command, "--offline", "-f", ".", "--aws=plan"]);
        assert!(ended.err.contains("broken.yaml:"), "{}", ended.err);
        ended.code(3);
    }
}

/// What Terraform's configuration is afterwards, however it was written.
#[test]
fn configuration_stays_in_its_own_style() {
    let place = TestDir::new();
    let spot = "resource \"aws_cloudwatch_event_rule\" \"spot\" {\n  event_pattern = jsonencode({ source = [\"aws.ec2\"], detail-type = [\"EC2 Spot Instance Interruption Warning\"] })\n}\nresource \"aws_cloudwatch_event_target\" \"q\" {\n  rule = aws_cloudwatch_event_rule.spot.name\n  arn  = aws_sqs_queue.q.arn\n}\n";
    let key = |text: &str| format!("resource \"aws_kms_key\" \"k\" {text}\n");
    let encrypted =
        "resource \"aws_sqs_queue\" \"q\" {\n  name              = \"q\"\n  kms_master_key_id = aws_kms_key.k.arn\n}\n";
    for (before, after) in [
        (
            "resource \"aws_sqs_queue\" \"q\" {\n  name              = \"q\"\n  kms_master_key_id = \"alias/aws/sqs\"\n}\n"
                .to_owned(),
            "resource \"aws_sqs_queue\" \"q\" {\n  name              = \"q\"\n  sqs_managed_sse_enabled = true\n}\n"
                .to_owned(),
        ),
        (
            "resource \"aws_sqs_queue\" \"q\" { kms_master_key_id = \"alias/aws/sqs\" }\n".to_owned(),
            "resource \"aws_sqs_queue\" \"q\" { sqs_managed_sse_enabled = true }\n".to_owned(),
        ),
        (
            "\u{feff}resource \"aws_sqs_queue\" \"q\" {\n  kms_master_key_id = \"alias/aws/sqs\"\n}\n".to_owned(),
            "\u{feff}resource \"aws_sqs_queue\" \"q\" {\n  sqs_managed_sse_enabled = true\n}\n".to_owned(),
        ),
        (
            format!("{encrypted}{}", key("{ description = \"events\" }")),
            format!(
                "{encrypted}{}",
                key("{\n  description = \"events\"\n  enable_key_rotation = true\n}")
            ),
        ),
    ] {
        place.write("tf/main.tf", format!("{before}{spot}"));
        place.run(&["fix", "--offline", "-f", "tf", "--yes"]);
        let text = fs::read_to_string(place.path().join("tf/main.tf")).unwrap();
        assert_eq!(text, format!("{after}{spot}"));
    }
}

/// Of what a rule says of one place some is mended: it is not all called unmended.
#[test]
fn what_is_fixed_is_counted_one_by_one() {
    let place = TestDir::new();
    place.write("deployment.yaml", include_str!("../../fixtures/story/deployment.yaml"));
    place.write(
        "role.yaml",
        "apiVersion: iam.services.k8s.aws/v1alpha1\nkind: Role\nmetadata: {name: karpenter}\nspec:\n  name: prod-a-karpenter\n  \
         inlinePolicies:\n    p: |\n      {\n        \"Version\": \"2012-10-17\",\n        \"Statement\": [\n          \
         {\"Effect\": \"Allow\", \"Action\": [\"ec2:RunInstances\"], \"Resource\": \"*\"}\n        ]\n      }\n",
    );
    let files = ["--offline", "-f", "deployment.yaml", "-f", "role.yaml", "--rule", "controller-permission-missing"];
    let count = || {
        let report = json(&place, &[&["check"], &files[..]].concat());
        report["summary"]["error"].as_u64().unwrap() + report["summary"]["warning"].as_u64().unwrap()
    };
    let before = count();
    let ended = place.run(&[&["fix", "--yes"], &files[..]].concat());
    let after = count();
    assert!(after > 0 && after < before, "{before} {after}: {}", ended.err);
    assert!(ended.err.contains("10 findings are fixed.") && !ended.err.contains("not fixed"), "{}", ended.err);
}

/// A manifest in the lines of a file of Terraform's is edited in them.
#[test]
fn a_manifest_in_a_heredoc_is_edited_where_it_stands() {
    let class = BROKEN_CLASS
        .replace("    ebs: {volumeSize: 20Gi, ", "    ebs:\n      volumeSize: ${var.size}\n      ")
        .replace("'}", "'");
    for (open, margin) in [("<<-YAML", "    "), ("<<YAML", ""), ("<<-YAML", "      ")] {
        let indented = |text: &str| text.lines().map(|line| format!("{margin}{line}\n")).collect::<String>();
        let other = class.replace("general", "other");
        let file = |encrypted: &str| {
            format!(
                "variable \"size\" {{ default = \"20Gi\" }}\nresource \"kubectl_manifest\" \"class\" {{\n  yaml_body = {open}\n{}YAML\n}}\n",
                indented(&format!("{class}{encrypted}---\n{other}{encrypted}"))
            )
        };
        let place = TestDir::new();
        place.write("tf/main.tf", file(""));
        let ended = place.run(&["fix", "--offline", "-f", "tf", "--yes", "--rule", "ebs-key-without-encryption"]);
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        let after = fs::read_to_string(place.path().join("tf/main.tf")).unwrap();
        assert_eq!(after, file("      encrypted: true\n"), "{open}: {}", ended.err);
    }
}

/// Fixes that all add lines at the end of a file, each to another list or map, are all made.
#[test]
fn what_is_added_at_one_place_goes_where_it_belongs() {
    let place = TestDir::new();
    let policy = "\
Resources:
  KarpenterControllerPolicy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: KarpenterControllerPolicy-demo
      PolicyDocument:
        Statement:
        - Effect: Allow
          Action: [ec2:CreateFleet, ec2:RunInstances]
          Resource: '*'
        - Effect: Allow
          Action: ec2:CreateTags
          Resource: arn:aws:ec2:*:*:instance/*
          Condition:
            ForAllValues:StringEquals:
              aws:TagKeys:
              - Name
              - karpenter.sh/nodeclaim
";
    place.write("template.yaml", policy);
    let ended = place.run(&["fix", "--offline", "-f", "template.yaml", "--yes", "--karpenter-version", "1.8.1"]);
    assert!(!ended.err.contains("would not be valid"), "{}", ended.err);
    let after = fs::read_to_string(place.path().join("template.yaml")).unwrap();
    let wanted =
        "              - karpenter.sh/nodeclaim\n              - eks:eks-cluster-name\n        - Effect: Allow\n";
    assert!(after.contains(wanted), "{after}{}", ended.err);
    // A manifest that begins with a byte order mark is edited as any other.
    let (_, queue, old, new) = QUEUES[1];
    place.write("marked.yaml", format!("\u{feff}{queue}"));
    place.write("controller.yaml", CONTROLLER);
    place.run(&["fix", "--offline", "-f", "marked.yaml", "-f", "controller.yaml", "--yes"]);
    let after = fs::read_to_string(place.path().join("marked.yaml")).unwrap();
    assert_eq!(after, format!("\u{feff}{}", queue.replace(old, new)));
}

#[test]
fn what_no_tool_can_change_is_listed_with_what_to_do_by_hand() {
    let place = TestDir::new();
    place.write("class.yaml", "apiVersion: karpenter.sh/v1\nkind: NodePol\nmetadata: {name: x}\nspec: {}\n");
    let ended = place.run(&["fix", "--offline", "-f", "class.yaml", "--yes", "--karpenter-version", "1.8.1"]);
    ended.code(1).has("error     field-unknown").has("; fix: ");
    assert!(ended.err.contains("There is nothing to change in the files."), "{}", ended.err);
}
