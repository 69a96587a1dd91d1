//! Paths of files by name alone: nothing here asks the disk.

use std::path::{Component, Path, PathBuf};

/// The same path in its shortest form. A leading `.` is how the folder was named, and stays.
pub(crate) fn as_named(path: &Path) -> PathBuf {
    if path.starts_with(".") { Path::new(".").join(normalized(path)) } else { normalized(path) }
}

/// A path without `.` and without what `..` takes away, as far as names tell.
pub(crate) fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(normalized.components().next_back(), Some(Component::Normal(_))) => {
                normalized.pop();
            }
            part => normalized.push(part),
        }
    }
    normalized
}
