//! ## What it finds
//!
//! A controller's policy whose conditions name another cluster than the controller does.
//!
//! ## Why it matters
//!
//! The controller's own launches or deletions are denied, and those of the other cluster's nodes allowed.
//!
//! ## How to fix it
//!
//! Use the same cluster name in the policy and in the controller.
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
//!             - {name: CLUSTER_NAME, value: staging}
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

use crate::documents::statements;
use crate::iam_calls::{self, Actor, by_other_cluster, every_call, pins, releases, statement_of};
use crate::policy_scope::{self, POLICIES, called, documents, holders};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller's policy names another cluster",
    severity: Error,
    subjects: POLICIES,
    uses: &[policy_scope::READS, iam_calls::READS],
    properties: &[("follows", "cluster-name-mismatch")],
    check,
    ..Rule::DEFAULT
};

fn check(policy: Item) -> Check {
    let Some(holders) = holders(policy) else { return skip() };
    all(holders, |controller| of(policy, controller))
}

fn of(policy: Item, controller: Item) -> Check {
    let named = controller.field("/ClusterName");
    // A name that was not given contradicts nothing.
    if named.value().unknown().is_some_and(Unknown::is_not_provided) {
        return skip();
    }
    let pins = pins(controller);
    let own_pin = |pin: &Field| named.same(pin).is_yes();
    // Equal symbols are one name, whatever it is.
    if !pins.is_empty() && pins.iter().all(own_pin) {
        return pass();
    }
    let Some(own) = named.text()?.filter(|name| !name.trim().is_empty()) else { return skip() };
    if let Some(open) = pins.iter().find(|pin| named.same(pin).is_unknown())
        && !pins.iter().any(own_pin)
    {
        return match open.value() {
            Value::Unknown(unknown) if pins_one(policy) => Err(unknown.clone()),
            _ => pass(),
        };
    }
    if pins.is_empty() {
        return skip();
    }
    for release in releases(controller).all {
        let Some(actor) = Actor::all(controller, release).into_iter().next() else { continue };
        for (call, on) in every_call().filter(|(call, _)| call.since <= release.0 && release.0 < call.before) {
            let decision = actor.ask(call, on);
            let here = statement_of(&decision).is_some_and(|statement| statement.item() == policy);
            if !decision.is_denied() || !here {
                continue;
            }
            let Some((other, whole)) = by_other_cluster(&actor, call, on) else { continue };
            let then =
                if whole { format!("on what is {other}'s it may") } else { format!("a condition asks for {other}") };
            let at = decision.statements.first().map(|place| place.pointer.clone()).unwrap_or_default();
            return fail(
                policy.field(at),
                format!(
                    "{} names cluster {other}, and controller {} calls its cluster {own}: it is not allowed to use {} \
                     on what is its own, and {then}",
                    called(policy),
                    controller.name(),
                    call.action
                ),
            )
            .remedy(format!("Replace {other} with {own} in the policy, or correct the controller's cluster name."))
            .group(format!("{own} {other}"))
            .related(decision.statements)
            .related([named.place(own.as_str())])
            .check();
        }
    }
    pass()
}

/// Does a condition of it speak of a cluster?
fn pins_one(policy: Item) -> bool {
    documents(policy).iter().flat_map(statements).any(|statement| {
        statement.find("/Condition/*/*").known().any(|condition| {
            let key = condition.key();
            ["*/cluster/*", "*:eks-cluster-name"].iter().any(|text| key.matches(text).is_yes())
        })
    })
}
