//! `rules`: the list of rules.

use crate::cli::{ListOutput, RuleSelectionArgs, RulesArgs};
use crate::commands::shared::rule_selection;
use crate::commands::{CommandError, Streams};
use crate::exit::Exit;
use crate::findings::finding::RuleInfo;
use crate::report;

/// Lists the rules of all packs, also those that are off by default.
pub fn run(args: &RulesArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.chosen.pack)?;
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
        writeln!(streams.err, "error: {}", problem.message)?;
    }
    Ok(if packs.problems.is_empty() { Exit::Clean } else { Exit::NotDone })
}
