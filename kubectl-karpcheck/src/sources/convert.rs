//! Fields of one vocabulary as the properties of another, by tables: whoever describes an AWS resource (ACK, Crossplane,
//! Terraform) has a table of its fields, and the properties are CloudFormation's. No code per kind.

use crate::inventory::{List, Map, Node, Text, Value};
use crate::sources::policy_documents;

/// How a field becomes a property.
#[derive(Clone, Copy)]
pub(super) enum As {
    /// As it is.
    Same,
    /// A JSON text becomes an object.
    Object,
    /// `"true"` becomes a flag: SQS's attributes are all texts.
    Flag,
    /// `"300"` becomes a number.
    Number,
    /// True is `ENABLED`, false `DISABLED`: a rule's state in older providers.
    State,
    /// `alias/` is put before it where it lacks.
    Alias,
    /// An object of ACK that refers to an object of this kind, whose attribute it stands for: `{from: {name, namespace}}`.
    Ref(&'static str, &'static str),
    /// A list of such references.
    Refs(&'static str, &'static str),
    /// A text that names a resource of this kind by this attribute. Crossplane writes the same as `…Ref` or `…Selector`.
    To(&'static str, &'static str),
    /// The same, where the property is a list of which the field is the only element.
    Only(&'static str, &'static str),
    /// A reference of ACK's, where the property is a list of which it is the only element.
    OnlyRef(&'static str, &'static str),
    /// A list of such texts.
    Tos(&'static str, &'static str),
    /// A map of names to policy texts becomes a list of `{PolicyName, PolicyDocument}`.
    Policies,
    /// A map of tags becomes a list of `{Key, Value}`.
    Tags,
    /// A list of objects, each by this table. An object alone is a list of one.
    Each(Rows),
}

/// Fields, and the property that each becomes: paths of names. Later rows of a property count where they have a value.
pub(super) type Rows = &'static [(&'static str, &'static str, As)];

/// How the names of the fields are spelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spelling {
    /// As the table has them.
    Exact,
    /// `kms_master_key_id` is written `kmsMasterKeyId`.
    Camel,
}

/// A reference as a document has it.
pub(super) struct Reference<'a> {
    /// What it refers to, as the table says.
    pub(super) kind: &'static str,
    /// The attribute that it stands for.
    pub(super) attribute: &'static str,
    /// What is written.
    pub(super) field: &'a Node,
    /// Does it choose by labels?
    pub(super) selects: bool,
}

/// Converts the fields of one document.
pub(super) struct Converter<'a> {
    /// How its fields are spelled.
    pub(super) spelling: Spelling,
    /// What a reference of it stands for: a text that refers. None where it refers to nothing.
    pub(super) refer: &'a dyn Fn(&Reference<'_>) -> Option<Node>,
}

impl Converter<'_> {
    /// Sets the properties for which there are fields.
    pub(super) fn convert(&self, rows: Rows, from: &Node, into: &mut Map) {
        for (path, property, how) in rows {
            if let Some(node) = self.field(from, path, *how) {
                put(into, property, node);
            }
        }
    }

    fn field(&self, from: &Node, path: &str, how: As) -> Option<Node> {
        let path: Vec<String> = path.split('/').map(|name| self.spelled(name)).collect();
        let (last, before) = path.split_last()?;
        let mut parent = from;
        for name in before {
            parent = match step(parent, name) {
                Some(next) => next,
                // A placeholder where the parent belongs leaves the property unknown.
                None => return opaque(parent),
            };
        }
        let parent = single(parent);
        let own = parent.member(last).filter(|field| !field.is_null() && field.as_str() != Some(""));
        match how {
            As::To(kind, attribute) => self.refers(parent, last, own, kind, attribute),
            As::Only(kind, attribute) => {
                let node = self.refers(parent, last, own, kind, attribute)?;
                let at = node.at;
                Some(Node::new(Value::List(List { items: vec![node], more: None }), at))
            }
            As::Tos(kind, attribute) => self.all_refer(parent, last, own, kind, attribute),
            _ => match own {
                Some(field) => self.converted(field, how),
                None if parent.member(last).is_none() => opaque(parent),
                None => None,
            },
        }
    }

    fn spelled(&self, name: &str) -> String {
        match self.spelling {
            Spelling::Exact => name.to_owned(),
            Spelling::Camel => camel(name),
        }
    }

    /// A field that may be written as a reference beside it. What a controller resolved stands in the field itself.
    fn refers(
        &self,
        parent: &Node,
        name: &str,
        own: Option<&Node>,
        kind: &'static str,
        attribute: &'static str,
    ) -> Option<Node> {
        let reference = [("Ref", false), ("Selector", true)].into_iter().find_map(|(suffix, selects)| {
            let field = parent.member(&format!("{name}{suffix}"))?;
            (self.refer)(&Reference { kind, attribute, field, selects })
        });
        match (own, reference) {
            (Some(own), Some(reference)) => Some(known_and_referring(own, &reference)),
            (Some(own), None) => Some(own.clone()),
            (None, Some(reference)) => Some(reference),
            (None, None) => opaque(parent),
        }
    }

    fn all_refer(
        &self,
        parent: &Node,
        name: &str,
        own: Option<&Node>,
        kind: &'static str,
        attribute: &'static str,
    ) -> Option<Node> {
        if let Some(own) = own {
            return Some(own.clone());
        }
        let refs = parent.member(&format!("{name}Refs"));
        let selector = parent.member(&format!("{name}Selector"));
        let at = refs.or(selector)?.at;
        let items: Vec<Node> = refs
            .map(Node::elements)
            .unwrap_or_default()
            .iter()
            .map(|field| (field, false))
            .chain(selector.map(|field| (field, true)))
            .filter_map(|(field, selects)| (self.refer)(&Reference { kind, attribute, field, selects }))
            .collect();
        Some(Node::new(Value::List(List { items, more: None }), at))
    }

    fn converted(&self, field: &Node, how: As) -> Option<Node> {
        Some(match how {
            As::Same => field.clone(),
            As::Object => policy_documents::object(field.clone()),
            As::Flag => match field.as_str().map(str::to_ascii_lowercase).as_deref() {
                Some("true") => Node::new(Value::Flag(true), field.at),
                Some("false") => Node::new(Value::Flag(false), field.at),
                _ => field.clone(),
            },
            As::Number => match field.as_str().and_then(|text| text.parse().ok()) {
                Some(number) => Node::new(Value::Number(number), field.at),
                None => field.clone(),
            },
            As::State => match &field.value {
                Value::Flag(on) => Node::text(if *on { "ENABLED" } else { "DISABLED" }, field.at),
                _ => field.clone(),
            },
            As::Alias => match &field.value {
                Value::Text(text) if text.hole().is_none() && !text.starts_with("alias/") => {
                    Node::text(format!("alias/{text}"), field.at)
                }
                _ => field.clone(),
            },
            As::Ref(kind, attribute) => (self.refer)(&Reference { kind, attribute, field, selects: false })?,
            As::Refs(kind, attribute) => {
                let items: Vec<Node> = field
                    .elements()
                    .iter()
                    .filter_map(|field| (self.refer)(&Reference { kind, attribute, field, selects: false }))
                    .collect();
                Node::new(Value::List(List { items, more: None }), field.at)
            }
            As::OnlyRef(kind, attribute) => {
                let node = (self.refer)(&Reference { kind, attribute, field, selects: false })?;
                Node::new(Value::List(List { items: vec![node], more: None }), field.at)
            }
            As::Policies => list_of(field, |name, document| {
                let mut policy = Map::default();
                policy.set("PolicyName", Node::text(name, document.at));
                policy.set("PolicyDocument", policy_documents::object(document.clone()));
                policy
            }),
            As::Tags => list_of(field, |name, value| {
                let mut tag = Map::default();
                tag.set("Key", Node::text(name, value.at));
                tag.set("Value", value.clone());
                tag
            }),
            As::Each(rows) => match &field.value {
                Value::List(list) => {
                    let items = list.items.iter().map(|element| self.element(rows, element)).collect();
                    Node::new(Value::List(List { items, more: list.more.clone() }), field.at)
                }
                Value::Map(_) => {
                    Node::new(Value::List(List { items: vec![self.element(rows, field)], more: None }), field.at)
                }
                _ => field.clone(),
            },
            As::To(..) | As::Only(..) | As::Tos(..) => return None,
        })
    }

    fn element(&self, rows: Rows, element: &Node) -> Node {
        match &element.value {
            Value::Map(_) => {
                let mut map = Map::default();
                self.convert(rows, element, &mut map);
                Node::new(Value::Map(map), element.at)
            }
            _ => element.clone(),
        }
    }
}

/// A map as a list, each member by a function. What is no map stays what it is.
fn list_of(field: &Node, element: impl Fn(Text, &Node) -> Map) -> Node {
    let Value::Map(map) = &field.value else { return field.clone() };
    let items =
        map.entries.iter().map(|(name, value)| Node::new(Value::Map(element(name.clone(), value)), value.at)).collect();
    Node::new(Value::List(List { items, more: map.more.clone() }), field.at)
}

/// A block that may occur once is an object in one version and a list of one in another.
fn single(node: &Node) -> &Node {
    match node.elements() {
        [only] if only.as_map().is_some() => only,
        _ => node,
    }
}

fn step<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    single(node).member(name).filter(|next| !next.is_null())
}

/// Something unknown where an object belongs makes what is asked of it unknown.
fn opaque(node: &Node) -> Option<Node> {
    match &node.value {
        Value::Unknown(_) => Some(node.clone()),
        Value::Text(_) => {
            let (reason, at) = node.first_unknown()?;
            Some(Node::new(Value::Unknown(Box::new(reason)), at))
        }
        _ => None,
    }
}

/// A text as it is written, which refers to what the reference beside it refers to.
fn known_and_referring(own: &Node, reference: &Node) -> Node {
    match (&own.value, &reference.value) {
        (Value::Text(text), Value::Text(reference)) => match reference.refers() {
            Some(address) => Node::text(text.clone().referring(address.clone()), own.at),
            None => own.clone(),
        },
        _ => own.clone(),
    }
}

/// Sets a property, which may be one of an object inside.
pub(super) fn put(map: &mut Map, property: &str, node: Node) {
    match property.split_once('/') {
        None => map.set(property, node),
        Some((outer, inner)) => {
            if map.get(outer).is_none() {
                map.set(outer, Node::new(Value::Map(Map::default()), node.at));
            }
            if let Some(Value::Map(map)) = map.get_mut(outer).map(|outer| &mut outer.value) {
                put(map, inner, node);
            }
        }
    }
}

/// `kms_master_key_id` as `kmsMasterKeyId`.
pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut spelled = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut chars = word.chars();
        spelled.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        spelled.push_str(chars.as_str());
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{At, DocId};

    #[test]
    fn arguments_are_spelled_as_crossplane_does() {
        for (snake, spelled) in [
            ("kms_master_key_id", "kmsMasterKeyId"),
            ("name", "name"),
            ("sqs_managed_sse_enabled", "sqsManagedSseEnabled"),
        ] {
            assert_eq!(camel(snake), spelled);
        }
    }

    #[test]
    fn a_block_is_an_object_or_a_list_of_one() {
        let rows: Rows = &[("server_side_encryption/enabled", "SSESpecification/SSEEnabled", As::Flag)];
        let at = At::whole(DocId(0));
        for block in ["{serverSideEncryption: {enabled: true}}", "{serverSideEncryption: [{enabled: true}]}"] {
            let node = crate::formats::yaml::read(block, at.doc).next().expect("a document").node.expect("sound");
            let mut body = Map::default();
            Converter { spelling: Spelling::Camel, refer: &|_| None }.convert(rows, &node, &mut body);
            let enabled = Node::new(Value::Map(body), at).at_path(&["SSESpecification", "SSEEnabled"]).cloned();
            assert!(matches!(enabled.map(|node| node.value), Some(Value::Flag(true))), "{block}");
        }
    }
}
