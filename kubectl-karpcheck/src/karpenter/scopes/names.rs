//! What scopes are called: after their cluster where that name is known and unique, else after where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use crate::inventory::builder::{Builder, ScopePlan};
use crate::karpenter::scopes::{Controller, Core, Unit};

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
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for name in &mut names {
        let before = seen.entry(name.clone()).or_default();
        *before += 1;
        if *before > 1 {
            *name = format!("{name} ({before})");
        }
    }
    let mut own: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (at, core) in scopes.iter().enumerate() {
        for number in &core.controllers {
            own.entry(controllers[*number].item).or_default().insert(at);
        }
    }
    scopes
        .iter()
        .enumerate()
        .zip(names)
        .map(|((at, core), name)| ScopePlan {
            name,
            items: core
                .units
                .iter()
                .flat_map(|unit| units[*unit].items.iter().copied())
                // A file may hold the controllers of several clusters.
                .filter(|item| own.get(item).is_none_or(|owners| owners.contains(&at)))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            world: core.world,
            nameless: !core.controllers.is_empty() && of_cluster(core).is_none(),
            clusters: core.units.iter().filter_map(|unit| units[*unit].cluster).collect(),
            units: core.units.iter().map(|unit| units[*unit].label.clone()).collect(),
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
    match units {
        [one] if !one.root => one.shown.clone(),
        _ if text.is_empty() => "files".to_owned(),
        _ => text,
    }
}
