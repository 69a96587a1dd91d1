//! How a decision came about, statement by statement, and which statement came closest.

use crate::inventory::Place;
use crate::inventory::{Part, Reason, SymbolScope, Ternary, Text};

use crate::iam::condition::Condition;
use crate::iam::document::{Effect, PolicyKind, Statement};
use crate::iam::environment::{Env, Request};
use crate::iam::identity::Principal;
use crate::iam::policies::{Boundary, Policies, Policy, Which};

/// One element of a statement against a request.
#[derive(Clone, PartialEq, Debug)]
pub struct ElementTrail {
    /// Where, in the item that holds the policy.
    pub pointer: String,
    /// Does it match?
    pub answer: Ternary,
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
    pub applies: Ternary,
    /// Does it name the action?
    pub near: bool,
    /// Element by element.
    pub elements: Vec<ElementTrail>,
}

/// Every statement that was weighed, in order: what it says and why it applies or not.
pub fn trail(request: &Request, policies: &Policies) -> Vec<StatementTrail> {
    let boundary = match &policies.boundary {
        Boundary::Given(policy) => std::slice::from_ref(policy),
        Boundary::Unseen | Boundary::None | Boundary::Unknown(_) => &[],
    };
    [&policies.resource[..], &policies.identity, boundary, &policies.organisation, &policies.resource_control]
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
                near: which.statement.actions.matches(env.action, &env, &mut None) != Ternary::No,
                elements: elements
                    .into_iter()
                    .map(|element| ElementTrail {
                        pointer: format!("{}{}", which.policy.pointer, element.pointer()),
                        answer: element.answer,
                        note: element.note(&env),
                    })
                    .collect(),
            }
        })
        .collect()
}

/// An element of a statement.
#[derive(Clone, Copy)]
enum What<'s> {
    Principal,
    Action,
    Resource,
    Condition(&'s Condition),
    /// What is not known of the statement as a whole.
    Rest,
}

/// An element against a request. What it says is put into words only where it is shown.
struct Element<'s> {
    statement: &'s Statement,
    what: What<'s>,
    answer: Ternary,
    doubt: Option<Reason>,
}

impl Element<'_> {
    /// From the root of the document.
    fn pointer(&self) -> String {
        let at = &self.statement.pointer;
        let not = |not: bool, name: &str| format!("{at}/{}{name}", if not { "Not" } else { "" });
        match self.what {
            What::Principal => not(self.statement.principals.as_ref().is_some_and(|them| them.not), "Principal"),
            What::Action => not(self.statement.actions.not, "Action"),
            What::Resource => not(self.statement.resources.not, "Resource"),
            What::Condition(condition) => condition.pointer.clone(),
            What::Rest => at.clone(),
        }
    }

    /// What does not match, or why it cannot be told.
    fn note(&self, env: &Env<'_>) -> String {
        match self.answer {
            Ternary::Yes => return String::new(),
            Ternary::Unknown => return self.doubt.as_ref().map(ToString::to_string).unwrap_or_default(),
            Ternary::No => {}
        }
        let (name, not, list) = match self.what {
            What::Principal => {
                let who = match &env.request.principal {
                    Principal::Identity(identity) => identity.arn.to_string(),
                    Principal::Service(name) | Principal::Federated(name) => name.to_string(),
                    Principal::Anyone => "everyone".into(),
                };
                (who, self.statement.principals.as_ref().is_some_and(|them| them.not), "principals")
            }
            What::Action => (env.request.action.clone(), self.statement.actions.not, "actions"),
            What::Resource => (shown(&env.request.resource), self.statement.resources.not, "resources"),
            What::Condition(condition) => return condition.miss(env),
            What::Rest => return String::new(),
        };
        if not { format!("{name} is excepted from it") } else { format!("{name} is not among its {list}") }
    }

    /// How far a statement is from matching if this does not match.
    fn weight(&self, env: &Env<'_>) -> u32 {
        match self.what {
            What::Principal => 50,
            // Statements about another service are not close.
            What::Action if self.statement.actions.not || self.statement.actions.same_service(env.action) => ACTION,
            What::Action => FAR,
            What::Resource => 30,
            What::Condition(_) => CONDITION,
            What::Rest => 0,
        }
    }
}

/// A resource as it is written, with an ellipsis for what no one could say of it.
fn shown(resource: &Text) -> String {
    let part = |part: Part| match part {
        Part::Hole(symbol) if symbol.scope == SymbolScope::Field => "…".to_owned(),
        Part::Hole(symbol) => symbol.name.to_string(),
        Part::Known(text) => text.to_string(),
    };
    resource.clone().into_parts().into_iter().map(part).collect()
}

const FAR: u32 = 90;
const ACTION: u32 = 40;
const CONDITION: u32 = 10;

fn elements<'s>(statement: &'s Statement, env: &Env<'_>) -> Vec<Element<'s>> {
    let mut all = vec![];
    let mut add = |what, answer, doubt| all.push(Element { statement, what, answer, doubt });
    if let Some(principals) = &statement.principals {
        let mut doubt = None;
        let answer = principals.reach(env, &mut doubt).any();
        add(What::Principal, answer, doubt);
    }
    let mut doubt = None;
    let answer = statement.actions.matches(env.action, env, &mut doubt);
    add(What::Action, answer, doubt);
    let mut doubt = None;
    let answer = statement.resources.matches(env, &mut doubt);
    add(What::Resource, answer, doubt);
    for condition in &statement.conditions {
        let mut doubt = None;
        let answer = condition.holds(env, &mut doubt);
        add(What::Condition(condition), answer, doubt);
    }
    if let Some(reason) = &statement.open {
        add(What::Rest, Ternary::Unknown, Some(reason.clone()));
    }
    all
}

/// The element of a statement that cannot be told: its pointer in the document.
pub(super) fn doubtful(statement: &Statement, env: &Env<'_>) -> String {
    elements(statement, env)
        .into_iter()
        .find(|element| element.answer == Ternary::Unknown)
        .map_or_else(|| statement.pointer.clone(), |element| element.pointer())
}

/// A statement that does not match, and what in it does not: pointer in the document, and what fails.
pub(super) struct Near<'p> {
    pub(super) which: Which<'p>,
    pub(super) misses: Vec<(String, String)>,
}

/// The Allow statements that come closest to matching, at most three; none if none is close.
pub(super) fn nearest<'p>(request: &Request, policies: impl Iterator<Item = &'p Policy>) -> Vec<Near<'p>> {
    let policies: Vec<&Policy> = policies.collect();
    let env = |policy: &'p Policy| Env::new(request, policy.home.as_deref());
    let mut nearest = Nearest { best: FAR, found: vec![] };
    for policy in &policies {
        for statement in policy.document.about(env(policy).action) {
            nearest.weigh(policy, statement, &env(policy));
        }
    }
    // A statement about other actions is farther than that.
    if nearest.best >= ACTION {
        nearest = Nearest { best: FAR, found: vec![] };
        for policy in &policies {
            for statement in &policy.document.statements {
                nearest.weigh(policy, statement, &env(policy));
            }
        }
    }
    let nearest = nearest.found;
    nearest
        .into_iter()
        .map(|which| {
            let env = Env::new(request, which.policy.home.as_deref());
            let missed = elements(which.statement, &env).into_iter().filter(|element| element.answer == Ternary::No);
            Near { which, misses: missed.map(|element| (element.pointer(), element.note(&env))).collect() }
        })
        .collect()
}

/// The nearest statements so far.
struct Nearest<'p> {
    best: u32,
    found: Vec<Which<'p>>,
}

impl<'p> Nearest<'p> {
    fn weigh(&mut self, policy: &'p Policy, statement: &'p Statement, env: &Env<'_>) {
        if statement.effect != Effect::Allow {
            return;
        }
        let weight = distance(statement, env, self.best);
        if weight == 0 || weight >= FAR || weight > self.best {
            return;
        }
        if weight < self.best {
            self.best = weight;
            self.found.clear();
        }
        if self.found.len() < 3 {
            self.found.push(Which { policy, statement });
        }
    }
}

/// How far a statement is from matching. Once it is farther than the best one, by how much does not matter.
fn distance(statement: &Statement, env: &Env<'_>, best: u32) -> u32 {
    let weigh = |what, answer| {
        if answer == Ternary::No { Element { statement, what, answer, doubt: None }.weight(env) } else { 0 }
    };
    let mut far = weigh(What::Action, statement.actions.matches(env.action, env, &mut None));
    if far > best {
        return far;
    }
    if let Some(principals) = &statement.principals {
        far += weigh(What::Principal, principals.reach(env, &mut None).any());
    }
    far += weigh(What::Resource, statement.resources.matches(env, &mut None));
    if far > best {
        return far;
    }
    let missed = statement.conditions.iter().filter(|condition| condition.holds(env, &mut None) == Ternary::No).count();
    // Many conditions that fail are still nearer than a resource that does not match.
    far + (CONDITION * u32::try_from(missed).unwrap_or(u32::MAX / CONDITION)).min(3 * CONDITION - 1)
}
