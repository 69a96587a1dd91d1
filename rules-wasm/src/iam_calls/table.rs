//! What Karpenter's controller asks AWS for, release by release. Adding a release is adding rows.
//!
//! `KP` stands for <https://github.com/aws/karpenter-provider-aws> at the release's tag. A row's releases are those whose
//! source has the call; tests/fixtures/karpenter/calls.tsv lists them, and a test compares. What IAM asks for beside the call
//! itself (tags, the role that is passed) is in [`IMPLIED`]; the tags that are sent are rows of `tags`.

use super::call::{
    CALL, Call, KEPT, LAUNCH_SPOT, NO_IMAGE, NO_PROFILE, NO_SPOT_ROLE, READY, START, STATIC_PRICES, Tags, When, error,
    warning,
};
use crate::versions::Version;

// What exists has an id in its ARN. For what is to be created IAM is asked about `instance/*`: the ARNs in the refusals of
// KP #7370.
const INSTANCE: &str = "arn::ec2:::instance/{instance}";
const NEW_INSTANCE: &str = "arn::ec2:::instance/*";
const NEW_VOLUME: &str = "arn::ec2:::volume/*";
const NEW_INTERFACE: &str = "arn::ec2:::network-interface/*";
const NEW_FLEET: &str = "arn::ec2:::fleet/*";
const NEW_SPOT: &str = "arn::ec2:::spot-instances-request/*";
const NEW_TEMPLATE: &str = "arn::ec2:::launch-template/*";
const TEMPLATE: &str = "arn::ec2:::launch-template/{launch-template}";
const IMAGE: &str = "arn::ec2:::image/{image}";
const GROUP: &str = "arn::ec2:::security-group/{security-group}";
const SUBNET: &str = "arn::ec2:::subnet/{subnet}";
/// As IAM is asked while no profile of the name exists, and up to 1.6 also once it does.
const PROFILE_BY_NAME: &str = "arn::iam:::instance-profile/{cluster}_{profile}";
/// From 1.7 on, KP pkg/controllers/nodeclass/instanceprofile.go.
const PROFILE_BY_PATH: &str = "arn::iam:::instance-profile/karpenter/{region}/{cluster}/{uid}/{cluster}_{profile}";
const EKS_CLUSTER: &str = "arn::eks:::cluster/{cluster}";

/// Actions that IAM asks for although the source of some releases does not call them, and why.
#[cfg(test)]
pub(crate) const IMPLIED: &[(&str, &str)] = &[
    ("ec2:RunInstances", "CreateFleet runs instances in the caller's name; from 1.3 on there is a dry run, too"),
    ("ec2:CreateTags", "asked for every resource that is created with tags"),
    ("iam:CreateServiceLinkedRole", "asked by CreateFleet for spot in an account that has no role for it"),
    ("iam:PassRole", "asked by AddRoleToInstanceProfile, and by the launch of an instance with a profile"),
    ("iam:TagInstanceProfile", "asked by CreateInstanceProfile with tags"),
];

/// Calls in the source that are no concern of these rows, and why.
#[cfg(test)]
pub(crate) const ELSEWHERE: &[(&str, &str)] = &[
    ("sqs:GetQueueUrl", "queue-controller-cannot-receive"),
    ("sqs:ReceiveMessage", "queue-controller-cannot-receive"),
    ("sqs:DeleteMessage", "queue-controller-cannot-receive"),
    ("sqs:SendMessage", "a method that only the tests of Karpenter use"),
];

const SINCE_REAL_PROFILES: Version = (0, 32, 0);

/// The rows.
pub(crate) const CALLS: &[Call] = &[
    // CreateTags, which AWS authorises for every resource that a call creates with tags.
    Call { on: &[NEW_INSTANCE], ..TAG_BY_RUN },
    Call { on: &[NEW_VOLUME], since: (0, 6, 5), ..TAG_BY_RUN },
    Call { on: &[NEW_INTERFACE], since: (0, 14, 0), ..TAG_BY_RUN },
    Call { on: &[NEW_FLEET], since: (0, 14, 0), with: &[("ec2:CreateAction", &["CreateFleet"])], ..TAG_BY_RUN },
    Call {
        on: &[NEW_TEMPLATE],
        sends: Tags::Template,
        with: &[("ec2:CreateAction", &["CreateLaunchTemplate"])],
        source: "KP pkg/providers/launchtemplate/launchtemplate.go",
        ..TAG_BY_RUN
    },
    Call {
        on: &[NEW_SPOT],
        since: (0, 33, 0),
        // Some traces show it with CreateFleet.
        with: &[("ec2:CreateAction", &["RunInstances", "CreateFleet"])],
        when: When::Spot,
        breaks: LAUNCH_SPOT,
        source: "KP pkg/providers/launchtemplate/launchtemplate.go since v0.33; cdklabs/cdk-eks-karpenter #150",
        ..TAG_BY_RUN
    },
    // CreateTags on what is there.
    Call {
        action: "ec2:CreateTags",
        on: &[INSTANCE],
        since: (0, 32, 0),
        sends: Tags::Names,
        found: Tags::Launch,
        breaks: error("instances stay without the tags Name and karpenter.sh/nodeclaim"),
        statement: "AllowScopedResourceTagging",
        source: "KP pkg/controllers/nodeclaim/tagging/controller.go since v0.32",
        ..CALL
    },
    Call {
        action: "ec2:CreateTags",
        on: &[INSTANCE],
        since: (0, 28, 0),
        before: (0, 32, 0),
        sends: Tags::Linked,
        found: Tags::Alpha,
        breaks: warning("for instances that were launched before 0.28 no Machine is made"),
        statement: "AllowMachineMigrationTagging",
        source: "KP pkg/controllers/machine/link/controller.go from v0.28 to v0.31; that of v0.32 has no statement in its template",
        ..CALL
    },
    Call {
        action: "ec2:CreateTags",
        on: &[INSTANCE],
        since: (1, 0, 0),
        sends: Tags::ClusterName,
        found: Tags::Beta,
        breaks: warning(
            "instances that were launched before 1.0 stay without eks:eks-cluster-name, and Karpenter from 1.1 on does not \
             find instances without it",
        ),
        statement: "AllowScopedResourceTagging",
        source: "KP pkg/controllers/nodeclaim/tagging/controller.go since v1.0; terraform-aws-eks #3134",
        ..CALL
    },
    // Launching.
    Call { on: &[IMAGE, GROUP, SUBNET], found: Tags::Unknown, statement: ACCESS, ..RUN },
    Call { on: &[IMAGE, GROUP, SUBNET], found: Tags::Unknown, statement: ACCESS, ..FLEET },
    Call {
        on: &["arn::ec2:::snapshot/{snapshot}"],
        found: Tags::Unknown,
        when: When::Snapshot,
        statement: ACCESS,
        ..RUN
    },
    Call { on: RESERVATION, since: (1, 3, 0), ..RUN_RESERVED },
    Call { action: "ec2:CreateFleet", on: RESERVATION, since: (1, 3, 0), ..RUN_RESERVED },
    Call { on: PLACEMENT, since: (1, 11, 0), when: When::PlacementGroup, ..RUN_RESERVED },
    Call { action: "ec2:CreateFleet", on: PLACEMENT, since: (1, 11, 0), when: When::PlacementGroup, ..RUN_RESERVED },
    Call { on: &[TEMPLATE], found: Tags::Template, statement: ACCESS_TEMPLATE, ..RUN },
    Call { on: &[TEMPLATE], found: Tags::Template, statement: ACCESS_TEMPLATE, ..FLEET },
    Call { on: &[NEW_INSTANCE, NEW_VOLUME, NEW_INTERFACE], sends: Tags::Launch, statement: WITH_TAGS, ..RUN },
    Call {
        on: &[NEW_SPOT],
        since: (0, 33, 0),
        sends: Tags::Launch,
        when: When::Spot,
        breaks: LAUNCH_SPOT,
        statement: WITH_TAGS,
        ..RUN
    },
    Call {
        on: &[NEW_FLEET, NEW_INSTANCE, NEW_VOLUME, NEW_INTERFACE],
        sends: Tags::Launch,
        statement: WITH_TAGS,
        ..FLEET
    },
    Call {
        action: "ec2:CreateLaunchTemplate",
        on: &[NEW_TEMPLATE],
        sends: Tags::Template,
        statement: WITH_TAGS,
        source: "KP pkg/providers/launchtemplate/launchtemplate.go",
        ..CALL
    },
    // Ending.
    Call {
        action: "ec2:TerminateInstances",
        on: &[INSTANCE],
        found: Tags::Launch,
        breaks: error("its own instances are never terminated"),
        statement: "AllowScopedDeletion",
        source: "KP pkg/providers/instance/instance.go",
        ..CALL
    },
    Call {
        since: (0, 6, 2),
        before: (0, 36, 0),
        breaks: warning("its own launch templates are left behind"),
        ..DELETE_TEMPLATE
    },
    Call { since: (0, 36, 0), breaks: KEPT, ..DELETE_TEMPLATE },
    // EC2 makes the role at the first launch of a spot instance, in the caller's name.
    Call {
        action: "iam:CreateServiceLinkedRole",
        on: &["arn::iam:::role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"],
        with: &[("iam:AWSServiceName", &["spot.amazonaws.com"])],
        when: When::SpotWithoutRole,
        breaks: NO_SPOT_ROLE,
        source: "EC2 user guide, service-linked role for Spot Instance requests; KP #504",
        ..CALL
    },
    // Roles and instance profiles. IAM passes the role when it is put into the profile, EC2 when an instance is launched
    // with it, whether the class names a role or a profile: in China these are services of two names (KP #6839, #6843).
    Call {
        on: &["arn::iam:::role/{role}"],
        since: SINCE_REAL_PROFILES,
        with: &[("iam:PassedToService", &["ec2.amazonaws.com"])],
        when: When::Role,
        ..PASS_ROLE
    },
    Call {
        on: &["arn::iam:::role/{role}"],
        with: &[("iam:PassedToService", &["ec2.amazonaws.com", "ec2.amazonaws.com.cn"])],
        ..PASS_ROLE
    },
    Call {
        action: "iam:GetInstanceProfile",
        on: &[PROFILE_BY_NAME],
        found: Tags::Profile,
        statement: "AllowInstanceProfileReadActions",
        ..MAKE_PROFILE
    },
    Call {
        action: "iam:GetInstanceProfile",
        on: &[PROFILE_BY_PATH],
        since: (1, 7, 0),
        found: Tags::Profile,
        statement: "AllowInstanceProfileReadActions",
        ..MAKE_PROFILE
    },
    Call { before: (1, 7, 0), ..CREATE_PROFILE },
    Call { on: &[PROFILE_BY_PATH], since: (1, 7, 0), ..CREATE_PROFILE },
    Call { before: (1, 7, 0), ..TAG_PROFILE },
    Call { on: &[PROFILE_BY_PATH], since: (1, 7, 0), ..TAG_PROFILE },
    Call { before: (1, 7, 0), ..ADD_ROLE },
    Call { on: &[PROFILE_BY_PATH], since: (1, 7, 0), ..ADD_ROLE },
    Call { before: (1, 7, 0), when: When::Role, ..REMOVE_ROLE },
    Call { on: &[PROFILE_BY_PATH], since: (1, 7, 0), ..REMOVE_ROLE },
    Call { before: (1, 7, 0), when: When::Role, ..DELETE_PROFILE },
    Call { on: &[PROFILE_BY_PATH], since: (1, 7, 0), ..DELETE_PROFILE },
    // From 1.7 on the finalizer looks for a profile as older releases made it, whether the class names a role or not.
    Call {
        action: "iam:GetInstanceProfile",
        on: &[PROFILE_BY_NAME],
        since: (1, 7, 0),
        found: Tags::Profile,
        when: When::NoRoleHousekeeping,
        breaks: KEPT,
        statement: "AllowInstanceProfileReadActions",
        source: "KP pkg/controllers/nodeclass/controller.go (finalize) since v1.7",
        ..CALL
    },
    Call {
        action: "iam:ListInstanceProfiles",
        since: (1, 7, 0),
        when: When::Housekeeping,
        breaks: error(
            "a deleted class keeps its finalizer and never goes away, and instance profiles are not cleaned up",
        ),
        statement: "AllowUnscopedInstanceProfileListAction",
        source: "KP pkg/controllers/nodeclass/controller.go (finalize) and garbagecollection since v1.7; terraform-aws-eks #3657",
        ..CALL
    },
    // Reading.
    Call {
        action: "ec2:DescribeInstanceTypes",
        before: (0, 19, 0),
        source: "KP pkg/cloudprovider/aws/instancetypes.go",
        ..READ
    },
    Call {
        action: "ec2:DescribeInstanceTypes",
        since: (0, 19, 0),
        breaks: START,
        source: "KP pkg/operator/operator.go (CheckEC2Connectivity)",
        ..READ
    },
    Call {
        action: "ec2:DescribeInstanceTypeOfferings",
        before: (1, 7, 0),
        source: "KP pkg/providers/instancetype/instancetype.go",
        ..READ
    },
    Call {
        action: "ec2:DescribeInstanceTypeOfferings",
        since: (1, 7, 0),
        breaks: START,
        source: "KP pkg/operator/operator.go (UpdateInstanceTypeOfferings must succeed)",
        ..READ
    },
    Call { action: "ec2:DescribeSubnets", source: "KP pkg/providers/subnet/subnet.go", ..READ },
    Call { action: "ec2:DescribeSecurityGroups", source: "KP pkg/providers/securitygroup/securitygroup.go", ..READ },
    Call {
        action: "ec2:DescribeImages",
        since: (0, 14, 0),
        before: (0, 31, 0),
        when: When::ImageSelector,
        breaks: NO_IMAGE,
        source: "KP pkg/providers/amifamily/ami.go: up to v0.30 only with amiSelector",
        ..READ
    },
    Call {
        action: "ec2:DescribeImages",
        since: (0, 31, 0),
        breaks: NO_IMAGE,
        source: "KP pkg/providers/amifamily/ami.go",
        ..READ
    },
    Call { action: "ec2:DescribeLaunchTemplates", source: "KP pkg/providers/launchtemplate/launchtemplate.go", ..READ },
    Call {
        action: "ec2:DescribeInstances",
        before: (0, 28, 0),
        source: "KP pkg/cloudprovider/instance.go: what was launched is looked up",
        ..READ
    },
    Call {
        action: "ec2:DescribeInstances",
        since: (0, 28, 0),
        before: (1, 3, 0),
        breaks: error("instances that have lost their node are never found nor terminated"),
        source: "KP pkg/providers/instance/instance.go (Get, List)",
        ..READ
    },
    Call {
        action: "ec2:DescribeInstances",
        since: (1, 3, 0),
        breaks: error("its own instances are never terminated"),
        source: "KP pkg/providers/instance/instance.go: from v1.3 on Delete looks the instance up first",
        ..READ
    },
    Call { since: (0, 32, 0), before: (0, 32, 4), ..READ_ZONES },
    Call { since: (0, 33, 0), before: (0, 33, 1), ..READ_ZONES },
    Call { since: (0, 13, 0), before: (0, 36, 0), when: When::NotIsolated, ..SPOT_PRICES },
    Call { since: (0, 36, 0), ..SPOT_PRICES },
    Call {
        action: "pricing:GetProducts",
        since: (0, 13, 0),
        when: When::Pricing,
        breaks: STATIC_PRICES,
        statement: "AllowPricingReadActions",
        source: "KP pkg/providers/pricing/pricing.go",
        ..CALL
    },
    Call {
        action: "ec2:DescribeCapacityReservations",
        since: (1, 3, 0),
        when: When::CapacityReservation,
        breaks: READY,
        source: "KP pkg/controllers/nodeclass/capacityreservation.go since v1.3: no terms, no call",
        ..READ
    },
    Call {
        action: "ec2:DescribePlacementGroups",
        since: (1, 11, 0),
        when: When::PlacementGroup,
        breaks: READY,
        source: "KP pkg/controllers/nodeclass/placementgroup.go since v1.11: no selector, no call",
        ..READ
    },
    Call {
        action: "ec2:DescribeInstanceStatus",
        since: (1, 12, 0),
        breaks: warning("the health of instances is not seen"),
        source: "KP pkg/providers/instancestatus/instancestatus.go since v1.12",
        ..READ
    },
    Call {
        action: "ssm:GetParameter",
        on: &["arn::ssm:::parameter/{parameter}"],
        when: When::ImageParameter,
        breaks: NO_IMAGE,
        statement: "AllowSSMReadActions",
        source: "KP pkg/providers/amifamily",
        ..CALL
    },
    Call {
        since: (0, 25, 0),
        when: When::NoEndpoint,
        source: "KP pkg/operator/operator.go (ResolveClusterEndpoint) since v0.25",
        ..DESCRIBE_CLUSTER
    },
    Call {
        since: (0, 35, 0),
        when: When::Al2023,
        breaks: READY,
        source: "KP pkg/providers/launchtemplate/launchtemplate.go (ResolveClusterCIDR) since v0.35",
        ..DESCRIBE_CLUSTER
    },
    Call {
        since: (1, 1, 0),
        when: When::EksControlPlane,
        source: "KP pkg/providers/version/version.go (getEKSVersion) since v1.1",
        ..DESCRIBE_CLUSTER
    },
    Call {
        since: (1, 12, 0),
        when: When::ZonalShift,
        source: "KP pkg/operator/operator.go (ValidateZonalShiftEnablement) since v1.12",
        ..DESCRIBE_CLUSTER
    },
    Call {
        action: "arc-zonal-shift:GetManagedResource",
        since: (1, 12, 0),
        with: &[("arc-zonal-shift:ResourceIdentifier", &["arn:{partition}:eks:{region}:{account}:cluster/{cluster}"])],
        when: When::ZonalShift,
        breaks: START,
        statement: "AllowZonalShiftStatusReadOnly",
        source: "KP pkg/operator/operator.go (ValidateZonalShiftEnablement) since v1.12",
        ..CALL
    },
];

const ACCESS: &str = "AllowScopedEC2InstanceAccessActions";
const ACCESS_TEMPLATE: &str = "AllowScopedEC2LaunchTemplateAccessActions";
const WITH_TAGS: &str = "AllowScopedEC2InstanceActionsWithTags";
const RESERVATION: &[&str] = &["arn::ec2:::capacity-reservation/{capacity-reservation}"];
const PLACEMENT: &[&str] = &["arn::ec2:::placement-group/{placement-group}"];

const TAG_BY_RUN: Call = Call {
    action: "ec2:CreateTags",
    sends: Tags::Launch,
    with: &[("ec2:CreateAction", &["RunInstances"])],
    statement: "AllowScopedResourceCreationTagging",
    source: "KP pkg/providers/instance/instance.go",
    ..CALL
};

const RUN: Call =
    Call { action: "ec2:RunInstances", source: "KP pkg/providers/instance/instance.go (CreateFleet)", ..CALL };

const FLEET: Call = Call { action: "ec2:CreateFleet", source: "KP pkg/providers/instance/instance.go", ..CALL };

const RUN_RESERVED: Call = Call {
    found: Tags::Unknown,
    when: When::CapacityReservation,
    breaks: error("no node is launched for the class"),
    statement: ACCESS,
    ..RUN
};

const DELETE_TEMPLATE: Call = Call {
    action: "ec2:DeleteLaunchTemplate",
    on: &[TEMPLATE],
    found: Tags::Template,
    statement: "AllowScopedDeletion",
    source: "KP pkg/providers/launchtemplate/launchtemplate.go: on eviction since v0.6.2, by a class's finalizer since v0.36",
    ..CALL
};

const PASS_ROLE: Call = Call {
    action: "iam:PassRole",
    statement: "AllowPassingInstanceRole",
    source: "KP pkg/providers/instanceprofile and launchtemplate; EC2 user guide, permission-to-pass-iam-roles",
    ..CALL
};

const MAKE_PROFILE: Call = Call {
    on: &[PROFILE_BY_NAME],
    since: SINCE_REAL_PROFILES,
    when: When::Role,
    breaks: NO_PROFILE,
    source: "KP pkg/providers/instanceprofile/instanceprofile.go since v0.32",
    ..CALL
};

const CREATE_PROFILE: Call = Call {
    action: "iam:CreateInstanceProfile",
    sends: Tags::Profile,
    statement: "AllowScopedInstanceProfileCreationActions",
    ..MAKE_PROFILE
};

const TAG_PROFILE: Call = Call {
    action: "iam:TagInstanceProfile",
    sends: Tags::Profile,
    found: Tags::Profile,
    statement: "AllowScopedInstanceProfileTagActions",
    ..MAKE_PROFILE
};

const ADD_ROLE: Call = Call {
    action: "iam:AddRoleToInstanceProfile",
    found: Tags::Profile,
    statement: "AllowScopedInstanceProfileActions",
    ..MAKE_PROFILE
};

const REMOVE_ROLE: Call = Call {
    action: "iam:RemoveRoleFromInstanceProfile",
    found: Tags::Profile,
    when: When::RoleHousekeeping,
    breaks: KEPT,
    statement: "AllowScopedInstanceProfileActions",
    source: "KP pkg/controllers/nodeclass/controller.go (finalize)",
    ..MAKE_PROFILE
};

const DELETE_PROFILE: Call = Call { action: "iam:DeleteInstanceProfile", ..REMOVE_ROLE };

const READ: Call = Call { statement: "AllowRegionalReadActions", ..CALL };

const READ_ZONES: Call = Call {
    action: "ec2:DescribeAvailabilityZones",
    source: "KP pkg/providers/instancetype/instancetype.go of v0.32.0 to v0.32.3 and v0.33.0 alone",
    ..READ
};

const SPOT_PRICES: Call = Call {
    action: "ec2:DescribeSpotPriceHistory",
    breaks: STATIC_PRICES,
    source: "KP pkg/providers/pricing/pricing.go",
    ..READ
};

const DESCRIBE_CLUSTER: Call = Call {
    action: "eks:DescribeCluster",
    on: &[EKS_CLUSTER],
    breaks: START,
    statement: "AllowAPIServerEndpointDiscovery",
    ..CALL
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam_calls::call::EVER;

    /// The calls in Karpenter's source, by release.
    const SOURCE: &str = include_str!("../../../tests/fixtures/karpenter/calls.tsv");
    const RELEASES: &str = include_str!("../../../tests/fixtures/karpenter/releases.txt");
    /// The first release that the list of calls looked at.
    const FIRST: Version = (0, 16, 0);

    fn version(text: &str) -> Version {
        let mut parts = text.trim_start_matches('v').split('.').map(|part| part.parse().expect(text));
        let mut next = || parts.next().expect(text);
        (next(), next(), next())
    }

    fn releases() -> impl Iterator<Item = Version> {
        RELEASES.lines().map(version)
    }

    fn in_table(action: &str, release: Version) -> bool {
        CALLS.iter().any(|call| call.action == action && call.since <= release && release < call.before)
    }

    /// `v0.32.0 to v0.32.3; v0.33.0 on`.
    fn in_source(ranges: &str, release: Version) -> bool {
        ranges.split("; ").any(|range| match range.split_once(" to ") {
            Some((first, last)) => version(first) <= release && release <= version(last),
            None => range.strip_suffix(" on").is_some_and(|first| version(first) <= release),
        })
    }

    fn listed(table: &[(&str, &str)], action: &str) -> bool {
        table.iter().any(|(listed, _)| *listed == action)
    }

    #[test]
    fn the_table_has_the_calls_of_each_release_and_no_others() {
        let rows: Vec<(&str, &str)> = SOURCE
            .lines()
            .skip(1)
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .map(|columns| (columns[0], columns[1]))
            .collect();
        assert!(rows.len() > 30 && releases().count() > 200);
        let mut wrong = vec![];
        for (action, ranges) in rows.iter().filter(|(action, _)| !listed(ELSEWHERE, action)) {
            for release in releases().filter(|release| *release >= FIRST) {
                // The source of 0.31 can make instance profiles, for objects that it does not serve yet.
                let served = !(action.ends_with("InstanceProfile") && release < SINCE_REAL_PROFILES);
                let (code, table) = (in_source(ranges, release) && served, in_table(action, release));
                if code && !table || table && !code && !listed(IMPLIED, action) {
                    wrong.push(format!("{action} at {release:?}: source {code}, table {table}"));
                }
            }
        }
        let known = |action: &str| listed(IMPLIED, action) || rows.iter().any(|(known, _)| *known == action);
        wrong
            .extend(CALLS.iter().filter(|call| !known(call.action)).map(|call| format!("{}: not called", call.action)));
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn what_stands_elsewhere_or_is_implied_is_real() {
        for (action, why) in ELSEWHERE {
            assert!(SOURCE.contains(action) && !CALLS.iter().any(|call| call.action == *action), "{action}: {why}");
        }
        for (action, why) in IMPLIED {
            assert!(CALLS.iter().any(|call| call.action == *action), "{action}: {why}");
        }
    }

    #[test]
    fn a_boundary_between_rows_is_a_release() {
        for call in CALLS {
            for boundary in [call.since, call.before] {
                let known = boundary == (0, 0, 0) || boundary == EVER || releases().any(|release| release == boundary);
                assert!(known, "{}: there is no release {boundary:?}", call.action);
            }
        }
    }
}
