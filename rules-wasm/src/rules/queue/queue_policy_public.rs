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

use crate::documents;
use crate::interruption::{self, KEY, customer_key};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "Anyone may send to the interruption queue or use its key",
    severity: Warning,
    subjects: &["AWS::SQS::Queue"],
    reads: &["AWS::KMS::Key"],
    uses: &[interruption::READS],
    applies: interruption::queue,
    check,
    ..Rule::DEFAULT
};

fn check(queue: Item) -> Check {
    both([policy(queue), key(queue)])
}

fn policy(queue: Item) -> Check {
    let policy = queue.field("/Policy");
    // A policy that is not there lets nobody in, and that it was not given is another rule's matter.
    if policy.is_absent() || documents::not_given(&policy).is_some() {
        return skip();
    }
    let decision = Request::by_anyone("sqs:SendMessage", queue).decide();
    if !decision.allowed()? {
        return pass();
    }
    public(
        policy,
        format!(
            "Anyone, of any account, may send to queue {} ({}): they can forge interruption events, and Karpenter drains the nodes that they name",
            queue.name(),
            decision.why
        ),
        decision.statements,
    )
}

fn key(queue: Item) -> Check {
    let Some(key) = customer_key(queue) else { return skip() };
    let mut said = false;
    all(["kms:GenerateDataKey", "kms:Decrypt"], |action| {
        let decision = Request::by_anyone(action, key).decide();
        if !decision.allowed()? {
            return pass();
        }
        if said {
            return skip();
        }
        said = true;
        public(
            queue.field(KEY),
            format!(
                "Anyone, of any account, may use the key {} of queue {} ({}): its encryption protects nothing",
                key.name(),
                queue.name(),
                decision.why
            ),
            decision.statements,
        )
    })
}

fn public(at: Field, message: String, statements: Vec<Place>) -> Check {
    fail(at, message)
        .remedy(
            "Name the service events.amazonaws.com as the principal instead of *, or add a condition that other accounts do not meet.",
        )
        .related(statements)
        .check()
}
