//! ## What it finds
//!
//! A Karpenter controller without an interruption queue.
//!
//! ## Why it matters
//!
//! Interruption handling is off by default. Without it Karpenter does not know of spot interruptions, scheduled maintenance
//! or instances that stop: nodes vanish, and their pods are moved when Kubernetes notices. Where a NodePool admits spot
//! (one that does not speak of the capacity type does), that happens with two minutes' warning that nobody reads.
//!
//! ## How to fix it
//!
//! Create the queue and the EventBridge rules (Karpenter's CloudFormation template has both) and set
//! `settings.interruptionQueue` to the queue's name; or allow on-demand capacity only.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: helm.toolkit.fluxcd.io/v2
//! kind: HelmRelease
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   chart: {spec: {chart: karpenter, version: 1.8.7, sourceRef: {kind: HelmRepository, name: karpenter}}}
//!   values:
//!     settings: {clusterName: prod, interruptionQueue: ""}
//! ---
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default}
//! spec:
//!   template:
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//!       requirements:
//!         - {key: karpenter.sh/capacity-type, operator: In, values: [spot]}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! settings:
//!   clusterName: prod
//!   interruptionQueue: prod
//! controller:
//!   image: {repository: public.ecr.aws/karpenter/controller, tag: 1.8.7}
//! ```
//!
//! ## Sources
//!
//! - charts/karpenter/values.yaml of <https://github.com/aws/karpenter-provider-aws>: "interruption handling is disabled if not specified".
//! - pkg/scheduling/requirements.go of <https://github.com/kubernetes-sigs/karpenter>: what is not required admits everything.

use crate::spot::{self, Spot};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "Karpenter has no interruption queue",
    severity: Warning,
    subjects: &["Karpcheck::Controller"],
    uses: &[spot::READS],
    karpenter: ">=0.19",
    check,
    ..Rule::DEFAULT
};

fn check(controller: Item) -> Check {
    match controller.get("/InterruptionQueue") {
        Value::Unknown(unknown) if unknown.is_symbolic() => return pass(),
        // It was not given, and silence is no setting.
        Value::Unknown(unknown) if unknown.is_not_provided() => return skip(),
        Value::Unknown(unknown) => return Err(unknown),
        Value::Text(text) if !text.is_empty() => return pass(),
        _ => {}
    }
    // The queue was meant to be set: queue-setting-ignored says so.
    for meant in ["/Settings/interruptionQueueName", "/Settings/aws/interruptionQueueName"] {
        if !controller.matches(meant, "?*").is_no() {
            return skip();
        }
    }
    let written = controller.field("/Settings/interruptionQueue");
    let at = if written.is_absent() { controller.field("") } else { written };
    let name = controller.name();
    let finding = match spot::spot(controller) {
        Spot::Admitted(pool) => fail(
            at,
            format!(
                "Controller {name} has no interruption queue while {} admits spot: spot nodes are taken away without being drained",
                pool.name()
            ),
        )
        .related([pool.place("", "admits spot")]),
        _ => fail(
            at,
            format!(
                "Controller {name} has no interruption queue: it learns about maintenance and stopped instances only \
                 when the nodes are gone"
            ),
        )
        .severity(Info),
    };
    finding
        .group("no-queue")
        .remedy("Create the queue and its EventBridge rules, and set settings.interruptionQueue to the queue's name.")
        .check()
}
