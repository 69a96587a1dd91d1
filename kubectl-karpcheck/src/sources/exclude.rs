//! `--exclude`: files and folders that are not read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ignore::WalkBuilder;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Globs as the lines of a `.gitignore`, relative to the working directory and to each folder that was named.
#[derive(Debug)]
pub(super) struct Exclusions {
    /// All of them: a later one that begins with `!` takes back what an earlier one excludes.
    all: Gitignore,
    /// Each by itself, to see which of them were of use.
    each: Vec<(String, Gitignore)>,
    used: Mutex<BTreeSet<usize>>,
    /// Folders that walks left out, until they are counted.
    folders: Mutex<Vec<PathBuf>>,
    working_directory: Option<PathBuf>,
    /// A folder and the globs that stand in a file of it, relative to it alone. Whether they match is not kept: they are there
    /// for every run.
    beside: Option<(PathBuf, Gitignore)>,
}

impl Exclusions {
    /// Of these globs. One that is invalid matches nothing: [`is_glob`] tells before.
    pub(super) fn new(globs: &[String], beside: Option<(&Path, &[String])>) -> Self {
        let each = globs.iter().filter_map(|glob| Some((glob.clone(), matcher(&[glob]).ok()?))).collect();
        Self {
            all: matcher(globs).unwrap_or_else(|_| Gitignore::empty()),
            each,
            used: Mutex::default(),
            folders: Mutex::default(),
            working_directory: std::env::current_dir().ok(),
            beside: beside.and_then(|(folder, globs)| Some((fs::canonicalize(folder).ok()?, matcher(globs).ok()?))),
        }
    }

    /// Is a path left out? `root` is the folder that was named and in which it lies, or the path itself.
    pub(super) fn excludes(&self, root: &Path, path: &Path, is_folder: bool) -> bool {
        if let Some((folder, globs)) = &self.beside
            && let Ok(path) = fs::canonicalize(path)
            && let Ok(relative) = path.strip_prefix(folder)
            && !relative.as_os_str().is_empty()
            && globs.matched_path_or_any_parents(relative, is_folder).is_ignore()
        {
            return true;
        }
        if self.each.is_empty() {
            return false;
        }
        let below_root = path.strip_prefix(root).ok().map(Path::to_owned);
        let absolute = std::path::absolute(path).ok();
        let below_here = absolute.as_deref().zip(self.working_directory.as_deref());
        let below_here = below_here.and_then(|(path, here)| path.strip_prefix(here).ok()).map(Path::to_owned);
        let mut excluded = false;
        for relative in [below_here, below_root].into_iter().flatten().filter(|path| !path.as_os_str().is_empty()) {
            for (index, (_, glob)) in self.each.iter().enumerate() {
                if !glob.matched_path_or_any_parents(&relative, is_folder).is_none()
                    && let Ok(mut used) = self.used.lock()
                {
                    used.insert(index);
                }
            }
            excluded |= self.all.matched_path_or_any_parents(&relative, is_folder).is_ignore();
        }
        excluded
    }

    /// A walk over a folder, without what `.gitignore` names. With `prune`, folders that are excluded are not entered.
    pub(super) fn walk(self: &Arc<Self>, root: &Path, prune: bool) -> WalkBuilder {
        let mut walk = WalkBuilder::new(root);
        let (exclusions, root) = (Arc::clone(self), root.to_owned());
        walk.follow_links(true).sort_by_file_name(Ord::cmp).filter_entry(move |entry| {
            let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            let excluded = prune && folder && exclusions.excludes(&root, entry.path(), true);
            if excluded {
                exclusions.leave_out(entry.path());
            }
            !excluded && entry.file_name() != "node_modules"
        });
        walk
    }

    /// Remembers a file or folder that is left out.
    pub(super) fn leave_out(&self, path: &Path) {
        if let Ok(mut folders) = self.folders.lock() {
            folders.push(path.to_owned());
        }
    }

    /// What was left out since the last time.
    pub(super) fn take_folders(&self) -> Vec<PathBuf> {
        self.folders.lock().map(|mut folders| std::mem::take(&mut *folders)).unwrap_or_default()
    }

    /// The globs that matched nothing so far.
    pub(super) fn unused(&self) -> Vec<&str> {
        let used = self.used.lock().map(|used| used.clone()).unwrap_or_default();
        self.each
            .iter()
            .enumerate()
            .filter(|(index, _)| !used.contains(index))
            .map(|(_, (glob, _))| glob.as_str())
            .collect()
    }
}

/// Is this a glob that `--exclude` takes? The error says why not.
pub fn is_glob(glob: &str) -> Result<(), String> {
    let glob = matcher(&[glob])?;
    if glob.is_empty() { Err("it is empty, or a comment as in a .gitignore".into()) } else { Ok(()) }
}

fn matcher(globs: &[impl AsRef<str>]) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        builder.add_line(None, glob.as_ref()).map_err(|error| error.to_string())?;
    }
    builder.build().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(globs: &[&str], root: &str, path: &str, is_folder: bool) -> bool {
        let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Exclusions::new(&globs, None).excludes(Path::new(root), Path::new(path), is_folder)
    }

    #[test]
    fn globs_are_those_of_gitignore() {
        for (glob, path, expected) in [
            ("examples", "examples/a.yaml", true),
            ("examples", "infra/examples/a.yaml", true),
            ("/examples", "infra/examples/a.yaml", false),
            ("infra/examples", "infra/examples/a.yaml", true),
            ("infra/*/a.yaml", "infra/examples/a.yaml", true),
            ("infra/*.yaml", "infra/examples/a.yaml", false),
            ("**/a.yaml", "infra/examples/a.yaml", true),
            ("*.tfstate", "infra/terraform.tfstate", true),
            ("a.yaml/", "a.yaml", false),
            ("example", "examples/a.yaml", false),
        ] {
            assert_eq!(excludes(&[glob], ".", &format!("./{path}"), false), expected, "{glob} {path}");
        }
        assert!(excludes(&["examples/"], ".", "./examples", true));
        assert!(!excludes(&["*.yaml", "!keep.yaml"], ".", "./keep.yaml", false));
    }

    #[test]
    fn globs_are_relative_to_the_working_directory_and_to_what_was_named() {
        assert!(excludes(&["/infra/old"], "infra", "infra/old/a.yaml", false));
        assert!(excludes(&["/old"], "infra", "infra/old/a.yaml", false));
        assert!(excludes(&["/old"], "/elsewhere", "/elsewhere/old/a.yaml", false));
        assert!(!excludes(&["/elsewhere/old"], "/elsewhere", "/elsewhere/old/a.yaml", false));
        assert!(excludes(&["a.yaml"], "a.yaml", "a.yaml", false));
    }

    #[test]
    fn a_glob_that_matches_nothing_is_known() {
        let globs = ["old".to_owned(), "examples".to_owned(), "*.yaml".to_owned()];
        let exclusions = Exclusions::new(&globs, None);
        assert!(exclusions.excludes(Path::new("."), Path::new("./examples/a.yaml"), false));
        assert_eq!(exclusions.unused(), ["old"]);
    }

    #[test]
    fn globs_of_a_file_are_relative_to_its_folder() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("infra/old")).unwrap();
        fs::write(place.path().join("infra/old/a.yaml"), "").unwrap();
        let excludes = |glob: &str| {
            let globs = [glob.to_owned()];
            let exclusions = Exclusions::new(&[], Some((place.path(), &globs)));
            let root = place.path().join("infra");
            exclusions.excludes(&root, &root.join("old/a.yaml"), false)
        };
        assert!(excludes("/infra/old"));
        assert!(excludes("old/"));
        assert!(!excludes("/old"));
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        assert!(is_glob("**/test/*.yaml").is_ok());
        assert!(is_glob("{a,b").is_err());
        assert!(is_glob("# all").is_err());
        assert!(is_glob(" ").is_err());
    }
}
