//! `.karpcheck.lock`: which manifest each pack of the configuration is, and what it may read.
//!
//! A tag can be moved by whoever may push to it. With a lock file beside the configuration, a run takes what was there when `pack
//! lock` was run, and a pack that reads more than was granted then is not loaded.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::commands::shared::files::write_atomically;
use crate::config::Config;
use crate::engine::Pack;
use crate::formats::oci_reference::{Reference, is_digest};
use crate::storage;

/// What a lock file is called.
pub const FILE_NAME: &str = ".karpcheck.lock";
/// Of the file: thousands of packs.
const MOST_BYTES: u64 = 1 << 20;
/// The form of the file.
const VERSION: u32 = 1;

/// A lock file.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// In the order of the configuration.
    pub packs: Vec<Locked>,
}

/// A pack of a lock file.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// As [`Reference`] writes it.
    pub reference: String,
    /// Of the manifest.
    pub digest: String,
    /// The kinds that its rules may read.
    pub reads: BTreeSet<String>,
}

impl Lock {
    /// A lock of these packs.
    pub const fn new(packs: Vec<Locked>) -> Self {
        Self { version: VERSION, packs }
    }

    /// Where the lock file of a configuration is.
    pub fn file(config: &Config) -> PathBuf {
        config.shown_beside(FILE_NAME)
    }

    /// Reads a lock file; None if there is none.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn read(file: &Path) -> Result<Option<Self>, String> {
        let text = match storage::read(file, MOST_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let lock: Self = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if lock.version != VERSION {
            return Err(format!("it has version {}, and this karpcheck knows {VERSION}", lock.version));
        }
        match lock.packs.iter().find(|pack| !is_digest(&pack.digest)) {
            Some(pack) => Err(format!("the digest of {} is not sha256: and 64 hexadecimal digits", pack.reference)),
            None => Ok(Some(lock)),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// Of the file system.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(self).map_err(io::Error::from)?;
        text.push('\n');
        write_atomically(file, text.as_bytes())
    }

    /// What is locked of a reference.
    pub fn of(&self, reference: &Reference) -> Option<&Locked> {
        let reference = reference.to_string();
        self.packs.iter().find(|pack| pack.reference == reference)
    }
}

/// The kinds that the rules of a pack read.
pub fn reads(pack: &Pack) -> BTreeSet<String> {
    let rules = pack.rules().iter();
    rules.flat_map(|rule| rule.subjects.iter().chain(&rule.reads).chain(&rule.reads_if_allowed)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(FILE_NAME);
        assert_eq!(Lock::read(&file), Ok(None));
        let reference = Reference::parse("ghcr.io/acme/rules:1").unwrap();
        let digest = format!("sha256:{}", "0".repeat(64));
        let locked = Locked { reference: reference.to_string(), digest, reads: ["core/Node".to_owned()].into() };
        let lock = Lock::new(vec![locked.clone()]);
        lock.write(&file).unwrap();
        assert_eq!(Lock::read(&file), Ok(Some(lock)));
        assert_eq!(Lock::read(&file).unwrap().unwrap().of(&reference), Some(&locked));
        let text = std::fs::read_to_string(&file).unwrap();
        for (from, to, why) in [
            ("\"version\": 1", "\"version\": 2", "it has version 2"),
            ("sha256:0", "sha256:x", "64 hexadecimal digits"),
            ("\"reads\"", "\"grants\"", "grants"),
        ] {
            std::fs::write(&file, text.replace(from, to)).unwrap();
            assert!(Lock::read(&file).is_err_and(|said| said.contains(why)), "{why}");
        }
    }

    /// Git keeps links, and a pull request may bring one to anywhere.
    #[cfg(unix)]
    #[test]
    fn a_lock_that_is_a_link_to_a_device_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(FILE_NAME);
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        assert_eq!(Lock::read(&file), Err("it is not a regular file".to_owned()));
        std::fs::remove_file(&file).unwrap();
        std::fs::File::create(&file).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(Lock::read(&file), Err("it is larger than 1048576 bytes".to_owned()));
    }
}
