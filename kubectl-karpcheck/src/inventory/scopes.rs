//! The inventory of a run: its scopes, side by side. Each answers within itself; what several clusters share is asked here.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use crate::inventory::answer::{Field, FieldValue, Known, Link, Seen, Unknown};
use crate::inventory::cluster::{Cluster, short_name};
use crate::inventory::id::ItemId;
use crate::inventory::item::{ClusterId, Document, Item};
use crate::inventory::node::{At, DocId, Node};
use crate::inventory::peers::index::Indexes;
use crate::inventory::pointer::Malformed;
use crate::inventory::problem::Problem;
use crate::inventory::remark::Remark;
use crate::inventory::repository::Repository;
use crate::inventory::scope::Scope;
use crate::inventory::stated::StatedFact;
use crate::inventory::ternary::Ternary;
use crate::schema::pattern::glob;

/// Everything that was gathered. An item's number is its own in the whole run, and belongs to one scope.
#[derive(Debug)]
pub struct Inventory {
    pub(crate) scopes: Vec<Scope>,
    pub(crate) documents: Vec<Document>,
    pub(crate) clusters: Arc<Vec<Cluster>>,
    pub(crate) problems: Vec<Problem>,
    /// Where the files are that were named.
    pub(crate) repository: Repository,
    /// Comments of files that are meant for karpcheck.
    pub(crate) remarks: Vec<Remark>,
    /// Objects of kinds that no rule asked for.
    pub(crate) unread: u64,
    /// Facts that were stated and that some scope has from nowhere else.
    pub(crate) used: BTreeSet<StatedFact>,
    /// What fields hold, made when first asked for.
    pub(crate) peers: Mutex<Indexes>,
    /// How many contexts have each short name, made when first asked for.
    short_names: OnceLock<HashMap<String, usize>>,
}

impl Inventory {
    /// One without scopes.
    pub(crate) fn new(clusters: Arc<Vec<Cluster>>, unread: u64) -> Self {
        let (scopes, documents, problems, remarks) = (vec![], vec![], vec![], vec![]);
        let repository = Repository::default();
        Self {
            scopes,
            documents,
            clusters,
            problems,
            repository,
            remarks,
            unread,
            used: BTreeSet::new(),
            peers: Mutex::default(),
            short_names: OnceLock::new(),
        }
    }

    /// Is what two scopes have one thing that they share? What roots, overlays and calls make of one text is several.
    pub(crate) fn is_one_thing(one: &Item, other: &Item) -> bool {
        one.at() == other.at() && one.unit == other.unit && one.body.to_json() == other.body.to_json()
    }

    /// Where the files are that were named.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Comments of files that are meant for karpcheck.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The scopes, in their order.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Chooses the scopes that are to be judged, by their names; `*` and `?` stand for any characters.
    ///
    /// # Errors
    /// The first pattern that fits none.
    pub fn choose(&mut self, patterns: &[String]) -> Result<(), String> {
        if patterns.is_empty() {
            return Ok(());
        }
        if let Some(none) = patterns.iter().find(|pattern| !self.scopes.iter().any(|scope| glob(pattern, &scope.name)))
        {
            return Err(none.clone());
        }
        for scope in &mut self.scopes {
            scope.chosen = patterns.iter().any(|pattern| glob(pattern, &scope.name));
        }
        Ok(())
    }

    /// Chooses the scopes that another inventory of the same sources has chosen.
    pub fn choose_like(&mut self, other: &Self) {
        for scope in &mut self.scopes {
            scope.chosen = other.scopes.iter().find(|one| one.name == scope.name).is_none_or(|one| one.chosen);
        }
    }

    /// The first scope: there is one even where nothing was gathered.
    ///
    /// # Panics
    /// Never for one that was built.
    pub fn first(&self) -> &Scope {
        &self.scopes[0]
    }

    /// The scope that an item belongs to.
    pub fn scope(&self, id: ItemId) -> Option<&Scope> {
        let after = self.scopes.partition_point(|scope| scope.before < id.0);
        self.scopes.get(after.checked_sub(1)?)
    }

    /// All items, in their order.
    pub fn items(&self) -> impl Iterator<Item = (ItemId, &Item)> {
        self.scopes.iter().flat_map(Scope::items)
    }

    /// An item by its number.
    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.scope(id)?.item(id)
    }

    /// A document.
    pub fn document(&self, id: DocId) -> &Document {
        &self.documents[id.0 as usize]
    }

    /// What could not be read.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The clusters that were asked.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// How many contexts have this [short name](short_name).
    pub fn contexts_called(&self, short: &str) -> usize {
        let names = self.short_names.get_or_init(|| {
            let mut names: HashMap<String, usize> = HashMap::new();
            for cluster in self.clusters.iter() {
                *names.entry(short_name(&cluster.context).to_owned()).or_default() += 1;
            }
            names
        });
        names.get(short).copied().unwrap_or_default()
    }

    /// A cluster by its number; none for the files' own.
    pub fn cluster(&self, id: ClusterId) -> Option<&Cluster> {
        self.clusters.get(id.index()?)
    }

    /// How many objects were read whose kinds no rule asked for.
    pub const fn unread(&self) -> u64 {
        self.unread
    }

    /// All kinds that there are items of, each once.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().flat_map(Scope::kinds).collect::<std::collections::BTreeSet<_>>().into_iter()
    }

    /// The items of a kind, or of all kinds that a pattern such as `*.services.k8s.aws/*` stands for, in all scopes.
    pub fn of_kind(&self, kind: &str) -> Vec<ItemId> {
        self.scopes.iter().flat_map(|scope| scope.of_kind(kind)).collect()
    }

    /// Why some items of a kind may be missing in some scope.
    pub fn missing(&self, kind: &str) -> Option<Unknown> {
        self.scopes.iter().filter_map(|scope| scope.missing(kind)).min_by_key(|unknown| unknown.reason.cause)
    }

    /// See [`Scope::get`].
    ///
    /// # Errors
    /// The pointer is none.
    pub fn get(&self, id: ItemId, pointer: &str) -> Result<FieldValue<'_>, Malformed> {
        match self.scope(id) {
            Some(scope) if pointer == "@elsewhere" => Ok(FieldValue::Flag(self.has_peers_elsewhere(scope, id))),
            Some(scope) => scope.get(id, pointer),
            None => Ok(FieldValue::Absent),
        }
    }

    /// Do other scopes of its world have items of an item's kind?
    fn has_peers_elsewhere(&self, own: &Scope, id: ItemId) -> bool {
        let Some(item) = own.item(id) else { return false };
        self.scopes.iter().any(|other| {
            other.world == own.world && !std::ptr::eq(other, own) && other.by_kind.contains_key(&item.kind)
        })
    }

    /// See [`Scope::open`].
    ///
    /// # Errors
    /// The pointer is none.
    pub fn open(&self, id: ItemId, pointer: &str) -> Result<Option<Unknown>, Malformed> {
        self.scope(id).map_or(Ok(None), |scope| scope.open(id, pointer))
    }

    /// See [`Scope::node`].
    pub fn node(&self, id: ItemId, pointer: &str) -> Option<&Node> {
        self.scope(id)?.node(id, pointer)
    }

    /// See [`Scope::place`].
    pub fn place(&self, id: ItemId, pointer: &str) -> Option<At> {
        self.scope(id)?.place(id, pointer)
    }

    /// See [`Scope::views`].
    ///
    /// # Errors
    /// The pointer is none.
    pub fn views(&self, id: ItemId, pointer: &str) -> Result<Vec<Seen<'_>>, Malformed> {
        self.scope(id).map_or(Ok(vec![]), |scope| scope.views(id, pointer))
    }

    /// See [`Scope::matches`].
    ///
    /// # Errors
    /// The pointer is none.
    pub fn matches(&self, id: ItemId, pointer: &str, pattern: &str) -> Result<Ternary, Malformed> {
        self.scope(id).map_or(Ok(Ternary::No), |scope| scope.matches(id, pointer, pattern))
    }

    /// Do two fields hold the same? Their items may be of different scopes.
    ///
    /// # Errors
    /// A pointer is none.
    pub fn same(&self, id: ItemId, pointer: &str, other: ItemId, other_pointer: &str) -> Result<Ternary, Malformed> {
        Ok(match (self.text(id, pointer)?, self.text(other, other_pointer)?) {
            (Known::Text(one), Known::Text(other)) => one.same(&other),
            (Known::Unknown, _) | (_, Known::Unknown) => Ternary::Unknown,
            _ => match (self.get(id, pointer)?, self.get(other, other_pointer)?) {
                (FieldValue::Unknown(_), _) | (_, FieldValue::Unknown(_)) => Ternary::Unknown,
                (one, other) if one == other => Ternary::Yes,
                _ => Ternary::No,
            },
        })
    }

    fn text<'a>(&'a self, id: ItemId, pointer: &str) -> Result<Known<'a>, Malformed> {
        self.scope(id).map_or(Ok(Known::No), |scope| scope.text(id, pointer))
    }

    /// See [`Scope::find`].
    ///
    /// # Errors
    /// The pattern is none.
    pub fn find(&self, id: ItemId, pattern: &str) -> Result<(Vec<Field<'_>>, u64), Malformed> {
        self.find_within(id, pattern, u64::MAX)
    }

    /// See [`Scope::find_within`].
    ///
    /// # Errors
    /// The pattern is none.
    pub fn find_within(&self, id: ItemId, pattern: &str, most: u64) -> Result<(Vec<Field<'_>>, u64), Malformed> {
        self.scope(id).map_or(Ok((vec![], 1)), |scope| scope.find_within(id, pattern, most))
    }

    /// See [`Scope::related`].
    ///
    /// # Errors
    /// The pattern is none.
    pub fn related(&self, id: ItemId, pattern: &str) -> Result<Vec<Link>, Malformed> {
        self.related_within(id, pattern, u64::MAX).map(|(links, _)| links)
    }

    /// See [`Scope::related_within`].
    ///
    /// # Errors
    /// The pattern is none.
    pub fn related_within(&self, id: ItemId, pattern: &str, most: u64) -> Result<(Vec<Link>, u64), Malformed> {
        self.scope(id).map_or(Ok((vec![], 1)), |scope| scope.related_within(id, pattern, most))
    }

    /// See [`Scope::referrers`].
    pub fn referrers(&self, id: ItemId, kind: &str) -> Vec<Link> {
        self.scope(id).map_or_else(Vec::new, |scope| scope.referrers(id, kind))
    }
}
