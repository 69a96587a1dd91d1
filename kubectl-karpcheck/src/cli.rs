//! The command line: what can be asked for, and which command does it.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::can::CanArgs;
use crate::commands::check::CheckArgs;
use crate::commands::collect::CollectArgs;
use crate::commands::completion::{CandidatesArgs, CompletionArgs};
use crate::commands::explain::ExplainArgs;
use crate::commands::man::ManArgs;
use crate::commands::pack::PackCommand;
use crate::commands::rules::RulesArgs;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::streams::Streams;
use crate::commands::upgrade::UpgradeArgs;
use crate::commands::why::WhyArgs;
use crate::commands::{can, check, collect, completion, explain, iam_policy, man, pack, rbac, rules, upgrade, why};
use crate::exit;
use crate::exit::Exit;

/// What `--version` prints: a release says its commit and date as well (release builds set the variable).
const VERSION: &str = match option_env!("KARPCHECK_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Find what will break Karpenter on AWS: queues, keys, names, tags and ACK references.
///
/// Without a command, the cluster of the current context is checked. With -f, files are checked together with it; with
/// --offline, files alone.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-karpcheck",
    bin_name = "kubectl karpcheck",
    version = VERSION,
    after_help = exit::HELP,
    args_conflicts_with_subcommands = true,
    propagate_version = true
)]
pub struct Cli {
    /// The command. Without one the current context is checked.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `check`.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the current context, files, or both
    #[command(after_help = exit::HELP)]
    Check(Box<CheckArgs>),
    /// List the rules
    Rules(RulesArgs),
    /// Explain a rule: what it finds, why it matters, how to fix it
    Explain(ExplainArgs),
    /// Show what an upgrade of Karpenter breaks, changes or makes obsolete, in the order in which to do it
    #[command(after_help = exit::UPGRADE_HELP)]
    Upgrade(Box<UpgradeArgs>),
    /// Ask whether AWS would allow a request, and show how that is decided
    #[command(after_help = exit::CAN_HELP)]
    Can(Box<CanArgs>),
    /// Show how a rule came to its verdicts: what it asked of IAM and how that is decided
    Why(Box<WhyArgs>),
    /// Print the ClusterRole that the chosen rules need, and no more
    Rbac(RuleSelectionArgs),
    /// Print the IAM policy that --aws and collect need for the chosen rules, and no more
    IamPolicy(RuleSelectionArgs),
    /// Print a shell script that asks AWS what --aws would, for someone who has the rights
    Collect(Box<CollectArgs>),
    /// Make packs of rules of your own
    #[command(subcommand)]
    Pack(PackCommand),
    /// Print a script that completes the command line
    #[command(after_help = completion::HELP)]
    Completion(CompletionArgs),
    /// Write the manual pages
    Man(ManArgs),
    /// What kubectl's completion asks for.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete(CandidatesArgs),
}

/// Parses the command line. The error for a file without its `-f`, as with `-f *.yaml`, has a tip.
///
/// # Errors
/// Clap's, which end the process with 2, or with 0 for `--help`.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(args).map_err(|mut error| {
        let stray = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand].into_iter().find_map(|kind| match error
            .get(kind)
        {
            Some(ContextValue::String(text)) if Path::new(text).exists() => Some(text.clone()),
            _ => None,
        });
        if let Some(path) = stray {
            let tip = format!("files are named with -f, each: -f {path}");
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        error
    })
}

/// Runs the command that was asked for.
///
/// # Errors
/// The command could not do anything at all.
pub fn run(cli: Cli, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    match cli.command {
        None => check::run(&cli.check, streams),
        Some(Command::Check(args)) => check::run(&args, streams),
        Some(Command::Rules(args)) => rules::run(&args, streams),
        Some(Command::Explain(args)) => explain::run(&args, streams),
        Some(Command::Upgrade(args)) => upgrade::run(&args, streams),
        Some(Command::Can(args)) => can::run(&args, streams),
        Some(Command::Why(args)) => why::run(&args, streams),
        Some(Command::Rbac(args)) => rbac::run(&args, streams),
        Some(Command::IamPolicy(args)) => iam_policy::run(&args, streams),
        Some(Command::Collect(args)) => collect::run(&args, streams),
        Some(Command::Pack(PackCommand::Build(args))) => {
            pack::build::run(&args, streams.out, streams.err)?;
            Ok(Exit::Clean)
        }
        Some(Command::Completion(args)) => completion::run(&args, streams),
        Some(Command::Man(args)) => man::run(&args, Cli::command(), streams),
        Some(Command::Complete(args)) => completion::candidates(&args, Cli::command(), streams),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
