//! KMS.

use crate::inventory::reason::Answers;
use crate::inventory::{List, LookupResult, Map, Node, Reason, Value};
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::reader::{
    ResponseReader, Subject, is_list, is_map, is_text, not_given, nothing_missing, text_of,
};
use crate::sources::mapping::{Rows, row};
use crate::sources::policy_documents;

const KEY: &str = "AWS::KMS::Key";
const ALIAS: &str = "AWS::KMS::Alias";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "kms",
        name: "describe-key",
        members: &["KeyMetadata"],
        fits: |node| is_map(node, "KeyMetadata"),
        read: key,
        unavailable: |reader, reason| {
            unavailable(reader, &["KeyState", "KeyManager", "Enabled", "KeySpec", "KeyUsage"], reason)
        },
        missing: |reader| reader.none_called(KEY, "key-id"),
    },
    Operation {
        service: "kms",
        name: "get-key-policy",
        members: &["Policy"],
        fits: |node| is_text(node, "Policy"),
        read: key_policy,
        unavailable: |reader, reason| unavailable(reader, &["KeyPolicy"], reason),
        missing: |reader| reader.none_called(KEY, "key-id"),
    },
    Operation {
        service: "kms",
        name: "list-grants",
        members: &["Grants"],
        fits: |node| is_list(node, "Grants", "GrantId"),
        read: grants,
        unavailable: |reader, reason| unavailable(reader, &["Grants"], reason),
        missing: |reader| reader.none_called(KEY, "key-id"),
    },
    Operation {
        service: "kms",
        name: "list-aliases",
        members: &["Aliases"],
        fits: |node| is_list(node, "Aliases", "AliasName"),
        read: aliases,
        unavailable: |reader, reason| reader.record(ALIAS, LookupResult::Unavailable(reason.clone())),
        missing: nothing_missing,
    },
    Operation {
        service: "kms",
        name: "get-key-rotation-status",
        members: &["KeyRotationEnabled"],
        fits: |_| true,
        read: rotation,
        unavailable: |reader, reason| unavailable(reader, &["EnableKeyRotation"], reason),
        missing: |reader| reader.none_called(KEY, "key-id"),
    },
];

const ALIAS_FIELDS: Rows = &[row("AliasName", "AliasName"), row("TargetKeyId", "TargetKeyId")];

const FIELDS: Rows = &[
    row("KeyId", "KeyId"),
    // The older name of the member, in answers of old versions of the CLI.
    row("CustomerMasterKeySpec", "KeySpec"),
    row("KeySpec", "KeySpec"),
    row("KeyState", "KeyState"),
    row("KeyManager", "KeyManager"),
    row("Enabled", "Enabled"),
    row("KeyUsage", "KeyUsage"),
    row("Origin", "Origin"),
    row("MultiRegion", "MultiRegion"),
    row("Description", "Description"),
    row("DeletionDate", "DeletionDate"),
    row("MultiRegionConfiguration", "MultiRegionConfiguration"),
];

fn key(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(metadata) = node.member("KeyMetadata") else { return };
    let named = text_of(metadata.member("Arn")).or_else(|| text_of(metadata.member("KeyId")));
    let Some(subject) = named.map(Subject::named).or_else(|| asked_for(reader)) else {
        return reader.nameless("kms describe-key", "which key it is about", "describe-key--KEY_ID.json", node.at);
    };
    let mut map = reader.fields(KEY, metadata, FIELDS);
    let name = &subject.name;
    map.set("KeyPolicy", not_given(Answers::KeyPolicy { key: name.as_str().into() }, metadata.at));
    map.set("EnableKeyRotation", not_given(Answers::Rotation { key: name.as_str().into() }, metadata.at));
    reader.resource(KEY, subject, map, metadata.at);
}

fn key_policy(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(text) = node.member("Policy") else { return };
    let document = policy_documents::object(text.clone());
    let Some(subject) = asked_for(reader) else {
        return reader.nameless("kms get-key-policy", "which key it is about", "get-key-policy--KEY_ID.json", node.at);
    };
    one(reader, subject, "KeyPolicy", document);
}

fn rotation(reader: &mut ResponseReader<'_>, node: &Node) {
    let named = text_of(node.member("KeyId")).map(Subject::named);
    let Some(subject) = named.or_else(|| asked_for(reader)) else {
        return reader.nameless(
            "kms get-key-rotation-status",
            "which key it is about",
            "get-key-rotation-status--KEY_ID.json",
            node.at,
        );
    };
    if let Some(flag) = node.member("KeyRotationEnabled") {
        one(reader, subject, "EnableKeyRotation", flag.clone());
    }
}

fn grants(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(list) = node.member("Grants") else { return };
    // Each grant names its key; an empty list does not.
    let named = list.elements().first().and_then(|grant| text_of(grant.member("KeyId"))).map(Subject::named);
    let Some(subject) = named.or_else(|| asked_for(reader)) else {
        return reader.nameless("kms list-grants", "which key has no grants", "list-grants--KEY_ID.json", node.at);
    };
    let mut list = list.clone();
    if !ResponseReader::whole(node)
        && let Value::List(List { more, .. }) = &mut list.value
    {
        *more = Some(Box::new(Reason::new(crate::inventory::Cause::NotProvided, Answers::GrantsPage)));
    }
    one(reader, subject, "Grants", list);
}

fn aliases(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(list) = node.member("Aliases") else { return };
    for alias in list.elements() {
        let Some(name) = text_of(alias.member("AliasName")) else { continue };
        let subject = match text_of(alias.member("AliasArn")) {
            Some(arn) => Subject::named(arn),
            None => super::reader::bare(name, name.to_owned()),
        };
        let map = reader.fields(ALIAS, alias, ALIAS_FIELDS);
        reader.resource(ALIAS, subject, map, alias.at);
    }
    // All that there are, if all were asked for and where is known.
    if reader.asked.operation == "list-aliases"
        && reader.asked.option("key-id").is_none()
        && ResponseReader::whole(node)
        && reader.asked.region.is_some()
    {
        reader.record(ALIAS, LookupResult::Complete);
    }
}

/// The key that was asked about; none if it was by an alias, which the answer does not resolve.
fn asked_for(reader: &ResponseReader<'_>) -> Option<Subject> {
    reader.asked.option("key-id").filter(|key| !key.contains("alias/")).map(Subject::named)
}

fn one(reader: &mut ResponseReader<'_>, subject: Subject, property: &str, node: Node) {
    let at = node.at;
    let mut map = Map::default();
    map.set(property, node);
    reader.part(KEY, subject, map, at);
}

fn unavailable(reader: &mut ResponseReader<'_>, properties: &[&str], reason: &Reason) {
    if let Some(subject) = asked_for(reader) {
        reader.unknown(KEY, subject, properties, reason);
    } else if let Some(alias) = reader.asked.option("key-id").map(Subject::named) {
        // Which key is behind it was to be found out.
        reader.unknown(ALIAS, alias, &["TargetKeyId"], reason);
    }
}
