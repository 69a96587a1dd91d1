//! ACK objects as the AWS resources that they describe: a table of fields per kind, no code per kind.
//!
//! Property names are CloudFormation's, what the API alone has keeps the API's name. A `*Ref` is a reference by address,
//! so that the resource refers to the one that the other object describes.

use std::sync::Arc;

use crate::inventory::{
    Address, AwsFacts, Cause, Draft, Logical, Map, Node, Part, Reason, SourceKind, Symbol, SymbolScope, Text, Value,
};
use crate::sources::convert::As::{Alias, Each, Flag, Number, Object, Only, OnlyRef, Policies, Ref, Refs, Same, Tags};
use crate::sources::convert::{Converter, Reference, Rows, Spelling};

const KEY: &str = "kms.services.k8s.aws/Key";
const ROLE: &str = "iam.services.k8s.aws/Role";
const POLICY: &str = "iam.services.k8s.aws/Policy";

/// Fields of `spec` or `status`, and the property that each becomes.
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
            ("spec/tags", "Tags", Tags),
            ("status/queueURL", "QueueUrl", Same),
        ],
        "AWS::KMS::Key" => &[
            ("spec/policy", "KeyPolicy", Object),
            ("spec/keySpec", "KeySpec", Same),
            ("spec/keyUsage", "KeyUsage", Same),
            ("spec/enableKeyRotation", "EnableKeyRotation", Same),
            ("spec/multiRegion", "MultiRegion", Same),
            ("spec/origin", "Origin", Same),
            ("spec/tags", "Tags", Each(&[("tagKey", "Key", Same), ("tagValue", "Value", Same)])),
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
            ("spec/tags", "Tags", Each(&[("key", "Key", Same), ("value", "Value", Same)])),
        ],
        "AWS::IAM::InstanceProfile" => &[
            ("spec/name", "InstanceProfileName", Same),
            ("spec/path", "Path", Same),
            ("spec/role", "Roles", Only("", "")),
            ("spec/roleRef", "Roles", OnlyRef(ROLE, "RoleName")),
        ],
        "AWS::EC2::LaunchTemplate" => &[
            ("spec/name", "LaunchTemplateName", Same),
            (
                "spec/data/blockDeviceMappings",
                "LaunchTemplateData/BlockDeviceMappings",
                Each(&[
                    ("deviceName", "DeviceName", Same),
                    ("ebs/encrypted", "Ebs/Encrypted", Flag),
                    ("ebs/kmsKeyID", "Ebs/KmsKeyId", Same),
                    ("ebs/snapshotID", "Ebs/SnapshotId", Same),
                    ("ebs/volumeSize", "Ebs/VolumeSize", Number),
                    ("ebs/volumeType", "Ebs/VolumeType", Same),
                ]),
            ),
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
                    ("roleARN", "RoleArn", Same),
                    ("input", "Input", Same),
                    ("inputPath", "InputPath", Same),
                    ("inputTransformer", "InputTransformer", Same),
                    ("deadLetterConfig/arn", "DeadLetterConfig/Arn", Same),
                    ("sqsParameters/messageGroupID", "SqsParameters/MessageGroupId", Same),
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
            ("spec/computeConfig/enabled", "ComputeConfig/Enabled", Flag),
            ("spec/tags", "Tags", Tags),
            ("status/endpoint", "Endpoint", Same),
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
        "AWS::KMS::Key" => "KeyId",
        _ => crate::sources::cloudformation::naming(kind).unwrap_or("Name"),
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
    let refer = |to: &Reference<'_>| reference(to.kind, to.attribute, to.field, object);
    Converter { spelling: Spelling::Exact, refer: &refer }.convert(rows, &object.body, &mut body);
    // An object that adopts a resource says little of it: the rest is AWS's.
    let adopts = ["services.k8s.aws/adoption-policy", "services.k8s.aws/adoption-fields"]
        .iter()
        .any(|name| object.body.at_path(&["metadata", "annotations", name]).is_some());
    if adopts && !object.source.observed() {
        body.more = Some(Box::new(crate::inventory::Reason::new(
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
        logical: vec![address(object)],
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
pub(super) fn address(object: &Draft) -> Logical {
    logical(&object.kind, object, object.namespace.as_deref(), &object.name)
}

fn logical(kind: &str, object: &Draft, namespace: Option<&str>, name: &str) -> Logical {
    Logical {
        scope: SymbolScope::Cluster(object.cluster.0),
        id: format!("{kind}/{}/{name}", namespace.unwrap_or("default")).into(),
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
        reason: Reason::new(Cause::Symbolic, format!("the {attribute} of {kind} {known} is known to its controller")),
    };
    let address = Address { scope: target.scope, id: target.id, attribute: attribute.into() };
    Some(Node::text(Text::from_parts([Part::Hole(symbol)]).referring(address), field.at))
}
