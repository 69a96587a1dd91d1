//! ## What it finds
//!
//! A controller that may not tag what it creates: fleets, instances, volumes, network interfaces, launch templates, and from
//! 0.33 on spot requests. It is simulated for the running release and for each EC2NodeClass with its own tags.
//!
//! ## Why it matters
//!
//! Karpenter creates everything with tags. Where AWS refuses the tags it refuses the launch, and Pods stay pending.
//!
//! ## How to fix it
//!
//! Add the missing kind of resource or the missing tag to the statement that lets it tag, as Karpenter's template of this
//! release has it.
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
//!           - {Effect: Allow, Action: ec2:CreateTags, Resource: ["arn:aws:ec2:*:*:fleet/*", "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:volume/*", "arn:aws:ec2:*:*:launch-template/*"], Condition: {StringEquals: {aws:RequestTag/kubernetes.io/cluster/prod: owned, aws:RequestTag/eks:eks-cluster-name: prod}}}
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

use crate::controllers::sure_of_role;
use crate::iam_calls::{self, at_launch, judge, releases, title, with_edits};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller is not allowed to tag what it launches",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    uses: &[iam_calls::READS],
    check,
    ..Rule::DEFAULT
};

fn check(controller: Item) -> Check {
    let outcome = judge(controller, at_launch);
    let note = releases(controller).note;
    let findings = outcome.denied.iter().map(|denied| {
        let kinds: Vec<&str> = denied.kinds.iter().map(String::as_str).collect();
        let message = format!(
            "Controller {} is not allowed to use ec2:CreateTags on a new {}: {}; {}{note}",
            title(controller),
            listed(&kinds),
            denied.decision.why,
            denied.breaks()
        );
        let finding = fail("/Role", message)
            .severity(denied.severity())
            .confidence(sure_of_role(controller))
            .remedy(format!("Allow the controller's role to use ec2:CreateTags on {} at creation.", listed(&kinds)))
            .related(denied.decision.statements.clone())
            .property("actions", denied.call.action)
            .group(kinds.join(" "));
        with_edits(finding, &[denied])
    });
    outcome.verdict(controller, findings.collect())
}
