//! Resources and data sources: references to them, and their arguments as objects.

use std::rc::Rc;
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::expr::TraversalOperator;
use hcl_edit::structure::{Block, Structure};

use super::expressions::{step_written, written};
use super::instances::MAX_INSTANCES;
use super::{Env, Evaluator, Instance, ModuleInstance};
use crate::inventory::reason::{Gathered, Terraform};
use crate::inventory::{At, Cause, List, Map, Node, Part, Reason, Symbol, SymbolScope, Text, Value};
use crate::sources::terraform::document;
use crate::sources::terraform::hcl::code::In;
use crate::sources::terraform::hcl::functions::{failed, number};
use crate::sources::terraform::resource;
use crate::sources::terraform::resource::Resource;
use crate::sources::{objects, placeholders};

impl<'a> Evaluator<'a> {
    /// All resources of a module and of those that it calls.
    pub(in crate::sources::terraform::hcl) fn resources(
        &self,
        module: &Rc<ModuleInstance<'a>>,
        into: &mut Vec<Resource>,
    ) {
        for ((data, kind, name), block) in &module.code.resources {
            if !resource::is_read(kind) {
                continue;
            }
            for instance in self.instances(module, *block).all {
                let local = format!("{}{kind}.{name}", if *data { "data." } else { "" });
                let bare = if module.path.is_empty() { local } else { format!("{}.{local}", module.path) };
                let address = format!("{bare}{}", instance.suffix);
                let mut attributes = self.object(module, *block, &instance);
                // A name with a prefix is known in part.
                let elsewhere = self.home_elsewhere(module, *block, &instance);
                let home = elsewhere.clone().unwrap_or_else(|| self.home(module));
                let get = |name: &str| attributes.member(name).cloned();
                let named = resource::follows(kind, "name", &address, self.scope, &home, &get);
                if let (Some(named), Value::Map(map)) = (named, &mut attributes.value) {
                    let at = map.get("name").or_else(|| map.get("name_prefix")).map_or(attributes.at, |node| node.at);
                    map.set("name", Node::text(named, at));
                }
                if let Some(place) = module.place {
                    objects::relocate(&mut attributes, &|_| place);
                }
                // A literal in angle brackets, which nobody deploys, is to be given.
                placeholders::mark_bracketed(&mut attributes);
                let without_blanks = (resource::holds_documents(kind) && self.has_blank_defaults(module))
                    .then(|| self.without_blanks(|| self.object(module, *block, &instance)));
                into.push(Resource {
                    address: address.into(),
                    bare: (!instance.suffix.is_empty()).then(|| Arc::from(bare.as_str())),
                    kind: (*kind).into(),
                    data: *data,
                    attributes,
                    home: elsewhere,
                    without_blanks,
                });
            }
        }
        let names: Vec<&str> = module.code.modules.keys().copied().collect();
        for name in names {
            if let Some(children) = self.children(module, name) {
                for (_, child) in children.iter() {
                    self.resources(child, into);
                }
            }
        }
    }

    /// The value of a reference to a resource.
    pub(super) fn resource(
        &self,
        env: &Env<'a>,
        data: bool,
        kind: &str,
        name: &str,
        operators: &[&'a TraversalOperator],
        at: At,
    ) -> Node {
        let written = format!("{}{kind}.{name}", if data { "data." } else { "" });
        let Some((key, block)) = env.module.code.resources.get_key_value(&(data, kind, name)) else {
            let whole = format!("{written}{}", operators.iter().map(|step| step_written(step)).collect::<String>());
            let gap = Terraform::NotInFiles { written: written.into() };
            return Node::text(Text::symbol(self.symbol(env, &whole, gap)), at);
        };
        let (block, kind) = (*block, key.1);
        let instances = self.instances(&env.module, block);
        let value = |instance: &Instance, rest: &[&'a TraversalOperator]| match rest.split_first() {
            Some((TraversalOperator::GetAttr(attribute), rest)) => {
                let node = self.attribute(&env.module, block, kind, data, name, instance, attribute.as_str(), at);
                self.steps(env, node, rest, at, &format!("{written}{}.{}", instance.suffix, attribute.as_str()))
            }
            _ => {
                let node = self.object(&env.module, block, instance);
                self.steps(env, node, rest, at, &written)
            }
        };
        match operators.split_first() {
            Some((TraversalOperator::Index(_) | TraversalOperator::LegacyIndex(_), rest)) => {
                let index = match operators.first() {
                    Some(TraversalOperator::Index(index)) => self.eval(env, index),
                    Some(TraversalOperator::LegacyIndex(index)) => {
                        number(usize::try_from(*index.value()).unwrap_or(0), at)
                    }
                    _ => Node::new(Value::Null, at),
                };
                let same = |instance: &&Instance| {
                    instance
                        .key
                        .as_ref()
                        .is_some_and(|key| index.first_unknown().is_none() && key.to_json() == index.to_json())
                };
                let unknown = index.first_unknown().is_some() || !instances.certain;
                match (instances.all.iter().find(same), instances.all.as_slice()) {
                    (Some(instance), _) => value(instance, rest),
                    (None, [only]) if unknown => value(only, rest),
                    (None, _) if unknown => {
                        Node::unknown(Cause::Symbolic, Terraform::Instance { written: written.as_str().into() }, at)
                    }
                    (None, _) => {
                        failed(Terraform::None { written: format!("{written}[{}]", index.to_json()).into() }, at)
                    }
                }
            }
            Some((TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_), rest)) => {
                let items = instances.all.iter().map(|instance| value(instance, rest)).collect();
                Node::new(Value::List(List { items, more: None }), at)
            }
            _ => match instances.all.as_slice() {
                [only] if only.suffix.is_empty() || !operators.is_empty() => value(only, operators),
                [] => failed(Terraform::None { written: written.as_str().into() }, at),
                all => {
                    let mut map = Map::default();
                    for instance in all {
                        let key = instance.key.as_ref().map(Node::to_json).unwrap_or_default();
                        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                        map.set(key, value(instance, &[]));
                    }
                    self.steps(env, Node::new(Value::Map(map), at), operators, at, &written)
                }
            },
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a resource's instance has that many coordinates")]
    fn attribute(
        &self,
        module: &Rc<ModuleInstance<'a>>,
        block: In<'a, Block>,
        kind: &str,
        data: bool,
        name: &str,
        instance: &Instance,
        attribute: &str,
        at: At,
    ) -> Node {
        let local = format!("{}{kind}.{name}{}", if data { "data." } else { "" }, instance.suffix);
        let address = if module.path.is_empty() { local.clone() } else { format!("{}.{local}", module.path) };
        if data && kind == "aws_iam_policy_document" && matches!(attribute, "json" | "minified_json") {
            return self
                .once(module, format!("{local}.json"), at, || document::build(&self.object(module, block, instance)));
        }
        if let Some(node) = data.then(|| self.looked_up(module, block, kind, instance, attribute, at)).flatten() {
            return node;
        }
        self.once(module, format!("{local}.{attribute}"), at, || {
            let env = Env { module: Rc::clone(module), source: block.source, vars: Rc::clone(&instance.vars) };
            let get = |name: &str| {
                let argument = block.it.body.get_attribute(name)?;
                Some(self.eval(&env, &argument.value)).filter(|node| !node.is_null())
            };
            let own = get(attribute).filter(|node| node.as_str() != Some(""));
            let home = self.home_elsewhere(module, block, instance).unwrap_or_else(|| self.home(module));
            let value = match own {
                // What is no item is nothing but its arguments.
                Some(node) if resource::normal(kind).is_none() && matches!(node.value, Value::Text(_)) => return node,
                Some(Node { value: Value::Text(text), .. }) => Some(text),
                Some(node) if node.first_unknown().is_none() => return node,
                _ => resource::follows(kind, attribute, &address, self.scope, &home, &get),
            };
            resource::reference(self.scope, kind, &address, attribute, value, at)
        })
    }

    /// What the provider looks up: the account, the region and what follows from them.
    fn looked_up(
        &self,
        module: &Rc<ModuleInstance<'a>>,
        block: In<'a, Block>,
        kind: &str,
        instance: &Instance,
        attribute: &str,
        at: At,
    ) -> Option<Node> {
        let home = self.home_elsewhere(module, block, instance).unwrap_or_else(|| self.home(module));
        let suffix = || match home.partition.known() {
            Some("aws-cn") => Text::from("amazonaws.com.cn"),
            Some(_) => Text::from("amazonaws.com"),
            None => {
                let gap = Gathered::OfRegion { what: "AWS::URLSuffix" };
                Text::symbol(Symbol::new("${AWS::URLSuffix}", SymbolScope::AccountRegion, gap))
            }
        };
        let argument = |name: &str| {
            let env = Env { module: Rc::clone(module), source: block.source, vars: Rc::clone(&instance.vars) };
            Some(self.eval(&env, &block.it.body.get_attribute(name)?.value))
        };
        if let Some(node) = self.file_data(
            &Env { vars: Rc::clone(&instance.vars), ..Env::new(module, block.source) },
            block.it,
            kind,
            attribute,
            at,
        ) {
            return Some(node);
        }
        let text = match (kind, attribute) {
            ("aws_partition", "partition" | "id") => home.partition,
            ("aws_partition", "dns_suffix") => suffix(),
            ("aws_caller_identity", "account_id" | "id") => home.account,
            ("aws_region", "name" | "region" | "id") => match argument("region").map(|node| node.value) {
                Some(Value::Text(region)) if region.known().is_some() => region,
                _ => home.region,
            },
            ("aws_service_principal", "name") => {
                let service = argument("service_name")?;
                let Value::Text(service) = service.value else { return None };
                let parts = service.into_parts().into_iter().chain([Part::Known(".".into())]);
                Text::from_parts(parts.chain(suffix().into_parts()))
            }
            _ => return None,
        };
        Some(Node::text(text, at))
    }

    /// All arguments of an instance: nested blocks are lists of objects.
    fn object(&self, module: &Rc<ModuleInstance<'a>>, block: In<'a, Block>, instance: &Instance) -> Node {
        let env = Env { module: Rc::clone(module), source: block.source, vars: Rc::clone(&instance.vars) };
        let at = block.source.at(block.it.span());
        Node::new(Value::Map(self.body(&env, block.it, true)), at)
    }

    fn body(&self, env: &Env<'a>, block: &'a Block, top: bool) -> Map {
        let mut map = Map::default();
        let mut lists: Vec<(&str, List)> = vec![];
        for structure in &block.body {
            match structure {
                Structure::Attribute(attribute) => {
                    let name = attribute.key.as_str();
                    if top && matches!(name, "count" | "for_each" | "provider" | "depends_on") {
                        continue;
                    }
                    let mut node = self.eval(env, &attribute.value);
                    // What Terraform would refuse is an optional attribute that is not there, as a rule.
                    let fails = matches!(&node.value, Value::Unknown(reason) if reason.cause == Cause::Failed);
                    if let Value::List(list) = &mut node.value {
                        for item in list.items.iter_mut().filter(|item| item.is_null()) {
                            let gap = Terraform::NullHere { written: written(&attribute.value).into() };
                            *item = Node::unknown(Cause::Symbolic, gap, item.at);
                        }
                    }
                    if !fails && !node.is_null() {
                        if matches!(node.value, Value::Map(_) | Value::List(_)) {
                            node.at = env.source.place(&attribute.value);
                        }
                        map.set(name, node);
                    }
                }
                Structure::Block(inner) => {
                    let ident = inner.ident.as_str();
                    if top && matches!(ident, "lifecycle" | "provisioner" | "connection" | "timeouts") {
                        continue;
                    }
                    let dynamic = ident == "dynamic";
                    let name = if dynamic { inner.labels.first().map_or("", |label| label.as_str()) } else { ident };
                    let index = lists.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                        lists.push((name, List::default()));
                        lists.len() - 1
                    });
                    let list = &mut lists[index].1;
                    if dynamic {
                        self.dynamic(env, inner, name, list);
                    } else {
                        let at = env.source.at(inner.span());
                        list.items.push(Node::new(Value::Map(self.body(env, inner, false)), at));
                    }
                }
            }
        }
        for (name, list) in lists {
            let at = list.items.first().map_or_else(|| env.source.at(block.span()), |first| first.at);
            map.set(name, Node::new(Value::List(list), at));
        }
        map
    }

    /// `dynamic "statement" { for_each = …  content { … } }`. Where it cannot be told for what, the list is open.
    fn dynamic(&self, env: &Env<'a>, block: &'a Block, name: &str, into: &mut List) {
        let (Some(each), Some(content)) =
            (block.body.get_attribute("for_each"), block.body.get_blocks("content").next())
        else {
            return;
        };
        let over = self.eval(env, &each.value);
        let entries: Vec<(Node, Node)> = match &over.value {
            Value::List(list) => {
                if let Some(more) = &list.more {
                    into.more = Some(more.clone());
                }
                list.items.iter().enumerate().map(|(index, node)| (number(index, node.at), node.clone())).collect()
            }
            Value::Map(map) => {
                if let Some(more) = &map.more {
                    into.more = Some(more.clone());
                }
                map.entries.iter().map(|(key, node)| (Node::text(key.clone(), node.at), node.clone())).collect()
            }
            Value::Null => vec![],
            Value::Unknown(reason) if reason.cause == Cause::Failed => vec![],
            _ => {
                let reason = over.first_unknown().map_or_else(
                    || {
                        let gap = Terraform::Blocks { written: written(&each.value).into() };
                        Reason::new(Cause::Symbolic, gap)
                    },
                    |(reason, _)| reason.as_cause(Cause::Symbolic),
                );
                into.more = Some(Box::new(reason));
                vec![]
            }
        };
        let iterator = match block.body.get_attribute("iterator").map(|attribute| &attribute.value) {
            Some(hcl_edit::expr::Expression::Variable(name)) => name.as_str().to_owned(),
            _ => name.to_owned(),
        };
        let at = env.source.at(content.span());
        for (key, value) in entries.into_iter().take(MAX_INSTANCES) {
            let mut both = Map::default();
            both.set("key", key);
            both.set("value", value);
            let inner = env.with([(iterator.clone(), Node::new(Value::Map(both), at))]);
            into.items.push(Node::new(Value::Map(self.body(&inner, content, false)), at));
        }
    }
}
