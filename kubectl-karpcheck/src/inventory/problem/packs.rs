//! Problems of packs and their rules.

use std::sync::Arc;

super::problems! {
    /// Of packs and their rules.
    pub enum PackProblem {
        Fatal "pack-not-found" NotFound { file: Arc<str> } = "the pack {file} was not loaded: no such file";
        Fatal "pack-not-readable" Folder { file: Arc<str> } = "the pack {file} was not loaded: it is a folder without a .wasm in it";
        Fatal "pack-not-readable" NotReadable { file: Arc<str>, error: Arc<str> } = "the pack {file} was not loaded: {error}";
        Fatal "pack-name-taken" BuiltIn { file: Arc<str>, name: Arc<str> } = "the pack {file} was not loaded: it is called {name} as karpcheck's own rules are, another name is given by --pack NAME={file}";
        Fatal "pack-name-taken" Taken { file: Arc<str>, name: Arc<str>, other: Arc<str> } = "the pack {file} was not loaded: it is called {name} as {other} is, another name is given by --pack NAME={file}";
        Fatal "rule-failed" RuleFailed { rule: Arc<str>, pack: Clause, what: Arc<str>, on: Clause, how: Clause } = "rule {rule}{pack} {what}{on}{how}";
        Fatal "pack-digest" OtherDigest { file: Arc<str>, digest: Arc<str>, pinned: Arc<str> } = "the pack {file} was not loaded: its digest is {digest}, and the configuration pins {pinned}";
        Fatal "pack-not-readable" NotPulled { reference: Arc<str>, why: Arc<str> } = "the pack {reference} was not loaded: {why}";
        Fatal "pack-not-readable" NoLock { file: Arc<str>, why: Arc<str> } = "no pack of a registry was loaded, since the lock file cannot be used: {file}: {why}";
        Fatal "pack-not-locked" NotLocked { reference: Arc<str>, file: Arc<str> } = "the pack {reference} was not loaded: {file} does not list it, `kubectl karpcheck pack lock` adds it";
        Fatal "pack-reads-more" ReadsMore { reference: Arc<str>, kinds: Arc<str>, file: Arc<str> } = "the pack {reference} was not loaded: it reads {kinds}, which {file} does not grant, `kubectl karpcheck pack lock --grant` does";
        Fatal "pack-refused" Refused { file: Arc<str>, fault: Arc<str> } = "the pack {file} was refused: it {fault}";
    }
}

/// A part of a sentence that may be missing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Clause {
    /// What leads to it.
    pub before: &'static str,
    /// The rest; empty where it is missing.
    pub text: Arc<str>,
}

impl std::fmt::Display for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.text.is_empty() { Ok(()) } else { write!(f, "{}{}", self.before, self.text) }
    }
}
