//! Every reason that a release of Karpenter writes into a condition, in a cluster that runs that release.

use std::fs;

use kubectl_karpcheck::findings::finding::{Finding, Outcome, Severity};
use serde_json::{Value as Json, json};

use super::harness::root;
use super::live::Cluster;

/// What a variable of the source stands for, by an example.
const VARIABLES: &[(&str, &str)] = &[
    ("<entry.reason>", "RunInstancesAuthCheckFailed"),
    ("<failureReason>", "CreateFleetAuthCheckFailed"),
    ("<val.(string)>", "CreateLaunchTemplateAuthCheckFailed"),
    ("<string(cmd.Reason())>", "Underutilized"),
    ("<string(m.Reason())>", "Empty"),
    ("<string(driftedReason)>", "AMIDrift"),
    ("<createError.ConditionReason>", "VCPULimitExceeded"),
    ("<launchCondition.Reason>", "Unauthorized"),
    ("<ready.Reason>", "UnhealthyDependents"),
];
/// Reasons that are no fault: of conditions that are so as a matter of course.
const NORMAL: &[&str] =
    &["DryRunDisabled", "Underutilized", "Empty", "DisruptionReason", "AMIDrift", "TerminationGracePeriodElapsed"];

/// A rule, a kind and what it says of a condition that was written two hours before it was read.
fn findings(place: &str, version: &str, mut conditions: Vec<Json>) -> Option<Vec<Finding>> {
    let (rule, kind) = if place.contains("/nodeclass/") {
        ("node-class-not-ready", "karpenter.k8s.aws/EC2NodeClass")
    } else if place.contains("/nodepool/") || place.contains("/liveness.go") {
        ("node-pool-not-ready", "karpenter.sh/NodePool")
    } else if place.contains("/nodeoverlay/") {
        return None;
    } else {
        ("node-claim-stuck", "karpenter.sh/NodeClaim")
    };
    for condition in &mut conditions {
        condition["lastTransitionTime"] = "2026-03-02T09:21:15Z".into();
    }
    let mut cluster = Cluster::that_refuses(&[]);
    cluster.image = format!("public.ecr.aws/karpenter/controller:{version}");
    cluster.read_at = Some("2026-03-02T11:21:15Z".into());
    let cluster = cluster.with_controller(&json!([{"name": "CLUSTER_NAME", "value": "demo"}]));
    let body = json!({"spec": {}, "status": {"conditions": conditions}});
    Some(cluster.with(kind, "", "default", body).findings(rule))
}

/// `1.0.0` of `v1.0.0 on`, `1.3.4` of `v0.37.0 to v1.3.4; …`: the last release of the first range.
fn a_release(releases: &str) -> String {
    let first = releases.split(';').next().unwrap().trim();
    first.split(" to ").last().unwrap().trim_end_matches(" on").trim_start_matches('v').to_owned()
}

#[test]
fn every_reason_of_every_release_is_explained_where_it_is_written() {
    let mut judged = 0;
    for list in ["karpenter-reasons-aws.tsv", "karpenter-reasons-core.tsv"] {
        let text = fs::read_to_string(root().join("tests/fixtures/karpenter/reasons").join(list)).unwrap();
        for line in text.lines().skip(1) {
            let [condition, status, reason, releases, place] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let reason = VARIABLES.iter().find(|(name, _)| *name == reason).map_or(reason, |(_, value)| value);
            let condition = if condition == "ConditionReady" { "Ready" } else { condition };
            let version = a_release(releases);
            let message = "what the controller adds";
            let told = json!({"type": condition, "status": status, "reason": reason, "message": message});
            let Some(found) = findings(place, &version, vec![told]) else { continue };
            judged += 1;
            if NORMAL.contains(&reason) {
                assert_eq!(found, [], "{line}");
                continue;
            }
            let [finding] = &found[..] else { panic!("{line}: {found:?}") };
            assert_eq!(finding.outcome, Outcome::Fail, "{line}");
            let said = &finding.message;
            assert!(said.contains(&format!("({condition} is {status}: {reason}: {message})")), "{line}: {said}");
            assert!(!said.contains("does not write this reason"), "{line}: {said}");
            assert!(!finding.remediation.contains("does not know"), "{line}: {}", finding.remediation);
        }
    }
    assert_eq!(judged, 15 + 36);
}

#[test]
fn a_reason_that_is_not_known_is_shown_as_it_is() {
    let told =
        json!({"type": "Launched", "status": "Unknown", "reason": "MoonPhase", "message": "wait for the full moon"});
    let found = findings("/nodeclaim/", "1.14.1", vec![told]).unwrap();
    assert_eq!(found.len(), 1);
    assert!(
        found[0].message.contains("Launched is Unknown: MoonPhase: wait for the full moon"),
        "{}",
        found[0].message
    );
    assert_eq!(found[0].severity, Severity::Warning);
}

#[test]
fn what_is_usual_for_some_minutes_is_no_fault_before() {
    let mut cluster = Cluster::that_refuses(&[]);
    cluster.read_at = Some("2026-03-02T09:24:00Z".into());
    let told = |name: &str, status: &str, reason: &str| json!({"type": name, "status": status, "reason": reason, "lastTransitionTime": "2026-03-02T09:21:15Z"});
    let conditions = [told("Launched", "True", "Launched"), told("Registered", "Unknown", "NodeNotFound")];
    let claim = json!({"spec": {}, "status": {"conditions": conditions}});
    assert_eq!(cluster.with("karpenter.sh/NodeClaim", "", "default-a", claim).findings("node-claim-stuck"), []);
}
