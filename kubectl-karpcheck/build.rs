//! Compiles the built-in pack ahead of time, for the target's baseline processor.
//!
//! Pipelines always start cold: what is compiled here needs no compiling there. Where the target is another architecture
//! than the machine that builds, the component is embedded as it is and compiled when it is first used.

#[cfg(feature = "engine")]
#[path = "src/engine/config.rs"]
mod config;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use sha2::{Digest, Sha256};

const ASSET: &str = "assets/builtin.wasm";

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "src/engine/config.rs", "assets"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let component = if Path::new(ASSET).exists() { fs::read(ASSET)? } else { vec![] };
    let code = compile(&component)?;
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    // Empty where there is none.
    fs::write(out.join("builtin.cwasm"), code.as_deref().unwrap_or_default())?;
    fs::write(out.join("builtin.wasm"), if code.is_some() { &[] } else { component.as_slice() })?;
    let digest = Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    println!("cargo::rustc-env=KARPCHECK_BUILTIN_DIGEST={digest}");
    Ok(())
}

/// The machine code; none where this machine's compiler does not know the target.
#[cfg(feature = "engine")]
fn compile(component: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    if component.is_empty() || env::var("CARGO_CFG_TARGET_ARCH")? != env::consts::ARCH {
        return Ok(None);
    }
    let mut config = config::config();
    config.target(&env::var("TARGET")?)?;
    Ok(Some(wasmtime::Engine::new(&config)?.precompile_component(component)?))
}

/// Nothing runs it.
#[cfg(not(feature = "engine"))]
fn compile(_: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    Ok(None)
}
