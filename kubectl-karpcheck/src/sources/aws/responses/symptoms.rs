//! What happened: sums of CloudWatch, denials in CloudTrail. And tables of DynamoDB, and whose account it is.

use crate::inventory::{At, Map, Node, Text, Value};
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::reader::{
    ResponseReader, Subject, is_list, is_map, is_text, nothing_missing, nothing_unavailable, text_of,
};
use crate::sources::mapping::{Rows, block, row};
use crate::sources::policy_documents;

const METRIC: &str = "Karpcheck::Metric";
const DENIAL: &str = "Karpcheck::Denial";
const TABLE: &str = "AWS::DynamoDB::Table";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "cloudwatch",
        name: "get-metric-statistics",
        members: &["Datapoints"],
        fits: |node| node.member("Datapoints").is_some_and(|list| matches!(list.value, Value::List(_))),
        read: statistics,
        unavailable: |reader, reason| {
            let (Some(namespace), Some(name)) = (reader.asked.option("namespace"), reader.asked.option("metric-name"))
            else {
                return;
            };
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            let at = reader.asked.place;
            let sum = Node::new(Value::Unknown(Box::new(reason.clone())), at);
            let dimensions = dimensions(reader, at);
            let ends = ends(reader);
            metric(reader, &namespace, &name, dimensions, sum, ends);
        },
        missing: nothing_missing,
    },
    Operation {
        service: "cloudwatch",
        name: "get-metric-data",
        members: &["MetricDataResults"],
        fits: |node| is_list(node, "MetricDataResults", "Values"),
        read: data,
        unavailable: nothing_unavailable,
        missing: nothing_missing,
    },
    Operation {
        service: "cloudtrail",
        name: "lookup-events",
        members: &["Events"],
        fits: |node| is_list(node, "Events", "EventName"),
        read: |reader, node| {
            for event in node.member("Events").map(Node::elements).unwrap_or_default() {
                if let Some(text) = event.member("CloudTrailEvent") {
                    denial(reader, &policy_documents::object(text.clone()));
                }
            }
            reader.facts = reader.facts.max(1);
        },
        unavailable: nothing_unavailable,
        missing: nothing_missing,
    },
    Operation {
        // A single event, as people copy it out of the console.
        service: "cloudtrail",
        name: "event",
        members: &["eventName", "errorMessage"],
        fits: |node| is_text(node, "eventName") && is_text(node, "errorMessage"),
        read: |reader, node| {
            denial(reader, node);
            reader.facts = reader.facts.max(1);
        },
        unavailable: nothing_unavailable,
        missing: nothing_missing,
    },
    Operation {
        service: "dynamodb",
        name: "describe-table",
        members: &["Table"],
        fits: |node| is_map(node, "Table") && node.at_path(&["Table", "TableName"]).is_some(),
        read: table,
        unavailable: |reader, reason| {
            if let Some(subject) = reader.asked.option("table-name").map(Subject::named) {
                reader.unknown(TABLE, subject, &["SSESpecification"], reason);
            }
        },
        missing: |reader| reader.none_called(TABLE, "table-name"),
    },
    Operation {
        service: "sts",
        name: "get-caller-identity",
        members: &["UserId", "Account", "Arn"],
        fits: |node| is_text(node, "Account"),
        // The account says where the answers beside it are from; nothing of the caller is kept.
        read: |reader, _| reader.facts += 1,
        unavailable: nothing_unavailable,
        missing: nothing_missing,
    },
];

fn statistics(reader: &mut ResponseReader<'_>, node: &Node) {
    let label = text_of(node.member("Label")).or_else(|| reader.asked.option("metric-name")).map(str::to_owned);
    let (Some(name), Some(namespace)) = (label, reader.asked.option("namespace").map(str::to_owned)) else {
        return reader.nameless(
            "cloudwatch get-metric-statistics",
            "of what its sums are",
            "part of a folder of `kubectl karpcheck collect`",
            node.at,
        );
    };
    let points = node.member("Datapoints").map(Node::elements).unwrap_or_default();
    let sums: Option<Vec<f64>> = points.iter().map(|point| number(point.member("Sum")?)).collect();
    // Another statistic than the sum says nothing of how often.
    let Some(sums) = sums else {
        reader.facts += 1;
        return;
    };
    let (dimensions, ends) = (dimensions(reader, node.at), ends(reader));
    let sum = Node::new(Value::Number(sums.iter().sum()), node.at);
    metric(reader, &namespace, &name, dimensions, sum, ends);
}

/// `Name=QueueName,Value=prod`, as often as there are dimensions.
fn dimensions(reader: &ResponseReader<'_>, at: At) -> Map {
    let mut dimensions = Map::default();
    for dimension in reader.asked.values("dimensions") {
        let parts: Vec<&str> = dimension.split(',').collect();
        let of = |key: &str| parts.iter().find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
        if let (Some(name), Some(value)) = (of("Name"), of("Value")) {
            dimensions.set(name, Node::text(value, at));
        }
    }
    dimensions
}

fn ends(reader: &ResponseReader<'_>) -> [Option<String>; 2] {
    ["start-time", "end-time"].map(|option| reader.asked.option(option).map(str::to_owned))
}

/// `get-metric-data` says the label alone; what its queries were is a text of JSON in the command.
fn data(reader: &mut ResponseReader<'_>, node: &Node) {
    let at = node.at;
    let Some(queries) = reader.asked.option("metric-data-queries").map(|_| {
        let text = reader.asked.options.iter().find(|(name, _)| name.trim_start_matches('-') == "metric-data-queries");
        policy_documents::object(Node::text(text.map(|(_, value)| value.as_str()).unwrap_or_default(), at))
    }) else {
        return reader.nameless(
            "cloudwatch get-metric-data",
            "of what its values are",
            "part of a folder of `kubectl karpcheck collect`",
            at,
        );
    };
    let ends = ends(reader);
    for result in node.member("MetricDataResults").map(Node::elements).unwrap_or_default() {
        let query = queries.elements().iter().find(|query| query.str_at(&["Id"]) == result.str_at(&["Id"]));
        let Some(stat) = query.and_then(|query| query.member("MetricStat")) else { continue };
        if stat.str_at(&["Stat"]) != Some("Sum") {
            continue;
        }
        let (Some(namespace), Some(name)) =
            (stat.str_at(&["Metric", "Namespace"]), stat.str_at(&["Metric", "MetricName"]))
        else {
            continue;
        };
        let mut dimensions = Map::default();
        for dimension in stat.at_path(&["Metric", "Dimensions"]).map(Node::elements).unwrap_or_default() {
            if let (Some(name), Some(value)) = (dimension.str_at(&["Name"]), dimension.member("Value")) {
                dimensions.set(name, value.clone());
            }
        }
        let values = result.member("Values").map(Node::elements).unwrap_or_default();
        let sum = Node::new(Value::Number(values.iter().filter_map(number).sum()), result.at);
        metric(reader, namespace, name, dimensions, sum, ends.clone());
    }
    reader.facts = reader.facts.max(1);
}

fn metric(
    reader: &mut ResponseReader<'_>,
    namespace: &str,
    name: &str,
    dimensions: Map,
    sum: Node,
    ends: [Option<String>; 2],
) {
    let at = sum.at;
    let subject: Vec<&str> = dimensions.entries.iter().filter_map(|(_, value)| value.as_str()).collect();
    let subject = Subject { arn: None, id: None, name: format!("{name} of {}", subject.join(", ")) };
    let mut map = Map::default();
    map.set("Namespace", Node::text(namespace, at));
    map.set("Name", Node::text(name, at));
    map.set("Dimensions", Node::new(Value::Map(dimensions), at));
    map.set("Sum", sum);
    for (property, end) in ["From", "To"].into_iter().zip(ends) {
        if let Some(end) = end {
            map.set(property, Node::text(end, at));
        }
    }
    reader.resource(METRIC, subject, map, at);
}

fn number(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => text.known()?.parse().ok(),
        _ => None,
    }
}

const DENIAL_FIELDS: Rows = &[
    row("eventTime", "Time"),
    row("eventSource", "Service"),
    row("eventName", "Action"),
    row("errorCode", "Code"),
    row("errorMessage", "Message"),
    row("userIdentity/arn", "Principal"),
    row("awsRegion", "Region"),
];

/// Request and answer of the event are left out: they may hold what is confidential.
fn denial(reader: &mut ResponseReader<'_>, event: &Node) {
    let text = |member: &str| text_of(event.member(member)).unwrap_or_default().to_owned();
    let (code, message) = (text("errorCode"), text("errorMessage"));
    let denied = ["AccessDenied", "UnauthorizedOperation"].iter().any(|word| code.contains(word));
    if !denied && !message.contains("is not authorized to perform") {
        return;
    }
    let mut map = reader.fields(DENIAL, event, DENIAL_FIELDS);
    // The message has what an event that was cut down lacks.
    let after =
        |word: &str| message.split_once(word).and_then(|(_, rest)| rest.split_whitespace().next()).map(str::to_owned);
    for (property, value) in
        [("Principal", after("User: ")), ("Resource", after("on resource: ")), ("Permission", after("to perform: "))]
    {
        if let Some(value) = value
            && map.get(property).is_none_or(Node::is_null)
        {
            map.set(property, Node::text(Text::from(value), event.at));
        }
    }
    let subject = Subject { arn: None, id: None, name: format!("denial of {}", text("eventName")) };
    reader.resource(DENIAL, subject, map, event.at);
}

const TABLE_FIELDS: Rows = &[
    row("TableName", "TableName"),
    row("TableStatus", "TableStatus"),
    block("SSEDescription", "SSESpecification", &[row("SSEType", "SSEType"), row("KMSMasterKeyArn", "KMSMasterKeyId")]),
];

fn table(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(table) = node.member("Table") else { return };
    let named = text_of(table.member("TableArn")).or_else(|| text_of(table.member("TableName"))).map(Subject::named);
    let Some(subject) = named else { return };
    let mut map = reader.fields(TABLE, table, TABLE_FIELDS);
    // No description: under a key that AWS owns.
    if let Some(Value::Map(sse)) = map.get_mut("SSESpecification").map(|sse| &mut sse.value)
        && let Some(description) = table.member("SSEDescription")
    {
        let on = matches!(description.str_at(&["Status"]), Some("ENABLED" | "ENABLING" | "UPDATING"));
        sse.set("SSEEnabled", Node::new(Value::Flag(on), description.at));
    }
    reader.resource(TABLE, subject, map, table.at);
}
