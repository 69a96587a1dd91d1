//! Events: of the tens of thousands that a busy cluster holds, those that rules look at.
//!
//! A server cannot look events up by what they are about: each list makes it go through all events of a namespace. What
//! Karpenter tells of has no namespace of its own, and events about such objects are kept in `default`; so it is only there,
//! and only once for each kind of object, that is asked.

use crate::inventory::reason::Live;
use crate::sources::cluster::discovery::Discovered;
use crate::sources::cluster::list::Wanted;

/// The kind.
pub(super) const KIND: &str = "core/Event";
/// Where the events of objects are that are in no namespace (client-go, tools/record).
pub(super) const NAMESPACE: &str = "default";
/// Events about objects of one kind: ten pages. They live for an hour, and Karpenter repeats none within minutes.
const MOST: usize = 5_000;
/// What the events of are read that rules look at, and what more they have in common. Of a Node it is only Karpenter that
/// is of interest; each kubelet tells about its own.
const ABOUT: [(&str, &str); 5] =
    [("NodeClaim", ""), ("EC2NodeClass", ""), ("Node", ",source=karpenter"), ("Machine", ""), ("AWSNodeTemplate", "")];
/// Karpenter says of each node and claim, every quarter of an hour, why it leaves it alone. No rule asks for that.
const NOISE: [&str; 2] = ["DisruptionBlocked", "Unconsolidatable"];

/// The lists of events to ask for in a cluster: of kinds that it serves, or may serve.
pub(super) fn wanted(discovered: &Discovered) -> Vec<Wanted> {
    let served =
        |about: &str| !discovered.broken.is_empty() || discovered.served.iter().any(|served| served.name() == about);
    let quiet: String = NOISE.iter().map(|reason| format!(",reason!={reason}")).collect();
    ABOUT
        .iter()
        .filter(|(about, _)| served(about))
        .map(|(about, more)| Wanted::Selected {
            fields: format!("involvedObject.kind={about}{more}{quiet}"),
            what: format!("events about objects of kind {about}"),
            most: MOST,
        })
        .collect()
}

/// Why there may be more events than were read.
pub(super) fn gap() -> Live {
    let about: Vec<&str> = ABOUT.iter().map(|(about, _)| *about).collect();
    Live::Events { kinds: about.join(", ").into() }
}
