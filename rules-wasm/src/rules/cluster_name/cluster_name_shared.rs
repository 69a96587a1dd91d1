//! ## What it finds
//!
//! Two clusters of one account and region whose Karpenter controllers have the same cluster name. Where the account or the
//! region of one is not known, it is a warning.
//!
//! Controllers of files are certainly two clusters where they differ in their endpoint, or where both were dumped and have
//! different uids; where nothing shows whether one cluster is described twice, it is not decided. Two contexts that ask one API
//! server are one cluster.
//!
//! ## Why it matters
//!
//! Karpenter knows its instances by tags with the cluster's name. Every two minutes it terminates the instances of that name
//! for which its own cluster has no NodeClaim: so each of the two controllers terminates the other's nodes, and deletes the
//! other's launch templates, as long as both run.
//!
//! ## How to fix it
//!
//! Scale one of the controllers down first. Then set `settings.clusterName` in each cluster to its name in EKS.
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
//!             - {name: CLUSTER_NAME, value: prod}
//!             - {name: CLUSTER_ENDPOINT, value: "https://0A1B.gr7.eu-west-1.eks.amazonaws.com"}
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
//!             - {name: CLUSTER_NAME, value: prod}
//!             - {name: CLUSTER_ENDPOINT, value: "https://2C3D.gr7.eu-west-1.eks.amazonaws.com"}
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
//!             - {name: CLUSTER_NAME, value: prod}
//!             - {name: CLUSTER_ENDPOINT, value: "https://0A1B.gr7.eu-west-1.eks.amazonaws.com"}
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
//!             - {name: CLUSTER_NAME, value: prod}
//!             - {name: CLUSTER_ENDPOINT, value: "https://2C3D.gr7.us-east-1.eks.amazonaws.com"}
//! ```
//!
//! ## Sources
//!
//! - What happens: <https://github.com/aws/karpenter-provider-aws/issues/7356>
//! - What is terminated:
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/nodeclaim/garbagecollection/controller.go>
//! - By which tags: `List` in
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/providers/instance/instance.go>

use crate::clusters::{self, alone, sharing};
use crate::controllers;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "Two clusters in one account and region have the same cluster name",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    properties: &[("follows", "cluster-name-mismatch"), clusters::ACROSS],
    check,
    ..Rule::DEFAULT
};

const NAME: &str = "/ClusterName";

fn check(controller: Item) -> Check {
    let named = controller.field(NAME);
    // A name that was not given is said by cluster-name-empty.
    if named.value().unknown().is_some_and(Unknown::is_not_provided) || alone(controller) {
        return skip();
    }
    let Some(sharing) = sharing(controller, NAME)? else { return pass() };
    // One of them speaks for all.
    if !sharing.led_by(controller) {
        return skip();
    }
    let name = named.text()?.unwrap_or_default();
    let message = format!(
        "{} clusters are called {name}{}: each controller terminates the others' nodes",
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
        .remedy(format!(
            "Scale all but one of the controllers down, then set {} in each cluster to its name in EKS.",
            controllers::cluster_name_setting(controller)
        ))
        .group(name)
        .related(sharing.places(NAME))
        .check()
}
