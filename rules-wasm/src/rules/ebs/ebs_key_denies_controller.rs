//! ## What it finds
//!
//! A volume of an EC2NodeClass (or AWSNodeTemplate) under a customer managed key that the role of the Karpenter controller may
//! not use as EC2 asks for it: `kms:CreateGrant`, `kms:Decrypt`, `kms:GenerateDataKeyWithoutPlaintext` (errors),
//! `kms:DescribeKey` and `kms:ReEncryptTo` (warnings, the latter an error where the image is encrypted under another key). Also
//! a key's policy that forbids EBS itself (`aws:ec2-infrastructure`) to decrypt.
//!
//! Any of three arrangements passes: the key's policy names the role; it lets everyone in the account through EC2
//! (`kms:ViaService`, `kms:CallerAccount`); or it lets the account, and a policy of the role allows the actions.
//!
//! ## Why it matters
//!
//! Karpenter's controller calls CreateFleet, so EC2 uses the key in the name of its role, not of the nodes' role and not of
//! AWSServiceRoleForAutoScaling. A launch is accepted before the key is tried: the instance dies with `Client.InternalError:
//! Client error on launch`, and Karpenter launches the next one, for ever. No template of Karpenter and no version of the
//! Terraform module grants an action on a key.
//!
//! ## How to fix it
//!
//! Add a statement to the key's policy that names the role, or the one of the Karpenter guide that lets the account through
//! EC2. In a policy of the role instead, name the key's ARN, not an alias, and let the key's policy delegate to the account.
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
//! - Karpenter's guide, "Troubleshooting": node terminates before ready on failed encrypted EBS volume.
//! - <https://github.com/aws/karpenter-provider-aws/issues/4935>: CloudTrail names the controller's role.
//! - EBS user guide, "Requirements for Amazon EBS encryption".

use crate::ebs::{self, CLASSES, named_keys, users};
use crate::kms;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The key of a volume does not allow the controller to use it",
    severity: Error,
    subjects: CLASSES,
    uses: &[ebs::READS, ebs::USERS],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    all(named_keys(class), |one| {
        if one.aws_managed() {
            return pass();
        }
        let key = match &one.key {
            Lookup::Known(key) => *key,
            // ebs-key-unusable says so.
            Lookup::Absent(_) => return skip(),
            // A placeholder may stand for nothing at all.
            Lookup::Unknown(unknown) if unknown.is_symbolic() && one.named.known_text().is_none() => {
                return Err(unknown.clone());
            }
            // EC2 rejects the volume as it is, as ebs-key-without-encryption says.
            Lookup::Unknown(_) if unencrypted(&one.at) => return skip(),
            Lookup::Unknown(unknown) => return ebs::unverified(class, &one, unknown.clone()),
        };
        if let Some(unknown) = kms::policy_not_given(key) {
            return ebs::unverified(class, &one, unknown);
        }
        all(users(class), |who| ebs::judge(class, &one, key, who))
    })
}

/// Is the volume certainly not to be encrypted, whatever its key?
fn unencrypted(key: &Field) -> bool {
    key.sibling("encrypted").flag().is_ok_and(|encrypted| encrypted != Some(true))
}
