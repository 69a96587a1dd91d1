//! An upgrade in its steps, for people (`table`), for machines (`json`, `karpcheck.upgrade/v1alpha1`) and for files
//! (`diff`).

use std::io::{self, Write};

use crate::findings::finding::{CheckResults, Finding, FixOutcome};
use crate::inventory::{Inventory, ItemId};
use crate::report::{NotShown, Patched, Run, diff as diffs, rows, text};

mod additions;
mod machine;
mod page;
mod people;

/// A version that must not be skipped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stop {
    /// `1.0.x`.
    pub version: String,
    /// Why.
    pub why: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

/// Something to do that no rule checks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// The first version that needs it.
    pub since: String,
    /// What.
    pub text: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

/// A controller that is upgraded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Started {
    /// `namespace/name`.
    pub name: String,
    /// The version that it runs.
    pub version: String,
    /// Its major and minor.
    pub minor: (u64, u64),
}

/// One hop: the way to the next version at which the upgrade stops.
#[derive(Clone, Debug)]
pub struct Hop<'a> {
    /// What is new at its end.
    pub run: Run<'a>,
    /// The version that it was checked as.
    pub to: &'a str,
    /// Why it ends there; none at the target.
    pub stop: Option<Stop>,
    /// What to do before.
    pub notes: Vec<Note>,
    /// The oldest and the newest version of Kubernetes that it supports; none where that is not known.
    pub kubernetes: Option<(String, String)>,
}

/// An action that is no longer needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obsolete {
    /// The policy.
    pub item: ItemId,
    /// Where it stands in it.
    pub pointer: String,
    /// The action.
    pub action: &'static str,
    /// Why.
    pub why: &'static str,
}

/// The result of an upgrade check.
#[derive(Clone, Debug)]
pub struct Upgrade<'a> {
    /// The results for the version that runs.
    pub now: Run<'a>,
    /// What is new on all hops.
    pub all: Run<'a>,
    /// What fails now, and no longer at the end.
    pub solved: Run<'a>,
    /// The controllers.
    pub from: Vec<Started>,
    /// The target.
    pub to: &'a str,
    /// In their order.
    pub hops: Vec<Hop<'a>>,
    /// Actions that are no longer needed.
    pub obsolete: Vec<Obsolete>,
    /// How many findings are undecided both now and at the end.
    pub still_open: usize,
    /// The newest version that the rules know, where the target is a later one.
    pub beyond: Option<String>,
    /// The files with all additions.
    pub files: Vec<Patched>,
    /// Additions that no file can show.
    pub not_shown: Vec<NotShown>,
}

/// What belongs together, in the order in which it is done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Part {
    Iam,
    Events,
    Settings,
    Objects,
    Definitions,
    Other,
}

impl Part {
    const ALL: [Self; 6] = [Self::Iam, Self::Events, Self::Settings, Self::Objects, Self::Definitions, Self::Other];

    fn of(inventory: &Inventory, finding: &Finding) -> Self {
        let kind = inventory.item(finding.subject).map_or("", |item| &item.kind);
        let rights = ["permission", "cannot", "policy", "role"].iter().any(|word| finding.rule.contains(word));
        match kind {
            _ if kind.starts_with("AWS::IAM::") => Self::Iam,
            _ if kind.starts_with("AWS::SQS::") || kind.starts_with("AWS::Events::") => Self::Events,
            "Karpcheck::Controller" if finding.area == "tagging" || rights => Self::Iam,
            "Karpcheck::Controller" => Self::Settings,
            _ if kind.ends_with("/CustomResourceDefinition") => Self::Definitions,
            _ if kind.starts_with("karpenter.") => Self::Objects,
            _ => Self::Other,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Events => "events",
            Self::Settings => "settings",
            Self::Objects => "objects",
            Self::Definitions => "definitions",
            Self::Other => "other",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Iam => "IAM, before the controller:",
            Self::Events => "the queue and its event rules, before the controller:",
            Self::Settings => "the controller's settings, with the chart:",
            Self::Objects => "objects, before the controller:",
            Self::Definitions => "CRDs, before the controller:",
            Self::Other => "besides:",
        }
    }
}

/// What is new on a hop, by parts; a finding's cause in another part is left out.
fn parts(hop: &Hop<'_>) -> Vec<(Part, CheckResults)> {
    let inventory = hop.run.inventory;
    let all = &hop.run.results.findings;
    Part::ALL
        .into_iter()
        .filter_map(|part| {
            let own: Vec<usize> = (0..all.len()).filter(|at| Part::of(inventory, &all[*at]) == part).collect();
            let findings: Vec<Finding> = own
                .iter()
                .map(|at| Finding {
                    follows: all[*at].follows.and_then(|cause| own.iter().position(|other| *other == cause)),
                    ..all[*at].clone()
                })
                .collect();
            (!findings.is_empty()).then(|| (part, CheckResults { findings, ..CheckResults::default() }))
        })
        .collect()
}

/// Where a hop ends, for a reader.
fn target<'a>(hop: &'a Hop<'_>) -> &'a str {
    hop.stop.as_ref().map_or(hop.to, |stop| &stop.version)
}

/// Writes the steps for people. Without a width (`out` is no terminal) no line is wrapped.
///
/// # Errors
/// It could not be written.
pub fn table(upgrade: &Upgrade<'_>, width: Option<usize>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    for line in people::lines(upgrade, width, color) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// Writes the steps as JSON: `karpcheck.upgrade/v1alpha1`.
///
/// # Errors
/// It could not be written.
pub fn json(upgrade: &Upgrade<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    machine::write(upgrade, &mut out)?;
    out.flush()
}

/// Writes the steps as GitHub's markdown, for a pull request or a ticket.
///
/// # Errors
/// It could not be written.
pub fn markdown(upgrade: &Upgrade<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    page::write(upgrade, &mut out)?;
    out.flush()
}

/// Writes what to add to the files, as a unified diff; on `err`, what a diff cannot show.
///
/// # Errors
/// It could not be written.
pub fn diff(upgrade: &Upgrade<'_>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    diffs::write_files(&upgrade.files, &mut out, err)?;
    out.flush()?;
    for line in additions::by_hand(upgrade) {
        writeln!(err, "not in the diff: {line}")?;
    }
    // Edits may be a part of what a finding needs.
    let is_mended = |finding: &Finding| {
        !finding.edits.is_empty() && finding.cure.as_ref().is_none_or(|cure| *cure == FixOutcome::Cleared)
    };
    let findings = &upgrade.all.results.findings;
    let shown = |at: usize| upgrade.files.iter().any(|file| file.findings.contains(&at));
    // What has no edits of its own, and is in the diff all the same, is a resource that was missing.
    let left = |at: &usize| !is_mended(&findings[*at]) && (!findings[*at].edits.is_empty() || !shown(*at));
    let without = (0..findings.len()).filter(left).count() + upgrade.obsolete.len();
    let stops = upgrade.hops.len() > 1;
    if without > 0 || stops {
        let steps = if stops { ", and which versions must not be skipped" } else { "" };
        writeln!(err, "the diff is not all there is to do: `-o table` says what else{steps}")?;
    }
    Ok(())
}

/// Actions of one policy that are no longer needed for one reason.
struct Spare<'a> {
    actions: Vec<&'a str>,
    /// The policy and where they stand in it: `ManagedPolicy/KarpenterControllerPolicy (template.yaml:12:3)`.
    policy: String,
    why: &'a str,
}

fn spare<'a>(upgrade: &'a Upgrade<'_>) -> Vec<Spare<'a>> {
    let run = &upgrade.now;
    let mut groups: Vec<(&Obsolete, Vec<&str>, Vec<String>)> = vec![];
    for one in &upgrade.obsolete {
        let place =
            rows::spot_of(run, one.item, &one.pointer).map(|spot| rows::spot_words(run, spot)).unwrap_or_default();
        match groups.iter_mut().find(|(first, ..)| first.item == one.item && first.why == one.why) {
            Some((_, actions, places)) => {
                actions.extend(Some(one.action).filter(|action| !actions.contains(action)));
                places.extend(Some(place).filter(|place| !places.contains(place)));
            }
            None => groups.push((one, vec![one.action], vec![place])),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|(first, actions, places)| Spare {
            actions,
            policy: text::one_line(&format!("{} ({})", rows::subject(run, first.item), places.join(", "))),
            why: first.why,
        })
        .collect()
}
