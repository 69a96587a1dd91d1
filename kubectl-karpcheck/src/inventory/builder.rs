//! From what the readers found to an inventory: the same thing is joined, what follows is derived, all is numbered.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::cluster::{Cluster, Listing};
use crate::inventory::id::ItemId;
use crate::inventory::item::{AwsFacts, ClusterId, Document, Item, Origin, SourceKind};
use crate::inventory::location::{Location, endpoint, location_of};
use crate::inventory::lookup::LookupRecord;
use crate::inventory::node::{At, DocId, Node, Value};
use crate::inventory::problem::Problem;
use crate::inventory::repository::Repository;
use crate::inventory::text::SymbolScope;
use crate::inventory::wording::Wording;
use crate::schema::aws::partition_of;

mod coerce;
mod folders;
mod fragments;
mod merge;
mod plans;

pub use coerce::DocumentParser;
pub use fragments::{Fragment, Selector};
pub use plans::{Derivation, ScopePlan};

/// Facts stated on the command line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stated {
    /// `--karpenter-version`, without a leading `v`.
    pub karpenter_version: Option<String>,
    /// The version that every controller is judged as, whatever it says itself: `--to` of `upgrade`, without a leading `v`.
    pub target: Option<String>,
    /// `--chart-version`, without a leading `v`.
    pub chart_version: Option<String>,
    /// `--cluster-name`.
    pub cluster_name: Option<String>,
    /// `--account`.
    pub account: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--partition`.
    pub partition: Option<String>,
}

impl Stated {
    /// The partition that was stated, or in which the stated region lies.
    pub fn known_partition(&self) -> Option<String> {
        self.partition.clone().or_else(|| self.region.as_deref().map(|region| partition_of(region).to_owned()))
    }
}

/// An item as a reader found it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// See [`Item::kind`].
    pub kind: Arc<str>,
    /// See [`Item::name`].
    pub name: Box<str>,
    /// See [`Item::namespace`].
    pub namespace: Option<Box<str>>,
    /// See [`Item::body`].
    pub body: Node,
    /// Whose word it is.
    pub source: SourceKind,
    /// The cluster that it belongs to.
    pub cluster: ClusterId,
    /// When it was observed.
    pub read_at: Option<Arc<str>>,
    /// Of an AWS resource.
    pub aws: Option<Box<AwsFacts>>,
}

impl Draft {
    /// A draft of a declared item that belongs to no cluster in particular.
    pub fn new(kind: impl Into<Arc<str>>, name: impl Into<Box<str>>, body: Node, source: SourceKind) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
            namespace: None,
            body,
            source,
            cluster: ClusterId::FILES,
            read_at: None,
            aws: None,
        }
    }

    /// Gives an AWS resource the values that the schema has, for readers that look at them. It is done when it is added.
    pub fn coerce(&mut self, parse: DocumentParser) {
        coerce::resource(&self.kind, &mut self.body, parse);
    }
}

/// Hands over the paths of fields, one by one.
pub(crate) type ListFields<'a> = &'a dyn Fn(&mut dyn FnMut(String));

/// Collects drafts and problems, and makes the inventory.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    stated: Stated,
    items: Vec<Item>,
    pub(crate) documents: Vec<Document>,
    clusters: Vec<Cluster>,
    pub(crate) problems: Vec<Problem>,
    unread: u64,
    templates: u32,
    /// Where clusters live, each with the region and account, and who says so.
    homes: BTreeMap<ClusterId, (Option<Node>, Option<Node>)>,
    told: Vec<LookupRecord>,
    /// Parts of resources, each with what it was read as part of.
    parts: Vec<(Option<Arc<str>>, Fragment)>,
    selectors: Vec<Selector>,
    /// What is being read is part of this, where that is not the file that it stands in: a root of Terraform.
    unit: Option<Arc<str>>,
    /// The roots of Terraform by the scope of their symbols.
    roots: BTreeMap<SymbolScope, Arc<str>>,
    /// Those of them that are files of overlays.
    overlays: BTreeSet<Arc<str>>,
    /// Where what was named on the command line is.
    repository: Repository,
    /// Folders that were named on the command line.
    given: Vec<std::path::PathBuf>,
    /// Folders whose objects a folder or an object of it takes in: an overlay its bases, a Kustomization of Flux its path.
    taken: Vec<(std::path::PathBuf, std::path::PathBuf)>,
    /// The clusters whose scope it is; all of them where it is not taken apart.
    own: Option<Vec<ClusterId>>,
    /// How a policy that stands as text is read.
    parse: Option<DocumentParser>,
    /// Fields that no reader maps, where they are asked for: source, type and path.
    unmapped: Option<BTreeSet<[String; 3]>>,
    wording: Wording,
}

impl Builder {
    /// A builder that knows what was stated.
    pub fn new(stated: Stated) -> Self {
        Self { stated, ..Self::default() }
    }

    /// Says how a document that stands as text is read. Until then it stays a text.
    pub const fn set_document_parser(&mut self, parse: DocumentParser) {
        self.parse = Some(parse);
    }

    /// The same builder, which words its problems in its own way.
    #[must_use]
    pub fn worded(self, wording: Wording) -> Self {
        Self { wording, ..self }
    }

    /// Keeps which fields of known types the readers leave out.
    pub fn keep_unmapped(&mut self) {
        self.unmapped = Some(BTreeSet::new());
    }

    /// The fields of known types that the readers left out: source, type and path.
    pub fn unmapped_fields(&self) -> impl Iterator<Item = &[String; 3]> {
        self.unmapped.iter().flatten()
    }

    /// Tells of fields that no reader maps, if they are asked for.
    pub(crate) fn unmapped(&mut self, source: &str, kind: &str, list: ListFields<'_>) {
        if let Some(all) = &mut self.unmapped {
            list(&mut |path| {
                all.insert([source.to_owned(), kind.to_owned(), path]);
            });
        }
    }

    fn parser(&self) -> DocumentParser {
        self.parse.unwrap_or(|node| node)
    }

    /// What was stated.
    pub const fn stated(&self) -> &Stated {
        &self.stated
    }

    /// Judges every controller as one of another version: what is built from here on is of that time.
    pub fn set_target_version(&mut self, target: &str) {
        self.stated.target = Some(target.to_owned());
    }

    /// Registers a document.
    pub fn document(&mut self, origin: Origin) -> DocId {
        #[expect(clippy::cast_possible_truncation, reason = "more documents than memory holds")]
        let id = DocId(self.documents.len() as u32);
        self.documents.push(Document { origin, in_repository: None });
        id
    }

    /// A scope of symbols for one template.
    pub const fn template(&mut self) -> SymbolScope {
        self.templates += 1;
        SymbolScope::Template(self.templates)
    }

    /// A scope of symbols for what is read as one: a root of Terraform, by its folder, or a plan, by its file.
    pub fn root(&mut self, path: &std::path::Path) -> SymbolScope {
        let scope = self.template();
        self.roots.insert(scope, Arc::from(path.to_string_lossy()));
        scope
    }

    /// A scope for what an overlay makes of objects that others have, too: it is a part of the overlay's file.
    pub fn overlay(&mut self, file: &std::path::Path) -> SymbolScope {
        let scope = self.root(file);
        self.overlays.extend(self.roots.get(&scope).cloned());
        scope
    }

    /// Is this the scope of an overlay?
    pub fn is_overlay(&self, scope: SymbolScope) -> bool {
        self.roots.get(&scope).is_some_and(|file| self.overlays.contains(file))
    }

    /// Is it an overlay's file that was read as one?
    pub(crate) fn is_overlay_file(&self, unit: &str) -> bool {
        self.overlays.contains(unit)
    }

    /// Registers a cluster that is asked.
    pub fn cluster(
        &mut self,
        context: impl Into<Arc<str>>,
        server: impl Into<Arc<str>>,
        hints: Vec<(String, String)>,
    ) -> ClusterId {
        self.clusters.push(Cluster { context: context.into(), server: server.into(), hints, listed: BTreeMap::new() });
        #[expect(clippy::cast_possible_truncation, reason = "clusters are counted in tens")]
        ClusterId(self.clusters.len() as u32)
    }

    /// Says that what is added from now on is part of the root whose symbols have this scope, until [`leave`](Self::leave).
    pub fn enter(&mut self, root: SymbolScope) {
        self.unit = self.roots.get(&root).cloned();
    }

    /// Says that what is added from now on is part of its file.
    pub fn leave(&mut self) {
        self.unit = None;
    }

    /// Where a document comes from.
    pub(crate) fn origin(&self, doc: DocId) -> &Origin {
        &self.documents[doc.0 as usize].origin
    }

    /// Do two contexts ask one API server?
    pub(crate) fn one_server(&self, one: ClusterId, other: ClusterId) -> bool {
        let server = |id: ClusterId| Some(&*self.clusters.get(id.index()?)?.server);
        server(one).is_some() && server(one).map(endpoint) == server(other).map(endpoint)
    }

    /// The kubeconfig context of a cluster that was asked.
    pub(crate) fn context(&self, id: ClusterId) -> Option<&str> {
        Some(&self.clusters.get(id.index()?)?.context)
    }

    /// Says where the AWS resources of a cluster live, where its objects do not: the first word counts.
    pub fn set_location(&mut self, cluster: ClusterId, region: Option<&str>, account: Option<&str>, origin: Origin) {
        let at = At::whole(self.document(origin));
        let home = self.homes.entry(cluster).or_default();
        let node = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(|text| Node::text(text, at));
        home.0 = home.0.take().or_else(|| node(region));
        home.1 = home.1.take().or_else(|| node(account));
    }

    /// Says how far a kind of a cluster was listed.
    pub fn listed(&mut self, cluster: ClusterId, kind: &str, listing: Listing) {
        if let Some(cluster) = cluster.index().and_then(|index| self.clusters.get_mut(index)) {
            cluster.listed.insert(kind.to_owned(), listing);
        }
    }

    /// Adds an item. The number serves to [`join`](Self::join) it; the inventory numbers anew.
    pub fn add(&mut self, draft: Draft) -> usize {
        let Draft { mut kind, name, namespace, mut body, source, cluster, read_at, aws } = draft;
        if aws.is_some() {
            if let Some(normal) = coerce::normal_kind(&kind, &mut body) {
                kind = normal.into();
            }
            coerce::resource(&kind, &mut body, self.parser());
        }
        self.items.push(Item {
            kind,
            name,
            namespace,
            body,
            source,
            cluster,
            read_at,
            aws,
            views: vec![],
            same: vec![],
            unit: self.unit.clone(),
        });
        self.items.len() - 1
    }

    /// How many items were added.
    pub(crate) const fn len(&self) -> usize {
        self.items.len()
    }

    /// Takes out of the first so many items those that stand in one of these documents: what was read once more as a part of
    /// something, which says more of it.
    pub(crate) fn supersede(&mut self, first: usize, documents: &HashSet<DocId>) {
        let goes = |(index, item): (usize, &Item)| index < first && documents.contains(&item.doc());
        let gone: Vec<bool> = self.items.iter().enumerate().map(goes).collect();
        if !gone.contains(&true) {
            return;
        }
        let mut left = 0;
        let numbers: Vec<Option<ItemId>> = gone
            .iter()
            .map(|gone| {
                left += u32::from(!gone);
                (!gone).then_some(ItemId(left))
            })
            .collect();
        let mut going = gone.iter();
        self.items.retain(|_| going.next() != Some(&true));
        for item in &mut self.items {
            let same = std::mem::take(&mut item.same);
            item.same = same.into_iter().filter_map(|id| numbers[id.0 as usize - 1]).collect();
        }
    }

    /// Says that two items are the same thing seen from two sides: an ACK object and the resource that it describes.
    pub fn join(&mut self, one: usize, other: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "items are counted in millions")]
        let id = |index: usize| ItemId(index as u32 + 1);
        self.items[one].same.push(id(other));
        self.items[other].same.push(id(one));
    }

    /// Says that something could not be read.
    pub fn problem(&mut self, problem: Problem) {
        self.problems.push(problem.worded(self.wording));
    }

    /// What AWS said of resources that are not among the items.
    pub fn record_lookup(&mut self, told: LookupRecord) {
        self.told.push(told);
    }

    /// Counts objects whose kinds no rule asked for.
    pub const fn skip(&mut self, objects: u64) {
        self.unread += objects;
    }

    /// Adds a part of a resource that was read as a thing of its own.
    pub fn add_fragment(&mut self, part: Fragment) {
        self.parts.push((self.unit.clone(), part));
    }

    /// Adds a choice by labels, to be resolved when everything was read.
    pub fn select(&mut self, selector: Selector) {
        if !self.selectors.contains(&selector) {
            self.selectors.push(selector);
        }
    }

    pub(crate) fn items_mut(&mut self) -> &mut [Item] {
        &mut self.items
    }

    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Is it of all that was gathered, and not of one scope among several?
    pub(crate) const fn is_whole(&self) -> bool {
        self.own.is_none()
    }

    /// The clusters that were asked for this scope, with their numbers.
    pub(crate) fn own_clusters(&self) -> impl Iterator<Item = (ClusterId, &Cluster)> {
        let own = |id: &ClusterId| self.own.as_ref().is_none_or(|own| own.contains(id));
        #[expect(clippy::cast_possible_truncation, reason = "clusters are counted in tens")]
        self.clusters
            .iter()
            .enumerate()
            .map(|(index, cluster)| (ClusterId(index as u32 + 1), cluster))
            .filter(move |(id, _)| own(id))
    }

    pub(crate) fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// Fills in where AWS resources live, from what was stated and from what their clusters say of themselves. Gives
    /// where each cluster lives, by its number.
    fn settle_homes(&mut self) -> Vec<Location> {
        self.settle_unique();
        let flag = |builder: &mut Self, value: &Option<String>, flag: &'static str| {
            value.as_ref().map(|value| {
                let doc = builder.document(Origin::Flag(flag));
                Node::text(value.as_str(), At::whole(doc))
            })
        };
        let stated = self.stated.clone();
        let partition = flag(self, &stated.partition, "--partition");
        let region = flag(self, &stated.region, "--region");
        let account = flag(self, &stated.account, "--account");
        let homes: HashMap<ClusterId, Location> = (0..=self.clusters.len())
            .map(|number| {
                #[expect(clippy::cast_possible_truncation, reason = "clusters are counted in tens")]
                let cluster = ClusterId(number as u32);
                let (partition, mut region, mut account) = location_of(cluster, self.items.iter());
                if let Some((told_region, told_account)) = self.homes.get(&cluster) {
                    region = region.or_else(|| told_region.clone());
                    account = account.or_else(|| told_account.clone());
                }
                (cluster, (partition, region, account))
            })
            .collect();
        for item in &mut self.items {
            let own = homes.get(&item.cluster);
            let Some(aws) = item.aws.as_deref_mut() else { continue };
            let fill = |field: &mut Option<Node>, of_cluster: Option<&Option<Node>>, stated: &Option<Node>| {
                if field.is_none() {
                    *field = of_cluster.cloned().flatten().or_else(|| stated.clone());
                }
            };
            fill(&mut aws.partition, own.map(|own| &own.0), &partition);
            fill(&mut aws.region, own.map(|own| &own.1), &region);
            fill(&mut aws.account, own.map(|own| &own.2), &account);
            if aws.partition.is_none()
                && let Some(region) = &aws.region
            {
                aws.partition = region.as_str().map(|name| Node::text(partition_of(name), region.at));
            }
            if aws.arn.is_none()
                && let Some(id) = &aws.id
            {
                let told = |node: &Option<Node>, name: &str| match node.as_ref().map(|node| &node.value) {
                    Some(Value::Text(text)) => text.clone(),
                    _ => arn::unstated(name),
                };
                let home = AccountRegion {
                    partition: told(&aws.partition, arn::PARTITION),
                    region: told(&aws.region, arn::REGION),
                    account: told(&aws.account, arn::ACCOUNT),
                };
                let property = |name: &str| item.body.member(name).map(|node| node.value.clone());
                aws.arn = arn::resource_id(&item.kind, id, &property)
                    .and_then(|id| arn::compose(&item.kind, &home, &id))
                    .map(|arn| Node::text(arn, item.body.at));
            }
        }
        let eks = |fact: fn(&AwsFacts) -> Option<&Node>| self.of_eks(fact);
        let of_eks =
            (eks(|aws| aws.partition.as_ref()), eks(|aws| aws.region.as_ref()), eks(|aws| aws.account.as_ref()));
        let mut all: Vec<(ClusterId, Location)> = homes.into_iter().collect();
        all.sort_unstable_by_key(|(cluster, _)| *cluster);
        all.into_iter()
            .map(|(cluster, own)| {
                let files = |told: &Option<Node>| told.clone().filter(|_| cluster == ClusterId::FILES);
                (
                    own.0.or_else(|| partition.clone()).or_else(|| files(&of_eks.0)),
                    own.1.or_else(|| region.clone()).or_else(|| files(&of_eks.1)),
                    own.2.or_else(|| account.clone()).or_else(|| files(&of_eks.2)),
                )
            })
            .collect()
    }

    /// What all EKS clusters that were read say of where they are, if they say one thing.
    fn of_eks(&self, fact: fn(&AwsFacts) -> Option<&Node>) -> Option<Node> {
        let clusters = self.items.iter().filter(|item| &*item.kind == "AWS::EKS::Cluster");
        let mut told = clusters.map(|item| item.aws.as_deref().and_then(fact));
        let first = told.next()??;
        let agree =
            first.as_str().is_some() && told.all(|other| other.is_some_and(|other| other.as_str() == first.as_str()));
        agree.then(|| first.clone())
    }
}
