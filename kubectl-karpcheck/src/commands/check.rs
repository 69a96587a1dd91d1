//! `check`: gather, run the rules, report.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum, ValueHint};

use crate::commands::shared::args::{AwsArgs, Color, FailOn, MinConfidence, SourceArgs, configured};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::fix_verification::Fixes;
use crate::commands::shared::gathering;
use crate::commands::shared::gathering::{Gathered, Read};
use crate::commands::shared::known_findings::KnownFindings;
use crate::commands::shared::outputs::{OutputParser, OutputTo};
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::run_report::RunReport;
use crate::commands::shared::streams::Streams;
use crate::commands::shared::suppressions::Acceptance;
use crate::commands::shared::{ending, fix_verification, known_findings, outputs, rule_selection, suppressions};
use crate::config::Config;
use crate::engine;
use crate::exit::Exit;
use crate::findings::finding::{CheckResults, Confidence};
use crate::inventory::{Cause, Inventory};
use crate::report;
use crate::report::{Detail, TableOptions};
use crate::sources::cluster::policy_reports;

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// The format of the report; FORMAT=FILE writes it to a file; repeatable [default: table]
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT[=FILE]",
        value_parser = OutputParser::<Output>::new(),
        help_heading = "Report"
    )]
    pub output: Vec<OutputTo<Output>>,
    /// Apply the edits of each finding in memory, judge again, and say whether they fix it; no file is changed
    #[arg(long, help_heading = "Report")]
    pub verify_fixes: bool,
    /// The lowest severity of a finding that makes the exit code 1 [default: error]
    #[arg(long, value_name = "SEVERITY", help_heading = "Report")]
    pub fail_on: Option<FailOn>,
    /// Accept the findings in this file: an earlier JSON report, or what --write-baseline wrote
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Report")]
    pub baseline: Option<PathBuf>,
    /// Write all findings of this run to a file that --baseline accepts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Report")]
    pub write_baseline: Option<PathBuf>,
    /// Also report what comments, annotations and the configuration suppress
    #[arg(long, help_heading = "Report")]
    pub no_suppressions: bool,
    /// Report only findings of at least this confidence [default: low]
    #[arg(long, value_name = "CONFIDENCE", help_heading = "Report")]
    pub min_confidence: Option<MinConfidence>,
    /// Exit with 4 if something was refused or could not be read; =all: also if something was not provided
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "read",
        help_heading = "Report"
    )]
    pub require_complete: Option<RequireComplete>,
    /// Also write the report to each cluster that is read: a ClusterReport of openreports.io or a ClusterPolicyReport of
    /// wgpolicyk8s.io, named karpcheck; needs an extra permission, see `rbac --write-reports`
    #[arg(long, conflicts_with = "offline", help_heading = "Report")]
    pub write_policy_reports: bool,
    /// Include in the JSON report what merge needs about its clusters, as --shard does
    #[arg(long, help_heading = "Report")]
    pub for_merge: bool,
    /// Exit with 3 if a cluster that is read has no Karpenter, most likely because the context is the wrong one
    #[arg(long, value_name = "WHAT", help_heading = "Report")]
    pub require: Option<Require>,
    /// Print to standard error what each rule cost (fuel, work of the host, time), and how long each step took
    #[arg(long, help_heading = "Report")]
    pub stats: bool,
    /// Which rules run.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// Print to standard error what rules log for their authors: the last lines of each rule
    #[arg(short, long, help_heading = "Report")]
    pub verbose: bool,
    /// Group the findings of the table [default: the worst first]
    #[arg(long, value_name = "WHAT", help_heading = "Report")]
    pub group_by: Option<GroupBy>,
    /// Print only the findings: not what was checked, and on a terminal nothing undecided
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
    /// Print the table without its header
    #[arg(long, help_heading = "Report")]
    pub no_headers: bool,
    /// Also print how often each rule found nothing wrong
    #[arg(long, help_heading = "Report")]
    pub show_passed: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Report")]
    pub color: Color,
}

impl CheckArgs {
    /// Takes from a configuration what no flag says.
    ///
    /// # Errors
    /// An output that the configuration names leaves its folder.
    pub fn configure(&mut self, config: Option<Arc<Config>>) -> Result<(), CommandError> {
        if self.output.is_empty()
            && let Some(config) = config.as_deref()
        {
            self.output = outputs::configured(config)?;
        }
        if self.output.is_empty() {
            self.output.push(OutputTo { format: Output::Table, file: None });
        }
        if let Some(settings) = config.as_deref().map(|config| &config.settings) {
            self.fail_on = self.fail_on.or_else(|| configured(settings.fail_on.as_deref()));
            if self.baseline.is_none() {
                let beside = |path: &String| config.as_deref().map(|config| config.shown_beside(path));
                self.baseline = settings.baseline.as_ref().and_then(beside);
            }
            self.min_confidence = self.min_confidence.or_else(|| configured(settings.min_confidence.as_deref()));
            self.require_complete = self.require_complete.or_else(|| configured(settings.require_complete.as_deref()));
        }
        self.sources.config = config;
        Ok(())
    }

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
    /// The table, for a terminal.
    Table,
    /// The table with confidence, every place and the explanations.
    Wide,
    /// The JSON report: karpcheck.report/v1.
    Json,
    /// The JSON report as YAML.
    Yaml,
    /// The names of the resources with findings.
    Name,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for CI servers.
    Junit,
    /// GitHub Actions workflow commands.
    Github,
    /// GitLab code quality.
    Gitlab,
    /// For a comment on a pull request.
    Markdown,
    /// A single HTML page.
    Html,
    /// The fixes as a unified diff.
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

/// Values of `--require`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Require {
    /// Karpenter: its kinds, or its controller.
    Karpenter,
}

/// Checks what the flags name and prints the report.
pub fn run(args: &CheckArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    outputs::check(&args.output)?;
    let packs = rule_selection::load(&args.chosen.pack, args.sources.config.as_ref())?;
    let selected = packs.select(&args.chosen)?;
    if args.fail_on == Some(FailOn::New) && args.baseline.is_none() {
        return Err(CommandError::Usage("--fail-on new: name what is not new with --baseline FILE".into()));
    }
    let known = args.baseline.as_deref().map(KnownFindings::read).transpose()?;
    let gather_scope = rule_selection::gather_scope(&selected).requiring_karpenter(args.require.is_some());
    let mut steps = Steps::new();
    let read = match gathering::gather(&args.sources, &args.aws, &gather_scope, &packs.problems, streams)? {
        Gathered::Read(read) => *read,
        Gathered::Planned(exit) => return Ok(exit),
    };
    let Read { builder, files, answers } = read;
    steps.end("reading");
    let gathered = args.verify_fixes.then(|| builder.clone());
    streams.progress.say("joining what was read");
    let inventory = Arc::new(gathering::inventory(builder, &args.sources)?);
    steps.end("joining");
    streams.progress.say(&format!("judging with {} rules", selected.len()));
    let mut results = engine::run_rules(&packs.engine, &selected, &inventory);
    steps.end("judging");
    let acceptance = Acceptance { packs: &packs, audit: args.no_suppressions, in_part: !args.sources.scope.is_empty() };
    let least: Confidence = args.min_confidence.unwrap_or(MinConfidence::Low).into();
    results.findings.retain(|finding| finding.confidence >= least);
    if let Some(gathered) = gathered {
        fix_verification::verify(&gathered, &inventory, &packs.engine, &selected, &mut results);
    }
    acceptance.apply(&inventory, &mut results)?;
    if let (Some(known), Some(file)) = (&known, &args.baseline) {
        suppressions::accept_known(known, file, &mut results);
    }
    let mut report = RunReport::new(&packs, &selected, &args.sources, &files, answers, &inventory);
    if args.for_merge || args.sources.shard.is_some() {
        report = report.for_merge(&inventory);
    }
    results.trace(report.rules());
    let run = report.run(&inventory, &results);
    let fixes = || fix_verification::patched(&inventory, &results);
    // Whatever cannot be written, all else is.
    let baseline = args.write_baseline.as_ref().map(|file| known_findings::write(file, &inventory, &results));
    outputs::write(&args.output, streams, |format, streams| {
        let color = args.color.enabled(streams.width.is_some());
        match format {
            Output::Table => report::table(&run, &args.table(streams.width, color, Detail::Short), streams.out),
            Output::Wide => report::table(&run, &args.table(streams.width, color, Detail::Whole), streams.out),
            Output::Json => report::json(&run, streams.out),
            Output::Yaml => report::yaml(&run, streams.out),
            Output::Name => report::name(&run, streams.out, streams.err),
            Output::Sarif => report::sarif(&run, &fixes().pieces, streams.out),
            Output::Junit => report::junit(&run, args.fail_on.unwrap_or(FailOn::Error).severity(), streams.out),
            Output::Github => report::github(&run, streams.out),
            Output::Gitlab => report::gitlab(&run, streams.out, streams.err),
            Output::Markdown => report::markdown(&run, streams.out),
            Output::Html => report::html(&run, streams.out),
            Output::Diff => {
                let Fixes { files, not_shown, .. } = fixes();
                report::diff(&run, &files, &not_shown, streams.out, streams.err)?;
                report::problems(&run, streams.err)
            }
        }
    })?;
    baseline.transpose()?;
    steps.end("writing");
    if args.verbose {
        for (rule, line) in &results.log {
            writeln!(streams.err, "{rule}: {line}")?;
        }
    }
    if args.stats {
        report::costs(&results.costs, &steps.ended, streams.err)?;
    }
    let mut exit = exit(args, &inventory, &results, &report::summary(&run));
    if args.write_policy_reports {
        for written in report::policy_reports(&run) {
            match policy_reports::write(&args.sources.cluster.options(), &written.context, &written.body) {
                Ok(what) => writeln!(
                    streams.err,
                    "{}: the report was written as {what} {}",
                    written.context,
                    policy_reports::NAME
                )?,
                Err(why) => {
                    writeln!(streams.err, "error: {why}")?;
                    exit = Exit::NotDone;
                }
            }
        }
    }
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
    let exit = ending::exit(inventory, &results.faults, &results.findings, args.fail_on);
    let nothing_missing = || {
        results
            .findings
            .iter()
            .all(|finding| finding.reason.as_ref().is_none_or(|reason| reason.cause != Cause::NotProvided))
    };
    match args.require_complete {
        _ if exit != Exit::Clean => exit,
        Some(_) if !summary.complete => Exit::Incomplete,
        Some(RequireComplete::All) if !nothing_missing() => Exit::Incomplete,
        _ => Exit::Clean,
    }
}
