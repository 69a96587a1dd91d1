//! One digest over all sources of a pack, which proves a committed pack fresh without building it.
//!
//! It covers the crate and the local crates that it depends on (`Cargo.toml`, `build.rs`, `src`, `wit`), the versions of
//! all other crates that it depends on, and the profile. A dependency that the pack does not reach changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::commands::pack::{PackError, at};
use crate::formats::hex::hex;

/// A crate, its workspace and its neighbours there, as cargo sees them.
#[derive(Clone, Debug)]
pub struct Crate {
    /// The crate's name.
    pub package: String,
    /// The folder of the workspace.
    pub workspace: PathBuf,
    /// The folder that cargo builds into.
    pub target: PathBuf,
    /// The folders of the workspace's crates, by name.
    pub members: BTreeMap<String, PathBuf>,
    /// Does it make a cdylib?
    pub cdylib: bool,
}

impl Crate {
    /// Asks cargo about the crate in a folder. Needs no network.
    ///
    /// # Errors
    ///
    /// Where cargo cannot be run, or the folder is no crate.
    pub fn read(folder: &Path) -> Result<Self, PackError> {
        let no_crate = |why: &str| PackError::NoCrate { folder: folder.to_owned(), why: why.trim().to_owned() };
        let root = folder.canonicalize().map_err(|error| no_crate(&error.to_string()))?;
        let manifest = root.join("Cargo.toml");
        let cargo = std::env::var_os("CARGO").filter(|cargo| !cargo.is_empty()).unwrap_or_else(|| "cargo".into());
        let output = Command::new(&cargo)
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(&manifest)
            .current_dir(&root)
            .output()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => PackError::NoProgram { program: "cargo", site: "https://rustup.rs" },
                _ => at(Path::new(&cargo))(error),
            })?;
        if !output.status.success() {
            return Err(no_crate(&causes(&String::from_utf8_lossy(&output.stderr))));
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).map_err(|error| no_crate(&error.to_string()))?;
        let own = |package: &&Package| package.manifest_path.canonicalize().is_ok_and(|path| path == manifest);
        let Some(package) = metadata.packages.iter().find(own) else {
            return Err(no_crate("it is a workspace; name the folder of the pack's crate"));
        };
        Ok(Self {
            package: package.name.clone(),
            cdylib: package.targets.iter().any(|target| target.crate_types.iter().any(|kind| kind == "cdylib")),
            members: metadata
                .packages
                .iter()
                .filter_map(|package| Some((package.name.clone(), package.manifest_path.parent()?.to_owned())))
                .collect(),
            workspace: metadata.workspace_root,
            target: metadata.target_directory,
        })
    }
}

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(serde::Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// What cargo says of an error with all its causes, in one line: the first alone says only which file could not be read.
fn causes(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "Caused by:");
    let causes: Vec<&str> = lines.map(|line| line.strip_prefix("error: ").unwrap_or(line)).collect();
    if causes.is_empty() { "cargo metadata failed".to_owned() } else { causes.join(": ") }
}

/// The digest over everything that a crate's pack is made of: 64 hexadecimal digits.
///
/// # Errors
///
/// Where a file cannot be read, or `Cargo.lock` does not have the crate.
pub fn digest(of: &Crate) -> Result<String, PackError> {
    let lock_file = of.workspace.join("Cargo.lock");
    let lock = Lock::parse(&read(&lock_file)?);
    let reached = lock.reached(&of.package);
    if reached.is_empty() {
        return Err(PackError::NotLocked { file: lock_file, package: of.package.clone() });
    }
    let mut hasher = Sha256::new();
    let mut add = |name: &str, content: &str| {
        // A checkout may have other line ends.
        let content = content.replace("\r\n", "\n");
        hasher.update(format!("{name} {}\n", content.len()));
        hasher.update(content);
    };
    add("profile", &profiles(&read(&of.workspace.join("Cargo.toml"))?));
    for locked in reached {
        match of.members.get(&locked.name).filter(|_| locked.source.is_empty()) {
            None => add("crate", &format!("{} {} {} {}", locked.name, locked.version, locked.source, locked.checksum)),
            Some(folder) => {
                for file in files(folder)? {
                    let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().replace('\\', "/");
                    add(&format!("{}/{name}", locked.name), &read(&file)?);
                }
            }
        }
    }
    Ok(hex(&hasher.finalize()))
}

fn read(file: &Path) -> Result<String, PackError> {
    fs::read_to_string(file).map_err(at(file))
}

/// The sections of a manifest that say how packs are compiled.
fn profiles(manifest: &str) -> String {
    let mut inside = false;
    let lines = manifest.lines().map(str::trim).filter(|line| {
        if line.starts_with('[') {
            inside = line.starts_with("[profile.pack") || line.starts_with("[profile.release]");
        }
        inside && !line.is_empty() && !line.starts_with('#')
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The files of a local crate that its pack is made of, in a fixed order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, PackError> {
    let mut files: Vec<PathBuf> =
        ["Cargo.toml", "build.rs"].iter().map(|name| folder.join(name)).filter(|file| file.is_file()).collect();
    let mut folders: Vec<PathBuf> =
        ["src", "wit"].iter().map(|name| folder.join(name)).filter(|folder| folder.is_dir()).collect();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().map_err(at(&folder))? {
            let path = entry.map_err(at(&folder))?.path();
            let wanted = path
                .extension()
                .is_some_and(|extension| ["rs", "wit", "tsv"].iter().any(|wanted| extension == *wanted));
            if path.is_dir() {
                folders.push(path);
            } else if wanted {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// As much of `Cargo.lock` as it takes to follow dependencies.
struct Lock {
    packages: Vec<Locked>,
}

#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Locked {
    name: String,
    version: String,
    source: String,
    checksum: String,
    /// `name`, `name version` or `name version (source)`.
    dependencies: Vec<String>,
}

impl Lock {
    fn parse(text: &str) -> Self {
        let mut packages: Vec<Locked> = vec![];
        for line in text.lines().map(str::trim) {
            if line == "[[package]]" {
                packages.push(Locked::default());
                continue;
            }
            let Some(package) = packages.last_mut() else { continue };
            match line.split_once(" = ") {
                Some((field, value)) => {
                    let value = value.trim_matches('"').to_owned();
                    match field {
                        "name" => package.name = value,
                        "version" => package.version = value,
                        "source" => package.source = value,
                        "checksum" => package.checksum = value,
                        _ => {}
                    }
                }
                None if line.starts_with('"') => {
                    package.dependencies.push(line.trim_matches([',', '"']).to_owned());
                }
                None => {}
            }
        }
        Self { packages }
    }

    /// A local crate and all that it depends on, in a fixed order.
    fn reached(&self, name: &str) -> BTreeSet<&Locked> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&Locked> =
            self.packages.iter().filter(|package| package.name == name && package.source.is_empty()).collect();
        while let Some(package) = open.pop() {
            if reached.insert(package) {
                open.extend(package.dependencies.iter().flat_map(|dependency| self.named(dependency)));
            }
        }
        reached
    }

    fn named(&self, dependency: &str) -> impl Iterator<Item = &Locked> {
        let mut words = dependency.split(' ');
        let (name, version) = (words.next().unwrap_or_default().to_owned(), words.next().map(str::to_owned));
        self.packages.iter().filter(move |package| {
            package.name == name && version.as_ref().is_none_or(|version| *version == package.version)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "pack"
version = "0.1.0"
dependencies = [
 "a 1.0.0",
 "sdk",
]

[[package]]
name = "sdk"
version = "0.1.0"

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://example.com/index"
checksum = "11"

[[package]]
name = "a"
version = "2.0.0"
source = "registry+https://example.com/index"
checksum = "22"
"#;

    #[test]
    fn all_causes_of_an_error_are_said() {
        let said = "error: failed to parse manifest at `/x/Cargo.toml`\n\nCaused by:\n  error inheriting `edition`\n\n\
                    Caused by:\n  failed to find a workspace root\n";
        assert_eq!(
            causes(said),
            "failed to parse manifest at `/x/Cargo.toml`: error inheriting `edition`: failed to find a workspace root"
        );
        assert_eq!(causes(""), "cargo metadata failed");
    }

    #[test]
    fn only_what_the_pack_depends_on_counts() {
        let lock = Lock::parse(LOCK);
        let reached: Vec<String> =
            lock.reached("pack").iter().map(|locked| format!("{} {}", locked.name, locked.version)).collect();
        assert_eq!(reached, ["a 1.0.0", "pack 0.1.0", "sdk 0.1.0"]);
        assert!(lock.reached("other").is_empty());
    }

    #[test]
    fn only_the_profiles_of_packs_count() {
        let manifest = "[workspace]\nmembers = []\n[profile.dev]\nx = 1\n# why\n[profile.pack]\nopt-level = \"s\"\n\n\
                        [profile.pack.build-override]\ny = 2\n[profile.release.build-override]\nz = 3\n";
        assert_eq!(profiles(manifest), "[profile.pack]\nopt-level = \"s\"\n[profile.pack.build-override]\ny = 2");
    }

    #[test]
    fn a_changed_source_changes_the_digest_and_its_line_ends_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir(root.join("src")).expect("a folder");
        fs::write(root.join("Cargo.toml"), "[package]\n").expect("a file");
        fs::write(root.join("Cargo.lock"), "[[package]]\nname = \"pack\"\nversion = \"0.1.0\"\n").expect("a file");
        let of = Crate {
            package: "pack".into(),
            workspace: root.to_owned(),
            target: root.join("target"),
            members: BTreeMap::from([("pack".to_owned(), root.to_owned())]),
            cdylib: true,
        };
        let mut digests = vec![];
        for source in ["a\n", "a\r\n", "b\n"] {
            fs::write(root.join("src/lib.rs"), source).expect("a file");
            digests.push(digest(&of).expect("a digest"));
        }
        assert_eq!(digests[0], digests[1]);
        assert_ne!(digests[0], digests[2]);
    }
}
