//! Two clusters: are they two at all, and do they share an account and a region?

use karpcheck_sdk::prelude::*;

use crate::schemas::Node;

const CONTROLLER: &str = "Karpcheck::Controller";

/// What the functions here look at beside the items that they are asked about.
pub(crate) const READS: &[&str] = &[CONTROLLER];

/// The property of a rule that compares clusters: what it says of a part of a fleet is not what it says of the whole.
pub(crate) const ACROSS: (&str, &str) = ("across", "clusters");

/// How two items of clusters stand to each other.
pub(crate) enum Beside {
    /// One cluster, or one seen twice.
    Same,
    /// Two scopes, and nothing shows that they are two clusters: one may be described twice.
    Unproven,
    /// Two clusters that share nothing in AWS.
    Elsewhere,
    /// Two clusters of one account and region.
    Neighbours,
    /// Two clusters, of which it is not known whether they share both.
    Perhaps,
}

impl Beside {
    /// May they share account and region, and is that certain?
    pub(crate) const fn shares(&self) -> Option<bool> {
        match self {
            Self::Same | Self::Unproven | Self::Elsewhere => None,
            Self::Neighbours => Some(true),
            Self::Perhaps => Some(false),
        }
    }
}

/// Are two items of two scopes certainly of two clusters? Their names or endpoints show it, or that both were seen to run.
fn are_two(one: Item, other: Item) -> bool {
    if one.observed() && other.observed() {
        return true;
    }
    let controller = |item: Item| {
        if item.kind() == CONTROLLER { Some(item) } else { item.related("@controller").iter().find_map(Link::known) }
    };
    let (Some(one), Some(other)) = (controller(one), controller(other)) else { return false };
    ["/ClusterName", "/ClusterEndpoint"].iter().any(|field| {
        let said = |item: Item| item.known_text(field).filter(|text| !text.is_empty());
        matches!((said(one), said(other)), (Some(a), Some(b))
            if !a.trim_end_matches('/').eq_ignore_ascii_case(b.trim_end_matches('/')))
    })
}

/// Two items of clusters. What describes one cluster is one scope.
pub(crate) fn beside(one: Item, other: Item) -> Beside {
    if one.same("@scope", other, "@scope").is_yes() {
        return Beside::Same;
    }
    let known = |item: Item, field: &str| item.known_text(field).filter(|text| !text.is_empty());
    let account_of_role = |item: Item| {
        let arn = known(item, "/Role")?;
        arn.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
    };
    let home = home(
        [one, other].map(|item| known(item, "/Region").or_else(|| known(item, "@region"))),
        [one, other].map(|item| account_of_role(item).or_else(|| known(item, "@account"))),
    );
    if matches!(home, Beside::Elsewhere) || are_two(one, other) { home } else { Beside::Unproven }
}

fn home(regions: [Option<String>; 2], accounts: [Option<String>; 2]) -> Beside {
    let mut sure = true;
    for pair in [regions, accounts] {
        match pair {
            [Some(a), Some(b)] if a != b => return Beside::Elsewhere,
            [Some(_), Some(_)] => {}
            _ => sure = false,
        }
    }
    if sure { Beside::Neighbours } else { Beside::Perhaps }
}

/// What the scope of an item is called, a context mostly. Where it is called by its files, their places say as much.
fn scope_of(item: Item) -> Option<String> {
    let Value::Json(names) = item.get("@scope") else { return None };
    let names = Node::parse(&names)?;
    let name = names.at("/0")?.text().filter(|name| !name.is_empty())?;
    (!name.contains('/') || name.starts_with("arn:")).then(|| name.to_owned())
}

/// More names are only counted.
const MOST_NAMES: usize = 3;

/// The controllers of other clusters that share something with a controller.
pub(crate) struct Sharing {
    others: Vec<Item>,
    /// Is it certain that one of them is of the same account and region?
    pub sure: bool,
}

impl Sharing {
    /// How many clusters share it.
    pub(crate) fn clusters(&self) -> usize {
        self.others.len() + 1
    }

    /// Is a controller the one that speaks for all that share?
    pub(crate) fn led_by(&self, controller: Item) -> bool {
        self.others.iter().all(|other| controller < *other)
    }

    /// What they are called, as a sentence goes on: ` (blue, green and 2 more)`; nothing where that tells none from another.
    pub(crate) fn called(&self, controller: Item) -> String {
        let all = std::iter::once(controller).chain(self.others.iter().copied());
        let mut names: Vec<String> = all.filter_map(scope_of).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() < self.clusters() {
            return String::new();
        }
        let more = names.split_off(names.len().min(MOST_NAMES)).len();
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!(" ({}{rest})", names.join(", "))
    }

    /// The same field of the others, as places.
    pub(crate) fn places(&self, field: &str) -> Vec<Place> {
        self.others.iter().take(MOST_PLACES).map(|other| other.place(field, "another cluster's controller")).collect()
    }
}

/// The controllers of other clusters whose field says the same as a controller's; none where there are none.
/// What another one does not say is said of that one.
///
/// # Errors
///
/// Where the field has no known value and a controller of another cluster is there; where nothing shows that the others are
/// other clusters'.
pub(crate) fn sharing(controller: Item, field: &str) -> Result<Option<Sharing>, Unknown> {
    let shares = |other: Item| beside(controller, other).shares().map(|sure| (other, sure));
    match controller.text(field) {
        Ok(Some(text)) if !text.is_empty() => {}
        Err(unknown) if others(controller).into_iter().any(|other| shares(other).is_some()) => return Err(unknown),
        _ => return Ok(None),
    }
    let (mut others, mut sure, mut unproven) = (vec![], false, None);
    for other in controller.peers(field, CONTROLLER, field).iter().filter_map(Link::known) {
        match beside(controller, other) {
            Beside::Same | Beside::Elsewhere => {}
            Beside::Unproven => unproven = unproven.or(Some(other)),
            two @ (Beside::Neighbours | Beside::Perhaps) => {
                others.push(other);
                sure |= two.shares() == Some(true);
            }
        }
        // The first of all speaks for them, so that no other needs to compare itself with the rest.
        if others.last().is_some_and(|other| *other < controller) {
            break;
        }
    }
    match (others.is_empty(), unproven) {
        (true, Some(other)) => Err(Unknown::undecidable(
            "two controllers say the same, and nothing shows whether they are of one cluster or of two: an endpoint would",
        )
        .at(other.place(field, "the other controller"))),
        (true, None) => Ok(None),
        (false, _) => Ok(Some(Sharing { others, sure })),
    }
}

/// Is there no controller of another scope?
pub(crate) fn alone(controller: Item) -> bool {
    matches!(controller.get("@elsewhere"), Value::Flag(false))
}

/// The controllers of all other scopes.
fn others(controller: Item) -> Vec<Item> {
    controller.peers("@kind", CONTROLLER, "@kind").iter().filter_map(Link::known).collect()
}
