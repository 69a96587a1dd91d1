//! Real files, each read as its row of `tests/fixtures/corpus/INDEX.tsv` says: which items it holds, or what is wrong with
//! it. `BLESS=1` writes the last column anew, to be read before it is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kubectl_karpcheck::inventory::Builder;
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

/// Licences under which a copy may lie here.
const LICENCES: &[&str] = &["Apache-2.0", "MIT", "MIT-0", "own"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/corpus")
}

/// What a file holds: kinds and their numbers, objects of no interest, and problems.
fn holds(path: &Path) -> String {
    let kinds = super::KINDS.iter().copied().chain([
        "*.services.k8s.aws/*",
        "karpenter.sh/*",
        "karpenter.k8s.aws/*",
        "apps/Deployment",
        "core/ServiceAccount",
        "core/ConfigMap",
    ]);
    let plan = GatherScope::new(kinds.map(|kind| (kind, false)));
    let mut builder = Builder::default();
    let paths = [path.to_owned()];
    let named = sources::Named { paths: &paths, ..sources::Named::default() };
    sources::files(named, &plan, &mut builder, &mut std::io::empty());
    let inventory = karpenter::inventory(builder);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, item) in inventory.items() {
        *counts.entry(item.kind.to_string()).or_default() += 1;
    }
    let mut words: Vec<String> = counts.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if inventory.unread() > 0 {
        words.push(format!("{} other", inventory.unread()));
    }
    words.extend(inventory.problems().iter().map(|problem| format!("problem: {problem}")));
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

#[test]
fn every_file_of_the_corpus_is_read_as_its_index_says() {
    let index = std::fs::read_to_string(folder().join("INDEX.tsv")).unwrap();
    let mut listed = BTreeSet::new();
    let mut anew = String::from("file\torigin\tlicence\tholds\n");
    let mut wrong = vec![];
    for row in index.lines().skip(1) {
        let [file, origin, licence, expected] = row.splitn(4, '\t').collect::<Vec<_>>()[..] else {
            panic!("four columns: {row}")
        };
        assert!(LICENCES.contains(&licence), "{file}: {licence}");
        listed.insert(file.to_owned());
        let found = holds(&folder().join(file));
        if found != expected {
            wrong.push(format!("{file}:\n  {expected}\n  {found}"));
        }
        writeln!(anew, "{file}\t{origin}\t{licence}\t{found}").unwrap();
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(folder().join("INDEX.tsv"), anew).unwrap();
    } else {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    let there: BTreeSet<String> = ignore_index(&folder(), &folder());
    assert_eq!(there, listed, "every file has a row");
}

fn ignore_index(root: &Path, folder: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(ignore_index(root, &path));
        } else if path.file_name().is_some_and(|name| name != "INDEX.tsv") {
            files.insert(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
        }
    }
    files
}
