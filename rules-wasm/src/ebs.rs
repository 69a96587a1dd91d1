//! What several rules know of volumes: which key each is under, who has to use that key, and how EC2 asks for it.
//!
//! Sources: pkg/providers/amifamily of aws/karpenter-provider-aws for the volumes that Karpenter adds by itself; the EC2
//! user guide, "EBS encryption" and "Use encryption with EBS-backed AMIs", for the key that counts.

use crate::karpenter::{admits_spot, is_self_managed, listed, not_given};
use karpcheck_sdk::prelude::*;

mod ask;
mod judge;

pub(crate) use ask::{ESSENTIAL, Who, role_name, ruling, statement};
pub(crate) use judge::{judge, nobody, unverified, users};

/// The kinds that say which volumes a node gets.
pub(crate) const CLASSES: &[&str] =
    &["karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate", "karpenter.sh/Provisioner"];

/// The account's defaults, and what images are made of.
pub(crate) const DEFAULTS: &str = "Karpcheck::EbsDefaults";

/// Where a class keeps its mappings.
pub(crate) fn mappings(class: Item) -> &'static str {
    match class.kind().as_str() {
        "karpenter.sh/Provisioner" => "/spec/provider/blockDeviceMappings",
        _ => "/spec/blockDeviceMappings",
    }
}

/// `EC2NodeClass default`.
pub(crate) fn called(class: Item) -> String {
    let kind = class.kind();
    format!("{} {}", kind.rsplit('/').next().unwrap_or_default(), class.name())
}

/// A key, and the volumes that are under it.
pub(crate) struct Use {
    /// The field of the class that a finding is about.
    pub at: String,
    /// The volumes, by device name.
    pub devices: Vec<String>,
    /// What names the key: the class and `at`, or the account's defaults.
    pub named: (Item, String),
    pub key: Found,
    /// Is it the account's default key, which the class does not name?
    pub default: bool,
}

impl Use {
    /// The text that names the key.
    pub(crate) fn text(&self) -> Option<String> {
        self.named.0.text(&self.named.1).ok().flatten()
    }

    /// Does the text that names it match?
    pub(crate) fn is_like(&self, pattern: &str) -> bool {
        self.named.0.matches(&self.named.1, pattern) == Answer::Yes
    }

    /// Is it a key that AWS manages for some service: `alias/aws/ebs`? Of which service's?
    pub(crate) fn aws_managed(&self) -> bool {
        self.is_like("alias/aws/*")
            || self.is_like("arn:*:kms:*:alias/aws/*")
            || self.key.given().is_some_and(|key| key.matches("/KeyManager", "AWS") == Answer::Yes)
    }

    /// The key as a person would say it: `the key alias/karpenter of /dev/xvda`.
    pub(crate) fn words(&self) -> String {
        let name = self.text().or_else(|| self.key.given().map(Item::name));
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
        let key = self.key.given()?;
        (!self.aws_managed() && not_given(key, "/KeyPolicy").is_none()).then_some(key)
    }
}

/// The keys that a class names, each once.
pub(crate) fn named_keys(class: Item) -> Vec<Use> {
    let mut uses: Vec<Use> = vec![];
    for link in class.related(&format!("{}/*/ebs/kmsKeyID", mappings(class))) {
        let device = device(class, link.at.trim_end_matches("/ebs/kmsKeyID"));
        let text = class.text(&link.at).ok().flatten();
        let same = |one: &&mut Use| match (one.key.given(), link.given()) {
            (Some(one), Some(other)) => one == other,
            _ => text.is_some() && one.text() == text,
        };
        match uses.iter_mut().find(same) {
            Some(one) => one.devices.push(device),
            None => uses.push(Use {
                named: (class, link.at.clone()),
                devices: vec![device],
                key: link.item,
                at: link.at,
                default: false,
            }),
        }
    }
    uses
}

/// The device name of a mapping, or its place where that is not known.
pub(crate) fn device(class: Item, mapping: &str) -> String {
    match class.text(&format!("{mapping}/deviceName")) {
        Ok(Some(name)) => name,
        _ => mapping.to_owned(),
    }
}

/// A volume that no key is named for, and where the class says so.
pub(crate) struct Volume {
    pub at: String,
    pub device: String,
}

/// The item that holds one of the account's defaults, of the class's own account and region as far as these are known.
pub(crate) fn defaults(class: Item, field: &str) -> Option<Item> {
    select(DEFAULTS).given().find(|defaults| {
        defaults.get(field) != Value::Absent
            && ["@region", "@account"].iter().all(|fact| class.same(fact, *defaults, fact) != Answer::No)
    })
}

/// Is every new volume of the account encrypted? None where nobody told.
pub(crate) fn by_default(class: Item) -> Option<bool> {
    defaults(class, "/EncryptionByDefault")?.flag("/EncryptionByDefault").ok().flatten()
}

/// The volumes that are encrypted under the account's default key: those of Karpenter itself where a class maps none, those
/// that are to be encrypted and name no key, and, where the account encrypts everything, those that say nothing or that
/// the class does not map at all.
pub(crate) fn fallbacks(class: Item) -> Result<Vec<Volume>, Unknown> {
    let base = mappings(class);
    let spec = base.trim_end_matches("/blockDeviceMappings");
    // The user's own launch template says what volumes there are.
    if class.get(spec) == Value::Absent || class.get(&format!("{spec}/launchTemplate")) != Value::Absent {
        return Ok(vec![]);
    }
    let mapped = class.find(&format!("{base}/*/deviceName"));
    let volume = |device: &&'static str| Volume { at: base.to_owned(), device: (*device).to_owned() };
    if mapped.is_empty() {
        return Ok(family_devices(class)?.iter().map(volume).collect());
    }
    let everything = by_default(class) == Some(true);
    let sources = sources(class);
    let own_key = |device: &str| sources.iter().any(|source| source.device == device && source.encrypted == Some(true));
    let (mut volumes, mut names) = (vec![], vec![]);
    for field in mapped {
        let Some(mapping) = field.at.strip_suffix("/deviceName") else {
            return Err(field.value.text().err().unwrap_or_else(|| "the list of mappings has no known end".into()));
        };
        let ebs = format!("{mapping}/ebs");
        let device = device(class, mapping);
        names.push(device.clone());
        if class.get(&ebs) == Value::Absent || class.get(&format!("{ebs}/kmsKeyID")) != Value::Absent {
            continue;
        }
        let falls = everything || class.flag(&format!("{ebs}/encrypted"))? == Some(true);
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
    let spec = mappings(class).trim_end_matches("/blockDeviceMappings");
    if let Some(family) = class.text(&format!("{spec}/amiFamily"))? {
        return Ok(match family.as_str() {
            "Custom" => &[],
            "Bottlerocket" => &["/dev/xvda", "/dev/xvdb"],
            "Ubuntu" => &["/dev/sda1"],
            family if family.starts_with("Windows") => &["/dev/sda1"],
            _ => &["/dev/xvda"],
        });
    }
    let aliases = class.find(&format!("{spec}/amiSelectorTerms/*/alias"));
    let any = |pattern: &str| aliases.iter().any(|alias| class.matches(&alias.at, pattern) == Answer::Yes);
    Ok(if any("bottlerocket@*") {
        &["/dev/xvda", "/dev/xvdb"]
    } else if any("windows*") {
        &["/dev/sda1"]
    } else {
        &["/dev/xvda"]
    })
}

/// The use of the account's default key, if some volume falls back to it and somebody said which key that is.
pub(crate) fn default_key(class: Item) -> Result<Option<Use>, Unknown> {
    let volumes = fallbacks(class)?;
    let (Some(first), Some(defaults)) = (volumes.first(), defaults(class, "/KmsKeyId")) else { return Ok(None) };
    let Some(link) = defaults.related("/KmsKeyId").into_iter().next() else { return Ok(None) };
    let at = first.at.clone();
    let devices = volumes.into_iter().map(|volume| volume.device).collect();
    Ok(Some(Use { at, devices, named: (defaults, link.at), key: link.item, default: true }))
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
    pub at: String,
    /// The image; none where the mapping names the snapshot.
    pub image: Option<Item>,
    pub device: String,
    pub snapshot: Option<Item>,
    pub encrypted: Option<bool>,
    /// The key that it is under, and what names it.
    pub key: Option<(Found, (Item, String))>,
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

/// The images that a class is known to use, by their ids.
const IMAGES: &[&str] =
    &["/status/amis/*/id", "/spec/amiSelectorTerms/*/id", "/spec/amiSelector/aws-ids", "/spec/amiSelector/aws::ids"];

/// What the volumes of a class are made from, as far as images and snapshots were given.
pub(crate) fn sources(class: Item) -> Vec<Source> {
    let mut sources: Vec<Source> = vec![];
    let mut seen = vec![];
    for link in class.related(&format!("{}/*/ebs/snapshotID", mappings(class))) {
        let Some(snapshot) = link.given() else { continue };
        let device = device(class, link.at.trim_end_matches("/ebs/snapshotID"));
        sources.push(source(link.at, device, None, (snapshot, ""), Some(snapshot)));
    }
    let replaced: Vec<String> = sources.iter().map(|source| source.device.clone()).collect();
    for link in IMAGES.iter().flat_map(|field| class.related(field)) {
        let Some(image) = link.given().filter(|image| !seen.contains(image)) else { continue };
        seen.push(image);
        for field in image.find("/BlockDeviceMappings/*/Ebs/SnapshotId") {
            let Some(ebs) = field.at.strip_suffix("/SnapshotId") else { continue };
            let mapping = ebs.trim_end_matches("/Ebs");
            let device = image.text(&format!("{mapping}/DeviceName")).ok().flatten().unwrap_or_default();
            if replaced.contains(&device) || image.get(ebs) == Value::Absent {
                continue;
            }
            let snapshot = image.related(&field.at).first().and_then(Link::given);
            sources.push(source(link.at.clone(), device, Some(image), (image, ebs), snapshot));
        }
    }
    sources
}

/// What an image's mapping and its snapshot say together.
fn source(at: String, device: String, image: Option<Item>, told: (Item, &str), snapshot: Option<Item>) -> Source {
    let places = [Some((told.0, told.1.to_owned())), snapshot.map(|snapshot| (snapshot, String::new()))];
    let mut source = Source { at, image, device, snapshot, encrypted: None, key: None };
    for (item, base) in places.into_iter().flatten() {
        if let Ok(Some(encrypted)) = item.flag(&format!("{base}/Encrypted")) {
            source.encrypted.get_or_insert(encrypted);
        }
        let field = format!("{base}/KmsKeyId");
        if let Some(link) = item.related(&field).into_iter().next() {
            source.encrypted.get_or_insert(true);
            if source.key.as_ref().is_none_or(|(key, _)| key.given().is_none()) {
                source.key = Some((link.item, (item, field)));
            }
        }
    }
    source
}

/// Does something launch spot instances with this class? A pool that does, or none; unknown where a pool does not say.
pub(crate) fn spot_pool(class: Item) -> Result<Option<Item>, Unknown> {
    let mut pools: Vec<Item> = ["karpenter.sh/NodePool", "karpenter.sh/Provisioner"]
        .iter()
        .flat_map(|kind| class.referrers(kind))
        .filter_map(|link| link.given())
        .filter(|pool| is_self_managed(*pool))
        .collect();
    if class.kind() == "karpenter.sh/Provisioner" {
        pools.push(class);
    }
    let mut open = None;
    for pool in pools {
        match admits_spot(pool) {
            Ok(true) => return Ok(Some(pool)),
            Ok(false) => {}
            Err(unknown) => open = Some(unknown),
        }
    }
    open.map_or(Ok(None), Err)
}
