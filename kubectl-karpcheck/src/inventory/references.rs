//! Who refers to whom: resolved once, for all rules and all sources.
//!
//! A reference is a field. What it may hold depends on its target (a key is named by id, ARN, alias or alias ARN), so
//! targets have resolvers and the fields that refer stand in the schema.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::inventory::answer::{Answered, Found, Link, Unknown};
use crate::inventory::arn;
use crate::inventory::cluster::{Cluster, Listing};
use crate::inventory::id::ItemId;
use crate::inventory::item::{ClusterId, Item, Logical};
use crate::inventory::node::{Map, Node, Value};
use crate::inventory::pointer;
use crate::inventory::pointer::{Malformed, Step};
use crate::inventory::reason::{Cause, Gap, Gathered, Reason, Terraform};
use crate::inventory::references::index::{Referrers, Resolver};
use crate::inventory::scope::Scope;
use crate::inventory::ternary::Ternary;
use crate::inventory::text::{Pieces, Text};
use crate::schema::aws::noun;
use crate::schema::kinds;
use crate::schema::pattern::kind_matches;
use crate::schema::references::{of_kind, target};

pub(crate) mod index;

const KEY: &str = "AWS::KMS::Key";
const ALIAS: &str = "AWS::KMS::Alias";
const QUEUE: &str = "AWS::SQS::Queue";
const ROLE: &str = "AWS::IAM::Role";
const EKS: &str = "AWS::EKS::Cluster";

impl Scope {
    /// The items that a field refers to.
    pub fn related(&self, id: ItemId, pattern: &str) -> Result<Vec<Link>, Malformed> {
        related(self, id, pattern)
    }

    /// The same and how many nodes were visited for it, but it stops once these are more than `most`.
    pub fn related_within(&self, id: ItemId, pattern: &str, most: u64) -> Result<(Vec<Link>, u64), Malformed> {
        related_within(self, id, pattern, most)
    }

    /// The items of a kind that have a field which refers to this item.
    pub fn referrers(&self, id: ItemId, kind: &str) -> Vec<Link> {
        self.referrers_within(id, kind).links
    }

    /// The same, and what it took.
    pub fn referrers_within(&self, id: ItemId, kind: &str) -> Answered {
        referrers(self, id, kind)
    }

    /// The index behind [`related`](Self::related).
    fn resolver(&self) -> &Resolver {
        self.resolver.get_or_init(|| Resolver::new(self))
    }
}

impl Resolver {
    fn new(inventory: &Scope) -> Self {
        let mut resolver = Self::default();
        for (id, item) in inventory.items() {
            match item.aws.as_deref() {
                Some(aws) => {
                    for logical in &aws.logical {
                        resolver.logical.entry(logical.clone()).or_insert(id);
                    }
                    let kind = || Arc::clone(&item.kind);
                    match aws.id.as_ref().map(|named| (named, named.known())) {
                        Some((_, Some(known))) => {
                            resolver.ids.entry((kind(), known.to_owned())).or_default().push(id);
                        }
                        Some((named, None)) => {
                            resolver.partial_ids.entry((kind(), named.pieces())).or_default().push(id);
                        }
                        None => {}
                    }
                    if let Some(Node { value: Value::Text(arn), .. }) = &aws.arn {
                        if let Some(known) = arn.known() {
                            resolver.arns.entry(known.to_owned()).or_insert(id);
                        }
                        if let Some([.., end]) = arn::split(arn) {
                            resolver.ends_of_arns.entry((kind(), end.pieces())).or_default().push(id);
                        }
                    }
                }
                None if kinds::is_kubernetes(&item.kind) => {
                    // An ACK object is always in a namespace: the default one, where its manifest does not say.
                    let unsaid = if kind_matches("*.services.k8s.aws/*", &item.kind) { "default" } else { "" };
                    let namespace = item.namespace.as_deref().unwrap_or(unsaid).to_owned();
                    resolver
                        .objects
                        .entry((Arc::clone(&item.kind), namespace, item.name.to_string()))
                        .or_default()
                        .push(id);
                }
                None => {}
            }
        }
        resolver
    }
}

/// The items that a field refers to.
fn related(inventory: &Scope, id: ItemId, pattern: &str) -> Result<Vec<Link>, Malformed> {
    related_within(inventory, id, pattern, u64::MAX).map(|(links, _)| links)
}

/// The same and how many nodes were visited; it stops once these are more than `most`.
fn related_within(inventory: &Scope, id: ItemId, pattern: &str, most: u64) -> Result<(Vec<Link>, u64), Malformed> {
    let Some(item) = inventory.item(id) else { return Ok((vec![], 1)) };
    match pattern {
        "@same" => return Ok((item.same.iter().map(|same| link(Found::Known(*same), "")).collect(), 1)),
        "@controller" => return Ok((controllers(inventory, id, item), 1)),
        _ if pattern.starts_with('@') => {
            let links = inventory.relations.get(pattern).and_then(|from| from.get(&id)).cloned().unwrap_or_default();
            let count = 1 + links.len() as u64;
            return Ok((links, count));
        }
        _ => {}
    }
    let segments = pointer::segments(pattern)?;
    let (matches, visited) = pointer::find_within(&item.body, &segments, most);
    if visited > most {
        return Ok((vec![], visited));
    }
    let mut links = vec![];
    for found in matches {
        let target = match found.step {
            Step::Absent => continue,
            Step::Unknown(reason, ..) => Found::Unknown(Unknown { reason, place: Some((id, found.at.clone())) }),
            Step::Key(text, _) => by_text(inventory, id, item, &found.at, text),
            Step::Node(node) => match &node.value {
                Value::Null => continue,
                Value::Text(text) if text.is_empty() => continue,
                Value::Text(text) => by_text(inventory, id, item, &found.at, text),
                Value::Map(map) => by_object(inventory, id, item, &found.at, map),
                Value::Unknown(reason) => {
                    Found::Unknown(Unknown { reason: (**reason).clone(), place: Some((id, found.at.clone())) })
                }
                _ => Found::Unknown(Unknown::new(
                    Cause::Undecidable,
                    Gathered::NoReference { at: found.at.as_str().into() },
                )),
            },
        };
        links.push(link(target, &found.at));
    }
    Ok((links, visited))
}

/// The items of a kind that refer to this item.
fn referrers(inventory: &Scope, id: ItemId, kind: &str) -> Answered {
    let cached = inventory.referrers.lock().ok().and_then(|cache| cache.get(kind).cloned());
    let index = cached.unwrap_or_else(|| {
        let made = Arc::new(index(inventory, kind));
        if let Ok(mut cache) = inventory.referrers.lock() {
            cache.insert(kind.to_owned(), Arc::clone(&made));
        }
        made
    });
    let mut links: Vec<Link> = index
        .to
        .get(&id)
        .map(|from| from.iter().map(|(from, at)| link(Found::Known(*from), at)).collect())
        .unwrap_or_default();
    let mut visited = 1 + links.len() as u64;
    let maybe = index.open.iter().find(|(to, text, _)| {
        visited += 1;
        // A key is named by its alias, too.
        let fits = |item: &Item| to.is_none_or(|to| *item.kind == *to || (to == KEY && &*item.kind == ALIAS));
        inventory.item(id).is_some_and(|item| fits(item) && may_name(text, item))
    });
    match (maybe, inventory.missing_referrers(kind, id)) {
        (Some((_, _, unknown)), _) => links.push(link(Found::Unknown(unknown.clone()), "")),
        (None, Some(missing)) => links.push(link(Found::Unknown(missing), "")),
        (None, None) => {}
    }
    Answered { links, index: index.work, visited }
}

fn index(inventory: &Scope, kind: &str) -> Referrers {
    let mut index = Referrers::default();
    let mut open = HashSet::new();
    for from in inventory.of_kind(kind) {
        let Some(item) = inventory.item(from) else { continue };
        index.work += 1;
        if &*item.kind != kinds::CONTROLLER {
            for controller in controllers(inventory, from, item) {
                if let Found::Known(to) = controller.item {
                    index.to.entry(to).or_default().push((from, String::new()));
                }
            }
        }
        for links in inventory.relations.values().filter_map(|relation| relation.get(&from)) {
            for link in links {
                if let Found::Known(to) = link.item {
                    index.to.entry(to).or_default().push((from, String::new()));
                }
            }
        }
        for reference in of_kind(&item.kind) {
            let (links, visited) = related_within(inventory, from, &reference.at, u64::MAX).unwrap_or_default();
            index.work += visited;
            for link in links {
                match link.item {
                    Found::Known(to) => index.to.entry(to).or_default().push((from, link.at)),
                    Found::Unknown(unknown) => {
                        if let Some(Node { value: Value::Text(text), .. }) = inventory.node(from, &link.at)
                            && text.hole().is_some()
                            && open.insert((reference.to, text.pieces()))
                        {
                            index.open.push((reference.to, text.clone(), unknown));
                        }
                    }
                    Found::Absent(_) => {}
                }
            }
        }
    }
    index
}

/// Might this text, which could not be resolved, name this item?
fn may_name(text: &Text, item: &Item) -> bool {
    let Some(aws) = item.aws.as_deref() else { return false };
    let arn = match aws.arn.as_ref().map(|node| &node.value) {
        Some(Value::Text(arn)) => text.same(arn) == Ternary::Unknown,
        _ => false,
    };
    arn || aws.id.as_ref().is_some_and(|id| text.same(id) == Ternary::Unknown)
}

fn link(item: Found, at: &str) -> Link {
    Link { item, at: at.to_owned() }
}

fn by_text(inventory: &Scope, id: ItemId, item: &Item, at: &str, text: &Text) -> Found {
    let resolver = inventory.resolver();
    if let Some(address) = text.refers() {
        let logical = Logical::of(address);
        match resolver.logical.get(&logical) {
            Some(found) => return follow_alias(inventory, item, *found),
            None if text.known().is_none() => {
                // An output of a module of Terraform's that was not read: the reader says which, and what to do.
                let reason = match text.hole() {
                    Some(symbol) if matches!(&*symbol.reason.gap, Gap::Terraform(Terraform::Module { .. })) => {
                        symbol.reason.as_cause(Cause::NotProvided)
                    }
                    _ => Reason::new(Cause::NotProvided, Gathered::NotRead { what: Arc::clone(&address.id) }),
                };
                return Found::Unknown(Unknown { reason, place: None });
            }
            // What the reference resolved to is written beside it.
            None => {}
        }
    }
    let Some(kind) = target(&item.kind, at) else {
        return match text.known().and_then(|arn| resolver.arns.get(arn)) {
            Some(found) => Found::Known(*found),
            None => {
                Found::Unknown(Unknown::new(Cause::Undecidable, Gathered::Target { text: text.to_string().into() }))
            }
        };
    };
    let candidates = name(inventory, kind, text, item);
    match candidates.as_slice() {
        [one] => follow_alias(inventory, item, *one),
        [] => {
            let kinds: &[&str] = if kind == KEY { &[KEY, ALIAS] } else { &[kind] };
            if let Some(what) = inventory.nonexistent(kinds, text, item) {
                return Found::Absent(what);
            }
            let not_read = || Gathered::NotRead { what: format!("{} {text}", noun(kind)).into() };
            // What was refused may have described it: that is what somebody can change.
            let refused = || kinds.iter().find_map(|kind| inventory.missing(kind)).map(|unknown| unknown.reason);
            let refused = || refused().filter(|reason| reason.cause.is_unanswered());
            let reason = match text.hole() {
                Some(symbol) => symbol.reason.clone(),
                None => refused().unwrap_or_else(|| Reason::new(Cause::NotProvided, not_read())),
            };
            Found::Unknown(Unknown { reason, place: Some((id, at.to_owned())) })
        }
        several => Found::Unknown(Unknown::new(
            Cause::Undecidable,
            Gathered::Several { count: several.len(), noun: noun(kind).into(), text: text.to_string().into() },
        )),
    }
}

/// The items that a text names.
fn name(inventory: &Scope, kind: &'static str, text: &Text, from: &Item) -> Vec<ItemId> {
    let resolver = inventory.resolver();
    // A key is named by its alias, too, whose ARN has the same service.
    let kinds: &[&str] = if kind == KEY { &[KEY, ALIAS] } else { &[kind] };
    if let Some(found) = text.known().and_then(|known| resolver.arns.get(known)) {
        return vec![*found];
    }
    let ids_of = |index: &HashMap<(Arc<str>, Pieces), Vec<ItemId>>, pieces: &Pieces| -> Vec<ItemId> {
        kinds.iter().filter_map(|kind| index.get(&(Arc::from(*kind), pieces.clone()))).flatten().copied().collect()
    };
    if text.starts_with("arn:") {
        // Where no resource was given, as in most runs over manifests, nothing needs to be taken apart.
        if resolver.ends_of_arns.is_empty() {
            return vec![];
        }
        let Some([.., end]) = arn::split(text) else { return vec![] };
        return ids_of(&resolver.ends_of_arns, &end.pieces())
            .into_iter()
            .filter(|id| {
                let arn = inventory.item(*id).and_then(|item| item.aws.as_deref()?.arn.as_ref());
                matches!(arn, Some(Node { value: Value::Text(arn), .. }) if arn::joins(arn, text))
            })
            .collect();
    }
    let url_name =
        text.known().filter(|url| kind == QUEUE && url.starts_with("https://")).and_then(|url| url.rsplit('/').next());
    let wanted: Text = url_name.map_or_else(|| text.clone(), Text::from);
    let named: Vec<ItemId> = match wanted.known() {
        Some(known) => kinds
            .iter()
            .flat_map(|kind| resolver.ids.get(&(Arc::from(*kind), known.to_owned())).cloned().unwrap_or_default())
            .collect(),
        None => ids_of(&resolver.partial_ids, &wanted.pieces()),
    };
    let named: Vec<ItemId> =
        named.into_iter().filter(|id| inventory.item(*id).is_some_and(|item| !elsewhere(from, item))).collect();
    // Where several bear the name, a Kubernetes object means the one where its cluster is.
    let beside: Vec<ItemId> = named.iter().copied().filter(|id| is_beside(inventory, from, *id)).collect();
    if named.len() > 1 && from.aws.is_none() && beside.len() == 1 { beside } else { named }
}

/// Is a resource certainly in the region and account of an object's cluster, as far as these are known?
fn is_beside(inventory: &Scope, from: &Item, id: ItemId) -> bool {
    let Some(item) = inventory.item(id) else { return false };
    ["region", "account"].iter().all(|fact| match (inventory.home(from, fact), inventory.home(item, fact)) {
        (Some(Node { value: Value::Text(own), .. }), Some(Node { value: Value::Text(other), .. })) => {
            own.same(other) == Ternary::Yes
        }
        (None, _) => true,
        _ => false,
    })
}

/// Do two items certainly live in different accounts or regions?
fn elsewhere(one: &Item, other: &Item) -> bool {
    let (Some(one), Some(other)) = (one.aws.as_deref(), other.aws.as_deref()) else { return false };
    let differ = |a: &Option<Node>, b: &Option<Node>| match (a.as_ref().map(|a| &a.value), b.as_ref().map(|b| &b.value))
    {
        (Some(Value::Text(a)), Some(Value::Text(b))) => a.same(b) == Ternary::No,
        _ => false,
    };
    differ(&one.account, &other.account) || differ(&one.region, &other.region)
}

/// Who names an alias means its key. That an alias names an alias is refused by AWS; followed, it may be a circle.
fn follow_alias(inventory: &Scope, from: &Item, found: ItemId) -> Found {
    match inventory.item(found) {
        Some(item) if &*item.kind == ALIAS && &*from.kind == ALIAS => Found::Unknown(Unknown::new(
            Cause::Undecidable,
            Gathered::AliasOfAlias { from: (&*from.name).into(), alias: (&*item.name).into() },
        )),
        Some(item) if &*item.kind == ALIAS => match related(inventory, found, "/TargetKeyId").unwrap_or_default().pop()
        {
            Some(link) => link.item,
            None => {
                Found::Unknown(Unknown::new(Cause::NotProvided, Gathered::KeyOfAlias { alias: (&*item.name).into() }))
            }
        },
        _ => Found::Known(found),
    }
}

/// A reference that is an object: `{group, kind, name}`, or ACK's `{from: {name, namespace}}`.
fn by_object(inventory: &Scope, id: ItemId, item: &Item, at: &str, map: &Map) -> Found {
    let place = Some((id, at.to_owned()));
    let unknown =
        |cause, gap: Gathered| Found::Unknown(Unknown { reason: Reason::new(cause, gap), place: place.clone() });
    let text = |map: &Map, name: &str| match map.get(name).map(|node| &node.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let (kind, namespace, name): (String, Option<String>, Text) = if let Some(from) =
        map.get("from").and_then(Node::as_map)
    {
        let Some(kind) = crate::schema::ack::referred_kind(&item.kind, at) else {
            return unknown(Cause::Undecidable, Gathered::TargetKind { at: at.into() });
        };
        let Some(name) = text(from, "name").filter(|name| !name.is_empty()) else {
            return unknown(Cause::Undecidable, Gathered::Nameless { at: at.into() });
        };
        let namespace =
            text(from, "namespace").and_then(|text| text.known().map(str::to_owned)).filter(|text| !text.is_empty());
        (
            kind.to_owned(),
            Some(namespace.unwrap_or_else(|| item.namespace.as_deref().unwrap_or("default").to_owned())),
            name,
        )
    } else {
        let Some(name) = text(map, "name") else {
            return unknown(Cause::Undecidable, Gathered::Nameless { at: at.into() });
        };
        let api_group = text(map, "apiVersion")
            .and_then(|version| version.known()?.split_once('/').map(|(group, _)| group.to_owned()));
        let group = text(map, "group").and_then(|group| group.known().map(str::to_owned)).or(api_group);
        let kind = text(map, "kind").and_then(|kind| kind.known().map(str::to_owned));
        let (group, kind) = match &*item.kind {
            "karpenter.sh/Provisioner" => {
                (group.unwrap_or_else(|| "karpenter.k8s.aws".into()), kind.unwrap_or_else(|| "AWSNodeTemplate".into()))
            }
            _ => (group.unwrap_or_else(|| "karpenter.k8s.aws".into()), kind.unwrap_or_else(|| "EC2NodeClass".into())),
        };
        (format!("{group}/{kind}"), None, name)
    };
    // A placeholder is itself: two objects of one template that both say `$KEY_NAME` mean each other.
    let written = name.to_string();
    let known = written.as_str();
    let wanted = (Arc::from(kind.as_str()), namespace.clone().unwrap_or_default(), written.clone());
    let found = inventory.resolver().objects.get(&wanted).map(Vec::as_slice).unwrap_or_default();
    let in_cluster = |cluster: ClusterId| {
        found.iter().copied().find(|id| inventory.item(*id).is_some_and(|item| item.cluster == cluster))
    };
    // A manifest refers to what stands beside it, else to what runs.
    if let Some(found) =
        in_cluster(item.cluster).or_else(|| found.first().copied().filter(|_| item.cluster == ClusterId::FILES))
    {
        return Found::Known(found);
    }
    if let Some(symbol) = name.hole() {
        return Found::Unknown(Unknown { reason: symbol.reason.as_cause(Cause::Symbolic), place });
    }
    let what = match &namespace {
        Some(namespace) => format!("{} {namespace}/{known}", kind.rsplit('/').next().unwrap_or(&kind)),
        None => format!("{} {known}", kind.rsplit('/').next().unwrap_or(&kind)),
    };
    let listing = |cluster: &Cluster| cluster.listed.get(&kind).cloned();
    let clusters: Vec<&Cluster> = match inventory.cluster(item.cluster) {
        Some(own) => vec![own],
        None => inventory.clusters().iter().collect(),
    };
    match clusters.as_slice() {
        [] => unknown(Cause::NotProvided, Gathered::NotRead { what: what.into() }),
        clusters => match clusters.iter().find_map(|cluster| match listing(cluster) {
            Some(Listing::Partial(reason)) => Some(reason),
            _ => None,
        }) {
            Some(reason) => Found::Unknown(Unknown { reason, place }),
            None => Found::Absent(format!(
                "{what} in {}",
                clusters.iter().map(|cluster| &*cluster.context).collect::<Vec<_>>().join(", ")
            )),
        },
    }
}

/// The controllers that an item belongs to or that use it.
fn controllers(inventory: &Scope, id: ItemId, item: &Item) -> Vec<Link> {
    if !(item.is_aws() || kinds::is_reconciled(&item.kind) || &*item.kind == kinds::CLUSTER) {
        return vec![];
    }
    let all = inventory.of_kind(kinds::CONTROLLER);
    let of_cluster = |cluster: ClusterId| -> Vec<ItemId> {
        all.iter().copied().filter(|id| inventory.item(*id).is_some_and(|item| item.cluster == cluster)).collect()
    };
    if !item.is_aws() {
        let own = of_cluster(item.cluster);
        // What the files say of no cluster in particular belongs to the controller that is there.
        let chosen = if own.is_empty() && item.cluster == ClusterId::FILES { all } else { own };
        // A controller that may not be seen is another thing than none.
        let unseen = inventory.missing("apps/Deployment");
        if let (true, Some(unknown)) =
            (chosen.is_empty(), unseen.filter(|unknown| unknown.reason.cause.is_unanswered()))
        {
            return vec![link(Found::Unknown(unknown), "")];
        }
        return chosen.into_iter().map(|controller| link(Found::Known(controller), "")).collect();
    }
    let field = match &*item.kind {
        QUEUE => "/InterruptionQueue",
        ROLE => "/Role",
        EKS => "/ClusterName",
        _ => "",
    };
    let (mut known, mut open) = (vec![], vec![]);
    for controller in all {
        match related(inventory, controller, field).unwrap_or_default().pop().map(|link| link.item) {
            Some(Found::Known(target)) if target == id => known.push(link(Found::Known(controller), field)),
            // A setting that names something else is no relation to this item.
            Some(Found::Known(_) | Found::Absent(_)) => {}
            Some(Found::Unknown(_))
                if inventory.node(controller, field).is_some_and(|node| node.as_str().is_some()) => {}
            // It does not say: it may be this one.
            Some(Found::Unknown(_)) => open.push(controller),
            None => {}
        }
    }
    if known.is_empty() && field.is_empty() {
        open = inventory.of_kind(kinds::CONTROLLER);
    }
    match (known.is_empty(), open.as_slice()) {
        (true, [only]) => vec![link(Found::Known(*only), "")],
        (true, [_, _, ..]) => vec![link(
            Found::Unknown(Unknown::new(
                Cause::Undecidable,
                Gathered::Controllers { count: open.len(), item: (&*item.name).into() },
            )),
            "",
        )],
        _ => known,
    }
}
