//! `kubectl karpcheck pack`: what authors of rule packs need.

pub mod build;
mod component;
pub mod dev;
mod fixtures;
pub mod inspect;
#[cfg(feature = "oci")]
pub mod lock;
mod made;
pub mod new;
pub mod project;
#[cfg(feature = "oci")]
pub mod push;
pub mod sources;
pub mod test;
mod toolchain;
mod tools;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;

use crate::commands::shared::error::CommandError;
use crate::commands::shared::streams::Streams;
use crate::config::Config;
use crate::exit::Exit;
use crate::report::CleanWriter;

/// What can be done with packs.
#[derive(Debug, Subcommand)]
pub enum PackCommand {
    /// Create a project for rules of your own
    New(new::NewArgs),
    /// Build a project into a pack that --pack loads
    Build(build::BuildArgs),
    /// Build a pack and run its fixtures
    Test(test::TestArgs),
    /// Build and test a pack again whenever one of its files changes
    Dev(dev::DevArgs),
    /// Show what is in a pack: its rules, what they read and cost, its imports
    Inspect(inspect::InspectArgs),
    /// Push a pack to an OCI registry
    #[cfg(feature = "oci")]
    Push(push::PushArgs),
    /// Write down which packs the configuration's references are, and what they read
    #[cfg(feature = "oci")]
    Lock(lock::LockArgs),
}

/// Runs one of them. `config` is what holds, for those that need it.
///
/// # Errors
///
/// It could not do anything at all.
pub fn run(
    command: &PackCommand,
    config: impl FnOnce() -> Result<Option<Arc<Config>>, CommandError>,
    streams: &mut Streams<'_>,
) -> Result<Exit, CommandError> {
    #[cfg(not(feature = "oci"))]
    drop(config);
    let mut out = CleanWriter::new(&mut *streams.out);
    let streams = &mut Streams {
        out: &mut out,
        err: &mut *streams.err,
        input: &mut *streams.input,
        width: streams.width,
        progress: streams.progress.clone(),
    };
    match command {
        PackCommand::New(args) => new::run(args, streams).map(|()| Exit::Clean),
        PackCommand::Build(args) => {
            build::run(args, streams.out, streams.err)?;
            Ok(Exit::Clean)
        }
        PackCommand::Test(args) => test::run(args, streams),
        PackCommand::Dev(args) => dev::run(args, streams),
        PackCommand::Inspect(args) => inspect::run(args, streams),
        #[cfg(feature = "oci")]
        PackCommand::Push(args) => push::run(args, streams).map(|()| Exit::Clean),
        #[cfg(feature = "oci")]
        PackCommand::Lock(args) => lock::run(args, config()?.as_ref(), streams),
    }
}

/// Why nothing could be done with a pack's project. The cause is the project or the machine, never karpcheck.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The folder holds no project.
    #[error(
        "{} holds no pack: there is no Cargo.toml, package.json or pyproject.toml; `kubectl karpcheck pack new` makes one",
        .folder.display()
    )]
    NoProject {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// The folder for a new project has something in it.
    #[error("{} is there already, and not empty", .folder.display())]
    NotEmpty {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// This binary was built without the repository around it.
    #[error("this karpcheck was built without the examples that projects begin with")]
    NoTemplates,
    /// The manifest of a JavaScript or Python project does not say what it is.
    #[error("{}: {why}", .file.display())]
    NoManifest {
        /// The manifest.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The tool that builds packs of this language is not there.
    #[error("{tool} is not installed: `{install}` installs it")]
    NoTool {
        /// The tool.
        tool: &'static str,
        /// The command that installs it.
        install: &'static str,
    },
    /// The language's own program is not there.
    #[error("{program} is not installed: see {site}")]
    NoProgram {
        /// The program.
        program: &'static str,
        /// Where it comes from.
        site: &'static str,
    },
    /// A tool failed.
    #[error("{tool} could not build {package}: {said}")]
    Tool {
        /// The tool.
        tool: String,
        /// The project's name.
        package: String,
        /// What it said.
        said: String,
    },
    /// A registry did not take it.
    #[error("{reference} was not pushed: {why}")]
    NotPushed {
        /// Where it was to go.
        reference: String,
        /// Why.
        why: String,
    },
    /// There are no fixtures, or none of the chosen name.
    #[error("{}: there are no fixtures; they are files in RULE/pass, RULE/fail and RULE/unknown there", .folder.display())]
    NoFixtures {
        /// Their folder.
        folder: PathBuf,
    },
    /// None of the fixtures has the name that is looked for.
    #[error("none of the {count} fixtures in {} has \"{only}\" in its name; they are called as RULE/fail/CASE.yaml", .folder.display())]
    NoSuchFixture {
        /// Their folder.
        folder: PathBuf,
        /// What is looked for.
        only: String,
        /// How many there are.
        count: usize,
    },
    /// A folder of fixtures that claims nothing.
    #[error("{}: fixtures of a rule are in folders called pass, fail and unknown", .path.display())]
    NoClaim {
        /// The file or folder.
        path: PathBuf,
    },
    /// A fixture of a rule that the pack does not have.
    #[error("{}: the pack has no rule {rule}", .case.display())]
    NoRule {
        /// The rule.
        rule: String,
        /// The fixture.
        case: PathBuf,
    },
    /// A fixture's flags are not understood.
    #[error("{}: {why}", .file.display())]
    Flag {
        /// The file that holds them.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The folder holds no crate that cargo can read.
    #[error("{} is no crate that cargo can read: {why}", .folder.display())]
    NoCrate {
        /// The folder that was named.
        folder: PathBuf,
        /// What cargo said.
        why: String,
    },
    /// The crate does not make a library that can become a component.
    #[error("{package} has no cdylib: add crate-type = [\"cdylib\", \"rlib\"] under [lib] in its Cargo.toml")]
    NoCdylib {
        /// The crate's name.
        package: String,
    },
    /// No toolchain here can compile to WebAssembly.
    #[error(
        "no Rust toolchain here can build for wasm32-unknown-unknown: run `rustup target add wasm32-unknown-unknown`, \
         or install the sources of the standard library to build it from (Debian: apt install rustc-web cargo-web \
         rust-web-src lld; rustup: rustup component add rust-src)"
    )]
    NoToolchain,
    /// The toolchain has everything but a linker.
    #[error("no linker for WebAssembly: rust-lld comes with rustup's toolchains, wasm-ld with `apt install lld`")]
    NoLinker,
    /// cargo said why on stderr.
    #[error("cargo could not build {package}: see above")]
    Cargo {
        /// The crate's name.
        package: String,
    },
    /// The module has no contract in it.
    #[error("{} is no pack ({why}): does src/lib.rs say `karpcheck_sdk::pack!()`?", .file.display())]
    NotAPack {
        /// The module that cargo made.
        file: PathBuf,
        /// What was wrong with it.
        why: String,
    },
    /// A pack may ask for the inventory and nothing else.
    #[error(
        "the pack imports {import}, but a pack may import karpcheck:rules/inventory only: no files, network, clock or \
         randomness"
    )]
    ForeignImport {
        /// What it imports.
        import: String,
    },
    /// `Cargo.lock` does not have the crate.
    #[error("{} does not list {package}: build the crate first", .file.display())]
    NotLocked {
        /// The lock file.
        file: PathBuf,
        /// The crate's name.
        package: String,
    },
    /// A file or a program could not be used.
    #[error("{}: {}", .path.display(), plain(.source))]
    Io {
        /// The file or program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl From<PackError> for CommandError {
    fn from(error: PackError) -> Self {
        Self::Pack(Box::new(error))
    }
}

/// What the system said, in its reader's words.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or program".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8: save it as UTF-8".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// An error about a file or program.
fn at(path: &Path) -> impl FnOnce(io::Error) -> PackError {
    let path = path.to_owned();
    move |source| PackError::Io { path, source }
}
