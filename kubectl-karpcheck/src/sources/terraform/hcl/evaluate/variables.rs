//! Variables and locals, and where the root's provider works.

use std::rc::Rc;

use super::expressions::flag;
use super::{Env, Evaluator, ModuleInstance};
use crate::inventory::arn::AccountRegion;
use crate::inventory::{At, Node, Stated, Text};
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
            // A module's empty default for the cluster's name only says that the caller must give one.
            let stated = |node: &Node| !(name.ends_with("cluster_name") && node.as_str() == Some(""));
            value.or_else(|| argument("default").filter(stated)).unwrap_or_else(|| {
                let written = format!("var.{name}");
                Node::text(Text::symbol(self.symbol(env, &written, format!("the variable {name} has no value"))), at)
            })
        })
    }

    /// Where the resources of the root's provider live.
    pub(in crate::sources::terraform::hcl) fn home(&self, module: &Rc<ModuleInstance<'a>>) -> AccountRegion {
        let mut root = Rc::clone(module);
        while let Some((caller, _)) = &root.caller {
            let next = Rc::clone(&caller.module);
            root = next;
        }
        let region = root.code.providers.iter().find(|block| !block.it.body.has_attribute("alias")).and_then(|block| {
            let region = block.it.body.get_attribute("region")?;
            self.eval(&Env::new(&root, block.source), &region.value).as_str().map(str::to_owned)
        });
        let region = region.or_else(|| self.stated.region.clone());
        resource::home(&Stated { region, ..self.stated.clone() })
    }

    pub(super) fn local(&self, env: &Env<'a>, name: &str, at: At) -> Node {
        let Some(local) = env.module.code.locals.get(name).copied() else {
            let written = format!("local.{name}");
            let why = format!("{written} is not in the files that were read");
            return Node::text(Text::symbol(self.symbol(env, &written, why)), at);
        };
        self.once(&env.module, format!("local.{name}"), at, || {
            let inner = Env { module: Rc::clone(&env.module), source: local.source, vars: Rc::default() };
            self.eval(&inner, local.it)
        })
    }
}
