//! ## What it finds
//!
//! An ARN in a key field of an ACK object whose last part is neither `key/` with a key id nor `alias/` with a name; and a
//! policy of an ACK Key, Queue, Role or Policy that is not JSON.
//!
//! ## Why it matters
//!
//! AWS finds no such key ("Invalid keyId", "NotFoundException") or refuses the document ("MalformedPolicyDocument"), and
//! the resource is neither created nor updated. The API server takes both, since to it they are texts.
//!
//! ## How to fix it
//!
//! `aws kms describe-key --key-id alias/NAME --query KeyMetadata.Arn` prints the ARN. A policy is a JSON text, not YAML:
//! write it as a block (`policy: |`), with double quotes and without trailing commas.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: rds.services.k8s.aws/v1alpha1
//! kind: DBInstance
//! metadata:
//!   name: billing
//! spec:
//!   dbInstanceIdentifier: billing
//!   dbInstanceClass: db.t4g.medium
//!   engine: postgres
//!   storageEncrypted: true
//!   kmsKeyID: arn:aws:kms:eu-west-1:111122223333:1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: rds.services.k8s.aws/v1alpha1
//! kind: DBInstance
//! metadata:
//!   name: billing
//! spec:
//!   dbInstanceIdentifier: billing
//!   dbInstanceClass: db.t4g.medium
//!   engine: postgres
//!   storageEncrypted: true
//!   kmsKeyID: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Sources
//!
//! - AWS KMS developer guide, "Key identifiers (KeyId)":
//!   <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>
//! - AWS KMS API reference, PutKeyPolicy, `MalformedPolicyDocumentException`:
//!   <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>

use karpcheck_sdk::prelude::*;

use crate::ack::{self, keys};

pub(crate) const RULE: Rule = Rule {
    title: "A key ARN or a policy document is malformed",
    severity: Warning,
    subjects: &[ack::KINDS],
    reads: &["AWS::KMS::Key", "AWS::SQS::Queue", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"],
    check,
    ..Rule::DEFAULT
};

/// The code of the reason where a policy's text is not JSON.
const NOT_JSON: &str = "not-json";

/// The policies of objects: the kind, the field, and the same in the resource that the object describes.
const POLICIES: &[(&str, &str, &str)] = &[
    ("kms.services.k8s.aws/Key", "/spec/policy", "/KeyPolicy"),
    ("sqs.services.k8s.aws/Queue", "/spec/policy", "/Policy"),
    ("iam.services.k8s.aws/Role", "/spec/assumeRolePolicyDocument", "/AssumeRolePolicyDocument"),
    ("iam.services.k8s.aws/Policy", "/spec/policyDocument", "/PolicyDocument"),
];

fn check(object: Item) -> Check {
    let kind = object.kind();
    let arns = all(keys::of_kind(&kind).flat_map(|field| object.find(field.key)), |key| arn(&key?))?;
    let policies = POLICIES.iter().filter(|(of, ..)| *of == kind);
    let policies = all(policies, |(_, at, property)| policy(&object.field(*at), property))?;
    both([Ok(arns), Ok(policies)])
}

fn arn(key: &Field) -> Check {
    match key.value() {
        Value::Text(text) if text.starts_with("arn:") => {
            let Some((group, wrong)) = wrong(text) else { return pass() };
            fail(key, format!("{} names its key by {text}, {wrong}: AWS finds no such key", ack::called(key.item())))
                .remedy("Write the ARN as `aws kms describe-key` prints it: arn:aws:kms:REGION:ACCOUNT:key/ID.")
                .group(group)
                .check()
        }
        Value::Unknown(unknown) if key.matches("arn:*").is_yes() => {
            let formed = [keys::ARN, "arn:*:kms:*:*:alias/?*"].iter().any(|form| key.matches(form).is_yes());
            if formed { pass() } else { Err(unknown.clone()) }
        }
        _ => skip(),
    }
}

/// What is wrong with an ARN that should be a key's or an alias's: what findings of it have in common, and in words.
fn wrong(arn: &str) -> Option<(&'static str, &'static str)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, service, _, _, resource] = parts[..] else {
        return Some(("too-few-parts", "which has too few parts for an ARN"));
    };
    if service != "kms" {
        return Some(("other-service", "which is no ARN of KMS"));
    }
    match resource.split_once('/') {
        Some(("key", id)) if keys::is_id(id) => None,
        Some(("key", _)) => Some(("no-key-id", "which does not end in a key id")),
        Some(("alias", name)) if !name.is_empty() => None,
        _ => Some(("neither-key-nor-alias", "which names neither a key (key/ID) nor an alias (alias/NAME)")),
    }
}

fn policy(policy: &Field, property: &str) -> Check {
    // A key without a policy of its own has AWS's.
    if policy.is_absent() {
        return skip();
    }
    let object = policy.item();
    let Some(resource) = object.linked("@same").find(|same| same.kind().starts_with("AWS::")) else { return skip() };
    match resource.get(property) {
        Value::Unknown(unknown) if unknown.code == NOT_JSON => {
            fail(policy, format!("the policy of {} is refused by AWS: {}", ack::called(object), unknown.why))
                .remedy("Write the policy as JSON text.")
                .group("policy")
                .check()
        }
        // A placeholder in it: what matters is read where it matters.
        Value::Unknown(unknown) if policy.value().unknown() == Some(&unknown) => Err(unknown),
        _ => pass(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_must_name_a_key_or_an_alias() {
        for good in [
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
            "arn:aws:kms:eu-west-1:111122223333:alias/orders",
        ] {
            assert_eq!(wrong(good), None, "{good}");
        }
        for bad in [
            "arn:aws:kms:eu-west-1:111122223333:1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:eu-west-1:111122223333:key/orders",
            "arn:aws:kms:eu-west-1:111122223333:alias/",
            "arn:aws:iam::111122223333:role/orders",
            "arn:aws:kms:eu-west-1",
        ] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
    }
}
