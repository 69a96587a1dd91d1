//! All policies together: is a request allowed?

use crate::inventory::Place;
use crate::inventory::{ItemId, Reason, Ternary, Unknown};

use crate::iam::document::{Effect, Statement};
use crate::iam::environment::{Env, Request};
use crate::iam::fault::{Consequence, Fault};
use crate::iam::grant::Grant;
use crate::iam::identity::{IdentityKind, Principal};
use crate::iam::policies::{Boundary, Policies, Policy, Which};
use crate::iam::principal::Reach;

mod explain;

/// Would AWS allow it?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Yes.
    Allowed,
    /// No statement allows it.
    ImplicitDeny,
    /// A statement forbids it.
    ExplicitDeny,
    /// It cannot be told.
    Unknown,
}

impl Access {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ImplicitDeny => "implicit-deny",
            Self::ExplicitDeny => "explicit-deny",
            Self::Unknown => "unknown",
        }
    }
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The answer.
    pub access: Access,
    /// The reason in one sentence, fit for a finding.
    pub why: String,
    /// The deciding statements; of an implicit deny the nearest miss, at the very elements that fail; of an unknown what
    /// cannot be evaluated.
    pub statements: Vec<Place>,
    /// Why it is unknown, and where knowledge ends.
    pub unknown: Option<Unknown>,
    /// What was not seen or was assumed.
    pub notes: Vec<String>,
    /// What is wrong with the policies in themselves.
    pub faults: Vec<(ItemId, Fault)>,
}

/// Something that cannot be told, and where.
struct Doubt<'p> {
    policy: &'p Policy,
    statement: Option<&'p Statement>,
    reason: Reason,
}

/// What the policies of one kind say.
struct Tally<'p> {
    deny: Ternary,
    /// Whom the statements that allow reach.
    allow: Reach,
    denied_by: Vec<Which<'p>>,
    direct_by: Option<Which<'p>>,
    account_by: Option<Which<'p>>,
    deny_doubts: Vec<Doubt<'p>>,
    allow_doubts: Vec<Doubt<'p>>,
}

fn tally<'p>(policies: &'p [Policy], request: &Request) -> Tally<'p> {
    let mut sum = Tally {
        deny: Ternary::No,
        allow: Reach::NONE,
        denied_by: vec![],
        direct_by: None,
        account_by: None,
        deny_doubts: vec![],
        allow_doubts: vec![],
    };
    for policy in policies {
        let env = Env::new(request, policy.home.as_deref());
        for statement in policy.document.about(env.action) {
            let mut doubt = None;
            let reach = statement.applies(&env, &mut doubt);
            if reach.any() == Ternary::No {
                continue;
            }
            let which = Which { policy, statement };
            // What AWS refuses as a whole is not what it has: nothing in it is certain.
            if let Some((reason, _)) = &policy.document.refused {
                doubt.get_or_insert_with(|| reason.clone());
            }
            let unknown = matches!(statement.effect, Effect::Unknown(_)) || policy.document.refused.is_some();
            if statement.effect != Effect::Allow {
                let denies = if unknown { reach.any().and(Ternary::Unknown) } else { reach.any() };
                sum.deny = sum.deny.or(denies);
                match denies {
                    Ternary::Yes => sum.denied_by.push(which),
                    Ternary::Unknown => sum.deny_doubts.extend(doubt.clone().map(|reason| Doubt {
                        policy,
                        statement: Some(statement),
                        reason,
                    })),
                    Ternary::No => {}
                }
            }
            if statement.effect != Effect::Deny {
                let reach = if unknown { reach.and(Ternary::Unknown) } else { reach };
                let (direct, account) = (reach.direct(), reach.account);
                if direct == Ternary::Yes {
                    sum.direct_by.get_or_insert(which);
                }
                if account == Ternary::Yes {
                    sum.account_by.get_or_insert(which);
                }
                if direct == Ternary::Unknown || account == Ternary::Unknown {
                    sum.allow_doubts.extend(doubt.map(|reason| Doubt { policy, statement: Some(statement), reason }));
                }
                sum.allow = sum.allow.or(reach);
            }
        }
        if let Some(reason) = &policy.document.open {
            sum.allow = sum.allow.perhaps();
            sum.allow_doubts.push(Doubt { policy, statement: None, reason: reason.clone() });
        }
    }
    sum
}

fn widen(answer: Ternary, open: Option<&Unknown>) -> Ternary {
    if open.is_some() { answer.or(Ternary::Unknown) } else { answer }
}

/// All tallies of a request.
struct Sums<'p> {
    identity: Tally<'p>,
    boundary: Tally<'p>,
    organisation: Tally<'p>,
    resource_control: Tally<'p>,
    resource: Tally<'p>,
    grants: Ternary,
    granted_by: Option<&'p Grant>,
    grant_doubt: Option<(&'p Grant, Reason)>,
    /// May the principal, by its own policies?
    own: Ternary,
    /// Does the boundary let it?
    within: Ternary,
    /// Does the resource's policy let the principal itself?
    direct: Ternary,
    /// Does it do so within the boundary, as far as that limits it?
    limited: Ternary,
    /// Does it let the principal's account?
    account: Ternary,
}

/// What AWS never asks a permission for, not even where a policy denies it.
const FREE: &[&str] = &["sts:getcalleridentity"];

/// Would AWS allow a request?
pub fn decide(request: &Request, policies: &Policies) -> Decision {
    let mut decision = rule(request, policies);
    if is_free(request) {
        return decision;
    }
    decision.notes.extend(policies.notes.iter().map(ToString::to_string));
    if decision.access == Access::Allowed {
        decision.notes.extend(explain::unseen(policies));
    }
    decision.faults = faults(policies).collect();
    decision
}

/// The same without notes and faults, which a rule does not ask for.
pub fn rule(request: &Request, policies: &Policies) -> Decision {
    if is_free(request) {
        return explain::free(request);
    }
    let boundary: &[Policy] = match &policies.boundary {
        Boundary::Given(policy) => std::slice::from_ref(policy),
        Boundary::Unseen | Boundary::None | Boundary::Unknown(_) => &[],
    };
    let sums = sum(request, policies, boundary);
    let deny = Ternary::any(sums.all().map(|tally| tally.deny));
    let allow = allow(request, policies, &sums);
    let access = match (deny, allow) {
        (Ternary::Yes, _) => Access::ExplicitDeny,
        (_, Ternary::No) => Access::ImplicitDeny,
        (Ternary::No, Ternary::Yes) => Access::Allowed,
        _ => Access::Unknown,
    };
    let mut decision = match access {
        Access::Allowed => explain::allowed(request, policies, &sums),
        Access::ExplicitDeny => explain::forbidden(request, &sums),
        Access::ImplicitDeny => explain::missing(request, policies, &sums),
        Access::Unknown => explain::undecided(request, policies, &sums, allow),
    };
    if access == Access::ImplicitDeny {
        decision.beware(policies);
    }
    decision
}

fn is_free(request: &Request) -> bool {
    FREE.contains(&request.lower()) && matches!(request.principal, Principal::Identity(_))
}

/// What is wrong with the policies in themselves, each at its place in the item.
fn faults(policies: &Policies) -> impl Iterator<Item = (ItemId, Fault)> {
    policies.identity.iter().chain(&policies.resource).flat_map(|policy| {
        policy.document.faults.iter().map(|fault| {
            let mut fault = fault.clone();
            fault.pointer = format!("{}{}", policy.pointer, fault.pointer);
            (policy.item, fault)
        })
    })
}

fn sum<'p>(request: &Request, policies: &'p Policies, boundary: &'p [Policy]) -> Sums<'p> {
    let identity = tally(&policies.identity, request);
    let boundary = tally(boundary, request);
    let resource = tally(&policies.resource, request);
    let env = Env::new(request, None);
    let (mut grants, mut granted_by, mut grant_doubt) = (Ternary::No, None, None);
    for grant in &policies.grants {
        let mut doubt = None;
        let answer = grant.allows(&env, &mut doubt);
        if answer == Ternary::Yes {
            granted_by.get_or_insert(grant);
        }
        if let Some(reason) = doubt {
            grant_doubt.get_or_insert((grant, reason));
        }
        grants = grants.or(answer);
    }
    let kind = match &request.principal {
        Principal::Identity(identity) => Some(identity.kind),
        Principal::Service(_) | Principal::Federated(_) | Principal::Anyone => None,
    };
    let within = match &policies.boundary {
        Boundary::Unseen | Boundary::None => Ternary::Yes,
        Boundary::Given(_) => boundary.allow.direct(),
        Boundary::Unknown(_) => Ternary::Unknown,
    };
    let reach = resource.allow;
    let open = policies.resource_open.as_ref();
    Sums {
        own: match kind {
            Some(IdentityKind::Root) => Ternary::Yes,
            _ => widen(identity.allow.direct(), policies.identity_open.as_ref()),
        },
        within,
        direct: widen(reach.direct(), open),
        // A boundary limits what a resource's policy gives a role by its ARN, not what it gives a session or a user. Of
        // everyone AWS does not say.
        limited: match kind {
            Some(IdentityKind::Role) => {
                let everyone = reach.everyone.and(within.or(Ternary::Unknown));
                widen(Ternary::any([reach.itself.and(within), everyone, reach.session]), open)
            }
            _ => widen(reach.direct(), open),
        },
        account: widen(reach.account, open),
        grants: widen(grants, policies.grants_open.as_ref()),
        granted_by,
        grant_doubt,
        identity,
        boundary,
        organisation: tally(&policies.organisation, request),
        resource_control: tally(&policies.resource_control, request),
        resource,
    }
}

impl<'p> Sums<'p> {
    /// Whoever can deny, the most telling first.
    fn all(&self) -> [&Tally<'p>; 5] {
        [&self.resource, &self.identity, &self.boundary, &self.organisation, &self.resource_control]
    }
}

fn allow(request: &Request, policies: &Policies, sums: &Sums<'_>) -> Ternary {
    if !matches!(request.principal, Principal::Identity(_)) {
        return sums.direct.or(sums.grants);
    }
    let own = sums.own.and(sums.within);
    let within_account = || {
        if policies.decisive {
            Ternary::any([sums.limited, own.and(sums.account), sums.grants])
        } else {
            sums.limited.or(own)
        }
    };
    let across = || own.and(Ternary::any([sums.direct, sums.account, sums.grants]));
    let allow = match policies.same_account {
        Ternary::Yes => within_account(),
        Ternary::No => across(),
        Ternary::Unknown => Ternary::agreed([within_account(), across()]),
    };
    if policies.organisation_whole { allow.and(sums.organisation.allow.direct()) } else { allow }
}

impl Decision {
    /// Where the nearest statement has a slip in it, that is what somebody has to mend: the reason says so.
    fn beware(&mut self, policies: &Policies) {
        let statement = |pointer: &str| {
            let (at, rest) = pointer.split_once("/Statement/")?;
            Some(format!("{at}/Statement/{}", rest.split('/').next().unwrap_or_default()))
        };
        let Some(near) = self.statements.first() else { return };
        let slip = faults(policies).find(|(item, fault)| {
            *item == near.item
                && fault.consequence == Consequence::NeverMatches
                && statement(&fault.pointer).is_some_and(|at| statement(&near.pointer) == Some(at))
        });
        if let Some((_, fault)) = slip {
            self.why = format!("{}; in it, {fault}", self.why);
        }
    }

    /// Would AWS refuse one of the policies as a whole?
    pub fn is_malformed(&self) -> bool {
        self.faults.iter().any(|(_, fault)| fault.consequence == Consequence::Rejected)
    }
}
