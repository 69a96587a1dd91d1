//! Names for findings that stay the same when lines move, messages are reworded or an unknown is settled.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::findings::finding::Finding;
use crate::inventory::Origin;
use crate::report::Run;
use crate::report::rows;

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

fn name(run: &Run<'_>, finding: &Finding) -> String {
    let item = run.inventory.item(finding.subject);
    let spot = rows::spot_of(run, finding.subject, &finding.pointer);
    let origin = match spot.map(|spot| spot.origin) {
        Some(Origin::File(path)) => path.strip_prefix("./").unwrap_or(path).to_owned(),
        Some(origin) => origin.to_string(),
        None => String::new(),
    };
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
