//! The policies of a resource.

use std::sync::Arc;

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::pointer;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Item, ItemId, List, Map, Node, Reason, Symbol, SymbolScope, Text, Unknown, Value};

use crate::iam::arn::split;
use crate::iam::document::{Document, PolicyKind};
use crate::iam::grant::Grant;
use crate::iam::policies::{Policies, Policy};
use crate::iam::request::account_region::Known;
use crate::iam::request::{Evaluator, ROLE, not_given};

pub(super) const KEY: &str = "AWS::KMS::Key";
pub(super) const EVENT_RULE: &str = "AWS::Events::Rule";
const QUEUE: &str = "AWS::SQS::Queue";
const TABLE: &str = "AWS::DynamoDB::Table";

/// Services whose resources have no policies of their own.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html>
const WITHOUT_POLICIES: &[&str] = &["ec2", "eks", "pricing"];

/// Where each kind keeps its policy.
const POLICIES: &[(&str, &str, PolicyKind, &str)] = &[
    (KEY, "/KeyPolicy", PolicyKind::Key, "the policy of key"),
    (QUEUE, "/Policy", PolicyKind::Resource, "the policy of queue"),
    (ROLE, "/AssumeRolePolicyDocument", PolicyKind::Trust, "the trust policy of role"),
    (TABLE, "/ResourcePolicy/PolicyDocument", PolicyKind::Resource, "the policy of table"),
];

/// The ARN of a key whose id is not known.
pub(super) fn arn_of_key(id: ItemId, item: &Item) -> Text {
    let home = Known::of_item(Some(item)).home();
    let id = Text::symbol(Symbol {
        name: format!("(id of {} #{})", item.name, id.0).into(),
        scope: SymbolScope::Run,
        reason: Reason::new(Cause::NotProvided, Iam::KeyId { key: (&*item.name).into() }),
    });
    arn::compose(KEY, &home, &id).unwrap_or(id)
}

/// The ARN of an EventBridge rule whose name is not known.
pub(super) fn arn_of_event_rule(id: ItemId, item: &Item) -> Text {
    let home = Known::of_item(Some(item)).home();
    let own = Text::symbol(Symbol {
        name: format!("(name of {} #{})", item.name, id.0).into(),
        scope: SymbolScope::Run,
        reason: Reason::new(Cause::NotProvided, Iam::RuleName { rule: (&*item.name).into() }),
    });
    arn::compose(EVENT_RULE, &home, &own).unwrap_or(own)
}

/// What is asked for, of which resource.
pub(super) struct Asked<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a Text,
    /// The resource's ARN in its parts, if it is one.
    pub(super) parts: Option<&'a [Text; 6]>,
}

impl Evaluator<'_> {
    /// The resource that an ARN names, among those that have policies.
    pub(super) fn resource_by_arn(&self, arn: &Text) -> Option<ItemId> {
        // Nothing else has a policy: `arn:aws:kms:…`.
        let mut beginning = arn.beginning().unwrap_or_default().split(':').skip(2);
        let service = beginning.next().filter(|_| arn.known().is_some() || beginning.next().is_some());
        if service.is_some_and(|service| !["kms", "sqs", "dynamodb", "iam"].contains(&service)) {
            return None;
        }
        let parts = split(arn)?;
        let kind = match parts[2].known()? {
            "kms" => KEY,
            "sqs" => QUEUE,
            "dynamodb" => TABLE,
            "iam" if parts[5].starts_with("role/") => ROLE,
            _ => return None,
        };
        self.by_arn(kind, arn)
    }

    pub(super) fn target_policies(
        &self,
        target: Option<ItemId>,
        asked: &Asked<'_>,
        home: &AccountRegion,
        policies: &mut Policies,
    ) {
        let Asked { action, resource, parts } = *asked;
        let (service, verb) = action.split_once(':').unwrap_or((action, ""));
        let verb = verb.to_ascii_lowercase();
        // A session takes its tags by the trust policy, too.
        let assumes = service.eq_ignore_ascii_case("sts")
            && (verb.starts_with("assumerole") || matches!(&*verb, "tagsession" | "setsourceidentity"));
        // Actions that are about no key in particular, such as kms:ListKeys, are IAM's alone.
        // An alias has no policy: of it, too, IAM's policies alone decide.
        let alias = parts.is_some_and(|parts| parts[5].starts_with("alias/"))
            && matches!(&*verb, "createalias" | "updatealias" | "deletealias");
        let about_a_key = service.eq_ignore_ascii_case("kms") && resource.known() != Some("*") && !alias;
        policies.decisive = about_a_key || assumes;
        let Some((id, item)) = target.and_then(|id| Some((id, self.inventory.item(id)?))) else {
            if policies.decisive {
                policies.resource_open =
                    Some(not_given(Iam::ResourcePolicy { resource: resource.to_string().into() }, None));
            } else if !alias && resource.known() != Some("*") && !WITHOUT_POLICIES.contains(&service) {
                policies.notes.push(format!("a policy of {resource} itself was not seen").into());
            }
            return;
        };
        let row =
            POLICIES.iter().find(|(kind, _, of, _)| *kind == &*item.kind && (*of != PolicyKind::Trust || assumes));
        let Some((_, at, kind, what)) = row else {
            // An alias whose key is not known: the key has a policy.
            if policies.decisive {
                policies.resource_open =
                    Some(not_given(Iam::ResourcePolicy { resource: resource.to_string().into() }, None));
            }
            return;
        };
        let policy = |document| Policy {
            item: id,
            pointer: (*at).into(),
            name: format!("{what} {}", item.name).into(),
            kind: *kind,
            document,
            home: Some(Arc::new(home.clone())),
        };
        match self.document(id, at, *kind) {
            Some(document) => policies.resource.push(policy(document)),
            None => match self.unread(id, at) {
                Some(unknown) => policies.resource_open = Some(unknown),
                None if *kind == PolicyKind::Key => self.default_key(id, policies, policy),
                None => policies.notes.push(format!("{what} {} was not seen", item.name).into()),
            },
        }
        if *kind == PolicyKind::Key {
            self.grants(id, policies);
        }
    }

    /// Why a policy that is not there may be there all the same.
    fn unread(&self, id: ItemId, at: &str) -> Option<Unknown> {
        match self.inventory.get(id, at) {
            Ok(crate::inventory::FieldValue::Unknown(unknown)) => Some(unknown),
            _ => None,
        }
    }

    /// A key that is created without a policy gets the default one, which lets the account alone. What AWS says of a key
    /// does not hold its policy.
    fn default_key(&self, id: ItemId, policies: &mut Policies, policy: impl Fn(Arc<Document>) -> Policy) {
        let Some(item) = self.inventory.item(id) else { return };
        let aws = item.body.str_at(&["KeyManager"]) == Some("AWS");
        if aws || item.source.observed() {
            policies.resource_open =
                Some(not_given(Iam::KeyPolicy { key: (&*item.name).into() }, Some((id, String::new()))));
            return;
        }
        let at = item.at();
        let text = |text: &str| Node::text(text, at);
        let map = |members: Vec<(&str, Node)>| {
            Node::new(Value::Map(members.into_iter().map(|(key, node)| (Text::from(key), node)).collect::<Map>()), at)
        };
        let account = crate::iam::environment::account_of(policy(Arc::default()).home.as_deref());
        let principal = Node::new(Value::Map([(Text::from("AWS"), Node::text(account, at))].into_iter().collect()), at);
        let statement = map(vec![
            ("Sid", text("Enable IAM User Permissions")),
            ("Effect", text("Allow")),
            ("Principal", principal),
            ("Action", text("kms:*")),
            ("Resource", text("*")),
        ]);
        let list = Node::new(Value::List([statement].into_iter().collect::<List>()), at);
        let document = map(vec![("Version", text("2012-10-17")), ("Statement", list)]);
        let mut default = policy(Arc::new(Document::new(&document, PolicyKind::Key)));
        default.name = format!("the default policy of key {}", item.name).into();
        policies.resource.push(default);
    }

    fn grants(&self, id: ItemId, policies: &mut Policies) {
        let Some(node) = self.inventory.node(id, "/Grants").filter(|node| !node.is_null()) else {
            match self.unread(id, "/Grants") {
                Some(unknown) => policies.grants_open = Some(unknown),
                None => policies.notes.push("grants of the key were not seen".into()),
            }
            return;
        };
        match &node.value {
            Value::List(list) => {
                for (index, grant) in list.items.iter().enumerate() {
                    let mut at = "/Grants".to_owned();
                    pointer::push(&mut at, &index.to_string());
                    policies.grants.push(Grant::new(id, at, grant));
                }
                if let Some(more) = &list.more {
                    policies.grants_open =
                        Some(Unknown { reason: (**more).clone(), place: Some((id, "/Grants".into())) });
                }
            }
            Value::Unknown(reason) => {
                policies.grants_open =
                    Some(Unknown { reason: (**reason).clone(), place: Some((id, "/Grants".into())) });
            }
            _ => {
                policies.grants_open = Some(Unknown {
                    reason: crate::inventory::Reason::new(Cause::Undecidable, Iam::Grants),
                    place: Some((id, "/Grants".into())),
                });
            }
        }
    }
}
