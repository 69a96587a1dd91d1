//! The reasons that Karpenter writes into conditions, each explained.
//!
//! Which release writes what is read from the source of all releases; tests hold this table to the lists that are kept of it
//! (`tests/fixtures/karpenter/reasons`). Reasons of operatorpkg, which conditions begin with, have no release of their own.

/// A reason in a condition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason {
    /// Whose condition it is.
    pub(crate) kind: Kind,
    /// The condition's type.
    pub(crate) condition: &'static str,
    /// `False`, `Unknown` or `True`.
    pub(crate) status: &'static str,
    /// The reason; `*` for any.
    pub(crate) reason: &'static str,
    /// The releases whose source writes it: `v1.0.0 on`, `v1.3.0 to v1.12.2; v1.13.1 on`. Empty for every release.
    pub(crate) releases: &'static str,
    /// How bad it is, and when.
    pub(crate) weight: Weight,
    /// What it means, as the rest of a sentence.
    pub(crate) means: &'static str,
    /// What to look at, in the imperative.
    pub(crate) look: &'static str,
    /// What may be its cause.
    pub(crate) cause: Cause,
}

/// Whose conditions they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// An EC2NodeClass.
    Class,
    /// A NodePool.
    Pool,
    /// A NodeClaim.
    Claim,
    /// A NodeOverlay, which karpcheck does not read: explained in the pages alone.
    Overlay,
}

/// How bad a reason is, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Weight {
    /// Something is wrong, and stays so until somebody mends it.
    Broken,
    /// Something failed that may succeed without anybody's doing.
    Transient,
    /// It is usual for some minutes, and wrong after these.
    Waiting,
    /// It tells of another condition, which says more.
    Dependent,
    /// It is no fault.
    Normal,
}

/// Findings of which a condition may be the consequence: the rules, and the actions that must be theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// None that karpcheck judges.
    None,
    /// AWS refused something: these actions, or any.
    Refused(&'static str),
    /// The class's own fields.
    Fields,
    /// The class.
    Class,
    /// A key, the role of the nodes, or another controller of the same name.
    Nodes,
}

impl Cause {
    /// The rules, as a finding's `follows`.
    pub(crate) const fn rules(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Refused(_) => REFUSED,
            Self::Fields => "node-class-role-invalid",
            Self::Class => "node-class-not-ready tagging-denied node-class-role-invalid",
            Self::Nodes => NODES,
        }
    }

    /// The actions, as a finding's `actions`; empty for any.
    pub(crate) const fn actions(self) -> &'static str {
        match self {
            Self::Refused(actions) => actions,
            _ => "",
        }
    }
}

/// Rules that say why AWS refuses.
pub(crate) const REFUSED: &str = "tagging-denied node-class-not-ready create-tags-denied-at-launch policy-newer-than-controller controller-permission-missing controller-role-missing";
/// Rules that say why nodes do not join.
pub(crate) const NODES: &str = "ebs-key-unusable ebs-key-denies-controller ebs-default-key-denies-controller ebs-image-key-denies-controller ebs-key-denies-spot ebs-key-without-encryption node-class-role-invalid node-role-is-controllers cluster-name-shared";

const fn row(
    kind: Kind,
    [condition, status, reason, releases]: [&'static str; 4],
    weight: Weight,
    cause: Cause,
    means: &'static str,
    look: &'static str,
) -> Reason {
    Reason { kind, condition, status, reason, releases, weight, means, look, cause }
}

use Cause::{Class as OfClass, Fields, Nodes, None as NoCause, Refused};
use Kind::{Claim, Class, Overlay, Pool};
use Weight::{Broken, Dependent, Normal, Transient, Waiting};

const LAUNCH: &str = "ec2:CreateFleet,ec2:RunInstances,ec2:CreateLaunchTemplate,ec2:CreateTags,iam:PassRole";
const PROFILE: &str = "iam:GetInstanceProfile,iam:CreateInstanceProfile,iam:TagInstanceProfile,iam:AddRoleToInstanceProfile,iam:RemoveRoleFromInstanceProfile,iam:PassRole";
const RESOLVE: &str = "ssm:GetParameter,ec2:DescribeImages,ec2:DescribeSubnets,ec2:DescribeSecurityGroups,eks:DescribeCluster,iam:GetInstanceProfile,iam:CreateInstanceProfile";
const TRIAL_LOOK: &str =
    "Read the controller's log at that time: AWS names the action, the resource and the kind of policy there.";

/// Of the condition Ready, which sums the others up.
pub(crate) const READY: &str = "Ready";

/// The table. The first row that fits counts.
#[rustfmt::skip]
pub(crate) const REASONS: &[Reason] = &[
    // EC2NodeClass
    row(Class, ["AMIsReady", "False", "AMINotFound", "v1.0.0 on"], Broken, NoCause,
        "no image matches its amiSelectorTerms", "Compare amiSelectorTerms with aws ec2 describe-images in the cluster's region: owner, name, tags, id, and the alias's version."),
    row(Class, ["AMIsReady", "False", "UnsupportedAlias", "v1.6.0 on"], Broken, NoCause,
        "its alias names an image that AWS does not publish for this version of Kubernetes", "Choose another alias, as al2023 or bottlerocket: there are no AL2 images for Kubernetes 1.33 and later."),
    row(Class, ["AMIsReady", "Unknown", "AwaitingReconciliation", ""], Waiting, Refused("ssm:GetParameter,ec2:DescribeImages"),
        "its images are not resolved: the call to SSM or EC2 fails, or no controller reconciles the class", "Look for errors of the controller nodeclass in the log (ssm:GetParameter, ec2:DescribeImages)."),
    row(Class, ["SubnetsReady", "False", "SubnetsNotFound", "v1.0.0 on"], Broken, NoCause,
        "no subnet matches its subnetSelectorTerms", "Compare subnetSelectorTerms with the tags and ids of the subnets (aws ec2 describe-subnets) in the cluster's account and region."),
    row(Class, ["SubnetsReady", "Unknown", "AwaitingReconciliation", ""], Waiting, Refused("ec2:DescribeSubnets"),
        "its subnets are not resolved: ec2:DescribeSubnets fails, or no controller reconciles the class", "Look for errors of the controller nodeclass in the log."),
    row(Class, ["SecurityGroupsReady", "False", "SecurityGroupsNotFound", "v1.0.0 on"], Broken, NoCause,
        "no security group matches its securityGroupSelectorTerms", "Compare securityGroupSelectorTerms with the tags, names and ids of the security groups in the cluster's account and region."),
    row(Class, ["SecurityGroupsReady", "Unknown", "AwaitingReconciliation", ""], Waiting, Refused("ec2:DescribeSecurityGroups"),
        "its security groups are not resolved: ec2:DescribeSecurityGroups fails, or no controller reconciles the class", "Look for errors of the controller nodeclass in the log."),
    row(Class, ["InstanceProfileReady", "Unknown", "AwaitingReconciliation", ""], Waiting, Refused(PROFILE),
        "no instance profile is created for its role: the calls to IAM fail, the role does not exist, or no controller reconciles the class", "Check that the role in spec.role exists and that the controller is allowed to pass it and to manage instance profiles; the log has the error."),
    row(Class, ["CapacityReservationsReady", "Unknown", "AwaitingReconciliation", ""], Waiting, Refused("ec2:DescribeCapacityReservations"),
        "its capacity reservations are not resolved: ec2:DescribeCapacityReservations fails", "Allow ec2:DescribeCapacityReservations to the controller's role."),
    row(Class, ["PlacementGroupReady", "False", "PlacementGroupNotFound", "v1.11.0 on"], Broken, NoCause,
        "AWS has no placement group of the name or id in its placementGroupSelector", "Create the placement group in this region, or correct placementGroupSelector."),
    row(Class, ["PlacementGroupReady", "False", "PlacementGroupResolutionFailed", "v1.11.0 on"], Broken, Refused("ec2:DescribePlacementGroups"),
        "its placement group could not be looked up", "Allow ec2:DescribePlacementGroups to the controller's role; the log has AWS's error."),
    row(Class, ["ValidationSucceeded", "False", "CreateFleetAuthCheckFailed", "v1.3.0 on"], Broken, Refused(LAUNCH),
        "AWS refused the dry run of ec2:CreateFleet", TRIAL_LOOK),
    row(Class, ["ValidationSucceeded", "False", "CreateLaunchTemplateAuthCheckFailed", "v1.3.0 on"], Broken, Refused("ec2:CreateLaunchTemplate,ec2:CreateTags"),
        "AWS refused to create a launch template for the trial", TRIAL_LOOK),
    row(Class, ["ValidationSucceeded", "False", "RunInstancesAuthCheckFailed", "v1.3.0 on"], Broken, Refused("ec2:RunInstances,ec2:CreateTags,iam:PassRole"),
        "AWS refused the dry run of ec2:RunInstances", TRIAL_LOOK),
    row(Class, ["ValidationSucceeded", "False", "UserDataSizeLimitExceeded", "v1.14.1 on"], Broken, NoCause,
        "its user data is larger than the 16 KB that EC2 accepts", "Shorten spec.userData: fetch what is long from S3 or bake it into the image."),
    row(Class, ["ValidationSucceeded", "False", "ClusterCIDRResolutionFailed", "v1.3.5 to v1.3.8; v1.4.1 to v1.4.4; v1.5.5 to v1.5.8; v1.6.4 on"], Broken, Refused("eks:DescribeCluster"),
        "the cluster's service CIDR, which AL2023 needs, could not be read from EKS", "Allow eks:DescribeCluster on the cluster to the controller's role, and check that settings.clusterName is the cluster's name."),
    row(Class, ["ValidationSucceeded", "False", "DependenciesNotReady", "v1.3.0 on"], Dependent, Refused(RESOLVE),
        "its images, instance profile, security groups or subnets are not resolved", "Look at its other conditions: they say which."),
    row(Class, ["ValidationSucceeded", "Unknown", "DependenciesNotReady", "v1.3.0 on"], Dependent, Refused(RESOLVE),
        "its images, instance profile, security groups or subnets are not resolved yet", "Look at its other conditions: they say which."),
    row(Class, ["ValidationSucceeded", "False", "TagValidationFailed", "v1.2.0 on"], Broken, Fields,
        "one of its tags is reserved for Karpenter or EKS", "Remove from spec.tags what the message names: karpenter.sh/…, karpenter.k8s.aws/…, kubernetes.io/cluster/… and eks:eks-cluster-name are set by Karpenter."),
    row(Class, ["ValidationSucceeded", "True", "DryRunDisabled", "v1.6.2 to v1.6.3"], Normal, NoCause,
        "settings.disableDryRun skips the dry run", "Nothing needs to be done: a missing permission shows at the launch instead."),
    row(Class, ["ValidationSucceeded", "Unknown", "AwaitingReconciliation", ""], Waiting, Refused(LAUNCH),
        "it was never validated: the controller is stuck on an error before that, or none reconciles the class", "Look for errors of the controller nodeclass in the log."),
    row(Class, [READY, "False", "NodeClassNotReady", "v0.37.0 to v1.3.4; v1.4.0 to v1.4.0; v1.5.0 to v1.5.4; v1.6.0 to v1.6.3"], Broken, Refused(RESOLVE),
        "what it selects was not found, or the cluster's CIDR could not be read, as the message says", "Compare the selector that the message is about with what AWS has; for the cluster CIDR allow eks:DescribeCluster."),
    row(Class, [READY, "False", "UnhealthyDependents", ""], Dependent, Refused(RESOLVE),
        "one of its other conditions is False", "Look at its other conditions."),
    row(Class, [READY, "Unknown", "ReconcilingDependents", ""], Dependent, Refused(RESOLVE),
        "one of its other conditions is not known yet", "Look at its other conditions."),
    row(Class, ["*", "Unknown", "AwaitingReconciliation", ""], Waiting, Refused(RESOLVE),
        "no controller has reconciled it", "Check that Karpenter runs, watches this API version, and logs no errors about the class."),
    // NodePool
    row(Pool, ["NodeClassReady", "False", "NodeClassNotFound", "v1.0.0 on"], Broken, NoCause,
        "its nodeClassRef names a class that does not exist", "Create the EC2NodeClass, or correct spec.template.spec.nodeClassRef."),
    row(Pool, ["NodeClassReady", "False", "NodeClassTerminating", "v1.0.0 on"], Broken, NoCause,
        "its class is being deleted, and waits for its NodeClaims to go away", "Point nodeClassRef to another class, or let the deletion finish and create the class again."),
    row(Pool, ["NodeClassReady", "False", "NodeClassReadinessUnknown", "v1.0.0 on"], Waiting, OfClass,
        "whether its class is ready is not known yet", "Look at the conditions of the class."),
    row(Pool, ["NodeClassReady", "False", "UnhealthyDependents", "v1.0.0 on"], Broken, OfClass,
        "its class is not ready", "Look at the conditions of the class: the message names the one that is False."),
    row(Pool, ["NodeClassReady", "False", "NodeClassNotReady", "v1.0.0 on"], Broken, OfClass,
        "its class is not ready", "Look at the conditions of the class."),
    row(Pool, ["ValidationSucceeded", "False", "NodePoolValidationFailed", "v1.0.0 on"], Broken, NoCause,
        "its spec is invalid, as the message says", "Correct the field that the message names."),
    row(Pool, ["NodeRegistrationHealthy", "False", "RegistrationFailed", "v1.4.0 on"], Transient, Nodes,
        "instances are launched and never join the cluster", "Look at one of its instances: the console output (aws ec2 get-console-output), whether the nodes' role has an access entry or aws-auth mapping, the security groups and the route to the API server, and the StateReason of those that died."),
    row(Pool, ["NodeRegistrationHealthy", "Unknown", "*", ""], Normal, NoCause,
        "no node was launched since the pool or its class changed", "Nothing needs to be done."),
    row(Pool, [READY, "False", "UnhealthyDependents", ""], Dependent, OfClass,
        "one of its other conditions is False", "Look at its other conditions."),
    row(Pool, [READY, "Unknown", "ReconcilingDependents", ""], Dependent, OfClass,
        "one of its other conditions is not known yet", "Look at its other conditions."),
    row(Pool, ["*", "Unknown", "AwaitingReconciliation", ""], Waiting, NoCause,
        "no controller has reconciled it", "Check that Karpenter runs, watches this API version, and logs no errors about the pool."),
    // NodeClaim: the launch
    row(Claim, ["Launched", "False", "LaunchFailed", "v0.37.0 to v0.37.7"], Broken, Refused(LAUNCH),
        "its launch failed, as the message says", "Follow AWS's error in the message."),
    row(Claim, ["Launched", "Unknown", "LaunchFailed", "v1.0.0 on"], Broken, Refused(LAUNCH),
        "its launch failed, as the message says", "Follow AWS's error in the message, and in the controller's log at that time."),
    row(Claim, ["Launched", "Unknown", "Unauthorized", "v1.2.0 on"], Broken, Refused(LAUNCH),
        "AWS refused the launch", TRIAL_LOOK),
    row(Claim, ["Launched", "Unknown", "SpotSLRCreationFailed", "v1.2.0 on"], Broken, Refused("iam:CreateServiceLinkedRole"),
        "the account has no service-linked role for EC2 Spot, and the controller is not allowed to create it", "Create it once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com."),
    row(Claim, ["Launched", "Unknown", "AMIAuthorizationFailure", "v1.9.0 on"], Broken, NoCause,
        "the image is not shared with this account", "Share the image (and the key of its snapshots) with this account, or select another one."),
    row(Claim, ["Launched", "Unknown", "AMINotFound", "v1.6.0 on"], Broken, NoCause,
        "its image no longer exists, or is not shared with this account", "Correct the class's amiSelectorTerms; a deregistered image is still selected for some minutes."),
    row(Claim, ["Launched", "Unknown", "InvalidAMIID", "v1.2.0 on"], Broken, NoCause,
        "the id of its image is malformed", "Correct the id in the class's amiSelectorTerms."),
    row(Claim, ["Launched", "Unknown", "InstanceProfileNameInvalid", "v1.2.0 on"], Broken, Refused(PROFILE),
        "the instance profile that the class names does not exist", "Create the profile that spec.instanceProfile names, or set spec.role and let Karpenter create one."),
    row(Claim, ["Launched", "Unknown", "LaunchTemplateNotFound", "v1.2.0 on"], Transient, NoCause,
        "its launch template vanished before it was used", "Find out what deletes launch templates: another controller of the same cluster name, or a cleanup job."),
    row(Claim, ["Launched", "Unknown", "SecurityGroupSubnetVPCMismatch", "v1.12.0 on"], Broken, NoCause,
        "the class's security groups and subnets are in different VPCs", "Narrow subnetSelectorTerms and securityGroupSelectorTerms to the cluster's VPC."),
    row(Claim, ["Launched", "Unknown", "UserDataSizeLimitExceeded", "v1.14.1 on"], Broken, NoCause,
        "the class's user data is larger than the 16 KB that EC2 accepts", "Shorten the class's spec.userData."),
    row(Claim, ["Launched", "Unknown", "NodeClassReadinessUnknown", "v1.2.0 on"], Waiting, OfClass,
        "whether its class is ready is not known yet", "Look at the conditions of the class."),
    row(Claim, ["Launched", "Unknown", "InstanceTypeResolutionFailed", "v1.2.0 on"], Transient, Refused("ec2:DescribeInstanceTypes,ec2:DescribeInstanceTypeOfferings,ec2:DescribeSubnets"),
        "the instance types to choose from could not be determined", "Look for errors about instance types and subnets in the controller's log."),
    row(Claim, ["Launched", "Unknown", "InstanceTypeFilteringFailed", "v1.5.0 to v1.12.2"], Broken, NoCause,
        "no instance type is left that fits the claim", "Widen the NodePool's requirements: types, sizes, zones, minValues."),
    row(Claim, ["Launched", "Unknown", "SubnetResolutionFailed", "v1.2.0 on"], Broken, Refused("ec2:DescribeSubnets"),
        "its subnets could not be determined", "Look at SubnetsReady of the class, and for errors of ec2:DescribeSubnets in the log."),
    row(Claim, ["Launched", "Unknown", "CreateFleetRequestConstructionFailed", "v1.3.0 to v1.4.4"], Broken, NoCause,
        "no request for it could be made: no launch template, subnet and instance type fit together", "Compare the zones of the class's subnets and the architecture of its images with the NodePool's requirements."),
    row(Claim, ["Launched", "Unknown", "InsufficientFreeAddressesInSubnet", "v1.2.0 on"], Transient, NoCause,
        "its subnet has no free IP addresses left", "Add larger subnets to the class's subnetSelectorTerms, or free addresses."),
    row(Claim, ["Launched", "Unknown", "FleetQuotaExceeded", "v1.2.0 on"], Transient, NoCause,
        "the account's quota of fleets is used up", "Raise the quota of EC2 Fleets in this region."),
    row(Claim, ["Launched", "Unknown", "SpotQuotaExceeded", "v1.2.0 on"], Transient, NoCause,
        "the account's quota of Spot instances is used up", "Raise the quota of Spot Instance Requests (vCPU) in this region."),
    row(Claim, ["Launched", "Unknown", "VCPULimitExceeded", "v1.2.0 on"], Transient, NoCause,
        "the account's quota of vCPUs is used up", "Raise the quota of Running On-Demand instances (vCPU) of that family in this region."),
    row(Claim, ["Launched", "Unknown", "FreeTierIneligible", "v1.10.0 on"], Broken, NoCause,
        "the account is on the free plan, which does not include its instance type", "Upgrade the account's plan, or restrict the NodePool to types of the free tier."),
    row(Claim, ["Launched", "Unknown", "AccountPendingVerification", "v1.2.0 on"], Transient, NoCause,
        "AWS is still verifying the account for this region", "Wait for AWS's email, or ask AWS Support after some hours."),
    row(Claim, ["Launched", "Unknown", "RequestLimitExceeded", "v1.2.0 on"], Transient, NoCause,
        "AWS throttles the account's calls to EC2", "Find out what calls EC2 so often in this account and region (CloudTrail); Karpenter retries by itself."),
    row(Claim, ["Launched", "Unknown", "InternalError", "v1.2.0 on"], Transient, NoCause,
        "EC2 had an internal error", "Karpenter retries by itself; if it persists, check the AWS Health Dashboard."),
    row(Claim, ["Launched", "Unknown", "AwaitingReconciliation", ""], Waiting, NoCause,
        "its launch has not been attempted yet", "Check that Karpenter runs and logs no errors of the controller nodeclaim.lifecycle."),
    // NodeClaim: the registration
    row(Claim, ["Registered", "Unknown", "NodeNotFound", "v1.0.0 on"], Waiting, Nodes,
        "its instance does not join the cluster", "Look at the instance: its console output (aws ec2 get-console-output), whether the nodes' role has an access entry or aws-auth mapping, its security groups and its route to the API server."),
    row(Claim, ["Registered", "False", "NodeNotFound", "v0.37.0 to v0.37.7"], Waiting, Nodes,
        "its instance does not join the cluster", "Look at the instance: its console output (aws ec2 get-console-output), whether the nodes' role has an access entry or aws-auth mapping, its security groups and its route to the API server."),
    row(Claim, ["Registered", "False", "NotLaunched", "v0.37.0 to v0.37.7"], Dependent, NoCause,
        "it is not launched yet", "Look at the condition Launched."),
    row(Claim, ["Registered", "False", "MultipleNodesFound", "v0.37.0 on"], Broken, NoCause,
        "several Nodes have the instance's provider id", "Delete the Node that the instance's kubelet did not register (kubectl get nodes, spec.providerID)."),
    row(Claim, ["Registered", "False", "UnregisteredTaintNotFound", "v1.0.0 to v1.0.5; v1.1.0 to v1.1.1; v1.2.0 to v1.2.0"], Broken, NoCause,
        "its Node joined without the taint karpenter.sh/unregistered", "Let the kubelet register with --register-with-taints=karpenter.sh/unregistered:NoExecute: in user data of a custom image, or by a newer EKS image."),
    row(Claim, ["Registered", "Unknown", "RegistrationHookPending", "v1.11.0 on"], Waiting, NoCause,
        "a hook named in the message delays its registration", "Look at the controller that the hook belongs to."),
    row(Claim, ["Registered", "Unknown", "AwaitingReconciliation", ""], Waiting, Nodes,
        "its registration has not been checked yet", "Check that Karpenter runs and logs no errors of the controller nodeclaim.lifecycle."),
    // NodeClaim: the initialization
    row(Claim, ["Initialized", "Unknown", "NodeNotFound", "v1.0.0 on"], Waiting, Nodes,
        "its Node has disappeared again", "Find out what deleted the Node object, and whether the instance still runs."),
    row(Claim, ["Initialized", "False", "NodeNotFound", "v0.37.0 to v0.37.7"], Waiting, Nodes,
        "its Node does not exist", "Look at the condition Registered."),
    row(Claim, ["Initialized", "Unknown", "NodeNotReady", "v1.0.0 on"], Waiting, NoCause,
        "its Node is NotReady", "Look at the Node's conditions (kubectl describe node): most often the network plugin does not start."),
    row(Claim, ["Initialized", "False", "NodeNotReady", "v0.37.0 to v0.37.7"], Waiting, NoCause,
        "its Node is NotReady", "Look at the Node's conditions (kubectl describe node): most often the network plugin does not start."),
    row(Claim, ["Initialized", "Unknown", "StartupTaintsExist", "v1.0.0 on"], Waiting, NoCause,
        "a startup taint of its NodePool is still on the Node", "Look at the DaemonSet that should remove the taint in the message: it must tolerate the taint and be allowed to patch nodes."),
    row(Claim, ["Initialized", "False", "StartupTaintsExist", "v0.37.0 to v0.37.7"], Waiting, NoCause,
        "a startup taint of its NodePool is still on the Node", "Look at the DaemonSet that should remove the taint in the message: it must tolerate the taint and be allowed to patch nodes."),
    row(Claim, ["Initialized", "Unknown", "KnownEphemeralTaintsExist", "v1.0.0 on"], Waiting, NoCause,
        "a taint that Kubernetes or a cloud controller should remove is still on the Node", "Look at what removes the taint in the message: the kubelet (not-ready), the cloud controller manager (uninitialized)."),
    row(Claim, ["Initialized", "False", "KnownEphemeralTaintsExist", "v0.37.0 to v0.37.7"], Waiting, NoCause,
        "a taint that Kubernetes or a cloud controller should remove is still on the Node", "Look at what removes the taint in the message: the kubelet (not-ready), the cloud controller manager (uninitialized)."),
    row(Claim, ["Initialized", "Unknown", "ResourceNotRegistered", "v1.0.0 on"], Waiting, NoCause,
        "a resource that was requested, named in the message, is not on the Node", "Install its device plugin on these nodes (nvidia.com/gpu, aws.amazon.com/neuron, vpc.amazonaws.com/…)."),
    row(Claim, ["Initialized", "False", "ResourceNotRegistered", "v0.37.0 to v0.37.7"], Waiting, NoCause,
        "a resource that was requested, named in the message, is not on the Node", "Install its device plugin on these nodes (nvidia.com/gpu, aws.amazon.com/neuron, vpc.amazonaws.com/…)."),
    row(Claim, ["Initialized", "Unknown", "DRADriverPoolsNotPublished", "v1.14.0 on"], Waiting, NoCause,
        "a driver of dynamic resource allocation has not published its devices on the Node", "Look at the driver's DaemonSet on that Node."),
    row(Claim, ["Initialized", "False", "NotLaunched", "v0.37.0 to v0.37.7"], Dependent, NoCause,
        "it is not launched yet", "Look at the condition Launched."),
    row(Claim, ["Initialized", "Unknown", "AwaitingReconciliation", ""], Waiting, NoCause,
        "its initialization has not been checked yet", "Look at the condition Registered."),
    row(Claim, [READY, "False", "UnhealthyDependents", ""], Dependent, NoCause,
        "one of its other conditions is False", "Look at its other conditions."),
    row(Claim, [READY, "Unknown", "ReconcilingDependents", ""], Dependent, NoCause,
        "one of its other conditions is not known yet", "Look at its other conditions."),
    // NodeClaim: what comes after
    row(Claim, ["ConsistentStateFound", "False", "ConsistencyCheckFailed", "v1.0.0 on"], Transient, NoCause,
        "its Node has less than its NodeClaim promised: a resource, a taint, or a finalizer that blocks its deletion", "Read the events FailedConsistencyCheck of the NodeClaim: they name it."),
    row(Claim, ["Drained", "Unknown", "Draining", "v1.6.0 on"], Waiting, NoCause,
        "its Node is being drained, and pods remain on it", "Look for PodDisruptionBudgets that allow no disruption, and for pods with karpenter.sh/do-not-disrupt: true."),
    row(Claim, ["VolumesDetached", "Unknown", "AwaitingVolumeDetachment", "v1.6.0 on"], Waiting, NoCause,
        "volumes of its Node are not detached", "Look at the VolumeAttachments of the Node and at the log of the EBS CSI controller."),
    row(Claim, ["VolumesDetached", "False", "TerminationGracePeriodElapsed", "v1.6.0 on"], Normal, NoCause,
        "its terminationGracePeriod ended before its volumes were detached, and its instance was terminated anyway", "Nothing needs to be done."),
    row(Claim, ["Drifted", "True", "*", "v0.37.0 on"], Normal, NoCause,
        "it no longer matches its NodePool and class, and will be replaced", "Nothing needs to be done: budgets of the NodePool say when."),
    row(Claim, ["DisruptionReason", "True", "DisruptionReason", "v1.2.0 to v1.3.0"], Normal, NoCause,
        "it is being replaced or removed", "Nothing needs to be done."),
    row(Claim, ["DisruptionReason", "True", "*", "v1.3.1 on"], Normal, NoCause,
        "it is being replaced or removed, for the reason that is named", "Nothing needs to be done."),
    row(Claim, ["*", "Unknown", "AwaitingReconciliation", ""], Waiting, NoCause,
        "no controller has looked at it yet", "Check that Karpenter runs and logs no errors."),
    // NodeOverlay
    row(Overlay, ["ValidationSucceeded", "False", "Conflict", "v1.7.0 on"], Broken, NoCause,
        "another overlay of the same weight changes the same instance types", "Give the overlays different weights, or narrow their requirements."),
    row(Overlay, ["ValidationSucceeded", "False", "RuntimeValidation", "v1.7.0 on"], Broken, NoCause,
        "its spec is invalid, as the message says", "Correct the field that the message names."),
];

/// What is known of a reason. Of the health of registrations the reason is that of the launch, where it is not its own.
pub(crate) fn known(kind: Kind, condition: &str, status: &str, reason: &str) -> Option<&'static Reason> {
    let fits = |row: &&Reason| {
        row.kind == kind
            && (row.condition == condition || row.condition == "*")
            && row.status == status
            && (row.reason == reason || row.reason == "*")
    };
    REASONS.iter().find(fits).or_else(|| {
        let of_launch = kind == Kind::Pool && condition == "NodeRegistrationHealthy" && status == "False";
        of_launch.then(|| known(Kind::Claim, "Launched", "Unknown", reason)).flatten()
    })
}
