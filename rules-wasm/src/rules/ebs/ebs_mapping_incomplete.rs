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

use crate::ebs::mappings;

pub(crate) const RULE: Rule = Rule {
    title: "A Bottlerocket node class maps only one of its two volumes",
    severity: Warning,
    subjects: &["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate"],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    let mappings = mappings(class);
    let mapped: Vec<_> = mappings.find("/*/deviceName").collect();
    if mapped.is_empty() || !is_bottlerocket(class)? {
        return skip();
    }
    let mut devices = vec![];
    for device in mapped {
        let device = device?;
        if let Some(unknown) = device.value().unknown() {
            return Err(unknown.clone());
        }
        devices.push(device);
    }
    let mapping = |name: &str| devices.iter().find(|device| device.is(name)).map(Field::parent);
    let (there, missing) = match (mapping("/dev/xvda"), mapping("/dev/xvdb")) {
        (Some(mapping), None) => (mapping, "/dev/xvdb, the data volume"),
        (None, Some(mapping)) => (mapping, "/dev/xvda, the system volume"),
        _ => return pass(),
    };
    let key = there.field("/ebs/kmsKeyID");
    let key = match key.value() {
        Value::Text(name) if !name.is_empty() => format!(" instead of {name}"),
        Value::Absent | Value::Text(_) => String::new(),
        _ => " instead of the key named here".to_owned(),
    };
    fail(
        mappings,
        format!(
            "{} {} does not map {missing}: it follows the image, unencrypted or under the account's default key{key}",
            class.noun(),
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
    Ok(class.find("/spec/amiSelectorTerms/*/alias").known().any(|alias| alias.matches("bottlerocket@*").is_yes()))
}
