//! `upgrade`: checks the inventory as it runs and as it would run after the upgrade, and compares.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::commands::shared::args::{AwsArgs, Color, FailOn, MinConfidence, SourceArgs, configured};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::fix_verification::Fixes;
use crate::commands::shared::gathering;
use crate::commands::shared::gathering::{Gathered, Read};
use crate::commands::shared::rule_selection::RuleSelectionArgs;
use crate::commands::shared::run_report::RunReport;
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::commands::shared::suppressions::Acceptance;
use crate::commands::shared::{ending, fix_verification, rule_selection};
use crate::config::Config;
use crate::config::values::version;
use crate::engine;
use crate::engine::{Engine, Selected};
use crate::exit::Exit;
use crate::findings::finding::{CheckResults, Confidence, Edit, Finding, FixOutcome, Outcome};
use crate::inventory::{Builder, Inventory};
use crate::karpenter;
use crate::karpenter::kubernetes_versions::supported;
use crate::karpenter::releases::{NEWEST, minor, parts, written};
use crate::karpenter::unused_permissions::{UnusedPermission, unused_permissions};
use crate::karpenter::upgrade_path;
use crate::report::upgrade as shown;
use crate::report::upgrade::{Hop, Note, Obsolete, Started, Stop};
use crate::schema::kinds;

mod compare;

use compare::ReportedFindings;

/// The flags of `upgrade`.
#[derive(Debug, Args)]
pub struct UpgradeArgs {
    /// The version of Karpenter to upgrade to: 1.14.1. The running version is read from the cluster or the files;
    /// --karpenter-version states it where neither does
    #[arg(long, value_name = "VERSION", value_parser = version, required = true)]
    pub to: String,
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// The format: the steps for people or as JSON, or what to add to the files as a unified diff
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table", help_heading = "Report")]
    pub output: UpgradeOutput,
    /// The lowest severity of a new finding that makes the exit code 1 [default: error]
    #[arg(long, value_name = "SEVERITY", help_heading = "Report")]
    pub fail_on: Option<FailOn>,
    /// Show only findings of at least this confidence [default: low]
    #[arg(long, value_name = "CONFIDENCE", help_heading = "Report")]
    pub min_confidence: Option<MinConfidence>,
    /// Which rules run.
    #[command(flatten)]
    pub chosen: RuleSelectionArgs,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Report")]
    pub color: Color,
}

impl UpgradeArgs {
    /// Takes from a configuration what no flag says.
    pub fn configure(&mut self, config: Option<Arc<Config>>) {
        if let Some(settings) = config.as_deref().map(|config| &config.settings) {
            self.fail_on = self.fail_on.or_else(|| configured(settings.fail_on.as_deref()));
            self.min_confidence = self.min_confidence.or_else(|| configured(settings.min_confidence.as_deref()));
        }
        self.sources.config = config;
    }
}

/// Formats of `upgrade`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum UpgradeOutput {
    /// The steps, for people.
    Table,
    /// The steps as JSON: karpcheck.upgrade/v1alpha1.
    Json,
    /// The steps, for a pull request or a ticket.
    Markdown,
    /// What to add to the files, as a unified diff.
    Diff,
}

/// A hop and the results after it.
struct CheckedHop {
    /// The version that it ends at, as it is written.
    to: String,
    stop: Option<&'static upgrade_path::Stop>,
    inventory: Arc<Inventory>,
    /// What is new at its end.
    new: CheckResults,
}

/// Checks before the upgrade and after each hop of it, and prints what differs.
pub fn run(args: &UpgradeArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.chosen.pack, args.sources.config.as_ref())?;
    let selected = packs.select(&args.chosen)?;
    let gather_scope = rule_selection::gather_scope(&selected);
    let read = match gathering::gather(&args.sources, &args.aws, &gather_scope, &packs.problems, streams)? {
        Gathered::Read(read) => *read,
        Gathered::Planned(exit) => return Ok(exit),
    };
    let Read { builder, files, answers } = read;
    let inventory = Arc::new(gathering::inventory(builder.clone(), &args.sources)?);
    let started = match started(&inventory, &args.to) {
        Ok(started) => started,
        // The version is unknown since the cluster could not be read: that problem is the message.
        Err(_) if inventory.problems().iter().any(|problem| problem.is_fatal()) => {
            return gathering::write_problems(builder, streams);
        }
        Err(why) => return Err(CommandError::Usage(why)),
    };
    let today = Arc::clone(&inventory);
    let report = RunReport::new(&packs, &selected, &args.sources, &files, answers, &inventory);
    // A page of markdown is read elsewhere; what JSON says of places is so anyway.
    let report = if args.output == UpgradeOutput::Markdown { report.elsewhere() } else { report };
    let least: Confidence = args.min_confidence.unwrap_or(MinConfidence::Low).into();
    let acceptance = Acceptance { packs: &packs, audit: false, in_part: true };
    let judge = |inventory: &Arc<Inventory>| -> Result<CheckResults, CommandError> {
        let mut results = engine::run_rules(&packs.engine, &selected, inventory);
        results.findings.retain(|finding| finding.confidence >= least);
        acceptance.apply(inventory, &mut results)?;
        Ok(results)
    };
    let mut now = judge(&inventory)?;

    let from = started.iter().map(|started| started.minor).min().unwrap_or_default();
    let to = minor(&args.to).unwrap_or_default();
    let mut known = ReportedFindings::of(&inventory, &now);
    let mut hops: Vec<CheckedHop> = vec![];
    let mut edits: Vec<(Arc<Inventory>, Vec<Edit>)> = vec![];
    let mut last = None;
    for (stop, version) in upgrade_path::hops(from, to, &args.to) {
        let mut aimed = builder.clone();
        aimed.set_target_version(version);
        let inventory = Arc::new(gathering::inventory(aimed.clone(), &args.sources)?);
        let judged = judge(&inventory)?;
        for fault in judged.faults.iter().filter(|fault| !now.faults.contains(fault)).cloned().collect::<Vec<_>>() {
            now.faults.push(fault);
        }
        let mut new = CheckResults { findings: known.take_new(&inventory, &judged), ..CheckResults::default() };
        let own: Vec<Edit> = new.findings.iter().flat_map(|finding| finding.edits.clone()).collect();
        edits.push((Arc::clone(&inventory), own));
        prove(aimed, &edits, &known, (&packs.engine, &selected), &mut new);
        compare::mark_worse(&today, &now, &inventory, &mut new.findings);
        new.trace(report.rules());
        hops.push(CheckedHop { to: version.to_owned(), stop, inventory, new });
        last = Some(judged);
    }
    let (Some(last), Some(end)) = (last, hops.last().map(|hop| Arc::clone(&hop.inventory))) else {
        return Ok(Exit::Clean);
    };

    // Items have the same numbers at every version: what is derived comes last.
    let all = CheckResults {
        findings: hops.iter().flat_map(|hop| hop.new.findings.iter().cloned()).collect(),
        ..CheckResults::default()
    };
    let Fixes { files: patched, not_shown, .. } = fix_verification::patched(&end, &all);
    let undecided =
        |results: &CheckResults| results.findings.iter().filter(|finding| finding.outcome == Outcome::Unknown).count();
    let solved = CheckResults { findings: compare::solved(&inventory, &now, &end, &last), ..CheckResults::default() };
    let mut before = from;
    let upgrade = shown::Upgrade {
        now: report.run(&inventory, &now),
        all: report.run(&end, &all),
        solved: report.run(&inventory, &solved),
        hops: hops
            .iter()
            .map(|hop| {
                let until = minor(&hop.to).unwrap_or(to);
                let notes = upgrade_path::notes(std::mem::replace(&mut before, until), until).into_iter();
                Hop {
                    run: report.run(&hop.inventory, &hop.new),
                    to: &hop.to,
                    kubernetes: parts(&hop.to)
                        .and_then(supported)
                        .map(|(oldest, newest)| (written(oldest), written(newest))),
                    stop: hop.stop.map(|stop| Stop { version: stop.any_patch(), why: stop.why, source: stop.source }),
                    notes: notes
                        .map(|note| Note { since: written(note.since), text: note.text, source: note.source })
                        .collect(),
                }
            })
            .collect(),
        obsolete: unused_permissions(&inventory, from, to)
            .into_iter()
            .map(|UnusedPermission { item, pointer, action, why }| Obsolete { item, pointer, action, why })
            .collect(),
        still_open: undecided(&last).saturating_sub(undecided(&all)),
        beyond: (to > NEWEST).then(|| written(NEWEST)),
        from: started,
        to: &args.to,
        files: patched,
        not_shown,
    };
    ignore_broken_pipe(match args.output {
        UpgradeOutput::Table => {
            let color = args.color.enabled(streams.width.is_some());
            shown::table(&upgrade, streams.width, color, streams.out)
        }
        UpgradeOutput::Json => shown::json(&upgrade, streams.out),
        UpgradeOutput::Markdown => shown::markdown(&upgrade, streams.out),
        UpgradeOutput::Diff => shown::diff(&upgrade, streams.out, streams.err),
    })?;
    Ok(ending::exit(&inventory, &now.faults, &all.findings, args.fail_on))
}

/// The controllers and the versions that they run.
///
/// # Errors
/// No controller runs a known version, or the target is not later than the version of one. The text says which.
fn started(inventory: &Inventory, to: &str) -> Result<Vec<Started>, String> {
    let target = parts(to).ok_or_else(|| format!("--to {to} is no version of Karpenter"))?;
    let state = "--karpenter-version states it: --karpenter-version 1.0.14";
    let mut found = vec![];
    let mut ahead = vec![];
    for (_, item) in inventory.items().filter(|(_, item)| &*item.kind == kinds::CONTROLLER) {
        let name = match item.namespace.as_deref() {
            Some(namespace) => format!("{namespace}/{}", item.name),
            None => item.name.to_string(),
        };
        let Some(version) = item.body.str_at(&["Version"]) else {
            return Err(format!("the version of Karpenter that controller {name} runs is not known; {state}"));
        };
        let Some(running) = parts(version) else {
            return Err(format!("{version}, which controller {name} runs, is no version of Karpenter; {state}"));
        };
        if running >= target {
            ahead.push(format!("controller {name} runs {version}"));
        } else {
            found.push(Started { name, version: version.to_owned(), minor: (running.0, running.1) });
        }
    }
    match (found.is_empty(), ahead.first()) {
        (true, None) => {
            // A controller that may not be read is not absent.
            let hidden = inventory
                .missing(kinds::CONTROLLER)
                .filter(|unknown| unknown.reason.cause.is_unanswered())
                .map_or_else(String::new, |unknown| format!(" ({})", unknown.reason));
            Err(format!("no controller of Karpenter was found{hidden}, so the version that runs is not known; {state}"))
        }
        (true, Some(ahead)) => Err(format!("{ahead}: --to {to} is no upgrade, it takes a later version")),
        (false, Some(ahead)) => {
            Err(format!("{ahead}, others an earlier version: name the one to upgrade by its own files or context"))
        }
        (false, None) => Ok(found),
    }
}

/// Makes all edits up to this hop in memory, runs the rules again and notes the outcome on each finding.
fn prove(
    mut aimed: Builder,
    edits: &[(Arc<Inventory>, Vec<Edit>)],
    known: &ReportedFindings,
    (engine, selected): (&Engine, &[Selected<'_>]),
    new: &mut CheckResults,
) {
    let Some((inventory, own)) = edits.last() else { return };
    if own.is_empty() {
        return;
    }
    let mut made = true;
    for (inventory, edits) in edits {
        made &= aimed.edit(inventory, edits);
    }
    let mut after = karpenter::inventory(aimed);
    after.choose_like(inventory);
    let after = Arc::new(after);
    let judged = engine::run_rules(engine, selected, &after);
    let mut stays = ReportedFindings::of(&after, &judged);
    let reveals: Vec<String> = known
        .clone()
        .take_new(&after, &judged)
        .iter()
        .filter(|finding: &&Finding| finding.outcome == Outcome::Fail)
        .map(|finding| format!("{}: {}", finding.rule, finding.message))
        .collect();
    let mut reveals = Some(reveals).filter(|reveals| !reveals.is_empty());
    for finding in new.findings.iter_mut().filter(|finding| !finding.edits.is_empty()) {
        finding.cure = Some(if stays.take(inventory, finding) {
            FixOutcome::NotEnough(finding.sentence().into_owned())
        } else if !made {
            FixOutcome::NotTried("the place of an edit was not found".into())
        } else {
            reveals.take().map_or(FixOutcome::Cleared, FixOutcome::Reveals)
        });
    }
}
