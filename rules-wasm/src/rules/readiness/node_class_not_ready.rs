//! ## What it finds
//!
//! An EC2NodeClass that is not ready, by each of its conditions that is `False`, or `Unknown` for more than ten minutes, with
//! what the reason means:
//!
//! | condition | reason | releases | what it means |
//! |---|---|---|---|
//! | `AMIsReady` False | `AMINotFound` | v1.0.0 on | no image matches its amiSelectorTerms |
//! | `AMIsReady` False | `UnsupportedAlias` | v1.6.0 on | its alias names an image that AWS does not publish for this version of Kubernetes |
//! | `AMIsReady` Unknown | `AwaitingReconciliation` | all | its images are not resolved: the call to SSM or EC2 fails, or no controller reconciles the class |
//! | `SubnetsReady` False | `SubnetsNotFound` | v1.0.0 on | no subnet matches its subnetSelectorTerms |
//! | `SubnetsReady` Unknown | `AwaitingReconciliation` | all | its subnets are not resolved: ec2:DescribeSubnets fails, or no controller reconciles the class |
//! | `SecurityGroupsReady` False | `SecurityGroupsNotFound` | v1.0.0 on | no security group matches its securityGroupSelectorTerms |
//! | `SecurityGroupsReady` Unknown | `AwaitingReconciliation` | all | its security groups are not resolved: ec2:DescribeSecurityGroups fails, or no controller reconciles the class |
//! | `InstanceProfileReady` Unknown | `AwaitingReconciliation` | all | no instance profile is created for its role: the
//! calls to IAM fail, the role does not exist, or no controller reconciles the class |
//! | `CapacityReservationsReady` Unknown | `AwaitingReconciliation` | all | its capacity reservations are not resolved: ec2:DescribeCapacityReservations fails |
//! | `PlacementGroupReady` False | `PlacementGroupNotFound` | v1.11.0 on | AWS has no placement group of the name or id in its placementGroupSelector |
//! | `PlacementGroupReady` False | `PlacementGroupResolutionFailed` | v1.11.0 on | its placement group could not be looked up |
//! | `ValidationSucceeded` False | `CreateFleetAuthCheckFailed` | v1.3.0 on | AWS refused the dry run of ec2:CreateFleet |
//! | `ValidationSucceeded` False | `CreateLaunchTemplateAuthCheckFailed` | v1.3.0 on | AWS refused to create a launch template for the trial |
//! | `ValidationSucceeded` False | `RunInstancesAuthCheckFailed` | v1.3.0 on | AWS refused the dry run of ec2:RunInstances |
//! | `ValidationSucceeded` False | `UserDataSizeLimitExceeded` | v1.14.1 on | its user data is larger than the 16 KB that
//! EC2 accepts |
//! | `ValidationSucceeded` False | `ClusterCIDRResolutionFailed` | v1.3.5 to v1.3.8; v1.4.1 to v1.4.4; v1.5.5 to v1.5.8; v1.6.4 on | the cluster's service CIDR, which AL2023 needs, could not be read from EKS |
//! | `ValidationSucceeded` False | `DependenciesNotReady` | v1.3.0 on | its images, instance profile, security groups or subnets are not resolved |
//! | `ValidationSucceeded` Unknown | `DependenciesNotReady` | v1.3.0 on | its images, instance profile, security groups or subnets are not resolved yet |
//! | `ValidationSucceeded` False | `TagValidationFailed` | v1.2.0 on | one of its tags is reserved for Karpenter or EKS |
//! | `ValidationSucceeded` True | `DryRunDisabled` | v1.6.2 to v1.6.3 | settings.disableDryRun skips the dry run |
//! | `ValidationSucceeded` Unknown | `AwaitingReconciliation` | all | it was never validated: the controller is stuck on an error before that, or none reconciles the class |
//! | `Ready` False | `NodeClassNotReady` | v0.37.0 to v1.3.4; v1.4.0 to v1.4.0; v1.5.0 to v1.5.4; v1.6.0 to v1.6.3 | what it selects was not found, or the cluster's CIDR could not be read, as the message says |
//! | `Ready` False | `UnhealthyDependents` | all | one of its other conditions is False |
//! | `Ready` Unknown | `ReconcilingDependents` | all | one of its other conditions is not known yet |
//! | `any` Unknown | `AwaitingReconciliation` | all | no controller has reconciled it |
//!
//! A reason that is not in the list is shown as it is. Where another rule found the cause (a permission that is missing, a
//! service control policy, a field of the class), the finding stands under it.
//!
//! ## Why it matters
//!
//! Karpenter launches nothing from a class that is not ready, and passes over every NodePool that refers to it. Pods stay
//! pending, and the log says no more than that no NodePool fits.
//!
//! ## How to fix it
//!
//! Each reason has its own remedy, which the finding names. `kubectl describe ec2nodeclass` shows the conditions.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec: {role: nodes, subnetSelectorTerms: [{tags: {karpenter.sh/discovery: prod}}]}
//! status:
//!   conditions:
//!     - {type: SubnetsReady, status: "False", reason: SubnetsNotFound, message: SubnetSelector did not match any Subnets}
//!     - {type: Ready, status: "False", reason: UnhealthyDependents, message: SubnetsReady=False}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default, uid: 5c0b7e0e-6e0e-4a55-9b0e-2f6d4c1f7a10}
//! spec: {role: nodes, subnetSelectorTerms: [{tags: {karpenter.sh/discovery: prod}}]}
//! status:
//!   conditions:
//!     - {type: SubnetsReady, status: "True", reason: SubnetsReady}
//!     - {type: Ready, status: "True", reason: Ready}
//! ```
//!
//! ## Sources
//!
//! - What writes the conditions: <https://github.com/aws/karpenter-provider-aws/tree/v1.14.1/pkg/controllers/nodeclass>
//! - Which of them make a class ready:
//!   <https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/pkg/apis/v1/ec2nodeclass_status.go>
//! - How conditions begin and are summed up: <https://github.com/awslabs/operatorpkg/tree/main/status>

use karpcheck_sdk::prelude::*;

use crate::controllers;
use crate::readiness::reasons::Kind;
use crate::readiness::{self, Open};
use crate::versions;

pub(crate) const RULE: Rule = Rule {
    title: "An EC2NodeClass is not ready, so no node can be launched from it",
    severity: Error,
    subjects: &["karpenter.k8s.aws/EC2NodeClass"],
    uses: &[controllers::READS, versions::READS],
    properties: &[(
        "follows",
        "tagging-denied create-tags-denied-at-launch policy-newer-than-controller controller-permission-missing controller-role-missing node-class-role-invalid",
    )],
    check,
    ..Rule::DEFAULT
};

/// A class is reconciled at once, and again after a minute where something was not found.
const PATIENCE: i64 = 600;

fn check(class: Item) -> Check {
    if class.field("/status/conditions").is_absent() {
        return skip();
    }
    let open = readiness::open(class, Kind::Class)?;
    if open.is_empty() {
        return pass();
    }
    let explained = open.iter().any(|one| !one.is_dependent());
    all(open.into_iter().filter(|one| !explained || !one.is_dependent()), |one| judge(class, &one))
}

fn judge(class: Item, open: &Open) -> Check {
    let lasts = match open.condition.status.as_str() {
        "False" => None,
        _ => match open.lasts(PATIENCE) {
            Ok(true) => None,
            Ok(false) => return pass(),
            Err(unknown) => Some(unknown),
        },
    };
    let message =
        format!("EC2NodeClass {} is not ready, so nothing is launched from it: {}", class.name(), open.means(class));
    open.finding(class, message, lasts).check()
}
