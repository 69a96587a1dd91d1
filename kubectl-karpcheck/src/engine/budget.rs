//! What the rules of a pack, and of a run, may keep and cost together.
//!
//! Limits of one rule do not bound a pack of 500 rules, or a run with ten packs. Rules run at the same time, and their results
//! are counted in the order of rules, so that the same input always loses the same rules: first those of a pack that is over
//! its budget. Built-in rules come first and are never at the mercy of others.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::engine::limits::Limits;

/// What one rule took.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Taken {
    /// Bytes of its findings.
    pub(super) text: usize,
    /// Its fuel.
    pub(super) fuel: u64,
    /// What the host did for it.
    pub(super) work: u64,
}

impl Taken {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            text: self.text.saturating_add(other.text),
            fuel: self.fuel.saturating_add(other.fuel),
            work: self.work.saturating_add(other.work),
        }
    }

    /// What of it is beyond so many packs' budgets: a sentence goes on with it.
    fn beyond(self, packs: u32, limits: &Limits) -> Option<String> {
        let text = limits.pack_text.saturating_mul(packs as usize);
        let (fuel, work) =
            (limits.pack_fuel.saturating_mul(packs.into()), limits.pack_work.saturating_mul(packs.into()));
        if self.text > text {
            Some(format!("have more than {} MiB of findings", text >> 20))
        } else if self.fuel > fuel {
            Some(format!("use more than {fuel} units of fuel"))
        } else {
            (self.work > work).then(|| format!("ask the inventory for more than {work} units of work"))
        }
    }
}

/// What stands for the results of a rule that is beyond a budget: its number, why, and whether it is the first of its pack.
type Without<'a, R> = dyn Fn(usize, &str, bool) -> R + Sync + 'a;

/// Results of rules, counted in the order of the rules.
pub(super) struct Ledger<'a, R> {
    state: Mutex<State<R>>,
    changed: Condvar,
    limits: &'a Limits,
    without: &'a Without<'a, R>,
}

struct State<R> {
    /// The first rule that is not counted.
    next: usize,
    /// What was found by rules after it.
    waiting: BTreeMap<usize, (String, Taken, R)>,
    waiting_text: usize,
    counted: Vec<R>,
    run: Taken,
    packs: HashMap<String, Taken>,
    /// Why no more rules of a pack count.
    spent: HashMap<String, String>,
}

impl<'a, R> Ledger<'a, R> {
    pub(super) fn new(limits: &'a Limits, without: &'a Without<'a, R>) -> Self {
        let state = State {
            next: 0,
            waiting: BTreeMap::new(),
            waiting_text: 0,
            counted: vec![],
            run: Taken::default(),
            packs: HashMap::new(),
            spent: HashMap::new(),
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), limits, without }
    }

    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while what is kept for rules before this one is too much. Says why the pack's rules count no more, if so.
    pub(super) fn begin(&self, rule: usize, pack: &str) -> Option<String> {
        let most = self.limits.pack_text;
        // The rules before it are run by others: who ends one takes the first that is left as long as it is so.
        let waits = |state: &mut State<R>| state.waiting_text > most && state.next < rule;
        let state = self.changed.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        state.spent.get(pack).cloned()
    }

    /// Is so much kept for rules before those that ran that they are to be run next?
    pub(super) fn is_crowded(&self) -> bool {
        self.state().waiting_text > self.limits.pack_text
    }

    /// Counts a rule's results as soon as those of all rules before it are counted.
    pub(super) fn end(&self, rule: usize, pack: &str, taken: Taken, results: R) {
        let mut guard = self.state();
        let state = &mut *guard;
        state.waiting_text += taken.text;
        state.waiting.insert(rule, (pack.to_owned(), taken, results));
        while let Some((pack, taken, results)) = state.waiting.remove(&state.next) {
            state.waiting_text -= taken.text;
            let rule = state.next;
            state.next += 1;
            let of_pack = state.packs.get(&pack).copied().unwrap_or_default().and(taken);
            let of_run = state.run.and(taken);
            let known = state.spent.get(&pack).cloned();
            let first = known.is_none();
            let beyond = known
                .or_else(|| {
                    of_pack.beyond(1, self.limits).map(|what| format!("with it the rules of pack {pack} {what}"))
                })
                .or_else(|| of_run.beyond(PACKS, self.limits).map(|what| format!("with it all rules {what}")));
            match beyond {
                None => {
                    state.packs.insert(pack, of_pack);
                    state.run = of_run;
                    state.counted.push(results);
                }
                Some(why) => {
                    state.counted.push((self.without)(rule, &why, first));
                    state.spent.insert(pack, why);
                }
            }
        }
        drop(guard);
        self.changed.notify_all();
    }

    /// All results, in the order of rules.
    pub(super) fn counted(self) -> Vec<R> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).counted
    }
}

/// A run's budget is that of so many packs.
const PACKS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: usize = 100;

    fn counted(ends: &[(usize, &str, usize)]) -> Vec<String> {
        let limits = Limits { pack_text: TEXT, ..Limits::default() };
        let without = |rule: usize, _: &str, _: bool| format!("{rule} left out");
        let ledger = Ledger::new(&limits, &without);
        for (rule, pack, text) in ends {
            ledger.end(*rule, pack, Taken { text: *text, ..Taken::default() }, format!("{rule} of {pack}"));
        }
        ledger.counted()
    }

    #[test]
    fn a_pack_beyond_its_budget_loses_its_later_rules_only() {
        let ends = [(0, "builtin", 60), (1, "flood", 90), (2, "flood", 20), (3, "flood", 1), (4, "other", 10)];
        let expected = ["0 of builtin", "1 of flood", "2 left out", "3 left out", "4 of other"];
        assert_eq!(counted(&ends), expected);
        let [a, b, c, d, e] = ends;
        assert_eq!(counted(&[e, d, b, a, c]), expected, "in which order they end does not matter");
    }

    #[test]
    fn a_run_has_a_budget_of_its_own() {
        let ends = [(0, "builtin", 10), (1, "a", 90), (2, "b", 90), (3, "c", 90), (4, "d", 10)];
        assert_eq!(counted(&ends), ["0 of builtin", "1 of a", "2 of b", "3 left out", "4 of d"]);
    }

    #[test]
    fn a_spent_pack_is_not_begun_again() {
        let limits = Limits { pack_text: TEXT, ..Limits::default() };
        let without = |_: usize, _: &str, _: bool| ();
        let ledger = Ledger::new(&limits, &without);
        assert_eq!(ledger.begin(0, "flood"), None);
        ledger.end(0, "flood", Taken { text: 101, ..Taken::default() }, ());
        assert!(ledger.begin(1, "flood").is_some_and(|why| why.contains("of pack flood")));
        assert_eq!(ledger.begin(2, "other"), None);
    }

    #[test]
    fn what_is_kept_is_counted_once_the_rules_before_it_have_run() {
        let limits = Limits { pack_text: TEXT, ..Limits::default() };
        let without = |_: usize, _: &str, _: bool| ();
        let ledger = Ledger::new(&limits, &without);
        ledger.end(2, "flood", Taken { text: 60, ..Taken::default() }, ());
        assert!(!ledger.is_crowded());
        ledger.end(1, "other", Taken { text: 60, ..Taken::default() }, ());
        assert!(ledger.is_crowded());
        // The first that is left is not held up by what it is needed for.
        assert_eq!(ledger.begin(0, "other"), None);
        ledger.end(0, "other", Taken::default(), ());
        assert!(!ledger.is_crowded());
        assert_eq!(ledger.counted().len(), 3);
    }
}
