//! Which fields refer to what: of AWS resources by the kinds of their properties, of Kubernetes objects by a table.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::schema::aws;
use crate::schema::aws::Kind;
use crate::schema::pattern::{glob, kind_matches};

const KEY: &str = "AWS::KMS::Key";
const ROLE: &str = "AWS::IAM::Role";
const PROFILE: &str = "AWS::IAM::InstanceProfile";
const IMAGE: &str = "AWS::EC2::Image";
const SNAPSHOT: &str = "AWS::EC2::Snapshot";

/// A field that refers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// The kind that has the field, or a pattern of kinds.
    pub from: &'static str,
    /// The field, as a pattern of a pointer.
    pub at: String,
    /// The kind that it refers to; none where its value says which.
    pub to: Option<&'static str>,
}

/// Of Kubernetes objects. An object says itself what it refers to; a text names a resource of AWS.
const OBJECTS: &[(&str, &str, Option<&str>)] = &[
    ("karpenter.k8s.aws/EC2NodeClass", "/spec/blockDeviceMappings/*/ebs/kmsKeyID", Some(KEY)),
    ("karpenter.k8s.aws/AWSNodeTemplate", "/spec/blockDeviceMappings/*/ebs/kmsKeyID", Some(KEY)),
    ("karpenter.sh/Provisioner", "/spec/provider/blockDeviceMappings/*/ebs/kmsKeyID", Some(KEY)),
    ("karpenter.k8s.aws/EC2NodeClass", "/spec/blockDeviceMappings/*/ebs/snapshotID", Some(SNAPSHOT)),
    ("karpenter.k8s.aws/AWSNodeTemplate", "/spec/blockDeviceMappings/*/ebs/snapshotID", Some(SNAPSHOT)),
    ("karpenter.sh/Provisioner", "/spec/provider/blockDeviceMappings/*/ebs/snapshotID", Some(SNAPSHOT)),
    ("karpenter.k8s.aws/EC2NodeClass", "/spec/amiSelectorTerms/*/id", Some(IMAGE)),
    ("karpenter.k8s.aws/EC2NodeClass", "/status/amis/*/id", Some(IMAGE)),
    ("karpenter.k8s.aws/AWSNodeTemplate", "/spec/amiSelector/aws-ids", Some(IMAGE)),
    ("karpenter.k8s.aws/AWSNodeTemplate", "/spec/amiSelector/aws::ids", Some(IMAGE)),
    ("karpenter.k8s.aws/AWSNodeTemplate", "/status/amis/*/id", Some(IMAGE)),
    ("karpenter.k8s.aws/EC2NodeClass", "/spec/role", Some(ROLE)),
    ("karpenter.k8s.aws/EC2NodeClass", "/spec/instanceProfile", Some(PROFILE)),
    ("karpenter.k8s.aws/AWSNodeTemplate", "/spec/instanceProfile", Some(PROFILE)),
    ("karpenter.sh/NodePool", "/spec/template/spec/nodeClassRef", None),
    ("karpenter.sh/NodeClaim", "/spec/nodeClassRef", None),
    ("karpenter.sh/Provisioner", "/spec/providerRef", None),
    ("*.services.k8s.aws/*", "/spec/**/*Ref", None),
    ("*.services.k8s.aws/*", "/spec/**/*Refs/*", None),
];

/// All fields that refer.
pub fn references() -> &'static [Reference] {
    static REFERENCES: OnceLock<Vec<Reference>> = OnceLock::new();
    REFERENCES.get_or_init(|| {
        let mut all = vec![];
        for known in aws::types() {
            collect(known.name, Kind::Object(known.properties), "", &mut all);
        }
        all.extend(OBJECTS.iter().map(|(from, at, to)| Reference { from, at: (*at).to_owned(), to: *to }));
        all
    })
}

type ByKind = HashMap<&'static str, Vec<&'static Reference>>;

/// The fields of a kind that refer.
pub(crate) fn of_kind(kind: &str) -> impl Iterator<Item = &'static Reference> + '_ {
    static BY_KIND: OnceLock<(ByKind, Vec<&Reference>)> = OnceLock::new();
    let (of_kinds, of_patterns) = BY_KIND.get_or_init(|| {
        let (of_patterns, plain): (Vec<&Reference>, Vec<&Reference>) =
            references().iter().partition(|own| own.from.contains('*'));
        let mut of_kinds = ByKind::new();
        plain.into_iter().for_each(|own| of_kinds.entry(own.from).or_default().push(own));
        (of_kinds, of_patterns)
    });
    let of_patterns = of_patterns.iter().filter(move |own| kind_matches(own.from, kind));
    of_kinds.get(kind).into_iter().flatten().chain(of_patterns).copied()
}

fn collect(from: &'static str, kind: Kind, at: &str, all: &mut Vec<Reference>) {
    match kind {
        Kind::Name(to) | Kind::Arn(to) => all.push(Reference { from, at: at.to_owned(), to: Some(to) }),
        Kind::List(element) => collect(from, *element, &format!("{at}/*"), all),
        Kind::Object(properties) => {
            properties.iter().for_each(|own| collect(from, own.kind, &format!("{at}/{}", own.name), all));
        }
        _ => {}
    }
}

/// The kind that a field refers to.
pub(crate) fn target(kind: &str, at: &str) -> Option<&'static str> {
    if let Some(own) = of_kind(kind).find(|own| own.to.is_some() && glob(&own.at, at)) {
        return own.to;
    }
    if crate::schema::ack::is_key_field(kind, at) {
        return Some(KEY);
    }
    // Other key fields of ACK's objects, which the table does not have: they end in one of these.
    let field = at.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let key =
        ["kmskeyid", "kmskeyarn", "kmsmasterkeyid", "kmskey", "keyid", "keyarn"].iter().any(|end| field.ends_with(end));
    (key && kind_matches("*.services.k8s.aws/*", kind)).then_some(KEY)
}
