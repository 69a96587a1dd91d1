//! `--aws-cache`: answers of a few minutes ago, for whoever changes files and checks again. Each call of the CLI costs more than half a
//! second of a processor, most of it before anything is sent.
//!
//! An answer is kept under what was asked, of whom and as whom. Only the account that the login has now finds it, since that is asked
//! every time. A folder or file that somebody else may write is as good as none.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use crate::formats::hex::hex;
use crate::storage;

/// Answers that are older are removed.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

/// The answers of one account.
#[derive(Clone, Debug)]
pub(super) struct AnswerCache {
    folder: PathBuf,
    age: Duration,
    /// As whom is asked.
    who: String,
}

impl AnswerCache {
    /// The answers that an identity got, no older than this. None where there is no folder for them.
    pub(super) fn of_user(age: Duration, identity: &str) -> Option<Self> {
        use etcetera::BaseStrategy as _;
        let folder = etcetera::choose_base_strategy().ok()?.cache_dir().join("kubectl-karpcheck").join("aws");
        Self::at(folder, age, identity)
    }

    fn at(folder: PathBuf, age: Duration, identity: &str) -> Option<Self> {
        if age.is_zero() {
            return None;
        }
        let cache = Self { folder, age, who: identity.to_owned() };
        cache.sweep();
        Some(cache)
    }

    /// The answer to a question, if there is one that is young enough.
    pub(super) fn get(&self, question: &[&str]) -> Option<String> {
        let path = self.path(question);
        (is_own(&self.folder) && is_own(&path) && age(&path)? <= self.age)
            .then(|| fs::read_to_string(path).ok())
            .flatten()
    }

    /// Keeps an answer. One that cannot be kept is asked for again.
    pub(super) fn put(&self, question: &[&str], answer: &str) {
        let _ = self.write(&self.path(question), answer);
    }

    fn write(&self, path: &Path, answer: &str) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            fs::set_permissions(&self.folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        }
        storage::put(path, |new| options.open(new), &[answer.as_bytes()])
    }

    fn path(&self, question: &[&str]) -> PathBuf {
        let mut digest = Sha256::new();
        for word in std::iter::once(self.who.as_str()).chain(question.iter().copied()) {
            digest.update(word.len().to_le_bytes());
            digest.update(word);
        }
        self.folder.join(hex(&digest.finalize()))
    }

    fn sweep(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if age(&entry.path()).is_some_and(|age| age > OLDEST) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn age(path: &Path) -> Option<Duration> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    // What is from the future is from a clock that was set back.
    SystemTime::now().duration_since(modified).ok()
}

/// Is it this user's alone, and no link?
#[cfg(unix)]
fn is_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path).is_ok_and(|metadata| {
        metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode() & 0o077 == 0
            && !metadata.file_type().is_symlink()
    })
}

#[cfg(not(unix))]
fn is_own(path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_by_whom_it_was_given_to_and_while_it_is_young() {
        let folder = tempfile::tempdir().unwrap();
        let of =
            |age: u64, who: &str| AnswerCache::at(folder.path().join("aws"), Duration::from_secs(age), who).unwrap();
        of(60, "one").put(&["kms", "describe-key"], "{}");
        assert_eq!(of(60, "one").get(&["kms", "describe-key"]).as_deref(), Some("{}"));
        assert_eq!(of(60, "one").get(&["kmsdescribe-key"]), None);
        assert_eq!(of(60, "other").get(&["kms", "describe-key"]), None);
        assert!(AnswerCache::at(folder.path().into(), Duration::ZERO, "one").is_none());
        std::thread::sleep(Duration::from_millis(1100));
        assert_eq!(of(1, "one").get(&["kms", "describe-key"]), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_write_is_not_believed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let cache = AnswerCache::at(folder.path().join("aws"), Duration::from_secs(60), "one").unwrap();
        cache.put(&["a"], "{}");
        fs::set_permissions(folder.path().join("aws"), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(cache.get(&["a"]), None);
        fs::set_permissions(folder.path().join("aws"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(cache.get(&["a"]).as_deref(), Some("{}"));
        fs::set_permissions(cache.path(&["a"]), fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(cache.get(&["a"]), None);
    }
}
