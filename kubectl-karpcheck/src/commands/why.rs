//! `why`: how a rule came to its verdicts.

use std::collections::HashMap;
use std::sync::Arc;

use clap::Args;

use crate::commands::shared::args::{AwsArgs, ListOutput, SourceArgs};
use crate::commands::shared::ending;
use crate::commands::shared::error::CommandError;
use crate::commands::shared::gathering;
use crate::commands::shared::gathering::Gathered;
use crate::commands::shared::item_names::is_called;
use crate::commands::shared::rule_selection;
use crate::commands::shared::rule_selection::{Assignment, PackArg, RuleSelectionArgs, assignment, pack_parser};
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::engine;
use crate::engine::Recorder;
use crate::exit::Exit;
use crate::iam::{Decision, Evaluator, Request, StatementTrail};
use crate::inventory::ItemId;
use crate::report;
use crate::report::{Answered, Reasons};

/// The flags of `why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The rule
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// Only this subject: Kind/name, or a name
    #[arg(value_name = "OBJECT")]
    pub object: Option<String>,
    /// A rule pack in addition to the built-in one, under its own name or NAME; repeatable
    #[arg(long, value_name = "[NAME=]FILE", value_parser = pack_parser())]
    pub pack: Vec<PackArg>,
    /// Set a setting of the rule: RULE.NAME=VALUE; repeatable
    #[arg(long, value_name = "RULE.NAME=VALUE", value_parser = assignment)]
    pub set: Vec<Assignment>,
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// Also show the statements about other actions
    #[arg(long)]
    pub all: bool,
    /// The format of the answer
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

/// A request, the context that it names, the decision and its trail.
type Answer = (Request, Vec<String>, Decision, Vec<StatementTrail>);

/// Runs one rule and shows what it asked of IAM for each subject, passes included.
pub fn run(args: &WhyArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let mut packs = rule_selection::load(&args.pack, args.sources.config.as_ref())?;
    let recorder = Recorder::default();
    packs.engine = packs.engine.recorded(recorder.clone());
    let rule = packs.rule(&args.rule)?;
    let selected = packs.select(&RuleSelectionArgs {
        rule: vec![format!("{}/{}", rule.pack, rule.id)],
        set: args.set.clone(),
        ..RuleSelectionArgs::default()
    })?;
    let gather_scope = rule_selection::gather_scope(&selected);
    let inventory = match gathering::gather(&args.sources, &args.aws, &gather_scope, &packs.problems, streams)? {
        Gathered::Read(read) => Arc::new(gathering::inventory(read.builder, &args.sources)?),
        Gathered::Planned(exit) => return Ok(exit),
    };
    let results = engine::run_rules(&packs.engine, &selected, &inventory);
    let (mut judged, dropped) = recorder.take();
    if let Some(object) = &args.object {
        judged.retain(|one| inventory.item(one.subject).is_some_and(|item| is_called(item, object)));
        if judged.is_empty() {
            return Err(CommandError::Usage(format!(
                "{} has no subject {object} in what was read; leave it out to see all",
                args.rule
            )));
        }
    }
    let answers: Vec<Vec<Answer>> = judged
        .iter()
        .map(|one| {
            let evaluator = Evaluator::new(inventory.scope(one.subject).unwrap_or_else(|| inventory.first()));
            let answer = |question| {
                let request = evaluator.prepare(question).0;
                (request, evaluator.stated(question), evaluator.decide(question), evaluator.trail(question))
            };
            one.requests.iter().map(answer).collect()
        })
        .collect();
    let mut messages: HashMap<ItemId, Vec<String>> = HashMap::new();
    for finding in &results.findings {
        messages.entry(finding.subject).or_default().push(finding.sentence().into_owned());
    }
    let reasons: Vec<Reasons<'_>> = judged
        .iter()
        .zip(&answers)
        .map(|(one, answers)| Reasons {
            subject: one.subject,
            verdict: one.verdict.unwrap_or("unknown"),
            messages: messages.get(&one.subject).cloned().unwrap_or_default(),
            answers: answers
                .iter()
                .map(|(request, context, decision, trail)| Answered { request, context, decision, trail })
                .collect(),
        })
        .collect();
    let skipped = results.coverage.iter().find_map(|coverage| coverage.shortfall());
    ignore_broken_pipe(match args.output {
        ListOutput::Table => {
            let skipped = skipped.as_deref();
            report::why_table(&inventory, &args.rule, &reasons, skipped, args.all, streams.width, streams.out)
        }
        ListOutput::Json => report::why_json(&inventory, &args.rule, &reasons, skipped.as_deref(), streams.out),
    })?;
    if dropped > 0 {
        writeln!(streams.err, "warning: the rule asked IAM {dropped} times more than is kept; these are not shown")?;
    }
    for fault in &results.faults {
        writeln!(streams.err, "error: {fault}")?;
    }
    Ok(ending::exit(&inventory, &results.faults, [], None))
}
