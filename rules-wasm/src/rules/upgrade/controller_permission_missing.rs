//! ## What it finds
//!
//! A controller that may not make one of the calls which its release makes: launching, terminating its own instances,
//! passing the role of its classes, making instance profiles, reading. Tags are the matter of the rules on tagging, the queue
//! of queue-controller-cannot-receive.
//!
//! ## Why it matters
//!
//! Without a right that every launch needs nothing is launched. Without others prices, reservations or cleaning up fail.
//!
//! ## How to fix it
//!
//! Add the action to the controller's policy, as Karpenter's template of this release has it.
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
//!           - {Effect: Allow, Action: [ec2:CreateFleet, ec2:RunInstances, ec2:CreateLaunchTemplate, ec2:TerminateInstances, ec2:DeleteLaunchTemplate, ec2:CreateTags, "ec2:Describe*", "pricing:GetProducts"], Resource: "*"}
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
//!           - {Effect: Allow, Action: ["ec2:*", "pricing:GetProducts", "iam:ListInstanceProfiles"], Resource: "*"}
//! ```
//!
//! ## Sources
//!
//! - The CloudFormation template in Karpenter's getting started guide, release by release.
//! - <https://github.com/aws/karpenter-provider-aws>: the calls.

use crate::controllers::{REFUSED_TRIALS, sure_of_role};
use crate::iam_calls::table::Call;
use crate::iam_calls::{self, Denied, Outcome, judge, releases, statement_of, title, with_edits};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller lacks a right that its release uses",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    uses: &[iam_calls::READS],
    check,
    ..Rule::DEFAULT
};

fn other_than_tags(call: &Call) -> bool {
    call.action != "ec2:CreateTags"
}

fn check(controller: Item) -> Check {
    let outcome = judge(controller, other_than_tags);
    let note = releases(controller).note;
    let mut findings: Vec<Finding> = refused(controller, &outcome);
    let mut seen: Vec<&Denied> = vec![];
    for denied in &outcome.denied {
        let alike = |other: &&Denied| {
            other.call.breaks == denied.call.breaks
                && other.call.severity == denied.call.severity
                && other.kinds == denied.kinds
                && statement_of(&other.decision) == statement_of(&denied.decision)
        };
        if seen.iter().any(alike) {
            continue;
        }
        seen.push(denied);
        let group: Vec<&Denied> = outcome.denied.iter().filter(alike).collect();
        let actions: Vec<&str> = group.iter().map(|one| one.call.action).collect();
        let kinds: Vec<&str> = denied.kinds.iter().map(String::as_str).filter(|kind| !kind.is_empty()).collect();
        let on = if kinds.is_empty() { String::new() } else { format!(" on {}", listed(&kinds)) };
        let message = format!(
            "Controller {} may not use {}{on}: {}; {}{note}",
            title(controller),
            listed(&actions),
            denied.decision.why,
            denied.call.breaks
        );
        let finding = fail("/Role", message)
            .severity(denied.call.severity)
            .confidence(sure_of_role(controller))
            .remedy(format!("Let the controller's role use {}{on}.", listed(&actions)))
            .related(denied.decision.statements.clone())
            .property("actions", actions.join(","))
            .group(format!("{}{on}", actions.join(" ")));
        findings.push(with_edits(finding, &group));
    }
    outcome.verdict(controller, findings)
}

/// Where AWS refused what the policies allow, the refusal counts.
fn refused(controller: Item, outcome: &Outcome) -> Vec<Finding> {
    let mut findings = vec![];
    for class in controller.referring("karpenter.k8s.aws/EC2NodeClass") {
        for field in class.find("/status/conditions/*/reason").known() {
            let Some((reason, action)) = REFUSED_TRIALS.iter().find(|(reason, _)| field.is(reason)) else { continue };
            let failed = field.sibling("status").matches("False").is_yes();
            if !failed || outcome.denied.iter().any(|denied| denied.call.action == *action) {
                continue;
            }
            let message = format!(
                "AWS refused {action} to controller {} for class {} ({reason}), which the policies at hand do not \
                 forbid; no node is launched for this class",
                title(controller),
                class.name()
            );
            findings.push(
                fail("/Role", message)
                    .severity(Warning)
                    .confidence(Confidence::Medium)
                    .remedy(
                        "Look for an organisation policy, a permissions boundary or a session policy that denies it.",
                    )
                    .related([field.place("what AWS said")])
                    .property("follows", "tagging-denied")
                    .property("actions", *action)
                    .group(*reason),
            );
        }
    }
    findings
}
