//! ## What it finds
//!
//! The symptoms of a controller that may not tag:
//!
//! - NodeClaims of Karpenter 1.0 and later that registered more than ten minutes ago and still lack the annotation
//!   `compatibility.karpenter.k8s.aws/cluster-name-tagged`, which Karpenter sets once it has tagged the instance;
//! - `UnauthorizedOperation` in the conditions of a NodeClaim;
//! - an EC2NodeClass whose condition `ValidationSucceeded` is `False` because of `CreateFleetAuthCheckFailed`,
//!   `CreateLaunchTemplateAuthCheckFailed` or `RunInstancesAuthCheckFailed` (Karpenter 1.3 and later). From 1.3 to 1.6
//!   that check is wrong about some policies with conditions on request tags, so there it is a warning;
//! - `UnauthorizedOperation` in an event about a NodeClaim or an EC2NodeClass (from 1.0 on each change of a condition is told
//!   as an event), or in a log of the controller of any version (`-f karpenter.log`).
//!
//! ## Why it matters
//!
//! Where tagging is denied at the launch, nothing is launched. Where it is denied afterwards, the node works and the tags are
//! missing: from 1.1 on Karpenter does not see an old instance without `eks:eks-cluster-name`, and leaves it running once its
//! node is gone.
//!
//! ## How to fix it
//!
//! The log of the controller has the full message with the action and the resource. Compare the role's policy with the one
//! of the running release; `create-tags-denied-at-launch` and `create-tags-denied-on-existing` tell the statements.
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
//! - What is tagged, and the annotations:
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/controllers/nodeclaim/tagging/controller.go>
//! - The error's text: <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3134>
//! - Conditions told as events: <https://github.com/awslabs/operatorpkg/blob/main/status/controller.go>
//! - The check that is wrong: <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3627>

use std::collections::BTreeSet;

use karpcheck_sdk::prelude::*;

use crate::conditions::condition;
use crate::controllers::{self, REFUSED_TRIALS, of_object, only_controller};
use crate::time::age;
use crate::versions::{self, version_for};

pub(crate) const RULE: Rule = Rule {
    title: "The controller was refused when it tagged or launched",
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
/// AWS's answer to a call that is not allowed.
const CODE: &str = "*UnauthorizedOperation*";
/// Objects of whose events a refusal is Karpenter's own.
const KARPENTERS: &[&str] = &["NodeClaim", "Machine", "EC2NodeClass", "AWSNodeTemplate"];
/// Events that are shown.
const SHOWN: usize = 5;

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
    if validation.status != "False" || !REFUSED_TRIALS.iter().any(|(reason, _)| *reason == validation.reason) {
        return pass();
    }
    let finding = fail(
        validation.field,
        format!(
            "EC2NodeClass {} is not ready: Karpenter's trial was refused ({}: {}), so nothing is launched from it",
            class.name(),
            validation.reason,
            validation.message
        ),
    )
    .remedy("Give the controller's role the statements of the running release's policy.")
    .related(of_object(class));
    let doubtful = version_for(class).is_some_and(|version| ((1, 3)..=(1, 6)).contains(&version));
    if doubtful { finding.severity(Warning).confidence(Confidence::Low) } else { finding }.check()
}

/// What a NodeClaim says of AWS's refusal in its conditions.
fn told(claim: Item) -> Option<Field> {
    ["message", "reason"]
        .into_iter()
        .flat_map(|part| claim.find(&format!("/status/conditions/*/{part}")).known())
        .find(|field| field.matches(CODE).is_yes())
}

fn refused(claim: Item) -> Check {
    let Some(field) = told(claim) else { return skip() };
    fail(
        field,
        format!("NodeClaim {} is not launched: AWS answers UnauthorizedOperation, see its condition", claim.name()),
    )
    .remedy("Give the controller's role the action that the message names, as in the running release's policy.")
    .related(of_object(claim))
    .check()
}

fn events(controller: Item) -> Check {
    // Where the object still says so itself, its condition speaks.
    let speaking: BTreeSet<String> =
        select(CLAIM).known().filter(|claim| told(*claim).is_some()).map(Item::name).collect();
    let mut any = false;
    let mut said: Vec<(Item, String)> = vec![];
    for event in select("core/Event").known() {
        let kind = event.field("/involvedObject/kind");
        let Some(kind) = KARPENTERS.iter().find(|known| kind.matches(known).is_yes()) else { continue };
        if controller.same("@cluster", event, "@cluster").is_no() {
            continue;
        }
        any = true;
        let name = event.text("/involvedObject/name")?.unwrap_or_default();
        if event.matches("/message", CODE).is_yes() && !speaking.contains(&name) {
            said.push((event, format!("{kind} {name}")));
        }
    }
    let Some((_, first)) = said.first() else { return if any { pass() } else { skip() } };
    fail(
        "",
        format!("AWS refuses Controller {} (UnauthorizedOperation), as the events of {first} say", controller.name()),
    )
    .remedy("Give the controller's role the action that the event names, as in the running release's policy.")
    .related(said.iter().take(SHOWN).map(|(event, what)| event.place("/message", what.clone())))
    .check()
}

fn log(log: Item) -> Check {
    let said: Vec<Field> = log
        .find("/Lines/*/Level")
        .known()
        .filter_map(|level| {
            ["Error", "Message"].map(|part| level.sibling(part)).into_iter().find(|text| text.matches(CODE).is_yes())
        })
        .collect();
    let Some(last) = said.last() else { return pass() };
    let text = last.text()?.unwrap_or_default();
    let action = text.split("perform: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    fail(
        last,
        format!(
            "AWS refuses the controller{}, as {} of its log say{} (UnauthorizedOperation)",
            action.map(|action| format!(" {action}")).unwrap_or_default(),
            if said.len() == 1 { "a line".to_owned() } else { format!("{} lines", said.len()) },
            if said.len() == 1 { "s" } else { "" }
        ),
    )
    .remedy("Give the controller's role the action that the line names, as in the running release's policy.")
    .related(only_controller())
    .check()
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
                "NodeClaim {} registered {} minutes ago, and its instance is still not tagged: the controller may not call \
                 ec2:CreateTags on it",
                claim.name(),
                age / 60
            ),
        )
        .remedy("Allow ec2:CreateTags on instances of this cluster as the running release's policy does (AllowScopedResourceTagging).")
        .related(of_object(claim))
        .check(),
    }
}
