//! EC2: the account's defaults for volumes, images and snapshots, instances, launch templates.

use crate::inventory::{Map, Node, Reason, Value};
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    As, Fields, ResponseReader, Subject, bare, is_list, is_text, made, missing_nothing, text_of, untold_nothing,
};

const DEFAULTS: &str = "Karpcheck::EbsDefaults";
const IMAGE: &str = "AWS::EC2::Image";
const SNAPSHOT: &str = "AWS::EC2::Snapshot";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "ec2",
        name: "get-ebs-encryption-by-default",
        members: &["EbsEncryptionByDefault"],
        fits: |_| true,
        take: |taker, node| default(taker, node, "EbsEncryptionByDefault", "EncryptionByDefault", As::Flag),
        untold: |taker, reason| untold(taker, "EncryptionByDefault", reason),
        missing: missing_nothing,
    },
    Operation {
        service: "ec2",
        name: "get-ebs-default-kms-key-id",
        members: &["KmsKeyId"],
        // It stands alone in its answer.
        fits: |node| is_text(node, "KmsKeyId") && node.as_map().is_some_and(|map| map.entries.len() <= 2),
        take: |taker, node| default(taker, node, "KmsKeyId", "KmsKeyId", As::Same),
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

const IMAGE_FIELDS: Fields = &[
    ("ImageId", "ImageId", As::Same),
    ("Name", "Name", As::Same),
    ("OwnerId", "OwnerId", As::Same),
    ("Architecture", "Architecture", As::Same),
    ("RootDeviceName", "RootDeviceName", As::Same),
    ("State", "State", As::Same),
    ("BlockDeviceMappings", "BlockDeviceMappings", As::Same),
];

const SNAPSHOT_FIELDS: Fields = &[
    ("SnapshotId", "SnapshotId", As::Same),
    ("OwnerId", "OwnerId", As::Same),
    ("Encrypted", "Encrypted", As::Flag),
    ("KmsKeyId", "KmsKeyId", As::Same),
    ("State", "State", As::Same),
    ("Tags", "Tags", As::Same),
];

/// User data is left out: it may hold credentials.
const TEMPLATE_FIELDS: Fields = &[
    ("LaunchTemplateId", "LaunchTemplateId", As::Same),
    ("LaunchTemplateName", "LaunchTemplateName", As::Same),
    ("VersionNumber", "VersionNumber", As::Same),
    ("DefaultVersion", "DefaultVersion", As::Flag),
    (
        "LaunchTemplateData",
        "LaunchTemplateData",
        As::Object(&[
            ("BlockDeviceMappings", "BlockDeviceMappings", As::Same),
            ("ImageId", "ImageId", As::Same),
            ("IamInstanceProfile", "IamInstanceProfile", As::Same),
            ("MetadataOptions", "MetadataOptions", As::Same),
            ("TagSpecifications", "TagSpecifications", As::Same),
        ]),
    ),
];

const INSTANCE_FIELDS: Fields = &[
    ("InstanceId", "InstanceId", As::Same),
    ("ImageId", "ImageId", As::Same),
    ("InstanceType", "InstanceType", As::Same),
    ("InstanceLifecycle", "InstanceLifecycle", As::Same),
    ("LaunchTime", "LaunchTime", As::Same),
    ("State.Name", "State", As::Same),
    ("StateReason", "StateReason", As::Object(&[("Code", "Code", As::Same), ("Message", "Message", As::Same)])),
    ("StateTransitionReason", "StateTransitionReason", As::Same),
    ("IamInstanceProfile.Arn", "IamInstanceProfile", As::Same),
    ("Tags", "Tags", As::Same),
];

/// The defaults of the account in this region.
fn here(taker: &ResponseReader<'_>) -> Subject {
    let place: Vec<&str> =
        [&taker.asked.account, &taker.asked.region].into_iter().flatten().map(String::as_str).collect();
    let name =
        if place.is_empty() { "EBS defaults".to_owned() } else { format!("EBS defaults of {}", place.join(", ")) };
    bare("ebs-defaults", name)
}

fn default(taker: &mut ResponseReader<'_>, node: &Node, member: &str, property: &str, how: As) {
    let Some(value) = node.member(member) else { return };
    let mut map = Map::default();
    map.set(property, made(value, how));
    let subject = here(taker);
    taker.resource(DEFAULTS, subject, map, node.at);
}

fn untold(taker: &mut ResponseReader<'_>, property: &str, reason: &Reason) {
    let mut map = Map::default();
    map.set(property, Node::new(Value::Unknown(Box::new(reason.clone())), taker.asked.place));
    let subject = here(taker);
    taker.resource(DEFAULTS, subject, map, taker.asked.place);
}

fn each(taker: &mut ResponseReader<'_>, node: &Node, member: &str, id: &str, kind: &str, fields: Fields) {
    for one in node.member(member).map(Node::elements).unwrap_or_default() {
        if let Some(id) = text_of(one.member(id)) {
            let map = ResponseReader::fields(one, fields);
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
