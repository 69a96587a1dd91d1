//! Gaps of decisions of IAM: policies, principals and requests.

use std::sync::Arc;

super::gaps! {
    /// Of decisions of IAM: policies, principals and requests.
    pub enum Iam {
        "value-of-another-type" Type { text: Arc<str>, what: &'static str, operator: Arc<str> } = "{text} is no {what}, which {operator} compares with";
        "condition-key-not-known" Among { key: Arc<str> } = "whether {key} is among the keys of the request is not known";
        "role-path-not-known" Path { role: Arc<str> } = "the path of role {role} is not known";
        "boundary-and-everyone" BoundaryAndEveryone = "whether a permissions boundary limits what a resource's policy lets everyone do is not documented";
        "grant-to-an-account" GrantToAccount = "the grant is made to the account, and which of its principals it reaches is not known";
        "endpoint-region-not-known" Endpoint { service: Arc<str> } = "which region's endpoint of {service} is called is not known";
        "several-values" Several { key: Arc<str>, operator: Arc<str> } = "{key} can have several values: {operator} needs ForAllValues or ForAnyValue";
        "several-values" SeveralInVariable { key: Arc<str> } = "{key} has several values, and a policy variable takes one";
        "condition-key-not-known" Unsaid { key: Arc<str> } = "whether a request has {key} is not known";
        "statement-not-read" Statement = "the statement cannot be read";
        "encryption-context-not-known" GrantContext = "whether the request's encryption context fits the grant is not known";
        "policy-variable-not-known" VariableName { name: Arc<str> } = "the policy variable ${{{name}}} has no known name";
        "policy-variable-not-known" Variable { name: Arc<str> } = "the value of the policy variable ${{{name}}} is not known";
        "placeholder-without-value" Placeholder { name: Arc<str> } = "${{{name}}} has no value";
        "account-of-arn-not-known" AccountOf { arn: Arc<str> } = "the account of {arn} is not known";
        "not-principal" NotPrincipal = "NotPrincipal spares a role only with its account and the session itself, which are not all listed";
        "policy-malformed" Malformed { fault: Arc<str> } = "AWS refuses the policy (MalformedPolicyDocument): {fault}";
        "principal-id" PrincipalId { id: Arc<str> } = "{id} is the id of a role or user, which may have been deleted";
        "session-name-not-known" Session { name: Arc<str> } = "the policy names one session of {name}, and a session's name is not known";
        "text-too-long" TooLong { bytes: usize } = "the text has more than {bytes} bytes, more than any ARN, tag or key of AWS";
        "item-not-there" NoItem = "the item is not there";
        "field-absent" NoField { item: Arc<str>, pointer: Arc<str> } = "{item} has no {pointer}";
        "not-a-text" NotText { item: Arc<str>, pointer: Arc<str> } = "{pointer} of {item} is not a string";
        "arn-not-known" Arn { item: Arc<str> } = "the ARN of {item} is not known";
        "arn-not-known" AnyArn = "the ARN is not known";
        "holder-not-known" Holder { policy: Arc<str> } = "who holds {policy} is not known";
        "id-not-known" KeyId { key: Arc<str> } = "the id of key {key} is not known";
        "name-not-known" RuleName { rule: Arc<str> } = "the name of the rule {rule} is not known";
        "tags-not-known" SessionTag { tag: Arc<str> } = "the session tag {tag} is not known";
        "tags-not-known" Tags { item: Arc<str> } = "whether {item} has other tags is not known";
        "organisation-reach-not-known" Reach { policy: Arc<str> } = "whether the account is among what the policy {policy} is attached to is not known";
        "inline-policy-removed" Removed { policy: Arc<str>, item: Arc<str> } = "Terraform removes policy {policy} of {item}, which is not among the names that it keeps";
        "inline-policies-not-known" PolicyNames { item: Arc<str> } = "which inline policies {item} has is not known";
        "group-policies-not-given" Groups { user: Arc<str> } = "the policies of the groups of {user} were not given";
        "no-principal" NoPrincipal { item: Arc<str> } = "{item} is not an IAM principal";
        "policy-not-found" NoPolicy { what: Arc<str> } = "there is no {what}";
        "managed-policy-not-known" ManagedInPart { name: Arc<str> } = "what the AWS managed policy {name} allows is not known in full";
        "managed-policy-not-known" Managed { name: Arc<str> } = "what the AWS managed policy {name} allows is not known";
        "boundary-not-given" Boundary { item: Arc<str> } = "the permissions boundary of {item} was not given";
        "policies-not-given" Policies { name: Arc<str> } = "the policies of {name} were not given";
        "resource-policy-not-given" ResourcePolicy { resource: Arc<str> } = "the policy of {resource} was not given";
        "key-policy-not-given" KeyPolicy { key: Arc<str> } = "the policy of key {key} was not given";
        "grants-not-a-list" Grants = "/Grants is not a list";
        "one-account-not-known" OneAccount = "whether principal and resource belong to one account is not known";
    }
}
