//! Where a cluster's AWS resources live, by what its objects say.

use crate::inventory::arn;
use crate::inventory::item::{ClusterId, Item};
use crate::inventory::node::{Node, Value};

/// Partition, region and account, each where it is said.
pub(crate) type Location = (Option<Node>, Option<Node>, Option<Node>);

/// An API server's URL in one spelling: it may be written `https://ID.…` and `https://id.…/`.
pub(crate) fn endpoint(url: &str) -> String {
    url.trim_end_matches('/').to_ascii_lowercase()
}

/// Where a cluster's AWS resources live, by what its objects say.
pub(crate) fn location_of<'a>(cluster: ClusterId, items: impl Iterator<Item = &'a Item> + Clone) -> Location {
    let own = || items.clone().filter(|item| item.cluster == cluster);
    // aws:///eu-west-1a/i-0123: the zone's region.
    let region = own().filter(|item| &*item.kind == "core/Node").find_map(|node| {
        let id = node.body.at_path(&["spec", "providerID"])?;
        let zone = id.as_str()?.strip_prefix("aws:///")?.split('/').next()?;
        let region = zone.trim_end_matches(|char: char| char.is_ascii_lowercase());
        // Local zones carry their own name behind the region's: us-west-2-lax-1a.
        let parts: Vec<&str> = region.split('-').collect();
        let number = parts.iter().position(|part| part.parse::<u32>().is_ok())?;
        Some(Node::text(parts[..=number].join("-"), id.at))
    });
    let role = own().filter(|item| &*item.kind == "core/ServiceAccount").find_map(|account| {
        let annotation = account.body.at_path(&["metadata", "annotations", "eks.amazonaws.com/role-arn"])?;
        match &annotation.value {
            Value::Text(text) => arn::split(text).map(|parts| (parts, annotation.at)),
            _ => None,
        }
    });
    let part = |index: usize| {
        let (parts, at) = role.as_ref()?;
        parts[index].known().filter(|part| !part.is_empty()).map(|part| Node::text(part, *at))
    };
    (part(1), region, part(4))
}

/// The region and the account of a cluster's AWS resources, by what its objects say.
pub(crate) fn location_in<'a>(
    cluster: ClusterId,
    items: impl Iterator<Item = &'a Item> + Clone,
) -> (Option<String>, Option<String>) {
    let (_, region, account) = location_of(cluster, items);
    let known = |node: Option<Node>| node.and_then(|node| node.as_str().map(str::to_owned));
    (known(region), known(account))
}
