//! `kubectl karpcheck merge`: the reports of several machines as one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum, ValueHint};
use serde_json::Value;

use crate::commands::merge::reports::{ReadAgain, read, said};
use crate::commands::shared::args::{Color, FailOn, SourceArgs};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::outputs::{self, OutputParser, OutputTo};
use crate::commands::shared::paths::expand;
use crate::commands::shared::rule_selection;
use crate::commands::shared::rule_selection::{Packs, RuleSelectionArgs};
use crate::commands::shared::run_report::RunReport;
use crate::commands::shared::streams::Streams;
use crate::engine;
use crate::exit::Exit;
use crate::findings::finding::CheckResults;
use crate::inventory::problem::FlagProblem;
use crate::inventory::{Builder, Inventory, Problem};
use crate::karpenter;
use crate::report;
use crate::report::merged::{self, Document, Merged, Totals};
use crate::report::rebuilt::Rebuilt;
use crate::report::{Detail, MergedSources, Pieces, TableOptions};
use crate::sources::FileSummary;
use crate::sources::aws::AwsSummary;
use crate::sources::snapshot::facts::Facts;

mod reports;

/// How `merge --help` ends.
pub const HELP: &str = "Examples:
  # on each machine one part of the snapshots
  kubectl karpcheck check --offline -f snapshots/ --shard 0/2 -o json > report-0.json
  kubectl karpcheck check --offline -f snapshots/ --shard 1/2 -o json > report-1.json
  # then one report of all of them
  kubectl karpcheck merge report-0.json report-1.json > report.json
  # a table here, and a report for the next merge
  kubectl karpcheck merge report-*.json -o table -o json=report.json

Exit codes:
  0  no finding at or above --fail-on
  1  findings at or above --fail-on
  2  bad arguments, or a file that is not a report
  3  a part could not do its job whole: its own exit code was 3";

/// The flags of `merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// JSON reports: those of --shard, or of check --for-merge, contain what the rules about several clusters need
    #[arg(value_name = "REPORT", required = true, value_hint = ValueHint::FilePath)]
    pub reports: Vec<PathBuf>,
    /// The format of the merged report; FORMAT=FILE writes it to a file; repeatable
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT[=FILE]",
        default_value = "json",
        value_parser = OutputParser::<MergeOutput>::new()
    )]
    pub output: Vec<OutputTo<MergeOutput>>,
    /// The lowest severity of a finding that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    pub fail_on: FailOn,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// Formats of a merged report: those of `check` that need nothing but what its reports say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum MergeOutput {
    /// The table, for a terminal.
    Table,
    /// The table with confidence, every place and the explanations.
    Wide,
    /// The JSON report, also for another merge: karpcheck.report/v1.
    Json,
    /// The JSON report as YAML.
    Yaml,
    /// The names of the resources with findings.
    Name,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for CI servers.
    Junit,
    /// GitLab code quality.
    Gitlab,
    /// For a comment on a pull request.
    Markdown,
    /// A single HTML page.
    Html,
}

impl MergeOutput {
    /// Is it written from the reports as they are read, without holding what they found?
    const fn is_streamed(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// Merges reports, and prints one.
pub fn run(args: &MergeArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    outputs::check(&args.output)?;
    let packs = rule_selection::load(&[], None)?;
    let anew: BTreeSet<String> = rules_across(&packs).collect();
    let is_anew = |rule: &str| anew.contains(rule);
    let selected =
        packs.select(&RuleSelectionArgs { rule: anew.iter().cloned().collect(), ..RuleSelectionArgs::default() })?;
    let gather_scope = rule_selection::gather_scope(&selected);
    let area = |name: &str| {
        let mut all = packs.packs.iter().flat_map(|pack| pack.rules());
        all.find(|rule| rule.is_called(name)).map(|rule| rule.area.clone())
    };

    // Of each report only its sums stay, and what the rules about several clusters judge.
    let (mut totals, mut builder, mut facts) = (Totals::default(), Builder::default(), Facts::default());
    let (mut reports, mut told) = (vec![], BTreeSet::new());
    for path in &expand(&args.reports) {
        let (mut report, mut again) =
            read(path, &is_anew, &mut |cluster| facts.take_in(cluster, &gather_scope, &mut builder))?;
        totals.add_shards(&report);
        let name: Arc<str> = path.display().to_string().into();
        let remark = match (again.has_facts(), again.repeated()) {
            (false, 0) if report.is_of_clusters() => Some(FlagProblem::ReportWithoutFacts { path: name }),
            // A part that was run twice is one part; what other rules say of a cluster is not.
            (false, 1..) if !told.insert(report.judgements()) => Some(FlagProblem::ReportAgain { path: name }),
            (_, 1..) => Some(FlagProblem::ReportOverlaps { path: name }),
            _ => None,
        };
        if remark.is_none() {
            told.insert(report.judgements());
        }
        if let Some(remark) = remark {
            again.say(Problem::new(remark, None), &mut report);
        }
        totals.add(&report, &is_anew, &area);
        reports.push(again);
    }
    let beside: Vec<Value> =
        totals.missing_parts().into_iter().map(|missing| said(&Problem::new(missing, None))).collect();
    totals.add(&Document::of_problems(beside.clone()), &is_anew, &area);
    let inventory = Arc::new(karpenter::inventory(builder));
    let results = engine::run_rules(&packs.engine, &selected, &inventory);
    let stated = SourceArgs::default();
    let across = RunReport::new(&packs, &selected, &stated, &FileSummary::default(), AwsSummary::default(), &inventory);
    let across = across.run(&inventory, &results);
    totals.add_run(&across);

    let again = ReadAgain { reports: &reports, beside: &beside, is_anew: &is_anew };
    let has_facts = reports.iter().any(|report| report.has_facts());
    let people = args.output.iter().any(|output| !output.format.is_streamed());
    let whole = people.then(|| Whole::new(&again, &across, &totals, &packs)).transpose()?;
    let whole = RefCell::new(whole);
    let merged = Merged::new(&totals, &across, &again, has_facts);
    outputs::write(&args.output, streams, |format, streams| match (format, &*whole.borrow()) {
        (MergeOutput::Json, _) => merged.json(streams.out),
        (MergeOutput::Yaml, _) => merged.yaml(streams.out),
        (_, Some(whole)) => whole.write(args, format, streams),
        (_, None) => Ok(()),
    })?;
    let hit = args.fail_on.severity().is_some_and(|least| totals.worst().is_some_and(|worst| worst >= least));
    // The process ends soon: freeing each node of a fleet takes longer than writing the report.
    std::mem::forget(inventory);
    Ok(match (totals.not_done(), hit) {
        (true, _) => Exit::NotDone,
        (false, true) => Exit::Findings,
        (false, false) => Exit::Clean,
    })
}

/// The rules that compare clusters, whose word on a part of a fleet does not count for the whole.
fn rules_across(packs: &Packs) -> impl Iterator<Item = String> {
    let all = packs.packs.iter().flat_map(|pack| pack.rules());
    all.filter(|rule| rule.is_across_clusters()).map(crate::findings::finding::RuleInfo::label)
}

/// All that the reports found, held in memory for the formats that sort and group it.
struct Whole {
    inventory: Inventory,
    results: CheckResults,
    report: RunReport,
}

impl Whole {
    fn new(
        reports: &ReadAgain<'_>,
        across: &report::Run<'_>,
        totals: &Totals,
        packs: &Packs,
    ) -> Result<Self, CommandError> {
        let mut rebuilt = Rebuilt::default();
        for report in reports.documents() {
            rebuilt.add(report?, reports.is_anew);
        }
        rebuilt.add_findings(merged::findings_across(across).into_iter());
        let (inventory, results) = rebuilt.finish(totals);
        // Those rules of the packs that any report speaks of.
        let covered: BTreeSet<&str> = totals.coverage().map(|coverage| &*coverage.rule).collect();
        let rules = packs.packs.iter().flat_map(|pack| pack.rules().iter().map(move |rule| (pack, rule)));
        let known: Vec<engine::Selected<'_>> = rules
            .filter(|(_, rule)| covered.contains(&*rule.label()))
            .map(|(pack, rule)| engine::Selected::new(pack, rule))
            .collect();
        let stated = SourceArgs::default();
        let merged = MergedSources {
            reports: reports.reports.len(),
            items: totals.items,
            rules: covered.len(),
            complete: totals.complete(),
        };
        let report = RunReport::new(packs, &known, &stated, &FileSummary::default(), AwsSummary::default(), &inventory)
            .merging(merged, &totals.at, &covered);
        Ok(Self { inventory, results, report })
    }

    fn write(&self, args: &MergeArgs, format: MergeOutput, streams: &mut Streams<'_>) -> io::Result<()> {
        let run = self.report.run(&self.inventory, &self.results);
        let color = args.color.enabled(streams.width.is_some());
        let table = |detail| TableOptions { width: streams.width, color, detail, ..TableOptions::default() };
        match format {
            // These are written from the reports themselves.
            MergeOutput::Json | MergeOutput::Yaml => Ok(()),
            MergeOutput::Table => report::table(&run, &table(Detail::Short), streams.out),
            MergeOutput::Wide => report::table(&run, &table(Detail::Whole), streams.out),
            MergeOutput::Name => report::name(&run, streams.out, streams.err),
            MergeOutput::Sarif => report::sarif(&run, &Pieces::default(), streams.out),
            MergeOutput::Junit => report::junit(&run, args.fail_on.severity(), streams.out),
            MergeOutput::Gitlab => report::gitlab(&run, streams.out, streams.err),
            MergeOutput::Markdown => report::markdown(&run, streams.out),
            MergeOutput::Html => report::html(&run, streams.out),
        }
    }
}
