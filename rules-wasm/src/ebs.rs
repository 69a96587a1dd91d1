//! What several rules know of volumes: which key each is under, who has to use that key, and how EC2 asks for it.
//!
//! Sources: pkg/providers/amifamily of aws/karpenter-provider-aws for the volumes that Karpenter adds by itself; the EC2
//! user guide, "EBS encryption" and "Use encryption with EBS-backed AMIs", for the key that counts.

use crate::kms;
use crate::words::listed;
use karpcheck_sdk::prelude::*;

mod judgement;
mod kms_requests;

pub(crate) use judgement::{controller_not_given, judge, unverified, users};
pub(crate) use kms_requests::{ESSENTIAL, Who, role_name, ruling};

/// The kinds that say which volumes a node gets.
pub(crate) const CLASSES: &[&str] =
    &["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate", "karpenter.sh/Provisioner"];

/// The account's defaults.
const DEFAULTS: &str = "Karpcheck::EbsDefaults";

/// What says under which key a class's volumes are.
pub(crate) const READS: &[&str] = &["AWS::KMS::Key", "AWS::EC2::Image", "AWS::EC2::Snapshot", DEFAULTS];

/// What says who may use that key.
pub(crate) const USERS: &[&str] =
    &["AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "Karpcheck::Controller"];

/// Where a class says what it launches.
fn spec(class: Item) -> Field {
    class.field(if class.kind() == "karpenter.sh/Provisioner" { "/spec/provider" } else { "/spec" })
}

/// A class's mappings of devices.
pub(crate) fn mappings(class: Item) -> Field {
    spec(class).child("blockDeviceMappings")
}

/// `EC2NodeClass default`.
pub(crate) fn called(class: Item) -> String {
    format!("{} {}", class.noun(), class.name())
}

/// The device name of a mapping, or its place where that is not known.
pub(crate) fn device(mapping: &Field) -> String {
    mapping.child("deviceName").known_text().unwrap_or_else(|| mapping.pointer().to_owned())
}

/// A key, and the volumes that are under it.
pub(crate) struct Use {
    /// The field of the class that a finding is about.
    pub at: Field,
    /// The volumes, by device name.
    pub devices: Vec<String>,
    /// What names the key: the class at `at`, or the account's defaults.
    pub named: Field,
    pub key: Lookup,
    /// Is it the account's default key, which the class does not name?
    pub default: bool,
}

impl Use {
    /// Is it a key that AWS manages for some service: `alias/aws/ebs`?
    pub(crate) fn aws_managed(&self) -> bool {
        kms::names_aws_managed(&self.named, "*").is_yes() || self.key.known().is_some_and(kms::is_aws_managed)
    }

    /// The key as a person would say it: `the key alias/karpenter of /dev/xvda`.
    pub(crate) fn words(&self) -> String {
        let name = self.named.known_text().or_else(|| self.key.known().map(Item::name));
        let key = name.map_or_else(String::new, |name| format!(" {name}"));
        let devices: Vec<&str> = self.devices.iter().map(String::as_str).collect();
        match (self.default, self.devices.is_empty()) {
            (true, _) => format!("the account's default EBS key{key}, which {} falls back to", listed(&devices)),
            (false, true) => format!("the key{key}"),
            (false, false) => format!("the key{key} of {}", listed(&devices)),
        }
    }

    /// The key, if a customer manages it and its policy is known.
    pub(crate) fn customer_key(&self) -> Option<Item> {
        let key = self.key.known()?;
        (!self.aws_managed() && kms::policy_not_given(key).is_none()).then_some(key)
    }
}

/// The keys that a class names, each once.
pub(crate) fn named_keys(class: Item) -> Vec<Use> {
    let mut uses: Vec<Use> = vec![];
    for link in mappings(class).field("/*/ebs/kmsKeyID").related() {
        let device = device(&mapping_of(&link.field));
        let text = link.field.known_text();
        let same = |one: &&mut Use| match (one.key.known(), link.known()) {
            (Some(one), Some(other)) => one == other,
            _ => text.is_some() && one.named.known_text() == text,
        };
        match uses.iter_mut().find(same) {
            Some(one) => one.devices.push(device),
            None => uses.push(Use {
                at: link.field.clone(),
                devices: vec![device],
                named: link.field,
                key: link.item,
                default: false,
            }),
        }
    }
    uses
}

/// The mapping that a field of its `ebs` belongs to. Where knowledge ends above, that place.
fn mapping_of(field: &Field) -> Field {
    let ebs = field.parent();
    if ebs.name() == "ebs" { ebs.parent() } else { field.clone() }
}

/// A volume that no key is named for, and where the class says so.
pub(crate) struct Volume {
    at: Field,
    device: String,
}

/// The item that holds one of the account's defaults, of the class's own account and region as far as these are known.
fn defaults(class: Item, field: &str) -> Option<Field> {
    let of_class =
        |defaults: &Item| ["@region", "@account"].iter().all(|fact| !class.same(fact, *defaults, fact).is_no());
    select(DEFAULTS).known().filter(of_class).map(|defaults| defaults.field(field)).find(|field| !field.is_absent())
}

/// Is every new volume of the account encrypted? None where that was not given.
pub(crate) fn by_default(class: Item) -> Option<bool> {
    defaults(class, "/EncryptionByDefault")?.flag().ok().flatten()
}

/// The volumes that are encrypted under the account's default key: those of Karpenter itself where a class maps none, those
/// that are to be encrypted and name no key, and, where the account encrypts everything, those that say nothing or that
/// the class does not map at all.
pub(crate) fn fallbacks(class: Item) -> Result<Vec<Volume>, Unknown> {
    let spec = spec(class);
    // The user's own launch template says what volumes there are.
    if spec.is_absent() || !spec.child("launchTemplate").is_absent() {
        return Ok(vec![]);
    }
    let mappings = mappings(class);
    let volume = |device: &&'static str| Volume { at: mappings.clone(), device: (*device).to_owned() };
    let mapped: Vec<Result<Field, Unknown>> = mappings.find("/*/deviceName").collect();
    if mapped.is_empty() {
        return Ok(family_devices(class)?.iter().map(volume).collect());
    }
    let everything = by_default(class) == Some(true);
    let sources = sources(class);
    let own_key = |device: &str| sources.iter().any(|source| source.device == device && source.encrypted == Some(true));
    let (mut volumes, mut names) = (vec![], vec![]);
    for named in mapped {
        let mapping = named?.parent();
        let ebs = mapping.child("ebs");
        let device = device(&mapping);
        names.push(device.clone());
        if ebs.is_absent() || !ebs.child("kmsKeyID").is_absent() {
            continue;
        }
        let falls = everything || ebs.child("encrypted").flag()? == Some(true);
        if falls && !own_key(&device) {
            volumes.push(Volume { at: ebs, device });
        }
    }
    if everything {
        let missing = family_devices(class)?.iter().filter(|device| !names.iter().any(|name| name == *device));
        volumes.extend(missing.filter(|device| !own_key(device)).map(volume));
    }
    Ok(volumes)
}

/// The volumes of an image of the class's family; none where only the image itself can tell.
fn family_devices(class: Item) -> Result<&'static [&'static str], Unknown> {
    let spec = spec(class);
    if let Some(family) = spec.child("amiFamily").text()? {
        return Ok(match family.as_str() {
            "Custom" => &[],
            "Bottlerocket" => &["/dev/xvda", "/dev/xvdb"],
            "Ubuntu" => &["/dev/sda1"],
            family if family.starts_with("Windows") => &["/dev/sda1"],
            _ => &["/dev/xvda"],
        });
    }
    let aliases: Vec<Field> = spec.find("/amiSelectorTerms/*/alias").known().collect();
    let any = |pattern: &str| aliases.iter().any(|alias| alias.matches(pattern).is_yes());
    Ok(if any("bottlerocket@*") {
        &["/dev/xvda", "/dev/xvdb"]
    } else if any("windows*") {
        &["/dev/sda1"]
    } else {
        &["/dev/xvda"]
    })
}

/// The use of the account's default key, if some volume falls back to it and it was given which key that is.
pub(crate) fn default_key(class: Item) -> Result<Option<Use>, Unknown> {
    // It is hardly ever given.
    let Some(named) = defaults(class, "/KmsKeyId") else { return Ok(None) };
    let volumes = fallbacks(class)?;
    let Some(first) = volumes.first() else { return Ok(None) };
    let Some(link) = named.related().into_iter().next() else { return Ok(None) };
    let at = first.at.clone();
    let devices = volumes.into_iter().map(|volume| volume.device).collect();
    Ok(Some(Use { at, devices, named: link.field, key: link.item, default: true }))
}

/// The keys that a class names, and the account's default key if some volume is under it.
pub(crate) fn all_keys(class: Item) -> Vec<Use> {
    let mut uses = named_keys(class);
    if let Ok(Some(default)) = default_key(class) {
        uses.push(default);
    }
    uses
}

/// What a volume is made from: a snapshot of the image, or the one that its mapping names.
pub(crate) struct Source {
    /// The field of the class that leads to it.
    pub at: Field,
    /// The image; none where the mapping names the snapshot.
    image: Option<Item>,
    pub device: String,
    snapshot: Option<Item>,
    pub encrypted: Option<bool>,
    /// The key that it is under, and what names it.
    pub key: Option<(Lookup, Field)>,
}

impl Source {
    /// `the image ami-0123` or `the snapshot snap-0123`.
    pub(crate) fn words(&self) -> String {
        match (self.image, self.snapshot) {
            (Some(image), _) => format!("the image {}", image.name()),
            (None, Some(snapshot)) => format!("the snapshot {}", snapshot.name()),
            (None, None) => "its snapshot".to_owned(),
        }
    }
}

/// The fields of a class that name images by their ids.
fn images(class: Item) -> &'static [&'static str] {
    match class.kind().as_str() {
        "karpenter.k8s.aws/EC2NodeClass" => &["/status/amis/*/id", "/spec/amiSelectorTerms/*/id"],
        _ => &["/status/amis/*/id", "/spec/amiSelector/aws-ids", "/spec/amiSelector/aws::ids"],
    }
}

/// What the volumes of a class are made from, as far as images and snapshots were given.
pub(crate) fn sources(class: Item) -> Vec<Source> {
    let mut sources: Vec<Source> = vec![];
    let mut seen = vec![];
    for link in mappings(class).field("/*/ebs/snapshotID").related() {
        let Some(snapshot) = link.known() else { continue };
        let device = device(&mapping_of(&link.field));
        sources.push(source(link.field, device, None, &snapshot.field(""), Some(snapshot)));
    }
    let replaced: Vec<String> = sources.iter().map(|source| source.device.clone()).collect();
    for link in images(class).iter().flat_map(|field| class.related(field)) {
        let Some(image) = link.known().filter(|image| !seen.contains(image)) else { continue };
        seen.push(image);
        for id in image.find("/BlockDeviceMappings/*/Ebs/SnapshotId").known() {
            let ebs = id.parent();
            let device = ebs.sibling("DeviceName").known_text().unwrap_or_default();
            if replaced.contains(&device) || ebs.is_absent() {
                continue;
            }
            sources.push(source(link.field.clone(), device, Some(image), &ebs, id.linked()));
        }
    }
    sources
}

/// What an image's mapping and its snapshot say together.
fn source(at: Field, device: String, image: Option<Item>, mapping: &Field, snapshot: Option<Item>) -> Source {
    let mut source = Source { at, image, device, snapshot, encrypted: None, key: None };
    for says in [Some(mapping.clone()), snapshot.map(|snapshot| snapshot.field(""))].into_iter().flatten() {
        if let Ok(Some(encrypted)) = says.child("Encrypted").flag() {
            source.encrypted.get_or_insert(encrypted);
        }
        if let Some(link) = says.child("KmsKeyId").related().into_iter().next() {
            source.encrypted.get_or_insert(true);
            if source.key.as_ref().is_none_or(|(key, _)| key.known().is_none()) {
                source.key = Some((link.item, link.field));
            }
        }
    }
    source
}
