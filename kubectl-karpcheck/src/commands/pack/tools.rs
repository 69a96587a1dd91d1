//! Building packs in JavaScript and Python, by the tools of these languages.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use crate::commands::pack::project::{self, Language};
use crate::commands::pack::sources::hex;
use crate::commands::pack::{PackError, at};

/// The world of the contract.
const WORLD: &str = "pack";

/// A project that a tool of its language builds.
pub(super) enum Tool {
    JavaScript(JavaScript),
    Python(Python),
}

impl Tool {
    /// The project's name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::JavaScript(project) => &project.name,
            Self::Python(project) => &project.name,
        }
    }

    /// What it is built by.
    pub(super) const fn program(&self) -> &'static str {
        match self {
            Self::JavaScript(_) => "componentize-qjs",
            Self::Python(_) => "componentize-py",
        }
    }

    /// Builds the component to an absolute path.
    pub(super) fn build(&self, folder: &Path, output: &Path) -> Result<(), PackError> {
        if let Some(parent) = output.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        // Tools run in the project's folder.
        let folder = folder.canonicalize().map_err(at(folder))?;
        match self {
            Self::JavaScript(project) => project.build(&folder, output),
            Self::Python(project) => project.build(&folder, output),
        }
    }
}

/// The name of a JavaScript project, and its entry.
pub(super) struct JavaScript {
    pub(super) name: String,
    entry: PathBuf,
}

#[derive(serde::Deserialize)]
struct Manifest {
    name: String,
    main: Option<PathBuf>,
}

impl JavaScript {
    /// Reads package.json.
    pub(super) fn read(folder: &Path) -> Result<Self, PackError> {
        let file = folder.join("package.json");
        let text = fs::read_to_string(&file).map_err(at(&file))?;
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| PackError::NoManifest { file, why: error.to_string() })?;
        Ok(Self { name: manifest.name, entry: manifest.main.unwrap_or_else(|| "pack.js".into()) })
    }

    /// Builds the component with componentize-qjs: QuickJS, every import of WASI replaced by a trap.
    pub(super) fn build(&self, folder: &Path, output: &Path) -> Result<(), PackError> {
        let script = Path::new("node_modules/componentize-qjs/cli.mjs");
        let found = folder.ancestors().map(|folder| folder.join(script)).find(|script| script.is_file());
        let mut command = match found {
            Some(script) => {
                let mut node = Command::new("node");
                node.arg(script);
                node
            }
            None => Command::new(in_path("componentize-qjs").ok_or(PackError::NoTool {
                tool: "componentize-qjs",
                install: "npm install --save-dev componentize-qjs@0.4.5",
            })?),
        };
        command.args(["--wit", "wit", "--world", WORLD, "--stub-wasi", "--sync", "--opt-size", "--module-root", "."]);
        command.arg("--js").arg(&self.entry).arg("--output").arg(output);
        run(command, folder, &self.name)
    }
}

/// The name of a Python project.
pub(super) struct Python {
    pub(super) name: String,
}

impl Python {
    /// Reads pyproject.toml, as far as it matters: its first `name = "…"`.
    pub(super) fn read(folder: &Path) -> Result<Self, PackError> {
        let file = folder.join("pyproject.toml");
        let text = fs::read_to_string(&file).map_err(at(&file))?;
        let name = text.lines().find_map(|line| {
            let value = line.strip_prefix("name")?.trim_start().strip_prefix('=')?;
            Some(value.trim().trim_matches(['"', '\'']).to_owned())
        });
        name.map(|name| Self { name }).ok_or_else(|| PackError::NoManifest { file, why: "it has no name".into() })
    }

    /// Builds the component with componentize-py, every import of WASI replaced by a trap.
    pub(super) fn build(&self, folder: &Path, output: &Path) -> Result<(), PackError> {
        let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
        let tool = format!("componentize-py{}", std::env::consts::EXE_SUFFIX);
        let environments = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from).into_iter().chain([folder.join(".venv")]);
        let found = environments
            .map(|environment| environment.join(scripts).join(&tool))
            .find(|tool| tool.is_file())
            .or_else(|| in_path("componentize-py"));
        let mut command = Command::new(found.ok_or(PackError::NoTool {
            tool: "componentize-py",
            install: "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1",
        })?);
        command.args(["-d", "wit", "-w", WORLD, "componentize", "pack", "--stub-wasi", "-p", ".", "-o"]).arg(output);
        run(command, folder, &self.name)
    }
}

/// What a component of a JavaScript or Python project is made of, as one digest: the same digest, the same component, but for
/// what its tool draws by lot. None of a crate, or where that cannot be told.
pub(super) fn state(folder: &Path) -> Option<String> {
    let extra: &[&str] = match Language::of(folder).ok()? {
        Language::Rust => return None,
        // npm writes there what it installed.
        Language::JavaScript => &["node_modules/.package-lock.json"],
        Language::Python => &[".venv/pyvenv.cfg"],
    };
    let mut hasher = Sha256::new();
    let mut add = |name: &Path, content: &[u8]| {
        hasher.update(format!("{}\0{}\0", name.display(), content.len()));
        hasher.update(content);
    };
    add(Path::new("karpcheck"), env!("CARGO_PKG_VERSION").as_bytes());
    for file in extra {
        add(Path::new(file), &fs::read(folder.join(file)).unwrap_or_default());
    }
    let contract = project::written(&folder.join("wit"));
    for (file, meta) in project::written(folder).into_iter().chain(contract) {
        let name = file.strip_prefix(folder).ok()?;
        if meta.is_file() && !name.starts_with("fixtures") {
            add(name, &fs::read(&file).ok()?);
        }
    }
    Some(hex(&hasher.finalize()))
}

/// Runs a tool in the project's folder. What it says is only of interest where it fails.
fn run(mut command: Command, folder: &Path, package: &str) -> Result<(), PackError> {
    let tool = command.get_program().to_owned();
    let output = command.current_dir(folder).stdin(Stdio::null()).output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound if tool == "node" => {
            PackError::NoProgram { program: "node", site: "https://nodejs.org" }
        }
        _ => PackError::Io { path: PathBuf::from(&tool), source },
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Err(PackError::Tool { tool: name(&tool), package: package.to_owned(), said })
}

fn name(tool: &OsString) -> String {
    Path::new(tool).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn in_path(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    let names: Vec<String> = endings.iter().map(|ending| format!("{tool}{ending}")).collect();
    std::env::split_paths(&path)
        .find_map(|folder| names.iter().map(|name| folder.join(name)).find(|file| file.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_source_changes_the_state_and_one_of_a_fixture_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |file: &str, text: &str| {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(file, text).expect("a file");
        };
        assert_eq!(state(folder.path()), None);
        write("package.json", "{}");
        write("rules/a.js", "1");
        let mut seen = vec![state(folder.path()).expect("a state")];
        for (file, text, counts) in [
            ("fixtures/a/fail/b.yaml", "1", false),
            ("node_modules/x/y.js", "1", false),
            ("rules/a.js", "2", true),
            ("rules/b.js", "2", true),
            ("wit/karpcheck.wit", "1", true),
            ("node_modules/.package-lock.json", "1", true),
        ] {
            write(file, text);
            let now = state(folder.path()).expect("a state");
            assert_eq!(!seen.contains(&now), counts, "{file}");
            seen.push(now);
        }
        write("Cargo.toml", "");
        assert_eq!(state(folder.path()), None, "cargo knows by itself");
    }

    #[test]
    fn names_are_read_from_the_manifests() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("package.json"), r#"{"name": "acme", "main": "src/pack.js"}"#).expect("a file");
        let project = JavaScript::read(folder.path()).expect("a project");
        assert_eq!((&*project.name, &*project.entry), ("acme", Path::new("src/pack.js")));
        fs::write(folder.path().join("pyproject.toml"), "[project]\nname = \"acme-py\"\n").expect("a file");
        assert_eq!(Python::read(folder.path()).expect("a project").name, "acme-py");
        fs::write(folder.path().join("pyproject.toml"), "[project]\n").expect("a file");
        assert!(matches!(Python::read(folder.path()), Err(PackError::NoManifest { .. })));
    }
}
