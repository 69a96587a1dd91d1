//! ## What it finds
//!
//! A controller that may not make one of the calls which its release makes for its classes and settings: at its start, at a
//! launch, when a node or a class is deleted, and in between. Tags are the matter of the rules on tagging, the queue of
//! queue-controller-cannot-receive.
//!
//! Resources that are narrowed by id are held against the ids that are known: those that a class selects or its status
//! lists. Where none is known, a policy that names ids cannot be judged.
//!
//! ## Why it matters
//!
//! It depends on the call and on the release, and the finding says it: the controller does not start, a class does not become
//! Ready, no node is launched, instances are not terminated, or a deleted class keeps its finalizer (errors); prices stay
//! those that were compiled in (a warning).
//!
//! ## How to fix it
//!
//! Add the action to the controller's policy, as the statement of Karpenter's template that the finding names does.
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
//!           - {Effect: Allow, Action: ["ec2:*", "pricing:GetProducts", "iam:ListInstanceProfiles", "iam:PassRole"], Resource: "*"}
//! ```
//!
//! ## Sources
//!
//! - The CloudFormation template in Karpenter's getting started guide, release by release.
//! - <https://github.com/aws/karpenter-provider-aws>: the calls of each release, and what their refusal leads to.

use crate::controllers::{REFUSED_TRIALS, role, sure_of_role};
use crate::iam_calls::call::{Call, When};
use crate::iam_calls::{self, Denied, Outcome, judge, releases, statement_of, title, with_edits, written};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller lacks a permission that its release needs",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    uses: &[iam_calls::READS],
    check,
    ..Rule::DEFAULT
};

/// More ids are only counted.
const MOST_IDS: usize = 3;

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
            other.breaks() == denied.breaks()
                && other.partial == denied.partial
                && other.kinds == denied.kinds
                && statement_of(&other.decision) == statement_of(&denied.decision)
        };
        if seen.iter().any(alike) {
            continue;
        }
        seen.push(denied);
        let group: Vec<&Denied> = outcome.denied.iter().filter(alike).collect();
        let mut actions: Vec<&str> = vec![];
        for one in &group {
            if !actions.contains(&one.call.action) {
                actions.push(one.call.action);
            }
        }
        let kinds: Vec<&str> = denied.kinds.iter().map(String::as_str).filter(|kind| !kind.is_empty()).collect();
        let on = if kinds.is_empty() { String::new() } else { format!(" on {}", listed(&kinds)) };
        let of = format!("{on}{}", names(denied));
        let breaks = if denied.partial && denied.severity() == Error {
            if denied.ids.len() == 1 { "no node is launched with it" } else { "no node is launched with them" }.into()
        } else {
            denied.breaks()
        };
        let message = format!(
            "Controller {} is not allowed to use {}{of}: {}; {breaks}{note}",
            title(controller),
            listed(&actions),
            denied.decision.why,
        );
        let finding = fail("/Role", message)
            .severity(denied.severity())
            .confidence(sure_of_role(controller))
            .remedy(remedy(controller, denied, &listed(&actions), &of))
            .related(denied.decision.statements.clone())
            .property("actions", actions.join(","))
            .group(format!("{}{on}", actions.join(" ")));
        findings.push(with_edits(finding, &group));
    }
    outcome.verdict(controller, findings)
}

/// The resources, as far as their ids are known: ` subnet-0123 and subnet-4567`.
fn names(denied: &Denied) -> String {
    let ids: Vec<&str> = denied.ids.iter().map(String::as_str).take(MOST_IDS).collect();
    match denied.ids.len().saturating_sub(MOST_IDS) {
        _ if ids.is_empty() => String::new(),
        0 => format!(" {}", listed(&ids)),
        more => format!(" {} and {more} more", ids.join(", ")),
    }
}

/// What to do, as the template of the controller's release does it.
fn remedy(controller: Item, denied: &Denied, actions: &str, on: &str) -> String {
    let who = role(controller).map_or_else(|| "the controller's role".into(), |role| format!("role {}", role.name()));
    let (release, statement) = (denied.releases.last(), denied.call.statement);
    let as_in = match release {
        // Older templates have other statements.
        Some(release) if *release >= (0, 32, 0) && !statement.is_empty() => {
            format!(", as the statement {statement} of Karpenter {}'s template does", written(&[*release]))
        }
        _ => String::new(),
    };
    if denied.call.when == When::SpotWithoutRole {
        return format!(
            "Create the role once for the account: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com. \
             Or allow {actions} for spot.amazonaws.com to {who}."
        );
    }
    if denied.decision.access == Access::ExplicitDeny {
        return format!("Remove {actions}{on} from the statement that denies it to {who}.");
    }
    format!("Allow {actions}{on} for {who}{as_in}.")
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
                "AWS refused {action} to controller {} for class {} ({reason}), which the policies that were read do not forbid; no node is launched for this class",
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
