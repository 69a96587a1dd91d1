//! Running rules over the inventory: which subjects, in which order, and what a rule that fails leaves.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::Store;

use crate::engine::budget::{Ledger, Taken};
use crate::engine::contract::bindings::Pack as Instance;
use crate::engine::guest_fault::GuestFault;
use crate::engine::host::Host;
use crate::engine::limits::Limits;
use crate::engine::termination::{FailureKind, RunFailure};
use crate::engine::verdict::{Verdict, VerdictReader};
use crate::engine::versions::Requirement;
use crate::engine::{Engine, Pack};
use crate::findings::finding::{BUILTIN, CheckResults, Coverage, Finding, Outcome, RuleCost, RuleInfo, Severity};
use crate::iam;
use crate::inventory::problem::{Clause, PackProblem};
use crate::inventory::reason::{Live, Rules};
use crate::inventory::{Cause, Gap, Inventory, ItemId, Problem, Reason, Scope};

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
    let workers = engine.threads.min(rules.len());
    let left = Mutex::new(order(rules, inventory));
    let policies = Arc::new(iam::Cache::default());
    let until = Instant::now() + limits.run_wall;
    let left_out = |rule: usize, why: &str, first: bool| {
        let ended = RunFailure { kind: FailureKind::LeftOut, how: why.to_owned() };
        left_out(engine, &rules[rule], inventory, &ended, first)
    };
    let ledger = Ledger::new(&limits, &left_out);
    let next = || {
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        // What is kept can only be counted when the rules before it have run.
        let place = if ledger.is_crowded() { (0..left.len()).min_by_key(|place| left[*place]) } else { Some(0) };
        left.remove(place?)
    };
    let work = || {
        while let Some(index) = next() {
            let selected = &rules[index];
            let pack = selected.pack.name();
            let (taken, results) = if ledger.begin(index, pack).is_some() {
                // It is the ledger that leaves it out.
                Default::default()
            } else {
                run(engine, selected, inventory, &policies, &limits, until)
            };
            ledger.end(index, pack, taken, results);
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

/// The order in which rules are begun, so that all threads end at about the same time: after those that judge a few things, and may look
/// at all of the inventory for each, the ones with the most subjects come first. The rules of one pack come before those of the next.
fn order(rules: &[Selected<'_>], inventory: &Inventory) -> VecDeque<usize> {
    const FEW: usize = 8;
    let mut packs: Vec<&str> = vec![];
    let mut order: Vec<(usize, bool, Reverse<usize>, usize)> = vec![];
    for (index, Selected { pack, rule, .. }) in rules.iter().enumerate() {
        let place = packs.iter().position(|known| *known == pack.name()).unwrap_or_else(|| {
            packs.push(pack.name());
            packs.len() - 1
        });
        let scopes = inventory.scopes().iter().filter(|scope| scope.is_chosen());
        let subjects: usize = scopes.flat_map(|scope| rule.subjects.iter().map(|kind| scope.count_of_kind(kind))).sum();
        order.push((place, !(1..FEW).contains(&subjects), Reverse(subjects), index));
    }
    order.sort_unstable();
    order.into_iter().map(|(.., index)| index).collect()
}

/// Runs one rule. Returns what it took, and its results.
fn run(
    engine: &Engine,
    selected: &Selected<'_>,
    inventory: &Arc<Inventory>,
    policies: &Arc<iam::Cache>,
    limits: &Arc<Limits>,
    until: Instant,
) -> (Taken, CheckResults) {
    let Selected { pack, rule, settings, severity } = selected;
    let (subjects, skipped, unseen) = subjects(rule, inventory);
    let name: Arc<str> = rule.label().into();
    let mut run = RuleRun::new(rule, &name, limits, skipped, unseen);
    let (mut faults, mut log) = (vec![], vec![]);
    let start = Instant::now();
    if !subjects.is_empty() {
        let mut host = Host::judging(limits, inventory, policies, rule, settings, engine.wording);
        host.recorder.clone_from(&engine.recorder);
        host.wall = host.wall.min(until.saturating_duration_since(start));
        let judged = match engine.store(host) {
            _ if start >= until => {
                let how = format!("all rules of a run take more than {} s together", limits.run_wall.as_secs_f64());
                Err((0, RunFailure { kind: FailureKind::LeftOut, how }))
            }
            Ok(mut store) => {
                let judged = run.all(pack, &mut store, &subjects);
                run.cost.work = store.data().spent();
                let judged = judged.map_err(|(at, error)| (at, RunFailure::new(&error, store.data_mut())));
                log = store.data_mut().take_log().into();
                judged
            }
            Err(error) => Err((0, RunFailure { kind: FailureKind::NotStarted, how: format!("{error:#}") })),
        };
        if let Err((at, ended)) = judged {
            let subject = subjects[at];
            faults.push(fault(rule, inventory, subject, &ended).worded(engine.wording));
            run.give_up(subject, subjects.len() - at, &ended);
        }
    }
    if run.skipped {
        // What makes a subject one of the rule's may be what could not be read: a queue is Karpenter's by its controller.
        add_unseen(&mut run.coverage.unseen, &rule.reads, inventory, true);
    }
    if rule.is_across_clusters() {
        run.findings.iter_mut().for_each(|finding| add_scopes(finding, inventory));
    }
    if let Some(severity) = severity {
        // What is unknown has the host's severity, which is about reading.
        let fails = run.findings.iter_mut().filter(|finding| finding.outcome == Outcome::Fail);
        fails.for_each(|finding| finding.severity = *severity);
    }
    let log = log.into_iter().map(|line| (name.to_string(), line)).collect();
    let mut passed: BTreeMap<(String, String), u32> = BTreeMap::new();
    let scope_of = |subject: &ItemId| inventory.scope(*subject).map(Scope::name);
    // They are in the order of the inventory, whose scopes stand one behind the other.
    for of_scope in run.passed.chunk_by(|one, next| scope_of(one) == scope_of(next)) {
        let scope = of_scope.first().and_then(scope_of).unwrap_or_default();
        *passed.entry((scope.to_owned(), rule.area.clone())).or_default() +=
            u32::try_from(of_scope.len()).unwrap_or(u32::MAX);
    }
    run.cost.nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let taken = Taken { text: run.reader.text(), fuel: run.cost.fuel, work: run.cost.work };
    let costs = if subjects.is_empty() { vec![] } else { vec![run.cost] };
    let (findings, coverage) = (run.findings, vec![run.coverage]);
    (taken, CheckResults { findings, coverage, faults, log, passed, costs, ..CheckResults::default() })
}

/// What stands for the results of a rule that is over the budget of its pack or of the run: all of its subjects are unknown.
/// Of the rules of one pack, the first has a fault that speaks for all.
fn left_out(
    engine: &Engine,
    selected: &Selected<'_>,
    inventory: &Inventory,
    ended: &RunFailure,
    first: bool,
) -> CheckResults {
    let (subjects, skipped, unseen) = subjects(selected.rule, inventory);
    let name = selected.rule.label();
    let mut run = RuleRun::new(selected.rule, &name, engine.limits(), skipped, unseen);
    let mut faults = vec![];
    if let Some(subject) = subjects.first() {
        run.give_up(*subject, subjects.len(), ended);
        if first {
            faults.push(fault(selected.rule, inventory, *subject, ended).worded(engine.wording));
        }
    }
    CheckResults { findings: run.findings, coverage: vec![run.coverage], faults, ..CheckResults::default() }
}

struct RuleRun<'a> {
    reader: VerdictReader<'a>,
    coverage: Coverage,
    findings: Vec<Finding>,
    /// The subjects that were found well.
    passed: Vec<ItemId>,
    /// Was a subject found to be none of the rule's?
    skipped: bool,
    cost: RuleCost,
}

impl<'a> RuleRun<'a> {
    fn new(
        rule: &'a RuleInfo,
        name: &'a str,
        limits: &'a Limits,
        skipped: Option<String>,
        unseen: Vec<Reason>,
    ) -> Self {
        Self {
            reader: VerdictReader::new(rule, name, limits),
            coverage: Coverage { rule: name.to_owned(), passed: 0, failed: 0, unknown: 0, skipped, unseen },
            findings: vec![],
            passed: vec![],
            skipped: false,
            cost: RuleCost { rule: name.to_owned(), subjects: 0, fuel: 0, work: 0, nanoseconds: 0 },
        }
    }

    /// Checks one subject after the other, in one instance. An error has the subject at which it happened.
    fn all(
        &mut self,
        pack: &Pack,
        store: &mut Store<Host>,
        subjects: &[ItemId],
    ) -> Result<(), (usize, wasmtime::Error)> {
        let fuel = store.data().limits.fuel;
        let instance = pack.pre.instantiate(&mut *store).map_err(|error| (0, error))?;
        for (at, subject) in subjects.iter().enumerate() {
            store.set_fuel(fuel).map_err(|error| (at, error))?;
            let checked = self.check_subject(&instance, store, *subject);
            self.cost.subjects += 1;
            self.cost.fuel += fuel - store.get_fuel().unwrap_or_default();
            let within = || {
                let (limits, work) = (self.reader.limits, store.data().spent());
                // A rule alone must not take longer than its pack may.
                (self.cost.fuel <= limits.pack_fuel && work <= limits.pack_work).then_some(()).ok_or_else(|| {
                    GuestFault::Limit("its subjects together cost more than all rules of a pack may".into()).into()
                })
            };
            checked.and_then(|()| within()).map_err(|error| (at, error))?;
        }
        Ok(())
    }

    fn check_subject(&mut self, instance: &Instance, store: &mut Store<Host>, subject: ItemId) -> wasmtime::Result<()> {
        store.data_mut().begin(subject);
        let rule = &self.reader.rule.id;
        let verdict = instance.karpcheck_rules_rules().call_check(&mut *store, rule, subject.0)?;
        let verdict = self.reader.verdict(store.data(), subject, verdict)?;
        if let Some(recorder) = &store.data().recorder {
            recorder.record_verdict(verdict.as_str());
        }
        match verdict {
            Verdict::Skip => self.skipped = true,
            Verdict::Pass => {
                self.coverage.passed += 1;
                self.passed.push(subject);
            }
            Verdict::Findings(findings) => {
                if findings.iter().any(|finding| finding.outcome == Outcome::Fail) {
                    self.coverage.failed += 1;
                } else {
                    self.coverage.unknown += 1;
                }
                self.findings.extend(findings);
            }
        }
        Ok(())
    }

    /// The remaining subjects are unknown. One finding stands for all.
    fn give_up(&mut self, subject: ItemId, left: usize, ended: &RunFailure) {
        self.coverage.unknown += u32::try_from(left).unwrap_or(u32::MAX);
        let which = match left {
            1 => String::new(),
            2 => "this and one more ".to_owned(),
            left => format!("this and {} more ", left - 1),
        };
        let message = format!("{which}could not be judged: the rule {}", ended.kind);
        let reason = Reason::new(Cause::Failed, Rules::Ended { what: ended.kind.to_string().into() });
        self.findings.push(self.reader.unknown(subject, reason, Severity::Warning, message));
    }
}

/// A rule's subjects in the order of the inventory, why some were left out, and why there may be more.
fn subjects(rule: &RuleInfo, inventory: &Inventory) -> (Vec<ItemId>, Option<String>, Vec<Reason>) {
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
    (subjects, skipped, unseen)
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
