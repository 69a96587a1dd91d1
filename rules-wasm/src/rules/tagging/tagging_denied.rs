//! ## What it finds
//!
//! AWS's refusals of what the controller asks for, in all of AWS's words, and which kind of policy refused, where AWS says so:
//!
//! - `UnauthorizedOperation`, `AccessDenied`, `AccessDeniedException`, `AuthFailure` and `InvalidIdentityToken` in the
//!   conditions of a NodeClaim, in an event about a NodeClaim, a NodePool or an EC2NodeClass (from 1.0 on each change of a
//!   condition becomes an event), or in a log of the controller of any version (`-f karpenter.log`);
//! - an EC2NodeClass whose condition `ValidationSucceeded` is `False` because of `CreateFleetAuthCheckFailed`,
//!   `CreateLaunchTemplateAuthCheckFailed` or `RunInstancesAuthCheckFailed` (Karpenter 1.3 and later): the dry run of a
//!   launch was refused. Nothing is launched from the class then, even where the launch itself would be allowed; from 1.3 to
//!   1.6 the dry run was wrong about some policies with conditions on request tags;
//! - NodeClaims of Karpenter 1.0 and later that registered more than ten minutes ago and still lack the annotation
//!   `compatibility.karpenter.k8s.aws/cluster-name-tagged`, which Karpenter sets once it has tagged the instance.
//!
//! ## Why it matters
//!
//! Where tagging is denied at the launch, nothing is launched. Where it is denied afterwards, the node works and the tags are
//! missing: from 1.1 on Karpenter does not see an old instance without `eks:eks-cluster-name`, and leaves it running once its
//! node is gone.
//!
//! ## How to fix it
//!
//! Who can mend it depends on what AWS names as the reason:
//!
//! | AWS says | whose it is |
//! |---|---|
//! | because no identity-based policy allows | the controller's role: compare its policy with the one of the running release |
//! | explicit deny in an identity-based policy | a Deny in the role's own policies |
//! | in a permissions boundary | the boundary of the role |
//! | in a service control policy, in a resource control policy | the administrators of the AWS organization; the role is not at fault |
//! | resource-based policy | the policy of the queue or key |
//! | VPC endpoint policy | the policy of the endpoint |
//! | Not authorized to perform sts:AssumeRoleWithWebIdentity | the trust policy of the role |
//! | No OpenIDConnect provider found | the cluster's OIDC provider in IAM |
//! | permission to create the service-linked role | `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`, once |
//!
//! Where only the dry run is refused and the launch is allowed, `settings.disableDryRun: true` of the chart (1.6.2 and later)
//! leaves the dry run out.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec: {role: nodes}
//! status:
//!   conditions:
//!     - type: ValidationSucceeded
//!       status: "False"
//!       reason: CreateFleetAuthCheckFailed
//!       message: Controller isn't authorized to call ec2:CreateFleet
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec: {role: nodes}
//! status:
//!   conditions:
//!     - {type: ValidationSucceeded, status: "True", reason: ValidationSucceeded}
//! ```
//!
//! ## Sources
//!
//! - The kinds of policy in AWS's words:
//!   <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
//! - What is tagged, and the annotations:
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/nodeclaim/tagging/controller.go>
//! - The dry run, and the setting that leaves it out:
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/nodeclass/validation.go>
//! - A dry run that an organization refuses: <https://github.com/aws/karpenter-provider-aws/issues/8190>
//! - The dry run that is wrong: <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3627>
//! - Conditions that become events: <https://github.com/awslabs/operatorpkg/blob/main/status/controller.go>

use std::collections::BTreeSet;

use karpcheck_sdk::prelude::*;

use crate::conditions::{Condition, condition};
use crate::controllers::{self, REFUSED_TRIALS, of_object, only_controller};
use crate::refusals::{Refusal, refusals};
use crate::time::age;
use crate::versions::{self, patch_for, version_for};

pub(crate) const RULE: Rule = Rule {
    title: "AWS denies what the controller requests",
    severity: Error,
    subjects: &[CLAIM, "karpenter.k8s.aws/EC2NodeClass", "Karpcheck::Controller", "Karpcheck::Log"],
    reads_if_allowed: &["core/Event"],
    uses: &[controllers::READS, versions::READS],
    properties: &[(
        "follows",
        "create-tags-denied-at-launch create-tags-denied-on-existing policy-newer-than-controller controller-permission-missing controller-role-missing",
    )],
    check,
    ..Rule::DEFAULT
};

const CLAIM: &str = "karpenter.sh/NodeClaim";
const TAGGED: &str = "compatibility.karpenter.k8s.aws/cluster-name-tagged";
/// Tagging takes a minute or two, and is tried again.
const PATIENCE: i64 = 600;
/// Objects of whose events a refusal is Karpenter's own.
const KARPENTERS: &[&str] = &["NodeClaim", "Machine", "EC2NodeClass", "AWSNodeTemplate", "NodePool"];
/// Events that are shown.
const SHOWN: usize = 5;
/// The first release with `settings.disableDryRun`.
const DRY_RUN_SETTING: (u64, u64, u64) = (1, 6, 2);

fn check(object: Item) -> Check {
    match object.kind().as_str() {
        CLAIM => both([refused(object), untagged(object)]),
        "Karpcheck::Controller" => events(object),
        "Karpcheck::Log" => log(object),
        _ => class(object),
    }
}

/// Karpenter tries its calls out for each class.
fn class(class: Item) -> Check {
    let Some(validation) = condition(class, "ValidationSucceeded") else { return skip() };
    let trial = REFUSED_TRIALS.iter().find(|(reason, _)| *reason == validation.reason);
    match trial {
        Some((_, action)) if validation.status == "False" => dry_run(class, &validation, action),
        _ => pass(),
    }
}

fn dry_run(class: Item, validation: &Condition, action: &str) -> Check {
    // The trial is refused as well where the tags or the role of its instances are.
    let actions = match action {
        "ec2:CreateLaunchTemplate" => "ec2:CreateLaunchTemplate,ec2:CreateTags",
        "ec2:CreateFleet" => "ec2:CreateFleet,ec2:RunInstances,ec2:CreateTags,iam:PassRole",
        _ => "ec2:RunInstances,ec2:CreateTags,iam:PassRole",
    };
    // From 1.13 on the message has the kind of policy.
    let said = refusals(&validation.message).into_iter().next();
    let why = said.as_ref().map(|refusal| format!(": {}", refusal.why())).unwrap_or_default();
    let setting = match patch_for(class) {
        Some(version) if version < DRY_RUN_SETTING => {
            "; where the launch itself is allowed, upgrade to 1.6.2 or later and set settings.disableDryRun: true"
        }
        _ => "; where the launch itself is allowed, settings.disableDryRun: true skips the dry run",
    };
    let remedy = match &said {
        Some(refusal) => refusal.remedy(),
        None => format!(
            "Give the controller's role {action} as the running release's policy does; if it has that, look for a permissions \
             boundary and for a service control policy of the organization: the controller's log names it."
        ),
    };
    let finding = fail(
        &validation.field,
        format!(
            "EC2NodeClass {} is not ready, so nothing is launched from it: AWS refused {action} in Karpenter's dry run \
             ({}){why}",
            class.name(),
            validation.reason
        ),
    );
    let finding = match &said {
        Some(refusal) => refusal.finding(finding),
        None => finding.group(validation.reason.clone()),
    };
    let finding = finding
        .property("actions", actions)
        .remedy(format!("{}{setting}.", remedy.trim_end_matches('.')))
        .related(of_object(class));
    // The dry run itself was wrong about conditions on request tags.
    let doubtful = version_for(class).is_some_and(|version| ((1, 3)..=(1, 6)).contains(&version));
    if doubtful { finding.confidence(Confidence::Low) } else { finding }.check()
}

/// The refusals in the conditions of a NodeClaim, each with its place.
fn told(claim: Item) -> Vec<(Field, Refusal)> {
    let mut all: Vec<(Field, Refusal)> = vec![];
    for part in ["message", "reason"] {
        for field in claim.find(&format!("/status/conditions/*/{part}")).known() {
            let Some(text) = field.known_text() else { continue };
            for refusal in refusals(&text) {
                if !all.iter().any(|(_, other)| other.is_alike(&refusal)) {
                    all.push((field.clone(), refusal));
                }
            }
        }
    }
    all
}

fn refused(claim: Item) -> Check {
    let told = told(claim);
    if told.is_empty() {
        return skip();
    }
    let findings = told.into_iter().map(|(field, refusal)| {
        let message = format!(
            "NodeClaim {} is not launched: AWS refuses the controller {} ({}): {}",
            claim.name(),
            refusal.what(),
            code(&refusal),
            refusal.why()
        );
        refusal.finding(fail(field, message)).related(of_object(claim))
    });
    found(findings.collect())
}

/// AWS's code, or what to call a refusal that has none.
fn code(refusal: &Refusal) -> &'static str {
    if refusal.code.is_empty() { "not authorized" } else { refusal.code }
}

fn events(controller: Item) -> Check {
    // Where the object still says so itself, its condition speaks.
    let speaking: BTreeSet<String> =
        select(CLAIM).known().filter(|claim| !told(*claim).is_empty()).map(Item::name).collect();
    let mut any = false;
    let mut said: Vec<(Refusal, Vec<(Item, String)>)> = vec![];
    for event in select("core/Event").known() {
        let kind = event.field("/involvedObject/kind");
        let Some(kind) = KARPENTERS.iter().find(|known| kind.matches(known).is_yes()) else { continue };
        if controller.same("@cluster", event, "@cluster").is_no() {
            continue;
        }
        any = true;
        let name = event.text("/involvedObject/name")?.unwrap_or_default();
        if speaking.contains(&name) {
            continue;
        }
        for refusal in refusals(&event.known_text("/message").unwrap_or_default()) {
            let told = (event, format!("{kind} {name}"));
            match said.iter_mut().find(|(other, _)| other.is_alike(&refusal)) {
                Some((_, events)) => events.push(told),
                None => said.push((refusal, vec![told])),
            }
        }
    }
    if said.is_empty() {
        return if any { pass() } else { skip() };
    }
    let findings = said.into_iter().map(|(refusal, events)| {
        let first = events.first().map(|(_, what)| what.as_str()).unwrap_or_default();
        let message = format!(
            "AWS refuses Controller {} {} ({}), as the events of {first} say: {}",
            controller.name(),
            refusal.what(),
            code(&refusal),
            refusal.why()
        );
        refusal
            .finding(fail("", message))
            .related(events.iter().take(SHOWN).map(|(event, what)| event.place("/message", what.clone())))
    });
    found(findings.collect())
}

fn log(log: Item) -> Check {
    let mut said: Vec<(Refusal, Field, usize)> = vec![];
    for text in crate::logs::errors(log) {
        for refusal in refusals(&text.known_text().unwrap_or_default()) {
            match said.iter_mut().find(|(other, _, _)| other.is_alike(&refusal)) {
                Some((_, last, count)) => (*last, *count) = (text.clone(), *count + 1),
                None => said.push((refusal, text.clone(), 1)),
            }
        }
    }
    if said.is_empty() {
        return pass();
    }
    let findings = said.into_iter().map(|(refusal, last, count)| {
        let lines =
            if count == 1 { "a line of its log says".to_owned() } else { format!("{count} lines of its log say") };
        let message = format!(
            "AWS refuses the controller {}, as {lines} ({}): {}",
            refusal.what(),
            code(&refusal),
            refusal.why()
        );
        refusal.finding(fail(last, message)).related(only_controller())
    });
    found(findings.collect())
}

fn untagged(claim: Item) -> Check {
    let Some(registered) = condition(claim, "Registered").filter(|condition| condition.holds()) else { return skip() };
    // Claims that are being deleted are left alone, and so is what runs before 1.0.
    let deleted = !claim.get("/metadata/deletionTimestamp").is_absent();
    if deleted || !claim.matches_or_unknown("/apiVersion", "karpenter.sh/v1")? {
        return skip();
    }
    if claim.field("/metadata/annotations").child(TAGGED).exists()? {
        return pass();
    }
    match version_for(claim) {
        Some(version) if version < (1, 0) => return skip(),
        Some(_) => {}
        None => {
            return unknown(versions::not_known(
                "which version of Karpenter runs, and so what it annotates, is not known",
            ));
        }
    }
    match age(&registered.field.child("lastTransitionTime"))? {
        None => unknown("when the NodeClaim was read is not known, so it may only just have registered"),
        Some(age) if age < PATIENCE => pass(),
        Some(age) => fail(
            registered.field,
            format!(
                "NodeClaim {} registered {} minutes ago, and its instance is still not tagged: the controller is not \
                 allowed to call ec2:CreateTags on it",
                claim.name(),
                age / 60
            ),
        )
        .remedy("Allow ec2:CreateTags on instances of this cluster as the running release's policy does (AllowScopedResourceTagging).")
        .related(of_object(claim))
        .check(),
    }
}
