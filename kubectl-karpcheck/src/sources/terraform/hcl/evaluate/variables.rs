//! Variables and locals.

use std::rc::Rc;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Block;

use super::{Env, Evaluator, ModuleInstance};
use crate::inventory::reason::Terraform;
use crate::inventory::{At, Node, Text, Value};
use crate::sources::terraform::hcl::code::In;
use crate::sources::terraform::hcl::functions;
use crate::sources::terraform::hcl::functions::{flag, numeric};
use crate::sources::terraform::resource;

impl<'a> Evaluator<'a> {
    pub(super) fn variable(&self, env: &Env<'a>, name: &str, at: At) -> Node {
        let module = &env.module;
        self.once(module, format!("var.{name}"), at, || {
            let declared = module.code.variables.get(name).copied();
            let argument = |argument: &str| {
                let block = declared?;
                let attribute = block.it.body.get_attribute(argument)?;
                Some(self.eval(&Env::new(module, block.source), &attribute.value))
            };
            if argument("sensitive").is_some_and(|node| flag(&node) == Some(true)) {
                return resource::concealed(at);
            }
            let given = module.given.iter().rev().find(|(known, _)| known == name).map(|(_, node)| node.clone());
            let passed = || {
                let (caller, call) = module.caller.as_ref()?;
                let attribute = call.it.body.get_attribute(name)?;
                Some(self.eval(caller, &attribute.value))
            };
            let value = given.or_else(passed).filter(|node| {
                !(node.is_null() && argument("nullable").is_some_and(|node| flag(&node) == Some(false)))
            });
            // An empty default for the name of the cluster or of a role only says that the caller must give one.
            let named = ["cluster_name", "role_name"].iter().any(|end| name.ends_with(end));
            let stated = |node: &Node| !(named && node.as_str() == Some(""));
            let default = || argument("default").filter(stated);
            let not_given = || {
                let gap = if module.is_unit {
                    Terraform::Input { name: name.into() }
                } else if module.is_library && declared.is_some() {
                    Terraform::OfCaller { name: name.into() }
                } else {
                    Terraform::Variable { name: name.into() }
                };
                Node::text(Text::symbol(self.symbol(env, &format!("var.{name}"), gap)), at)
            };
            let value = value.or_else(|| self.in_variants(env, name, &default, at));
            let by_default = value.is_none();
            // A caller may give anything else.
            let value = value.or_else(|| if module.is_library || module.is_unit { None } else { default() });
            let Some(value) = value else { return not_given() };
            let mut value = match declared.and_then(|block| Some((block, block.it.body.get_attribute("type")?))) {
                Some((block, kind)) => self.conform(&Env::new(module, block.source), value, &kind.value),
                None => value,
            };
            if by_default && module.caller.is_none() && self.without_blanks.get() {
                fill_blanks(&mut value, &not_given);
            }
            value
        })
    }

    /// Evaluates with variables of the root having no value where their defaults are empty.
    pub(super) fn without_blanks<T>(&self, evaluate: impl FnOnce() -> T) -> T {
        let before = self.without_blanks.replace(true);
        let made = evaluate();
        self.without_blanks.set(before);
        made
    }

    /// Has the root a variable with an empty default, or one with an empty text in it?
    pub(super) fn has_blank_defaults(&self, module: &Rc<ModuleInstance<'a>>) -> bool {
        *self.blank_defaults.get_or_init(|| {
            let has_blank = |block: &Block, argument: &str| {
                let written = block.body.get_attribute(argument).map(|attribute| attribute.value.to_string());
                written.is_some_and(|text| text.contains("\"\"") || text.trim() == "{}")
            };
            let blank = |block: &In<'a, Block>| has_blank(block.it, "default") || has_blank(block.it, "type");
            module.root().code.variables.values().any(blank)
        })
    }

    /// The value of a root's variable in the files of values of which a run names one: where they differ, any of them.
    fn in_variants(&self, env: &Env<'a>, name: &str, default: &dyn Fn() -> Option<Node>, at: At) -> Option<Node> {
        let mut values: Vec<(&str, Option<Node>)> = vec![];
        for variant in &env.module.variants {
            let entry = variant.source.body.get_attribute(name);
            let node = entry.map(|entry| self.eval(&Env::new(&env.module, variant.source), &entry.value));
            values.push((&variant.name, node));
        }
        if values.iter().all(|(_, node)| node.is_none()) {
            return None;
        }
        let chosen: Vec<Option<Node>> = values.iter().map(|(_, node)| node.clone().or_else(default)).collect();
        let json = |node: &Option<Node>| node.as_ref().map(Node::to_json);
        if chosen.iter().all(|node| json(node) == json(&chosen[0])) {
            return chosen.into_iter().next().flatten();
        }
        let mut words: Vec<String> = values
            .iter()
            .filter_map(|(file, node)| {
                let value = node.as_ref()?.to_json().to_string();
                let value = if value.len() > 60 { "another value".to_owned() } else { value };
                Some(format!("{value} in {file}"))
            })
            .collect();
        let more = words.len().saturating_sub(4);
        words.truncate(4);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let values = format!("{}{more}", words.join(", ")).into();
        let gap = Terraform::Variants { name: name.into(), values };
        Some(Node::text(Text::symbol(self.symbol(env, &format!("var.{name}"), gap)), at))
    }

    /// A value as its variable's type makes it: attributes that are optional and not given are null, or have the default
    /// of the type.
    fn conform(&self, env: &Env<'a>, mut node: Node, kind: &'a Expression) -> Node {
        let at = node.at;
        match (kind, &mut node.value) {
            (Expression::Variable(name), Value::Flag(_) | Value::Number(_)) if name.as_str() == "string" => {
                Node::text(node.to_json().to_string(), at)
            }
            (Expression::Variable(name), Value::Text(_)) => match name.as_str() {
                "number" => numeric(&node).map_or(node, |number| Node::new(Value::Number(number), at)),
                "bool" => flag(&node).map_or(node, |flag| Node::new(Value::Flag(flag), at)),
                _ => node,
            },
            (Expression::FuncCall(call), value) => {
                let mut args = call.args.iter();
                match (call.name.name.as_str(), args.next(), value) {
                    ("object", Some(Expression::Object(object)), Value::Map(map)) => {
                        // What the type does not have is dropped.
                        let names: Vec<&str> = object.iter().filter_map(|(key, _)| key_name(key)).collect();
                        map.entries.retain(|(key, _)| key.known().is_none_or(|key| names.contains(&key)));
                        for (key, of) in object {
                            let Some(name) = key_name(key) else { continue };
                            let (of, default) = optional(of.expr());
                            let given = map.get(name).filter(|node| !node.is_null()).cloned();
                            match (given, default) {
                                (Some(given), _) => map.set(name, self.conform(env, given, of)),
                                // It may be there and not be known to be.
                                (None, Some(_)) if map.more.is_some() && map.get(name).is_none() => {}
                                (None, Some(Some(default))) => {
                                    let default = self.eval(env, default);
                                    map.set(name, self.conform(env, default, of));
                                }
                                (None, Some(None)) => map.set(name, Node::new(Value::Null, at)),
                                (None, None) => {}
                            }
                        }
                    }
                    (name @ ("list" | "set"), Some(of), Value::List(list)) => {
                        let items = std::mem::take(&mut list.items);
                        let items: Vec<Node> = items.into_iter().map(|item| self.conform(env, item, of)).collect();
                        let set = if name == "set" { functions::set(&items) } else { None };
                        list.items = set.unwrap_or(items);
                    }
                    ("tuple", Some(Expression::Array(kinds)), Value::List(list)) => {
                        let items = std::mem::take(&mut list.items);
                        let mut kinds = kinds.iter();
                        let conformed = |item: Node| match kinds.next() {
                            Some(kind) => self.conform(env, item, kind),
                            None => item,
                        };
                        list.items = items.into_iter().map(conformed).collect();
                    }
                    ("map", Some(of), Value::Map(map)) => {
                        let entries = std::mem::take(&mut map.entries);
                        map.entries =
                            entries.into_iter().map(|(key, entry)| (key, self.conform(env, entry, of))).collect();
                    }
                    _ => {}
                }
                node
            }
            _ => node,
        }
    }

    pub(super) fn local(&self, env: &Env<'a>, name: &str, at: At) -> Node {
        let Some(local) = env.module.code.locals.get(name).copied() else {
            let written = format!("local.{name}");
            let gap = Terraform::NotInFiles { written: written.as_str().into() };
            return Node::text(Text::symbol(self.symbol(env, &written, gap)), at);
        };
        self.once(&env.module, format!("local.{name}"), at, || {
            let inner = Env { module: Rc::clone(&env.module), source: local.source, vars: Rc::default() };
            self.eval(&inner, local.it)
        })
    }
}

/// Puts something else in the place of empty texts and objects.
fn fill_blanks(node: &mut Node, other: &dyn Fn() -> Node) {
    match &mut node.value {
        Value::Map(map) if !map.entries.is_empty() || map.more.is_some() => {
            map.entries.iter_mut().for_each(|(_, node)| fill_blanks(node, other));
        }
        Value::Map(_) => *node = other(),
        Value::Text(text) if text.known() == Some("") => *node = other(),
        _ => {}
    }
}

fn key_name(key: &ObjectKey) -> Option<&str> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str()),
        ObjectKey::Expression(Expression::Variable(name)) => Some(name.as_str()),
        ObjectKey::Expression(key) => key.as_str(),
    }
}

/// The type within `optional(…)`, and its default there.
fn optional(kind: &Expression) -> (&Expression, Option<Option<&Expression>>) {
    match kind {
        Expression::FuncCall(call) if call.name.name.as_str() == "optional" => {
            let mut args = call.args.iter();
            match args.next() {
                Some(of) => (of, Some(args.next())),
                None => (kind, None),
            }
        }
        _ => (kind, None),
    }
}
