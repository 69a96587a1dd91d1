//! Findings of earlier runs: reading a report or a baseline, and writing a baseline.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use crate::commands::shared::error::CommandError;
use crate::commands::shared::files::write_atomically;
use crate::commands::shared::item_names::label;
use crate::findings::comparison;
use crate::findings::comparison::Known;
use crate::findings::finding::{CheckResults, Finding, Outcome, Severity};
use crate::findings::suppression::SuppressionSource;
use crate::formats::encoding::decode;
use crate::inventory::Inventory;

/// Reads a JSON report or a baseline.
///
/// # Errors
/// It cannot be read, or is neither.
pub fn read(file: &Path) -> Result<Vec<Known>, CommandError> {
    let shown = file.display();
    let bytes = std::fs::read(file).map_err(|error| CommandError::Usage(format!("{shown} cannot be read: {error}")))?;
    // PowerShell writes UTF-16, or a byte order mark, where a report is redirected to a file.
    let text = decode(&bytes).map_err(|_| CommandError::Usage(format!("{shown}: it is not text")))?;
    comparison::read(text.as_bytes()).map_err(|why| CommandError::Usage(format!("{shown}: {why}")))
}

/// What a baseline accepts.
#[derive(Debug)]
pub struct KnownFindings {
    by_fingerprint: HashMap<String, (Outcome, Severity)>,
}

impl KnownFindings {
    /// What a report or a baseline has, accepted or not.
    ///
    /// # Errors
    /// It cannot be read, or is neither.
    pub fn read(file: &Path) -> Result<Self, CommandError> {
        let known = read(file)?.into_iter();
        Ok(Self { by_fingerprint: known.map(|one| (one.fingerprint, (one.outcome, one.severity))).collect() })
    }

    /// What the findings are called.
    pub fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.by_fingerprint.keys().map(String::as_str)
    }

    /// Was it known, and not less bad than now? An unknown that fails by now is news.
    pub fn accepts(&self, finding: &Finding) -> bool {
        let now = (finding.outcome, finding.severity);
        self.by_fingerprint.get(&finding.fingerprint).is_some_and(|known| now <= *known)
    }
}

#[derive(Serialize)]
struct Baseline<'a> {
    schema: &'static str,
    findings: Vec<Entry<'a>>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<'a> {
    rule: &'a str,
    subject: String,
    outcome: &'static str,
    severity: &'static str,
    fingerprint: &'a str,
}

/// Writes what a later run shall accept: all findings but those that something else accepts.
///
/// # Errors
/// The file cannot be written.
pub fn write(file: &Path, inventory: &Inventory, results: &CheckResults) -> Result<(), CommandError> {
    let known = results.suppressed.iter().filter(|suppressed| suppressed.by.source == SuppressionSource::Baseline);
    let all = results.findings.iter().chain(known.map(|suppressed| &suppressed.finding));
    let mut findings: Vec<Entry<'_>> = all
        .map(|finding| Entry {
            rule: &finding.rule,
            subject: label(inventory, finding.subject),
            outcome: finding.outcome.as_str(),
            severity: finding.severity.as_str(),
            fingerprint: &finding.fingerprint,
        })
        .collect();
    findings.sort();
    let mut text = serde_json::to_string_pretty(&Baseline { schema: comparison::BASELINE, findings })
        .map_err(std::io::Error::from)?;
    text.push('\n');
    write_atomically(file, text.as_bytes()).map_err(|error| CommandError::File { path: file.to_owned(), error })
}
