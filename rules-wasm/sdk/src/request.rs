//! Asking IAM.

use crate::item::{Item, Place};
use crate::value::{Unknown, Value};
use crate::wit::karpcheck::rules::inventory as host;

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Principal {
    /// A role, a user, a `Karpcheck::Controller` (its role); or a policy, as if it were all that its holder has.
    Item(Item),
    /// An AWS service: `events.amazonaws.com`.
    Service(String),
    /// A principal that is not in the inventory, by ARN; parts left empty are those of the target.
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
    /// A text with `{0}`, `{1}`, … for the request's fields.
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
    context: Vec<(String, Operand)>,
    fields: Vec<(Item, String)>,
}

impl Request {
    /// May a principal do this?
    pub fn new(principal: Principal, action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self { principal, action: action.into(), target: target.into(), context: vec![], fields: vec![] }
    }

    /// May an AWS service do this? `Request::by_service("events.amazonaws.com", "kms:Decrypt", key)`.
    pub fn by_service(service: &str, action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self::new(Principal::Service(service.into()), action, target)
    }

    /// May a role, a user, a controller (its role) or the holder of a policy do this?
    pub fn by_item(principal: Item, action: impl Into<String>, target: impl Into<Target>) -> Self {
        Self::new(Principal::Item(principal), action, target)
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

    /// Adds a context key whose value is a template of the request's fields: `ec2.{0}.amazonaws.com`.
    #[must_use]
    pub fn with_template(mut self, key: impl Into<String>, template: impl Into<String>) -> Self {
        self.context.push((key.into(), Operand::Template(template.into())));
        self
    }

    /// Adds a field for templates: the first is `{0}`, the next `{1}`. Its symbols stay symbols there.
    #[must_use]
    pub fn field(mut self, item: Item, pointer: impl Into<String>) -> Self {
        self.fields.push((item, pointer.into()));
        self
    }

    /// The answer, by identity policies with their boundary, resource policies, key policies and grants.
    pub fn decide(self) -> Decision {
        host::decide(&host::Request {
            principal: match self.principal {
                Principal::Item(item) => host::Principal::Item(item.0),
                Principal::Service(service) => host::Principal::Service(service),
                Principal::Arn(arn) => host::Principal::Arn(arn),
                Principal::Anyone => host::Principal::Anyone,
            },
            action: self.action,
            target: match self.target {
                Target::Item(item) => host::Target::Item(item.0),
                Target::Arn(arn) => host::Target::Arn(arn),
            },
            context: self
                .context
                .into_iter()
                .map(|(key, value)| host::ContextKey {
                    key,
                    value: match value {
                        Operand::Value(value) => host::Operand::Value(value.into()),
                        Operand::Template(template) => host::Operand::Template(template),
                    },
                })
                .collect(),
            fields: self.fields.into_iter().map(|(item, pointer)| (item.0, pointer)).collect(),
        })
        .into()
    }
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
    /// It cannot be told: see [`Decision::unknown`].
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
