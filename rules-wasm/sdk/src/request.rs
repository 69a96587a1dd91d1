//! Asking IAM.

use std::rc::Rc;

use crate::field::Field;
use crate::host;
use crate::item::{Item, Place};
use crate::value::{Unknown, Value};

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Principal {
    /// A role, a user, a `Karpcheck::Controller` (its role); or a policy, as if it were all that its holder has.
    Item(Item),
    /// An AWS service: `events.amazonaws.com`.
    Service(String),
    /// An identity provider, by the ARN of its OIDC provider (a template of the request's fields) or by name: who asks for
    /// `sts:AssumeRoleWithWebIdentity`. What its token says are context keys: `ISSUER:sub`, `ISSUER:aud`.
    Federated(String),
    /// A principal that is not in the inventory, by ARN, a template of the request's fields; parts left empty are those of the
    /// target.
    Arn(String),
    /// A stranger in another account: is the resource open to the public?
    Anyone,
}

/// What they ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// An item.
    Item(Item),
    /// An ARN, a template of the request's fields; `*` for an action that has no resource. Parts left empty are those of
    /// the principal: `arn::ec2:::volume/probe`.
    Arn(String),
}

impl From<Item> for Target {
    fn from(item: Item) -> Self {
        Self::Item(item)
    }
}

impl From<&str> for Target {
    fn from(arn: &str) -> Self {
        Self::Arn(arn.into())
    }
}

impl From<String> for Target {
    fn from(arn: String) -> Self {
        Self::Arn(arn)
    }
}

/// A value in a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    /// A value, also absent or unknown: the answer of [`Item::get`] as it is.
    Value(Value),
    /// A text with the names of the request's fields in braces: `ec2.{region}.amazonaws.com`.
    Template(String),
}

impl<T: Into<Value>> From<T> for Operand {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

/// A question to IAM: would AWS allow it?
///
/// The host adds what follows from principal, target and action (`aws:PrincipalArn`, `kms:CallerAccount`, …) unless it
/// is named here. Any other key of the context is unknown.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    principal: Principal,
    action: String,
    target: Target,
    prepared: Option<Prepared>,
    context: Vec<(String, Operand)>,
    fields: Vec<(String, Field)>,
}

/// A context that is put together once for many requests: see [`Request::prepare`].
#[derive(Clone, PartialEq, Debug)]
pub struct Prepared {
    /// With numbers in the place of the fields' names.
    context: Rc<[(String, Operand)]>,
    fields: usize,
}

impl Request {
    /// May a principal do this?
    pub fn new(principal: Principal, action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self {
            principal,
            action: action.into(),
            target: target.into(),
            prepared: None,
            context: vec![],
            fields: vec![],
        }
    }

    /// May an AWS service do this? `Request::by_service("events.amazonaws.com", "kms:Decrypt", key)`.
    pub fn by_service(service: &str, action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self::new(Principal::Service(service.into()), action, target)
    }

    /// May a role, a user, a controller (its role) or the holder of a policy do this?
    pub fn by_item(principal: Item, action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self::new(Principal::Item(principal), action, target)
    }

    /// May someone whom an identity provider vouches for do this? `sts:AssumeRoleWithWebIdentity` on a role.
    pub fn by_provider(provider: impl Into<String>, action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self::new(Principal::Federated(provider.into()), action, target)
    }

    /// May a principal that is not in the inventory do this?
    pub fn by_arn(arn: impl Into<String>, action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self::new(Principal::Arn(arn.into()), action, target)
    }

    /// May a stranger in another account do this?
    pub fn by_anyone(action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self::new(Principal::Anyone, action, target)
    }

    /// Adds a context key. A key that is added several times has several values; [`Value::Absent`] says that the request
    /// does not have it; a key that ends in `*` stands for all keys with that beginning that are not named themselves.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Operand>) -> Self {
        self.context.push((key.into(), value.into()));
        self
    }

    /// Adds a context key whose value is a template of the request's fields: `ec2.{region}.amazonaws.com`.
    #[must_use]
    pub fn with_template(mut self, key: impl Into<String>, template: impl Into<String>) -> Self {
        self.context.push((key.into(), Operand::Template(template.into())));
        self
    }

    /// Names a field for templates: `{queue}` in a target's ARN, a context key or a template is what the field holds. What is
    /// symbolic there stays the same symbol, so that it meets itself in a policy.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, field: impl Into<Field>) -> Self {
        self.fields.push((name.into(), field.into()));
        self
    }

    /// The context of this request, for others that name the same fields first, each of which may be another item's.
    ///
    /// # Panics
    ///
    /// As [`decide`](Self::decide).
    pub fn prepare(self) -> Prepared {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        Prepared { context: context(self.prepared.as_ref(), self.context, &names).collect(), fields: names.len() }
    }

    /// Has a context that was prepared, before what is added to it.
    ///
    /// # Panics
    ///
    /// Where this request has fewer fields than the one that it was prepared by: a mistake in the rule.
    #[must_use]
    pub fn with_prepared(self, context: &Prepared) -> Self {
        assert!(context.fields <= self.fields.len(), "a prepared context names fields that the request does not have");
        Self { prepared: Some(context.clone()), ..self }
    }

    /// The answer, by identity policies with their boundary, resource policies, key policies and grants.
    ///
    /// # Panics
    ///
    /// In native tests, where a template names a field that the request does not have: a mistake in the rule.
    pub fn decide(self) -> Decision {
        host::decide(&self.numbered()).into()
    }

    /// The request with numbers in the place of names, as the contract has them.
    fn numbered(self) -> host::Request {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        let fill = |template: String| numbered(template, &names);
        host::Request {
            principal: match self.principal {
                Principal::Item(item) => host::Principal::Item(item.0),
                Principal::Service(service) => host::Principal::Service(service),
                Principal::Federated(provider) => host::Principal::Federated(fill(provider)),
                Principal::Arn(arn) => host::Principal::Arn(fill(arn)),
                Principal::Anyone => host::Principal::Anyone,
            },
            action: self.action,
            target: match self.target {
                Target::Item(item) => host::Target::Item(item.0),
                Target::Arn(arn) => host::Target::Arn(fill(arn)),
            },
            context: context(self.prepared.as_ref(), self.context, &names)
                .map(|(key, value)| host::ContextKey {
                    key,
                    value: match value {
                        Operand::Value(value) => host::Operand::Value(value.into()),
                        Operand::Template(template) => host::Operand::Template(template),
                    },
                })
                .collect(),
            fields: self.fields.iter().map(|(_, field)| (field.item().0, field.pointer().to_owned())).collect(),
        }
    }
}

/// What was prepared, and what was added to it, with numbers in the place of the fields' names.
fn context<'a>(
    prepared: Option<&'a Prepared>,
    added: Vec<(String, Operand)>,
    names: &'a [&str],
) -> impl Iterator<Item = (String, Operand)> + 'a {
    let added = added.into_iter().map(move |(key, value)| match value {
        Operand::Template(template) => (numbered(key, names), Operand::Template(numbered(template, names))),
        value @ Operand::Value(_) => (numbered(key, names), value),
    });
    prepared.into_iter().flat_map(|prepared| prepared.context.iter().cloned()).chain(added)
}

/// `{0}` for the name of the first field in braces. Other braces come from what was read (a tag's name), and stay.
fn numbered(template: String, names: &[&str]) -> String {
    // Templates are short: looking at byte after byte is faster than a search that is made for long texts.
    if !template.bytes().any(|byte| byte == b'{') {
        return template;
    }
    let mut text = String::with_capacity(template.len());
    let mut rest = template.as_str();
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        let index = names.iter().position(|own| *own == name);
        // In a test nothing was read: it is a mistake in the rule.
        assert!(
            cfg!(target_arch = "wasm32") || index.is_some(),
            "the template {template} names {name}, and the request has no field of that name"
        );
        text.push_str(before);
        text.push('{');
        match index {
            Some(index) => text.push_str(&index.to_string()),
            None => text.push_str(name),
        }
        text.push('}');
        rest = after;
    }
    text + rest
}

/// Would AWS allow it?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Yes.
    Allowed,
    /// No statement allows it.
    ImplicitDeny,
    /// A statement forbids it.
    ExplicitDeny,
    /// It is not known: see [`Decision::unknown`].
    Unknown,
}

/// IAM's answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    /// Allowed or not.
    pub access: Access,
    /// The reason in one sentence, fit for a finding's message.
    pub why: String,
    /// The statements that decide; of an implicit deny the nearest miss, at the very elements that do not match; of an
    /// unknown access what cannot be evaluated.
    pub statements: Vec<Place>,
    /// Of an unknown access.
    pub unknown: Option<Unknown>,
}

impl Decision {
    /// Is it certainly denied?
    pub const fn is_denied(&self) -> bool {
        matches!(self.access, Access::ImplicitDeny | Access::ExplicitDeny)
    }

    /// Is it allowed? `?` ends the judgement where that is unknown.
    pub fn allowed(&self) -> Result<bool, Unknown> {
        match self.access {
            Access::Allowed => Ok(true),
            Access::ImplicitDeny | Access::ExplicitDeny => Ok(false),
            Access::Unknown => Err(self.unknown.clone().into()),
        }
    }
}

impl From<host::Decision> for Decision {
    fn from(decision: host::Decision) -> Self {
        Self {
            access: match decision.access {
                host::Access::Allowed => Access::Allowed,
                host::Access::ImplicitDeny => Access::ImplicitDeny,
                host::Access::ExplicitDeny => Access::ExplicitDeny,
                host::Access::Unknown => Access::Unknown,
            },
            why: decision.why,
            statements: decision.statements.into_iter().map(Place::from).collect(),
            unknown: decision.unknown.map(Unknown::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_and_become_numbers() {
        let (queue, rule) = (Item(1), Item(2));
        let request = Request::by_service("events.amazonaws.com", "kms:Decrypt", "arn::kms:{region}::key/x")
            .field("queue", queue.field("@arn"))
            .field("region", queue.field("@region"))
            .field("rule", rule.field("@arn"))
            .with_template("aws:SourceArn", "{rule}")
            .with("aws:ResourceTag/{queue}", Value::Absent)
            .numbered();
        assert!(matches!(&request.target, host::Target::Arn(arn) if arn == "arn::kms:{1}::key/x"));
        assert!(matches!(&request.context[0].value, host::Operand::Template(text) if text == "{2}"));
        assert_eq!(request.context[1].key, "aws:ResourceTag/{0}");
        assert_eq!(request.fields[1], (1, "@region".to_owned()));
    }

    #[test]
    fn a_prepared_context_is_what_it_was_prepared_from() {
        let (one, other) = (Item(1), Item(2));
        let of = |item: Item| {
            Request::by_item(item, "kms:Decrypt", "*")
                .field("name", item.field("@name"))
                .field("arn", item.field("@arn"))
        };
        let context = |request: Request| request.with_template("aws:ResourceTag/{name}", "{arn}").with("a:b", true);
        let prepared = context(of(one)).prepare();
        let (plain, ready) = (context(of(other)).with("c:d", "e"), of(other).with_prepared(&prepared).with("c:d", "e"));
        let [plain, ready] = [plain, ready].map(|request| format!("{:?}", request.numbered()));
        assert_eq!(ready, plain);
        assert!(ready.contains("aws:ResourceTag/{0}") && ready.contains("{1}"), "{ready}");
    }

    #[test]
    #[should_panic(expected = "fields that the request does not have")]
    fn a_prepared_context_needs_its_fields() {
        let prepared = Request::by_anyone("kms:Decrypt", "*").field("name", Item(1).field("@name")).prepare();
        let _ = Request::by_anyone("kms:Decrypt", "*").with_prepared(&prepared);
    }

    #[test]
    #[should_panic(expected = "no field of that name")]
    fn a_template_names_only_fields_of_the_request() {
        numbered("{queue}".into(), &["rule"]);
    }
}
