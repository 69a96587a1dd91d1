//! `kubectl karpcheck collect`: a script that asks AWS what the chosen rules read, for somebody who has the rights.

use crate::cli::CollectArgs;
use crate::commands::shared::{gathering, rule_selection};
use crate::commands::{CommandError, Streams};
use crate::exit::Exit;
use crate::sources;

/// Gathers what the flags name, and prints the script that asks AWS about it.
pub fn run(args: &CollectArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.chosen.pack)?;
    let selected = packs.select(&args.chosen)?;
    let plan = rule_selection::plan(&selected);
    let read = gathering::read(&args.sources, &plan, &packs.problems, streams)?;
    let cluster = (!args.sources.offline).then_some(&args.sources.cluster);
    let script = sources::aws_cli::script(&args.login, cluster, &plan, &read.builder);
    streams.out.write_all(script.as_bytes())?;
    gathering::told(read.builder, streams)
}
