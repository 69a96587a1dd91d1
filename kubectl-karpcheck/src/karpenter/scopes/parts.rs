//! Whose the objects are that stand together with the controllers of several clusters: in a root of Terraform that calls a module
//! once for each cluster, in a file with two releases.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::builder::Builder;
use crate::inventory::item::{Item, UnitPart};
use crate::karpenter::controller;
use crate::karpenter::scopes::{Controller, Core, Unit};

/// The cores that items are of, where that is not all that have their unit: controllers, and what stands in the calls of modules
/// that these stand in. An object of Kubernetes that nothing gives to one of them is of none; a resource of AWS may be of all.
pub(super) fn owners(
    builder: &Builder,
    units: &[Unit],
    controllers: &[Controller],
    scopes: &[Core],
) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut owners: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut in_units: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (core, scope) in scopes.iter().enumerate() {
        for number in &scope.controllers {
            let Controller { unit, item, .. } = &controllers[*number];
            owners.entry(*item).or_default().insert(core);
            in_units.entry(*unit).or_default().push((core, *item));
        }
    }
    for (unit, own) in in_units {
        let cores: BTreeSet<usize> = own.iter().map(|(core, _)| *core).collect();
        if cores.len() < 2 {
            continue;
        }
        let calls = Calls::new(builder, &own);
        for index in &units[unit].items {
            let item = &builder.items()[*index];
            if owners.contains_key(index) {
                continue;
            }
            if let Some(theirs) = calls.of(item).filter(|theirs| theirs.len() == 1) {
                owners.insert(*index, theirs);
            } else if item.kind.contains('/') {
                owners.insert(*index, named(item, &cores, scopes));
            }
        }
    }
    owners
}

/// The only core whose cluster an object names; none where it names no or several of them.
fn named(item: &Item, cores: &BTreeSet<usize>, scopes: &[Core]) -> BTreeSet<usize> {
    let names: BTreeSet<String> = controller::names_in(item).into_iter().map(|(name, _)| name).collect();
    let called = |core: &&usize| scopes[**core].called.as_ref().is_some_and(|name| names.contains(name));
    let theirs: BTreeSet<usize> = cores.iter().filter(called).copied().collect();
    if theirs.len() == 1 { theirs } else { BTreeSet::new() }
}

/// The calls of modules that the controllers of a root stand in.
struct Calls<'a> {
    /// The cores with a controller in a call or in what it calls. The root is the empty one.
    within: BTreeMap<&'a str, BTreeSet<usize>>,
    /// The same by the keys that calls have with `for_each` and `count`.
    keys: BTreeMap<&'a str, BTreeSet<usize>>,
}

impl<'a> Calls<'a> {
    fn new(builder: &'a Builder, controllers: &[(usize, usize)]) -> Self {
        let mut calls = Self { within: BTreeMap::new(), keys: BTreeMap::new() };
        for (core, item) in controllers {
            let call = call_of(&builder.items()[*item]).unwrap_or_default();
            for around in outwards(call) {
                calls.within.entry(around).or_default().insert(*core);
            }
            for key in keys(call) {
                calls.keys.entry(key).or_default().insert(*core);
            }
        }
        calls
    }

    /// The cores that an object stands with: those of the narrowest call that has any, or of its own key.
    fn of(&self, item: &Item) -> Option<BTreeSet<usize>> {
        let call = call_of(item)?;
        let within = outwards(call).find_map(|around| self.within.get(around))?;
        if within.len() == 1 {
            return Some(within.clone());
        }
        let mut keyed = keys(call).filter_map(|key| self.keys.get(key));
        Some(keyed.next()?.intersection(within).copied().collect())
    }
}

fn call_of(item: &Item) -> Option<&str> {
    match item.part.as_ref()? {
        UnitPart::Call(call) => Some(call),
        UnitPart::Destination(_) | UnitPart::Answer(_) => None,
    }
}

/// A call and those around it, the root last: `module.a["x"].module.b`, `module.a["x"]`, and nothing.
fn outwards(call: &str) -> impl Iterator<Item = &str> {
    let around = call.rmatch_indices(".module.").map(|(end, _)| &call[..end]);
    std::iter::once(call).chain(around).chain((!call.is_empty()).then_some(""))
}

/// The keys of a call, from the outermost: `"x"` of `module.a["x"].module.b`.
fn keys(call: &str) -> impl Iterator<Item = &str> {
    call.split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_stands_in_those_around_it() {
        let all: Vec<&str> = outwards(r#"module.a["x"].module.b"#).collect();
        assert_eq!(all, [r#"module.a["x"].module.b"#, r#"module.a["x"]"#, ""]);
        assert_eq!(outwards("").collect::<Vec<_>>(), [""]);
        assert_eq!(keys(r#"module.a["x"].module.b[0]"#).collect::<Vec<_>>(), [r#""x""#, "0"]);
    }
}
