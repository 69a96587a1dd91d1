//! Compares the findings of two versions: the same finding may name another version in its message, so messages do not count.

use std::collections::HashMap;

use crate::findings::finding::{CheckResults, Finding, Outcome, Severity};
use crate::fixes::edit::identity;
use crate::inventory::{Cause, Inventory};

/// An item, whatever its number is.
type Identity = Option<(String, String, String, u32)>;

/// What a finding is, whatever the version and the words: its rule, subject and place, how bad it is, which defect or which
/// lack of knowledge, and what explains it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    about: About,
    outcome: Outcome,
    severity: Severity,
    group: String,
    reason: Option<(Cause, String)>,
    related: Vec<(Identity, String)>,
}

fn key(inventory: &Inventory, finding: &Finding) -> Key {
    let reason = finding.reason.as_ref().map(|reason| (reason.cause, reason.code().to_owned()));
    let places = finding.related.iter().chain(&finding.reason_at);
    let mut related: Vec<_> = places.map(|place| (identity(inventory, place.item), place.pointer.clone())).collect();
    related.sort();
    related.dedup();
    Key {
        about: about(inventory, finding),
        outcome: finding.outcome,
        severity: finding.severity,
        group: finding.group.clone(),
        reason,
        related,
    }
}

/// Findings that were reported already, each as often as one version reports it.
#[derive(Clone, Debug, Default)]
pub(super) struct ReportedFindings(HashMap<Key, usize>);

impl ReportedFindings {
    /// All findings of these results.
    pub(super) fn of(inventory: &Inventory, results: &CheckResults) -> Self {
        let mut known = Self::default();
        for finding in &results.findings {
            *known.0.entry(key(inventory, finding)).or_insert(0) += 1;
        }
        known
    }

    /// The findings that are not known; from now on they are.
    pub(super) fn take_new(&mut self, inventory: &Inventory, results: &CheckResults) -> Vec<Finding> {
        let mut seen: HashMap<Key, usize> = HashMap::new();
        let mut new = vec![];
        for finding in &results.findings {
            let key = key(inventory, finding);
            let count = seen.entry(key.clone()).or_insert(0);
            *count += 1;
            let known = self.0.entry(key).or_insert(0);
            if *count > *known {
                *known = *count;
                new.push(Finding { follows: None, ..finding.clone() });
            }
        }
        new
    }

    /// Was this reported? Each report is taken once.
    pub(super) fn take(&mut self, inventory: &Inventory, finding: &Finding) -> bool {
        match self.0.get_mut(&key(inventory, finding)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }
}

/// Rule, subject and pointer: what a finding is about, without its message.
type About = (String, Identity, String);

fn about(inventory: &Inventory, finding: &Finding) -> About {
    (finding.rule.clone(), identity(inventory, finding.subject), finding.pointer.clone())
}

/// Marks new findings that are worse than today's finding of the same field.
pub(super) fn mark_worse(now_in: &Inventory, now: &CheckResults, inventory: &Inventory, new: &mut [Finding]) {
    for finding in new.iter_mut().filter(|finding| finding.outcome == Outcome::Fail) {
        let today = now.findings.iter().find(|today| {
            today.outcome == Outcome::Fail
                && today.severity < finding.severity
                && about(now_in, today) == about(inventory, finding)
        });
        if let Some(today) = today {
            finding.message.push_str(&format!(" (today: {})", today.severity.as_str()));
        }
    }
}

/// What fails now, and no longer at the end.
pub(super) fn solved(now_in: &Inventory, now: &CheckResults, end_in: &Inventory, end: &CheckResults) -> Vec<Finding> {
    let left: Vec<_> = end.findings.iter().map(|finding| about(end_in, finding)).collect();
    now.findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Fail && !left.contains(&about(now_in, finding)))
        .map(|finding| Finding { follows: None, ..finding.clone() })
        .collect()
}
