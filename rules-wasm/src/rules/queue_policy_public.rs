//! ## What it finds
//!
//! An interruption queue that anyone may send to, or whose customer managed key anyone may use: `Principal: "*"` without a
//! condition that keeps other accounts out.
//!
//! ## Why it matters
//!
//! Karpenter believes what is in the queue. Whoever can send to it can have any node of the cluster cordoned and drained by
//! a forged interruption warning.
//!
//! ## How to fix it
//!
//! Name the service: `Principal: {Service: events.amazonaws.com}`. Where everyone of one account has to be named, add a
//! condition that others do not meet, such as `aws:SourceAccount` or, on a key, `kms:CallerAccount`.
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
//!             Principal: '*'
//!             Action: sqs:SendMessage
//!             Resource: !GetAtt KarpenterInterruptionQueue.Arn
//!   SpotInterruptionRule:
//!     Type: AWS::Events::Rule
//!     Properties:
//!       EventPattern: {source: [aws.ec2], detail-type: [EC2 Spot Instance Interruption Warning]}
//!       Targets: [{Id: queue, Arn: !GetAtt KarpenterInterruptionQueue.Arn}]
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
//! ```
//!
//! ## Sources
//!
//! - IAM user guide, "AWS JSON policy elements: Principal", on `"*"` in an Allow.
//! - Amazon SQS developer guide, "Security best practices": make sure that queues are not publicly accessible.
//! - pkg/controllers/interruption of <https://github.com/aws/karpenter-provider-aws>: what a message leads to.

use crate::karpenter::{customer_key, interruption, not_given};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "queue",
    title: "Anyone may send to the interruption queue or use its key",
    severity: Warning,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::KMS::Key", "AWS::Events::Rule", "Karpcheck::Controller"],
    check,
    ..Rule::DEFAULT
};

fn check(queue: Item) -> Check {
    let Some(confidence) = interruption(queue) else { return skip() };
    let key = customer_key(queue);
    // A policy that is not there lets nobody in, and that it was not given is another rule's matter.
    let policy = (queue.get("/Policy") != Value::Absent && not_given(queue, "/Policy").is_none()).then_some((
        "sqs:SendMessage",
        "/Policy",
        queue,
    ));
    let of_key = ["kms:GenerateDataKey", "kms:Decrypt"]
        .into_iter()
        .filter_map(|action| key.map(|key| (action, "/KmsMasterKeyId", key)));
    let mut said = false;
    all(policy.into_iter().chain(of_key), |(action, at, target)| {
        let decision = Request::by_anyone(action, target).decide();
        match decision.access {
            Access::Unknown => unknown(decision.unknown),
            Access::ImplicitDeny | Access::ExplicitDeny => pass(),
            Access::Allowed if target != queue && said => skip(),
            Access::Allowed => {
                said |= target != queue;
                let (name, message, remedy) = (
                    queue.name(),
                    "forge interruption events, and Karpenter drains the nodes that they name",
                    "Name the service events.amazonaws.com as the principal instead of *",
                );
                let message = if target == queue {
                    format!("Anyone, of any account, may send to queue {name} ({}): they can {message}", decision.why)
                } else {
                    format!(
                        "Anyone, of any account, may use the key {} of queue {name} ({}): its encryption keeps nobody out",
                        target.name(),
                        decision.why
                    )
                };
                fail(Warning, at, message)
                    .confidence(confidence)
                    .remedy(format!("{remedy}, or add a condition that other accounts do not meet."))
                    .see(decision.statements)
                    .check()
            }
        }
    })
}
