//! The modules of one root, evaluated: what was spent, what was met, and the module that an expression stands in.
//!
//! What cannot be told is a symbol named after its expression.

mod expressions;
mod instances;
mod modules;
mod resources;
mod variables;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;

use crate::inventory::{At, Cause, Gap, Node, Stated, Symbol, SymbolScope};
use crate::sources::terraform::hcl::code::{Code, In, Source};

/// Names may lead to names: no real module nests its expressions deeper, and circles, which Terraform refuses, end here.
const MAX_DEPTH: u32 = 400;
/// Values that all expressions together may make. Real modules make tens of thousands; a bomb makes billions.
const MAX_STEPS: u64 = 2_000_000;
/// Values in one that has a name. Real ones have hundreds.
const MAX_SIZE: u64 = 100_000;

/// See [`Evaluator::resolve`].
pub(super) type Resolve<'a> = &'a dyn Fn(&ModuleInstance<'a>, &str, &str, Option<&str>) -> Option<&'a Code<'a>>;

/// All modules of one root, evaluated.
pub(super) struct Evaluator<'a> {
    pub(super) scope: SymbolScope,
    pub(super) stated: Stated,
    /// How many modules were called.
    pub(super) calls: Cell<usize>,
    /// The code that a call of a module means: by the module's key (`a.b`), the folder and the call's source and version.
    pub(super) resolve: Resolve<'a>,
    /// Policy documents that something uses, by address.
    pub(super) used: RefCell<HashSet<String>>,
    /// Calls of modules whose code is not there.
    pub(super) unread: RefCell<Vec<(String, At)>>,
    /// Is it asked what there is (`count`, `for_each`)? Then what may be there is there.
    pub(super) assume: Cell<bool>,
    depth: Cell<u32>,
    steps: Cell<u64>,
}

/// Where an expression is evaluated.
#[derive(Clone)]
pub(super) struct Env<'a> {
    pub(super) module: Rc<ModuleInstance<'a>>,
    pub(super) source: &'a Source,
    /// `each.key`, `count.index` and the variables of loops.
    pub(super) vars: Rc<Vec<(String, Node)>>,
}

impl<'a> Env<'a> {
    /// The top of a file.
    pub(super) fn new(module: &Rc<ModuleInstance<'a>>, source: &'a Source) -> Self {
        Self { module: Rc::clone(module), source, vars: Rc::default() }
    }

    /// The same with more variables.
    fn with(&self, more: impl IntoIterator<Item = (String, Node)>) -> Self {
        let vars = self.vars.iter().cloned().chain(more).collect();
        Self { vars: Rc::new(vars), ..self.clone() }
    }
}

/// A module with the inputs of one call.
pub(super) struct ModuleInstance<'a> {
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

type Children<'a> = Option<Rc<Vec<(Instance, Rc<ModuleInstance<'a>>)>>>;

impl<'a> ModuleInstance<'a> {
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

impl<'a> Evaluator<'a> {
    pub(super) fn new(scope: SymbolScope, stated: Stated, resolve: Resolve<'a>) -> Self {
        Self {
            scope,
            stated,
            calls: Cell::new(0),
            resolve,
            used: RefCell::default(),
            unread: RefCell::default(),
            assume: Cell::new(false),
            depth: Cell::new(0),
            steps: Cell::new(0),
        }
    }

    /// Counts work. Is there too much of it?
    pub(super) fn spent(&self, steps: u64) -> bool {
        self.steps.set(self.steps.get().saturating_add(steps));
        self.steps.get() > MAX_STEPS
    }

    /// Was there more to evaluate than anybody writes?
    pub(super) fn is_spent(&self) -> bool {
        self.steps.get() > MAX_STEPS
    }

    /// A symbol that is named after its expression, within its module.
    pub(super) fn symbol(&self, env: &Env<'a>, written: &str, gap: impl Into<Gap>) -> Symbol {
        let name = if env.module.path.is_empty() {
            format!("${{{written}}}")
        } else {
            format!("${{{}: {written}}}", env.module.path)
        };
        Symbol::new(name, self.scope, gap)
    }

    pub(super) fn eval(&self, env: &Env<'a>, expression: &'a Expression) -> Node {
        let at = env.source.place(expression);
        if self.depth.get() >= MAX_DEPTH || self.spent(1) {
            return Node::unknown(Cause::Undecidable, "its expressions nest or repeat too much to be evaluated", at);
        }
        self.depth.set(self.depth.get() + 1);
        let node = self.expression(env, expression, at);
        self.depth.set(self.depth.get() - 1);
        node
    }

    /// A value that is made once for each module.
    pub(super) fn once(
        &self,
        module: &Rc<ModuleInstance<'a>>,
        key: String,
        at: At,
        make: impl FnOnce() -> Node,
    ) -> Node {
        let key = if self.assume.get() { format!("?{key}") } else { key };
        if let Some((node, size)) = module.cache.borrow().get(&key) {
            if self.spent(*size) {
                return Node::unknown(Cause::Undecidable, "its expressions repeat too much to be evaluated", at);
            }
            return node.clone();
        }
        if !module.busy.borrow_mut().insert(key.clone()) {
            let what = key.trim_start_matches('?').to_owned();
            return Node::unknown(Cause::Undecidable, format!("{what} refers to itself, which Terraform refuses"), at);
        }
        let mut node = make();
        module.busy.borrow_mut().remove(&key);
        let size = node.size();
        if size > MAX_SIZE || self.spent(size) {
            node = Node::unknown(Cause::Undecidable, "its expressions make more than anybody reads", at);
        }
        module.cache.borrow_mut().insert(key, (node.clone(), node.size()));
        node
    }
}

/// Names to what they are, for each module.
pub(super) type Cache = RefCell<HashMap<String, (Node, u64)>>;
