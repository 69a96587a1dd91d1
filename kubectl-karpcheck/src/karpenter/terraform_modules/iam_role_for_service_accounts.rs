//! `terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts-eks`, 5.4 to 5.60, with its policy for Karpenter's
//! controller before 0.32. Version 6 has none.

use super::shared::{DELETION, LAUNCHING, PROFILES};
use super::{
    ALL, Condition, Document, Made, Module, Statement, Version, Versions, Word, Words, argument, before, condition,
    since, word,
};

const TAGGED: &[Condition] =
    &[condition("StringEquals", "ec2:ResourceTag/${var.karpenter_tag_key}", &[word("${local.cluster}")])];
/// The security group had to have the tag at first.
const GROUPS: &str = "arn:${local.partition}:ec2:*:${local.account_id}:security-group/*";
const GROUPS_FREE: Version = (5, 5, 4);

const CONTROLLER: &[Statement] = &[
    LAUNCHING,
    Statement { conditions: TAGGED, ..DELETION },
    Statement {
        actions: Words::These(&[word("ec2:RunInstances")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:*:${local.account_id}:launch-template/*"),
            Word { versions: before(GROUPS_FREE), text: GROUPS },
        ]),
        conditions: TAGGED,
        ..Statement::EMPTY
    },
    Statement {
        actions: Words::These(&[word("ec2:RunInstances")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:*::image/*"),
            word("arn:${local.partition}:ec2:*:${local.account_id}:instance/*"),
            word("arn:${local.partition}:ec2:*:${local.account_id}:spot-instances-request/*"),
            Word { versions: since(GROUPS_FREE), text: GROUPS },
            word("arn:${local.partition}:ec2:*:${local.account_id}:volume/*"),
            word("arn:${local.partition}:ec2:*:${local.account_id}:network-interface/*"),
            word(
                "arn:${local.partition}:ec2:*:${coalesce(var.karpenter_subnet_account_id, local.account_id)}:subnet/*",
            ),
        ]),
        ..Statement::EMPTY
    },
    Statement {
        actions: Words::These(&[word("ssm:GetParameter")]),
        resources: Words::Of("var.karpenter_controller_ssm_parameter_arns"),
        ..Statement::EMPTY
    },
    Statement {
        actions: Words::These(&[word("iam:PassRole")]),
        resources: Words::Of("var.karpenter_controller_node_iam_role_arns"),
        ..Statement::EMPTY
    },
    Statement { versions: since((5, 32, 0)), ..PROFILES },
    Statement {
        versions: since((5, 12, 0)),
        actions: Words::These(&[word("eks:DescribeCluster")]),
        resources: Words::These(&[word(
            "arn:${local.partition}:eks:${local.region}:${local.account_id}:cluster/${local.cluster}",
        )]),
        ..Statement::EMPTY
    },
    Statement {
        versions: since((5, 8, 0)),
        when: "var.karpenter_sqs_queue_arn != null",
        actions: Words::These(&[
            word("sqs:DeleteMessage"),
            word("sqs:GetQueueAttributes"),
            word("sqs:GetQueueUrl"),
            word("sqs:ReceiveMessage"),
        ]),
        resources: Words::These(&[word("${var.karpenter_sqs_queue_arn}")]),
        ..Statement::EMPTY
    },
];

/// For each provider of `oidc_providers`.
const TRUST: &[Statement] = &[Statement {
    each: "var.oidc_providers",
    actions: Words::These(&[word("sts:AssumeRoleWithWebIdentity")]),
    principals: Some(("Federated", Words::These(&[word("${statement.value.provider_arn}")]))),
    conditions: &[
        Condition {
            test: "${var.assume_role_condition_test}",
            key: "${replace(statement.value.provider_arn, \"/^(.*provider/)/\", \"\")}:sub",
            values: Words::Of(
                "[for sa in statement.value.namespace_service_accounts : \"system:serviceaccount:${sa}\"]",
            ),
        },
        condition(
            "${var.assume_role_condition_test}",
            "${replace(statement.value.provider_arn, \"/^(.*provider/)/\", \"\")}:aud",
            &[word("sts.amazonaws.com")],
        ),
    ],
    ..Statement::EMPTY
}];

/// The role may take itself.
const ITSELF: Statement = Statement {
    sid: "ExplicitSelfRoleAssumption",
    actions: Words::These(&[word("sts:AssumeRole")]),
    principals: Some(("AWS", Words::These(&[word("*")]))),
    conditions: &[condition(
        "ArnLike",
        "aws:PrincipalArn",
        &[word(
            "arn:${local.partition}:iam::${local.account_id}:role${var.role_path}${coalesce(var.role_name, \
             \"${var.role_name_prefix}*\")}",
        )],
    )],
    ..Statement::EMPTY
};

pub(super) const MODULE: Module = Module {
    registry: "terraform-aws-modules/iam/aws",
    repository: "terraform-aws-iam",
    folder: "modules/iam-role-for-service-accounts-eks",
    versions: Versions { from: (5, 4, 0), until: (6, 0, 0) },
    asked_with: ("attach_", "attach_karpenter_controller_policy"),
    inputs: &[
        argument("create_role", "true"),
        argument("role_name", "null"),
        argument("role_path", "\"/\""),
        argument("role_permissions_boundary_arn", "null"),
        argument("role_name_prefix", "null"),
        argument("policy_name_prefix", "\"AmazonEKS_\""),
        argument("role_policy_arns", "{}"),
        argument("oidc_providers", "{}"),
        argument("tags", "{}"),
        argument("assume_role_condition_test", "\"StringEquals\""),
        argument("allow_self_assume_role", "false"),
        argument("attach_karpenter_controller_policy", "false"),
        argument("karpenter_controller_cluster_id", "\"*\""),
        argument("karpenter_controller_cluster_name", "\"*\""),
        argument("karpenter_tag_key", "\"karpenter.sh/discovery\""),
        argument("karpenter_controller_ssm_parameter_arns", "[\"arn:aws:ssm:*:*:parameter/aws/service/*\"]"),
        argument("karpenter_controller_node_iam_role_arns", "[\"*\"]"),
        argument("karpenter_subnet_account_id", "\"\""),
        argument("karpenter_sqs_queue_arn", "null"),
        argument("enable_karpenter_instance_profile_creation", "false"),
    ],
    fixed: &[(before((5, 32, 0)), "enable_karpenter_instance_profile_creation", false)],
    locals: &[
        argument("with_policy", "var.create_role && var.attach_karpenter_controller_policy"),
        argument(
            "cluster",
            "var.karpenter_controller_cluster_name != \"*\" ? var.karpenter_controller_cluster_name : \
             var.karpenter_controller_cluster_id",
        ),
    ],
    events: &[],
    documents: &[
        Document {
            name: "trust",
            statements: &[("var.allow_self_assume_role", &[ITSELF]), ("true", TRUST)],
            ..Document::EMPTY
        },
        Document { name: "controller", statements: &[("true", CONTROLLER)], ..Document::EMPTY },
    ],
    makes: &[
        Made {
            versions: ALL,
            kind: "aws_iam_role",
            name: "this",
            when: "var.create_role",
            each: None,
            arguments: &[
                argument("name", "var.role_name"),
                argument("name_prefix", "var.role_name_prefix"),
                argument("path", "var.role_path"),
                argument("assume_role_policy", "document.trust"),
                argument("permissions_boundary", "var.role_permissions_boundary_arn"),
                argument("tags", "var.tags"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "this",
            when: "var.create_role",
            each: Some("var.role_policy_arns"),
            arguments: &[argument("role", "aws_iam_role.this[0].name"), argument("policy_arn", "each.value")],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_policy",
            name: "karpenter_controller",
            when: "local.with_policy",
            each: None,
            arguments: &[
                argument("name_prefix", "\"${var.policy_name_prefix}Karpenter_Controller_Policy-\""),
                argument("path", "var.role_path"),
                argument("policy", "document.controller"),
                argument("tags", "var.tags"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "karpenter_controller",
            when: "local.with_policy",
            each: None,
            arguments: &[
                argument("role", "aws_iam_role.this[0].name"),
                argument("policy_arn", "aws_iam_policy.karpenter_controller[0].arn"),
            ],
        },
    ],
    outputs: &[
        ("iam_role_arn", "try(aws_iam_role.this[0].arn, \"\")"),
        ("iam_role_name", "try(aws_iam_role.this[0].name, \"\")"),
        ("iam_role_path", "try(aws_iam_role.this[0].path, \"\")"),
        ("iam_role_unique_id", "try(aws_iam_role.this[0].unique_id, \"\")"),
    ],
};
