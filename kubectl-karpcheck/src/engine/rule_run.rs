//! Running rules over the inventory: which subjects, in which order, and what a rule that fails leaves.
//!
//! ```text
//! rule -> its subjects -> parts of them, each in an instance of its own -> one rule's results, as if there were one part
//! ```

mod job;
mod part;

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::budget::Ledger;
use crate::engine::limits::Limits;
use crate::engine::termination::{FailureKind, RunFailure};
use crate::engine::{Engine, Pack};
use crate::findings::finding::{BUILTIN, CheckResults, RuleInfo, Severity};
use crate::iam;
use crate::inventory::Inventory;

use job::{Job, MOST_PARTS};
use part::Part;

/// A setting that a rule does not have, or not of this type.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SettingError {
    /// The rule has none of this name.
    #[error("rule {rule} has no setting {name}; {}", if known.is_empty() { "it has none".into() } else { format!("it has {}", known.join(", ")) })]
    Unknown {
        /// The rule.
        rule: String,
        /// The name.
        name: String,
        /// The names of its settings.
        known: Vec<String>,
    },
    /// It is of another type.
    #[error("setting {name} of rule {rule} is {wanted}, not {given}")]
    Type {
        /// The rule.
        rule: String,
        /// The name.
        name: String,
        /// What its default is.
        wanted: &'static str,
        /// What was given.
        given: &'static str,
    },
}

/// A rule to run.
#[derive(Clone, Debug)]
pub struct Selected<'a> {
    /// Its pack.
    pub pack: &'a Pack,
    /// One of the pack's rules.
    pub rule: &'a RuleInfo,
    /// What the user configured; other settings have their defaults.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// How severe the user has its findings be, whatever the rule says.
    pub severity: Option<Severity>,
}

impl<'a> Selected<'a> {
    /// A rule with its defaults.
    pub const fn new(pack: &'a Pack, rule: &'a RuleInfo) -> Self {
        Self { pack, rule, settings: BTreeMap::new(), severity: None }
    }

    /// Sets what the user configured, if the rule has such a setting and its default is of this type.
    pub fn set(&mut self, name: &str, value: serde_json::Value) -> Result<(), SettingError> {
        let rule = || self.rule.label();
        let Some((_, _, default)) = self.rule.settings.iter().find(|(known, ..)| known == name) else {
            let known = self.rule.settings.iter().map(|(known, ..)| known.clone()).collect();
            return Err(SettingError::Unknown { rule: rule(), name: name.into(), known });
        };
        let (wanted, given) = (type_of(default), type_of(&value));
        // A setting without a default takes any value.
        if wanted != given && !default.is_null() {
            return Err(SettingError::Type { rule: rule(), name: name.into(), wanted, given });
        }
        self.settings.insert(name.into(), value);
        Ok(())
    }
}

const fn type_of(value: &serde_json::Value) -> &'static str {
    use serde_json::Value as Json;
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// Runs rules. Findings are in the order of rules and, for each, of its subjects; the number of threads does not matter.
pub fn run_rules(engine: &Engine, rules: &[Selected<'_>], inventory: &Arc<Inventory>) -> CheckResults {
    run_rules_for(engine, rules, inventory, Duration::MAX)
}

/// Runs rules for so long at most: see [`run_rules`]. What is not judged then is unknown, and a fault says why.
pub fn run_rules_for(
    engine: &Engine,
    rules: &[Selected<'_>],
    inventory: &Arc<Inventory>,
    most: Duration,
) -> CheckResults {
    let limits = engine.limits.over(inventory.items().count());
    let limits = Arc::new(Limits { run_wall: limits.run_wall.min(most), ..limits });
    let until = Instant::now() + limits.run_wall;
    let run = Run { engine, inventory, policies: Arc::default(), limits: Arc::clone(&limits), until };
    let jobs: Vec<Job<'_>> = rules.iter().map(|selected| Job::new(selected, &run)).collect();
    let left_out = |rule: usize, why: &str, first: bool| {
        let ended = RunFailure { kind: FailureKind::LeftOut, how: why.to_owned() };
        jobs[rule].left_out(&run, &ended, first)
    };
    let ledger = Ledger::new(&limits, &left_out);
    let left = order(&jobs);
    let workers = engine.threads.min(left.len());
    let left = Mutex::new(left);
    let next = || {
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        // What is kept can only be counted when the rules before it have run.
        let place = if ledger.is_crowded() { (0..left.len()).min_by_key(|place| left[*place]) } else { Some(0) };
        left.remove(place?)
    };
    let work = || {
        while let Some((index, number)) = next() {
            let (job, pack) = (&jobs[index], rules[index].pack.name());
            let part = if ledger.begin(index, pack).is_some() {
                // It is the ledger that leaves it out.
                Part::default()
            } else {
                job.judge(&run, number)
            };
            if let Some(parts) = job.done(number, part) {
                let (taken, results) = job.whole(&run, parts);
                ledger.end(index, pack, taken, results);
            }
        }
    };
    if workers <= 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..workers)
                // Without the thread it only takes longer.
                .filter_map(|_| {
                    std::thread::Builder::new().name("karpcheck-rules".into()).spawn_scoped(scope, work).ok()
                })
                .collect();
            work();
            for other in others {
                if let Err(panic) = other.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
    }
    let mut all = CheckResults::default();
    for results in ledger.counted() {
        all.findings.extend(results.findings);
        all.coverage.extend(results.coverage);
        all.faults.extend(results.faults);
        all.log.extend(results.log);
        all.costs.extend(results.costs);
        for (of, passed) in results.passed {
            *all.passed.entry(of).or_default() += passed;
        }
    }
    all.merge_scopes(inventory);
    all.merge_states(inventory);
    all
}

/// The order in which parts of rules are begun. Those of one pack come before those of the next, and first of all the rules that judge a few
/// things, and may look at all of the inventory for each. Then the rules with the most subjects are first, so that all threads end at
/// about the same time.
///
/// The built-in rules go over the inventory side by side, a part of it after the other: what they look at is in the processor's caches
/// then. Others' go one after the other, so that a pack whose rules are beyond its budget is not judged on.
fn order(jobs: &[Job<'_>]) -> VecDeque<(usize, usize)> {
    const FEW: usize = 8;
    let mut packs: Vec<&str> = vec![];
    for job in jobs {
        let pack = job.selected.pack.name();
        if !packs.contains(&pack) {
            packs.push(pack);
        }
    }
    let mut order: Vec<(usize, usize)> =
        jobs.iter().enumerate().flat_map(|(index, job)| (0..job.parts).map(move |part| (index, part))).collect();
    order.sort_by_key(|(index, part)| {
        let job = &jobs[*index];
        let place = packs.iter().position(|pack| *pack == job.selected.pack.name());
        let many = !(1..FEW).contains(&job.count);
        let of_inventory = if job.selected.rule.pack == BUILTIN { part * MOST_PARTS / job.parts } else { 0 };
        (place, many, of_inventory, Reverse(job.count), *index, *part)
    });
    order.into()
}

/// What all rules of a run have in common.
struct Run<'a> {
    engine: &'a Engine,
    inventory: &'a Arc<Inventory>,
    policies: Arc<iam::Cache>,
    limits: Arc<Limits>,
    until: Instant,
}
