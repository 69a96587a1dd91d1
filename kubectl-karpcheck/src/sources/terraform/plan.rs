//! `terraform show -json` of a plan: planned values, what is known after apply, and the configuration's references, so
//! that a relation is known though the value isn't.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::inventory::reason::Terraform;
use crate::inventory::{At, List, Map, Node, SourceKind, Stated, SymbolScope, Text, Value};
use crate::sources::terraform::arguments;
use crate::sources::terraform::document;
use crate::sources::terraform::resource;
use crate::sources::terraform::resource::{ModuleResources, Resource, module_of, steps};

/// A reference leads through outputs and inputs of modules; no real one through more.
const MAX_HOPS: u32 = 16;

/// What a plan says.
pub(super) fn read(node: &Node, scope: SymbolScope, stated: &Stated) -> ModuleResources {
    let mut plan = Plan {
        scope,
        resources: vec![],
        unknown: vec![],
        addresses: HashMap::new(),
        instances: HashMap::new(),
        config: HashMap::new(),
        outputs: HashMap::new(),
        inputs: HashMap::new(),
        busy: RefCell::default(),
        home: resource::home(stated),
    };
    if let Some(configuration) = node.member("configuration") {
        if let Some(root) = configuration.member("root_module") {
            plan.configure(root, "");
        }
        let region = configuration
            .at_path(&["provider_config", "aws", "expressions", "region", "constant_value"])
            .and_then(Node::as_str);
        if let (Some(region), None) = (region, &stated.region) {
            plan.home = resource::home(&Stated { region: Some(region.to_owned()), ..stated.clone() });
        }
    }
    let changes = node.member("resource_changes").map(Node::elements).unwrap_or_default();
    for change in changes {
        plan.change(change);
    }
    // What needs no change is in the planned values of old versions alone.
    if let Some(root) = node.at_path(&["planned_values", "root_module"]) {
        plan.planned(root);
    }
    let filled = (0..plan.resources.len()).map(|number| plan.filled(number)).collect();
    ModuleResources { scope, source: SourceKind::Plan, home: plan.home, resources: filled }
}

struct Plan<'a> {
    scope: SymbolScope,
    resources: Vec<Resource>,
    /// What is known after apply, beside the resource of the same number.
    unknown: Vec<Option<&'a Node>>,
    addresses: HashMap<Arc<str>, usize>,
    /// By address without its last index.
    instances: HashMap<String, Vec<usize>>,
    /// Expressions of a resource, by its address without any index.
    config: HashMap<String, &'a Node>,
    /// The expression of an output, by its module without indexes, and its name.
    outputs: HashMap<(String, String), &'a Node>,
    /// The expressions of a module's inputs.
    inputs: HashMap<String, &'a Node>,
    /// Documents that are being rebuilt: one that needs itself ends here.
    busy: RefCell<HashSet<usize>>,
    home: crate::inventory::arn::AccountRegion,
}

impl<'a> Plan<'a> {
    fn configure(&mut self, module: &'a Node, path: &str) {
        for resource in module.member("resources").map(Node::elements).unwrap_or_default() {
            if let (Some(address), Some(expressions)) = (resource.str_at(&["address"]), resource.member("expressions"))
            {
                self.config.insert(join(path, address), expressions);
            }
        }
        for (name, output) in entries(module.member("outputs")) {
            if let Some(expression) = output.member("expression") {
                self.outputs.insert((path.to_owned(), name.to_owned()), expression);
            }
        }
        for (name, call) in entries(module.member("module_calls")) {
            let inner = join(path, &format!("module.{name}"));
            if let Some(expressions) = call.member("expressions") {
                self.inputs.insert(inner.clone(), expressions);
            }
            if let Some(module) = call.member("module") {
                self.configure(module, &inner);
            }
        }
    }

    fn change(&mut self, change: &'a Node) {
        let actions = change.at_path(&["change", "actions"]).map(Node::elements).unwrap_or_default();
        let made = |node: &Node| !matches!(node.as_str(), Some("delete" | "forget"));
        if !actions.is_empty() && !actions.iter().any(made) {
            return;
        }
        let Some(after) = change.at_path(&["change", "after"]) else { return };
        let marks = change.at_path(&["change", "after_sensitive"]);
        self.add(change, after, marks, change.at_path(&["change", "after_unknown"]));
    }

    fn planned(&mut self, module: &'a Node) {
        for resource in module.member("resources").map(Node::elements).unwrap_or_default() {
            if let Some(values) = resource.member("values") {
                self.add(resource, values, resource.member("sensitive_values"), None);
            }
        }
        for child in module.member("child_modules").map(Node::elements).unwrap_or_default() {
            self.planned(child);
        }
    }

    fn add(&mut self, of: &Node, values: &Node, marks: Option<&Node>, unknown: Option<&'a Node>) {
        let Some(resource) = instance(of, values, marks) else { return };
        if self.addresses.contains_key(&resource.address) {
            return;
        }
        let number = self.resources.len();
        self.addresses.insert(Arc::clone(&resource.address), number);
        let bare = resource.bare.as_deref().unwrap_or(&resource.address).to_owned();
        self.instances.entry(bare).or_default().push(number);
        self.resources.push(resource);
        self.unknown.push(unknown);
    }

    /// A resource with what is known after apply in it.
    fn filled(&self, number: usize) -> Resource {
        let mut resource = self.resources[number].clone();
        let Some(unknown) = self.unknown[number] else { return resource };
        let expressions = self.config.get(&without_indexes(&resource.address)).copied();
        let Value::Map(marks) = &unknown.value else { return resource };
        let at = resource.attributes.at;
        if resource.attributes.as_map().is_none() {
            resource.attributes = resource::empty(at);
        }
        let Value::Map(attributes) = &mut resource.attributes.value else { return resource };
        for (name, mark) in &marks.entries {
            let Some(name) = name.known() else { continue };
            let expression = expressions.and_then(|expressions| expressions.member(name));
            // Nobody gave it, and the configuration is there to say so: AWS's default.
            if expression.is_none() && expressions.is_some() && arguments::has_default(&resource.kind, name) {
                attributes.remove(name);
                continue;
            }
            let earlier = attributes.remove(name).unwrap_or_else(|| Node::new(Value::Null, at));
            let place = Place { number, attribute: name };
            if let Some(node) = self.fill(earlier, mark, expression, &place) {
                attributes.set(name, node);
            }
        }
        resource
    }

    /// A value with what its marks call unknown in it; none where nothing is there.
    fn fill(&self, node: Node, mark: &Node, expression: Option<&Node>, place: &Place<'_>) -> Option<Node> {
        let at = if node.is_null() { self.resources[place.number].attributes.at } else { node.at };
        match (&mark.value, node.value) {
            (Value::Flag(true), _) => Some(self.later(expression, place, at)),
            (Value::Flag(false), Value::Null) => None,
            (Value::Map(marks), value) => {
                let mut map = match value {
                    Value::Map(map) => map,
                    _ => Map::default(),
                };
                for (name, mark) in &marks.entries {
                    let Some(name) = name.known() else { continue };
                    let inner = expression.and_then(|expression| expression.member(name));
                    let earlier = map.remove(name).unwrap_or_else(|| Node::new(Value::Null, at));
                    if let Some(node) = self.fill(earlier, mark, inner, place) {
                        map.set(name, node);
                    }
                }
                Some(Node::new(Value::Map(map), at))
            }
            (Value::List(marks), value) => {
                let mut items = match value {
                    Value::List(list) => list.items,
                    _ => vec![],
                };
                let blocks = expression.map(Node::elements).filter(|blocks| !blocks.is_empty());
                for (index, mark) in marks.items.iter().enumerate() {
                    let inner = match blocks {
                        Some(blocks) => blocks.get(index),
                        // A list of one reference is what that reference is.
                        None => expression.filter(|_| marks.items.len() == 1),
                    };
                    let earlier = items.get(index).cloned().unwrap_or_else(|| Node::new(Value::Null, at));
                    let node = self.fill(earlier, mark, inner, place).unwrap_or_else(|| Node::new(Value::Null, at));
                    match items.get_mut(index) {
                        Some(item) => *item = node,
                        None => items.push(node),
                    }
                }
                Some(Node::new(Value::List(List { items, more: None }), at))
            }
            (_, Value::Null) => None,
            (_, value) => Some(Node::new(value, at)),
        }
    }

    /// What is known after apply: the resource that it is an attribute of, where the configuration says which one.
    fn later(&self, expression: Option<&Node>, place: &Place<'_>, at: At) -> Node {
        let from = &self.resources[place.number];
        let targets = expression.map(|expression| self.targets(expression, place.number)).unwrap_or_default();
        match targets.as_slice() {
            [(number, attribute)] => {
                let target = &self.resources[*number];
                if &*target.kind == "aws_iam_policy_document" && matches!(attribute.as_str(), "json" | "minified_json")
                {
                    return self.document(*number, at);
                }
                let get = |name: &str| target.get(name).cloned();
                let own = target.text(attribute).filter(|text| text.known().is_some()).cloned();
                let value = own.or_else(|| {
                    resource::follows(&target.kind, attribute, &target.address, self.scope, &self.home, &get)
                });
                resource::reference(self.scope, &target.kind, &target.address, attribute, value, at)
            }
            targets => {
                let address = format!("{}.{}", from.address, place.attribute);
                let gap = match targets.first() {
                    Some((number, _)) => {
                        let of = self.resources[*number].address.to_string().into();
                        Terraform::MadeOf { address: address.as_str().into(), of }
                    }
                    None => Terraform::AfterApply { address: address.as_str().into() },
                };
                let text = matches!(place.attribute, "name" | "arn" | "id" | "url" | "key_id" | "name_prefix");
                if text {
                    return Node::text(Text::symbol(resource::known_later(&address, self.scope)), at);
                }
                resource::later(gap, at)
            }
        }
    }

    /// A document that Terraform will read when it applies, rebuilt from its planned statements.
    fn document(&self, number: usize, at: At) -> Node {
        let address = &self.resources[number].address;
        if !self.busy.borrow_mut().insert(number) {
            return resource::later(Terraform::Itself { address: address.to_string().into() }, at);
        }
        let filled = self.filled(number);
        self.busy.borrow_mut().remove(&number);
        document::build(&filled.attributes)
    }

    /// The resources that an expression refers to, each with the attribute.
    fn targets(&self, expression: &Node, from: usize) -> Vec<(usize, String)> {
        let resource = &self.resources[from];
        let module = module_of(&resource.address);
        let mut found: Vec<(usize, String)> = vec![];
        self.resolve_all(expression, module, index_of(resource), 0, &mut found);
        found
    }

    fn resolve_all(&self, expression: &Node, module: &str, index: &str, hops: u32, found: &mut Vec<(usize, String)>) {
        if hops > MAX_HOPS {
            return;
        }
        for reference in expression.member("references").map(Node::elements).unwrap_or_default() {
            let Some(reference) = reference.as_str() else { continue };
            let steps = steps(reference);
            match steps.as_slice() {
                [root, name, ..] if root == "var" => {
                    let expression = self.inputs.get(&without_indexes(module)).and_then(|inputs| inputs.member(name));
                    if let Some(expression) = expression {
                        self.resolve_all(expression, module_of(module), "", hops + 1, found);
                    }
                }
                [root, call, output] if root == "module" => {
                    let inner = join(module, &format!("module.{call}"));
                    let key = (without_indexes(&inner), output.clone());
                    if let Some(expression) = self.outputs.get(&key) {
                        self.resolve_all(expression, &inner, "", hops + 1, found);
                    }
                }
                [root, ..] if matches!(root.as_str(), "local" | "each" | "count" | "path" | "terraform" | "self") => {}
                _ => {
                    let skip = usize::from(steps.first().is_some_and(|root| root == "data"));
                    if steps.len() < skip + 2 {
                        continue;
                    }
                    let address = join(module, &steps[..skip + 2].join("."));
                    let attribute = steps.get(skip + 2).cloned().unwrap_or_default();
                    if let Some(number) = self.instance(&address, index) {
                        match found.iter_mut().find(|(known, _)| *known == number) {
                            Some((_, known)) if known.is_empty() => *known = attribute,
                            Some(_) => {}
                            None => found.push((number, attribute)),
                        }
                    }
                }
            }
        }
    }

    /// The instance that an address means: itself, the one of the same index, or the only one.
    fn instance(&self, address: &str, index: &str) -> Option<usize> {
        if let Some(number) = self.addresses.get(address) {
            return Some(*number);
        }
        if let Some(number) = self.addresses.get(format!("{address}{index}").as_str()) {
            return Some(*number);
        }
        if let Some([only]) = self.instances.get(address).map(Vec::as_slice) {
            return Some(*only);
        }
        // A module that is called once for each key: the only instance in any of them.
        let bare = without_indexes(address);
        let mut matching =
            self.instances.iter().filter(|(known, _)| without_indexes(known) == bare).map(|(_, all)| all);
        match (matching.next().map(Vec::as_slice), matching.next()) {
            (Some([only]), None) if address.contains("module.") => Some(*only),
            _ => None,
        }
    }
}

/// Where a value stands.
struct Place<'n> {
    number: usize,
    attribute: &'n str,
}

/// A resource of a plan's or state's list.
pub(super) fn instance(of: &Node, values: &Node, marks: Option<&Node>) -> Option<Resource> {
    let (address, kind) = (of.str_at(&["address"])?, of.str_at(&["type"])?);
    if !resource::is_read(kind) {
        return None;
    }
    let mut attributes = values.clone();
    attributes.at = of.at;
    if let Some(marks) = marks {
        resource::conceal(&mut attributes, marks);
    }
    if attributes.as_map().is_none() {
        attributes = resource::empty(of.at);
    }
    let index = of.member("index").is_some_and(|index| !index.is_null());
    let bare = index.then(|| last_index(address).map(|start| Arc::from(&address[..start]))).flatten();
    Some(Resource {
        home: None,
        without_blanks: None,
        address: address.into(),
        bare,
        kind: kind.into(),
        data: of.str_at(&["mode"]) == Some("data"),
        attributes,
    })
}

fn entries(node: Option<&Node>) -> impl Iterator<Item = (&str, &Node)> {
    node.and_then(Node::as_map)
        .map(|map| map.entries.as_slice())
        .unwrap_or_default()
        .iter()
        .filter_map(|(key, node)| Some((key.known()?, node)))
}

fn join(module: &str, address: &str) -> String {
    if module.is_empty() { address.to_owned() } else { format!("{module}.{address}") }
}

/// Where the index at the end of an address begins: `a.b["x.y"]`.
fn last_index(address: &str) -> Option<usize> {
    let inner = address.strip_suffix(']')?;
    let start = if inner.ends_with('"') { inner.rfind("[\"") } else { inner.rfind('[') };
    start.filter(|start| *start > 0)
}

fn index_of(resource: &Resource) -> &str {
    resource.bare.as_ref().map_or("", |bare| &resource.address[bare.len()..])
}

fn without_indexes(address: &str) -> String {
    let mut plain = String::with_capacity(address.len());
    let (mut depth, mut quoted) = (0_u32, false);
    for char in address.chars() {
        match char {
            '"' if depth > 0 => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            char if depth == 0 => plain.push(char),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (address, module, plain) in [
            ("aws_sqs_queue.this[0]", "", "aws_sqs_queue.this"),
            ("module.a.aws_sqs_queue.this", "module.a", "module.a.aws_sqs_queue.this"),
            ("module.a[\"x.y\"].module.b[0].data.x.y", "module.a[\"x.y\"].module.b[0]", "module.a.module.b.data.x.y"),
            ("module.a.module.b", "module.a", "module.a.module.b"),
            ("module.a", "", "module.a"),
            ("", "", ""),
        ] {
            assert_eq!(module_of(address), module, "{address}");
            assert_eq!(without_indexes(address), plain, "{address}");
        }
        assert_eq!(last_index("a.b[\"x[0].y\"]").map(|start| "a.b[\"x[0].y\"]".split_at(start).0), Some("a.b"));
    }
}
