//! Where cores lie, and what they take in. It grows with the cores, so that each unit costs what it adds.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::builder::Builder;
use crate::inventory::item::UnitPart;
use crate::karpenter::scopes::{Core, Unit};

type Folder = Vec<String>;

/// See the module.
pub(super) struct Neighbourhood<'a> {
    units: &'a [Unit],
    /// What folders take in: overlays their bases.
    takes: BTreeMap<Folder, Vec<(Option<UnitPart>, Folder)>>,
    /// What Argo CD installs in a cluster, wherever that is said.
    installed: BTreeMap<UnitPart, Vec<Folder>>,
    /// What Argo CD calls each core's cluster.
    destinations: Vec<BTreeSet<UnitPart>>,
    /// What each core's cluster is called, where its controllers say one name.
    called: Vec<Option<String>>,
    /// The folders that a unit of a core lies in itself.
    folders: BTreeSet<&'a [String]>,
    /// The cores that are beside everything: a live cluster, and what lies in no folder below those that were named.
    everywhere: BTreeSet<usize>,
    /// The cores that have a unit in a folder or below.
    below: BTreeMap<&'a [String], BTreeSet<usize>>,
    /// The cores that take in what lies in a folder or below, by that folder.
    takers: BTreeMap<Folder, BTreeSet<usize>>,
    /// The folders of each core, its own and those that it takes in.
    seen: Vec<BTreeSet<Folder>>,
}

impl<'a> Neighbourhood<'a> {
    /// Of these cores.
    pub(super) fn new(builder: &Builder, units: &'a [Unit], cores: &[Core]) -> Self {
        let mut takes: BTreeMap<Folder, Vec<(Option<UnitPart>, Folder)>> = BTreeMap::new();
        let mut installed: BTreeMap<UnitPart, Vec<Folder>> = BTreeMap::new();
        for taken in builder.taken() {
            if let Some(part) = &taken.part {
                installed.entry(part.clone()).or_default().push(taken.other.clone());
            }
            takes.entry(taken.by).or_default().push((taken.part, taken.other));
        }
        let mut near = Self {
            units,
            takes,
            installed,
            destinations: vec![],
            called: vec![],
            folders: BTreeSet::new(),
            everywhere: BTreeSet::new(),
            below: BTreeMap::new(),
            takers: BTreeMap::new(),
            seen: vec![],
        };
        for core in cores {
            let number = near.add(core.called.clone(), core.destinations.clone());
            core.units.iter().for_each(|unit| near.enter(number, *unit));
        }
        near
    }

    /// Adds a core without units, and says its number.
    pub(super) fn add(&mut self, called: Option<String>, destinations: BTreeSet<UnitPart>) -> usize {
        self.called.push(called);
        self.destinations.push(destinations);
        self.seen.push(BTreeSet::new());
        self.called.len() - 1
    }

    /// Adds a unit to a core.
    pub(super) fn enter(&mut self, core: usize, unit: usize) {
        let unit = &self.units[unit];
        if unit.cluster.is_some() || unit.folder.is_empty() {
            self.everywhere.insert(core);
        }
        if unit.cluster.is_some() {
            return;
        }
        self.folders.insert(&unit.folder);
        for depth in 0..=unit.folder.len() {
            self.below.entry(&unit.folder[..depth]).or_default().insert(core);
        }
        if self.takes.is_empty() {
            return;
        }
        // What a folder above says is about all that lies below: a kustomization of the cluster's root.
        let mut left: Vec<Folder> = (1..=unit.folder.len()).map(|depth| unit.folder[..depth].to_vec()).collect();
        let own = &self.destinations[core];
        for other in own.iter().filter_map(|to| self.installed.get(to)).flatten() {
            self.takers.entry(other.clone()).or_default().insert(core);
            left.push(other.clone());
        }
        while let Some(folder) = left.pop() {
            if !self.seen[core].insert(folder.clone()) {
                continue;
            }
            for (to, other) in self.takes.get(&folder).into_iter().flatten() {
                // What is said for another cluster than its own.
                if to.as_ref().is_some_and(|to| !own.is_empty() && !own.contains(to)) {
                    continue;
                }
                self.takers.entry(other.clone()).or_default().insert(core);
                left.push(other.clone());
            }
        }
    }

    /// Do a core and what lies in a folder have a folder in common, below those that were named?
    pub(super) fn is_beside(&self, core: usize, folder: &[String]) -> bool {
        let common = folder.first().and_then(|_| self.below.get(&folder[..1]));
        folder.is_empty() || self.everywhere.contains(&core) || common.is_some_and(|cores| cores.contains(&core))
    }

    /// Is any core beside a folder?
    pub(super) fn is_beside_any(&self, folder: &[String]) -> bool {
        folder.first().is_none_or(|_| !self.everywhere.is_empty() || self.below.contains_key(&folder[..1]))
    }

    /// Does a unit of a core lie in this very folder?
    pub(super) fn lies_in(&self, folder: &[String]) -> bool {
        self.folders.contains(folder)
    }

    /// The cores that take in what lies in a folder.
    pub(super) fn take(&self, folder: &[String]) -> impl Iterator<Item = usize> {
        let takers = (1..=folder.len()).rev().find_map(|depth| self.takers.get(&folder[..depth]));
        takers.into_iter().flatten().copied()
    }

    /// The only core, or the only one below the nearest folder above that has any, if it is among these.
    /// Several that are called the same count as one: a cluster that is described twice.
    pub(super) fn nearest(&self, folder: &[String], among: impl Fn(usize) -> bool) -> Vec<usize> {
        if self.called.len() == 1 {
            return if among(0) { vec![0] } else { vec![] };
        }
        let Some(below) = (0..=folder.len()).rev().find_map(|depth| self.below.get(&folder[..depth])) else {
            return vec![];
        };
        let name = |core: &usize| self.called[*core].as_ref();
        let first = below.first().and_then(name);
        if below.len() == 1 || (first.is_some() && below.iter().all(|core| name(core) == first)) {
            return below.iter().copied().filter(|core| among(*core)).collect();
        }
        vec![]
    }
}
