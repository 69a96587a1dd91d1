//! The policies of the organisation that were given: service control policies for its principals, resource control policies
//! for its resources.
//!
//! They may not be all of an organisation's, and AWS attaches some of its own that allow everything (FullAWSAccess,
//! RCPFullAWSAccess): so what they deny counts, and what they do not allow does not.

use std::sync::Arc;

use crate::inventory::arn::AccountRegion;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, ItemId, Node, Reason, Ternary, Text, Value};

use crate::iam::document::PolicyKind;
use crate::iam::identity::{Identity, Principal};
use crate::iam::policies::{Policies, Policy};
use crate::iam::request::{Evaluator, ORGANISATION_POLICY};

/// The services whose resources a resource control policy binds, as of 2026-11: AWS Organizations user guide,
/// orgs_manage_policies_rcps, "List of AWS services that support RCPs".
const BOUND: &[&str] = &[
    "aoss",
    "cognito-identity",
    "cognito-idp",
    "dynamodb",
    "ecr",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sqs",
    "sts",
];

impl Evaluator<'_> {
    /// Adds the service control policies that bear on a principal. Service-linked roles are beyond them.
    pub(super) fn service_control(&self, identity: &Identity, home: &AccountRegion, policies: &mut Policies) {
        if service_linked(identity) {
            return;
        }
        policies.organisation = self.reaching(PolicyKind::Organisation, &identity.account, home);
        policies.notes.push(
            if policies.organisation.is_empty() {
                "organisation policies were not seen"
            } else {
                "of organisation policies, what the given ones deny was counted"
            }
            .into(),
        );
    }

    /// Adds the resource control policies that bear on a resource of the account that owns it.
    pub(super) fn resource_control(
        &self,
        principal: &Principal,
        service: &str,
        home: &AccountRegion,
        policies: &mut Policies,
    ) {
        let beyond = matches!(principal, Principal::Identity(identity) if service_linked(identity));
        if !BOUND.contains(&service) || beyond {
            return;
        }
        policies.resource_control = self.reaching(PolicyKind::ResourceControl, &home.account, home);
        // Of an identity it is said already.
        if policies.resource_control.is_empty() && !matches!(principal, Principal::Identity(_)) {
            policies.notes.push("resource control policies of the organisation were not seen".into());
        }
    }

    /// The policies of one type that reach an account.
    fn reaching(&self, kind: PolicyKind, account: &Text, home: &AccountRegion) -> Vec<Policy> {
        let all = self.inventory.of_kind(ORGANISATION_POLICY);
        if all.is_empty() {
            return vec![];
        }
        let home = Arc::new(home.clone());
        let (wanted, noun) = match kind {
            PolicyKind::ResourceControl => ("RESOURCE_CONTROL_POLICY", "resource"),
            _ => ("SERVICE_CONTROL_POLICY", "service"),
        };
        let mut given = vec![];
        for id in all {
            let Some(item) = self.inventory.item(id) else { continue };
            // Where nothing says which type it is, it is the older one.
            let of_type = item.body.str_at(&["Type"]).unwrap_or("SERVICE_CONTROL_POLICY");
            let reaches = if of_type == wanted { self.reaches(id, account) } else { Ternary::No };
            if reaches == Ternary::No {
                continue;
            }
            let Some(mut document) = self.document(id, "/Content", kind) else { continue };
            if reaches == Ternary::Unknown && document.refused.is_none() {
                let gap = Iam::Reach { policy: (&*item.name).into() };
                let reason = Reason::new(Cause::NotProvided, gap);
                Arc::make_mut(&mut document).refused = Some((reason, String::new()));
            }
            given.push(Policy {
                item: id,
                pointer: "/Content".into(),
                name: format!("the {noun} control policy {}", item.name).into(),
                kind,
                document,
                home: Some(Arc::clone(&home)),
            });
        }
        given
    }

    /// Is it attached to the organisation's root or to the account? Of a unit nobody says which accounts are in it.
    fn reaches(&self, policy: ItemId, account: &Text) -> Ternary {
        let Some(targets) = self.inventory.node(policy, "/TargetIds").filter(|node| !node.is_null()) else {
            return Ternary::Unknown;
        };
        let one = |target: &Node| match &target.value {
            Value::Text(text) if text.known().is_some_and(|text| text.starts_with("r-")) => Ternary::Yes,
            Value::Text(text) if text.known().is_some_and(|text| text.starts_with("ou-")) => Ternary::Unknown,
            Value::Text(text) => text.same(account),
            _ => Ternary::Unknown,
        };
        match &targets.value {
            Value::List(list) => {
                Ternary::any(list.items.iter().map(one).chain(list.more.is_some().then_some(Ternary::Unknown)))
            }
            _ => one(targets),
        }
    }
}

fn service_linked(identity: &Identity) -> bool {
    const OF_A_SERVICE: &str = ":role/aws-service-role/";
    match identity.arn.known() {
        Some(known) => known.contains(OF_A_SERVICE),
        None => identity.arn.to_string().contains(OF_A_SERVICE),
    }
}
