//! Where a run has several scopes: what was found in each, by area.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::findings::finding::{Outcome, Severity};
use crate::report::{Run, layout, text};

/// Scopes that a matrix shows; those with findings come first.
const MOST: usize = 20;

/// Columns for the name of a scope. Where fewer are left for it, its areas stand below it.
const LEAST: usize = 12;

/// What was judged of one area in one scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Cell {
    /// Fails that are errors.
    pub(super) error: usize,
    /// Fails that are warnings.
    pub(super) warning: usize,
    /// Fails that are good to know.
    pub(super) info: usize,
    /// What could not be decided.
    pub(super) unknown: usize,
    /// Judgements that found nothing wrong.
    pub(super) passed: usize,
}

impl Cell {
    /// Counts a finding.
    pub(super) const fn count(&mut self, outcome: Outcome, severity: Severity) {
        *match (outcome, severity) {
            (Outcome::Unknown, _) => &mut self.unknown,
            (Outcome::Fail, Severity::Error) => &mut self.error,
            (Outcome::Fail, Severity::Warning) => &mut self.warning,
            (Outcome::Fail, Severity::Info) => &mut self.info,
        } += 1;
    }

    /// The worst of it, in a word.
    fn words(&self) -> String {
        match self {
            Self { error: 0, warning: 0, info: 0, unknown: 0, passed: 0 } => "-".to_owned(),
            Self { error: 1.., .. } => text::count(self.error, "error"),
            Self { warning: 1.., .. } => text::count(self.warning, "warning"),
            Self { unknown: 1.., .. } => "undecided".to_owned(),
            Self { info: 1.., .. } => format!("{} info", self.info),
            Self { .. } => "ok".to_owned(),
        }
    }

    const fn is_bad(&self) -> bool {
        self.error + self.warning > 0
    }
}

/// Are there several scopes that anything was judged in?
pub(super) fn is_shown(run: &Run<'_>) -> bool {
    run.results.scopes > 1
}

/// The scopes that anything was judged in, by name, with their areas. Empty where there is one scope.
pub(super) fn scopes<'a>(run: &Run<'a>) -> BTreeMap<&'a str, BTreeMap<&'a str, Cell>> {
    let mut scopes: BTreeMap<&str, BTreeMap<&str, Cell>> = BTreeMap::new();
    if !is_shown(run) {
        return scopes;
    }
    for ((scope, area), passed) in &run.results.passed {
        scopes.entry(scope).or_default().entry(area).or_default().passed += *passed as usize;
    }
    for finding in &run.results.findings {
        for scope in &finding.scopes {
            let cell = scopes.entry(scope).or_default().entry(&finding.area).or_default();
            cell.count(finding.outcome, finding.severity);
        }
    }
    scopes
}

/// The header and one row for each scope.
fn rows(run: &Run<'_>) -> (Vec<String>, Vec<Vec<String>>) {
    let scopes = scopes(run);
    let areas: BTreeSet<&str> = scopes.values().flat_map(BTreeMap::keys).copied().collect();
    let header = std::iter::once("SCOPE".to_owned()).chain(areas.iter().map(|area| area.to_uppercase())).collect();
    let mut order: Vec<(&&str, &BTreeMap<&str, Cell>)> = scopes.iter().collect();
    order.sort_by_key(|(_, areas)| !areas.values().any(Cell::is_bad));
    let rows = order
        .into_iter()
        .map(|(name, cells)| {
            let words = areas.iter().map(|area| cells.get(area).copied().unwrap_or_default().words());
            std::iter::once(text::one_line(name)).chain(words).collect()
        })
        .collect();
    (header, rows)
}

/// The matrix with all its rows; none where there is one scope.
pub(super) fn table(run: &Run<'_>) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    is_shown(run).then(|| rows(run))
}

/// The matrix where its columns have no room: each scope, then what is to be said of its areas.
fn paragraphs(header: &[String], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let mut lines = vec!["SCOPES".to_owned()];
    for row in rows {
        lines.push(text::end_of(&row[0], width));
        let judged = header.iter().zip(row).skip(1).filter(|(_, words)| *words != "-");
        let words: Vec<String> = judged.map(|(area, words)| format!("{} {words}", area.to_lowercase())).collect();
        let wrapped = text::wrap(&words.join(", "), width.saturating_sub(2));
        lines.extend(wrapped.iter().map(|line| format!("  {line}")));
    }
    lines
}

/// The matrix as it stands before the findings; empty where there is one scope.
pub(super) fn lines(run: &Run<'_>, width: usize) -> Vec<String> {
    if !is_shown(run) {
        return vec![];
    }
    let (header, mut rows) = rows(run);
    let left = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    let of_areas: usize = (1..header.len())
        .map(|column| {
            let cells = rows.iter().map(|row| text::width(&row[column]));
            cells.chain([text::width(&header[column])]).max().unwrap_or(0) + 2
        })
        .sum();
    let mut lines = match width.checked_sub(of_areas + 2).filter(|room| *room >= LEAST) {
        Some(room) => {
            for row in &mut rows {
                row[0] = text::end_of(&row[0], room);
            }
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            layout::columns(&header, &rows)
        }
        None => paragraphs(&header, &rows, width),
    };
    if left > 0 {
        lines.push(format!("and {left} more; -o json has all"));
    }
    lines.push(String::new());
    lines
}
