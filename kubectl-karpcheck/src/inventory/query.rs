//! The inventory's questions: the ones of the contract, in the host's own types.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use crate::inventory::item::{ClusterId, Item, ItemId, SourceKind};
use crate::inventory::node::{At, Node, Value};
use crate::inventory::pointer;
use crate::inventory::pointer::{Malformed, Step};
use crate::inventory::reason::{Cause, Gap, Gathered, Reason};
use crate::inventory::references;
use crate::inventory::references::Resolver;
use crate::inventory::ternary::Ternary;
use crate::inventory::text::Text;
use crate::schema::pattern::kind_matches;

/// A reason with its place: the item and pointer where knowledge ends.
#[derive(Clone, PartialEq, Debug)]
pub struct Unknown {
    /// Why.
    pub reason: Reason,
    /// Where knowledge ends.
    pub place: Option<(ItemId, String)>,
}

impl Unknown {
    /// A reason without a place.
    pub fn new(cause: Cause, gap: impl Into<Gap>) -> Self {
        Self { reason: Reason::new(cause, gap), place: None }
    }
}

/// What a field holds, as the contract has it.
#[derive(Clone, PartialEq, Debug)]
pub enum FieldValue<'a> {
    /// Not there.
    Absent,
    /// It cannot be told.
    Unknown(Unknown),
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// An object or list that is wholly known, as JSON.
    Json(String),
}

/// One result of [`Scope::find`].
#[derive(Clone, PartialEq, Debug)]
pub struct Field<'a> {
    /// The pointer, without wildcards.
    pub at: String,
    /// What it holds.
    pub value: FieldValue<'a>,
}

/// What one source says of a field.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen<'a> {
    /// Whose word.
    pub source: SourceKind,
    /// What it says.
    pub value: FieldValue<'a>,
    /// Where it says so.
    pub at: At,
}

/// An item that was looked for.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// This one.
    Known(ItemId),
    /// It certainly does not exist: what was looked for, and where.
    Absent(String),
    /// It may exist.
    Unknown(Unknown),
}

/// One reference between two items.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    /// The item at the other end.
    pub item: Found,
    /// The pointer of the field that refers.
    pub at: String,
}

/// How far a kind of a cluster was listed.
#[derive(Clone, PartialEq, Debug)]
pub enum Listing {
    /// All of them.
    Complete,
    /// Some, or none, for this reason.
    Partial(Reason),
    /// The cluster does not serve this kind.
    NotInstalled,
}

/// A cluster of this run.
#[derive(Clone, PartialEq, Debug)]
pub struct Cluster {
    /// The kubeconfig context.
    pub context: Arc<str>,
    /// The API server's URL.
    pub server: Arc<str>,
    /// What the kubeconfig calls it, each with where: names of contexts and clusters, and `exec:NAME` for the name that
    /// its credential plugin is given.
    pub hints: Vec<(String, String)>,
    /// How far each kind was listed: `group/Kind`.
    pub listed: BTreeMap<String, Listing>,
}

/// What describes one cluster: its items, joined among themselves and with nothing outside.
#[derive(Debug)]
pub struct Scope {
    /// What it is called: unique in a run.
    pub(crate) name: String,
    /// Is it to be judged? Others are only what it is compared with.
    pub(crate) chosen: bool,
    /// Which scopes it is compared with: those of the same world. What is deployed is one, each example another.
    pub(crate) world: u32,
    /// Among several: does its controller leave open what its cluster is called?
    pub(crate) nameless: bool,
    /// How many items stand before its own: their numbers are those of the whole run.
    pub(crate) before: u32,
    pub(crate) items: Vec<Item>,
    pub(crate) by_kind: BTreeMap<Arc<str>, Vec<ItemId>>,
    /// The clusters that were asked for it.
    pub(crate) clusters: Vec<Cluster>,
    /// The clusters of the run, from number 1 on.
    pub(crate) all_clusters: Vec<Cluster>,
    /// Partition, region and account of each cluster, by its number.
    pub(crate) homes: Vec<super::location::Location>,
    /// AWS's word on what is not among the items.
    pub(crate) told: Vec<super::absence::LookupRecord>,
    /// What was derived of how its items belong together, where no field says so.
    pub(crate) relations: super::scopes::Relations,
    pub(crate) resolver: OnceLock<Resolver>,
    /// The referrers of each kind, made when first asked for.
    pub(crate) referrers: std::sync::Mutex<HashMap<String, Arc<references::Referrers>>>,
}

impl Scope {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Among several scopes: does its controller leave open what its cluster is called?
    pub const fn is_nameless(&self) -> bool {
        self.nameless
    }

    /// Is it to be judged? Others are only what it is compared with.
    pub const fn is_chosen(&self) -> bool {
        self.chosen
    }

    /// How many items it has.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// Its items, in their order.
    pub fn items(&self) -> impl Iterator<Item = (ItemId, &Item)> {
        self.items.iter().zip(self.before + 1..).map(|(item, number)| (ItemId(number), item))
    }

    /// One of its items by its number.
    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.items.get((id.0 as usize).wrapping_sub(self.before as usize + 1))
    }

    pub(crate) fn item_mut(&mut self, id: ItemId) -> Option<&mut Item> {
        self.items.get_mut((id.0 as usize).wrapping_sub(self.before as usize + 1))
    }

    /// The clusters that were asked.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// All kinds that there are items of.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.by_kind.keys().map(|kind| &**kind)
    }

    /// The items of a kind, or of all kinds that a pattern such as `*.services.k8s.aws/*` stands for.
    pub fn of_kind(&self, kind: &str) -> Vec<ItemId> {
        if !kind.contains('*') {
            return self.by_kind.get(kind).cloned().unwrap_or_default();
        }
        let mut all: Vec<ItemId> = self
            .by_kind
            .iter()
            .filter(|(name, _)| kind_matches(kind, name))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        all.sort_unstable();
        all
    }

    /// All items of a kind. Where some may be missing, the last entry is unknown and says why.
    pub fn select(&self, kind: &str) -> Vec<Found> {
        let mut found: Vec<Found> = self.of_kind(kind).into_iter().map(Found::Known).collect();
        if let Some(unknown) = self.missing(kind) {
            found.push(Found::Unknown(unknown));
        }
        found
    }

    /// Why some items of a kind may be missing.
    pub fn missing(&self, kind: &str) -> Option<Unknown> {
        let gathered = crate::schema::kinds::gathered_for(kind);
        let partial = self.clusters.iter().flat_map(|cluster| {
            cluster.listed.iter().filter_map(|(listed, listing)| match listing {
                Listing::Partial(reason) if gathered.iter().any(|wanted| kind_matches(wanted, listed)) => {
                    Some(reason.clone())
                }
                _ => None,
            })
        });
        // A refusal outweighs a failure: it is what somebody can change.
        if let Some(reason) = partial.min_by_key(|reason| reason.cause) {
            return Some(Unknown { reason, place: None });
        }
        if let Some(reason) = self.untold(kind) {
            return Some(Unknown { reason: reason.clone(), place: None });
        }
        (self.clusters.is_empty() || !crate::schema::kinds::listable(kind))
            .then(|| Unknown::new(Cause::NotProvided, Gathered::MayBeMore { kind: kind.into() }))
    }

    /// One field, by pointer or `@` name.
    pub fn get(&self, id: ItemId, pointer: &str) -> Result<FieldValue<'_>, Malformed> {
        let Some(item) = self.item(id) else { return Ok(FieldValue::Absent) };
        if let Some(fact) = pointer.strip_prefix('@') {
            return Ok(self.fact(id, item, fact));
        }
        let segments = pointer::segments(pointer)?;
        Ok(self.value(id, item, pointer::follow(&item.body, &segments), &segments))
    }

    /// Why a list or an object may have members that were not read. An AWS resource as a whole is only known where AWS or a
    /// state describes it: what a manifest or a template leaves out may have been set elsewhere.
    pub fn open(&self, id: ItemId, pointer: &str) -> Result<Option<Unknown>, Malformed> {
        let Some(item) = self.item(id) else { return Ok(None) };
        let segments = pointer::segments(pointer)?;
        let unknown = |reason: &Reason, at: &str| Unknown { reason: reason.clone(), place: Some((id, at.to_owned())) };
        let step = pointer::follow(&item.body, &segments);
        let own = match &step {
            Step::Node(node) => match &node.value {
                Value::List(list) => list.more.as_deref().map(|reason| unknown(reason, pointer)),
                Value::Map(map) => map.more.as_deref().map(|reason| unknown(reason, pointer)),
                Value::Unknown(reason) => Some(unknown(reason, pointer)),
                Value::Text(_) => match self.value(id, item, step.clone(), &segments) {
                    FieldValue::Unknown(unknown) => Some(unknown),
                    _ => None,
                },
                Value::Null | Value::Flag(_) | Value::Number(_) => None,
            },
            Step::Unknown(..) => match self.value(id, item, step.clone(), &segments) {
                FieldValue::Unknown(unknown) => Some(unknown),
                _ => None,
            },
            Step::Absent | Step::Key(..) => None,
        };
        if own.is_some() || !segments.is_empty() || !item.is_aws() {
            return Ok(own);
        }
        let whole = |source: SourceKind| matches!(source, SourceKind::Aws | SourceKind::State);
        if whole(item.source) || item.views.iter().any(|view| whole(view.source)) {
            return Ok(None);
        }
        let gap = Gathered::NotDescribed { item: (&*item.name).into() };
        Ok(Some(Unknown { place: Some((id, String::new())), ..Unknown::new(Cause::NotProvided, gap) }))
    }

    /// The node under a pointer, for the host's own use.
    pub fn node(&self, id: ItemId, pointer: &str) -> Option<&Node> {
        let item = self.item(id)?;
        match pointer::follow(&item.body, &pointer::segments(pointer).ok()?) {
            Step::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The place of a pointer, else of the nearest parent that has one.
    pub fn place(&self, id: ItemId, pointer: &str) -> Option<At> {
        let item = self.item(id)?;
        let segments = pointer::segments(pointer).unwrap_or_default();
        Some(pointer::place(&item.body, &segments))
    }

    /// Each source's word on a field, the strongest first.
    pub fn views(&self, id: ItemId, pointer: &str) -> Result<Vec<Seen<'_>>, Malformed> {
        let Some(item) = self.item(id) else { return Ok(vec![]) };
        if pointer.starts_with('@') {
            return Ok(vec![Seen { source: item.source, value: self.get(id, pointer)?, at: item.at() }]);
        }
        let segments = pointer::segments(pointer)?;
        let bodies: Vec<(SourceKind, &Node)> = if item.views.is_empty() {
            vec![(item.source, &item.body)]
        } else {
            item.views.iter().map(|view| (view.source, &view.body)).collect()
        };
        Ok(bodies
            .into_iter()
            .map(|(source, body)| Seen {
                source,
                value: self.value(id, item, pointer::follow(body, &segments), &segments),
                at: pointer::place(body, &segments),
            })
            .collect())
    }

    /// Does a field's text match a pattern of `*` and `?`?
    pub fn matches(&self, id: ItemId, pointer: &str, pattern: &str) -> Result<Ternary, Malformed> {
        Ok(match self.text(id, pointer)? {
            Known::Text(text) => text.matches(pattern),
            Known::No => Ternary::No,
            Known::Unknown => Ternary::Unknown,
        })
    }

    /// Every field that a pattern matches, and how many nodes were visited.
    pub fn find(&self, id: ItemId, pattern: &str) -> Result<(Vec<Field<'_>>, u64), Malformed> {
        self.find_within(id, pattern, u64::MAX)
    }

    /// The same, but it stops once more than `most` nodes were visited. The fields are complete if the count is at most
    /// `most`.
    pub fn find_within(&self, id: ItemId, pattern: &str, most: u64) -> Result<(Vec<Field<'_>>, u64), Malformed> {
        let Some(item) = self.item(id) else { return Ok((vec![], 1)) };
        let segments = pointer::segments(pattern)?;
        let (matches, mut visited) = pointer::find_within(&item.body, &segments, most);
        let mut fields = Vec::with_capacity(matches.len());
        for found in matches {
            if visited > most {
                break;
            }
            let value = match found.step {
                Step::Unknown(reason, ..) => {
                    FieldValue::Unknown(Unknown { reason, place: Some((id, found.at.clone())) })
                }
                step => {
                    // An object is visited again to be written as JSON: under `/**` once for each of its parents.
                    if let Step::Node(node @ Node { value: Value::List(_) | Value::Map(_), .. }) = step {
                        visited += node.size();
                    }
                    self.value(id, item, step, &pointer::segments(&found.at).unwrap_or_default())
                }
            };
            fields.push(Field { at: found.at, value });
        }
        Ok((fields, visited))
    }

    /// The items that a field refers to.
    pub fn related(&self, id: ItemId, pattern: &str) -> Result<Vec<Link>, Malformed> {
        references::related(self, id, pattern)
    }

    /// The same and how many nodes were visited for it, but it stops once these are more than `most`.
    pub fn related_within(&self, id: ItemId, pattern: &str, most: u64) -> Result<(Vec<Link>, u64), Malformed> {
        references::related_within(self, id, pattern, most)
    }

    /// The items of a kind that have a field which refers to this item.
    pub fn referrers(&self, id: ItemId, kind: &str) -> Vec<Link> {
        references::referrers(self, id, kind)
    }

    /// The index behind [`related`](Self::related).
    pub(crate) fn resolver(&self) -> &Resolver {
        self.resolver.get_or_init(|| Resolver::new(self))
    }

    /// A cluster by its number; none for the files' own.
    pub fn cluster(&self, id: ClusterId) -> Option<&Cluster> {
        self.all_clusters.get(id.index()?)
    }

    fn value<'a>(&'a self, id: ItemId, item: &Item, step: Step<'a>, segments: &[Cow<'_, str>]) -> FieldValue<'a> {
        let here = |depth: usize| {
            let mut at = String::new();
            segments[..depth].iter().for_each(|segment| pointer::push(&mut at, segment));
            Some((id, at))
        };
        match step {
            Step::Absent => FieldValue::Absent,
            Step::Unknown(reason, _, depth) => FieldValue::Unknown(Unknown { reason, place: here(depth) }),
            Step::Key(key, _) => text_value(key, here(segments.len())),
            Step::Node(node) => match &node.value {
                Value::Null => FieldValue::Absent,
                Value::Flag(flag) => FieldValue::Flag(*flag),
                Value::Number(number) => FieldValue::Number(*number),
                Value::Text(text) if text.is_empty() && item.is_aws() => FieldValue::Absent,
                Value::Text(text) => text_value(text, here(segments.len())),
                Value::Unknown(reason) => {
                    FieldValue::Unknown(Unknown { reason: (**reason).clone(), place: here(segments.len()) })
                }
                Value::List(_) | Value::Map(_) => match node.first_unknown() {
                    Some((reason, _)) => FieldValue::Unknown(Unknown { reason, place: here(segments.len()) }),
                    None => FieldValue::Json(node.to_json().to_string()),
                },
            },
        }
    }

    /// Partition, region or account: of a Kubernetes object its cluster's.
    pub(crate) fn home<'a>(&'a self, item: &'a Item, fact: &str) -> Option<&'a Node> {
        let (partition, region, account) = match item.aws.as_deref() {
            Some(aws) => (&aws.partition, &aws.region, &aws.account),
            None => {
                let (partition, region, account) = self.homes.get(item.cluster.0 as usize)?;
                (partition, region, account)
            }
        };
        match fact {
            "partition" => partition.as_ref(),
            "region" => region.as_ref(),
            "account" => account.as_ref(),
            _ => None,
        }
    }

    fn fact<'a>(&'a self, id: ItemId, item: &'a Item, fact: &str) -> FieldValue<'a> {
        let aws = item.aws.as_deref();
        let place = || Some((id, String::new()));
        let told = |node: Option<&'a Node>| match node.map(|node| &node.value) {
            Some(Value::Text(text)) => text_value(text, place()),
            Some(Value::Unknown(reason)) => FieldValue::Unknown(Unknown { reason: (**reason).clone(), place: place() }),
            _ if aws.is_some() => FieldValue::Unknown(Unknown::new(
                Cause::NotProvided,
                Gathered::OfItem { fact: fact.into(), item: (&*item.name).into() },
            )),
            _ => FieldValue::Absent,
        };
        match fact {
            "kind" => FieldValue::Text(Cow::Borrowed(&item.kind)),
            "name" => FieldValue::Text(Cow::Borrowed(&item.name)),
            "namespace" => item
                .namespace
                .as_deref()
                .map_or(FieldValue::Absent, |namespace| FieldValue::Text(Cow::Borrowed(namespace))),
            "partition" | "account" | "region" => match self.home(item, fact) {
                None if aws.is_none() => FieldValue::Unknown(Unknown::new(
                    Cause::NotProvided,
                    Gathered::Location { fact: fact.into(), item: (&*item.name).into() },
                )),
                node => told(node),
            },
            "arn" => told(aws.and_then(|aws| aws.arn.as_ref())),
            "scope" => FieldValue::Json(serde_json::json!([self.name]).to_string()),
            "cluster" => FieldValue::Text(Cow::Owned(format!("cluster-{}", item.cluster.0))),
            "view" => FieldValue::Text(Cow::Borrowed(if item.source.observed() { "observed" } else { "declared" })),
            "read-at" => item.read_at.as_deref().map_or(FieldValue::Absent, |at| FieldValue::Text(Cow::Borrowed(at))),
            _ => FieldValue::Absent,
        }
    }

    pub(crate) fn text<'a>(&'a self, id: ItemId, pointer: &str) -> Result<Known<'a>, Malformed> {
        let Some(item) = self.item(id) else { return Ok(Known::No) };
        if let Some(fact) = pointer.strip_prefix('@') {
            let aws = item.aws.as_deref();
            let node = match fact {
                "partition" | "account" | "region" => self.home(item, fact),
                "arn" => aws.and_then(|aws| aws.arn.as_ref()),
                _ => None,
            };
            if let Some(Node { value: Value::Text(text), .. }) = node {
                return Ok(Known::Text(Cow::Borrowed(text)));
            }
            return Ok(match self.fact(id, item, fact) {
                FieldValue::Text(text) => Known::Text(Cow::Owned(text.into_owned().into())),
                FieldValue::Unknown(_) => Known::Unknown,
                _ => Known::No,
            });
        }
        let segments = pointer::segments(pointer)?;
        Ok(match pointer::follow(&item.body, &segments) {
            Step::Unknown(..) => Known::Unknown,
            Step::Key(key, _) => Known::Text(Cow::Borrowed(key)),
            Step::Node(node) => match &node.value {
                Value::Text(text) => Known::Text(Cow::Borrowed(text)),
                Value::Unknown(_) => Known::Unknown,
                _ => Known::No,
            },
            Step::Absent => Known::No,
        })
    }
}

pub(crate) enum Known<'a> {
    Text(Cow<'a, Text>),
    No,
    Unknown,
}

fn text_value(text: &Text, place: Option<(ItemId, String)>) -> FieldValue<'_> {
    match (text.known(), text.hole()) {
        (Some(text), _) => FieldValue::Text(Cow::Borrowed(text)),
        (None, Some(symbol)) => FieldValue::Unknown(Unknown { reason: symbol.reason.clone(), place }),
        (None, None) => FieldValue::Absent,
    }
}
