//! `kubectl karpcheck collect`: a script that asks AWS what the chosen rules read, for somebody who has the rights.

use crate::cli::CollectArgs;
use crate::commands::{CommandError, Streams, chosen, sources};
use crate::exit::Exit;
use crate::gather;

/// Gathers what the flags name, and prints the script that asks AWS about it.
pub fn run(args: &CollectArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = chosen::load(&args.chosen.pack)?;
    let selected = packs.select(&args.chosen)?;
    let plan = chosen::plan(&selected);
    let read = sources::read(&args.sources, &plan, &packs.problems, streams)?;
    let cluster = (!args.sources.offline).then_some(&args.sources.cluster);
    let script = gather::aws::script(&args.login, cluster, &plan, &read.builder);
    streams.out.write_all(script.as_bytes())?;
    sources::told(read.builder, streams)
}
