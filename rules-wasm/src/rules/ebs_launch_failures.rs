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
//! EC2 accepts the launch and only then finds that it may not use the key: the instance dies within a minute or two, before
//! its node has registered. Karpenter launches the next one, without end, and pods stay pending. Neither the node class nor
//! the dry run of its condition `ValidationSucceeded` shows it.
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

use crate::ack::condition;
use crate::karpenter::{is_self_managed, seconds};

pub(crate) const RULE: Rule = Rule {
    area: "ebs",
    title: "Nodes are launched and never register, or die because of a key",
    severity: Error,
    subjects: &["karpenter.sh/NodePool", "karpenter.sh/NodeClaim", "AWS::EC2::Instance"],
    reads: &["karpenter.k8s.aws/EC2NodeClass"],
    properties: &[(
        "follows",
        "ebs-key-denies-controller ebs-key-unusable ebs-default-key-denies-controller ebs-image-key-denies-controller ebs-key-denies-spot ebs-key-without-encryption",
    )],
    check,
    ..Rule::DEFAULT
};

/// Nodes are ready within two or three minutes, those of Windows within ten. After 15 Karpenter gives up.
const PATIENCE: i64 = 600;
const REMEDY: &str =
    "Look at the StateReason of its instances with aws ec2 describe-instances: it stays for about an hour.";

fn check(subject: Item) -> Check {
    match subject.kind().as_str() {
        "AWS::EC2::Instance" => instance(subject),
        "karpenter.sh/NodeClaim" => claim(subject),
        _ => pool(subject),
    }
}

/// The class that launches, as a place, and the keys of its volumes.
fn keys(object: Item, reference: &str) -> (Vec<Place>, Severity, &'static str) {
    let Some(class) = object.related(reference).first().and_then(Link::given) else {
        return (vec![], Info, NO_KEY);
    };
    let keys = class.find("/spec/blockDeviceMappings/*/ebs/kmsKeyID").into_iter();
    let keys: Vec<Place> =
        keys.filter(|key| key.value != Value::Absent).map(|key| class.place(key.at, "the volumes' key")).collect();
    if keys.is_empty() {
        return (vec![class.place("", "its node class")], Info, NO_KEY);
    }
    (keys, Warning, "its volumes have a key, and one that EC2 may not use looks just like this")
}

const NO_KEY: &str = "one cause is a key of the image or of the account's volumes that EC2 may not use";

fn claim(claim: Item) -> Check {
    let group = claim.matches("/spec/nodeClassRef/group", "eks.amazonaws.com");
    let Some(registered) = condition(claim, "Registered").filter(|_| group != Answer::Yes) else { return skip() };
    if registered.status == "True" || claim.get("/metadata/deletionTimestamp") != Value::Absent {
        return pass();
    }
    let Some(launched) = condition(claim, "Launched").filter(|launched| launched.status == "True") else {
        return skip();
    };
    if registered.reason != "NodeNotFound" {
        return skip();
    }
    let (read, since) = (claim.text("@read-at")?, claim.text(&format!("{}/lastTransitionTime", launched.at))?);
    let age = read.as_deref().and_then(seconds).zip(since.as_deref().and_then(seconds)).map(|(now, then)| now - then);
    match age {
        None => unknown("when the NodeClaim was read is not known, so its instance may only just have been launched"),
        Some(age) if age < PATIENCE => pass(),
        Some(age) => {
            let (places, severity, cause) = keys(claim, "/spec/nodeClassRef");
            fail(
                severity,
                registered.at,
                format!(
                    "NodeClaim {} was launched {} minutes ago and no node of it registered: {cause}",
                    claim.name(),
                    age / 60
                ),
            )
            .confidence(Confidence::Low)
            .remedy(REMEDY)
            .see(places)
            .check()
        }
    }
}

fn pool(pool: Item) -> Check {
    let Some(health) = condition(pool, "NodeRegistrationHealthy") else { return skip() };
    if !is_self_managed(pool) {
        return skip();
    }
    // A placeholder for the status says nothing.
    if let Value::Unknown(unknown) = pool.get(&format!("{}/status", health.at)) {
        return Err(unknown);
    }
    if health.status != "False" || health.reason != "RegistrationFailed" {
        return pass();
    }
    let (places, severity, cause) = keys(pool, "/spec/template/spec/nodeClassRef");
    fail(
        severity,
        health.at,
        format!("nodes of NodePool {} are launched and do not register ({}): {cause}", pool.name(), health.message),
    )
    .confidence(Confidence::Low)
    .remedy(REMEDY)
    .see(places)
    .check()
}

fn instance(instance: Item) -> Check {
    let ours = instance.find("/Tags/*/Key").iter().any(|key| {
        matches!(&key.value, Value::Text(text) if text == "karpenter.sh/nodeclaim" || text == "karpenter.sh/nodepool")
    });
    if !ours {
        return skip();
    }
    let code = instance.text("/StateReason/Code")?.unwrap_or_default();
    let message = instance.text("/StateReason/Message")?.unwrap_or_default();
    let cause = match code.as_str() {
        "Client.InvalidKMSKey.InvalidState" => "the key of a volume is disabled or to be deleted",
        "Client.InternalError" => "EC2 may not use the key of a volume",
        _ => return pass(),
    };
    // EC2's message begins with the code.
    let said = if message.starts_with(&code) { message } else { format!("{code}: {message}") };
    fail(Error, "/StateReason/Code", format!("instance {} died at its launch: {cause} ({said})", instance.name()))
        .remedy("Let the controller's role use the key in its policy, or enable the key.")
        .see(class_of(instance).map(|class| class.place("", "its node class")))
        .check()
}

/// The class that a tag of an instance names, if it is there once.
fn class_of(instance: Item) -> Option<Item> {
    let key = instance
        .find("/Tags/*/Key")
        .into_iter()
        .find(|key| key.value == Value::from("karpenter.k8s.aws/ec2nodeclass"))?;
    let name = instance.text(&key.at.replace("/Key", "/Value")).ok()??;
    let mut classes = select("karpenter.k8s.aws/EC2NodeClass").given().filter(|class| class.name() == name);
    classes.next().filter(|_| classes.next().is_none())
}
