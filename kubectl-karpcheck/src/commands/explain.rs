//! `explain`: a rule's page.

use std::sync::Arc;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use crate::commands::shared::args::Color;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection;
use crate::commands::shared::rule_selection::{PackArg, pack_parser};
use crate::commands::shared::streams::Streams;
use crate::config::Config;
use crate::exit::Exit;
use crate::report;

/// The flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule
    #[arg(value_name = "RULE", add = ArgValueCandidates::new(rule_selection::rule_candidates))]
    pub rule: String,
    /// A rule pack in addition to the built-in one, under its own name or NAME; repeatable
    #[arg(long, value_name = "[NAME=]FILE", value_parser = pack_parser())]
    pub pack: Vec<PackArg>,
}

/// Prints the page of a rule.
pub fn run(args: &ExplainArgs, config: Option<&Arc<Config>>, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.pack, config)?;
    for problem in &packs.problems {
        writeln!(streams.err, "error: {problem}")?;
    }
    let rule = packs.rule(&args.rule)?;
    report::page(rule, streams.width, Color::Auto.enabled(streams.width.is_some()), streams.out)?;
    Ok(if packs.problems.is_empty() { Exit::Clean } else { Exit::NotDone })
}
