//! Problems of packs and their rules.

use std::sync::Arc;

super::problems! {
    /// Of packs and their rules.
    pub enum PackProblem {
        Fatal "pack-not-found" NotFound { file: Arc<str> } = "the pack {file} was not loaded: no such file";
        Fatal "pack-not-readable" Folder { file: Arc<str> } = "the pack {file} was not loaded: it is a folder, name the .wasm in it";
        Fatal "pack-not-readable" NotReadable { file: Arc<str>, error: Arc<str> } = "the pack {file} was not loaded: {error}";
        Fatal "pack-name-taken" BuiltIn { file: Arc<str>, name: Arc<str> } = "the pack {file} was not loaded: it is called {name} as karpcheck's own rules are, another name is given by --pack NAME={file}";
        Fatal "pack-name-taken" Taken { file: Arc<str>, name: Arc<str>, other: Arc<str> } = "the pack {file} was not loaded: it is called {name} as {other} is, another name is given by --pack NAME={file}";
        Fatal "rule-failed" RuleFailed { rule: Arc<str>, pack: Clause, what: Arc<str>, on: Clause, how: Clause } = "rule {rule}{pack} {what}{on}{how}";
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
