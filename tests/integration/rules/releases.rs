//! Each release's own template (tests/fixtures/karpenter/cfn) under its own controller and under others.

use kubectl_karpcheck::findings::finding::Outcome;
use kubectl_karpcheck::inventory::{At, AwsFacts, Builder, Draft, Node, Origin, SourceKind, Stated};
use kubectl_karpcheck::karpenter;
use serde_json::json;

use super::harness::{harness, root, rule};

const RULES: &[&str] = &[
    "create-tags-denied-at-launch",
    "create-tags-denied-on-existing",
    "create-tags-too-broad",
    "policy-newer-than-controller",
    "controller-permission-missing",
    "terminate-reaches-other-clusters",
    "cluster-name-policy-mismatch",
];

/// What fails, as `severity rule`, each once.
fn failures(template: &str, controller: &str, spot: bool) -> Vec<String> {
    let folder = root().join("tests/fixtures/karpenter/cfn");
    let mut files = vec![folder.join(format!("karpenter-v{template}.yaml"))];
    files.extend(spot.then(|| folder.join("v1-spot.yaml")));
    let mut failed = vec![];
    for id in RULES {
        let stated = Stated { karpenter_version: Some(controller.into()), ..Stated::default() };
        let judged = harness().files(&harness().builtin, rule(&harness().builtin, id), &files, stated, &folder);
        for finding in &judged.results.findings {
            // The class of the spot example has a placeholder for its role, which may be passable or not.
            if spot && finding.outcome == Outcome::Unknown && *id == "controller-permission-missing" {
                continue;
            }
            assert_eq!(finding.outcome, Outcome::Fail, "v{template} under {controller}: {}", finding.message);
            let line = format!("{} {id}", finding.severity.as_str());
            if !failed.contains(&line) {
                failed.push(line);
            }
        }
    }
    failed
}

#[test]
fn each_template_is_clean_under_its_own_controller() {
    for version in ["0.32.10", "0.37.8", "1.0.14", "1.14.1"] {
        assert_eq!(failures(version, version, false), [""; 0], "{version}");
    }
}

#[test]
fn the_template_of_0_27_has_no_fences() {
    assert_eq!(
        failures("0.27.6", "0.27.6", false),
        ["warning create-tags-too-broad", "warning terminate-reaches-other-clusters"]
    );
    assert!(failures("0.27.6", "1.14.1", false).contains(&"warning terminate-reaches-other-clusters".to_owned()));
}

#[test]
fn a_template_under_another_release_is_judged_as_documented() {
    let launch = "error create-tags-denied-at-launch";
    let existing = "warning create-tags-denied-on-existing";
    let newer = "error policy-newer-than-controller";
    let missing = "warning controller-permission-missing";
    let kept = "error controller-permission-missing";
    for (template, controller, spot, expected) in [
        ("0.32.10", "0.37.8", false, &[][..]),
        ("0.32.10", "0.37.8", true, &[launch]),
        ("0.32.10", "1.0.14", false, &[existing]),
        // 0.28 to 0.31 link instances from before with their Machine, which this template no longer allows.
        ("0.32.10", "0.31.5", false, &[existing, newer]),
        ("0.37.8", "0.33.0", false, &[]),
        ("0.37.8", "1.0.14", false, &[existing]),
        ("0.37.8", "1.0.14", true, &[existing]),
        ("0.37.8", "1.14.1", false, &[existing, kept, missing]),
        ("1.0.14", "0.37.8", false, &[newer]),
        ("1.0.14", "0.32.10", false, &[newer]),
        ("1.0.14", "1.6.0", false, &[]),
        ("1.14.1", "0.37.8", false, &[newer]),
        ("1.14.1", "1.0.14", false, &[]),
        ("1.14.1", "1.99.0", false, &[]),
    ] {
        assert_eq!(failures(template, controller, spot), expected, "v{template} under {controller}, spot {spot}");
    }
}

/// What is said of a controller of 1.20 whose role may do nothing, where these releases are known.
fn said_of_a_later_controller(releases: &[&str]) -> String {
    const ROLE: &str = "arn:aws:iam::111122223333:role/karpenter";
    let mut builder = Builder::new(Stated::default());
    let at = At::whole(builder.document(Origin::File("controller.yaml".into())));
    let controller = json!({"Version": "1.20.0", "Role": ROLE, "ClusterName": "demo", "Releases": releases});
    builder.add(Draft::new(
        "Karpcheck::Controller",
        "karpenter",
        Node::from_json(&controller, at),
        SourceKind::Manifest,
    ));
    let mut role = Draft::new("AWS::IAM::Role", "karpenter", Node::from_json(&json!({}), at), SourceKind::Template);
    role.aws = Some(Box::new(AwsFacts { arn: Some(Node::text(ROLE, at)), ..AwsFacts::default() }));
    builder.add(role);
    let pack = &harness().builtin;
    let judged = harness().inventory(pack, rule(pack, "create-tags-denied-at-launch"), karpenter::inventory(builder));
    judged.results.findings.first().map(|finding| finding.message.clone()).expect("nothing may be tagged")
}

#[test]
fn the_host_tells_the_rules_which_releases_there_are() {
    let said = said_of_a_later_controller(&["1.0", "1.8"]);
    assert!(said.contains("judged as 1.8, the newest release that karpcheck knows"), "{said}");
    let said = said_of_a_later_controller(&["1.0", "1.8", "1.20"]);
    assert!(!said.contains("judged as"), "{said}");
}
