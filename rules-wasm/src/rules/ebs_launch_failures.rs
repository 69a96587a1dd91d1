//! ## What it finds
//!
//! The symptoms of volumes whose key cannot be used:
//!
//! - a NodePool whose condition `NodeRegistrationHealthy` is `False` with the reason `RegistrationFailed`: a warning where
//!   volumes of its class have a key, else only told;
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
//! - The condition: <https://github.com/kubernetes-sigs/karpenter/tree/main/pkg/controllers/nodepool/registrationhealth>

use karpcheck_sdk::prelude::*;

use crate::ack::condition;
use crate::karpenter::is_self_managed;

pub(crate) const RULE: Rule = Rule {
    area: "ebs",
    title: "Nodes are launched and never register, or die because of a key",
    severity: Error,
    subjects: &["karpenter.sh/NodePool", "AWS::EC2::Instance"],
    reads: &["karpenter.k8s.aws/EC2NodeClass"],
    check,
    ..Rule::DEFAULT
};

fn check(subject: Item) -> Check {
    if subject.kind() == "AWS::EC2::Instance" { instance(subject) } else { pool(subject) }
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
    let class = pool.related("/spec/template/spec/nodeClassRef").first().and_then(Link::given);
    let keys: Vec<Place> = class
        .into_iter()
        .flat_map(|class| {
            class.find("/spec/blockDeviceMappings/*/ebs/kmsKeyID").into_iter().map(move |key| (class, key))
        })
        .filter(|(_, key)| key.value != Value::Absent)
        .map(|(class, key)| class.place(key.at, "the volumes' key"))
        .collect();
    let (severity, cause) = if keys.is_empty() {
        (Info, "one cause is a key of the image or of the account's volumes that EC2 may not use")
    } else {
        (Warning, "its volumes have a key, and one that EC2 may not use looks just like this")
    };
    fail(
        severity,
        health.at,
        format!("nodes of NodePool {} are launched and do not register ({}): {cause}", pool.name(), health.message),
    )
    .confidence(Confidence::Low)
    .remedy("Look at the StateReason of its instances with aws ec2 describe-instances: it stays for about an hour.")
    .see(keys)
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
    fail(
        Error,
        "/StateReason/Code",
        format!("instance {} died at its launch with {code} ({message}): {cause}", instance.name()),
    )
    .remedy("Let the controller's role use the key in its policy, or enable the key.")
    .check()
}
