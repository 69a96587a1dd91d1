//! ## What it finds
//!
//! The symptoms of volumes whose key cannot be used:
//!
//! - a NodePool whose condition `NodeRegistrationHealthy` is `False` with the reason `RegistrationFailed`: a warning where
//!   volumes of its class have a key, else only told;
//! - a NodeClaim that was launched more than ten minutes ago and has not registered (`Registered` is not `True`, for the
//!   reason `NodeNotFound`; Karpenter 0.32 and later): a warning where volumes of its class have a key, else only told;
//! - an EC2 instance of Karpenter's with the state reason `Client.InternalError` ("Client error on launch") or
//!   `Client.InvalidKMSKey.InvalidState`: an error.
//!
//! ## Why it matters
//!
//! EC2 accepts the launch and only then finds that it is not allowed to use the key: the instance dies within a minute or
//! two, before its node has registered. Karpenter launches the next one, without end, and pods stay pending. Neither the
//! node class nor the dry run of its condition `ValidationSucceeded` shows it.
//!
//! ## How to fix it
//!
//! `aws ec2 describe-instances --filters Name=tag-key,Values=karpenter.sh/nodeclaim
//! --query 'Reservations[].Instances[].[InstanceId,StateReason]'` shows the reason for about an hour. Then let the
//! controller's role use the key (`ebs-key-denies-controller`), or enable the key.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec:
//!   template:
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//! status:
//!   conditions:
//!     - {type: NodeRegistrationHealthy, status: "False", reason: RegistrationFailed, message: Failed to register node}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec:
//!   template:
//!     spec:
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//! status:
//!   conditions:
//!     - {type: NodeRegistrationHealthy, status: "True", reason: NodeRegistrationHealthy}
//! ```
//!
//! ## Sources
//!
//! - Amazon EC2 user guide, "Troubleshoot instance launch issues":
//!   <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html>
//! - As users see it: <https://github.com/aws/karpenter-provider-aws/issues/5039>
//! - The conditions: <https://github.com/kubernetes-sigs/karpenter/tree/main/pkg/controllers/nodepool/registrationhealth> and
//!   <https://github.com/kubernetes-sigs/karpenter/blob/main/pkg/controllers/nodeclaim/lifecycle/registration.go>

use karpcheck_sdk::prelude::*;

use crate::conditions::condition;
use crate::spot::is_self_managed;
use crate::time::age;

pub(crate) const RULE: Rule = Rule {
    title: "Nodes are launched but never register, or die because of a KMS key",
    severity: Error,
    subjects: &["karpenter.sh/NodePool", "karpenter.sh/NodeClaim", "AWS::EC2::Instance"],
    reads: &[CLASS],
    properties: &[(
        "follows",
        "ebs-key-denies-controller ebs-key-unusable ebs-default-key-denies-controller ebs-image-key-denies-controller ebs-key-denies-spot ebs-key-without-encryption node-claim-stuck node-pool-not-ready",
    )],
    check,
    ..Rule::DEFAULT
};

const CLASS: &str = "karpenter.k8s.aws/EC2NodeClass";
/// Nodes are ready within two or three minutes, those of Windows within ten. After 15 Karpenter gives up.
const PATIENCE: i64 = 600;

fn check(subject: Item) -> Check {
    match subject.kind().as_str() {
        "AWS::EC2::Instance" => instance(subject),
        "karpenter.sh/NodeClaim" => claim(subject),
        _ => pool(subject),
    }
}

fn claim(claim: Item) -> Check {
    let group = claim.matches("/spec/nodeClassRef/group", "eks.amazonaws.com");
    let Some(registered) = condition(claim, "Registered").filter(|_| !group.is_yes()) else { return skip() };
    if registered.holds() || !claim.get("/metadata/deletionTimestamp").is_absent() {
        return pass();
    }
    let Some(launched) = condition(claim, "Launched").filter(|launched| launched.holds()) else { return skip() };
    if registered.reason != "NodeNotFound" {
        return skip();
    }
    match age(&launched.field.child("lastTransitionTime"))? {
        None => unknown("when the NodeClaim was read is not known, so its instance may only just have been launched"),
        Some(age) if age < PATIENCE => pass(),
        Some(age) => unregistered(
            registered.field,
            &claim.field("/spec/nodeClassRef"),
            &format!(
                "NodeClaim {} was launched {} minutes ago, and its node has not registered",
                claim.name(),
                age / 60
            ),
        ),
    }
}

fn pool(pool: Item) -> Check {
    let Some(health) = condition(pool, "NodeRegistrationHealthy") else { return skip() };
    if !is_self_managed(pool) {
        return skip();
    }
    // A placeholder for the status says nothing.
    if let Some(unknown) = health.field.child("status").value().unknown() {
        return Err(unknown.clone());
    }
    if health.status != "False" || health.reason != "RegistrationFailed" {
        return pass();
    }
    unregistered(
        health.field,
        &pool.field("/spec/template/spec/nodeClassRef"),
        &format!("nodes of NodePool {} are launched and do not register ({})", pool.name(), health.message),
    )
}

/// A symptom of which a key may be the cause: more likely where the class names one.
fn unregistered(at: Field, class: &Field, what: &str) -> Check {
    let class = class.linked();
    let keys: Vec<Place> = class
        .into_iter()
        .flat_map(|class| class.find("/spec/blockDeviceMappings/*/ebs/kmsKeyID"))
        .filter_map(|key| {
            let key = key.ok()?;
            (!key.is_absent()).then(|| key.place("the volumes' key"))
        })
        .collect();
    let finding = if keys.is_empty() {
        let cause = "one cause is a key of the image or of the account's volumes that EC2 is not allowed to use";
        fail(at, format!("{what}: {cause}"))
            .severity(Info)
            .related(class.map(|class| class.place("", "its node class")))
    } else {
        let cause = "its volumes have a key, and one that EC2 is not allowed to use looks just like this";
        fail(at, format!("{what}: {cause}")).severity(Warning).related(keys)
    };
    finding
        .confidence(Confidence::Low)
        .remedy(
            "Look at the StateReason of its instances with aws ec2 describe-instances: it is kept for about an \
             hour.",
        )
        .check()
}

fn instance(instance: Item) -> Check {
    let ours = instance
        .find("/Tags/*/Key")
        .known()
        .any(|key| key.is("karpenter.sh/nodeclaim") || key.is("karpenter.sh/nodepool"));
    if !ours {
        return skip();
    }
    let reason = instance.field("/StateReason/Code");
    let code = reason.text()?.unwrap_or_default();
    let message = instance.text("/StateReason/Message")?.unwrap_or_default();
    let cause = match code.as_str() {
        "Client.InvalidKMSKey.InvalidState" => "the key of a volume is disabled or scheduled for deletion",
        "Client.InternalError" => "EC2 is not allowed to use the key of a volume",
        _ => return pass(),
    };
    // EC2's message begins with the code.
    let said = if message.starts_with(&code) { message } else { format!("{code}: {message}") };
    fail(reason, format!("instance {} died at its launch: {cause} ({said})", instance.name()))
        .remedy("Allow the controller's role to use the key in its policy, or enable the key.")
        .related(class_of(instance).map(|class| class.place("", "its node class")))
        .group(code)
        .check()
}

/// The class that a tag of an instance names, if it is there once.
fn class_of(instance: Item) -> Option<Item> {
    let key = instance.find("/Tags/*/Key").known().find(|key| key.is("karpenter.k8s.aws/ec2nodeclass"))?;
    let classes = instance.peers(key.sibling("Value").pointer(), CLASS, "@name");
    let mut classes = classes.iter().filter_map(Link::known);
    classes.next().filter(|_| classes.next().is_none())
}
