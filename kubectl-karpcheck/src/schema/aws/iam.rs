//! IAM.

use crate::schema::aws::{Between, Kind, Property, Ref, Type, Unique, property};

pub(super) const ROLE: &str = "AWS::IAM::Role";
const USER: &str = "AWS::IAM::User";
const GROUP: &str = "AWS::IAM::Group";
const MANAGED_POLICY: &str = "AWS::IAM::ManagedPolicy";

const INLINE_POLICY: Kind =
    Kind::Object(&[property("PolicyName", Kind::Text), property("PolicyDocument", Kind::Document)]);

const fn single(name: &'static str, properties: &'static [Property]) -> Type {
    Type::new(name, "resource", properties).kept()
}

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
            // Of Terraform: the names of all inline policies, of which it removes any other.
            property("ExclusivePolicyNames", Kind::List(&Kind::Text)),
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
        USER,
        "user",
        &[
            property("UserName", Kind::Text),
            property("Path", Kind::Text),
            property("Policies", Kind::List(&INLINE_POLICY)),
            property("ManagedPolicyArns", Kind::List(&Kind::Arn(MANAGED_POLICY))),
            property("PermissionsBoundary", Kind::Arn(MANAGED_POLICY)),
            property("Groups", Kind::List(&Kind::Name(GROUP))),
            property("ExclusivePolicyNames", Kind::List(&Kind::Text)),
            property("Tags", Kind::Tags),
        ],
    )
    .named_by("UserName")
    .reference(Ref::Identifier)
    .arn("iam", "user/", Between::Path("Path"))
    .global()
    .unique(Unique::InAccount)
    .kept(),
    Type::new(
        GROUP,
        "group",
        &[
            property("GroupName", Kind::Text),
            property("Path", Kind::Text),
            property("Policies", Kind::List(&INLINE_POLICY)),
            property("ManagedPolicyArns", Kind::List(&Kind::Arn(MANAGED_POLICY))),
            property("ExclusivePolicyNames", Kind::List(&Kind::Text)),
        ],
    )
    .named_by("GroupName")
    .reference(Ref::Identifier)
    .arn("iam", "group/", Between::Path("Path"))
    .global()
    .unique(Unique::InAccount)
    .kept(),
    // Says which users are in a group; the inventory joins it with them.
    Type::new(
        "AWS::IAM::UserToGroupAddition",
        "resource",
        &[property("GroupName", Kind::Name(GROUP)), property("Users", Kind::List(&Kind::Name(USER)))],
    )
    .kept(),
    Type::new(
        MANAGED_POLICY,
        "policy",
        &[
            property("ManagedPolicyName", Kind::Text),
            property("Path", Kind::Text),
            property("PolicyDocument", Kind::Document),
            property("Roles", Kind::List(&Kind::Name(ROLE))),
            property("Users", Kind::List(&Kind::Name(USER))),
            property("Groups", Kind::List(&Kind::Name(GROUP))),
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
    // An inline policy, which has no ARN: of one role, user or group, or in CloudFormation of several.
    Type::new(
        "AWS::IAM::Policy",
        "resource",
        &[
            property("PolicyName", Kind::Text),
            property("PolicyDocument", Kind::Document),
            property("Roles", Kind::List(&Kind::Name(ROLE))),
            property("Users", Kind::List(&Kind::Name(USER))),
            property("Groups", Kind::List(&Kind::Name(GROUP))),
        ],
    )
    .unique(Unique::InRegion)
    .kept(),
    // The same of exactly one: the inventory has them as `AWS::IAM::Policy`.
    single(
        "AWS::IAM::RolePolicy",
        &[
            property("PolicyName", Kind::Text),
            property("PolicyDocument", Kind::Document),
            property("RoleName", Kind::Name(ROLE)),
        ],
    ),
    single(
        "AWS::IAM::UserPolicy",
        &[
            property("PolicyName", Kind::Text),
            property("PolicyDocument", Kind::Document),
            property("UserName", Kind::Name(USER)),
        ],
    ),
    single(
        "AWS::IAM::GroupPolicy",
        &[
            property("PolicyName", Kind::Text),
            property("PolicyDocument", Kind::Document),
            property("GroupName", Kind::Name(GROUP)),
        ],
    ),
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
