//! EKS.

use crate::schema::aws::iam::ROLE;
use crate::schema::aws::kms::KEY;
use crate::schema::aws::{Between, Kind, Ref, Type, property};

pub(super) const CLUSTER: &str = "AWS::EKS::Cluster";

const ENCRYPTION: Kind = Kind::Object(&[
    property("Resources", Kind::List(&Kind::Text)),
    property("Provider", Kind::Object(&[property("KeyArn", Kind::Arn(KEY))])),
]);

pub(super) const TYPES: &[Type] = &[
    Type::new(
        CLUSTER,
        "cluster",
        &[
            property("Name", Kind::Text),
            property("Version", Kind::Text),
            property("RoleArn", Kind::Arn(ROLE)),
            property("EncryptionConfig", Kind::List(&ENCRYPTION)),
            property(
                "ComputeConfig",
                Kind::Object(&[property("Enabled", Kind::Flag), property("NodeRoleArn", Kind::Text)]),
            ),
            property("AccessConfig", Kind::Object(&[property("AuthenticationMode", Kind::Text)])),
            property("ZonalShiftConfig", Kind::Object(&[property("Enabled", Kind::Flag)])),
            property("Tags", Kind::Tags),
            // Read only.
            property("Endpoint", Kind::Text),
            property("OpenIdConnectIssuerUrl", Kind::Text),
            property("Status", Kind::Text),
        ],
    )
    .named_by("Name")
    .reference(Ref::Identifier)
    .arn("eks", "cluster/", Between::Nothing)
    .kept(),
    Type::new(
        "AWS::EKS::PodIdentityAssociation",
        "resource",
        &[
            property("ClusterName", Kind::Name(CLUSTER)),
            property("Namespace", Kind::Text),
            property("ServiceAccount", Kind::Text),
            property("RoleArn", Kind::Arn(ROLE)),
            property("DisableSessionTags", Kind::Flag),
            property("AssociationId", Kind::Text),
        ],
    )
    .given_id("AssociationId")
    .arn("eks", "podidentityassociation/", Between::Within("ClusterName"))
    .kept(),
];
