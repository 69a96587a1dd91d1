//! `Action` and `NotAction`.

use crate::inventory::{Reason, Ternary, Text};

use crate::iam::environment::Env;
use crate::iam::pattern::{Pattern, Syntax, open};

/// The actions of a statement.
#[derive(Clone, Debug)]
pub(super) struct Actions {
    pub(super) not: bool,
    patterns: Vec<Pattern>,
    /// The services that they name, in lower case, `*` among them.
    services: Vec<Box<str>>,
    /// Why there may be more.
    open: Option<Reason>,
}

const SYNTAX: Syntax = Syntax { wildcards: true, variables: false, fold: true };

impl Actions {
    pub(super) fn new(not: bool, texts: &[&Text], open: Option<Reason>) -> Self {
        let patterns = texts.iter().map(|text| Pattern::new(text, SYNTAX)).collect();
        let mut services: Vec<Box<str>> = vec![];
        for text in texts {
            let written = text.to_string();
            let service = written.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if !services.iter().any(|known| **known == *service) {
                services.push(service.into());
            }
        }
        Self { not, patterns, services, open }
    }

    /// All of them in lower case, if nothing else can belong to them.
    pub(super) fn literals(&self) -> Option<Vec<&str>> {
        if self.not || self.open.is_some() {
            return None;
        }
        self.patterns.iter().map(Pattern::literal).collect()
    }

    /// Does an action, in lower case, belong to them?
    pub(super) fn matches(&self, action: &str, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        let listed = Ternary::any(self.patterns.iter().map(|pattern| pattern.matches_str(action, env, doubt)));
        let listed = open(listed, self.open.as_ref(), doubt);
        if self.not { !listed } else { listed }
    }

    /// All of them, if each is known and none is excepted.
    pub(super) fn known(&self) -> Option<Vec<&str>> {
        if self.not || self.open.is_some() || self.patterns.is_empty() {
            return None;
        }
        self.patterns.iter().map(|pattern| pattern.written.known()).collect()
    }

    /// Do they name the service of an action?
    pub(super) fn same_service(&self, action: &str) -> bool {
        let service = action.split(':').next().unwrap_or_default();
        self.services.iter().any(|other| &**other == "*" || **other == *service)
    }
}
