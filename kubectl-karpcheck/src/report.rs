//! Writes results: for people (table, wide, markdown, html), for scripts (json, yaml, name, diff), and for services that
//! collect such reports (sarif, junit, github).
//!
//! ```text
//! Run -> rows (order, groups, places) -> message (texts) -> a module for each format
//! ```
//!
//! One step sorts, groups and counts for all formats; a format only writes. `commands` decides what is reported and the
//! exit code.

use std::io::{self, Write};

use crate::findings::finding::{CheckResults, RuleInfo};
use crate::inventory::{Cause, Inventory, Problem};

mod closing;
mod costs;
mod diff;
mod excerpt;
mod fingerprint;
mod github;
mod html;
mod invocation;
mod json;
mod junit;
mod layout;
mod markdown;
mod matrix;
mod message;
mod name;
mod notes;
mod options;
mod page;
mod rows;
mod rules;
mod sarif;
mod table;
mod terminal;
mod text;
mod trail;
pub mod upgrade;

pub use costs::costs;
pub use diff::{NotShown, Patched};
pub use invocation::Invocation;
pub use options::{Detail, GroupBy, TableOptions};
pub use page::page;
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

/// Writes the report as JSON: `karpcheck.report/v1alpha1`.
pub fn json(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    json::write(run, &mut out)?;
    out.flush()
}

/// Writes the report as YAML: the types of [`json`].
pub fn yaml(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    json::write_yaml(run, &mut out)?;
    out.flush()
}

/// Writes the report as SARIF 2.1.0.
pub fn sarif(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    sarif::write(run, &mut out)?;
    out.flush()
}

/// Writes the report as JUnit's XML.
pub fn junit(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    junit::write(run, &mut out)?;
    out.flush()
}

/// Writes the findings as workflow commands of GitHub.
pub fn github(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    github::write(run, &mut out)?;
    out.flush()
}

/// Writes the report as GitHub's markdown, short enough for a comment.
pub fn markdown(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    markdown::write(run, &mut out)?;
    out.flush()
}

/// Writes the report as one HTML file.
pub fn html(run: &Run<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    html::write(run, &mut out)?;
    out.flush()
}

/// Writes the names of the subjects that have findings; on `err`, what could not be read.
pub fn name(run: &Run<'_>, out: &mut dyn io::Write, err: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    name::write(run, &mut out, err)?;
    out.flush()
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
        Cause::Undecidable => "only AWS can tell",
    }
}
