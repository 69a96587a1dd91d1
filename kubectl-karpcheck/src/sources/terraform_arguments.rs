//! Terraform's arguments as CloudFormation's properties.
//!
//! Two sources share this table: Terraform itself, and Crossplane's upbound providers, which are generated from
//! Terraform's and spell the arguments in camel case. A block that occurs once may be an object or a list of one.
//! Read off the documentation of terraform-provider-aws 3 to 6 and of provider-upjet-aws v2.6.0.

use crate::sources::convert::As::{Each, Flag, Number, Object, Only, Same, State, Tags, To, Tos};
use crate::sources::convert::Rows;

/// What a resource of Terraform's becomes.
#[derive(Clone, Copy)]
pub(super) enum Makes {
    /// A resource of this CloudFormation type.
    Resource(&'static str),
    /// A part of another resource.
    Part {
        /// The CloudFormation type of the whole.
        of: &'static str,
        /// The property, as this table calls it, that names the whole.
        named_by: &'static str,
        /// The property of the whole that the part is.
        property: &'static str,
        /// Is that property a list, and the part an element of it?
        element: bool,
    },
}

/// One type of resource.
pub(super) struct Type {
    /// What it becomes.
    pub(super) makes: Makes,
    /// Its arguments. Of a part, the property that is set is called `Value`.
    pub(super) rows: Rows,
}

pub(super) const KEY: &str = "aws_kms_key";
pub(super) const QUEUE: &str = "aws_sqs_queue";
pub(super) const ROLE: &str = "aws_iam_role";
pub(super) const POLICY: &str = "aws_iam_policy";
pub(super) const RULE: &str = "aws_cloudwatch_event_rule";
pub(super) const EKS: &str = "aws_eks_cluster";
const SCP: &str = "aws_organizations_policy";
const BUS: &str = "aws_cloudwatch_event_bus";

/// The table's entry for a type of resource, if it has one.
pub(super) fn of(resource: &str) -> Option<Type> {
    let resource_of = |kind, rows| Some(Type { makes: Makes::Resource(kind), rows });
    let part = |of, named_by, property, element, rows| {
        Some(Type { makes: Makes::Part { of, named_by, property, element }, rows })
    };
    match resource {
        QUEUE => resource_of("AWS::SQS::Queue", SQS_QUEUE),
        "aws_sqs_queue_policy" => part(
            "AWS::SQS::Queue",
            "Queue",
            "Policy",
            false,
            &[("queue_url", "Queue", To(QUEUE, "QueueUrl")), ("policy", "Value", Object)],
        ),
        KEY => resource_of("AWS::KMS::Key", KMS_KEY),
        "aws_kms_key_policy" => part(
            "AWS::KMS::Key",
            "Key",
            "KeyPolicy",
            false,
            &[("key_id", "Key", To(KEY, "KeyId")), ("policy", "Value", Object)],
        ),
        "aws_kms_alias" => resource_of(
            "AWS::KMS::Alias",
            &[("name", "AliasName", Same), ("target_key_id", "TargetKeyId", To(KEY, "KeyId"))],
        ),
        ROLE => resource_of("AWS::IAM::Role", IAM_ROLE),
        POLICY => resource_of(
            "AWS::IAM::ManagedPolicy",
            &[
                ("name", "ManagedPolicyName", Same),
                ("path", "Path", Same),
                ("policy", "PolicyDocument", Object),
                ("tags", "Tags", Tags),
            ],
        ),
        "aws_iam_role_policy" => resource_of(
            "AWS::IAM::Policy",
            &[
                ("name", "PolicyName", Same),
                ("policy", "PolicyDocument", Object),
                ("role", "Roles", Only(ROLE, "RoleName")),
            ],
        ),
        "aws_iam_role_policy_attachment" => part(
            "AWS::IAM::Role",
            "Role",
            "ManagedPolicyArns",
            true,
            &[("role", "Role", To(ROLE, "RoleName")), ("policy_arn", "Value", To(POLICY, "Arn"))],
        ),
        "aws_iam_instance_profile" => resource_of(
            "AWS::IAM::InstanceProfile",
            &[("name", "InstanceProfileName", Same), ("path", "Path", Same), ("role", "Roles", Only(ROLE, "RoleName"))],
        ),
        RULE => resource_of(
            "AWS::Events::Rule",
            &[
                ("name", "Name", Same),
                ("event_bus_name", "EventBusName", To(BUS, "Name")),
                ("event_pattern", "EventPattern", Object),
                ("schedule_expression", "ScheduleExpression", Same),
                ("is_enabled", "State", State),
                ("state", "State", Same),
            ],
        ),
        "aws_cloudwatch_event_target" => part(
            "AWS::Events::Rule",
            "Rule",
            "Targets",
            true,
            &[
                ("rule", "Rule", To(RULE, "Name")),
                ("target_id", "Value/Id", Same),
                ("arn", "Value/Arn", To(QUEUE, "Arn")),
                ("role_arn", "Value/RoleArn", To(ROLE, "Arn")),
                ("input", "Value/Input", Same),
                ("input_path", "Value/InputPath", Same),
                ("input_transformer/input_template", "Value/InputTransformer/InputTemplate", Same),
                ("dead_letter_config/arn", "Value/DeadLetterConfig/Arn", Same),
                ("sqs_target/message_group_id", "Value/SqsParameters/MessageGroupId", Same),
            ],
        ),
        "aws_dynamodb_table" => resource_of("AWS::DynamoDB::Table", DYNAMODB_TABLE),
        EKS => resource_of("AWS::EKS::Cluster", EKS_CLUSTER),
        "aws_eks_pod_identity_association" => resource_of(
            "AWS::EKS::PodIdentityAssociation",
            &[
                ("cluster_name", "ClusterName", To(EKS, "Name")),
                ("namespace", "Namespace", Same),
                ("service_account", "ServiceAccount", Same),
                ("role_arn", "RoleArn", To(ROLE, "Arn")),
            ],
        ),
        SCP => resource_of(
            "AWS::Organizations::Policy",
            &[("name", "Name", Same), ("type", "Type", Same), ("content", "Content", Object)],
        ),
        "aws_organizations_policy_attachment" => part(
            "AWS::Organizations::Policy",
            "Policy",
            "TargetIds",
            true,
            &[("policy_id", "Policy", To(SCP, "Id")), ("target_id", "Value", Same)],
        ),
        "aws_launch_template" => resource_of("AWS::EC2::LaunchTemplate", LAUNCH_TEMPLATE),
        _ => None,
    }
}

const SQS_QUEUE: Rows = &[
    ("name", "QueueName", Same),
    ("kms_master_key_id", "KmsMasterKeyId", To(KEY, "KeyId")),
    ("kms_data_key_reuse_period_seconds", "KmsDataKeyReusePeriodSeconds", Number),
    ("sqs_managed_sse_enabled", "SqsManagedSseEnabled", Flag),
    ("message_retention_seconds", "MessageRetentionPeriod", Number),
    ("fifo_queue", "FifoQueue", Flag),
    ("policy", "Policy", Object),
    ("url", "QueueUrl", Same),
    ("tags", "Tags", Tags),
];

const KMS_KEY: Rows = &[
    ("policy", "KeyPolicy", Object),
    ("is_enabled", "Enabled", Flag),
    ("enable_key_rotation", "EnableKeyRotation", Flag),
    ("key_usage", "KeyUsage", Same),
    ("customer_master_key_spec", "KeySpec", Same),
    ("multi_region", "MultiRegion", Flag),
    ("key_id", "KeyId", Same),
    ("tags", "Tags", Tags),
];

const IAM_ROLE: Rows = &[
    ("name", "RoleName", Same),
    ("path", "Path", Same),
    ("assume_role_policy", "AssumeRolePolicyDocument", Object),
    ("inline_policy", "Policies", Each(&[("name", "PolicyName", Same), ("policy", "PolicyDocument", Object)])),
    ("managed_policy_arns", "ManagedPolicyArns", Tos(POLICY, "Arn")),
    ("permissions_boundary", "PermissionsBoundary", To(POLICY, "Arn")),
    ("tags", "Tags", Tags),
];

const DYNAMODB_TABLE: Rows = &[
    ("name", "TableName", Same),
    ("server_side_encryption/enabled", "SSESpecification/SSEEnabled", Flag),
    ("server_side_encryption/kms_key_arn", "SSESpecification/KMSMasterKeyId", To(KEY, "Arn")),
    ("tags", "Tags", Tags),
];

const EKS_CLUSTER: Rows = &[
    ("name", "Name", Same),
    ("role_arn", "RoleArn", To(ROLE, "Arn")),
    (
        "encryption_config",
        "EncryptionConfig",
        Each(&[("resources", "Resources", Same), ("provider/key_arn", "Provider/KeyArn", To(KEY, "Arn"))]),
    ),
    ("compute_config/enabled", "ComputeConfig/Enabled", Flag),
    ("tags", "Tags", Tags),
];

const LAUNCH_TEMPLATE: Rows = &[
    ("name", "LaunchTemplateName", Same),
    (
        "block_device_mappings",
        "LaunchTemplateData/BlockDeviceMappings",
        Each(&[
            ("device_name", "DeviceName", Same),
            ("ebs/encrypted", "Ebs/Encrypted", Flag),
            ("ebs/kms_key_id", "Ebs/KmsKeyId", To(KEY, "Arn")),
            ("ebs/snapshot_id", "Ebs/SnapshotId", Same),
            ("ebs/volume_size", "Ebs/VolumeSize", Number),
            ("ebs/volume_type", "Ebs/VolumeType", Same),
        ]),
    ),
];
