//! IAM.

use crate::schema::aws::{Between, Kind, Ref, Type, Unique, property};

pub(super) const ROLE: &str = "AWS::IAM::Role";
const MANAGED_POLICY: &str = "AWS::IAM::ManagedPolicy";

const INLINE_POLICY: Kind =
    Kind::Object(&[property("PolicyName", Kind::Text), property("PolicyDocument", Kind::Document)]);

pub(super) const TYPES: &[Type] = &[
    Type::new(
        ROLE,
        "role",
        &[
            property("RoleName", Kind::Text),
            property("Path", Kind::Text),
            property("AssumeRolePolicyDocument", Kind::Document),
            property("Policies", Kind::List(&INLINE_POLICY)),
            property("ManagedPolicyArns", Kind::List(&Kind::Arn(MANAGED_POLICY))),
            property("PermissionsBoundary", Kind::Arn(MANAGED_POLICY)),
            property("MaxSessionDuration", Kind::Number),
            property("Tags", Kind::Tags),
        ],
    )
    .named_by("RoleName")
    .reference(Ref::Identifier)
    .arn("iam", "role/", Between::Path("Path"))
    .global()
    .unique(Unique::InAccount)
    .kept(),
    Type::new(
        MANAGED_POLICY,
        "policy",
        &[
            property("ManagedPolicyName", Kind::Text),
            property("Path", Kind::Text),
            property("PolicyDocument", Kind::Document),
            property("Roles", Kind::List(&Kind::Name(ROLE))),
            property("DefaultVersionId", Kind::Text),
            // Of the API: in CloudFormation such a policy has no tags.
            property("Tags", Kind::Tags),
        ],
    )
    .named_by("ManagedPolicyName")
    .reference(Ref::Arn)
    .arn("iam", "policy/", Between::Path("Path"))
    .global()
    .unique(Unique::InAccount)
    .kept(),
    // A role's own policy, which has no ARN.
    Type::new(
        "AWS::IAM::Policy",
        "resource",
        &[
            property("PolicyName", Kind::Text),
            property("PolicyDocument", Kind::Document),
            property("Roles", Kind::List(&Kind::Name(ROLE))),
        ],
    )
    .unique(Unique::InRegion)
    .kept(),
    Type::new(
        "AWS::IAM::RolePolicy",
        "resource",
        &[
            property("PolicyName", Kind::Text),
            property("PolicyDocument", Kind::Document),
            // Not listed as a reference: only the roles of a policy are asked for.
            property("RoleName", Kind::Text),
        ],
    )
    .kept(),
    Type::new(
        "AWS::IAM::InstanceProfile",
        "resource",
        &[
            property("InstanceProfileName", Kind::Text),
            property("Path", Kind::Text),
            property("Roles", Kind::List(&Kind::Name(ROLE))),
            property("Tags", Kind::Tags),
        ],
    )
    .named_by("InstanceProfileName")
    .reference(Ref::Identifier)
    .arn("iam", "instance-profile/", Between::Path("Path"))
    .global()
    .unique(Unique::InAccount)
    .kept(),
];
