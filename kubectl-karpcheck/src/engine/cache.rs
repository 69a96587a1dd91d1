//! Compiled code of custom packs, kept per user.
//!
//! Machine code is trusted, so it is taken only from what this user wrote: a folder and files that belong to the user and
//! that no other user can write, no symbolic links, and a digest over each file. A cache that cannot be used is no error:
//! the pack is compiled again.

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::formats::hex::hex;
use crate::storage;

/// The first bytes of a file. They change with the format of files.
const MAGIC: &[u8; 16] = b"karpcheck-code-1";
/// Magic, key, digest of the code.
const HEADER: usize = 16 + 32 + 32;
/// The code of the largest component that is allowed, which is some 2.5 times as large, with some room.
const MOST_CODE: u64 = 256 << 20;
/// Bytes of all files together. The oldest are removed first.
const MOST_BYTES: u64 = 512 << 20;
/// The age from which a half written file is one that a crashed run left.
const STALE: Duration = Duration::from_hours(1);

/// A folder for compiled code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cache {
    dir: PathBuf,
    most_bytes: u64,
}

/// A component's code under the settings of one engine.
pub(super) type Key = [u8; 32];

impl Cache {
    /// The user's own: `kubectl-karpcheck` in the user's folder for caches. None if there is no home.
    pub fn of_user() -> Option<Self> {
        use etcetera::BaseStrategy as _;
        let base = etcetera::choose_base_strategy().ok()?;
        Some(Self::at(base.cache_dir().join("kubectl-karpcheck")))
    }

    /// A cache in this folder. It is made, with its parents, when the first file is written.
    pub const fn at(dir: PathBuf) -> Self {
        Self { dir, most_bytes: MOST_BYTES }
    }

    /// The same cache with another bound on the bytes of all files together.
    #[must_use]
    pub fn bounded(self, most_bytes: u64) -> Self {
        Self { most_bytes, ..self }
    }

    /// The code for this key, if it is there and can be trusted.
    pub(super) fn get(&self, key: &Key) -> Option<Vec<u8>> {
        trusted_dir(&self.dir).ok()?;
        let mut file = open(&self.path(key)).ok()?;
        let size = trusted_file(&file).ok().filter(|size| *size <= MOST_CODE)?;
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?.saturating_add(1));
        (&mut file).take(MOST_CODE).read_to_end(&mut bytes).ok()?;
        let (header, code) = bytes.split_at_checked(HEADER)?;
        if header != self.header(key, code) {
            return None;
        }
        // So that files in use are not the oldest. If that fails, the pack is compiled again one day.
        let _ = file.set_modified(SystemTime::now());
        bytes.drain(..HEADER);
        Some(bytes)
    }

    /// Writes code, if it can.
    pub(super) fn put(&self, key: &Key, code: &[u8]) {
        // Not an error: in pipelines the home is often read-only.
        let _ = self.write(key, code);
        let _ = self.evict();
    }

    fn write(&self, key: &Key, code: &[u8]) -> io::Result<()> {
        make_dir(&self.dir)?;
        trusted_dir(&self.dir)?;
        storage::put(&self.path(key), create, &[&self.header(key, code), code])
    }

    /// Removes the oldest files until the others fit, and those that crashed runs left.
    fn evict(&self) -> io::Result<()> {
        let mut files = vec![];
        for entry in fs::read_dir(&self.dir)?.flatten() {
            let path = entry.path();
            let Ok(meta) = entry.metadata() else { continue };
            let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("code") => files.push((used, meta.len(), path)),
                Some(storage::UNFINISHED) if used.elapsed().is_ok_and(|age| age > STALE) => fs::remove_file(path)?,
                _ => {}
            }
        }
        storage::keep_within(self.most_bytes, files)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.dir.join(format!("{}.code", hex(key)))
    }

    #[expect(clippy::unused_self, reason = "the form of a file is the cache's")]
    fn header(&self, key: &Key, code: &[u8]) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..16].copy_from_slice(MAGIC);
        header[16..48].copy_from_slice(key);
        header[48..].copy_from_slice(&Sha256::digest(code));
        header
    }
}

/// The key of a component: its bytes, and wasmtime's version, settings, target and processor features.
pub(super) fn key(engine: &wasmtime::Engine, component: &[u8]) -> Key {
    let mut hasher = Sha(Sha256::new());
    hasher.write(MAGIC);
    hasher.write(&Sha256::digest(component));
    hasher.write(std::env::consts::ARCH.as_bytes());
    hasher.write(std::env::consts::OS.as_bytes());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

/// SHA-256 as the standard library's hasher.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.clone().finalize().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

#[cfg(unix)]
mod os {
    use std::fs::{self, DirBuilder, File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use rustix::fs::OFlags;

    pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
        if let Some(parent) = dir.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    pub(super) fn trusted_dir(dir: &Path) -> io::Result<()> {
        let meta = fs::symlink_metadata(dir)?;
        trust(meta.is_dir() && meta.uid() == me() && meta.mode() & 0o077 == 0)
    }

    pub(super) fn trusted_file(file: &File) -> io::Result<u64> {
        let meta = file.metadata()?;
        trust(meta.is_file() && meta.uid() == me() && meta.mode() & 0o022 == 0 && meta.nlink() == 1)?;
        Ok(meta.len())
    }

    pub(super) fn options(options: &mut OpenOptions) -> &mut OpenOptions {
        #[expect(clippy::cast_possible_wrap, reason = "a set of bits")]
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
        options.mode(0o600).custom_flags(flags)
    }

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn trust(trusted: bool) -> io::Result<()> {
        if trusted { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }
}

/// Elsewhere the access list of the user's folder protects it, and is inherited.
#[cfg(not(unix))]
mod os {
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::path::Path;

    pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    pub(super) fn trusted_dir(dir: &Path) -> io::Result<()> {
        if fs::symlink_metadata(dir)?.is_dir() { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    pub(super) fn trusted_file(file: &File) -> io::Result<u64> {
        let meta = file.metadata()?;
        if meta.is_file() { Ok(meta.len()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    pub(super) fn options(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }
}

use os::{make_dir, trusted_dir, trusted_file};

fn open(path: &Path) -> io::Result<File> {
    os::options(OpenOptions::new().read(true)).open(path)
}

fn create(path: &Path) -> io::Result<File> {
    os::options(OpenOptions::new().write(true).create_new(true)).open(path)
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const KEY: Key = [7; 32];
    const OTHER: Key = [8; 32];

    fn cache() -> (tempfile::TempDir, Cache) {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("some").join("cache"));
        (home, cache)
    }

    #[test]
    fn what_was_kept_is_found_under_its_key_only() {
        let (_home, cache) = cache();
        assert_eq!(cache.get(&KEY), None);
        cache.put(&KEY, b"code");
        assert_eq!(cache.get(&KEY).as_deref(), Some(&b"code"[..]));
        assert_eq!(cache.get(&OTHER), None);
        fs::rename(cache.path(&KEY), cache.path(&OTHER)).unwrap();
        assert_eq!(cache.get(&OTHER), None, "another component's code under this name");
    }

    #[test]
    fn a_folder_that_others_may_enter_is_not_used() {
        let (_home, cache) = cache();
        cache.put(&KEY, b"code");
        fs::set_permissions(&cache.dir, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(cache.get(&KEY), None);
        cache.put(&OTHER, b"code");
        assert!(!cache.path(&OTHER).exists());
    }

    #[test]
    fn links_are_not_followed() {
        let (home, cache) = cache();
        cache.put(&KEY, b"code");
        let elsewhere = home.path().join("elsewhere");
        fs::rename(cache.path(&KEY), &elsewhere).unwrap();
        symlink(&elsewhere, cache.path(&KEY)).unwrap();
        assert_eq!(cache.get(&KEY), None, "a file that is a link");
        fs::remove_file(cache.path(&KEY)).unwrap();
        fs::hard_link(&elsewhere, cache.path(&KEY)).unwrap();
        assert_eq!(cache.get(&KEY), None, "a file with another name");
        fs::remove_file(&elsewhere).unwrap();
        assert!(cache.get(&KEY).is_some());
        let link = Cache::at(home.path().join("link"));
        symlink(&cache.dir, &link.dir).unwrap();
        assert_eq!(link.get(&KEY), None, "a folder that is a link");
    }

    #[test]
    fn a_changed_or_cut_file_is_not_used() {
        let (_home, cache) = cache();
        cache.put(&KEY, b"code");
        let mut bytes = fs::read(cache.path(&KEY)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(cache.path(&KEY), &bytes).unwrap();
        assert_eq!(cache.get(&KEY), None);
        fs::write(cache.path(&KEY), &bytes[..20]).unwrap();
        assert_eq!(cache.get(&KEY), None);
        fs::set_permissions(cache.path(&KEY), fs::Permissions::from_mode(0o620)).unwrap();
        cache.put(&KEY, b"code");
        assert!(cache.get(&KEY).is_some(), "a bad file is replaced");
    }

    #[test]
    fn the_oldest_goes_when_there_is_too_much() {
        let (_home, cache) = cache();
        let cache = cache.bounded(3 * HEADER as u64);
        for (number, age) in [(1, 30), (2, 20), (3, 10)] {
            cache.put(&[number; 32], b"");
            let file = File::options().write(true).open(cache.path(&[number; 32])).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        assert!(cache.get(&[1; 32]).is_some(), "used, so no longer the oldest");
        cache.put(&[4; 32], b"");
        let kept: Vec<bool> = (1..=4).map(|number| cache.get(&[number; 32]).is_some()).collect();
        assert_eq!(kept, [true, false, true, true]);
    }

    #[test]
    fn a_home_that_cannot_be_written_is_no_error() {
        let cache = Cache::at(PathBuf::from("/dev/null/cache"));
        cache.put(&KEY, b"code");
        assert_eq!(cache.get(&KEY), None);
    }
}
