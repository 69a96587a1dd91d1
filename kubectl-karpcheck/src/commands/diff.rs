//! `diff`: what became of the findings between two reports.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::commands::shared::args::FailOn;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::known_findings;
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::exit::Exit;
use crate::findings::comparison;
use crate::findings::comparison::Change;
use crate::findings::finding::Outcome;
use crate::report;

/// How `diff --help` ends.
pub const HELP: &str = "Examples:
  # what a branch changes
  kubectl karpcheck check --offline -f . -o json > new.json
  kubectl karpcheck diff main.json new.json -o markdown

Exit codes:
  0  no new or worse finding at or above --fail-on
  1  new or worse findings at or above --fail-on
  2  bad arguments, or a file that is not a report";

/// The flags of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The earlier report: what check -o json printed, or a baseline
    #[arg(value_name = "OLD", value_hint = ValueHint::FilePath)]
    pub old: PathBuf,
    /// The later report
    #[arg(value_name = "NEW", value_hint = ValueHint::FilePath)]
    pub new: PathBuf,
    /// The format of the comparison
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: DiffOutput,
    /// The lowest severity of a new or worse finding that makes the exit code 1; new: any severity
    #[arg(long, value_name = "SEVERITY", default_value = "error", hide_default_value = false)]
    pub fail_on: FailOn,
}

/// Formats of `diff`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DiffOutput {
    /// For people.
    Table,
    /// For machines: karpcheck.diff/v1alpha1.
    Json,
    /// For a comment on a pull request.
    Markdown,
}

/// Compares two reports.
pub fn run(args: &DiffArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let changes = comparison::compare(known_findings::read(&args.old)?, known_findings::read(&args.new)?);
    ignore_broken_pipe(match args.output {
        DiffOutput::Table => report::comparison::table(&changes, streams.width, streams.out),
        DiffOutput::Json => report::comparison::json(&changes, streams.out),
        DiffOutput::Markdown => report::comparison::markdown(&changes, streams.out),
    })?;
    let fails = |least| {
        changes.iter().any(|(change, known)| {
            matches!(change, Change::New | Change::Worse) && known.outcome == Outcome::Fail && known.severity >= least
        })
    };
    Ok(if args.fail_on.severity().is_some_and(fails) { Exit::Findings } else { Exit::Clean })
}
