//! Grants of KMS keys.

use crate::inventory::reason::Iam;
use crate::inventory::{Cause, ItemId, Node, Reason, Symbol, Ternary, Text, Value};

use crate::iam::arn::split;
use crate::iam::context::{Given, KeyName, Lookup};
use crate::iam::environment::Env;
use crate::iam::identity::{Identity, IdentityKind, Principal, Session};

/// A grant: one principal may use a key for some operations.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The item that holds it.
    pub item: ItemId,
    /// Where in it: `/Grants/0`.
    pub pointer: String,
    grantee: Option<Text>,
    operations: Vec<Text>,
    /// Pairs of the encryption context, and whether there may be others beside them.
    constraint: Option<(Vec<(Text, Text)>, bool)>,
    open: Option<Reason>,
}

impl Grant {
    /// Reads a grant as `ListGrants` gives it: `GranteePrincipal`, `Operations`, `Constraints`.
    pub fn new(item: ItemId, pointer: String, node: &Node) -> Self {
        let mut grant = Self { item, pointer, grantee: None, operations: vec![], constraint: None, open: None };
        grant.open = match &node.value {
            Value::Unknown(reason) => Some((**reason).clone()),
            _ => node.as_map().and_then(|map| map.more.as_deref().cloned()),
        };
        if let Some(Value::Text(text)) = node.member("GranteePrincipal").map(|node| &node.value) {
            grant.grantee = Some(text.clone());
        }
        let operations = node.member("Operations");
        for operation in operations.map(Node::elements).unwrap_or_default() {
            match &operation.value {
                Value::Text(text) => grant.operations.push(text.clone()),
                Value::Unknown(reason) => grant.open = Some((**reason).clone()),
                _ => {}
            }
        }
        match operations.map(|node| &node.value) {
            Some(Value::Unknown(reason)) => grant.open = Some((**reason).clone()),
            Some(Value::List(list)) => grant.open = grant.open.take().or_else(|| list.more.as_deref().cloned()),
            _ => {}
        }
        for (name, others) in [("EncryptionContextSubset", true), ("EncryptionContextEquals", false)] {
            let Some(node) = node.at_path(&["Constraints", name]) else { continue };
            let mut pairs = vec![];
            for (key, value) in node.as_map().map(|map| map.entries.as_slice()).unwrap_or_default() {
                match &value.value {
                    Value::Text(text) => pairs.push((key.clone(), text.clone())),
                    Value::Unknown(reason) => grant.open = Some((**reason).clone()),
                    _ => {}
                }
            }
            if let Some((reason, _)) = node.first_unknown() {
                grant.open = grant.open.take().or(Some(reason));
            }
            if !pairs.is_empty() {
                grant.constraint = Some((pairs, others));
            }
        }
        grant
    }

    /// Does it let the principal do this?
    pub(super) fn allows(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        let Some(operation) = env.action.strip_prefix("kms:") else { return Ternary::No };
        let grantee = match (&env.request.principal, &self.grantee) {
            (_, None) => {
                if self.open.is_some() {
                    Ternary::Unknown
                } else {
                    Ternary::No
                }
            }
            (Principal::Identity(identity), Some(grantee)) => {
                let (answer, why) = reaches(grantee, identity);
                if let Some(why) = why {
                    doubt.get_or_insert_with(|| Reason::new(Cause::Undecidable, why));
                }
                answer
            }
            (Principal::Service(name), Some(grantee)) => grantee.same(name),
            (Principal::Federated(_) | Principal::Anyone, Some(_)) => Ternary::No,
        };
        let listed = Ternary::any(self.operations.iter().map(|text| match text.known() {
            Some(known) => Ternary::from(known.eq_ignore_ascii_case(operation)),
            None => Ternary::Unknown,
        }));
        let listed = super::pattern::open(listed, self.open.as_ref(), &mut None);
        // Operations that carry no encryption context are not held to the constraint.
        let constrained = !matches!(operation, "describekey" | "retiregrant");
        let context = match &self.constraint {
            Some((pairs, others)) if constrained => self.context(pairs, *others, env),
            _ => Ternary::Yes,
        };
        let answer = grantee.and(listed).and(context);
        if answer == Ternary::Unknown {
            doubt.get_or_insert_with(|| {
                let hole = self.grantee.as_ref().and_then(Text::hole).map(Symbol::reason);
                self.open.clone().or(hole).unwrap_or_else(|| Reason::new(Cause::Undecidable, Iam::GrantContext))
            });
        }
        answer
    }

    fn context(&self, pairs: &[(Text, Text)], others: bool, env: &Env<'_>) -> Ternary {
        let held = Ternary::all(pairs.iter().map(|(key, value)| {
            let name = KeyName::new(&Text::from_parts(
                Text::from("kms:EncryptionContext:").into_parts().into_iter().chain(key.clone().into_parts()),
            ));
            match env.request.context.lookup(&name) {
                Lookup::One(Given::Values(values)) => Ternary::any(values.iter().map(|given| given.same(value))),
                Lookup::One(Given::Absent) => Ternary::No,
                _ => Ternary::Unknown,
            }
        }));
        if others {
            return held;
        }
        let more = env
            .request
            .context
            .below("kms:encryptioncontext:")
            .filter(|(_, given)| matches!(given, Given::Values(_)))
            .count();
        if more > pairs.len() { Ternary::No } else { held }
    }
}

/// Is the grant made to an identity? A grantee may be one session of a role, or an account.
fn reaches(grantee: &Text, identity: &Identity) -> (Ternary, Option<Iam>) {
    let Some(parts) = split(grantee) else { return (grantee.same(&identity.arn), None) };
    if let Some(session) = Session::of(&parts) {
        if let Some(own) = &identity.session {
            return (grantee.same(own), None);
        }
        let other = identity.kind != IdentityKind::Role
            || identity.account.same(&session.account) == Ternary::No
            || identity.name().is_some_and(|own| own != session.role);
        let why = Iam::Session { name: session.role.as_str().into() };
        return if other { (Ternary::No, None) } else { (Ternary::Unknown, Some(why)) };
    }
    if parts[5].known() == Some("root") && identity.kind != IdentityKind::Root {
        return match identity.account.same(&parts[4]) {
            Ternary::No => (Ternary::No, None),
            _ => (Ternary::Unknown, Some(Iam::GrantToAccount)),
        };
    }
    (grantee.same(&identity.arn), None)
}
