//! `-o json`: a contract, `karpcheck.upgrade/v1alpha1`.

use std::io::{self, Write};

use serde::Serialize;

use crate::report::json::{About, Finding, Problem, Subject, about, findings, problems, subject};
use crate::report::upgrade::{Part, Upgrade, additions};
use crate::report::{Run, diff, encoding};

const SCHEMA: &str = "karpcheck.upgrade/v1alpha1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    run: About<'a>,
    from: Vec<Controller<'a>>,
    to: &'a str,
    /// The newest release that the rules know, where the target is a later one.
    #[serde(rename = "judgedAs", skip_serializing_if = "Option::is_none")]
    judged_as: Option<&'a str>,
    steps: Vec<Step<'a>>,
    obsolete: Vec<Obsolete<'a>>,
    solved: Vec<Finding<'a>>,
    additions: Additions<'a>,
    #[serde(rename = "stillUndecided")]
    still_undecided: usize,
    problems: Vec<Problem<'a>>,
}

#[derive(Serialize)]
struct Controller<'a> {
    controller: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Step<'a> {
    /// The version that it was checked as.
    to: &'a str,
    /// Where the upgrade has to stop, and why.
    stop: Option<Stop<'a>>,
    /// The versions of Kubernetes that it supports; null where that is not known.
    kubernetes: Option<Range<'a>>,
    notes: Vec<Note<'a>>,
    /// What is new, in the order in which to do it.
    parts: Vec<Section<'a>>,
}

#[derive(Serialize)]
struct Stop<'a> {
    version: &'a str,
    why: &'a str,
    source: &'a str,
}

#[derive(Serialize)]
struct Range<'a> {
    oldest: &'a str,
    newest: &'a str,
}

#[derive(Serialize)]
struct Note<'a> {
    since: &'a str,
    text: &'a str,
    source: &'a str,
}

#[derive(Serialize)]
struct Section<'a> {
    part: &'static str,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Obsolete<'a> {
    action: &'a str,
    policy: Subject<'a>,
    why: &'a str,
}

#[derive(Serialize)]
struct Additions<'a> {
    files: Vec<File<'a>>,
    #[serde(rename = "byHand")]
    by_hand: Vec<String>,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    diff: String,
}

pub(super) fn write(upgrade: &Upgrade<'_>, out: &mut dyn Write) -> io::Result<()> {
    // Owned by the caller, since the findings borrow from it.
    let parts: Vec<Vec<_>> = upgrade.hops.iter().map(super::parts).collect();
    let runs: Vec<Vec<(Part, Run<'_>)>> = upgrade
        .hops
        .iter()
        .zip(&parts)
        .map(|(hop, parts)| parts.iter().map(|(part, results)| (*part, Run { results, ..hop.run.clone() })).collect())
        .collect();
    let document = Document {
        schema: SCHEMA,
        run: about(&upgrade.now),
        from: upgrade
            .from
            .iter()
            .map(|started| Controller { controller: &started.name, version: &started.version })
            .collect(),
        to: upgrade.to,
        judged_as: upgrade.beyond.as_deref(),
        steps: upgrade
            .hops
            .iter()
            .zip(&runs)
            .map(|(hop, runs)| Step {
                to: hop.to,
                stop: hop.stop.as_ref().map(|stop| Stop { version: &stop.version, why: stop.why, source: stop.source }),
                kubernetes: hop.kubernetes.as_ref().map(|(oldest, newest)| Range { oldest, newest }),
                notes: hop
                    .notes
                    .iter()
                    .map(|note| Note { since: &note.since, text: note.text, source: note.source })
                    .collect(),
                parts: runs
                    .iter()
                    .map(|(part, run)| Section { part: part.as_str(), findings: findings(run) })
                    .collect(),
            })
            .collect(),
        obsolete: upgrade
            .obsolete
            .iter()
            .map(|spare| Obsolete {
                action: spare.action,
                policy: subject(&upgrade.now, spare.item, &spare.pointer),
                why: spare.why,
            })
            .collect(),
        solved: findings(&upgrade.solved),
        additions: Additions {
            files: upgrade.files.iter().map(|file| File { path: &file.path, diff: diff::text(file) }).collect(),
            by_hand: additions::by_hand(upgrade),
        },
        still_undecided: upgrade.still_open,
        problems: problems(&upgrade.now),
    };
    encoding::json(&document, out)
}
