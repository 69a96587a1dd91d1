//! ## What it finds
//!
//! A volume of an EC2NodeClass (or AWSNodeTemplate) under a key that EC2 cannot use: it does not exist, is disabled, waits for
//! its deletion or its key material, is asymmetric or an HMAC key, lives in another region, is of another account without being
//! named by its ARN, or is AWS's own key of another service.
//!
//! ## Why it matters
//!
//! EC2 looks at the key only after the instance was accepted. The launch succeeds, the instance dies within a minute with
//! `Client.InvalidKMSKey.InvalidState` or `Client.InternalError: Client error on launch`, and Karpenter launches the next one.
//! Nothing in Kubernetes names the key: a NodeClaim is launched, never registers and goes.
//!
//! ## How to fix it
//!
//! Enable the key, cancel its deletion or import its material; or name a symmetric key of the class's own region in `kmsKeyID`.
//! A key of another account has to be named by its ARN.
//!
//! ## Example that fails
//!
//! ```yaml
//! Resources:
//!   EbsKey:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       Enabled: false
//!       KeyPolicy:
//!         Version: "2012-10-17"
//!         Statement:
//!           - Effect: Allow
//!             Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
//!             Action: kms:*
//!             Resource: "*"
//!   EbsAlias:
//!     Type: AWS::KMS::Alias
//!     Properties: {AliasName: alias/karpenter-ebs, TargetKeyId: !Ref EbsKey}
//! ---
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms: [{alias: al2023@v20260801}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs: {volumeSize: 50Gi, encrypted: true, kmsKeyID: alias/karpenter-ebs}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! Resources:
//!   EbsKey:
//!     Type: AWS::KMS::Key
//!     Properties:
//!       KeyPolicy:
//!         Version: "2012-10-17"
//!         Statement:
//!           - Effect: Allow
//!             Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
//!             Action: kms:*
//!             Resource: "*"
//!   EbsAlias:
//!     Type: AWS::KMS::Alias
//!     Properties: {AliasName: alias/karpenter-ebs, TargetKeyId: !Ref EbsKey}
//! ---
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms: [{alias: al2023@v20260801}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   blockDeviceMappings:
//!     - deviceName: /dev/xvda
//!       ebs: {volumeSize: 50Gi, encrypted: true, kmsKeyID: alias/karpenter-ebs}
//! ```
//!
//! ## Sources
//!
//! - EBS user guide, "Requirements for Amazon EBS encryption": symmetric keys of the same region.
//! - <https://github.com/aws/karpenter-provider-aws/issues/5039>: `Client.InvalidKMSKey.InvalidState`.

use crate::ebs::{self, CLASSES, DEFAULTS, Use, all_keys};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    area: "ebs",
    title: "The key of a volume cannot be used",
    severity: Error,
    subjects: CLASSES,
    reads: &["AWS::KMS::Key", DEFAULTS],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    all(all_keys(class), |key| judge(class, &key))
}

fn judge(class: Item, one: &Use) -> Check {
    let text = one.text();
    let own_region = class.text("@region").ok().flatten();
    if let Some(name) = text.as_deref() {
        if let Some(service) = name.split_once("alias/aws/").map(|(_, service)| service) {
            return match service {
                "ebs" => pass(),
                other => broken(class, one, None, &format!("it is AWS's own key for {other}, which EBS may not use")),
            };
        }
        // An ARN says where the key is, whoever describes it.
        if let (Some(region), Some(own)) = (region(name), &own_region)
            && region != own
        {
            return broken(class, one, None, &format!("it is in {region}, and the class launches in {own}"));
        }
        if is_to_be_replaced(name) {
            return unknown(Unknown::not_provided(format!("{name} stands for a key that somebody puts in")));
        }
        if !is_a_name(name) {
            return broken(class, one, None, "it is neither a key's id or ARN nor an alias, which begins with alias/");
        }
    }
    match &one.key {
        Found::Absent(what) => broken(class, one, None, &format!("there is no {what}")),
        // What nobody described is said by ebs-key-denies-controller and ebs-default-key-denies-controller.
        Found::Unknown(_) => skip(),
        Found::Known(key) => {
            elsewhere(class, one, *key, text.as_deref()).unwrap_or_else(|| described(class, one, *key))
        }
    }
}

/// A key that was found by a bare name, and that is not where EC2 looks a bare name up.
fn elsewhere(class: Item, one: &Use, key: Item, name: Option<&str>) -> Option<Check> {
    let name = name?;
    let place = |item: Item, fact: &str| item.text(fact).ok().flatten().unwrap_or_else(|| "another".into());
    let (fact, what) = if class.same("@region", key, "@region") == Answer::No {
        ("@region", "region")
    } else if !name.starts_with("arn:") && class.same("@account", key, "@account") == Answer::No {
        ("@account", "account")
    } else {
        return None;
    };
    let (there, here) = (place(key, fact), place(class, fact));
    // An id is of one key; an alias, and the id of a multi-Region key, may exist here, too.
    if name.starts_with("alias/") || name.starts_with("mrk-") {
        return Some(unknown(Unknown::not_provided(format!(
            "{name} was only seen in the {what} {there}, and the class launches in {here}"
        ))));
    }
    Some(broken(
        class,
        one,
        Some(key.place("", "the key")),
        &format!("it is in the {what} {there}, and the class launches in {here}"),
    ))
}

fn described(class: Item, one: &Use, key: Item) -> Check {
    let says = |field: &str| match key.text(field) {
        Err(unknown) if unknown.cause == "not-provided" => Ok(None),
        other => other,
    };
    for field in ["/KeySpec", "/CustomerMasterKeySpec"] {
        if let Some(spec) = says(field)?.filter(|spec| spec != "SYMMETRIC_DEFAULT") {
            let kind = if spec.starts_with("HMAC") { "an HMAC key" } else { "an asymmetric key" };
            return broken(class, one, Some(key.place(field, "its kind")), &format!("it is {kind} ({spec})"));
        }
    }
    if let Some(usage) = says("/KeyUsage")?.filter(|usage| usage != "ENCRYPT_DECRYPT") {
        return broken(class, one, Some(key.place("/KeyUsage", "its use")), &format!("it is for {usage} only"));
    }
    if let Some(state) = says("/KeyState")? {
        return match state.as_str() {
            "Enabled" => pass(),
            "Disabled" | "PendingDeletion" | "PendingReplicaDeletion" | "PendingImport" | "Unavailable" => {
                broken(class, one, Some(key.place("/KeyState", "its state")), &format!("its state is {state}"))
            }
            // Creating and Updating pass by themselves.
            _ => unknown(format!("the key {} is in the state {state}", key.name())),
        };
    }
    match key.flag("/Enabled") {
        Ok(Some(false)) => broken(class, one, Some(key.place("/Enabled", "disabled")), "it is disabled"),
        Ok(_) => pass(),
        Err(unknown) if unknown.cause == "not-provided" => skip(),
        Err(unknown) => Err(unknown),
    }
}

/// The region of a key's or an alias's ARN.
fn region(key: &str) -> Option<&str> {
    let mut parts = key.split(':');
    let of_kms = parts.next() == Some("arn") && parts.nth(1) == Some("kms");
    parts.next().filter(|region| of_kms && !region.is_empty())
}

/// Can it name a key at all? `karpenter` cannot: an alias begins with `alias/`. Letters and placeholders of examples are
/// given the benefit of the doubt.
fn is_a_name(name: &str) -> bool {
    let plain =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let id = name.strip_prefix("mrk-").unwrap_or(name);
    !plain || (id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
}

/// Is it a word of an example, for a key that somebody puts in: `KMS_KEY_ID`, `your-key-id`?
fn is_to_be_replaced(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let loud =
        name.bytes().any(|byte| byte.is_ascii_uppercase()) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let plain: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    !is_a_name(name)
        && (loud
            || ["your", "replace", "placeholder", "example", "changeme", "todo", "xxx"]
                .iter()
                .any(|word| plain.contains(word))
            || ["kmskeyid", "keyid", "kmskey", "kmskeyarn", "keyarn", "mykeyid", "mykmskeyid"]
                .contains(&plain.as_str()))
}

fn broken(class: Item, one: &Use, place: Option<Place>, what: &str) -> Check {
    fail(
        Error,
        &one.at,
        format!(
            "{} cannot use {}: {what}; its instances are launched and die before they are nodes",
            ebs::called(class),
            one.words()
        ),
    )
    .remedy(
        "Bring the key back (enable it, cancel its deletion, import its material), or name an enabled symmetric key of the class's own region: by its ARN if it is another account's.",
    )
    .see(place)
    .check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_arn_of_kms_says_a_region() {
        assert_eq!(region("arn:aws:kms:us-east-1:111122223333:alias/karpenter"), Some("us-east-1"));
        assert_eq!(region("arn:aws:ec2:us-east-1::snapshot/snap-1"), None);
        assert_eq!(region("alias/karpenter"), None);
    }

    #[test]
    fn words_of_examples_stand_for_a_key() {
        for name in ["KMS_KEY_ID", "your-kms-key-id", "kms-key-id", "xxxxxxxx-xxxx-xxxx"] {
            assert!(is_to_be_replaced(name), "{name}");
        }
        for name in ["karpenter-ebs", "my-key", "1234ABCD-12AB-34CD-56EF-1234567890AB", "alias/example"] {
            assert!(!is_to_be_replaced(name), "{name}");
        }
    }

    #[test]
    fn a_bare_word_names_no_key() {
        assert!(!is_a_name("karpenter-ebs"));
        for name in ["1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab", "alias/x", "<key>"]
        {
            assert!(is_a_name(name), "{name}");
        }
    }
}
