//! KMS.

use crate::schema::aws::iam::ROLE;
use crate::schema::aws::{Between, Kind, Ref, Type, Unique, property};

pub(super) const KEY: &str = "AWS::KMS::Key";

/// As `ListGrants` gives them: CloudFormation has no type for a grant.
const GRANT: Kind = Kind::Object(&[
    property("GrantId", Kind::Text),
    property("Name", Kind::Text),
    property("GranteePrincipal", Kind::Arn(ROLE)),
    property("RetiringPrincipal", Kind::Text),
    property("Operations", Kind::List(&Kind::Text)),
    property(
        "Constraints",
        Kind::Object(&[property("EncryptionContextEquals", Kind::Map), property("EncryptionContextSubset", Kind::Map)]),
    ),
]);

pub(super) const TYPES: &[Type] = &[
    Type::new(
        KEY,
        "key",
        &[
            property("KeyPolicy", Kind::Document),
            property("Enabled", Kind::Flag),
            property("EnableKeyRotation", Kind::Flag),
            property("KeyUsage", Kind::Text),
            property("KeySpec", Kind::Text),
            property("MultiRegion", Kind::Flag),
            property("Origin", Kind::Text),
            property("Description", Kind::Text),
            property("Tags", Kind::Tags),
            // Of the API.
            property("KeyId", Kind::Text),
            property("KeyState", Kind::Text),
            property("KeyManager", Kind::Text),
            property("DeletionDate", Kind::Text),
            property("Grants", Kind::List(&GRANT)),
        ],
    )
    .given_id("KeyId")
    .arn("kms", "key/", Between::Nothing)
    .unique(Unique::Everywhere)
    .kept(),
    Type::new(
        "AWS::KMS::Alias",
        "alias",
        &[property("AliasName", Kind::Prefixed("alias/")), property("TargetKeyId", Kind::Name(KEY))],
    )
    .named_by("AliasName")
    .reference(Ref::Identifier)
    .arn("kms", "", Between::Nothing)
    .kept(),
];
