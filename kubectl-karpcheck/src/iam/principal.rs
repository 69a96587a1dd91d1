//! The `Principal` and `NotPrincipal` elements.

use crate::inventory::Node;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Reason, Symbol, Ternary, Text, Value};

use crate::iam::arn::split;
use crate::iam::environment::Env;
use crate::iam::fault::{Fault, refused};
use crate::iam::identity::{Identity, IdentityKind, Principal, Session};
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
    /// The account, and the partition that its ARN names: it may pass the right on to its own.
    Account(Pattern, Option<Text>),
    /// A role or user by its ARN; of a role that is known, its account and name.
    Arn(Pattern, Option<(Text, String)>),
    /// A role's session by its ARN.
    Session(Pattern, Session),
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
    /// It names the principal itself: a role, a user, a service, a provider.
    pub(super) itself: Ternary,
    /// It names everyone.
    pub(super) everyone: Ternary,
    /// It names the very session that asks, which no boundary limits.
    pub(super) session: Ternary,
    /// It names the principal's account, which can pass the right on by its own policies.
    pub(super) account: Ternary,
}

impl Reach {
    pub(super) const NONE: Self =
        Self { itself: Ternary::No, everyone: Ternary::No, session: Ternary::No, account: Ternary::No };
    /// Of a statement that names no principals: a policy of the principal's own.
    pub(super) const OWN: Self = Self { itself: Ternary::Yes, account: Ternary::Yes, ..Self::NONE };

    const fn itself(answer: Ternary) -> Self {
        Self { itself: answer, ..Self::NONE }
    }

    const fn session(answer: Ternary) -> Self {
        Self { session: answer, ..Self::NONE }
    }

    /// Does it reach the principal without its account passing the right on?
    pub(super) const fn direct(self) -> Ternary {
        self.itself.or(self.everyone).or(self.session)
    }

    pub(super) const fn any(self) -> Ternary {
        self.direct().or(self.account)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self {
            itself: self.itself.or(other.itself),
            everyone: self.everyone.or(other.everyone),
            session: self.session.or(other.session),
            account: self.account.or(other.account),
        }
    }

    /// The same, as far as something else holds, too.
    pub(super) const fn and(self, answer: Ternary) -> Self {
        Self {
            itself: self.itself.and(answer),
            everyone: self.everyone.and(answer),
            session: self.session.and(answer),
            account: self.account.and(answer),
        }
    }

    /// Where there may be more statements: any of these may be a yes.
    pub(super) const fn perhaps(self) -> Self {
        let maybe = Ternary::Unknown;
        self.or(Self { itself: maybe, everyone: maybe, session: maybe, account: maybe })
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
            let why = format!("{kind} is no kind of principal: AWS, Service, Federated or CanonicalUser");
            self.entries.push(rejected(why, at, faults));
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
                "Federated" => match text.known().and_then(not_federated) {
                    Some(why) => rejected(format!("{text}: {why}"), at, faults),
                    None => Entry::Federated(Pattern::new(&text, EXACT)),
                },
                _ => Entry::Other,
            };
            self.entries.push(entry);
        }
    }

    /// Whom do they reach?
    pub(super) fn reach(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Reach {
        let mut reach = Reach::NONE;
        for entry in &self.entries {
            reach = reach.or(entry.reach(env, doubt));
        }
        if let Some(reason) = &self.open
            && reach.direct() != Ternary::Yes
        {
            doubt.get_or_insert_with(|| reason.clone());
            reach = reach.perhaps();
        }
        if !self.not {
            return reach;
        }
        // Everyone but these. A role's session is spared only where the session itself, the role and the account are
        // all listed, and nobody knows the sessions: so who is listed in any form is in doubt, except for a service.
        let listed = reach.any();
        let answer = match (&env.request.principal, listed) {
            (Principal::Identity(identity), Ternary::Yes) if identity.kind != IdentityKind::Root => {
                let itself = match (identity.kind, &identity.session) {
                    (IdentityKind::Role, Some(_)) => reach.itself.and(reach.session),
                    (IdentityKind::Role, None) => Ternary::No,
                    (IdentityKind::User | IdentityKind::Root, _) => reach.itself,
                };
                if reach.everyone == Ternary::Yes || itself.and(reach.account) == Ternary::Yes {
                    Ternary::No
                } else {
                    doubt.get_or_insert_with(|| Reason::new(Cause::Undecidable, Iam::NotPrincipal));
                    Ternary::Unknown
                }
            }
            (_, listed) => !listed,
        };
        Reach { everyone: answer, ..Reach::NONE }
    }
}

/// A principal for which AWS refuses the whole policy.
fn rejected(why: String, at: &str, faults: &mut Vec<Fault>) -> Entry {
    let entry = Entry::Unknown(refused(&why));
    faults.push(Fault::rejected(at, why));
    entry
}

/// Why IAM takes a text for no provider of identities: "Federated principals must be valid domain names or SAML metadata ARNs"
/// (<https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2594>).
fn not_federated(text: &str) -> Option<&'static str> {
    if text.contains(['*', '?']) {
        return Some("a federated principal takes no wildcards");
    }
    (!text.starts_with("arn:") && !text.contains('.')).then_some("a federated principal is an ARN or a domain")
}

fn aws(text: &Text, at: &str, faults: &mut Vec<Fault>) -> Entry {
    if text.known() == Some("*") {
        return Entry::Everyone;
    }
    if let Some(known) = text.known() {
        if known.len() == 12 && known.bytes().all(|byte| byte.is_ascii_digit()) {
            return Entry::Account(Pattern::new(text, EXACT), None);
        }
        if known.starts_with("arn:") && known.contains(['*', '?']) {
            return rejected(format!("{known}: a principal's ARN takes no wildcards"), at, faults);
        }
        if ["AROA", "AIDA"].iter().any(|prefix| known.starts_with(prefix)) {
            return Entry::Unknown(Reason::new(Cause::Undecidable, Iam::PrincipalId { id: known.into() }));
        }
        if !known.starts_with("arn:") {
            return rejected(format!("{known} is no principal: an account, an ARN or \"*\""), at, faults);
        }
    }
    if let Some(parts) = split(text) {
        if parts[5].known() == Some("root") {
            return Entry::Account(Pattern::new(&parts[4], EXACT), Some(parts[1].clone()));
        }
        let pattern = Pattern::new(text, EXACT);
        if let Some(session) = Session::of(&parts) {
            return Entry::Session(pattern, session);
        }
        let role = parts[5].known().and_then(|name| name.strip_prefix("role/"));
        let name = role.and_then(|name| name.rsplit('/').next()).map(str::to_owned);
        return Entry::Arn(pattern, name.map(|name| (parts[4].clone(), name)));
    }
    match text.hole() {
        // `${AWS::AccountId}` alone is the account.
        Some(symbol) if &*symbol.name == crate::inventory::arn::ACCOUNT && text.is(crate::inventory::arn::ACCOUNT) => {
            Entry::Account(Pattern::new(text, EXACT), None)
        }
        _ => Entry::Arn(Pattern::new(text, EXACT), None),
    }
}

impl Entry {
    fn reach(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Reach {
        match (self, &env.request.principal) {
            (Self::Unknown(reason), _) => {
                doubt.get_or_insert_with(|| reason.clone());
                Reach::NONE.perhaps()
            }
            (Self::Everyone, _) => Reach { everyone: Ternary::Yes, ..Reach::NONE },
            (Self::Service(pattern), Principal::Service(name))
            | (Self::Federated(pattern), Principal::Federated(name)) => {
                Reach::itself(pattern.matches(name, env, doubt))
            }
            // An account has its number in one partition alone.
            (Self::Account(_, Some(partition)), Principal::Identity(identity))
                if split(&identity.arn).is_some_and(|own| own[1].same(partition) == Ternary::No) =>
            {
                Reach::NONE
            }
            (Self::Account(pattern, _), Principal::Identity(identity)) => {
                let account = pattern.matches(&identity.account, env, doubt);
                // To the root user itself the account is the principal.
                let itself = if identity.kind == IdentityKind::Root { account } else { Ternary::No };
                Reach { itself, account, ..Reach::NONE }
            }
            (Self::Arn(pattern, of), Principal::Identity(identity)) => arn(pattern, of.as_ref(), identity, env, doubt),
            (Self::Session(pattern, session), Principal::Identity(identity)) => {
                Reach::session(is_session(pattern, session, identity, env, doubt))
            }
            (
                Self::Arn(..)
                | Self::Session(..)
                | Self::Account(..)
                | Self::Service(_)
                | Self::Federated(_)
                | Self::Other,
                _,
            ) => Reach::NONE,
        }
    }
}

fn arn(
    pattern: &Pattern,
    of: Option<&(Text, String)>,
    identity: &Identity,
    env: &Env<'_>,
    doubt: &mut Option<Reason>,
) -> Reach {
    // A session's ARN has no path, and an account has no two roles of one name: where AWS took the policy, the role that
    // it names is there.
    if let (Some((account, name)), Some(_)) = (of, &identity.session)
        && identity.arn.known().is_none()
    {
        let same = Ternary::from(identity.name().as_ref() == Some(name));
        return Reach::itself(same.and(account.same(&identity.account)));
    }
    let same = pattern.matches(&identity.arn, env, doubt);
    // A hole may stand for a whole account, too.
    let account =
        if same == Ternary::Unknown && split(&pattern.written).is_none() { Ternary::Unknown } else { Ternary::No };
    Reach { itself: same, account, ..Reach::NONE }
}

/// Is it the session that asks? Whichever that is: a role's sessions have names of their own.
fn is_session(
    pattern: &Pattern,
    session: &Session,
    identity: &Identity,
    env: &Env<'_>,
    doubt: &mut Option<Reason>,
) -> Ternary {
    if let Some(own) = &identity.session {
        return pattern.matches(own, env, doubt);
    }
    if identity.kind != IdentityKind::Role
        || identity.account.same(&session.account) == Ternary::No
        || identity.name().is_some_and(|own| own != session.role)
    {
        return Ternary::No;
    }
    doubt.get_or_insert_with(|| Reason::new(Cause::Undecidable, Iam::Session { name: session.role.as_str().into() }));
    Ternary::Unknown
}
