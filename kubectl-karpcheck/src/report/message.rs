//! The text of a finding in all formats for people.

use std::collections::BTreeSet;

use crate::findings::finding::{BUILTIN, Finding, FixOutcome, Outcome, RuleInfo, Severity};
use crate::report::rows;
use crate::report::rows::Group;
use crate::report::{Run, cause_words, matrix, text};

/// How many places of a row are named. One more is where it would be the only one left.
pub(super) const PLACES: usize = 3;

/// The first few of many, and how many more there are.
pub(super) fn few(all: &[String]) -> Vec<String> {
    if all.len() <= PLACES + 1 {
        return all.to_vec();
    }
    let mut few = all[..PLACES].to_vec();
    few.push(format!("and {} more", all.len() - PLACES));
    few
}

/// A message, what it follows from, and what its edits do.
pub(super) fn whole_message(run: &Run<'_>, finding: &Finding) -> String {
    let mut text = message(finding);
    if let Some(cause) = rows::cause(run, finding) {
        text.push_str(&format!(" (follows from {})", cause.rule));
    }
    if let Some(cure) = &finding.cure {
        text.push_str(&format!(" (verified: {})", cured(cure)));
    }
    text
}

/// What to do about it, with its label: `fix: …`.
fn remedy(finding: &Finding) -> Option<String> {
    let label = if finding.outcome == Outcome::Fail { "fix" } else { "to settle it" };
    let remedy = finding.remediation.trim();
    (!remedy.is_empty()).then(|| format!("{label}: {remedy}"))
}

/// The other places that explain a finding, each with its note.
pub(super) fn related(run: &Run<'_>, finding: &Finding) -> Vec<String> {
    let mut places: Vec<String> = finding
        .related
        .iter()
        .chain(&finding.reason_at)
        .filter(|place| place.item != finding.subject || place.pointer != finding.pointer)
        .map(|place| {
            let spot = rows::spot_of(run, place.item, &place.pointer).map(|spot| rows::spot_words(run, spot));
            let spot = spot.filter(|spot| !spot.is_empty()).map_or_else(String::new, |spot| format!(" ({spot})"));
            let note = text::one_line(&place.note);
            let note = if note.is_empty() { note } else { format!(": {note}") };
            format!("{}{spot}{note}", rows::subject(run, place.item))
        })
        .collect();
    let mut seen = BTreeSet::new();
    places.retain(|place| seen.insert(place.clone()));
    places
}

/// The places that explain the findings of a group, each once.
pub(super) fn related_to_group(run: &Run<'_>, group: &Group<'_>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = group.findings.iter().flat_map(|finding| related(run, finding));
    all.filter(|place| seen.insert(place.clone())).collect()
}

/// The lines of a group: its message, what to do, and what follows.
pub(super) fn group(run: &Run<'_>, group: &Group<'_>) -> Vec<String> {
    let first = group.first();
    let mut text = vec![message(first)];
    text.extend(remedy(first));
    text.extend(scopes(run, group));
    text.extend(verified(group));
    text.extend(consequences(run, group));
    text.extend(settled(run, first));
    text
}

/// The label of a command in [`notes`].
pub(super) const RUN: &str = "run";

/// What there is to say of a group beside its message: a label and a text each.
pub(super) fn notes(run: &Run<'_>, group: &Group<'_>) -> Vec<(&'static str, String)> {
    let first = group.first();
    let mut notes = vec![];
    if let Some(names) = scope_names(run, group) {
        notes.push(("scope", names));
    }
    if let Some(named) = consequence_names(run, group) {
        notes.push(("causes", named));
    }
    let remedy = first.remediation.trim();
    if !remedy.is_empty() {
        notes.push((if first.outcome == Outcome::Fail { "fix" } else { "settle" }, remedy.to_owned()));
    }
    if let Some(cure) = worst_cure(group) {
        notes.push(("verified", cured(cure)));
    }
    if let Some(command) = rows::suggested_command(run, first) {
        notes.push((RUN, command));
    }
    notes
}

/// The page of a built-in rule on the web.
pub(super) fn page_url(rule: &RuleInfo) -> Option<String> {
    let repository = env!("CARGO_PKG_REPOSITORY");
    (rule.pack == BUILTIN).then(|| format!("{repository}/blob/main/docs/rules/{}.md", rule.id))
}

/// The lines of one finding: its message and what to do.
pub(super) fn finding(run: &Run<'_>, finding: &Finding) -> Vec<String> {
    let mut text = vec![whole_message(run, finding)];
    text.extend(remedy(finding));
    text.extend(settled(run, finding));
    text
}

fn settled(run: &Run<'_>, finding: &Finding) -> Option<String> {
    let label = if finding.remediation.trim().is_empty() { "to settle it" } else { "or run" };
    rows::suggested_command(run, finding).map(|command| format!("{label}: {command}"))
}

fn consequences(run: &Run<'_>, group: &Group<'_>) -> Option<String> {
    consequence_names(run, group).map(|named| format!("from it follows: {named}"))
}

fn consequence_names(run: &Run<'_>, group: &Group<'_>) -> Option<String> {
    let mut named: Vec<String> = group
        .consequences
        .iter()
        .map(|finding| format!("{} ({})", finding.rule, rows::subject(run, finding.subject)))
        .collect();
    named.dedup();
    (!named.is_empty()).then(|| few(&named).join(", "))
}

/// Of which scopes a group is, where there are several.
fn scopes(run: &Run<'_>, group: &Group<'_>) -> Option<String> {
    let many = group.findings.iter().flat_map(|finding| &finding.scopes).collect::<BTreeSet<_>>().len() > 1;
    scope_names(run, group).map(|names| format!("in {}{names}", if many { "" } else { "scope " }))
}

fn scope_names(run: &Run<'_>, group: &Group<'_>) -> Option<String> {
    if !matrix::is_shown(run) {
        return None;
    }
    let all = run.results.scopes;
    let names: BTreeSet<&String> = group.findings.iter().flat_map(|finding| &finding.scopes).collect();
    let names: Vec<String> = names.into_iter().map(|name| text::one_line(name)).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("{} of {all} scopes: {}", several.len(), few(several).join(", "))),
    }
}

/// What the edits of a group do; where they differ, of the first that is not cleared.
fn verified(group: &Group<'_>) -> Option<String> {
    worst_cure(group).map(|cure| format!("verified: {}", cured(cure)))
}

fn worst_cure<'a>(group: &Group<'a>) -> Option<&'a FixOutcome> {
    let cures: Vec<&FixOutcome> = group.findings.iter().filter_map(|finding| finding.cure.as_ref()).collect();
    cures.iter().find(|cure| ***cure != FixOutcome::Cleared).or(cures.first()).copied()
}

fn cured(cure: &FixOutcome) -> String {
    match cure {
        FixOutcome::Cleared => "cleared by the edit that karpcheck knows (`-o diff` shows it)".to_owned(),
        FixOutcome::Reveals(new) => {
            format!("cleared by the edit that karpcheck knows, and then comes {}", new.join("; "))
        }
        FixOutcome::NotEnough(left) => format!("the edit that karpcheck knows is not enough: {left}"),
        FixOutcome::NotTried(why) => format!("not tried: {why}"),
    }
}

/// A message, with the reason and its kind where it is unknown.
pub(super) fn message(finding: &Finding) -> String {
    let message = finding.message.trim();
    let Some(reason) = finding.reason.as_ref().filter(|_| finding.outcome == Outcome::Unknown) else {
        return message.to_owned();
    };
    let undecided = if severity(finding) == "unknown" { "" } else { "undecided, " };
    let cause = cause_words(reason.cause);
    // The first column already says that it is unknown.
    if finding.is_plain() {
        return match undecided {
            "" => format!("{reason} ({cause})"),
            _ => format!("{} ({undecided}{cause})", finding.sentence()),
        };
    }
    // A rule may have put the reason into its message: no reader wants it twice.
    if message.contains(&reason.to_string()) {
        return format!("{message} ({undecided}{cause})");
    }
    format!("{message} ({undecided}{cause}: {reason})")
}

/// The text of the first column. An undecided finding is `unknown` unless it was raised to a warning.
pub(super) fn severity(finding: &Finding) -> &'static str {
    match (finding.outcome, finding.severity) {
        (Outcome::Unknown, Severity::Info) => "unknown",
        (_, severity) => severity.as_str(),
    }
}
