//! Edits: what a finding would change, found again where it was written, and made in memory.

use crate::findings::finding::Edit;
use crate::inventory::Inventory;
use crate::inventory::builder::Builder;
use crate::inventory::id::ItemId;
use crate::inventory::item::{Item, SourceKind};
use crate::inventory::node::{At, List, Map, Node, Value};
use crate::inventory::pointer;
use crate::schema::aws::CONTROLLER;

/// An edit in the terms of the document in which its value was written.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The place of the nearest value that exists.
    pub at: At,
    /// What kind of value stands there.
    pub target: Target,
    /// The way from there to what changes: empty for the value itself; a last `-` appends to a list.
    pub rest: Vec<String>,
    /// The new value; none removes it.
    pub value: Option<serde_json::Value>,
    /// The way to what changes from the outermost value with this place, where many have it: all of a policy that is
    /// written as one text stands where the text does.
    pub inside: Option<Vec<String>>,
}

/// An edit in the terms of the file in which it is to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct Written {
    /// The change, by the nearest value that exists.
    pub change: Change,
    /// The place of the item as a whole.
    pub root: At,
    /// The way from the item to what changes, in the names of the inventory.
    pub path: Vec<String>,
    /// Whose word the file is.
    pub source: SourceKind,
    /// Does it go beside the item, into what holds it, rather than into the item?
    pub beside: bool,
    /// What the cluster is called, of what a configuration of Terraform's describes: it may be used for other clusters, too, and
    /// takes the name from outside unless its text has it.
    pub given: Vec<String>,
}

/// Segments of a pointer that an edit follows. Nothing that AWS or Kubernetes has is nested so deeply.
const DEEPEST: usize = 64;

/// What distinguishes a value from another one at the same place: an object may begin where its first member does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// An object with at least these members.
    Map(Vec<String>),
    /// A list of at least so many elements.
    List(usize),
    /// Anything else.
    Leaf,
}

impl Target {
    fn of(node: &Node) -> Self {
        match &node.value {
            Value::Map(map) => Self::Map(map.entries.iter().map(|(key, _)| key.to_string()).collect()),
            Value::List(list) => Self::List(list.items.len()),
            _ => Self::Leaf,
        }
    }

    fn fits(&self, node: &Node) -> bool {
        match (self, &node.value) {
            (Self::Map(keys), Value::Map(map)) => {
                keys.iter().all(|wanted| map.entries.iter().any(|(key, _)| key.to_string() == *wanted))
            }
            (Self::List(least), Value::List(list)) => list.items.len() >= *least,
            (Self::Leaf, Value::Map(_) | Value::List(_)) | (Self::Map(_) | Self::List(_), _) => false,
            (Self::Leaf, _) => true,
        }
    }
}

impl Inventory {
    /// Where an edit is to be made; none if its item or pointer does not exist.
    pub fn change(&self, edit: &Edit) -> Option<Change> {
        let body = &self.item(edit.item)?.body;
        change_in(body, &path(edit)?, edit.value.as_ref())
    }

    /// Something new beside an item, in the file that describes it: its name and what it is.
    pub fn beside(&self, item: ItemId, name: &str, value: serde_json::Value) -> Option<Written> {
        let item = self.item(item)?;
        let change = Change {
            at: item.at(),
            target: Target::Map(vec![]),
            rest: vec![name.to_owned()],
            value: Some(value),
            inside: None,
        };
        Some(Written { change, root: item.at(), path: vec![], source: item.source, beside: true, given: vec![] })
    }

    /// Where an edit is to be made in a file. Of a resource that several sources describe, in what makes it, rather than in
    /// what was seen of it.
    pub fn written(&self, edit: &Edit) -> Option<Written> {
        let item = self.item(edit.item)?;
        let path = path(edit)?;
        let made = |source: SourceKind| {
            matches!(source, SourceKind::Manifest | SourceKind::Template | SourceKind::Source | SourceKind::Live)
        };
        let (source, body) = item
            .views
            .iter()
            .map(|view| (view.source, &view.body))
            .find(|(source, body)| made(*source) && body.at.line > 0)
            .unwrap_or((item.source, &item.body));
        let change = change_in(body, &path, edit.value.as_ref())?;
        let given = if source == SourceKind::Source { self.cluster_names(edit.item) } else { vec![] };
        Some(Written { change, root: body.at, path, source, beside: false, given })
    }

    /// What the clusters of an item's scope are called, by their controllers and in their policies, as far as it is known.
    fn cluster_names(&self, item: ItemId) -> Vec<String> {
        let controllers = self.scope(item).map(|scope| scope.of_kind(CONTROLLER)).unwrap_or_default();
        let names = controllers.into_iter().flat_map(|controller| {
            let in_policies = self.node(controller, "/ClusterNamesInPolicies").map(Node::elements).unwrap_or_default();
            self.node(controller, "/ClusterName").into_iter().chain(in_policies)
        });
        names.filter_map(Node::as_str).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

/// A pointer's segments; none of one that is not sound, or too deep.
fn path(edit: &Edit) -> Option<Vec<String>> {
    let segments = pointer::segments(&edit.pointer).ok()?;
    (segments.len() <= DEEPEST).then(|| segments.into_iter().map(std::borrow::Cow::into_owned).collect())
}

fn change_in(body: &Node, path: &[String], value: Option<&serde_json::Value>) -> Option<Change> {
    let mut node = body;
    let mut gone = 0;
    // The outermost of the values so far that have the place of the last one.
    let mut outermost = (body, 0);
    for segment in path {
        let Some(child) = pointer::child(node, segment) else { break };
        node = child;
        gone += 1;
        if outermost.0.at != node.at {
            outermost = (node, gone);
        }
    }
    let inside = has_one_place(outermost.0).then(|| path[outermost.1..].to_vec());
    Some(Change { at: node.at, target: Target::of(node), rest: path[gone..].to_vec(), value: value.cloned(), inside })
}

/// Is it an object or list of which every part has one place? It may be the JSON of a text.
fn has_one_place(node: &Node) -> bool {
    fn all(node: &Node, at: At) -> bool {
        node.at == at
            && match &node.value {
                Value::Map(map) => map.entries.iter().all(|(_, child)| all(child, at)),
                Value::List(list) => list.items.iter().all(|child| all(child, at)),
                _ => true,
            }
    }
    let is_empty = match &node.value {
        Value::Map(map) => map.entries.is_empty(),
        Value::List(list) => list.items.is_empty(),
        _ => true,
    };
    !is_empty && node.at.line > 0 && all(node, node.at)
}

impl Builder {
    /// Makes edits in what was gathered, before anything is derived from it. False if one of them found no place.
    ///
    /// `inventory` is what this builder, or a clone of it, built: the edits' items are its.
    pub fn edit(&mut self, inventory: &Inventory, edits: &[Edit]) -> bool {
        edits.iter().filter(|edit| !self.edit_one(inventory, edit)).count() == 0
    }

    fn edit_one(&mut self, inventory: &Inventory, edit: &Edit) -> bool {
        let (Some(item), Some(change)) = (inventory.item(edit.item), inventory.change(edit)) else { return false };
        if change.at.line > 0 {
            // An ACK object and the resource that it describes share the place, and so do an object and the
            // controller that is derived from it.
            let mut made = false;
            for draft in self.items_mut() {
                if draft.doc() == change.at.doc {
                    made |= edit_at(&mut draft.body, &change);
                }
            }
            return made;
        }
        // What has no lines is identified by its name.
        let is_it = |draft: &Item| {
            draft.kind == item.kind
                && draft.name == item.name
                && draft.namespace == item.namespace
                && draft.doc() == change.at.doc
        };
        let segments = path(edit).unwrap_or_default();
        let mut made = false;
        for draft in self.items_mut().iter_mut().filter(|draft| is_it(draft)) {
            made |= set(&mut draft.body, &segments, change.value.as_ref());
        }
        made
    }
}

/// Makes a change wherever its place is met.
fn edit_at(node: &mut Node, change: &Change) -> bool {
    if let Some(inside) = change.inside.as_ref().filter(|_| is_whole(node, change)) {
        let Some(mut json) = text_as_json(node) else { return set(node, inside, change.value.as_ref()) };
        let made = set(&mut json, inside, change.value.as_ref());
        *node = Node::text(json.to_json().to_string(), node.at);
        return made;
    }
    let here = |node: &Node| node.at == change.at && change.target.fits(node) && !is_whole(node, change);
    if here(node) && !change.rest.is_empty() {
        return set(node, &change.rest, change.value.as_ref());
    }
    let whole = change.rest.is_empty();
    let mut made = false;
    match &mut node.value {
        Value::Map(map) => {
            if whole && change.value.is_none() {
                let before = map.entries.len();
                map.entries.retain(|(_, child)| !here(child));
                made |= map.entries.len() < before;
            }
            for (_, child) in &mut map.entries {
                made |= replace_or_descend(child, change);
            }
        }
        Value::List(list) => {
            if whole && change.value.is_none() {
                let before = list.items.len();
                list.items.retain(|child| !here(child));
                made |= list.items.len() < before;
            }
            for child in &mut list.items {
                made |= replace_or_descend(child, change);
            }
        }
        _ => {}
    }
    made
}

/// Is it all of what stands at the change's place, which changes in it?
fn is_whole(node: &Node, change: &Change) -> bool {
    change.inside.is_some() && node.at == change.at && (has_one_place(node) || text_as_json(node).is_some())
}

/// The object or list that a text is as JSON.
fn text_as_json(node: &Node) -> Option<Node> {
    let json: serde_json::Value = serde_json::from_str(node.as_str()?).ok()?;
    (json.is_object() || json.is_array()).then(|| Node::from_json(&json, node.at))
}

fn replace_or_descend(child: &mut Node, change: &Change) -> bool {
    match &change.value {
        Some(value)
            if change.rest.is_empty()
                && child.at == change.at
                && change.target.fits(child)
                && !is_whole(child, change) =>
        {
            *child = Node::from_json(value, child.at);
            true
        }
        _ => edit_at(child, change),
    }
}

/// Sets or removes the value at the end of a route.
fn set(node: &mut Node, route: &[String], value: Option<&serde_json::Value>) -> bool {
    let at = node.at;
    let Some((first, rest)) = route.split_first() else {
        return match value {
            Some(value) => {
                *node = Node::from_json(value, at);
                true
            }
            None => false,
        };
    };
    if node.is_null() && value.is_some() {
        node.value = if first == "-" { Value::List(List::default()) } else { Value::Map(Map::default()) };
    }
    match &mut node.value {
        Value::Map(map) if rest.is_empty() && value.is_none() => map.remove(first).is_some(),
        Value::Map(map) => {
            if map.get(first).is_none() {
                map.set(first.as_str(), Node::new(Value::Null, at));
            }
            map.get_mut(first).is_some_and(|child| set(child, rest, value))
        }
        Value::List(list) if first == "-" => {
            let mut new = Node::new(Value::Null, at);
            let made = set(&mut new, rest, value);
            list.items.push(new);
            made
        }
        Value::List(list) => match first.parse::<usize>().ok().filter(|index| *index < list.items.len()) {
            Some(index) if rest.is_empty() && value.is_none() => {
                list.items.remove(index);
                true
            }
            Some(index) => set(&mut list.items[index], rest, value),
            None => false,
        },
        _ => false,
    }
}

/// Identifies a finding's item, whatever its number is in a later inventory.
pub fn identity(inventory: &Inventory, item: ItemId) -> Option<(String, String, String, u32)> {
    let item = inventory.item(item)?;
    Some((
        item.kind.to_string(),
        item.namespace.as_deref().unwrap_or_default().to_owned(),
        item.name.to_string(),
        item.cluster.0,
    ))
}

#[cfg(test)]
mod tests {
    use crate::karpenter;
    use serde_json::json;

    use super::*;
    use crate::inventory::{DocId, Draft, Origin, Stated};

    fn world(live: bool) -> (Builder, Inventory) {
        let mut builder = Builder::new(Stated::default());
        let doc = builder.document(Origin::File("queue.yaml".into()));
        assert_eq!(doc, DocId(0));
        let at = |line| if live { At::whole(doc) } else { At { doc, line, column: 1 } };
        let key = Node::text("alias/aws/sqs", at(2));
        let tags: List = [Node::text("a", at(4))].into_iter().collect();
        let members = [("KmsMasterKeyId", key), ("Tags", Node::new(Value::List(tags), at(3)))];
        let body: Map = members.into_iter().map(|(name, node)| (name.into(), node)).collect();
        builder.add(Draft::new("AWS::SQS::Queue", "q", Node::new(Value::Map(body), at(1)), SourceKind::Template));
        let inventory = karpenter::inventory(builder.clone());
        (builder, inventory)
    }

    fn edited(live: bool, pointer: &str, value: Option<serde_json::Value>) -> Option<serde_json::Value> {
        let (mut builder, inventory) = world(live);
        let edit = Edit { item: ItemId(1), pointer: pointer.into(), value };
        builder
            .edit(&inventory, &[edit])
            .then(|| karpenter::inventory(builder).item(ItemId(1)).expect("there").body.to_json())
    }

    #[test]
    fn edits_are_made_by_place_and_by_name() {
        for live in [false, true] {
            let removed = edited(live, "/KmsMasterKeyId", None);
            assert_eq!(removed, Some(json!({"Tags": ["a"]})), "live: {live}");
            let added = edited(live, "/SqsManagedSseEnabled", Some(json!(true)));
            assert_eq!(
                added,
                Some(json!({"KmsMasterKeyId": "alias/aws/sqs", "Tags": ["a"], "SqsManagedSseEnabled": true})),
            );
            let replaced = edited(live, "/KmsMasterKeyId", Some(json!("alias/ours")));
            assert_eq!(replaced, Some(json!({"KmsMasterKeyId": "alias/ours", "Tags": ["a"]})));
            let appended = edited(live, "/Tags/-", Some(json!("b")));
            assert_eq!(appended, Some(json!({"KmsMasterKeyId": "alias/aws/sqs", "Tags": ["a", "b"]})));
            let deep = edited(live, "/Policy/Statement/-", Some(json!({"Effect": "Allow"})));
            let policy = deep.and_then(|body| body.pointer("/Policy").cloned());
            assert_eq!(policy, Some(json!({"Statement": [{"Effect": "Allow"}]})));
        }
    }

    #[test]
    fn a_text_that_is_json_changes_only_where_the_edit_says() {
        let mut builder = Builder::new(Stated::default());
        let doc = builder.document(Origin::File("policy.yaml".into()));
        let (at, text) = (At { doc, line: 2, column: 9 }, json!({"Statement": [{"Action": "a", "Resource": "a"}]}));
        let members = [("PolicyDocument", Node::from_json(&text, at))];
        let body: Map = members.into_iter().map(|(name, node)| (name.into(), node)).collect();
        let body = Node::new(Value::Map(body), At { doc, line: 1, column: 1 });
        builder.add(Draft::new("AWS::IAM::ManagedPolicy", "p", body, SourceKind::Template));
        let inventory = karpenter::inventory(builder.clone());
        let edit = |pointer: &str, value| Edit { item: ItemId(1), pointer: pointer.into(), value };
        let edits = [
            edit("/PolicyDocument/Statement/0/Action", Some(json!(["a", "b"]))),
            edit("/PolicyDocument/Statement/-", Some(json!({}))),
        ];
        assert!(builder.edit(&inventory, &edits));
        let body = karpenter::inventory(builder).item(ItemId(1)).expect("there").body.to_json();
        let wanted = json!({"Statement": [{"Action": ["a", "b"], "Resource": "a"}, {}]});
        assert_eq!(body, json!({"PolicyDocument": wanted}));
    }

    #[test]
    fn an_edit_without_a_place_is_told() {
        for live in [false, true] {
            assert_eq!(edited(live, "/KmsMasterKeyId/x", Some(json!(1))), None);
            assert_eq!(edited(live, "/Nothing", None), None);
            assert_eq!(edited(live, "no pointer", None), None);
        }
    }
}
