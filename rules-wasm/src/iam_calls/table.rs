//! What Karpenter's controller asks AWS for, release by release. Adding a release is adding rows.
//!
//! `KP` stands for <https://github.com/aws/karpenter-provider-aws> at the release's tag; the policy's statements are those
//! of its getting started template (website/content/en/preview/getting-started/…/cloudformation.yaml). A row's versions
//! are those of the template at that tag, held against the code.

use crate::versions::Minor;
use karpcheck_sdk::prelude::{Error, Severity, Warning};

const EVER: Minor = (u64::MAX, 0);

/// Which tags a request sends, or a resource has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    /// None.
    None,
    /// It belongs to somebody else, and its tags are not known.
    Unknown,
    /// Those of everything that is launched ([`STATIC`]), and the class's own.
    Launch,
    /// The ones that a node's instance gets once it has registered.
    Names,
    /// `eks:eks-cluster-name`, which instances from before 1.0 lack.
    ClusterName,
    /// Those of everything that was launched before 1.0.
    Beta,
    /// Those of an instance profile.
    Profile,
}

/// When the controller makes a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// A class names a role, of which Karpenter makes the instance profile.
    Role,
    /// A class takes its image by alias or family.
    Image,
    /// No cluster endpoint is set.
    NoEndpoint,
    /// A NodePool admits spot.
    Spot,
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
}

/// One call.
pub(crate) struct Call {
    pub action: &'static str,
    /// ARNs; `{cluster}` is the cluster's name, `{role}` the class's role.
    pub on: &'static [&'static str],
    pub since: Minor,
    pub before: Minor,
    pub sends: Tags,
    pub found: Tags,
    /// Further context keys. Of several values, any that is allowed will do.
    pub with: &'static [(&'static str, &'static [&'static str])],
    pub when: When,
    pub severity: Severity,
    /// What fails without it.
    pub breaks: &'static str,
    pub source: &'static str,
}

const CALL: Call = Call {
    action: "",
    on: &["*"],
    since: (0, 0),
    before: EVER,
    sends: Tags::None,
    found: Tags::None,
    with: &[],
    when: When::Always,
    severity: Error,
    breaks: "no node is launched",
    source: "",
};

/// A tag that everything launched gets.
pub(crate) struct Tag {
    /// `{cluster}` is the cluster's name.
    pub key: &'static str,
    /// `{cluster}` is the cluster's name, `POOL` and `CLASS` those of NodePool and class, `{region}` the region.
    pub value: &'static str,
    pub since: Minor,
    pub before: Minor,
}

const fn tag(key: &'static str, value: &'static str, since: Minor, before: Minor) -> Tag {
    Tag { key, value, since, before }
}

/// KP pkg/cloudprovider/cloudprovider.go and pkg/utils (GetTags).
pub(crate) const STATIC: &[Tag] = &[
    tag("kubernetes.io/cluster/{cluster}", "owned", (0, 0), EVER),
    tag("karpenter.sh/provisioner-name", "POOL", (0, 0), (0, 32)),
    tag("Name", "karpenter.sh/provisioner-name/POOL", (0, 0), (0, 32)),
    tag("karpenter.sh/managed-by", "{cluster}", (0, 0), (1, 0)),
    tag("karpenter.sh/nodepool", "POOL", (0, 32), EVER),
    tag("karpenter.k8s.aws/ec2nodeclass", "CLASS", (0, 32), EVER),
    tag("eks:eks-cluster-name", "{cluster}", (1, 0), EVER),
];

/// KP pkg/controllers/nodeclass/instanceprofile.go.
pub(crate) const PROFILE: &[Tag] = &[
    tag("kubernetes.io/cluster/{cluster}", "owned", (0, 32), EVER),
    tag("karpenter.sh/managed-by", "{cluster}", (0, 32), (1, 0)),
    tag("topology.kubernetes.io/region", "{region}", (0, 32), EVER),
    tag("karpenter.k8s.aws/ec2nodeclass", "CLASS", (0, 32), EVER),
    tag("eks:eks-cluster-name", "{cluster}", (1, 0), EVER),
];

const INSTANCE: &str = "arn::ec2:::instance/any";
const TEMPLATE: &str = "arn::ec2:::launch-template/any";
const FLEET: &str = "arn::ec2:::fleet/any";
const SPOT: &str = "arn::ec2:::spot-instances-request/any";
const MADE: &[&str] = &[INSTANCE, "arn::ec2:::volume/any", "arn::ec2:::network-interface/any"];
const USED: &[&str] = &["arn::ec2:::image/ami-probe", "arn::ec2:::security-group/any", "arn::ec2:::subnet/any"];
const PROFILES: &[&str] = &["arn::iam:::instance-profile/any"];

const RUN: &[(&str, &[&str])] = &[("ec2:CreateAction", &["RunInstances"])];

/// The rows.
pub(crate) const CALLS: &[Call] = &[
    // CreateTags, which AWS authorises for every resource that a call creates with tags.
    Call {
        action: "ec2:CreateTags",
        on: MADE,
        sends: Tags::Launch,
        with: RUN,
        source: "AllowScopedResourceCreationTagging; KP pkg/providers/instance/instance.go",
        ..CALL
    },
    Call {
        action: "ec2:CreateTags",
        on: &[FLEET],
        sends: Tags::Launch,
        with: &[("ec2:CreateAction", &["CreateFleet"])],
        source: "AllowScopedResourceCreationTagging; KP pkg/providers/instance/instance.go",
        ..CALL
    },
    Call {
        action: "ec2:CreateTags",
        on: &[TEMPLATE],
        sends: Tags::Launch,
        with: &[("ec2:CreateAction", &["CreateLaunchTemplate"])],
        source: "AllowScopedResourceCreationTagging; KP pkg/providers/launchtemplate/launchtemplate.go",
        ..CALL
    },
    Call {
        action: "ec2:CreateTags",
        on: &[SPOT],
        since: (0, 33),
        sends: Tags::Launch,
        // Some traces show it with CreateFleet.
        with: &[("ec2:CreateAction", &["RunInstances", "CreateFleet"])],
        when: When::Spot,
        breaks: "no spot node is launched",
        source: "AllowScopedResourceCreationTagging since v0.33; cdklabs/cdk-eks-karpenter #150",
        ..CALL
    },
    // CreateTags on what is there: KP pkg/controllers/nodeclaim/tagging/controller.go.
    Call {
        action: "ec2:CreateTags",
        on: &[INSTANCE],
        since: (0, 32),
        sends: Tags::Names,
        found: Tags::Launch,
        breaks: "instances stay without the tags Name and karpenter.sh/nodeclaim",
        source: "AllowScopedResourceTagging since v0.32; KP pkg/controllers/nodeclaim/tagging/controller.go",
        ..CALL
    },
    Call {
        action: "ec2:CreateTags",
        on: &[INSTANCE],
        since: (1, 0),
        sends: Tags::ClusterName,
        found: Tags::Beta,
        severity: Warning,
        breaks: "instances that were launched before 1.0 stay without eks:eks-cluster-name, and Karpenter from 1.1 on does not \
                 find instances without it",
        source: "AllowScopedResourceTagging since v1.0; terraform-aws-eks #3134",
        ..CALL
    },
    // Launching.
    Call {
        action: "ec2:RunInstances",
        on: USED,
        found: Tags::Unknown,
        source: "AllowScopedEC2InstanceAccessActions",
        ..CALL
    },
    Call {
        action: "ec2:CreateFleet",
        on: USED,
        found: Tags::Unknown,
        source: "AllowScopedEC2InstanceAccessActions",
        ..CALL
    },
    Call {
        action: "ec2:RunInstances",
        on: &["arn::ec2:::snapshot/any"],
        found: Tags::Unknown,
        when: When::Snapshot,
        source: "AllowScopedEC2InstanceAccessActions",
        ..CALL
    },
    Call {
        action: "ec2:RunInstances",
        on: &["arn::ec2:::capacity-reservation/any"],
        since: (1, 3),
        found: Tags::Unknown,
        when: When::CapacityReservation,
        source: "AllowScopedEC2InstanceAccessActions since v1.3",
        ..CALL
    },
    Call {
        action: "ec2:RunInstances",
        on: &["arn::ec2:::placement-group/any"],
        since: (1, 11),
        found: Tags::Unknown,
        when: When::PlacementGroup,
        source: "AllowScopedEC2InstanceAccessActions since v1.11",
        ..CALL
    },
    Call {
        action: "ec2:RunInstances",
        on: &[TEMPLATE],
        found: Tags::Launch,
        source: "AllowScopedEC2LaunchTemplateAccessActions",
        ..CALL
    },
    Call {
        action: "ec2:CreateFleet",
        on: &[TEMPLATE],
        found: Tags::Launch,
        source: "AllowScopedEC2LaunchTemplateAccessActions",
        ..CALL
    },
    Call {
        action: "ec2:RunInstances",
        on: MADE,
        sends: Tags::Launch,
        source: "AllowScopedEC2InstanceActionsWithTags",
        ..CALL
    },
    Call {
        action: "ec2:RunInstances",
        on: &[SPOT],
        since: (0, 33),
        sends: Tags::Launch,
        when: When::Spot,
        breaks: "no spot node is launched",
        source: "AllowScopedEC2InstanceActionsWithTags since v0.33",
        ..CALL
    },
    Call {
        action: "ec2:CreateFleet",
        on: &[FLEET, INSTANCE, "arn::ec2:::volume/any", "arn::ec2:::network-interface/any"],
        sends: Tags::Launch,
        source: "AllowScopedEC2InstanceActionsWithTags",
        ..CALL
    },
    Call {
        action: "ec2:CreateLaunchTemplate",
        on: &[TEMPLATE],
        sends: Tags::Launch,
        source: "AllowScopedEC2InstanceActionsWithTags",
        ..CALL
    },
    // Ending.
    Call {
        action: "ec2:TerminateInstances",
        on: &[INSTANCE],
        found: Tags::Launch,
        breaks: "its own instances are never terminated",
        source: "AllowScopedDeletion",
        ..CALL
    },
    Call {
        action: "ec2:DeleteLaunchTemplate",
        on: &[TEMPLATE],
        found: Tags::Launch,
        breaks: "its own launch templates are never deleted",
        source: "AllowScopedDeletion",
        ..CALL
    },
    // Roles and instance profiles.
    Call {
        action: "iam:PassRole",
        on: &["arn::iam:::role/{role}"],
        with: &[("iam:PassedToService", &["ec2.amazonaws.com", "ec2.amazonaws.com.cn"])],
        when: When::Role,
        source: "AllowPassingInstanceRole",
        ..CALL
    },
    Call { action: "iam:GetInstanceProfile", on: PROFILES, found: Tags::Profile, ..PROFILE_CALL },
    Call { action: "iam:CreateInstanceProfile", on: PROFILES, sends: Tags::Profile, ..PROFILE_CALL },
    Call { action: "iam:TagInstanceProfile", on: PROFILES, sends: Tags::Profile, found: Tags::Profile, ..PROFILE_CALL },
    Call { action: "iam:AddRoleToInstanceProfile", on: PROFILES, found: Tags::Profile, ..PROFILE_CALL },
    Call { action: "iam:RemoveRoleFromInstanceProfile", on: PROFILES, found: Tags::Profile, ..PROFILE_CALL },
    Call { action: "iam:DeleteInstanceProfile", on: PROFILES, found: Tags::Profile, ..PROFILE_CALL },
    Call {
        action: "iam:ListInstanceProfiles",
        since: (1, 7),
        severity: Warning,
        breaks: "instance profiles of deleted classes are not cleaned up",
        source: "AllowUnscopedInstanceProfileListAction since v1.7; terraform-aws-eks #3657",
        ..CALL
    },
    // Reading: AllowRegionalReadActions and its neighbours.
    Call { action: "ec2:DescribeInstanceTypes", source: "AllowRegionalReadActions", ..CALL },
    Call { action: "ec2:DescribeInstanceTypeOfferings", source: "AllowRegionalReadActions", ..CALL },
    Call { action: "ec2:DescribeSubnets", source: "AllowRegionalReadActions", ..CALL },
    Call { action: "ec2:DescribeSecurityGroups", source: "AllowRegionalReadActions", ..CALL },
    Call { action: "ec2:DescribeImages", source: "AllowRegionalReadActions", ..CALL },
    Call { action: "ec2:DescribeLaunchTemplates", source: "AllowRegionalReadActions", ..CALL },
    Call { action: "ec2:DescribeInstances", source: "AllowRegionalReadActions", ..CALL },
    Call {
        action: "ec2:DescribeAvailabilityZones",
        before: (0, 32),
        source: "the template up to v0.31; from v0.32 on it is not called",
        ..CALL
    },
    Call {
        action: "ec2:DescribeSpotPriceHistory",
        severity: Warning,
        breaks: "prices are those that were compiled in",
        source: "AllowRegionalReadActions; KP pkg/providers/pricing",
        ..CALL
    },
    Call {
        action: "pricing:GetProducts",
        when: When::NotIsolated,
        severity: Warning,
        breaks: "prices are those that were compiled in",
        source: "AllowPricingReadActions; KP pkg/providers/pricing",
        ..CALL
    },
    Call {
        action: "ec2:DescribeCapacityReservations",
        since: (1, 3),
        severity: Warning,
        breaks: "capacity reservations are not used",
        source: "AllowRegionalReadActions since v1.3",
        ..CALL
    },
    Call {
        action: "ec2:DescribePlacementGroups",
        since: (1, 11),
        severity: Warning,
        breaks: "placement groups are not used",
        source: "AllowRegionalReadActions since v1.11",
        ..CALL
    },
    Call {
        action: "ec2:DescribeInstanceStatus",
        since: (1, 12),
        severity: Warning,
        breaks: "the health of instances is not seen",
        source: "AllowRegionalReadActions since v1.12",
        ..CALL
    },
    Call {
        action: "ssm:GetParameter",
        on: &["arn::ssm:::parameter/aws/service/eks/optimized-ami/any"],
        when: When::Image,
        breaks: "no image is found, so that no node is launched",
        source: "AllowSSMReadActions",
        ..CALL
    },
    Call {
        action: "eks:DescribeCluster",
        on: &["arn::eks:::cluster/{cluster}"],
        when: When::NoEndpoint,
        breaks: "the controller does not start",
        source: "AllowAPIServerEndpointDiscovery; KP pkg/operator/operator.go (ResolveClusterEndpoint)",
        ..CALL
    },
    Call {
        action: "arc-zonal-shift:GetManagedResource",
        since: (1, 12),
        with: &[("arc-zonal-shift:ResourceIdentifier", &["arn:{partition}:eks:{region}:{account}:cluster/{cluster}"])],
        when: When::ZonalShift,
        severity: Warning,
        breaks: "zonal shifts are not seen",
        source: "AllowZonalShiftStatusReadOnly since v1.12",
        ..CALL
    },
];

const PROFILE_CALL: Call = Call {
    since: (0, 32),
    when: When::Role,
    breaks: "no instance profile is made of the class's role, so that no node is launched",
    source: "the statements AllowScopedInstanceProfile* since v0.32; KP pkg/providers/instanceprofile",
    ..CALL
};
