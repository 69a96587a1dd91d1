//! SQS.

use crate::inventory::{Map, Node, Reason, Value};
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    ResponseReader, Subject, is_map, is_text, missing_nothing, text_of, untold_nothing,
};
use crate::sources::mapping::{Rows, row};

const QUEUE: &str = "AWS::SQS::Queue";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "sqs",
        name: "get-queue-attributes",
        members: &["Attributes"],
        // Topics have attributes, too.
        fits: |node| is_map(node, "Attributes") && node.at_path(&["Attributes", "TopicArn"]).is_none(),
        take: attributes,
        untold: |taker, reason| untold(taker, "queue-url", reason),
        missing: |taker| missing(taker, "queue-url"),
    },
    Operation {
        service: "sqs",
        name: "get-queue-url",
        members: &["QueueUrl"],
        fits: |node| is_text(node, "QueueUrl"),
        // That there is one: what it is like, its attributes say.
        take: |taker, _| taker.facts += 1,
        untold: |taker, reason| untold(taker, "queue-name", reason),
        missing: |taker| missing(taker, "queue-name"),
    },
    Operation {
        service: "sqs",
        name: "list-queues",
        members: &["QueueUrls"],
        fits: |node| node.member("QueueUrls").is_some_and(|list| matches!(list.value, Value::List(_))),
        take: |taker, _| taker.facts += 1,
        untold: untold_nothing,
        missing: missing_nothing,
    },
];

const FIELDS: Rows = &[
    row("KmsMasterKeyId", "KmsMasterKeyId"),
    row("KmsDataKeyReusePeriodSeconds", "KmsDataKeyReusePeriodSeconds"),
    row("SqsManagedSseEnabled", "SqsManagedSseEnabled"),
    row("Policy", "Policy"),
    row("MessageRetentionPeriod", "MessageRetentionPeriod"),
    row("VisibilityTimeout", "VisibilityTimeout"),
    row("DelaySeconds", "DelaySeconds"),
    row("MaximumMessageSize", "MaximumMessageSize"),
    row("ReceiveMessageWaitTimeSeconds", "ReceiveMessageWaitTimeSeconds"),
    row("RedrivePolicy", "RedrivePolicy"),
    row("FifoQueue", "FifoQueue"),
    row("ContentBasedDeduplication", "ContentBasedDeduplication"),
    row("ApproximateNumberOfMessages", "ApproximateNumberOfMessages"),
    row("CreatedTimestamp", "CreatedTimestamp"),
    row("LastModifiedTimestamp", "LastModifiedTimestamp"),
];

/// What rules judge; without an answer it is not known.
const JUDGED: &[&str] = &["KmsMasterKeyId", "SqsManagedSseEnabled", "Policy"];

fn attributes(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(attributes) = node.member("Attributes") else { return };
    let at = node.at;
    let arn = text_of(attributes.member("QueueArn")).map(Subject::named);
    let Some(mut subject) = arn.or_else(|| asked_for(taker, "queue-url")).or_else(|| asked_for(taker, "queue-name"))
    else {
        return taker.nameless(
            "sqs get-queue-attributes",
            "which queue it is about",
            "get-queue-attributes--QUEUE_NAME.json",
            at,
        );
    };
    subject.name = subject.id.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut map = taker.fields(QUEUE, attributes, FIELDS);
    if !subject.name.is_empty() {
        map.set("QueueName", Node::text(subject.name.as_str(), at));
    }
    let named: Vec<&str> = taker.asked.values("attribute-names").collect();
    let has = |name: &str| attributes.member(name).is_some();
    let all = named.contains(&"All") || (has("QueueArn") && has("CreatedTimestamp") && has("VisibilityTimeout"));
    if all {
        return taker.resource(QUEUE, subject, map, at);
    }
    // Of attributes that nobody asked for the answer says nothing.
    let told = |property: &str| has(property) || property == "QueueName" || named.contains(&property);
    let map: Map = map.entries.into_iter().filter(|(key, _)| told(key.known().unwrap_or_default())).collect();
    taker.part(QUEUE, subject, map, at);
}

/// The queue of a command's option, by its name or URL: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
fn asked_for(taker: &ResponseReader<'_>, option: &str) -> Option<Subject> {
    let text = taker.asked.option(option)?;
    let name = text.trim_end_matches('/').rsplit(['/', ':']).next().filter(|name| !name.is_empty())?;
    let host: Vec<&str> = text.strip_prefix("https://").unwrap_or_default().split(['/', '.']).collect();
    let arn = match (host.as_slice(), text.trim_end_matches('/').rsplit('/').nth(1)) {
        (["sqs", region, "amazonaws", ..], Some(account)) if account.len() == 12 => {
            let partition = crate::schema::aws::partition_of(region);
            Some(format!("arn:{partition}:sqs:{region}:{account}:{name}").into())
        }
        _ => None,
    };
    Some(Subject { arn, id: Some(name.into()), name: name.to_owned() })
}

fn untold(taker: &mut ResponseReader<'_>, option: &str, reason: &Reason) {
    if let Some(subject) = asked_for(taker, option) {
        taker.unknown(QUEUE, subject, JUDGED, reason);
    }
}

fn missing(taker: &mut ResponseReader<'_>, option: &str) {
    if let Some(subject) = asked_for(taker, option) {
        taker.told(QUEUE, crate::inventory::LookupResult::NotFound(subject.name));
    }
}
