//! One rule's run: its subjects, the parts in which they are judged, and what all parts come to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::engine::budget::Taken;
use crate::engine::rule_run::part::{self, Part};
use crate::engine::rule_run::{Run, Selected};
use crate::engine::termination::{FailureKind, RunFailure};
use crate::engine::text;
use crate::engine::verdict::VerdictReader;
use crate::engine::versions::Requirement;
use crate::findings::finding::{BUILTIN, CheckResults, Coverage, Finding, Outcome, RuleCost, RuleInfo, Severity};
use crate::inventory::problem::{Clause, PackProblem};
use crate::inventory::reason::{Live, Rules};
use crate::inventory::{Cause, Gap, Inventory, ItemId, Problem, Reason, Scope};

/// Subjects of a part: with fewer, an instance of its own costs more than another thread saves.
const SUBJECTS_A_PART: usize = 200;
/// Parts of a rule: so many keep the slowest rule from being what a run waits for, and a part of 10,000 objects within a processor's
/// caches. With 8, what their instances take is more than what they save.
pub(super) const MOST_PARTS: usize = 4;

/// A rule's run. Its subjects are judged in parts, whose number depends on the inventory alone, as all results do.
pub(super) struct Job<'a> {
    pub(super) selected: &'a Selected<'a>,
    label: String,
    /// How many subjects it has at most.
    pub(super) count: usize,
    pub(super) parts: usize,
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
    pub(super) fn new(selected: &'a Selected<'a>, run: &Run<'_>) -> Self {
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
    pub(super) fn judge(&self, run: &Run<'_>, number: usize) -> Part {
        if self.ended.load(Ordering::Relaxed) < number {
            return Part::default();
        }
        let part = part::judge(self.selected, &self.label, run, self.subjects_of(run, number), number == 0);
        if part.ended.is_some() {
            self.ended.fetch_min(number, Ordering::Relaxed);
        }
        part
    }

    /// Keeps a part. Returns all of them, once there are all.
    pub(super) fn done(&self, number: usize, part: Part) -> Option<BTreeMap<usize, Part>> {
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        judged.insert(number, part);
        (judged.len() == self.parts).then(|| std::mem::take(&mut *judged))
    }

    /// What it took, and the results of all parts up to the first that ended early.
    pub(super) fn whole(&self, run: &Run<'_>, parts: BTreeMap<usize, Part>) -> (Taken, CheckResults) {
        let (rule, subjects, length) = (self.selected.rule, self.subjects(run), self.length(run));
        let mut results = RuleResults::new(self, run);
        let mut taken = Taken::default();
        let mut cost = RuleCost { rule: self.label.clone(), subjects: 0, fuel: 0, work: 0, nanoseconds: 0 };
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
                part = Part { ended: Some((0, (&limit).into())), ..Part::default() };
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

    /// What stands for the results of a rule that is over the budget of its pack or of the run: all of its subjects are unknown.
    /// Of the rules of one pack, the first has a fault that speaks for all.
    pub(super) fn left_out(&self, run: &Run<'_>, ended: &RunFailure, first: bool) -> CheckResults {
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
        text::line(&format!("{kind} {name}"), 300)
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
