//! Gaps of AWS's answers, and of policies that were given without what they belong to.

use std::sync::Arc;

super::gaps! {
    /// Of AWS's answers, and of policies that were given without what they belong to.
    pub enum Answers {
        "permission-refused" Refused { permission: Arc<str>, about: Arc<str> } = "{permission} was refused{about}";
        "call-failed" Failed { command: Arc<str>, about: Arc<str>, error: Arc<str> } = "`{command}` failed{about}: {error}";
        "not-described" NotDescribed { item: Arc<str> } = "no answer describes all of {item}";
        "inline-policies-not-given" InlinePolicies { role: Arc<str> } = "the inline policies of role {role} were not given";
        "attached-policies-not-given" AttachedPolicies { role: Arc<str> } = "the policies attached to role {role} were not given";
        "inline-policy-not-given" InlinePolicy { policy: Arc<str>, role: Arc<str> } = "policy {policy} of role {role} was not given";
        "only-a-page" Page { what: &'static str, role: Arc<str> } = "only one page of the {what} of role {role} was given";
        "only-a-page" GrantsPage = "only one page of the key's grants was given";
        "policy-document-not-given" Document { policy: Arc<str> } = "the document of policy {policy} was not given";
        "association-role-not-given" AssociationRole = "the role of the Pod Identity association was not given";
        "targets-not-given" Targets { rule: Arc<str> } = "the targets of rule {rule} were not given";
        "pattern-not-given" Pattern { rule: Arc<str> } = "the event pattern of rule {rule} was not given";
        "key-policy-not-given" KeyPolicy { key: Arc<str> } = "the policy of key {key} was not given";
        "rotation-not-given" Rotation { key: Arc<str> } = "the rotation status of key {key} was not given";
        "only-statements" Statements = "only statements were given, of a policy that may hold more";
        "only-the-policy" PolicyOnly { noun: &'static str, name: Arc<str> } = "only the policy of {noun} {name} was given";
    }
}
