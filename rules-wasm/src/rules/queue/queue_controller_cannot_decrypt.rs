//! ## What it finds
//!
//! A controller whose interruption queue is under a customer managed key that its role is not allowed to use for
//! `kms:Decrypt`.
//!
//! ## Why it matters
//!
//! Events arrive, and the controller cannot read them: `sqs:ReceiveMessage` fails with `KMS.AccessDeniedException`. No
//! template of Karpenter and no version of the Terraform module grants an action on a key, so a customer managed key always
//! needs a statement of your own.
//!
//! ## How to fix it
//!
//! Allow the controller's role to use `kms:Decrypt` on the key: in a policy of the role, where the key's policy lets the
//! account (`arn:aws:iam::ACCOUNT:root`), or in the key's policy itself. A policy of the role has to name the key's ARN: an
//! alias never matches there.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   Key:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       KeyPolicy:
//!         Version: "2012-10-17"
//!         Statement:
//!           - Effect: Allow
//!             Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
//!             Action: kms:*
//!             Resource: "*"
//!           - Effect: Allow
//!             Principal: {Service: events.amazonaws.com}
//!             Action: [kms:Decrypt, kms:GenerateDataKey]
//!             Resource: "*"
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, KmsMasterKeyId: !Ref Key}
//!   KarpenterInterruptionQueuePolicy:
//!     Type: AWS::SQS::QueuePolicy
//!     Properties:
//!       Queues: [!Ref KarpenterInterruptionQueue]
//!       PolicyDocument:
//!         Statement:
//!           - Effect: Allow
//!             Principal: {Service: events.amazonaws.com}
//!             Action: sqs:SendMessage
//!             Resource: !GetAtt KarpenterInterruptionQueue.Arn
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   KarpenterController:
//!     Type: AWS::IAM::Role
//!     Properties:
//!       RoleName: prod-karpenter
//!       AssumeRolePolicyDocument:
//!         Statement:
//!           - {Effect: Allow, Principal: {Service: pods.eks.amazonaws.com}, Action: [sts:AssumeRole, sts:TagSession]}
//!       Policies:
//!         - PolicyName: interruption
//!           PolicyDocument:
//!             Statement:
//!               - Effect: Allow
//!                 Action: [sqs:DeleteMessage, sqs:GetQueueUrl, sqs:ReceiveMessage]
//!                 Resource: !GetAtt KarpenterInterruptionQueue.Arn
//!   Association:
//!     Type: AWS::EKS::PodIdentityAssociation
//!     Properties:
//!       ClusterName: prod
//!       Namespace: kube-system
//!       ServiceAccount: karpenter
//!       RoleArn: !GetAtt KarpenterController.Arn
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
//!           env:
//!             - {name: CLUSTER_NAME, value: prod}
//!             - {name: INTERRUPTION_QUEUE, value: prod}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! Resources:
//!   Key:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       KeyPolicy:
//!         Version: "2012-10-17"
//!         Statement:
//!           - Effect: Allow
//!             Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
//!             Action: kms:*
//!             Resource: "*"
//!           - Effect: Allow
//!             Principal: {Service: events.amazonaws.com}
//!             Action: [kms:Decrypt, kms:GenerateDataKey]
//!             Resource: "*"
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, KmsMasterKeyId: !Ref Key}
//!   KarpenterInterruptionQueuePolicy:
//!     Type: AWS::SQS::QueuePolicy
//!     Properties:
//!       Queues: [!Ref KarpenterInterruptionQueue]
//!       PolicyDocument:
//!         Statement:
//!           - Effect: Allow
//!             Principal: {Service: events.amazonaws.com}
//!             Action: sqs:SendMessage
//!             Resource: !GetAtt KarpenterInterruptionQueue.Arn
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
//!   KarpenterController:
//!     Type: AWS::IAM::Role
//!     Properties:
//!       RoleName: prod-karpenter
//!       AssumeRolePolicyDocument:
//!         Statement:
//!           - {Effect: Allow, Principal: {Service: pods.eks.amazonaws.com}, Action: [sts:AssumeRole, sts:TagSession]}
//!       Policies:
//!         - PolicyName: interruption
//!           PolicyDocument:
//!             Statement:
//!               - Effect: Allow
//!                 Action: [sqs:DeleteMessage, sqs:GetQueueUrl, sqs:ReceiveMessage]
//!                 Resource: !GetAtt KarpenterInterruptionQueue.Arn
//!               - Effect: Allow
//!                 Action: kms:Decrypt
//!                 Resource: !GetAtt Key.Arn
//!   Association:
//!     Type: AWS::EKS::PodIdentityAssociation
//!     Properties:
//!       ClusterName: prod
//!       Namespace: kube-system
//!       ServiceAccount: karpenter
//!       RoleArn: !GetAtt KarpenterController.Arn
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
//!           env:
//!             - {name: CLUSTER_NAME, value: prod}
//!             - {name: INTERRUPTION_QUEUE, value: prod}
//! ```
//!
//! ## Sources
//!
//! - Amazon SQS developer guide, "Key management": what producers, consumers and AWS services need on the key.
//! - pkg/controllers/interruption of <https://github.com/aws/karpenter-provider-aws>: `getting messages from queue`.

use crate::controllers::{self, role_not_given, sure_of_role};
use crate::interruption::{self, KEY, customer_key, queue_of};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller is not allowed to decrypt messages in the interruption queue",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    reads: &["AWS::KMS::Key"],
    uses: &[interruption::READS, controllers::IAM],
    properties: &[("follows", "queue-aws-managed-key queue-key-unusable")],
    check,
    ..Rule::DEFAULT
};

fn check(controller: Item) -> Check {
    let Some(queue) = queue_of(controller) else { return skip() };
    let Some(key) = customer_key(queue) else { return skip() };
    let request = Request::by_item(controller, "kms:Decrypt", key)
        .field("queue", queue.field("@arn"))
        .field("region", queue.field("@region"))
        .with_template("kms:EncryptionContext:aws:sqs:arn", "{queue}")
        .with("aws:ViaAWSService", true);
    // What SQS is called there is not certain in the China regions.
    let decision = match queue.matches("@partition", "aws-cn") {
        Answer::No => request.with_template("kms:ViaService", "sqs.{region}.amazonaws.com"),
        Answer::Yes | Answer::Unknown => request,
    }
    .decide();
    match decision.access {
        Access::Allowed => pass(),
        Access::Unknown => {
            let open = Unknown::from(decision.unknown);
            // One missing fact, one voice: controller-role-missing says that the role was not given.
            if open.is_not_provided() && role_not_given(controller) { skip() } else { Err(open) }
        }
        Access::ImplicitDeny | Access::ExplicitDeny => fail(
            "/Role",
            format!(
                "Controller {} is not allowed to use kms:Decrypt on the key {} of its interruption queue {}: {}; it \
                 can read no interruption event",
                controller.name(),
                key.name(),
                queue.name(),
                decision.why
            ),
        )
        .confidence(sure_of_role(controller))
        .remedy(
            "Allow the controller's role to use kms:Decrypt on the key's ARN, in a policy of the role (where the \
             key's policy lets the account) or in the key's policy.",
        )
        .group(if decision.access == Access::ExplicitDeny { "denied" } else { "not-allowed" })
        .related(decision.statements)
        .related([queue.place(KEY, "the queue's key"), key.place("/KeyPolicy", "the key's policy")])
        .property("actions", "kms:Decrypt")
        .check(),
    }
}
