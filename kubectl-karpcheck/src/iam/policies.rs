//! The policies that bear on a request, and the statements in them.

use std::borrow::Cow;
use std::sync::Arc;

use crate::inventory::arn::AccountRegion;
use crate::inventory::{ItemId, Place, Ternary, Unknown};

use crate::iam::document::{Document, PolicyKind, Statement};
use crate::iam::grant::Grant;

/// A policy and where it stands.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The item that holds it.
    pub item: ItemId,
    /// Where its document stands in the item: `/KeyPolicy`.
    pub pointer: Arc<str>,
    /// What a person calls it: `the policy of key orders`.
    pub name: Arc<str>,
    /// What it is attached to.
    pub kind: PolicyKind,
    /// What it says.
    pub document: Arc<Document>,
    /// What `${AWS::Region}` and its like stand for in it, if known.
    pub home: Option<Arc<AccountRegion>>,
}

/// What limits a principal from above.
#[derive(Clone, Debug, Default)]
pub enum Boundary {
    /// Nobody said whether there is one.
    #[default]
    Unseen,
    /// There is none.
    None,
    /// This one.
    Given(Policy),
    /// There is one, and it was not given.
    Unknown(Unknown),
}

/// All policies that bear on a request.
#[derive(Clone, Debug)]
pub struct Policies {
    /// Of the principal.
    pub identity: Vec<Policy>,
    /// Why the principal may have more.
    pub identity_open: Option<Unknown>,
    /// What limits the principal.
    pub boundary: Boundary,
    /// Of the organisation, if given.
    pub organisation: Vec<Policy>,
    /// Are these all of the organisation's? Then they are one level, and one of them has to allow; else only what they
    /// deny counts.
    pub organisation_whole: bool,
    /// Of the organisation, for its resources: only what they deny counts, since AWS attaches one that allows everything.
    pub resource_control: Vec<Policy>,
    /// Of the resource.
    pub resource: Vec<Policy>,
    /// Why the resource may have another policy than the ones given.
    pub resource_open: Option<Unknown>,
    /// Of a key.
    pub grants: Vec<Grant>,
    /// Why a key may have more.
    pub grants_open: Option<Unknown>,
    /// Are principal and resource of one account?
    pub same_account: Ternary,
    /// Does the resource's policy have to let the principal or its account? So it is with KMS keys and with roles that are
    /// assumed.
    pub decisive: bool,
    /// What was not seen or was assumed, one sentence each.
    pub notes: Vec<Cow<'static, str>>,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            identity: vec![],
            identity_open: None,
            boundary: Boundary::Unseen,
            organisation: vec![],
            organisation_whole: false,
            resource_control: vec![],
            resource: vec![],
            resource_open: None,
            grants: vec![],
            grants_open: None,
            same_account: Ternary::Yes,
            decisive: false,
            notes: vec![],
        }
    }
}

impl Policies {
    /// How many statements and grants a decision looks at.
    pub fn statements(&self) -> u64 {
        let boundary = match &self.boundary {
            Boundary::Given(policy) => Some(policy),
            Boundary::Unseen | Boundary::None | Boundary::Unknown(_) => None,
        };
        let organisation = self.organisation.iter().chain(&self.resource_control);
        let policies = self.identity.iter().chain(boundary).chain(organisation).chain(&self.resource);
        policies.map(|policy| policy.document.statements.len()).sum::<usize>() as u64 + self.grants.len() as u64
    }
}

/// A statement of a policy.
#[derive(Clone, Copy)]
pub(super) struct Which<'p> {
    pub(super) policy: &'p Policy,
    pub(super) statement: &'p Statement,
}

impl Which<'_> {
    pub(super) fn label(&self) -> String {
        let number = self.statement.pointer.rsplit('/').next().and_then(|last| last.parse::<usize>().ok());
        match (&self.statement.sid, number) {
            (Some(sid), _) => format!("statement {sid} of {}", self.policy.name),
            (None, Some(number)) => format!("statement {} of {}", number + 1, self.policy.name),
            (None, None) => format!("the statement of {}", self.policy.name),
        }
    }

    pub(super) fn place(&self, pointer: &str, note: impl Into<String>) -> Place {
        Place { item: self.policy.item, pointer: format!("{}{pointer}", self.policy.pointer), note: note.into() }
    }
}
