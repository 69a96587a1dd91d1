//! Calls of modules and what comes out of them.

use std::rc::Rc;

use hcl_edit::Span;
use hcl_edit::expr::TraversalOperator;

use super::expressions::step_written;
use super::{Children, Env, Evaluator, ModuleInstance, Unread};
use crate::inventory::reason::Terraform;
use crate::inventory::{At, List, Map, Node, Text, Value};
use crate::sources::terraform::hcl::code::Code;
use crate::sources::terraform::resource::Resource;

/// Modules that modules may call, in depth and in all. Real roots stay below ten and some hundred.
const MAX_CALLS: usize = 20;
const MAX_INSTANCES_OF_MODULES: usize = 2_000;
impl<'a> Evaluator<'a> {
    /// The modules that a call makes; none where its code is not known.
    pub(super) fn children(&self, module: &Rc<ModuleInstance<'a>>, name: &str) -> Children<'a> {
        if let Some((_, known)) = module.children.borrow().iter().find(|(known, _)| known == name) {
            return known.clone();
        }
        let made = self.call_module(module, name);
        module.children.borrow_mut().push((name.to_owned(), made.clone()));
        made
    }

    fn call_module(&self, module: &Rc<ModuleInstance<'a>>, name: &str) -> Children<'a> {
        let (name, block) = module.code.modules.get_key_value(name).map(|(name, block)| (*name, *block))?;
        let argument = |name: &str| block.it.body.get_attribute(name).and_then(|attribute| attribute.value.as_str());
        let key = if module.key.is_empty() { name.to_owned() } else { format!("{}.{name}", module.key) };
        let code = (self.resolve)(module, &key, block.it);
        let Some(code) = code else {
            // What a module that karpcheck knows by itself calls is read as it is called.
            self.unread.borrow_mut().push(Unread {
                source: argument("source").unwrap_or_default(),
                key,
                at: module.place.unwrap_or_else(|| block.source.at(block.it.span())),
                caller: Rc::clone(module),
                name,
            });
            return None;
        };
        if module.depth() >= MAX_CALLS || self.calls.get() >= MAX_INSTANCES_OF_MODULES {
            return None;
        }
        let mut children = vec![];
        for instance in self.instances(module, block).all {
            let step = format!("module.{name}{}", instance.suffix);
            let caller = Env { module: Rc::clone(module), source: block.source, vars: Rc::clone(&instance.vars) };
            let child = Rc::new(ModuleInstance {
                path: if module.path.is_empty() { step } else { format!("{}.{step}", module.path) },
                key: key.clone(),
                folder: folder(module, code, argument("source").unwrap_or_default()),
                place: module.place.or_else(|| code.known.as_ref().map(|_| block.source.at(block.it.span()))),
                caller: Some((caller, block)),
                given: code
                    .known
                    .iter()
                    .flatten()
                    .filter(|decided| !decided.only_if_given || block.it.body.has_attribute(&decided.input))
                    .map(|decided| (decided.input.clone(), decided.value.clone()))
                    .collect(),
                ..ModuleInstance::new(code)
            });
            self.calls.set(self.calls.get() + 1);
            children.push((instance, child));
        }
        Some(Rc::new(children))
    }

    /// Policies that are given to modules whose code is not there: what those attach them to may have others, too.
    pub(in crate::sources::terraform::hcl) fn handed_over(&self) -> Vec<Resource> {
        let mut attachments = vec![];
        for Unread { caller, name, key, at, .. } in self.unread() {
            let Some(block) = caller.code.modules.get(name).copied() else { continue };
            let env = Env::new(&caller, block.source);
            let mut policies = vec![];
            for attribute in block.it.body.attributes() {
                referring(&self.eval(&env, &attribute.value), &mut policies);
            }
            let gap = Terraform::Attached { module: key.to_string().into() };
            let role = Node::text(Text::symbol(self.symbol(&env, &format!("module.{name}"), gap)), at);
            for policy in policies {
                let mut attributes = Map::default();
                attributes.set("role", role.clone());
                attributes.set("policy_arn", policy);
                attachments.push(Resource {
                    home: None,
                    without_blanks: None,
                    address: format!("module.{key}.aws_iam_role_policy_attachment[{}]", attachments.len()).into(),
                    bare: None,
                    kind: "aws_iam_role_policy_attachment".into(),
                    data: false,
                    attributes: Node::new(Value::Map(attributes), at),
                });
            }
        }
        attachments
    }

    pub(super) fn module_output(&self, env: &Env<'a>, name: &str, operators: &[&'a TraversalOperator], at: At) -> Node {
        let symbol = || {
            let whole = format!("module.{name}{}", operators.iter().map(|step| step_written(step)).collect::<String>());
            Node::text(Text::symbol(self.symbol(env, &whole, Terraform::Module { name: name.into() })), at)
        };
        let Some(children) = self.children(&env.module, name) else { return symbol() };
        let output = |child: &Rc<ModuleInstance<'a>>, rest: &[&'a TraversalOperator]| match rest.split_first() {
            Some((TraversalOperator::GetAttr(output), rest)) => {
                let Some(block) = child.code.outputs.get(output.as_str()).copied() else { return symbol() };
                let Some(value) = block.it.body.get_attribute("value") else { return symbol() };
                let node = self.once(child, format!("output.{}", output.as_str()), at, || {
                    self.eval(&Env::new(child, block.source), &value.value)
                });
                let node = if child.place.is_some() { Node::new(node.value, at) } else { node };
                self.steps(env, node, rest, at, &format!("module.{name}.{}", output.as_str()))
            }
            _ => symbol(),
        };
        match (operators.split_first(), children.as_slice()) {
            (Some((TraversalOperator::Index(index), rest)), all) => {
                let index = self.eval(env, index);
                let found = all
                    .iter()
                    .find(|(instance, _)| instance.key.as_ref().is_some_and(|key| key.to_json() == index.to_json()));
                match (found, all) {
                    (Some((_, child)), _) | (None, [(_, child)]) => output(child, rest),
                    _ => symbol(),
                }
            }
            (Some((TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_), rest)), all) => {
                let items = all.iter().map(|(_, child)| output(child, rest)).collect();
                Node::new(Value::List(List { items, more: None }), at)
            }
            (_, [(_, child)]) => output(child, operators),
            _ => symbol(),
        }
    }
}

/// The texts within a value that refer to a policy.
fn referring(node: &Node, into: &mut Vec<Node>) {
    match &node.value {
        Value::Text(text) => {
            let policy = |id: &str| id.rsplit('.').nth(1).is_some_and(|kind| kind == "aws_iam_policy");
            if text.refers().is_some_and(|address| policy(address.id.split('[').next().unwrap_or_default())) {
                into.push(node.clone());
            }
        }
        Value::List(list) => list.items.iter().for_each(|node| referring(node, into)),
        Value::Map(map) => map.entries.iter().for_each(|(_, node)| referring(node, into)),
        _ => {}
    }
}

/// The folder of a called module as `path.module` has it.
fn folder(caller: &Rc<ModuleInstance<'_>>, code: &Code<'_>, source: &str) -> Option<String> {
    if code.known.is_some() {
        return None;
    }
    if let (true, Some(from)) = (source.starts_with('.'), &caller.folder) {
        let mut names: Vec<&str> = vec![];
        for name in from.split('/').chain(source.split('/')).filter(|name| !matches!(*name, "" | ".")) {
            match (name, names.last()) {
                ("..", Some(last)) if *last != ".." => drop(names.pop()),
                _ => names.push(name),
            }
        }
        return Some(if names.is_empty() { ".".to_owned() } else { names.join("/") });
    }
    let installed = code.folder.strip_prefix(&caller.root().code.folder).ok()?;
    Some(installed.to_string_lossy().into_owned())
}
