//! `kubectl karpcheck pack build`: from a project to a component.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::Args;
use sha2::{Digest as _, Sha256};

use crate::commands::pack::project::Language;
use crate::commands::pack::sources;
use crate::commands::pack::sources::Crate;
use crate::commands::pack::toolchain::Toolchain;
use crate::commands::pack::{PackError, at, component, project, tools};
use crate::commands::shared::files::write_atomically;
use crate::commands::shared::streams::Streams;
use crate::formats::hex::hex;

/// Build a rule pack from its project.
///
/// A crate is compiled for wasm32-unknown-unknown, JavaScript by componentize-qjs, Python by componentize-py; what comes out
/// is proven to ask for nothing but the inventory. The file's name goes to stdout, so that it can be passed on:
/// `--pack "$(kubectl karpcheck pack build)"`. The project's own build scripts run as you.
#[derive(Args, Clone, Debug)]
pub struct BuildArgs {
    /// The folder of the pack's project.
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub crate_dir: PathBuf,
    /// Where to write the component [default: the project's name with .wasm, in the current folder].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The cargo profile of a crate; `pack` (small code) need not be defined.
    #[arg(long, value_name = "NAME", default_value = "pack")]
    pub profile: String,
    /// Also write down of which sources the component of a crate was made, for a test that proves a committed pack fresh.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

/// The profile `pack` for workspaces that do not define it: the same as in karpcheck's own.
const PROFILE: &[&str] = &[
    "profile.pack.inherits=\"release\"",
    "profile.pack.opt-level=\"s\"",
    "profile.pack.lto=true",
    "profile.pack.codegen-units=1",
    "profile.pack.panic=\"abort\"",
    "profile.pack.strip=true",
    "profile.pack.package.karpcheck-sdk.opt-level=3",
];

/// Builds the pack. The component's path goes to `out`, what was done to `err`; cargo's own words go to stderr.
///
/// # Errors
///
/// Where there is no project, no toolchain, it does not compile, or is no pack.
pub fn run(args: &BuildArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), PackError> {
    let language = Language::of(&args.crate_dir)?;
    if let Some(written) = project::vendor(&args.crate_dir, language)? {
        writeln!(err, "{}: written, as this karpcheck has it", written.display()).map_err(at(Path::new("output")))?;
    }
    let tool = match language {
        Language::Rust => return crate_to_pack(args, out, err),
        Language::JavaScript => tools::Tool::JavaScript(tools::JavaScript::read(&args.crate_dir)?),
        Language::Python => tools::Tool::Python(tools::Python::read(&args.crate_dir)?),
    };
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wasm", tool.name())));
    let made = std::path::absolute(with_ending(&output, "part")).map_err(at(&output))?;
    let built = tool.build(&args.crate_dir, &made).and_then(|()| {
        let component = fs::read(&made).map_err(at(&made))?;
        component::prove(&component, &output)?;
        write(&output, &component)?;
        Ok(component)
    });
    // It is not there where the tool failed early.
    let _ = fs::remove_file(&made);
    let component = built?;
    said(out, err, tool.name(), &component, &output, tool.program())
}

/// Builds a project's component to a folder for what is built, and says so on standard error alone. Returns where it is.
///
/// # Errors
///
/// As [`run`].
pub(super) fn into_target(folder: &Path, streams: &mut Streams<'_>) -> Result<PathBuf, PackError> {
    let file = match Language::of(folder)? {
        Language::Rust => folder.join("target/pack.wasm"),
        Language::JavaScript => folder.join("node_modules/.cache/karpcheck/pack.wasm"),
        Language::Python => folder.join("__pycache__/pack.wasm"),
    };
    let of = tools::state(folder);
    let beside = with_ending(&file, "of");
    // cargo knows by itself; the other tools begin anew each time, for up to two minutes.
    let known = of.as_ref().is_some_and(|of| file.is_file() && fs::read_to_string(&beside).is_ok_and(|was| was == *of));
    if known {
        return Ok(file);
    }
    let args =
        BuildArgs { crate_dir: folder.to_owned(), output: Some(file.clone()), profile: "pack".into(), record: None };
    run(&args, &mut std::io::sink(), streams.err)?;
    // What changed while it was built is built again.
    match of.filter(|of| tools::state(folder).as_ref() == Some(of)) {
        Some(of) => fs::write(&beside, of).map_err(at(&beside))?,
        None => drop(fs::remove_file(&beside)),
    }
    Ok(file)
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    file.with_file_name(name)
}

fn said(
    out: &mut dyn Write,
    err: &mut dyn Write,
    name: &str,
    component: &[u8],
    output: &Path,
    by: &str,
) -> Result<(), PackError> {
    let (size, digest) = (component.len().div_ceil(1024), hex(&Sha256::digest(component)));
    let written = writeln!(err, "{name}: {size} KB, sha256:{digest}, made by {by}");
    written.and_then(|()| writeln!(out, "{}", output.display())).map_err(at(Path::new("output")))
}

fn crate_to_pack(args: &BuildArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), PackError> {
    let of = Crate::read(&args.crate_dir)?;
    if !of.cdylib {
        return Err(PackError::NoCdylib { package: of.package });
    }
    let toolchain = Toolchain::find(&args.crate_dir)?;
    let module = compile(args, &of, &toolchain)?;
    let component = component::wrap(&fs::read(&module).map_err(at(&module))?, &module)?;

    let output = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wasm", of.package)));
    write(&output, &component)?;
    let digest = hex(&Sha256::digest(&component));
    if let Some(record) = &args.record {
        let text = format!(
            "# Written by `kubectl karpcheck pack build`. When branches conflict here, build again: see CONTRIBUTING.md.\n\
             component = \"sha256:{digest}\"\nsources = \"sha256:{}\"\ncompiler = \"{}\"\n",
            sources::digest(&of)?,
            toolchain.version,
        );
        write(record, text.as_bytes())?;
    }
    said(out, err, &of.package, &component, &output, &toolchain.version)
}

/// Has cargo compile the crate, and finds the module among what it made.
fn compile(args: &BuildArgs, of: &Crate, toolchain: &Toolchain) -> Result<PathBuf, PackError> {
    let target_dir = of.target.join("pack");
    let roots = [
        (home("CARGO_HOME", ".cargo").join("registry/src"), "/registry"),
        (home("CARGO_HOME", ".cargo").join("git/checkouts"), "/git"),
        (of.workspace.clone(), "/pack"),
        // The list of rules is generated there. Where several match, rustc takes the last.
        (target_dir.clone(), "/pack/target"),
    ];
    let mut command = toolchain.build(&target_dir, &roots);
    command.arg("--profile").arg(&args.profile).arg("--package").arg(&of.package).arg("--lib");
    command.arg("--message-format=json-render-diagnostics").current_dir(&of.workspace);
    if args.profile == "pack" && !defines_profile(&of.workspace) {
        for setting in PROFILE {
            command.arg("--config").arg(setting);
        }
    }
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| PackError::Io { path: command.get_program().into(), source })?;
    if !output.status.success() {
        return Err(PackError::Cargo { package: of.package.clone() });
    }
    let made = String::from_utf8_lossy(&output.stdout);
    let module = made.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok()).rev().find_map(|message| {
        let cdylib = message.target.is_some_and(|target| target.kind.iter().any(|kind| kind == "cdylib"));
        message.filenames.into_iter().find(|file| cdylib && file.extension().is_some_and(|end| end == "wasm"))
    });
    module.ok_or_else(|| PackError::NoCdylib { package: of.package.clone() })
}

/// A line of cargo's `--message-format=json`, as far as it matters.
#[derive(serde::Deserialize)]
struct Message {
    #[serde(default)]
    target: Option<MessageTarget>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(serde::Deserialize)]
struct MessageTarget {
    #[serde(default)]
    kind: Vec<String>,
}

fn defines_profile(workspace: &Path) -> bool {
    fs::read_to_string(workspace.join("Cargo.toml"))
        .is_ok_and(|manifest| manifest.lines().any(|line| line.trim() == "[profile.pack]"))
}

fn home(variable: &str, folder: &str) -> PathBuf {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(folder))
}

/// Writes the file in one step, so that a failed write leaves no broken pack.
fn write(file: &Path, content: &[u8]) -> Result<(), PackError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| write_atomically(file, content));
    written.map_err(|source| PackError::Io { path: file.to_owned(), source })
}
