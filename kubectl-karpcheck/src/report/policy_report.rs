//! Reports as objects of a cluster: `wgpolicyk8s.io/v1alpha2` and `openreports.io/v1alpha1`, whose fields are the same.

use serde_json::{Value, json};

use crate::findings::finding::{Finding, Outcome, Severity};
use crate::inventory::{Origin, Problem};
use crate::report::Run;

/// Findings that one object holds, the worst first: with some two kilobytes each it stays below etcd's limit of 1.5 MB.
const MOST: usize = 500;
/// What dashboards show as the engine that found it.
const SOURCE: &str = "karpcheck";

/// The report on one cluster of a run, without `apiVersion` and `kind`, which depend on what the cluster serves.
#[derive(Clone, PartialEq, Debug)]
pub struct PolicyReport {
    /// The kubeconfig context.
    pub context: String,
    /// `summary` and `results`, and in `metadata` what is left out.
    pub body: Value,
}

/// One report for each cluster that was asked in this run: a snapshot's is somewhere else, and may be of another cluster than what a
/// context of its name leads to.
pub(super) fn of_clusters(run: &Run<'_>) -> Vec<PolicyReport> {
    let asked = run.inventory.clusters().iter().filter(|cluster| !cluster.recorded);
    let contexts = asked.map(|cluster| &*cluster.context);
    contexts.map(|context| PolicyReport { context: context.to_owned(), body: body(run, context) }).collect()
}

fn body(run: &Run<'_>, context: &str) -> Value {
    let scopes: Vec<&str> = run
        .inventory
        .scopes()
        .iter()
        .filter(|scope| scope.clusters().iter().any(|cluster| !cluster.recorded && &*cluster.context == context))
        .map(crate::inventory::Scope::name)
        .collect();
    let own = |finding: &&Finding| finding.scopes.iter().any(|scope| scopes.contains(&scope.as_str()));
    let mut findings: Vec<&Finding> = run.results.findings.iter().filter(own).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse((finding.outcome, finding.severity)));
    let count = |result: &str| findings.iter().filter(|finding| result_of(finding) == result).count();
    let passed: u32 = run
        .results
        .passed
        .iter()
        .filter(|((scope, _), _)| scopes.contains(&scope.as_str()))
        .map(|(_, passed)| *passed)
        .sum();
    let unread = unread(run, context);
    // What could not be read stands first, and takes the place of findings.
    let left = (unread.len() + findings.len()).saturating_sub(MOST);
    let mut body = json!({
        "summary": {
            "pass": passed, "fail": count("fail"), "warn": count("warn"), "error": count("error") + unread.len(), "skip": count("skip"),
        },
        "results": unread
            .into_iter()
            .chain(findings.iter().map(|finding| result(run, finding)))
            .take(MOST)
            .collect::<Vec<_>>(),
    });
    if left > 0 {
        body["metadata"] = json!({ "annotations": { "karpcheck.io/findings-left-out": left.to_string() } });
    }
    body
}

/// What of a cluster could not be read: without it a report that has nothing to tell looks like a cluster that has nothing wrong.
fn unread(run: &Run<'_>, context: &str) -> Vec<Value> {
    let is_of = |problem: &&Problem| match problem.at.map(|at| &run.inventory.document(at.doc).origin) {
        Some(Origin::Live(live)) => &*live.context == context,
        _ => &*problem.context == context || run.inventory.clusters().len() == 1,
    };
    let incomplete = run.inventory.problems().iter().filter(|problem| problem.is_incomplete());
    incomplete
        .filter(is_of)
        .map(|problem| {
            json!({
                "source": SOURCE,
                "policy": problem.code(),
                "category": "not-read",
                "severity": if problem.is_fatal() { "high" } else { "medium" },
                "result": "error",
                "scored": false,
                "message": problem.to_string(),
                "timestamp": { "seconds": seconds(&run.at), "nanos": 0 },
            })
        })
        .collect()
}

/// An error fails, a warning warns, what evidence was refused for could not be evaluated, and what nobody provided was skipped.
const fn result_of(finding: &Finding) -> &'static str {
    match (finding.outcome, finding.severity) {
        (Outcome::Fail, Severity::Error) => "fail",
        (Outcome::Fail, _) => "warn",
        (Outcome::Unknown, Severity::Info) => "skip",
        (Outcome::Unknown, _) => "error",
    }
}

fn result(run: &Run<'_>, finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Error => "high",
        Severity::Warning => "medium",
        Severity::Info => "low",
    };
    let mut properties = json!({
        "confidence": finding.confidence.as_str(),
        "fingerprint": finding.fingerprint,
    });
    for (name, text) in [("pointer", &finding.pointer), ("remediation", &finding.remediation)] {
        if !text.is_empty() {
            properties[name] = json!(text);
        }
    }
    let mut resources = vec![];
    if let Some(item) = run.inventory.item(finding.subject) {
        match &run.inventory.document(item.doc()).origin {
            Origin::Live(live) if !live.name.is_empty() => {
                let mut resource =
                    json!({ "apiVersion": &*live.api_version, "kind": &*live.kind, "name": &*live.name });
                if !live.namespace.is_empty() {
                    resource["namespace"] = json!(&*live.namespace);
                }
                resources.push(resource);
            }
            _ => {
                properties["subject"] = json!(format!("{} {}", item.kind, item.name));
            }
        }
    }
    let mut result = json!({
        "source": SOURCE,
        "policy": finding.rule,
        "category": finding.area,
        "severity": severity,
        "result": result_of(finding),
        "scored": finding.outcome == Outcome::Fail,
        "message": finding.sentence(),
        "properties": properties,
        "timestamp": { "seconds": seconds(&run.at), "nanos": 0 },
    });
    if !resources.is_empty() {
        result["resources"] = json!(resources);
    }
    result
}

fn seconds(at: &str) -> i64 {
    at.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second).unwrap_or_default()
}
