//! A decision in words, with the places that it rests on.

use crate::inventory::Place;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, SymbolScope, Ternary, Unknown};

use crate::iam::decide::{Access, Decision, Doubt, Sums};
use crate::iam::environment::{Env, Request};
use crate::iam::identity::{Identity, IdentityKind, Principal};
use crate::iam::policies::{Boundary, Policies, Policy, Which};
use crate::iam::trail;

fn decision(access: Access, why: String, statements: Vec<Place>) -> Decision {
    Decision { access, why, statements, unknown: None, notes: vec![], faults: vec![] }
}

/// What AWS asks no permission for.
pub(super) fn free(request: &Request) -> Decision {
    let why = format!("{} needs no permission, and no policy can deny it", request.action);
    decision(Access::Allowed, why, vec![])
}

/// What was not seen, or not in full, and may deny what is allowed: one sentence each.
pub(super) fn unseen(policies: &Policies) -> Vec<String> {
    let boundary = match &policies.boundary {
        Boundary::Given(policy) => Some(policy),
        Boundary::Unseen | Boundary::None | Boundary::Unknown(_) => None,
    };
    let limit = match &policies.boundary {
        Boundary::Unknown(unknown) => Some(unknown),
        Boundary::Unseen | Boundary::None | Boundary::Given(_) => None,
    };
    let missing = [policies.identity_open.as_ref(), limit, policies.resource_open.as_ref()];
    let whole = missing.into_iter().flatten().map(|unknown| unknown.reason.to_string());
    let read = [&policies.identity, &policies.resource, &policies.organisation, &policies.resource_control];
    let part = read.into_iter().flatten().chain(boundary).filter_map(|policy| {
        let reason = policy.document.open.as_ref()?;
        Some(format!("not all statements of {} are known ({reason})", policy.name))
    });
    whole.chain(part).map(|what| format!("a Deny that was not seen is not counted: {what}")).collect()
}

pub(super) fn allowed(request: &Request, policies: &Policies, sums: &Sums<'_>) -> Decision {
    let mut by: Vec<Which<'_>> = vec![];
    let own = matches!(request.principal, Principal::Identity(_)) && sums.own.and(sums.within) == Ternary::Yes;
    let across = policies.same_account != Ternary::Yes;
    if let Some(direct) = sums.resource.direct_by {
        by.push(direct);
    }
    if own && (by.is_empty() || across) {
        by.extend(sums.identity.direct_by);
        if (policies.decisive || across) && sums.resource.direct_by.is_none() {
            by.extend(sums.resource.account_by);
        }
    }
    let names: Vec<String> = by.iter().map(Which::label).collect();
    let mut places: Vec<Place> = by.iter().map(|which| which.place(&which.statement.pointer, "allows it")).collect();
    let why = match (sums.granted_by, names.is_empty()) {
        (Some(grant), true) => {
            places.push(Place { item: grant.item, pointer: grant.pointer.clone(), note: "allows it".into() });
            format!("a grant of the key allows {}", request.action)
        }
        (None, true) => format!("{} is allowed", request.action),
        (_, false) => {
            let verb = if names.len() == 1 { "allows" } else { "together allow" };
            format!("{} {verb} {}", names.join(" and "), request.action)
        }
    };
    decision(Access::Allowed, why, places)
}

pub(super) fn forbidden(request: &Request, sums: &Sums<'_>) -> Decision {
    let by: Vec<Which<'_>> = sums.all().iter().flat_map(|tally| tally.denied_by.iter().copied()).collect();
    let places = by.iter().map(|which| which.place(&which.statement.pointer, "denies it")).collect();
    let name = by.first().map_or_else(String::new, Which::label);
    decision(Access::ExplicitDeny, format!("{name} denies {} to {}", request.action, subject(request)), places)
}

/// Who asks, in a sentence.
fn subject(request: &Request) -> String {
    match &request.principal {
        Principal::Identity(identity) => called(identity),
        Principal::Service(name) => name.to_string(),
        Principal::Federated(provider) => format!("identities that {provider} vouches for"),
        Principal::Anyone => "other accounts".into(),
    }
}

/// A user or role to people.
fn called(identity: &Identity) -> String {
    match identity.name() {
        Some(name) if identity.kind == IdentityKind::User => format!("user {name}"),
        Some(name) => format!("role {name}"),
        // Nobody named the controller's role.
        None if identity.arn.hole().is_some_and(|symbol| symbol.scope == SymbolScope::Field) => {
            "the controller's role".into()
        }
        // A name that is known in part, without the account before it.
        None => {
            let written = identity.arn.to_string();
            match written.split_once(":role/") {
                Some((_, name)) => format!("role {name}"),
                None => written,
            }
        }
    }
}

/// In whose policies a permission is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The principal's or the resource's: either would do.
    Any,
    Organisation,
    Boundary,
    Principal,
    Resource,
    Key,
    Trust,
}

impl Whose {
    /// Behind "no statement".
    const fn of(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Organisation => " of the organisation's policies",
            Self::Boundary => " of the permissions boundary",
            Self::Principal => " of the principal's policies",
            Self::Resource => " of the resource's policy",
            Self::Key => " of the key's policy",
            Self::Trust => " of the trust policy",
        }
    }
}

pub(super) fn missing(request: &Request, policies: &Policies, sums: &Sums<'_>) -> Decision {
    let identity = policies.identity.as_slice();
    let resource = policies.resource.as_slice();
    let organisation = policies.organisation.as_slice();
    let inside = sums.own != Ternary::No;
    let (blamed, whose): (Vec<&[Policy]>, Whose) = match &request.principal {
        Principal::Identity(_) if policies.organisation_whole && sums.organisation.allow.direct() == Ternary::No => {
            (vec![organisation], Whose::Organisation)
        }
        Principal::Identity(_) if inside && sums.within == Ternary::No => match &policies.boundary {
            Boundary::Given(policy) => (vec![std::slice::from_ref(policy)], Whose::Boundary),
            _ => (vec![], Whose::Any),
        },
        Principal::Identity(_) if policies.same_account == Ternary::No => {
            if inside {
                (vec![resource], Whose::Resource)
            } else {
                (vec![identity], Whose::Principal)
            }
        }
        Principal::Identity(_) if policies.decisive => {
            // Where the key's policy lets the account, what lacks is in the principal's own policies.
            if sums.account == Ternary::No { (vec![resource], Whose::Key) } else { (vec![identity], Whose::Principal) }
        }
        Principal::Identity(_) => (vec![identity, resource], Whose::Any),
        Principal::Service(_) | Principal::Federated(_) | Principal::Anyone => (vec![resource], Whose::Resource),
    };
    let trusts = whose == Whose::Key || matches!(request.principal, Principal::Federated(_));
    let whose = if policies.decisive && request.service() == "sts" && trusts { Whose::Trust } else { whose };
    let nearest = trail::nearest(request, blamed.iter().flat_map(|policies| policies.iter()));
    let mut why = format!("no statement{} allows {} to {}", whose.of(), request.action, subject(request));
    let mut places = vec![];
    for (index, near) in nearest.iter().enumerate() {
        for (pointer, note) in &near.misses {
            places.push(near.which.place(pointer, note.clone()));
        }
        if index == 0 {
            let notes: Vec<&str> = near.misses.iter().map(|(_, note)| note.as_str()).collect();
            why = format!("{why}; the nearest is {}, but {}", near.which.label(), notes.join(", and "));
        }
    }
    if blamed.iter().all(|policies| policies.is_empty()) {
        why = match &request.principal {
            Principal::Identity(_) if matches!(whose, Whose::Any | Whose::Principal) => {
                format!("{} has no policy that allows {}", subject(request), request.action)
            }
            _ => format!("the resource has no policy that allows {} to {}", request.action, subject(request)),
        };
    } else if places.is_empty() {
        places = blamed
            .iter()
            .flat_map(|policies| policies.iter())
            .take(3)
            .map(|policy| Place {
                item: policy.item,
                pointer: policy.pointer.to_string(),
                note: format!("no {}", request.action),
            })
            .collect();
    }
    decision(Access::ImplicitDeny, why, places)
}

pub(super) fn undecided(request: &Request, policies: &Policies, sums: &Sums<'_>, allow: Ternary) -> Decision {
    let mut doubts: Vec<&Doubt<'_>> = vec![];
    let mut opens: Vec<&Unknown> = vec![];
    let identity = matches!(request.principal, Principal::Identity(_));
    if allow == Ternary::Unknown {
        let unsure = |answer| answer == Ternary::Unknown;
        if unsure(sums.direct)
            || unsure(sums.limited)
            || (identity && sums.direct == Ternary::No && unsure(sums.account))
        {
            doubts.extend(&sums.resource.allow_doubts);
            opens.extend(&policies.resource_open);
        }
        let passes = !policies.decisive || sums.account != Ternary::No || policies.same_account == Ternary::No;
        if identity && unsure(sums.own) && passes {
            doubts.extend(&sums.identity.allow_doubts);
            opens.extend(&policies.identity_open);
        }
        if identity && unsure(sums.within) {
            doubts.extend(&sums.boundary.allow_doubts);
            if let Boundary::Unknown(unknown) = &policies.boundary {
                opens.push(unknown);
            }
        }
        if policies.organisation_whole {
            doubts.extend(&sums.organisation.allow_doubts);
        }
        opens.extend(&policies.grants_open);
    } else {
        doubts.extend(sums.all().iter().flat_map(|tally| &tally.deny_doubts));
    }
    let mut places = vec![];
    for doubt in &doubts {
        let place = match (doubt.statement, &doubt.policy.document.refused) {
            (_, Some((_, at))) => Place {
                item: doubt.policy.item,
                pointer: format!("{}{at}", doubt.policy.pointer),
                note: doubt.reason.to_string(),
            },
            (Some(statement), None) => {
                let which = Which { policy: doubt.policy, statement };
                let env = Env::new(request, doubt.policy.home.as_deref());
                which.place(&trail::doubtful(statement, &env), doubt.reason.to_string())
            }
            (None, None) => Place {
                item: doubt.policy.item,
                pointer: doubt.policy.pointer.to_string(),
                note: doubt.reason.to_string(),
            },
        };
        places.push(place);
    }
    let unknown = match (doubts.first(), opens.first(), &sums.grant_doubt) {
        (Some(doubt), _, _) => Unknown {
            reason: doubt.reason.clone(),
            place: places.first().map(|place| (place.item, place.pointer.clone())),
        },
        (None, Some(open), _) => (*open).clone(),
        (None, None, Some((grant, reason))) => {
            Unknown { reason: reason.clone(), place: Some((grant.item, grant.pointer.clone())) }
        }
        (None, None, None) if policies.same_account == Ternary::Yes => {
            Unknown::new(Cause::Undecidable, Iam::BoundaryAndEveryone)
        }
        (None, None, None) => Unknown::new(Cause::NotProvided, Iam::OneAccount),
    };
    let verb = if allow == Ternary::Unknown { "may use" } else { "is kept from" };
    let why = format!("whether {} {verb} {} is not known: {}", subject(request), request.action, unknown.reason);
    let mut decision = decision(Access::Unknown, why, places);
    decision.unknown = Some(unknown);
    decision
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::reason::Template;
    use crate::inventory::{Part, Symbol, Text};

    #[test]
    fn a_role_is_called_by_what_is_known_of_its_name() {
        let hole =
            |name: &str| Part::Hole(Symbol::new(name, SymbolScope::Run, Template::Placeholder { name: name.into() }));
        let text = |text: &str| Part::Known(text.into());
        let role = |parts: &[Part]| called(&Identity::new(Text::from_parts(parts.iter().cloned())));
        assert_eq!(role(&[text("arn:aws:iam::111122223333:role/team/karpenter")]), "role karpenter");
        assert_eq!(role(&[text("arn:aws:iam::"), hole("$ACCOUNT"), text(":role/k-"), hole("$NAME")]), "role k-$NAME");
        assert_eq!(role(&[hole("$ROLE_ARN")]), "$ROLE_ARN");
    }
}
