//! A request, and what the policies are evaluated in.

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::{Symbol, SymbolScope, Text};

use crate::iam::arn::split;
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
    /// The resource's ARN in its parts, if it is one.
    parts: Option<Box<[Text; 6]>>,
}

impl Request {
    /// A request.
    pub fn new(principal: Principal, action: &str, resource: impl Into<Text>, context: Context) -> Self {
        let resource = resource.into();
        let parts = split(&resource).map(Box::new);
        Self::taken_apart(principal, action, (resource, parts), context)
    }

    /// A request for a resource whose ARN was taken apart.
    pub(super) fn taken_apart(
        principal: Principal,
        action: &str,
        (resource, parts): (Text, Option<Box<[Text; 6]>>),
        context: Context,
    ) -> Self {
        Self { principal, action: action.to_owned(), resource, context, lower: action.to_ascii_lowercase(), parts }
    }

    pub(super) fn bare(action: &str) -> Self {
        Self::new(Principal::Anyone, action, "*", Context::default())
    }

    /// The resource's ARN in its parts, if it is one.
    pub(super) fn parts(&self) -> Option<&[Text; 6]> {
        self.parts.as_deref()
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
