//! `kubectl karpcheck collect`: a script that asks AWS what the chosen rules read, for someone who has the rights.

use clap::Args;

use crate::commands::shared::args::{LoginArgs, SourceArgs};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::streams::Streams;
use crate::commands::shared::{gathering, rule_selection};
use crate::exit::Exit;
use crate::sources;

/// The flags of `collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Which rules are chosen.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// As whom AWS is asked.
    #[command(flatten)]
    pub login: LoginArgs,
}

/// Gathers what the flags name, and prints the script that asks AWS about it.
pub fn run(args: &CollectArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.chosen.pack, args.sources.config.as_ref())?;
    let selected = packs.select(&args.chosen)?;
    let gather_scope = rule_selection::gather_scope(&selected);
    let read = gathering::read(&args.sources, &gather_scope, &packs.problems, streams)?;
    let profiles = args.login.profiles(args.sources.config.as_deref());
    let script = sources::aws::script(&profiles, &gather_scope, &read.builder);
    streams.out.write_all(script.as_bytes())?;
    gathering::write_problems(read.builder, streams)
}
