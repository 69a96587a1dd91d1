//! Findings of an earlier run, as a report or a baseline has them, and what differs between two.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::findings::finding::{Outcome, Severity};

/// The schema of a baseline.
pub const BASELINE: &str = "karpcheck.baseline/v1alpha1";
/// How the schemas of reports begin, whatever their version.
const REPORT: &str = "karpcheck.report/";

/// A finding of an earlier run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// What it is called from run to run.
    pub fingerprint: String,
    /// The rule.
    pub rule: String,
    /// Failed, or not decided.
    pub outcome: Outcome,
    /// How bad.
    pub severity: Severity,
    /// `Queue/orders`.
    pub subject: String,
    /// `queue.yaml:12:5`; empty where it has none.
    pub place: String,
    /// What is wrong; empty in a baseline.
    pub message: String,
    /// Was it accepted?
    pub suppressed: bool,
}

/// What is wrong with a file that should be a report.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAReport {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// It has another schema.
    #[error("it is no JSON report of karpcheck, and no baseline: its `schema` is {0}")]
    Schema(String),
}

/// Reads a JSON report or a baseline.
///
/// # Errors
/// It is neither.
pub fn read(bytes: &[u8]) -> Result<Vec<Known>, NotAReport> {
    let report: Value = serde_json::from_slice(bytes).map_err(|error| NotAReport::Json(error.to_string()))?;
    let schema = report["schema"].as_str().unwrap_or_default();
    if schema != BASELINE && !schema.starts_with(REPORT) {
        return Err(NotAReport::Schema(if schema.is_empty() { "missing".to_owned() } else { schema.to_owned() }));
    }
    let of = |list: &str, suppressed: bool| {
        let findings = report[list].as_array().map(Vec::as_slice).unwrap_or_default();
        findings.iter().map(|finding| known(finding, suppressed)).collect::<Vec<Known>>()
    };
    Ok([of("findings", false), of("suppressed", true)].concat())
}

fn known(finding: &Value, suppressed: bool) -> Known {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let subject = &finding["subject"];
    let origin = &subject["origin"];
    let place = match (origin["file"].as_str(), origin["line"].as_u64(), origin["column"].as_u64()) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(file), ..) => file.to_owned(),
        (None, ..) => text(&origin["context"]),
    };
    Known {
        fingerprint: text(&finding["fingerprint"]),
        rule: text(&finding["rule"]),
        outcome: if finding["outcome"] == Outcome::Fail.as_str() { Outcome::Fail } else { Outcome::Unknown },
        severity: Severity::parse(finding["severity"].as_str().unwrap_or_default()).unwrap_or(Severity::Info),
        subject: match subject.as_str() {
            Some(subject) => subject.to_owned(),
            None => {
                let kind = text(&subject["kind"]);
                let kind = kind.rsplit(['/', ':']).next().unwrap_or_default();
                match subject["namespace"].as_str() {
                    Some(namespace) => format!("{kind}/{namespace}/{}", text(&subject["name"])),
                    None => format!("{kind}/{}", text(&subject["name"])),
                }
            }
        },
        place,
        message: text(&finding["message"]),
        suppressed,
    }
}

/// What became of a finding between two reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Change {
    /// It was not there before.
    New,
    /// It is worse: an unknown that fails, or of a higher severity.
    Worse,
    /// It is less bad.
    Better,
    /// It is accepted now.
    Suppressed,
    /// It is not there any more.
    Gone,
    /// It is as it was.
    Unchanged,
}

impl Change {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Suppressed => "suppressed",
            Self::Gone => "gone",
            Self::Unchanged => "unchanged",
        }
    }
}

/// The findings of two reports, each with what became of it: the newer word where both have it. New ones first, and of these the
/// worst.
pub fn compare(old: Vec<Known>, new: Vec<Known>) -> Vec<(Change, Known)> {
    let mut before: BTreeMap<String, Known> = old.into_iter().map(|known| (known.fingerprint.clone(), known)).collect();
    let rank = |known: &Known| (known.outcome, known.severity);
    let mut changes: Vec<(Change, Known)> = vec![];
    for known in new {
        let change = match before.remove(&known.fingerprint) {
            // What was accepted from the start is no news.
            None if known.suppressed => Change::Unchanged,
            Some(other) if known.suppressed && other.suppressed => Change::Unchanged,
            Some(_) if known.suppressed => Change::Suppressed,
            None => Change::New,
            Some(other) if other.suppressed => Change::New,
            Some(other) if rank(&known) > rank(&other) => Change::Worse,
            Some(other) if rank(&known) < rank(&other) => Change::Better,
            Some(_) => Change::Unchanged,
        };
        changes.push((change, known));
    }
    let gone = before.into_values().filter(|known| !known.suppressed);
    changes.extend(gone.map(|known| (Change::Gone, known)));
    changes.sort_by(|(one, known), (other, of)| {
        one.cmp(other)
            .then(rank(of).cmp(&rank(known)))
            .then_with(|| (&known.rule, &known.subject, &known.place).cmp(&(&of.rule, &of.subject, &of.place)))
    });
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(fingerprint: &str, outcome: Outcome, severity: Severity, suppressed: bool) -> Known {
        Known {
            fingerprint: fingerprint.into(),
            rule: "r".into(),
            outcome,
            severity,
            subject: String::new(),
            place: String::new(),
            message: String::new(),
            suppressed,
        }
    }

    #[test]
    fn what_became_of_each_finding() {
        let (fail, unknown) = (Outcome::Fail, Outcome::Unknown);
        let old = vec![
            known("gone", fail, Severity::Error, false),
            known("same", fail, Severity::Error, false),
            known("settled", unknown, Severity::Warning, false),
            known("milder", fail, Severity::Error, false),
            known("accepted", fail, Severity::Error, false),
            known("taken back", fail, Severity::Error, true),
            known("gone and accepted", fail, Severity::Error, true),
        ];
        let new = vec![
            known("same", fail, Severity::Error, false),
            known("settled", fail, Severity::Info, false),
            known("milder", fail, Severity::Warning, false),
            known("accepted", fail, Severity::Error, true),
            known("taken back", fail, Severity::Error, false),
            known("new", fail, Severity::Warning, false),
            known("new and accepted", fail, Severity::Warning, true),
        ];
        let became: Vec<(&str, String)> =
            compare(old, new).into_iter().map(|(change, known)| (change.as_str(), known.fingerprint)).collect();
        let expected = [
            ("new", "taken back"),
            ("new", "new"),
            ("worse", "settled"),
            ("better", "milder"),
            ("suppressed", "accepted"),
            ("gone", "gone"),
            ("unchanged", "same"),
            ("unchanged", "new and accepted"),
        ];
        assert_eq!(became, expected.map(|(change, name)| (change, name.to_owned())));
    }

    #[test]
    fn another_file_is_no_report() {
        assert_eq!(
            read(b"{}").unwrap_err().to_string(),
            "it is no JSON report of karpcheck, and no baseline: its `schema` is missing"
        );
        assert!(matches!(read(b"no"), Err(NotAReport::Json(_))));
    }
}
