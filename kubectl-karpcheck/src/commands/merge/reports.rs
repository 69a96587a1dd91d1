//! The reports that are merged: each is read once for what stays of it, and again whenever its entries are written.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::commands::shared::error::CommandError;
use crate::inventory::Problem;
use crate::inventory::problem::{FlagProblem, ProblemKind};
use crate::report::merged::{Document, Part, Rank, Reports};
use crate::sources::snapshot::facts::ClusterFacts;

/// A report that can be read again, and what there is to find in it.
#[derive(Debug)]
pub(super) struct ReportFile {
    path: PathBuf,
    /// What it says, where it can be read once only: a pipe.
    held: Option<Vec<u8>>,
    /// The ranks of its findings.
    ranks: Vec<Rank>,
    /// Does it have what is accepted, or what could not be read?
    others: bool,
    /// Those of its clusters, by their place, that no report before it has.
    clusters: Vec<usize>,
    /// How many of its clusters a report before it has.
    repeated: usize,
    /// What is to be said of it in the merged report.
    remark: Option<Value>,
    /// Does a report before it say the same?
    left_out: bool,
}

/// Reads a report for the first time. `take_in` is given its clusters, and says whether each is a new one.
///
/// # Errors
/// It cannot be read, or is no report.
pub(super) fn read(
    path: &Path,
    is_anew: &dyn Fn(&str) -> bool,
    take_in: &mut dyn FnMut(ClusterFacts) -> bool,
) -> Result<(Document, ReportFile), CommandError> {
    let bad = |why: String| CommandError::Usage(format!("{}: {why}", path.display()));
    let text = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let mut report = Document::read(&text).map_err(bad)?;
    let (mut clusters, mut repeated) = (vec![], 0);
    for (place, facts) in std::mem::take(&mut report.facts).into_iter().enumerate() {
        let facts = serde_json::from_value(facts)
            .map_err(|error| bad(format!("what it carries for a merge cannot be read: {error}")))?;
        if take_in(facts) {
            clusters.push(place);
        } else {
            repeated += 1;
        }
    }
    let own = report.findings.iter().filter(|finding| !finding["rule"].as_str().is_some_and(is_anew));
    let mut ranks: Vec<Rank> = own.map(Rank::of).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let again = ReportFile {
        path: path.to_owned(),
        held: (!path.is_file()).then_some(text),
        ranks,
        others: !report.suppressed.is_empty() || !report.problems.is_empty(),
        clusters,
        repeated,
        remark: None,
        left_out: false,
    };
    Ok((report, again))
}

/// A problem, as a report has it.
pub(super) fn said(problem: &Problem) -> Value {
    json!({"code": problem.code(), "class": problem.class.as_str(), "message": problem.to_string(), "origin": null})
}

impl ReportFile {
    /// Does it carry clusters that no report before it has?
    pub(super) const fn has_facts(&self) -> bool {
        !self.clusters.is_empty()
    }

    /// How many of its clusters a report before it has.
    pub(super) const fn repeated(&self) -> usize {
        self.repeated
    }

    /// Says something of it, as one of its problems. One that has nothing new, since a part was run twice, has this alone.
    pub(super) fn say(&mut self, problem: Problem, report: &mut Document) {
        let said = said(&problem);
        self.left_out = matches!(&problem.kind, ProblemKind::Flag(FlagProblem::ReportAgain { .. }));
        if self.left_out {
            *report = Document::default();
            self.ranks.clear();
        }
        report.problems.push(said.clone());
        self.others = true;
        self.remark = Some(said);
    }

    fn document(&self) -> io::Result<Document> {
        let mut document = if self.left_out { Document::default() } else { self.read()? };
        document.problems.extend(self.remark.clone());
        Ok(document)
    }

    fn read(&self) -> io::Result<Document> {
        let changed = |why: String| io::Error::other(format!("{}: {why}", self.path.display()));
        match &self.held {
            Some(text) => Document::read(text).map_err(changed),
            None => Document::read(&std::fs::read(&self.path)?).map_err(changed),
        }
    }

    fn has(&self, part: Part) -> bool {
        match part {
            Part::Findings(rank) => self.ranks.contains(&rank),
            Part::Suppressed | Part::Problems => self.others,
            Part::Facts => self.has_facts(),
        }
    }
}

/// All reports, one at a time.
pub(super) struct ReadAgain<'a> {
    pub(super) reports: &'a [ReportFile],
    /// Problems of the merge itself.
    pub(super) beside: &'a [Value],
    /// Is it a rule that judges anew?
    pub(super) is_anew: &'a dyn Fn(&str) -> bool,
}

impl ReadAgain<'_> {
    /// Each report.
    pub(super) fn documents(&self) -> impl Iterator<Item = io::Result<Document>> {
        let beside = Document::of_problems(self.beside.to_vec());
        self.reports.iter().map(ReportFile::document).chain(std::iter::once(Ok(beside)))
    }
}

impl Reports for ReadAgain<'_> {
    fn each(&self, part: Part, take: &mut dyn FnMut(&Value)) -> io::Result<()> {
        if part == Part::Problems {
            self.beside.iter().for_each(&mut *take);
        }
        for report in self.reports.iter().filter(|report| report.has(part)) {
            let document = report.document()?;
            match part {
                Part::Findings(rank) => {
                    let own = |finding: &&Value| {
                        Rank::of(finding) == rank && !finding["rule"].as_str().is_some_and(self.is_anew)
                    };
                    document.findings.iter().filter(own).for_each(&mut *take);
                }
                Part::Suppressed => document.suppressed.iter().for_each(&mut *take),
                Part::Problems => document.problems.iter().for_each(&mut *take),
                Part::Facts => {
                    report.clusters.iter().filter_map(|place| document.facts.get(*place)).for_each(&mut *take);
                }
            }
        }
        Ok(())
    }
}
