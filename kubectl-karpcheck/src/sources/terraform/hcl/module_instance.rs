//! A module as it is called: its variables, its resources one by one, and the modules that it calls.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::expr::TraversalOperator;
use hcl_edit::structure::{Block, Structure};

use crate::inventory::arn::AccountRegion;
use crate::inventory::{At, Cause, List, Map, Node, Part, Reason, Stated, Symbol, SymbolScope, Text, Value};
use crate::sources::terraform::document;
use crate::sources::terraform::hcl::code::{Code, In};
use crate::sources::terraform::hcl::evaluate::{Cache, Env, Evaluator, flag, written};
use crate::sources::terraform::hcl::functions::{failed, number};
use crate::sources::terraform::resource;
use crate::sources::terraform::resource::Resource;

/// Modules that modules may call, in depth and in all. Real roots stay below ten and some hundred.
const MAX_CALLS: usize = 20;
const MAX_RUNS: usize = 2_000;
/// Instances of one block.
const MAX_INSTANCES: usize = 1_000;

/// A module with the inputs of one call.
pub(super) struct Run<'a> {
    pub(super) code: &'a Code<'a>,
    /// `module.a["x"].module.b`; empty for the root.
    pub(super) path: String,
    /// `a.b`, as `modules.json` names it.
    pub(super) key: String,
    /// Values of variables that are given from outside.
    pub(super) given: Vec<(String, Node)>,
    /// Who calls it, where, and with which instance's variables.
    pub(super) caller: Option<(Env<'a>, In<'a, Block>)>,
    /// Where everything in it is said to stand: at the call, for a module that karpcheck knows by itself.
    pub(super) place: Option<At>,
    pub(super) cache: Cache,
    pub(super) busy: RefCell<HashSet<String>>,
    pub(super) children: RefCell<Vec<(String, Children<'a>)>>,
}

type Children<'a> = Option<Rc<Vec<(Instance, Rc<Run<'a>>)>>>;

impl<'a> Run<'a> {
    pub(super) fn new(code: &'a Code<'a>) -> Self {
        Self {
            code,
            path: String::new(),
            key: String::new(),
            given: vec![],
            caller: None,
            place: None,
            cache: Cache::default(),
            busy: RefCell::default(),
            children: RefCell::default(),
        }
    }

    fn depth(&self) -> usize {
        self.path.matches("module.").count()
    }
}

/// One of what `count` or `for_each` makes.
#[derive(Clone)]
pub(super) struct Instance {
    /// `[0]`, `["a"]`; empty where there is neither.
    suffix: String,
    key: Option<Node>,
    vars: Rc<Vec<(String, Node)>>,
}

struct Instances {
    all: Vec<Instance>,
    /// Can it be told which ones there are?
    certain: bool,
}

impl<'a> Evaluator<'a> {
    pub(super) fn env(run: &Rc<Run<'a>>, source: &'a super::code::Source) -> Env<'a> {
        Env { run: Rc::clone(run), source, vars: Rc::default() }
    }

    pub(super) fn variable(&self, env: &Env<'a>, name: &str, at: At) -> Node {
        let run = &env.run;
        self.once(run, format!("var.{name}"), at, || {
            let declared = run.code.variables.get(name).copied();
            let argument = |argument: &str| {
                let block = declared?;
                let attribute = block.it.body.get_attribute(argument)?;
                Some(self.eval(&Self::env(run, block.source), &attribute.value))
            };
            if argument("sensitive").is_some_and(|node| flag(&node) == Some(true)) {
                return resource::concealed(at);
            }
            let given = run.given.iter().rev().find(|(known, _)| known == name).map(|(_, node)| node.clone());
            let passed = || {
                let (caller, call) = run.caller.as_ref()?;
                let attribute = call.it.body.get_attribute(name)?;
                Some(self.eval(caller, &attribute.value))
            };
            let value = given.or_else(passed).filter(|node| {
                !(node.is_null() && argument("nullable").is_some_and(|node| flag(&node) == Some(false)))
            });
            // A module's empty default for the cluster's name only says that the caller must give one.
            let stated = |node: &Node| !(name.ends_with("cluster_name") && node.as_str() == Some(""));
            value.or_else(|| argument("default").filter(stated)).unwrap_or_else(|| {
                let written = format!("var.{name}");
                Node::text(Text::symbol(self.symbol(env, &written, format!("the variable {name} has no value"))), at)
            })
        })
    }

    /// Where the resources of the root's provider live.
    pub(super) fn home(&self, run: &Rc<Run<'a>>) -> AccountRegion {
        let mut root = Rc::clone(run);
        while let Some((caller, _)) = &root.caller {
            let next = Rc::clone(&caller.run);
            root = next;
        }
        let region = root.code.providers.iter().find(|block| !block.it.body.has_attribute("alias")).and_then(|block| {
            let region = block.it.body.get_attribute("region")?;
            self.eval(&Self::env(&root, block.source), &region.value).as_str().map(str::to_owned)
        });
        let region = region.or_else(|| self.stated.region.clone());
        resource::home(&Stated { region, ..self.stated.clone() })
    }

    fn instances(&self, run: &Rc<Run<'a>>, block: In<'a, Block>) -> Instances {
        let env = Self::env(run, block.source);
        let certain = |all| Instances { all, certain: true };
        let one = |suffix: &str, key: Option<Node>, vars: Vec<(String, Node)>| Instance {
            suffix: suffix.to_owned(),
            key,
            vars: Rc::new(vars),
        };
        let before = self.assume.replace(true);
        let made = (|| {
            if let Some(count) = block.it.body.get_attribute("count") {
                let node = self.eval(&env, &count.value);
                let at = node.at;
                return match node.value {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "capped")]
                    Value::Number(count) => certain(
                        (0..(count as usize).min(MAX_INSTANCES))
                            .map(|index| {
                                let key = number(index, at);
                                one(&format!("[{index}]"), Some(key.clone()), vec![("count.index".into(), key)])
                            })
                            .collect(),
                    ),
                    _ => {
                        let key = number(0, at);
                        let vars = vec![("count.index".into(), key.clone())];
                        Instances { all: vec![one("[0]", Some(key), vars)], certain: false }
                    }
                };
            }
            let Some(each) = block.it.body.get_attribute("for_each") else {
                return certain(vec![one("", None, vec![])]);
            };
            let node = self.eval(&env, &each.value);
            let at = node.at;
            let entries: Option<Vec<(Node, Node)>> = match &node.value {
                Value::List(List { items, more }) if more.is_none() || !items.is_empty() => {
                    Some(items.iter().map(|item| (item.clone(), item.clone())).collect())
                }
                Value::Map(Map { entries, more }) if more.is_none() || !entries.is_empty() => {
                    Some(entries.iter().map(|(key, node)| (Node::text(key.clone(), node.at), node.clone())).collect())
                }
                Value::Null => Some(vec![]),
                _ => None,
            };
            let open = || {
                let reason = node.first_unknown().map_or_else(
                    || Reason::new(Cause::Symbolic, "what it is made for is known when Terraform runs"),
                    |(reason, _)| reason.as_cause(Cause::Symbolic),
                );
                let unknown = Node::because(reason, at);
                let vars = vec![("each.key".into(), unknown.clone()), ("each.value".into(), unknown)];
                one("[each]", None, vars)
            };
            let more = match &node.value {
                Value::List(list) => list.more.is_some(),
                Value::Map(map) => map.more.is_some(),
                _ => false,
            };
            match entries {
                Some(entries) => {
                    let mut all: Vec<Instance> = entries
                        .into_iter()
                        .take(MAX_INSTANCES)
                        .map(|(key, value)| {
                            let vars = vec![("each.key".into(), key.clone()), ("each.value".into(), value)];
                            one(&format!("[{}]", key.to_json()), Some(key), vars)
                        })
                        .collect();
                    if more {
                        all.push(open());
                    }
                    Instances { all, certain: !more }
                }
                None => Instances { all: vec![open()], certain: false },
            }
        })();
        self.assume.set(before);
        made
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
        let Some((key, block)) = env.run.code.resources.get_key_value(&(data, kind, name)) else {
            let whole = format!("{written}{}", operators.iter().map(|step| step_written(step)).collect::<String>());
            let why = format!("{written} is not in the files that were read");
            return Node::text(Text::symbol(self.symbol(env, &whole, why)), at);
        };
        let (block, kind) = (*block, key.1);
        let instances = self.instances(&env.run, block);
        let value = |instance: &Instance, rest: &[&'a TraversalOperator]| match rest.split_first() {
            Some((TraversalOperator::GetAttr(attribute), rest)) => {
                let node = self.attribute(&env.run, block, kind, data, name, instance, attribute.as_str(), at);
                self.steps(env, node, rest, at, &format!("{written}{}.{}", instance.suffix, attribute.as_str()))
            }
            _ => {
                let node = self.object(&env.run, block, instance);
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
                        Node::unknown(Cause::Symbolic, format!("which {written} it is is not known"), at)
                    }
                    (None, _) => failed(format!("there is no {written}[{}]", index.to_json()), at),
                }
            }
            Some((TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_), rest)) => {
                let items = instances.all.iter().map(|instance| value(instance, rest)).collect();
                Node::new(Value::List(List { items, more: None }), at)
            }
            _ => match instances.all.as_slice() {
                [only] if only.suffix.is_empty() || !operators.is_empty() => value(only, operators),
                [] => failed(format!("there is no {written}"), at),
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
        run: &Rc<Run<'a>>,
        block: In<'a, Block>,
        kind: &str,
        data: bool,
        name: &str,
        instance: &Instance,
        attribute: &str,
        at: At,
    ) -> Node {
        let local = format!("{}{kind}.{name}{}", if data { "data." } else { "" }, instance.suffix);
        let address = if run.path.is_empty() { local.clone() } else { format!("{}.{local}", run.path) };
        if data && kind == "aws_iam_policy_document" && matches!(attribute, "json" | "minified_json") {
            self.used.borrow_mut().insert(address);
            return self.once(run, format!("{local}.json"), at, || document::build(&self.object(run, block, instance)));
        }
        if let Some(node) = data.then(|| self.looked_up(run, block, kind, instance, attribute, at)).flatten() {
            return node;
        }
        self.once(run, format!("{local}.{attribute}"), at, || {
            let env = Env { run: Rc::clone(run), source: block.source, vars: Rc::clone(&instance.vars) };
            let get = |name: &str| {
                let argument = block.it.body.get_attribute(name)?;
                Some(self.eval(&env, &argument.value)).filter(|node| !node.is_null())
            };
            let own = get(attribute).filter(|node| node.as_str() != Some(""));
            let home = self.home(run);
            let value = match own {
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
        run: &Rc<Run<'a>>,
        block: In<'a, Block>,
        kind: &str,
        instance: &Instance,
        attribute: &str,
        at: At,
    ) -> Option<Node> {
        let home = self.home(run);
        let suffix = || match home.partition.known() {
            Some("aws-cn") => Text::from("amazonaws.com.cn"),
            Some(_) => Text::from("amazonaws.com"),
            None => {
                let why = "AWS::URLSuffix is not known: --region states it";
                Text::symbol(Symbol::new("${AWS::URLSuffix}", SymbolScope::Home, why))
            }
        };
        let argument = |name: &str| {
            let env = Env { run: Rc::clone(run), source: block.source, vars: Rc::clone(&instance.vars) };
            Some(self.eval(&env, &block.it.body.get_attribute(name)?.value))
        };
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
    fn object(&self, run: &Rc<Run<'a>>, block: In<'a, Block>, instance: &Instance) -> Node {
        let env = Env { run: Rc::clone(run), source: block.source, vars: Rc::clone(&instance.vars) };
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
                        let why = format!("whether there are more depends on {}", written(&each.value));
                        Reason::new(Cause::Symbolic, why)
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

    /// The modules that a call makes; none where its code is not known.
    fn children(&self, run: &Rc<Run<'a>>, name: &str) -> Children<'a> {
        if let Some((_, known)) = run.children.borrow().iter().find(|(known, _)| known == name) {
            return known.clone();
        }
        let made = self.call_module(run, name);
        run.children.borrow_mut().push((name.to_owned(), made.clone()));
        made
    }

    fn call_module(&self, run: &Rc<Run<'a>>, name: &str) -> Children<'a> {
        let block = *run.code.modules.get(name)?;
        let argument = |name: &str| block.it.body.get_attribute(name).and_then(|attribute| attribute.value.as_str());
        let key = if run.key.is_empty() { name.to_owned() } else { format!("{}.{name}", run.key) };
        let code = argument("source").and_then(|source| (self.resolve)(run, &key, source, argument("version")));
        let Some(code) = code else {
            // What an unread module calls is not told twice.
            self.unread.borrow_mut().push((key, run.place.unwrap_or_else(|| block.source.at(block.it.span()))));
            return None;
        };
        if run.depth() >= MAX_CALLS || self.calls.get() >= MAX_RUNS {
            return None;
        }
        let mut children = vec![];
        for instance in self.instances(run, block).all {
            let step = format!("module.{name}{}", instance.suffix);
            let caller = Env { run: Rc::clone(run), source: block.source, vars: Rc::clone(&instance.vars) };
            let child = Rc::new(Run {
                path: if run.path.is_empty() { step } else { format!("{}.{step}", run.path) },
                key: key.clone(),
                place: run.place.or_else(|| code.known.then(|| block.source.at(block.it.span()))),
                caller: Some((caller, block)),
                given: code
                    .facts
                    .iter()
                    .map(|(name, flag)| ((*name).to_owned(), Node::new(Value::Flag(*flag), At::default())))
                    .collect(),
                ..Run::new(code)
            });
            self.calls.set(self.calls.get() + 1);
            children.push((instance, child));
        }
        Some(Rc::new(children))
    }

    pub(super) fn module_output(&self, env: &Env<'a>, name: &str, operators: &[&'a TraversalOperator], at: At) -> Node {
        let symbol = || {
            let whole = format!("module.{name}{}", operators.iter().map(|step| step_written(step)).collect::<String>());
            let why = format!("the module {name} was not read: `terraform init` brings its code, or give the plan");
            Node::text(Text::symbol(self.symbol(env, &whole, why)), at)
        };
        let Some(children) = self.children(&env.run, name) else { return symbol() };
        let output = |child: &Rc<Run<'a>>, rest: &[&'a TraversalOperator]| match rest.split_first() {
            Some((TraversalOperator::GetAttr(output), rest)) => {
                let Some(block) = child.code.outputs.get(output.as_str()).copied() else { return symbol() };
                let Some(value) = block.it.body.get_attribute("value") else { return symbol() };
                let node = self.once(child, format!("output.{}", output.as_str()), at, || {
                    self.eval(&Self::env(child, block.source), &value.value)
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

    /// All resources of a module and of those that it calls.
    pub(super) fn resources(&self, run: &Rc<Run<'a>>, into: &mut Vec<Resource>) {
        for ((data, kind, name), block) in &run.code.resources {
            if !resource::is_read(kind) {
                continue;
            }
            for instance in self.instances(run, *block).all {
                let local = format!("{}{kind}.{name}", if *data { "data." } else { "" });
                let bare = if run.path.is_empty() { local } else { format!("{}.{local}", run.path) };
                let address = format!("{bare}{}", instance.suffix);
                let mut attributes = self.object(run, *block, &instance);
                // A name with a prefix is known in part.
                let home = self.home(run);
                let get = |name: &str| attributes.member(name).cloned();
                let named = resource::follows(kind, "name", &address, self.scope, &home, &get);
                if let (Some(named), Value::Map(map)) = (named, &mut attributes.value) {
                    let at = map.get("name").or_else(|| map.get("name_prefix")).map_or(attributes.at, |node| node.at);
                    map.set("name", Node::text(named, at));
                }
                if let Some(place) = run.place {
                    resource::relocate(&mut attributes, &|_| place);
                }
                into.push(Resource {
                    address: address.into(),
                    bare: (!instance.suffix.is_empty()).then(|| Arc::from(bare.as_str())),
                    kind: (*kind).into(),
                    data: *data,
                    attributes,
                });
            }
        }
        let names: Vec<&str> = run.code.modules.keys().copied().collect();
        for name in names {
            if let Some(children) = self.children(run, name) {
                for (_, child) in children.iter() {
                    self.resources(child, into);
                }
            }
        }
    }
}

fn step_written(step: &TraversalOperator) -> String {
    match step {
        TraversalOperator::GetAttr(name) => format!(".{}", name.as_str()),
        TraversalOperator::Index(index) => format!("[{}]", written(index)),
        TraversalOperator::LegacyIndex(index) => format!(".{}", index.value()),
        TraversalOperator::AttrSplat(_) => ".*".to_owned(),
        TraversalOperator::FullSplat(_) => "[*]".to_owned(),
    }
}
