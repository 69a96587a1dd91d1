//! Names for findings that stay the same when lines move, messages are reworded, files are named otherwise or an unknown is
//! settled.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::formats::hex::hex;
use crate::inventory::{Inventory, Item, ItemId, Origin};

/// The names of the findings of a run.
#[derive(Debug, Default)]
pub struct Fingerprints {
    /// A rule may report several findings of one field: they are numbered, in the rule's own order.
    seen: HashMap<String, usize>,
    /// The places of paths in their repositories: each stands for many findings.
    places: HashMap<Arc<str>, String>,
}

impl Fingerprints {
    /// The name of the next finding, 32 hexadecimal digits: what a rule finds at a place of an item.
    pub fn next(&mut self, inventory: &Inventory, rule: &str, subject: ItemId, pointer: &str) -> String {
        let name = self.name(inventory, rule, subject, pointer);
        let before = self.seen.entry(name.clone()).or_insert(0);
        let name = if *before == 0 { name } else { format!("{name}\u{0}{before}") };
        *before += 1;
        hex(&Sha256::digest(name.as_bytes())[..16])
    }

    fn name(&mut self, inventory: &Inventory, rule: &str, subject: ItemId, pointer: &str) -> String {
        let item = inventory.item(subject);
        let origin = item.map_or_else(String::new, |item| self.root_of(inventory, item));
        let parts: [&str; 6] = [
            rule,
            item.map_or("", |item| &item.kind),
            item.map_or("", |item| &item.name),
            item.and_then(|item| item.namespace.as_deref()).unwrap_or_default(),
            pointer,
            &origin,
        ];
        parts.join("\u{0}")
    }

    /// The root of an item's own source, whatever it was called in this run: a root of Terraform or a file by its path in the
    /// repository, a cluster by its uid, or its API server's address where that may not be seen.
    fn root_of(&mut self, inventory: &Inventory, item: &Item) -> String {
        let mut place = |path: &Arc<str>| {
            let known = self.places.entry(Arc::clone(path)).or_insert_with(|| inventory.repository().place(path));
            known.clone()
        };
        if let Some(unit) = &item.unit {
            return place(unit);
        }
        match &inventory.document(item.doc()).origin {
            Origin::File(path) | Origin::Setting(path) => place(path),
            Origin::Live(live) => {
                let cluster = inventory.cluster(item.cluster);
                cluster.map_or_else(
                    || live.context.to_string(),
                    |cluster| match &cluster.uid {
                        Some(uid) => uid.clone(),
                        None => cluster.server.trim_end_matches('/').to_ascii_lowercase(),
                    },
                )
            }
            origin => origin.to_string(),
        }
    }
}
