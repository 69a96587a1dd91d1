//! What is read of answers in XML: their elements with the names and types that the CLI gives them, after botocore's models. What no
//! reader of answers takes is left out, user data of launch templates first of all.

/// The type of an element.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text,
    Number,
    Flag,
    Time,
    /// A policy: JSON with `%XX`, which the CLI shows as JSON.
    Document,
    /// Every child is an element of the list.
    List(&'static Self),
    Structure(&'static [Member]),
}

/// The element's name, the CLI's name, the type.
pub(super) type Member = (&'static str, &'static str, Shape);

use Shape::{Document, Flag, List, Number, Structure, Text, Time};

/// What is read of an operation's answer.
pub(super) fn of(service: &str, operation: &str) -> Option<&'static [Member]> {
    Some(match (service, operation) {
        ("sts", "get-caller-identity") => {
            &[("UserId", "UserId", Text), ("Account", "Account", Text), ("Arn", "Arn", Text)]
        }
        ("iam", "get-role") => &[("Role", "Role", Structure(ROLE))],
        ("iam", "list-role-policies") => &[("PolicyNames", "PolicyNames", List(&Text)), MARKER],
        ("iam", "get-role-policy") => &[
            ("RoleName", "RoleName", Text),
            ("PolicyName", "PolicyName", Text),
            ("PolicyDocument", "PolicyDocument", Document),
        ],
        ("iam", "list-attached-role-policies") => &[
            (
                "AttachedPolicies",
                "AttachedPolicies",
                List(&Structure(&[("PolicyName", "PolicyName", Text), ("PolicyArn", "PolicyArn", Text)])),
            ),
            MARKER,
        ],
        ("iam", "get-policy") => &[("Policy", "Policy", Structure(POLICY))],
        ("iam", "get-policy-version") => &[(
            "PolicyVersion",
            "PolicyVersion",
            Structure(&[
                ("Document", "Document", Document),
                ("VersionId", "VersionId", Text),
                ("IsDefaultVersion", "IsDefaultVersion", Flag),
                ("CreateDate", "CreateDate", Time),
            ]),
        )],
        ("cloudwatch", "get-metric-statistics") => &[
            ("Label", "Label", Text),
            (
                "Datapoints",
                "Datapoints",
                List(&Structure(&[("Timestamp", "Timestamp", Time), ("Sum", "Sum", Number), ("Unit", "Unit", Text)])),
            ),
        ],
        ("cloudwatch", "get-metric-data") => &[
            (
                "MetricDataResults",
                "MetricDataResults",
                List(&Structure(&[
                    ("Id", "Id", Text),
                    ("Label", "Label", Text),
                    ("Timestamps", "Timestamps", List(&Time)),
                    ("Values", "Values", List(&Number)),
                    ("StatusCode", "StatusCode", Text),
                ])),
            ),
            ("NextToken", "NextToken", Text),
        ],
        ("ec2", "get-ebs-encryption-by-default") => &[("ebsEncryptionByDefault", "EbsEncryptionByDefault", Flag)],
        ("ec2", "get-ebs-default-kms-key-id") => &[("kmsKeyId", "KmsKeyId", Text)],
        ("ec2", "describe-images") => &[("imagesSet", "Images", List(&Structure(IMAGE))), NEXT],
        ("ec2", "describe-snapshots") => &[("snapshotSet", "Snapshots", List(&Structure(SNAPSHOT))), NEXT],
        ("ec2", "describe-instances") => &[
            (
                "reservationSet",
                "Reservations",
                List(&Structure(&[
                    ("reservationId", "ReservationId", Text),
                    ("ownerId", "OwnerId", Text),
                    ("instancesSet", "Instances", List(&Structure(INSTANCE))),
                ])),
            ),
            NEXT,
        ],
        ("ec2", "describe-launch-template-versions") => {
            &[("launchTemplateVersionSet", "LaunchTemplateVersions", List(&Structure(TEMPLATE))), NEXT]
        }
        _ => return None,
    })
}

/// Where the answer of `AssumeRoleWithWebIdentity` has its keys.
pub(super) const WEB_IDENTITY: &[Member] = &[(
    "Credentials",
    "Credentials",
    Structure(&[
        ("AccessKeyId", "AccessKeyId", Text),
        ("SecretAccessKey", "SecretAccessKey", Text),
        ("SessionToken", "SessionToken", Text),
    ]),
)];

const MARKER: Member = ("Marker", "Marker", Text);
const NEXT: Member = ("nextToken", "NextToken", Text);

const TAGS: Shape = List(&Structure(&[("Key", "Key", Text), ("Value", "Value", Text)]));
const EC2_TAGS: Shape = List(&Structure(&[("key", "Key", Text), ("value", "Value", Text)]));

const ROLE: &[Member] = &[
    ("Path", "Path", Text),
    ("RoleName", "RoleName", Text),
    ("RoleId", "RoleId", Text),
    ("Arn", "Arn", Text),
    ("CreateDate", "CreateDate", Time),
    ("AssumeRolePolicyDocument", "AssumeRolePolicyDocument", Document),
    ("Description", "Description", Text),
    ("MaxSessionDuration", "MaxSessionDuration", Number),
    (
        "PermissionsBoundary",
        "PermissionsBoundary",
        Structure(&[
            ("PermissionsBoundaryType", "PermissionsBoundaryType", Text),
            ("PermissionsBoundaryArn", "PermissionsBoundaryArn", Text),
        ]),
    ),
    ("Tags", "Tags", TAGS),
];

const POLICY: &[Member] = &[
    ("PolicyName", "PolicyName", Text),
    ("PolicyId", "PolicyId", Text),
    ("Arn", "Arn", Text),
    ("Path", "Path", Text),
    ("DefaultVersionId", "DefaultVersionId", Text),
    ("AttachmentCount", "AttachmentCount", Number),
    ("PermissionsBoundaryUsageCount", "PermissionsBoundaryUsageCount", Number),
    ("IsAttachable", "IsAttachable", Flag),
    ("Description", "Description", Text),
    ("CreateDate", "CreateDate", Time),
    ("UpdateDate", "UpdateDate", Time),
    ("Tags", "Tags", TAGS),
];

const EBS: Shape = Structure(&[
    ("deleteOnTermination", "DeleteOnTermination", Flag),
    ("iops", "Iops", Number),
    ("snapshotId", "SnapshotId", Text),
    ("volumeSize", "VolumeSize", Number),
    ("volumeType", "VolumeType", Text),
    ("kmsKeyId", "KmsKeyId", Text),
    ("throughput", "Throughput", Number),
    ("encrypted", "Encrypted", Flag),
]);

const MAPPINGS: Shape = List(&Structure(&[
    ("deviceName", "DeviceName", Text),
    ("virtualName", "VirtualName", Text),
    ("ebs", "Ebs", EBS),
    ("noDevice", "NoDevice", Text),
]));

const IMAGE: &[Member] = &[
    ("imageId", "ImageId", Text),
    ("name", "Name", Text),
    ("imageOwnerId", "OwnerId", Text),
    ("architecture", "Architecture", Text),
    ("rootDeviceName", "RootDeviceName", Text),
    ("imageState", "State", Text),
    ("creationDate", "CreationDate", Text),
    ("blockDeviceMapping", "BlockDeviceMappings", MAPPINGS),
    ("tagSet", "Tags", EC2_TAGS),
];

const SNAPSHOT: &[Member] = &[
    ("snapshotId", "SnapshotId", Text),
    ("ownerId", "OwnerId", Text),
    ("encrypted", "Encrypted", Flag),
    ("kmsKeyId", "KmsKeyId", Text),
    ("status", "State", Text),
    ("tagSet", "Tags", EC2_TAGS),
];

const INSTANCE: &[Member] = &[
    ("instanceId", "InstanceId", Text),
    ("imageId", "ImageId", Text),
    ("instanceType", "InstanceType", Text),
    ("instanceLifecycle", "InstanceLifecycle", Text),
    ("launchTime", "LaunchTime", Time),
    ("instanceState", "State", Structure(&[("code", "Code", Number), ("name", "Name", Text)])),
    ("stateReason", "StateReason", Structure(&[("code", "Code", Text), ("message", "Message", Text)])),
    ("reason", "StateTransitionReason", Text),
    ("iamInstanceProfile", "IamInstanceProfile", Structure(&[("arn", "Arn", Text), ("id", "Id", Text)])),
    ("tagSet", "Tags", EC2_TAGS),
];

const TEMPLATE: &[Member] = &[
    ("launchTemplateId", "LaunchTemplateId", Text),
    ("launchTemplateName", "LaunchTemplateName", Text),
    ("versionNumber", "VersionNumber", Number),
    ("defaultVersion", "DefaultVersion", Flag),
    (
        "launchTemplateData",
        "LaunchTemplateData",
        Structure(&[
            ("imageId", "ImageId", Text),
            ("blockDeviceMappingSet", "BlockDeviceMappings", MAPPINGS),
            ("iamInstanceProfile", "IamInstanceProfile", Structure(&[("arn", "Arn", Text), ("name", "Name", Text)])),
            (
                "metadataOptions",
                "MetadataOptions",
                Structure(&[
                    ("state", "State", Text),
                    ("httpTokens", "HttpTokens", Text),
                    ("httpPutResponseHopLimit", "HttpPutResponseHopLimit", Number),
                    ("httpEndpoint", "HttpEndpoint", Text),
                    ("httpProtocolIpv6", "HttpProtocolIpv6", Text),
                    ("instanceMetadataTags", "InstanceMetadataTags", Text),
                ]),
            ),
            (
                "tagSpecificationSet",
                "TagSpecifications",
                List(&Structure(&[("resourceType", "ResourceType", Text), ("tagSet", "Tags", EC2_TAGS)])),
            ),
        ]),
    ),
];
