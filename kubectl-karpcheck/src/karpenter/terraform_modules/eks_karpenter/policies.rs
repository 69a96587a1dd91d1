//! The controller's policy of `terraform-aws-modules/eks/aws//modules/karpenter` from 20.0 on: as Karpenter's own templates
//! have it, that of 0.33 to 0.37 and that of 1.0 and later.

use super::super::{Condition, Statement, Word, Words, before, condition, new_in, since, word};

const REQUEST_OWNED: Condition =
    condition("StringEquals", "aws:RequestTag/kubernetes.io/cluster/${var.cluster_name}", &[word("owned")]);
const REQUEST_CLUSTER: Condition =
    condition("StringEquals", "aws:RequestTag/eks:eks-cluster-name", &[word("${var.cluster_name}")]);
const REQUEST_POOL: Condition = condition("StringLike", "aws:RequestTag/karpenter.sh/nodepool", &[word("*")]);
const REQUEST_REGION: Condition =
    condition("StringEquals", "aws:RequestTag/topology.kubernetes.io/region", &[word("${local.region}")]);
const REQUEST_CLASS: Condition = condition("StringLike", "aws:RequestTag/karpenter.k8s.aws/ec2nodeclass", &[word("*")]);
const RESOURCE_OWNED: Condition =
    condition("StringEquals", "aws:ResourceTag/kubernetes.io/cluster/${var.cluster_name}", &[word("owned")]);
const RESOURCE_POOL: Condition = condition("StringLike", "aws:ResourceTag/karpenter.sh/nodepool", &[word("*")]);
const RESOURCE_REGION: Condition =
    condition("StringEquals", "aws:ResourceTag/topology.kubernetes.io/region", &[word("${local.region}")]);
const RESOURCE_CLASS: Condition =
    condition("StringLike", "aws:ResourceTag/karpenter.k8s.aws/ec2nodeclass", &[word("*")]);
const IN_REGION: Condition = condition("StringEquals", "aws:RequestedRegion", &[word("${local.region}")]);
const CREATES: Condition = condition(
    "StringEquals",
    "ec2:CreateAction",
    &[word("RunInstances"), word("CreateFleet"), word("CreateLaunchTemplate")],
);
/// It was the partition's own name of the service for a while.
const PASSED_TO_EC2: Condition = condition(
    "StringEquals",
    "iam:PassedToService",
    &[
        Word { versions: before((20, 26, 1)), text: "ec2.amazonaws.com" },
        Word { versions: since((20, 26, 1)), text: "ec2.${local.dns_suffix}" },
        Word { versions: since((20, 37, 2)), text: "ec2.amazonaws.com" },
    ],
);

const THE_CLUSTER: Words =
    Words::These(&[word("arn:${local.partition}:eks:${local.region}:${local.account_id}:cluster/${var.cluster_name}")]);

// What both policies allow alike.
const READ_PARAMETERS: Statement = Statement {
    sid: "AllowSSMReadActions",
    actions: Words::These(&[word("ssm:GetParameter")]),
    resources: Words::Of(
        "coalescelist(var.ami_id_ssm_parameter_arns, [\"arn:${local.partition}:ssm:${local.region}::parameter/aws/service/*\"])",
    ),
    ..Statement::EMPTY
};
const READ_PRICES: Statement = Statement {
    sid: "AllowPricingReadActions",
    actions: Words::These(&[word("pricing:GetProducts")]),
    resources: Words::These(&[word("*")]),
    ..Statement::EMPTY
};
const PASS_ROLE: Statement = Statement {
    sid: "AllowPassingInstanceRole",
    actions: Words::These(&[word("iam:PassRole")]),
    resources: Words::Of("var.create_node_iam_role ? [aws_iam_role.node[0].arn] : [var.node_iam_role_arn]"),
    conditions: &[PASSED_TO_EC2],
    ..Statement::EMPTY
};
const DESCRIBE_CLUSTER: Statement = Statement {
    sid: "AllowAPIServerEndpointDiscovery",
    actions: Words::These(&[word("eks:DescribeCluster")]),
    resources: THE_CLUSTER,
    ..Statement::EMPTY
};

/// For Karpenter 0.33 to 0.37: the only one up to 20.23, and what is not asked for otherwise up to 20.37.
pub(super) const BETA: &[Statement] = &[
    Statement {
        sid: "AllowScopedEC2InstanceActions",
        actions: Words::These(&[word("ec2:RunInstances"), word("ec2:CreateFleet")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:*::image/*"),
            word("arn:${local.partition}:ec2:*::snapshot/*"),
            word("arn:${local.partition}:ec2:*:*:spot-instances-request/*"),
            word("arn:${local.partition}:ec2:*:*:security-group/*"),
            word("arn:${local.partition}:ec2:*:*:subnet/*"),
            word("arn:${local.partition}:ec2:*:*:launch-template/*"),
        ]),
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedEC2InstanceActionsWithTags",
        actions: Words::These(&[word("ec2:RunInstances"), word("ec2:CreateFleet"), word("ec2:CreateLaunchTemplate")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:*:*:fleet/*"),
            word("arn:${local.partition}:ec2:*:*:instance/*"),
            word("arn:${local.partition}:ec2:*:*:volume/*"),
            word("arn:${local.partition}:ec2:*:*:network-interface/*"),
            word("arn:${local.partition}:ec2:*:*:launch-template/*"),
            word("arn:${local.partition}:ec2:*:*:spot-instances-request/*"),
        ]),
        conditions: &[REQUEST_OWNED, REQUEST_POOL],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedResourceCreationTagging",
        actions: Words::These(&[word("ec2:CreateTags")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:*:*:fleet/*"),
            word("arn:${local.partition}:ec2:*:*:instance/*"),
            word("arn:${local.partition}:ec2:*:*:volume/*"),
            word("arn:${local.partition}:ec2:*:*:network-interface/*"),
            word("arn:${local.partition}:ec2:*:*:launch-template/*"),
            word("arn:${local.partition}:ec2:*:*:spot-instances-request/*"),
        ]),
        conditions: &[REQUEST_OWNED, CREATES, REQUEST_POOL],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedResourceTagging",
        actions: Words::These(&[word("ec2:CreateTags")]),
        resources: Words::These(&[word("arn:${local.partition}:ec2:*:*:instance/*")]),
        conditions: &[
            RESOURCE_OWNED,
            RESOURCE_POOL,
            condition("ForAllValues:StringEquals", "aws:TagKeys", &[word("karpenter.sh/nodeclaim"), word("Name")]),
        ],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedDeletion",
        actions: Words::These(&[word("ec2:TerminateInstances"), word("ec2:DeleteLaunchTemplate")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:*:*:instance/*"),
            word("arn:${local.partition}:ec2:*:*:launch-template/*"),
        ]),
        conditions: &[RESOURCE_OWNED, RESOURCE_POOL],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowRegionalReadActions",
        actions: Words::These(&[
            word("ec2:DescribeAvailabilityZones"),
            word("ec2:DescribeImages"),
            word("ec2:DescribeInstances"),
            word("ec2:DescribeInstanceTypeOfferings"),
            word("ec2:DescribeInstanceTypes"),
            word("ec2:DescribeLaunchTemplates"),
            word("ec2:DescribeSecurityGroups"),
            word("ec2:DescribeSpotPriceHistory"),
            word("ec2:DescribeSubnets"),
        ]),
        resources: Words::These(&[word("*")]),
        conditions: &[IN_REGION],
        ..Statement::EMPTY
    },
    READ_PARAMETERS,
    READ_PRICES,
    Statement {
        when: "local.enable_spot_termination",
        sid: "AllowInterruptionQueueActions",
        actions: Words::These(&[
            word("sqs:DeleteMessage"),
            word("sqs:GetQueueAttributes"),
            word("sqs:GetQueueUrl"),
            word("sqs:ReceiveMessage"),
        ]),
        resources: Words::Of("[try(aws_sqs_queue.this[0].arn, null)]"),
        ..Statement::EMPTY
    },
    PASS_ROLE,
    Statement {
        sid: "AllowScopedInstanceProfileCreationActions",
        actions: Words::These(&[word("iam:CreateInstanceProfile")]),
        resources: Words::These(&[word("*")]),
        conditions: &[REQUEST_OWNED, REQUEST_REGION, REQUEST_CLASS],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedInstanceProfileTagActions",
        actions: Words::These(&[word("iam:TagInstanceProfile")]),
        resources: Words::These(&[word("*")]),
        conditions: &[RESOURCE_OWNED, RESOURCE_REGION, REQUEST_OWNED, RESOURCE_REGION, RESOURCE_CLASS, REQUEST_CLASS],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedInstanceProfileActions",
        actions: Words::These(&[
            word("iam:AddRoleToInstanceProfile"),
            word("iam:RemoveRoleFromInstanceProfile"),
            word("iam:DeleteInstanceProfile"),
        ]),
        resources: Words::These(&[word("*")]),
        conditions: &[RESOURCE_OWNED, RESOURCE_REGION, RESOURCE_CLASS],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowInstanceProfileReadActions",
        actions: Words::These(&[word("iam:GetInstanceProfile")]),
        resources: Words::These(&[word("*")]),
        ..Statement::EMPTY
    },
    DESCRIBE_CLUSTER,
];

/// For Karpenter 1.0 and later: the only one from 21.0 on.
pub(super) const V1: &[Statement] = &[
    Statement {
        sid: "AllowScopedEC2InstanceAccessActions",
        actions: Words::These(&[word("ec2:RunInstances"), word("ec2:CreateFleet")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:${local.region}::image/*"),
            word("arn:${local.partition}:ec2:${local.region}::snapshot/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:security-group/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:subnet/*"),
            new_in((20, 34, 0), "arn:${local.partition}:ec2:${local.region}:*:capacity-reservation/*"),
            new_in((21, 18, 0), "arn:${local.partition}:ec2:${local.region}:*:placement-group/*"),
        ]),
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedEC2LaunchTemplateAccessActions",
        actions: Words::These(&[word("ec2:RunInstances"), word("ec2:CreateFleet")]),
        resources: Words::These(&[word("arn:${local.partition}:ec2:${local.region}:*:launch-template/*")]),
        conditions: &[RESOURCE_OWNED, RESOURCE_POOL],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedEC2InstanceActionsWithTags",
        actions: Words::These(&[word("ec2:RunInstances"), word("ec2:CreateFleet"), word("ec2:CreateLaunchTemplate")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:${local.region}:*:fleet/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:instance/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:volume/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:network-interface/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:launch-template/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:spot-instances-request/*"),
            new_in((21, 2, 0), "arn:${local.partition}:ec2:${local.region}:*:capacity-reservation/*"),
        ]),
        conditions: &[REQUEST_OWNED, REQUEST_CLUSTER, REQUEST_POOL],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedResourceCreationTagging",
        actions: Words::These(&[word("ec2:CreateTags")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:${local.region}:*:fleet/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:instance/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:volume/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:network-interface/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:launch-template/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:spot-instances-request/*"),
        ]),
        conditions: &[REQUEST_OWNED, REQUEST_CLUSTER, CREATES, REQUEST_POOL],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedResourceTagging",
        actions: Words::These(&[word("ec2:CreateTags")]),
        resources: Words::These(&[word("arn:${local.partition}:ec2:${local.region}:*:instance/*")]),
        conditions: &[
            RESOURCE_OWNED,
            RESOURCE_POOL,
            condition("StringEqualsIfExists", "aws:RequestTag/eks:eks-cluster-name", &[word("${var.cluster_name}")]),
            condition(
                "ForAllValues:StringEquals",
                "aws:TagKeys",
                &[word("eks:eks-cluster-name"), word("karpenter.sh/nodeclaim"), word("Name")],
            ),
        ],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedDeletion",
        actions: Words::These(&[word("ec2:TerminateInstances"), word("ec2:DeleteLaunchTemplate")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:${local.region}:*:instance/*"),
            word("arn:${local.partition}:ec2:${local.region}:*:launch-template/*"),
        ]),
        conditions: &[RESOURCE_OWNED, RESOURCE_POOL],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowRegionalReadActions",
        actions: Words::These(&[
            new_in((21, 3, 1), "ec2:DescribeCapacityReservations"),
            word("ec2:DescribeAvailabilityZones"),
            word("ec2:DescribeImages"),
            word("ec2:DescribeInstances"),
            word("ec2:DescribeInstanceTypeOfferings"),
            word("ec2:DescribeInstanceTypes"),
            word("ec2:DescribeLaunchTemplates"),
            word("ec2:DescribeSecurityGroups"),
            new_in((21, 19, 0), "ec2:DescribeInstanceStatus"),
            word("ec2:DescribeSpotPriceHistory"),
            word("ec2:DescribeSubnets"),
            new_in((21, 18, 0), "ec2:DescribePlacementGroups"),
        ]),
        resources: Words::These(&[word("*")]),
        conditions: &[IN_REGION],
        ..Statement::EMPTY
    },
    READ_PARAMETERS,
    READ_PRICES,
    Statement {
        versions: since((21, 19, 0)),
        sid: "AllowZonalShiftReadActions",
        actions: Words::These(&[word("arc-zonal-shift:GetManagedResource")]),
        resources: THE_CLUSTER,
        ..Statement::EMPTY
    },
    Statement {
        when: "local.enable_spot_termination",
        sid: "AllowInterruptionQueueActions",
        actions: Words::These(&[word("sqs:DeleteMessage"), word("sqs:GetQueueUrl"), word("sqs:ReceiveMessage")]),
        resources: Words::Of("[try(aws_sqs_queue.this[0].arn, null)]"),
        ..Statement::EMPTY
    },
    PASS_ROLE,
    Statement {
        sid: "AllowScopedInstanceProfileCreationActions",
        actions: Words::These(&[word("iam:CreateInstanceProfile")]),
        resources: Words::These(&[word("arn:${local.partition}:iam::${local.account_id}:instance-profile/*")]),
        conditions: &[REQUEST_OWNED, REQUEST_CLUSTER, REQUEST_REGION, REQUEST_CLASS],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedInstanceProfileTagActions",
        actions: Words::These(&[word("iam:TagInstanceProfile")]),
        resources: Words::These(&[word("arn:${local.partition}:iam::${local.account_id}:instance-profile/*")]),
        conditions: &[
            RESOURCE_OWNED,
            RESOURCE_REGION,
            REQUEST_OWNED,
            REQUEST_CLUSTER,
            REQUEST_REGION,
            RESOURCE_CLASS,
            REQUEST_CLASS,
        ],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowScopedInstanceProfileActions",
        actions: Words::These(&[
            word("iam:AddRoleToInstanceProfile"),
            word("iam:RemoveRoleFromInstanceProfile"),
            word("iam:DeleteInstanceProfile"),
        ]),
        resources: Words::These(&[word("arn:${local.partition}:iam::${local.account_id}:instance-profile/*")]),
        conditions: &[RESOURCE_OWNED, RESOURCE_REGION, RESOURCE_CLASS],
        ..Statement::EMPTY
    },
    Statement {
        sid: "AllowInstanceProfileReadActions",
        actions: Words::These(&[word("iam:GetInstanceProfile")]),
        resources: Words::These(&[word("arn:${local.partition}:iam::${local.account_id}:instance-profile/*")]),
        ..Statement::EMPTY
    },
    Statement {
        versions: since((21, 2, 0)),
        sid: "AllowUnscopedInstanceProfileListAction",
        actions: Words::These(&[word("iam:ListInstanceProfiles")]),
        resources: Words::These(&[word("*")]),
        ..Statement::EMPTY
    },
    DESCRIBE_CLUSTER,
];
