//! ## What it finds
//!
//! Controllers of two clusters of one account and region that read one interruption queue. Where the account or the region of
//! one is not known, it is a warning.
//!
//! ## Why it matters
//!
//! Karpenter deletes every message that it receives, also one about an instance that is not its own. Of two controllers on
//! one queue each takes about half of the other's messages: spot interruptions pass unseen, and nodes go down with their
//! pods.
//!
//! ## How to fix it
//!
//! Give each cluster a queue of its own, with EventBridge rules that send to it, and set `settings.interruptionQueue` to its
//! name. EventBridge delivers an event to every rule's target, so both clusters get all of them.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env:
//!             - {name: CLUSTER_NAME, value: blue}
//!             - {name: INTERRUPTION_QUEUE, value: karpenter}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env:
//!             - {name: CLUSTER_NAME, value: green}
//!             - {name: INTERRUPTION_QUEUE, value: karpenter}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env:
//!             - {name: CLUSTER_NAME, value: blue}
//!             - {name: INTERRUPTION_QUEUE, value: blue}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env:
//!             - {name: CLUSTER_NAME, value: green}
//!             - {name: INTERRUPTION_QUEUE, value: green}
//! ```
//!
//! ## Sources
//!
//! - "deletes messages from the queue, also of other clusters": <https://github.com/aws/karpenter-provider-aws/pull/2834> and
//!   <https://github.com/aws/karpenter-provider-aws/issues/5536>
//! - `handleMessage` and `deleteMessage` in
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/interruption/controller.go>

use karpcheck_sdk::prelude::*;

use crate::neighbours::{alone, sharing};

pub(crate) const RULE: Rule = Rule {
    area: "queue",
    title: "Two clusters read one interruption queue",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    reads: &["Karpcheck::Cluster"],
    karpenter: ">=0.19",
    check,
    ..Rule::DEFAULT
};

const QUEUE: &str = "/InterruptionQueue";

fn check(controller: Item) -> Check {
    // That none is set is said by queue-not-configured, and one that nobody gave is no question of this rule.
    if alone(controller) || controller.get(QUEUE) == Value::Absent {
        return skip();
    }
    if matches!(controller.get(QUEUE), Value::Unknown(unknown) if unknown.cause == "not-provided") {
        return skip();
    }
    let others = sharing(controller, QUEUE)?;
    if others.is_empty() {
        return pass();
    }
    // One of them speaks for all.
    let first = select("Karpcheck::Controller")
        .given()
        .find(|item| *item == controller || others.iter().any(|(other, _)| other == item));
    if first != Some(controller) {
        return skip();
    }
    let (sure, name) = (others.iter().any(|(_, sure)| *sure), controller.text(QUEUE)?.unwrap_or_default());
    let (severity, confidence, unless) = if sure {
        (Error, Confidence::High, "")
    } else {
        (Warning, Confidence::Medium, ", unless they are of different accounts or regions")
    };
    fail(
        severity,
        QUEUE,
        format!(
            "{} clusters read the queue {name}: each deletes the others' messages, so that interruptions pass unseen{unless}",
            others.len() + 1
        ),
    )
    .confidence(confidence)
    .remedy("Give each cluster a queue and EventBridge rules of its own, and set settings.interruptionQueue to that queue's name.")
    .see(others.iter().map(|(other, _)| other.place(QUEUE, "another cluster's controller")))
    .check()
}
