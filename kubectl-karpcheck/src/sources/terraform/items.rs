//! From resources to items: attachments, targets, grants and policies of their own are laid into what they belong to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::arn;
use crate::inventory::{AwsFacts, Builder, Cause, Draft, List, Logical, Map, Node, Reason, SourceKind, Text, Value};
use crate::schema::kinds;
use crate::schema::kinds::GatherScope;
use crate::sources::terraform::document;
use crate::sources::terraform::kubernetes;
use crate::sources::terraform::resource;
use crate::sources::terraform::resource::{ModuleResources, Resource};
use crate::sources::terraform::table;

const EBS: &str = "Karpcheck::EbsDefaults";

/// What other resources say of a resource.
#[derive(Default)]
struct Extra {
    policies: List,
    roles: List,
    targets: List,
    grants: List,
    key_policy: Option<Node>,
}

/// Adds what a plan, state or module says. Returns how many resources there were.
pub(super) fn add(builder: &mut Builder, plan: &GatherScope, set: &ModuleResources) -> u64 {
    let index = Index::new(set);
    let mut extras: HashMap<usize, Extra> = HashMap::new();
    let mut ebs: Option<Map> = None;
    for resource in &set.resources {
        fold(set, &index, resource, &mut extras, &mut ebs);
    }
    for (number, resource) in set.resources.iter().enumerate() {
        if kubernetes::add(builder, plan, set, resource) {
            continue;
        }
        let Some(kind) = resource::normal(&resource.kind) else {
            if &*resource.kind == "aws_iam_policy_document" && resource.data {
                unattached(builder, set, &index, number);
            }
            continue;
        };
        let optional = matches!(kind, kinds::TABLE | "AWS::EC2::LaunchTemplate");
        if optional && !plan.wants(kind) {
            builder.skip(1);
            continue;
        }
        let draft = draft(set, kind, resource, extras.remove(&number));
        builder.add(draft);
    }
    if let Some(body) = ebs {
        let at = body.entries.first().map(|(_, node)| node.at).unwrap_or_default();
        let mut draft = Draft::new(EBS, "ebs", Node::new(Value::Map(body), at), set.source);
        draft.aws = Some(Box::new(AwsFacts { region: told(&set.home.region, at), ..AwsFacts::default() }));
        builder.add(draft);
    }
    set.resources.len() as u64
}

/// Which resource a reference means.
struct Index<'a> {
    set: &'a ModuleResources,
    addresses: HashMap<Arc<str>, usize>,
    names: HashMap<(Arc<str>, String), usize>,
}

impl<'a> Index<'a> {
    fn new(set: &'a ModuleResources) -> Self {
        let mut index = Self { set, addresses: HashMap::new(), names: HashMap::new() };
        for (number, resource) in set.resources.iter().enumerate() {
            index.addresses.insert(Arc::clone(&resource.address), number);
            for attribute in ["arn", "id", "name", "key_id", "url"] {
                if let Some(text) = resource.text(attribute).and_then(Text::known) {
                    index.names.entry((Arc::clone(&resource.kind), text.to_owned())).or_insert(number);
                }
            }
        }
        // An address without its index means the one instance, where there is one.
        let mut bare: HashMap<&Arc<str>, Option<usize>> = HashMap::new();
        for (number, resource) in set.resources.iter().enumerate() {
            if let Some(address) = &resource.bare {
                bare.entry(address).and_modify(|known| *known = None).or_insert(Some(number));
            }
        }
        let mut only: Vec<(Arc<str>, usize)> = vec![];
        for resource in &set.resources {
            if let Some(address) = &resource.bare
                && let Some(Some(number)) = bare.get(address)
            {
                only.push((Arc::clone(address), *number));
            }
        }
        for (address, number) in only {
            index.addresses.entry(address).or_insert(number);
        }
        index
    }

    fn find(&self, kinds: &[&str], node: &Node) -> Option<usize> {
        let Value::Text(text) = &node.value else { return None };
        let number = match text.refers() {
            Some(address) if address.scope == self.set.scope => self.addresses.get(&address.id).copied(),
            Some(_) => None,
            None => {
                let known = text.known()?;
                kinds.iter().find_map(|kind| self.names.get(&(Arc::from(*kind), known.to_owned())).copied())
            }
        };
        number.filter(|number| self.set.resources.get(*number).is_some_and(|resource| kinds.contains(&&*resource.kind)))
    }
}

const ROLES: &[&str] = &["aws_iam_role"];
const POLICIES: &[&str] = &["aws_iam_policy"];
const KEYS: &[&str] = &["aws_kms_key", "aws_kms_replica_key", "aws_kms_external_key"];

/// Lays a resource that only says something of another one into that one.
fn fold(
    set: &ModuleResources,
    index: &Index<'_>,
    resource: &Resource,
    extras: &mut HashMap<usize, Extra>,
    ebs: &mut Option<Map>,
) {
    let given = |name: &str| resource.get(name);
    let body = || {
        let mut map = Map::default();
        table::convert(table::rows(&resource.kind), &resource.attributes, &mut map);
        map
    };
    match &*resource.kind {
        "aws_iam_role_policy_attachment" | "aws_iam_policy_attachment" => {
            let Some(policy) = given("policy_arn") else { return };
            let roles: Vec<&Node> = match (given("role"), given("roles")) {
                (Some(role), _) => vec![role],
                (None, Some(roles)) => roles.elements().iter().collect(),
                (None, None) => vec![],
            };
            for role in roles {
                match (index.find(ROLES, role), index.find(POLICIES, policy)) {
                    (Some(role), _) => {
                        let list = &mut extras.entry(role).or_default().policies;
                        match &policy.value {
                            Value::Text(_) => list.items.push(policy.clone()),
                            Value::Unknown(reason) => list.more = Some(reason.clone()),
                            _ => {}
                        }
                    }
                    (None, Some(policy)) => extras.entry(policy).or_default().roles.items.push(role.clone()),
                    (None, None) => {}
                }
            }
        }
        "aws_cloudwatch_event_target" => {
            if let Some(rule) = given("rule").and_then(|rule| index.find(&["aws_cloudwatch_event_rule"], rule)) {
                let target = Node::new(Value::Map(body()), resource.attributes.at);
                extras.entry(rule).or_default().targets.items.push(target);
            }
        }
        "aws_kms_key_policy" => {
            if let (Some(key), Some(policy)) = (given("key_id").and_then(|key| index.find(KEYS, key)), given("policy"))
            {
                extras.entry(key).or_default().key_policy =
                    Some(crate::sources::policy_documents::object(policy.clone()));
            }
        }
        "aws_kms_grant" => {
            if let Some(key) = given("key_id").and_then(|key| index.find(KEYS, key)) {
                let grants = &mut extras.entry(key).or_default().grants;
                grants.items.push(Node::new(Value::Map(body()), resource.attributes.at));
                grants.more.get_or_insert_with(|| {
                    Box::new(Reason::new(Cause::NotProvided, "AWS services make grants that no file tells of"))
                });
            }
        }
        "aws_ebs_default_kms_key" | "aws_ebs_encryption_by_default" if !resource.data => {
            let ebs = ebs.get_or_insert_with(Map::default);
            ebs.entries.extend(body().entries);
            if &*resource.kind == "aws_ebs_encryption_by_default" && ebs.get("EncryptionByDefault").is_none() {
                ebs.set("EncryptionByDefault", Node::new(Value::Flag(true), resource.attributes.at));
            }
        }
        _ => {}
    }
    let _ = set;
}

/// A document of permissions that nothing in the files uses: it is somebody's policy all the same.
fn unattached(builder: &mut Builder, set: &ModuleResources, index: &Index<'_>, number: usize) {
    let Some(resource) = index.set.resources.get(number) else { return };
    // What a plan or state has, it has for a resource that is in it.
    if set.source != SourceKind::Source || resource.get("@used").is_some() {
        return;
    }
    let document = document::build(&resource.attributes);
    if !document::is_identity(&document) {
        return;
    }
    let mut body = Map::default();
    let at = resource.attributes.at;
    body.set("PolicyDocument", document);
    let mut draft =
        Draft::new("AWS::IAM::ManagedPolicy", &*resource.address, Node::new(Value::Map(body), at), set.source);
    draft.aws = Some(Box::new(facts(set, "AWS::IAM::ManagedPolicy", resource)));
    builder.add(draft);
}

fn told(text: &Text, at: crate::inventory::At) -> Option<Node> {
    text.known().map(|known| Node::text(known, at))
}

fn draft(set: &ModuleResources, kind: &'static str, resource: &Resource, extra: Option<Extra>) -> Draft {
    let at = resource.attributes.at;
    let mut body = Map::default();
    table::convert(table::rows(&resource.kind), &resource.attributes, &mut body);
    if kind == kinds::TABLE
        && let Some(Value::Map(sse)) = body.get_mut("SSESpecification").map(|node| &mut node.value)
        && let Some(enabled) = sse.get("SSEEnabled").filter(|node| matches!(node.value, Value::Flag(true))).cloned()
    {
        sse.set("SSEType", Node::text("KMS", enabled.at));
    }
    if let Some(extra) = extra {
        lay(&mut body, "ManagedPolicyArns", extra.policies, at);
        lay(&mut body, "Roles", extra.roles, at);
        lay(&mut body, "Targets", extra.targets, at);
        lay(&mut body, "Grants", extra.grants, at);
        if let Some(policy) = extra.key_policy {
            body.set("KeyPolicy", policy);
        }
    }
    let facts = facts(set, kind, resource);
    // The name that AWS gets says more to people than an address; an address more than half a name.
    let name = facts.id.as_ref().and_then(Text::known).filter(|_| kind != "AWS::KMS::Key");
    let name = name.map_or_else(|| resource.address.to_string(), str::to_owned);
    if resource.data && body.more.is_none() {
        body.more = Some(Box::new(Reason::new(
            Cause::NotProvided,
            format!("{} only looks it up: what it does not say is AWS's", resource.address),
        )));
    }
    let mut draft = Draft::new(kind, name, Node::new(Value::Map(body), at), set.source);
    draft.aws = Some(Box::new(facts));
    draft
}

/// Adds elements to a list property.
fn lay(body: &mut Map, property: &str, extra: List, at: crate::inventory::At) {
    if extra.items.is_empty() && extra.more.is_none() {
        return;
    }
    let earlier = body.remove(property).map(|node| node.value);
    let mut list = match earlier {
        Some(Value::List(list)) => list,
        Some(Value::Unknown(reason)) => List { items: vec![], more: Some(reason) },
        _ => List::default(),
    };
    for item in extra.items {
        // A role's attributes tell of attachments, too.
        let known = item.as_str().is_some_and(|own| list.items.iter().any(|other| other.as_str() == Some(own)));
        if !known {
            list.items.push(item);
        }
    }
    list.more = list.more.or(extra.more);
    body.set(property, Node::new(Value::List(list), at));
}

fn facts(set: &ModuleResources, kind: &str, resource: &Resource) -> AwsFacts {
    let at = resource.attributes.at;
    let get = |name: &str| resource.get(name).cloned();
    let follows =
        |attribute: &str| resource::follows(&resource.kind, attribute, &resource.address, set.scope, &set.home, &get);
    let own = |name: &str| resource.text(name).filter(|text| text.known().is_some()).cloned();
    let naming = if kind == "AWS::KMS::Key" { own("key_id") } else { follows("name") };
    let arn = own("arn").or_else(|| follows("arn"));
    let parts = arn.as_ref().and_then(arn::split);
    let part = |number: usize| {
        let part = parts.as_ref().map(|parts| &parts[number])?;
        told(part, at).filter(|node| node.as_str() != Some(""))
    };
    let mut logical = vec![Logical { scope: set.scope, id: Arc::clone(&resource.address) }];
    let only = resource
        .bare
        .as_ref()
        .filter(|bare| set.resources.iter().filter(|other| other.bare.as_ref() == Some(*bare)).take(2).count() == 1);
    logical.extend(only.map(|bare| Logical { scope: set.scope, id: Arc::clone(bare) }));
    AwsFacts {
        partition: part(1).or_else(|| told(&set.home.partition, at)),
        region: own("region")
            .map(|text| Node::text(text, at))
            .or_else(|| part(3))
            .or_else(|| told(&set.home.region, at)),
        account: part(4).or_else(|| told(&set.home.account, at)),
        arn: arn.map(|arn| Node::text(arn, at)),
        id: naming,
        logical,
    }
}
