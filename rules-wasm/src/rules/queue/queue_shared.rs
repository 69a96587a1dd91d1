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

use crate::clusters::{self, alone, sharing};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "Two clusters read the same interruption queue",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    karpenter: ">=0.19",
    properties: &[clusters::ACROSS],
    check,
    ..Rule::DEFAULT
};

const QUEUE: &str = "/InterruptionQueue";

fn check(controller: Item) -> Check {
    let named = controller.field(QUEUE);
    // That none is set is said by queue-not-configured, and one that was not given is no question of this rule.
    if named.is_absent() || named.value().unknown().is_some_and(Unknown::is_not_provided) || alone(controller) {
        return skip();
    }
    let Some(sharing) = sharing(controller, QUEUE)? else { return pass() };
    // One of them speaks for all.
    if !sharing.led_by(controller) {
        return skip();
    }
    let name = named.text()?.unwrap_or_default();
    let message = format!(
        "{} clusters{} read the queue {name}: each deletes the others' messages, so interruptions are missed",
        sharing.clusters(),
        sharing.called(controller),
    );
    let finding = if sharing.sure {
        fail(&named, message)
    } else {
        fail(&named, format!("{message}, unless they are in different accounts or regions"))
            .severity(Warning)
            .confidence(Confidence::Medium)
    };
    finding
        .remedy("Give each cluster a queue and EventBridge rules of its own, and set settings.interruptionQueue to that queue's name.")
        .group(name)
        .related(sharing.places(QUEUE))
        .check()
}
