//! What was gathered, by what was read as one: a file, a root of Terraform, the objects of a cluster that was asked.

use std::collections::BTreeMap;

use crate::inventory::builder::Builder;
use crate::inventory::item::{ClusterId, Origin, SourceKind};
use crate::karpenter::scopes::sightings::Sightings;

/// What was read as one.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// The folder that it lies in, by its names from what `-f` names on. Empty for what was named as a file.
    pub(super) folder: Vec<String>,
    /// The file or folder that it is.
    pub(super) label: String,
    /// The same as a report names it.
    pub(super) shown: String,
    /// Its items, by their place in the builder.
    pub(super) items: Vec<usize>,
    /// Of a file that holds dumps of several clusters, the line that this part of it begins at.
    pub(super) line: Option<u32>,
    /// The live cluster whose objects it is.
    pub(super) cluster: Option<ClusterId>,
    /// Does it hold objects that were seen in a cluster that is not asked?
    pub(super) dumped: bool,
    /// Is it read from AWS, by whichever way?
    pub(super) answers: bool,
    /// Is it a root of Terraform?
    pub(super) root: bool,
}

/// All that was gathered, by what was read as one.
pub(super) fn all(builder: &Builder, sightings: &Sightings) -> Vec<Unit> {
    let mut units: BTreeMap<(u8, String), Unit> = BTreeMap::new();
    for (index, item) in builder.items().iter().enumerate() {
        let origin = builder.origin(item.doc());
        let answers = item.source == SourceKind::Aws;
        let (key, path, root) = match (&item.unit, origin) {
            _ if item.cluster != ClusterId::FILES => ((0, item.cluster.0.to_string()), None, false),
            (Some(file), _) if builder.is_overlay_file(file) => ((2, file.to_string()), Some(file.to_string()), false),
            (Some(root), _) => ((1, root.to_string()), Some(root.to_string()), true),
            (None, Origin::File(path)) => ((2, path.to_string()), Some(path.to_string()), false),
            (None, Origin::Live(live)) => ((0, live.context.to_string()), None, false),
            (None, Origin::Flag(_) | Origin::Setting(_) | Origin::Aws(_)) => ((3, String::new()), None, false),
        };
        let unit = units.entry(key).or_insert_with(|| Unit {
            folder: path.as_deref().map_or_else(Vec::new, |path| builder.folder(path, root)),
            label: path.clone().unwrap_or_default(),
            shown: path.as_deref().map_or_else(String::new, |path| builder.shown(path)),
            items: vec![],
            line: None,
            dumped: false,
            cluster: (item.cluster != ClusterId::FILES).then_some(item.cluster),
            answers,
            root,
        });
        unit.answers &= answers;
        unit.dumped |= unit.cluster.is_none() && sightings.has(index);
        unit.items.push(index);
    }
    let apart = |unit: Unit| match sightings.taken_apart(builder, &unit.items).filter(|_| !unit.root) {
        Some(parts) => parts.into_iter().map(|items| unit.part(builder, sightings, items)).collect(),
        None => vec![unit],
    };
    units.into_values().flat_map(apart).collect()
}

impl Unit {
    /// Where it is, as a report names it.
    pub(super) fn place(&self) -> String {
        self.line.map_or_else(|| self.shown.clone(), |line| format!("{}:{line}", self.shown))
    }

    /// A part of it that is of one cluster, where it holds dumps of several.
    fn part(&self, builder: &Builder, sightings: &Sightings, items: Vec<usize>) -> Self {
        let line = items.iter().map(|item| builder.items()[*item].at().line).min();
        let dumped = items.iter().any(|item| sightings.has(*item));
        Self { items, line, dumped, ..self.clone() }
    }
}
