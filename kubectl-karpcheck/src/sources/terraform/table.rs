//! The arguments of the AWS provider's resources, and the property of the normal form that each becomes: a table per
//! type, no code per type. The names are those of provider 3 to 6, which agree on these.

use crate::inventory::{List, Map, Node, Value};
use crate::sources::policy_documents;

/// How an argument becomes a property.
#[derive(Clone, Copy)]
pub(super) enum As {
    /// As it is.
    Same,
    /// A JSON text becomes an object.
    Object,
    /// `"true"` becomes a flag: a launch template's flags are texts.
    Flag,
    /// One text becomes a list of one.
    One,
    /// A map of tags becomes a list of `{Key, Value}`.
    Tags,
    /// A flag becomes one of two words.
    Either(&'static str, &'static str),
    /// Nested blocks, each by this table.
    Each(Rows),
    /// The one nested block that there may be.
    Block(Rows),
}

use As::{Block, Each, Either, Flag, Object, One, Same, Tags};

/// Arguments, and the property that each becomes, with `/` between the names of nested ones.
pub(super) type Rows = &'static [(&'static str, &'static str, As)];

/// The table of a type.
pub(super) fn rows(kind: &str) -> Rows {
    match kind {
        "aws_sqs_queue" => &[
            ("name", "QueueName", Same),
            ("kms_master_key_id", "KmsMasterKeyId", Same),
            ("kms_data_key_reuse_period_seconds", "KmsDataKeyReusePeriodSeconds", Same),
            ("sqs_managed_sse_enabled", "SqsManagedSseEnabled", Flag),
            ("message_retention_seconds", "MessageRetentionPeriod", Same),
            ("fifo_queue", "FifoQueue", Flag),
            ("policy", "Policy", Object),
            ("url", "QueueUrl", Same),
            ("tags", "Tags", Tags),
        ],
        "aws_sqs_queue_policy" => &[("queue_url", "Queues", One), ("policy", "PolicyDocument", Object)],
        "aws_kms_key" | "aws_kms_replica_key" | "aws_kms_external_key" => &[
            ("policy", "KeyPolicy", Object),
            ("customer_master_key_spec", "KeySpec", Same),
            ("key_usage", "KeyUsage", Same),
            ("enable_key_rotation", "EnableKeyRotation", Flag),
            ("multi_region", "MultiRegion", Flag),
            ("is_enabled", "Enabled", Flag),
            ("enabled", "Enabled", Flag),
            ("key_id", "KeyId", Same),
            ("key_state", "KeyState", Same),
            ("key_manager", "KeyManager", Same),
            ("tags", "Tags", Tags),
        ],
        "aws_kms_alias" => &[("name", "AliasName", Same), ("target_key_id", "TargetKeyId", Same)],
        "aws_iam_role" => &[
            ("name", "RoleName", Same),
            ("path", "Path", Same),
            ("assume_role_policy", "AssumeRolePolicyDocument", Object),
            ("inline_policy", "Policies", Each(&[("name", "PolicyName", Same), ("policy", "PolicyDocument", Object)])),
            ("managed_policy_arns", "ManagedPolicyArns", Same),
            ("permissions_boundary", "PermissionsBoundary", Same),
            ("tags", "Tags", Tags),
        ],
        "aws_iam_policy" => {
            &[("name", "ManagedPolicyName", Same), ("path", "Path", Same), ("policy", "PolicyDocument", Object)]
        }
        "aws_iam_role_policy" => {
            &[("name", "PolicyName", Same), ("role", "Roles", One), ("policy", "PolicyDocument", Object)]
        }
        "aws_iam_instance_profile" => {
            &[("name", "InstanceProfileName", Same), ("path", "Path", Same), ("role", "Roles", One)]
        }
        "aws_cloudwatch_event_rule" => &[
            ("name", "Name", Same),
            ("event_bus_name", "EventBusName", Same),
            ("event_pattern", "EventPattern", Object),
            ("schedule_expression", "ScheduleExpression", Same),
            ("is_enabled", "State", Either("ENABLED", "DISABLED")),
            ("state", "State", Same),
        ],
        "aws_cloudwatch_event_target" => &[
            ("target_id", "Id", Same),
            ("arn", "Arn", Same),
            ("input", "Input", Same),
            ("input_path", "InputPath", Same),
            (
                "input_transformer",
                "InputTransformer",
                Block(&[("input_paths", "InputPathsMap", Same), ("input_template", "InputTemplate", Same)]),
            ),
        ],
        "aws_eks_cluster" => &[
            ("name", "Name", Same),
            ("role_arn", "RoleArn", Same),
            ("version", "Version", Same),
            (
                "encryption_config",
                "EncryptionConfig",
                Each(&[
                    ("resources", "Resources", Same),
                    ("provider", "Provider", Block(&[("key_arn", "KeyArn", Same)])),
                ]),
            ),
        ],
        "aws_eks_pod_identity_association" => &[
            ("cluster_name", "ClusterName", Same),
            ("namespace", "Namespace", Same),
            ("service_account", "ServiceAccount", Same),
            ("role_arn", "RoleArn", Same),
        ],
        "aws_dynamodb_table" => &[
            ("name", "TableName", Same),
            (
                "server_side_encryption",
                "SSESpecification",
                Block(&[("enabled", "SSEEnabled", Flag), ("kms_key_arn", "KMSMasterKeyId", Same)]),
            ),
        ],
        "aws_launch_template" => &[
            ("name", "LaunchTemplateName", Same),
            ("image_id", "LaunchTemplateData/ImageId", Same),
            (
                "block_device_mappings",
                "LaunchTemplateData/BlockDeviceMappings",
                Each(&[
                    ("device_name", "DeviceName", Same),
                    (
                        "ebs",
                        "Ebs",
                        Block(&[
                            ("encrypted", "Encrypted", Flag),
                            ("kms_key_id", "KmsKeyId", Same),
                            ("snapshot_id", "SnapshotId", Same),
                            ("volume_type", "VolumeType", Same),
                            ("volume_size", "VolumeSize", Same),
                        ]),
                    ),
                ]),
            ),
        ],
        "aws_kms_grant" => &[
            ("grantee_principal", "GranteePrincipal", Same),
            ("operations", "Operations", Same),
            (
                "constraints",
                "Constraints",
                Block(&[
                    ("encryption_context_equals", "EncryptionContextEquals", Same),
                    ("encryption_context_subset", "EncryptionContextSubset", Same),
                ]),
            ),
        ],
        "aws_ebs_default_kms_key" => &[("key_arn", "KmsKeyId", Same)],
        "aws_ebs_encryption_by_default" => &[("enabled", "EncryptionByDefault", Flag)],
        _ => &[],
    }
}

/// Does an argument that nobody gave and that is known after apply become what AWS takes by default, rather than
/// anything? Then its absence says more than "unknown".
pub(super) fn has_default(kind: &str, argument: &str) -> bool {
    matches!(
        (kind, argument),
        (
            "aws_sqs_queue",
            "kms_master_key_id" | "sqs_managed_sse_enabled" | "kms_data_key_reuse_period_seconds" | "policy"
        ) | ("aws_kms_key", "policy" | "multi_region")
            | ("aws_iam_role", "managed_policy_arns" | "inline_policy" | "permissions_boundary")
            | ("aws_cloudwatch_event_rule", "state" | "is_enabled" | "event_bus_name")
            | ("aws_dynamodb_table", "server_side_encryption")
            | ("aws_eks_cluster", "encryption_config")
    )
}

/// Turns arguments into properties. What is not there leaves nothing.
pub(super) fn convert(rows: Rows, from: &Node, into: &mut Map) {
    for (argument, property, how) in rows {
        let Some(field) = from.member(argument).filter(|field| !field.is_null() && field.as_str() != Some("")) else {
            continue;
        };
        if let Some(node) = one(*how, field) {
            put(into, property, node);
        }
    }
    // Arguments that may be there and are not known to be leave properties that may be there.
    if let Some(more) = from.as_map().and_then(|map| map.more.as_ref()) {
        into.more.get_or_insert_with(|| more.clone());
    }
}

fn one(how: As, field: &Node) -> Option<Node> {
    Some(match how {
        Same => field.clone(),
        Object => policy_documents::object(field.clone()),
        Flag => match field.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "1") => Node::new(Value::Flag(true), field.at),
            Some("false" | "0") => Node::new(Value::Flag(false), field.at),
            _ => field.clone(),
        },
        One => match &field.value {
            Value::List(_) | Value::Unknown(_) => field.clone(),
            _ => Node::new(Value::List(List { items: vec![field.clone()], more: None }), field.at),
        },
        Either(yes, no) => match field.value {
            Value::Flag(flag) => Node::text(if flag { yes } else { no }, field.at),
            _ => field.clone(),
        },
        Tags => match &field.value {
            Value::Map(map) => {
                let items = map
                    .entries
                    .iter()
                    .map(|(key, value)| {
                        let mut tag = Map::default();
                        tag.set("Key", Node::text(key.clone(), value.at));
                        tag.set("Value", value.clone());
                        Node::new(Value::Map(tag), value.at)
                    })
                    .collect();
                Node::new(Value::List(List { items, more: map.more.clone() }), field.at)
            }
            _ => field.clone(),
        },
        Each(rows) => match &field.value {
            Value::List(list) => {
                let items = list.items.iter().map(|item| block(rows, item)).collect();
                Node::new(Value::List(List { items, more: list.more.clone() }), field.at)
            }
            _ => field.clone(),
        },
        Block(rows) => match &field.value {
            // An object in what the plugin framework writes, a list of one in what the older SDK does.
            Value::List(list) => match (list.items.first(), &list.more) {
                (Some(first), _) => block(rows, first),
                (None, Some(more)) => Node::new(Value::Unknown(more.clone()), field.at),
                (None, None) => return None,
            },
            _ => block(rows, field),
        },
    })
}

fn block(rows: Rows, from: &Node) -> Node {
    if from.as_map().is_none() {
        return from.clone();
    }
    let mut map = Map::default();
    convert(rows, from, &mut map);
    Node::new(Value::Map(map), from.at)
}

/// Sets a property, within others where its name has a `/`.
fn put(into: &mut Map, property: &str, node: Node) {
    match property.split_once('/') {
        None => into.set(property, node),
        Some((outer, inner)) => {
            if into.get(outer).is_none() {
                into.set(outer, Node::new(Value::Map(Map::default()), node.at));
            }
            if let Some(Value::Map(map)) = into.get_mut(outer).map(|node| &mut node.value) {
                put(map, inner, node);
            }
        }
    }
}
