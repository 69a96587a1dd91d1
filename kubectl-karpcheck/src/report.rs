//! Writes results: for people (table, wide, markdown, html), for scripts (json, yaml, name, diff), and for services that
//! collect such reports (sarif, junit, github, gitlab).
//!
//! ```text
//! Run -> rows (order, groups, places) -> message (texts) -> a module for each format
//! ```
//!
//! One step sorts, groups and counts for all formats; a format only writes. `commands` decides what is reported and the
//! exit code.

use std::io::{self, Write};

use crate::findings::finding::{CheckResults, RuleInfo, Severity};
use crate::inventory::{Cause, Inventory, Problem};

mod clean_writer;
mod closing;
pub mod comparison;
mod costs;
mod diff;
mod encoding;
mod excerpt;
mod github;
mod gitlab;
mod html;
mod invocation;
mod json;
mod junit;
mod layout;
mod markdown;
mod matrix;
pub mod merged;
mod message;
mod name;
mod notes;
mod options;
mod page;
mod policy_report;
pub mod rebuilt;
mod rows;
mod rules;
mod sarif;
mod table;
mod terminal;
mod text;
mod trail;
pub mod upgrade;

pub use clean_writer::CleanWriter;
pub use costs::costs;
pub use diff::{NotShown, Patched, Piece, Pieces};
pub use invocation::Invocation;
pub use options::{Detail, GroupBy, TableOptions};
pub use page::page;
pub use policy_report::PolicyReport;
pub use rows::{Summary, summary};
pub use rules::{json as rules_json, table as rules_table};
pub use trail::{Answered, Reasons, decision_json, decision_table, why_json, why_table};

/// What a report is made of.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// What was gathered.
    pub inventory: &'a Inventory,
    /// What the rules found, as far as it is reported.
    pub results: &'a CheckResults,
    /// The rules that were selected.
    pub rules: &'a [RuleInfo],
    /// The packs that were loaded, the built-in one first.
    pub packs: &'a [PackInfo],
    /// What was assumed because a flag said so, by its name in JSON: `karpenterVersion`.
    pub assumed: &'a [(&'static str, String)],
    /// The time of the facts, RFC 3339.
    pub at: String,
    /// How much was read.
    pub sources: Sources,
    /// The user's command.
    pub invocation: &'a Invocation,
    /// The configuration, by its path from the root of its repository.
    pub config: Option<&'a str>,
    /// What the report carries of its clusters for a merge.
    pub facts: &'a [serde_json::Value],
    /// The part of the snapshots that alone was read.
    pub shard: Option<Shard>,
    /// Where the paths of files begin.
    pub paths: Paths,
}

/// One part of several: `--shard INDEX/COUNT`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct Shard {
    /// How many parts.
    pub count: usize,
    /// Which part, from 0.
    pub index: usize,
}

/// Where the paths of files begin in a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Paths {
    /// As they were named: the reader is where the command is run.
    #[default]
    Named,
    /// At the root of their repository: the reader is elsewhere.
    Repository,
}

impl<'a> Run<'a> {
    /// The same run for a reader who is elsewhere.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self { paths: Paths::Repository, ..self.clone() }
    }

    /// What could not be read, and what there is to say of suppressions.
    fn problems(&self) -> impl Iterator<Item = &'a Problem> {
        self.inventory.problems().iter().chain(&self.results.notes)
    }
}

/// A pack that was loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackInfo {
    /// Its name: `builtin`.
    pub name: String,
    /// Its version: `1.4.0`.
    pub version: String,
    /// `sha256:…` of the component.
    pub digest: String,
}

/// How much was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sources {
    /// Files, standard input among them.
    pub files: usize,
    /// Documents in these files.
    pub documents: usize,
    /// Files that `--exclude` names.
    pub excluded: usize,
    /// Files in folders whose names are of no kind that karpcheck reads.
    pub left_alone: usize,
    /// Files of folders that could not be read and speak neither of Karpenter nor of ACK.
    pub unread: usize,
    /// Objects of live clusters.
    pub objects: usize,
    /// Calls of the AWS API.
    pub asked: usize,
    /// Of what other runs reported, where their reports are put together.
    pub merged: Option<MergedSources>,
}

/// What other runs reported, whose inventories are not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MergedSources {
    /// Reports.
    pub reports: usize,
    /// The items of their inventories.
    pub items: usize,
    /// The rules that any of them selected.
    pub rules: usize,
    /// Are all of them complete?
    pub complete: bool,
}

/// Writes the report for people. Without a width (`out` is no terminal) every finding is one plain line.
pub fn table(run: &Run<'_>, options: &TableOptions, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    table::write(run, options, &mut out)?;
    out.flush()
}

/// A problem in one line with its place, for commands that print no report.
pub fn problem(inventory: &Inventory, problem: &Problem) -> String {
    closing::problem(inventory, problem)
}

/// Writes the report as JSON: `karpcheck.report/v1`.
pub fn json(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    json::write(run, &mut out)?;
    out.flush()
}

/// Writes a command's own document as JSON, whose texts neither control a terminal nor command a pipeline.
///
/// # Errors
/// Of the writer.
pub fn document(document: &impl serde::Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    encoding::json(document, out)
}

/// Writes the report as YAML: the types of [`json`].
pub fn yaml(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    json::write_yaml(run, &mut out)?;
    out.flush()
}

/// The report on each cluster that was asked, as an object for it to keep.
pub fn policy_reports(run: &Run<'_>) -> Vec<PolicyReport> {
    policy_report::of_clusters(run)
}

/// Writes the report as SARIF 2.1.0, with what the edits of its findings replace.
pub fn sarif(run: &Run<'_>, pieces: &Pieces, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    sarif::write(&run.elsewhere(), pieces, &mut out)?;
    out.flush()
}

/// Writes the report as JUnit's XML. A finding below `least` is no failure; without one none is.
pub fn junit(run: &Run<'_>, least: Option<Severity>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    junit::write(&run.elsewhere(), least, &mut out)?;
    out.flush()
}

/// Writes the findings as workflow commands of GitHub.
pub fn github(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    github::write(&run.elsewhere(), &mut out)?;
    out.flush()
}

/// Writes the findings as GitLab's code quality report; on `err`, what could not be read.
pub fn gitlab(run: &Run<'_>, out: &mut dyn io::Write, err: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    gitlab::write(&run.elsewhere(), &mut out)?;
    out.flush()?;
    problems(run, err)
}

/// Writes the report as GitHub's markdown, short enough for a comment.
pub fn markdown(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    markdown::write(&run.elsewhere(), &mut out)?;
    out.flush()
}

/// Writes the report as one HTML file.
pub fn html(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    html::write(&run.elsewhere(), &mut out)?;
    out.flush()
}

/// Writes the names of the subjects that have findings; on `err`, what could not be read.
pub fn name(run: &Run<'_>, out: &mut dyn io::Write, err: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    name::write(run, &mut out)?;
    out.flush()?;
    problems(run, err)
}

/// Says what could not be read, beside a format that has no place for it.
pub fn problems(run: &Run<'_>, err: &mut dyn io::Write) -> io::Result<()> {
    for line in closing::problems(run) {
        writeln!(err, "{line}")?;
    }
    Ok(())
}

/// Writes what the edits of the findings change in the files, as a unified diff; on `err`, what a diff cannot show.
pub fn diff(
    run: &Run<'_>,
    files: &[Patched],
    not_shown: &[NotShown],
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    diff::write(run, files, not_shown, &mut out, err)?;
    out.flush()
}

/// A cause as reports name it.
const fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::NotProvided => "not provided",
        Cause::Refused => "access refused",
        Cause::Failed => "could not be read",
        Cause::Symbolic => "no value yet",
        Cause::Undecidable => "not decidable here",
    }
}
