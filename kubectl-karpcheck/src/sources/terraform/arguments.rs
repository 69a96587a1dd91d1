//! Which argument or attribute of a resource of Terraform's AWS provider a property is.
//!
//! Crossplane's upbound providers are generated from Terraform's and spell the arguments in camel case, so they share this
//! table. The names are those of terraform-provider-aws 3 to 6, which agree on these, and of provider-upjet-aws v2.6.0.
//! Where the two differ, the reader says so: Crossplane has no `name` where the name is the object's external name.

use crate::schema::aws;
use crate::schema::aws::Kind;
use crate::sources::mapping;
use crate::sources::mapping::{Rows, Spelling, block, row};

/// What a resource of Terraform's becomes.
#[derive(Clone, Copy, Debug)]
pub(in crate::sources) enum Makes {
    /// A resource of this CloudFormation type.
    Resource(&'static str),
    /// A part of another resource.
    Part(Part),
    /// A part of what the account does by default in a region.
    EbsDefaults,
}

/// A resource that only says something of another one.
#[derive(Clone, Copy, Debug)]
pub(in crate::sources) struct Part {
    /// The CloudFormation type of the whole.
    pub(in crate::sources) of: &'static str,
    /// The argument that names the whole.
    pub(in crate::sources) whole: &'static str,
    /// The property of the whole that the part is.
    pub(in crate::sources) property: &'static str,
    /// Is that property a list, and the part an element of it?
    pub(in crate::sources) element: bool,
}

/// One type of resource.
#[derive(Clone, Copy, Debug)]
pub(in crate::sources) struct Resource {
    /// `aws_sqs_queue`.
    pub(in crate::sources) name: &'static str,
    /// What it becomes.
    pub(in crate::sources) makes: Makes,
    /// Its arguments and attributes.
    pub(in crate::sources) rows: Rows,
}

const fn resource(name: &'static str, kind: &'static str, rows: Rows) -> Resource {
    Resource { name, makes: Makes::Resource(kind), rows }
}

const fn part(
    name: &'static str,
    (of, whole): (&'static str, &'static str),
    property: &'static str,
    rows: Rows,
) -> Resource {
    Resource { name, makes: Makes::Part(Part { of, whole, property, element: false }), rows }
}

const fn element(
    name: &'static str,
    (of, whole): (&'static str, &'static str),
    property: &'static str,
    rows: Rows,
) -> Resource {
    Resource { name, makes: Makes::Part(Part { of, whole, property, element: true }), rows }
}

impl Resource {
    /// The type whose properties it has.
    pub(in crate::sources) const fn described_type(&self) -> &'static str {
        match self.makes {
            Makes::Resource(kind) | Makes::Part(Part { of: kind, .. }) => kind,
            Makes::EbsDefaults => aws::EBS_DEFAULTS,
        }
    }

    /// The argument that a property is.
    pub(super) fn field_of(&self, property: &str) -> Option<&'static str> {
        self.rows.iter().find_map(|row| row.is(property))
    }

    /// What its rows make, by the schema.
    pub(in crate::sources) fn kind(&self) -> Kind {
        let whole = Kind::Object(aws::properties(self.described_type()));
        match self.makes {
            Makes::Part(part) => match aws::inner(whole, part.property) {
                Some(Kind::List(element)) if part.element => *element,
                Some(kind) => kind,
                None => Kind::Map,
            },
            Makes::Resource(_) | Makes::EbsDefaults => whole,
        }
    }
}

/// All entries of a type of resource: one that says something of several types has several.
pub(super) fn all(name: &str) -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().filter(move |resource| resource.name == name)
}

/// The way to the argument of a type of resource that a property is written in.
pub(in crate::sources) fn written(name: &str, path: &[String]) -> Option<Vec<String>> {
    let resource = of(name).filter(|resource| matches!(resource.makes, Makes::Resource(_)))?;
    mapping::written(resource.rows, Spelling::Exact, path)
}

const ROLE: &str = "AWS::IAM::Role";
const USER: &str = "AWS::IAM::User";
const GROUP: &str = "AWS::IAM::Group";

/// The table's entry for a type of resource, if it has one.
pub(in crate::sources) fn of(name: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|resource| resource.name == name)
}

const RESOURCES: &[Resource] = &[
    resource(
        "aws_sqs_queue",
        "AWS::SQS::Queue",
        &[
            row("name", "QueueName"),
            row("kms_master_key_id", "KmsMasterKeyId"),
            row("kms_data_key_reuse_period_seconds", "KmsDataKeyReusePeriodSeconds"),
            row("sqs_managed_sse_enabled", "SqsManagedSseEnabled"),
            row("message_retention_seconds", "MessageRetentionPeriod"),
            row("fifo_queue", "FifoQueue"),
            row("policy", "Policy"),
            row("url", "QueueUrl"),
            row("tags", "Tags"),
        ],
    ),
    resource(
        "aws_sqs_queue_policy",
        "AWS::SQS::QueuePolicy",
        &[row("queue_url", "Queues"), row("policy", "PolicyDocument")],
    ),
    resource("aws_kms_key", "AWS::KMS::Key", KEY),
    resource("aws_kms_replica_key", "AWS::KMS::Key", KEY),
    resource("aws_kms_external_key", "AWS::KMS::Key", KEY),
    part("aws_kms_key_policy", ("AWS::KMS::Key", "key_id"), "KeyPolicy", &[row("policy", "")]),
    element(
        "aws_kms_grant",
        ("AWS::KMS::Key", "key_id"),
        "Grants",
        &[
            row("name", "Name"),
            row("grantee_principal", "GranteePrincipal"),
            row("retiring_principal", "RetiringPrincipal"),
            row("operations", "Operations"),
            block(
                "constraints",
                "Constraints",
                &[
                    row("encryption_context_equals", "EncryptionContextEquals"),
                    row("encryption_context_subset", "EncryptionContextSubset"),
                ],
            ),
        ],
    ),
    resource("aws_kms_alias", "AWS::KMS::Alias", &[row("name", "AliasName"), row("target_key_id", "TargetKeyId")]),
    resource(
        "aws_iam_role",
        "AWS::IAM::Role",
        &[
            row("name", "RoleName"),
            row("path", "Path"),
            row("assume_role_policy", "AssumeRolePolicyDocument"),
            block("inline_policy", "Policies", &[row("name", "PolicyName"), row("policy", "PolicyDocument")]),
            row("managed_policy_arns", "ManagedPolicyArns"),
            row("permissions_boundary", "PermissionsBoundary"),
            row("tags", "Tags"),
        ],
    ),
    resource(
        "aws_iam_policy",
        "AWS::IAM::ManagedPolicy",
        &[row("name", "ManagedPolicyName"), row("path", "Path"), row("policy", "PolicyDocument"), row("tags", "Tags")],
    ),
    resource(
        "aws_iam_role_policy",
        "AWS::IAM::Policy",
        &[row("name", "PolicyName"), row("role", "Roles"), row("policy", "PolicyDocument")],
    ),
    element(
        "aws_iam_role_policy_attachment",
        ("AWS::IAM::Role", "role"),
        "ManagedPolicyArns",
        &[row("policy_arn", "")],
    ),
    // Attaches to several roles, users and groups, each of which it names.
    element("aws_iam_policy_attachment", (ROLE, "roles"), "ManagedPolicyArns", &[row("policy_arn", "")]),
    element("aws_iam_policy_attachment", (USER, "users"), "ManagedPolicyArns", &[row("policy_arn", "")]),
    element("aws_iam_policy_attachment", (GROUP, "groups"), "ManagedPolicyArns", &[row("policy_arn", "")]),
    // Attach what they list and detach anything else.
    element(
        "aws_iam_role_policy_attachments_exclusive",
        (ROLE, "role_name"),
        "ManagedPolicyArns",
        &[row("policy_arns", "")],
    ),
    element(
        "aws_iam_user_policy_attachments_exclusive",
        (USER, "user_name"),
        "ManagedPolicyArns",
        &[row("policy_arns", "")],
    ),
    element(
        "aws_iam_group_policy_attachments_exclusive",
        (GROUP, "group_name"),
        "ManagedPolicyArns",
        &[row("policy_arns", "")],
    ),
    // Remove any inline policy that they do not name.
    part("aws_iam_role_policies_exclusive", (ROLE, "role_name"), "ExclusivePolicyNames", &[row("policy_names", "")]),
    part("aws_iam_user_policies_exclusive", (USER, "user_name"), "ExclusivePolicyNames", &[row("policy_names", "")]),
    part("aws_iam_group_policies_exclusive", (GROUP, "group_name"), "ExclusivePolicyNames", &[row("policy_names", "")]),
    resource(
        "aws_iam_user",
        USER,
        &[
            row("name", "UserName"),
            row("path", "Path"),
            row("permissions_boundary", "PermissionsBoundary"),
            row("tags", "Tags"),
        ],
    ),
    resource(
        "aws_iam_user_policy",
        "AWS::IAM::Policy",
        &[row("name", "PolicyName"), row("user", "Users"), row("policy", "PolicyDocument")],
    ),
    element("aws_iam_user_policy_attachment", (USER, "user"), "ManagedPolicyArns", &[row("policy_arn", "")]),
    resource("aws_iam_group", GROUP, &[row("name", "GroupName"), row("path", "Path")]),
    resource(
        "aws_iam_group_policy",
        "AWS::IAM::Policy",
        &[row("name", "PolicyName"), row("group", "Groups"), row("policy", "PolicyDocument")],
    ),
    element("aws_iam_group_policy_attachment", (GROUP, "group"), "ManagedPolicyArns", &[row("policy_arn", "")]),
    element("aws_iam_user_group_membership", (USER, "user"), "Groups", &[row("groups", "")]),
    element("aws_iam_group_membership", (USER, "users"), "Groups", &[row("group", "")]),
    resource(
        "aws_iam_instance_profile",
        "AWS::IAM::InstanceProfile",
        &[row("name", "InstanceProfileName"), row("path", "Path"), row("role", "Roles"), row("tags", "Tags")],
    ),
    resource(
        "aws_cloudwatch_event_rule",
        "AWS::Events::Rule",
        &[
            row("name", "Name"),
            row("event_bus_name", "EventBusName"),
            row("event_pattern", "EventPattern"),
            row("schedule_expression", "ScheduleExpression"),
            row("is_enabled", "State"),
            row("state", "State"),
        ],
    ),
    element(
        "aws_cloudwatch_event_target",
        ("AWS::Events::Rule", "rule"),
        "Targets",
        &[
            row("target_id", "Id"),
            row("arn", "Arn"),
            row("role_arn", "RoleArn"),
            row("input", "Input"),
            row("input_path", "InputPath"),
            block(
                "input_transformer",
                "InputTransformer",
                &[row("input_paths", "InputPathsMap"), row("input_template", "InputTemplate")],
            ),
            block("dead_letter_config", "DeadLetterConfig", &[row("arn", "Arn")]),
            block("sqs_target", "SqsParameters", &[row("message_group_id", "MessageGroupId")]),
        ],
    ),
    resource(
        "aws_eks_cluster",
        "AWS::EKS::Cluster",
        &[
            row("name", "Name"),
            row("role_arn", "RoleArn"),
            row("version", "Version"),
            row("endpoint", "Endpoint"),
            block(
                "encryption_config",
                "EncryptionConfig",
                &[row("resources", "Resources"), block("provider", "Provider", &[row("key_arn", "KeyArn")])],
            ),
            block("compute_config", "ComputeConfig", &[row("enabled", "Enabled"), row("node_role_arn", "NodeRoleArn")]),
            block("access_config", "AccessConfig", &[row("authentication_mode", "AuthenticationMode")]),
            row("tags", "Tags"),
        ],
    ),
    resource(
        "aws_eks_pod_identity_association",
        "AWS::EKS::PodIdentityAssociation",
        &[
            row("cluster_name", "ClusterName"),
            row("namespace", "Namespace"),
            row("service_account", "ServiceAccount"),
            row("role_arn", "RoleArn"),
            row("disable_session_tags", "DisableSessionTags"),
            row("association_id", "AssociationId"),
        ],
    ),
    resource(
        "aws_dynamodb_table",
        "AWS::DynamoDB::Table",
        &[
            row("name", "TableName"),
            block(
                "server_side_encryption",
                "SSESpecification",
                &[row("enabled", "SSEEnabled"), row("kms_key_arn", "KMSMasterKeyId")],
            ),
            row("tags", "Tags"),
        ],
    ),
    part(
        "aws_dynamodb_resource_policy",
        ("AWS::DynamoDB::Table", "resource_arn"),
        "ResourcePolicy",
        &[row("policy", "PolicyDocument")],
    ),
    resource(
        "aws_launch_template",
        "AWS::EC2::LaunchTemplate",
        &[
            row("name", "LaunchTemplateName"),
            row("image_id", "LaunchTemplateData/ImageId"),
            block(
                "block_device_mappings",
                "LaunchTemplateData/BlockDeviceMappings",
                &[
                    row("device_name", "DeviceName"),
                    block(
                        "ebs",
                        "Ebs",
                        &[
                            row("encrypted", "Encrypted"),
                            row("kms_key_id", "KmsKeyId"),
                            row("snapshot_id", "SnapshotId"),
                            row("volume_type", "VolumeType"),
                            row("volume_size", "VolumeSize"),
                        ],
                    ),
                ],
            ),
        ],
    ),
    resource(
        "aws_organizations_policy",
        "AWS::Organizations::Policy",
        &[row("name", "Name"), row("type", "Type"), row("content", "Content"), row("tags", "Tags")],
    ),
    element(
        "aws_organizations_policy_attachment",
        ("AWS::Organizations::Policy", "policy_id"),
        "TargetIds",
        &[row("target_id", "")],
    ),
    Resource { name: "aws_ebs_default_kms_key", makes: Makes::EbsDefaults, rows: &[row("key_arn", "KmsKeyId")] },
    Resource {
        name: "aws_ebs_encryption_by_default",
        makes: Makes::EbsDefaults,
        rows: &[row("enabled", "EncryptionByDefault")],
    },
];

const KEY: Rows = &[
    row("policy", "KeyPolicy"),
    row("customer_master_key_spec", "KeySpec"),
    row("key_usage", "KeyUsage"),
    row("enable_key_rotation", "EnableKeyRotation"),
    row("multi_region", "MultiRegion"),
    row("is_enabled", "Enabled"),
    row("enabled", "Enabled"),
    row("key_id", "KeyId"),
    row("key_state", "KeyState"),
    row("key_manager", "KeyManager"),
    row("description", "Description"),
    row("tags", "Tags"),
];

/// Does an argument that was not given and that is known after apply become what AWS takes by default, rather than
/// anything? Then its absence says more than "unknown".
pub(super) fn has_default(kind: &str, argument: &str) -> bool {
    matches!(
        (kind, argument),
        (
            "aws_sqs_queue",
            "kms_master_key_id" | "sqs_managed_sse_enabled" | "kms_data_key_reuse_period_seconds" | "policy"
        ) | ("aws_kms_key", "policy" | "multi_region")
            | ("aws_iam_role" | "aws_iam_user", "managed_policy_arns" | "inline_policy" | "permissions_boundary")
            | ("aws_cloudwatch_event_rule", "state" | "is_enabled" | "event_bus_name")
            | ("aws_dynamodb_table", "server_side_encryption")
            | ("aws_eks_cluster", "encryption_config" | "access_config" | "compute_config")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_becomes_a_property_of_the_schema() {
        for resource in RESOURCES {
            crate::sources::mapping::check(resource.rows, resource.kind(), resource.name);
        }
    }
}
