//! ## What it finds
//!
//! A volume of an EC2NodeClass (or AWSNodeTemplate) under the key that encrypts the Secrets of an EKS cluster.
//!
//! ## Why it matters
//!
//! Two things hang on one key: who rotates, restricts or disables it for the nodes' sake makes the cluster's Secrets
//! unreadable, and its policy, made for the cluster's role, rarely lets the controller use it for volumes. The key of a
//! cluster's Secrets cannot be changed later without care. It is an error where the key lets the controller do nothing.
//!
//! ## How to fix it
//!
//! Make a key for volumes, let the controller's role use it through EC2, and name it in `kmsKeyID`.
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
//!   Cluster:
//!     Type: AWS::EKS::Cluster
//!     Properties:
//!       Name: demo
//!       RoleArn: arn:aws:iam::111122223333:role/eks
//!       EncryptionConfig: [{Provider: {KeyArn: !GetAtt EbsKey.Arn}, Resources: [secrets]}]
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
//!   EbsAlias:
//!     Type: AWS::KMS::Alias
//!     Properties: {AliasName: alias/karpenter-ebs, TargetKeyId: !Ref EbsKey}
//!   SecretsKey:
//!     Type: AWS::KMS::Key
//!     Properties: {Description: Secrets}
//!   Cluster:
//!     Type: AWS::EKS::Cluster
//!     Properties:
//!       Name: demo
//!       RoleArn: arn:aws:iam::111122223333:role/eks
//!       EncryptionConfig: [{Provider: {KeyArn: !GetAtt SecretsKey.Arn}, Resources: [secrets]}]
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
//! - <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3037>: a separate key for Karpenter.
//! - EKS user guide, "Encrypt Kubernetes secrets with KMS on existing clusters".

use crate::ebs::{self, CLASSES, DEFAULTS, ESSENTIAL, Use, Who, all_keys, ruling, users};
use crate::karpenter::not_given;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "ebs",
    title: "The key of the cluster's Secrets is used for volumes",
    severity: Error,
    subjects: CLASSES,
    reads: &[
        "AWS::EKS::Cluster",
        "AWS::KMS::Key",
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::IAM::ManagedPolicy",
        DEFAULTS,
        "Karpcheck::Controller",
    ],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    let mut secrets: Vec<(Item, Link)> = vec![];
    for cluster in select("AWS::EKS::Cluster").given() {
        secrets.extend(cluster.related("/EncryptionConfig/*/Provider/KeyArn").into_iter().map(|link| (cluster, link)));
    }
    if secrets.is_empty() {
        return skip();
    }
    all(all_keys(class), |one| {
        if one.aws_managed() {
            return pass();
        }
        all(&secrets, |(cluster, link)| judge(class, &one, *cluster, link))
    })
}

fn judge(class: Item, one: &Use, cluster: Item, link: &Link) -> Check {
    let same = match (one.key.given(), link.given()) {
        (Some(one), Some(other)) if one == other => Answer::Yes,
        (Some(_), Some(_)) => Answer::No,
        _ => one.named.0.same(&one.named.1, cluster, &link.at),
    };
    match same {
        Answer::Yes => {}
        // Another way to write it may be the same key: an alias, a bare id.
        Answer::No if is_arn_of_key(one) || both_known(one, link) => return pass(),
        Answer::No | Answer::Unknown => {
            let unknown = [&one.key, &link.item].into_iter().find_map(|found| found.item().err());
            return Err(unknown.unwrap_or_else(|| "whether the keys are one cannot be told".into()));
        }
    }
    let nothing = one.key.given().filter(|key| not_given(*key, "/KeyPolicy").is_none()).is_some_and(|key| {
        users(class)
            .into_iter()
            .any(|who| matches!(who, Who::Controller(_)) && ruling(who, key, ESSENTIAL).denied.len() == ESSENTIAL.len())
    });
    let (severity, more) = if nothing {
        (Error, "it does not let the controller use it, so no instance of the class gets to be a node, and ")
    } else {
        (Warning, "")
    };
    fail(
        severity,
        &one.at,
        format!(
            "{} uses {}, which encrypts the Secrets of cluster {}: {more}whoever restricts or disables it for the nodes makes the Secrets unreadable",
            ebs::called(class),
            one.words(),
            cluster.name()
        ),
    )
    .remedy("Make a key for volumes, let the controller's role use it through EC2, and name it in kmsKeyID.")
    .see([cluster.place(&link.at, "the key of the Secrets")])
    .check()
}

fn both_known(one: &Use, link: &Link) -> bool {
    one.key.given().is_some() && link.given().is_some()
}

/// An EKS cluster names its key by an ARN: another ARN of a key is another key.
fn is_arn_of_key(one: &Use) -> bool {
    one.text().is_some_and(|text| text.starts_with("arn:") && text.contains(":key/"))
}
