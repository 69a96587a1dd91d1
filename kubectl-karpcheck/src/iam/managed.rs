//! Facts about AWS's own policies, with their date.
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
