//! `terraform-aws-modules/eks/aws//modules/karpenter`, 19.0 to 19.21: a role for the service account, with the permissions
//! of Karpenter before 0.32.

use super::shared::{
    DELETION, EVENTS, ISSUER, LAUNCHING, NODES, PROFILES, QUEUE, QUEUE_POLICY, RULE, SENDERS, SERVICE_ACCOUNTS, TARGET,
};
use super::{
    ALL, Argument, Condition, Document, Made, Module, Statement, Versions, Words, argument, before, new_in, since, word,
};

const TAGGED: &[Condition] = &[Condition {
    test: "StringEquals",
    key: "ec2:ResourceTag/${var.irsa_tag_key}",
    values: Words::Of("local.tag_values"),
}];

const CONTROLLER: &[Statement] = &[
    LAUNCHING,
    Statement { conditions: TAGGED, ..DELETION },
    Statement {
        actions: Words::These(&[word("ec2:RunInstances")]),
        resources: Words::These(&[word("arn:${local.partition}:ec2:*:${local.account_id}:launch-template/*")]),
        conditions: TAGGED,
        ..Statement::EMPTY
    },
    Statement {
        actions: Words::These(&[word("ec2:RunInstances")]),
        resources: Words::These(&[
            word("arn:${local.partition}:ec2:*::image/*"),
            new_in((19, 15, 3), "arn:${local.partition}:ec2:*::snapshot/*"),
            word("arn:${local.partition}:ec2:*:${local.account_id}:instance/*"),
            word("arn:${local.partition}:ec2:*:${local.account_id}:spot-instances-request/*"),
            word("arn:${local.partition}:ec2:*:${local.account_id}:security-group/*"),
            word("arn:${local.partition}:ec2:*:${local.account_id}:volume/*"),
            word("arn:${local.partition}:ec2:*:${local.account_id}:network-interface/*"),
            word("arn:${local.partition}:ec2:*:${coalesce(var.irsa_subnet_account_id, local.account_id)}:subnet/*"),
        ]),
        ..Statement::EMPTY
    },
    Statement {
        actions: Words::These(&[word("ssm:GetParameter")]),
        resources: Words::Of("var.irsa_ssm_parameter_arns"),
        ..Statement::EMPTY
    },
    Statement {
        versions: since((19, 8, 0)),
        actions: Words::These(&[word("eks:DescribeCluster")]),
        resources: Words::These(&[word(
            "arn:${local.partition}:eks:*:${local.account_id}:cluster/${var.cluster_name}",
        )]),
        ..Statement::EMPTY
    },
    Statement {
        actions: Words::These(&[word("iam:PassRole")]),
        resources: Words::These(&[word("${var.create_iam_role ? aws_iam_role.this[0].arn : var.iam_role_arn}")]),
        ..Statement::EMPTY
    },
    Statement {
        when: "local.enable_spot_termination",
        actions: Words::These(&[
            word("sqs:DeleteMessage"),
            word("sqs:GetQueueUrl"),
            word("sqs:GetQueueAttributes"),
            word("sqs:ReceiveMessage"),
        ]),
        resources: Words::These(&[word("${aws_sqs_queue.this[0].arn}")]),
        ..Statement::EMPTY
    },
    Statement { versions: since((19, 18, 0)), ..PROFILES },
];

pub(super) const MODULE: Module = Module {
    registry: "terraform-aws-modules/eks/aws",
    repository: "terraform-aws-eks",
    folder: "modules/karpenter",
    versions: Versions { from: (19, 0, 0), until: (20, 0, 0) },
    asked_with: ("", ""),
    inputs: &[
        argument("create", "true"),
        argument("tags", "{}"),
        argument("cluster_name", "\"\""),
        argument("create_irsa", "true"),
        argument("irsa_name", "null"),
        argument("irsa_policy_name", "null"),
        argument("irsa_use_name_prefix", "true"),
        argument("irsa_path", "\"/\""),
        argument("irsa_permissions_boundary_arn", "null"),
        argument("irsa_tags", "{}"),
        argument("policies", "{}"),
        argument("irsa_tag_key", "\"karpenter.sh/discovery\""),
        argument("irsa_tag_values", "[]"),
        argument("irsa_ssm_parameter_arns", "[\"arn:aws:ssm:*:*:parameter/aws/service/*\"]"),
        argument("irsa_subnet_account_id", "\"\""),
        argument("irsa_oidc_provider_arn", "\"\""),
        argument("irsa_namespace_service_accounts", "[\"karpenter:karpenter\"]"),
        argument("irsa_assume_role_condition_test", "\"StringEquals\""),
        argument("enable_karpenter_instance_profile_creation", "false"),
        argument("enable_spot_termination", "true"),
        argument("queue_name", "null"),
        argument("queue_managed_sse_enabled", "true"),
        argument("queue_kms_master_key_id", "null"),
        argument("queue_kms_data_key_reuse_period_seconds", "null"),
        argument("create_iam_role", "true"),
        argument("cluster_ip_family", "null"),
        argument("iam_role_arn", "null"),
        argument("iam_role_name", "null"),
        argument("iam_role_use_name_prefix", "true"),
        argument("iam_role_path", "\"/\""),
        argument("iam_role_permissions_boundary", "null"),
        argument("iam_role_attach_cni_policy", "true"),
        argument("iam_role_additional_policies", "{}"),
        argument("iam_role_tags", "{}"),
        argument("create_instance_profile", "true"),
        argument("rule_name_prefix", "\"Karpenter\""),
    ],
    fixed: &[],
    locals: &[
        ISSUER,
        argument("create_irsa", "var.create && var.create_irsa"),
        argument("irsa_name", "coalesce(var.irsa_name, \"KarpenterIRSA-${var.cluster_name}\")"),
        Argument { versions: before((19, 15, 2)), name: "tag_values", value: "[var.cluster_name]" },
        Argument {
            versions: since((19, 15, 2)),
            name: "tag_values",
            value: "coalescelist(var.irsa_tag_values, [var.cluster_name])",
        },
        argument("enable_spot_termination", "var.create && var.enable_spot_termination"),
        argument("create_iam_role", "var.create && var.create_iam_role"),
        argument("iam_role_name", "coalesce(var.iam_role_name, \"Karpenter-${var.cluster_name}\")"),
        argument("aws_policies", "\"arn:${local.partition}:iam::aws:policy\""),
        Argument { versions: before((19, 19, 0)), name: "ipv6_policies", value: "local.aws_policies" },
        Argument {
            versions: since((19, 19, 0)),
            name: "ipv6_policies",
            value: "\"arn:${local.partition}:iam::${local.account_id}:policy\"",
        },
        argument(
            "cni_policy",
            "var.cluster_ip_family == \"ipv6\" ? \"${local.ipv6_policies}/AmazonEKS_CNI_IPv6_Policy\" : \
             \"${local.aws_policies}/AmazonEKS_CNI_Policy\"",
        ),
        argument("with_profile", "var.create && var.create_instance_profile"),
        Argument {
            versions: Versions { from: (19, 18, 0), until: (19, 19, 1) },
            name: "with_profile",
            value: "var.create && var.create_instance_profile && !var.enable_karpenter_instance_profile_creation",
        },
    ],
    events: EVENTS,
    documents: &[
        Document { name: "trust", statements: &[("true", &[SERVICE_ACCOUNTS])], ..Document::EMPTY },
        Document { name: "controller", statements: &[("true", CONTROLLER)], ..Document::EMPTY },
        Document {
            name: "queue",
            statements: &[(
                "true",
                &[Statement {
                    principals: Some((
                        "Service",
                        Words::These(&[word("events.${local.dns_suffix}"), word("sqs.${local.dns_suffix}")]),
                    )),
                    ..SENDERS
                }],
            )],
            ..Document::EMPTY
        },
        Document { name: "nodes", statements: &[("true", &[NODES])], ..Document::EMPTY },
    ],
    makes: &[
        Made {
            versions: ALL,
            kind: "aws_iam_role",
            name: "irsa",
            when: "local.create_irsa",
            each: None,
            arguments: &[
                argument("name", "var.irsa_use_name_prefix ? null : local.irsa_name"),
                argument("name_prefix", "var.irsa_use_name_prefix ? \"${local.irsa_name}-\" : null"),
                argument("path", "var.irsa_path"),
                argument("assume_role_policy", "document.trust"),
                argument("permissions_boundary", "var.irsa_permissions_boundary_arn"),
                argument("tags", "merge(var.tags, var.irsa_tags)"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_policy",
            name: "irsa",
            when: "local.create_irsa",
            each: None,
            arguments: &[
                argument("name_prefix", "\"${coalesce(var.irsa_policy_name, local.irsa_name)}-\""),
                argument("path", "var.irsa_path"),
                argument("policy", "document.controller"),
                argument("tags", "var.tags"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "irsa",
            when: "local.create_irsa",
            each: None,
            arguments: &[
                argument("role", "aws_iam_role.irsa[0].name"),
                argument("policy_arn", "aws_iam_policy.irsa[0].arn"),
            ],
        },
        Made {
            versions: since((19, 11, 0)),
            kind: "aws_iam_role_policy_attachment",
            name: "irsa_additional",
            when: "local.create_irsa",
            each: Some("var.policies"),
            arguments: &[argument("role", "aws_iam_role.irsa[0].name"), argument("policy_arn", "each.value")],
        },
        QUEUE,
        QUEUE_POLICY,
        RULE,
        TARGET,
        Made {
            versions: ALL,
            kind: "aws_iam_role",
            name: "this",
            when: "local.create_iam_role",
            each: None,
            arguments: &[
                argument("name", "var.iam_role_use_name_prefix ? null : local.iam_role_name"),
                argument("name_prefix", "var.iam_role_use_name_prefix ? \"${local.iam_role_name}-\" : null"),
                argument("path", "var.iam_role_path"),
                argument("assume_role_policy", "document.nodes"),
                argument("permissions_boundary", "var.iam_role_permissions_boundary"),
                argument("tags", "merge(var.tags, var.iam_role_tags)"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "this",
            when: "local.create_iam_role",
            each: Some(
                "toset(compact([\"${local.aws_policies}/AmazonEKSWorkerNodePolicy\", \
                 \"${local.aws_policies}/AmazonEC2ContainerRegistryReadOnly\", \
                 var.iam_role_attach_cni_policy ? local.cni_policy : \"\"]))",
            ),
            arguments: &[argument("role", "aws_iam_role.this[0].name"), argument("policy_arn", "each.value")],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "additional",
            when: "local.create_iam_role",
            each: Some("var.iam_role_additional_policies"),
            arguments: &[argument("role", "aws_iam_role.this[0].name"), argument("policy_arn", "each.value")],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_instance_profile",
            name: "this",
            when: "local.with_profile",
            each: None,
            arguments: &[
                argument("name", "var.iam_role_use_name_prefix ? null : local.iam_role_name"),
                argument("name_prefix", "var.iam_role_use_name_prefix ? \"${local.iam_role_name}-\" : null"),
                argument("path", "var.iam_role_path"),
                argument(
                    "role",
                    "var.create_iam_role ? aws_iam_role.this[0].name : \
                     try(replace(var.iam_role_arn, \"/^(.*role/)/\", \"\"), null)",
                ),
                argument("tags", "merge(var.tags, var.iam_role_tags)"),
            ],
        },
    ],
    outputs: &[
        ("irsa_name", "try(aws_iam_role.irsa[0].name, null)"),
        ("irsa_arn", "try(aws_iam_role.irsa[0].arn, null)"),
        ("irsa_unique_id", "try(aws_iam_role.irsa[0].unique_id, null)"),
        ("queue_arn", "try(aws_sqs_queue.this[0].arn, null)"),
        ("queue_name", "try(aws_sqs_queue.this[0].name, null)"),
        ("queue_url", "try(aws_sqs_queue.this[0].url, null)"),
        ("event_rules", "aws_cloudwatch_event_rule.this"),
        ("role_name", "try(aws_iam_role.this[0].name, null)"),
        ("role_arn", "try(aws_iam_role.this[0].arn, var.iam_role_arn)"),
        ("role_unique_id", "try(aws_iam_role.this[0].unique_id, null)"),
        ("instance_profile_arn", "try(aws_iam_instance_profile.this[0].arn, null)"),
        ("instance_profile_id", "try(aws_iam_instance_profile.this[0].id, null)"),
        ("instance_profile_name", "try(aws_iam_instance_profile.this[0].name, null)"),
        ("instance_profile_unique", "try(aws_iam_instance_profile.this[0].unique_id, null)"),
    ],
};
