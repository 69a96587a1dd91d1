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
    /// The ARN of the very session that asks, where it is known: `arn:aws:sts::111122223333:assumed-role/karpenter/s1`.
    pub session: Option<Text>,
}

impl Identity {
    /// From an ARN. A text that is not known to be one is taken for a role's. A session is its role, whose path its ARN
    /// leaves out.
    pub fn new(arn: Text) -> Self {
        let parts = split(&arn);
        if let Some(session) = parts.as_ref().and_then(Session::of) {
            let name = session.role;
            let path = Symbol {
                name: format!("(the path of role {name})").into(),
                scope: SymbolScope::Run,
                reason: Reason::new(Cause::NotProvided, Iam::Path { role: name.as_str().into() }),
            };
            let known = |text: &str| Part::Known(text.into());
            let mut role = vec![known("arn:")];
            role.extend(session.partition.into_parts());
            role.push(known(":iam::"));
            role.extend(session.account.clone().into_parts());
            role.extend([known(":role/"), Part::Hole(path), known(&name)]);
            return Self {
                kind: IdentityKind::Role,
                arn: Text::from_parts(role),
                account: session.account,
                session: Some(arn),
            };
        }
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
        Self { kind, arn, account, session: None }
    }

    /// The name without its path, where it is known.
    pub(super) fn name(&self) -> Option<String> {
        if let Some(session) = self.session.as_ref().and_then(|arn| Session::of(&split(arn)?)) {
            return Some(session.role);
        }
        let Part::Known(end) = self.arn.clone().into_parts().pop()? else { return None };
        end.rsplit_once('/').map(|(_, name)| name.to_owned())
    }
}

/// A role's session: `arn:aws:sts::111122223333:assumed-role/karpenter/s1`.
#[derive(Clone, Debug)]
pub(super) struct Session {
    partition: Text,
    /// The account's number.
    pub(super) account: Text,
    /// The role's name. Its path is not part of the ARN.
    pub(super) role: String,
}

impl Session {
    /// From the parts of an ARN, if it is one of a session.
    pub(super) fn of(parts: &[Text; 6]) -> Option<Self> {
        if parts[2].known() != Some("sts") {
            return None;
        }
        let mut names = parts[5].known()?.strip_prefix("assumed-role/")?.split('/');
        let (role, _session) = (names.next()?, names.next()?);
        Some(Self { partition: parts[1].clone(), account: parts[4].clone(), role: role.to_owned() })
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
