//! What is written apart and belongs together: a queue's policy, a rule's targets, a role's attachments; and the objects
//! that a choice by labels means. Both are settled when everything was read, whatever the order of the files.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::builder::{Builder, coerce};
use crate::inventory::id::ItemId;
use crate::inventory::item::{ClusterId, Item, Logical, SourceKind};
use crate::inventory::node::{List, Map, Node, Value};
use crate::inventory::reason::{Cause, Gathered, Reason};
use crate::inventory::text::{Pieces, SymbolScope, Text};
use crate::schema::aws;

/// A part of an AWS resource that was read as a thing of its own: `aws_sqs_queue_policy` and its like.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// The CloudFormation type of the whole.
    pub kind: &'static str,
    /// What names the whole: its name, id, ARN or URL, or a text that refers to it by address.
    pub whole: Node,
    /// The property of the whole that this is.
    pub property: &'static str,
    /// The property's value, or the element of the list that the property is.
    pub value: Node,
    /// Is the property a list, of which this is one element?
    pub element: bool,
    /// The source and the scope of addresses in which the whole stands; none where it may stand anywhere.
    pub of: Option<(SourceKind, SymbolScope)>,
    /// The same said of another resource, where the whole was not read.
    pub otherwise: Option<Box<Self>>,
}

/// A choice by labels among the objects of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selector {
    /// `kms.aws.upbound.io/Key`.
    pub kind: String,
    /// The namespace, of kinds that have one.
    pub namespace: Option<String>,
    /// The labels that the object has, all of them; none where it is chosen by its owner alone.
    pub labels: Vec<(String, String)>,
    /// The cluster in whose objects it stands.
    pub cluster: ClusterId,
    /// The address that stands for what the chosen object describes.
    pub means: Logical,
}

/// The addresses of choices that mean no object for certain, and the items that each may mean.
pub(crate) type Choices = HashMap<Logical, Vec<ItemId>>;

impl Builder {
    /// Gives what a choice by labels means the address of that choice. A choice that fits several, or any of the same owner, means
    /// none for certain: which ones it may mean.
    pub(crate) fn settle_selectors(&mut self) -> Choices {
        let mut choices = Choices::new();
        for selector in std::mem::take(&mut self.selectors) {
            let fits = |item: &&Item| {
                *item.kind == *selector.kind
                    && item.cluster == selector.cluster
                    && selector
                        .namespace
                        .as_deref()
                        .is_none_or(|wanted| item.namespace.as_deref().unwrap_or("default") == wanted)
                    && selector
                        .labels
                        .iter()
                        .all(|(key, value)| item.body.str_at(&["metadata", "labels", key]) == Some(value))
            };
            let found: Vec<&Item> = self.items.iter().filter(fits).collect();
            let Some(first) = found.first() else { continue };
            let described: Vec<ItemId> = found.iter().flat_map(|item| item.same.iter().copied()).collect();
            let several = found.iter().any(|other| other.name != first.name || other.namespace != first.namespace);
            if several || selector.labels.is_empty() {
                choices.insert(selector.means, described);
                continue;
            }
            for ItemId(number) in described {
                let item = &mut self.items[number as usize - 1];
                if let Some(aws) = item.aws.as_deref_mut() {
                    aws.logical.push(selector.means.clone());
                }
            }
        }
        choices
    }

    /// Gives references between the objects of a cluster the attribute that they stand for, where it follows from what the
    /// other object says: a role's ARN from its name. A template's reader has done so.
    pub(crate) fn settle_references(&mut self) {
        let mut attributes: HashMap<Logical, Attributes> = HashMap::new();
        for item in &self.items {
            let Some(facts) = item.aws.as_deref() else { continue };
            let arn = match facts.arn.as_ref().map(|arn| &arn.value) {
                Some(Value::Text(arn)) => Some(arn.clone()),
                _ => None,
            };
            for logical in facts.logical.iter().filter(|own| matches!(own.scope, SymbolScope::Cluster(_))) {
                // A live object says more than its manifest.
                let earlier = attributes
                    .get(logical)
                    .is_some_and(|own: &Attributes| own.arn.as_ref().and_then(Text::known).is_some());
                if !earlier {
                    let own = Attributes { kind: Arc::clone(&item.kind), arn: arn.clone(), id: facts.id.clone() };
                    attributes.insert(logical.clone(), own);
                }
            }
        }
        if attributes.is_empty() {
            return;
        }
        for item in self.items.iter_mut().filter(|item| item.aws.is_some()) {
            settle(&mut item.body, &attributes);
        }
    }

    /// Puts parts into their wholes. A queue policy is the queue's attribute, by whichever resource it was set.
    pub(crate) fn fold_parts(&mut self, choices: &Choices) {
        let mut parts: Vec<Fragment> = std::mem::take(&mut self.parts).into_iter().map(|(_, part)| part).collect();
        for policy in self.items.iter().filter(|item| &*item.kind == "AWS::SQS::QueuePolicy") {
            let Some(document) = policy.body.member("PolicyDocument") else { continue };
            for queue in policy.body.member("Queues").map(Node::elements).unwrap_or_default() {
                parts.push(Fragment {
                    kind: "AWS::SQS::Queue",
                    whole: queue.clone(),
                    property: "Policy",
                    value: document.clone(),
                    element: false,
                    of: None,
                    otherwise: None,
                });
            }
        }
        for addition in self.items.iter().filter(|item| &*item.kind == "AWS::IAM::UserToGroupAddition") {
            let Some(group) = addition.body.member("GroupName") else { continue };
            for user in addition.body.member("Users").map(Node::elements).unwrap_or_default() {
                parts.push(Fragment {
                    kind: "AWS::IAM::User",
                    whole: user.clone(),
                    property: "Groups",
                    value: group.clone(),
                    element: true,
                    of: None,
                    otherwise: None,
                });
            }
        }
        if parts.is_empty() {
            return;
        }
        let wholes = Wholes::new(&self.items);
        let parse = self.parser();
        for part in parts {
            let mut part = Some(part);
            while let Some(mut fragment) = part {
                // Of a whole that was not read, a part alone says too little to judge it by.
                let Some(index) = wholes.find(&self.items, &fragment) else {
                    self.may_be_part(&fragment, choices);
                    part = fragment.otherwise.map(|otherwise| *otherwise);
                    continue;
                };
                let Fragment { kind, property, element, .. } = fragment;
                coerce::property(kind, property, element, &mut fragment.value, parse);
                if let Value::Map(map) = &mut self.items[index].body.value {
                    insert(map, fragment);
                }
                break;
            }
        }
    }
}

impl Builder {
    /// Of the wholes that an undecided choice may mean each may have the part.
    fn may_be_part(&mut self, part: &Fragment, choices: &Choices) {
        let Value::Text(text) = &part.whole.value else { return };
        let (Some(address), Some(hole)) = (text.refers(), text.hole()) else { return };
        for ItemId(number) in choices.get(&Logical::of(address)).into_iter().flatten() {
            let item = &mut self.items[*number as usize - 1];
            if let (true, Value::Map(map)) = (*item.kind == *part.kind, &mut item.body.value)
                && (part.element || map.get(part.property).is_none())
            {
                let value = Node::because(hole.reason(), part.whole.at);
                insert(map, Fragment { value, otherwise: None, ..part.clone() });
            }
        }
    }
}

/// What others may refer to of a resource.
struct Attributes {
    kind: Arc<str>,
    arn: Option<Text>,
    id: Option<Text>,
}

fn settle(node: &mut Node, attributes: &HashMap<Logical, Attributes>) {
    match &mut node.value {
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, node)| settle(node, attributes)),
        Value::List(list) => list.items.iter_mut().for_each(|node| settle(node, attributes)),
        Value::Text(text) if text.known().is_none() => {
            let Some(address) = text.refers().cloned() else { return };
            let logical = Logical::of(&address);
            let Some(Attributes { kind, arn, id }) = attributes.get(&logical) else { return };
            let known = match &*address.attribute {
                "Arn" => arn,
                attribute if aws::identifier(kind) == Some(attribute) => id,
                _ => return,
            };
            if let Some(known) = known {
                *text = known.clone().referring(address);
            }
        }
        _ => {}
    }
}

/// Which items the parts' wholes are.
struct Wholes {
    addresses: HashMap<Logical, Vec<usize>>,
    /// By the last part of the ARN and the identifier.
    names: HashMap<(Arc<str>, String), Vec<usize>>,
    /// By an identifier that is known in part.
    symbols: HashMap<Pieces, Vec<usize>>,
}

impl Wholes {
    fn new(items: &[Item]) -> Self {
        let (mut addresses, mut names): (HashMap<_, Vec<usize>>, HashMap<_, Vec<usize>>) = Default::default();
        let mut symbols: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            let Some(facts) = item.aws.as_deref() else { continue };
            for logical in &facts.logical {
                addresses.entry(logical.clone()).or_default().push(index);
            }
            if let Some(id) = facts.id.as_ref().filter(|id| id.hole().is_some()) {
                symbols.entry(id.pieces()).or_default().push(index);
            }
            // What AWS says of a resource is not changed by what a template says.
            if item.source == SourceKind::Aws {
                continue;
            }
            let id = facts.id.as_ref().and_then(Text::known);
            let arn = facts.arn.as_ref().and_then(Node::as_str).map(last);
            for name in id.into_iter().chain(arn.filter(|arn| Some(*arn) != id)) {
                names.entry((Arc::clone(&item.kind), name.to_owned())).or_default().push(index);
            }
        }
        Self { addresses, names, symbols }
    }

    fn find(&self, items: &[Item], part: &Fragment) -> Option<usize> {
        let Value::Text(text) = &part.whole.value else { return None };
        let fits = |index: &usize| {
            let item = &items[*index];
            let within = |scope| item.aws.iter().flat_map(|facts| &facts.logical).any(|logical| logical.scope == scope);
            *item.kind == *part.kind && part.of.is_none_or(|(source, scope)| item.source == source && within(scope))
        };
        let first = |found: Option<&Vec<usize>>| found?.iter().copied().find(fits);
        let by_address = text.refers().and_then(|address| first(self.addresses.get(&Logical::of(address))));
        let by_name = || {
            let name = last(text.known()?);
            first(self.names.get(&(Arc::from(part.kind), name.to_owned()))).filter(|_| !name.is_empty())
        };
        // Two resources of one template may both be called `${Name}`.
        let by_symbol = || {
            text.hole()?;
            let mut same = self.symbols.get(&text.pieces())?.iter().copied().filter(fits);
            same.next().filter(|_| same.next().is_none())
        };
        by_address.or_else(by_name).or_else(by_symbol)
    }
}

/// The last part of an ARN, URL or path.
fn last(text: &str) -> &str {
    text.rsplit(['/', ':']).next().unwrap_or(text)
}

fn insert(map: &mut Map, part: Fragment) {
    let Fragment { property, value, element, .. } = part;
    if !element {
        map.set(property, value);
        return;
    }
    if let Value::List(List { items, more }) = value.value {
        // Several elements at once.
        let more = more.map(|reason| Node::new(Value::Unknown(reason), value.at));
        for value in items.into_iter().chain(more) {
            add(map, property, value);
        }
        return;
    }
    add(map, property, value);
}

/// Adds an element to the list that a property is.
fn add(map: &mut Map, property: &str, value: Node) {
    if let Value::Unknown(reason) = value.value {
        // There is one more for certain, and which is not known.
        let mut list = match map.remove(property).map(|list| list.value) {
            Some(Value::List(list)) => list,
            Some(Value::Unknown(earlier)) => List { items: vec![], more: Some(earlier) },
            _ => List::default(),
        };
        list.more.get_or_insert(reason);
        map.set(property, Node::new(Value::List(list), value.at));
        return;
    }
    match map.get_mut(property).map(|list| &mut list.value) {
        // The whole's own attributes may have it, too.
        Some(Value::List(list))
            if list.items.iter().any(|item| item.as_str().is_some() && item.as_str() == value.as_str()) => {}
        Some(Value::List(list)) => list.items.push(value),
        // Which others there are stays unknown.
        Some(Value::Unknown(reason)) => {
            let more = Some(std::mem::replace(reason, Box::new(Reason::new(Cause::Symbolic, Gathered::Replaced))));
            let at = value.at;
            map.set(property, Node::new(Value::List(List { items: vec![value], more }), at));
        }
        _ => {
            let at = value.at;
            map.set(property, Node::new(Value::List(List { items: vec![value], more: None }), at));
        }
    }
}
