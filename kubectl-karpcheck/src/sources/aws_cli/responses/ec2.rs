//! EC2: the account's defaults for volumes, images and snapshots, instances, launch templates.

use crate::inventory::{Map, Node, Reason, Value};
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    ResponseReader, Subject, bare, is_list, is_text, missing_nothing, text_of, untold_nothing,
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
        take: |taker, node| default(taker, node, "EbsEncryptionByDefault", "EncryptionByDefault"),
        untold: |taker, reason| untold(taker, "EncryptionByDefault", reason),
        missing: missing_nothing,
    },
    Operation {
        service: "ec2",
        name: "get-ebs-default-kms-key-id",
        members: &["KmsKeyId"],
        // It stands alone in its answer.
        fits: |node| is_text(node, "KmsKeyId") && node.as_map().is_some_and(|map| map.entries.len() <= 2),
        take: |taker, node| default(taker, node, "KmsKeyId", "KmsKeyId"),
        untold: |taker, reason| untold(taker, "KmsKeyId", reason),
        missing: missing_nothing,
    },
    Operation {
        service: "ec2",
        name: "describe-images",
        members: &["Images"],
        fits: |node| is_list(node, "Images", "ImageId"),
        take: |taker, node| each(taker, node, "Images", "ImageId", IMAGE, IMAGE_FIELDS),
        untold: |taker, reason| of_id(taker, "image-ids", IMAGE, &["BlockDeviceMappings"], reason),
        missing: |taker| taker.none_called(IMAGE, "image-ids"),
    },
    Operation {
        service: "ec2",
        name: "describe-snapshots",
        members: &["Snapshots"],
        fits: |node| is_list(node, "Snapshots", "SnapshotId"),
        take: |taker, node| each(taker, node, "Snapshots", "SnapshotId", SNAPSHOT, SNAPSHOT_FIELDS),
        untold: |taker, reason| of_id(taker, "snapshot-ids", SNAPSHOT, &["KmsKeyId", "Encrypted", "OwnerId"], reason),
        missing: |taker| taker.none_called(SNAPSHOT, "snapshot-ids"),
    },
    Operation {
        service: "ec2",
        name: "describe-instances",
        members: &["Reservations"],
        fits: |node| is_list(node, "Reservations", "Instances"),
        take: instances,
        untold: untold_nothing,
        missing: missing_nothing,
    },
    Operation {
        service: "ec2",
        name: "describe-launch-template-versions",
        members: &["LaunchTemplateVersions"],
        fits: |node| is_list(node, "LaunchTemplateVersions", "LaunchTemplateId"),
        take: |taker, node| {
            each(
                taker,
                node,
                "LaunchTemplateVersions",
                "LaunchTemplateId",
                "AWS::EC2::LaunchTemplate",
                TEMPLATE_FIELDS,
            );
        },
        untold: untold_nothing,
        missing: missing_nothing,
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
fn here(taker: &ResponseReader<'_>) -> Subject {
    let place: Vec<&str> =
        [&taker.asked.account, &taker.asked.region].into_iter().flatten().map(String::as_str).collect();
    let name =
        if place.is_empty() { "EBS defaults".to_owned() } else { format!("EBS defaults of {}", place.join(", ")) };
    bare("ebs-defaults", name)
}

fn default(taker: &mut ResponseReader<'_>, node: &Node, member: &str, property: &str) {
    let Some(value) = node.member(member) else { return };
    let mut map = Map::default();
    map.set(property, value.clone());
    let subject = here(taker);
    taker.resource(DEFAULTS, subject, map, node.at);
}

fn untold(taker: &mut ResponseReader<'_>, property: &str, reason: &Reason) {
    let mut map = Map::default();
    map.set(property, Node::new(Value::Unknown(Box::new(reason.clone())), taker.asked.place));
    let subject = here(taker);
    taker.resource(DEFAULTS, subject, map, taker.asked.place);
}

fn each(taker: &mut ResponseReader<'_>, node: &Node, member: &str, id: &str, kind: &str, fields: Rows) {
    for one in node.member(member).map(Node::elements).unwrap_or_default() {
        if let Some(id) = text_of(one.member(id)) {
            let map = taker.fields(kind, one, fields);
            taker.resource(kind, bare(id, id.to_owned()), map, one.at);
        }
    }
    taker.facts = taker.facts.max(1);
}

fn instances(taker: &mut ResponseReader<'_>, node: &Node) {
    for reservation in node.member("Reservations").map(Node::elements).unwrap_or_default() {
        each(taker, reservation, "Instances", "InstanceId", "AWS::EC2::Instance", INSTANCE_FIELDS);
    }
    taker.facts = taker.facts.max(1);
}

fn of_id(taker: &mut ResponseReader<'_>, option: &str, kind: &str, properties: &[&str], reason: &Reason) {
    if let Some(id) = taker.asked.option(option).map(str::to_owned) {
        taker.unknown(kind, bare(&id, id.clone()), properties, reason);
    }
}
