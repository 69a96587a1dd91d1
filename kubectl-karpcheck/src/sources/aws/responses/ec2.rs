//! EC2: the account's defaults for volumes, images and snapshots, instances, launch templates.

use crate::inventory::{Map, Node, Reason, Value};
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::reader::{
    ResponseReader, Subject, bare, is_list, is_text, nothing_missing, nothing_unavailable, text_of,
};
use crate::sources::mapping::{Rows, block, row};

const DEFAULTS: &str = "Karpcheck::EbsDefaults";
const IMAGE: &str = "AWS::EC2::Image";
const SNAPSHOT: &str = "AWS::EC2::Snapshot";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "ec2",
        name: "get-ebs-encryption-by-default",
        members: &["EbsEncryptionByDefault"],
        fits: |_| true,
        read: |reader, node| default(reader, node, "EbsEncryptionByDefault", "EncryptionByDefault"),
        unavailable: |reader, reason| unavailable(reader, "EncryptionByDefault", reason),
        missing: nothing_missing,
    },
    Operation {
        service: "ec2",
        name: "get-ebs-default-kms-key-id",
        members: &["KmsKeyId"],
        // It stands alone in its answer.
        fits: |node| is_text(node, "KmsKeyId") && node.as_map().is_some_and(|map| map.entries.len() <= 2),
        read: |reader, node| default(reader, node, "KmsKeyId", "KmsKeyId"),
        unavailable: |reader, reason| unavailable(reader, "KmsKeyId", reason),
        missing: nothing_missing,
    },
    Operation {
        service: "ec2",
        name: "describe-images",
        members: &["Images"],
        fits: |node| is_list(node, "Images", "ImageId"),
        read: |reader, node| each(reader, node, "Images", "ImageId", IMAGE, IMAGE_FIELDS),
        unavailable: |reader, reason| of_id(reader, "image-ids", IMAGE, &["BlockDeviceMappings"], reason),
        missing: |reader| reader.none_called(IMAGE, "image-ids"),
    },
    Operation {
        service: "ec2",
        name: "describe-snapshots",
        members: &["Snapshots"],
        fits: |node| is_list(node, "Snapshots", "SnapshotId"),
        read: |reader, node| each(reader, node, "Snapshots", "SnapshotId", SNAPSHOT, SNAPSHOT_FIELDS),
        unavailable: |reader, reason| {
            of_id(reader, "snapshot-ids", SNAPSHOT, &["KmsKeyId", "Encrypted", "OwnerId"], reason)
        },
        missing: |reader| reader.none_called(SNAPSHOT, "snapshot-ids"),
    },
    Operation {
        service: "ec2",
        name: "describe-instances",
        members: &["Reservations"],
        fits: |node| is_list(node, "Reservations", "Instances"),
        read: instances,
        unavailable: nothing_unavailable,
        missing: nothing_missing,
    },
    Operation {
        service: "ec2",
        name: "describe-launch-template-versions",
        members: &["LaunchTemplateVersions"],
        fits: |node| is_list(node, "LaunchTemplateVersions", "LaunchTemplateId"),
        read: |reader, node| {
            each(
                reader,
                node,
                "LaunchTemplateVersions",
                "LaunchTemplateId",
                "AWS::EC2::LaunchTemplate",
                TEMPLATE_FIELDS,
            );
        },
        unavailable: nothing_unavailable,
        missing: nothing_missing,
    },
];

const IMAGE_FIELDS: Rows = &[
    row("ImageId", "ImageId"),
    row("Name", "Name"),
    row("OwnerId", "OwnerId"),
    row("Architecture", "Architecture"),
    row("RootDeviceName", "RootDeviceName"),
    row("State", "State"),
    row("BlockDeviceMappings", "BlockDeviceMappings"),
];

const SNAPSHOT_FIELDS: Rows = &[
    row("SnapshotId", "SnapshotId"),
    row("OwnerId", "OwnerId"),
    row("Encrypted", "Encrypted"),
    row("KmsKeyId", "KmsKeyId"),
    row("State", "State"),
    row("Tags", "Tags"),
];

/// User data is left out: it may hold credentials.
const TEMPLATE_FIELDS: Rows = &[
    row("LaunchTemplateId", "LaunchTemplateId"),
    row("LaunchTemplateName", "LaunchTemplateName"),
    row("VersionNumber", "VersionNumber"),
    row("DefaultVersion", "DefaultVersion"),
    block(
        "LaunchTemplateData",
        "LaunchTemplateData",
        &[
            row("BlockDeviceMappings", "BlockDeviceMappings"),
            row("ImageId", "ImageId"),
            row("IamInstanceProfile", "IamInstanceProfile"),
            row("MetadataOptions", "MetadataOptions"),
            row("TagSpecifications", "TagSpecifications"),
        ],
    ),
];

const INSTANCE_FIELDS: Rows = &[
    row("InstanceId", "InstanceId"),
    row("ImageId", "ImageId"),
    row("InstanceType", "InstanceType"),
    row("InstanceLifecycle", "InstanceLifecycle"),
    row("LaunchTime", "LaunchTime"),
    row("State/Name", "State"),
    block("StateReason", "StateReason", &[row("Code", "Code"), row("Message", "Message")]),
    row("StateTransitionReason", "StateTransitionReason"),
    row("IamInstanceProfile/Arn", "IamInstanceProfile"),
    row("Tags", "Tags"),
];

/// The defaults of the account in this region.
fn here(reader: &ResponseReader<'_>) -> Subject {
    let place: Vec<&str> =
        [&reader.asked.account, &reader.asked.region].into_iter().flatten().map(String::as_str).collect();
    let name =
        if place.is_empty() { "EBS defaults".to_owned() } else { format!("EBS defaults of {}", place.join(", ")) };
    bare("ebs-defaults", name)
}

fn default(reader: &mut ResponseReader<'_>, node: &Node, member: &str, property: &str) {
    let Some(value) = node.member(member) else { return };
    let mut map = Map::default();
    map.set(property, value.clone());
    let subject = here(reader);
    reader.resource(DEFAULTS, subject, map, node.at);
}

fn unavailable(reader: &mut ResponseReader<'_>, property: &str, reason: &Reason) {
    let mut map = Map::default();
    map.set(property, Node::new(Value::Unknown(Box::new(reason.clone())), reader.asked.place));
    let subject = here(reader);
    reader.resource(DEFAULTS, subject, map, reader.asked.place);
}

fn each(reader: &mut ResponseReader<'_>, node: &Node, member: &str, id: &str, kind: &str, fields: Rows) {
    for one in node.member(member).map(Node::elements).unwrap_or_default() {
        if let Some(id) = text_of(one.member(id)) {
            let map = reader.fields(kind, one, fields);
            reader.resource(kind, bare(id, id.to_owned()), map, one.at);
        }
    }
    reader.facts = reader.facts.max(1);
}

fn instances(reader: &mut ResponseReader<'_>, node: &Node) {
    for reservation in node.member("Reservations").map(Node::elements).unwrap_or_default() {
        each(reader, reservation, "Instances", "InstanceId", "AWS::EC2::Instance", INSTANCE_FIELDS);
    }
    reader.facts = reader.facts.max(1);
}

fn of_id(reader: &mut ResponseReader<'_>, option: &str, kind: &str, properties: &[&str], reason: &Reason) {
    if let Some(id) = reader.asked.option(option).map(str::to_owned) {
        reader.unknown(kind, bare(&id, id.clone()), properties, reason);
    }
}
