//! `-o name`: the subjects that have findings, as kubectl names them: `nodepool.karpenter.sh/default`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::inventory::Origin;
use crate::report::{Run, rows, text};

/// One line for each subject, the worst first.
pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut seen = BTreeSet::new();
    for finding in rows::sorted(run) {
        let Some(item) = run.inventory.item(finding.subject) else { continue };
        let spot = rows::spot_of(run, finding.subject, "");
        let name = match spot.map(|spot| spot.origin) {
            // An item that was derived from a live object is named as that object.
            Some(Origin::Live(live)) => {
                let group = live.api_version.split_once('/').map_or("core", |(group, _)| group);
                name(&format!("{group}/{}", live.kind), &live.name)
            }
            _ => name(&item.kind, &item.name),
        };
        // Two namespaces may have an object of one name, as with `kubectl get -A -o name`.
        if seen.insert((item.namespace.clone(), name.clone())) {
            writeln!(out, "{name}")?;
        }
    }
    Ok(())
}

/// A Kubernetes object as `kind.group/name`; an AWS resource by its type, which kubectl does not know.
fn name(kind: &str, name: &str) -> String {
    let kind = match kind.split_once('/') {
        Some(("core", kind)) => kind.to_lowercase(),
        Some((group, kind)) => format!("{}.{group}", kind.to_lowercase()),
        None => kind.to_owned(),
    };
    text::one_line(&format!("{kind}/{name}"))
}
