//! From what the readers found to an inventory: the same thing is joined, what follows is derived, all is numbered.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

use crate::inventory::absence::LookupRecord;
use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::item::{AwsFacts, ClusterId, Document, Item, ItemId, Origin, SourceKind, View};
use crate::inventory::location::{Location, location_of};
use crate::inventory::node::{At, DocId, Map, Node, Value};
use crate::inventory::problem::Problem;
use crate::inventory::query::{Cluster, Listing, Scope};
use crate::inventory::reason::Cause;
use crate::inventory::scopes::{Derivation, Inventory, Relations};
use crate::inventory::text::SymbolScope;
use crate::schema::aws::{Unique, partition_of};
use crate::schema::{aws, kinds};

mod coerce;
mod fragments;

pub use coerce::DocumentParser;
pub use fragments::{Fragment, Selector};

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

/// What of a builder makes one scope.
#[derive(Clone, Debug, Default)]
pub struct ScopePlan {
    /// What the scope is called: unique in a run.
    pub name: String,
    /// Its items, by their place in the builder, in order. An item may be of several scopes.
    pub items: Vec<usize>,
    /// Which scopes it is compared with: those of the same world. What is deployed is one, each example another.
    pub world: u32,
    /// Does its controller leave open what its cluster is called? A name that is stated is meant for it.
    pub nameless: bool,
    /// The clusters that were asked for it.
    pub clusters: Vec<ClusterId>,
    /// What its items were read as parts of: files and roots.
    pub units: Vec<String>,
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
        self.documents.push(Document { origin });
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

    /// Says that a folder was named on the command line: what lies in it is told apart by where in it.
    pub fn given(&mut self, folder: &std::path::Path) {
        self.given.push(folder.to_owned());
    }

    /// Says that what lies in a folder takes in what lies in another one: an overlay its bases, an Application its path.
    pub fn takes_in(&mut self, folder: &std::path::Path, other: &std::path::Path) {
        self.taken.push((plain(folder), plain(other)));
    }

    /// The folders that take others in, with these, by their names from what was named on.
    pub(crate) fn taken(&self) -> impl Iterator<Item = (Vec<String>, Vec<String>)> {
        let names = |path: &std::path::Path| self.folder(&path.to_string_lossy(), true);
        self.taken.iter().map(move |(folder, other)| (names(folder), names(other)))
    }

    /// The names of the folders from what was named on to a file or, of a root, to itself. What was named as a file lies in
    /// no folder.
    pub(crate) fn folder(&self, path: &str, is_root: bool) -> Vec<String> {
        let path = std::path::Path::new(path);
        let Some((number, given)) = self
            .given
            .iter()
            .enumerate()
            .filter(|(_, given)| path.starts_with(given))
            .max_by_key(|(_, given)| given.components().count())
        else {
            return vec![];
        };
        let inside = path.strip_prefix(given).unwrap_or(path);
        let folder = if is_root { Some(inside) } else { inside.parent() };
        // Folders named side by side are told apart by their number: their names may be the same.
        let before = (self.given.len() > 1).then(|| number.to_string());
        let names = folder.into_iter().flat_map(std::path::Path::components);
        before.into_iter().chain(names.map(|name| name.as_os_str().to_string_lossy().into_owned())).collect()
    }

    /// A path as it goes on from the folder that was named, where that is one.
    pub(crate) fn shown(&self, path: &str) -> String {
        match self.given.as_slice() {
            [one] => std::path::Path::new(path)
                .strip_prefix(one)
                .map_or(path, |rest| rest.to_str().unwrap_or(path))
                .to_owned(),
            _ => path.to_owned(),
        }
    }

    /// Where a document comes from.
    pub(crate) fn origin(&self, doc: DocId) -> &Origin {
        &self.documents[doc.0 as usize].origin
    }

    /// Do two contexts ask one API server?
    pub(crate) fn one_server(&self, one: ClusterId, other: ClusterId) -> bool {
        let server = |id: ClusterId| Some(&*self.clusters.get((id.0 as usize).checked_sub(1)?)?.server);
        let one = server(one).map(|url| url.trim_end_matches('/'));
        let other = server(other).map(|url| url.trim_end_matches('/'));
        matches!((one, other), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
    }

    /// The kubeconfig context of a cluster that was asked.
    pub(crate) fn context(&self, id: ClusterId) -> Option<&str> {
        Some(&self.clusters.get((id.0 as usize).checked_sub(1)?)?.context)
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
        if let Some(cluster) = (cluster.0 as usize).checked_sub(1).and_then(|index| self.clusters.get_mut(index)) {
            cluster.listed.insert(kind.to_owned(), listing);
        }
    }

    /// Adds an item. The number serves to [`join`](Self::join) it; the inventory numbers anew.
    pub fn add(&mut self, draft: Draft) -> usize {
        let Draft { kind, name, namespace, mut body, source, cluster, read_at, aws } = draft;
        if aws.is_some() {
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
        self.problems.push(problem);
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

    /// The inventory, in which everything is of one scope.
    pub fn build(mut self, derivation: Derivation) -> Inventory {
        let (documents, problems, unread) =
            (std::mem::take(&mut self.documents), std::mem::take(&mut self.problems), self.unread);
        let mut whole = Inventory::new(self.clusters.clone(), unread, derivation);
        whole.documents = documents;
        whole.problems = problems;
        whole.add(self, "files");
        whole
    }

    /// The inventory, taken apart into scopes. Without a plan everything is of one.
    pub fn build_scopes(mut self, plans: Vec<ScopePlan>, derivation: Derivation) -> Inventory {
        if plans.is_empty() {
            return self.build(derivation);
        }
        let (documents, problems) = (std::mem::take(&mut self.documents), std::mem::take(&mut self.problems));
        let mut whole = Inventory::new(self.clusters.clone(), self.unread, derivation);
        (whole.documents, whole.problems) = (documents, problems);
        if let [only] = plans.as_slice()
            && only.items.len() == self.items.len()
        {
            whole.add(self, &only.name);
            return whole;
        }
        let mut left: Vec<usize> = vec![0; self.items.len()];
        plans.iter().flat_map(|plan| &plan.items).for_each(|item| left[*item] += 1);
        let mut items: Vec<Option<Item>> = std::mem::take(&mut self.items).into_iter().map(Some).collect();
        for plan in plans {
            let numbers: HashMap<usize, u32> = plan.items.iter().copied().zip(0..).collect();
            let mut part = Self {
                stated: Stated {
                    cluster_name: self.stated.cluster_name.clone().filter(|_| plan.nameless),
                    ..self.stated.clone()
                },
                clusters: self.clusters.clone(),
                homes: self.homes.clone(),
                told: self.told.clone(),
                selectors: self.selectors.clone(),
                own: Some(plan.clusters.clone()),
                parse: self.parse,
                ..Self::default()
            };
            for index in &plan.items {
                left[*index] -= 1;
                let item = if left[*index] == 0 { items[*index].take() } else { items[*index].clone() };
                let Some(mut item) = item else { continue };
                item.same = item
                    .same
                    .iter()
                    .filter_map(|same| numbers.get(&(same.0 as usize - 1)).map(|number| ItemId(number + 1)))
                    .collect();
                part.items.push(item);
            }
            let of = |unit: &Option<Arc<str>>, fragment: &Fragment| {
                let unit = match unit {
                    Some(unit) => unit.to_string(),
                    None => match &whole.documents[fragment.whole.at.doc.0 as usize].origin {
                        Origin::File(path) => path.to_string(),
                        // What AWS answered is about what it names, wherever that is.
                        Origin::Live(_) | Origin::Flag(_) | Origin::Aws(_) => return true,
                    },
                };
                plan.units.contains(&unit)
            };
            part.parts = self.parts.iter().filter(|(unit, fragment)| of(unit, fragment)).cloned().collect();
            whole.add(part, &plan.name);
            if let Some(scope) = whole.scopes.last_mut() {
                scope.nameless = plan.nameless;
                scope.world = plan.world;
            }
        }
        whole
    }

    /// What it holds as one scope. Its documents and problems stay with it, and more may come to them.
    pub(crate) fn scope(&mut self, name: &str, before: u32, derive: fn(&mut Self)) -> Scope {
        self.settle_selectors();
        self.fold_parts();
        let homes = self.settle_homes();
        self.settle_references();
        self.merge();
        self.join_manifests();
        derive(self);
        let mut items = std::mem::take(&mut self.items);
        let mut by_kind: BTreeMap<Arc<str>, Vec<ItemId>> = BTreeMap::new();
        for (number, item) in (before + 1..).zip(&mut items) {
            by_kind.entry(Arc::clone(&item.kind)).or_default().push(ItemId(number));
            for same in &mut item.same {
                same.0 += before;
            }
        }
        Scope {
            name: name.to_owned(),
            chosen: true,
            nameless: false,
            world: 0,
            before,
            items,
            by_kind,
            clusters: self.own_clusters().map(|(_, cluster)| cluster.clone()).collect(),
            all_clusters: std::mem::take(&mut self.clusters),
            homes,
            told: std::mem::take(&mut self.told),
            relations: Relations::new(),
            resolver: OnceLock::new(),
            referrers: Mutex::default(),
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

    /// Joins AWS resources that are one: the same ARN, known as a whole, or objects of one cluster with one address.
    fn merge(&mut self) {
        let mut first: HashMap<(Arc<str>, SameAs), usize> = HashMap::new();
        let mut into: Vec<Option<usize>> = vec![None; self.items.len()];
        for (index, item) in self.items.iter().enumerate() {
            let Some(aws) = item.aws.as_deref() else { continue };
            let arn = aws.arn.as_ref().and_then(Node::as_str).map(|arn| SameAs::Arn(arn.to_owned()));
            // A manifest and its live object describe one resource.
            let object = aws
                .logical
                .iter()
                .find(|logical| matches!(logical.scope, SymbolScope::Cluster(_)) && !logical.id.contains(['$', '{']))
                .map(|logical| SameAs::Object(Arc::clone(&logical.id)));
            // A plan, a state and the module that they are of have one scope, in which an address is one resource.
            let addresses = aws.logical.iter().filter_map(|logical| match logical.scope {
                SymbolScope::Template(number) => Some(SameAs::Address(number, Arc::clone(&logical.id))),
                _ => None,
            });
            let keys: Vec<(Arc<str>, SameAs)> = arn
                .into_iter()
                .chain(object)
                .chain(addresses)
                .chain(unique(item))
                .map(|key| (Arc::clone(&item.kind), key))
                .collect();
            let known = |item: &Item| item.aws.as_ref().and_then(|aws| aws.id.as_ref()?.known().map(str::to_owned));
            let differs =
                |earlier: usize| matches!((known(item), known(&self.items[earlier])), (Some(a), Some(b)) if a != b);
            // An answer from another account or region says its ARN, and is about something else.
            let elsewhere = |earlier: usize| {
                let arn =
                    |item: &'_ Item| item.aws.as_ref().and_then(|aws| aws.arn.as_ref()?.as_str().map(str::to_owned));
                matches!((arn(item), arn(&self.items[earlier])), (Some(one), Some(other)) if one != other)
            };
            let same = keys.iter().find_map(|key| {
                let fits = |earlier: usize| match &key.1 {
                    SameAs::Address(..) => !differs(earlier),
                    SameAs::Id(_) => !elsewhere(earlier),
                    SameAs::Arn(_) | SameAs::Object(_) | SameAs::InAccount(..) | SameAs::InRegion(..) => true,
                };
                first.get(key).copied().filter(|earlier| fits(*earlier))
            });
            match same {
                Some(earlier) => {
                    into[index] = Some(earlier);
                    for key in keys {
                        first.entry(key).or_insert(earlier);
                    }
                }
                None => {
                    for key in keys {
                        first.insert(key, index);
                    }
                }
            }
        }
        if into.iter().all(Option::is_none) {
            return;
        }
        for (index, target) in into.iter().enumerate() {
            if let Some(target) = *target {
                let item = self.items[index].clone();
                absorb(&mut self.items[target], item);
            }
        }
        // Numbers anew.
        let mut number = 0;
        let numbers: Vec<u32> = into
            .iter()
            .map(|into| {
                if into.is_none() {
                    number += 1;
                }
                number
            })
            .collect();
        let renumber = |old: ItemId| {
            let index = old.0 as usize - 1;
            ItemId(numbers[into[index].unwrap_or(index)])
        };
        let mut index = 0;
        self.items.retain(|_| {
            index += 1;
            into[index - 1].is_none()
        });
        for item in &mut self.items {
            item.same = item.same.iter().map(|same| renumber(*same)).collect();
            item.same.sort_unstable();
            item.same.dedup();
        }
    }

    /// A manifest and its live object are two items, joined.
    fn join_manifests(&mut self) {
        let mut live: HashMap<(Arc<str>, String, Box<str>), Vec<usize>> = HashMap::new();
        let identity = |item: &Item| {
            let namespace = item.namespace.as_deref().unwrap_or_default().to_owned();
            (Arc::clone(&item.kind), namespace, item.name.clone())
        };
        for (index, item) in self.items.iter().enumerate() {
            if item.aws.is_none() && item.source.observed() {
                live.entry(identity(item)).or_default().push(index);
            }
        }
        if live.is_empty() {
            return;
        }
        let mut pairs = vec![];
        for (index, item) in self.items.iter().enumerate() {
            if item.aws.is_some() || item.source.observed() || !kinds::is_kubernetes(&item.kind) {
                continue;
            }
            let mut wanted = identity(item);
            let found = live.get(&wanted).or_else(|| {
                // A manifest without a namespace goes to the default one, or to the one that kubectl is told.
                wanted.1 = "default".into();
                item.namespace.is_none().then(|| live.get(&wanted)).flatten()
            });
            if let Some([one]) = found.map(Vec::as_slice) {
                pairs.push((index, *one));
            }
        }
        for (manifest, live) in pairs {
            self.join(manifest, live);
        }
    }
}

/// What two items of one kind have in common that are one resource.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum SameAs {
    /// A whole ARN.
    Arn(String),
    /// The object that describes it, by its address in the cluster.
    Object(Arc<str>),
    /// Its address in a template, by the template's number.
    Address(u32, Arc<str>),
    /// An id that is unique everywhere.
    Id(String),
    /// Account and name.
    InAccount(String, String),
    /// Account, region and id; empty where not known.
    InRegion(String, String, String),
}

/// A name that no two resources of this kind have, as the schema says where: anywhere, in an account, in a region of it.
fn unique(item: &Item) -> Option<SameAs> {
    let facts = item.aws.as_deref()?;
    let id = facts.id.as_ref()?.known()?;
    match aws::of(&item.kind)?.unique {
        Unique::ByArn => None,
        Unique::Everywhere => (id.len() == 36 && !id.starts_with("mrk-")).then(|| SameAs::Id(id.to_owned())),
        Unique::InAccount => {
            let account = facts.account.as_ref()?.as_str()?;
            Some(SameAs::InAccount(account.to_owned(), id.rsplit('/').next()?.to_owned()))
        }
        // An inline policy, whose id is its role's name and its own; the defaults of an account in a region.
        Unique::InRegion => {
            let known = |node: &Option<Node>| node.as_ref().and_then(Node::as_str).unwrap_or_default().to_owned();
            Some(SameAs::InRegion(known(&facts.account), known(&facts.region), id.to_owned()))
        }
    }
}

/// How little is known: a weaker source's word replaces one of which less is known.
fn ignorance(node: &Node) -> u8 {
    match &node.value {
        // That it was refused or failed is to be told before that nobody gave it.
        Value::Unknown(reason) if reason.cause == Cause::NotProvided => 3,
        Value::Unknown(_) => 2,
        _ => u8::from(node.first_unknown().is_some()),
    }
}

/// Adds another source's word on the same resource: per field, the strongest word counts.
fn absorb(item: &mut Item, other: Item) {
    if item.views.is_empty() {
        item.views.push(View { source: item.source, read_at: item.read_at.clone(), body: item.body.clone() });
    }
    item.views.push(View { source: other.source, read_at: other.read_at.clone(), body: other.body });
    // Of two answers to one question the later one counts; a time that nobody told is the earliest.
    item.views.sort_by(|one, other| one.source.cmp(&other.source).then_with(|| other.read_at.cmp(&one.read_at)));
    let (mut merged, mut whole, mut part) = (Map::default(), false, None);
    for view in &item.views {
        let Value::Map(map) = &view.body.value else { continue };
        for (key, node) in &map.entries {
            match merged.entries.iter_mut().find(|(old, _)| old == key) {
                // A weaker source that knows fills in what a stronger one cannot tell.
                Some((_, old)) if ignorance(node) < ignorance(old) => *old = node.clone(),
                Some(_) => {}
                None => merged.entries.push((key.clone(), node.clone())),
            }
        }
        match &map.more {
            // It tells of a part of the resource only, and another source tells of the whole.
            Some(more) if more.cause == Cause::NotProvided => part = part.or_else(|| Some(more.clone())),
            Some(more) => merged.more = merged.more.or_else(|| Some(more.clone())),
            None => whole = true,
        }
    }
    if !whole && merged.more.is_none() {
        merged.more = part;
    }
    let strongest = &item.views[0];
    item.source = strongest.source;
    item.body = Node::new(Value::Map(merged), strongest.body.at);
    item.same.extend(other.same);
    item.read_at = item.views[0].read_at.clone().or_else(|| item.views.iter().find_map(|view| view.read_at.clone()));
    if let (Some(own), Some(other)) = (item.aws.as_deref_mut(), other.aws) {
        let wholly = |node: &Option<Node>| node.as_ref().and_then(Node::as_str).is_some();
        for (own, other) in [
            (&mut own.partition, other.partition),
            (&mut own.account, other.account),
            (&mut own.region, other.region),
            (&mut own.arn, other.arn),
        ] {
            // Who knows of a role no more than its name does not know its path.
            let longer = |one: &Option<Node>| one.as_ref().and_then(Node::as_str).map_or(0, str::len);
            if (!wholly(own) && other.is_some()) || (wholly(&other) && longer(&other) > longer(own)) {
                *own = other;
            }
        }
        own.id = own.id.take().or(other.id);
        for logical in other.logical {
            if !own.logical.contains(&logical) {
                own.logical.push(logical);
            }
        }
    }
}

/// A path without `.` and `..` where these can be resolved by name.
fn plain(path: &std::path::Path) -> std::path::PathBuf {
    use std::path::Component;
    let mut plain = std::path::PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            // The working directory is what a relative path begins at anyway; a leading one is how it was named.
            Component::CurDir if !plain.as_os_str().is_empty() => {}
            part => plain.push(part),
        }
    }
    plain
}
