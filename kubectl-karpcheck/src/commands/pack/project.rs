//! Projects of packs: which language one is in, and what karpcheck writes into it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::commands::pack::made::is_made;
use crate::commands::pack::{PackError, at};

/// The files that the build found in the repository: `(name, content)` each.
mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// What a pack is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Language {
    /// Rust: 80 KB, the fastest.
    Rust,
    /// JavaScript on QuickJS: 1.3 MB.
    #[value(name = "js", alias = "javascript")]
    JavaScript,
    /// Python: 19 MB, the slowest to load.
    #[value(alias = "py")]
    Python,
}

impl Language {
    /// The language of the project in a folder, by its manifest.
    ///
    /// # Errors
    /// It has none that is known.
    pub(super) fn of(folder: &Path) -> Result<Self, PackError> {
        let all = [("Cargo.toml", Self::Rust), ("package.json", Self::JavaScript), ("pyproject.toml", Self::Python)];
        let found = all.into_iter().find(|(manifest, _)| folder.join(manifest).is_file());
        found.map(|(_, language)| language).ok_or_else(|| PackError::NoProject { folder: folder.to_owned() })
    }

    /// The project that `pack new` begins with: `(name, content)` each, for a pack called `platform`.
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rust => embedded::RUST,
            Self::JavaScript => embedded::JAVASCRIPT,
            Self::Python => embedded::PYTHON,
        }
    }

    /// What its rules build on, and the folder that it is in: the SDK, or the contract alone.
    fn vendored(self) -> (&'static str, Vec<(String, String)>) {
        let contract = |folder: &str| {
            embedded::WIT.iter().map(|(name, content)| (format!("{folder}{name}"), (*content).to_owned())).collect()
        };
        match self {
            Self::Rust => {
                let mut files: Vec<(String, String)> = contract("wit/");
                files.extend(embedded::SDK.iter().map(|(name, content)| {
                    let content = if *name == "Cargo.toml" { standalone(content) } else { (*content).to_owned() };
                    ((*name).to_owned(), content)
                }));
                ("sdk", files)
            }
            Self::JavaScript | Self::Python => ("wit", contract("")),
        }
    }
}

/// The files of a project that its author wrote, with their metadata: no hidden ones, and nothing that is [made](is_made).
pub(super) fn written(folder: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let mut written = vec![];
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // A file may go away while it is looked at.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || is_made(&name) {
                continue;
            }
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => written.push((entry.path(), meta)),
                Err(_) => {}
            }
        }
    }
    written.sort_by(|(one, _), (other, _)| one.cmp(other));
    written
}

/// The name of the pack in the examples.
const EXAMPLE: &str = "platform";

/// Writes a project for a pack of this name. Returns the names of the files that are to be read first.
///
/// # Errors
/// The folder is there and not empty, or cannot be written.
pub(super) fn create(folder: &Path, name: &str, language: Language) -> Result<(), PackError> {
    let taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(at(folder)(error)),
    };
    if taken {
        return Err(PackError::NotEmpty { folder: folder.to_owned() });
    }
    if language.files().is_empty() {
        return Err(PackError::NoTemplates);
    }
    for (file, content) in language.files() {
        // Rules and fixtures do not name the pack, and the area of the first one is called the same.
        let own = !file.contains('/') && !file.starts_with("karpcheck.") || file.starts_with(".github");
        let content = if own { renamed(content, name) } else { (*content).to_owned() };
        write(&folder.join(file), &content)?;
    }
    vendor(folder, language)?;
    Ok(())
}

/// A file of the example for a pack of another name.
fn renamed(content: &str, name: &str) -> String {
    let places =
        ["\"", "'", "# ", "name: ", "path: "].map(|before| (format!("{before}{EXAMPLE}"), format!("{before}{name}")));
    let mut renamed = content
        .replace(&format!("{EXAMPLE}.wasm"), &format!("{name}.wasm"))
        .replace(&format!("{EXAMPLE}/"), &format!("{name}/"));
    for (from, to) in places {
        for end in ["\"", "'", "\n"] {
            renamed = renamed.replace(&format!("{from}{end}"), &format!("{to}{end}"));
        }
    }
    renamed
}

/// Writes what a project's rules build on, if it is not there. Returns the folder that was written.
///
/// # Errors
/// It cannot be written.
pub(super) fn vendor(folder: &Path, language: Language) -> Result<Option<PathBuf>, PackError> {
    let (name, files) = language.vendored();
    let into = folder.join(name);
    let wanted = match language {
        // A project may have its SDK from elsewhere.
        Language::Rust => fs::read_to_string(folder.join("Cargo.toml"))
            .is_ok_and(|manifest| manifest.contains("karpcheck-sdk = { path = \"sdk\" }")),
        Language::JavaScript | Language::Python => true,
    };
    if !wanted || into.exists() || files.is_empty() {
        return Ok(None);
    }
    for (file, content) in files {
        write(&into.join(file), &content)?;
    }
    Ok(Some(into))
}

/// The SDK's manifest outside of the workspace that it inherits from.
fn standalone(manifest: &str) -> String {
    let mut lines: Vec<String> = vec![];
    for line in manifest.lines() {
        if line == "[lints]" {
            break;
        }
        lines.push(match line.split_once(".workspace = true") {
            Some(("version", "")) => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
            Some(("edition", "")) => "edition = \"2024\"".into(),
            Some(("rust-version", "")) => format!("rust-version = {:?}", env!("CARGO_PKG_RUST_VERSION")),
            Some(("license", "")) => format!("license = {:?}", env!("CARGO_PKG_LICENSE")),
            Some(("repository", "")) => format!("repository = {:?}", env!("CARGO_PKG_REPOSITORY")),
            _ => line.to_owned(),
        });
    }
    lines.join("\n")
}

fn write(file: &Path, content: &str) -> Result<(), PackError> {
    let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(file, content)).map_err(at(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_stands_without_its_workspace() {
        let manifest = "[package]\nname = \"x\"\nversion.workspace = true\nedition.workspace = true\n\n[dependencies]\n\
                        a = \"1\"\n\n[lints]\nworkspace = true\n";
        let alone = standalone(manifest);
        assert!(!alone.contains("workspace") && alone.contains("a = \"1\""), "{alone}");
        let (_, files) = Language::Rust.vendored();
        let (_, manifest) = files.iter().find(|(name, _)| name == "Cargo.toml").expect("the SDK's manifest");
        assert!(!manifest.contains("workspace") && manifest.contains("wit-bindgen"), "{manifest}");
        assert!(files.iter().any(|(name, _)| name == "wit/karpcheck.wit"));
    }

    #[test]
    fn a_project_is_called_as_its_user_wants() {
        assert_eq!(renamed("name = \"platform\"\n", "acme"), "name = \"acme\"\n");
        assert_eq!(renamed("pack({ name: 'platform' })", "acme"), "pack({ name: 'acme' })");
        assert_eq!(renamed("# platform\n--set platform/x.y", "acme"), "# acme\n--set acme/x.y");
        assert_eq!(renamed("the platform team's", "acme"), "the platform team's");
    }
}
