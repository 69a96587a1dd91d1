//! Policy documents: read once, with their faults, ready to be asked.

use std::collections::HashMap;

use crate::inventory::pointer::push;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, List, Map, Node, Reason, Symbol, Ternary, Text, Value};

use crate::iam::action::Actions;
use crate::iam::condition::Condition;
use crate::iam::environment::{Env, Request};
use crate::iam::fault::{Consequence, Fault, refused};
use crate::iam::principal::{Principals, Reach};
use crate::iam::resource::Resources;
use crate::iam::services;

/// What a document is attached to, which decides what it must and must not say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PolicyKind {
    /// A role or user, or a managed policy for one.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// A service control policy of the organisation.
    Organisation,
    /// A resource control policy of the organisation.
    ResourceControl,
    /// A queue or another resource.
    Resource,
    /// A KMS key.
    Key,
    /// A role, to say who may assume it.
    Trust,
}

impl PolicyKind {
    /// The word for it in output for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Boundary => "boundary",
            Self::Organisation => "organisation",
            Self::ResourceControl => "resource-control",
            Self::Resource => "resource",
            Self::Key => "key",
            Self::Trust => "trust",
        }
    }

    /// Does it name principals?
    pub const fn names_principals(self) -> bool {
        matches!(self, Self::Resource | Self::Key | Self::Trust | Self::ResourceControl)
    }
}

/// A policy document, read.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub(super) statements: Vec<Statement>,
    /// Which of them may be about an action.
    index: ActionIndex,
    /// Why there may be more statements.
    pub(super) open: Option<Reason>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Why AWS refuses it, and the pointer of what it refuses: then nothing in it can be relied on.
    pub(super) refused: Option<(Reason, String)>,
}

/// The statements of a document by the actions that they name.
#[derive(Clone, Debug, Default)]
struct ActionIndex {
    /// Those that name actions in full and nothing else, by each of them.
    exact: HashMap<Box<str>, Vec<u32>>,
    /// The others.
    others: Vec<u32>,
}

impl ActionIndex {
    fn new(statements: &[Statement]) -> Self {
        let mut index = Self::default();
        for (number, statement) in (0_u32..).zip(statements) {
            match statement.actions.literals() {
                Some(actions) => {
                    for action in actions {
                        let own = index.exact.entry(action.into()).or_default();
                        if own.last() != Some(&number) {
                            own.push(number);
                        }
                    }
                }
                None => index.others.push(number),
            }
        }
        index
    }
}

/// What a statement does where it applies.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Effect {
    Allow,
    Deny,
    Unknown(Reason),
}

/// A statement, read.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// From the root of the document: `/Statement/0`.
    pub(super) pointer: String,
    pub(super) sid: Option<Box<str>>,
    pub(super) effect: Effect,
    pub(super) principals: Option<Principals>,
    pub(super) actions: Actions,
    pub(super) resources: Resources,
    pub(super) conditions: Vec<Condition>,
    /// Why it has more conditions than are known, or cannot be evaluated at all.
    pub(super) open: Option<Reason>,
}

/// What AWS would say to a document: its faults, none where it is well formed.
pub fn validate(document: &Node, kind: PolicyKind) -> Vec<Fault> {
    Document::new(document, kind).faults
}

impl Document {
    /// Reads a document. It never fails: what cannot be read is unknown, and a fault says why.
    pub fn new(node: &Node, kind: PolicyKind) -> Self {
        let mut document = Self::default();
        match &node.value {
            Value::Map(map) => document.read(map, kind),
            // A bare list is what documentation shows: the statements alone.
            Value::List(list) => document.statements(list, kind, false, ""),
            Value::Unknown(reason) => document.open = Some((**reason).clone()),
            Value::Text(text) => {
                document.open = Some(text.hole().map_or_else(
                    || document.fault("", "the document is a text that is no JSON object"),
                    Symbol::reason,
                ));
            }
            Value::Null | Value::Flag(_) | Value::Number(_) => {
                document.open = Some(document.fault("", "the document is no JSON object"));
            }
        }
        let fault = document.faults.iter().find(|fault| fault.consequence == Consequence::Rejected);
        document.refused = fault.map(|fault| (refused(&fault.message), fault.pointer.clone()));
        document.index = ActionIndex::new(&document.statements);
        document
    }

    /// The statements that may be about an action, given in lower case, in their order.
    pub(super) fn about<'a>(&'a self, action: &str) -> impl Iterator<Item = &'a Statement> {
        let exact = self.index.exact.get(action).map_or(&[][..], Vec::as_slice);
        let (mut exact, mut others) = (exact.iter().peekable(), self.index.others.iter().peekable());
        std::iter::from_fn(move || match (exact.peek(), others.peek()) {
            (Some(one), Some(other)) if one < other => exact.next(),
            (Some(_), None) => exact.next(),
            _ => others.next(),
        })
        .filter_map(|number| self.statements.get(*number as usize))
    }

    fn fault(&mut self, pointer: &str, message: &str) -> Reason {
        self.faults.push(Fault::rejected(pointer, message));
        refused(message)
    }

    fn read(&mut self, map: &Map, kind: PolicyKind) {
        let mut variables = false;
        let mut statement = None;
        for (key, node) in &map.entries {
            match key.known() {
                Some("Version") => match node.as_str() {
                    Some("2012-10-17") => variables = true,
                    Some("2008-10-17") => {}
                    Some(other) => {
                        let message = format!("the version {other} is neither 2012-10-17 nor 2008-10-17");
                        self.open = Some(self.fault("/Version", &message));
                    }
                    // YAML reads an unquoted date as one; anything else is unknown.
                    None => variables = true,
                },
                Some("Id") => {}
                Some("Statement") => statement = Some(node),
                Some(other) => {
                    let mut at = String::new();
                    push(&mut at, other);
                    self.open = Some(self.fault(&at, &format!("{other} is no element of a policy")));
                }
                None => self.open = key.hole().map(Symbol::reason),
            }
        }
        match statement.map(|node| &node.value) {
            None if map.more.is_some() => {}
            None | Some(Value::Null) => self.open = Some(self.fault("", "the policy has no Statement")),
            Some(Value::List(list)) => self.statements(list, kind, variables, "/Statement"),
            Some(Value::Map(map)) => {
                let statement = self.statement(map, kind, variables, "/Statement".into());
                self.statements.push(statement);
            }
            Some(Value::Unknown(reason)) => self.open = Some((**reason).clone()),
            Some(Value::Text(text)) if text.hole().is_some() => self.open = text.hole().map(Symbol::reason),
            Some(_) => self.open = Some(self.fault("/Statement", "Statement is neither an object nor a list")),
        }
        if let Some(more) = &map.more {
            self.open.get_or_insert_with(|| (**more).clone());
        }
    }

    fn statements(&mut self, list: &List, kind: PolicyKind, variables: bool, at: &str) {
        for (index, node) in list.items.iter().enumerate() {
            let pointer = format!("{at}/{index}");
            match &node.value {
                Value::Map(map) => {
                    let statement = self.statement(map, kind, variables, pointer);
                    if let Some(sid) = &statement.sid
                        && kind == PolicyKind::Identity
                        && self.statements.iter().any(|other| other.sid.as_ref() == Some(sid))
                    {
                        let message = format!("two statements have the Sid {sid}");
                        self.faults.push(Fault::rejected(format!("{}/Sid", statement.pointer), message));
                    }
                    self.statements.push(statement);
                }
                // A list in its place, a whole statement unknown: it may be anything.
                Value::Unknown(reason) => self.statements.push(Statement::unknown(pointer, (**reason).clone())),
                Value::Text(text) if text.hole().is_some() => {
                    let reason = text.hole().map(Symbol::reason);
                    self.statements.extend(reason.map(|reason| Statement::unknown(pointer, reason)));
                }
                Value::Null => {}
                _ => {
                    let reason = self.fault(&pointer, "a statement is no object");
                    self.statements.push(Statement::unknown(pointer, reason));
                }
            }
        }
        if let Some(more) = &list.more {
            self.open = Some((**more).clone());
        }
    }

    fn statement(&mut self, map: &Map, kind: PolicyKind, variables: bool, pointer: String) -> Statement {
        let at = |name: &str| {
            let mut at = pointer.clone();
            push(&mut at, name);
            at
        };
        let mut open = map.more.as_deref().cloned();
        let (mut sid, mut effect) = (None, None);
        let (mut principals, mut actions, mut resources) = (None, None, None);
        let mut conditions = vec![];
        for (key, node) in &map.entries {
            if node.is_null() {
                continue;
            }
            let Some(name) = key.known() else {
                open = key.hole().map(Symbol::reason);
                continue;
            };
            let here = at(name);
            match name {
                "Sid" => {
                    sid = match &node.value {
                        Value::Text(text) if !text.is_empty() => Some(text.to_string().into_boxed_str()),
                        _ => None,
                    }
                }
                "Effect" => effect = Some(self.effect(node, &here)),
                "Principal" | "NotPrincipal" => {
                    if !kind.names_principals() {
                        let message = format!("a policy of a role or user has no {name}");
                        open = Some(self.fault(&here, &message));
                    } else if principals.is_some() {
                        open = Some(self.fault(&here, "a statement has Principal or NotPrincipal, not both"));
                    }
                    principals = Some(Principals::new(name == "NotPrincipal", node, &here, &mut self.faults));
                }
                "Action" | "NotAction" => {
                    if actions.is_some() {
                        open = Some(self.fault(&here, "a statement has Action or NotAction, not both"));
                    }
                    let (texts, more) = self.texts(node, &here, name);
                    for (index, text) in texts.iter().enumerate() {
                        let listed = matches!(&node.value, Value::List(list) if list.items.len() == texts.len());
                        let here = if listed { format!("{here}/{index}") } else { here.clone() };
                        self.check_action(text, &here);
                    }
                    actions = Some(Actions::new(name == "NotAction", &texts, more));
                }
                "Resource" | "NotResource" => {
                    if resources.is_some() {
                        open = Some(self.fault(&here, "a statement has Resource or NotResource, not both"));
                    }
                    let (texts, more) = self.texts(node, &here, name);
                    resources = Some(Resources::new(name == "NotResource", &texts, variables, more));
                }
                "Condition" => match self.conditions(node, variables, &here) {
                    Ok(read) => conditions = read,
                    Err((read, reason)) => {
                        conditions = read;
                        open = Some(reason);
                    }
                },
                other => open = Some(self.fault(&here, &format!("{other} is no element of a statement"))),
            }
        }
        let whole = open.is_some();
        let effect = effect.unwrap_or_else(|| {
            Effect::Unknown(if whole { undecided(&open) } else { self.fault(&pointer, "the statement has no Effect") })
        });
        if actions.is_none() && !whole {
            open = Some(self.fault(&pointer, "the statement has no Action"));
        }
        if resources.is_none() && !whole && !kind.names_principals() {
            open = Some(self.fault(&pointer, "the statement has no Resource"));
        }
        if principals.is_none() && !whole && kind.names_principals() {
            open = Some(self.fault(&pointer, "the statement of a resource's policy has no Principal"));
        }
        if kind == PolicyKind::Trust && resources.is_some() {
            open = Some(self.fault(&pointer, "a trust policy has no Resource"));
        }
        let actions = actions.unwrap_or_else(|| Actions::new(true, &[], None));
        self.check_keys(&actions, &conditions);
        Statement {
            sid,
            effect,
            principals: principals.filter(|_| kind.names_principals()),
            actions,
            resources: resources.unwrap_or_else(Resources::all),
            conditions,
            open,
            pointer,
        }
    }

    fn effect(&mut self, node: &Node, at: &str) -> Effect {
        match &node.value {
            Value::Text(text) if text.known() == Some("Allow") => Effect::Allow,
            Value::Text(text) if text.known() == Some("Deny") => Effect::Deny,
            Value::Unknown(reason) => Effect::Unknown((**reason).clone()),
            Value::Text(text) if text.hole().is_some() => Effect::Unknown(undecided(&text.hole().map(Symbol::reason))),
            _ => Effect::Unknown(self.fault(at, "Effect is neither Allow nor Deny")),
        }
    }

    /// The texts of an element that is one or a list of them.
    fn texts<'a>(&mut self, node: &'a Node, at: &str, name: &str) -> (Vec<&'a Text>, Option<Reason>) {
        let (nodes, mut more) = match &node.value {
            Value::List(list) => (list.items.as_slice(), list.more.as_deref().cloned()),
            _ => (std::slice::from_ref(node), None),
        };
        let mut texts = vec![];
        for node in nodes {
            match &node.value {
                Value::Text(text) => texts.push(text),
                Value::Unknown(reason) => more = Some((**reason).clone()),
                Value::Null => {}
                _ => more = Some(self.fault(at, &format!("{name} holds something that is no text"))),
            }
        }
        (texts, more)
    }

    fn check_action(&mut self, text: &Text, at: &str) {
        let Some(known) = text.known() else { return };
        if known == "*" {
            return;
        }
        match known.split_once(':') {
            None => {
                self.faults.push(Fault::rejected(at, format!("the action {known} has no prefix such as `ec2:`")));
            }
            Some((service, action)) => {
                if let Some(message) = services::no_such_action(service, action) {
                    self.faults.push(Fault::never(at, message));
                }
            }
        }
    }

    /// Condition keys that no request of the statement's actions has.
    fn check_keys(&mut self, actions: &Actions, conditions: &[Condition]) {
        let Some(actions) = actions.known() else { return };
        for condition in conditions {
            let Some(message) = condition.key.known().and_then(|key| services::no_such_key(key, &actions)) else {
                continue;
            };
            match condition.holds_without() {
                Some(true) => self.faults.push(Fault::always(&condition.pointer, message)),
                Some(false) => self.faults.push(Fault::never(&condition.pointer, message)),
                None => {}
            }
        }
    }

    fn conditions(
        &mut self,
        node: &Node,
        variables: bool,
        at: &str,
    ) -> Result<Vec<Condition>, (Vec<Condition>, Reason)> {
        let mut read = vec![];
        let map = match &node.value {
            Value::Map(map) => map,
            Value::Unknown(reason) => return Err((read, (**reason).clone())),
            Value::Text(text) if text.hole().is_some() => {
                return Err((read, undecided(&text.hole().map(Symbol::reason))));
            }
            _ => return Err((read, self.fault(at, "Condition is no object"))),
        };
        let mut open = map.more.as_deref().cloned();
        for (operator, keys) in &map.entries {
            let Some(name) = operator.known() else {
                open = operator.hole().map(Symbol::reason);
                continue;
            };
            let mut here = at.to_owned();
            push(&mut here, name);
            let keys = match &keys.value {
                Value::Map(keys) => keys,
                Value::Null => continue,
                Value::Unknown(reason) => {
                    open = Some((**reason).clone());
                    continue;
                }
                _ => {
                    open = Some(self.fault(&here, &format!("{name} holds no object of condition keys")));
                    continue;
                }
            };
            for (key, value) in &keys.entries {
                let mut here = here.clone();
                push(&mut here, &key.to_string());
                read.push(Condition::new(name, key, value, variables, here, &mut self.faults));
            }
            open = open.or_else(|| keys.more.as_deref().cloned());
        }
        match open {
            Some(reason) => Err((read, reason)),
            None => Ok(read),
        }
    }

    /// Might it allow an action, given in lower case, to somebody?
    pub(super) fn may_allow(&self, action: &str) -> bool {
        let request = Request::bare(action);
        let env = Env::new(&request, None);
        self.open.is_some()
            || self.statements.iter().any(|statement| {
                statement.effect != Effect::Deny && statement.actions.matches(action, &env, &mut None) != Ternary::No
            })
    }

    /// Might this document be anything?
    pub fn is_unread(&self) -> bool {
        self.statements.is_empty() && self.open.is_some()
    }

    /// Does an Allow of it name an action, by pattern or in full? Textually: without regard to resource or condition.
    pub fn names_action(&self, action: &str) -> bool {
        let request = Request::bare(action);
        let env = Env::new(&request, None);
        self.statements.iter().any(|statement| {
            statement.effect == Effect::Allow
                && !statement.actions.not
                && statement.actions.matches(env.action, &env, &mut None) == Ternary::Yes
        })
    }
}

fn undecided(reason: &Option<Reason>) -> Reason {
    reason.clone().unwrap_or_else(|| Reason::new(Cause::Undecidable, Iam::Statement))
}

impl Statement {
    fn unknown(pointer: String, reason: Reason) -> Self {
        Self {
            pointer,
            sid: None,
            effect: Effect::Unknown(reason.clone()),
            principals: None,
            actions: Actions::new(true, &[], None),
            resources: Resources::all(),
            conditions: vec![],
            open: Some(reason),
        }
    }

    /// Does it apply, and does it reach the principal itself or its account? The cheap and telling elements first.
    pub(super) fn applies(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Reach {
        let mut open = None;
        let action = self.actions.matches(env.action, env, &mut open);
        if action == Ternary::No {
            return Reach::NONE;
        }
        let reach = self.principals.as_ref().map_or(Reach::OWN, |principals| principals.reach(env, &mut open));
        if reach.any() == Ternary::No {
            return Reach::NONE;
        }
        let mut rest = action.and(self.resources.matches(env, &mut open));
        if rest == Ternary::No {
            return Reach::NONE;
        }
        for condition in &self.conditions {
            rest = rest.and(condition.holds(env, &mut open));
            if rest == Ternary::No {
                return Reach::NONE;
            }
        }
        if let Some(reason) = &self.open {
            open.get_or_insert_with(|| reason.clone());
            rest = rest.and(Ternary::Unknown);
        }
        if let Effect::Unknown(reason) = &self.effect {
            open.get_or_insert_with(|| reason.clone());
        }
        if doubt.is_none() {
            *doubt = open;
        }
        reach.and(rest)
    }
}
