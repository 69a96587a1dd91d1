//! What is asked for, and how a run ends.

use super::*;

fn bad(args: &[&str], words: &str) {
    TestDir::new().run(args).code(2).complains(words);
}

#[test]
fn bad_arguments_end_with_two_and_a_cure() {
    let check = |args: &[&'static str]| [&["check", "--offline", "-f", "good.yaml"], args].concat();
    bad(
        &check(&["--rule", "ebs-key-without-encrypt"]),
        "error: there is no rule ebs-key-without-encrypt, did you mean ebs-key-without-encryption?\n",
    );
    bad(&check(&["--rule", "nope"]), "error: there is no rule nope: `kubectl karpcheck rules` lists them\n");
    bad(&check(&["--rule", "queue"]), "error: there is no rule queue, but an area: --area queue\n");
    bad(
        &["explain", "queue"],
        "there is no rule queue, but an area: `kubectl karpcheck rules --area queue` lists its rules\n",
    );
    bad(&check(&["--area", "eb"]), "error: no rule is of the area eb, did you mean ebs?\n");
    bad(
        &check(&["--area", "volumes"]),
        "error: no rule is of the area volumes: there are ack, cluster-name, ebs, queue, readiness, tagging, upgrade\n",
    );
    bad(
        &check(&["--rule", "queue-not-configured", "--area", "ebs"]),
        "error: no rule is left: queue-not-configured is not of the area ebs\n",
    );
    bad(&check(&["--karpenter-version", "latest"]), "a Karpenter version looks like 1.8.7 or 0.37.3");
    bad(&check(&["--account", "123"]), "an account id has twelve digits");
    bad(&check(&["--region", "eu-west1"]), "a region looks like eu-west-1");
    bad(&check(&["--partition", "china"]), "a partition is aws, or begins with it: aws-cn, aws-us-gov");
    let elsewhere = check(&["--region", "cn-north-1", "--partition", "aws"]);
    bad(&elsewhere, "region cn-north-1 is in partition aws-cn, not in aws");
    bad(&check(&["--fail-on", "critical"]), "[possible values: error, warning, info, new, none]");
    bad(&check(&["--parameter", "X"]), "a parameter is given as NAME=VALUE");
    for time in ["soon", "-1", "1e300", "30x"] {
        let flag = format!("--request-timeout={time}");
        bad(&["check", &flag], "a time is a number of seconds, or has a unit: 30, 30s, 2m");
    }
    bad(&["check", "--offline"], "error: --offline reads files alone: name some with -f\n");
    bad(&["explain", "nope"], "error: there is no rule nope");
    bad(&["rbac", "--area", "eb"], "error: no rule is of the area eb");
}

#[test]
fn several_rules_and_areas_may_stand_in_one_flag() {
    let place = TestDir::new();
    let rules = |args: &[&str]| {
        let report = place.run(&[&["check", "--offline", "-f", "good.yaml", "-o", "json"], args].concat()).json();
        report["summary"]["rules"].as_u64().unwrap()
    };
    assert_eq!(rules(&["--rule", "ebs-key-without-encryption,ebs-key-unusable"]), 2);
    assert_eq!(rules(&["--area", "ebs,queue"]), rules(&["--area", "ebs", "--area", "queue"]));
    for address in ["https://example.com/a.yaml", "s3://bucket/a.yaml", "oci://example.com/a"] {
        let ended = place.run(&["check", "--offline", "-f", address]);
        ended.code(3).has("karpcheck does not download files: fetch it first");
    }
}

#[test]
fn a_file_without_its_flag_is_pointed_to_it() {
    bad(&["check", "--offline", "good.yaml"], "tip: files are named with -f, each: -f good.yaml");
    // What a shell makes of -f *.yaml.
    bad(&["check", "--offline", "-f", "good.yaml", "good.yaml"], "tip: files are named with -f, each: -f good.yaml");
    bad(&["good.yaml"], "tip: files are named with -f, each: -f good.yaml");
    let ended = TestDir::new().run(&["check", "frob"]);
    ended.code(2);
    assert!(!ended.err.contains("tip"), "{}", ended.err);
}

#[test]
fn help_is_of_kubectl_karpcheck_and_fits_a_terminal() {
    let place = TestDir::new();
    for args in [
        &["--help"][..],
        &["help"],
        &["help", "check"],
        &["check", "--help"],
        &["rules", "--help"],
        &["explain", "--help"],
        &["rbac", "--help"],
        &["pack", "--help"],
        &["pack", "build", "--help"],
    ] {
        let ended = place.run(args);
        ended.code(0).has("Usage: kubectl karpcheck");
        assert_eq!(ended.err, "");
        for line in ended.out.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
    place.run(&["help", "check"]).has("Exit codes:");
    for args in [&["--version"][..], &["check", "--version"]] {
        place.run(args).code(0).has(env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn every_area_that_help_names_has_rules() {
    let place = TestDir::new();
    let help = place.run(&["check", "--help"]).out;
    let (_, areas) = help.split_once("Run only the rules of this area: ").unwrap();
    let areas: Vec<&str> = areas.split(';').next().unwrap().split(',').map(str::trim).collect();
    assert!(areas.len() >= 5, "{areas:?}");
    for area in areas {
        place.run(&["rules", "--area", area]).code(0).has(&format!(" {area} "));
    }
}

#[test]
fn fail_on_sets_where_failing_begins() {
    let place = TestDir::new();
    // Only a warning: one of the two volumes of a Bottlerocket class.
    place.write(
        "warning.yaml",
        SOUND_CLASS.replace(
            "spec: {}",
            "spec:\n  amiFamily: Bottlerocket\n  amiSelectorTerms: [{alias: bottlerocket@latest}]\n  \
             blockDeviceMappings:\n  - deviceName: /dev/xvda\n    ebs: {volumeSize: 50Gi, encrypted: true}\n",
        ),
    );
    for (file, levels) in [("good.yaml", [1, 1, 1, 0]), ("warning.yaml", [0, 1, 1, 0])] {
        for (level, code) in ["error", "warning", "info", "none"].into_iter().zip(levels) {
            let ended = place.run(&["check", "--offline", "-f", file, "--fail-on", level]);
            ended.code(code).has(if code == 1 || file == "good.yaml" { " EC2NodeClass/" } else { "1 warning" });
        }
    }
}

#[test]
fn min_confidence_leaves_out_what_is_inferred() {
    let place = TestDir::new();
    for least in ["low", "medium", "high"] {
        place.run(&["check", "--offline", "-f", "good.yaml", "--min-confidence", least]).code(1).has("1 error");
    }
    // A reference that leads nowhere is not certain while the cluster was not asked.
    place.write(
        "table.yaml",
        "apiVersion: dynamodb.services.k8s.aws/v1alpha1\nkind: Table\nmetadata: {name: t, namespace: shop}\nspec:\n  \
         tableName: t\n  sseSpecification:\n    enabled: true\n    sseType: KMS\n    kmsMasterKeyRef: {from: {name: gone}}\n",
    );
    let args = ["check", "--offline", "-f", "table.yaml", "--rule", "ack-ref-dangling", "--fail-on", "info"];
    place.run(&args).code(1).has("ack-ref-dangling");
    place.run(&[&args[..], &["--min-confidence", "high"]].concat()).code(0).has_not("Table/shop/t");
}

#[test]
fn require_complete_minds_what_was_not_read() {
    let place = TestDir::new();
    place.write("only/sound.yaml", SOUND_CLASS);
    // Its volume is under the account's default key, so which one that is counts.
    place.write("only/default-key.json", r#"{"KmsKeyId": "alias/aws/ebs"}"#);
    let check = |args: &[&'static str]| place.run(&[&["check", "--offline", "-f", "only"], args].concat());
    check(&["--require-complete"]).code(0);
    check(&["--require-complete=all"]).code(0);
    place.write("only/cut.json", r#"{"QueueArn": "arn:aws:sqs:"#);
    check(&[]).code(0);
    check(&["--require-complete"]).code(4);
    check(&["--require-complete=all"]).code(4);
    place.write("only/bad.yaml", BROKEN_CLASS);
    check(&["--require-complete"]).code(1);
}

#[test]
fn require_complete_all_minds_what_nobody_gave() {
    let place = TestDir::new();
    // Whether the policy of this key admits EventBridge, nobody said.
    place.write(
        "queue.yaml",
        "Resources:\n  KarpenterInterruptionQueue:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: prod\n      \
         KmsMasterKeyId: arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n  Spot:\n    Type: \
         AWS::Events::Rule\n    Properties:\n      EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance \
         Interruption Warning]}\n      Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]\n",
    );
    let args = ["check", "--offline", "-f", "queue.yaml", "--rule", "queue-key-unverified", "--fail-on", "none"];
    place.run(&args).code(0).has("not provided");
    place.run(&[&args[..], &["--require-complete"]].concat()).code(0);
    place.run(&[&args[..], &["--require-complete=all"]].concat()).code(4);
}

#[test]
fn json_is_a_report_also_of_a_run_that_failed() {
    let place = TestDir::new();
    let whole = place.run(&["check", "--offline", "-f", "good.yaml", "-o", "json"]);
    let report = whole.code(1).json();
    assert_eq!(report["schema"], "karpcheck.report/v1");
    assert_eq!(report["summary"]["complete"], true);
    assert_eq!(report["findings"][0]["subject"]["origin"]["line"], 7);
    let failed = place.run(&["check", "--offline", "-f", "good.yaml", "-f", "nofile", "-o", "json"]);
    let report = failed.code(3).json();
    assert_eq!(report["summary"]["complete"], false);
    assert_eq!(report["summary"]["error"], 1);
    assert_eq!(report["problems"][0]["message"], "no such file or folder");
    assert_eq!(report["problems"][0]["origin"]["file"], "nofile");
}

#[test]
fn a_reader_that_goes_away_does_not_change_the_verdict() {
    let place = TestDir::new();
    let name = |number: u32| format!("name: general-{number}");
    let many: String =
        (0..2000).map(|number| format!("{}---\n", BROKEN_CLASS.replace("name: general", &name(number)))).collect();
    place.write("many.yaml", many);
    for (args, code) in [
        (&["check", "--offline", "-f", "many.yaml"][..], 1),
        (&["check", "--offline", "-f", "many.yaml", "-o", "json"], 1),
        (&["check", "--offline", "-f", "many.yaml", "--fail-on", "none"], 0),
        (&["rules"], 0),
        (&["explain", "queue-event-rule-missing"], 0),
        (&["--help"], 0),
    ] {
        let mut child = place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = Ended::from(child.wait_with_output().unwrap());
        ended.code(code);
        assert_eq!(ended.err, "");
    }
}

#[test]
fn colour_is_for_who_asked() {
    let place = TestDir::new();
    place.run(&["check", "--offline", "-f", "good.yaml"]).has_not("\u{1b}");
    place.run(&["check", "--offline", "-f", "good.yaml", "--color", "always"]).code(1).has("\u{1b}[");
}

/// Who waits for what somebody should type or pipe is not waited for.
#[cfg(all(unix, feature = "live"))]
#[test]
fn a_signal_ends_a_run_that_waits_for_its_input() {
    let place = TestDir::new();
    let mut child = place
        .command(&["check", "--offline", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let seconds = std::time::Duration::from_secs;
    std::thread::sleep(seconds(2));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let until = std::time::Instant::now() + seconds(30);
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        assert!(std::time::Instant::now() < until, "it still waits for its input");
        std::thread::sleep(seconds(1) / 10);
    };
    // On a very slow machine the signal comes before the process listens to it, and ends it as it always did.
    assert!(ended.code().is_none_or(|code| code == 130), "{ended}");
}
