//! `-o name`: the subjects that have findings, as kubectl names them: `nodepool.karpenter.sh/default`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{Run, closing, rows, words};
use crate::model::Item;

/// One line for each subject, the worst first. What could not be read goes to `err`: no name stands for it.
pub(super) fn write(run: &Run<'_>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let mut seen = BTreeSet::new();
    for finding in rows::sorted(run) {
        let Some(item) = run.inventory.item(finding.subject) else { continue };
        let name = name(item);
        // Two namespaces may have an object of one name, as with `kubectl get -A -o name`.
        if seen.insert((item.namespace.clone(), name.clone())) {
            writeln!(out, "{name}")?;
        }
    }
    for line in closing::problems(run) {
        writeln!(err, "{line}")?;
    }
    Ok(())
}

/// A Kubernetes object as `kind.group/name`; a resource of AWS by its type, which kubectl would not know anyway.
fn name(item: &Item) -> String {
    let kind = match item.kind.split_once('/') {
        Some(("core", kind)) => kind.to_lowercase(),
        Some((group, kind)) => format!("{}.{group}", kind.to_lowercase()),
        None => item.kind.to_string(),
    };
    words::one_line(&format!("{kind}/{}", item.name))
}
