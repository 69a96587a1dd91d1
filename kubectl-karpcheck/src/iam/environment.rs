//! A request, and what the policies are evaluated in.

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::{Symbol, SymbolScope, Text};

use crate::iam::context::Context;
use crate::iam::identity::Principal;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub principal: Principal,
    /// `kms:Decrypt`.
    pub action: String,
    /// The ARN, `*` for none.
    pub resource: Text,
    /// What else the request says.
    pub context: Context,
    lower: String,
}

impl Request {
    /// A request.
    pub fn new(principal: Principal, action: &str, resource: impl Into<Text>, context: Context) -> Self {
        Self {
            principal,
            action: action.to_owned(),
            resource: resource.into(),
            context,
            lower: action.to_ascii_lowercase(),
        }
    }

    pub(super) fn bare(action: &str) -> Self {
        Self::new(Principal::Anyone, action, "*", Context::default())
    }

    /// The action in lower case.
    pub(super) fn lower(&self) -> &str {
        &self.lower
    }

    /// `ec2` of `ec2:RunInstances`.
    pub fn service(&self) -> &str {
        self.lower.split(':').next().unwrap_or_default()
    }
}

/// What a document is evaluated in.
pub(super) struct Env<'a> {
    pub(super) request: &'a Request,
    /// In lower case.
    pub(super) action: &'a str,
    home: Option<&'a AccountRegion>,
}

impl<'a> Env<'a> {
    pub(super) fn new(request: &'a Request, home: Option<&'a AccountRegion>) -> Self {
        Self { request, action: &request.lower, home }
    }

    /// What a pseudo parameter stands for.
    pub(super) fn home(&self, symbol: &Symbol) -> Option<&'a Text> {
        let home = self.home.filter(|_| symbol.scope == SymbolScope::AccountRegion)?;
        match &*symbol.name {
            arn::PARTITION => Some(&home.partition),
            arn::REGION => Some(&home.region),
            arn::ACCOUNT => Some(&home.account),
            _ => None,
        }
    }
}

/// The account of a home.
pub(super) fn account_of(home: Option<&AccountRegion>) -> Text {
    home.map_or_else(|| arn::unstated(arn::ACCOUNT), |home| home.account.clone())
}
