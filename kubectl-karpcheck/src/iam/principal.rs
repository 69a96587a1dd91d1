//! The `Principal` and `NotPrincipal` elements.

use crate::inventory::Node;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Reason, Symbol, Ternary, Text, Value};

use crate::iam::arn::split;
use crate::iam::environment::Env;
use crate::iam::fault::{Fault, refused};
use crate::iam::identity::{Identity, IdentityKind, Principal};
use crate::iam::pattern::{Pattern, Syntax};

/// The principals of a statement of a resource's policy.
#[derive(Clone, Debug)]
pub(super) struct Principals {
    pub(super) not: bool,
    entries: Vec<Entry>,
    open: Option<Reason>,
}

#[derive(Clone, Debug)]
enum Entry {
    /// `*`, alone or as `AWS`.
    Everyone,
    /// The account: it may pass the right on to its own.
    Account(Pattern),
    /// A role, user or session by its ARN.
    Arn(Pattern),
    Service(Pattern),
    /// An identity provider, by ARN or name.
    Federated(Pattern),
    /// Canonical users: nobody that is asked about here.
    Other,
    Unknown(Reason),
}

/// How a statement reaches a principal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// It names the principal itself, or everyone.
    pub(super) direct: Ternary,
    /// It names the principal's account, which can pass the right on by its own policies.
    pub(super) account: Ternary,
}

impl Reach {
    pub(super) const ALL: Self = Self { direct: Ternary::Yes, account: Ternary::Yes };

    pub(super) const fn any(self) -> Ternary {
        self.direct.or(self.account)
    }
}

const EXACT: Syntax = Syntax { wildcards: false, variables: true, fold: false };

impl Principals {
    /// Reads the element. `at` is its pointer in the document.
    pub(super) fn new(not: bool, node: &Node, at: &str, faults: &mut Vec<Fault>) -> Self {
        let mut read = Self { not, entries: vec![], open: None };
        match &node.value {
            Value::Text(text) if text.known() == Some("*") => read.entries.push(Entry::Everyone),
            Value::Text(text) => match text.hole() {
                Some(symbol) => read.entries.push(Entry::Unknown(symbol.reason.clone())),
                None => {
                    let message = format!("Principal is {text}: it is \"*\" or an object such as {{\"AWS\": …}}");
                    read.entries.push(Entry::Unknown(refused(&message)));
                    faults.push(Fault::rejected(at, message));
                }
            },
            Value::Unknown(reason) => read.open = Some((**reason).clone()),
            Value::Map(map) => {
                for (key, node) in &map.entries {
                    let at = format!("{at}/{key}");
                    let Some(kind) = key.known() else {
                        read.open = key.hole().map(Symbol::reason);
                        continue;
                    };
                    read.member(kind, node, &at, faults);
                }
                read.open = read.open.or_else(|| map.more.as_deref().cloned());
            }
            Value::Null | Value::Flag(_) | Value::Number(_) | Value::List(_) => {
                let message = "Principal is neither \"*\" nor an object".to_owned();
                read.entries.push(Entry::Unknown(refused(&message)));
                faults.push(Fault::rejected(at, message));
            }
        }
        read
    }

    fn member(&mut self, kind: &str, node: &Node, at: &str, faults: &mut Vec<Fault>) {
        let values: &[Node] = match &node.value {
            Value::List(list) => {
                self.open = self.open.take().or_else(|| list.more.as_deref().cloned());
                &list.items
            }
            _ => std::slice::from_ref(node),
        };
        if !matches!(kind, "AWS" | "Service" | "Federated" | "CanonicalUser") {
            let message = format!("{kind} is no kind of principal: AWS, Service, Federated or CanonicalUser");
            self.entries.push(Entry::Unknown(refused(&message)));
            faults.push(Fault::rejected(at, message));
            return;
        }
        for value in values {
            let text = match &value.value {
                Value::Text(text) => text.clone(),
                Value::Number(number) => Text::from(crate::inventory::node::json_number(*number).to_string()),
                Value::Unknown(reason) => {
                    self.open = self.open.take().or_else(|| Some((**reason).clone()));
                    continue;
                }
                _ => {
                    faults.push(Fault::rejected(at, format!("a principal under {kind} is no text")));
                    continue;
                }
            };
            let entry = match kind {
                "AWS" => aws(&text, at, faults),
                // The older form of everyone is accepted for services, too, but names no service.
                "Service" => Entry::Service(Pattern::new(&text, EXACT)),
                "Federated" => Entry::Federated(Pattern::new(&text, EXACT)),
                _ => Entry::Other,
            };
            self.entries.push(entry);
        }
    }

    /// Whom do they reach?
    pub(super) fn reach(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Reach {
        let mut reach = Reach { direct: Ternary::No, account: Ternary::No };
        for entry in &self.entries {
            let one = entry.reach(env, doubt);
            reach.direct = reach.direct.or(one.direct);
            reach.account = reach.account.or(one.account);
        }
        if let Some(reason) = &self.open
            && reach.direct != Ternary::Yes
        {
            doubt.get_or_insert_with(|| reason.clone());
            reach.direct = Ternary::Unknown;
            reach.account = reach.account.or(Ternary::Unknown);
        }
        if !self.not {
            return reach;
        }
        // Everyone but these. A role's session is spared only where the session itself, the role and the account are
        // all listed, and nobody knows the sessions: so who is listed in any form is in doubt, except for a service.
        let listed = reach.any();
        let answer = match (&env.request.principal, listed) {
            (Principal::Identity(identity), Ternary::Yes) if identity.kind != IdentityKind::Root => {
                let everyone = self.entries.iter().any(|entry| matches!(entry, Entry::Everyone));
                let user = identity.kind == IdentityKind::User
                    && reach.direct == Ternary::Yes
                    && reach.account == Ternary::Yes;
                if everyone || user {
                    Ternary::No
                } else {
                    doubt.get_or_insert_with(|| Reason::new(Cause::Undecidable, Iam::NotPrincipal));
                    Ternary::Unknown
                }
            }
            (_, listed) => !listed,
        };
        Reach { direct: answer, account: Ternary::No }
    }

    /// Is everyone named?
    pub(super) fn everyone(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Everyone))
    }

    /// Is a role's session named, which no boundary limits?
    pub(super) fn session(&self) -> bool {
        self.entries.iter().any(|entry| match entry {
            Entry::Arn(pattern) => pattern.written.to_string().contains(":assumed-role/"),
            _ => false,
        })
    }
}

fn aws(text: &Text, at: &str, faults: &mut Vec<Fault>) -> Entry {
    if text.known() == Some("*") {
        return Entry::Everyone;
    }
    if let Some(known) = text.known() {
        if known.len() == 12 && known.bytes().all(|byte| byte.is_ascii_digit()) {
            return Entry::Account(Pattern::new(text, EXACT));
        }
        if known.starts_with("arn:") && known.contains(['*', '?']) {
            let message = format!("{known}: a principal's ARN takes no wildcards");
            faults.push(Fault::rejected(at, message.clone()));
            return Entry::Unknown(refused(&message));
        }
        if ["AROA", "AIDA"].iter().any(|prefix| known.starts_with(prefix)) {
            return Entry::Unknown(Reason::new(Cause::Undecidable, Iam::PrincipalId { id: known.into() }));
        }
        if !known.starts_with("arn:") {
            let message = format!("{known} is no principal: an account, an ARN or \"*\"");
            faults.push(Fault::rejected(at, message.clone()));
            return Entry::Unknown(refused(&message));
        }
    }
    if let Some(parts) = split(text) {
        if parts[5].known() == Some("root") {
            return Entry::Account(Pattern::new(&parts[4], EXACT));
        }
        return Entry::Arn(Pattern::new(text, EXACT));
    }
    match text.hole() {
        // `${AWS::AccountId}` alone is the account.
        Some(symbol) if &*symbol.name == crate::inventory::arn::ACCOUNT && text.is(crate::inventory::arn::ACCOUNT) => {
            Entry::Account(Pattern::new(text, EXACT))
        }
        _ => Entry::Arn(Pattern::new(text, EXACT)),
    }
}

impl Entry {
    fn reach(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Reach {
        let no = Reach { direct: Ternary::No, account: Ternary::No };
        let direct = |direct| Reach { direct, account: Ternary::No };
        match (self, &env.request.principal) {
            (Self::Unknown(reason), _) => {
                doubt.get_or_insert_with(|| reason.clone());
                Reach { direct: Ternary::Unknown, account: Ternary::Unknown }
            }
            (Self::Everyone, _) => direct(Ternary::Yes),
            (Self::Service(pattern), Principal::Service(name))
            | (Self::Federated(pattern), Principal::Federated(name)) => direct(pattern.matches(name, env, doubt)),
            (Self::Account(pattern), Principal::Identity(identity)) => {
                let account = pattern.matches(&identity.account, env, doubt);
                // To the root user itself the account is the principal.
                let own = if identity.kind == IdentityKind::Root { account } else { Ternary::No };
                Reach { direct: own, account }
            }
            (Self::Arn(pattern), Principal::Identity(identity)) => arn(pattern, identity, env, doubt),
            (Self::Arn(_) | Self::Account(_) | Self::Service(_) | Self::Federated(_) | Self::Other, _) => no,
        }
    }
}

fn arn(pattern: &Pattern, identity: &Identity, env: &Env<'_>, doubt: &mut Option<Reason>) -> Reach {
    let direct = |direct| Reach { direct, account: Ternary::No };
    let same = pattern.matches(&identity.arn, env, doubt);
    if same != Ternary::No {
        // A hole may stand for a whole account, too.
        let account =
            if same == Ternary::Unknown && split(&pattern.written).is_none() { Ternary::Unknown } else { Ternary::No };
        return Reach { direct: same, account };
    }
    // arn:aws:sts::111122223333:assumed-role/NAME/SESSION is a session of the role, whichever it is.
    let session =
        pattern.written.known().and_then(|known| known.split_once(":assumed-role/")).and_then(|(before, rest)| {
            let account = before.rsplit(':').next()?.to_owned();
            Some((account, rest.split('/').next()?.to_owned()))
        });
    if let Some((account, name)) = session
        && identity.kind == IdentityKind::Role
        && identity.account.same(&Text::from(account)) != Ternary::No
        && identity.name().is_none_or(|own| own == name)
    {
        doubt.get_or_insert_with(|| Reason::new(Cause::Undecidable, Iam::Session { name: name.into() }));
        return direct(Ternary::Unknown);
    }
    direct(Ternary::No)
}
