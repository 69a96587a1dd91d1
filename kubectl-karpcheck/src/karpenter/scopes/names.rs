//! What scopes are called: after their cluster where that name is known and unique, else after where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use crate::inventory::builder::{Builder, ScopePlan};
use crate::karpenter::scopes::{Controller, Core, Unit, parts};

/// Gives each scope its name and its items.
pub(super) fn named(
    builder: &Builder,
    units: &[Unit],
    controllers: &[Controller],
    scopes: Vec<Core>,
) -> Vec<ScopePlan> {
    let of_cluster = |core: &Core| core.called.clone();
    let of_context = |core: &Core| {
        let live = core.units.iter().find_map(|unit| units[*unit].cluster)?;
        Some(builder.context(live)?.to_owned())
    };
    let of_path = |core: &Core| {
        let own: Vec<&Unit> = if core.controllers.is_empty() {
            core.units.iter().map(|unit| &units[*unit]).collect()
        } else {
            core.controllers.iter().map(|number| &units[controllers[*number].unit]).collect()
        };
        common(&own)
    };
    let alone = scopes.len() == 1;
    let mut names: Vec<String> = scopes
        .iter()
        .map(|core| of_context(core).or_else(|| of_cluster(core)).unwrap_or_else(|| of_path(core)))
        .collect();
    // A name that several would have tells nothing: they are called after where they are.
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<String> = names.iter().filter(|name| !seen.insert(*name)).cloned().collect();
    for (name, core) in names.iter_mut().zip(&scopes) {
        if twice.contains(name) && of_context(core).is_none() {
            *name = of_path(core);
        }
        if alone && of_context(core).is_none() && of_cluster(core).is_none() {
            "files".clone_into(name);
        }
    }
    let owners = parts::owners(builder, units, controllers, &scopes);
    let left = left_over(units, &scopes, &owners);
    names.extend(left.iter().map(|(_, unit, _)| units[*unit].place()));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for name in &mut names {
        let before = seen.entry(name.clone()).or_default();
        *before += 1;
        if *before > 1 {
            *name = format!("{name} ({before})");
        }
    }
    let mut names = names.into_iter();
    let whole = scopes.iter().enumerate().zip(names.by_ref()).map(|((at, core), name)| ScopePlan {
        name,
        items: core
            .units
            .iter()
            .flat_map(|unit| units[*unit].items.iter().copied())
            // A file may hold what is of several clusters.
            .filter(|item| owners.get(item).is_none_or(|owners| owners.contains(&at)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        world: core.world,
        nameless: !core.controllers.is_empty() && of_cluster(core).is_none(),
        clusters: core.units.iter().filter_map(|unit| units[*unit].cluster).collect(),
        units: core.units.iter().map(|unit| units[*unit].label.clone()).collect(),
    });
    let mut plans: Vec<ScopePlan> = whole.collect();
    plans.extend(left.iter().zip(names).map(|((world, unit, items), name)| ScopePlan {
        name,
        items: items.clone(),
        world: *world,
        units: BTreeSet::from([units[*unit].label.clone()]),
        ..ScopePlan::default()
    }));
    plans
}

/// What is of none of the clusters that it stands with, by its unit: a scope of its own.
fn left_over(
    units: &[Unit],
    scopes: &[Core],
    owners: &BTreeMap<usize, BTreeSet<usize>>,
) -> Vec<(u32, usize, Vec<usize>)> {
    let mut seen = BTreeSet::new();
    let each = scopes.iter().flat_map(|core| core.units.iter().map(move |unit| (core.world, *unit)));
    each.filter(|(_, unit)| seen.insert(*unit))
        .filter_map(|(world, unit)| {
            let nobodys = |item: &&usize| owners.get(item).is_some_and(BTreeSet::is_empty);
            let items: Vec<usize> = units[unit].items.iter().filter(nobodys).copied().collect();
            (!items.is_empty()).then_some((world, unit, items))
        })
        .collect()
}

/// The folder that all of these lie in.
fn common(units: &[&Unit]) -> String {
    let mut folders = units.iter().map(|unit| {
        let path = Path::new(&unit.shown);
        let folder = if unit.root { Some(path) } else { path.parent() };
        folder.unwrap_or(Path::new("")).components().map(Component::as_os_str).collect::<Vec<_>>()
    });
    let first = folders.next().unwrap_or_default();
    let shared = folders.fold(first, |one, other| {
        let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
        one[..same].to_vec()
    });
    let path: std::path::PathBuf = shared.into_iter().collect();
    let text = path.to_string_lossy().into_owned();
    let of_file = units.first().filter(|first| !first.root && units.iter().all(|unit| unit.shown == first.shown));
    match of_file {
        Some(file) => file.place(),
        None if text.is_empty() => "files".to_owned(),
        None => text,
    }
}
