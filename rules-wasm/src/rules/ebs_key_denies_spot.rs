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

use crate::ebs::{self, CLASSES, DEFAULTS, ESSENTIAL, Who, all_keys, ruling, sources, spot_pool};
use crate::karpenter::{listed, not_given};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "ebs",
    title: "The key of a spot instance's volume does not let the spot service use it",
    severity: Error,
    subjects: CLASSES,
    reads: &[
        "AWS::KMS::Key",
        "AWS::EC2::Image",
        "AWS::EC2::Snapshot",
        "AWS::IAM::Role",
        DEFAULTS,
        "karpenter.sh/NodePool",
        "karpenter.sh/Provisioner",
    ],
    check,
    ..Rule::DEFAULT
};

const ROLE: &str = "AWSServiceRoleForEC2Spot";

fn check(class: Item) -> Check {
    let images: Vec<(String, Item, String)> = sources(class)
        .into_iter()
        .filter(|source| source.encrypted == Some(true))
        .filter_map(|source| Some((source.at.clone(), source.key.as_ref()?.0.given()?, source.words())))
        .filter(|(_, key, _)| {
            key.matches("/KeyManager", "AWS") != Answer::Yes && not_given(*key, "/KeyPolicy").is_none()
        })
        .collect();
    let volumes: Vec<(String, Item, String)> = all_keys(class)
        .into_iter()
        .filter_map(|one| Some((one.at.clone(), one.customer_key()?, one.words())))
        .filter(|(_, key, _)| !images.iter().any(|(_, other, _)| other == key))
        .collect();
    if images.is_empty() && volumes.is_empty() {
        return skip();
    }
    let Some(pool) = spot_pool(class)? else { return skip() };
    let judged = images.into_iter().map(|one| (one, true)).chain(volumes.into_iter().map(|one| (one, false)));
    all(judged, |((at, key, words), image)| judge(class, pool, (&at, key, &words), image))
}

fn judge(class: Item, pool: Item, (at, key, words): (&str, Item, &str), image: bool) -> Check {
    let ruling = ruling(Who::Spot(class), key, ESSENTIAL);
    let Some((_, first)) = ruling.denied.first() else { return ruling.open.map_or_else(pass, Err) };
    let names: Vec<&str> = ruling.denied.iter().map(|(action, _)| *action).collect();
    let places: Vec<Place> = ruling.denied.iter().flat_map(|(_, decision)| decision.statements.clone()).collect();
    let grants = key.get("/Grants") != Value::Absent;
    let unseen = if grants { "" } else { ", and no grant of the key was given" };
    let of = if image { format!("the key {} of {words}", key.name()) } else { words.to_owned() };
    // A grant may have been made by hand: AWS's own way to let the role in is one.
    let (severity, will) = if image && grants {
        (Error, "spot instances cannot be launched")
    } else {
        (Warning, "spot launches may fail")
    };
    let why = first.why.clone();
    fail(
        severity,
        at,
        format!(
            "NodePool {} admits spot, and {ROLE} may not use {} on {of} ({}): {why}{unseen}; {will}",
            pool.name(),
            listed(&names),
            ebs::called(class)
        ),
    )
    .confidence(if grants && image { Confidence::High } else { Confidence::Medium })
    .remedy(format!(
        "Grant it: aws kms create-grant --key-id {} --grantee-principal arn:aws:iam::{}:role/aws-service-role/spot.amazonaws.com/{ROLE} --operations Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext CreateGrant DescribeKey ReEncryptFrom ReEncryptTo.",
        key.name(),
        class.text("@account").ok().flatten().unwrap_or_else(|| "ACCOUNT".into())
    ))
    .see(places)
    .check()
}
