//! What there is to say of a finding or of a cause beside its message: what to do, where it is so, what follows from it.

use std::collections::BTreeSet;

use crate::findings::finding::{Finding, FixOutcome, Outcome};

use crate::report::rows::Group;
use crate::report::text::few;
use crate::report::{Run, matrix, rows, text};

/// What a note is about, in the order in which a terminal has them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum About {
    /// The one scope that it is of, where there are several.
    Scope,
    /// The scopes that it is of.
    Scopes,
    /// What follows from it.
    Consequences,
    /// What mends it.
    Fix,
    /// What settles it.
    Settle,
    /// What its edits do.
    Verified,
    /// The one command that settles it.
    Run,
    /// The same, beside other words for it.
    OrRun,
}

/// A note.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Note {
    pub(super) about: About,
    pub(super) text: String,
}

impl Note {
    const fn new(about: About, text: String) -> Self {
        Self { about, text }
    }

    /// A word for what it is about, where it stands before the text in a column.
    pub(super) const fn label(&self) -> &'static str {
        match self.about {
            About::Scope | About::Scopes => "scope",
            About::Consequences => "causes",
            About::Fix => "fix",
            About::Settle => "settle",
            About::Verified => "verified",
            About::Run | About::OrRun => "run",
        }
    }

    /// The note as a line of its own.
    pub(super) fn line(&self) -> String {
        let before = match self.about {
            About::Scope => "in scope ",
            About::Scopes => "in ",
            About::Consequences => "from it follows: ",
            About::Fix => "fix: ",
            About::Settle | About::Run => "to settle it: ",
            About::Verified => "verified: ",
            About::OrRun => "or run: ",
        };
        format!("{before}{}", self.text)
    }
}

/// The notes of a cause.
pub(super) fn of_group(run: &Run<'_>, group: &Group<'_>) -> Vec<Note> {
    let first = group.first();
    let all = [remedy(run, first), scopes(run, group), verified(group), consequences(run, group), command(run, first)];
    all.into_iter().flatten().collect()
}

/// The notes of one finding.
pub(super) fn of_finding(run: &Run<'_>, finding: &Finding) -> Vec<Note> {
    remedy(run, finding).into_iter().chain(command(run, finding)).collect()
}

fn remedy(run: &Run<'_>, finding: &Finding) -> Option<Note> {
    let about = if finding.outcome == Outcome::Fail { About::Fix } else { About::Settle };
    let remedy = finding.remediation.trim();
    let statement = rows::statement(run, finding).map(|spot| rows::spot_words(run, spot));
    let at = statement.map(|place| format!(" (the statement: {place})")).unwrap_or_default();
    (!remedy.is_empty()).then(|| Note::new(about, format!("{remedy}{at}")))
}

fn command(run: &Run<'_>, finding: &Finding) -> Option<Note> {
    let about = if finding.remediation.trim().is_empty() { About::Run } else { About::OrRun };
    rows::suggested_command(run, finding).map(|command| Note::new(about, command))
}

fn consequences(run: &Run<'_>, group: &Group<'_>) -> Option<Note> {
    let mut named: Vec<String> = group
        .consequences
        .iter()
        .map(|finding| format!("{} ({})", finding.rule, rows::subject(run, finding.subject)))
        .collect();
    named.dedup();
    (!named.is_empty()).then(|| Note::new(About::Consequences, few(&named).join(", ")))
}

fn scopes(run: &Run<'_>, group: &Group<'_>) -> Option<Note> {
    if !matrix::is_shown(run) {
        return None;
    }
    let all = run.results.scopes;
    let names: BTreeSet<&String> = group.findings.iter().flat_map(|finding| &finding.scopes).collect();
    let names: Vec<String> = names.into_iter().map(|name| text::one_line(name)).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(Note::new(About::Scope, one.clone())),
        several => {
            let named = few(several).join(", ");
            Some(Note::new(About::Scopes, format!("{} of {all} scopes: {named}", several.len())))
        }
    }
}

/// What the edits of a group do; where they differ, of the first that is not cleared.
fn verified(group: &Group<'_>) -> Option<Note> {
    let cures: Vec<&FixOutcome> = group.findings.iter().filter_map(|finding| finding.cure.as_ref()).collect();
    let worst = cures.iter().find(|cure| ***cure != FixOutcome::Cleared).or(cures.first())?;
    Some(Note::new(About::Verified, cured(worst)))
}

/// What a fix did when it was tried.
pub(super) fn cured(cure: &FixOutcome) -> String {
    match cure {
        FixOutcome::Cleared => "the edit that `-o diff` shows clears it".to_owned(),
        FixOutcome::Reveals(new) => {
            format!("the edit that `-o diff` shows clears it, but then {} appears", new.join("; "))
        }
        FixOutcome::NotEnough(left) => format!("the edit that `-o diff` shows is not enough: {left}"),
        FixOutcome::NotTried(why) => format!("not tried: {why}"),
    }
}
