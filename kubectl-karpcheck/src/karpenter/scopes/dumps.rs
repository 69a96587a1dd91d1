//! Dumps of several clusters side by side, in one file or in one folder: where they are, looks do not tell whose a dump is.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::builder::Builder;
use crate::inventory::node::At;
use crate::inventory::problem::FileProblem;
use crate::karpenter::scopes::facts::Facts;
use crate::karpenter::scopes::sightings::Sighting;
use crate::karpenter::scopes::{Core, Unit};

/// The dumps among some units, as far as they show objects that others show, too.
pub(super) struct Dumps<'a> {
    units: &'a [Unit],
    facts: &'a [Facts],
    by_folder: BTreeMap<&'a [String], Vec<usize>>,
    /// The folders with dumps of several clusters.
    mixed: BTreeSet<&'a [String]>,
    /// The dumps of another cluster than that of some other dump.
    apart: BTreeSet<usize>,
}

impl<'a> Dumps<'a> {
    pub(super) fn new(units: &'a [Unit], facts: &'a [Facts], members: &[usize]) -> Self {
        let dumps: Vec<usize> = members.iter().copied().filter(|unit| units[*unit].dumped).collect();
        let mut by_folder: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
        // Those that show each object, by its uid: thousands may show one.
        let mut showing: BTreeMap<Sighting, Vec<usize>> = BTreeMap::new();
        for unit in &dumps {
            by_folder.entry(&units[*unit].folder).or_default().push(*unit);
            facts[*unit].seen.iter().for_each(|seen| showing.entry(*seen).or_default().push(*unit));
        }
        let differs = |one: usize, within: &dyn Fn(usize) -> bool| {
            facts[one].seen.iter().any(|seen| {
                let other_uids = showing.range(seen.object()).filter(|(other, _)| *other != seen);
                let mut others = other_uids.flat_map(|(_, units)| units).filter(|other| within(**other));
                others.any(|other| facts[*other].has_other_objects(&facts[one]))
            })
        };
        let apart: BTreeSet<usize> = dumps.iter().copied().filter(|unit| differs(*unit, &|_| true)).collect();
        let mut mixed: BTreeSet<&[String]> = BTreeSet::new();
        for (folder, own) in &by_folder {
            let beside = |other: usize| units[other].folder == *folder;
            if own.iter().any(|unit| apart.contains(unit) && differs(*unit, &beside)) {
                mixed.insert(folder);
            }
        }
        // A file that was taken apart holds dumps of several clusters, whatever its parts show.
        mixed.extend(
            dumps.iter().filter(|unit| units[**unit].line.is_some()).map(|unit| units[*unit].folder.as_slice()),
        );
        Self { units, facts, by_folder, mixed, apart }
    }

    /// Are there dumps of several clusters?
    pub(super) fn are_several(&self) -> bool {
        !self.apart.is_empty() || !self.mixed.is_empty()
    }

    /// Is a unit a dump beside those of several clusters?
    pub(super) fn is_among_several(&self, unit: usize) -> bool {
        self.units[unit].dumped && self.mixed.contains(self.units[unit].folder.as_slice())
    }

    /// Is a unit a dump that is of another cluster than some other dump, or may be?
    pub(super) fn is_apart(&self, unit: usize) -> bool {
        self.apart.contains(&unit) || self.is_among_several(unit)
    }

    /// Does a unit lie with a dump of another cluster than the one of these facts?
    pub(super) fn may_be_of_another(&self, unit: usize, facts: &Facts) -> bool {
        let beside = || self.by_folder.get(self.units[unit].folder.as_slice()).into_iter().flatten();
        self.units[unit].dumped
            && (self.is_among_several(unit) || beside().any(|other| self.facts[*other].has_other_objects(facts)))
    }
}

/// Dumps of which each is by itself, but for those that show one object with its uid.
#[derive(Default)]
pub(super) struct Apart {
    pub(super) cores: Vec<Core>,
    showing: BTreeMap<Sighting, usize>,
}

impl Apart {
    pub(super) fn add(&mut self, unit: usize, facts: &Facts) {
        let known = facts.seen.iter().find_map(|seen| self.showing.get(seen)).copied();
        let place = known.unwrap_or(self.cores.len());
        if known.is_none() {
            self.cores.push(Core::default());
        }
        self.cores[place].units.insert(unit);
        self.cores[place].facts.take(facts.clone());
        self.showing.extend(facts.seen.iter().map(|seen| (*seen, place)));
    }
}

/// Says of which dumps of several clusters it cannot be told which are of one: there are more of them than clusters. Each is a world of
/// its own then, since it may be of the cluster of any other one. `worlds` is how many there are so far.
pub(super) fn undecided(
    builder: &Builder,
    units: &[Unit],
    facts: &[Facts],
    scopes: &mut [Core],
    mut worlds: u32,
) -> Vec<(FileProblem, At)> {
    let members: Vec<usize> = (0..units.len()).collect();
    let dumps = Dumps::new(units, facts, &members);
    let mut found = vec![];
    for parts in dumps.mixed.iter().filter_map(|folder| dumps.by_folder.get(folder)) {
        let parts: BTreeSet<usize> = parts.iter().copied().collect();
        let seen: BTreeSet<Sighting> = parts.iter().flat_map(|part| &facts[*part].seen).copied().collect();
        let mut uids: BTreeMap<Sighting, usize> = BTreeMap::new();
        for sighting in seen {
            *uids.entry(*sighting.object().start()).or_default() += 1;
        }
        let (with, without): (Vec<&mut Core>, Vec<&mut Core>) =
            scopes.iter_mut().filter(|core| !core.units.is_disjoint(&parts)).partition(|core| {
                !core.controllers.is_empty() || core.units.iter().any(|unit| units[*unit].cluster.is_some())
            });
        let known = uids.into_values().max().unwrap_or_default().max(with.len());
        if without.len() <= known - with.len() {
            continue;
        }
        let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for core in without {
            core.world = worlds;
            worlds += 1;
            for part in core.units.intersection(&parts) {
                files.entry(&units[*part].label).or_default().push(*part);
            }
        }
        for own in files.into_values() {
            let Some(first) = own.first().map(|part| &units[*part]) else { continue };
            let Some(item) = first.items.first() else { continue };
            let what = match first.line {
                Some(_) => FileProblem::SeveralClusters { answers: own.len() },
                None => FileProblem::AmongSeveralClusters,
            };
            found.push((what, At::whole(builder.items()[*item].doc())));
        }
    }
    found
}
