//! What happened: sums of CloudWatch, denials in CloudTrail. And tables of DynamoDB, and whose account it is.

use crate::inventory::{At, Map, Node, Text, Value};
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    ResponseReader, Subject, is_list, is_map, is_text, missing_nothing, text_of, untold_nothing,
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
        take: statistics,
        untold: |taker, reason| {
            let (Some(namespace), Some(name)) = (taker.asked.option("namespace"), taker.asked.option("metric-name"))
            else {
                return;
            };
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            let at = taker.asked.place;
            let sum = Node::new(Value::Unknown(Box::new(reason.clone())), at);
            let dimensions = dimensions(taker, at);
            let ends = ends(taker);
            metric(taker, &namespace, &name, dimensions, sum, ends);
        },
        missing: missing_nothing,
    },
    Operation {
        service: "cloudwatch",
        name: "get-metric-data",
        members: &["MetricDataResults"],
        fits: |node| is_list(node, "MetricDataResults", "Values"),
        take: data,
        untold: untold_nothing,
        missing: missing_nothing,
    },
    Operation {
        service: "cloudtrail",
        name: "lookup-events",
        members: &["Events"],
        fits: |node| is_list(node, "Events", "EventName"),
        take: |taker, node| {
            for event in node.member("Events").map(Node::elements).unwrap_or_default() {
                if let Some(text) = event.member("CloudTrailEvent") {
                    denial(taker, &policy_documents::object(text.clone()));
                }
            }
            taker.facts = taker.facts.max(1);
        },
        untold: untold_nothing,
        missing: missing_nothing,
    },
    Operation {
        // A single event, as people copy it out of the console.
        service: "cloudtrail",
        name: "event",
        members: &["eventName", "errorMessage"],
        fits: |node| is_text(node, "eventName") && is_text(node, "errorMessage"),
        take: |taker, node| {
            denial(taker, node);
            taker.facts = taker.facts.max(1);
        },
        untold: untold_nothing,
        missing: missing_nothing,
    },
    Operation {
        service: "dynamodb",
        name: "describe-table",
        members: &["Table"],
        fits: |node| is_map(node, "Table") && node.at_path(&["Table", "TableName"]).is_some(),
        take: table,
        untold: |taker, reason| {
            if let Some(subject) = taker.asked.option("table-name").map(Subject::named) {
                taker.unknown(TABLE, subject, &["SSESpecification"], reason);
            }
        },
        missing: |taker| taker.none_called(TABLE, "table-name"),
    },
    Operation {
        service: "sts",
        name: "get-caller-identity",
        members: &["UserId", "Account", "Arn"],
        fits: |node| is_text(node, "Account"),
        // Whose account it is tells where the answers beside it are from; nothing of the caller is kept.
        take: |taker, _| taker.facts += 1,
        untold: untold_nothing,
        missing: missing_nothing,
    },
];

fn statistics(taker: &mut ResponseReader<'_>, node: &Node) {
    let label = text_of(node.member("Label")).or_else(|| taker.asked.option("metric-name")).map(str::to_owned);
    let (Some(name), Some(namespace)) = (label, taker.asked.option("namespace").map(str::to_owned)) else {
        return taker.nameless(
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
        taker.facts += 1;
        return;
    };
    let (dimensions, ends) = (dimensions(taker, node.at), ends(taker));
    let sum = Node::new(Value::Number(sums.iter().sum()), node.at);
    metric(taker, &namespace, &name, dimensions, sum, ends);
}

/// `Name=QueueName,Value=prod`, as often as there are dimensions.
fn dimensions(taker: &ResponseReader<'_>, at: At) -> Map {
    let mut dimensions = Map::default();
    for dimension in taker.asked.values("dimensions") {
        let parts: Vec<&str> = dimension.split(',').collect();
        let of = |key: &str| parts.iter().find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
        if let (Some(name), Some(value)) = (of("Name"), of("Value")) {
            dimensions.set(name, Node::text(value, at));
        }
    }
    dimensions
}

fn ends(taker: &ResponseReader<'_>) -> [Option<String>; 2] {
    ["start-time", "end-time"].map(|option| taker.asked.option(option).map(str::to_owned))
}

/// `get-metric-data` says the label alone; what its queries were is a text of JSON in the command.
fn data(taker: &mut ResponseReader<'_>, node: &Node) {
    let at = node.at;
    let Some(queries) = taker.asked.option("metric-data-queries").map(|_| {
        let text = taker.asked.options.iter().find(|(name, _)| name.trim_start_matches('-') == "metric-data-queries");
        policy_documents::object(Node::text(text.map(|(_, value)| value.as_str()).unwrap_or_default(), at))
    }) else {
        return taker.nameless(
            "cloudwatch get-metric-data",
            "of what its values are",
            "part of a folder of `kubectl karpcheck collect`",
            at,
        );
    };
    let ends = ends(taker);
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
        metric(taker, namespace, name, dimensions, sum, ends.clone());
    }
    taker.facts = taker.facts.max(1);
}

fn metric(
    taker: &mut ResponseReader<'_>,
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
    taker.resource(METRIC, subject, map, at);
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

/// Request and answer of the event are left out: they may hold what is nobody's business.
fn denial(taker: &mut ResponseReader<'_>, event: &Node) {
    let text = |member: &str| text_of(event.member(member)).unwrap_or_default().to_owned();
    let (code, message) = (text("errorCode"), text("errorMessage"));
    let denied = ["AccessDenied", "UnauthorizedOperation"].iter().any(|word| code.contains(word));
    if !denied && !message.contains("is not authorized to perform") {
        return;
    }
    let mut map = taker.fields(DENIAL, event, DENIAL_FIELDS);
    // The message has what an event that was cut down lacks.
    let after =
        |word: &str| message.split_once(word).and_then(|(_, rest)| rest.split_whitespace().next()).map(str::to_owned);
    for (property, told) in
        [("Principal", after("User: ")), ("Resource", after("on resource: ")), ("Permission", after("to perform: "))]
    {
        if let Some(told) = told
            && map.get(property).is_none_or(Node::is_null)
        {
            map.set(property, Node::text(Text::from(told), event.at));
        }
    }
    let subject = Subject { arn: None, id: None, name: format!("denial of {}", text("eventName")) };
    taker.resource(DENIAL, subject, map, event.at);
}

const TABLE_FIELDS: Rows = &[
    row("TableName", "TableName"),
    row("TableStatus", "TableStatus"),
    block("SSEDescription", "SSESpecification", &[row("SSEType", "SSEType"), row("KMSMasterKeyArn", "KMSMasterKeyId")]),
];

fn table(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(table) = node.member("Table") else { return };
    let told = text_of(table.member("TableArn")).or_else(|| text_of(table.member("TableName"))).map(Subject::named);
    let Some(subject) = told else { return };
    let mut map = taker.fields(TABLE, table, TABLE_FIELDS);
    // No description: under a key that AWS owns.
    if let Some(Value::Map(sse)) = map.get_mut("SSESpecification").map(|sse| &mut sse.value)
        && let Some(description) = table.member("SSEDescription")
    {
        let on = matches!(description.str_at(&["Status"]), Some("ENABLED" | "ENABLING" | "UPDATING"));
        sse.set("SSEEnabled", Node::new(Value::Flag(on), description.at));
    }
    taker.resource(TABLE, subject, map, table.at);
}
