//! ## What it finds
//!
//! Objects of Karpenter in a version of its API that the running controller no longer serves: Provisioner, Machine and
//! AWSNodeTemplate from 0.33 on, `v1beta1` of NodePool, NodeClaim and EC2NodeClass from 1.1 on.
//!
//! ## Why it matters
//!
//! The controller does not see such objects. A Provisioner that is still there scales nothing; a `v1beta1` manifest is
//! refused by the API server once the CRDs of 1.1 are installed ("no matches for kind"), so the next deployment from Git
//! fails, and with it every later change.
//!
//! ## How to fix it
//!
//! Rewrite the objects in `v1` before the controller is upgraded: 1.0 serves `v1beta1` and `v1` side by side and converts
//! what is stored. From `v1alpha5`, go through 0.32, which serves `v1alpha5` and `v1beta1`.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: karpenter
//!   namespace: kube-system
//!   labels: {app.kubernetes.io/name: karpenter}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata:
//!       labels: {app.kubernetes.io/name: karpenter}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.1.0
//!           env:
//!             - {name: CLUSTER_NAME, value: demo}
//!             - {name: INTERRUPTION_QUEUE, value: demo}
//! ---
//! apiVersion: karpenter.sh/v1beta1
//! kind: NodePool
//! metadata:
//!   name: default
//! spec:
//!   template:
//!     spec:
//!       nodeClassRef: {apiVersion: karpenter.k8s.aws/v1beta1, kind: EC2NodeClass, name: default}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: karpenter
//!   namespace: kube-system
//!   labels: {app.kubernetes.io/name: karpenter}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata:
//!       labels: {app.kubernetes.io/name: karpenter}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.1.0
//!           env:
//!             - {name: CLUSTER_NAME, value: demo}
//!             - {name: INTERRUPTION_QUEUE, value: demo}
//! ---
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata:
//!   name: default
//! spec:
//!   template:
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//! ```
//!
//! ## Sources
//!
//! - Karpenter, upgrade guide (0.33 and 1.1): <https://karpenter.sh/docs/upgrading/upgrade-guide/>
//! - Karpenter, migrating to v1: <https://karpenter.sh/v1.0/upgrading/v1-migration/>

use karpcheck_sdk::prelude::*;

use crate::versions::{self, Minor, minor};

pub(crate) const RULE: Rule = Rule {
    title: "An object has an API version that the controller no longer serves",
    severity: Error,
    subjects: &[
        "karpenter.sh/Provisioner",
        "karpenter.sh/Machine",
        "karpenter.sh/NodePool",
        "karpenter.sh/NodeClaim",
        "karpenter.k8s.aws/AWSNodeTemplate",
        "karpenter.k8s.aws/EC2NodeClass",
    ],
    reads: &["Karpcheck::Controller"],
    check,
    ..Rule::DEFAULT
};

fn check(object: Item) -> Check {
    let written = object.field("/apiVersion");
    let api_version = written.text()?.unwrap_or_default();
    let Some(removed) = removed_in(&object.kind(), &api_version) else { return pass() };
    let (major, minor_of) = removed;
    let served = api_version.rsplit('/').next().unwrap_or_default();
    let gone = format!("Karpenter does not serve {served} from {major}.{minor_of} on");
    let controllers = object.related("@controller");
    if controllers.is_empty() {
        return unknown(versions::not_known(format!(
            "{gone}, and which version runs is not known (--karpenter-version states it)"
        )));
    }
    all(controllers, |link| {
        let Some(controller) = link.item()? else { return skip() };
        let version = controller.field("/Version");
        let running = version.text().map_err(|open| {
            let why = format!("{gone}, and {}", open.why);
            open.reworded(why)
        })?;
        let Some(running) = running else {
            return unknown(versions::not_known(format!("{gone}, and which version runs is not known")));
        };
        let Some(release) = minor(&running) else {
            return unknown(format!("{running} is no version of Karpenter"));
        };
        if release < removed {
            return pass();
        }
        let noun = object.noun();
        fail(
            &written,
            format!(
                "{noun} {} is {api_version}, which Karpenter {running} does not serve (removed in {major}.{minor_of}): the \
                 controller does not see it",
                object.name()
            ),
        )
        .remedy(remedy(&noun))
        .group(format!("{noun} {served}"))
        .related([version.place("the controller's version")])
        .check()
    })
}

/// The first version, as major and minor, that does not serve it.
fn removed_in(kind: &str, api_version: &str) -> Option<Minor> {
    match kind.rsplit('/').next()? {
        "Provisioner" | "Machine" | "AWSNodeTemplate" => Some((0, 33)),
        _ => api_version.ends_with("/v1beta1").then_some((1, 1)),
    }
}

fn remedy(noun: &str) -> String {
    let (new, hint) = match noun {
        "Provisioner" => ("a NodePool", ""),
        "Machine" => ("a NodeClaim", ", which Karpenter makes by itself"),
        "AWSNodeTemplate" => ("an EC2NodeClass", ""),
        _ => return "Rewrite it in v1, as the guide \"Migrating to v1\" describes.".into(),
    };
    format!("Replace it by {new} in v1{hint}, and delete it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_served_is_left_alone() {
        assert_eq!(removed_in("karpenter.sh/NodePool", "karpenter.sh/v1"), None);
        assert_eq!(removed_in("karpenter.sh/NodePool", "karpenter.sh/v1beta1"), Some((1, 1)));
        assert_eq!(removed_in("karpenter.k8s.aws/AWSNodeTemplate", "karpenter.k8s.aws/v1alpha1"), Some((0, 33)));
    }
}
