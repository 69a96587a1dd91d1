//! ## What it finds
//!
//! A controller whose role is not allowed to use `sqs:GetQueueUrl`, `sqs:ReceiveMessage` or `sqs:DeleteMessage` on its
//! interruption queue.
//!
//! ## Why it matters
//!
//! Without `sqs:GetQueueUrl` a controller of 0.33 to 1.3 does not start, and any other reads no event, as without
//! `sqs:ReceiveMessage`; without `sqs:DeleteMessage` it handles the same event again and again. Its log has `AccessDenied`.
//!
//! ## How to fix it
//!
//! Allow the controller's role to use the three actions on the queue's ARN, as Karpenter's template does.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, SqsManagedSseEnabled: true}
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
//!                 Action: [sqs:GetQueueUrl, sqs:GetQueueAttributes]
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
//!   KarpenterInterruptionQueue:
//!     Type: AWS::SQS::Queue
//!     Properties: {QueueName: prod, SqsManagedSseEnabled: true}
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
//! ## Sources
//!
//! - The statement AllowInterruptionQueueActions of the CloudFormation template in Karpenter's getting started guide.
//! - pkg/providers/sqs of <https://github.com/aws/karpenter-provider-aws>: the calls.

use crate::controllers::{self, role_not_given, sure_of_role};
use crate::interruption::{self, queue_of};
use crate::versions::exact_version;
use crate::words::listed;
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The controller is not allowed to read the interruption queue",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    uses: &[interruption::READS, controllers::IAM],
    karpenter: ">=0.19",
    check,
    ..Rule::DEFAULT
};

const ACTIONS: &[&str] = &["sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage"];

fn check(controller: Item) -> Check {
    let queue = queue_of(controller);
    let setting = controller.field("/InterruptionQueue");
    if queue.is_none() && !may_be_there(&setting) {
        return skip();
    }
    let name = queue.map(Item::name).or_else(|| setting.known_text());
    let (mut denied, mut places, mut why, mut open) = (vec![], vec![], None, None);
    for action in ACTIONS {
        let request = match queue {
            Some(queue) => Request::by_item(controller, *action, queue),
            // The ARN of a queue ends in its name.
            None => Request::by_item(controller, *action, "arn::sqs:::{queue}").field("queue", setting.clone()),
        };
        let decision = request.decide();
        match decision.access {
            Access::Allowed => {}
            Access::Unknown => {
                open.get_or_insert(Unknown::from(decision.unknown));
            }
            Access::ImplicitDeny | Access::ExplicitDeny => {
                denied.push(*action);
                why.get_or_insert(decision.why);
                places.extend(decision.statements);
            }
        }
    }
    let Some(why) = why else {
        return match open {
            None => pass(),
            // That a queue was not given is another rule's matter.
            Some(_) if queue.is_none() => skip(),
            // One missing fact, one voice: controller-role-missing says that the role was not given.
            Some(open) if open.is_not_provided() && role_not_given(controller) => skip(),
            Some(open) => Err(open),
        };
    };
    let named = name.map(|name| format!(" {name}")).unwrap_or_default();
    fail(
        "/Role",
        format!(
            "Controller {} is not allowed to use {} on its interruption queue{named}: {why}; {}",
            controller.name(),
            listed(&denied),
            consequence(controller, &denied)
        ),
    )
    .confidence(sure_of_role(controller))
    .remedy(format!("Allow the controller's role to use {} on the queue's ARN.", listed(&denied)))
    .related(places)
    .property("actions", denied.join(","))
    .group(denied.join(" "))
    .check()
}

/// What fails. Up to 0.32 and from 1.4 on a queue that cannot be found is looked for again; in between the controller panics:
/// pkg/controllers/controllers.go of <https://github.com/aws/karpenter-provider-aws>.
fn consequence(controller: Item, denied: &[&str]) -> &'static str {
    let release = exact_version(controller).ok().flatten();
    let panics = release.is_some_and(|release| ((0, 33, 0)..(1, 4, 0)).contains(&release));
    match denied {
        ["sqs:GetQueueUrl", ..] if panics => "it does not start",
        ["sqs:DeleteMessage"] => "it handles the same event again and again",
        _ => "it handles no interruption event",
    }
}

/// May a controller's setting name a queue that was not given: by a name, or by a placeholder that stands for one?
fn may_be_there(setting: &Field) -> bool {
    if setting.value().unknown().is_some_and(Unknown::is_symbolic) {
        return true;
    }
    let Some(link) = setting.related().into_iter().next() else { return false };
    let gone = matches!(link.item, Lookup::Absent(_));
    let plain =
        |name: String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    !gone && setting.known_text().filter(|name| !name.is_empty()).is_some_and(plain)
}
