//! `upgrade`: over all pairs of official templates, and what it says where the version is not known.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use kubectl_karpcheck::cli;
use kubectl_karpcheck::commands::shared::progress::Progress;
use kubectl_karpcheck::commands::shared::streams::Streams;

use super::{Ended, TestDir};

/// The versions whose templates lie in tests/fixtures/karpenter/cfn, in their order.
const VERSIONS: [&str; 5] = ["0.27.6", "0.32.10", "0.37.8", "1.0.14", "1.14.1"];

const VALUES: &str = "\
settings:
  aws:
    clusterName: prod
    clusterEndpoint: https://example.gr7.eu-west-1.eks.amazonaws.com
    interruptionQueueName: prod
";

const POOL: &str = "\
apiVersion: karpenter.sh/v1beta1
kind: NodePool
metadata: {name: general}
spec: {template: {spec: {requirements: [], nodeClassRef: {name: default}}}}
";

fn deployment(version: &str) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: karpenter, namespace: kube-system}}
spec:
  template:
    spec:
      containers:
      - name: controller
        image: public.ecr.aws/karpenter/controller:{version}
        env:
        - {{name: CLUSTER_NAME, value: prod}}
        - {{name: CLUSTER_ENDPOINT, value: 'https://example.gr7.eu-west-1.eks.amazonaws.com'}}
"
    )
}

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/karpenter/cfn")
}

/// A folder with a version's template.
fn with_template(version: &str) -> TestDir {
    let place = TestDir::new();
    let template = fs::read_to_string(fixtures().join(format!("karpenter-v{version}.yaml"))).unwrap();
    place.write("template.yaml", template);
    place.write("spot.yaml", fs::read_to_string(fixtures().join("v1-spot.yaml")).unwrap());
    place
}

fn parsed(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.err))
}

fn texts<'a>(value: &'a serde_json::Value, what: &str) -> Vec<&'a str> {
    value.as_array().unwrap().iter().map(|one| one[what].as_str().unwrap()).collect()
}

/// What a check reports: rules and subjects.
fn reported(place: &TestDir, files: &[&str], version: &str) -> BTreeSet<String> {
    let flags = ["check", "--offline", "--cluster-name", "prod", "-o", "json", "--karpenter-version", version];
    let report = parsed(&place.run(&[&flags[..], files].concat()));
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| format!("{} {} {}", finding["outcome"], finding["rule"], finding["subject"]["kind"]))
        .collect()
}

fn apply(place: &TestDir, diff: &str) {
    place.write("additions.diff", diff);
    let patch = Command::new("git")
        .args(["apply", "--unsafe-paths", "additions.diff"])
        .current_dir(place.path())
        .env("GIT_CEILING_DIRECTORIES", place.path().parent().unwrap())
        .status()
        .unwrap();
    assert!(patch.success(), "{diff}");
}

#[test]
fn the_additions_clear_every_later_version() {
    for (number, from) in VERSIONS.iter().enumerate() {
        for to in &VERSIONS[number + 1..] {
            for files in [&["-f", "template.yaml"][..], &["-f", "template.yaml", "-f", "spot.yaml"]] {
                let place = with_template(from);
                let before = reported(&place, files, from);
                let flags = ["upgrade", "--to", to, "--karpenter-version", from, "--offline", "--cluster-name", "prod"];
                let flags = [&flags[..], files].concat();
                let upgrade = parsed(&place.run(&[&flags[..], &["-o", "json"]].concat()));
                assert_eq!(upgrade["additions"]["byHand"], serde_json::json!([]), "{from} to {to}");
                for file in upgrade["additions"]["files"].as_array().unwrap() {
                    apply(&place, file["diff"].as_str().unwrap());
                }
                let after = reported(&place, files, to);
                let new: Vec<&String> = after.difference(&before).collect();
                assert!(new.is_empty(), "{from} to {to} with {files:?}: {new:?}\n{upgrade:#}");
                // And it was the additions that did it: the upgrade has nothing left to say but what no edit mends.
                let again = parsed(&place.run(&[&flags[..], &["-o", "json"]].concat()));
                assert_eq!(again["additions"]["files"], serde_json::json!([]), "{from} to {to}");
            }
        }
    }
}

#[test]
fn additions_are_needed_where_the_template_changed() {
    for (from, to, action) in [
        ("0.27.6", "0.32.10", "iam:CreateInstanceProfile"),
        ("0.32.10", "0.37.8", "spot-instances-request"),
        ("0.37.8", "1.0.14", "eks:eks-cluster-name"),
        ("1.0.14", "1.14.1", "iam:ListInstanceProfiles"),
    ] {
        let place = with_template(from);
        let flags = ["upgrade", "--to", to, "--karpenter-version", from, "--offline", "--cluster-name", "prod"];
        let files = ["-f", "template.yaml", "-f", "spot.yaml", "-o", "diff"];
        let ended = place.run(&[&flags[..], &files].concat());
        let added = ended.out.lines().any(|line| line.starts_with('+') && line.contains(action));
        assert!(added, "{from} to {to}: {}{}", ended.out, ended.err);
    }
}

#[test]
fn versions_that_must_not_be_skipped_are_steps() {
    let place = with_template("0.27.6");
    let flags = ["upgrade", "--to", "1.14.1", "--karpenter-version", "0.27.6", "--offline", "-f", "template.yaml"];
    let upgrade = parsed(&place.run(&[&flags[..], &["-o", "json"]].concat()));
    assert_eq!(upgrade["schema"], "karpcheck.upgrade/v1alpha1");
    assert_eq!(texts(&upgrade["steps"], "to"), ["0.32.10", "1.0.14", "1.14.1"]);
    assert_eq!(texts(&upgrade["obsolete"], "action"), ["ec2:DescribeAvailabilityZones", "sqs:GetQueueAttributes"]);
    place.run(&flags).has("via 0.32.x and 1.0.x").has("Step 3: to Karpenter 1.14.1");
}

#[test]
fn no_statement_is_added_without_the_clusters_name() {
    let place = with_template("0.27.6");
    let flags = ["upgrade", "--to", "0.32.10", "--karpenter-version", "0.27.6", "--offline", "-f", "template.yaml"];
    let ended = place.run(&[&flags[..], &["-f", "spot.yaml", "-o", "diff"]].concat());
    assert!(!ended.out.contains("iam:CreateInstanceProfile"), "{}", ended.out);
    assert!(ended.err.contains("the diff is not all there is to do"), "{}", ended.err);
}

#[test]
fn the_version_that_runs_is_asked_for_where_nothing_says_it() {
    let place = with_template("1.0.14");
    let ended = place.run(&["upgrade", "--to", "1.14.1", "--offline", "-f", "template.yaml"]);
    ended.code(2).complains("--karpenter-version states it");
    // Not even a controller.
    let ended = place.run(&["upgrade", "--to", "1.14.1", "--offline", "-f", "good.yaml"]);
    ended.code(2).complains("no controller of Karpenter was found");
}

#[test]
fn a_stated_version_never_overrides_the_one_that_runs() {
    let place = TestDir::new();
    place.write("deployment.yaml", deployment("1.0.14"));
    let flags = ["upgrade", "--to", "1.14.1", "--karpenter-version", "0.37.8", "--offline", "-f", "deployment.yaml"];
    let ended = place.run(&flags);
    ended.has("Upgrade of kube-system/karpenter from 1.0.14 to 1.14.1");
    ended.has("--karpenter-version 0.37.8 was not used for karpenter: it says 1.0.14 itself");
}

#[test]
fn an_earlier_version_is_no_upgrade() {
    let place = TestDir::new();
    place.write("deployment.yaml", deployment("1.8.1"));
    for to in ["1.8.1", "1.0.14"] {
        let ended = place.run(&["upgrade", "--to", to, "--offline", "-f", "deployment.yaml"]);
        ended.code(2).complains("controller kube-system/karpenter runs 1.8.1");
    }
}

#[test]
fn an_unknown_release_is_judged_as_the_newest() {
    let place = TestDir::new();
    place.write("deployment.yaml", deployment("1.14.1"));
    let ended = place.run(&["upgrade", "--to", "1.99.0", "--offline", "-f", "deployment.yaml"]);
    ended
        .code(0)
        .has("judged as 1.14, the newest release that karpcheck knows")
        .has("no rule found anything that breaks");
}

#[test]
fn removed_objects_and_settings_are_named_at_their_step() {
    let place = TestDir::new();
    place.write("pool.yaml", POOL);
    place.write("deployment.yaml", deployment("0.37.8"));
    let args = ["upgrade", "--to", "1.14.1", "--offline", "-f", "pool.yaml", "-f", "deployment.yaml", "-o", "json"];
    let ended = place.run(&args);
    let upgrade = parsed(ended.code(1));
    let rules = |step: usize, part: &str| -> Vec<String> {
        let parts = upgrade["steps"][step]["parts"].as_array().unwrap();
        let findings =
            parts.iter().filter(|one| one["part"] == part).flat_map(|one| one["findings"].as_array().unwrap());
        findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rules(0, "objects"), [""; 0], "1.0 still serves v1beta1");
    assert_eq!(rules(1, "objects"), ["api-version-removed"]);

    place.write("values.yaml", VALUES);
    let args = ["upgrade", "--to", "0.37.8", "--karpenter-version", "0.32.10", "--offline", "-f", "values.yaml"];
    place.run(&args).has("queue-setting-ignored");
}

#[test]
fn what_the_upgrade_leaves_undecided_is_no_finding() {
    let place = TestDir::new();
    // Whether the policy grants what 1.14 calls depends on a parameter without a value.
    let template = fs::read_to_string(fixtures().join("karpenter-v1.0.14.yaml")).unwrap();
    let template = template.replacen("Parameters:\n", "Parameters:\n  Extra: {Type: String}\n", 1);
    let statement = r#"{"Effect": "Allow", "Action": "${Extra}", "Resource": "*"},"#;
    place.write("template.yaml", template.replacen("\"Statement\": [", &format!("\"Statement\": [{statement}"), 1));
    let flags = ["upgrade", "--to", "1.14.1", "--karpenter-version", "1.0.14", "--cluster-name", "prod", "--offline"];
    let rule = ["--rule", "controller-permission-missing", "-f", "template.yaml", "--fail-on", "info"];
    let ended = place.run(&[&flags[..], &rule].concat());
    ended.code(0).has("unknown   controller-permission-missing").has("1 step: 1 undecided new");
}

/// The command in this process, on a terminal of some width.
fn on_terminal(args: &[&str], width: usize) -> String {
    let (mut out, mut err) = (vec![], vec![]);
    let mut input = std::io::empty();
    let cli = cli::parse(std::iter::once("karpcheck").chain(args.iter().copied()).map(Into::into)).unwrap();
    let mut streams =
        Streams { out: &mut out, err: &mut err, input: &mut input, width: Some(width), progress: Progress::default() };
    cli::run(cli, &mut streams).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_steps_fit_terminals_of_80_and_of_200_columns() {
    // Tests run in the crate's folder.
    let file = "../tests/fixtures/karpenter/cfn/karpenter-v0.37.8.yaml";
    let args =
        ["upgrade", "--to", "1.14.1", "--karpenter-version", "0.37.8", "--offline", "--color", "never", "-f", file];
    for width in [80, 200] {
        let shown = on_terminal(&args, width);
        let name = format!("upgrade-{width}.txt");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/integration/cli/upgrade").join(&name);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &shown).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(expected == shown, "{name} differs; BLESS=1 takes this for right:\n{shown}");
    }
}

#[test]
fn an_action_that_is_no_longer_needed_is_one_row() {
    let place = TestDir::new();
    place.write(
        "policy.yaml",
        "Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      ManagedPolicyName: KarpenterControllerPolicy-prod\n      \
         PolicyDocument:\n        Statement:\n        - {Effect: Allow, Resource: '*', Action: [ec2:RunInstances, ec2:CreateFleet, \
         ec2:DescribeAvailabilityZones]}\n        - {Effect: Allow, Resource: '*', Action: ec2:DescribeAvailabilityZones}\n",
    );
    let upgrade = ["upgrade", "--to", "1.14.1", "--offline", "-f", "policy.yaml", "--karpenter-version", "0.37.8"];
    for (format, row) in [
        ("table", "  - ec2:DescribeAvailabilityZones in ManagedPolicy/KarpenterControllerPolicy-prod (policy.yaml:"),
        (
            "markdown",
            "- [ ] <code>ec2:DescribeAvailabilityZones</code> in ManagedPolicy/KarpenterControllerPolicy-prod (policy.yaml:",
        ),
    ] {
        let ended = place.run(&[&upgrade[..], &["-o", format]].concat());
        let rows: Vec<&str> = ended.out.lines().filter(|line| line.starts_with(row)).collect();
        assert_eq!(rows.len(), 1, "{format}: {}{}", ended.out, ended.err);
        assert_eq!(rows[0].matches("policy.yaml:").count(), 2, "{}", rows[0]);
    }
}
