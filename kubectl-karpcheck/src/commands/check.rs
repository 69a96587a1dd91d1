//! `check`: gather, judge, report.

use std::sync::Arc;

use crate::cli::{CheckArgs, Color, FactArgs, Output, RequireComplete};
use crate::commands;
use crate::commands::shared::gathering;
use crate::commands::shared::gathering::{Gathered, Read};
use crate::commands::shared::{fix_verification, rule_selection};
use crate::commands::{CommandError, Streams};
use crate::engine;
use crate::exit::Exit;
use crate::findings::finding::{CheckResults, Confidence, RuleInfo};
use crate::inventory::{Cause, Inventory};
use crate::report;
use crate::report::{Run, Sources};

/// Checks what the flags name and prints the report.
pub fn run(args: &CheckArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let packs = rule_selection::load(&args.chosen.pack)?;
    let selected = packs.select(&args.chosen)?;
    let plan = rule_selection::plan(&selected);
    let read = match gathering::gather(&args.sources, &args.aws, &plan, &packs.problems, streams)? {
        Gathered::Read(read) => *read,
        Gathered::Planned(exit) => return Ok(exit),
    };
    let Read { builder, files, answers } = read;
    let gathered = args.verify_fixes.then(|| builder.clone());
    let inventory = Arc::new(builder.build());
    let mut judgement = engine::judge(&packs.engine, &selected, &inventory);
    let least: Confidence = args.min_confidence.into();
    judgement.findings.retain(|finding| finding.confidence >= least);
    if let Some(gathered) = gathered {
        fix_verification::verify(&gathered, &inventory, &packs.engine, &selected, &mut judgement);
    }

    let rules: Vec<RuleInfo> = selected.iter().map(|selected| selected.rule.clone()).collect();
    judgement.trace(&rules);
    let named: Vec<(String, String)> =
        packs.packs.iter().map(|pack| (pack.name().to_owned(), pack.digest().to_owned())).collect();
    let assumed = assumed(&args.sources.facts);
    let run = Run {
        inventory: &inventory,
        judgement: &judgement,
        rules: &rules,
        packs: &named,
        assumed: &assumed,
        at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        sources: Sources {
            files: count(files.files),
            documents: count(files.documents),
            left_alone: count(files.left_alone.values().sum()),
            objects: inventory.items().filter(|(_, item)| inventory.cluster(item.cluster).is_some()).count(),
            asked: answers.calls,
        },
    };
    commands::ignore_broken_pipe(match args.output {
        Output::Table => report::table(&run, streams.width, colored(args.color, streams.width.is_some()), streams.out),
        Output::Wide => report::wide(&run, streams.width, colored(args.color, streams.width.is_some()), streams.out),
        Output::Json => report::json(&run, streams.out),
        Output::Yaml => report::yaml(&run, streams.out),
        Output::Name => report::name(&run, streams.out, streams.err),
        Output::Sarif => report::sarif(&run, streams.out),
        Output::Junit => report::junit(&run, streams.out),
        Output::Github => report::github(&run, streams.out),
        Output::Markdown => report::markdown(&run, streams.out),
        Output::Html => report::html(&run, streams.out),
        Output::Diff => {
            let (files, not_shown) = fix_verification::patched(&inventory, &judgement);
            report::diff(&run, &files, &not_shown, streams.out, streams.err)
        }
    })?;
    let exit = exit(args, &inventory, &judgement, &report::summary(&run));
    // The process ends here: freeing every node of a large inventory by itself takes longer than some rules.
    std::mem::forget(inventory);
    Ok(exit)
}

/// A number of the readers as one of the report.
pub fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn exit(args: &CheckArgs, inventory: &Inventory, judgement: &CheckResults, summary: &report::Summary) -> Exit {
    // A rule that crashed said nothing of what it was to judge.
    if inventory.problems().iter().any(|problem| problem.fatal) || !judgement.faults.is_empty() {
        return Exit::NotDone;
    }
    if let Some(least) = args.fail_on.severity()
        && judgement.findings.iter().any(|finding| finding.severity >= least)
    {
        return Exit::Findings;
    }
    let nothing_missing = || {
        judgement
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

/// What flags state, by the names in JSON.
pub fn assumed(facts: &FactArgs) -> Vec<(&'static str, String)> {
    let told = [
        ("karpenterVersion", &facts.karpenter_version),
        ("chartVersion", &facts.chart_version),
        ("clusterName", &facts.cluster_name),
        ("account", &facts.account),
        ("region", &facts.region),
        ("partition", &facts.partition),
    ];
    told.into_iter().filter_map(|(name, value)| value.clone().map(|value| (name, value))).collect()
}

/// Colour by flag, else by the terminal and what the environment asks for (<https://no-color.org>).
pub fn colored(color: Color, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => (terminal && !set("NO_COLOR")) || set("CLICOLOR_FORCE"),
    }
}
