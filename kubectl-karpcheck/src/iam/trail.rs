//! How a decision came about, statement by statement, and which statement came closest.

use crate::model::verdict::Place;
use crate::model::{Answer, Reason};

use super::decide::{Boundary, Env, Policies, Policy, Request, Which};
use super::document::{Effect, PolicyKind, Statement};
use super::principal::Principal;

/// One element of a statement against a request.
#[derive(Clone, PartialEq, Debug)]
pub struct ElementTrail {
    /// Where, in the item that holds the policy.
    pub pointer: String,
    /// Does it match?
    pub answer: Answer,
    /// What does not match, or why it cannot be told; empty where it matches.
    pub note: String,
}

/// One statement against a request.
#[derive(Clone, PartialEq, Debug)]
pub struct StatementTrail {
    /// The statement; the note names it.
    pub place: Place,
    /// What its policy is attached to.
    pub kind: PolicyKind,
    /// `Allow`, `Deny`, or `?` where it is not known.
    pub effect: &'static str,
    /// Does it apply to the request?
    pub applies: Answer,
    /// Element by element.
    pub elements: Vec<ElementTrail>,
}

/// Every statement that was weighed, in order: what it says and why it applies or not.
pub fn trail(request: &Request, policies: &Policies) -> Vec<StatementTrail> {
    let boundary = match &policies.boundary {
        Boundary::Given(policy) => std::slice::from_ref(policy),
        Boundary::Unseen | Boundary::None | Boundary::Unknown(_) => &[],
    };
    [&policies.resource[..], &policies.identity, boundary, &policies.organisation]
        .into_iter()
        .flatten()
        .flat_map(|policy| policy.document.statements.iter().map(move |statement| Which { policy, statement }))
        .map(|which| {
            let env = Env::new(request, which.policy.home.as_deref());
            let elements = elements(which.statement, &env);
            StatementTrail {
                place: which.place(&which.statement.pointer, which.label()),
                kind: which.policy.kind,
                effect: match which.statement.effect {
                    Effect::Allow => "Allow",
                    Effect::Deny => "Deny",
                    Effect::Unknown(_) => "?",
                },
                applies: which.statement.applies(&env, &mut None).any(),
                elements: elements
                    .into_iter()
                    .map(|element| ElementTrail {
                        pointer: format!("{}{}", which.policy.pointer, element.pointer),
                        answer: element.answer,
                        note: element.note,
                    })
                    .collect(),
            }
        })
        .collect()
}

/// An element against a request.
struct Element {
    pointer: String,
    answer: Answer,
    note: String,
    /// How far a statement is from matching if this does not.
    weight: u32,
}

fn elements(statement: &Statement, env: &Env<'_>) -> Vec<Element> {
    let mut all = vec![];
    let mut add = |name: &str, answer: Answer, doubt: Option<Reason>, miss: String, weight: u32| {
        let note = match answer {
            Answer::Yes => String::new(),
            Answer::No => miss,
            Answer::Unknown => doubt.map(|reason| reason.why.to_string()).unwrap_or_default(),
        };
        all.push(Element { pointer: format!("{}{name}", statement.pointer), answer, note, weight });
    };
    if let Some(principals) = &statement.principals {
        let mut doubt = None;
        let answer = principals.reach(env, &mut doubt).any();
        let who = match &env.request.principal {
            Principal::Identity(identity) => identity.arn.to_string(),
            Principal::Service(name) => name.to_string(),
            Principal::Anyone => "everyone".into(),
        };
        let (name, miss) = if principals.not {
            ("/NotPrincipal", format!("{who} is excepted from it"))
        } else {
            ("/Principal", format!("{who} is not among its principals"))
        };
        add(name, answer, doubt, miss, 50);
    }
    let mut doubt = None;
    let action = &env.request.action;
    let answer = statement.actions.matches(env.action, env, &mut doubt);
    let near = statement.actions.not || statement.actions.same_service(action);
    let (name, miss) = if statement.actions.not {
        ("/NotAction", format!("{action} is excepted from it"))
    } else {
        ("/Action", format!("{action} is not among its actions"))
    };
    add(name, answer, doubt, miss, if near { 40 } else { 90 });
    let mut doubt = None;
    let resource = &env.request.resource;
    let answer = statement.resources.matches(resource, env, &mut doubt);
    let (name, miss) = if statement.resources.not {
        ("/NotResource", format!("{resource} is excepted from it"))
    } else {
        ("/Resource", format!("{resource} is not among its resources"))
    };
    add(name, answer, doubt, miss, 30);
    for condition in &statement.conditions {
        let mut doubt = None;
        let answer = condition.holds(env, &mut doubt);
        let miss = if answer == Answer::No { condition.miss(env) } else { String::new() };
        let name = condition.pointer.strip_prefix(&statement.pointer).unwrap_or(&condition.pointer);
        add(name, answer, doubt, miss, 10);
    }
    if let Some(reason) = &statement.open {
        add("", Answer::Unknown, Some(reason.clone()), String::new(), 0);
    }
    all
}

/// The element of a statement that cannot be told: its pointer in the document.
pub(super) fn doubtful(statement: &Statement, env: &Env<'_>) -> String {
    elements(statement, env)
        .into_iter()
        .find(|element| element.answer == Answer::Unknown)
        .map_or_else(|| statement.pointer.clone(), |element| element.pointer)
}

/// A statement that does not match, and what in it does not: pointer in the document, and what fails.
pub(super) struct Near<'p> {
    pub(super) which: Which<'p>,
    pub(super) misses: Vec<(String, String)>,
}

/// The Allow statements that come closest to matching, at most three; none if none is close.
pub(super) fn nearest<'p>(request: &Request, policies: impl Iterator<Item = &'p Policy>) -> Vec<Near<'p>> {
    let mut best = 90;
    let mut nearest: Vec<Near<'p>> = vec![];
    for policy in policies {
        let env = Env::new(request, policy.home.as_deref());
        for statement in policy.document.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
            let missed: Vec<Element> =
                elements(statement, &env).into_iter().filter(|element| element.answer == Answer::No).collect();
            let conditions: u32 = missed.iter().map(|element| element.weight).filter(|weight| *weight == 10).sum();
            let others: u32 = missed.iter().map(|element| element.weight).filter(|weight| *weight != 10).sum();
            let weight = conditions.min(29) + others;
            if missed.is_empty() || weight > best || weight >= 90 {
                continue;
            }
            if weight < best {
                best = weight;
                nearest.clear();
            }
            if nearest.len() < 3 {
                let misses = missed.into_iter().map(|element| (element.pointer, element.note)).collect();
                nearest.push(Near { which: Which { policy, statement }, misses });
            }
        }
    }
    nearest
}
