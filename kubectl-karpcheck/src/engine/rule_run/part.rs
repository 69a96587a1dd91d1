//! A part of a rule's subjects: judged one after the other, in an instance of its own.

use std::time::Instant;

use wasmtime::Store;

use crate::engine::Pack;
use crate::engine::budget::Taken;
use crate::engine::contract::bindings::Pack as Instance;
use crate::engine::guest_fault::GuestFault;
use crate::engine::host::Host;
use crate::engine::limits::Limits;
use crate::engine::rule_run::{Run, Selected};
use crate::engine::termination::{FailureKind, RunFailure};
use crate::engine::verdict::{Verdict, VerdictReader, too_much_text};
use crate::findings::finding::{Finding, Outcome};
use crate::inventory::ItemId;

/// What was found of a part, and what it took.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) findings: Vec<Finding>,
    /// The subjects that were found well.
    pub(super) passed: Vec<ItemId>,
    /// Subjects with a fail.
    pub(super) failed: u32,
    /// Subjects that could not be judged.
    pub(super) unknown: u32,
    /// Was a subject found to be none of the rule's?
    pub(super) skipped: bool,
    /// The last lines that the rule logged.
    pub(super) log: Vec<String>,
    /// How many subjects were judged.
    pub(super) subjects: u32,
    pub(super) taken: Taken,
    pub(super) nanoseconds: u64,
    /// Where of its subjects it ended, if not with the last one, and how.
    pub(super) ended: Option<(usize, RunFailure)>,
}

/// Judges a part of a rule's subjects. In the first, the rule is charged for the indexes that it asks for.
pub(super) fn judge(selected: &Selected<'_>, label: &str, run: &Run<'_>, subjects: &[ItemId], first: bool) -> Part {
    let start = Instant::now();
    let mut part = Part::default();
    if subjects.is_empty() {
        return part;
    }
    if start >= run.until {
        let how = format!("all rules of a run take more than {} s together", run.limits.run_wall.as_secs_f64());
        part.ended = Some((0, RunFailure { kind: FailureKind::LeftOut, how }));
        return part;
    }
    let Selected { pack, rule, settings, .. } = selected;
    let mut host = Host::judging(&run.limits, run.inventory, &run.policies, rule, settings, run.engine.wording);
    host.recorder.clone_from(&run.engine.recorder);
    host.wall = host.wall.min(run.until.saturating_duration_since(start));
    if !first {
        host.indexes_are_paid();
    }
    match run.engine.store(host) {
        Ok(mut store) => {
            let mut judge =
                Judge { reader: VerdictReader::new(rule, label, &run.limits), limits: &run.limits, part: &mut part };
            let judged = judge.all(pack, &mut store, subjects);
            part.ended = judged.err().map(|(at, error)| (at, RunFailure::new(&error, store.data_mut())));
            part.log = store.data_mut().take_log().into();
        }
        Err(error) => {
            part.ended = Some((0, RunFailure { kind: FailureKind::NotStarted, how: format!("{error:#}") }));
        }
    }
    part.nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    part
}

/// A rule alone must not have more than its texts may have, nor take more than its pack may.
pub(super) fn beyond(limits: &Limits, taken: Taken) -> Option<GuestFault> {
    if taken.text > limits.text {
        return Some(too_much_text(limits));
    }
    (taken.fuel > limits.pack_fuel || taken.work > limits.pack_work)
        .then(|| GuestFault::Limit("its subjects together cost more than all rules of a pack may".into()))
}

struct Judge<'a> {
    reader: VerdictReader<'a>,
    limits: &'a Limits,
    part: &'a mut Part,
}

impl Judge<'_> {
    /// Checks one subject after the other. An error has the subject at which it happened.
    fn all(
        &mut self,
        pack: &Pack,
        store: &mut Store<Host>,
        subjects: &[ItemId],
    ) -> Result<(), (usize, wasmtime::Error)> {
        let fuel = self.limits.fuel;
        let instance = pack.pre.instantiate(&mut *store).map_err(|error| (0, error))?;
        for (at, subject) in subjects.iter().enumerate() {
            store.set_fuel(fuel).map_err(|error| (at, error))?;
            let checked = self.check(&instance, store, *subject);
            self.part.subjects += 1;
            self.part.taken.fuel += fuel - store.get_fuel().unwrap_or_default();
            self.part.taken.work = store.data().spent();
            self.part.taken.text = self.reader.text();
            let within = || beyond(self.limits, self.part.taken).map_or(Ok(()), |limit| Err(limit.into()));
            checked.and_then(|()| within()).map_err(|error| (at, error))?;
        }
        Ok(())
    }

    fn check(&mut self, instance: &Instance, store: &mut Store<Host>, subject: ItemId) -> wasmtime::Result<()> {
        store.data_mut().begin(subject);
        let rule = &self.reader.rule.id;
        let verdict = instance.karpcheck_rules_rules().call_check(&mut *store, rule, subject.0)?;
        let verdict = self.reader.verdict(store.data(), subject, verdict)?;
        if let Some(recorder) = &store.data().recorder {
            recorder.record_verdict(verdict.as_str());
        }
        match verdict {
            Verdict::Skip => self.part.skipped = true,
            Verdict::Pass => self.part.passed.push(subject),
            Verdict::Findings(findings) => {
                if findings.iter().any(|finding| finding.outcome == Outcome::Fail) {
                    self.part.failed += 1;
                } else {
                    self.part.unknown += 1;
                }
                self.part.findings.extend(findings);
            }
        }
        Ok(())
    }
}
