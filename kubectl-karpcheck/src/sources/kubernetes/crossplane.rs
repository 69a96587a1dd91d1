//! Crossplane's objects as the AWS resources that they describe.
//!
//! Upbound's providers, cluster-scoped (`sqs.aws.upbound.io`) and namespaced (`sqs.aws.m.upbound.io`), are made from
//! Terraform's and share its table of arguments; the old provider (`sqs.aws.crossplane.io`) follows the API and has
//! its own rows. Unlike ACK, Crossplane writes what a reference resolved to into the field beside it: both set is normal.

use std::sync::Arc;

use crate::inventory::builder::{Fragment, Selector};
use crate::inventory::{
    Address, AwsFacts, Builder, Cause, ClusterId, Draft, Logical, Map, Node, Part, Reason, SourceKind, Symbol,
    SymbolScope, Text, Value, arn,
};
use crate::sources::convert::As::{Alias, Each, Flag, Number, Object, Only, Same, Tags, To};
use crate::sources::convert::{Converter, Reference, Rows, Spelling};
use crate::sources::terraform_arguments as terraform;
use crate::sources::terraform_arguments::{EKS, KEY, Makes, POLICY, QUEUE, ROLE, RULE};

/// A provider's family of groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Family {
    /// `sqs.aws.upbound.io`: cluster-scoped.
    Upbound,
    /// `sqs.aws.m.upbound.io`: in namespaces.
    Namespaced,
    /// `sqs.aws.crossplane.io`: cluster-scoped.
    Classic,
}

impl Family {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Upbound => ".aws.upbound.io",
            Self::Namespaced => ".aws.m.upbound.io",
            Self::Classic => ".aws.crossplane.io",
        }
    }
}

/// Upbound's kinds, and Terraform's type of each.
const KINDS: &[(&str, &str)] = &[
    ("sqs/Queue", QUEUE),
    ("sqs/QueuePolicy", "aws_sqs_queue_policy"),
    ("kms/Key", KEY),
    ("kms/KeyPolicy", "aws_kms_key_policy"),
    ("kms/Alias", "aws_kms_alias"),
    ("iam/Role", ROLE),
    ("iam/Policy", POLICY),
    ("iam/RolePolicy", "aws_iam_role_policy"),
    ("iam/RolePolicyAttachment", "aws_iam_role_policy_attachment"),
    ("iam/InstanceProfile", "aws_iam_instance_profile"),
    ("cloudwatchevents/Rule", RULE),
    ("cloudwatchevents/Target", "aws_cloudwatch_event_target"),
    ("dynamodb/Table", "aws_dynamodb_table"),
    ("eks/Cluster", EKS),
    ("eks/PodIdentityAssociation", "aws_eks_pod_identity_association"),
    ("ec2/LaunchTemplate", "aws_launch_template"),
];

/// The kind of the same provider that a reference of the table refers to: `aws_kms_key` is `kms/Key`.
fn referred(terraform: &str) -> &str {
    KINDS.iter().find(|(_, own)| *own == terraform).map_or("cloudwatchevents/Bus", |(kind, _)| *kind)
}

/// The rows of the old provider, whose fields are the API's.
fn classic(kind: &str) -> Option<(Makes, Rows)> {
    Some(match kind {
        "sqs/Queue" => (
            Makes::Resource("AWS::SQS::Queue"),
            &[
                ("kmsMasterKeyId", "KmsMasterKeyId", To(KEY, "KeyId")),
                ("kmsDataKeyReusePeriodSeconds", "KmsDataKeyReusePeriodSeconds", Number),
                ("sqsManagedSseEnabled", "SqsManagedSseEnabled", Flag),
                ("messageRetentionPeriod", "MessageRetentionPeriod", Number),
                ("fifoQueue", "FifoQueue", Flag),
                ("policy", "Policy", Object),
                ("tags", "Tags", Tags),
            ],
        ),
        "kms/Key" => (
            Makes::Resource("AWS::KMS::Key"),
            &[
                ("policy", "KeyPolicy", Object),
                ("enabled", "Enabled", Flag),
                ("enableKeyRotation", "EnableKeyRotation", Flag),
                ("keyUsage", "KeyUsage", Same),
                ("keySpec", "KeySpec", Same),
                ("customerMasterKeySpec", "KeySpec", Same),
                ("multiRegion", "MultiRegion", Flag),
                ("tags", "Tags", Each(&[("tagKey", "Key", Same), ("tagValue", "Value", Same)])),
            ],
        ),
        "kms/Alias" => (Makes::Resource("AWS::KMS::Alias"), &[("targetKeyId", "TargetKeyId", To(KEY, "KeyId"))]),
        "dynamodb/Table" => (
            Makes::Resource("AWS::DynamoDB::Table"),
            &[
                ("sseSpecification/enabled", "SSESpecification/SSEEnabled", Flag),
                ("sseSpecification/sseType", "SSESpecification/SSEType", Same),
                ("sseSpecification/kmsMasterKeyID", "SSESpecification/KMSMasterKeyId", To(KEY, "Arn")),
            ],
        ),
        "iam/Role" => (
            Makes::Resource("AWS::IAM::Role"),
            &[
                ("path", "Path", Same),
                ("assumeRolePolicyDocument", "AssumeRolePolicyDocument", Object),
                ("permissionsBoundary", "PermissionsBoundary", Same),
                ("tags", "Tags", Each(&[("key", "Key", Same), ("value", "Value", Same)])),
            ],
        ),
        "iam/Policy" => (
            Makes::Resource("AWS::IAM::ManagedPolicy"),
            &[("name", "ManagedPolicyName", Same), ("path", "Path", Same), ("document", "PolicyDocument", Object)],
        ),
        "iam/RolePolicy" => (
            Makes::Resource("AWS::IAM::Policy"),
            &[("document", "PolicyDocument", Same), ("roleName", "Roles", Only(ROLE, "RoleName"))],
        ),
        "iam/RolePolicyAttachment" => (
            Makes::Part { of: "AWS::IAM::Role", named_by: "Role", property: "ManagedPolicyArns", element: true },
            &[("roleName", "Role", To(ROLE, "RoleName")), ("policyArn", "Value", To(POLICY, "Arn"))],
        ),
        "iam/InstanceProfile" => (
            Makes::Resource("AWS::IAM::InstanceProfile"),
            &[("path", "Path", Same), ("role", "Roles", Only(ROLE, "RoleName"))],
        ),
        "eks/Cluster" => (
            Makes::Resource("AWS::EKS::Cluster"),
            &[
                ("roleArn", "RoleArn", To(ROLE, "Arn")),
                (
                    "encryptionConfig",
                    "EncryptionConfig",
                    Each(&[("resources", "Resources", Same), ("provider/keyArn", "Provider/KeyArn", To(KEY, "Arn"))]),
                ),
            ],
        ),
        _ => return None,
    })
}

/// What is known of a kind: its family, what it becomes, and its fields.
struct Known {
    family: Family,
    makes: Makes,
    rows: Rows,
}

/// The kind of a provider's object without the provider's name: `sqs/Queue`.
fn parse(kind: &str) -> Option<(Family, String)> {
    let (group, name) = kind.split_once('/')?;
    let (family, service) = [Family::Namespaced, Family::Upbound, Family::Classic]
        .into_iter()
        .find_map(|family| Some((family, group.strip_suffix(family.suffix())?)))?;
    Some((family, format!("{service}/{name}")))
}

fn known(kind: &str) -> Option<Known> {
    let (family, kind) = parse(kind)?;
    let (makes, rows) = if family == Family::Classic {
        classic(&kind)?
    } else {
        let (_, resource) = KINDS.iter().find(|(known, _)| *known == kind)?;
        let table = terraform::of(resource)?;
        (table.makes, table.rows)
    };
    Some(Known { family, makes, rows })
}

/// The CloudFormation type of what an object of this kind describes, or describes a part of.
pub(super) fn described_by(kind: &str) -> Option<&'static str> {
    match kind {
        _ if defaults(kind).is_some() => Some(EBS_DEFAULTS),
        _ => known(kind).map(|known| match known.makes {
            Makes::Resource(kind) | Makes::Part { of: kind, .. } => kind,
        }),
    }
}

/// What an account encrypts by default, which two kinds tell, each a part.
const EBS_DEFAULTS: &str = "Karpcheck::EbsDefaults";

fn defaults(kind: &str) -> Option<(Family, bool)> {
    match parse(kind)? {
        (family @ (Family::Upbound | Family::Namespaced), kind) if kind == "ec2/EBSDefaultKMSKey" => {
            Some((family, true))
        }
        (family @ (Family::Upbound | Family::Namespaced), kind) if kind == "ec2/EBSEncryptionByDefault" => {
            Some((family, false))
        }
        _ => None,
    }
}

/// Adds an object and what it describes.
pub(super) fn add(builder: &mut Builder, object: Draft) {
    let described = if let Some((family, key)) = defaults(&object.kind) {
        Some(Described::Resource(Box::new(ebs_defaults(builder, &object, family, key))))
    } else {
        known(&object.kind).and_then(|known| describe(builder, &object, &known))
    };
    let object = builder.add(object);
    match described {
        Some(Described::Resource(resource)) => {
            let resource = builder.add(*resource);
            builder.join(object, resource);
        }
        Some(Described::Part(part)) => builder.add_fragment(*part),
        None => {}
    }
}

enum Described {
    Resource(Box<Draft>),
    Part(Box<Fragment>),
}

fn describe(builder: &mut Builder, object: &Draft, known: &Known) -> Option<Described> {
    let fields = fields(object);
    let selectors = std::cell::RefCell::new(vec![]);
    let refer = |to: &Reference<'_>| reference(known.family, to, object, &mut selectors.borrow_mut());
    let spelling = if known.family == Family::Classic { Spelling::Exact } else { Spelling::Camel };
    let mut body = Map::default();
    Converter { spelling, refer: &refer }.convert(known.rows, &fields, &mut body);
    if let Value::Map(fields) = &fields.value {
        body.more.clone_from(&fields.more);
    }
    selectors.into_inner().into_iter().for_each(|selector| builder.select(selector));
    match known.makes {
        Makes::Resource(kind) => {
            name(object, known, kind, &mut body);
            Some(Described::Resource(Box::new(resource(object, kind, body, &fields))))
        }
        Makes::Part { of, named_by, property, element } => {
            let whole = body.remove(named_by)?;
            let value = body.remove("Value")?;
            Some(Described::Part(Box::new(Fragment { kind: of, whole, property, value, element })))
        }
    }
}

const fn source(object: &Draft) -> SourceKind {
    if object.source.observed() { SourceKind::Live } else { SourceKind::Manifest }
}

/// The fields that count: what is asked for over what is asked for at the beginning only; of an object that is merely
/// observed, what was seen.
fn fields(object: &Draft) -> Node {
    let spec = |name: &str| object.body.at_path(&["spec", name]);
    let seen = object.body.at_path(&["status", "atProvider"]);
    let observes = spec("managementPolicies")
        .is_some_and(|policies| matches!(policies.elements(), [only] if only.as_str() == Some("Observe")));
    let asked = spec("forProvider").cloned().unwrap_or_else(|| Node::new(Value::Map(Map::default()), object.body.at));
    let mut fields = match (observes, seen) {
        (true, Some(seen)) => under(seen.clone(), &asked),
        (true, None) => {
            let mut fields = asked;
            if let Value::Map(fields) = &mut fields.value {
                let why = "it only observes a resource that exists: what it is like is AWS's to say";
                fields.more = Some(Box::new(Reason::new(Cause::NotProvided, why)));
            }
            return fields;
        }
        (false, _) => asked,
    };
    if let Some(first) = spec("initProvider") {
        fields = under(fields, first);
    }
    fields
}

/// One object over another: what the upper one does not say, the lower one says.
fn under(mut upper: Node, lower: &Node) -> Node {
    if let (Value::Map(own), Value::Map(other)) = (&mut upper.value, &lower.value) {
        for (key, node) in &other.entries {
            let written = key.to_string();
            match own.remove(&written) {
                Some(kept) => own.set(key.clone(), under(kept, node)),
                None => own.set(key.clone(), node.clone()),
            }
        }
    }
    upper
}

/// The name that the resource has in AWS: an argument, or the external name, which is the object's where nobody says.
fn name(object: &Draft, known: &Known, kind: &str, body: &mut Map) {
    let Some(property) = crate::sources::cloudformation::naming(kind) else { return };
    if body.get(property).is_some() {
        return;
    }
    let annotation = object.body.at_path(&["metadata", "annotations", "crossplane.io/external-name"]);
    let Some(own) = annotation.or_else(|| object.body.at_path(&["metadata", "name"])) else { return };
    let Value::Text(text) = &own.value else { return };
    let named = match kind {
        // Its id is AWS's to give: the object's name is not it.
        "AWS::KMS::Key" => match annotation {
            Some(_) => text.clone(),
            None => return,
        },
        // The external name is the URL, the name an argument that AWS makes up where it lacks.
        "AWS::SQS::Queue" => match text.known().filter(|url| url.starts_with("https://")) {
            Some(url) => Text::from(url.rsplit('/').next().unwrap_or_default()),
            None if known.family == Family::Classic => text.clone(),
            None => {
                let why = "the queue's name is not given: AWS makes one up";
                body.set(property, Node::unknown(Cause::Symbolic, why, own.at));
                return;
            }
        },
        "AWS::KMS::Alias" => {
            let plain = Node::text(text.clone(), own.at);
            let rows: Rows = &[("name", "AliasName", Alias)];
            let mut from = Map::default();
            from.set("name", plain);
            let mut into = Map::default();
            Converter { spelling: Spelling::Exact, refer: &|_| None }.convert(
                rows,
                &Node::new(Value::Map(from), own.at),
                &mut into,
            );
            if let Some(alias) = into.remove("AliasName") {
                body.set(property, alias);
            }
            return;
        }
        // The old provider and the newer ones name a policy by its ARN once it is there.
        "AWS::IAM::ManagedPolicy" => match text.known().filter(|arn| arn.starts_with("arn:")) {
            Some(arn) => Text::from(arn.rsplit('/').next().unwrap_or_default()),
            None => text.clone(),
        },
        _ => text.clone(),
    };
    body.set(property, Node::text(named, own.at));
}

fn resource(object: &Draft, kind: &'static str, body: Map, fields: &Node) -> Draft {
    let text = |node: Option<&Node>| node.filter(|node| matches!(node.value, Value::Text(_))).cloned();
    let seen = |name: &str| object.body.at_path(&["status", "atProvider", name]);
    let told = seen("arn").or_else(|| fields.member("arn"));
    let arn = text(told).filter(|arn| matches!(&arn.value, Value::Text(arn) if arn.starts_with("arn:")));
    // A policy's external name is its ARN.
    let external = text(object.body.at_path(&["metadata", "annotations", "crossplane.io/external-name"]))
        .filter(|name| matches!(&name.value, Value::Text(name) if name.starts_with("arn:")));
    let arn = arn.or(external);
    let account = arn.as_ref().and_then(|arn| {
        let Value::Text(text) = &arn.value else { return None };
        let [.., account, _] = arn::split(text)?;
        (!account.is_empty()).then(|| Node::text(account, arn.at))
    });
    let id = crate::sources::cloudformation::naming(kind).or((kind == "AWS::KMS::Key").then_some("KeyId")).and_then(
        |property| match body.get(property).map(|node| &node.value) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        },
    );
    let facts = AwsFacts {
        partition: None,
        account,
        region: text(fields.member("region")),
        arn,
        id: id.clone(),
        logical: vec![logical(&object.kind, object.cluster, object.namespace.as_deref(), &object.name)],
    };
    let name = id.map_or_else(|| object.name.to_string(), |id| id.to_string());
    let mut draft = Draft::new(kind, name, Node::new(Value::Map(body), object.body.at), source(object));
    draft.cluster = object.cluster;
    draft.read_at.clone_from(&object.read_at);
    draft.aws = Some(Box::new(facts));
    draft
}

/// One of the two halves of an account's defaults; the other is another object's to tell.
fn ebs_defaults(builder: &mut Builder, object: &Draft, family: Family, key: bool) -> Draft {
    let fields = fields(object);
    let selectors = std::cell::RefCell::new(vec![]);
    let refer = |to: &Reference<'_>| reference(family, to, object, &mut selectors.borrow_mut());
    let rows: Rows = &[("key_arn", "KmsKeyId", To(KEY, "Arn")), ("enabled", "EncryptionByDefault", Flag)];
    let mut body = Map::default();
    Converter { spelling: Spelling::Camel, refer: &refer }.convert(rows, &fields, &mut body);
    selectors.into_inner().into_iter().for_each(|selector| builder.select(selector));
    let at = object.body.at;
    if key {
        let why = "this object names the account's default key only";
        body.set("EncryptionByDefault", Node::unknown(Cause::NotProvided, why, at));
    } else {
        if body.get("EncryptionByDefault").is_none() {
            // The provider's default.
            body.set("EncryptionByDefault", Node::new(Value::Flag(true), at));
        }
        let why = "this object says whether the account encrypts, not with which key";
        body.set("KmsKeyId", Node::unknown(Cause::NotProvided, why, at));
    }
    let mut draft = resource(object, EBS_DEFAULTS, body, &fields);
    draft.name = object.name.clone();
    draft
}

/// The address of what an object describes.
fn logical(kind: &str, cluster: ClusterId, namespace: Option<&str>, name: &str) -> Logical {
    Logical {
        scope: SymbolScope::Cluster(cluster.0),
        id: format!("{kind}/{}/{name}", namespace.unwrap_or_default()).into(),
    }
}

/// `{name}`, or a choice by labels, of an object of the same provider.
fn reference(family: Family, to: &Reference<'_>, object: &Draft, selectors: &mut Vec<Selector>) -> Option<Node> {
    let short = referred(to.kind);
    let (service, name) = short.split_once('/')?;
    let kind = format!("{service}{}/{name}", family.suffix());
    let namespace = match family {
        Family::Namespaced => to
            .field
            .str_at(&["namespace"])
            .filter(|namespace| !namespace.is_empty())
            .or(object.namespace.as_deref())
            .map(str::to_owned),
        Family::Upbound | Family::Classic => None,
    };
    let (target, what) = if to.selects {
        let labels: Vec<(String, String)> = to
            .field
            .at_path(&["matchLabels"])
            .and_then(Node::as_map)
            .map(|labels| {
                let pair = |(key, value): &(Text, Node)| Some((key.to_string(), value.as_str()?.to_owned()));
                labels.entries.iter().filter_map(pair).collect()
            })
            .unwrap_or_default();
        let words: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let what =
            format!("{name} with {}", if words.is_empty() { "the same owner".to_owned() } else { words.join(", ") });
        let target = Logical {
            scope: SymbolScope::Cluster(object.cluster.0),
            id: format!("{kind}/{}/({})", namespace.as_deref().unwrap_or_default(), words.join(",")).into(),
        };
        if !labels.is_empty() {
            selectors.push(Selector { kind, namespace, labels, cluster: object.cluster, means: target.clone() });
        }
        (target, what)
    } else {
        let written = match &to.field.member("name")?.value {
            Value::Text(text) if !text.is_empty() => text.clone(),
            _ => return None,
        };
        let Some(plain) = written.known() else { return Some(Node::text(written, to.field.at)) };
        (logical(&kind, object.cluster, namespace.as_deref(), plain), format!("{name} {plain}"))
    };
    let symbol = Symbol {
        name: Arc::from(format!("${{{}.{}}}", target.id, to.attribute)),
        scope: target.scope,
        reason: Reason::new(Cause::Symbolic, format!("the {} of {what} is known to its controller", to.attribute)),
    };
    let address = Address { scope: target.scope, id: target.id, attribute: to.attribute.into() };
    Some(Node::text(Text::from_parts([Part::Hole(symbol)]).referring(address), to.field.at))
}
