//! ## What it finds
//!
//! A controller that may not tag instances that run already: with `Name` and `karpenter.sh/nodeclaim` once a node has
//! registered, and from 1.0 on with `eks:eks-cluster-name` where an instance was launched before 1.0.
//!
//! ## Why it matters
//!
//! Nodes work without the tags. But from 1.1 on Karpenter finds its instances by `eks:eks-cluster-name`: one without it is
//! never cleaned up.
//!
//! ## How to fix it
//!
//! Add the tag key to `aws:TagKeys` of the statement that lets the controller tag instances (AllowScopedResourceTagging).
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
//!           - {Effect: Allow, Action: ec2:CreateTags, Resource: "arn:aws:ec2:*:*:instance/*", Condition: {StringEquals: {aws:ResourceTag/kubernetes.io/cluster/prod: owned}, "ForAllValues:StringEquals": {aws:TagKeys: [karpenter.sh/nodeclaim, Name]}}}
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
//!           - {Effect: Allow, Action: ec2:CreateTags, Resource: "arn:aws:ec2:*:*:instance/*", Condition: {StringEquals: {aws:ResourceTag/kubernetes.io/cluster/prod: owned}, "ForAllValues:StringEquals": {aws:TagKeys: [eks:eks-cluster-name, karpenter.sh/nodeclaim, Name]}}}
//! ```
//!
//! ## Sources
//!
//! - The CloudFormation template in Karpenter's getting started guide, release by release.
//! - <https://github.com/aws/karpenter-provider-aws>: the calls.
//! - <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3134>

use crate::conditions::condition;
use crate::controllers::sure_of_role;
use crate::iam_calls::call::{Call, Tags};
use crate::iam_calls::{self, judge, releases, title, with_edits};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller is not allowed to tag running instances",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    reads: &["karpenter.sh/NodeClaim"],
    uses: &[iam_calls::READS],
    check,
    ..Rule::DEFAULT
};

/// Karpenter notes on a NodeClaim that it has tagged its instance with the cluster's name.
const TAGGED: &str = "compatibility.karpenter.k8s.aws/cluster-name-tagged";

fn on_existing(call: &Call) -> bool {
    call.action == "ec2:CreateTags" && matches!(call.sends, Tags::Names | Tags::ClusterName | Tags::Linked)
}

/// The annotations of a NodeClaim that has registered and that Karpenter could not tag with the cluster's name.
fn untagged(controller: Item) -> Option<Field> {
    let registered = |claim: &Item| condition(*claim, "Registered").is_some_and(|condition| condition.holds());
    controller
        .referring("karpenter.sh/NodeClaim")
        .filter(|claim| claim.observed() && registered(claim))
        .map(|claim| claim.field("/metadata/annotations"))
        .find(|annotations| annotations.child(TAGGED).is_absent())
}

fn check(controller: Item) -> Check {
    let outcome = judge(controller, on_existing);
    let note = releases(controller).note;
    let mut findings = vec![];
    let names = outcome.denied.iter().any(|denied| denied.call.sends == Tags::Names);
    for denied in outcome.denied.iter().filter(|denied| !names || denied.call.sends == Tags::Names) {
        let old = denied.call.sends == Tags::ClusterName;
        let proof = if old { untagged(controller) } else { None };
        let severity = if proof.is_some() { Error } else { denied.severity() };
        let (what, group) = match denied.call.sends {
            Tags::ClusterName => ("an instance from before 1.0 with eks:eks-cluster-name", "cluster-name"),
            Tags::Linked => ("an instance from before 0.28 with karpenter.sh/managed-by", "linked"),
            _ => ("a running instance", "names"),
        };
        let message = format!(
            "Controller {} is not allowed to tag {what} (ec2:CreateTags): {}; {}{note}",
            title(controller),
            denied.decision.why,
            denied.breaks()
        );
        let finding = fail("/Role", message)
            .severity(severity)
            .confidence(sure_of_role(controller))
            .remedy("Add the tag key to aws:TagKeys of the statement that lets the controller tag its instances.")
            .related(denied.decision.statements.clone())
            .related(proof.map(|annotations| annotations.place("registered, and without the cluster's name")))
            .property("actions", denied.call.action)
            .group(group);
        findings.push(with_edits(finding, &[denied]));
    }
    outcome.verdict(controller, findings)
}
