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
        Fatal "pack-refused" Refused { file: Arc<str>, fault: Arc<str> } = "the pack {file} was refused: it {fault}";
    }
}
