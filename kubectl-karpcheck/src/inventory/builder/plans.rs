//! From what was gathered to scopes: each plan's items are joined among themselves, and numbered in one row.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use crate::inventory::builder::Builder;
use crate::inventory::id::ItemId;
use crate::inventory::item::{ClusterId, Item, Origin};
use crate::inventory::lookup::LookupRecord;
use crate::inventory::node::Node;
use crate::inventory::scope::{Relations, Scope};
use crate::inventory::scopes::Inventory;
use crate::inventory::stated::Stated;

/// What a room above derives from the items of a scope. The inventory does not know what it is about.
#[derive(Clone, Copy, Debug)]
pub struct Derivation {
    /// Adds items to those that were gathered, which are joined by then.
    pub items: fn(&mut Builder),
    /// Sets the relations among all of them, and what follows from these.
    pub relations: fn(&mut Scope),
}

impl Derivation {
    /// Nothing is derived.
    pub const NONE: Self = Self { items: |_| {}, relations: |_| {} };
}

/// What of a builder makes one scope.
#[derive(Clone, Debug, Default)]
pub struct ScopePlan {
    /// What the scope is called: unique in a run.
    pub name: String,
    /// Its items, by their place in the builder, in order. An item may be of several scopes.
    pub items: Vec<usize>,
    /// Which scopes it is compared with: those of the same world. What is deployed is one, each example another.
    pub world: u32,
    /// Does its controller leave open what its cluster is called? A name that is stated is meant for it.
    pub nameless: bool,
    /// The clusters that were asked for it.
    pub clusters: Vec<ClusterId>,
    /// What its items were read as parts of: files and roots.
    pub units: BTreeSet<String>,
}

impl Builder {
    /// The inventory, in which everything is of one scope.
    pub fn build(mut self, derivation: Derivation) -> Inventory {
        let mut whole = self.begin();
        self.state_of("files", &BTreeSet::new());
        self.add_to(&mut whole, "files", derivation);
        whole
    }

    /// Has what is stated of the one scope that there is count for all.
    fn state_of(&mut self, name: &str, units: &BTreeSet<String>) {
        let contexts: Vec<&str> = self.clusters.iter().map(|cluster| &*cluster.context).collect();
        self.stated = self.stated.of_scope(name, &contexts, units);
    }

    /// The inventory before its first scope, with the documents and problems of all.
    fn begin(&mut self) -> Inventory {
        let mut whole = Inventory::new(Arc::clone(&self.clusters), self.unread);
        whole.documents = std::mem::take(&mut self.documents);
        whole.problems = std::mem::take(&mut self.problems);
        whole.repository = std::mem::take(&mut self.repository);
        whole.remarks = std::mem::take(&mut self.remarks);
        for document in &mut whole.documents {
            if let Origin::File(path) = &document.origin {
                document.in_repository = whole.repository.path(path).map(Into::into);
            }
        }
        whole
    }

    /// The inventory, taken apart into scopes. Without a plan everything is of one.
    pub fn build_scopes(mut self, plans: Vec<ScopePlan>, derivation: Derivation) -> Inventory {
        if plans.is_empty() {
            return self.build(derivation);
        }
        let mut whole = self.begin();
        // A cluster of which nothing was read costs only itself: what it did not answer is no gap of another one.
        let all_asked = |plan: &ScopePlan| plan.clusters.is_empty() || plan.clusters.len() == self.clusters.len();
        if let [only] = plans.as_slice()
            && only.items.len() == self.items.len()
            && all_asked(only)
        {
            self.state_of(&only.name, &only.units);
            self.add_to(&mut whole, &only.name, derivation);
            return whole;
        }
        let mut left: Vec<usize> = vec![0; self.items.len()];
        plans.iter().flat_map(|plan| &plan.items).for_each(|item| left[*item] += 1);
        let mut items: Vec<Option<Item>> = std::mem::take(&mut self.items).into_iter().map(Some).collect();
        // The fragments by the file or root that they were read as part of.
        let mut fragments: HashMap<Option<Arc<str>>, Vec<usize>> = HashMap::new();
        for (number, (unit, fragment)) in self.parts.iter().enumerate() {
            let unit = match &whole.documents[fragment.whole.at.doc.0 as usize].origin {
                _ if unit.is_some() => unit.clone(),
                Origin::File(path) => Some(Arc::clone(path)),
                Origin::Live(_) | Origin::Flag(_) | Origin::Setting(_) | Origin::Aws(_) => None,
            };
            fragments.entry(unit).or_default().push(number);
        }
        for plan in plans {
            let numbers: HashMap<usize, u32> = plan.items.iter().copied().zip(0..).collect();
            let contexts: Vec<&str> = plan.clusters.iter().filter_map(|cluster| self.context(*cluster)).collect();
            let stated = self.stated.of_scope(&plan.name, &contexts, &plan.units);
            let mut part = Self {
                stated: Stated { cluster_name: stated.cluster_name.clone().filter(|_| plan.nameless), ..stated },
                clusters: Arc::clone(&self.clusters),
                homes: self.homes_of(&plan.clusters),
                told: self.told_of(&plan.clusters),
                selectors: self.selectors.clone(),
                own: Some(plan.clusters.clone()),
                parse: self.parse,
                wording: self.wording,
                ..Self::default()
            };
            for index in &plan.items {
                left[*index] -= 1;
                let item = if left[*index] == 0 { items[*index].take() } else { items[*index].clone() };
                let Some(mut item) = item else { continue };
                item.same = item
                    .same
                    .iter()
                    .filter_map(|same| numbers.get(&(same.0 as usize - 1)).map(|number| ItemId(number + 1)))
                    .collect();
                part.items.push(item);
            }
            // What AWS answered is about what it names, wherever that is.
            let units = plan.units.iter().map(|unit| Some(Arc::from(unit.as_str()))).chain([None]);
            let own: BTreeSet<usize> = units.filter_map(|unit| fragments.get(&unit)).flatten().copied().collect();
            part.parts = own.into_iter().map(|number| self.parts[number].clone()).collect();
            part.add_to(&mut whole, &plan.name, derivation);
            if let Some(scope) = whole.scopes.last_mut() {
                scope.nameless = plan.nameless;
                scope.world = plan.world;
            }
        }
        whole
    }

    /// Where some clusters live, and what the files are about. Of a fleet's each scope holds its own alone.
    fn homes_of(&self, clusters: &[ClusterId]) -> BTreeMap<ClusterId, (Option<Node>, Option<Node>)> {
        let own = clusters.iter().chain([&ClusterId::FILES]);
        own.filter_map(|cluster| Some((*cluster, self.homes.get(cluster)?.clone()))).collect()
    }

    /// What AWS said of resources that are not among the items, as far as it may concern these clusters: those of an account that
    /// is known ask in that account.
    fn told_of(&self, clusters: &[ClusterId]) -> Vec<LookupRecord> {
        let accounts: Option<Vec<&str>> =
            clusters.iter().map(|cluster| self.homes.get(cluster)?.1.as_ref()?.as_str()).collect();
        let concerns = |told: &&LookupRecord| match (&accounts, &told.account) {
            (Some(accounts), Some(account)) if !accounts.is_empty() => accounts.contains(&account.as_str()),
            _ => true,
        };
        self.told.iter().filter(concerns).cloned().collect()
    }

    /// Adds what it holds as one scope. The documents of all builders are one list, which goes from one to the next.
    fn add_to(mut self, whole: &mut Inventory, name: &str, derivation: Derivation) {
        let before = whole.scopes.last().map_or(0, |scope| scope.before + scope.len());
        self.documents = std::mem::take(&mut whole.documents);
        self.problems = std::mem::take(&mut whole.problems);
        let mut scope = self.scope(name, before, derivation.items);
        (derivation.relations)(&mut scope);
        whole.used.append(&mut self.used);
        whole.scopes.push(scope);
        whole.documents = self.documents;
        whole.problems = self.problems;
    }

    /// What it holds as one scope. Its documents and problems stay with it, and more may come to them.
    fn scope(&mut self, name: &str, before: u32, derive: fn(&mut Self)) -> Scope {
        let choices = self.settle_selectors();
        self.fold_parts(&choices);
        let homes = self.settle_homes();
        self.settle_references();
        self.merge();
        self.join_manifests();
        derive(self);
        let mut items = std::mem::take(&mut self.items);
        let mut by_kind: BTreeMap<Arc<str>, Vec<ItemId>> = BTreeMap::new();
        for (number, item) in (before + 1..).zip(&mut items) {
            let entry = by_kind.entry(Arc::clone(&item.kind));
            // All items of a kind share its name, which is read at every turn.
            item.kind = Arc::clone(entry.key());
            entry.or_default().push(ItemId(number));
            for same in &mut item.same {
                same.0 += before;
            }
        }
        Scope {
            name: name.to_owned(),
            chosen: true,
            nameless: false,
            world: 0,
            before,
            items,
            by_kind,
            clusters: self.own_clusters().map(|(_, cluster)| cluster.clone()).collect(),
            all_clusters: std::mem::take(&mut self.clusters),
            homes,
            told: std::mem::take(&mut self.told),
            relations: Relations::new(),
            resolver: OnceLock::new(),
            missing: Mutex::default(),
            referrers: Mutex::default(),
        }
    }
}
