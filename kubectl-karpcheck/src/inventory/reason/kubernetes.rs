//! Gaps of Kubernetes objects that stand for resources of AWS, and of tools that make such objects.

use std::sync::Arc;

super::gaps! {
    /// Of Kubernetes objects that stand for resources of AWS, and of tools that make such objects.
    pub enum Objects {
        "adopted" Adopted = "it adopts a resource that exists: what the object leaves out is as AWS has it";
        "only-observed" Observed = "it only observes a resource that exists: its properties are known to AWS alone";
        "known-to-its-controller" OfController { attribute: Arc<str>, what: Arc<str> } = "the {attribute} of {what} is known to its controller";
        "name-made-by-aws" QueueName = "the queue's name is not given: AWS generates one";
        "default-key-only" DefaultKeyOnly = "this object names the account's default key only";
        "default-encryption-only" DefaultEncryptionOnly = "this object says whether the account encrypts, not with which key";
        "eksctl-policies" EksctlPolicies = "eksctl adds well-known policies of its own";
        "eksctl-name" EksctlName = "eksctl names the role when it makes it";
        "eksctl-trust" EksctlTrust = "eksctl writes the trust of the cluster's OIDC provider";
        "eksctl-endpoint" EksctlEndpoint = "eksctl fills in the endpoint of the cluster that it made";
        "eksctl-queue" EksctlQueue = "whether the queue's name reaches the controller depends on eksctl's version: before eksctl-io/eksctl#8844 it was lost with Karpenter 0.33 and newer";
        "values-file-not-read" ValuesFile { file: Arc<str> } = "values come from {file}, which was not read";
        "values-template" ValuesTemplate = "its values are a template that is not YAML by itself";
        "value-from-file" FromFile { name: Arc<str> } = "{name} comes from a file of the repository";
        "set-by-composition" Composed = "a composition sets it for each instance";
        "set-by-composition" Functions = "the other functions of the composition may set it";
        "patched" Patched = "a kustomization changes it to a value that is not known";
        "values-from-object" ValuesOf { kind: Arc<str>, name: Arc<str> } = "values come from the {kind} {name}, which was not read";
        "value-from-object" FromObject { path: Arc<str>, kind: Arc<str>, name: Arc<str> } = "{path} comes from the {kind} {name}";
    }
}
