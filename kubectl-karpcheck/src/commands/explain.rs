//! `explain`: a rule's page.

use crate::cli::{Color, ExplainArgs};
use crate::commands::shared::rule_selection;
use crate::commands::{CommandError, Streams, check};
use crate::exit::Exit;
use crate::report;

/// Prints the page of a rule.
pub fn run(args: &ExplainArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.pack)?;
    for problem in &packs.problems {
        writeln!(streams.err, "error: {}", problem.message)?;
    }
    let all = || packs.packs.iter().flat_map(|pack| pack.rules());
    let Some(rule) = all().find(|rule| rule.id == args.rule) else {
        return Err(CommandError::Usage(rule_selection::unknown_rule(&args.rule, all().map(|rule| rule.id.as_str()))));
    };
    report::page(rule, streams.width, check::colored(Color::Auto, streams.width.is_some()), streams.out)?;
    Ok(if packs.problems.is_empty() { Exit::Clean } else { Exit::NotDone })
}
