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

use crate::ebs::{self, CLASSES, Use, all_keys};
use crate::kms::{self, State};
use karpcheck_sdk::prelude::*;

pub(crate) const RULE: Rule = Rule {
    title: "The key of a volume cannot be used",
    severity: Error,
    subjects: CLASSES,
    uses: &[ebs::READS],
    check,
    ..Rule::DEFAULT
};

fn check(class: Item) -> Check {
    all(all_keys(class), |one| match named(class, &one) {
        Some(check) => check,
        None => match &one.key {
            Lookup::Absent(what) => broken(class, &one, "missing", &format!("there is no {what}")).check(),
            // What was not described is said by ebs-key-denies-controller and ebs-default-key-denies-controller.
            Lookup::Unknown(_) => skip(),
            Lookup::Known(key) => described(class, &one, *key),
        },
    })
}

/// What the name of a key alone says; none where it takes the key.
fn named(class: Item, one: &Use) -> Option<Check> {
    let name = one.named.known_text()?;
    if let Some(service) = kms::aws_service(&name) {
        return Some(match service {
            "ebs" => pass(),
            other => {
                let what = format!("it is AWS's own key for {other}, which EBS cannot use");
                broken(class, one, "aws-managed", &what).check()
            }
        });
    }
    // An ARN says where the key is, whoever describes it.
    if let (Some(region), Some(own)) = (kms::region(&name), class.known_text("@region"))
        && region != own
    {
        let what = format!("it is in {region}, and the class launches in {own}");
        return Some(broken(class, one, "elsewhere", &what).check());
    }
    if is_to_be_replaced(&name) {
        let why = format!("{name} is a placeholder for a key");
        return Some(unknown(Unknown::not_provided(why)));
    }
    if !is_a_name(&name) {
        let what = "it is neither a key's id or ARN nor an alias, which begins with alias/";
        return Some(broken(class, one, "not-a-name", what).check());
    }
    None
}

fn described(class: Item, one: &Use, key: Item) -> Check {
    if let Some(check) = one.named.known_text().and_then(|name| elsewhere(class, one, key, &name)) {
        return check;
    }
    let says = |field: &str| match key.text(field) {
        Err(unknown) if unknown.is_not_provided() => Ok(None),
        other => other,
    };
    let unfit = |what: &str, field: Field, note: &str| {
        let group = field.name();
        broken(class, one, &group, what).related([field.place(note)]).check()
    };
    for field in ["/KeySpec", "/CustomerMasterKeySpec"] {
        if let Some(spec) = says(field)?.filter(|spec| spec != "SYMMETRIC_DEFAULT") {
            let kind = if spec.starts_with("HMAC") { "an HMAC key" } else { "an asymmetric key" };
            return unfit(&format!("it is {kind} ({spec})"), key.field(field), "its kind");
        }
    }
    if let Some(usage) = says("/KeyUsage")?.filter(|usage| usage != "ENCRYPT_DECRYPT") {
        return unfit(&format!("it is for {usage} only"), key.field("/KeyUsage"), "its use");
    }
    match kms::state(key)? {
        State::Enabled | State::NotDisabled => pass(),
        State::NotDescribed => skip(),
        State::Changing(state) => unknown(kms::changing(key, &state)),
        State::Broken(_, field) if field.name() == "Enabled" => unfit("it is disabled", field, "disabled"),
        State::Broken(state, field) => unfit(&format!("its state is {state}"), field, "its state"),
    }
}

/// A key that was found by a bare name, and that is not where EC2 looks a bare name up.
fn elsewhere(class: Item, one: &Use, key: Item, name: &str) -> Option<Check> {
    let place = |item: Item, fact: &str| item.known_text(fact).unwrap_or_else(|| "another".into());
    let (fact, what) = if class.same("@region", key, "@region").is_no() {
        ("@region", "region")
    } else if !name.starts_with("arn:") && class.same("@account", key, "@account").is_no() {
        ("@account", "account")
    } else {
        return None;
    };
    let (there, here) = (place(key, fact), place(class, fact));
    // An id is of one key; an alias, and the id of a multi-Region key, may exist here, too.
    if name.starts_with("alias/") || name.starts_with("mrk-") {
        let why = format!("{name} was only seen in the {what} {there}, and the class launches in {here}");
        return Some(unknown(Unknown::not_provided(why)));
    }
    let what = format!("it is in the {what} {there}, and the class launches in {here}");
    Some(broken(class, one, "elsewhere", &what).related([key.place("", "the key")]).check())
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

fn broken(class: Item, one: &Use, group: &str, what: &str) -> Finding {
    fail(
        &one.at,
        format!(
            "{} cannot use {}: {what}; its instances are launched and terminate before they become nodes",
            ebs::called(class),
            one.words()
        ),
    )
    .remedy(
        "Restore the key (enable it, cancel its deletion, import its material), or name an enabled symmetric key of \
         the class's own region: by its ARN if it is another account's.",
    )
    .group(group)
}

#[cfg(test)]
mod tests {
    use super::*;

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
