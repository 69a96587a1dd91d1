//! `rules`: the list of rules.

use std::sync::Arc;

use clap::Args;

use crate::commands::shared::args::ListOutput;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection;
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::streams::Streams;
use crate::config::Config;
use crate::exit::Exit;
use crate::findings::finding::RuleInfo;
use crate::report;

/// The flags of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// Which rules are listed.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// The format of the list
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

/// Lists the rules of all packs, also those that are off by default.
pub fn run(args: &RulesArgs, config: Option<&Arc<Config>>, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.chosen.pack, config)?;
    let every = RuleSelectionArgs {
        rule: if args.chosen.rule.is_empty() {
            packs.packs.iter().flat_map(|pack| pack.rules()).map(|rule| rule.id.clone()).collect()
        } else {
            args.chosen.rule.clone()
        },
        ..args.chosen.clone()
    };
    let rules: Vec<RuleInfo> = packs.select(&every)?.iter().map(|selected| selected.rule.clone()).collect();
    match args.output {
        ListOutput::Table => report::rules_table(&rules, streams.width, streams.out)?,
        ListOutput::Json => report::rules_json(&rules, streams.out)?,
    }
    for problem in &packs.problems {
        writeln!(streams.err, "error: {problem}")?;
    }
    Ok(if packs.problems.is_empty() { Exit::Clean } else { Exit::NotDone })
}
