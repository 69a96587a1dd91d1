//! ## What it finds
//!
//! A controller's policy that lets it terminate instances or delete launch templates of other clusters. Each is tried with a
//! request that should be denied, so that a condition which holds nothing back does not count.
//!
//! ## Why it matters
//!
//! A controller with a wrong cluster name takes the nodes of the other cluster for its own leftovers and terminates them. The
//! policy is the second fence. Nothing fails while it is missing, so it is a warning: up to 0.28 Karpenter's own template had
//! none.
//!
//! ## How to fix it
//!
//! Tie both actions to the tag `kubernetes.io/cluster/NAME` of this cluster, as Karpenter's template does.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   KarpenterControllerPolicy:
//!     Type: AWS::IAM::ManagedPolicy
//!     Properties:
//!       ManagedPolicyName: KarpenterControllerPolicy-prod
//!       PolicyDocument:
//!         Version: "2012-10-17"
//!         Statement:
//!           - {Effect: Allow, Action: [ec2:CreateFleet, ec2:RunInstances, ec2:CreateLaunchTemplate], Resource: "*"}
//!           - {Effect: Allow, Action: ec2:TerminateInstances, Resource: "*"}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! Resources:
//!   KarpenterControllerPolicy:
//!     Type: AWS::IAM::ManagedPolicy
//!     Properties:
//!       ManagedPolicyName: KarpenterControllerPolicy-prod
//!       PolicyDocument:
//!         Version: "2012-10-17"
//!         Statement:
//!           - {Effect: Allow, Action: [ec2:CreateFleet, ec2:RunInstances, ec2:CreateLaunchTemplate], Resource: "*"}
//!           - {Effect: Allow, Action: ec2:TerminateInstances, Resource: "*", Condition: {StringEquals: {aws:ResourceTag/kubernetes.io/cluster/prod: owned}}}
//! ```
//!
//! ## Sources
//!
//! - The CloudFormation template in Karpenter's getting started guide, release by release.
//! - <https://github.com/aws/karpenter-provider-aws>: the calls.
//! - <https://github.com/aws/karpenter-provider-aws/issues/7356>

use crate::iam_calls::call::Tags;
use crate::policy_scope::{self, POLICIES, Probe, Reach, called, holders, reach, widest};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller is allowed to terminate instances of other clusters",
    severity: Warning,
    subjects: POLICIES,
    reads_if_allowed: &["karpenter.k8s.aws/EC2NodeClass"],
    uses: &[policy_scope::READS],
    check,
    ..Rule::DEFAULT
};

const TERMINATE: &str = "ec2:TerminateInstances";

const fn probe(instance: bool, what: &'static str, foreign: bool, shared: bool) -> Probe {
    let (action, on) = if instance {
        (TERMINATE, "arn::ec2:::instance/i-{id}")
    } else {
        ("ec2:DeleteLaunchTemplate", "arn::ec2:::launch-template/lt-{id}")
    };
    Probe { action, on, what, foreign, sends: Tags::None, shared }
}

const PROBES: &[Probe] = &[
    probe(true, "terminate another cluster's instances", true, false),
    probe(true, "terminate any instance", false, false),
    probe(true, "terminate instances of clusters that share a tag", true, true),
    probe(false, "delete another cluster's launch templates", true, false),
];

fn check(policy: Item) -> Check {
    let Some(holders) = holders(policy) else { return skip() };
    let (mut what, mut open, mut by) = (vec![], None, None);
    for probe in PROBES {
        if probe.shared && by.is_some() {
            continue;
        }
        match reach(policy, &holders, probe) {
            Reach::Denied => {}
            Reach::Unknown(unknown) => {
                open.get_or_insert(unknown);
            }
            Reach::Allowed(decision) => {
                what.push(probe.what);
                by.get_or_insert(decision);
            }
        }
    }
    let Some(decision) = by else { return open.map_or_else(pass, Err) };
    let what = listed(&widest(what));
    let message = format!("{} lets the controller {what}: {}", called(policy), decision.why);
    let finding = policy_scope::finding(policy, &decision, message)
        .remedy("Allow it only where aws:ResourceTag/kubernetes.io/cluster/NAME of this cluster is owned.")
        .group(what);
    finding.check()
}
