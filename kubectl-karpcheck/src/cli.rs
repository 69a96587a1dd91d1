//! The command line: what can be asked for, and which command does it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::can::CanArgs;
use crate::commands::check::CheckArgs;
use crate::commands::collect::CollectArgs;
use crate::commands::completion::{CandidatesArgs, CompletionArgs};
use crate::commands::diff::DiffArgs;
use crate::commands::explain::ExplainArgs;
use crate::commands::fix::FixArgs;
use crate::commands::man::ManArgs;
use crate::commands::merge::MergeArgs;
use crate::commands::pack::PackCommand;
use crate::commands::rbac::RbacArgs;
use crate::commands::rules::RulesArgs;
use crate::commands::shared::args::ConfigArgs;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::streams::Streams;
use crate::commands::snapshot::SnapshotArgs;
use crate::commands::upgrade::UpgradeArgs;
use crate::commands::why::WhyArgs;
use crate::commands::{
    can, check, collect, completion, diff, explain, fix, iam_policy, man, merge, pack, rbac, rules, snapshot, upgrade,
    why,
};
use crate::exit;
use crate::exit::Exit;
use crate::sources::interrupt;

/// What `--version` prints: a release says its commit and date as well (release builds set the variable).
const VERSION: &str = match option_env!("KARPCHECK_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Find what will break Karpenter on AWS: queues, keys, names, tags and ACK references.
///
/// Without a command, the cluster of the current context is checked. With -f, files are checked together with it; with
/// --offline, only files are checked.
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
    /// Which configuration holds.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the current context, files, or both
    #[command(after_help = exit::HELP)]
    Check(Box<CheckArgs>),
    /// Apply the fixes of the findings to the files, check again and report what is left
    #[command(after_help = exit::FIX_HELP)]
    Fix(Box<FixArgs>),
    /// List the rules
    Rules(RulesArgs),
    /// Explain a rule: what it finds, why it matters, how to fix it
    Explain(ExplainArgs),
    /// Show what an upgrade of Karpenter breaks, changes or makes obsolete, step by step
    #[command(after_help = exit::UPGRADE_HELP)]
    Upgrade(Box<UpgradeArgs>),
    /// Decide whether AWS would allow a request, and show why
    #[command(after_help = exit::CAN_HELP)]
    Can(Box<CanArgs>),
    /// Show how a rule reached its verdicts: what it asked of IAM, and how that is decided
    Why(Box<WhyArgs>),
    /// Print the ClusterRole that the chosen rules need, and no more
    Rbac(RbacArgs),
    /// Print the IAM policy that --aws and collect need for the chosen rules, and no more
    IamPolicy(RuleSelectionArgs),
    /// Print a shell script that asks AWS what --aws would, for someone who has the permissions
    Collect(Box<CollectArgs>),
    /// Compare two reports: what is new, worse, better, suppressed or gone
    #[command(after_help = diff::HELP)]
    Diff(DiffArgs),
    /// Record what a check would read in one file, to check elsewhere
    #[command(after_help = snapshot::HELP)]
    Snapshot(Box<SnapshotArgs>),
    /// Combine the reports of several machines, and judge what their clusters share
    #[command(after_help = merge::HELP)]
    Merge(MergeArgs),
    /// Create rule packs of your own
    #[command(subcommand)]
    Pack(PackCommand),
    /// Print a shell completion script
    #[command(after_help = completion::HELP)]
    Completion(CompletionArgs),
    /// Write the manual pages
    Man(ManArgs),
    /// What kubectl's completion asks for.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete(CandidatesArgs),
}

impl Command {
    /// The first file that is named to be read: whose configuration holds.
    fn first_file(&self) -> Option<&Path> {
        let sources = match self {
            Self::Check(args) => &args.sources,
            Self::Fix(args) => &args.sources,
            Self::Upgrade(args) => &args.sources,
            Self::Can(args) => &args.sources,
            Self::Why(args) => &args.sources,
            Self::Collect(args) => &args.sources,
            _ => return None,
        };
        sources.filename.first().map(PathBuf::as_path)
    }
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
    let exit = dispatch(cli, streams)?;
    Ok(if interrupt::is_raised() && exit != Exit::Usage { Exit::Interrupted } else { exit })
}

fn dispatch(cli: Cli, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let command = cli.command.unwrap_or_else(|| Command::Check(Box::new(cli.check)));
    let first = command.first_file().map(Path::to_owned);
    // A command that needs none runs whatever the configuration says.
    let config = || cli.config.load(first.as_deref());
    match command {
        Command::Check(mut args) => {
            args.configure(config()?)?;
            check::run(&args, streams)
        }
        Command::Fix(mut args) => {
            args.configure(config()?);
            fix::run(&args, streams)
        }
        Command::Rules(args) => rules::run(&args, config()?.as_ref(), streams),
        Command::Explain(args) => explain::run(&args, config()?.as_ref(), streams),
        Command::Upgrade(mut args) => {
            args.configure(config()?);
            upgrade::run(&args, streams)
        }
        Command::Can(mut args) => {
            args.sources.config = config()?;
            can::run(&args, streams)
        }
        Command::Why(mut args) => {
            args.sources.config = config()?;
            why::run(&args, streams)
        }
        Command::Rbac(args) => rbac::run(&args, config()?.as_ref(), streams),
        Command::IamPolicy(args) => iam_policy::run(&args, config()?.as_ref(), streams),
        Command::Collect(mut args) => {
            args.sources.config = config()?;
            collect::run(&args, streams)
        }
        Command::Diff(args) => diff::run(&args, streams),
        Command::Snapshot(args) => snapshot::run(&args, config()?.as_ref(), streams),
        Command::Merge(args) => merge::run(&args, streams),
        Command::Pack(command) => pack::run(&command, config, streams),
        Command::Completion(args) => completion::run(&args, streams),
        Command::Man(args) => man::run(&args, Cli::command(), streams),
        Command::Complete(args) => completion::candidates(&args, Cli::command(), streams),
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
