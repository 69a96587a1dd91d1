//! Compares the findings of two versions: the same finding may name another version in its message.

use std::collections::HashMap;

use crate::findings::finding::{CheckResults, Finding, Outcome, Severity};
use crate::fixes::edit::identity;
use crate::inventory::Inventory;

/// What a finding says, whatever the version: rule, subject, pointer, outcome, severity and message.
type Key = (String, Option<(String, String, String, u32)>, String, Outcome, Severity, String);

fn key(inventory: &Inventory, finding: &Finding) -> Key {
    // What keeps a rule from deciding is a reason, not a message.
    let why = finding.reason.as_ref().map(ToString::to_string).unwrap_or_default();
    (
        finding.rule.clone(),
        identity(inventory, finding.subject),
        finding.pointer.clone(),
        finding.outcome,
        finding.severity,
        versionless(&format!("{} {why}", finding.message)),
    )
}

/// A text in which every version is the same one.
fn versionless(text: &str) -> String {
    // What is said of a release that is too new to be known is no news.
    let text = match (text.find(" (judged as "), text) {
        (Some(start), text) => match text[start..].find(')') {
            Some(length) => format!("{}{}", &text[..start], &text[start + length + 1..]),
            None => text.to_owned(),
        },
        (None, text) => text.to_owned(),
    };
    let mut made = String::with_capacity(text.len());
    let mut word = String::new();
    let close = |word: &mut String, made: &mut String| {
        let version = word.trim_end_matches('.');
        let parts: Vec<&str> = version.split('.').collect();
        let numbers = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        if (2..=3).contains(&parts.len()) && numbers {
            made.push_str("VERSION");
            made.push_str(&word[version.len()..]);
        } else {
            made.push_str(word);
        }
        word.clear();
    };
    for char in text.chars() {
        if char.is_alphanumeric() || char == '.' || char == '-' || char == '_' {
            word.push(char);
        } else {
            close(&mut word, &mut made);
            made.push(char);
        }
    }
    close(&mut word, &mut made);
    made
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
type About = (String, Option<(String, String, String, u32)>, String);

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

#[cfg(test)]
mod tests {
    use super::versionless;

    #[test]
    fn messages_differ_by_more_than_versions() {
        assert_eq!(versionless("karpenter (1.0.14) may not"), versionless("karpenter (1.14.1) may not"));
        assert_eq!(
            versionless("older than Karpenter 1.99 (judged as 1.14, the newest release known here)."),
            versionless("older than Karpenter 1.3.")
        );
        assert_ne!(versionless("and 2 more fields"), versionless("and 4 more fields"));
        assert_eq!(versionless("10.0.0.1 stays, v1.2 too"), "10.0.0.1 stays, v1.2 too");
    }
}
