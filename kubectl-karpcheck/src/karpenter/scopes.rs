//! What belongs together: everything that was gathered, taken apart into the clusters that it describes.
//!
//! What was read as one (a file, a Terraform root with the modules that it calls, the objects of a live cluster) is a unit.
//! Units that hold a controller are the cores of scopes. A unit without one joins the cores that it names: by the cluster's
//! name or endpoint, the controller's role, or its queue. Where it names none, it joins the only core there is, or the only
//! one below the folder that both lie in. Otherwise it is a scope of its own, and excuses or accuses no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::inventory::builder::{Builder, ScopePlan};
use crate::inventory::item::{ClusterId, SourceKind, UnitPart};
use crate::inventory::node::At;
use crate::inventory::problem::{FileProblem, FlagProblem};
use crate::inventory::stated::{Stated, StatedFact};
use crate::inventory::{Inventory, Problem};
use crate::karpenter::DERIVATION;
use crate::karpenter::controller;
use crate::karpenter::controller::Identity;
use crate::schema::kinds::CONTROLLER;

mod dumps;
mod facts;
mod names;
mod neighbourhood;
mod parts;
mod sightings;
mod units;

use dumps::{Apart, Dumps};
use facts::{Facts, Named};
use neighbourhood::Neighbourhood;
use sightings::{Sighting, Sightings};
use units::Unit;

/// Folders that hold what is not deployed: each is a world of its own.
const APART: &[&str] =
    &["test", "tests", "testdata", "example", "examples", "fixtures", "archive", "archived", "deprecated"];

/// The inventory of what was gathered: a scope for each cluster that it describes.
pub fn inventory(mut builder: Builder) -> Inventory {
    let (plans, undecided) = plans(&builder);
    for (what, at) in undecided {
        builder.problem(Problem::new(what, Some(at)));
    }
    // A flag that meets nothing is mentioned.
    if builder.stated().cluster_name.is_some() && plans.len() > 1 && !plans.iter().any(|plan| plan.nameless) {
        builder.problem(Problem::new(FlagProblem::ClusterName, None));
    }
    let stated = builder.stated().clone();
    let mut inventory = builder.build_scopes(plans, DERIVATION);
    not_used(&stated, &mut inventory);
    inventory
}

/// Mentions facts that a flag states and that nothing needed. The configuration is for many runs.
fn not_used(stated: &Stated, inventory: &mut Inventory) {
    // Where nothing was read, that is what there is to say.
    if inventory.items().next().is_none() {
        return;
    }
    let unused = |fact: &StatedFact| !stated.places.contains_key(fact) && !inventory.used.contains(fact);
    let mut notes: Vec<FlagProblem> = vec![];
    for (fact, what) in
        [(StatedFact::Account, "account"), (StatedFact::Region, "region"), (StatedFact::Partition, "partition")]
    {
        if let Some(value) = stated.value(fact).filter(|_| unused(&fact)) {
            notes.push(FlagProblem::Place { flag: fact.flag(), value: value.into(), what });
        }
    }
    let version = stated.karpenter_version.as_deref().filter(|_| unused(&StatedFact::KarpenterVersion));
    if let Some(version) = version.filter(|_| inventory.of_kind(CONTROLLER).is_empty()) {
        notes.push(FlagProblem::NoController { version: version.into() });
    }
    inventory.problems.extend(notes.into_iter().map(|note| Problem::new(note, None)));
}

/// What is stated of the files of each scope, for another reading of them: a scope has no name before its files are read.
pub fn stated_of_units(builder: &Builder) -> BTreeMap<Arc<str>, Stated> {
    builder.state_of_units(&plans(builder).0)
}

/// A controller, before it is derived, and what makes it one and no other.
#[derive(Debug)]
struct Controller {
    unit: usize,
    item: usize,
    identity: Identity,
    /// Which kinds of source may repeat one controller: a manifest, values, a root of Terraform.
    written_as: (Arc<str>, SourceKind, bool),
}

/// The controllers of one cluster, and the units that are its.
#[derive(Debug, Default)]
struct Core {
    controllers: Vec<usize>,
    units: BTreeSet<usize>,
    facts: Facts,
    /// What its controllers call the cluster, where they say one name.
    called: Option<String>,
    /// What Argo CD calls it, where that installs them.
    destinations: BTreeSet<UnitPart>,
    /// Was a controller of it seen in a cluster?
    is_seen: bool,
    /// Which of the worlds it is in.
    world: u32,
}

/// The plans of the scopes, each with its name, and the dumps that could not be given to a cluster.
fn plans(builder: &Builder) -> (Vec<ScopePlan>, Vec<(FileProblem, At)>) {
    let sightings = Sightings::new(builder);
    let units = units::all(builder, &sightings);
    let mut worlds: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (number, unit) in units.iter().enumerate() {
        worlds.entry(apart(&unit.folder)).or_default().push(number);
    }
    let facts: Vec<Facts> = units.iter().map(|unit| facts::of_unit(builder, unit, &sightings)).collect();
    let mut scopes: Vec<Core> = vec![];
    let mut controllers: Vec<Controller> = vec![];
    let mut known_worlds = 0;
    for (number, members) in (0..).zip(worlds.values()) {
        known_worlds = number + 1;
        let world = World { builder, units: &units, facts: &facts, members };
        let mut own = world.scopes(&mut controllers);
        own.iter_mut().for_each(|core| core.world = number);
        scopes.extend(own);
    }
    if scopes.is_empty() {
        return (vec![], vec![]);
    }
    let undecided = dumps::undecided(builder, &units, &facts, &mut scopes, known_worlds);
    (names::named(builder, &units, &controllers, scopes), undecided)
}

/// The folder that a unit's world begins at, where it is one that is not deployed; empty for all that is.
fn apart(folder: &[String]) -> Vec<String> {
    match folder.iter().rposition(|name| APART.contains(&name.to_ascii_lowercase().as_str())) {
        // Each example is a world of its own.
        Some(last) => folder[..folder.len().min(last + 2)].to_vec(),
        None => vec![],
    }
}

/// What a unit without a controller is held against.
struct Around<'a> {
    near: Neighbourhood<'a>,
    /// For each core the units of no core that name its cluster.
    speakers: Vec<BTreeSet<usize>>,
    named: Named<'a>,
    /// The cores with a controller that was seen in a cluster: each is a cluster of its own.
    seen: BTreeSet<usize>,
    /// The cores that show an object with its uid.
    showing: BTreeMap<Sighting, Vec<usize>>,
}

/// Units that may be of one cluster: all that is deployed, or one example.
struct World<'a> {
    builder: &'a Builder,
    units: &'a [Unit],
    facts: &'a [Facts],
    members: &'a [usize],
}

impl World<'_> {
    fn scopes(&self, controllers: &mut Vec<Controller>) -> Vec<Core> {
        let cores = self.cores(controllers);
        if cores.is_empty() {
            return self.without_controllers();
        }
        self.joined(cores)
    }

    /// Cores with what joins them, and what joins none as scopes of their own.
    fn joined(&self, mut cores: Vec<Core>) -> Vec<Core> {
        let taken: BTreeSet<usize> = cores.iter().flat_map(|core| core.units.iter().copied()).collect();
        let rest = self.members.iter().copied().filter(|unit| !taken.contains(unit));
        // Who joins is settled by what the cores say themselves, so that the order of files does not matter.
        let around = Around {
            near: Neighbourhood::new(self.builder, self.units, &cores),
            speakers: self.speakers(&cores),
            named: Named::new(&cores),
            showing: showing(&cores),
            seen: (0..).zip(&cores).filter(|(_, core)| core.is_seen).map(|(number, _)| number).collect(),
        };
        let (named, unnamed): (Vec<_>, Vec<_>) =
            rest.map(|unit| (unit, self.named(unit, &cores, &around))).partition(|(_, joined)| !joined.is_empty());
        let with_rights = |core: &Core| core.units.iter().any(|unit| self.facts[*unit].has_rights);
        let mut rights: Vec<bool> = cores.iter().map(with_rights).collect();
        let add = |rights: &mut Vec<bool>, joins: &[(usize, Vec<usize>)]| {
            for (unit, joined) in joins {
                joined.iter().for_each(|core| rights[*core] |= self.facts[*unit].has_rights);
            }
        };
        add(&mut rights, &named);
        // What lies beside a core comes first: what lies elsewhere has to fit that, too.
        let beside = |unit: usize| around.near.is_beside_any(&self.units[unit].folder);
        let (near, far): (Vec<_>, Vec<_>) = unnamed.into_iter().map(|(unit, _)| unit).partition(|unit| beside(*unit));
        let looks = |units: Vec<usize>, rights: &[bool]| -> Vec<(usize, Vec<usize>)> {
            units.into_iter().map(|unit| (unit, self.looks(unit, &cores, &around, rights))).collect()
        };
        let near = looks(near, &rights);
        add(&mut rights, &near);
        let (mut choices, mut alone): (Vec<_>, Vec<_>) =
            near.into_iter().chain(looks(far, &rights)).partition(|(_, joined)| !joined.is_empty());
        // Where there are dumps of several clusters, looks are no evidence of whose one is.
        let dumps = Dumps::new(self.units, self.facts, self.members);
        choices.retain(|(unit, joined)| {
            let stays = !joined.iter().any(|core| dumps.may_be_of_another(*unit, &cores[*core].facts));
            if !stays {
                alone.push((*unit, vec![]));
            }
            stays
        });
        // What lies with something that is of no core, and with no core, goes with that.
        let folder = |unit: usize| self.units[unit].folder.first();
        let elsewhere: BTreeSet<Option<&String>> = alone.iter().map(|(unit, _)| folder(*unit)).collect();
        choices.retain(|(unit, joined)| {
            let beside = joined.iter().any(|core| around.near.is_beside(*core, &self.units[*unit].folder));
            let stays = beside || !elsewhere.contains(&folder(*unit));
            if !stays {
                alone.push((*unit, vec![]));
            }
            stays
        });
        for (unit, joined) in named.into_iter().chain(choices) {
            for core in joined {
                cores[core].units.insert(unit);
            }
        }
        cores.extend(self.by_folder(alone.into_iter().map(|(unit, _)| unit).collect()));
        cores
    }

    /// What joins no core: each folder below those that were named as if it were given alone.
    fn by_folder(&self, mut alone: Vec<usize>) -> Vec<Core> {
        alone.sort_unstable();
        let mut folders: BTreeMap<Option<&String>, Vec<usize>> = BTreeMap::new();
        for unit in alone {
            folders.entry(self.units[unit].folder.first()).or_default().push(unit);
        }
        let scopes = folders.into_iter().flat_map(|(folder, members)| match folder {
            Some(_) if members.len() < self.members.len() => World { members: &members, ..*self }.without_controllers(),
            _ => self.rest(members),
        });
        scopes.collect()
    }

    /// The cores: what holds a controller, controllers that are one together.
    fn cores(&self, controllers: &mut Vec<Controller>) -> Vec<Core> {
        let mut cores: Vec<Core> = vec![];
        let mut vague: Vec<usize> = vec![];
        let first = controllers.len();
        // Live clusters by their address, each with its core.
        let mut servers: BTreeMap<String, Vec<(ClusterId, usize)>> = BTreeMap::new();
        for number in self.members {
            let unit = &self.units[*number];
            for index in &unit.items {
                let item = &self.builder.items()[*index];
                let Some(identity) = controller::identity(self.builder, item) else { continue };
                controllers.push(Controller {
                    unit: *number,
                    item: *index,
                    identity,
                    written_as: (Arc::clone(&item.kind), item.source, unit.root),
                });
            }
            // A live cluster is one, whether or not its controller could be seen. Two contexts may ask one.
            if let Some(cluster) = unit.cluster {
                let asked = servers.entry(self.builder.server_key(cluster)).or_default();
                match asked.iter().find(|(other, _)| self.builder.one_server(*other, cluster)) {
                    Some((_, core)) => {
                        cores[*core].units.insert(*number);
                    }
                    None => {
                        asked.push((cluster, cores.len()));
                        cores.push(Core { units: BTreeSet::from([*number]), ..Core::default() });
                    }
                }
            }
        }
        // Who says most comes first, so that the order of files does not matter.
        let mut order: Vec<usize> = (first..controllers.len()).collect();
        order.sort_by_key(|number| std::cmp::Reverse(controllers[*number].identity.known()));
        for number in order {
            let controller = &controllers[number];
            let unit = &self.units[controller.unit];
            // What leaves the name open and is nobody's root joins what is there, if that is one.
            if controller.identity.is_vague() && !unit.root && unit.cluster.is_none() {
                vague.push(number);
                continue;
            }
            let twin = cores.iter_mut().find(|core| {
                let mut others = core.controllers.iter().map(|other| &controllers[*other]);
                match unit.cluster {
                    Some(_) => core.units.contains(&controller.unit),
                    None => match self.is_seen(controller, others.clone()) {
                        Some(same) => same,
                        None => {
                            others.clone().all(|other| self.may_be(other, controller))
                                && others.any(|other| self.is_same(other, controller))
                        }
                    },
                }
            });
            match twin {
                Some(core) => {
                    core.controllers.push(number);
                    core.units.insert(controller.unit);
                }
                None => cores.push(Core {
                    controllers: vec![number],
                    units: BTreeSet::from([controller.unit]),
                    ..Core::default()
                }),
            }
        }
        for core in &mut cores {
            core.called = name_of(&core.controllers, controllers);
            let parts = core
                .controllers
                .iter()
                .filter_map(|number| self.builder.items()[controllers[*number].item].part.clone());
            core.destinations = parts.filter(|part| matches!(part, UnitPart::Destination(_))).collect();
        }
        let mut near = Neighbourhood::new(self.builder, self.units, &cores);
        for number in vague {
            let controller = &controllers[number];
            let fits = |core: usize| {
                let mut others = cores[core].controllers.iter().map(|other| &controllers[*other]);
                others.all(|other| self.may_be(other, controller) && !self.is_of_another_release(other, controller))
                    && !self.speaks_of_another(controller.unit, &cores[core])
            };
            let folder = &self.units[controller.unit].folder;
            // A base that several overlays take in is the controller of each.
            let mut takers: Vec<usize> = near.take(folder).filter(|core| fits(*core)).collect();
            if takers.is_empty() {
                // One that lies elsewhere, with a controller of its own, may be another cluster.
                let beside = |core: usize| fits(core) && near.is_beside(core, folder);
                takers = near.nearest(folder, beside);
            }
            if takers.is_empty() {
                cores.push(Core::default());
                takers.push(near.add(None, BTreeSet::new()));
            }
            for core in takers {
                cores[core].controllers.push(number);
                cores[core].units.insert(controller.unit);
                near.enter(core, controller.unit);
            }
        }
        let mut in_unit: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, controller) in (first..).zip(&controllers[first..]) {
            in_unit.entry(controller.unit).or_default().push(number);
        }
        for core in &mut cores {
            core.called = name_of(&core.controllers, controllers);
            for number in &core.controllers {
                core.facts.take(facts::of_identity(&controllers[*number].identity));
                core.is_seen |= controllers[*number].identity.uid.is_some();
            }
            // Other controllers in one file speak for themselves.
            for unit in &core.units {
                let several = in_unit.get(unit).into_iter().flatten().any(|other| !core.controllers.contains(other));
                if !several {
                    core.facts.take(self.facts[*unit].clone());
                }
            }
        }
        cores
    }

    /// Is a controller one of these, by what was seen in a cluster: by its own uid, by another object that is beside both, or as a part
    /// of one answer? None where nothing that was seen is compared: what a dump of another cluster shows is no next state of this one.
    fn is_seen<'a>(
        &self,
        controller: &Controller,
        others: impl Iterator<Item = &'a Controller> + Clone,
    ) -> Option<bool> {
        let own = controller.identity.uid.as_ref()?;
        let mut seen = others.filter(|other| other.identity.uid.is_some()).peekable();
        seen.peek()?;
        // A file that holds the dumps of several clusters was taken apart.
        let beside = |other: &Controller| {
            (other.unit == controller.unit && !other.identity.differs(&controller.identity))
                || self.facts[other.unit].shares_object(&self.facts[controller.unit])
        };
        Some(seen.any(|other| other.identity.uid.as_ref() == Some(own) || beside(other)))
    }

    /// Are two controllers one: the same object, a manifest and its live object, or values and the Deployment made of them?
    fn is_same(&self, one: &Controller, other: &Controller) -> bool {
        let (unit, beside) = (&self.units[one.unit], &self.units[other.unit]);
        if unit.cluster.is_some() != beside.cluster.is_some() {
            // A manifest is the next state of the only cluster that is asked, or of the one that it names.
            let asked = self.members.iter().filter(|unit| self.units[**unit].cluster.is_some()).count();
            return asked == 1 || one.identity.names(&other.identity);
        }
        if one.identity.differs(&other.identity) {
            return false;
        }
        if one.unit == other.unit || unit.folder == beside.folder {
            return true;
        }
        // What stands twice in different folders, written in one way, is two clusters.
        one.written_as != other.written_as && one.identity.names(&other.identity)
    }

    /// Does nothing speak against two controllers being of one cluster? What a manifest changes of a live one does not.
    fn may_be(&self, one: &Controller, other: &Controller) -> bool {
        let live = |controller: &Controller| self.units[controller.unit].cluster.is_some();
        live(one) != live(other) || !one.identity.differs(&other.identity)
    }

    /// Are two controllers certainly of two releases? A manifest may be the next state of a live one.
    fn is_of_another_release(&self, one: &Controller, other: &Controller) -> bool {
        let live = |controller: &Controller| self.units[controller.unit].cluster.is_some();
        let versions = (&one.identity.version, &other.identity.version);
        live(one) == live(other) && matches!(versions, (Some(one), Some(other)) if one != other)
    }

    /// Does what was read with a controller speak of a cluster that is not the core's?
    fn speaks_of_another(&self, unit: usize, core: &Core) -> bool {
        let facts = &self.facts[unit];
        let known = |called: &String| !facts.names.is_empty() && !facts.names.contains(called);
        core.called.as_ref().is_some_and(known)
    }

    /// The cores that a unit without a controller names, or that take it in.
    fn named(&self, unit: usize, cores: &[Core], around: &Around<'_>) -> Vec<usize> {
        let facts = &self.facts[unit];
        let of: BTreeSet<usize> =
            facts.seen.iter().filter_map(|seen| around.showing.get(seen)).flatten().copied().collect();
        if !of.is_empty() {
            return of.into_iter().collect();
        }
        let fits = |core: &usize| !cores[*core].facts.apart(facts);
        let meeting: Vec<usize> = around.named.meeting(facts).into_iter().filter(fits).collect();
        if !meeting.is_empty() {
            return self.of_one(unit, meeting, around);
        }
        self.of_one(unit, around.near.take(&self.units[unit].folder).filter(fits).collect(), around)
    }

    /// The cores that a unit belongs to. What was seen is of one cluster: among several that are known to be several, of none.
    fn of_one(&self, unit: usize, cores: Vec<usize>, around: &Around<'_>) -> Vec<usize> {
        let seen = cores.iter().filter(|core| around.seen.contains(core)).count();
        if self.units[unit].dumped && seen > 1 { vec![] } else { cores }
    }

    /// The cores that a unit belongs to which names none. `rights` says which have a policy of a controller's.
    fn looks(&self, unit: usize, cores: &[Core], around: &Around<'_>, rights: &[bool]) -> Vec<usize> {
        let Around { near, speakers, named, .. } = around;
        let (facts, folder) = (&self.facts[unit], &self.units[unit].folder);
        let other = |core: usize| cores[core].called.is_some() && !facts.names.is_empty();
        let fits = |core: &usize| {
            // Elsewhere there may be another cluster, with a controller of its own.
            let another = (rights[*core] && facts.has_rights) || (self.units[unit].answers && other(*core));
            !cores[*core].facts.apart(facts) && (!another || near.is_beside(*core, folder))
        };
        // What AWS says of an account is for all that are in it.
        if self.units[unit].answers {
            return (0..cores.len()).filter(fits).collect();
        }
        let likely: Vec<usize> = named.called(&facts.likely).into_iter().filter(fits).collect();
        if let [one] = likely.as_slice() {
            return vec![*one];
        }
        let beside = near.lies_in(folder);
        // It speaks of other clusters, and another unit of this one: it is theirs.
        let spoken_for = |core: usize| !facts.names.is_empty() && speakers[core].iter().any(|speaker| *speaker != unit);
        let nearest = near.nearest(folder, |core| fits(&core) && (beside || !spoken_for(core)));
        self.of_one(unit, nearest, around)
    }

    /// For each core the units of no core that name its cluster.
    fn speakers(&self, cores: &[Core]) -> Vec<BTreeSet<usize>> {
        let of_cores: BTreeSet<usize> = cores.iter().flat_map(|core| core.units.iter().copied()).collect();
        let mut speakers: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for unit in self.members.iter().filter(|unit| !of_cores.contains(unit)) {
            for name in &self.facts[*unit].names {
                speakers.entry(name).or_default().insert(*unit);
            }
        }
        let names = |core: &Core| {
            core.facts.names.iter().filter_map(|name| speakers.get(name.as_str())).flatten().copied().collect()
        };
        cores.iter().map(names).collect()
    }

    /// Without any controller: one scope where all may speak of one cluster, else one for each root or name.
    fn without_controllers(&self) -> Vec<Core> {
        let folders: BTreeSet<&Vec<String>> = self.members.iter().map(|unit| &self.units[*unit].folder).collect();
        let dumps = Dumps::new(self.units, self.facts, self.members);
        if !dumps.are_several() && (folders.len() <= 1 || self.may_be_one()) {
            return vec![Core { units: self.members.iter().copied().collect(), ..Core::default() }];
        }
        // A root speaks for itself, and so does a folder that names a cluster, or holds the dump of another than others do.
        let mut cores: Vec<Core> = vec![];
        let mut apart = Apart::default();
        for unit in self.members {
            let facts = &self.facts[*unit];
            if dumps.is_among_several(*unit) {
                apart.add(*unit, facts);
                continue;
            }
            if !self.units[*unit].root && facts.names.is_empty() && !dumps.is_apart(*unit) {
                continue;
            }
            let twin = cores.iter_mut().find(|core| {
                if core.facts.has_other_objects(facts) {
                    return false;
                }
                if core.facts.shares_object(facts) {
                    return true;
                }
                let beside = core.units.iter().any(|own| self.units[*own].folder == self.units[*unit].folder);
                beside || (!core.facts.apart(facts) && !core.facts.names.is_disjoint(&facts.names))
            });
            match twin {
                Some(core) => {
                    core.units.insert(*unit);
                    core.facts.take(facts.clone());
                }
                None => cores.push(Core {
                    controllers: vec![],
                    units: BTreeSet::from([*unit]),
                    facts: facts.clone(),
                    ..Core::default()
                }),
            }
        }
        cores.extend(apart.cores);
        self.joined(cores)
    }

    /// May all be of one cluster: are there neither two roots nor two names, nor two accounts, regions or API servers?
    fn may_be_one(&self) -> bool {
        let roots = self.members.iter().filter(|unit| self.units[**unit].root).count();
        let names: BTreeSet<&String> = self.members.iter().flat_map(|unit| &self.facts[*unit].names).collect();
        // Most units say nothing of these, or the same.
        let mut placed: Vec<&Facts> = vec![];
        for facts in self.members.iter().map(|unit| &self.facts[*unit]) {
            if !placed.iter().any(|other| other.is_beside(facts)) {
                placed.push(facts);
            }
        }
        let apart = |(at, one): (usize, &&Facts)| placed[at + 1..].iter().any(|other| one.apart(other));
        roots <= 1 && names.len() <= 1 && !placed.iter().enumerate().any(apart)
    }

    /// What joined nothing: each root by itself, the rest by the folder that it lies in.
    fn rest(&self, alone: Vec<usize>) -> Vec<Core> {
        let mut groups: BTreeMap<(bool, String), Core> = BTreeMap::new();
        let dumps = Dumps::new(self.units, self.facts, self.members);
        let mut apart = Apart::default();
        for unit in alone {
            let (own, facts) = (&self.units[unit], &self.facts[unit]);
            if dumps.is_among_several(unit) {
                apart.add(unit, facts);
                continue;
            }
            let key = if own.root { (true, own.label.clone()) } else { (false, own.folder.join("/")) };
            let core = groups.entry(key).or_default();
            core.units.insert(unit);
            core.facts.take(facts.clone());
        }
        groups.into_values().chain(apart.cores).collect()
    }
}

/// The cores that show each object with its uid.
fn showing(cores: &[Core]) -> BTreeMap<Sighting, Vec<usize>> {
    let mut showing: BTreeMap<Sighting, Vec<usize>> = BTreeMap::new();
    for (number, core) in cores.iter().enumerate() {
        core.facts.seen.iter().for_each(|seen| showing.entry(*seen).or_default().push(number));
    }
    showing
}

/// The one name that some controllers say, if they do.
fn name_of(some: &[usize], controllers: &[Controller]) -> Option<String> {
    let names: BTreeSet<&String> =
        some.iter().filter_map(|number| controllers[*number].identity.name.as_ref()).collect();
    match names.into_iter().collect::<Vec<_>>().as_slice() {
        [one] => Some((*one).clone()),
        _ => None,
    }
}
