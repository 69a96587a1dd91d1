//! What is one controller in several states: written, dumped, running.

use std::collections::BTreeMap;

use super::fill;
use crate::inventory::item::{ClusterId, SourceKind};
use crate::inventory::node::Node;
use crate::karpenter::controller_draft::ControllerDraft;

/// A manifest and its live object, or values and the Deployment made from them, are one controller: the running one
/// speaks. What a manifest or values change of one that runs in a cluster that is asked stays a second controller, the next
/// state of the first; so does a manifest that is of another cluster. A dump of one that runs in a cluster that is asked is as its
/// manifest is.
pub(super) fn distinct(found: Vec<ControllerDraft>) -> Vec<ControllerDraft> {
    let mut kept: Vec<ControllerDraft> = vec![];
    let asked = |controller: &ControllerDraft| controller.cluster != ClusterId::FILES;
    let seen: BTreeMap<Box<str>, ClusterId> = found
        .iter()
        .filter(|controller| asked(controller) && controller.source.observed())
        .filter_map(|controller| Some((controller.uid.clone()?, controller.cluster)))
        .collect();
    let (mut written, mut running) = (vec![], vec![]);
    for mut controller in found {
        let dumped = controller.uid.as_ref().and_then(|uid| seen.get(uid)).filter(|_| !asked(&controller));
        controller.cluster = dumped.copied().unwrap_or(controller.cluster);
        let is_next = dumped.is_some() || !controller.source.observed();
        if is_next { written.push(controller) } else { running.push(controller) }
    }
    let states = running.into_iter().map(|one| (one, false)).chain(written.into_iter().map(|one| (one, true)));
    for (mut controller, is_next) in states {
        if is_next {
            let mut live = kept.iter().filter(|one| asked(one) && one.source.observed());
            let twin = match (asked(&controller), live.next(), live.next()) {
                // Values are not linked to what was installed with them; where one controller runs, it is theirs.
                (false, Some(only), None) if controller.source == SourceKind::Source => Some(only),
                (true, ..) => kept.iter().find(|one| one.cluster == controller.cluster && one.name == controller.name),
                _ => None,
            };
            if let Some(twin) = twin {
                if !changes(&controller, twin) {
                    continue;
                }
                controller.cluster = twin.cluster;
                fill(&mut controller, twin.fields.clone());
                kept.push(controller);
                continue;
            }
        }
        let twin = kept.iter_mut().find(|other| {
            let differs = ["ClusterName", "ClusterEndpoint", "Region"].iter().any(|field| {
                matches!((spelled(other, field), spelled(&controller, field)), (Some(one), Some(other)) if one != other)
            });
            !differs && other.cluster == controller.cluster
        });
        match twin {
            None => kept.push(controller),
            Some(twin) => {
                let (strong, weak) = if controller.source < twin.source {
                    (controller, std::mem::replace(twin, ControllerDraft::empty()))
                } else {
                    (std::mem::replace(twin, ControllerDraft::empty()), controller)
                };
                *twin = strong;
                fill(twin, weak.fields);
            }
        }
    }
    kept
}

/// A known text of a controller's field: one endpoint may be written `https://ID.…` and `https://id.…/`.
fn spelled(controller: &ControllerDraft, field: &str) -> Option<String> {
    let known = controller.fields.get(field).and_then(Node::as_str);
    known.map(|text| text.trim_end_matches('/').to_ascii_lowercase()).filter(|text| !text.is_empty())
}

/// Does a manifest, or do values, certainly set something otherwise than it is set where the controller runs?
fn changes(next: &ControllerDraft, running: &ControllerDraft) -> bool {
    let deployment = next.source == SourceKind::Manifest;
    ["Version", "ClusterName", "ClusterEndpoint", "InterruptionQueue", "Region", "Role", "ServiceAccount"].iter().any(
        |field| match (next.fields.get(field), running.fields.get(field)) {
            (Some(one), Some(other)) if one.first_unknown().is_none() && other.first_unknown().is_none() => {
                spelled(next, field) != spelled(running, field)
            }
            // Only a Deployment says what it does not set; what surrounds it, others say.
            (None, Some(other)) => {
                deployment
                    && matches!(*field, "ClusterName" | "ClusterEndpoint" | "InterruptionQueue")
                    && spelled(running, field).is_some()
                    && other.first_unknown().is_none()
            }
            _ => false,
        },
    )
}
