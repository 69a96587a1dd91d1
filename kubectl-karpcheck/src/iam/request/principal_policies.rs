//! The policies of a principal.

use std::sync::Arc;

use crate::inventory::arn::AccountRegion;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Found, Item, ItemId, Link, Node, Reason, Ternary, Text, Unknown, Value};

use crate::iam::arn::split;
use crate::iam::document::{Document, PolicyKind};
use crate::iam::identity::Identity;
use crate::iam::managed;
use crate::iam::managed::Managed;
use crate::iam::policies::{Boundary, Policies, Policy};
use crate::iam::request::account_region::Known;
use crate::iam::request::{Evaluator, INLINE_POLICY, MANAGED_POLICY, ROLE, USER, known_or, not_given};

/// What a principal holds.
#[derive(Debug, Default)]
pub(super) struct PrincipalPolicies {
    identity: Vec<Policy>,
    /// Why it may hold more.
    open: Option<Unknown>,
    /// AWS's own policies of which only a part is known: the services that they are about, and where they are attached.
    partly: Vec<(&'static Managed, Unknown)>,
    boundary: Boundary,
    /// Where the policies' resources live.
    pub(super) home: Known,
}

/// The relation of an item that acts as a role to its policies, where the role is not known.
const POLICIES_OF_ITEM: &str = "@policies";

impl Evaluator<'_> {
    /// The principal's policies for a request to a service.
    pub(super) fn own_policies(
        &self,
        held: &PrincipalPolicies,
        service: &str,
        home: &AccountRegion,
        policies: &mut Policies,
    ) {
        let home = Arc::new(home.clone());
        policies.identity =
            held.identity.iter().map(|policy| Policy { home: Some(Arc::clone(&home)), ..policy.clone() }).collect();
        policies.identity_open.clone_from(&held.open);
        if let Some((_, unknown)) = held.partly.iter().find(|(managed, _)| managed.partly.contains(&service)) {
            policies.identity_open.get_or_insert_with(|| unknown.clone());
        }
        policies.boundary = held.boundary.clone();
        if let Boundary::Given(policy) = &mut policies.boundary {
            policy.home = Some(home);
        }
    }

    /// What a role, user or policy holds.
    pub(super) fn held(&self, id: ItemId) -> Arc<PrincipalPolicies> {
        self.cached(id, || self.gather(id))
    }

    fn cached(&self, id: ItemId, make: impl FnOnce() -> PrincipalPolicies) -> Arc<PrincipalPolicies> {
        known_or(&self.cache.held, (self.inventory.before, id), || Arc::new(make()))
    }

    fn gather(&self, id: ItemId) -> PrincipalPolicies {
        let mut held = PrincipalPolicies::default();
        let Some(item) = self.inventory.item(id) else { return held };
        match &*item.kind {
            MANAGED_POLICY | INLINE_POLICY => {
                held.boundary = Boundary::None;
                self.add(&mut held, id, "/PolicyDocument", format!("policy {}", item.name));
            }
            ROLE | USER => {
                self.attached_to(&mut held, id, item);
                self.of_groups(&mut held, id, item);
                held.boundary = self.boundary(id, item);
            }
            _ => {
                held.open = Some(Unknown::new(Cause::Undecidable, Iam::NoPrincipal { item: (&*item.name).into() }));
            }
        }
        self.settle(&mut held);
        held
    }

    /// The inline and managed policies of a role, user or group.
    fn attached_to(&self, held: &mut PrincipalPolicies, id: ItemId, item: &Item) {
        let before = held.identity.len();
        self.inline(held, id, item);
        self.attached(held, id, item);
        self.exclusive(held, before, id, item);
    }

    /// The policies of the groups that a user is in.
    fn of_groups(&self, held: &mut PrincipalPolicies, id: ItemId, item: &Item) {
        let gap = || Iam::Groups { user: (&*item.name).into() };
        let Some(groups) = item.body.member("Groups").filter(|groups| !groups.is_null()) else { return };
        let links = self.inventory.related(id, "/Groups/*").unwrap_or_default();
        let mut found = 0;
        for link in links {
            if let Found::Known(group) = link.item
                && let Some(item) = self.inventory.item(group)
            {
                found += 1;
                self.attached_to(held, group, item);
            }
        }
        if found < groups.elements().len() || !matches!(&groups.value, Value::List(list) if list.more.is_none()) {
            held.open.get_or_insert(not_given(gap(), Some((id, "/Groups".into()))));
        }
    }

    /// Where something removes all inline policies but some, others that are given are soon gone, and those that are named
    /// and were not given are there.
    fn exclusive(&self, held: &mut PrincipalPolicies, from: usize, id: ItemId, item: &Item) {
        let Some(node) = item.body.member("ExclusivePolicyNames").filter(|names| !names.is_null()) else { return };
        let names: Vec<&Text> = node
            .elements()
            .iter()
            .filter_map(|name| match &name.value {
                Value::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        let whole = matches!(&node.value, Value::List(list) if list.more.is_none() && list.items.len() == names.len());
        let place = || Some((id, "/ExclusivePolicyNames".to_owned()));
        let mut seen = vec![Ternary::No; names.len()];
        for policy in held.identity.iter_mut().skip(from) {
            let Some(name) = self.name_of_inline(policy) else { continue };
            let mut listed = if whole { Ternary::No } else { Ternary::Unknown };
            for (name_listed, seen) in names.iter().zip(&mut seen) {
                let same = name_listed.same(&name);
                listed = listed.or(same);
                *seen = seen.or(same);
            }
            if listed == Ternary::No && policy.document.refused.is_none() {
                let gap = Iam::Removed { policy: name.to_string().into(), item: (&*item.name).into() };
                let reason = Reason::new(Cause::Undecidable, gap);
                Arc::make_mut(&mut policy.document).refused = Some((reason, String::new()));
            }
        }
        if let Some((name, _)) = names.iter().zip(&seen).find(|(_, seen)| **seen == Ternary::No) {
            let gap = Iam::NoPolicy { what: format!("policy {name} of {}", item.name).into() };
            held.open.get_or_insert(not_given(gap, place()));
        }
        if !whole {
            let gap = Iam::PolicyNames { item: (&*item.name).into() };
            held.open.get_or_insert(not_given(gap, place()));
        }
    }

    /// The name of an inline policy.
    fn name_of_inline(&self, policy: &Policy) -> Option<Text> {
        let item = self.inventory.item(policy.item)?;
        let own = policy.pointer.strip_suffix("/PolicyDocument")?;
        let node = match &*item.kind {
            INLINE_POLICY => item.body.member("PolicyName"),
            MANAGED_POLICY => None,
            _ => self.inventory.node(policy.item, &format!("{own}/PolicyName")),
        };
        match node.map(|node| &node.value) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn settle(&self, held: &mut PrincipalPolicies) {
        let documents = held.identity.iter().filter_map(|policy| self.inventory.node(policy.item, &policy.pointer));
        // What was stated of the policies themselves outranks what they speak of.
        let stated = held.identity.first().map(|policy| Known::of_item(self.inventory.item(policy.item)));
        held.home = stated.unwrap_or_default().or(Known::of_policies(documents));
    }

    /// Adds a document; one that cannot be read leaves the list open.
    fn add(&self, held: &mut PrincipalPolicies, id: ItemId, at: &str, name: String) {
        match self.document(id, at, PolicyKind::Identity) {
            Some(document) => {
                if held.identity.iter().any(|policy| policy.item == id && &*policy.pointer == at) {
                    return;
                }
                held.identity.push(Policy {
                    item: id,
                    pointer: at.into(),
                    name: name.into(),
                    kind: PolicyKind::Identity,
                    document,
                    home: None,
                });
            }
            None => {
                if let Ok(crate::inventory::FieldValue::Unknown(unknown)) = self.inventory.get(id, at) {
                    held.open.get_or_insert(unknown);
                }
            }
        }
    }

    fn inline(&self, held: &mut PrincipalPolicies, id: ItemId, item: &Item) {
        let Some(node) = item.body.member("Policies") else { return };
        for (index, policy) in node.elements().iter().enumerate() {
            if let Value::Unknown(reason) = &policy.value {
                let place = Some((id, format!("/Policies/{index}")));
                held.open.get_or_insert(Unknown { reason: (**reason).clone(), place });
                continue;
            }
            let name = policy.str_at(&["PolicyName"]).map_or_else(|| format!("{}", index + 1), str::to_owned);
            self.add(held, id, &format!("/Policies/{index}/PolicyDocument"), format!("policy {name} of {}", item.name));
        }
        let more = match &node.value {
            Value::List(list) => list.more.as_deref(),
            Value::Unknown(reason) => Some(&**reason),
            _ => None,
        };
        if let Some(reason) = more {
            held.open.get_or_insert(Unknown { reason: reason.clone(), place: Some((id, "/Policies".into())) });
        }
    }

    fn attached(&self, held: &mut PrincipalPolicies, id: ItemId, item: &Item) {
        let links = self.inventory.related(id, "/ManagedPolicyArns/*").unwrap_or_default();
        for link in links {
            self.link(held, id, link);
        }
        if let Some(Node { value: Value::Unknown(reason), .. }) = item.body.member("ManagedPolicyArns") {
            let place = Some((id, "/ManagedPolicyArns".to_owned()));
            held.open.get_or_insert(Unknown { reason: (**reason).clone(), place });
        }
        for kind in [INLINE_POLICY, MANAGED_POLICY] {
            for link in self.inventory.referrers(id, kind) {
                match link.item {
                    Found::Known(policy) => self.policy(held, policy),
                    // That there may be more policies than were given is so of everything in files: what counts is an
                    // attachment that is known of, or a list that was refused.
                    Found::Unknown(unknown)
                        if unknown.place.is_some() || unknown.reason.cause != Cause::NotProvided =>
                    {
                        held.open.get_or_insert(unknown);
                    }
                    Found::Unknown(_) | Found::Absent(_) => {}
                }
            }
        }
    }

    fn policy(&self, held: &mut PrincipalPolicies, id: ItemId) {
        if let Some(item) = self.inventory.item(id) {
            self.add(held, id, "/PolicyDocument", format!("policy {}", item.name));
        }
    }

    /// One attached policy.
    fn link(&self, held: &mut PrincipalPolicies, id: ItemId, link: Link) {
        let unknown = match link.item {
            Found::Known(policy) => return self.policy(held, policy),
            Found::Absent(what) => not_given(Iam::NoPolicy { what: what.into() }, Some((id, link.at.clone()))),
            Found::Unknown(unknown) => unknown,
        };
        let text = match self.inventory.node(id, &link.at).map(|node| &node.value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        match text.and_then(of_aws) {
            Some((name, Some(managed))) => {
                if let Some(document) = managed.document() {
                    held.identity.push(Policy {
                        item: id,
                        pointer: link.at.as_str().into(),
                        name: format!("AWS managed policy {name}").into(),
                        kind: PolicyKind::Identity,
                        document: Arc::new(document),
                        home: None,
                    });
                }
                if !managed.partly.is_empty() {
                    let gap = Iam::ManagedInPart { name: name.into() };
                    held.partly.push((managed, not_given(gap, Some((id, link.at)))));
                }
            }
            Some((name, None)) => {
                let gap = Iam::Managed { name: name.into() };
                held.open.get_or_insert(not_given(gap, Some((id, link.at))));
            }
            None => {
                held.open.get_or_insert(unknown);
            }
        }
    }

    fn boundary(&self, id: ItemId, item: &Item) -> Boundary {
        let Some(node) = item.body.member("PermissionsBoundary").filter(|node| !node.is_null()) else {
            // IAM's answers about a role leave it out where there is none.
            return Boundary::None;
        };
        let link = self.inventory.related(id, "/PermissionsBoundary").unwrap_or_default().pop();
        let found = link.map(|link| link.item);
        if let Some(Found::Known(policy)) = found
            && let (Some(document), Some(item)) =
                (self.document(policy, "/PolicyDocument", PolicyKind::Identity), self.inventory.item(policy))
        {
            return Boundary::Given(Policy {
                item: policy,
                pointer: "/PolicyDocument".into(),
                name: format!("the permissions boundary {}", item.name).into(),
                kind: PolicyKind::Boundary,
                document,
                home: None,
            });
        }
        let text = match &node.value {
            Value::Text(text) => Some(text),
            _ => None,
        };
        if let Some((name, Some(managed))) = text.and_then(of_aws)
            && managed.partly.is_empty()
            && let Some(document) = managed.document()
        {
            return Boundary::Given(Policy {
                item: id,
                pointer: "/PermissionsBoundary".into(),
                name: format!("the permissions boundary {name}").into(),
                kind: PolicyKind::Boundary,
                document: Arc::new(document),
                home: None,
            });
        }
        Boundary::Unknown(not_given(
            Iam::Boundary { item: (&*item.name).into() },
            Some((id, "/PermissionsBoundary".into())),
        ))
    }

    /// What an item holds that acts as a role which was not read: the policies that it is related to.
    pub(super) fn without_role(&self, id: ItemId) -> Arc<PrincipalPolicies> {
        self.cached(id, || {
            let mut held = PrincipalPolicies::default();
            for link in self.inventory.related(id, POLICIES_OF_ITEM).unwrap_or_default() {
                match link.item {
                    Found::Known(policy) => match self.inventory.item(policy) {
                        Some(item) if &*item.kind == ROLE => self.inline(&mut held, policy, item),
                        _ => self.policy(&mut held, policy),
                    },
                    Found::Unknown(unknown) => {
                        held.open.get_or_insert(unknown);
                    }
                    Found::Absent(_) => {}
                }
            }
            self.settle(&mut held);
            held
        })
    }
}

/// The name of an AWS managed policy, and what is known of it.
fn of_aws(text: &Text) -> Option<(String, Option<&'static Managed>)> {
    let parts = split(text)?;
    if parts[2].known() != Some("iam") || parts[4].known() != Some("aws") {
        return None;
    }
    let name = parts[5].known()?.strip_prefix("policy/")?;
    Some((name.to_owned(), managed::managed(name)))
}

/// A principal that is not in the inventory.
pub(super) fn stranger(identity: &Identity, service: &str, policies: &mut Policies) {
    let name = identity.arn.to_string();
    // The spot service's own role: its policy is AWS's and says nothing of keys.
    let spot = name.contains(":role/aws-service-role/spot.amazonaws.com/");
    let known = spot.then(|| managed::managed("aws-service-role/AWSEC2SpotServiceRolePolicy")).flatten();
    if known.is_some_and(|managed| !managed.partly.contains(&service)) {
        policies.boundary = Boundary::None;
        return;
    }
    policies.identity_open =
        Some(Unknown { reason: Reason::new(Cause::NotProvided, Iam::Policies { name: name.into() }), place: None });
}

impl Managed {
    /// As a document, if it allows anything that is known.
    fn document(&self) -> Option<Document> {
        if self.actions.is_empty() {
            return None;
        }
        let at = crate::inventory::At::default();
        let text = |text: &str| Node::text(text, at);
        let actions = Value::List(self.actions.iter().map(|action| text(action)).collect());
        let members = [("Effect", text("Allow")), ("Action", Node::new(actions, at)), ("Resource", text("*"))];
        let statement = Value::Map(members.into_iter().map(|(key, node)| (Text::from(key), node)).collect());
        let members = [("Version", text("2012-10-17")), ("Statement", Node::new(statement, at))];
        let document = Value::Map(members.into_iter().map(|(key, node)| (Text::from(key), node)).collect());
        Some(Document::new(&Node::new(document, at), PolicyKind::Identity))
    }
}
