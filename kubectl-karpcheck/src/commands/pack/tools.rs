//! Building packs in JavaScript and Python, by the tools of these languages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use crate::commands::pack::project::{self, Language};
use crate::commands::pack::{PackError, at};
use crate::formats::hex::hex;

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
        if !folder.join(&self.entry).is_file() {
            let why = format!("its main is {}, which is not there", self.entry.display());
            return Err(PackError::NoManifest { file: folder.join("package.json"), why });
        }
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
        let checking = folder.join(CHECKING);
        let made = checking.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&checking, self.checking_entry())).map_err(at(&checking))?;
        command.args(["--wit", "wit", "--world", WORLD, "--stub-wasi", "--sync", "--opt-size", "--module-root", "."]);
        command.arg("--js").arg(CHECKING).arg("--output").arg(output);
        run(command, folder, "componentize-qjs", &self.name)
    }

    /// What is compiled in place of the project's entry: the same, after a look at what that exports. componentize-qjs runs it
    /// while it builds, so that what is missing ends the build in words, and not the pack's first run as "unreachable".
    fn checking_entry(&self) -> String {
        let entry = self.entry.to_string_lossy().replace('\\', "/");
        let [from, name] = [format!("../../../{entry}"), entry].map(|text| serde_json::Value::from(text).to_string());
        format!(
            "import * as exported from {from};\n\
             const {{ rules }} = exported;\n\
             if (typeof rules?.describe !== 'function' || typeof rules?.check !== 'function') {{\n  \
               const names = Object.keys(exported).join(', ') || 'nothing';\n  \
               const lacks = rules ? 'no rules with describe and check' : `no rules, but ${{names}}`;\n  \
               const wanted = \"export const rules = pack({{ name: …, version: …, rules: […] }})\";\n  \
               throw new TypeError(`${{{name}}} exports ${{lacks}}: it needs ${{wanted}}`);\n\
             }}\n\
             export {{ rules }};\n"
        )
    }
}

/// Where the entry is that a JavaScript project is built from.
const CHECKING: &str = "node_modules/.cache/karpcheck/entry.js";

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
        let mut environments =
            std::env::var_os("VIRTUAL_ENV").map(PathBuf::from).into_iter().chain([folder.join(".venv")]);
        let environment = environments.find(|environment| environment.join(scripts).join(&tool).is_file());
        let found = match &environment {
            Some(environment) => Some(environment.join(scripts).join(&tool)),
            None => in_path("componentize-py"),
        };
        let mut command = Command::new(found.ok_or(PackError::NoTool {
            tool: "componentize-py",
            install: "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1",
        })?);
        // It looks there for what the rules import.
        if let Some(environment) = environment.and_then(|environment| fs::canonicalize(environment).ok()) {
            command.env("VIRTUAL_ENV", environment);
        }
        command.args(["-d", "wit", "-w", WORLD, "componentize", "pack", "--stub-wasi", "-p", ".", "-o"]).arg(output);
        run(command, folder, "componentize-py", &self.name)
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
fn run(mut command: Command, folder: &Path, tool: &str, package: &str) -> Result<(), PackError> {
    let program = command.get_program().to_owned();
    // Where the tool itself stood when it failed helps nobody; what it failed of is said without that.
    command.envs([("RUST_BACKTRACE", "0"), ("RUST_LIB_BACKTRACE", "0")]);
    let output = command.current_dir(folder).stdin(Stdio::null()).output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound if program == "node" => {
            PackError::NoProgram { program: "node", site: "https://nodejs.org" }
        }
        _ => PackError::Io { path: PathBuf::from(&program), source },
    })?;
    if output.status.success() {
        return Ok(());
    }
    // The reason first: what is on standard output says how far it came.
    let said = [output.stderr, output.stdout].map(|said| String::from_utf8_lossy(&said).trim().to_owned()).join("\n");
    let said = said.trim().to_owned();
    Err(PackError::Tool { tool: tool.to_owned(), package: package.to_owned(), said })
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
    #[cfg(unix)]
    fn the_environment_of_the_tool_is_the_one_that_rules_import_from() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let tool = folder.path().join(".venv/bin/componentize-py");
        fs::create_dir_all(tool.parent().expect("a parent")).expect("a folder");
        fs::write(&tool, "#!/bin/sh\nfor out; do :; done\nprintf %s \"$VIRTUAL_ENV\" > \"$out\"\n").expect("a file");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("a program");
        let output = folder.path().join("out");
        Python { name: "p".into() }.build(folder.path(), &output).expect("built");
        let environment = fs::canonicalize(folder.path().join(".venv")).expect("an environment");
        assert_eq!(fs::read_to_string(output).expect("written"), environment.to_str().expect("a path"));
    }

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
