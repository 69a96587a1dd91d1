//! ## What it finds
//!
//! A controller's policy that lets it tag what is not its own: instances without tags, instances of another cluster, or any
//! other resource. Each is tried with a request that should be denied.
//!
//! ## Why it matters
//!
//! Who may tag any instance may give it this cluster's tags, and then terminate it: tags are what fences the rest of the policy.
//!
//! ## How to fix it
//!
//! Tie ec2:CreateTags to `ec2:CreateAction` at creation, and to the instance's own cluster tag afterwards, as Karpenter's
//! template does.
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
//!           - {Effect: Allow, Action: ec2:CreateTags, Resource: "*"}
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
//!           - {Effect: Allow, Action: ec2:CreateTags, Resource: ["arn:aws:ec2:*:*:fleet/*", "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:volume/*", "arn:aws:ec2:*:*:network-interface/*", "arn:aws:ec2:*:*:launch-template/*", "arn:aws:ec2:*:*:spot-instances-request/*"], Condition: {StringEquals: {aws:RequestTag/kubernetes.io/cluster/prod: owned, aws:RequestTag/eks:eks-cluster-name: prod, ec2:CreateAction: [RunInstances, CreateFleet, CreateLaunchTemplate]}}}
//! ```
//!
//! ## Sources
//!
//! - The CloudFormation template in Karpenter's getting started guide, release by release.
//! - <https://github.com/aws/karpenter-provider-aws>: the calls.
//! - Threat model of Karpenter: <https://karpenter.sh/docs/reference/threat-model/>.

use crate::iam_calls::call::Tags;
use crate::policy_scope::{self, POLICIES, Probe, Reach, called, holders, reach, widest};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller is allowed to tag resources that are not its own",
    severity: Warning,
    subjects: POLICIES,
    reads_if_allowed: &["karpenter.k8s.aws/EC2NodeClass"],
    uses: &[policy_scope::READS],
    check,
    ..Rule::DEFAULT
};

const fn probe(on: &'static str, what: &'static str, foreign: bool, sends: Tags) -> Probe {
    Probe { action: "ec2:CreateTags", on, what, foreign, sends, shared: false }
}

const PROBES: &[Probe] = &[
    probe("arn::ec2:::instance/i-{id}", "any instance", false, Tags::Launch),
    probe("arn::ec2:::instance/i-{id}", "any instance", false, Tags::Names),
    probe("arn::ec2:::instance/i-{id}", "another cluster's instances", true, Tags::Launch),
    probe("arn::ec2:::instance/i-{id}", "another cluster's instances", true, Tags::Names),
    probe("arn::ec2:::volume/vol-{id}", "any volume", false, Tags::Launch),
    probe("arn::ec2:::vpc/vpc-{id}", "any VPC", false, Tags::Launch),
    probe("arn::ec2:::vpc/vpc-{id}", "any VPC", false, Tags::Names),
];

fn check(policy: Item) -> Check {
    let Some(holders) = holders(policy) else { return skip() };
    let (mut what, mut open, mut by) = (vec![], None, None);
    for probe in PROBES {
        match reach(policy, &holders, probe) {
            Reach::Denied => {}
            Reach::Unknown(unknown) => {
                open.get_or_insert(unknown);
            }
            Reach::Allowed(decision) => {
                if !what.contains(&probe.what) {
                    what.push(probe.what);
                }
                by.get_or_insert(decision);
            }
        }
    }
    let Some(decision) = by else { return open.map_or_else(pass, Err) };
    let what = listed(&widest(what));
    policy_scope::finding(
        policy,
        &decision,
        format!(
            "{} lets the controller tag {what}: {}; it can claim other clusters' instances",
            called(policy),
            decision.why
        ),
    )
    .remedy("Allow ec2:CreateTags at creation (ec2:CreateAction) and on instances with this cluster's tag only.")
    .group(what)
    .check()
}
