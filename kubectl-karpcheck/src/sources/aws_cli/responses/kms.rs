//! KMS.

use crate::inventory::{List, LookupResult, Map, Node, Reason, Value};
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    ResponseReader, Subject, is_list, is_map, is_text, missing_nothing, not_given, text_of,
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
        take: key,
        untold: |taker, reason| untold(taker, &["KeyState", "KeyManager", "Enabled", "KeySpec", "KeyUsage"], reason),
        missing: |taker| taker.none_called(KEY, "key-id"),
    },
    Operation {
        service: "kms",
        name: "get-key-policy",
        members: &["Policy"],
        fits: |node| is_text(node, "Policy"),
        take: key_policy,
        untold: |taker, reason| untold(taker, &["KeyPolicy"], reason),
        missing: |taker| taker.none_called(KEY, "key-id"),
    },
    Operation {
        service: "kms",
        name: "list-grants",
        members: &["Grants"],
        fits: |node| is_list(node, "Grants", "GrantId"),
        take: grants,
        untold: |taker, reason| untold(taker, &["Grants"], reason),
        missing: |taker| taker.none_called(KEY, "key-id"),
    },
    Operation {
        service: "kms",
        name: "list-aliases",
        members: &["Aliases"],
        fits: |node| is_list(node, "Aliases", "AliasName"),
        take: aliases,
        untold: |taker, reason| taker.told(ALIAS, LookupResult::Unavailable(reason.clone())),
        missing: missing_nothing,
    },
    Operation {
        service: "kms",
        name: "get-key-rotation-status",
        members: &["KeyRotationEnabled"],
        fits: |_| true,
        take: rotation,
        untold: |taker, reason| untold(taker, &["EnableKeyRotation"], reason),
        missing: |taker| taker.none_called(KEY, "key-id"),
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

fn key(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(metadata) = node.member("KeyMetadata") else { return };
    let told = text_of(metadata.member("Arn")).or_else(|| text_of(metadata.member("KeyId")));
    let Some(subject) = told.map(Subject::named).or_else(|| asked_for(taker)) else {
        return taker.nameless("kms describe-key", "which key it is about", "describe-key--KEY_ID.json", node.at);
    };
    let mut map = taker.fields(KEY, metadata, FIELDS);
    let name = &subject.name;
    map.set("KeyPolicy", not_given(format!("the policy of key {name} was not given"), metadata.at));
    map.set("EnableKeyRotation", not_given(format!("whether key {name} is rotated was not given"), metadata.at));
    taker.resource(KEY, subject, map, metadata.at);
}

fn key_policy(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(text) = node.member("Policy") else { return };
    let document = policy_documents::object(text.clone());
    let Some(subject) = asked_for(taker) else {
        return taker.nameless("kms get-key-policy", "which key it is about", "get-key-policy--KEY_ID.json", node.at);
    };
    one(taker, subject, "KeyPolicy", document);
}

fn rotation(taker: &mut ResponseReader<'_>, node: &Node) {
    let told = text_of(node.member("KeyId")).map(Subject::named);
    let Some(subject) = told.or_else(|| asked_for(taker)) else {
        return taker.nameless(
            "kms get-key-rotation-status",
            "which key it is about",
            "get-key-rotation-status--KEY_ID.json",
            node.at,
        );
    };
    if let Some(flag) = node.member("KeyRotationEnabled") {
        one(taker, subject, "EnableKeyRotation", flag.clone());
    }
}

fn grants(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(list) = node.member("Grants") else { return };
    // Each grant names its key; an empty list does not.
    let told = list.elements().first().and_then(|grant| text_of(grant.member("KeyId"))).map(Subject::named);
    let Some(subject) = told.or_else(|| asked_for(taker)) else {
        return taker.nameless("kms list-grants", "which key has no grants", "list-grants--KEY_ID.json", node.at);
    };
    let mut list = list.clone();
    if !ResponseReader::whole(node)
        && let Value::List(List { more, .. }) = &mut list.value
    {
        *more = Some(Box::new(Reason::new(
            crate::inventory::Cause::NotProvided,
            "only a page of the key's grants was given",
        )));
    }
    one(taker, subject, "Grants", list);
}

fn aliases(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(list) = node.member("Aliases") else { return };
    for alias in list.elements() {
        let Some(name) = text_of(alias.member("AliasName")) else { continue };
        let subject = match text_of(alias.member("AliasArn")) {
            Some(arn) => Subject::named(arn),
            None => super::reader::bare(name, name.to_owned()),
        };
        let map = taker.fields(ALIAS, alias, ALIAS_FIELDS);
        taker.resource(ALIAS, subject, map, alias.at);
    }
    // All that there are, if all were asked for and where is known.
    if taker.asked.operation == "list-aliases"
        && taker.asked.option("key-id").is_none()
        && ResponseReader::whole(node)
        && taker.asked.region.is_some()
    {
        taker.told(ALIAS, LookupResult::Complete);
    }
}

/// The key that was asked about; none if it was by an alias, which the answer does not resolve.
fn asked_for(taker: &ResponseReader<'_>) -> Option<Subject> {
    taker.asked.option("key-id").filter(|key| !key.contains("alias/")).map(Subject::named)
}

fn one(taker: &mut ResponseReader<'_>, subject: Subject, property: &str, node: Node) {
    let at = node.at;
    let mut map = Map::default();
    map.set(property, node);
    taker.part(KEY, subject, map, at);
}

fn untold(taker: &mut ResponseReader<'_>, properties: &[&str], reason: &Reason) {
    if let Some(subject) = asked_for(taker) {
        taker.unknown(KEY, subject, properties, reason);
    } else if let Some(alias) = taker.asked.option("key-id").map(Subject::named) {
        // Which key is behind it was to be told.
        taker.unknown(ALIAS, alias, &["TargetKeyId"], reason);
    }
}
