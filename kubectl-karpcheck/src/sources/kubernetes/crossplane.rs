//! Crossplane's objects as the AWS resources that they describe.
//!
//! Upbound's providers, cluster-scoped (`sqs.aws.upbound.io`) and namespaced (`sqs.aws.m.upbound.io`), are made from
//! Terraform's and share its table of arguments; the old provider (`sqs.aws.crossplane.io`) follows the API and has
//! a table of its own. Unlike ACK, Crossplane writes what a reference resolved to into the field beside it: both set is normal.

use std::sync::Arc;

use crate::inventory::builder::{Fragment, Selector};
use crate::inventory::reason::Objects;
use crate::inventory::{
    Address, AwsFacts, Builder, Cause, ClusterId, Draft, Logical, Map, Node, Part as Piece, Reason, SourceKind, Symbol,
    SymbolScope, Text, Value, arn,
};
use crate::schema::aws;
use crate::schema::aws::Kind;
use crate::sources::mapping;
use crate::sources::mapping::{Mapper, Reference, References, Rows, Spelling, block, row};
use crate::sources::terraform::arguments;
use crate::sources::terraform::arguments::{Makes, Part, Resource};

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
    ("sqs/Queue", "aws_sqs_queue"),
    ("sqs/QueuePolicy", "aws_sqs_queue_policy"),
    ("kms/Key", "aws_kms_key"),
    ("kms/ReplicaKey", "aws_kms_replica_key"),
    ("kms/ExternalKey", "aws_kms_external_key"),
    ("kms/Grant", "aws_kms_grant"),
    ("kms/Alias", "aws_kms_alias"),
    ("iam/Role", "aws_iam_role"),
    ("iam/Policy", "aws_iam_policy"),
    ("iam/RolePolicy", "aws_iam_role_policy"),
    ("iam/RolePolicyAttachment", "aws_iam_role_policy_attachment"),
    ("iam/User", "aws_iam_user"),
    ("iam/UserPolicyAttachment", "aws_iam_user_policy_attachment"),
    ("iam/UserGroupMembership", "aws_iam_user_group_membership"),
    ("iam/Group", "aws_iam_group"),
    ("iam/GroupPolicyAttachment", "aws_iam_group_policy_attachment"),
    ("iam/GroupMembership", "aws_iam_group_membership"),
    ("iam/InstanceProfile", "aws_iam_instance_profile"),
    ("cloudwatchevents/Rule", "aws_cloudwatch_event_rule"),
    ("cloudwatchevents/Target", "aws_cloudwatch_event_target"),
    ("dynamodb/Table", "aws_dynamodb_table"),
    ("dynamodb/ResourcePolicy", "aws_dynamodb_resource_policy"),
    ("eks/Cluster", "aws_eks_cluster"),
    ("eks/PodIdentityAssociation", "aws_eks_pod_identity_association"),
    ("ec2/LaunchTemplate", "aws_launch_template"),
    ("ec2/EBSDefaultKMSKey", "aws_ebs_default_kms_key"),
    ("ec2/EBSEncryptionByDefault", "aws_ebs_encryption_by_default"),
    ("organizations/Policy", "aws_organizations_policy"),
    ("organizations/PolicyAttachment", "aws_organizations_policy_attachment"),
];

/// The kind of a provider that describes resources of a type: `AWS::KMS::Key` is `kms/Key`.
fn referred(kind: &str) -> Option<&'static str> {
    let describes = |(_, terraform): &&(&str, &str)| match arguments::of(terraform).map(|own| own.makes) {
        Some(Makes::Resource(own)) => own == kind,
        _ => false,
    };
    KINDS.iter().find(describes).map(|(own, _)| *own)
}

/// The old provider's kinds, whose fields are the API's.
const CLASSIC: &[Resource] = &[
    classic(
        "sqs/Queue",
        "AWS::SQS::Queue",
        &[
            row("kmsMasterKeyId", "KmsMasterKeyId"),
            row("kmsDataKeyReusePeriodSeconds", "KmsDataKeyReusePeriodSeconds"),
            row("sqsManagedSseEnabled", "SqsManagedSseEnabled"),
            row("messageRetentionPeriod", "MessageRetentionPeriod"),
            row("fifoQueue", "FifoQueue"),
            row("policy", "Policy"),
            row("tags", "Tags"),
        ],
    ),
    classic(
        "kms/Key",
        "AWS::KMS::Key",
        &[
            row("policy", "KeyPolicy"),
            row("description", "Description"),
            row("enabled", "Enabled"),
            row("enableKeyRotation", "EnableKeyRotation"),
            row("keyUsage", "KeyUsage"),
            row("keySpec", "KeySpec"),
            row("customerMasterKeySpec", "KeySpec"),
            row("multiRegion", "MultiRegion"),
            block("tags", "Tags", &[row("tagKey", "Key"), row("tagValue", "Value")]),
        ],
    ),
    classic("kms/Alias", "AWS::KMS::Alias", &[row("targetKeyId", "TargetKeyId")]),
    classic(
        "dynamodb/Table",
        "AWS::DynamoDB::Table",
        &[
            row("sseSpecification/enabled", "SSESpecification/SSEEnabled"),
            row("sseSpecification/sseType", "SSESpecification/SSEType"),
            row("sseSpecification/kmsMasterKeyID", "SSESpecification/KMSMasterKeyId"),
        ],
    ),
    classic(
        "iam/Role",
        "AWS::IAM::Role",
        &[
            row("path", "Path"),
            row("assumeRolePolicyDocument", "AssumeRolePolicyDocument"),
            row("permissionsBoundary", "PermissionsBoundary"),
            block("tags", "Tags", TAG),
        ],
    ),
    classic(
        "iam/Policy",
        "AWS::IAM::ManagedPolicy",
        &[row("name", "ManagedPolicyName"), row("path", "Path"), row("document", "PolicyDocument")],
    ),
    classic("iam/RolePolicy", "AWS::IAM::Policy", &[row("document", "PolicyDocument"), row("roleName", "Roles")]),
    Resource {
        name: "iam/RolePolicyAttachment",
        makes: Makes::Part(Part {
            of: "AWS::IAM::Role",
            whole: "roleName",
            property: "ManagedPolicyArns",
            element: true,
        }),
        rows: &[row("policyArn", "")],
    },
    classic(
        "iam/InstanceProfile",
        "AWS::IAM::InstanceProfile",
        &[row("path", "Path"), row("role", "Roles"), block("tags", "Tags", TAG)],
    ),
    classic(
        "eks/Cluster",
        "AWS::EKS::Cluster",
        &[
            row("version", "Version"),
            row("roleArn", "RoleArn"),
            block(
                "encryptionConfig",
                "EncryptionConfig",
                &[row("resources", "Resources"), row("provider/keyArn", "Provider/KeyArn")],
            ),
            row("tags", "Tags"),
        ],
    ),
];

const TAG: Rows = &[row("key", "Key"), row("value", "Value")];

const fn classic(name: &'static str, kind: &'static str, rows: Rows) -> Resource {
    Resource { name, makes: Makes::Resource(kind), rows }
}

/// What is known of a kind: its family, what it becomes, and its fields.
#[derive(Clone, Copy)]
struct Known {
    family: Family,
    resource: &'static Resource,
}

impl Known {
    const fn spelling(self) -> Spelling {
        match self.family {
            Family::Classic => Spelling::Exact,
            Family::Upbound | Family::Namespaced => Spelling::Camel,
        }
    }
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
    let resource = match family {
        Family::Classic => CLASSIC.iter().find(|own| own.name == kind)?,
        Family::Upbound | Family::Namespaced => arguments::of(KINDS.iter().find(|(own, _)| *own == kind)?.1)?,
    };
    Some(Known { family, resource })
}

/// Is it a kind of a provider whose objects are in no namespace?
pub(super) fn is_cluster_scoped(kind: &str) -> bool {
    parse(kind).is_some_and(|(family, _)| family != Family::Namespaced)
}

/// The CloudFormation type of what an object of this kind describes, or describes a part of.
pub(in crate::sources) fn described_by(kind: &str) -> Option<&'static str> {
    Some(known(kind)?.resource.described_type())
}

/// The way to the field that a property of what an object describes is written in.
pub(super) fn written(kind: &str, path: &[String]) -> Option<Vec<String>> {
    let known = known(kind)?;
    let field = mapping::written(known.resource.rows, known.spelling(), path)?;
    Some(["spec", "forProvider"].into_iter().map(str::to_owned).chain(field).collect())
}

/// All kinds of providers that describe what is known here.
pub(in crate::sources) fn kinds() -> impl Iterator<Item = String> {
    let made = [Family::Upbound, Family::Namespaced].into_iter();
    let made = made.flat_map(|family| KINDS.iter().map(move |(kind, _)| (family, *kind)));
    let classic = CLASSIC.iter().map(|own| (Family::Classic, own.name));
    made.chain(classic).filter_map(|(family, kind)| {
        let (service, name) = kind.split_once('/')?;
        Some(format!("{service}{}/{name}", family.suffix()))
    })
}

/// Where the fields of what an object describes stand, those that AWS gave among them.
const FIELDS: &[&str] = &["/spec/forProvider", "/spec/initProvider", "/status/atProvider"];

/// The fields of an object that say what it describes, references aside: see [`mapping::pointers`].
pub(super) fn described_in(kind: &str) -> Vec<String> {
    let mut fields = vec!["/region".to_owned(), "/arn".to_owned(), "/associationArn".to_owned()];
    if let Some(known) = known(kind) {
        fields.extend(mapping::pointers(known.resource.rows, known.spelling()));
        if let Makes::Part(part) = known.resource.makes {
            fields.push(format!("/{}", known.spelling().of(part.whole)));
        }
    }
    let all = FIELDS.iter().flat_map(|place| fields.iter().map(move |field| format!("{place}{field}")));
    all.chain(["/spec/managementPolicies".to_owned()]).collect()
}

/// Adds an object and what it describes.
pub(super) fn add(builder: &mut Builder, object: Draft) {
    let described = known(&object.kind).and_then(|known| describe(builder, &object, known));
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

fn describe(builder: &mut Builder, object: &Draft, known: Known) -> Option<Described> {
    let fields = fields(object);
    let selectors = std::cell::RefCell::new(vec![]);
    let refer = |to: &Reference<'_>| reference(known.family, to, object, &mut selectors.borrow_mut());
    let mapper = Mapper { spelling: known.spelling(), references: References::Beside, refer: &refer, says_all: false };
    let Resource { makes, rows, .. } = *known.resource;
    let kind = known.resource.kind();
    builder.unmapped("crossplane", &object.kind, &|found| unmapped(&mapper, known, &fields, found));
    let described = match makes {
        Makes::Resource(of) => {
            let mut body = mapper.properties(rows, kind, &fields);
            name(object, known, of, &mut body);
            Some(Described::Resource(Box::new(resource(object, of, body, &fields))))
        }
        Makes::Part(part) => {
            let whole = mapper.value(&[row(part.whole, "")], Kind::Name(part.of), &fields);
            let value = mapper.value(rows, kind, &fields);
            whole.zip(value).map(|(whole, value)| {
                let Part { of: kind, property, element, .. } = part;
                Described::Part(Box::new(Fragment { kind, whole, property, value, element, of: None, otherwise: None }))
            })
        }
        Makes::EbsDefaults => {
            let body = mapper.properties(rows, kind, &fields);
            Some(Described::Resource(Box::new(ebs_defaults(object, body, &fields, known))))
        }
    };
    selectors.into_inner().into_iter().for_each(|selector| builder.select(selector));
    described
}

const fn source(object: &Draft) -> SourceKind {
    if object.source.observed() { SourceKind::Live } else { SourceKind::Manifest }
}

/// The fields that count: what is asked for over what is asked for at the beginning only; of an object that is merely
/// observed, what was seen.
fn fields(object: &Draft) -> Node {
    let spec = |name: &str| object.body.at_path(&["spec", name]);
    let seen = object.body.at_path(&["status", "atProvider"]);
    let observes = observes(&object.body);
    let asked = spec("forProvider").cloned().unwrap_or_else(|| Node::new(Value::Map(Map::default()), object.body.at));
    let mut fields = match (observes, seen) {
        (true, Some(seen)) => under(seen.clone(), &asked),
        (true, None) => {
            let mut fields = asked;
            if let Value::Map(fields) = &mut fields.value {
                fields.more = Some(Box::new(Reason::new(Cause::NotProvided, Objects::Observed)));
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

/// Does an object only look at what is there?
pub(super) fn observes(object: &Node) -> bool {
    object
        .at_path(&["spec", "managementPolicies"])
        .is_some_and(|policies| matches!(policies.elements(), [only] if only.as_str() == Some("Observe")))
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

/// The name that the resource has in AWS: an argument, or the external name, which is the object's where nothing says
/// another. Terraform has an argument for each.
fn name(object: &Draft, known: Known, kind: &str, body: &mut Map) {
    let property = match kind {
        // A role's own policy is named so, too, and has no other identifier.
        "AWS::IAM::Policy" => "PolicyName",
        _ => match aws::identifier(kind) {
            Some(property) => property,
            None => return,
        },
    };
    if body.get(property).is_some() {
        return;
    }
    let annotation = object.body.at_path(&["metadata", "annotations", "crossplane.io/external-name"]);
    let Some(own) = annotation.or_else(|| object.body.at_path(&["metadata", "name"])) else { return };
    let Value::Text(text) = &own.value else { return };
    let named = match kind {
        // Its id is AWS's to give: the object's name is not it.
        "AWS::KMS::Key" | "AWS::EKS::PodIdentityAssociation" if annotation.is_none() => return,
        // The external name is the URL, the name an argument that AWS makes up where it lacks.
        "AWS::SQS::Queue" => match text.known().filter(|url| url.starts_with("https://")) {
            Some(url) => Text::from(url.rsplit('/').next().unwrap_or_default()),
            None if known.family == Family::Classic => text.clone(),
            None => {
                body.set(property, Node::unknown(Cause::Symbolic, Objects::QueueName, own.at));
                return;
            }
        },
        // The external name of an organisation's policy is its id: the name is an argument.
        "AWS::Organizations::Policy" => return,
        // The old provider and the newer ones name a policy by its ARN once it is there.
        "AWS::KMS::Key" | "AWS::IAM::ManagedPolicy" => match text.known().filter(|arn| arn.starts_with("arn:")) {
            Some(arn) => Text::from(arn.rsplit('/').next().unwrap_or_default()),
            None => text.clone(),
        },
        // `ROLE:NAME`.
        "AWS::IAM::Policy" => match text.known().and_then(|id| id.split_once(':')) {
            Some((_, name)) => Text::from(name),
            None => text.clone(),
        },
        // `CLUSTER,ID`.
        "AWS::EKS::PodIdentityAssociation" => match text.known().and_then(|id| id.split_once(',')) {
            Some((_, id)) => Text::from(id),
            None => text.clone(),
        },
        _ => text.clone(),
    };
    body.set(property, Node::text(named, own.at));
}

fn resource(object: &Draft, kind: &'static str, body: Map, fields: &Node) -> Draft {
    let text = |node: Option<&Node>| node.filter(|node| matches!(node.value, Value::Text(_))).cloned();
    let seen = |name: &str| object.body.at_path(&["status", "atProvider", name]);
    let own = seen("arn").or_else(|| seen("associationArn")).or_else(|| fields.member("arn"));
    let arn = text(own).filter(|arn| matches!(&arn.value, Value::Text(arn) if arn.starts_with("arn:")));
    // A policy's external name is its ARN.
    let external = text(object.body.at_path(&["metadata", "annotations", "crossplane.io/external-name"]))
        .filter(|name| matches!(&name.value, Value::Text(name) if name.starts_with("arn:")));
    let arn = arn.or(external);
    let account = arn.as_ref().and_then(|arn| {
        let Value::Text(text) = &arn.value else { return None };
        let [.., account, _] = arn::split(text)?;
        (!account.is_empty()).then(|| Node::text(account, arn.at))
    });
    let facts = AwsFacts {
        partition: None,
        account,
        region: text(fields.member("region")),
        arn,
        id: None,
        logical: vec![logical(&object.kind, object.cluster, object.namespace.as_deref(), &object.name)],
    };
    let body = Node::new(Value::Map(body), object.body.at);
    let mut draft = Draft::new(kind, object.name.clone(), body, source(object));
    draft.cluster = object.cluster;
    draft.read_at.clone_from(&object.read_at);
    draft.aws = Some(Box::new(facts));
    super::identify(&mut draft);
    draft
}

/// One of the two halves of an account's defaults; the other is another object's.
fn ebs_defaults(object: &Draft, mut body: Map, fields: &Node, known: Known) -> Draft {
    let at = object.body.at;
    if known.resource.name == "aws_ebs_default_kms_key" {
        body.set("EncryptionByDefault", Node::unknown(Cause::NotProvided, Objects::DefaultKeyOnly, at));
    } else {
        if body.get("EncryptionByDefault").is_none() {
            // The provider's default.
            body.set("EncryptionByDefault", Node::new(Value::Flag(true), at));
        }
        body.set("KmsKeyId", Node::unknown(Cause::NotProvided, Objects::DefaultEncryptionOnly, at));
    }
    let mut draft = resource(object, aws::EBS_DEFAULTS, body, fields);
    if let Some(facts) = draft.aws.as_deref_mut() {
        // Both halves are of the account in its region, which has no name.
        facts.id = Some("ebs-defaults".into());
    }
    draft
}

/// The fields of what counts that are no property.
fn unmapped(mapper: &Mapper<'_>, known: Known, fields: &Node, found: &mut dyn FnMut(String)) {
    let whole = match known.resource.makes {
        Makes::Part(part) => Some(part.whole),
        Makes::Resource(_) | Makes::EbsDefaults => None,
    };
    let taken = |path: &str| {
        let own = whole.map(|whole| mapper.spelled(whole));
        own.is_some_and(|own| path.strip_prefix(&own).is_some_and(|rest| ["", "Ref", "Selector"].contains(&rest)))
    };
    mapper.unmapped(known.resource.rows, fields, &mut |path| {
        if !taken(&path) {
            found(path);
        }
    });
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
    let (service, name) = referred(to.kind?)?.split_once('/')?;
    let kind = format!("{service}{}/{name}", family.suffix());
    let namespace = match family {
        Family::Namespaced => to
            .value
            .str_at(&["namespace"])
            .filter(|namespace| !namespace.is_empty())
            .or(object.namespace.as_deref())
            .map(str::to_owned),
        Family::Upbound | Family::Classic => None,
    };
    let (target, what) = if to.selects {
        let labels: Vec<(String, String)> = to
            .value
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
        selectors.push(Selector { kind, namespace, labels, cluster: object.cluster, means: target.clone() });
        (target, what)
    } else {
        let written = match &to.value.member("name")?.value {
            Value::Text(text) if !text.is_empty() => text.clone(),
            _ => return None,
        };
        let Some(plain) = written.known() else { return Some(Node::text(written, to.value.at)) };
        (logical(&kind, object.cluster, namespace.as_deref(), plain), format!("{name} {plain}"))
    };
    let symbol = Symbol {
        name: Arc::from(format!("${{{}.{}}}", target.id, to.attribute)),
        scope: target.scope,
        reason: Reason::new(
            Cause::Symbolic,
            Objects::OfController { attribute: to.attribute.into(), what: what.into() },
        ),
    };
    let address = Address { scope: target.scope, id: target.id, attribute: to.attribute.into() };
    Some(Node::text(Text::from_parts([Piece::Hole(symbol)]).referring(address), to.value.at))
}
