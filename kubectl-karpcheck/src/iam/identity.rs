//! Who asks.

use crate::inventory::reason::Iam;
use crate::inventory::text::SymbolScope;
use crate::inventory::{Cause, Part, Reason, Symbol, Text};

use crate::iam::arn::split;

/// What an ARN of a principal names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdentityKind {
    /// A role, by its sessions.
    Role,
    /// A user.
    User,
    /// The account's root user.
    Root,
}

/// A principal of an account.
#[derive(Clone, PartialEq, Debug)]
pub struct Identity {
    /// A role or user.
    pub kind: IdentityKind,
    /// `arn:aws:iam::111122223333:role/karpenter`; of a role's session, the role's.
    pub arn: Text,
    /// The account's number.
    pub account: Text,
}

impl Identity {
    /// From an ARN. A text that is not known to be one is taken for a role's.
    pub fn new(arn: Text) -> Self {
        let parts = split(&arn);
        let account = parts.as_ref().map_or_else(
            || {
                Text::symbol(Symbol {
                    name: format!("(the account of {arn})").into(),
                    scope: SymbolScope::Run,
                    reason: Reason::new(Cause::NotProvided, Iam::AccountOf { arn: arn.to_string().into() }),
                })
            },
            |parts| parts[4].clone(),
        );
        let kind = match parts.as_ref().map(|parts| &parts[5]) {
            Some(name) if name.starts_with("user/") => IdentityKind::User,
            Some(name) if name.known() == Some("root") => IdentityKind::Root,
            _ => IdentityKind::Role,
        };
        Self { kind, arn, account }
    }

    /// The name without its path, where it is known.
    pub(super) fn name(&self) -> Option<String> {
        let Part::Known(end) = self.arn.clone().into_parts().pop()? else { return None };
        end.rsplit_once('/').map(|(_, name)| name.to_owned())
    }
}

/// Who asks.
#[derive(Clone, PartialEq, Debug)]
pub enum Principal {
    /// A role or user.
    Identity(Identity),
    /// An AWS service, `events.amazonaws.com`.
    Service(Text),
    /// Someone whom an identity provider vouches for: the provider's ARN or name.
    Federated(Text),
    /// Anyone of another account, whose own policies allow everything.
    Anyone,
}
