//! ## What it finds
//!
//! An EC2NodeClass for Bottlerocket whose block device mappings name only one of the image's two volumes.
//!
//! ## Why it matters
//!
//! Bottlerocket has a system volume, `/dev/xvda`, and a data volume, `/dev/xvdb`, for images and containers. As soon as a
//! class has mappings of its own, Karpenter's defaults are gone, and what they do not name follows the image: unencrypted,
//! or under the account's default key instead of the one named here, and of the image's size.
//!
//! ## How to fix it
//!
//! Name both devices, with the same encryption.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   amiSelectorTerms: [{alias: bottlerocket@latest}]
//!   role: KarpenterNodeRole-prod
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs:
//!         volumeSize: 4Gi
//!         encrypted: true
//!         kmsKeyID: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   amiSelectorTerms: [{alias: bottlerocket@latest}]
//!   role: KarpenterNodeRole-prod
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs: {volumeSize: 4Gi, encrypted: true}
//!     - deviceName: /dev/xvdb
//!       ebs: {volumeSize: 50Gi, encrypted: true}
//! ```
//!
//! ## Sources
//!
//! - pkg/providers/amifamily/bottlerocket.go of <https://github.com/aws/karpenter-provider-aws>: the two default mappings.
//! - The EnableEbsEncryptionByDefault API: an explicit key holds for the volume that names it, and for no other.

use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "ebs",
    title: "A Bottlerocket class maps one of its two volumes only",
    severity: Warning,
    subjects: &["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate"],
    check,
    ..Rule::DEFAULT
};

const MAPPINGS: &str = "/spec/blockDeviceMappings";

fn check(class: Item) -> Check {
    let mappings = class.find(&format!("{MAPPINGS}/*/deviceName"));
    if mappings.is_empty() || !is_bottlerocket(class)? {
        return skip();
    }
    let mut named = vec![];
    for mapping in &mappings {
        match &mapping.value {
            Value::Text(device) => named.push((device.as_str(), mapping.at.as_str())),
            Value::Unknown(unknown) => return Err(unknown.clone()),
            _ => {}
        }
    }
    let at = |device: &str| named.iter().find(|(name, _)| *name == device).map(|(_, at)| *at);
    let (there, missing) = match (at("/dev/xvda"), at("/dev/xvdb")) {
        (Some(at), None) => (at, "/dev/xvdb, the data volume"),
        (None, Some(at)) => (at, "/dev/xvda, the system volume"),
        _ => return pass(),
    };
    let mapping = there.trim_end_matches("/deviceName");
    let key = match class.get(&format!("{mapping}/ebs/kmsKeyID")) {
        Value::Absent => String::new(),
        Value::Text(key) if key.is_empty() => String::new(),
        Value::Text(key) => format!(" instead of {key}"),
        _ => " instead of the key named here".to_owned(),
    };
    let kind = class.kind();
    let kind = kind.rsplit('/').next().unwrap_or_default();
    fail(
        Warning,
        MAPPINGS,
        format!(
            "{kind} {} does not map {missing}: it follows the image, unencrypted or under the account's default key{key}",
            class.name()
        ),
    )
    .remedy("Map both /dev/xvda and /dev/xvdb, with the same encryption.")
    .check()
}

fn is_bottlerocket(class: Item) -> Result<bool, Unknown> {
    if class.text("/spec/amiFamily")?.is_some_and(|family| family == "Bottlerocket") {
        return Ok(true);
    }
    let aliases = class.find("/spec/amiSelectorTerms/*/alias");
    Ok(aliases.iter().any(|alias| class.matches(&alias.at, "bottlerocket@*") == Answer::Yes))
}
