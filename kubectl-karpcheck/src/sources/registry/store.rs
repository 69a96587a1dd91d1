//! Manifests and components that were pulled, kept by their digests for runs without a registry.
//!
//! A file is what its name says or it is not used, so it does not matter who wrote it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::sources::registry::digest;
use crate::storage;

/// Bytes of all files together. Those that were not used for longest are removed first.
const MOST_BYTES: u64 = 512 << 20;

/// A folder of files by digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    folder: PathBuf,
    most_bytes: u64,
}

impl Store {
    /// The user's own: `kubectl-karpcheck/packs` in the user's folder for caches. None if there is no home.
    pub fn of_user() -> Option<Self> {
        use etcetera::BaseStrategy as _;
        let base = etcetera::choose_base_strategy().ok()?;
        Some(Self::at(base.cache_dir().join("kubectl-karpcheck").join("packs")))
    }

    /// A store in this folder, which is made when it is first needed.
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder, most_bytes: MOST_BYTES }
    }

    /// The bytes of this digest, at most so many.
    pub(super) fn get(&self, wanted: &str, most: u64) -> Option<Vec<u8>> {
        let path = self.path(wanted)?;
        if !fs::symlink_metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        let mut bytes = vec![];
        (&mut file).take(most.saturating_add(1)).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > most || digest(&bytes) != wanted {
            return None;
        }
        // So that what is used is not the oldest.
        let _ = file.set_modified(SystemTime::now());
        Some(bytes)
    }

    /// Keeps bytes, if it can: in pipelines the home is often read-only.
    pub(super) fn put(&self, of: &str, bytes: &[u8]) {
        let Some(path) = self.path(of) else { return };
        let _ = self.write(&path, bytes).and_then(|()| self.evict());
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        storage::put(path, |new| File::create_new(new), &[bytes])
    }

    fn evict(&self) -> io::Result<()> {
        let mut files = vec![];
        for entry in fs::read_dir(&self.folder)?.flatten() {
            if let Ok(meta) = entry.metadata() {
                files.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), entry.path()));
            }
        }
        storage::keep_within(self.most_bytes, files)
    }

    /// None for what is no digest, and must not become a path.
    fn path(&self, digest: &str) -> Option<PathBuf> {
        let digits = digest.strip_prefix("sha256:").filter(|_| crate::formats::oci_reference::is_digest(digest))?;
        Some(self.folder.join(digits))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_is_what_its_name_says_or_is_not_used() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path().join("a").join("b"));
        let name = digest(b"bytes");
        assert_eq!(store.get(&name, 10), None);
        store.put(&name, b"bytes");
        assert_eq!(store.get(&name, 10).as_deref(), Some(&b"bytes"[..]));
        assert_eq!(store.get(&name, 4), None, "larger than allowed");
        store.put(&name, b"others");
        assert_eq!(store.get(&name, 10), None);
        store.put("sha256:../x", b"x");
        assert_eq!(store.get("sha256:../x", 10), None);
    }

    #[test]
    fn the_oldest_goes_when_there_is_too_much() {
        let home = tempfile::tempdir().unwrap();
        let store = Store { most_bytes: 2, ..Store::at(home.path().to_owned()) };
        for (text, age) in [(b"a", 30), (b"b", 20)] {
            store.put(&digest(text), text);
            let file = File::options().write(true).open(store.path(&digest(text)).unwrap()).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        assert!(store.get(&digest(b"a"), 1).is_some(), "used, so no longer the oldest");
        store.put(&digest(b"c"), b"c");
        let kept = [b"a", b"b", b"c"].map(|text| store.get(&digest(text), 1).is_some());
        assert_eq!(kept, [true, false, true]);
    }
}
