//! kro's ResourceGraphDefinitions: each template is an object of its own, whose `${…}` are symbols of the definition.
//! What one template says of another (`${key.metadata.name}`) is put in, and what only the cluster will know of it
//! (`${key.status.ackResourceMetadata.arn}`) is a reference to it.

use std::collections::HashMap;

use crate::inventory::{Address, Builder, Draft, Logical, Node, Part, SourceKind, Symbol, SymbolScope, Text, Value};
use crate::schema::kinds;
use crate::sources::kubernetes::ack;
use crate::sources::objects::kind_of;

/// References of references that are followed.
const MOST: u32 = 4;

/// The objects that a definition describes. Definitions of kinds that it would install with an instance are none: whether a
/// cluster has just these shows nothing.
pub(super) fn templates(builder: &mut Builder, definition: &Node) -> Vec<Node> {
    let scope = builder.template();
    let resources = definition.at_path(&["spec", "resources"]).map(Node::elements).unwrap_or_default();
    let mut templates: HashMap<&str, Node> = HashMap::new();
    for resource in resources {
        if let (Some(id), Some(template)) = (resource.str_at(&["id"]), resource.member("template")) {
            templates.insert(id, template.clone());
        }
    }
    let graph = Graph { scope, templates };
    resources
        .iter()
        .filter_map(|resource| resource.member("template"))
        .filter(|template| template.str_at(&["kind"]) != Some("CustomResourceDefinition"))
        .map(|template| {
            let mut object = template.clone();
            graph.resolve(&mut object, 0);
            object
        })
        .collect()
}

struct Graph<'a> {
    scope: SymbolScope,
    templates: HashMap<&'a str, Node>,
}

impl Graph<'_> {
    fn resolve(&self, node: &mut Node, depth: u32) {
        match &mut node.value {
            Value::List(list) => list.items.iter_mut().for_each(|node| self.resolve(node, depth)),
            Value::Map(map) => {
                for (key, node) in &mut map.entries {
                    *key = self.text(key, depth);
                    self.resolve(node, depth);
                }
            }
            Value::Text(text) => {
                if text.hole().is_some() {
                    *text = self.text(text, depth);
                }
            }
            Value::Null | Value::Flag(_) | Value::Number(_) | Value::Unknown(_) => {}
        }
    }

    fn text(&self, text: &Text, depth: u32) -> Text {
        if text.hole().is_none() {
            return text.clone();
        }
        let mut parts = vec![];
        let mut refers = None;
        let pieces = text.clone().into_parts();
        let alone = pieces.len() == 1;
        for part in pieces {
            match part {
                Part::Hole(symbol) => match self.said(&symbol, depth) {
                    Some(said) => parts.extend(said.into_parts()),
                    None => {
                        refers = self.address(&symbol, depth).filter(|_| alone);
                        parts.push(Part::Hole(Symbol { scope: self.scope, ..symbol }));
                    }
                },
                known => parts.push(known),
            }
        }
        let text = Text::from_parts(parts);
        match refers {
            Some(address) => text.referring(address),
            None => text,
        }
    }

    /// `${id.rest}`: the template and the path in it.
    fn path<'s>(&self, symbol: &'s Symbol) -> Option<(&Node, &'s str)> {
        let inner = symbol.name.strip_prefix("${")?.strip_suffix('}')?.trim();
        let (id, rest) = inner.split_once('.')?;
        let plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'?'));
        Some((self.templates.get(id)?, rest)).filter(|_| plain)
    }

    /// What another template says.
    fn said(&self, symbol: &Symbol, depth: u32) -> Option<Text> {
        let (template, path) = self.path(symbol)?;
        let path: Vec<&str> = path.split('.').map(|name| name.trim_end_matches('?')).collect();
        let found = template.at_path(&path)?;
        match &found.value {
            Value::Text(text) if depth < MOST => Some(self.text(text, depth + 1)),
            Value::Number(_) | Value::Flag(_) => Some(Text::from(found.to_json().to_string())),
            _ => None,
        }
    }

    /// The resource that another template describes, and the attribute that a part of its status is.
    fn address(&self, symbol: &Symbol, depth: u32) -> Option<Address> {
        let (template, path) = self.path(symbol)?;
        let attribute = match path.replace('?', "").as_str() {
            "status.ackResourceMetadata.arn" => "Arn",
            "status.keyID" => "KeyId",
            "status.queueURL" => "QueueUrl",
            _ => return None,
        };
        let mut object = template.clone();
        if depth < MOST {
            self.resolve(&mut object, depth + 1);
        }
        let (kind, _) = kind_of(&object)?;
        kinds::described_by(&kind)?;
        let name = super::name_of(&object);
        let mut draft = Draft::new(kind, name, object, SourceKind::Manifest);
        draft.namespace = super::namespace_of(&draft.kind, &draft.body);
        let Logical { scope, id } = ack::address(&draft);
        Some(Address { scope, id, attribute: attribute.into() })
    }
}
