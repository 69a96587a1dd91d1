//! EC2.

use crate::schema::aws::kms::KEY;
use crate::schema::aws::{Between, Kind, Type, property};

const IMAGE: &str = "AWS::EC2::Image";
const SNAPSHOT: &str = "AWS::EC2::Snapshot";

const TEMPLATE_MAPPING: Kind = Kind::Object(&[
    property("DeviceName", Kind::Text),
    property(
        "Ebs",
        Kind::Object(&[
            property("Encrypted", Kind::Flag),
            property("KmsKeyId", Kind::Name(KEY)),
            // Not listed as a reference: no rule is about the snapshots of a launch template.
            property("SnapshotId", Kind::Text),
            property("VolumeSize", Kind::Number),
            property("VolumeType", Kind::Text),
        ]),
    ),
]);

const IMAGE_MAPPING: Kind = Kind::Object(&[
    property("DeviceName", Kind::Text),
    property(
        "Ebs",
        Kind::Object(&[
            property("Encrypted", Kind::Flag),
            property("KmsKeyId", Kind::Name(KEY)),
            property("SnapshotId", Kind::Name(SNAPSHOT)),
        ]),
    ),
]);

pub(super) const TYPES: &[Type] = &[
    Type::new(
        "AWS::EC2::LaunchTemplate",
        "resource",
        &[
            property("LaunchTemplateName", Kind::Text),
            property(
                "LaunchTemplateData",
                Kind::Object(&[
                    property("ImageId", Kind::Text),
                    property("BlockDeviceMappings", Kind::List(&TEMPLATE_MAPPING)),
                ]),
            ),
            property("DefaultVersion", Kind::Flag),
        ],
    ),
    Type::new(
        IMAGE,
        "image",
        &[property("ImageId", Kind::Text), property("BlockDeviceMappings", Kind::List(&IMAGE_MAPPING))],
    )
    .given_id("ImageId")
    .arn("ec2", "image/", Between::Nothing)
    .of_no_account(),
    Type::new(
        SNAPSHOT,
        "snapshot",
        &[
            property("SnapshotId", Kind::Text),
            property("OwnerId", Kind::Text),
            property("Encrypted", Kind::Flag),
            property("KmsKeyId", Kind::Name(KEY)),
        ],
    )
    .given_id("SnapshotId")
    .arn("ec2", "snapshot/", Between::Nothing)
    .of_no_account(),
    Type::new("AWS::EC2::Instance", "resource", &[property("InstanceId", Kind::Text), property("Tags", Kind::Tags)]),
];
