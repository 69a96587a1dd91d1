//! Where files are, whatever the working directory is and however they were named: their paths in the repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::inventory::paths::normalized;

/// What was named on the command line, with where that is.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// By the path as it was written.
    named: HashMap<PathBuf, Named>,
}

#[derive(Clone, Debug)]
struct Named {
    /// Its path from the root of the repository that it lies in, else from itself.
    place: PathBuf,
    /// Does it lie in a repository?
    tracked: bool,
}

impl Repository {
    /// Says where a file or folder is that was named: its path from the root of its repository, or, where it is tracked in
    /// none, nothing for a folder and its name for a file.
    pub fn add(&mut self, written: &Path, place: PathBuf, tracked: bool) {
        self.named.insert(written.to_owned(), Named { place, tracked });
    }

    /// A file's path from the root of its repository; where there is none, from what was named.
    pub fn place(&self, path: &str) -> String {
        self.found(path).map_or_else(|| slashes(&normalized(Path::new(path))), |(_, place)| place)
    }

    /// A file's path from the root of its repository, where it lies in one.
    pub fn path(&self, path: &str) -> Option<String> {
        self.found(path).filter(|(named, _)| named.tracked).map(|(_, place)| place)
    }

    fn found(&self, path: &str) -> Option<(&Named, String)> {
        let path = Path::new(path);
        // The longest first: a file that was named itself, before the folder that it lies in.
        let (written, named) = path.ancestors().find_map(|folder| Some((folder, self.named.get(folder)?)))?;
        let rest = path.strip_prefix(written).unwrap_or(path);
        Some((named, slashes(&normalized(&named.place.join(rest)))))
    }
}

/// A path as all systems write it the same.
fn slashes(path: &Path) -> String {
    let text = path.to_string_lossy();
    if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_path_however_it_was_named() {
        let place = |written: &str, in_repository: &str, path: &str| {
            let mut repository = Repository::default();
            repository.add(Path::new(written), in_repository.into(), true);
            repository.place(path)
        };
        for (written, in_repository, path) in [
            (".", "", "./clusters/prod/queue.yaml"),
            ("clusters", "clusters", "clusters/prod/queue.yaml"),
            ("../clusters/prod/queue.yaml", "clusters/prod/queue.yaml", "../clusters/prod/queue.yaml"),
            ("/src/clusters/prod", "clusters/prod", "/src/clusters/prod/queue.yaml"),
            ("clusters/dev", "clusters/dev", "clusters/dev/../prod/queue.yaml"),
        ] {
            assert_eq!(place(written, in_repository, path), "clusters/prod/queue.yaml", "{written}");
        }
    }

    #[test]
    fn what_was_named_itself_counts_before_its_folder() {
        let mut repository = Repository::default();
        for (written, place) in [(".", ""), ("./a", "copies/a"), ("./a/queue.yaml", "queues/queue.yaml")] {
            repository.add(Path::new(written), place.into(), true);
        }
        assert_eq!(repository.place("./a/queue.yaml"), "queues/queue.yaml");
        assert_eq!(repository.place("./a/key.yaml"), "copies/a/key.yaml");
        assert_eq!(repository.place("./b/key.yaml"), "b/key.yaml");
    }

    #[test]
    fn outside_of_a_repository_a_path_begins_at_what_was_named() {
        let mut repository = Repository::default();
        repository.add(Path::new("."), PathBuf::new(), false);
        assert_eq!((repository.place("./a/b.yaml"), repository.path("./a/b.yaml")), ("a/b.yaml".to_owned(), None));
    }
}
