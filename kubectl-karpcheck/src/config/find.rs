//! Where the configuration is.

use std::path::{Path, PathBuf};

/// What a configuration is called.
pub const FILE_NAME: &str = ".karpcheck.toml";

/// The configuration that applies to what is checked: of the first path that was named, else of the working directory. In each
/// case the nearest one upwards, as far as the root of the repository; outside of a repository only in the folder itself, since
/// anybody may have put a file into a folder above.
pub(super) fn find(first: Option<&Path>, working_directory: &Path) -> Option<PathBuf> {
    first.and_then(upwards).or_else(|| upwards(working_directory))
}

fn upwards(start: &Path) -> Option<PathBuf> {
    let start = std::fs::canonicalize(start).ok()?;
    let folder = if start.is_dir() { &start } else { start.parent()? };
    let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder);
    let within = folder.ancestors().take_while(|folder| folder.starts_with(root));
    within.map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())
}
