//! SQS.

use crate::schema::aws::kms::KEY;
use crate::schema::aws::{Between, Kind, Type, property};

pub(super) const QUEUE: &str = "AWS::SQS::Queue";

pub(super) const TYPES: &[Type] = &[
    Type::new(
        QUEUE,
        "queue",
        &[
            property("QueueName", Kind::Text),
            property("KmsMasterKeyId", Kind::Name(KEY)),
            property("KmsDataKeyReusePeriodSeconds", Kind::Number),
            property("SqsManagedSseEnabled", Kind::Flag),
            property("MessageRetentionPeriod", Kind::Number),
            property("VisibilityTimeout", Kind::Number),
            property("DelaySeconds", Kind::Number),
            property("MaximumMessageSize", Kind::Number),
            property("ReceiveMessageWaitTimeSeconds", Kind::Number),
            property("RedrivePolicy", Kind::Document),
            property("FifoQueue", Kind::Flag),
            property("ContentBasedDeduplication", Kind::Flag),
            // Of the API: in CloudFormation a queue's policy is a resource of its own.
            property("Policy", Kind::Document),
            property("QueueUrl", Kind::Text),
            property("ApproximateNumberOfMessages", Kind::Number),
            property("CreatedTimestamp", Kind::Number),
            property("LastModifiedTimestamp", Kind::Number),
            property("Tags", Kind::Tags),
        ],
    )
    .named_by("QueueName")
    .arn("sqs", "", Between::Nothing)
    .kept(),
    Type::new(
        "AWS::SQS::QueuePolicy",
        "queue policy",
        &[property("Queues", Kind::List(&Kind::Name(QUEUE))), property("PolicyDocument", Kind::Document)],
    )
    .kept(),
    // The same of one queue: the inventory has it as a queue policy.
    Type::new(
        "AWS::SQS::QueueInlinePolicy",
        "queue policy",
        &[property("Queue", Kind::Name(QUEUE)), property("PolicyDocument", Kind::Document)],
    )
    .kept(),
];
