//! `kubectl karpcheck pack`: what authors of rule packs need.

pub mod build;
mod component;
pub mod sources;
mod toolchain;

use std::io;
use std::path::{Path, PathBuf};

use clap::Subcommand;

/// What can be done with packs.
#[derive(Debug, Subcommand)]
pub enum PackCommand {
    /// Build a crate to a pack that --pack loads
    Build(build::BuildArgs),
}

/// Why a pack could not be built. The cause is the crate or the machine, never karpcheck.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
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
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An error about a file or program.
fn at(path: &Path) -> impl FnOnce(io::Error) -> PackError {
    let path = path.to_owned();
    move |source| PackError::Io { path, source }
}
