//! The service control policies that were given.
//!
//! They may not be all of an organisation's, and AWS attaches one of its own that allows everything (FullAWSAccess): so what
//! they deny counts, and what they do not allow does not.

use std::sync::Arc;

use crate::inventory::arn::AccountRegion;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, ItemId, Node, Reason, Ternary, Text, Value};

use crate::iam::decide::{Policies, Policy};
use crate::iam::document::PolicyKind;
use crate::iam::identity::Identity;
use crate::iam::request::{Evaluator, ORGANISATION_POLICY};

impl Evaluator<'_> {
    /// Adds the service control policies that bear on a principal. Service-linked roles are beyond them.
    pub(super) fn organisation(&self, identity: &Identity, home: &AccountRegion, policies: &mut Policies) {
        if identity.arn.to_string().contains(":role/aws-service-role/") {
            return;
        }
        let home = Arc::new(home.clone());
        for id in self.inventory.of_kind(ORGANISATION_POLICY) {
            let Some(item) = self.inventory.item(id) else { continue };
            let reaches = self.reaches(id, &identity.account);
            if item.body.str_at(&["Type"]).is_some_and(|kind| kind != "SERVICE_CONTROL_POLICY")
                || reaches == Ternary::No
            {
                continue;
            }
            let Some(mut document) = self.document(id, "/Content", PolicyKind::Organisation) else { continue };
            if reaches == Ternary::Unknown && document.refused.is_none() {
                let gap = Iam::Reach { policy: (&*item.name).into() };
                let reason = Reason::new(Cause::NotProvided, gap);
                Arc::make_mut(&mut document).refused = Some((reason, String::new()));
            }
            policies.organisation.push(Policy {
                item: id,
                pointer: "/Content".into(),
                name: format!("the service control policy {}", item.name).into(),
                kind: PolicyKind::Organisation,
                document,
                home: Some(Arc::clone(&home)),
            });
        }
        policies.notes.push(
            if policies.organisation.is_empty() {
                "organisation policies were not seen"
            } else {
                "of organisation policies, what the given ones deny was counted"
            }
            .into(),
        );
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
