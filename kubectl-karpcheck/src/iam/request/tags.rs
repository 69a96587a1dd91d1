//! The tags of principal and resource, as far as a request does not name them.
//!
//! A principal's tags are those of its role or user, and those of the session, which come first. A session has tags only where
//! the trust policy lets somebody use sts:TagSession (IAM user guide, id_session-tags). EKS Pod Identity gives its own (EKS
//! user guide, pod-id-abac); a ServiceAccount's token for IRSA brings none.

use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Item, ItemId, Node, Reason, Ternary, Text, Value};

use crate::iam::context::{Context, Given};
use crate::iam::document::PolicyKind;
use crate::iam::request::{Asker, Evaluator, ROLE};

const ASSOCIATION: &str = "AWS::EKS::PodIdentityAssociation";
const PRINCIPAL: &str = "aws:PrincipalTag/";
const RESOURCE: &str = "aws:ResourceTag/";
/// The session tags of Pod Identity that follow from an association, and the property that each is.
const OF_ASSOCIATION: &[(&str, &str)] = &[
    ("eks-cluster-name", "ClusterName"),
    ("kubernetes-namespace", "Namespace"),
    ("kubernetes-service-account", "ServiceAccount"),
];
/// Those that do not.
const OF_POD: &[&str] = &["eks-cluster-arn", "kubernetes-pod-name", "kubernetes-pod-uid"];

/// What is known of the tags of a principal's session.
enum SessionTags {
    /// It has none.
    None,
    /// Those of these associations, which say all there is to know.
    Of(Vec<ItemId>),
    /// It may have any.
    Unknown,
}

impl Evaluator<'_> {
    /// Adds the tags of the principal.
    pub(super) fn principal_tags(&self, context: &mut Context, asker: &Asker) {
        let session = self.session_tags(asker);
        if let SessionTags::Of(associations) = &session {
            self.tags_of_associations(context, associations);
        }
        let of_item = asker.item.and_then(|id| self.inventory.item(id));
        let Some(item) = of_item else { return };
        let whole = own_tags(context, item, PRINCIPAL) && !matches!(session, SessionTags::Unknown);
        others(context, item, PRINCIPAL, whole);
    }

    /// Adds the tags of the resource.
    pub(super) fn resource_tags(&self, context: &mut Context, target: Option<ItemId>) {
        let Some(item) = target.and_then(|id| self.inventory.item(id)) else { return };
        let whole = own_tags(context, item, RESOURCE);
        others(context, item, RESOURCE, whole);
    }

    fn session_tags(&self, asker: &Asker) -> SessionTags {
        let role = asker.item.and_then(|id| Some((id, self.inventory.item(id)?)));
        if role.is_some_and(|(_, item)| &*item.kind != ROLE) {
            // Of a user's own keys. A session token of one may have tags, which AWS gives to federated users alone.
            return SessionTags::None;
        }
        if let Some((id, _)) = role
            && let Some(trust) = self.document(id, "/AssumeRolePolicyDocument", PolicyKind::Trust)
            && !trust.may_allow("sts:tagsession")
        {
            return SessionTags::None;
        }
        let associations: Vec<ItemId> = match (asker.acts, role) {
            (Some(acts), _) => {
                let all = self.inventory.of_kind(ASSOCIATION).into_iter();
                all.filter(|association| self.is_for(*association, acts)).collect()
            }
            (None, Some((id, _))) => self.inventory.referrers(id, ASSOCIATION).into_iter().filter_map(known).collect(),
            (None, None) => vec![],
        };
        if associations.is_empty() { SessionTags::Unknown } else { SessionTags::Of(associations) }
    }

    /// Is an association certainly that of an item that runs under a ServiceAccount?
    fn is_for(&self, association: ItemId, acts: ItemId) -> bool {
        let (Some(association), Some(acts)) = (self.inventory.item(association), self.inventory.item(acts)) else {
            return false;
        };
        let fits = |property: &str, own: Option<&str>| own.is_some() && association.body.str_at(&[property]) == own;
        fits("Namespace", acts.namespace.as_deref()) && fits("ServiceAccount", acts.body.str_at(&["ServiceAccount"]))
    }

    fn tags_of_associations(&self, context: &mut Context, associations: &[ItemId]) {
        let items: Vec<&Item> = associations.iter().filter_map(|id| self.inventory.item(*id)).collect();
        let without = items
            .iter()
            .filter(|item| {
                matches!(item.body.member("DisableSessionTags").map(|node| &node.value), Some(Value::Flag(true)))
            })
            .count();
        if without == items.len() {
            return;
        }
        let unknown = |tag: &str| Given::Unknown(Reason::new(Cause::NotProvided, Iam::SessionTag { tag: tag.into() }));
        for (tag, property) in OF_ASSOCIATION {
            let mut values = items.iter().map(|item| item.body.member(property).map(|node| &node.value));
            let one = match values.next() {
                Some(Some(Value::Text(text))) => Some(text),
                _ => None,
            };
            let same = |other: Option<&Value>| match (one, other) {
                (Some(one), Some(Value::Text(other))) => one.same(other) == Ternary::Yes,
                _ => false,
            };
            let given = match one {
                Some(one) if without == 0 && values.all(same) => Given::one(one.clone()),
                _ => unknown(tag),
            };
            context.set_default(format!("{PRINCIPAL}{tag}"), given);
        }
        for tag in OF_POD {
            context.set_default(format!("{PRINCIPAL}{tag}"), unknown(tag));
        }
    }
}

fn known(link: crate::inventory::Link) -> Option<ItemId> {
    match link.item {
        crate::inventory::Found::Known(id) => Some(id),
        _ => None,
    }
}

/// Adds the tags that an item says it has. Are these all?
fn own_tags(context: &mut Context, item: &Item, prefix: &str) -> bool {
    let tags = item.body.member("Tags");
    let mut whole = matches!(tags.map(|node| &node.value), Some(Value::List(list)) if list.more.is_none());
    for tag in tags.map(Node::elements).unwrap_or_default() {
        match (tag.member("Key").map(|node| &node.value), tag.member("Value").map(|node| &node.value)) {
            (Some(Value::Text(key)), Some(Value::Text(value))) => {
                let key = Text::from_parts(Text::from(prefix).into_parts().into_iter().chain(key.clone().into_parts()));
                context.set_default(key, Given::one(value.clone()));
            }
            _ => whole = false,
        }
    }
    // A declared resource without tags has none. Of an answer of AWS they may have been left out, unless it says so.
    whole || tags.is_some_and(Node::is_null) || (tags.is_none() && !item.source.observed())
}

/// What is known of all other tags.
fn others(context: &mut Context, item: &Item, prefix: &str, whole: bool) {
    let given = if whole {
        Given::Absent
    } else {
        Given::Unknown(Reason::new(Cause::NotProvided, Iam::Tags { item: (&*item.name).into() }))
    };
    context.set_default(format!("{prefix}*"), given);
}
