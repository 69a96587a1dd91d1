//! Compiles the built-in pack ahead of time, for the target's baseline processor.
//!
//! Pipelines always start cold: what is compiled here needs no compiling there. Where the target is another architecture
//! than the machine that builds, the component is embedded as it is and compiled when it is first used.

#[cfg(feature = "engine")]
#[path = "src/engine/config.rs"]
mod config;
#[path = "src/commands/pack/made.rs"]
mod made;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Result;
use sha2::{Digest, Sha256};

const ASSET: &str = "assets/builtin.wasm";

fn main() -> Result<()> {
    for path in ["build.rs", "src/engine/config.rs", "src/commands/pack/made.rs", "assets"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let component = if Path::new(ASSET).exists() { fs::read(ASSET)? } else { vec![] };
    let code = compile(&component)?;
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    fs::write(out.join("embedded.rs"), embedded()?)?;
    // Empty where there is none.
    fs::write(out.join("builtin.cwasm"), code.as_deref().unwrap_or_default())?;
    fs::write(out.join("builtin.wasm"), if code.is_some() { &[] } else { component.as_slice() })?;
    let digest = Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    println!("cargo::rustc-env=KARPCHECK_BUILTIN_DIGEST={digest}");
    Ok(())
}

/// What `pack new` makes projects of: the SDK, the contract and the examples, as lists of names and contents. Empty where the
/// crate is built without the repository around it.
fn embedded() -> Result<String> {
    let mut lists = String::new();
    for (name, folder) in [
        ("SDK", "../rules-wasm/sdk"),
        ("WIT", "../wit"),
        ("RUST", "../rules-wasm/examples/rust"),
        ("JAVASCRIPT", "../rules-wasm/examples/javascript"),
        ("PYTHON", "../rules-wasm/examples/python"),
    ] {
        println!("cargo::rerun-if-changed={folder}");
        let folder = Path::new(folder);
        let mut files = vec![];
        if folder.is_dir() {
            walk(&folder.canonicalize()?, "", &mut files)?;
        }
        files.sort();
        writeln!(lists, "pub(super) static {name}: &[(&str, &str)] = &[")?;
        for (file, path) in files {
            writeln!(lists, "    ({file:?}, include_str!({:?})),", path.display().to_string())?;
        }
        writeln!(lists, "];")?;
    }
    Ok(lists)
}

/// The files of a project below a folder, without what is built or fetched there.
fn walk(folder: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let own = path.file_name().and_then(|own| own.to_str()).unwrap_or_default().to_owned();
        if made::is_made(&own) {
            continue;
        }
        let name = if name.is_empty() { own } else { format!("{name}/{own}") };
        if path.is_dir() {
            walk(&path, &name, files)?;
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}

/// The machine code; none where this machine's compiler does not know the target.
#[cfg(feature = "engine")]
fn compile(component: &[u8]) -> Result<Option<Vec<u8>>> {
    if component.is_empty() || env::var("CARGO_CFG_TARGET_ARCH")? != env::consts::ARCH {
        return Ok(None);
    }
    let mut config = config::config(env::var("CARGO_CFG_TARGET_OS")? == "windows");
    // wasmtime has an error type of its own, which is no `std::error::Error`.
    let precompiled = config
        .target(&env::var("TARGET")?)
        .map(|_| ())
        .and_then(|()| wasmtime::Engine::new(&config)?.precompile_component(component));
    Ok(Some(precompiled.map_err(|error| anyhow::anyhow!("{error:?}"))?))
}

/// Nothing runs it.
#[cfg(not(feature = "engine"))]
fn compile(_: &[u8]) -> Result<Option<Vec<u8>>> {
    Ok(None)
}
