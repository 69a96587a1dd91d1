//! Folders that Terragrunt runs: it gives their variables, so that what these are by default says nothing.

pub(super) mod units;

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use crate::sources::terraform::hcl::{canonical, repository_of};

/// How deep below a repository's top files of Terragrunt are looked for, and among how many entries of folders.
const DEPTH: usize = 6;
const ENTRIES: usize = 5_000;
/// Of one of its files.
const MOST_BYTES: u64 = 1 << 20;

/// The folders that files of Terragrunt name as their source, by the repository's top: Terragrunt gives their variables.
#[derive(Default)]
pub(super) struct Terragrunt(HashMap<PathBuf, HashSet<String>>);

impl Terragrunt {
    /// Is a folder run by Terragrunt, by a file in it or one that names it?
    pub(super) fn runs(&mut self, folder: &Path) -> bool {
        if folder.join("terragrunt.hcl").is_file() {
            return true;
        }
        let Some(real) = canonical(folder) else { return false };
        // The repository, or as far up as the path goes that was given.
        let given = folder.components().filter(|part| matches!(part, Component::Normal(_))).count();
        let repository = repository_of(&real);
        let Some(top) = repository.or_else(|| real.ancestors().nth(given)) else { return false };
        let named = self.0.entry(top.to_path_buf()).or_insert_with(|| sources(top));
        real.file_name().is_some_and(|name| named.contains(&*name.to_string_lossy()))
    }
}

/// The last names of the sources in the files of Terragrunt below a folder.
fn sources(top: &Path) -> HashSet<String> {
    let (mut found, mut left, mut queue) = (HashSet::new(), ENTRIES, vec![(top.to_path_buf(), 0)]);
    while let Some((folder, depth)) = queue.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            left = left.saturating_sub(1);
            if left == 0 {
                return found;
            }
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !hidden && depth < DEPTH && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                queue.push((entry.path(), depth + 1));
            } else if entry.file_name() == "terragrunt.hcl" {
                let text = crate::storage::read(&entry.path(), MOST_BYTES).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                found.extend(text.lines().filter_map(source_name));
            }
        }
    }
    found
}

/// `layer2-k8s` of `source = "${get_terragrunt_dir()}/../..//layer2-k8s?ref=main"`.
fn source_name(line: &str) -> Option<String> {
    let value = line.trim().strip_prefix("source")?.trim_start().strip_prefix('=')?;
    let (_, source) = value.split_once('"')?;
    let source = source.rsplit_once('"')?.0;
    let path = source.split('?').next()?.trim_end_matches('/');
    Some(path.rsplit('/').next()?.to_owned())
}
