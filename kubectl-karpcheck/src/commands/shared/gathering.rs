//! Reading the sources of a command: files, a cluster, AWS.

use crate::commands::shared::args::{AwsArgs, AwsMode, FactArgs, SourceArgs};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::paths::expand;
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::exit::Exit;
use crate::inventory::{Builder, Inventory, Problem, Scope, Stated};
use crate::karpenter;
use crate::report;
use crate::schema::kinds::GatherScope;
use crate::sources;
use crate::sources::FileSummary;
use crate::sources::aws_cli::AwsSummary;

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// The inventory in the making.
    pub builder: Builder,
    /// What was read of files.
    pub files: FileSummary,
    /// What AWS was asked.
    pub answers: AwsSummary,
}

/// The result of gathering.
#[derive(Debug)]
pub enum Gathered {
    /// What was read.
    Read(Box<Read>),
    /// `--aws=plan`: the commands were printed, and the run ends.
    Planned(Exit),
}

/// Reads files and the cluster.
///
/// # Errors
/// With `--offline` and no file.
pub fn read(
    args: &SourceArgs,
    gather_scope: &GatherScope,
    problems: &[Problem],
    streams: &mut Streams<'_>,
) -> Result<Read, CommandError> {
    if args.offline && args.filename.is_empty() && args.kustomize.is_empty() {
        return Err(CommandError::Usage("--offline reads files alone: name some with -f".into()));
    }
    let mut builder = Builder::new(stated(&args.facts));
    problems.iter().cloned().for_each(|problem| builder.problem(problem));
    let paths = expand(&args.filename);
    let named = sources::Named {
        paths: &paths,
        exclude: &args.exclude,
        kustomizations: &args.kustomize,
        parameters: &args.facts.parameter,
        allow_unread: args.allow_unread,
    };
    let files = sources::files(named, gather_scope, &mut builder, streams.input);
    if !args.offline {
        sources::cluster::gather(&args.cluster.options(), gather_scope, &mut builder, &mut progress(streams));
    }
    Ok(Read { builder, files, answers: AwsSummary::default() })
}

/// Reads files and the cluster, and asks AWS about what they name, if the flags say so.
///
/// # Errors
/// As [`read`]; or the plan could not be printed.
pub fn gather(
    args: &SourceArgs,
    aws: &AwsArgs,
    gather_scope: &GatherScope,
    problems: &[Problem],
    streams: &mut Streams<'_>,
) -> Result<Gathered, CommandError> {
    let mut read = read(args, gather_scope, problems, streams)?;
    // --offline is about clusters: with --aws, AWS is asked all the same.
    let cluster = (!args.offline).then(|| args.cluster.options());
    match aws.aws {
        None => {}
        Some(AwsMode::Ask) => {
            read.answers = sources::aws_cli::gather(
                &aws.options(),
                cluster.as_ref(),
                gather_scope,
                &mut read.builder,
                &mut progress(streams),
            );
        }
        Some(AwsMode::Plan) => {
            let text = sources::aws_cli::planned(&aws.options(), cluster.as_ref(), gather_scope, &read.builder);
            ignore_broken_pipe(streams.out.write_all(text.as_bytes()))?;
            return Ok(Gathered::Planned(write_problems(read.builder, streams)?));
        }
    }
    Ok(Gathered::Read(Box::new(read)))
}

fn progress<'a>(streams: &'a mut Streams<'_>) -> impl FnMut(&str) + 'a {
    let (wanted, err) = (streams.progress, &mut *streams.err);
    move |line| {
        if wanted {
            // Failing to write progress must not stop the run.
            let _ = writeln!(err, "{line}");
        }
    }
}

/// The inventory of what was read, with the scopes chosen that the flags name.
///
/// # Errors
/// No scope has such a name.
pub fn inventory(builder: Builder, args: &SourceArgs) -> Result<Inventory, CommandError> {
    let mut inventory = karpenter::inventory(builder);
    inventory.choose(&args.scope).map_err(|pattern| {
        let names: Vec<&str> = inventory.scopes().iter().map(Scope::name).take(20).collect();
        let more = inventory.scopes().len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        CommandError::Usage(format!("--scope {pattern}: no scope has this name; there are {}{more}", names.join(", ")))
    })?;
    let nameless: Vec<&str> =
        inventory.scopes().iter().filter(|scope| scope.is_chosen() && scope.is_nameless()).map(Scope::name).collect();
    if args.facts.cluster_name.is_some() && nameless.len() > 1 {
        return Err(CommandError::Usage(format!(
            "--cluster-name is meant for one cluster, and {} do not say their name: {}; choose one with --scope",
            nameless.len(),
            nameless.join(", ")
        )));
    }
    Ok(inventory)
}

/// Writes what could not be read, for commands without a report.
///
/// # Errors
/// It could not be written.
pub fn write_problems(builder: Builder, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let inventory = karpenter::inventory(builder);
    let mut exit = Exit::Clean;
    for problem in inventory.problems().iter().filter(|problem| problem.is_incomplete()) {
        writeln!(streams.err, "{}", report::problem(&inventory, problem))?;
        if problem.is_fatal() {
            exit = Exit::NotDone;
        }
    }
    Ok(exit)
}

fn stated(facts: &FactArgs) -> Stated {
    Stated {
        karpenter_version: facts.karpenter_version.clone(),
        target: None,
        chart_version: facts.chart_version.clone(),
        cluster_name: facts.cluster_name.clone(),
        account: facts.account.clone(),
        region: facts.region.clone(),
        partition: facts.partition.clone(),
    }
}
