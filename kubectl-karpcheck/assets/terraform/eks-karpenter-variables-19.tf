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
variable "create_irsa" {
  default = true
}
variable "irsa_name" {
  default = null
}
variable "irsa_use_name_prefix" {
  default = true
}
variable "irsa_path" {
  default = "/"
}
variable "irsa_description" {
  default = ""
}
variable "irsa_max_session_duration" {
  default = null
}
variable "irsa_permissions_boundary_arn" {
  default = null
}
variable "irsa_tags" {
  default = {}
}
variable "irsa_policy_name" {
  default = null
}
variable "irsa_oidc_provider_arn" {
  default = ""
}
variable "irsa_namespace_service_accounts" {
  default = ["karpenter:karpenter"]
}
variable "irsa_assume_role_condition_test" {
  default = "StringEquals"
}
variable "irsa_tag_key" {
  default = "karpenter.sh/discovery"
}
variable "irsa_tag_values" {
  default = null
}
variable "irsa_ssm_parameter_arns" {
  default = ["arn:aws:ssm:*:*:parameter/aws/service/*"]
}
variable "irsa_subnet_account_id" {
  default = ""
}
variable "policies" {
  default = {}
}
variable "enable_karpenter_instance_profile_creation" {
  default = false
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
variable "rule_name_prefix" {
  default = "Karpenter"
}
variable "create_iam_role" {
  default = true
}
variable "iam_role_arn" {
  default = null
}
variable "iam_role_name" {
  default = null
}
variable "iam_role_use_name_prefix" {
  default = true
}
variable "iam_role_path" {
  default = "/"
}
variable "iam_role_description" {
  default = null
}
variable "iam_role_max_session_duration" {
  default = null
}
variable "iam_role_permissions_boundary" {
  default = null
}
variable "iam_role_attach_cni_policy" {
  default = true
}
variable "iam_role_additional_policies" {
  default = {}
}
variable "iam_role_tags" {
  default = {}
}
variable "create_instance_profile" {
  default = true
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
output "irsa_arn" {
  value = try(aws_iam_role.irsa[0].arn, null)
}
output "irsa_name" {
  value = try(aws_iam_role.irsa[0].name, null)
}
output "role_arn" {
  value = try(aws_iam_role.this[0].arn, var.iam_role_arn)
}
output "role_name" {
  value = try(aws_iam_role.this[0].name, null)
}
output "instance_profile_name" {
  value = try(aws_iam_instance_profile.this[0].name, null)
}
