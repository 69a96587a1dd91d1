//! AWS itself: what it answers, as the `aws` CLI prints it, saved to files or asked for now.
//!
//! ```text
//! inventory -> schedule (what it names) -> executor, in rounds: signed, or command (the CLI) -> responses -> drafts
//!                                      -> dry_run: the commands                                 ^
//!                                      -> collect_script: a folder ----------------------------+
//! ```
//!
//! What there is to ask stands in one table, [`aws_calls`](crate::schema::aws_calls). Nothing is ever written to AWS. Credentials are
//! those of the environment, else what the user's CLI hands out; they stay in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::inventory::problem::{AwsProblem, Times as Repeated};
use crate::inventory::{At, AwsOrigin, Builder, ClusterId, ClusterLogin, Inventory, Origin, Problem};
use crate::karpenter;
use crate::schema::kinds::GatherScope;
use crate::schema::pattern::glob;

use crate::formats::json;
use crate::formats::json::Base;
use answer_cache::AnswerCache;
use call::{Call, Times};
use command::Cli;
use executor::Aws;
use reply::{CallFailure, CallOutcome};
use responses::{Asked, Outcome};
use schedule::Seeds;

pub(crate) mod account_region;
mod answer_cache;
mod call;
mod cli_error;
mod collect_script;
mod command;
mod dry_run;
mod endpoints;
mod error;
mod executor;
mod recording;
mod reply;
pub(crate) mod responses;
mod schedule;
mod signed;
mod sums;

pub(super) use recording::Recording;

/// As whom AWS is asked, and how long an answer may take.
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// Profiles of the `aws` CLI: `NAME` for every context, `CONTEXT=NAME` for those of a name (with `*` and `?`).
    pub profiles: Vec<String>,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// Answers that are no older are not asked for again; zero asks for all.
    pub cache: Duration,
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
fn targets(inventory: &Inventory, profiles: &[String], builder: &Builder) -> Vec<Target> {
    let stated = builder.stated();
    let mut clusters: Vec<(String, ClusterId, ClusterLogin)> = (1..)
        .zip(inventory.clusters())
        .map(|(number, cluster)| (cluster.context.to_string(), ClusterId(number), cluster.login.clone()))
        .collect();
    if clusters.is_empty() {
        clusters.push((String::new(), ClusterId::FILES, ClusterLogin::default()));
    }
    clusters
        .into_iter()
        .map(|(context, cluster, login)| {
            let home = schedule::home(inventory, cluster);
            let stated = stated.of_scope("", &[&context], &BTreeSet::new());
            // The last `=`, since the name of a context may have one.
            let own = profiles.iter().filter_map(|word| word.rsplit_once('=')).find(|(of, _)| glob(of, &context));
            let all = profiles.iter().rev().find(|word| !word.contains('='));
            let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
            Target {
                profile: own.map(|(_, name)| name).or(all.map(String::as_str)).map(str::to_owned).or(login.profile),
                region: home
                    .region
                    .or(login.region)
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

/// Contexts whose AWS is asked at one time.
const CONTEXTS: usize = 4;

/// Asks AWS what the chosen rules read, about what was gathered so far. What goes wrong becomes a problem.
pub fn gather(
    options: &AwsOptions,
    gather_scope: &GatherScope,
    builder: &mut Builder,
    progress: &mut dyn FnMut(&str),
) -> AwsSummary {
    take_in(ask(options, gather_scope, builder, progress), gather_scope, builder)
}

/// Asks: what AWS answered for each context, in their order. Nothing is taken in.
pub(super) fn ask(
    options: &AwsOptions,
    gather_scope: &GatherScope,
    builder: &Builder,
    progress: &mut dyn FnMut(&str),
) -> Vec<Exchange> {
    // What the objects name is known when they are joined.
    let inventory = karpenter::inventory(builder.clone());
    let targets = targets(&inventory, &options.profiles, builder);
    let asked: Vec<(Target, Seeds)> = targets
        .into_iter()
        .map(|target| {
            let seeds = schedule::seeds(&inventory, gather_scope, target.cluster);
            (target, seeds)
        })
        .collect();
    if let [(target, seeds)] = asked.as_slice() {
        return vec![exchange(options, target, seeds, gather_scope, false, progress)];
    }
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel::<Told>();
    let mut all: BTreeMap<usize, Exchange> = BTreeMap::new();
    std::thread::scope(|scope| {
        for _ in 0..CONTEXTS.min(asked.len()) {
            let (tell, next, asked) = (tell.clone(), &next, &asked);
            scope.spawn(move || {
                while let Some((number, (target, seeds))) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    asked.get(number).map(|one| (number, one))
                } {
                    let mut progress = |line: &str| {
                        // Who listens stays until the last context is done.
                        let _ = tell.send(Told::Line(format!("{}: {line}", target.context)));
                    };
                    let done = exchange(options, target, seeds, gather_scope, true, &mut progress);
                    let _ = tell.send(Told::Done(number, Box::new(done)));
                }
            });
        }
        drop(tell);
        for told in told {
            match told {
                Told::Line(line) => progress(&line),
                Told::Done(number, done) => drop(all.insert(number, *done)),
            }
        }
    });
    all.into_values().collect()
}

/// What a thread that asks AWS says.
enum Told {
    Line(String),
    Done(usize, Box<Exchange>),
}

/// What AWS was asked for one context, and what it answered.
#[derive(Debug)]
pub(super) struct Exchange {
    target: Target,
    /// Was anything but who is asking asked?
    whole: bool,
    times: Times,
    /// Who asked: the account, the question and its answer.
    identity: Option<(Call, String, String)>,
    /// Texts that stand where a name belongs and are none.
    strange: BTreeSet<String>,
    came: Vec<(Call, CallOutcome)>,
    /// Why nothing more could be asked.
    stopped: Option<CallFailure>,
    /// What is wrong with the whole of it.
    problems: Vec<AwsProblem>,
}

fn exchange(
    options: &AwsOptions,
    target: &Target,
    seeds: &Seeds,
    gather_scope: &GatherScope,
    beside: bool,
    progress: &mut dyn FnMut(&str),
) -> Exchange {
    let mut target = target.clone();
    if target.region.is_none() {
        target.region = Cli::new(&target, options.timeout).own_region();
    }
    let mut done = Exchange {
        times: Times::until(jiff::Timestamp::now()),
        whole: true,
        identity: None,
        strange: seeds.strange.clone(),
        came: vec![],
        stopped: None,
        problems: vec![],
        target,
    };
    if seeds.topics.is_empty() {
        done.problems.push(AwsProblem::NothingToAsk);
        return done;
    }
    progress(&format!("asking AWS some {} questions", dry_run::count(seeds, gather_scope)));
    let asked = Aws::new(&done.target, options.timeout, beside).and_then(|mut aws| {
        let identity = aws.account(&done.times)?;
        Ok((aws, identity))
    });
    let aws = match asked {
        Ok((aws, identity)) => {
            done.identity = Some(identity);
            aws
        }
        // A region is what the next step asks for.
        Err(CallFailure::Login(error::Login::NoRegion)) => {
            return done.nothing(seeds, gather_scope, AwsProblem::NoRegion);
        }
        Err(why) => return done.nothing(seeds, gather_scope, AwsProblem::NotAsked { why: why.to_string().into() }),
    };
    let account = done.identity.as_ref().map(|(_, account, _)| account.clone()).unwrap_or_default();
    if let Some(expected) = done.target.account.clone().filter(|expected| *expected != account) {
        let (account, expected) = (account.into(), expected.into());
        return done.nothing(seeds, gather_scope, AwsProblem::OtherAccount { account, expected });
    }
    if done.target.region.is_none() {
        return done.nothing(seeds, gather_scope, AwsProblem::NoRegion);
    }
    // Who asks tells whose answers may be taken from before.
    let identity = done.identity.as_ref().map(|(_, _, text)| canonical(text)).unwrap_or_default();
    let aws = aws.caching(AnswerCache::of_user(options.cache, &identity));
    let results = aws.follow(seeds, gather_scope, &done.times, progress);
    done.strange.extend(results.strange);
    done.came = results.came;
    // That the user ended the run is said once, for all of it.
    if let Some(why) = results.stopped.as_ref().filter(|why| **why != CallFailure::Interrupted) {
        done.problems.push(AwsProblem::NotAsked { why: why.to_string().into() });
    }
    done.stopped = results.stopped;
    if results.left > 0 {
        done.problems.push(AwsProblem::QuestionsLeft { asked: executor::MOST, left: results.left });
    }
    done
}

/// JSON without what depends on who wrote it.
fn canonical(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).map_or_else(|_| text.to_owned(), |value| value.to_string())
}

impl Exchange {
    /// Nothing could be asked, for one reason.
    fn nothing(mut self, seeds: &Seeds, gather_scope: &GatherScope, problem: AwsProblem) -> Self {
        let why = CallFailure::NotAsked(problem.to_string());
        self.came =
            first(seeds, gather_scope).into_iter().map(|call| (call, CallOutcome::Failed(why.clone()))).collect();
        self.problems.push(problem);
        self.stopped = Some(why);
        self.whole = false;
        self
    }

    /// The cluster that it is about.
    pub(super) const fn cluster(&self) -> ClusterId {
        self.target.cluster
    }

    /// The same about a cluster under its number in another run.
    pub(super) fn about(mut self, cluster: ClusterId) -> Self {
        self.target.cluster = cluster;
        self
    }
}

/// Takes in what AWS answered.
pub(super) fn take_in(all: Vec<Exchange>, gather_scope: &GatherScope, builder: &mut Builder) -> AwsSummary {
    let mut summary = AwsSummary::default();
    for exchange in all {
        taken_in(exchange, gather_scope, builder, &mut summary);
    }
    summary
}

fn taken_in(exchange: Exchange, gather_scope: &GatherScope, builder: &mut Builder, summary: &mut AwsSummary) {
    let Exchange { target, whole, times, identity, strange, came, stopped, problems } = exchange;
    let mut taken = Taken {
        target: &target,
        account: target.account.clone(),
        times: &times,
        gather_scope,
        builder,
        refused: BTreeMap::new(),
        failed: BTreeMap::new(),
    };
    taken.strange(&strange);
    if let Some((identity, account, text)) = identity {
        summary.calls += 1;
        summary.bytes += text.len();
        if whole {
            // What was asked about was looked for there, so that is where it lives.
            let origin = Origin::Aws(Box::new(AwsOrigin {
                account: account.as_str().into(),
                region: target.region.as_deref().unwrap_or_default().into(),
                command: executor::shown(&identity, &times).into(),
            }));
            taken.builder.set_location(target.cluster, target.region.as_deref(), Some(&account), origin);
            taken.account = Some(account);
            taken.take(&identity, CallOutcome::Answer(text));
        }
    }
    // Where nothing could be asked, the rest decides what it can without AWS.
    for (call, came) in came.into_iter().filter(|_| whole) {
        summary.calls += 1;
        if let CallOutcome::Answer(text) = &came {
            summary.bytes += text.len();
        }
        taken.take(&call, came);
    }
    taken.report_failures(stopped.as_ref());
    for problem in problems {
        taken.problem(problem);
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
    /// Why there was no answer, in words, and how often.
    failed: BTreeMap<String, usize>,
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
                let why = why.to_string();
                *self.failed.entry(why.clone()).or_default() += 1;
                Outcome::Failed(why)
            }
        };
        responses::read(Some(&asked), outcome, self.gather_scope, self.builder);
    }

    /// Reports what was denied and what failed, each once. Why nothing more could be asked is reported by the caller.
    fn report_failures(&mut self, stopped: Option<&CallFailure>) {
        let stopped = stopped.map(ToString::to_string);
        for (why, times) in std::mem::take(&mut self.failed) {
            if stopped.as_ref() != Some(&why) {
                self.problem(AwsProblem::CallFailed { why: why.into(), times: Repeated(times) });
            }
        }
        for (permission, (text, times)) in std::mem::take(&mut self.refused) {
            let (permission, text) = (permission.into(), text.into());
            self.problem(AwsProblem::Refused { permission, times: Repeated(times), text });
        }
    }
}

/// The commands that [`gather`] would run, as text.
pub fn planned(options: &AwsOptions, gather_scope: &GatherScope, builder: &Builder) -> String {
    let inventory = karpenter::inventory(builder.clone());
    let targets = targets(&inventory, &options.profiles, builder);
    let seeds = |target: &Target| schedule::seeds(&inventory, gather_scope, target.cluster);
    targets.iter().map(|target| dry_run::commands(target, &seeds(target), gather_scope)).collect::<Vec<_>>().join("\n")
}

/// A POSIX shell script that runs the same commands and keeps what AWS answers in a folder, for someone who has the rights.
pub fn script(profiles: &[String], gather_scope: &GatherScope, builder: &Builder) -> String {
    let inventory = karpenter::inventory(builder.clone());
    let targets = targets(&inventory, profiles, builder);
    let parts: Vec<(Target, Seeds)> = targets
        .into_iter()
        .map(|target| {
            let seeds = schedule::seeds(&inventory, gather_scope, target.cluster);
            (target, seeds)
        })
        .collect();
    collect_script::write(&parts, gather_scope)
}
