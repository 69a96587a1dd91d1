//! The lines under the findings: what could not be read, what was checked, and what was not and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::findings::finding::Outcome;
use crate::findings::suppression::SuppressionSource;
use crate::inventory::problem::ProblemKind;
use crate::inventory::{Inventory, Origin, Problem, Reason};
use crate::report::rows;
use crate::report::rows::{Spot, Summary, spot};
use crate::report::text;
use crate::report::text::{and, count};
use crate::report::{Paths, Run, cause_words};

/// So many contexts are named; of a fleet only the number is.
const NAMED: usize = 10;

/// The lines, wrapped on a terminal.
pub(super) fn lines(run: &Run<'_>, width: Option<usize>) -> Vec<String> {
    let problems = problems(run).into_iter().map(|line| line.to_string());
    // On a terminal each command stands beside what it settles.
    let summary = if width.is_some() { facts(run, &rows::summary(run)) } else { summary(run) };
    wrapped(problems.chain(summary), width)
}

/// Problems alone, without notes, for a report of findings only.
pub(super) fn loud_problems(run: &Run<'_>, width: Option<usize>) -> Vec<String> {
    wrapped(problems(run).into_iter().filter(|line| line.loud).map(|line| line.to_string()), width)
}

fn wrapped(lines: impl Iterator<Item = String>, width: Option<usize>) -> Vec<String> {
    match width {
        Some(width) => lines.flat_map(|line| text::wrap(&line, width.max(20))).collect(),
        None => lines.collect(),
    }
}

/// What was checked, what was not and why, and the command that settles most; the first line has the verdict.
pub(super) fn summary(run: &Run<'_>) -> Vec<String> {
    let summary = rows::summary(run);
    facts(run, &summary).into_iter().chain(next(run, &summary)).collect()
}

/// What was checked, what was not and why.
fn facts(run: &Run<'_>, summary: &Summary) -> Vec<String> {
    let mut lines = vec![checked(run, summary)];
    lines.extend(covered(run, summary));
    lines.extend(suppressed(run));
    lines.extend(skipped(run));
    lines.extend(not_seen(run, summary));
    lines
}

/// `9 undecided: kubectl karpcheck --aws would settle 8.`: the command that settles most.
fn next(run: &Run<'_>, summary: &Summary) -> Option<String> {
    let mut commands: BTreeMap<String, usize> = BTreeMap::new();
    for command in run.results.findings.iter().filter_map(|finding| rows::suggested_command(run, finding)) {
        *commands.entry(command).or_insert(0) += 1;
    }
    let (command, number) = commands.iter().max_by_key(|(_, number)| **number)?;
    let which = if *number == summary.unknown { "it".to_owned() } else { number.to_string() };
    let which = if *number == summary.unknown && *number > 1 { "them".to_owned() } else { which };
    Some(format!("{} undecided: {} would settle {which}.", summary.unknown, text::one_line(command)))
}

/// A problem, or a note, on one line.
pub(super) struct Line {
    /// Is something missing for it?
    pub(super) loud: bool,
    /// Its place and its message.
    pub(super) text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.loud { "problem" } else { "note" }, self.text)
    }
}

/// Each problem on a line; the same one in many places is one.
pub(super) fn problems(run: &Run<'_>) -> Vec<Line> {
    let mut places: Vec<(&Problem, Vec<String>)> = vec![];
    let mut known: HashMap<(&ProblemKind, &str, bool), usize> = HashMap::new();
    for problem in run.problems() {
        let same = (&problem.kind, &*problem.context, problem.is_incomplete());
        let index = *known.entry(same).or_insert_with(|| {
            places.push((problem, vec![]));
            places.len() - 1
        });
        if let Some(spot) = problem.at.map(|at| spot(run, at)).filter(|spot| !is_named(problem, spot)) {
            places[index].1.push(rows::spot_words(run, spot));
        }
    }
    // Problems first, then notes.
    places.sort_by_key(|(problem, _)| !problem.is_incomplete());
    let mut lines: Vec<Line> = places
        .into_iter()
        .map(|(problem, places)| {
            let message = text::one_line(&problem.to_string());
            let text = match places.as_slice() {
                [] => message,
                [one] => format!("{one}: {message}"),
                [first, rest @ ..] => format!("{first} (and {} more): {message}", rest.len()),
            };
            Line { loud: problem.is_incomplete(), text }
        })
        .collect();
    lines.extend(run.results.faults.iter().map(|fault| Line { loud: true, text: text::one_line(&fault.to_string()) }));
    lines
}

/// A problem in one line with its place: `problem: queue.yaml:3:5: …`, or `note: …` where the run is complete all the same.
pub(super) fn problem(inventory: &Inventory, problem: &Problem) -> String {
    let spot = problem.at.map(|at| Spot::new(inventory, at));
    let place = match spot.filter(|spot| !is_named(problem, spot)) {
        Some(spot) => format!("{}: ", rows::place_words(inventory, spot, Paths::Named)),
        None => String::new(),
    };
    let text = format!("{place}{}", text::one_line(&problem.to_string()));
    Line { loud: problem.is_incomplete(), text }.to_string()
}

/// Does a problem's message name its place? Those of flags do.
fn is_named(problem: &Problem, spot: &Spot<'_>) -> bool {
    let of_flag = matches!(problem.kind, ProblemKind::Flag(_)) && matches!(spot.origin, Origin::Flag(_));
    of_flag || whole_cluster(spot)
}

/// Is it about a cluster as a whole? Then the message names its context, and there is no object to go to.
fn whole_cluster(spot: &Spot<'_>) -> bool {
    matches!(spot.origin, Origin::Live(live) if &*live.kind == "Cluster" && live.name.is_empty())
}

/// `2 errors, 1 warning and 3 undecided in 4 files and context prod (23 resources, 14 rules).`
fn checked(run: &Run<'_>, summary: &Summary) -> String {
    let over = sources(run);
    let none = || !run.inventory.items().any(|(_, item)| is_subject(&item.kind));
    if run.sources.merged.is_none() && run.results.findings.is_empty() && none() {
        if run.sources.files == 0 && run.inventory.clusters().is_empty() {
            let problem = run.inventory.problems().iter().any(Problem::is_incomplete);
            let why = match (problem, run.sources.excluded) {
                (true, _) => String::new(),
                (false, _) if run.sources.unread > 0 => String::new(),
                (false, 0) => ": no file there is named like YAML or JSON (.yaml, .yml, .json, .template)".to_owned(),
                (false, excluded) => format!(": --exclude names {}", count(excluded, "file")),
            };
            return format!("Nothing was read{why}.");
        }
        return format!("There is nothing to check in {over}: no Karpenter object, ACK object or AWS resource.");
    }
    let mut found: Vec<String> = [(summary.error, "error"), (summary.warning, "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| count(number, noun))
        .collect();
    if summary.info > 0 {
        found.push(format!("{} info", summary.info));
    }
    let nothing_wrong = found.is_empty();
    found.extend(undecided(run));
    let accepted = !run.results.suppressed.is_empty();
    let judged = summary.passed > 0 || !run.results.findings.is_empty() || accepted;
    let what = format!("{over} ({}, {})", count(summary.items, "resource"), count(summary.rules, "rule"));
    match (nothing_wrong, judged) {
        (_, false) => format!("No rule had anything to judge in {what}."),
        (true, true) if found.is_empty() && accepted => format!("Nothing was found in {what} but what is suppressed."),
        (true, true) if found.is_empty() => format!("Nothing wrong was found in {what}."),
        (true, true) => format!("Nothing wrong was found in {what}, but {}.", found.join(", ")),
        (false, _) => format!("{} in {what}.", found.join(", ")),
    }
}

/// Is it of Karpenter, ACK or AWS? Other kinds are read only for what they say about these.
fn is_subject(kind: &str) -> bool {
    match kind.split_once('/') {
        Some((group, _)) => {
            ["karpenter.sh", "karpenter.k8s.aws"].contains(&group) || group.ends_with(".services.k8s.aws")
        }
        None => true,
    }
}

/// `4 files and context prod`.
fn sources(run: &Run<'_>) -> String {
    let mut parts = vec![];
    let clusters = run.inventory.clusters();
    if let Some(merged) = run.sources.merged {
        parts.push(count(merged.reports, "report"));
    } else if run.sources.files > 0 || clusters.is_empty() {
        parts.push(count(run.sources.files, "file"));
    }
    if run.sources.asked > 0 {
        parts.push(format!("{} of AWS", count(run.sources.asked, "answer")));
    }
    match clusters {
        [] => {}
        [one] => parts.push(format!("context {}", text::one_line(&one.context))),
        many if many.len() > NAMED => parts.push(format!("{} contexts", many.len())),
        many => {
            let names: Vec<String> = many.iter().map(|cluster| text::one_line(&cluster.context)).collect();
            parts.push(format!("contexts {}", and(&names)));
        }
    }
    and(&parts)
}

/// `3 undecided (2 not provided, 1 access refused)`.
fn undecided(run: &Run<'_>) -> Option<String> {
    let mut causes = BTreeMap::new();
    let mut total = 0;
    for finding in run.results.findings.iter().filter(|finding| finding.outcome == Outcome::Unknown) {
        total += 1;
        if let Some(reason) = &finding.reason {
            *causes.entry(reason.cause).or_insert(0) += 1;
        }
    }
    if total == 0 {
        return None;
    }
    let causes: Vec<String> =
        causes.iter().map(|(cause, number)| format!("{number} {}", cause_words(*cause))).collect();
    Some(if causes.is_empty() {
        format!("{total} undecided")
    } else {
        format!("{total} undecided ({})", causes.join(", "))
    })
}

/// What passed, by area, and the areas in which there was nothing to judge.
fn covered(run: &Run<'_>, summary: &Summary) -> Option<String> {
    if summary.items == 0 {
        return None;
    }
    let mut passed: BTreeMap<&str, u32> = BTreeMap::new();
    let mut judged: BTreeSet<&str> = BTreeSet::new();
    for coverage in &run.results.coverage {
        let rule = run.rules.iter().find(|rule| rule.is_called(&coverage.rule));
        let Some(area) = rule.map(|rule| rule.area.as_str()) else { continue };
        *passed.entry(area).or_insert(0) += coverage.passed;
        if coverage.passed + coverage.failed + coverage.unknown > 0 {
            judged.insert(area);
        }
    }
    if judged.is_empty() {
        return None;
    }
    let total: u32 = passed.values().sum();
    let by_area: Vec<String> =
        passed.iter().filter(|(_, number)| **number > 0).map(|(area, number)| format!("{area} {number}")).collect();
    let idle: Vec<String> =
        passed.keys().filter(|area| !judged.contains(*area)).map(|area| (*area).to_owned()).collect();
    let mut line = if total == 0 {
        "Nothing passed".to_owned()
    } else {
        format!("Passed: {} ({})", count(total as usize, "judgement"), by_area.join(", "))
    };
    if !idle.is_empty() {
        line = format!("{line}; nothing to judge for {}", and(&idle));
    }
    Some(format!("{line}."))
}

/// `Suppressed: 3 findings (2 by comments, 1 by the baseline).`
fn suppressed(run: &Run<'_>) -> Option<String> {
    let mut sources: BTreeMap<SuppressionSource, usize> = BTreeMap::new();
    for suppressed in &run.results.suppressed {
        *sources.entry(suppressed.by.source).or_insert(0) += 1;
    }
    let by: Vec<String> = sources
        .iter()
        .map(|(source, number)| match source {
            SuppressionSource::Comment => format!("{number} by comments"),
            SuppressionSource::Annotation => format!("{number} by annotations"),
            SuppressionSource::Config => format!("{number} by the configuration"),
            SuppressionSource::Baseline => format!("{number} by the baseline"),
        })
        .collect();
    let all = run.results.suppressed.len();
    (all > 0).then(|| format!("Suppressed: {} ({}).", count(all, "finding"), by.join(", ")))
}

/// Rules that did not run, or not on everything, by reason.
fn skipped(run: &Run<'_>) -> Vec<String> {
    // What stands above as a problem is not told again.
    let words = |reason: &Reason| {
        let above = run.inventory.problems().iter().any(|problem| problem.reasons.contains(reason));
        if above { "see the problem above".to_owned() } else { reason.to_string() }
    };
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for coverage in &run.results.coverage {
        if let Some(reason) = coverage.shortfall_with(words) {
            reasons.entry(reason).or_default().push(text::one_line(&coverage.rule));
        }
    }
    reasons
        .into_iter()
        .map(|(reason, rules)| {
            let reason = text::one_line(&reason);
            let end = if reason.ends_with(['?', '!']) { "" } else { "." };
            let reason = format!("{}{end}", reason.trim_end_matches('.'));
            // Naming all rules helps no reader.
            if rules.len() == run.rules.len() && rules.len() > 1 {
                format!("Not checked in full: all {} rules: {reason}", rules.len())
            } else {
                format!("Not checked: {}: {reason}", and(&rules))
            }
        })
        .collect()
}

/// What was left out, and whether the run is complete.
fn not_seen(run: &Run<'_>, summary: &Summary) -> Vec<String> {
    let mut lines = vec![];
    let mut skipped = vec![];
    match run.inventory.unread() {
        0 => {}
        1 => skipped.push("1 object of a kind that no selected rule reads".to_owned()),
        many => skipped.push(format!("{many} objects of kinds that no selected rule reads")),
    }
    match run.sources.unread {
        0 => {}
        1 => skipped.push("1 template or invalid file that mentions neither Karpenter nor ACK".to_owned()),
        many => skipped.push(format!("{many} templates and invalid files that mention neither Karpenter nor ACK")),
    }
    if run.sources.left_alone > 0 {
        skipped.push(format!("{} of other types", count(run.sources.left_alone, "file")));
    }
    if run.sources.excluded > 0 {
        skipped.push(format!("{} by --exclude", count(run.sources.excluded, "file")));
    }
    if !skipped.is_empty() {
        lines.push(format!("Skipped: {}.", skipped.join("; ")));
    }
    if !summary.complete {
        lines.push("The run is incomplete: something above was refused or could not be read.".to_owned());
    }
    lines
}
