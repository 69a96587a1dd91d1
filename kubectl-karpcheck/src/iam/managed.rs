//! Facts about AWS's own policies and actions, each with its date.
//!
//! Only what can be stated with certainty: a policy that is not here is unknown.

/// What an AWS managed policy allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Managed {
    /// The last part of its ARN, `arn:aws:iam::aws:policy/…`.
    pub(super) name: &'static str,
    /// All actions that it allows on all resources; none that it denies.
    pub(super) actions: &'static [&'static str],
    /// Where what is listed is not all: the services that the rest belongs to. To every other service it says nothing.
    pub(super) partly: &'static [&'static str],
}

/// As of 2026-08: the AWS managed policy reference guide.
const MANAGED: &[Managed] = &[
    Managed { name: "AdministratorAccess", actions: &["*"], partly: &[] },
    Managed { name: "AmazonSQSFullAccess", actions: &["sqs:*"], partly: &[] },
    Managed {
        name: "AmazonEC2ContainerRegistryPullOnly",
        actions: &["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        partly: &["ecr"],
    },
    Managed {
        name: "AmazonEC2ContainerRegistryReadOnly",
        actions: &[
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetDownloadUrlForLayer",
            "ecr:GetRepositoryPolicy",
            "ecr:DescribeRepositories",
            "ecr:ListImages",
            "ecr:DescribeImages",
            "ecr:BatchGetImage",
            "ecr:GetLifecyclePolicy",
            "ecr:GetLifecyclePolicyPreview",
            "ecr:ListTagsForResource",
            "ecr:DescribeImageScanFindings",
        ],
        partly: &["ecr"],
    },
    // Reading of EC2 and EKS's own; neither changes anything in EC2, IAM, SQS or KMS.
    Managed { name: "AmazonEKSWorkerNodePolicy", actions: &[], partly: &["ec2", "eks", "eks-auth"] },
    Managed { name: "AmazonEKSWorkerNodeMinimalPolicy", actions: &[], partly: &["ec2", "eks-auth"] },
    Managed { name: "AmazonEKS_CNI_Policy", actions: &[], partly: &["ec2"] },
    Managed { name: "AmazonSSMManagedInstanceCore", actions: &[], partly: &["ssm", "ssmmessages", "ec2messages"] },
    Managed {
        name: "AmazonEKSClusterPolicy",
        actions: &[],
        partly: &["autoscaling", "ec2", "elasticloadbalancing", "iam", "kms"],
    },
    Managed { name: "AmazonEKSVPCResourceController", actions: &[], partly: &["ec2"] },
    Managed { name: "service-role/AmazonEBSCSIDriverPolicy", actions: &[], partly: &["ec2"] },
    Managed {
        name: "CloudWatchAgentServerPolicy",
        actions: &[],
        partly: &["cloudwatch", "ec2", "logs", "ssm", "xray"],
    },
    // Of the service-linked role AWSServiceRoleForEC2Spot: the key policy or a grant has to let it use a key.
    Managed { name: "aws-service-role/AWSEC2SpotServiceRolePolicy", actions: &[], partly: &["ec2", "iam"] },
];

/// What is known of an AWS managed policy, by what follows `policy/` in its ARN.
pub(super) fn managed(name: &str) -> Option<&'static Managed> {
    MANAGED.iter().find(|managed| managed.name == name)
}

/// The actions of KMS, of its service authorization page. As of 2026-08.
const KMS: &[&str] = &[
    "CancelKeyDeletion",
    "ConnectCustomKeyStore",
    "CreateAlias",
    "CreateCustomKeyStore",
    "CreateGrant",
    "CreateKey",
    "Decrypt",
    "DeleteAlias",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "DisconnectCustomKeyStore",
    "EnableKey",
    "EnableKeyRotation",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "PutKeyPolicy",
    "ReEncryptFrom",
    "ReEncryptTo",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "Sign",
    "SynchronizeMultiRegionKey",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateCustomKeyStore",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
    "Verify",
    "VerifyMac",
];

/// The actions of SQS, of its service authorization page. As of 2026-08.
const SQS: &[&str] = &[
    "AddPermission",
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "CreateQueue",
    "DeleteMessage",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
    // Accepted in policies of old: the batch forms are allowed by the plain ones.
    "ChangeMessageVisibilityBatch",
    "DeleteMessageBatch",
    "SendMessageBatch",
];

/// Says so where no action of a service that is known in full matches a name or pattern.
pub(super) fn no_such_action(service: &str, action: &str) -> Option<String> {
    let actions = match service.to_ascii_lowercase().as_str() {
        "kms" => KMS,
        "sqs" => SQS,
        _ => return None,
    };
    let wanted = action.to_ascii_lowercase();
    let any = actions.iter().any(|known| super::pattern::glob(&wanted, &known.to_ascii_lowercase()));
    // New actions come; a name that is close to none may be one of them. What is told is a slip.
    (!any).then(|| {
        format!("{service} has no action {action} that is known: the statement allows or denies nothing by it")
    })
}
