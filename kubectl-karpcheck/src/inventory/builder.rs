//! From what the readers found to an inventory: the same thing is joined, what follows is derived, all is numbered.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::cluster::{Cluster, ClusterLogin, Listing};
use crate::inventory::id::ItemId;
use crate::inventory::item::{AwsFacts, ClusterId, Document, Item, Origin, SourceKind, UnitPart};
use crate::inventory::location::{Location, endpoint, location_of};
use crate::inventory::lookup::LookupRecord;
use crate::inventory::node::{At, DocId, Node, Value};
use crate::inventory::problem::Problem;
use crate::inventory::remark::Remark;
use crate::inventory::repository::Repository;
use crate::inventory::stated::{Stated, StatedFact};
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
    clusters: Arc<Vec<Cluster>>,
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
    /// The part of it: see [`Item::part`].
    part: Option<UnitPart>,
    /// The roots of Terraform by the scope of their symbols.
    roots: BTreeMap<SymbolScope, Arc<str>>,
    /// Those of them that are files of overlays.
    overlays: BTreeSet<Arc<str>>,
    /// Where what was named on the command line is.
    repository: Repository,
    /// Folders that were named on the command line.
    given: Vec<std::path::PathBuf>,
    /// Folders whose objects a folder or an object of it takes in: an overlay its bases, a Kustomization of Flux its path.
    taken: Vec<folders::Taken<std::path::PathBuf>>,
    /// The clusters whose scope it is; all of them where it is not taken apart.
    own: Option<Vec<ClusterId>>,
    /// How a policy that stands as text is read.
    parse: Option<DocumentParser>,
    /// Comments that are meant for karpcheck.
    remarks: Vec<Remark>,
    /// Parameters of templates and variables of roots that were read, by name.
    declared: BTreeSet<String>,
    /// Fields that no reader maps, where they are asked for: source, type and path.
    unmapped: Option<BTreeSet<[String; 3]>>,
    /// Facts that were stated and that something here has from nowhere else.
    used: BTreeSet<StatedFact>,
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

    /// Where a fact is stated: a line of the configuration, else its flag.
    pub(crate) fn stated_at(&mut self, fact: StatedFact) -> At {
        match self.stated.places.get(&fact).cloned() {
            Some(place) => {
                let doc = self.document(Origin::Setting(place.file));
                At { doc, line: place.line, column: place.column }
            }
            None => At::whole(self.document(Origin::Flag(fact.flag()))),
        }
    }

    /// What is stated of a root of Terraform or an overlay, by the scope of its symbols.
    pub(crate) fn stated_of(&self, scope: SymbolScope) -> &Stated {
        self.roots.get(&scope).map_or(&self.stated, |path| self.stated.of_unit(path))
    }

    /// What is stated of the files of each scope, for another reading of them: a scope has no name before its files are read.
    pub(crate) fn state_of_units(&self, plans: &[ScopePlan]) -> BTreeMap<Arc<str>, Stated> {
        let mut of_units: BTreeMap<Arc<str>, Option<Stated>> = BTreeMap::new();
        for plan in plans {
            let own = self.stated.of_scope(&plan.name, &[], &BTreeSet::new());
            for unit in &plan.units {
                // What several scopes share has the facts on which they agree.
                let known = of_units.entry(unit.as_str().into()).or_insert_with(|| Some(own.clone()));
                if known.as_ref().is_some_and(|known| *known != own) {
                    *known = None;
                }
            }
        }
        of_units.into_iter().filter_map(|(unit, stated)| Some((unit, stated?))).collect()
    }

    /// States of single files and Terraform roots what [`state_of_units`](Self::state_of_units) gave.
    pub(crate) fn set_stated_of_units(&mut self, of_units: BTreeMap<Arc<str>, Stated>) {
        self.stated.of_units = of_units;
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
        Arc::make_mut(&mut self.clusters).push(Cluster {
            context: context.into(),
            server: server.into(),
            hints,
            within: false,
            recorded: false,
            uid: None,
            login: ClusterLogin::default(),
            listed: BTreeMap::new(),
        });
        #[expect(clippy::cast_possible_truncation, reason = "clusters are counted in tens")]
        ClusterId(self.clusters.len() as u32)
    }

    /// Says from where a cluster was asked: from within, where all have one address, and not in this run.
    pub fn set_asked(&mut self, cluster: ClusterId, within: bool, recorded: bool) {
        if let Some(cluster) = cluster.index().and_then(|index| Arc::make_mut(&mut self.clusters).get_mut(index)) {
            (cluster.within, cluster.recorded) = (within, recorded);
        }
    }

    /// Says what a cluster's identity is: the uid of its namespace kube-system.
    pub fn set_uid(&mut self, cluster: ClusterId, uid: Option<String>) {
        if let Some(cluster) = cluster.index().and_then(|index| Arc::make_mut(&mut self.clusters).get_mut(index)) {
            cluster.uid = uid;
        }
    }

    /// Says as whom, and where, a cluster's user asks AWS.
    pub fn set_login(&mut self, cluster: ClusterId, login: ClusterLogin) {
        if let Some(cluster) = cluster.index().and_then(|index| Arc::make_mut(&mut self.clusters).get_mut(index)) {
            cluster.login = login;
        }
    }

    /// Says that what is added from now on is part of the root whose symbols have this scope, until [`leave`](Self::leave).
    pub fn enter(&mut self, root: SymbolScope) {
        self.unit = self.roots.get(&root).cloned();
    }

    /// Says in which part of its root what is added from now on stands, until [`leave`](Self::leave).
    pub fn enter_part(&mut self, part: Option<UnitPart>) {
        self.part = part;
    }

    /// Says that what is added from now on is part of its file.
    pub fn leave(&mut self) {
        self.unit = None;
        self.part = None;
    }

    /// Where a document comes from.
    pub(crate) fn origin(&self, doc: DocId) -> &Origin {
        &self.documents[doc.0 as usize].origin
    }

    /// Do two contexts ask one cluster: by its uid, else by its API server's address?
    pub(crate) fn one_server(&self, one: ClusterId, other: ClusterId) -> bool {
        let of = |id: ClusterId| self.clusters.get(id.index()?);
        let (Some(one), Some(other)) = (of(one), of(other)) else { return false };
        match (&one.uid, &other.uid) {
            (Some(one), Some(other)) => one == other,
            _ => !one.within && !other.within && endpoint(&one.server) == endpoint(&other.server),
        }
    }

    /// The address of a cluster's API server, in one spelling. Contexts of one cluster have one, mostly.
    pub(crate) fn server_key(&self, cluster: ClusterId) -> String {
        cluster
            .index()
            .and_then(|index| self.clusters.get(index))
            .map(|cluster| endpoint(&cluster.server))
            .unwrap_or_default()
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
        if let Some(cluster) = cluster.index().and_then(|index| Arc::make_mut(&mut self.clusters).get_mut(index)) {
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
            part: self.part.clone(),
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

    /// Says that a template or root has parameters of these names.
    pub(crate) fn declare_parameters(&mut self, names: impl IntoIterator<Item = String>) {
        self.declared.extend(names);
    }

    /// Did anything that was read have a parameter of this name?
    pub fn has_parameter(&self, name: &str) -> bool {
        self.declared.contains(name)
    }

    /// Keeps the comments of a file that are meant for karpcheck.
    pub fn remarks(&mut self, doc: DocId, text: &str) {
        self.remarks.extend(Remark::all(doc, text));
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
        #[expect(clippy::cast_possible_truncation, reason = "clusters are counted in thousands")]
        let all = (1..=self.clusters.len() as u32).map(ClusterId);
        // Those of a scope are few, and those of a run may be many.
        let mut own: Vec<ClusterId> = self.own.clone().unwrap_or_else(|| all.collect());
        own.sort_unstable();
        own.into_iter().filter_map(|id| Some((id, self.clusters.get(id.index()?)?)))
    }

    pub(crate) fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// Fills in where AWS resources live, from what was stated and from what their clusters say of themselves. Gives
    /// where each cluster lives, by its number.
    fn settle_homes(&mut self) -> BTreeMap<ClusterId, Location> {
        self.settle_unique();
        let stated = |builder: &mut Self, fact: StatedFact| {
            let value = builder.stated.value(fact)?.to_owned();
            Some(Node::text(value, builder.stated_at(fact)))
        };
        let partition = stated(self, StatedFact::Partition);
        let region = stated(self, StatedFact::Region);
        let account = stated(self, StatedFact::Account);
        let own: Vec<ClusterId> =
            std::iter::once(ClusterId::FILES).chain(self.own_clusters().map(|(cluster, _)| cluster)).collect();
        let homes: BTreeMap<ClusterId, Location> = own
            .into_iter()
            .map(|cluster| {
                let (partition, mut region, mut account) = location_of(cluster, self.items.iter());
                if let Some((told_region, told_account)) = self.homes.get(&cluster) {
                    region = region.or_else(|| told_region.clone());
                    account = account.or_else(|| told_account.clone());
                }
                (cluster, (partition, region, account))
            })
            .collect();
        self.used = self.used_facts(&homes);
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
                let partition = region.as_str().and_then(partition_of);
                aws.partition = partition.map(|partition| Node::text(partition, region.at));
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
        homes
            .into_iter()
            .map(|(cluster, own)| {
                let files = |told: &Option<Node>| told.clone().filter(|_| cluster == ClusterId::FILES);
                let home = (
                    own.0.or_else(|| partition.clone()).or_else(|| files(&of_eks.0)),
                    own.1.or_else(|| region.clone()).or_else(|| files(&of_eks.1)),
                    own.2.or_else(|| account.clone()).or_else(|| files(&of_eks.2)),
                );
                (cluster, home)
            })
            .collect()
    }

    /// Which facts of place that were stated something here has from nowhere else. Readers have filled them in where a source
    /// leaves them open.
    fn used_facts(&self, homes: &BTreeMap<ClusterId, Location>) -> BTreeSet<StatedFact> {
        type OfItem = fn(&AwsFacts) -> &Option<Node>;
        type OfHome = fn(&Location) -> &Option<Node>;
        let facts: [(StatedFact, OfItem, OfHome); 3] = [
            (StatedFact::Partition, |aws| &aws.partition, |home| &home.0),
            (StatedFact::Region, |aws| &aws.region, |home| &home.1),
            (StatedFact::Account, |aws| &aws.account, |home| &home.2),
        ];
        let is_used = |(fact, of_item, of_home): &(StatedFact, OfItem, OfHome)| {
            let Some(stated) = self.stated.value(*fact) else { return false };
            let items = self.items.iter().filter_map(|item| of_item(item.aws.as_deref()?).as_ref()?.as_str());
            let said = homes.values().filter_map(|home| of_home(home).as_ref()?.as_str()).chain(items);
            let mut open = homes.iter().filter(|(_, home)| of_home(home).is_none()).map(|(cluster, _)| *cluster);
            said.clone().any(|said| said == stated)
                || (said.count() == 0 && open.any(|cluster| self.items.iter().any(|item| item.cluster == cluster)))
        };
        facts.into_iter().filter(is_used).map(|(fact, ..)| fact).collect()
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
