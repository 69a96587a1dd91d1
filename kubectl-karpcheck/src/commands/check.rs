//! `check`: gather, run the rules, report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use crate::commands::shared::args::{AwsArgs, Color, FailOn, MinConfidence, SourceArgs};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::gathering;
use crate::commands::shared::gathering::{Gathered, Read};
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::run_report::RunReport;
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::commands::shared::{fix_verification, rule_selection};
use crate::engine;
use crate::exit::Exit;
use crate::findings::finding::{CheckResults, Confidence};
use crate::inventory::{Cause, Inventory};
use crate::report;
use crate::report::{Detail, TableOptions};

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// How to print the report
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table", help_heading = "Report")]
    pub output: Output,
    /// Try the edits of each finding in memory, judge again, and say whether they are enough; nothing is written
    #[arg(long, help_heading = "Report")]
    pub verify_fixes: bool,
    /// The least severity of a finding that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error", help_heading = "Report")]
    pub fail_on: FailOn,
    /// Report only what a rule is at least so sure of
    #[arg(long, value_name = "CONFIDENCE", default_value = "low", help_heading = "Report")]
    pub min_confidence: MinConfidence,
    /// Exit with 4 where something was refused or could not be read; =all: also where something was not given
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "read",
        help_heading = "Report"
    )]
    pub require_complete: Option<RequireComplete>,
    /// Print to standard error what each rule cost (fuel, work of the host, time), and the steps of the run
    #[arg(long, help_heading = "Report")]
    pub stats: bool,
    /// Which rules run.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// Under what the table puts findings [default: the worst first]
    #[arg(long, value_name = "WHAT", help_heading = "Report")]
    pub group_by: Option<GroupBy>,
    /// Print the findings alone: nothing of what was checked, and on a terminal nothing undecided
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
    /// Print the table without the names of its columns
    #[arg(long, help_heading = "Report")]
    pub no_headers: bool,
    /// Print how often each rule found nothing wrong, too
    #[arg(long, help_heading = "Report")]
    pub show_passed: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Report")]
    pub color: Color,
}

impl CheckArgs {
    /// How the table is written.
    fn table(&self, width: Option<usize>, color: bool, detail: Detail) -> TableOptions {
        TableOptions {
            width,
            color,
            detail,
            headers: !self.no_headers,
            quiet: self.quiet,
            group_by: self.group_by.map(Into::into),
            passed: self.show_passed,
        }
    }
}

/// Values of `--group-by`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum GroupBy {
    /// The rule.
    Rule,
    /// The scope.
    Scope,
    /// The file, or the live object.
    File,
}

impl From<GroupBy> for report::GroupBy {
    fn from(by: GroupBy) -> Self {
        match by {
            GroupBy::Rule => Self::Rule,
            GroupBy::Scope => Self::Scope,
            GroupBy::File => Self::File,
        }
    }
}

/// Output formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// The table with confidence, every place and what explains it.
    Wide,
    /// For machines: karpcheck.report/v1alpha1.
    Json,
    /// The same as YAML.
    Yaml,
    /// The names of the subjects with findings.
    Name,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit's XML, for CI servers.
    Junit,
    /// Workflow commands of GitHub Actions.
    Github,
    /// For a comment on a pull request.
    Markdown,
    /// One file for a browser.
    Html,
    /// The edits of the findings as a unified diff of the files.
    Diff,
}

/// Values of `--require-complete`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum RequireComplete {
    /// What was asked for was read.
    Read,
    /// Nothing is undecided because it was not provided, either.
    All,
}

/// Checks what the flags name and prints the report.
pub fn run(args: &CheckArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.chosen.pack)?;
    let selected = packs.select(&args.chosen)?;
    let gather_scope = rule_selection::gather_scope(&selected);
    let mut steps = Steps::new();
    let read = match gathering::gather(&args.sources, &args.aws, &gather_scope, &packs.problems, streams)? {
        Gathered::Read(read) => *read,
        Gathered::Planned(exit) => return Ok(exit),
    };
    let Read { builder, files, answers } = read;
    steps.end("reading");
    let gathered = args.verify_fixes.then(|| builder.clone());
    let inventory = Arc::new(gathering::inventory(builder, &args.sources)?);
    steps.end("joining");
    let mut results = engine::run_rules(&packs.engine, &selected, &inventory);
    steps.end("judging");
    let least: Confidence = args.min_confidence.into();
    results.findings.retain(|finding| finding.confidence >= least);
    if let Some(gathered) = gathered {
        fix_verification::verify(&gathered, &inventory, &packs.engine, &selected, &mut results);
    }

    let report = RunReport::new(&packs, &selected, &args.sources.facts, &files, answers, &inventory);
    results.trace(report.rules());
    let run = report.run(&inventory, &results);
    let color = args.color.enabled(streams.width.is_some());
    ignore_broken_pipe(match args.output {
        Output::Table => report::table(&run, &args.table(streams.width, color, Detail::Short), streams.out),
        Output::Wide => report::table(&run, &args.table(streams.width, color, Detail::Whole), streams.out),
        Output::Json => report::json(&run, streams.out),
        Output::Yaml => report::yaml(&run, streams.out),
        Output::Name => report::name(&run, streams.out, streams.err),
        Output::Sarif => report::sarif(&run, streams.out),
        Output::Junit => report::junit(&run, streams.out),
        Output::Github => report::github(&run, streams.out),
        Output::Markdown => report::markdown(&run, streams.out),
        Output::Html => report::html(&run, streams.out),
        Output::Diff => {
            let (files, not_shown) = fix_verification::patched(&inventory, &results);
            report::diff(&run, &files, &not_shown, streams.out, streams.err)
        }
    })?;
    steps.end("writing");
    if args.stats {
        report::costs(&results.costs, &steps.ended, streams.err)?;
    }
    let exit = exit(args, &inventory, &results, &report::summary(&run));
    // The process ends soon: freeing each node of a large inventory takes longer than some rules.
    std::mem::forget(inventory);
    Ok(exit)
}

/// How long the steps of a run took.
struct Steps {
    last: Instant,
    ended: Vec<(&'static str, Duration)>,
}

impl Steps {
    fn new() -> Self {
        Self { last: Instant::now(), ended: vec![] }
    }

    fn end(&mut self, step: &'static str) {
        let now = Instant::now();
        self.ended.push((step, now - self.last));
        self.last = now;
    }
}

fn exit(args: &CheckArgs, inventory: &Inventory, results: &CheckResults, summary: &report::Summary) -> Exit {
    // The subjects of a rule that crashed were not checked.
    if inventory.problems().iter().any(|problem| problem.is_fatal()) || !results.faults.is_empty() {
        return Exit::NotDone;
    }
    if let Some(least) = args.fail_on.severity()
        && results.findings.iter().any(|finding| finding.severity >= least)
    {
        return Exit::Findings;
    }
    let nothing_missing = || {
        results
            .findings
            .iter()
            .all(|finding| finding.reason.as_ref().is_none_or(|reason| reason.cause != Cause::NotProvided))
    };
    match args.require_complete {
        Some(_) if !summary.complete => Exit::Incomplete,
        Some(RequireComplete::All) if !nothing_missing() => Exit::Incomplete,
        _ => Exit::Clean,
    }
}
