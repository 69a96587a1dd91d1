//! The modules of one root, evaluated: what was spent, what was met, and the module that an expression stands in.
//!
//! What cannot be told is a symbol named after its expression.

mod expressions;
mod files;
mod instances;
mod modules;
mod providers;
mod resources;
mod templates;
mod variables;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;

use crate::inventory::reason::Terraform;
use crate::inventory::{At, Cause, Gap, Node, Stated, Symbol, SymbolScope};
use crate::sources::terraform::hcl::code::{Code, In, Source};
use crate::sources::terraform::hcl::named_files::NamedFiles;

/// Names may lead to names: no real module nests its expressions deeper, and circles, which Terraform refuses, end here.
const MAX_DEPTH: u32 = 400;
/// Values that all expressions together may make. Real modules make tens of thousands; a bomb makes billions.
const MAX_STEPS: u64 = 2_000_000;
/// Values in one that has a name. Real ones have hundreds.
const MAX_SIZE: u64 = 100_000;

/// See [`Evaluator::resolve`].
pub(super) type Resolve<'a> = &'a dyn Fn(&ModuleInstance<'a>, &str, &'a Block) -> Option<&'a Code<'a>>;

/// All modules of one root, evaluated.
pub(super) struct Evaluator<'a> {
    pub(super) scope: SymbolScope,
    pub(super) stated: Stated,
    /// How many modules were called.
    pub(super) calls: Cell<usize>,
    /// The code that a call of a module means: by the calling module, the called one's key (`a.b`) and the call.
    pub(super) resolve: Resolve<'a>,
    /// The files that expressions name.
    pub(super) files: &'a NamedFiles<'a>,
    /// Calls of modules whose code is not there.
    unread: RefCell<Vec<Unread<'a>>>,
    /// Is it asked what there is (`count`, `for_each`)? Then what may be there is there.
    assume: Cell<bool>,
    /// Is it tried (`try`, `can`), so that what Terraform refuses is no value?
    trying: Cell<bool>,
    /// Do variables of the root whose defaults are empty have no value?
    without_blanks: Cell<bool>,
    /// Does the root have such variables?
    blank_defaults: OnceCell<bool>,
    depth: Cell<u32>,
    steps: Cell<u64>,
}

/// A call of a module whose code is not there.
#[derive(Clone)]
pub(super) struct Unread<'a> {
    /// Where the code is kept, as the call says it; empty where that cannot be told.
    pub(super) source: &'a str,
    /// `a.b`, as `modules.json` names the call.
    pub(super) key: String,
    pub(super) at: At,
    caller: Rc<ModuleInstance<'a>>,
    name: &'a str,
}

/// A file of values of which a run of Terraform names one.
pub(super) struct Variant<'a> {
    /// Its path, from the root's folder on.
    pub(super) name: String,
    pub(super) source: &'a Source,
    /// Which file of values it is, by its number.
    pub(super) number: usize,
    /// Is it for no other root?
    pub(super) only: bool,
}

/// What a language around Terraform's adds: functions and names.
pub(super) trait Around {
    fn call(&self, name: &str, args: &[Node], at: At) -> Option<Node>;
    fn named(&self, name: &str) -> Option<Node>;
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
    /// Its folder as `path.module` has it, from the root's on; none where it has no folder.
    pub(super) folder: Option<String>,
    /// Values of variables that are given from outside.
    pub(super) given: Vec<(String, Node)>,
    /// Of a root: the files of values that it may be run with.
    pub(super) variants: Vec<Variant<'a>>,
    /// Is it called by others only, none of whom was given?
    pub(super) is_library: bool,
    /// Does Terragrunt run it, with these values?
    pub(super) is_unit: bool,
    /// Who calls it, where, and with which instance's variables.
    pub(super) caller: Option<(Env<'a>, In<'a, Block>)>,
    /// Where everything in it is said to stand: at the call, for a module that karpcheck knows by itself.
    pub(super) place: Option<At>,
    /// Of a file that is not Terraform's own.
    pub(super) around: Option<Rc<dyn Around + 'a>>,
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
            folder: None,
            given: vec![],
            variants: vec![],
            is_library: false,
            is_unit: false,
            caller: None,
            place: None,
            around: None,
            cache: Cache::default(),
            busy: RefCell::default(),
            children: RefCell::default(),
        }
    }

    fn depth(&self) -> usize {
        self.path.matches("module.").count()
    }

    /// The module that everything was called from.
    fn root(self: &Rc<Self>) -> Rc<Self> {
        let mut root = Rc::clone(self);
        while let Some((caller, _)) = &root.caller {
            let next = Rc::clone(&caller.module);
            root = next;
        }
        root
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
    pub(super) fn new(scope: SymbolScope, stated: Stated, files: &'a NamedFiles<'a>, resolve: Resolve<'a>) -> Self {
        Self {
            scope,
            stated,
            calls: Cell::new(0),
            resolve,
            files,
            unread: RefCell::default(),
            assume: Cell::new(false),
            trying: Cell::new(false),
            without_blanks: Cell::new(false),
            blank_defaults: OnceCell::new(),
            depth: Cell::new(0),
            steps: Cell::new(0),
        }
    }

    /// Counts work. Is there too much of it?
    pub(super) fn spent(&self, steps: u64) -> bool {
        self.steps.set(self.steps.get().saturating_add(steps));
        self.steps.get() > MAX_STEPS
    }

    /// Calls of modules whose code is not there, as far as they were met.
    pub(super) fn unread(&self) -> Vec<Unread<'a>> {
        self.unread.borrow().clone()
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
        if self.spent(1) || !self.descend() {
            return Node::unknown(Cause::Undecidable, Terraform::TooDeep, at);
        }
        let node = self.expression(env, expression, at);
        self.ascend();
        node
    }

    /// Goes one level deeper, unless that is too deep.
    fn descend(&self) -> bool {
        let depth = self.depth.get();
        if depth < MAX_DEPTH {
            self.depth.set(depth + 1);
        }
        depth < MAX_DEPTH
    }

    fn ascend(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    /// A value that is made once for each module.
    pub(super) fn once(
        &self,
        module: &Rc<ModuleInstance<'a>>,
        key: String,
        at: At,
        make: impl FnOnce() -> Node,
    ) -> Node {
        let key = match (self.assume.get(), self.trying.get(), self.without_blanks.get()) {
            (false, false, false) => key,
            (assume, trying, without_blanks) => {
                let mark = |set: bool, mark: &'static str| if set { mark } else { "" };
                [mark(assume, "?"), mark(trying, "!"), mark(without_blanks, "~"), &key].concat()
            }
        };
        if let Some((node, size)) = module.cache.borrow().get(&key) {
            if self.spent(*size) {
                return Node::unknown(Cause::Undecidable, Terraform::TooOften, at);
            }
            return node.clone();
        }
        if !module.busy.borrow_mut().insert(key.clone()) {
            let what = key.trim_start_matches(['?', '!', '~']).into();
            return Node::unknown(Cause::Undecidable, Terraform::Circle { what }, at);
        }
        let mut node = make();
        module.busy.borrow_mut().remove(&key);
        let size = node.size();
        if size > MAX_SIZE || self.spent(size) {
            node = Node::unknown(Cause::Undecidable, Terraform::TooLarge, at);
        }
        module.cache.borrow_mut().insert(key, (node.clone(), node.size()));
        node
    }
}

/// Names to what they are, for each module.
pub(super) type Cache = RefCell<HashMap<String, (Node, u64)>>;
