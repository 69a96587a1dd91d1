//! ## What it finds
//!
//! A KMS key that is not written the way AWS returns it, in a field that ACK's controller compares with AWS's answer: an
//! alias or a key id where AWS returns the key's ARN, or, of a KMS Alias, an ARN where AWS returns the key id.
//!
//! Which field behaves how was read off the controllers. Fields that AWS returns as they are written (SQS, SNS, S3,
//! launch templates) are left alone, and so are those that are only used at creation. DynamoDB is worse than all of
//! these: `ack-key-loops`.
//!
//! ## Why it matters
//!
//! It depends on the field, and the message says which it is:
//!
//! - The controller writes AWS's ARN over it (RDS, DocumentDB, EFS, ElastiCache, MemoryDB, CloudTrail, CodeArtifact,
//!   OpenSearch). What applies from Git writes the alias back: the two fight for ever, and where the CRD forbids to
//!   change the field, the write is refused.
//! - The controller refuses the difference for good, `ACK.Terminal` (EKS; and, as far as can be told, KMS Grants).
//! - It updates at each resync, to no effect (ECR, CloudWatch Logs, KMS Aliases).
//! - AWS takes nothing but an ARN (Backup, Firehose, Keyspaces, MSK and others).
//!
//! ## How to fix it
//!
//! Write the key as AWS returns it, or refer to an ACK Key with the reference field, which the controller resolves before
//! it compares.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: efs.services.k8s.aws/v1alpha1
//! kind: FileSystem
//! metadata:
//!   name: home
//! spec:
//!   encrypted: true
//!   kmsKeyID: alias/home
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: efs.services.k8s.aws/v1alpha1
//! kind: FileSystem
//! metadata:
//!   name: home
//! spec:
//!   encrypted: true
//!   kmsKeyID: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//! ```
//!
//! ## Sources
//!
//! - What RDS returns, as Terraform met it: <https://github.com/hashicorp/terraform-provider-aws/issues/1477>
//! - What EFS returns: <https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1219>
//! - What EKS returns: <https://github.com/kubernetes-sigs/cluster-api-provider-aws/issues/3092>
//! - A difference at each resync: <https://github.com/aws-controllers-k8s/ecr-controller/pull/158>
//! - The controllers' code, `sdkCreate` and `newResourceDelta` of each resource:
//!   <https://github.com/aws-controllers-k8s/rds-controller/tree/main/pkg/resource>

use karpcheck_sdk::prelude::*;

use crate::ack::{
    self,
    keys::{self, Class, KeyField},
};

pub(crate) const RULE: Rule = Rule {
    title: "A key is not in the form that AWS returns, so the object never matches AWS",
    severity: Warning,
    subjects: &[ack::KINDS],
    // Only to offer what AWS returns.
    reads_if_allowed: &["AWS::KMS::Key", "AWS::KMS::Alias"],
    check,
    ..Rule::DEFAULT
};

fn check(object: Item) -> Check {
    let kind = object.kind();
    let mut fields = keys::of_kind(&kind).filter(|field| !matches!(field.class, Class::Loop | Class::Quiet)).peekable();
    if fields.peek().is_none() || ack::is_read_only(object)? {
        return skip();
    }
    all(fields, |field| {
        all(object.find(field.key), |key| {
            let key = key?;
            match key.value() {
                Value::Absent => by_reference(object, field),
                Value::Text(text) if text.is_empty() => skip(),
                _ => judge(field, &key),
            }
        })
    })
}

/// A reference holds still, except where the controller resolves it to another form than AWS returns.
fn by_reference(object: Item, field: &KeyField) -> Check {
    let reference = object.field(field.reference);
    if field.class != Class::InverseBug || !reference.child("from").is_object()? {
        return skip();
    }
    let message = format!(
        "{} refers to its key, which the controller resolves to the key's id, while AWS returns the ARN: it may end as \
         ACK.Terminal (\"grant resource does not support updates\")",
        ack::called(object)
    );
    fail(reference, message)
        .severity(Info)
        .confidence(Confidence::Low)
        .remedy("If that condition appears, name the key by its ARN instead.")
        .group("reference")
        .check()
}

fn judge(field: &KeyField, key: &Field) -> Check {
    let object = key.item();
    // With a reference beside the key the controller does nothing at all: ack-key-and-ref says so.
    if !field.reference.is_empty() && !field.key.contains('*') && !object.get(field.reference).is_absent() {
        return skip();
    }
    let inverse = field.class == Class::Inverse;
    if holds_still(key, inverse)? {
        return pass();
    }
    let (severity, confidence, consequence) = consequence(field.class);
    let written = if inverse { "the key's id" } else { "the key's ARN" };
    let reference = if field.reference.is_empty() || field.class == Class::InverseBug {
        String::new()
    } else {
        let name = ack::reference_name(&object.field(field.reference)).unwrap_or_default();
        format!(", or refer to an ACK Key with {name}")
    };
    let finding = fail(key, format!("{} names its key by {}, {consequence}", ack::called(object), keys::named(key)))
        .severity(severity)
        .confidence(confidence)
        .remedy(format!("Write {written}{reference}."))
        .group(format!("{:?}", field.class));
    let named = key.related().iter().find_map(Link::known);
    match named.and_then(|named| named.known_text(if inverse { "/KeyId" } else { "@arn" })) {
        Some(text) => finding.edit(key, text).check(),
        None => finding.check(),
    }
}

/// Is the key written as AWS returns it?
fn holds_still(key: &Field, inverse: bool) -> Result<bool, Unknown> {
    if inverse { Ok(!key.matches_or_unknown("arn:*")?) } else { key.matches_or_unknown(keys::ARN) }
}

/// What comes of it, and how bad that is.
const fn consequence(class: Class) -> (Severity, Confidence, &'static str) {
    const HIGH: Confidence = Confidence::High;
    const LOW: Confidence = Confidence::Low;
    match class {
        Class::Rewrite => (
            Warning,
            HIGH,
            "but AWS returns the key's ARN, and the controller writes that over it: what is applied from Git and the \
             controller keep overwriting each other",
        ),
        Class::RewriteFixed => (
            Warning,
            HIGH,
            "but AWS returns the key's ARN, which the controller tries to write over it, and the CRD forbids changing \
             the field: its updates are rejected",
        ),
        Class::Terminal => (
            Warning,
            HIGH,
            "but AWS returns the key's ARN: the controller takes that for a change that cannot be made, and ends as \
             ACK.Terminal (\"Encryption configuration cannot be updated\")",
        ),
        Class::InverseBug => (
            Warning,
            LOW,
            "but AWS returns the key's ARN: the controller sees a change that it cannot make, and may end as ACK.Terminal \
             (\"grant resource does not support updates\")",
        ),
        Class::Inverse => {
            (Info, HIGH, "but AWS returns the key's id: the controller updates the alias at each resync, to no effect")
        }
        Class::Resync => {
            (Info, HIGH, "but AWS returns the key's ARN: the controller updates it at each resync, to no effect")
        }
        Class::ArnOnly => (Info, HIGH, "but AWS accepts only a key's ARN here, and refuses it"),
        Class::Fixed => {
            (Info, LOW, "which AWS may return as the key's ARN, and the CRD forbids changing the field afterwards")
        }
        Class::Perhaps | Class::Loop | Class::Quiet => {
            (Info, LOW, "which AWS may return as the key's ARN; the controller would see a difference at each resync")
        }
    }
}
