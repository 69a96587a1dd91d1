//! The steps for people: what to do, in order, then what to add.

use crate::findings::finding::{CheckResults, Outcome, Severity};
use crate::report::TableOptions;
use crate::report::upgrade::{Hop, Spare, Upgrade, additions, parts, spare, target};
use crate::report::{Run, closing, diff, rows, table, text};

/// Lines, wrapped on a terminal.
struct Page {
    width: Option<usize>,
    lines: Vec<String>,
}

impl Page {
    fn say(&mut self, indent: usize, text: &str) {
        let pad = " ".repeat(indent);
        let Some(width) = self.width else {
            self.lines.push(format!("{pad}{}", text::one_line(text)));
            return;
        };
        let hang = if text.starts_with("- ") { "  " } else { "" };
        for (line, number) in
            text::wrap(&text::one_line(text), width.saturating_sub(indent + 2).max(20)).iter().zip(0..)
        {
            self.lines.push(format!("{pad}{}{line}", if number > 0 { hang } else { "" }));
        }
    }

    fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// Text that keeps its lines: a diff, a resource.
    fn verbatim(&mut self, text: &str) {
        self.lines.extend(text::clean(text).lines().map(str::to_owned));
    }
}

pub(super) fn lines(upgrade: &Upgrade<'_>, width: Option<usize>, color: bool) -> Vec<String> {
    let mut page = Page { width: width.map(|width| width.max(40)), lines: vec![] };
    page.say(0, &heading(upgrade));
    for (hop, number) in upgrade.hops.iter().zip(1..) {
        page.gap();
        page.say(0, &format!("Step {number}: to Karpenter {}", target(hop)));
        if let Some(stop) = &hop.stop {
            page.say(2, &format!("must not be skipped: {} ({})", stop.why, stop.source));
        }
        if let Some(supported) = supported(hop) {
            page.say(2, &supported);
        }
        for note in &hop.notes {
            page.say(2, &format!("- before {}: {} ({})", note.since, note.text, note.source));
        }
        let parts = parts(hop);
        if parts.is_empty() {
            page.say(2, "- no rule found anything that breaks");
        }
        for (part, results) in &parts {
            page.gap();
            page.say(2, part.title());
            let run = Run { results, ..hop.run.clone() };
            page.lines.extend(table::findings(&run, &TableOptions { width, color, ..TableOptions::default() }));
        }
        page.gap();
        page.say(
            2,
            &format!("then apply the CRDs of {0} (chart karpenter-crd), then the chart karpenter", target(hop)),
        );
    }
    additions(upgrade, &mut page);
    afterwards(upgrade, &mut page);
    page.gap();
    for problem in closing::problems(&upgrade.now) {
        page.say(0, &problem.to_string());
    }
    page.say(0, &summary(upgrade));
    page.lines
}

/// `supports Kubernetes 1.26 to 1.36`.
pub(super) fn supported(hop: &Hop<'_>) -> Option<String> {
    let (oldest, newest) = hop.kubernetes.as_ref()?;
    Some(format!("supports Kubernetes {oldest} to {newest}"))
}

pub(super) fn heading(upgrade: &Upgrade<'_>) -> String {
    let from: Vec<String> =
        upgrade.from.iter().map(|started| format!("{} from {}", started.name, started.version)).collect();
    let stops: Vec<String> =
        upgrade.hops.iter().filter_map(|hop| hop.stop.as_ref()).map(|stop| stop.version.clone()).collect();
    let by = if stops.is_empty() { String::new() } else { format!(", via {}", text::and(&stops)) };
    let beyond = upgrade.beyond.as_ref().map_or_else(String::new, |newest| {
        format!(" (judged as {newest}, the newest release that karpcheck knows: what came later is not in it)")
    });
    format!("Upgrade of {} to {}{by}{beyond}", text::and(&from), upgrade.to)
}

fn additions(upgrade: &Upgrade<'_>, page: &mut Page) {
    let by_hand = additions::by_hand(upgrade);
    if upgrade.files.is_empty() && by_hand.is_empty() {
        return;
    }
    page.gap();
    page.say(0, "To add before step 1 (an earlier version tolerates what only a later one needs):");
    for file in &upgrade.files {
        page.verbatim(&diff::text(file));
    }
    for line in by_hand {
        page.say(2, &format!("- {line}"));
    }
}

fn afterwards(upgrade: &Upgrade<'_>, page: &mut Page) {
    if !upgrade.obsolete.is_empty() {
        page.gap();
        page.say(0, "No longer needed, once no earlier version runs:");
    }
    for Spare { actions, policy, why } in spare(upgrade) {
        let actions: Vec<String> = actions.into_iter().map(str::to_owned).collect();
        page.say(2, &format!("- {} in {policy}: {why}", text::and(&actions)));
    }
    if !upgrade.solved.results.findings.is_empty() {
        page.gap();
        page.say(0, "Solved by it:");
    }
    for finding in &upgrade.solved.results.findings {
        page.say(2, &format!("- {} {}", finding.rule, rows::subject(&upgrade.solved, finding.subject)));
    }
}

/// `2 steps: 1 error, 3 warnings and 1 info are new.`
pub(super) fn summary(upgrade: &Upgrade<'_>) -> String {
    let CheckResults { findings, .. } = upgrade.all.results;
    let fails = |severity| {
        findings.iter().filter(|finding| finding.outcome == Outcome::Fail && finding.severity == severity).count()
    };
    let (errors, warnings, infos) = (fails(Severity::Error), fails(Severity::Warning), fails(Severity::Info));
    let undecided = findings.iter().filter(|finding| finding.outcome == Outcome::Unknown).count();
    let mut parts = vec![];
    parts.extend((errors > 0).then(|| text::count(errors, "error")));
    parts.extend((warnings > 0).then(|| text::count(warnings, "warning")));
    parts.extend((infos > 0).then(|| format!("{infos} info")));
    parts.extend((undecided > 0).then(|| format!("{undecided} undecided")));
    let new = if parts.is_empty() { "nothing new".to_owned() } else { format!("{} new", text::and(&parts)) };
    let open = match upgrade.still_open {
        0 => String::new(),
        open => {
            format!(
                "; {} undecided before and after: `kubectl karpcheck check` says why",
                text::count(open, "question")
            )
        }
    };
    let standing = upgrade.now.results.findings.iter().filter(|finding| finding.outcome == Outcome::Fail).count();
    let standing = standing.saturating_sub(upgrade.solved.results.findings.len());
    let standing = match standing {
        0 => String::new(),
        _ => format!("; {} already present, which `kubectl karpcheck check` shows", text::count(standing, "finding")),
    };
    format!("{}: {new}{standing}{open}.", text::count(upgrade.hops.len(), "step"))
}
