//! Names for findings that stay the same when lines move, messages are reworded or an unknown is settled.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::findings::finding::Finding;
use crate::inventory::{Item, Origin};
use crate::report::Run;

/// One for each of the findings, 32 hexadecimal digits.
pub(super) fn all(run: &Run<'_>, sorted: &[&Finding]) -> Vec<String> {
    // A rule may report several findings of one field: they are numbered.
    let mut seen: HashMap<String, usize> = HashMap::new();
    sorted
        .iter()
        .map(|finding| {
            let name = name(run, finding);
            let before = seen.entry(name.clone()).or_insert(0);
            let name = if *before == 0 { name } else { format!("{name}\u{0}{before}") };
            *before += 1;
            Sha256::digest(name.as_bytes())[..16].iter().map(|byte| format!("{byte:02x}")).collect()
        })
        .collect()
}

/// The root of an item's own source, whatever it was called in this run: a root of Terraform or a file by its path in the
/// repository, a cluster by its API server.
fn root_of(run: &Run<'_>, item: &Item) -> String {
    if let Some(unit) = &item.unit {
        return run.inventory.repository().place(unit);
    }
    match &run.inventory.document(item.doc()).origin {
        Origin::File(path) => run.inventory.repository().place(path),
        Origin::Live(live) => {
            let cluster = run.inventory.cluster(item.cluster);
            cluster.map_or_else(
                || live.context.to_string(),
                |cluster| cluster.server.trim_end_matches('/').to_ascii_lowercase(),
            )
        }
        origin => origin.to_string(),
    }
}

fn name(run: &Run<'_>, finding: &Finding) -> String {
    let item = run.inventory.item(finding.subject);
    let origin = item.map_or_else(String::new, |item| root_of(run, item));
    let parts: [&str; 6] = [
        &finding.rule,
        item.map_or("", |item| &item.kind),
        item.map_or("", |item| &item.name),
        item.and_then(|item| item.namespace.as_deref()).unwrap_or_default(),
        &finding.pointer,
        &origin,
    ];
    parts.join("\u{0}")
}
