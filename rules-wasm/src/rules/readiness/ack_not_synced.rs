//! ## What it finds
//!
//! An ACK object that does not reach AWS, by the conditions that its controller writes, in AWS's or the controller's own words:
//!
//! | condition | what it means |
//! |---|---|
//! | `ACK.Terminal` True | the controller has given up: it tries again only when the object's spec changes |
//! | `ACK.Recoverable` True | each attempt fails; the controller goes on trying |
//! | `ACK.ReferencesResolved` False or Unknown | a reference leads to nothing that can be used, so that nothing is sent to AWS |
//! | `ACK.ResourceSynced` False or Unknown for more than ten minutes | AWS does not have what the object says |
//! | `ACK.Adopted` False or Unknown | the resource that is to be taken over could not be read |
//!
//! What AWS refuses is told with the kind of policy that refuses it. Where another rule found the cause (a key that is
//! disabled, a reference to nothing), the finding stands under it.
//!
//! ## Why it matters
//!
//! The object looks accepted: `kubectl apply` succeeds, and pipelines go on. In AWS the resource does not exist, or is as it was
//! before the last change.
//!
//! ## How to fix it
//!
//! Follow the words of the condition. A terminal object is tried again after any change of its spec, or after it was deleted
//! and created again (with `services.k8s.aws/deletion-policy: retain`, so that AWS's resource stays).
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop, uid: 0d3c9b7e-9c2f-4d38-8a0e-5c6d1b0e7f21}
//! spec: {queueName: orders}
//! status:
//!   conditions:
//!     - type: ACK.Recoverable
//!       status: "True"
//!       message: >-
//!         operation error SQS: CreateQueue, https response error StatusCode: 403, api error AccessDenied: User:
//!         arn:aws:sts::111122223333:assumed-role/ack-sqs/1 is not authorized to perform: sqs:createqueue on resource:
//!         arn:aws:sqs:eu-west-1:111122223333:orders because no identity-based policy allows the sqs:createqueue action
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: sqs.services.k8s.aws/v1alpha1
//! kind: Queue
//! metadata: {name: orders, namespace: shop, uid: 0d3c9b7e-9c2f-4d38-8a0e-5c6d1b0e7f21}
//! spec: {queueName: orders}
//! status:
//!   conditions:
//!     - {type: ACK.ResourceSynced, status: "True", message: Resource synced successfully}
//! ```
//!
//! ## Sources
//!
//! - The conditions: <https://github.com/aws-controllers-k8s/runtime/blob/main/apis/core/v1alpha1/conditions.go>
//! - Which errors are terminal, and which are tried again:
//!   <https://github.com/aws-controllers-k8s/runtime/blob/main/pkg/runtime/reconciler.go>
//! - Access denied messages of AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use karpcheck_sdk::prelude::*;

use crate::ack;
use crate::conditions::Condition;
use crate::refusals::refusals;
use crate::time::age;

pub(crate) const RULE: Rule = Rule {
    title: "An ACK object is not synced to AWS",
    severity: Error,
    subjects: &[ack::KINDS],
    properties: &[("follows", CAUSES)],
    check,
    ..Rule::DEFAULT
};

/// Rules that say why an object does not get on.
const CAUSES: &str = "ack-update-loop ack-key-unusable ack-ref-dangling ack-ref-cross-namespace ack-ref-malformed ack-key-and-ref ack-sse-incomplete ack-key-malformed ack-key-loops ack-key-drifts";
/// A controller is done within seconds, AWS within minutes.
const PATIENCE: i64 = 600;

/// A condition, the status that is bad, and what that means.
const CONDITIONS: &[(&str, &[&str], &str)] = &[
    ("ACK.Terminal", &["True"], "its controller has given up until the spec changes"),
    ("ACK.Recoverable", &["True"], "each attempt of its controller fails"),
    (ack::RESOLVED, &["False", "Unknown"], "one of its references cannot be resolved, so nothing is sent to AWS"),
    ("ACK.Adopted", &["False", "Unknown"], "the resource that it should adopt could not be read"),
    (SYNCED, &["False", "Unknown"], "AWS does not match its spec"),
];
const SYNCED: &str = "ACK.ResourceSynced";

/// Words of AWS's and of the controllers', and what to do about them. The first that occur count.
const WORDS: &[(&[&str], &str)] = &[
    (
        &[
            "DisabledException",
            "KMSInvalidState",
            "KMS.Disabled",
            "is pending deletion",
            "key is disabled",
            "KMSKeyDisabled",
            "InaccessibleEncryption",
        ],
        "Restore the key (enable-key, cancel-key-deletion), or name another one.",
    ),
    (
        &["already exists", "AlreadyExists", "ResourceInUse", "BucketAlready"],
        "AWS already has a resource of this name: let ACK adopt it (services.k8s.aws/adoption-policy: \
         adopt-or-create), or choose another name.",
    ),
    (
        &["immutable", "cannot be updated", "does not support updates", "cannot be modified", "updateNotSupported"],
        "AWS cannot change this field: set it back, or delete the object and create it again.",
    ),
    (
        &["Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "Rate exceeded"],
        "AWS throttles the account's calls: find out what calls so often; the controller retries by itself.",
    ),
    (
        &["LimitExceeded", "ServiceQuotaExceeded", "QuotaExceeded"],
        "Raise the quota that AWS names, or delete what is not needed.",
    ),
    (
        &[
            "ExpiredToken",
            "UnrecognizedClient",
            "InvalidClientTokenId",
            "NoCredentialProviders",
            "failed to refresh cached credentials",
            "no EC2 IMDS role found",
        ],
        "The ACK controller has no valid credentials: look at the role of its ServiceAccount, and at its trust policy.",
    ),
    (
        &["NotFound", "NoSuch", "does not exist", "NonExistent"],
        "Something that the object names does not exist in AWS: create it, or correct the name.",
    ),
    (
        &["Validation", "InvalidParameter", "InvalidAttribute", "InvalidInput", "Malformed", "InvalidArn", "Invalid"],
        "AWS rejects a value of the spec: correct what the message names.",
    ),
];

fn check(object: Item) -> Check {
    if object.field("/status/conditions").is_absent() {
        return skip();
    }
    let mut findings = vec![];
    for (name, bad, means) in CONDITIONS {
        let Some(condition) = ack::condition(object, name) else { continue };
        if let Some(unknown) = condition.field.child("status").value().unknown() {
            return Err(unknown.clone());
        }
        if !bad.contains(&condition.status.as_str()) {
            continue;
        }
        // That it is not in sync is what comes of the others.
        if *name == SYNCED {
            if !findings.is_empty() {
                break;
            }
            match age(&condition.field.child("lastTransitionTime"))? {
                Some(age) if age < PATIENCE => break,
                Some(_) => {}
                None => {
                    let message = format!("{} may not be in sync: {}", ack::called(object), said(&condition));
                    let why = "it is not known how long it has been out of sync, so it may only just have changed";
                    return undecided(
                        Unknown::undecidable(why).with_code("condition-age-not-known"),
                        condition.field,
                        message,
                    )
                    .remedy("Check again in a few minutes.")
                    .check();
                }
            }
        }
        findings.push(finding(object, name, &condition, means));
    }
    found(findings)
}

/// The condition's own words.
fn said(condition: &Condition) -> String {
    let parts = [&condition.reason, &condition.message].map(|part| part.trim());
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "no reason is given".to_owned() } else { parts.join(": ") }
}

fn finding(object: Item, name: &str, condition: &Condition, means: &str) -> Finding {
    let words = said(condition);
    let message = |why: &str| {
        format!("{} is not synced to AWS: {means}{why} ({name} is {}: {words})", ack::called(object), condition.status)
    };
    let group = |rest: &str| format!("{name} {} {rest}", object.kind());
    if let Some(refusal) = refusals(&words).into_iter().next() {
        let remedy = refusal.remedy_for("the ACK controller", "the policy that the controller recommends");
        let finding = fail(&condition.field, message(&format!(", since {}", refusal.why())))
            .remedy(remedy)
            .group(group(&refusal.group()));
        return match refusal.action {
            Some(action) => finding.property("actions", action),
            None => finding,
        };
    }
    let known = WORDS.iter().find(|(signs, _)| signs.iter().any(|sign| words.contains(sign)));
    let remedy = match known {
        Some((_, remedy)) => *remedy,
        None if name == ack::RESOLVED => {
            "Look at the object that the message names: it must exist in that namespace, and be synced itself."
        }
        None => "Follow the words of the condition; the controller's log has the whole error.",
    };
    let finding =
        fail(&condition.field, message("")).remedy(remedy).group(group(known.map_or("", |(signs, _)| signs[0])));
    // It has given up on it; the others go on trying.
    if name == "ACK.Terminal" { finding } else { finding.severity(Warning) }
}
