//! Terraform state: `terraform show -json`, and the raw file of version 4.

use std::sync::Arc;

use crate::inventory::{Node, SourceKind, Stated, SymbolScope, Value};
use crate::sources::terraform::plan::instance;
use crate::sources::terraform::resource;
use crate::sources::terraform::resource::{ModuleResources, Resource};

/// What `terraform show -json` says of a state.
pub(super) fn read(node: &Node, scope: SymbolScope, stated: &Stated) -> ModuleResources {
    let mut resources = vec![];
    if let Some(root) = node.at_path(&["values", "root_module"]) {
        module(root, &mut resources);
    }
    ModuleResources { scope, source: SourceKind::State, home: resource::home(stated), resources }
}

fn module(node: &Node, resources: &mut Vec<Resource>) {
    for one in node.member("resources").map(Node::elements).unwrap_or_default() {
        if let Some(values) = one.member("values") {
            resources.extend(instance(one, values, one.member("sensitive_values")));
        }
    }
    for child in node.member("child_modules").map(Node::elements).unwrap_or_default() {
        module(child, resources);
    }
}

/// What the raw file says.
pub(super) fn read_raw(node: &Node, scope: SymbolScope, stated: &Stated) -> ModuleResources {
    let mut resources = vec![];
    for one in node.member("resources").map(Node::elements).unwrap_or_default() {
        let (Some(kind), Some(name)) = (one.str_at(&["type"]), one.str_at(&["name"])) else { continue };
        if !resource::is_read(kind) {
            continue;
        }
        let data = one.str_at(&["mode"]) == Some("data");
        let module = one.str_at(&["module"]).map(|module| format!("{module}.")).unwrap_or_default();
        let bare = format!("{module}{}{kind}.{name}", if data { "data." } else { "" });
        for part in one.member("instances").map(Node::elements).unwrap_or_default() {
            let Some(attributes) = part.member("attributes") else { continue };
            let index = part.member("index_key").filter(|key| !key.is_null());
            let address = match index {
                Some(index) => format!("{bare}[{}]", index.to_json()),
                None => bare.clone(),
            };
            let mut attributes = attributes.clone();
            attributes.at = part.at;
            conceal(&mut attributes, part.member("sensitive_attributes"));
            resources.push(Resource {
                home: None,
                without_blanks: None,
                address: address.into(),
                bare: index.map(|_| Arc::from(bare.as_str())),
                kind: kind.into(),
                data,
                attributes,
            });
        }
    }
    ModuleResources { scope, source: SourceKind::State, home: resource::home(stated), resources }
}

/// Takes out what is marked as a path: `[[{"type": "get_attr", "value": "password"}, …], …]`, or by the bare name, as
/// early versions wrote it. Whatever lies below the first step goes with it.
fn conceal(attributes: &mut Node, marks: Option<&Node>) {
    let Value::Map(map) = &mut attributes.value else { return };
    for mark in marks.map(Node::elements).unwrap_or_default() {
        let name = match mark.elements().first() {
            Some(step) => step.str_at(&["value"]),
            None => mark.as_str(),
        };
        if let Some(node) = name.and_then(|name| map.get_mut(name)) {
            *node = resource::concealed(node.at);
        }
    }
}
