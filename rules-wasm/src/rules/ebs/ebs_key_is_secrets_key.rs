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
//! Create a key for volumes, allow the controller's role to use it through EC2, and name it in `kmsKeyID`.
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

use crate::ebs::{self, CLASSES, ESSENTIAL, Use, Who, all_keys, ruling, users};
use crate::kms;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The key that encrypts the cluster's Secrets is also used for volumes",
    severity: Error,
    subjects: CLASSES,
    reads: &["AWS::EKS::Cluster"],
    uses: &[ebs::READS, ebs::USERS],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    let secrets: Vec<Link> = select("AWS::EKS::Cluster")
        .known()
        .flat_map(|cluster| cluster.related("/EncryptionConfig/*/Provider/KeyArn"))
        .collect();
    if secrets.is_empty() {
        return skip();
    }
    all(all_keys(class), |one| {
        if one.aws_managed() {
            return pass();
        }
        all(&secrets, |secret| judge(class, &one, secret))
    })
}

fn judge(class: Item, one: &Use, secret: &Link) -> Check {
    let known = one.key.known().zip(secret.known());
    let same = match known {
        Some((one, other)) if one == other => Answer::Yes,
        Some(_) => Answer::No,
        None => one.named.same(&secret.field),
    };
    match same {
        Answer::Yes => {}
        // Another way to write it may be the same key: an alias, a bare id.
        Answer::No if is_arn_of_key(one) || known.is_some() => return pass(),
        Answer::No | Answer::Unknown => {
            let unknown = [&one.key, &secret.item].into_iter().find_map(|found| found.item().err());
            return Err(unknown.unwrap_or_else(|| "whether the two keys are the same is not known".into()));
        }
    }
    let useless = |key: &Item| {
        users(class)
            .into_iter()
            .filter(|who| matches!(who, Who::Controller(_)))
            .any(|who| ruling(who, *key, ESSENTIAL).denied.len() == ESSENTIAL.len())
    };
    let useless = one.key.known().filter(|key| kms::policy_not_given(*key).is_none()).is_some_and(|key| useless(&key));
    let more = if useless {
        "it does not let the controller use it, so no instance of the class becomes a node, and "
    } else {
        ""
    };
    let finding = fail(
        &one.at,
        format!(
            "{} uses {}, which encrypts the Secrets of cluster {}: {more}restricting or disabling it for the nodes makes the Secrets unreadable",
            ebs::called(class),
            one.words(),
            secret.field.item().name()
        ),
    )
    .remedy("Create a key for volumes, allow the controller's role to use it through EC2, and name it in kmsKeyID.")
    .related([secret.field.place("the key of the Secrets")]);
    if useless { finding } else { finding.severity(Warning) }.check()
}

/// An EKS cluster names its key by an ARN: another ARN of a key is another key.
fn is_arn_of_key(one: &Use) -> bool {
    one.named.known_text().is_some_and(|text| text.starts_with("arn:") && text.contains(":key/"))
}
