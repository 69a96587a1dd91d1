//! Running rules over the inventory: which subjects, in which order, and what a rule that fails leaves.
//!
//! ```text
//! rule -> its subjects -> parts of them, each in an instance of its own -> one rule's results, as if there were one part
//! ```

mod part;

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::budget::{Ledger, Taken};
use crate::engine::limits::Limits;
use crate::engine::termination::{FailureKind, RunFailure};
use crate::engine::verdict::VerdictReader;
use crate::engine::versions::Requirement;
use crate::engine::{Engine, Pack};
use crate::findings::finding::{BUILTIN, CheckResults, Coverage, Finding, Outcome, RuleCost, RuleInfo, Severity};
use crate::iam;
use crate::inventory::problem::{Clause, PackProblem};
use crate::inventory::reason::{Live, Rules};
use crate::inventory::{Cause, Gap, Inventory, ItemId, Problem, Reason, Scope};

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

/// Subjects of a part: with fewer, an instance of its own costs more than another thread saves.
const SUBJECTS_A_PART: usize = 200;
/// Parts of a rule: so many keep the slowest rule from being what a run waits for, and what a part of 10,000 objects takes in the caches.
const MOST_PARTS: usize = 8;

/// A rule's run. Its subjects are judged in parts, whose number depends on the inventory alone, as all results do.
struct Job<'a> {
    selected: &'a Selected<'a>,
    label: String,
    /// How many subjects it has at most.
    count: usize,
    parts: usize,
    subjects: OnceLock<Subjects>,
    /// The parts that are judged.
    judged: Mutex<BTreeMap<usize, Part>>,
    /// The first part that ended before its last subject: those after it do not count.
    ended: AtomicUsize,
}

/// A rule's subjects in the order of the inventory, why some were left out, and why there may be more.
struct Subjects {
    all: Vec<ItemId>,
    skipped: Option<String>,
    unseen: Vec<Reason>,
}

impl<'a> Job<'a> {
    fn new(selected: &'a Selected<'a>, run: &Run<'_>) -> Self {
        let rule = selected.rule;
        let scopes = run.inventory.scopes().iter().filter(|scope| scope.is_chosen());
        let count: usize = scopes.flat_map(|scope| rule.subjects.iter().map(|kind| scope.count_of_kind(kind))).sum();
        // What a rule asked is recorded in the order of its subjects.
        let parts = if run.engine.recorder.is_some() { 1 } else { (count / SUBJECTS_A_PART).clamp(1, MOST_PARTS) };
        Self {
            selected,
            label: rule.label(),
            count,
            parts,
            subjects: OnceLock::new(),
            judged: Mutex::default(),
            ended: AtomicUsize::new(usize::MAX),
        }
    }

    fn subjects(&self, run: &Run<'_>) -> &Subjects {
        self.subjects.get_or_init(|| subjects(self.selected.rule, run.inventory))
    }

    /// How many subjects a part has, but for the last one.
    fn length(&self, run: &Run<'_>) -> usize {
        self.subjects(run).all.len().div_ceil(self.parts).max(1)
    }

    /// The subjects of a part.
    fn subjects_of(&self, run: &Run<'_>, number: usize) -> &[ItemId] {
        self.subjects(run).all.chunks(self.length(run)).nth(number).unwrap_or_default()
    }

    /// Judges a part.
    fn judge(&self, run: &Run<'_>, number: usize) -> Part {
        if self.ended.load(Ordering::Relaxed) < number {
            return Part::default();
        }
        let part = part::judge(self, run, number);
        if part.ended.is_some() {
            self.ended.fetch_min(number, Ordering::Relaxed);
        }
        part
    }

    /// Keeps a part. Returns all of them, once there are all.
    fn done(&self, number: usize, part: Part) -> Option<BTreeMap<usize, Part>> {
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        judged.insert(number, part);
        (judged.len() == self.parts).then(|| std::mem::take(&mut *judged))
    }

    /// What it took, and the results of all parts up to the first that ended early.
    fn whole(&self, run: &Run<'_>, parts: BTreeMap<usize, Part>) -> (Taken, CheckResults) {
        let (rule, subjects, length) = (self.selected.rule, self.subjects(run), self.length(run));
        let mut results = RuleResults::new(self, run);
        let (mut taken, mut cost) = (Taken::default(), self.no_cost());
        let (mut log, mut passed): (VecDeque<String>, Vec<ItemId>) = <_>::default();
        let mut skipped = false;
        for (number, mut part) in parts {
            cost.subjects += part.subjects;
            cost.fuel += part.taken.fuel;
            cost.work += part.taken.work;
            cost.nanoseconds += part.nanoseconds;
            log.extend(part.log);
            let (before, together) = (taken.text, taken.and(part.taken));
            taken = together;
            // A rule may not have more in parts than it may have in one.
            if let Some(limit) = part::beyond(&run.limits, together) {
                taken.text = before;
                part = Part { ended: Some((0, limit.into())), ..Part::default() };
            }
            skipped |= part.skipped;
            results.coverage.failed += part.failed;
            results.coverage.unknown += part.unknown;
            results.findings.extend(part.findings);
            passed.extend(part.passed);
            if let Some((at, ended)) = part.ended {
                results.give_up(&subjects.all[number * length + at..], &ended, true);
                break;
            }
        }
        results.coverage.passed = u32::try_from(passed.len()).unwrap_or(u32::MAX);
        if skipped {
            // What makes a subject one of the rule's may be what could not be read: a queue is Karpenter's by its controller.
            add_unseen(&mut results.coverage.unseen, &rule.reads, run.inventory, true);
        }
        if rule.is_across_clusters() {
            results.findings.iter_mut().for_each(|finding| add_scopes(finding, run.inventory));
        }
        if let Some(severity) = self.selected.severity {
            // What is unknown has the host's severity, which is about reading.
            let fails = results.findings.iter_mut().filter(|finding| finding.outcome == Outcome::Fail);
            fails.for_each(|finding| finding.severity = severity);
        }
        log.drain(..log.len().saturating_sub(run.limits.log_lines));
        let results = CheckResults {
            log: log.into_iter().map(|line| (self.label.clone(), line)).collect(),
            passed: by_scope(&passed, rule, run.inventory),
            costs: if subjects.all.is_empty() { vec![] } else { vec![cost] },
            ..results.into()
        };
        (taken, results)
    }

    fn no_cost(&self) -> RuleCost {
        RuleCost { rule: self.label.clone(), subjects: 0, fuel: 0, work: 0, nanoseconds: 0 }
    }

    /// What stands for the results of a rule that is over the budget of its pack or of the run: all of its subjects are unknown.
    /// Of the rules of one pack, the first has a fault that speaks for all.
    fn left_out(&self, run: &Run<'_>, ended: &RunFailure, first: bool) -> CheckResults {
        let mut results = RuleResults::new(self, run);
        results.give_up(&self.subjects(run).all, ended, first);
        results.into()
    }
}

/// How many subjects were found well, by their scope and the rule's area.
fn by_scope(passed: &[ItemId], rule: &RuleInfo, inventory: &Inventory) -> BTreeMap<(String, String), u32> {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    let scope_of = |subject: &ItemId| inventory.scope(*subject).map(Scope::name);
    // They are in the order of the inventory, whose scopes stand one behind the other.
    for of_scope in passed.chunk_by(|one, next| scope_of(one) == scope_of(next)) {
        let scope = of_scope.first().and_then(scope_of).unwrap_or_default();
        *counts.entry((scope.to_owned(), rule.area.clone())).or_default() +=
            u32::try_from(of_scope.len()).unwrap_or(u32::MAX);
    }
    counts
}

/// What was found by one rule.
struct RuleResults<'a> {
    job: &'a Job<'a>,
    run: &'a Run<'a>,
    coverage: Coverage,
    findings: Vec<Finding>,
    faults: Vec<Problem>,
}

impl<'a> RuleResults<'a> {
    fn new(job: &'a Job<'a>, run: &'a Run<'a>) -> Self {
        let Subjects { skipped, unseen, .. } = job.subjects(run);
        let (skipped, unseen) = (skipped.clone(), unseen.clone());
        let coverage = Coverage { rule: job.label.clone(), passed: 0, failed: 0, unknown: 0, skipped, unseen };
        Self { job, run, coverage, findings: vec![], faults: vec![] }
    }

    /// These subjects, the last ones, are unknown. One finding stands for all, and a fault if it is to be told.
    fn give_up(&mut self, left: &[ItemId], ended: &RunFailure, told: bool) {
        let Some(subject) = left.first() else { return };
        self.coverage.unknown += u32::try_from(left.len()).unwrap_or(u32::MAX);
        let which = match left.len() {
            1 => String::new(),
            2 => "this and one more ".to_owned(),
            left => format!("this and {} more ", left - 1),
        };
        let message = format!("{which}could not be judged: the rule {}", ended.kind);
        let reason = Reason::new(Cause::Failed, Rules::Ended { what: ended.kind.to_string().into() });
        let reader = VerdictReader::new(self.job.selected.rule, &self.job.label, &self.run.limits);
        self.findings.push(reader.unknown(*subject, reason, Severity::Warning, message));
        if told {
            let fault = fault(self.job.selected.rule, self.run.inventory, *subject, ended);
            self.faults.push(fault.worded(self.run.engine.wording));
        }
    }
}

impl From<RuleResults<'_>> for CheckResults {
    fn from(results: RuleResults<'_>) -> Self {
        let RuleResults { coverage, findings, faults, .. } = results;
        Self { findings, coverage: vec![coverage], faults, ..Self::default() }
    }
}

fn subjects(rule: &RuleInfo, inventory: &Inventory) -> Subjects {
    let chosen = inventory.scopes().iter().filter(|scope| scope.is_chosen());
    let mut subjects: Vec<ItemId> =
        chosen.flat_map(|scope| rule.subjects.iter().flat_map(|kind| scope.of_kind(kind))).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut skipped = None;
    // Loading the pack has parsed it.
    if let Ok(requirement) = Requirement::parse(&rule.karpenter) {
        let all = subjects.len();
        let mut versions: Vec<String> = vec![];
        subjects.retain(|subject| match requirement.outside(inventory, *subject) {
            Some(others) => {
                versions.extend(others);
                false
            }
            None => true,
        });
        let left_out = all - subjects.len();
        if left_out > 0 {
            versions.sort();
            versions.dedup();
            let count = if left_out == all { "all".to_owned() } else { format!("{left_out} of {all}") };
            let (versions, meant) = (versions.join(", "), &rule.karpenter);
            skipped = Some(format!("{count} skipped: about Karpenter {meant}, and the controller is {versions}"));
        }
    }
    let mut unseen: Vec<Reason> = vec![];
    add_unseen(&mut unseen, &rule.subjects, inventory, false);
    Subjects { all: subjects, skipped, unseen }
}

/// What a rule found across clusters is found in each of them, and one speaks for all: the places that it names are the others'.
fn add_scopes(finding: &mut Finding, inventory: &Inventory) {
    for scope in finding.related.iter().filter_map(|place| inventory.scope(place.item)) {
        if !finding.scopes.iter().any(|known| known == scope.name()) {
            finding.scopes.push(scope.name().to_owned());
        }
    }
}

/// Adds why items of these kinds may be missing. That no more was provided is expected, and that more subjects lie outside of the namespace
/// that was asked for; that a read was refused or failed is worth a line, and so is that what decides lies outside.
fn add_unseen(unseen: &mut Vec<Reason>, kinds: &[String], inventory: &Inventory, outside: bool) {
    for unknown in kinds.iter().filter_map(|kind| inventory.missing(kind)) {
        let asked = unknown.reason.cause.is_unanswered()
            || (outside && matches!(&*unknown.reason.gap, Gap::Live(Live::Namespace { .. })));
        if asked && !unseen.contains(&unknown.reason) {
            unseen.push(unknown.reason);
        }
    }
}

fn fault(rule: &RuleInfo, inventory: &Inventory, subject: ItemId, ended: &RunFailure) -> Problem {
    // It did not get as far as a subject.
    let met = Some(subject).filter(|_| ended.kind != FailureKind::LeftOut);
    let on = met.and_then(|subject| inventory.item(subject)).map_or_else(String::new, |item| {
        let kind = item.kind.rsplit(['/', ':']).next().unwrap_or_default();
        let name = match item.namespace.as_deref() {
            Some(namespace) => format!("{namespace}/{}", item.name),
            None => item.name.to_string(),
        };
        super::text::line(&format!("{kind} {name}"), 300)
    });
    let pack = if rule.pack == BUILTIN { "" } else { &rule.pack };
    let failed = PackProblem::RuleFailed {
        rule: rule.id.as_str().into(),
        pack: Clause { before: " of pack ", text: pack.into() },
        what: ended.kind.to_string().into(),
        on: Clause { before: " on ", text: on.into() },
        how: Clause { before: ": ", text: ended.how.as_str().into() },
    };
    Problem::new(failed, None)
}
