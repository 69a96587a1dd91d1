//! ## What it finds
//!
//! An EC2NodeClass (or AWSNodeTemplate) with a volume that is encrypted under the account's default EBS key, where that is a
//! customer managed key that the controller's role may not use. Such volumes are: those of a class without
//! `blockDeviceMappings`, which Karpenter fills in with `encrypted: true`; a mapping with `encrypted: true` and no `kmsKeyID`;
//! and, where the account encrypts by default, a mapping that says nothing and a volume of the image that no mapping names, as
//! Bottlerocket's second one.
//!
//! ## Why it matters
//!
//! The account's default key counts even where encryption by default is off, since Karpenter asks for encryption by itself. If
//! the role is not allowed to use that key, every instance dies right after its launch with `Client.InternalError: Client
//! error on launch`, though nothing in the class speaks of a key.
//!
//! ## How to fix it
//!
//! Allow the controller's role to use the default key, through EC2, in the key's policy; or name a key of your own for every
//! volume; or set the account's default key back to `alias/aws/ebs`.
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
//!   Role:
//!     Type: AWS::IAM::Role
//!     Properties:
//!       RoleName: demo-karpenter
//!       AssumeRolePolicyDocument: {Statement: []}
//!       Policies:
//!         - PolicyName: launches
//!           PolicyDocument:
//!             Version: "2012-10-17"
//!             Statement: [{Effect: Allow, Action: ["ec2:RunInstances", "ec2:CreateFleet"], Resource: "*"}]
//!   Association:
//!     Type: AWS::EKS::PodIdentityAssociation
//!     Properties: {ClusterName: demo, Namespace: kube-system, ServiceAccount: karpenter, RoleArn: !GetAtt Role.Arn}
//! ---
//! KmsKeyId: alias/karpenter-ebs
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
//!   Role:
//!     Type: AWS::IAM::Role
//!     Properties:
//!       RoleName: demo-karpenter
//!       AssumeRolePolicyDocument: {Statement: []}
//!       Policies:
//!         - PolicyName: launches
//!           PolicyDocument:
//!             Version: "2012-10-17"
//!             Statement: [{Effect: Allow, Action: ["ec2:RunInstances", "ec2:CreateFleet"], Resource: "*"}]
//!   Association:
//!     Type: AWS::EKS::PodIdentityAssociation
//!     Properties: {ClusterName: demo, Namespace: kube-system, ServiceAccount: karpenter, RoleArn: !GetAtt Role.Arn}
//! ---
//! KmsKeyId: alias/karpenter-ebs
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
//! ```
//!
//! ## Sources
//!
//! - <https://github.com/aws/karpenter-provider-aws/issues/1407>: the default key is used, encryption by default or not.
//! - pkg/providers/amifamily of <https://github.com/aws/karpenter-provider-aws>: the mappings that Karpenter fills in.

use crate::ebs::{self, CLASSES, default_key, fallbacks, users};
use crate::kms;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The account's default EBS key does not allow the controller to use it",
    severity: Error,
    subjects: CLASSES,
    uses: &[ebs::READS, ebs::USERS],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    let Some(one) = default_key(class)? else {
        return if fallbacks(class)?.is_empty() {
            skip()
        } else {
            unknown(
                Unknown::not_provided(
                    "which key is the account's default EBS key was not given: aws ec2 get-ebs-default-kms-key-id \
                     shows it",
                )
                .with_code("default-key-not-given")
                .settled_by(Settlement::Kind("Karpcheck::EbsDefaults".into())),
            )
        };
    };
    if one.aws_managed() {
        return pass();
    }
    match &one.key {
        // ebs-key-unusable says so.
        Lookup::Absent(_) => skip(),
        Lookup::Unknown(unknown) => ebs::unverified(class, &one, unknown.clone()),
        Lookup::Known(key) => match kms::policy_not_given(*key) {
            Some(unknown) => ebs::unverified(class, &one, unknown),
            None => all(users(class), |who| ebs::judge(class, &one, *key, who)),
        },
    }
}
