//! ## What it finds
//!
//! An image or snapshot of an EC2NodeClass (or AWSNodeTemplate) that is encrypted under a customer managed key from which the
//! controller's role may not decrypt and re-encrypt (`kms:Decrypt`, `kms:ReEncryptFrom`), or, where the volume stays under the
//! image's key, that it is not allowed to use at all.
//!
//! ## Why it matters
//!
//! A volume is made from the image's snapshot. Under another key EC2 re-encrypts it, and asks for both keys in the name of the
//! controller's role; under the same key that one has to let the role. The launch is accepted, and the instance dies with
//! `Client.InternalError: Client error on launch`.
//!
//! ## How to fix it
//!
//! Allow the controller's role to use the image's key through EC2: in the key's policy, and for a key of another account in
//! a policy of the role as well. Or copy the image under a key that the role may use.
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
//!   Other:
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
//!   OtherAlias:
//!     Type: AWS::KMS::Alias
//!     Properties: {AliasName: alias/volumes, TargetKeyId: !Ref Other}
//! ---
//! Images:
//!   - ImageId: ami-0123456789abcdef0
//!     BlockDeviceMappings:
//!       - DeviceName: /dev/xvda
//!         Ebs: {SnapshotId: snap-0123456789abcdef0, Encrypted: true, KmsKeyId: alias/karpenter-ebs}
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
//!   amiSelectorTerms: [{id: ami-0123456789abcdef0}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   amiFamily: AL2023
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs: {volumeSize: 50Gi, encrypted: true, kmsKeyID: alias/volumes}
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
//! Images:
//!   - ImageId: ami-0123456789abcdef0
//!     BlockDeviceMappings:
//!       - DeviceName: /dev/xvda
//!         Ebs: {SnapshotId: snap-0123456789abcdef0, Encrypted: true, KmsKeyId: alias/karpenter-ebs}
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
//!   amiSelectorTerms: [{id: ami-0123456789abcdef0}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   amiFamily: AL2023
//! ```
//!
//! ## Sources
//!
//! - EC2 user guide, "Use encryption with EBS-backed AMIs": which key a volume gets.
//! - EBS user guide, "Requirements for Amazon EBS encryption".

use crate::controllers::sure_of_role;
use crate::ebs::{self, CLASSES, ESSENTIAL, Source, Use, Who, all_keys, ruling, sources, users};
use crate::kms;
use crate::words::listed;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The key of an image or snapshot does not allow the controller to use it",
    severity: Error,
    subjects: CLASSES,
    uses: &[ebs::READS, ebs::USERS],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    let sources = sources(class);
    if sources.is_empty() {
        return skip();
    }
    let targets = all_keys(class);
    all(sources, |source| match source.encrypted {
        Some(true) => encrypted(class, &source, &targets),
        Some(false) => pass(),
        None => skip(),
    })
}

fn encrypted(class: Item, source: &Source, targets: &[Use]) -> Check {
    let key = match &source.key {
        Some((_, named)) if kms::names_aws_managed(named, "ebs").is_yes() => return pass(),
        Some((Lookup::Known(key), _)) => *key,
        Some((Lookup::Absent(what), _)) => {
            return unverified(class, source, Unknown::undecidable(format!("there is no {what}")));
        }
        Some((Lookup::Unknown(unknown), _)) => return unverified(class, source, unknown.clone()),
        None => {
            let why = "the key of its snapshot was not given: aws ec2 describe-snapshots shows it";
            return unverified(class, source, Unknown::not_provided(why).with_code("snapshot-key-not-given"));
        }
    };
    if kms::is_aws_managed(key) {
        return pass();
    }
    if let Some(unknown) = kms::policy_not_given(key) {
        return unverified(class, source, unknown);
    }
    let target = targets.iter().find(|target| target.devices.contains(&source.device));
    if target.is_some_and(|target| target.key.known() == Some(key)) {
        // ebs-key-denies-controller judges it.
        return skip();
    }
    let actions = if target.is_some() { &["kms:Decrypt", "kms:ReEncryptFrom"] } else { ESSENTIAL };
    all(users(class), |who| judge(class, source, key, who, actions))
}

fn unverified(class: Item, source: &Source, unknown: Unknown) -> Check {
    undecided(
        unknown,
        &source.at,
        format!(
            "{} makes {} from {}, which is encrypted under a key that was not given with its policy: unless that key \
             allows the controller's role to use it, no instance starts",
            ebs::called(class),
            source.device,
            source.words()
        ),
    )
    .confidence(Confidence::Low)
    .remedy(
        "Check that the key of the snapshot allows the controller's role to use kms:Decrypt and kms:ReEncryptFrom \
         through EC2.",
    )
    .check()
}

fn judge(class: Item, source: &Source, key: Item, who: Who, actions: &[&'static str]) -> Check {
    let ruling = ruling(who, key, actions);
    let Who::Controller(controller) = who else {
        let allowed = ruling.denied.is_empty() && ruling.open.is_none();
        return if allowed { pass() } else { Err(ebs::controller_not_given()) };
    };
    let Some(why) = ruling.why() else { return ruling.open.map_or_else(pass, Err) };
    let (role, denied) = (ebs::role_name(controller), listed(&ruling.actions()));
    fail(
        &source.at,
        format!(
            "{} makes {} from {}, and the {role} is not allowed to use {denied} on its key {}: {why}; the instances \
             are launched and terminate before they become nodes",
            ebs::called(class),
            source.device,
            source.words(),
            key.name()
        ),
    )
    .confidence(sure_of_role(controller))
    .remedy(format!("Allow the {role} to use {denied} on the key of the snapshot, through EC2."))
    .related(ruling.places())
    .group(ruling.actions().join(" "))
    .check()
}
