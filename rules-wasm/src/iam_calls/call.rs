//! One call of Karpenter's controller: what a row of the table says of it.

use crate::versions::Version;
use karpcheck_sdk::prelude::{Error, Severity, Warning};

/// No release leaves it out again.
pub(super) const EVER: Version = (u64::MAX, 0, 0);

/// Which tags a request sends, or a resource has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    /// None.
    None,
    /// It belongs to somebody else, and its tags are not known.
    Unknown,
    /// Those of everything that is launched, and the class's own.
    Launch,
    /// Those of everything that is launched, those of a launch template, and the class's own.
    Template,
    /// The ones that a node's instance gets once it has registered.
    Names,
    /// `eks:eks-cluster-name`, which instances from before 1.0 lack.
    ClusterName,
    /// Those of everything that was launched before 1.0.
    Beta,
    /// Those by which an instance from before 0.28 is linked with the Machine that is made for it.
    Linked,
    /// Those of everything that was launched before 0.28.
    Alpha,
    /// Those of an instance profile.
    Profile,
}

impl Tags {
    /// Do the class's own tags belong to them?
    pub(super) const fn are_of_class(self) -> bool {
        matches!(self, Self::Launch | Self::Template | Self::Beta | Self::Alpha | Self::Profile)
    }
}

/// When the controller makes a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// A class names a role, of which Karpenter makes the instance profile.
    Role,
    /// The same, in what the controller does beside launching: not in an isolated VPC, from 1.8.3 on.
    RoleHousekeeping,
    /// A class names no role; otherwise as above.
    NoRoleHousekeeping,
    /// The controller tidies up: not in an isolated VPC, from 1.8.3 on.
    Housekeeping,
    /// A class takes its image by alias, family or parameter.
    ImageParameter,
    /// A class selects its images itself.
    ImageSelector,
    /// A class's nodes are of the family AL2023.
    Al2023,
    /// No cluster endpoint is set.
    NoEndpoint,
    /// The cluster's version is asked of EKS.
    EksControlPlane,
    /// A NodePool admits spot.
    Spot,
    /// The same, and AWS says that the account has no service-linked role for it.
    SpotWithoutRole,
    /// A class maps a volume that is made from a snapshot.
    Snapshot,
    /// A class uses capacity reservations.
    CapacityReservation,
    /// A class uses placement groups.
    PlacementGroup,
    /// Zonal shift is switched on.
    ZonalShift,
    /// The controller may reach AWS's public endpoints.
    NotIsolated,
    /// The same, and it is not in AWS GovCloud, which has no pricing endpoint.
    Pricing,
}

/// What fails without a call, and how bad that is.
#[derive(PartialEq, Eq)]
pub(crate) struct Consequence {
    pub severity: Severity,
    pub text: &'static str,
}

pub(super) const fn error(text: &'static str) -> Consequence {
    Consequence { severity: Error, text }
}

pub(super) const fn warning(text: &'static str) -> Consequence {
    Consequence { severity: Warning, text }
}

pub(super) const START: Consequence = error("the controller does not start");
const LAUNCH: Consequence = error("no node is launched");
pub(super) const LAUNCH_SPOT: Consequence = error("no spot node is launched");
pub(super) const NO_SPOT_ROLE: Consequence =
    error("the account has no service-linked role for EC2 Spot, so that no spot node is launched");
pub(super) const READY: Consequence = error("the class does not become Ready, so that no node is launched for it");
pub(super) const NO_IMAGE: Consequence = error("no image is found, so that no node is launched");
pub(super) const NO_PROFILE: Consequence =
    error("no instance profile is created for the class's role, so that no node is launched");
pub(super) const KEPT: Consequence = error("a deleted class keeps its finalizer and never goes away");
pub(super) const STATIC_PRICES: Consequence = warning("it uses the prices that were compiled in");

/// One call.
pub(crate) struct Call {
    pub action: &'static str,
    /// ARNs; names in braces are what `resources` puts in.
    pub on: &'static [&'static str],
    pub since: Version,
    pub before: Version,
    pub sends: Tags,
    pub found: Tags,
    /// Further context keys. Of several values, any that is allowed will do.
    pub with: &'static [(&'static str, &'static [&'static str])],
    pub when: When,
    /// What fails without it.
    pub breaks: Consequence,
    /// The statement of Karpenter's template that allows it.
    pub statement: &'static str,
    pub source: &'static str,
}

/// What most rows have in common.
pub(super) const CALL: Call = Call {
    action: "",
    on: &["*"],
    since: (0, 0, 0),
    before: EVER,
    sends: Tags::None,
    found: Tags::None,
    with: &[],
    when: When::Always,
    breaks: LAUNCH,
    statement: "",
    source: "",
};
