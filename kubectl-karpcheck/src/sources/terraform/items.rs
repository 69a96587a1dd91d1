//! From resources to items. Attachments, targets, grants and policies of their own are parts of what they belong to.

use std::sync::Arc;

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::builder::Fragment;
use crate::inventory::reason::Terraform;
use crate::inventory::{AwsFacts, Builder, Cause, Draft, Logical, Map, Node, Reason, Text, Value};
use crate::schema::kinds::GatherScope;
use crate::schema::{aws, kinds};
use crate::sources::mapping::PLAIN;
use crate::sources::policy_documents;
use crate::sources::terraform::arguments;
use crate::sources::terraform::arguments::{Makes, Part, Resource};
use crate::sources::terraform::resource;
use crate::sources::terraform::resource::{ModuleResources, Resource as Instance};

/// Adds what a plan, state or module says. Returns how many resources there were.
pub(super) fn add(builder: &mut Builder, plan: &GatherScope, set: &ModuleResources) -> u64 {
    let mut ebs: Option<Map> = None;
    for resource in &set.resources {
        if resource::holds_documents(&resource.kind) {
            continue;
        }
        // A document of permissions becomes a policy where a resource uses it, and nowhere else.
        let Some(known) = arguments::of(&resource.kind) else { continue };
        builder.unmapped("terraform", known.name, &|found| {
            PLAIN.unmapped(known.rows, &resource.attributes, found);
        });
        match known.makes {
            Makes::Resource(kind) if aws::always(kind) || plan.wants(kind) => {
                let draft = draft(set, kind, known, resource);
                builder.enter_part(resource.part());
                builder.add(draft);
                builder.enter_part(None);
            }
            Makes::Resource(_) => builder.skip(1),
            Makes::Part(_) => {
                for known in arguments::all(&resource.kind) {
                    if let Makes::Part(part) = known.makes {
                        parts(builder, set, (known, part), resource);
                    }
                }
            }
            Makes::EbsDefaults if !resource.data => {
                let ebs = ebs.get_or_insert_with(Map::default);
                ebs.entries.extend(PLAIN.properties(known.rows, known.kind(), &resource.attributes).entries);
                if known.name == "aws_ebs_encryption_by_default" && ebs.get("EncryptionByDefault").is_none() {
                    ebs.set("EncryptionByDefault", Node::new(Value::Flag(true), resource.attributes.at));
                }
            }
            Makes::EbsDefaults => {}
        }
    }
    if let Some(body) = ebs {
        let at = body.entries.first().map(|(_, node)| node.at).unwrap_or_default();
        let mut draft = Draft::new(aws::EBS_DEFAULTS, "ebs", Node::new(Value::Map(body), at), set.source);
        draft.aws = Some(Box::new(AwsFacts { region: known_text(&set.home.region, at), ..AwsFacts::default() }));
        builder.add(draft);
    }
    set.resources.len() as u64
}

/// Hands on what a resource says of another one, which the inventory joins.
fn parts(builder: &mut Builder, set: &ModuleResources, (known, part): (&Resource, Part), resource: &Instance) {
    let Some(value) = PLAIN.value(known.rows, known.kind(), &resource.attributes) else { return };
    let Some(wholes) = resource.get(part.whole) else { return };
    let of = Some((set.source, set.scope));
    let wholes = match &wholes.value {
        Value::List(list) => list.items.as_slice(),
        _ => std::slice::from_ref(wholes),
    };
    for whole in wholes {
        // A policy that is attached to a role of another module says to which.
        let holders = match part.of {
            "AWS::IAM::Role" => "Roles",
            "AWS::IAM::User" => "Users",
            _ => "Groups",
        };
        let otherwise = (part.property == "ManagedPolicyArns").then(|| {
            let (kind, property) = ("AWS::IAM::ManagedPolicy", holders);
            Box::new(Fragment {
                kind,
                whole: value.clone(),
                property,
                value: whole.clone(),
                element: true,
                of,
                otherwise: None,
            })
        });
        builder.add_fragment(Fragment {
            kind: part.of,
            whole: whole.clone(),
            property: part.property,
            value: value.clone(),
            element: part.element,
            of,
            otherwise,
        });
    }
}

fn known_text(text: &Text, at: crate::inventory::At) -> Option<Node> {
    text.known().map(|known| Node::text(known, at))
}

fn draft(set: &ModuleResources, kind: &'static str, known: &Resource, resource: &Instance) -> Draft {
    let at = resource.attributes.at;
    let mut body = PLAIN.properties(known.rows, known.kind(), &resource.attributes);
    let facts = facts(set, kind, resource);
    // The name that AWS gets says more to people than an address; an address more than half a name.
    let given = aws::of(kind).is_some_and(|known| known.given_by_aws);
    let name = follows(set, resource, "name").filter(|_| !given);
    let name = name.as_ref().and_then(Text::known).map_or_else(|| resource.address.to_string(), str::to_owned);
    if resource.data && body.more.is_none() {
        body.more = Some(Box::new(Reason::new(
            Cause::NotProvided,
            Terraform::LookedUp { address: resource.address.to_string().into() },
        )));
    }
    let mut draft = Draft::new(kind, name, Node::new(Value::Map(body), at), set.source);
    draft.aws = Some(Box::new(facts));
    draft.coerce(policy_documents::object);
    if kind == kinds::TABLE
        && let Value::Map(body) = &mut draft.body.value
        && let Some(Value::Map(sse)) = body.get_mut("SSESpecification").map(|node| &mut node.value)
        && let Some(enabled) = sse.get("SSEEnabled").filter(|node| matches!(node.value, Value::Flag(true))).cloned()
    {
        sse.set("SSEType", Node::text("KMS", enabled.at));
    }
    draft
}

fn follows(set: &ModuleResources, resource: &Instance, attribute: &str) -> Option<Text> {
    let get = |name: &str| resource.get(name).cloned();
    resource::follows(&resource.kind, attribute, &resource.address, set.scope, home(set, resource), &get)
}

fn home<'a>(set: &'a ModuleResources, resource: &'a Instance) -> &'a AccountRegion {
    resource.home.as_ref().unwrap_or(&set.home)
}

fn facts(set: &ModuleResources, kind: &str, resource: &Instance) -> AwsFacts {
    let at = resource.attributes.at;
    let own = |name: &str| resource.text(name).filter(|text| text.known().is_some()).cloned();
    // An id that AWS gives is known once it is there.
    let given = aws::of(kind).filter(|known| known.given_by_aws).and_then(|known| known.identifier);
    let naming = match given {
        Some(id) => arguments::of(&resource.kind).and_then(|known| own(known.field_of(id)?)),
        // A role's own policy is one by its role and name, so its name alone does not identify it.
        None => follows(set, resource, "name").filter(|_| aws::identifier(kind).is_some()),
    };
    let arn = own("arn").or_else(|| own("association_arn")).or_else(|| follows(set, resource, "arn"));
    let parts = arn.as_ref().and_then(arn::split);
    let part = |number: usize| {
        let part = parts.as_ref().map(|parts| &parts[number])?;
        known_text(part, at).filter(|node| node.as_str() != Some(""))
    };
    let mut logical = vec![Logical { scope: set.scope, id: Arc::clone(&resource.address) }];
    let only = resource
        .bare
        .as_ref()
        .filter(|bare| set.resources.iter().filter(|other| other.bare.as_ref() == Some(*bare)).take(2).count() == 1);
    logical.extend(only.map(|bare| Logical { scope: set.scope, id: Arc::clone(bare) }));
    AwsFacts {
        partition: part(1).or_else(|| known_text(&home(set, resource).partition, at)),
        region: own("region")
            .map(|text| Node::text(text, at))
            .or_else(|| part(3))
            .or_else(|| known_text(&home(set, resource).region, at)),
        account: part(4).or_else(|| known_text(&home(set, resource).account, at)),
        arn: arn.map(|arn| Node::text(arn, at)),
        id: naming,
        logical,
    }
}
