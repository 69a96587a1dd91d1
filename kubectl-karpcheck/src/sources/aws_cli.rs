//! AWS itself: what its `aws` CLI answers, saved to files or asked for now.
//!
//! ```text
//! inventory -> schedule (what it names) -> executor: the CLI, in rounds -> responses -> drafts
//!                                      -> dry_run: the commands            ^
//!                                      -> collect_script: a folder --------+
//! ```
//!
//! What there is to ask stands in one table, [`aws_calls`](crate::schema::aws_calls). Nothing is ever written to AWS, and
//! no credential is read: the CLI that the user has finds its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::inventory::problem::{AwsProblem, Times as Repeated};
use crate::inventory::{At, AwsOrigin, Builder, ClusterId, Inventory, Origin, Problem};
use crate::karpenter;
use crate::schema::kinds::GatherScope;
use crate::sources::cluster::ClusterOptions;

use crate::formats::json;
use crate::formats::json::Base;
use call::{Call, Times};
use executor::{CallFailure, CallOutcome, Cli};
use responses::{Asked, Outcome};
use schedule::Seeds;

pub(crate) mod account_region;
mod call;
mod cli_error;
mod collect_script;
mod dry_run;
mod executor;
pub(crate) mod responses;
mod schedule;

/// As whom AWS is asked, and how long an answer may take.
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// Profiles of the `aws` CLI: `NAME` for every context, `CONTEXT=NAME` for one.
    pub profiles: Vec<String>,
    /// How long to wait for one answer.
    pub timeout: Duration,
}

/// How much was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AwsSummary {
    /// Questions that were put, whatever came of them.
    pub calls: usize,
    /// Bytes of their answers.
    pub bytes: usize,
}

/// A context, and how its AWS is reached.
#[derive(Clone, Debug)]
struct Target {
    /// For messages; empty where only files are read.
    context: String,
    cluster: ClusterId,
    profile: Option<String>,
    region: Option<String>,
    account: Option<String>,
}

/// The contexts of an inventory, each with what is said of its AWS.
fn targets(
    inventory: &Inventory,
    profiles: &[String],
    cluster: Option<&ClusterOptions>,
    builder: &Builder,
) -> Vec<Target> {
    let of_kubeconfig = cluster.map(super::cluster::aws_login).unwrap_or_default();
    let stated = builder.stated();
    let mut clusters: Vec<(String, ClusterId)> = (1..)
        .zip(inventory.clusters())
        .map(|(number, cluster)| (cluster.context.to_string(), ClusterId(number)))
        .collect();
    if clusters.is_empty() {
        clusters.push((String::new(), ClusterId::FILES));
    }
    clusters
        .into_iter()
        .map(|(context, cluster)| {
            let home = schedule::home(inventory, cluster);
            let own = profiles.iter().find_map(|word| word.strip_prefix(&format!("{context}=")));
            let all = profiles.iter().rev().find(|word| !word.contains('='));
            let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
            Target {
                profile: own.or(all.map(String::as_str)).map(str::to_owned).or_else(|| of_kubeconfig.profile.clone()),
                region: home
                    .region
                    .or_else(|| of_kubeconfig.region.clone())
                    .or_else(|| stated.region.clone())
                    .or_else(|| environment("AWS_REGION"))
                    .or_else(|| environment("AWS_DEFAULT_REGION")),
                account: home.account.or_else(|| stated.account.clone()),
                context,
                cluster,
            }
        })
        .collect()
}

/// Asks AWS what the chosen rules read, about what was gathered so far. What goes wrong becomes a problem.
///
/// `cluster` are the flags that the cluster was asked with; none where files alone are read.
pub fn gather(
    options: &AwsOptions,
    cluster: Option<&ClusterOptions>,
    gather_scope: &GatherScope,
    builder: &mut Builder,
    progress: &mut dyn FnMut(&str),
) -> AwsSummary {
    // What the objects name is known when they are joined.
    let inventory = karpenter::inventory(builder.clone());
    let mut summary = AwsSummary::default();
    for mut target in targets(&inventory, &options.profiles, cluster, builder) {
        let seeds = schedule::seeds(&inventory, gather_scope, target.cluster);
        if target.region.is_none() {
            target.region = Cli::new(&target, options.timeout).own_region();
        }
        let cli = Cli::new(&target, options.timeout);
        ask(&cli, &target, &seeds, gather_scope, builder, progress, &mut summary);
    }
    summary
}

fn ask(
    cli: &Cli,
    target: &Target,
    seeds: &Seeds,
    gather_scope: &GatherScope,
    builder: &mut Builder,
    progress: &mut dyn FnMut(&str),
    summary: &mut AwsSummary,
) {
    let times = Times::until(jiff::Timestamp::now());
    let mut taken = Taken {
        target,
        account: target.account.clone(),
        times: &times,
        gather_scope,
        builder,
        refused: BTreeMap::new(),
        failed: BTreeMap::new(),
    };
    taken.strange(&seeds.strange);
    if seeds.topics.is_empty() {
        return taken.problem(AwsProblem::NothingToAsk);
    }
    let nothing = |taken: &mut Taken<'_>, problem: AwsProblem| {
        let why = CallFailure::NotAsked(problem.to_string());
        taken.problem(problem);
        for call in first(seeds, gather_scope) {
            taken.take(&call, CallOutcome::Failed(why.clone()));
        }
    };
    progress("asking AWS");
    let (identity, account, text) = match cli.account(&times) {
        Ok(identity) => identity,
        Err(why) => return nothing(&mut taken, AwsProblem::NotAsked { why: why.to_string().into() }),
    };
    summary.calls += 1;
    summary.bytes += text.len();
    if let Some(expected) = target.account.as_deref().filter(|expected| **expected != account) {
        let (account, expected) = (account.into(), expected.into());
        return nothing(&mut taken, AwsProblem::OtherAccount { account, expected });
    }
    if target.region.is_none() {
        return nothing(&mut taken, AwsProblem::NoRegion);
    }
    // What was asked about was looked for there, so that is where it lives.
    let origin = Origin::Aws(Box::new(AwsOrigin {
        account: account.as_str().into(),
        region: target.region.as_deref().unwrap_or_default().into(),
        command: executor::shown(&identity, &times).into(),
    }));
    taken.builder.set_location(target.cluster, target.region.as_deref(), Some(&account), origin);
    taken.account = Some(account);
    taken.take(&identity, CallOutcome::Answer(text));
    let results = cli.follow(seeds, gather_scope, &times, progress);
    taken.strange(&results.strange);
    for (call, came) in results.came {
        summary.calls += 1;
        if let CallOutcome::Answer(text) = &came {
            summary.bytes += text.len();
        }
        taken.take(&call, came);
    }
    taken.report_failures(results.stopped.as_ref());
    if let Some(why) = results.stopped {
        taken.problem(AwsProblem::NotAsked { why: why.to_string().into() });
    }
    if results.left > 0 {
        taken.problem(AwsProblem::QuestionsLeft { asked: executor::MOST, left: results.left });
    }
}

/// The calls that need no earlier answer.
fn first(seeds: &Seeds, gather_scope: &GatherScope) -> Vec<Call> {
    let of = |(topic, values): &(crate::schema::aws_calls::Topic, Vec<String>)| {
        let values = values.clone();
        crate::schema::aws_calls::about(gather_scope, *topic)
            .map(move |operation| Call { operation, values: values.clone() })
    };
    seeds.topics.iter().flat_map(of).collect()
}

/// What came is handed to the reader of answers, and what did not come is told.
struct Taken<'a> {
    target: &'a Target,
    account: Option<String>,
    times: &'a Times,
    gather_scope: &'a GatherScope,
    builder: &'a mut Builder,
    /// By permission: AWS's words, and how often.
    refused: BTreeMap<String, (String, usize)>,
    /// Why there was no answer, and how often.
    failed: BTreeMap<CallFailure, usize>,
}

impl Taken<'_> {
    fn problem(&mut self, problem: AwsProblem) {
        self.builder.problem(Problem::new(problem, None).in_context(&self.target.context));
    }

    fn strange<'t>(&mut self, texts: impl IntoIterator<Item = &'t String>) {
        for text in texts {
            self.problem(AwsProblem::NotAName { text: super::cluster::tidy(text).into() });
        }
    }

    fn take(&mut self, call: &Call, came: CallOutcome) {
        let region: Arc<str> = self.target.region.as_deref().unwrap_or_default().into();
        let place = At::whole(self.builder.document(Origin::Aws(Box::new(AwsOrigin {
            account: self.account.as_deref().unwrap_or_default().into(),
            region,
            command: executor::shown(call, self.times).into(),
        }))));
        let options = call.options(self.times).into_iter();
        let asked = Asked {
            service: call.operation.service.to_owned(),
            operation: call.operation.name.to_owned(),
            options: options.map(|(name, value)| (name.trim_start_matches('-').to_owned(), value)).collect(),
            account: self.account.clone(),
            region: self.target.region.clone(),
            at: Some(self.times.to.clone()),
            live: true,
            place,
        };
        let outcome = match came {
            CallOutcome::Answer(text) => match json::read(&text, Base::Fixed(place)).0.into_iter().next() {
                Some(node) => Outcome::Answer(node),
                None => Outcome::Failed(format!("`{}` printed no JSON", executor::shown(call, self.times))),
            },
            CallOutcome::Refused(permission, text) => {
                self.refused.entry(permission.clone()).or_insert((text.clone(), 0)).1 += 1;
                Outcome::Refused { permission, text }
            }
            CallOutcome::NotFound => Outcome::NotFound,
            CallOutcome::Failed(why) => {
                *self.failed.entry(why.clone()).or_default() += 1;
                Outcome::Failed(why.to_string())
            }
        };
        responses::read(Some(&asked), outcome, self.gather_scope, self.builder);
    }

    /// Reports what was denied and what failed, each once. Why nothing more could be asked is reported by the caller.
    fn report_failures(&mut self, stopped: Option<&CallFailure>) {
        for (why, times) in std::mem::take(&mut self.failed) {
            if stopped != Some(&why) {
                self.problem(AwsProblem::CallFailed { why: why.to_string().into(), times: Repeated(times) });
            }
        }
        for (permission, (text, times)) in std::mem::take(&mut self.refused) {
            let (permission, text) = (permission.into(), text.into());
            self.problem(AwsProblem::Refused { permission, times: Repeated(times), text });
        }
    }
}

/// The commands that [`gather`] would run, as text.
pub fn planned(
    options: &AwsOptions,
    cluster: Option<&ClusterOptions>,
    gather_scope: &GatherScope,
    builder: &Builder,
) -> String {
    let inventory = karpenter::inventory(builder.clone());
    let targets = targets(&inventory, &options.profiles, cluster, builder);
    let seeds = |target: &Target| schedule::seeds(&inventory, gather_scope, target.cluster);
    targets.iter().map(|target| dry_run::commands(target, &seeds(target), gather_scope)).collect::<Vec<_>>().join("\n")
}

/// A POSIX shell script that runs the same commands and keeps what AWS answers in a folder, for someone who has the rights.
pub fn script(
    profiles: &[String],
    cluster: Option<&ClusterOptions>,
    gather_scope: &GatherScope,
    builder: &Builder,
) -> String {
    let inventory = karpenter::inventory(builder.clone());
    let targets = targets(&inventory, profiles, cluster, builder);
    let parts: Vec<(Target, Seeds)> = targets
        .into_iter()
        .map(|target| {
            let seeds = schedule::seeds(&inventory, gather_scope, target.cluster);
            (target, seeds)
        })
        .collect();
    collect_script::write(&parts, gather_scope)
}
