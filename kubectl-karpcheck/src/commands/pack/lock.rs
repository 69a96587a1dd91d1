//! `kubectl karpcheck pack lock`: which manifest each pack of the configuration is, and what it may read.

use std::sync::Arc;

use clap::Args;

use crate::commands::shared::error::CommandError;
use crate::commands::shared::pack_lock::{Lock, Locked, reads};
use crate::commands::shared::pack_source::fetch;
use crate::commands::shared::rule_selection;
use crate::commands::shared::streams::Streams;
use crate::config::Config;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::formats::oci_reference::Reference;

/// Write down which packs the configuration's references are now, and what they read.
///
/// Every run takes them by these digests from then on, without asking the registry for what it has already. A pack that reads more
/// than before stays as it is locked, unless --grant is given. Exits with 3 then. The file is .karpcheck.lock beside the
/// configuration: commit it.
#[derive(Args, Clone, Debug)]
pub struct LockArgs {
    /// Let packs read what they now read beyond what they read before
    #[arg(long)]
    pub grant: bool,
}

/// Writes the lock file.
///
/// # Errors
/// There is nothing to lock, or a pack cannot be had.
pub fn run(args: &LockArgs, config: Option<&Arc<Config>>, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = config.iter().flat_map(|config| &config.settings.packs);
    let references: Vec<&String> = packs.filter_map(|pack| pack.reference.as_ref()).collect();
    let Some(config) = config.filter(|_| !references.is_empty()) else {
        return Err(CommandError::Usage(
            "no configuration names a pack by a `reference`: there is nothing to lock".into(),
        ));
    };
    let file = Lock::file(config);
    let failed = |why: String| CommandError::PackRefused(format!("{}: {why}", file.display()));
    let before = Lock::read(&file).map_err(failed)?;
    let engine = rule_selection::sandbox()?;
    let (mut packs, mut exit) = (vec![], Exit::Clean);
    for written in references {
        let reference = Reference::parse(written).map_err(CommandError::Usage)?;
        let known = before.as_ref().and_then(|before| before.of(&reference));
        let now = now(&engine, &reference)?;
        match known.filter(|known| !args.grant && !now.reads.is_subset(&known.reads)) {
            Some(known) => {
                let more: Vec<&str> = now.reads.difference(&known.reads).map(String::as_str).collect();
                let more = more.join(", ");
                writeln!(
                    streams.err,
                    "error: {reference} now reads {more}, too: it stays as it is locked without --grant"
                )?;
                packs.push(known.clone());
                exit = Exit::NotDone;
            }
            None => {
                let was =
                    known.filter(|known| known.digest != now.digest).map(|known| format!(", was {}", known.digest));
                writeln!(streams.out, "{reference} is {}{}", now.digest, was.unwrap_or_default())?;
                let kinds: Vec<&str> = now.reads.iter().map(String::as_str).collect();
                writeln!(streams.out, "  reads {}", kinds.join(", "))?;
                packs.push(now);
            }
        }
    }
    let lock = Lock::new(packs);
    if before.as_ref() != Some(&lock) {
        lock.write(&file).map_err(|error| CommandError::File { path: file, error })?;
    }
    Ok(exit)
}

/// What a reference is now.
fn now(engine: &Engine, reference: &Reference) -> Result<Locked, CommandError> {
    let refused = |why: String| CommandError::PackRefused(format!("{reference}: {why}"));
    let fetched = fetch(reference, engine.limits().component).map_err(refused)?;
    let pack = engine.load_bytes(&reference.to_string(), &fetched.component, None);
    let pack = pack.map_err(|error| CommandError::PackRefused(error.to_string()))?;
    Ok(Locked { reference: reference.to_string(), digest: fetched.manifest, reads: reads(&pack) })
}
