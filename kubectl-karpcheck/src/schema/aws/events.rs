//! EventBridge.

use crate::schema::aws::iam::ROLE;
use crate::schema::aws::sqs::QUEUE;
use crate::schema::aws::{Between, Kind, Type, property};

const TARGET: Kind = Kind::Object(&[
    property("Id", Kind::Text),
    // Whatever the target is, only queues concern Karpenter.
    property("Arn", Kind::Arn(QUEUE)),
    property("RoleArn", Kind::Arn(ROLE)),
    property("Input", Kind::Text),
    property("InputPath", Kind::Text),
    property(
        "InputTransformer",
        Kind::Object(&[property("InputPathsMap", Kind::Map), property("InputTemplate", Kind::Text)]),
    ),
    // A queue, too, which receives no events by the rule: not among those that refer to it.
    property("DeadLetterConfig", Kind::Object(&[property("Arn", Kind::Text)])),
    property("SqsParameters", Kind::Object(&[property("MessageGroupId", Kind::Text)])),
]);

pub(super) const TYPES: &[Type] = &[Type::new(
    "AWS::Events::Rule",
    "resource",
    &[
        property("Name", Kind::Text),
        property("EventBusName", Kind::Text),
        property("EventPattern", Kind::Document),
        property("ScheduleExpression", Kind::Text),
        property("State", Kind::Either("ENABLED", "DISABLED")),
        property("Targets", Kind::List(&TARGET)),
    ],
)
.named_by("Name")
.arn("events", "rule/", Between::Parent { property: "EventBusName", default: "default" })
.kept()];
