//! SQS.

use crate::inventory::{LookupResult, Map, Node, Reason, Value};
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::reader::{
    ResponseReader, Subject, is_map, is_text, nothing_missing, nothing_unavailable, text_of,
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
        read: attributes,
        unavailable: |reader, reason| unavailable(reader, "queue-url", reason),
        missing: |reader| missing(reader, "queue-url"),
    },
    Operation {
        service: "sqs",
        name: "get-queue-url",
        members: &["QueueUrl"],
        fits: |node| is_text(node, "QueueUrl"),
        // That there is one: what it is like, its attributes say.
        read: |reader, _| reader.facts += 1,
        unavailable: |reader, reason| unavailable(reader, "queue-name", reason),
        missing: |reader| missing(reader, "queue-name"),
    },
    Operation {
        service: "sqs",
        name: "list-queues",
        members: &["QueueUrls"],
        fits: |node| node.member("QueueUrls").is_some_and(|list| matches!(list.value, Value::List(_))),
        read: list,
        unavailable: nothing_unavailable,
        missing: nothing_missing,
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

fn attributes(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(attributes) = node.member("Attributes") else { return };
    let at = node.at;
    let arn = text_of(attributes.member("QueueArn")).map(Subject::named);
    let Some(mut subject) = arn.or_else(|| asked_for(reader, "queue-url")).or_else(|| asked_for(reader, "queue-name"))
    else {
        return reader.nameless(
            "sqs get-queue-attributes",
            "which queue it is about",
            "get-queue-attributes--QUEUE_NAME.json",
            at,
        );
    };
    subject.name = subject.id.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut map = reader.fields(QUEUE, attributes, FIELDS);
    if !subject.name.is_empty() {
        map.set("QueueName", Node::text(subject.name.as_str(), at));
    }
    let named: Vec<&str> = reader.asked.values("attribute-names").collect();
    let has = |name: &str| attributes.member(name).is_some();
    let all = named.contains(&"All") || (has("QueueArn") && has("CreatedTimestamp") && has("VisibilityTimeout"));
    if all {
        return reader.resource(QUEUE, subject, map, at);
    }
    // The answer says nothing of attributes that were not asked for.
    let is_answered = |property: &str| has(property) || property == "QueueName" || named.contains(&property);
    let map: Map = map.entries.into_iter().filter(|(key, _)| is_answered(key.known().unwrap_or_default())).collect();
    reader.part(QUEUE, subject, map, at);
}

/// The queue of a command's option, by its name or URL: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
fn asked_for(reader: &ResponseReader<'_>, option: &str) -> Option<Subject> {
    let text = reader.asked.option(option)?;
    let name = text.trim_end_matches('/').rsplit(['/', ':']).next().filter(|name| !name.is_empty())?;
    let host: Vec<&str> = text.strip_prefix("https://").unwrap_or_default().split(['/', '.']).collect();
    let arn = match (host.as_slice(), text.trim_end_matches('/').rsplit('/').nth(1)) {
        (["sqs", region, "amazonaws", ..], Some(account)) if account.len() == 12 => {
            let partition = crate::schema::aws::partition_of(region);
            partition.map(|partition| format!("arn:{partition}:sqs:{region}:{account}:{name}").into())
        }
        _ => None,
    };
    Some(Subject { arn, id: Some(name.into()), name: name.to_owned() })
}

/// A page of the list has at most so many queues, and does not say that there are more unless a size was asked for.
const PAGE: usize = 1000;

/// Options that leave queues out of the list.
const NARROWING: &[&str] =
    &["queue-name-prefix", "max-results", "max-items", "page-size", "next-token", "starting-token", "query"];

/// Which queues there are, where the command that was used is known to list all.
fn list(reader: &mut ResponseReader<'_>, node: &Node) {
    let urls = node.member("QueueUrls").map(Node::elements).unwrap_or_default();
    let narrowed = NARROWING.iter().any(|option| reader.asked.option(option).is_some());
    if reader.asked.operation.is_empty() || narrowed || !ResponseReader::whole(node) || urls.len() >= PAGE {
        reader.facts += 1;
        return;
    }
    let names = urls.iter().map(|url| url.as_str()?.rsplit('/').next().map(str::to_owned));
    match names.collect() {
        Some(names) => reader.record(QUEUE, LookupResult::Only(names)),
        None => reader.facts += 1,
    }
}

fn unavailable(reader: &mut ResponseReader<'_>, option: &str, reason: &Reason) {
    if let Some(subject) = asked_for(reader, option) {
        reader.unknown(QUEUE, subject, JUDGED, reason);
    }
}

fn missing(reader: &mut ResponseReader<'_>, option: &str) {
    if let Some(subject) = asked_for(reader, option) {
        reader.record(QUEUE, LookupResult::NotFound(subject.name));
    }
}
