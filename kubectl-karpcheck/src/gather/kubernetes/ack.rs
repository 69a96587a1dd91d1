//! ACK objects as the AWS resources that they describe: a table of fields per kind, no code per kind.
//!
//! Property names are CloudFormation's, what the API alone has keeps the API's name. A `*Ref` is a reference by address,
//! so that the resource refers to the one that the other object describes.

use std::sync::Arc;

use super::super::policy;
use crate::model::{
    Address, AwsFacts, Cause, Draft, List, Logical, Map, Node, Part, Scope, SourceKind, Symbol, Text, Value,
};

/// How a field becomes a property.
#[derive(Clone, Copy)]
enum As {
    /// As it is.
    Same,
    /// A JSON text becomes an object.
    Object,
    /// `"true"` becomes a flag: SQS's attributes are all texts.
    Flag,
    /// `"300"` becomes a number.
    Number,
    /// `{from: {name, namespace}}` to an object of this kind, whose attribute it stands for.
    Ref(&'static str, &'static str),
    /// A list of such references.
    Refs(&'static str, &'static str),
    /// `alias/` is put before it where it lacks: the controller does so since 1.0.24.
    Alias,
    /// A map of names to policy texts becomes a list of `{PolicyName, PolicyDocument}`.
    Policies,
    /// A list of objects, each by this table.
    Each(&'static [(&'static str, &'static str, Self)]),
}

use As::{Alias, Each, Flag, Number, Object, Policies, Ref, Refs, Same};

const KEY: &str = "kms.services.k8s.aws/Key";
const ROLE: &str = "iam.services.k8s.aws/Role";
const POLICY: &str = "iam.services.k8s.aws/Policy";

/// Fields of `spec` or `status`, and the property that each becomes. Later rows of a property count where they have a value.
type Rows = &'static [(&'static str, &'static str, As)];

fn rows(kind: &str) -> Rows {
    match kind {
        "AWS::SQS::Queue" => &[
            ("spec/queueName", "QueueName", Same),
            ("spec/kmsMasterKeyID", "KmsMasterKeyId", Same),
            ("spec/kmsMasterKeyRef", "KmsMasterKeyId", Ref(KEY, "KeyId")),
            ("spec/kmsDataKeyReusePeriodSeconds", "KmsDataKeyReusePeriodSeconds", Number),
            ("spec/sqsManagedSSEEnabled", "SqsManagedSseEnabled", Flag),
            ("spec/messageRetentionPeriod", "MessageRetentionPeriod", Number),
            ("spec/fifoQueue", "FifoQueue", Flag),
            ("spec/policy", "Policy", Object),
            ("spec/policyRef", "Policy", Ref(POLICY, "PolicyDocument")),
            ("spec/tags", "Tags", Same),
            ("status/queueURL", "QueueUrl", Same),
        ],
        "AWS::KMS::Key" => &[
            ("spec/policy", "KeyPolicy", Object),
            ("spec/keySpec", "KeySpec", Same),
            ("spec/keyUsage", "KeyUsage", Same),
            ("spec/enableKeyRotation", "EnableKeyRotation", Same),
            ("spec/multiRegion", "MultiRegion", Same),
            ("spec/origin", "Origin", Same),
            ("status/keyID", "KeyId", Same),
            ("status/keyState", "KeyState", Same),
            ("status/keyManager", "KeyManager", Same),
            ("status/enabled", "Enabled", Same),
            ("status/deletionDate", "DeletionDate", Same),
        ],
        "AWS::KMS::Alias" => &[
            ("spec/name", "AliasName", Alias),
            ("spec/targetKeyID", "TargetKeyId", Same),
            ("spec/targetKeyRef", "TargetKeyId", Ref(KEY, "KeyId")),
        ],
        "AWS::DynamoDB::Table" => &[
            ("spec/tableName", "TableName", Same),
            ("spec/sseSpecification/enabled", "SSESpecification/SSEEnabled", Same),
            ("spec/sseSpecification/sseType", "SSESpecification/SSEType", Same),
            ("spec/sseSpecification/kmsMasterKeyID", "SSESpecification/KMSMasterKeyId", Same),
            ("spec/sseSpecification/kmsMasterKeyRef", "SSESpecification/KMSMasterKeyId", Ref(KEY, "Arn")),
        ],
        "AWS::IAM::Role" => &[
            ("spec/name", "RoleName", Same),
            ("spec/path", "Path", Same),
            ("spec/assumeRolePolicyDocument", "AssumeRolePolicyDocument", Object),
            ("spec/inlinePolicies", "Policies", Policies),
            ("spec/policies", "ManagedPolicyArns", Same),
            ("spec/policyRefs", "ManagedPolicyArns", Refs(POLICY, "Arn")),
            ("spec/permissionsBoundary", "PermissionsBoundary", Same),
            ("spec/permissionsBoundaryRef", "PermissionsBoundary", Ref(POLICY, "Arn")),
            ("spec/tags", "Tags", Each(&[("key", "Key", Same), ("value", "Value", Same)])),
        ],
        "AWS::IAM::ManagedPolicy" => &[
            ("spec/name", "ManagedPolicyName", Same),
            ("spec/path", "Path", Same),
            ("spec/policyDocument", "PolicyDocument", Object),
        ],
        "AWS::Events::Rule" => &[
            ("spec/name", "Name", Same),
            ("spec/eventBusName", "EventBusName", Same),
            ("spec/eventBusRef", "EventBusName", Ref("eventbridge.services.k8s.aws/EventBus", "Name")),
            ("spec/eventPattern", "EventPattern", Object),
            ("spec/scheduleExpression", "ScheduleExpression", Same),
            ("spec/state", "State", Same),
            (
                "spec/targets",
                "Targets",
                Each(&[
                    ("id", "Id", Same),
                    ("arn", "Arn", Same),
                    ("input", "Input", Same),
                    ("inputPath", "InputPath", Same),
                    ("inputTransformer", "InputTransformer", Same),
                ]),
            ),
        ],
        "AWS::EKS::Cluster" => &[
            ("spec/name", "Name", Same),
            ("spec/roleARN", "RoleArn", Same),
            ("spec/roleRef", "RoleArn", Ref(ROLE, "Arn")),
            (
                "spec/encryptionConfig",
                "EncryptionConfig",
                Each(&[
                    ("resources", "Resources", Same),
                    ("provider/keyARN", "Provider/KeyArn", Same),
                    ("provider/keyRef", "Provider/KeyArn", Ref(KEY, "Arn")),
                ]),
            ),
        ],
        "AWS::EKS::PodIdentityAssociation" => &[
            ("spec/clusterName", "ClusterName", Same),
            ("spec/namespace", "Namespace", Same),
            ("spec/serviceAccount", "ServiceAccount", Same),
            ("spec/roleARN", "RoleArn", Same),
            ("spec/roleRef", "RoleArn", Ref(ROLE, "Arn")),
        ],
        _ => &[],
    }
}

/// The property that names a resource of this kind to others.
fn naming(kind: &str) -> &'static str {
    match kind {
        "AWS::SQS::Queue" => "QueueName",
        "AWS::KMS::Key" => "KeyId",
        "AWS::KMS::Alias" => "AliasName",
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
        _ => "Name",
    }
}

/// The resource that an object describes.
pub(super) fn described(kind: &'static str, object: &Draft) -> Option<Draft> {
    let rows = rows(kind);
    if rows.is_empty() {
        return None;
    }
    let at = object.body.at;
    let mut body = Map::default();
    convert(rows, &object.body, object, &mut body);
    // An object that adopts a resource says little of it: the rest is AWS's.
    let adopts = ["services.k8s.aws/adoption-policy", "services.k8s.aws/adoption-fields"]
        .iter()
        .any(|name| object.body.at_path(&["metadata", "annotations", name]).is_some());
    if adopts && !object.source.observed() {
        body.more = Some(Box::new(crate::model::Reason::new(
            Cause::NotProvided,
            "it adopts a resource that exists: what it does not say is AWS's",
        )));
    }
    let id = match body.get(naming(kind)).map(|node| &node.value) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let facts = |path: &[&str]| object.body.at_path(path).filter(|node| matches!(node.value, Value::Text(_))).cloned();
    let region = facts(&["metadata", "annotations", "services.k8s.aws/region"])
        .or_else(|| facts(&["status", "ackResourceMetadata", "region"]));
    let account = facts(&["metadata", "annotations", "services.k8s.aws/owner-account-id"])
        .or_else(|| facts(&["status", "ackResourceMetadata", "ownerAccountID"]));
    let aws = AwsFacts {
        partition: None,
        account,
        region,
        arn: facts(&["status", "ackResourceMetadata", "arn"]),
        id: id.clone(),
        logical: vec![logical(&object.kind, object, object.namespace.as_deref(), &object.name)],
    };
    let name = id.map_or_else(|| object.name.to_string(), |id| id.to_string());
    let source = if object.source.observed() { SourceKind::Live } else { SourceKind::Manifest };
    let mut draft = Draft::new(kind, name, Node::new(Value::Map(body), at), source);
    draft.cluster = object.cluster;
    draft.read_at.clone_from(&object.read_at);
    draft.aws = Some(Box::new(aws));
    Some(draft)
}

/// The address of what an object describes.
fn logical(kind: &str, object: &Draft, namespace: Option<&str>, name: &str) -> Logical {
    Logical {
        scope: Scope::Cluster(object.cluster.0),
        id: format!("{kind}/{}/{name}", namespace.unwrap_or("default")).into(),
    }
}

fn convert(rows: Rows, from: &Node, object: &Draft, into: &mut Map) {
    for (path, property, how) in rows {
        let path: Vec<&str> = path.split('/').collect();
        let Some(field) = from.at_path(&path).filter(|field| !field.is_null()) else {
            // A placeholder where the parent belongs leaves the property unknown.
            if let Some((reason, at)) =
                (1..path.len()).rev().find_map(|length| from.at_path(&path[..length])).and_then(|node| {
                    match &node.value {
                        Value::Unknown(_) | Value::Text(_) => node.first_unknown(),
                        _ => None,
                    }
                })
            {
                put(into, property, Node::new(Value::Unknown(Box::new(reason)), at));
            }
            continue;
        };
        if field.as_str() == Some("") {
            continue;
        }
        let node = match how {
            Same => field.clone(),
            Object => policy::object(field.clone()),
            Flag => match field.as_str().map(str::to_ascii_lowercase).as_deref() {
                Some("true") => Node::new(Value::Flag(true), field.at),
                Some("false") => Node::new(Value::Flag(false), field.at),
                _ => field.clone(),
            },
            Number => match field.as_str().and_then(|text| text.parse().ok()) {
                Some(number) => Node::new(Value::Number(number), field.at),
                None => field.clone(),
            },
            Ref(kind, attribute) => match reference(kind, attribute, field, object) {
                Some(node) => node,
                None => continue,
            },
            Refs(kind, attribute) => {
                let items: Vec<Node> =
                    field.elements().iter().filter_map(|field| reference(kind, attribute, field, object)).collect();
                Node::new(Value::List(List { items, more: None }), field.at)
            }
            Alias => match &field.value {
                Value::Text(text) if text.hole().is_none() && !text.starts_with("alias/") => {
                    Node::text(format!("alias/{text}"), field.at)
                }
                _ => field.clone(),
            },
            Policies => {
                let entries = field.as_map().map(|map| map.entries.as_slice()).unwrap_or_default();
                let items = entries
                    .iter()
                    .map(|(name, document)| {
                        let mut policy = Map::default();
                        policy.set("PolicyName", Node::text(name.clone(), document.at));
                        policy.set("PolicyDocument", policy::object(document.clone()));
                        Node::new(Value::Map(policy), document.at)
                    })
                    .collect();
                Node::new(Value::List(List { items, more: None }), field.at)
            }
            Each(rows) => match &field.value {
                Value::List(list) => {
                    let items = list
                        .items
                        .iter()
                        .map(|element| match &element.value {
                            Value::Map(_) => {
                                let mut map = Map::default();
                                convert(rows, element, object, &mut map);
                                Node::new(Value::Map(map), element.at)
                            }
                            _ => element.clone(),
                        })
                        .collect();
                    Node::new(Value::List(List { items, more: list.more.clone() }), field.at)
                }
                _ => field.clone(),
            },
        };
        put(into, property, node);
    }
}

/// Sets a property, which may be one of an object inside.
fn put(map: &mut Map, property: &str, node: Node) {
    match property.split_once('/') {
        None => map.set(property, node),
        Some((outer, inner)) => {
            if map.get(outer).is_none() {
                map.set(outer, Node::new(Value::Map(Map::default()), node.at));
            }
            if let Some(Value::Map(map)) = map.get_mut(outer).map(|outer| &mut outer.value) {
                put(map, inner, node);
            }
        }
    }
}

/// A reference to what another object describes. A reference without `from` or name refers to nothing.
fn reference(kind: &str, attribute: &'static str, field: &Node, object: &Draft) -> Option<Node> {
    let from = field.member("from")?;
    let name = match &from.member("name")?.value {
        Value::Text(text) if !text.is_empty() => text.clone(),
        _ => return None,
    };
    let Some(known) = name.known() else {
        return Some(Node::text(name, field.at));
    };
    let namespace =
        from.str_at(&["namespace"]).filter(|namespace| !namespace.is_empty()).or(object.namespace.as_deref());
    let target = logical(kind, object, namespace, known);
    let kind = kind.rsplit('/').next().unwrap_or(kind);
    let symbol = Symbol {
        name: Arc::from(format!("${{{}.{attribute}}}", target.id)),
        scope: target.scope,
        cause: Cause::Symbolic,
        why: format!("the {attribute} of {kind} {known} is known to its controller").into(),
    };
    let address = Address { scope: target.scope, id: target.id, attribute: attribute.into() };
    Some(Node::text(Text::from_parts([Part::Hole(symbol)]).referring(address), field.at))
}
