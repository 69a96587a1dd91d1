//! What is denied, and what a controller's rights come to.

use super::call::{Call, Consequence};
use super::{Actor, kind_of, statement_of, written};
use crate::versions::{self, Version};
use crate::words::listed;
use karpcheck_sdk::prelude::*;

/// A call that is denied.
pub(crate) struct Denied {
    pub call: &'static Call,
    /// On what, as the table has it.
    pub on: Vec<&'static str>,
    /// The kinds of resources: `volume`.
    pub kinds: Vec<String>,
    /// Those whose ids are known.
    pub ids: Vec<String>,
    /// Are other resources of the kind allowed?
    pub partial: bool,
    /// The cluster's name, where it is known to the letter.
    pub name: Option<String>,
    /// The release whose tags are sent.
    pub tags_of: Version,
    pub decision: Decision,
    /// The releases for which it is so.
    pub releases: Vec<Version>,
    /// The others that the controller may be of, in which it is denied, too, and something else fails without it.
    otherwise: Vec<(&'static Consequence, Vec<Version>)>,
}

impl Denied {
    /// How bad it is, whichever release it is.
    pub(crate) fn severity(&self) -> Severity {
        let mild = self.otherwise.iter().map(|(breaks, _)| breaks.severity).find(|severity| *severity != Error);
        mild.unwrap_or(self.call.breaks.severity)
    }

    /// What fails without it, by release where that differs.
    pub(crate) fn breaks(&self) -> String {
        let mut text = self.call.breaks.text.to_owned();
        if !self.otherwise.is_empty() {
            text.push_str(&format!(" ({})", written(&self.releases)));
        }
        for (breaks, releases) in &self.otherwise {
            text.push_str(&format!(", or {} ({})", breaks.text, written(releases)));
        }
        text
    }

    /// Takes in the same refusal in other releases: as long as one release is left over it may not be one.
    pub(super) fn joined(mut all: Vec<Self>, count: usize) -> (Vec<Self>, Vec<Self>) {
        let mut joined: Vec<Self> = vec![];
        while !all.is_empty() {
            let mut first = all.remove(0);
            let alike = |other: &mut Self| {
                other.call.action == first.call.action
                    && other.call.sends == first.call.sends
                    && (&other.kinds, other.partial) == (&first.kinds, first.partial)
                    && !other.releases.iter().any(|release| first.releases.contains(release))
                    && statement_of(&other.decision) == statement_of(&first.decision)
            };
            let others: Vec<Self> =
                if first.releases.len() < count { all.extract_if(.., alike).collect() } else { vec![] };
            let covered = first.releases.len() + others.iter().map(|other| other.releases.len()).sum::<usize>();
            let rest = if covered == count {
                first.otherwise = others.into_iter().map(|other| (&other.call.breaks, other.releases)).collect();
                vec![]
            } else {
                others
            };
            joined.push(first);
            joined.extend(rest);
        }
        joined.into_iter().partition(|denied| denied.covers() >= count)
    }

    /// For how many releases it is so, whatever fails without it.
    fn covers(&self) -> usize {
        self.releases.len() + self.otherwise.iter().map(|(_, releases)| releases.len()).sum::<usize>()
    }
}

/// What a controller's rights come to.
#[derive(Default)]
pub(crate) struct Outcome {
    pub denied: Vec<Denied>,
    /// What is denied for some of the releases that it may be of.
    pub(super) sometimes: Vec<Denied>,
    pub(super) open: Option<Unknown>,
    pub(super) asked: bool,
}

impl Outcome {
    /// The verdict: these findings about what is denied, and why it is not known that nothing else is.
    pub(crate) fn verdict(&self, controller: Item, findings: Vec<Finding>) -> Check {
        let decided = if self.asked || !findings.is_empty() { found(findings) } else { skip() };
        let open = depends(controller, &self.sometimes).or_else(|| self.open.clone());
        both([decided, open.map_or_else(skip, unknown)])
    }
}

/// Notes that a call is denied, with what was noted of the same call before.
pub(super) fn note(
    all: &mut Vec<Denied>,
    call: &'static Call,
    on: &'static str,
    (id, partial): (Option<String>, bool),
    decision: Decision,
    actor: &Actor,
) {
    let (kind, release) = (kind_of(on), actor.release);
    let same = |other: &&mut Denied| {
        other.call.action == call.action
            && other.call.breaks == call.breaks
            && other.call.sends == call.sends
            && other.partial == partial
            && statement_of(&other.decision) == statement_of(&decision)
            && (other.releases.contains(&release) || other.kinds.contains(&kind))
    };
    match all.iter_mut().find(same) {
        Some(other) => {
            if !other.kinds.contains(&kind) {
                other.kinds.push(kind);
                other.on.push(on);
            }
            if !other.releases.contains(&release) {
                other.releases.push(release);
            }
            other.ids.extend(id.filter(|id| !other.ids.contains(id)));
        }
        None => all.push(Denied {
            call,
            on: vec![on],
            kinds: vec![kind],
            ids: id.into_iter().collect(),
            partial,
            name: actor.known_name(),
            tags_of: actor.tags_of,
            decision,
            releases: vec![release],
            otherwise: vec![],
        }),
    }
}

/// More actions that depend on the version are only counted.
const MOST_ACTIONS: usize = 3;

/// What is unknown because the version is.
fn depends(controller: Item, sometimes: &[Denied]) -> Option<Unknown> {
    let releases = &sometimes.first()?.releases;
    let mut actions: Vec<&str> = vec![];
    for denied in sometimes.iter().filter(|denied| denied.releases == *releases) {
        if !actions.contains(&denied.call.action) {
            actions.push(denied.call.action);
        }
    }
    let more = actions.len().saturating_sub(MOST_ACTIONS);
    actions.truncate(MOST_ACTIONS);
    let actions = if more > 0 { format!("{} and {more} more", actions.join(", ")) } else { listed(&actions) };
    let why = format!(
        "the controller's version is not known, and a controller of {} is not allowed to use {actions}; \
         --karpenter-version settles it",
        written(releases),
    );
    Some(versions::not_known(why).at(controller.place("/Version", "")))
}
