//! ## What it finds
//!
//! A block device mapping of an EC2NodeClass (or AWSNodeTemplate) that names a key in `ebs.kmsKeyID` and does not set
//! `ebs.encrypted: true`.
//!
//! ## Why it matters
//!
//! EC2 refuses a volume that has a key and is not to be encrypted: "Submitting a KmsKeyId without also setting the
//! Encrypted parameter results in an error". Nothing checks that before the launch: the CRD takes both fields as they
//! come, and the class is reported as ready. No node of this class can launch, and its pods stay pending.
//!
//! Encryption by default, set for the account, does not help: a mapping of one's own is sent as it is written.
//!
//! ## How to fix it
//!
//! Set `encrypted: true` beside the key, or remove `kmsKeyID` if the volume is not meant to be encrypted with it.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata:
//!   name: default
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms:
//!     - alias: al2023@v20250101
//!   subnetSelectorTerms:
//!     - tags: {karpenter.sh/discovery: demo}
//!   securityGroupSelectorTerms:
//!     - tags: {karpenter.sh/discovery: demo}
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs:
//!         volumeSize: 100Gi
//!         kmsKeyID: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata:
//!   name: default
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms:
//!     - alias: al2023@v20250101
//!   subnetSelectorTerms:
//!     - tags: {karpenter.sh/discovery: demo}
//!   securityGroupSelectorTerms:
//!     - tags: {karpenter.sh/discovery: demo}
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs:
//!         volumeSize: 100Gi
//!         encrypted: true
//!         kmsKeyID: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Sources
//!
//! - EC2 API reference, EbsBlockDevice: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html>
//! - EC2 user guide, encryption with EBS-backed AMIs:
//!   <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AMIEncryption.html>
//! - Karpenter, EC2NodeClass: <https://karpenter.sh/docs/concepts/nodeclasses/#specblockdevicemappings>

use crate::ebs::{CLASSES, device, mappings};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "A volume has a KMS key, but encryption is not enabled",
    severity: Error,
    subjects: CLASSES,
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    all(mappings(class).find("/*/ebs/kmsKeyID"), |key| {
        let key = key?;
        if key.is_absent() {
            return skip();
        }
        let encrypted = key.sibling("encrypted");
        if encrypted.flag() == Ok(Some(true)) {
            return pass();
        }
        // A placeholder may stand for nothing at all.
        if !key.matches_or_unknown("?*")? {
            return skip();
        }
        let state = if encrypted.flag()?.is_none() { "does not set encrypted" } else { "sets encrypted: false" };
        let ebs = key.parent();
        let message = format!(
            "The volume {} of {} has a key and {state}: EC2 rejects the combination, so no node of this class can launch",
            device(&ebs.parent()),
            class.name()
        );
        fail(ebs, message)
            .remedy("Set encrypted: true next to kmsKeyID, or remove kmsKeyID.")
            .edit(encrypted, true)
            .check()
    })
}
