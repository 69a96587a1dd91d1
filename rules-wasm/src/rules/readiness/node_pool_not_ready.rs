//! ## What it finds
//!
//! A NodePool that Karpenter does not use, or cannot fill, by its conditions, with what the reason means:
//!
//! | condition | reason | releases | what it means |
//! |---|---|---|---|
//! | `NodeClassReady` False | `NodeClassNotFound` | v1.0.0 on | its nodeClassRef names a class that does not exist |
//! | `NodeClassReady` False | `NodeClassTerminating` | v1.0.0 on | its class is being deleted, and waits for its NodeClaims
//! to go away |
//! | `NodeClassReady` False | `NodeClassReadinessUnknown` | v1.0.0 on | whether its class is ready is not known yet |
//! | `NodeClassReady` False | `UnhealthyDependents` | v1.0.0 on | its class is not ready |
//! | `NodeClassReady` False | `NodeClassNotReady` | v1.0.0 on | its class is not ready |
//! | `ValidationSucceeded` False | `NodePoolValidationFailed` | v1.0.0 on | its spec is invalid, as the message says |
//! | `NodeRegistrationHealthy` False | `RegistrationFailed` | v1.4.0 on | instances are launched and never join the cluster |
//! | `NodeRegistrationHealthy` Unknown | any | all | no node was launched since the pool or its class changed |
//! | `Ready` False | `UnhealthyDependents` | all | one of its other conditions is False |
//! | `Ready` Unknown | `ReconcilingDependents` | all | one of its other conditions is not known yet |
//! | `any` Unknown | `AwaitingReconciliation` | all | no controller has reconciled it |
//! | `ValidationSucceeded` False | `Conflict` | v1.7.0 on | another overlay of the same weight changes the same instance types |
//! | `ValidationSucceeded` False | `RuntimeValidation` | v1.7.0 on | its spec is invalid, as the message says |
//!
//! `NodeRegistrationHealthy` also takes over the reasons of a failed launch, which `node-claim-stuck` lists. A reason that is
//! not in the list is shown as it is. Where another rule found the cause (the class, a key, the nodes' role, a permission), the
//! finding stands under it.
//!
//! A NodePool whose `limits` are reached is reported as info.
//!
//! In a log of the controller: that its objects cannot be read at all, because the conversion webhook of their definition does
//! not answer.
//!
//! ## Why it matters
//!
//! Karpenter passes over a NodePool that is not ready; pods that only fit there stay pending. `NodeRegistrationHealthy` does not
//! keep it from launching: instances come, cost, and go after a quarter of an hour.
//!
//! ## How to fix it
//!
//! Each reason has its own remedy, which the finding names. Limits are raised in `spec.limits`.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: defualt}}}}
//! status:
//!   conditions:
//!     - {type: NodeClassReady, status: "False", reason: NodeClassNotFound, message: NodeClass not found on cluster}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}}}
//! status:
//!   conditions:
//!     - {type: NodeClassReady, status: "True", reason: NodeClassReady}
//! ```
//!
//! ## Sources
//!
//! - What writes the conditions: <https://github.com/kubernetes-sigs/karpenter/tree/v1.14.1/pkg/controllers/nodepool>,
//!   <https://github.com/kubernetes-sigs/karpenter/blob/v1.14.1/pkg/controllers/nodeclaim/lifecycle/liveness.go>
//! - A conversion webhook in the wrong namespace: <https://github.com/aws-samples/karpenter-blueprints/issues/17>,
//!   <https://github.com/aws/karpenter-provider-aws/issues/7276>
//! - Which of them make a pool ready: <https://github.com/kubernetes-sigs/karpenter/blob/v1.14.1/pkg/apis/v1/nodepool_status.go>

use karpcheck_sdk::prelude::*;

use crate::controllers;
use crate::logs;
use crate::readiness::reasons::Kind;
use crate::readiness::{self, Open, quantity};
use crate::spot::is_self_managed;
use crate::versions;

pub(crate) const RULE: Rule = Rule {
    title: "A NodePool is not ready, or its nodes do not come up",
    severity: Error,
    subjects: &["karpenter.sh/NodePool", LOG],
    reads: &["karpenter.k8s.aws/EC2NodeClass"],
    uses: &[controllers::READS, versions::READS],
    properties: &[(
        "follows",
        "node-class-not-ready tagging-denied node-class-role-invalid ebs-key-unusable ebs-key-denies-controller ebs-default-key-denies-controller ebs-image-key-denies-controller ebs-key-denies-spot ebs-key-without-encryption node-role-is-controllers controller-permission-missing cluster-name-shared crd-webhook-unreachable",
    )],
    check,
    ..Rule::DEFAULT
};

const LOG: &str = "Karpcheck::Log";
/// A pool is reconciled at once.
const PATIENCE: i64 = 600;

fn check(subject: Item) -> Check {
    if subject.kind() == LOG { log(subject) } else { pool(subject) }
}

/// Whether the API server can read Karpenter's objects, a log tells.
fn log(log: Item) -> Check {
    let last = logs::errors(log).filter_map(|text| Some((unconverted(&text.known_text()?)?, text))).last();
    let Some((Unconverted { what, service, answer }, at)) = last else { return pass() };
    let service = service.map(|service| format!(" (Service {service})")).unwrap_or_default();
    let message = format!(
        "Karpenter cannot read its objects of {what}: the conversion webhook of their definition{service} fails: {answer}"
    );
    fail(at, message)
        .group("conversion")
        .property("follows", "crd-webhook-unreachable")
        .remedy(
            "Let the conversion webhook of the CRDs name the Service and namespace of the controller (chart karpenter-crd: \
             webhook.serviceName, webhook.serviceNamespace), with webhook.enabled: true up to 1.0; or install the CRDs of 1.1 or \
             later, which have none.",
        )
        .related(controllers::only_controller())
        .check()
}

/// Objects that the API server cannot convert.
#[derive(PartialEq, Eq, Debug)]
struct Unconverted {
    /// `karpenter.sh/v1, Kind=NodeClaim`, or the definition's name.
    what: String,
    /// `NAMESPACE/NAME` of the webhook's Service.
    service: Option<String>,
    /// The API server's words.
    answer: String,
}

/// `conversion webhook for karpenter.sh/v1, Kind=NodeClaim failed: Post "https://NAME.NAMESPACE.svc:8443/…": ANSWER`, or
/// `custom resource "nodeclaims.karpenter.sh" isn't configured for webhook conversion`.
fn unconverted(text: &str) -> Option<Unconverted> {
    if let Some((_, rest)) = text.split_once("conversion webhook for ") {
        let (what, rest) = rest.split_once(" failed: ")?;
        let host = rest.split_once("https://").map(|(_, rest)| rest);
        let service = host.and_then(|host| {
            let (name, rest) = host.split_once('.')?;
            let (namespace, _) = rest.split_once(".svc")?;
            Some(format!("{namespace}/{name}"))
        });
        let answer = rest.split_once("\": ").map_or(rest, |(_, answer)| answer);
        return Some(Unconverted { what: what.to_owned(), service, answer: answer.trim().to_owned() });
    }
    let (before, _) = text.split_once(" isn't configured for webhook conversion")?;
    let what = before.rsplit_once("custom resource ").map(|(_, name)| name.trim_matches(['"', '\\']).to_owned())?;
    Some(Unconverted { what, service: None, answer: "it is not configured for webhook conversion".to_owned() })
}

fn pool(pool: Item) -> Check {
    if pool.field("/status").is_absent() || !is_self_managed(pool) {
        return skip();
    }
    both([conditions(pool), limits(pool)])
}

fn conditions(pool: Item) -> Check {
    if pool.field("/status/conditions").is_absent() {
        return skip();
    }
    let open = readiness::open(pool, Kind::Pool)?;
    if open.is_empty() {
        return pass();
    }
    let explained = open.iter().any(|one| !one.is_dependent() && one.name != HEALTH);
    all(open.into_iter().filter(|one| !explained || !one.is_dependent()), |one| judge(pool, &one))
}

/// The condition that does not make a pool ready or not.
const HEALTH: &str = "NodeRegistrationHealthy";

fn judge(pool: Item, open: &Open) -> Check {
    let lasts = match open.condition.status != "False" || open.is_waiting() {
        false => None,
        true => match open.lasts(PATIENCE) {
            Ok(true) => None,
            Ok(false) => return pass(),
            Err(unknown) => Some(unknown),
        },
    };
    let decided = lasts.is_none();
    let healthy = open.name != HEALTH;
    let what = if healthy { "is not ready, so nothing is launched from it" } else { "gets no working nodes" };
    let finding = open
        .finding(pool, format!("NodePool {} {what}: {}", pool.name(), open.means(pool)), lasts)
        .related(readiness::of_class(&pool.field("/spec/template/spec/nodeClassRef")));
    if healthy || !decided { finding } else { finding.severity(Warning) }.check()
}

/// A pool that has all it may have launches nothing more.
fn limits(pool: Item) -> Check {
    let limits = pool.each("/spec/limits").known();
    let reached: Vec<(String, String)> = limits
        .filter_map(|limit| {
            let name = limit.name();
            let most = limit.known_text().or_else(|| limit.number().ok().flatten().map(|number| number.to_string()))?;
            let used = pool.field("/status/resources").child(&name);
            let used = used.known_text().or_else(|| used.number().ok().flatten().map(|number| number.to_string()))?;
            (quantity(&used)? >= quantity(&most)?).then(|| (name, format!("{used} of {most}")))
        })
        .collect();
    let Some((name, used)) = reached.first() else { return skip() };
    fail(
        pool.field("/spec/limits").child(name),
        format!("NodePool {} has reached its limit of {name} ({used}): it launches nothing more", pool.name()),
    )
    .severity(Info)
    .group("limits")
    .remedy("Raise spec.limits if more nodes are wanted.")
    .check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_converted_is_told_with_the_service() {
        let told = unconverted(
            "reflector.go:232: Failed to watch *v1.NodeClaim: failed to list *v1.NodeClaim: conversion webhook for \
             karpenter.sh/v1, Kind=NodeClaim failed: Post \"https://karpenter.kube-system.svc:8443/conversion/karpenter.sh?timeout=30s\": \
             service \"karpenter\" not found",
        )
        .unwrap();
        assert_eq!(told.what, "karpenter.sh/v1, Kind=NodeClaim");
        assert_eq!(told.service.as_deref(), Some("kube-system/karpenter"));
        assert_eq!(told.answer, "service \"karpenter\" not found");
        let other = unconverted("custom resource \"nodeclaims.karpenter.sh\" isn't configured for webhook conversion");
        assert_eq!(other.unwrap().what, "nodeclaims.karpenter.sh");
        assert_eq!(unconverted("failed calling webhook \"validation.webhook.karpenter.sh\""), None);
    }
}
