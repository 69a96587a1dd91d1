//! A scope: the items that describe one cluster, by number and kind. What is asked of them stands by subject: fields in
//! `query`, references in `references`, what is not there in `absence`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use crate::inventory::answer::{Link, Unknown};
use crate::inventory::cluster::Cluster;
use crate::inventory::id::ItemId;
use crate::inventory::item::{ClusterId, Item};
use crate::inventory::location::Location;
use crate::inventory::lookup::LookupRecord;
use crate::inventory::node::Node;
use crate::inventory::references::index::{Referrers, Resolver};
use crate::schema::pattern::kind_matches;

/// Relations that no field holds, by their name, and of each item that has some.
pub type Relations = BTreeMap<&'static str, BTreeMap<ItemId, Vec<Link>>>;

/// What describes one cluster: its items, joined among themselves and with nothing outside.
#[derive(Debug)]
pub struct Scope {
    /// What it is called: unique in a run.
    pub(crate) name: String,
    /// Is it to be judged? Others are only what it is compared with.
    pub(crate) chosen: bool,
    /// Which scopes it is compared with: those of the same world. What is deployed is one, each example another.
    pub(crate) world: u32,
    /// Among several: does its controller leave open what its cluster is called?
    pub(crate) nameless: bool,
    /// How many items stand before its own: their numbers are those of the whole run.
    pub(crate) before: u32,
    pub(crate) items: Vec<Item>,
    pub(crate) by_kind: BTreeMap<Arc<str>, Vec<ItemId>>,
    /// The clusters that were asked for it.
    pub(crate) clusters: Vec<Cluster>,
    /// The clusters of the run, from number 1 on.
    pub(crate) all_clusters: Arc<Vec<Cluster>>,
    /// Partition, region and account of each cluster, by its number.
    pub(crate) homes: BTreeMap<ClusterId, Location>,
    /// AWS's word on what is not among the items.
    pub(crate) told: Vec<LookupRecord>,
    /// What was derived of how its items belong together, where no field says so.
    pub(crate) relations: Relations,
    pub(crate) resolver: OnceLock<Resolver>,
    /// Why items of a kind may be missing, worked out when first asked for.
    pub(crate) missing: Mutex<HashMap<String, Option<Unknown>>>,
    /// The referrers of each kind, made when first asked for.
    pub(crate) referrers: Mutex<HashMap<String, Arc<Referrers>>>,
}

impl Scope {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Among several scopes: does its controller leave open what its cluster is called?
    pub const fn is_nameless(&self) -> bool {
        self.nameless
    }

    /// Is it to be judged? Others are only what it is compared with.
    pub const fn is_chosen(&self) -> bool {
        self.chosen
    }

    /// How many items it has.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// The number that its first item has, or would have: another one for each scope that has items.
    pub const fn first(&self) -> ItemId {
        ItemId(self.before + 1)
    }

    /// Its items, in their order.
    pub fn items(&self) -> impl Iterator<Item = (ItemId, &Item)> {
        self.items.iter().zip(self.before + 1..).map(|(item, number)| (ItemId(number), item))
    }

    /// One of its items by its number.
    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.items.get((id.0 as usize).wrapping_sub(self.before as usize + 1))
    }

    pub(crate) fn item_mut(&mut self, id: ItemId) -> Option<&mut Item> {
        self.items.get_mut((id.0 as usize).wrapping_sub(self.before as usize + 1))
    }

    /// The clusters that were asked.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// All kinds that there are items of.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.by_kind.keys().map(|kind| &**kind)
    }

    /// The items of a kind, or of all kinds that a pattern such as `*.services.k8s.aws/*` stands for.
    pub fn of_kind(&self, kind: &str) -> Vec<ItemId> {
        if !kind.contains('*') {
            return self.by_kind.get(kind).cloned().unwrap_or_default();
        }
        let mut all: Vec<ItemId> = self
            .by_kind
            .iter()
            .filter(|(name, _)| kind_matches(kind, name))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        all.sort_unstable();
        all
    }

    /// How many items there are of a kind, or of all that a pattern stands for.
    pub fn count_of_kind(&self, kind: &str) -> usize {
        if !kind.contains('*') {
            return self.by_kind.get(kind).map_or(0, Vec::len);
        }
        self.by_kind.iter().filter(|(name, _)| kind_matches(kind, name)).map(|(_, ids)| ids.len()).sum()
    }

    /// A cluster by its number; none for the files' own.
    pub fn cluster(&self, id: ClusterId) -> Option<&Cluster> {
        self.all_clusters.get(id.index()?)
    }

    /// Partition, region or account: of a Kubernetes object its cluster's.
    pub(crate) fn home<'a>(&'a self, item: &'a Item, fact: &str) -> Option<&'a Node> {
        let (partition, region, account) = match item.aws.as_deref() {
            Some(aws) => (&aws.partition, &aws.region, &aws.account),
            None => {
                let (partition, region, account) = self.homes.get(&item.cluster)?;
                (partition, region, account)
            }
        };
        match fact {
            "partition" => partition.as_ref(),
            "region" => region.as_ref(),
            "account" => account.as_ref(),
            _ => None,
        }
    }
}
