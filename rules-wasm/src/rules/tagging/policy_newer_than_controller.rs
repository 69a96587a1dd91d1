//! ## What it finds
//!
//! A controller whose policies are made for a newer release: they want tags on everything that is launched that this
//! controller does not send.
//!
//! ## Why it matters
//!
//! From 1.0 on the template wants `aws:RequestTag/eks:eks-cluster-name`. An older controller never sends it, so that nothing
//! is launched.
//!
//! ## How to fix it
//!
//! Upgrade the controller, or give its role the policy of its own release's template as well.
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
//!           image: public.ecr.aws/karpenter/controller:0.37.8
//!           env:
//!             - {name: CLUSTER_NAME, value: prod}
//!             - {name: CLUSTER_ENDPOINT, value: "https://example.gr7.eu-west-1.eks.amazonaws.com"}
//!             - {name: INTERRUPTION_QUEUE, value: prod}
//! ---
//! Resources:
//!   KarpenterControllerPolicy:
//!     Type: AWS::IAM::ManagedPolicy
//!     Properties:
//!       ManagedPolicyName: KarpenterControllerPolicy-prod
//!       PolicyDocument:
//!         Version: "2012-10-17"
//!         Statement:
//!           - {Effect: Allow, Action: [ec2:CreateFleet, ec2:RunInstances, ec2:CreateLaunchTemplate], Resource: "*"}
//!           - {Effect: Allow, Action: ec2:CreateTags, Resource: ["arn:aws:ec2:*:*:fleet/*", "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:volume/*", "arn:aws:ec2:*:*:network-interface/*", "arn:aws:ec2:*:*:launch-template/*", "arn:aws:ec2:*:*:spot-instances-request/*"], Condition: {StringEquals: {aws:RequestTag/kubernetes.io/cluster/prod: owned, aws:RequestTag/eks:eks-cluster-name: prod}}}
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
//!             - {name: CLUSTER_ENDPOINT, value: "https://example.gr7.eu-west-1.eks.amazonaws.com"}
//!             - {name: INTERRUPTION_QUEUE, value: prod}
//! ---
//! Resources:
//!   KarpenterControllerPolicy:
//!     Type: AWS::IAM::ManagedPolicy
//!     Properties:
//!       ManagedPolicyName: KarpenterControllerPolicy-prod
//!       PolicyDocument:
//!         Version: "2012-10-17"
//!         Statement:
//!           - {Effect: Allow, Action: [ec2:CreateFleet, ec2:RunInstances, ec2:CreateLaunchTemplate], Resource: "*"}
//!           - {Effect: Allow, Action: ec2:CreateTags, Resource: ["arn:aws:ec2:*:*:fleet/*", "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:volume/*", "arn:aws:ec2:*:*:network-interface/*", "arn:aws:ec2:*:*:launch-template/*", "arn:aws:ec2:*:*:spot-instances-request/*"], Condition: {StringEquals: {aws:RequestTag/kubernetes.io/cluster/prod: owned, aws:RequestTag/eks:eks-cluster-name: prod}}}
//! ```
//!
//! ## Sources
//!
//! - The CloudFormation template in Karpenter's getting started guide, release by release.
//! - <https://github.com/aws/karpenter-provider-aws>: the calls.
//! - <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3152>

use crate::controllers::sure_of_role;
use crate::iam_calls::{self, Actor, every_call, newer_for, releases, title};
use crate::versions;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller's policy was written for a newer release",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    uses: &[iam_calls::READS],
    check,
    ..Rule::DEFAULT
};

fn check(controller: Item) -> Check {
    let releases = releases(controller);
    let version = controller.field("/Version");
    if !releases.known {
        return match version.value() {
            Value::Unknown(unknown) => Err(unknown.clone()),
            _ => unknown(versions::not_known("the controller's version is not known: --karpenter-version states it")),
        };
    }
    let Some(actor) = releases.all.first().and_then(|release| Actor::all(controller, *release).into_iter().next())
    else {
        return skip();
    };
    let Some((call, on)) = every_call().next() else { return skip() };
    let decision = actor.ask(call, on);
    if decision.access == Access::Unknown {
        return unknown(decision.unknown);
    }
    let Some((major, minor, _)) = newer_for(&actor) else { return pass() };
    fail(
        version,
        format!(
            "the policy of controller {} was written for Karpenter {major}.{minor} or later, and does not allow it to \
             tag what it launches: {}; no node is launched",
            title(controller),
            decision.why
        ),
    )
    .confidence(sure_of_role(controller))
    .remedy(format!("Upgrade the controller to {major}.{minor} or later, or use the policy of its own release."))
    .group(format!("{major}.{minor}"))
    .related(decision.statements)
    .check()
}
