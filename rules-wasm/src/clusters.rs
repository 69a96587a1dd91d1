//! Two clusters: are they two at all, and do they share an account and a region?

use karpcheck_sdk::prelude::*;

const CONTROLLER: &str = "Karpcheck::Controller";
const CLUSTER: &str = "Karpcheck::Cluster";

/// What the functions here look at beside the controllers that they are asked about.
pub(crate) const READS: &[&str] = &[CLUSTER];

/// How two items of clusters stand to each other.
pub(crate) enum Beside {
    /// One cluster, or one seen twice.
    Same,
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
            Self::Same | Self::Elsewhere => None,
            Self::Neighbours => Some(true),
            Self::Perhaps => Some(false),
        }
    }
}

/// The API server that is asked where a cluster is live; none of what stands in files.
fn server(item: Item) -> Option<String> {
    let cluster = select(CLUSTER).known().find(|cluster| cluster.same("@cluster", item, "@cluster").is_yes())?;
    cluster.text("/Endpoint").ok()?.map(|url| url.trim_end_matches('/').to_ascii_lowercase())
}

/// Two controllers. Those of files were kept apart by their endpoint, region or name when they were read; a manifest and a
/// live controller are one thing seen twice unless they say otherwise.
fn controllers(one: Item, other: Item) -> Beside {
    let differ = |field: &str| {
        let said = |item: Item| item.known_text(field).filter(|text| !text.is_empty());
        matches!((said(one), said(other)), (Some(a), Some(b)) if !a.trim_end_matches('/').eq_ignore_ascii_case(b.trim_end_matches('/')))
    };
    let apart = ["/ClusterEndpoint", "/ClusterName", "/Region"].iter().any(|field| differ(field));
    let same = match (server(one), server(other)) {
        (Some(a), Some(b)) => a == b,
        _ => !apart,
    };
    if same {
        return Beside::Same;
    }
    let account_of_role = |item: Item| {
        let arn = item.known_text("/Role")?;
        arn.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
    };
    home(
        [one, other].map(|item| item.known_text("/Region").or_else(|| item.known_text("@region"))),
        [one, other].map(|item| account_of_role(item).or_else(|| item.known_text("@account"))),
    )
}

/// Two objects, each of the cluster that it was read from. Those of files are of one.
pub(crate) fn objects(one: Item, other: Item) -> Beside {
    match (server(one), server(other)) {
        (Some(a), Some(b)) if a != b => home(
            [one, other].map(|item| item.known_text("@region")),
            [one, other].map(|item| item.known_text("@account")),
        ),
        _ => Beside::Same,
    }
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
        select(CONTROLLER).known().find(|item| *item == controller || self.others.contains(item)) == Some(controller)
    }

    /// The same field of the others, as places.
    pub(crate) fn places(&self, field: &str) -> Vec<Place> {
        self.others.iter().map(|other| other.place(field, "another cluster's controller")).collect()
    }
}

/// The controllers of other clusters whose field says the same as a controller's; none where there are none.
/// What another one does not say is said of that one.
///
/// # Errors
///
/// Where the field has no known value and a controller of another cluster is there.
pub(crate) fn sharing(controller: Item, field: &str) -> Result<Option<Sharing>, Unknown> {
    let beside = |other: Item| controllers(controller, other).shares().map(|sure| (other, sure));
    match controller.text(field) {
        Ok(Some(text)) if !text.is_empty() => {}
        Err(unknown) if others(controller).any(|other| beside(other).is_some()) => return Err(unknown),
        _ => return Ok(None),
    }
    let peers = controller.peers(field, CONTROLLER, field);
    let (others, sure): (Vec<Item>, Vec<bool>) = peers.iter().filter_map(Link::known).filter_map(beside).unzip();
    Ok((!others.is_empty()).then(|| Sharing { others, sure: sure.contains(&true) }))
}

/// Is there no controller of another cluster?
pub(crate) fn alone(controller: Item) -> bool {
    !others(controller).any(|other| !matches!(controllers(controller, other), Beside::Same))
}

fn others(controller: Item) -> impl Iterator<Item = Item> {
    select(CONTROLLER).known().filter(move |other| *other != controller)
}
