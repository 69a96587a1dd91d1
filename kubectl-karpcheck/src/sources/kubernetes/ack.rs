//! ACK objects as the AWS resources that they describe: which field a property is, by the kind of object.
//!
//! Property names are CloudFormation's, what the API alone has keeps the API's name. A `*Ref` is a reference by address,
//! so that the resource refers to the one that the other object describes.

use std::sync::Arc;

use crate::inventory::builder::Fragment;
use crate::inventory::reason::Objects;
use crate::inventory::{
    Address, AwsFacts, Cause, Draft, Logical, Node, Part, Reason, SourceKind, Symbol, SymbolScope, Text, Value,
};
use crate::schema;
use crate::schema::aws::Kind;
use crate::schema::{aws, kinds};
use crate::sources::mapping;
use crate::sources::mapping::{Mapper, PLAIN, Reference, References, Rows, Spelling, block, by_name, row};

/// Fields of `spec` or `status` by the kind of object, and the property that each is.
const OBJECTS: &[(&str, Rows)] = &[
    (
        "sqs.services.k8s.aws/Queue",
        &[
            row("spec/queueName", "QueueName"),
            row("spec/kmsMasterKeyID", "KmsMasterKeyId"),
            row("spec/kmsMasterKeyRef", "KmsMasterKeyId"),
            row("spec/kmsDataKeyReusePeriodSeconds", "KmsDataKeyReusePeriodSeconds"),
            row("spec/sqsManagedSSEEnabled", "SqsManagedSseEnabled"),
            row("spec/messageRetentionPeriod", "MessageRetentionPeriod"),
            row("spec/fifoQueue", "FifoQueue"),
            row("spec/policy", "Policy"),
            row("spec/policyRef", "Policy"),
            row("spec/tags", "Tags"),
            row("status/queueURL", "QueueUrl"),
        ],
    ),
    (
        "kms.services.k8s.aws/Key",
        &[
            row("spec/policy", "KeyPolicy"),
            row("spec/description", "Description"),
            row("spec/keySpec", "KeySpec"),
            row("spec/keyUsage", "KeyUsage"),
            row("spec/enableKeyRotation", "EnableKeyRotation"),
            row("spec/multiRegion", "MultiRegion"),
            row("spec/origin", "Origin"),
            block("spec/tags", "Tags", &[row("tagKey", "Key"), row("tagValue", "Value")]),
            row("status/keyID", "KeyId"),
            row("status/keyState", "KeyState"),
            row("status/keyManager", "KeyManager"),
            row("status/enabled", "Enabled"),
            row("status/deletionDate", "DeletionDate"),
        ],
    ),
    (
        "kms.services.k8s.aws/Grant",
        &[
            row("spec/name", "Name"),
            row("spec/granteePrincipal", "GranteePrincipal"),
            row("spec/retiringPrincipal", "RetiringPrincipal"),
            row("spec/operations", "Operations"),
            row("spec/constraints/encryptionContextEquals", "Constraints/EncryptionContextEquals"),
            row("spec/constraints/encryptionContextSubset", "Constraints/EncryptionContextSubset"),
        ],
    ),
    (
        "kms.services.k8s.aws/Alias",
        &[
            row("spec/name", "AliasName"),
            row("spec/targetKeyID", "TargetKeyId"),
            row("spec/targetKeyRef", "TargetKeyId"),
        ],
    ),
    (
        "dynamodb.services.k8s.aws/Table",
        &[
            row("spec/tableName", "TableName"),
            row("spec/sseSpecification/enabled", "SSESpecification/SSEEnabled"),
            row("spec/sseSpecification/sseType", "SSESpecification/SSEType"),
            row("spec/sseSpecification/kmsMasterKeyID", "SSESpecification/KMSMasterKeyId"),
            row("spec/sseSpecification/kmsMasterKeyRef", "SSESpecification/KMSMasterKeyId"),
        ],
    ),
    (
        "iam.services.k8s.aws/Role",
        &[
            row("spec/name", "RoleName"),
            row("spec/path", "Path"),
            row("spec/assumeRolePolicyDocument", "AssumeRolePolicyDocument"),
            by_name("spec/inlinePolicies", "Policies", "PolicyName", "PolicyDocument"),
            row("spec/policies", "ManagedPolicyArns"),
            row("spec/policyRefs", "ManagedPolicyArns"),
            row("spec/permissionsBoundary", "PermissionsBoundary"),
            row("spec/permissionsBoundaryRef", "PermissionsBoundary"),
            block("spec/tags", "Tags", TAG),
        ],
    ),
    (
        "iam.services.k8s.aws/User",
        &[
            row("spec/name", "UserName"),
            row("spec/path", "Path"),
            by_name("spec/inlinePolicies", "Policies", "PolicyName", "PolicyDocument"),
            row("spec/policies", "ManagedPolicyArns"),
            row("spec/policyRefs", "ManagedPolicyArns"),
            row("spec/permissionsBoundary", "PermissionsBoundary"),
            row("spec/permissionsBoundaryRef", "PermissionsBoundary"),
            block("spec/tags", "Tags", TAG),
        ],
    ),
    (
        "iam.services.k8s.aws/Group",
        &[
            row("spec/name", "GroupName"),
            row("spec/path", "Path"),
            by_name("spec/inlinePolicies", "Policies", "PolicyName", "PolicyDocument"),
            row("spec/policies", "ManagedPolicyArns"),
            row("spec/policyRefs", "ManagedPolicyArns"),
        ],
    ),
    (
        "iam.services.k8s.aws/Policy",
        &[
            row("spec/name", "ManagedPolicyName"),
            row("spec/path", "Path"),
            row("spec/policyDocument", "PolicyDocument"),
            block("spec/tags", "Tags", TAG),
        ],
    ),
    (
        "iam.services.k8s.aws/InstanceProfile",
        &[
            row("spec/name", "InstanceProfileName"),
            row("spec/path", "Path"),
            row("spec/role", "Roles"),
            row("spec/roleRef", "Roles"),
            block("spec/tags", "Tags", TAG),
        ],
    ),
    (
        "ec2.services.k8s.aws/LaunchTemplate",
        &[
            row("spec/name", "LaunchTemplateName"),
            block(
                "spec/data/blockDeviceMappings",
                "LaunchTemplateData/BlockDeviceMappings",
                &[
                    row("deviceName", "DeviceName"),
                    row("ebs/encrypted", "Ebs/Encrypted"),
                    row("ebs/kmsKeyID", "Ebs/KmsKeyId"),
                    row("ebs/snapshotID", "Ebs/SnapshotId"),
                    row("ebs/volumeSize", "Ebs/VolumeSize"),
                    row("ebs/volumeType", "Ebs/VolumeType"),
                ],
            ),
        ],
    ),
    (
        "eventbridge.services.k8s.aws/Rule",
        &[
            row("spec/name", "Name"),
            row("spec/eventBusName", "EventBusName"),
            row("spec/eventBusRef", "EventBusName"),
            row("spec/eventPattern", "EventPattern"),
            row("spec/scheduleExpression", "ScheduleExpression"),
            row("spec/state", "State"),
            block(
                "spec/targets",
                "Targets",
                &[
                    row("id", "Id"),
                    row("arn", "Arn"),
                    row("roleARN", "RoleArn"),
                    row("input", "Input"),
                    row("inputPath", "InputPath"),
                    row("inputTransformer/inputPathsMap", "InputTransformer/InputPathsMap"),
                    row("inputTransformer/inputTemplate", "InputTransformer/InputTemplate"),
                    row("deadLetterConfig/arn", "DeadLetterConfig/Arn"),
                    row("sqsParameters/messageGroupID", "SqsParameters/MessageGroupId"),
                ],
            ),
        ],
    ),
    (
        "eks.services.k8s.aws/Cluster",
        &[
            row("spec/name", "Name"),
            row("spec/version", "Version"),
            row("spec/roleARN", "RoleArn"),
            row("spec/roleRef", "RoleArn"),
            block(
                "spec/encryptionConfig",
                "EncryptionConfig",
                &[
                    row("resources", "Resources"),
                    row("provider/keyARN", "Provider/KeyArn"),
                    row("provider/keyRef", "Provider/KeyArn"),
                ],
            ),
            row("spec/computeConfig/enabled", "ComputeConfig/Enabled"),
            row("spec/computeConfig/nodeRoleARN", "ComputeConfig/NodeRoleArn"),
            row("spec/accessConfig/authenticationMode", "AccessConfig/AuthenticationMode"),
            row("spec/tags", "Tags"),
            row("status/endpoint", "Endpoint"),
        ],
    ),
    (
        "eks.services.k8s.aws/PodIdentityAssociation",
        &[
            row("spec/clusterName", "ClusterName"),
            row("spec/clusterRef", "ClusterName"),
            row("spec/namespace", "Namespace"),
            row("spec/serviceAccount", "ServiceAccount"),
            row("spec/roleARN", "RoleArn"),
            row("spec/roleRef", "RoleArn"),
            row("status/associationID", "AssociationId"),
        ],
    ),
];

fn rows(object: &str) -> Rows {
    OBJECTS.iter().find(|(own, _)| *own == object).map_or(&[], |(_, rows)| rows)
}

/// The fields of an object that are properties of what it describes: see [`mapping::pointers`].
pub(super) fn described_in(object: &str) -> Vec<String> {
    let rows = rows(object);
    mapping::pointers(rows, Spelling::Exact)
}

/// The way to the field that a property of what an object describes is written in.
pub(super) fn written(object: &str, path: &[String]) -> Option<Vec<String>> {
    mapping::written(rows(object), Spelling::Exact, path)
}

/// The key that a grant is of.
const WHOLE: Rows = &[row("spec/keyID", ""), row("spec/keyRef", "")];

const TAG: Rows = &[row("key", "Key"), row("value", "Value")];

/// What an object describes.
pub(super) enum Described {
    /// A resource.
    Resource(Box<Draft>),
    /// A part of one.
    Part(Box<Fragment>),
}

/// The resource, or the part of one, that an object describes.
pub(super) fn described(kind: &'static str, object: &Draft) -> Option<Described> {
    let rows = rows(&object.kind);
    if rows.is_empty() {
        return None;
    }
    let refer = |to: &Reference<'_>| reference(to, object);
    let mapper = Mapper { references: References::From, refer: &refer, ..PLAIN };
    let at = object.body.at;
    let whole = Kind::Object(aws::properties(kind));
    if &*object.kind == "kms.services.k8s.aws/Grant" {
        let mut own = mapper.properties(WHOLE, Kind::Name(kind), &object.body);
        let grant = mapper.properties(rows, aws::inner(whole, "Grants")?, &object.body);
        return Some(Described::Part(Box::new(Fragment {
            kind,
            whole: own.remove("")?,
            property: "Grants",
            value: Node::new(Value::Map(grant), at),
            element: true,
            of: None,
            otherwise: None,
        })));
    }
    let mut body = mapper.properties(rows, whole, &object.body);
    // An object that adopts a resource says little of it: the rest is AWS's.
    let adopts = ["services.k8s.aws/adoption-policy", "services.k8s.aws/adoption-fields"]
        .iter()
        .any(|name| object.body.at_path(&["metadata", "annotations", name]).is_some());
    if adopts && !object.source.observed() {
        body.more = Some(Box::new(Reason::new(Cause::NotProvided, Objects::Adopted)));
    }
    let facts = |path: &[&str]| object.body.at_path(path).filter(|node| matches!(node.value, Value::Text(_))).cloned();
    let region = facts(&["metadata", "annotations", "services.k8s.aws/region"])
        .or_else(|| facts(&["status", "ackResourceMetadata", "region"]));
    let account = facts(&["metadata", "annotations", "services.k8s.aws/owner-account-id"])
        .or_else(|| facts(&["status", "ackResourceMetadata", "ownerAccountID"]));
    let source = if object.source.observed() { SourceKind::Live } else { SourceKind::Manifest };
    let mut draft = Draft::new(kind, object.name.clone(), Node::new(Value::Map(body), at), source);
    draft.cluster = object.cluster;
    draft.read_at.clone_from(&object.read_at);
    draft.aws = Some(Box::new(AwsFacts {
        partition: None,
        account,
        region,
        arn: facts(&["status", "ackResourceMetadata", "arn"]),
        id: None,
        logical: vec![address(object)],
    }));
    super::identify(&mut draft);
    Some(Described::Resource(Box::new(draft)))
}

/// The fields of an object that are no property.
pub(super) fn unmapped(object: &Draft, found: &mut dyn FnMut(String)) {
    let rows = rows(&object.kind);
    let own = |path: String| {
        if !["apiVersion", "kind", "metadata"].contains(&path.split('/').next().unwrap_or_default()) {
            found(path);
        }
    };
    if !rows.is_empty() {
        PLAIN.unmapped(rows, &object.body, &mut { own });
    }
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
fn reference(to: &Reference<'_>, object: &Draft) -> Option<Node> {
    let field = to.value;
    let from = field.member("from")?;
    let name = match &from.member("name")?.value {
        Value::Text(text) if !text.is_empty() => text.clone(),
        _ => return None,
    };
    let Some(known) = name.known() else {
        return Some(Node::text(name, field.at));
    };
    // What the schema does not say, the name of the field does.
    let described = to.kind.and_then(kinds::described_in);
    let kind = described.or_else(|| schema::ack::referred_kind(&object.kind, &format!("/{}", to.field)))?;
    let attribute = to.attribute;
    let namespace =
        from.str_at(&["namespace"]).filter(|namespace| !namespace.is_empty()).or(object.namespace.as_deref());
    let target = logical(kind, object, namespace, known);
    let kind = kind.rsplit('/').next().unwrap_or(kind);
    let symbol = Symbol {
        name: Arc::from(format!("${{{}.{attribute}}}", target.id)),
        scope: target.scope,
        reason: Reason::new(
            Cause::Symbolic,
            Objects::OfController { attribute: attribute.into(), what: format!("{kind} {known}").into() },
        ),
    };
    let address = Address { scope: target.scope, id: target.id, attribute: attribute.into() };
    Some(Node::text(Text::from_parts([Part::Hole(symbol)]).referring(address), field.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_becomes_a_property_of_the_schema() {
        for object in kinds::describing().filter(|object| object.ends_with("Grant") || !rows(object).is_empty()) {
            let kind = kinds::described_by(object).expect("described");
            let whole = Kind::Object(aws::properties(kind));
            let own = if object.ends_with("Grant") { aws::inner(whole, "Grants").expect("listed") } else { whole };
            crate::sources::mapping::check(rows(object), own, object);
        }
    }
}
