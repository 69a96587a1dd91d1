//! ## What it finds
//!
//! A NodeClaim that does not get on: not launched, not registered, not initialized, or not gone, for longer than that takes,
//! with what the reason means. Claims with one reason are one row with their number.
//!
//! | condition | reason | releases | what it means |
//! |---|---|---|---|
//! | `Launched` False | `LaunchFailed` | v0.37.0 to v0.37.7 | its launch failed, as the message says |
//! | `Launched` Unknown | `LaunchFailed` | v1.0.0 on | its launch failed, as the message says |
//! | `Launched` Unknown | `Unauthorized` | v1.2.0 on | AWS refused the launch |
//! | `Launched` Unknown | `SpotSLRCreationFailed` | v1.2.0 on | the account has no service-linked role for EC2 Spot, and the
//! controller is not allowed to create it |
//! | `Launched` Unknown | `AMIAuthorizationFailure` | v1.9.0 on | the image is not shared with this account |
//! | `Launched` Unknown | `AMINotFound` | v1.6.0 on | its image no longer exists, or is not shared with this account |
//! | `Launched` Unknown | `InvalidAMIID` | v1.2.0 on | the id of its image is malformed |
//! | `Launched` Unknown | `InstanceProfileNameInvalid` | v1.2.0 on | the instance profile that the class names does not exist |
//! | `Launched` Unknown | `LaunchTemplateNotFound` | v1.2.0 on | its launch template vanished before it was used |
//! | `Launched` Unknown | `SecurityGroupSubnetVPCMismatch` | v1.12.0 on | the class's security groups and subnets are in different VPCs |
//! | `Launched` Unknown | `UserDataSizeLimitExceeded` | v1.14.1 on | the class's user data is larger than the 16 KB that EC2
//! accepts |
//! | `Launched` Unknown | `NodeClassReadinessUnknown` | v1.2.0 on | whether its class is ready is not known yet |
//! | `Launched` Unknown | `InstanceTypeResolutionFailed` | v1.2.0 on | the instance types to choose from could not be determined |
//! | `Launched` Unknown | `InstanceTypeFilteringFailed` | v1.5.0 to v1.12.2 | no instance type is left that fits the claim |
//! | `Launched` Unknown | `SubnetResolutionFailed` | v1.2.0 on | its subnets could not be determined |
//! | `Launched` Unknown | `CreateFleetRequestConstructionFailed` | v1.3.0 to v1.4.4 | no request for it could be made: no launch template, subnet and instance type fit together |
//! | `Launched` Unknown | `InsufficientFreeAddressesInSubnet` | v1.2.0 on | its subnet has no free IP addresses left |
//! | `Launched` Unknown | `FleetQuotaExceeded` | v1.2.0 on | the account's quota of fleets is used up |
//! | `Launched` Unknown | `SpotQuotaExceeded` | v1.2.0 on | the account's quota of Spot instances is used up |
//! | `Launched` Unknown | `VCPULimitExceeded` | v1.2.0 on | the account's quota of vCPUs is used up |
//! | `Launched` Unknown | `FreeTierIneligible` | v1.10.0 on | the account is on the free plan, which does not include its
//! instance type |
//! | `Launched` Unknown | `AccountPendingVerification` | v1.2.0 on | AWS is still verifying the account for this region |
//! | `Launched` Unknown | `RequestLimitExceeded` | v1.2.0 on | AWS throttles the account's calls to EC2 |
//! | `Launched` Unknown | `InternalError` | v1.2.0 on | EC2 had an internal error |
//! | `Launched` Unknown | `AwaitingReconciliation` | all | its launch has not been attempted yet |
//! | `Registered` Unknown | `NodeNotFound` | v1.0.0 on | its instance does not join the cluster |
//! | `Registered` False | `NodeNotFound` | v0.37.0 to v0.37.7 | its instance does not join the cluster |
//! | `Registered` False | `NotLaunched` | v0.37.0 to v0.37.7 | it is not launched yet |
//! | `Registered` False | `MultipleNodesFound` | v0.37.0 on | several Nodes have the instance's provider id |
//! | `Registered` False | `UnregisteredTaintNotFound` | v1.0.0 to v1.0.5; v1.1.0 to v1.1.1; v1.2.0 to v1.2.0 | its Node joined without the taint karpenter.sh/unregistered |
//! | `Registered` Unknown | `RegistrationHookPending` | v1.11.0 on | a hook named in the message delays its registration |
//! | `Registered` Unknown | `AwaitingReconciliation` | all | its registration has not been checked yet |
//! | `Initialized` Unknown | `NodeNotFound` | v1.0.0 on | its Node has disappeared again |
//! | `Initialized` False | `NodeNotFound` | v0.37.0 to v0.37.7 | its Node does not exist |
//! | `Initialized` Unknown | `NodeNotReady` | v1.0.0 on | its Node is NotReady |
//! | `Initialized` False | `NodeNotReady` | v0.37.0 to v0.37.7 | its Node is NotReady |
//! | `Initialized` Unknown | `StartupTaintsExist` | v1.0.0 on | a startup taint of its NodePool is still on the Node |
//! | `Initialized` False | `StartupTaintsExist` | v0.37.0 to v0.37.7 | a startup taint of its NodePool is still on the Node |
//! | `Initialized` Unknown | `KnownEphemeralTaintsExist` | v1.0.0 on | a taint that Kubernetes or a cloud controller should
//! remove is still on the Node |
//! | `Initialized` False | `KnownEphemeralTaintsExist` | v0.37.0 to v0.37.7 | a taint that Kubernetes or a cloud controller
//! should remove is still on the Node |
//! | `Initialized` Unknown | `ResourceNotRegistered` | v1.0.0 on | a resource that was requested, named in the message, is
//! not on the Node |
//! | `Initialized` False | `ResourceNotRegistered` | v0.37.0 to v0.37.7 | a resource that was requested, named in the
//! message, is not on the Node |
//! | `Initialized` Unknown | `DRADriverPoolsNotPublished` | v1.14.0 on | a driver of dynamic resource allocation has not published its devices on the Node |
//! | `Initialized` False | `NotLaunched` | v0.37.0 to v0.37.7 | it is not launched yet |
//! | `Initialized` Unknown | `AwaitingReconciliation` | all | its initialization has not been checked yet |
//! | `Ready` False | `UnhealthyDependents` | all | one of its other conditions is False |
//! | `Ready` Unknown | `ReconcilingDependents` | all | one of its other conditions is not known yet |
//! | `ConsistentStateFound` False | `ConsistencyCheckFailed` | v1.0.0 on | its Node has less than its NodeClaim promised: a
//! resource, a taint, or a finalizer that blocks its deletion |
//! | `Drained` Unknown | `Draining` | v1.6.0 on | its Node is being drained, and pods remain on it |
//! | `VolumesDetached` Unknown | `AwaitingVolumeDetachment` | v1.6.0 on | volumes of its Node are not detached |
//! | `VolumesDetached` False | `TerminationGracePeriodElapsed` | v1.6.0 on | its terminationGracePeriod ended before its
//! volumes were detached, and its instance was terminated anyway |
//! | `Drifted` True | any | v0.37.0 on | it no longer matches its NodePool and class, and will be replaced |
//! | `DisruptionReason` True | `DisruptionReason` | v1.2.0 to v1.3.0 | it is being replaced or removed |
//! | `DisruptionReason` True | any | v1.3.1 on | it is being replaced or removed, for the reason that is named |
//! | `any` Unknown | `AwaitingReconciliation` | all | no controller has looked at it yet |
//!
//! A failed launch is reported at once where it stays so, and after five minutes where it may succeed by itself; what takes
//! some minutes anyway, after ten; a deletion after an hour. A reason that is not in the list is shown as it is. Where another
//! rule found the cause (a permission, a service control policy, the class, a key), the finding stands under it.
//!
//! ## Why it matters
//!
//! Pods wait for the node. Karpenter gives a claim up that is not launched within five minutes (in later releases) or not
//! registered within fifteen, and tries again: instances come and go, and cost.
//!
//! ## How to fix it
//!
//! Each reason has its own remedy, which the finding names. The controller's log has AWS's own words at the time of the launch.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodeClaim
//! metadata: {name: default-abcde, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}
//! status:
//!   conditions:
//!     - {type: Launched, status: Unknown, reason: SecurityGroupSubnetVPCMismatch, message: Security groups and subnets must be in the same VPC.}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.sh/v1
//! kind: NodeClaim
//! metadata: {name: default-abcde, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}
//! status:
//!   conditions:
//!     - {type: Launched, status: "True", reason: Launched}
//!     - {type: Registered, status: "True", reason: Registered}
//!     - {type: Initialized, status: "True", reason: Initialized}
//! ```
//!
//! ## Sources
//!
//! - What writes the conditions: <https://github.com/kubernetes-sigs/karpenter/tree/v1.14.1/pkg/controllers/nodeclaim/lifecycle>
//! - The reasons of a failed launch: `ToReasonMessage` in
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/errors/errors.go>
//! - How long Karpenter waits: <https://github.com/kubernetes-sigs/karpenter/blob/v1.14.1/pkg/controllers/nodeclaim/lifecycle/liveness.go>

use karpcheck_sdk::prelude::*;

use crate::conditions::condition;
use crate::controllers;
use crate::readiness::reasons::Kind;
use crate::readiness::{self, Open};
use crate::time::age;
use crate::versions;

pub(crate) const RULE: Rule = Rule {
    title: "A NodeClaim never becomes a node, or never goes away",
    severity: Error,
    subjects: &["karpenter.sh/NodeClaim"],
    reads: &["karpenter.k8s.aws/EC2NodeClass"],
    uses: &[controllers::READS, versions::READS],
    properties: &[(
        "follows",
        "tagging-denied node-class-not-ready create-tags-denied-at-launch policy-newer-than-controller controller-permission-missing controller-role-missing node-class-role-invalid ebs-key-unusable ebs-key-denies-controller ebs-default-key-denies-controller ebs-image-key-denies-controller ebs-key-denies-spot ebs-key-without-encryption node-role-is-controllers cluster-name-shared",
    )],
    check,
    ..Rule::DEFAULT
};

/// What a claim goes through, in this order: what comes later waits for what comes before.
const STAGES: [&str; 3] = ["Launched", "Registered", "Initialized"];
/// Karpenter tries a launch for so long.
const LAUNCH: i64 = 300;
/// Nodes are ready within two or three minutes, those of Windows within ten. After 15 Karpenter gives up.
const JOINING: i64 = 600;
/// Pods may take their time to end.
const LEAVING: i64 = 3_600;

fn check(claim: Item) -> Check {
    let auto_mode = claim.matches("/spec/nodeClassRef/group", "eks.amazonaws.com").is_yes();
    if auto_mode || claim.field("/status/conditions").is_absent() {
        return skip();
    }
    let open = readiness::open(claim, Kind::Claim)?;
    let leaving = !claim.get("/metadata/deletionTimestamp").is_absent();
    let stage = STAGES.iter().find(|stage| open.iter().any(|one| one.name == **stage)).filter(|_| !leaving);
    let of_stage = |one: &Open| stage.is_some_and(|stage| one.name == *stage);
    // What is not a stage speaks for itself; the sum of all says nothing that they do not.
    let other = |one: &Open| !STAGES.contains(&one.name.as_str()) && !one.is_dependent() && one.known.is_some();
    let unheard = |one: &Open| {
        !STAGES.contains(&one.name.as_str())
            && one.known.is_none()
            && one.condition.status == "False"
            && !one.is_dependent()
    };
    let judged: Vec<Open> = open.into_iter().filter(|one| of_stage(one) || other(one) || unheard(one)).collect();
    if judged.is_empty() {
        return pass();
    }
    all(judged, |one| judge(claim, &one))
}

fn judge(claim: Item, open: &Open) -> Check {
    let stage = STAGES.iter().position(|stage| *stage == open.name);
    let patience = match stage {
        Some(0) => Some(LAUNCH).filter(|_| open.is_waiting() || open.is_transient()),
        Some(_) => Some(JOINING).filter(|_| open.is_waiting()),
        None => Some(LEAVING).filter(|_| open.is_waiting()),
    };
    let mut lasts = None;
    if let Some(patience) = patience {
        // What waits for a stage waits since the one before it was reached.
        let since = stage.and_then(|stage| condition(claim, STAGES.get(stage.checked_sub(1)?)?));
        let long = match since.map(|before| age(&before.field.child("lastTransitionTime"))) {
            Some(Ok(Some(age))) => Ok(age >= patience),
            _ => open.lasts(patience),
        };
        match long {
            Ok(true) => {}
            Ok(false) => return pass(),
            Err(unknown) => lasts = Some(unknown),
        }
    }
    let name = claim.name();
    let what = match stage {
        Some(0) => format!("NodeClaim {name} is not launched"),
        Some(1) => format!("NodeClaim {name} is launched and does not become a node"),
        Some(_) => format!("The node of NodeClaim {name} is not ready for pods"),
        None if open.is_waiting() => format!("NodeClaim {name} does not go away"),
        None => format!("The node of NodeClaim {name} is not as it should be"),
    };
    let finding = open
        .finding(claim, format!("{what}: {}", open.means(claim)), lasts.clone())
        .related(readiness::of_class(&claim.field("/spec/nodeClassRef")));
    // What Karpenter tries again, and what is slow, may come right.
    let less = lasts.is_none() && (patience.is_some() || open.is_transient() || open.known.is_none());
    if less { finding.severity(Warning) } else { finding }.check()
}
