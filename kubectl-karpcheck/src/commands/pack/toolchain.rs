//! Which cargo, rustc and linker can build for WebAssembly on this machine.
//!
//! Two routes: a toolchain that has the target's standard library (rustup's `target add`), or one that has the library's
//! sources and builds it along (Debian's `rust-web-src`, rustup's `rust-src`).

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::pack::PackError;

pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// A toolchain that can do it.
#[derive(Debug)]
pub(super) struct Toolchain {
    cargo: PathBuf,
    /// Set where it is not cargo's own.
    rustc: Option<PathBuf>,
    /// `rustc 1.96.0 (…)`.
    pub(super) version: String,
    sysroot: PathBuf,
    /// Is the standard library built along?
    builds_std: bool,
    /// Where rustc does not find one by itself.
    linker: Option<PathBuf>,
}

impl Toolchain {
    /// The first that can, as seen from a folder (rustup chooses by folder).
    pub(super) fn find(folder: &Path) -> Result<Self, PackError> {
        let own = env::var_os("CARGO")
            .filter(|cargo| !cargo.is_empty())
            .map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        let candidates =
            [(own, env::var_os("RUSTC").map(PathBuf::from)), ("/usr/bin/cargo".into(), Some("/usr/bin/rustc".into()))];
        let able: Vec<Self> =
            candidates.into_iter().filter_map(|(cargo, rustc)| Self::ask(folder, cargo, rustc)).collect();
        let mut linkers_missing = false;
        // A finished library is taken before one to build, wherever it is.
        for builds_std in [false, true] {
            for toolchain in able.iter().filter(|toolchain| toolchain.has_std(builds_std)) {
                match linker(&toolchain.sysroot) {
                    Some(linker) => {
                        return Ok(Self {
                            cargo: toolchain.cargo.clone(),
                            rustc: toolchain.rustc.clone(),
                            version: toolchain.version.clone(),
                            sysroot: toolchain.sysroot.clone(),
                            builds_std,
                            linker: linker.set(),
                        });
                    }
                    None => linkers_missing = true,
                }
            }
        }
        Err(if linkers_missing { PackError::NoLinker } else { PackError::NoToolchain })
    }

    fn ask(folder: &Path, cargo: PathBuf, rustc: Option<PathBuf>) -> Option<Self> {
        let program = rustc.clone().unwrap_or_else(|| "rustc".into());
        let ask = |arguments: &[&str]| {
            let output = Command::new(&program).args(arguments).current_dir(folder).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?);
        let version = ask(&["--version"])?;
        Some(Self { cargo, rustc, version, sysroot, builds_std: false, linker: None })
    }

    /// Does it have the target's library, or (`sources`) the sources to build it from?
    fn has_std(&self, sources: bool) -> bool {
        let library = self.sysroot.join("lib/rustlib");
        if sources {
            return library.join("src/rust/library/std").is_dir();
        }
        let Ok(mut files) = library.join(TARGET).join("lib").read_dir() else { return false };
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    }

    /// `cargo rustc` for the target, in a folder of its own. `roots` are folders whose names must not end up in the pack,
    /// each with the name to put in its place. Of the crate's types only the pack is made: together with an `rlib`, which its
    /// tests want, cargo leaves out the profile's `lto`, and then nothing of the standard library is put in line.
    pub(super) fn build(&self, target_dir: &Path, roots: &[(PathBuf, &str)]) -> Command {
        let mut command = Command::new(&self.cargo);
        command
            .args(["rustc", "--crate-type", "cdylib"])
            .arg("--target")
            .arg(TARGET)
            .arg("--target-dir")
            .arg(target_dir);
        if let Some(rustc) = &self.rustc {
            command.env("RUSTC", rustc);
        }
        if self.builds_std {
            command.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
        }
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        // The flags of the machine's configuration are for its own processor.
        command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", self.flags(roots));
        command
    }

    /// Flags that take the names of this machine's folders out of the pack.
    fn flags(&self, roots: &[(PathBuf, &str)]) -> OsString {
        let sources = self.sysroot.join("lib/rustlib/src/rust");
        let real = sources.canonicalize().unwrap_or_else(|_| sources.clone());
        let mut flags = OsString::new();
        let known = roots.iter().map(|(folder, name)| (folder.as_path(), *name));
        for (folder, name) in known.chain([(sources.as_path(), "/rustc"), (real.as_path(), "/rustc")]) {
            if !flags.is_empty() {
                flags.push("\u{1f}");
            }
            flags.push("--remap-path-prefix=");
            flags.push(folder);
            flags.push("=");
            flags.push(name);
        }
        // What the compiler says names files as they are: an author wants to open them.
        flags.push("\u{1f}--remap-path-scope=object");
        flags
    }
}

/// A linker, and whether rustc has to be given it.
enum Linker {
    Found,
    At(PathBuf),
}

impl Linker {
    fn set(self) -> Option<PathBuf> {
        match self {
            Self::Found => None,
            Self::At(path) => Some(path),
        }
    }
}

/// rustc looks into its own sysroot and the search path; beyond these, another toolchain's linker will do.
fn linker(sysroot: &Path) -> Option<Linker> {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = |name: &str| env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    let rust_lld = format!("rust-lld{}", env::consts::EXE_SUFFIX);
    if in_toolchain(sysroot, &rust_lld).is_some() || in_path(&rust_lld).is_some() {
        return Some(Linker::Found);
    }
    if let Some(file) = in_path(&format!("wasm-ld{}", env::consts::EXE_SUFFIX)) {
        return Some(Linker::At(file));
    }
    let home = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".rustup")))?;
    let mut toolchains: Vec<PathBuf> =
        home.join("toolchains").read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    toolchains.sort();
    toolchains.iter().rev().find_map(|toolchain| in_toolchain(toolchain, &rust_lld)).map(Linker::At)
}

fn in_toolchain(sysroot: &Path, name: &str) -> Option<PathBuf> {
    let targets = sysroot.join("lib/rustlib").read_dir().ok()?;
    targets.filter_map(|target| Some(target.ok()?.path().join("bin").join(name))).find(|file| file.is_file())
}
