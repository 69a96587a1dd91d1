//! ## What it finds
//!
//! An EC2NodeClass (or AWSNodeTemplate) whose NodePool admits spot and whose volumes, or whose image, are under a customer
//! managed key that lets the role AWSServiceRoleForEC2Spot neither by its policy nor by a grant.
//!
//! ## Why it matters
//!
//! For spot instances the spot service launches with its own service-linked role. AWS asks for a grant to it on the key of an
//! encrypted image or snapshot: without it spot launches fail, on-demand ones work, and Karpenter falls back or tries again.
//! Whether a key that only the volume is under needs it, too, AWS does not say: that is a warning. An encrypted image is an error
//! where the grants of its key were given (`aws kms list-grants`), else a warning, since a grant may have been made by hand.
//!
//! ## How to fix it
//!
//! Create the grant, once for each key:
//!
//!     aws kms create-grant --key-id KEY \
//!       --grantee-principal arn:aws:iam::ACCOUNT:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot \
//!       --operations Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext CreateGrant DescribeKey ReEncryptFrom ReEncryptTo
//!
//! Or name the role in the key's policy, or let the account through EC2 there.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   EbsKey:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       KeyPolicy:
//!         Version: "2012-10-17"
//!         Statement:
//!           - Effect: Allow
//!             Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
//!             Action: kms:*
//!             Resource: "*"
//!   EbsAlias:
//!     Type: AWS::KMS::Alias
//!     Properties: {AliasName: alias/karpenter-ebs, TargetKeyId: !Ref EbsKey}
//! ---
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default}
//! spec:
//!   template:
//!     spec:
//!       requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//! ---
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
//!       ebs: {volumeSize: 50Gi, encrypted: true, kmsKeyID: alias/karpenter-ebs}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! Resources:
//!   EbsKey:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       KeyPolicy:
//!         Version: "2012-10-17"
//!         Statement:
//!           - Effect: Allow
//!             Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
//!             Action: kms:*
//!             Resource: "*"
//!           - Sid: ThroughEBS
//!             Effect: Allow
//!             Principal: {AWS: "*"}
//!             Action: ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
//!             Resource: "*"
//!             Condition: {StringEquals: {"kms:ViaService": !Sub "ec2.${AWS::Region}.amazonaws.com", "kms:CallerAccount": !Ref "AWS::AccountId"}}
//!   EbsAlias:
//!     Type: AWS::KMS::Alias
//!     Properties: {AliasName: alias/karpenter-ebs, TargetKeyId: !Ref EbsKey}
//! ---
//! apiVersion: karpenter.sh/v1
//! kind: NodePool
//! metadata: {name: default}
//! spec:
//!   template:
//!     spec:
//!       requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]
//!       nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       serviceAccountName: karpenter
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env: [{name: CLUSTER_NAME, value: demo}]
//! ---
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
//!       ebs: {volumeSize: 50Gi, encrypted: true, kmsKeyID: alias/karpenter-ebs}
//! ```
//!
//! ## Sources
//!
//! - EC2 user guide, "Service-linked role for Spot Instance requests": grant access to customer managed keys for use with
//!   encrypted AMIs and EBS snapshots.

use crate::ebs::{self, CLASSES, ESSENTIAL, Who, all_keys, ruling, sources};
use crate::kms;
use crate::spot::{self, spot_pool};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The key of a spot instance's volume does not allow EC2 Spot to use it",
    severity: Error,
    subjects: CLASSES,
    reads: &["AWS::IAM::Role"],
    uses: &[ebs::READS, spot::READS],
    check,
    ..Rule::DEFAULT
};

const ROLE: &str = "AWSServiceRoleForEC2Spot";

/// A key that spot instances of a class need.
struct Needed {
    at: Field,
    key: Item,
    /// What it encrypts, in words.
    words: String,
    /// Is it the key of an image or snapshot?
    image: bool,
}

fn check(class: Item) -> Check {
    let customers = |key: &Item| !kms::is_aws_managed(*key) && kms::policy_not_given(*key).is_none();
    let mut needed: Vec<Needed> = sources(class)
        .into_iter()
        .filter(|source| source.encrypted == Some(true))
        .filter_map(|source| {
            let key = source.key.as_ref()?.0.known().filter(customers)?;
            Some(Needed { words: source.words(), at: source.at, key, image: true })
        })
        .collect();
    for one in all_keys(class) {
        if let Some(key) = one.customer_key().filter(|key| !needed.iter().any(|other| other.image && other.key == *key))
        {
            needed.push(Needed { words: one.words(), at: one.at, key, image: false });
        }
    }
    if needed.is_empty() {
        return skip();
    }
    let Some(pool) = spot_pool(class)? else { return skip() };
    all(needed, |needed| judge(class, pool, &needed))
}

fn judge(class: Item, pool: Item, needed: &Needed) -> Check {
    let ruling = ruling(Who::Spot(class), needed.key, ESSENTIAL);
    let Some(why) = ruling.why() else { return ruling.open.map_or_else(pass, Err) };
    let name = needed.key.name();
    let grants = !needed.key.get("/Grants").is_absent();
    let unseen = if grants { "" } else { ", and no grant of the key was given" };
    let of = if needed.image { format!("the key {name} of {}", needed.words) } else { needed.words.clone() };
    // A grant may have been made by hand: AWS's own way to let the role in is one.
    let sure = needed.image && grants;
    let will = if sure { "spot instances cannot be launched" } else { "spot launches may fail" };
    let finding = fail(
        &needed.at,
        format!(
            "NodePool {} admits spot, and {ROLE} is not allowed to use {} on {of} ({}): {why}{unseen}; {will}",
            pool.name(),
            listed(&ruling.actions()),
            ebs::called(class)
        ),
    )
    .remedy(format!(
        "Grant it: aws kms create-grant --key-id {name} --grantee-principal arn:aws:iam::{}:role/aws-service-role/spot.amazonaws.com/{ROLE} --operations Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext CreateGrant DescribeKey ReEncryptFrom ReEncryptTo.",
        class.known_text("@account").unwrap_or_else(|| "ACCOUNT".into())
    ))
    .group(ruling.actions().join(" "))
    .related(ruling.places());
    if sure { finding } else { finding.severity(Warning).confidence(Confidence::Medium) }.check()
}
