//! Reading the sources of a command: files, a cluster, AWS.

use std::collections::BTreeMap;
use std::io;
use std::io::Read as _;
use std::sync::Arc;

use crate::commands::shared::args::{AwsArgs, AwsMode, FactArgs, SourceArgs};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::paths::expand;
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::config::Config;
use crate::exit::Exit;
use crate::inventory::problem::{ClusterProblem, FlagProblem};
use crate::inventory::{
    Builder, Inventory, Problem, Scope, ScopePattern, ScopedFacts, SettingPlace, Stated, StatedFact,
};
use crate::karpenter;
use crate::report;
use crate::schema::aws::partition_of;
use crate::schema::kinds::GatherScope;
use crate::sources;
use crate::sources::aws::AwsSummary;
use crate::sources::{FileSummary, snapshot};

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
    let mut builder = Builder::new(stated(&args.facts, args.config.as_deref()));
    problems.iter().cloned().for_each(|problem| builder.problem(problem));
    streams.progress.say("reading files");
    let found = snapshot::find(&expand(&args.filename));
    let mut files = FileSummary::default();
    if !found.others.is_empty() || !args.kustomize.is_empty() {
        let named = sources::Named {
            paths: &found.others,
            exclude: &args.exclude,
            exclude_beside: args.config.as_deref().map(|config| (config.folder(), &*config.settings.exclude)),
            kustomizations: &args.kustomize,
            holding: &found.folders,
            allow_unread: args.allow_unread || args.config.as_ref().is_some_and(|config| config.settings.allow_unread),
        };
        let mut kept = vec![];
        if builder.stated().is_scoped_for_files() {
            let mut first = builder.clone();
            let mut input = Recording { inner: &mut *streams.input, kept: &mut kept };
            sources::files(named, gather_scope, &mut first, &mut input);
            builder.set_stated_of_units(karpenter::stated_of_units(&first));
        }
        let mut input = kept.as_slice().chain(&mut *streams.input);
        files = sources::files(named, gather_scope, &mut builder, &mut input);
    }
    for (name, _) in &args.facts.parameter {
        if !builder.has_parameter(name) {
            builder.problem(Problem::new(FlagProblem::Parameter { name: name.as_str().into() }, None));
        }
    }
    let mine = |number: usize| args.shard.is_none_or(|shard| number % shard.count == shard.index);
    let mut snapshots = vec![];
    for (_, path) in found.snapshots.iter().enumerate().filter(|(number, _)| mine(*number)) {
        files.files += 1;
        snapshots.extend(snapshot::read(path, &mut builder));
    }
    let options = args.cluster.options();
    let mut progress = progress(streams);
    let live = (!args.offline).then_some((&options, &mut progress as &mut dyn FnMut(&str)));
    let answers = snapshot::take_in(live, snapshots, found.snapshots.len() > 1, gather_scope, &mut builder);
    Ok(Read { builder, files, answers })
}

/// Standard input that is read again: files are read twice where the configuration has facts for single scopes.
struct Recording<'a> {
    inner: &'a mut dyn io::Read,
    kept: &'a mut Vec<u8>,
}

impl io::Read for Recording<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.kept.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
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
    let facts = args.facts();
    if let (Some(region), Some(partition)) = (&facts.region, &facts.partition)
        && let Some(own) = partition_of(region)
        && own != partition
    {
        return Err(CommandError::Usage(format!("region {region} is in partition {own}, not in {partition}")));
    }
    let mut read = read(args, gather_scope, problems, streams)?;
    // --offline is about clusters: with --aws, AWS is asked all the same.
    match aws.aws {
        None => {}
        Some(AwsMode::Ask) => {
            let options = aws.options(args.config.as_deref());
            read.answers = sources::aws::gather(&options, gather_scope, &mut read.builder, &mut progress(streams));
        }
        Some(AwsMode::Plan) => {
            let options = aws.options(args.config.as_deref());
            let text = sources::aws::planned(&options, gather_scope, &read.builder);
            ignore_broken_pipe(streams.out.write_all(text.as_bytes()))?;
            return Ok(Gathered::Planned(write_problems(read.builder, streams)?));
        }
    }
    if sources::interrupt::is_raised() {
        read.builder.problem(Problem::new(ClusterProblem::Interrupted, None));
    }
    Ok(Gathered::Read(Box::new(read)))
}

/// Says what is going on where there is somebody to read it.
pub fn progress(streams: &Streams<'_>) -> impl FnMut(&str) + use<> {
    let progress = streams.progress.clone();
    move |line| progress.say(line)
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
    if args.facts().cluster_name.is_some() && nameless.len() > 1 {
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

/// What the flags state, and under them the configuration: of all scopes, and of single ones.
fn stated(flags: &FactArgs, config: Option<&Config>) -> Stated {
    let mut stated = Stated::from(flags.with(config));
    let Some(config) = config else { return stated };
    let by_flags = Stated::from(flags.clone());
    let of_flag = |fact: StatedFact| by_flags.value(fact).is_some();
    stated.places = places(config, "facts");
    stated.places.retain(|fact, _| !of_flag(*fact));
    let contexts = (0..).zip(&config.settings.contexts).map(|(number, of): (usize, _)| {
        let facts = Stated {
            karpenter_version: of.karpenter_version.clone(),
            cluster_name: of.cluster_name.clone(),
            account: of.account.clone(),
            region: of.region.clone(),
            partition: of.partition.clone(),
            places: places(config, &format!("contexts/{number}")),
            ..Stated::default()
        };
        ScopedFacts { of: ScopePattern::Context(of.name.clone()), facts }
    });
    let by_flag = |name: &str| flags.parameter.iter().any(|(flag, _)| flag == name);
    let scopes = (0..).zip(&config.settings.scopes).map(|(number, of): (usize, _)| {
        let parameters = of.parameters.iter().filter(|(name, _)| !by_flag(name));
        let facts = Stated {
            karpenter_version: of.karpenter_version.clone(),
            chart_version: of.chart_version.clone(),
            cluster_name: of.cluster_name.clone(),
            account: of.account.clone(),
            region: of.region.clone(),
            partition: of.partition.clone(),
            parameters: parameters.map(|(name, value)| (name.clone(), value.clone())).collect(),
            places: places(config, &format!("scopes/{number}")),
            ..Stated::default()
        };
        ScopedFacts { of: ScopePattern::Scope(of.name.clone()), facts }
    });
    stated.scoped = contexts.chain(scopes).collect();
    // A flag counts before every entry.
    for scoped in &mut stated.scoped {
        StatedFact::ALL.into_iter().filter(|fact| of_flag(*fact)).for_each(|fact| scoped.facts.forget(fact));
    }
    stated
}

/// Where a table of the configuration states facts.
fn places(config: &Config, table: &str) -> BTreeMap<StatedFact, SettingPlace> {
    let file: Arc<str> = config.file_shown().into();
    let place = |fact: StatedFact| {
        let (line, column) = config.position(&format!("{table}/{}", fact.flag().trim_start_matches('-')))?;
        Some((fact, SettingPlace { file: Arc::clone(&file), line, column }))
    };
    StatedFact::ALL.into_iter().filter_map(place).collect()
}
