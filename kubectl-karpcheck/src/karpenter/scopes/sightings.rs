//! What was seen in clusters: objects with their uids, which tell the dumps of two clusters apart, and those of one together.
//!
//! A list that kubectl prints is the answer of one API server, so its objects are of one cluster. A file may hold several answers,
//! of several clusters: where one object has two uids in it, or two answers have a controller each. Such a file is taken apart.
//! An answer is then of the cluster that an object in it was also seen in, with its uid; for all others it has to say so itself.
//! The order of answers is no evidence: who asks two clusters in turn for one kind after the other has them in turn.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use crate::inventory::builder::Builder;
use crate::inventory::item::{ClusterId, Item, SourceKind, UnitPart};
use crate::karpenter::controller;

/// An object and its uid, both by number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Sighting {
    object: u32,
    uid: u32,
}

impl Sighting {
    /// All sightings of its object.
    pub(super) const fn object(&self) -> RangeInclusive<Self> {
        Self { uid: 0, ..*self }..=Self { uid: u32::MAX, ..*self }
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Sightings {
    /// Of each item that is an object of a dump, or that a dump holds, too.
    of_items: HashMap<usize, Sighting>,
    /// How many items show each object.
    counts: Vec<u32>,
}

impl Sightings {
    /// Of all that was gathered. Without dumps there is nothing to tell apart: each cluster that is asked is one.
    pub(super) fn new(builder: &Builder) -> Self {
        let mut sightings = Self::default();
        let mut objects: HashMap<(&str, &str, &str), u32> = HashMap::new();
        let mut uids: HashMap<&str, u32> = HashMap::new();
        for dumped in [true, false] {
            for (index, item) in builder.items().iter().enumerate() {
                let Some(uid) = uid(item).filter(|_| (item.cluster == ClusterId::FILES) == dumped) else { continue };
                let key = (&*item.kind, item.namespace.as_deref().unwrap_or_default(), &*item.name);
                let next = number(objects.len());
                let object = match objects.get(&key) {
                    Some(object) => *object,
                    None if dumped => *objects.entry(key).or_insert(next),
                    None => continue,
                };
                let next = number(uids.len());
                let uid = *uids.entry(uid).or_insert(next);
                sightings.of_items.insert(index, Sighting { object, uid });
                sightings.counts.resize(objects.len(), 0);
                sightings.counts[object as usize] += 1;
            }
        }
        sightings
    }

    /// Is an item an object that was seen in a cluster?
    pub(super) fn has(&self, item: usize) -> bool {
        self.of_items.contains_key(&item)
    }

    /// What some items show that others show, too.
    pub(super) fn repeated(&self, items: &[usize]) -> BTreeSet<Sighting> {
        let own = items.iter().filter_map(|item| self.of_items.get(item));
        own.filter(|seen| self.counts[seen.object as usize] > 1).copied().collect()
    }

    /// Takes what was read as one file apart, where it holds dumps of several clusters: into what is of one cluster for certain.
    /// What is no answer comes last.
    pub(super) fn taken_apart(&self, builder: &Builder, items: &[usize]) -> Option<Vec<Vec<usize>>> {
        if !items.iter().any(|item| self.of_items.contains_key(item)) {
            return None;
        }
        let mut groups = self.joined(self.answers(builder, items));
        if !self.are_several(builder, &groups) {
            return None;
        }
        let taken: BTreeSet<usize> = groups.iter().flatten().copied().collect();
        let rest: Vec<usize> = items.iter().copied().filter(|item| !taken.contains(item)).collect();
        if !rest.is_empty() {
            groups.push(rest);
        }
        Some(groups)
    }

    /// The items of each answer. A list in which an object has two uids was put together of several: each object is by itself, with
    /// what it describes.
    fn answers(&self, builder: &Builder, items: &[usize]) -> Vec<Vec<usize>> {
        let mut answers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for index in items {
            if let Some(UnitPart::Answer(answer)) = builder.items()[*index].part {
                answers.entry(answer).or_default().push(*index);
            }
        }
        let mut found = vec![];
        for answer in answers.into_values() {
            let mut uids: HashMap<u32, u32> = HashMap::new();
            let mut seen = answer.iter().filter_map(|item| self.of_items.get(item));
            if seen.all(|seen| *uids.entry(seen.object).or_insert(seen.uid) == seen.uid) {
                found.push(answer);
                continue;
            }
            let mut single: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for index in answer {
                let object = || builder.items()[index].same.iter().map(|same| same.0 as usize - 1);
                let described = || object().find(|object| self.of_items.contains_key(object));
                let own = if self.of_items.contains_key(&index) { Some(index) } else { described() };
                single.entry(own.unwrap_or(index)).or_default().push(index);
            }
            found.extend(single.into_values());
        }
        found
    }

    /// Those that have an object with its uid in common are of one cluster.
    fn joined(&self, answers: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        let mut into: Vec<usize> = (0..answers.len()).collect();
        let root = |into: &[usize], mut at: usize| {
            while into[at] != at {
                at = into[at];
            }
            at
        };
        let mut first: HashMap<Sighting, usize> = HashMap::new();
        for (at, answer) in answers.iter().enumerate() {
            for seen in answer.iter().filter_map(|item| self.of_items.get(item)) {
                let (one, other) = (root(&into, *first.entry(*seen).or_insert(at)), root(&into, at));
                into[one.max(other)] = one.min(other);
            }
        }
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, answer) in answers.into_iter().enumerate() {
            groups.entry(root(&into, at)).or_default().extend(answer);
        }
        groups.into_values().collect()
    }

    /// Are groups certainly of several clusters: is one object another one in each, or has each its controller?
    fn are_several(&self, builder: &Builder, groups: &[Vec<usize>]) -> bool {
        let has_controller = |group: &&Vec<usize>| {
            group.iter().any(|item| controller::identity(builder, &builder.items()[*item]).is_some())
        };
        if groups.iter().filter(has_controller).take(2).count() > 1 {
            return true;
        }
        let mut of_objects: HashMap<u32, usize> = HashMap::new();
        let mut seen = groups.iter().enumerate().flat_map(|(at, group)| group.iter().map(move |item| (at, item)));
        seen.any(|(at, item)| {
            self.of_items.get(item).is_some_and(|seen| *of_objects.entry(seen.object).or_insert(at) != at)
        })
    }
}

/// The uid of an object that was seen in a cluster.
fn uid(item: &Item) -> Option<&str> {
    let seen = item.source == SourceKind::Live && item.aws.is_none();
    item.body.str_at(&["metadata", "uid"]).filter(|uid| seen && !uid.is_empty())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
