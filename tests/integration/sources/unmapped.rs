//! What readers leave out of resources that they know. A field that no row of a table maps is listed in
//! `tests/fixtures/unmapped.tsv` with the reason why it does not matter: the list is written by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kubectl_karpcheck::inventory::Builder;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

/// Where files of every source are.
const FOLDERS: &[&str] = &["equivalence", "corpus", "terraform", "karpenter"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

/// Fields by source, type and path, each with a file that has it.
fn found() -> BTreeMap<[String; 3], String> {
    let plan = GatherScope::new(super::KINDS.iter().copied().chain(["*.services.k8s.aws/*"]).map(|kind| (kind, false)));
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        for unit in units(&fixtures().join(folder)) {
            let mut builder = Builder::default();
            builder.keep_unmapped();
            let paths = [unit.clone()];
            let named = sources::Named { paths: &paths, ..sources::Named::default() };
            sources::files(named, &plan, &mut builder, &mut std::io::empty());
            for field in builder.unmapped_fields() {
                found.entry(field.clone()).or_insert_with(|| unit.display().to_string());
            }
        }
    }
    found
}

/// The folders that hold files, since a module of Terraform and answers of AWS are read together.
fn units(folder: &Path) -> BTreeSet<PathBuf> {
    let mut units = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                units.insert(folder.clone());
            }
        }
    }
    units
}

struct Row {
    source: String,
    kind: String,
    field: String,
}

impl Row {
    /// A star stands for every type, or for what begins so.
    fn covers(&self, [source, kind, field]: &[String; 3]) -> bool {
        let fits = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => pattern == text,
        };
        fits(&self.source, source) && fits(&self.kind, kind) && fits(&self.field, field)
    }
}

#[test]
fn what_readers_leave_out_is_listed_with_its_reason() {
    let table = std::fs::read_to_string(fixtures().join("unmapped.tsv")).unwrap();
    let rows: Vec<Row> = table
        .lines()
        .skip(1)
        .map(|row| {
            let [source, kind, field, why] = row.split('\t').collect::<Vec<_>>()[..] else {
                panic!("four columns: {row}")
            };
            assert!(why.len() > 10, "no reason: {row}");
            Row { source: source.into(), kind: kind.into(), field: field.into() }
        })
        .collect();
    let found = found();
    let unseen: Vec<String> = found
        .iter()
        .filter(|(field, _)| !rows.iter().any(|row| row.covers(field)))
        .map(|(field, file)| format!("{}\t{file}", field.join("\t")))
        .collect();
    assert!(unseen.is_empty(), "map these, or say in unmapped.tsv why not:\n{}", unseen.join("\n"));
    let idle: Vec<String> = rows
        .iter()
        .filter(|row| !found.keys().any(|field| row.covers(field)))
        .map(|row| format!("{}\t{}\t{}", row.source, row.kind, row.field))
        .collect();
    assert!(idle.is_empty(), "nothing of this kind is left out:\n{}", idle.join("\n"));
}
