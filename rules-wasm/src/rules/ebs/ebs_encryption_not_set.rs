//! ## What it finds
//!
//! A block device mapping of an EC2NodeClass (or AWSNodeTemplate) that does not set `ebs.encrypted`, where the account is not
//! known to encrypt by default.
//!
//! ## Why it matters
//!
//! A class without mappings gets encrypted volumes: Karpenter asks for them. A mapping of one's own replaces that, so who adds
//! one to make the volume larger loses the encryption with it, unless the account encrypts by default or the image is
//! encrypted.
//!
//! ## How to fix it
//!
//! Set `encrypted: true` in every mapping, or `aws ec2 enable-ebs-encryption-by-default` in the region.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms: [{alias: al2023@v20260801}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs: {volumeSize: 100Gi, volumeType: gp3}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms: [{alias: al2023@v20260801}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs: {volumeSize: 100Gi, volumeType: gp3, encrypted: true}
//! ```
//!
//! ## Sources
//!
//! - pkg/providers/amifamily of <https://github.com/aws/karpenter-provider-aws>: the default mapping is encrypted.
//! - EC2 user guide, "Use encryption with EBS-backed AMIs".

use crate::ebs::{self, CLASSES, by_default, device, mappings, sources};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "A block device mapping does not say whether its volume is encrypted",
    severity: Warning,
    subjects: CLASSES,
    uses: &[ebs::READS],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    let mapped = mappings(class).find("/*/ebs/encrypted");
    if mapped.len() == 0 {
        return skip();
    }
    let default = by_default(class);
    let sources = sources(class);
    all(mapped, |encrypted| {
        let encrypted = encrypted?;
        let ebs = encrypted.parent();
        // An instance store has no ebs; a key without encryption is said by ebs-key-without-encryption.
        if ebs.is_absent() || !ebs.child("kmsKeyID").is_absent() {
            return skip();
        }
        let said = encrypted.flag()?;
        let device = device(&ebs.parent());
        let inherited = sources.iter().any(|source| source.device == device && source.encrypted == Some(true));
        if said == Some(true) || default == Some(true) || inherited {
            return pass();
        }
        let states = if said.is_none() { "does not set encrypted" } else { "sets encrypted: false" };
        let account = match default {
            Some(_) => "the account does not encrypt by default",
            None => "whether the account encrypts by default was not given",
        };
        let message = format!(
            "The mapping of {device} in {} {states}, and {account}: the volume is only encrypted if its image is",
            ebs::called(class)
        );
        let finding = fail(ebs, message)
            .remedy("Set encrypted: true in the mapping, or turn on encryption by default in the account's region.")
            .edit(encrypted, true);
        // A mapping that says false means it.
        if default == Some(false) && said.is_none() { finding } else { finding.severity(Info) }.check()
    })
}
