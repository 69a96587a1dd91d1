//! Facts of karpcheck's own, which AWS has no type for.

use crate::schema::aws::eks::CLUSTER as EKS_CLUSTER;
use crate::schema::aws::iam::ROLE;
use crate::schema::aws::kms::KEY;
use crate::schema::aws::sqs::QUEUE;
use crate::schema::aws::{Kind, Type, Unique, property};

/// The Karpenter controller.
pub const CONTROLLER: &str = "Karpcheck::Controller";
/// A cluster, with the evidence of its true name.
pub const CLUSTER: &str = "Karpcheck::Cluster";
/// Whether an account encrypts volumes by default in a region, and with which key.
pub const EBS_DEFAULTS: &str = "Karpcheck::EbsDefaults";

pub(super) const TYPES: &[Type] = &[
    Type::new(
        CONTROLLER,
        "resource",
        &[
            property("InterruptionQueue", Kind::Name(QUEUE)),
            property("Role", Kind::Arn(ROLE)),
            property("SpotServiceRole", Kind::Name(ROLE)),
            property("ClusterName", Kind::Name(EKS_CLUSTER)),
        ],
    ),
    Type::new(CLUSTER, "resource", &[]),
    Type::new(
        EBS_DEFAULTS,
        "resource",
        &[property("EncryptionByDefault", Kind::Flag), property("KmsKeyId", Kind::Name(KEY))],
    )
    .unique(Unique::InRegion),
];
