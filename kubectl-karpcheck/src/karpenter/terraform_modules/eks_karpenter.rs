//! `terraform-aws-modules/eks/aws//modules/karpenter`, 20.0 to 21.19: a role for Pod Identity, up to 20.37 for the service
//! account too, and the permissions of Karpenter from 0.33 on.

mod policies;

use super::shared::{
    EVENTS, ISSUER, NODES, QUEUE, QUEUE_POLICY, REGION, RULE, SENDERS, SERVICE_ACCOUNTS, TARGET, TLS_ONLY,
};
use super::{
    ALL, Argument, Document, Given, Made, Module, Statement, Versions, Word, Words, argument, before, condition, since,
    word,
};

const V21: Versions = since((21, 0, 0));

/// Pods of the associated service account.
const PODS: &[Statement] = &[
    Statement { versions: before((21, 0, 0)), ..ANY_POD },
    Statement { versions: V21, sid: "PodIdentity", ..ANY_POD },
];
const ANY_POD: Statement = Statement {
    when: "var.enable_pod_identity",
    actions: Words::These(&[word("sts:AssumeRole"), word("sts:TagSession")]),
    principals: Some(("Service", Words::These(&[word("pods.eks.amazonaws.com")]))),
    ..Statement::EMPTY
};

const QUEUE_STATEMENTS: &[Statement] = &[
    Statement {
        principals: Some((
            "Service",
            Words::These(&[
                Word { versions: before((20, 2, 2)), text: "events.${local.dns_suffix}" },
                Word { versions: before((20, 2, 2)), text: "sqs.${local.dns_suffix}" },
                Word { versions: since((20, 2, 2)), text: "events.amazonaws.com" },
                Word { versions: since((20, 2, 2)), text: "sqs.amazonaws.com" },
            ]),
        )),
        ..SENDERS
    },
    Statement {
        versions: Versions { from: (20, 15, 0), until: (21, 0, 0) },
        conditions: &[condition("StringEquals", "aws:SecureTransport", &[word("false")])],
        ..TLS_ONLY
    },
    Statement { versions: V21, conditions: &[condition("Bool", "aws:SecureTransport", &[word("false")])], ..TLS_ONLY },
];

const ROLE_NAME: &[Argument] = &[
    argument("name", "var.iam_role_use_name_prefix ? null : var.iam_role_name"),
    argument("name_prefix", "var.iam_role_use_name_prefix ? \"${var.iam_role_name}-\" : null"),
    argument("path", "var.iam_role_path"),
    argument("assume_role_policy", "document.trust"),
    argument("permissions_boundary", "var.iam_role_permissions_boundary_arn"),
    argument("tags", "merge(var.tags, var.iam_role_tags)"),
];

pub(super) const MODULE: Module = Module {
    registry: "terraform-aws-modules/eks/aws",
    repository: "terraform-aws-eks",
    folder: "modules/karpenter",
    versions: Versions { from: (20, 0, 0), until: (22, 0, 0) },
    asked_with: ("", ""),
    inputs: &[
        argument("create", "true"),
        argument("tags", "{}"),
        argument("cluster_name", "\"\""),
        argument("region", "null"),
        argument("create_iam_role", "true"),
        argument("enable_inline_policy", "false"),
        argument("iam_role_name", "\"KarpenterController\""),
        argument("iam_role_use_name_prefix", "true"),
        argument("iam_role_path", "\"/\""),
        argument("iam_role_permissions_boundary_arn", "null"),
        argument("iam_role_tags", "{}"),
        argument("iam_policy_name", "\"KarpenterController\""),
        argument("iam_policy_use_name_prefix", "true"),
        argument("iam_policy_path", "\"/\""),
        argument("iam_role_override_assume_policy_documents", "[]"),
        argument("iam_role_source_assume_policy_documents", "[]"),
        argument("iam_policy_statements", "null"),
        argument("iam_role_policies", "{}"),
        argument("ami_id_ssm_parameter_arns", "[]"),
        argument("enable_pod_identity", "true"),
        argument("enable_v1_permissions", "false"),
        argument("enable_irsa", "false"),
        argument("irsa_oidc_provider_arn", "\"\""),
        argument("irsa_namespace_service_accounts", "[\"karpenter:karpenter\"]"),
        argument("irsa_assume_role_condition_test", "\"StringEquals\""),
        Argument { versions: before((21, 0, 0)), name: "create_pod_identity_association", value: "false" },
        Argument { versions: V21, name: "create_pod_identity_association", value: "true" },
        argument("namespace", "\"kube-system\""),
        argument("service_account", "\"karpenter\""),
        argument("enable_spot_termination", "true"),
        argument("queue_name", "null"),
        argument("queue_managed_sse_enabled", "true"),
        argument("queue_kms_master_key_id", "null"),
        argument("queue_kms_data_key_reuse_period_seconds", "null"),
        argument("queue_policy_statements", "null"),
        argument("create_node_iam_role", "true"),
        argument("cluster_ip_family", "\"ipv4\""),
        argument("node_iam_role_arn", "null"),
        argument("node_iam_role_name", "null"),
        argument("node_iam_role_use_name_prefix", "true"),
        argument("node_iam_role_path", "\"/\""),
        argument("node_iam_role_permissions_boundary", "null"),
        argument("node_iam_role_attach_cni_policy", "true"),
        argument("node_iam_role_additional_policies", "{}"),
        argument("node_iam_role_tags", "{}"),
        argument("create_instance_profile", "false"),
        argument("rule_name_prefix", "\"Karpenter\""),
    ],
    fixed: &[
        (V21, "enable_irsa", false),
        (V21, "enable_pod_identity", true),
        (before((20, 2, 0)), "enable_pod_identity", true),
        (before((20, 10, 0)), "create_pod_identity_association", false),
        (before((20, 24, 0)), "enable_v1_permissions", false),
        (V21, "enable_v1_permissions", true),
        (before((21, 8, 0)), "enable_inline_policy", false),
    ],
    locals: &[
        ISSUER,
        argument("create_iam_role", "var.create && var.create_iam_role"),
        argument("enable_spot_termination", "var.create && var.enable_spot_termination"),
        argument("create_node_iam_role", "var.create && var.create_node_iam_role"),
        argument("node_iam_role_name", "coalesce(var.node_iam_role_name, \"Karpenter-${var.cluster_name}\")"),
        argument("aws_policies", "\"arn:${local.partition}:iam::aws:policy\""),
        Argument {
            versions: before((21, 2, 0)),
            name: "registry_policy",
            value: "\"AmazonEC2ContainerRegistryReadOnly\"",
        },
        Argument {
            versions: since((21, 2, 0)),
            name: "registry_policy",
            value: "\"AmazonEC2ContainerRegistryPullOnly\"",
        },
        argument(
            "node_policies",
            "compact([\"${local.aws_policies}/AmazonEKSWorkerNodePolicy\", \
             \"${local.aws_policies}/${local.registry_policy}\", \
             var.node_iam_role_attach_cni_policy && var.cluster_ip_family == \"ipv4\" ? \
             \"${local.aws_policies}/AmazonEKS_CNI_Policy\" : \"\", \
             var.node_iam_role_attach_cni_policy && var.cluster_ip_family == \"ipv6\" ? \
             \"arn:${local.partition}:iam::${local.account_id}:policy/AmazonEKS_CNI_IPv6_Policy\" : \"\"])",
        ),
    ],
    events: EVENTS,
    documents: &[
        Document {
            name: "trust",
            statements: &[("true", PODS), ("var.enable_irsa", &[SERVICE_ACCOUNTS])],
            arguments: &[
                Argument {
                    versions: V21,
                    name: "source_policy_documents",
                    value: "var.iam_role_source_assume_policy_documents",
                },
                Argument {
                    versions: V21,
                    name: "override_policy_documents",
                    value: "var.iam_role_override_assume_policy_documents",
                },
            ],
            ..Document::EMPTY
        },
        Document {
            name: "controller",
            statements: &[("!var.enable_v1_permissions", policies::BETA), ("var.enable_v1_permissions", policies::V1)],
            given: &[
                Given {
                    versions: Versions { from: (20, 16, 0), until: (21, 0, 0) },
                    input: "iam_policy_statements",
                    conditions: "conditions",
                    sid: "try(statement.value.sid, null)",
                },
                Given {
                    versions: V21,
                    input: "iam_policy_statements",
                    conditions: "condition",
                    sid: "try(statement.value.sid, null)",
                },
            ],
            ..Document::EMPTY
        },
        Document {
            name: "queue",
            statements: &[("true", QUEUE_STATEMENTS)],
            given: &[Given {
                versions: since((21, 5, 0)),
                input: "queue_policy_statements",
                conditions: "condition",
                sid: "try(statement.value.sid, null) != null ? statement.value.sid : statement.key",
            }],
            ..Document::EMPTY
        },
        Document { name: "nodes", statements: &[("true", &[NODES])], ..Document::EMPTY },
    ],
    makes: &[
        Made {
            versions: ALL,
            kind: "aws_iam_role",
            name: "controller",
            when: "local.create_iam_role",
            each: None,
            arguments: ROLE_NAME,
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy",
            name: "controller",
            when: "local.create_iam_role && var.enable_inline_policy",
            each: None,
            arguments: &[
                argument("name", "var.iam_policy_use_name_prefix ? null : var.iam_policy_name"),
                argument("name_prefix", "var.iam_policy_use_name_prefix ? \"${var.iam_policy_name}-\" : null"),
                argument("role", "aws_iam_role.controller[0].name"),
                argument("policy", "document.controller"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_policy",
            name: "controller",
            when: "local.create_iam_role && !var.enable_inline_policy",
            each: None,
            arguments: &[
                argument("name", "var.iam_policy_use_name_prefix ? null : var.iam_policy_name"),
                argument("name_prefix", "var.iam_policy_use_name_prefix ? \"${var.iam_policy_name}-\" : null"),
                argument("path", "var.iam_policy_path"),
                argument("policy", "document.controller"),
                argument("tags", "var.tags"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "controller",
            when: "local.create_iam_role && !var.enable_inline_policy",
            each: None,
            arguments: &[
                argument("role", "aws_iam_role.controller[0].name"),
                argument("policy_arn", "aws_iam_policy.controller[0].arn"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "controller_additional",
            when: "local.create_iam_role",
            each: Some("var.iam_role_policies"),
            arguments: &[argument("role", "aws_iam_role.controller[0].name"), argument("policy_arn", "each.value")],
        },
        Made {
            versions: since((20, 10, 0)),
            kind: "aws_eks_pod_identity_association",
            name: "karpenter",
            when: "local.create_iam_role && var.enable_pod_identity && var.create_pod_identity_association",
            each: None,
            arguments: &[
                REGION,
                argument("cluster_name", "var.cluster_name"),
                argument("namespace", "var.namespace"),
                argument("service_account", "var.service_account"),
                argument("role_arn", "aws_iam_role.controller[0].arn"),
                argument("tags", "var.tags"),
            ],
        },
        QUEUE,
        QUEUE_POLICY,
        RULE,
        TARGET,
        Made {
            versions: ALL,
            kind: "aws_iam_role",
            name: "node",
            when: "local.create_node_iam_role",
            each: None,
            arguments: &[
                argument("name", "var.node_iam_role_use_name_prefix ? null : local.node_iam_role_name"),
                argument("name_prefix", "var.node_iam_role_use_name_prefix ? \"${local.node_iam_role_name}-\" : null"),
                argument("path", "var.node_iam_role_path"),
                argument("assume_role_policy", "document.nodes"),
                argument("permissions_boundary", "var.node_iam_role_permissions_boundary"),
                argument("tags", "merge(var.tags, var.node_iam_role_tags)"),
            ],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "node",
            when: "local.create_node_iam_role",
            each: Some("toset(local.node_policies)"),
            arguments: &[argument("role", "aws_iam_role.node[0].name"), argument("policy_arn", "each.value")],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_role_policy_attachment",
            name: "node_additional",
            when: "local.create_node_iam_role",
            each: Some("var.node_iam_role_additional_policies"),
            arguments: &[argument("role", "aws_iam_role.node[0].name"), argument("policy_arn", "each.value")],
        },
        Made {
            versions: ALL,
            kind: "aws_iam_instance_profile",
            name: "this",
            when: "var.create && var.create_instance_profile",
            each: None,
            arguments: &[
                argument("name", "var.node_iam_role_use_name_prefix ? null : local.node_iam_role_name"),
                argument("name_prefix", "var.node_iam_role_use_name_prefix ? \"${local.node_iam_role_name}-\" : null"),
                argument("path", "var.node_iam_role_path"),
                argument(
                    "role",
                    "var.create_node_iam_role ? aws_iam_role.node[0].name : \
                     try(replace(var.node_iam_role_arn, \"/^(.*role/)/\", \"\"), null)",
                ),
                argument("tags", "merge(var.tags, var.node_iam_role_tags)"),
            ],
        },
    ],
    outputs: &[
        ("iam_role_name", "try(aws_iam_role.controller[0].name, null)"),
        ("iam_role_arn", "try(aws_iam_role.controller[0].arn, null)"),
        ("iam_role_unique_id", "try(aws_iam_role.controller[0].unique_id, null)"),
        ("queue_arn", "try(aws_sqs_queue.this[0].arn, null)"),
        ("queue_name", "try(aws_sqs_queue.this[0].name, null)"),
        ("queue_url", "try(aws_sqs_queue.this[0].url, null)"),
        ("event_rules", "aws_cloudwatch_event_rule.this"),
        ("node_iam_role_name", "try(aws_iam_role.node[0].name, null)"),
        ("node_iam_role_arn", "try(aws_iam_role.node[0].arn, var.node_iam_role_arn)"),
        ("node_iam_role_unique_id", "try(aws_iam_role.node[0].unique_id, null)"),
        ("instance_profile_arn", "try(aws_iam_instance_profile.this[0].arn, null)"),
        ("instance_profile_id", "try(aws_iam_instance_profile.this[0].id, null)"),
        ("instance_profile_name", "try(aws_iam_instance_profile.this[0].name, null)"),
        ("instance_profile_unique", "try(aws_iam_instance_profile.this[0].unique_id, null)"),
        ("namespace", "var.namespace"),
        ("service_account", "var.service_account"),
    ],
};
