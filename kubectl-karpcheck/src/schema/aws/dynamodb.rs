//! DynamoDB.

use crate::schema::aws::kms::KEY;
use crate::schema::aws::{Between, Kind, Ref, Type, property};

pub(super) const TYPES: &[Type] = &[Type::new(
    "AWS::DynamoDB::Table",
    "resource",
    &[
        property("TableName", Kind::Text),
        property(
            "SSESpecification",
            Kind::Object(&[
                property("SSEEnabled", Kind::Flag),
                property("SSEType", Kind::Text),
                property("KMSMasterKeyId", Kind::Name(KEY)),
            ]),
        ),
        property("ResourcePolicy", Kind::Object(&[property("PolicyDocument", Kind::Document)])),
        property("Tags", Kind::Tags),
    ],
)
.named_by("TableName")
.reference(Ref::Identifier)
.arn("dynamodb", "table/", Between::Nothing)];
