module "karpenter" {
  source = "../module"
  name   = "NAME"
}

resource "helm_release" "karpenter" {
  name       = "karpenter"
  namespace  = "kube-system"
  repository = "oci://public.ecr.aws/karpenter"
  chart      = "karpenter"
  version    = "1.8.1"
  values = [yamlencode({
    settings       = { clusterName = "NAME", interruptionQueue = "NAME-interruption" }
    serviceAccount = { annotations = { "eks.amazonaws.com/role-arn" = module.karpenter.role_arn } }
  })]
}
