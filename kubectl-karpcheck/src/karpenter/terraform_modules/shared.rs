//! What several of the modules make alike.

use super::{
    ALL, Argument, Condition, Event, Made, Statement, Versions, Words, argument, before, condition, since, word,
};

/// Instances may take the role of the nodes.
pub(super) const NODES: Statement = Statement {
    sid: "EKSNodeAssumeRole",
    actions: Words::These(&[word("sts:AssumeRole")]),
    principals: Some(("Service", Words::These(&[word("ec2.${local.dns_suffix}")]))),
    ..Statement::EMPTY
};

/// Tokens of the cluster's issuer (`local.issuer`) for these service accounts.
pub(super) const SERVICE_ACCOUNTS: Statement = Statement {
    actions: Words::These(&[word("sts:AssumeRoleWithWebIdentity")]),
    principals: Some(("Federated", Words::These(&[word("${var.irsa_oidc_provider_arn}")]))),
    conditions: &[
        Condition {
            test: "${var.irsa_assume_role_condition_test}",
            key: "${local.issuer}:sub",
            values: Words::Of("[for sa in var.irsa_namespace_service_accounts : \"system:serviceaccount:${sa}\"]"),
        },
        condition("${var.irsa_assume_role_condition_test}", "${local.issuer}:aud", &[word("sts.amazonaws.com")]),
    ],
    ..Statement::EMPTY
};
/// The issuer without its provider's ARN, as `local.issuer`.
pub(super) const ISSUER: Argument =
    argument("issuer", "replace(var.irsa_oidc_provider_arn, \"/^(.*provider/)/\", \"\")");

const THE_QUEUE: Words = Words::These(&[word("${aws_sqs_queue.this[0].arn}")]);

/// Services send to the queue.
pub(super) const SENDERS: Statement = Statement {
    sid: "SqsWrite",
    actions: Words::These(&[word("sqs:SendMessage")]),
    resources: THE_QUEUE,
    ..Statement::EMPTY
};

/// Nobody may use the queue without TLS.
pub(super) const TLS_ONLY: Statement = Statement {
    sid: "DenyHTTP",
    effect: "Deny",
    actions: Words::These(&[word("sqs:*")]),
    resources: THE_QUEUE,
    principals: Some(("*", Words::These(&[word("*")]))),
    ..Statement::EMPTY
};

const ANY: Words = Words::These(&[word("*")]);

/// What a controller before 0.32 may do to anything, most of it to launch instances.
pub(super) const LAUNCHING: Statement = Statement {
    actions: Words::These(&[
        word("ec2:CreateLaunchTemplate"),
        word("ec2:CreateFleet"),
        word("ec2:CreateTags"),
        word("ec2:DescribeLaunchTemplates"),
        word("ec2:DescribeImages"),
        word("ec2:DescribeInstances"),
        word("ec2:DescribeSecurityGroups"),
        word("ec2:DescribeSubnets"),
        word("ec2:DescribeInstanceTypes"),
        word("ec2:DescribeInstanceTypeOfferings"),
        word("ec2:DescribeAvailabilityZones"),
        word("ec2:DescribeSpotPriceHistory"),
        word("pricing:GetProducts"),
    ]),
    resources: ANY,
    ..Statement::EMPTY
};

/// What it may delete; each module has its own condition on the tags.
pub(super) const DELETION: Statement = Statement {
    actions: Words::These(&[word("ec2:TerminateInstances"), word("ec2:DeleteLaunchTemplate")]),
    resources: ANY,
    ..Statement::EMPTY
};

/// Instance profiles, which the controller makes by itself from 0.32 on.
pub(super) const PROFILES: Statement = Statement {
    when: "var.enable_karpenter_instance_profile_creation",
    actions: Words::These(&[
        word("iam:AddRoleToInstanceProfile"),
        word("iam:CreateInstanceProfile"),
        word("iam:DeleteInstanceProfile"),
        word("iam:GetInstanceProfile"),
        word("iam:RemoveRoleFromInstanceProfile"),
        word("iam:TagInstanceProfile"),
    ]),
    resources: ANY,
    ..Statement::EMPTY
};

const fn event(
    versions: Versions,
    key: &'static str,
    name: &'static str,
    source: &'static str,
    detail_type: &'static str,
) -> Event {
    Event { versions, key, name, source, detail_type }
}

/// The events of the queue's rules.
pub(super) const EVENTS: &[Event] = &[
    event(ALL, "health_event", "HealthEvent", "aws.health", "AWS Health Event"),
    // The older key is written like that.
    event(before((20, 0, 0)), "spot_interupt", "SpotInterrupt", "aws.ec2", "EC2 Spot Instance Interruption Warning"),
    event(since((20, 0, 0)), "spot_interrupt", "SpotInterrupt", "aws.ec2", "EC2 Spot Instance Interruption Warning"),
    event(ALL, "instance_rebalance", "InstanceRebalance", "aws.ec2", "EC2 Instance Rebalance Recommendation"),
    event(ALL, "instance_state_change", "InstanceStateChange", "aws.ec2", "EC2 Instance State-change Notification"),
    event(
        since((21, 18, 0)),
        "capacity_reservation_interruption",
        "CRInterruption",
        "aws.ec2",
        "EC2 Capacity Reservation Instance Interruption Warning",
    ),
];

/// The queue.
pub(super) const QUEUE: Made = Made {
    versions: ALL,
    kind: "aws_sqs_queue",
    name: "this",
    when: "local.enable_spot_termination",
    each: None,
    arguments: &[
        REGION,
        argument("name", "coalesce(var.queue_name, \"Karpenter-${var.cluster_name}\")"),
        argument("message_retention_seconds", "300"),
        argument("sqs_managed_sse_enabled", "var.queue_managed_sse_enabled ? var.queue_managed_sse_enabled : null"),
        argument("kms_master_key_id", "var.queue_kms_master_key_id"),
        argument("kms_data_key_reuse_period_seconds", "var.queue_kms_data_key_reuse_period_seconds"),
        argument("tags", "var.tags"),
    ],
};

/// Who may use the queue.
pub(super) const QUEUE_POLICY: Made = Made {
    versions: ALL,
    kind: "aws_sqs_queue_policy",
    name: "this",
    when: "local.enable_spot_termination",
    each: None,
    arguments: &[REGION, argument("queue_url", "aws_sqs_queue.this[0].url"), argument("policy", "document.queue")],
};

/// A rule for each event.
pub(super) const RULE: Made = Made {
    versions: ALL,
    kind: "aws_cloudwatch_event_rule",
    name: "this",
    when: "local.enable_spot_termination",
    each: Some("local.events"),
    arguments: &[
        REGION,
        argument("name_prefix", "\"${var.rule_name_prefix}${each.value.name}-\""),
        argument("event_pattern", "jsonencode(each.value.event_pattern)"),
        argument("tags", "merge({ ClusterName = var.cluster_name }, var.tags)"),
    ],
};

/// The queue is the target of each rule.
pub(super) const TARGET: Made = Made {
    versions: ALL,
    kind: "aws_cloudwatch_event_target",
    name: "this",
    when: "local.enable_spot_termination",
    each: Some("local.events"),
    arguments: &[
        REGION,
        argument("rule", "aws_cloudwatch_event_rule.this[each.key].name"),
        argument("target_id", "\"KarpenterInterruptionQueueTarget\""),
        argument("arn", "aws_sqs_queue.this[0].arn"),
    ],
};

/// Version 21 may make things in another region than the provider's.
pub(super) const REGION: Argument = Argument { versions: since((21, 0, 0)), name: "region", value: "var.region" };
