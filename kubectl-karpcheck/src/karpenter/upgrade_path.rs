//! What an upgrade of Karpenter has to go through: versions that must not be skipped, and what no rule can see in what was
//! read. Adding a release is adding rows, each with its source.

use crate::karpenter::releases::{Minor, written};

const GUIDE: &str = "https://karpenter.sh/docs/upgrading/upgrade-guide/";
const TO_V1: &str = "https://karpenter.sh/v1.0/upgrading/v1-migration/";
const TAGS: &str = "https://github.com/aws/karpenter-provider-aws/pull/7379";

/// A version that must not be skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The version.
    pub version: Minor,
    /// The release of it that it is judged as: the last one that was seen.
    pub release: &'static str,
    /// Why.
    pub why: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

impl Stop {
    /// Any release of it: `1.0.x`.
    pub fn any_patch(&self) -> String {
        format!("{}.x", written(self.version))
    }
}

/// Something to do before a version that no rule sees in what was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Note {
    /// The first version that needs it.
    pub since: Minor,
    /// What to do.
    pub text: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

/// Versions that must not be skipped, in their order.
const STOPS: &[Stop] = &[
    Stop {
        version: (0, 32),
        release: "0.32.10",
        why: "only it serves v1alpha5 (Provisioner, AWSNodeTemplate) and v1beta1 (NodePool, EC2NodeClass) side by \
             side: earlier versions do not support the new objects, and 0.33 no longer supports the old ones",
        source: GUIDE,
    },
    Stop {
        version: (1, 0),
        release: "1.0.14",
        why: "it serves v1beta1 and v1 and converts what is stored: 0.37 and earlier do not support v1, and 1.1 no \
             longer supports v1beta1",
        source: TO_V1,
    },
];

/// What to do before a version, in their order.
const NOTES: &[Note] = &[
    Note {
        since: (0, 33),
        text: "under 0.32, write a NodePool and an EC2NodeClass for each Provisioner and AWSNodeTemplate, wait until \
             the nodes have moved, and delete the old objects",
        source: GUIDE,
    },
    Note {
        since: (0, 33),
        text: "if the chart moves from the namespace karpenter to kube-system, change the trust policy of the \
             controller's role (or its Pod Identity association) to the new one first",
        source: GUIDE,
    },
    Note {
        since: (1, 0),
        text: "an EC2NodeClass written in v1 without metadataOptions gets httpPutResponseHopLimit 1 instead of 2: pods that ask the \
               instance's metadata service no longer reach it",
        source: TO_V1,
    },
    Note {
        since: (1, 1),
        text: "under 1.0, save every NodePool, NodeClaim and EC2NodeClass once, until status.storedVersions of their \
             three CRDs is only [v1]; the API server refuses the CRDs of 1.1 until then",
        source: GUIDE,
    },
    Note {
        since: (1, 1),
        text: "under 1.0, wait until every NodeClaim has the annotation \
               compatibility.karpenter.k8s.aws/cluster-name-tagged: 1.1 finds instances only by the tag \
               eks:eks-cluster-name, which those launched before 1.0 get afterwards",
        source: TAGS,
    },
    Note {
        since: (1, 1),
        text: "set group and kind in every nodeClassRef: 1.1 no longer derives them from the version",
        source: GUIDE,
    },
];

/// The hops from one version to another: where each ends. It never stops at the version that runs or beyond the target.
pub fn hops(from: Minor, to: Minor, target: &str) -> Vec<(Option<&'static Stop>, &str)> {
    let stops = STOPS.iter().filter(|stop| from < stop.version && stop.version < to);
    stops.map(|stop| (Some(stop), stop.release)).chain([(None, target)]).collect()
}

/// What to do before a hop.
pub fn notes(from: Minor, to: Minor) -> Vec<Note> {
    NOTES.iter().filter(|note| from < note.since && note.since <= to).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::karpenter::releases::{NEWEST, minor};

    fn ends(from: Minor, to: Minor) -> Vec<&'static str> {
        hops(from, to, "target").into_iter().map(|(stop, _)| stop.map_or("target", |stop| stop.release)).collect()
    }

    #[test]
    fn versions_that_serve_both_generations_are_not_skipped() {
        assert_eq!(ends((0, 27), (1, 14)), ["0.32.10", "1.0.14", "target"]);
        assert_eq!(ends((0, 31), (0, 33)), ["0.32.10", "target"]);
        assert_eq!(ends((0, 37), (1, 1)), ["1.0.14", "target"]);
    }

    #[test]
    fn a_version_that_runs_or_is_the_target_is_no_stop() {
        assert_eq!(ends((0, 32), (0, 37)), ["target"]);
        assert_eq!(ends((0, 37), (1, 0)), ["target"]);
        assert_eq!(ends((1, 0), (1, 14)), ["target"]);
        assert_eq!(ends((0, 31), (0, 32)), ["target"]);
    }

    #[test]
    fn a_note_stands_on_the_hop_that_needs_it() {
        let since = |from, to| notes(from, to).into_iter().map(|note| written(note.since)).collect::<Vec<_>>();
        assert_eq!(since((1, 0), (1, 14)), ["1.1", "1.1", "1.1"]);
        assert_eq!(since((1, 1), (1, 14)), [""; 0]);
        assert_eq!(since((0, 37), (1, 0)), ["1.0"]);
    }

    #[test]
    fn every_row_has_a_source() {
        assert!(NOTES.iter().all(|row| row.source.starts_with("https://") && row.since <= NEWEST));
        assert!(STOPS.iter().all(|stop| minor(stop.release) == Some(stop.version)));
    }
}
