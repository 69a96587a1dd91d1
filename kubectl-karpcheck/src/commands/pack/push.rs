//! `kubectl karpcheck pack push`: a pack to an OCI registry.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::commands::pack::{PackError, at};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::pack_source::reference;
use crate::commands::shared::rule_selection;
use crate::commands::shared::streams::Streams;
use crate::engine;
use crate::formats::oci_reference::{Reference, SCHEME};
use crate::sources::registry;
use crate::sources::registry::Interfaces;

/// Push a pack to an OCI registry, where --pack and the configuration find it.
///
/// Credentials are those of docker: `docker login`, a credential helper, or podman's. What a run would refuse is not pushed. The
/// reference with its digest goes to stdout: it names this pack for good, a tag can be moved.
#[derive(Args, Clone, Debug)]
pub struct PushArgs {
    /// The component, as `pack build` makes it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where to: ghcr.io/acme/rules:1.2
    #[arg(value_name = "REGISTRY/NAME:TAG", value_parser = reference)]
    pub reference: Reference,
}

/// Pushes a pack.
///
/// # Errors
/// It is none, or the registry does not take it.
pub fn run(args: &PushArgs, streams: &mut Streams<'_>) -> Result<(), CommandError> {
    let PushArgs { file, reference } = args;
    if reference.tag.is_none() || reference.digest.is_some() {
        return Err(CommandError::Usage("a pack is pushed under a tag: REGISTRY/NAME:TAG".into()));
    }
    let engine = rule_selection::sandbox()?;
    let pack = engine.load(file, None).map_err(|error| CommandError::PackRefused(error.to_string()))?;
    let component = fs::read(file).map_err(at(file))?;
    let digest = registry::digest(&component);
    if digest != pack.digest() {
        return Err(CommandError::PackRefused(format!("{} was written to while it was read", file.display())));
    }
    let (imports, exports) = engine::interface_names(&component);
    let pushed = registry::push(reference, &component, &Interfaces { imports, exports });
    let manifest =
        pushed.map_err(|error| PackError::NotPushed { reference: reference.to_string(), why: error.to_string() })?;
    let (name, version) = (pack.name(), pack.version());
    writeln!(streams.err, "{name} {version}, {digest}: pushed to {reference}")?;
    let Reference { registry, repository, .. } = reference;
    writeln!(streams.out, "{SCHEME}{registry}/{repository}@{manifest}")?;
    Ok(())
}
