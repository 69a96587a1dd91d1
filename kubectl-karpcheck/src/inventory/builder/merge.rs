//! The same thing from several sources: which items are one, and what each source's word on it counts.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::builder::Builder;
use crate::inventory::id::ItemId;
use crate::inventory::item::{Item, SourceKind, View};
use crate::inventory::node::{Key, Map, Node, Value};
use crate::inventory::reason::Cause;
use crate::inventory::text::SymbolScope;
use crate::schema::aws::Unique;
use crate::schema::{aws, kinds};

impl Builder {
    /// Joins AWS resources that are one: the same ARN, known as a whole, or objects of one cluster with one address.
    pub(super) fn merge(&mut self) {
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
            let same = same.or_else(|| self.meant(index, &into));
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

    /// The resource that a question was about which AWS did not answer: the only one of this name that others tell of, where
    /// nothing says that it is of another account or region. Its account may stand in its template as a parameter.
    fn meant(&self, index: usize, into: &[Option<usize>]) -> Option<usize> {
        let item = &self.items[index];
        let facts = item.aws.as_deref().filter(|_| item.is_unanswered())?;
        let id = facts.id.as_ref()?.known()?;
        let differ = |one: &Option<Node>, other: &Option<Node>| {
            let known = |node: &Option<Node>| node.as_ref().and_then(Node::as_str).map(str::to_owned);
            matches!((known(one), known(other)), (Some(one), Some(other)) if one != other)
        };
        let mut others = self.items[..index].iter().enumerate().filter(|(number, other)| {
            let own = other.aws.as_deref().filter(|_| other.source != SourceKind::Aws && other.kind == item.kind);
            into[*number].is_none()
                && own.is_some_and(|own| {
                    own.id.as_ref().and_then(|own| own.known()).is_some_and(|own| own == id)
                        && !differ(&own.account, &facts.account)
                        && !differ(&own.region, &facts.region)
                })
        });
        match (others.next(), others.next()) {
            (Some((only, _)), None) => Some(only),
            _ => None,
        }
    }

    /// Gives the answer about an id that is unique everywhere the ARN that another source tells of it: `get-key-policy` names a
    /// key by its id alone, and the key may be of another account than all else.
    pub(super) fn settle_unique(&mut self) {
        let mut told: HashMap<(Arc<str>, String), Option<usize>> = HashMap::new();
        for (index, item) in self.items.iter().enumerate() {
            let arn = |index: usize| self.items[index].aws.as_ref().and_then(|aws| aws.arn.as_ref()?.as_str());
            if let (Some(SameAs::Id(id)), Some(own)) = (unique(item), arn(index)) {
                let known = told.entry((Arc::clone(&item.kind), id)).or_insert(Some(index));
                // Two ARNs with one id are the examples of documentation: nobody's in particular.
                if known.is_some_and(|known| arn(known) != Some(own)) {
                    *known = None;
                }
            }
        }
        for index in 0..self.items.len() {
            let item = &self.items[index];
            let bare = item.aws.as_ref().is_some_and(|aws| aws.arn.is_none() && aws.account.is_none());
            let Some(SameAs::Id(id)) = unique(item).filter(|_| bare) else { continue };
            let Some(Some(known)) = told.get(&(Arc::clone(&item.kind), id)) else { continue };
            let of = self.items[*known].aws.clone();
            if let (Some(own), Some(of)) = (self.items[index].aws.as_deref_mut(), of) {
                own.partition = own.partition.take().or(of.partition);
                own.region = own.region.take().or(of.region);
                own.account = of.account;
                own.arn = of.arn;
            }
        }
    }

    /// A manifest and its live object are two items, joined.
    pub(super) fn join_manifests(&mut self) {
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
    // A question that AWS did not answer takes nothing from what another source says of the whole: what that leaves out is not set.
    let told = item.views.iter().find_map(|view| match &view.body.value {
        Value::Map(map) if view.source != SourceKind::Aws && map.more.is_none() => Some(map.clone()),
        _ => None,
    });
    let unanswered = |view: &View, key: &Key, node: &Node| {
        let failed = matches!(&node.value, Value::Unknown(reason) if reason.cause.is_unanswered());
        failed
            && view.source == SourceKind::Aws
            && told.as_ref().is_some_and(|told| !told.entries.iter().any(|(own, _)| own == key))
    };
    for view in &item.views {
        let Value::Map(map) = &view.body.value else { continue };
        for (key, node) in map.entries.iter().filter(|(key, node)| !unanswered(view, key, node)) {
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
