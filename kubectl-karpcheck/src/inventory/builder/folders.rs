//! Where files lie: the folders that were named, and which folders take others in.

use std::path::{Path, PathBuf};

use crate::inventory::builder::Builder;
use crate::inventory::item::UnitPart;
use crate::inventory::paths::as_named;
#[cfg(doc)]
use crate::inventory::repository::Repository;

/// A folder that takes another one in.
#[derive(Clone, Debug)]
pub(crate) struct Taken<F> {
    /// The folder of what says so.
    pub(crate) by: F,
    /// The part of it, where that is said for one cluster.
    pub(crate) part: Option<UnitPart>,
    /// What is taken in.
    pub(crate) other: F,
}

impl Builder {
    /// Says that a folder was named on the command line: what lies in it is told apart by where in it.
    pub fn given(&mut self, folder: &Path) {
        self.given.push(folder.to_owned());
    }

    /// The folders that were named on the command line.
    pub fn given_folders(&self) -> &[PathBuf] {
        &self.given
    }

    /// Says where a file or folder is that was named on the command line: see [`Repository::add`].
    pub fn located(&mut self, written: &Path, place: PathBuf, tracked: bool) {
        self.repository.add(written, place, tracked);
    }

    /// Says that what lies in a folder, or a part of it, takes in what lies in another one: an overlay its bases, an
    /// Application its path.
    pub fn takes_in(&mut self, folder: &Path, part: Option<UnitPart>, other: &Path) {
        self.taken.push(Taken { by: as_named(folder), part, other: as_named(other) });
    }

    /// The folders that take others in, with these, by their names from what was named on.
    pub(crate) fn taken(&self) -> impl Iterator<Item = Taken<Vec<String>>> {
        let names = |path: &Path| self.folder(&path.to_string_lossy(), true);
        self.taken.iter().map(move |taken| Taken {
            by: names(&taken.by),
            part: taken.part.clone(),
            other: names(&taken.other),
        })
    }

    /// The names of the folders from what was named on to a file or, of a root, to itself. What was named as a file lies in
    /// no folder.
    pub(crate) fn folder(&self, path: &str, is_root: bool) -> Vec<String> {
        let path = Path::new(path);
        let Some((number, given)) = self
            .given
            .iter()
            .enumerate()
            .filter(|(_, given)| path.starts_with(given))
            .max_by_key(|(_, given)| given.components().count())
        else {
            return vec![];
        };
        let inside = path.strip_prefix(given).unwrap_or(path);
        let folder = if is_root { Some(inside) } else { inside.parent() };
        // Folders named side by side are told apart by their number: their names may be the same.
        let before = (self.given.len() > 1).then(|| number.to_string());
        let names = folder.into_iter().flat_map(Path::components);
        before.into_iter().chain(names.map(|name| name.as_os_str().to_string_lossy().into_owned())).collect()
    }

    /// A path as it goes on from the folder that was named, where that is one.
    pub(crate) fn shown(&self, path: &str) -> String {
        match self.given.as_slice() {
            [one] => Path::new(path).strip_prefix(one).map_or(path, |rest| rest.to_str().unwrap_or(path)).to_owned(),
            _ => path.to_owned(),
        }
    }
}
