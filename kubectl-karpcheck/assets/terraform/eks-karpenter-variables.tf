# The inputs with their defaults and the outputs of terraform-aws-modules/eks/aws//modules/karpenter, as far as
# karpcheck needs them.
variable "create" {
  default = true
}
variable "tags" {
  default = {}
}
variable "cluster_name" {
  default = ""
}
variable "cluster_ip_family" {
  default = "ipv4"
}
variable "region" {
  default = null
}
variable "create_iam_role" {
  default = true
}
variable "iam_role_name" {
  default = "KarpenterController"
}
variable "iam_role_use_name_prefix" {
  default = true
}
variable "iam_role_path" {
  default = "/"
}
variable "iam_role_description" {
  default = ""
}
variable "iam_role_max_session_duration" {
  default = null
}
variable "iam_role_permissions_boundary_arn" {
  default = null
}
variable "iam_role_tags" {
  default = {}
}
variable "iam_role_policies" {
  default = {}
}
variable "iam_role_override_assume_policy_documents" {
  default = []
}
variable "iam_role_source_assume_policy_documents" {
  default = []
}
variable "iam_policy_name" {
  default = "KarpenterController"
}
variable "iam_policy_use_name_prefix" {
  default = true
}
variable "iam_policy_path" {
  default = "/"
}
variable "iam_policy_description" {
  default = ""
}
variable "iam_policy_statements" {
  default = null
}
variable "enable_inline_policy" {
  default = false
}
variable "enable_irsa" {
  default = false
}
variable "irsa_trust" {}
variable "ami_id_ssm_parameter_arns" {
  default = []
}
variable "enable_v1_permissions" {
  default = false
}
variable "create_pod_identity_association" {
  default = true
}
variable "namespace" {
  default = "kube-system"
}
variable "service_account" {
  default = "karpenter"
}
variable "enable_spot_termination" {
  default = true
}
variable "queue_name" {
  default = null
}
variable "queue_managed_sse_enabled" {
  default = true
}
variable "queue_kms_master_key_id" {
  default = null
}
variable "queue_kms_data_key_reuse_period_seconds" {
  default = null
}
variable "queue_policy_statements" {
  default = null
}
variable "rule_name_prefix" {
  default = "Karpenter"
}
variable "create_node_iam_role" {
  default = true
}
variable "node_iam_role_arn" {
  default = null
}
variable "node_iam_role_name" {
  default = null
}
variable "node_iam_role_use_name_prefix" {
  default = true
}
variable "node_iam_role_path" {
  default = "/"
}
variable "node_iam_role_description" {
  default = null
}
variable "node_iam_role_max_session_duration" {
  default = null
}
variable "node_iam_role_permissions_boundary" {
  default = null
}
variable "node_iam_role_attach_cni_policy" {
  default = true
}
variable "node_iam_role_additional_policies" {
  default = {}
}
variable "node_iam_role_tags" {
  default = {}
}
variable "create_access_entry" {
  default = true
}
variable "access_entry_type" {
  default = "EC2_LINUX"
}
variable "create_instance_profile" {
  default = false
}
output "queue_arn" {
  value = try(aws_sqs_queue.this[0].arn, null)
}
output "queue_url" {
  value = try(aws_sqs_queue.this[0].url, null)
}
output "queue_name" {
  value = try(aws_sqs_queue.this[0].name, null)
}
output "iam_role_name" {
  value = try(aws_iam_role.controller[0].name, null)
}
output "iam_role_arn" {
  value = try(aws_iam_role.controller[0].arn, null)
}
output "node_iam_role_name" {
  value = try(aws_iam_role.node[0].name, null)
}
output "node_iam_role_arn" {
  value = try(aws_iam_role.node[0].arn, var.node_iam_role_arn)
}
output "namespace" {
  value = var.namespace
}
output "service_account" {
  value = var.service_account
}

locals {
  dns_suffix = "amazonaws.com"
}
