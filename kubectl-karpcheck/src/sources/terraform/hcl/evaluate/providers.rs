//! Where the provider of a resource works: the root's own, or one that is called by an alias.

use std::rc::Rc;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Block;

use super::{Env, Evaluator, Instance, ModuleInstance};
use crate::inventory::arn::AccountRegion;
use crate::inventory::{Node, Stated};
use crate::sources::terraform::hcl::code::In;
use crate::sources::terraform::resource;

/// The provider that a module calls by its own name.
const DEFAULT: &str = "aws";

impl<'a> Evaluator<'a> {
    /// Where the resources of the root's provider live.
    pub(in crate::sources::terraform::hcl) fn home(&self, module: &Rc<ModuleInstance<'a>>) -> AccountRegion {
        let region = self.region_of(&module.root(), None).or_else(|| self.stated.region.clone());
        resource::home(&Stated { region, ..self.stated.clone() })
    }

    /// Where a resource or data source lives that says its region, or whose provider has an alias; none where it lives where the
    /// root's own does.
    pub(super) fn home_elsewhere(
        &self,
        module: &Rc<ModuleInstance<'a>>,
        block: In<'a, Block>,
        instance: &Instance,
    ) -> Option<AccountRegion> {
        let said = block.it.body.get_attribute("region").map(|attribute| {
            let env = Env { vars: Rc::clone(&instance.vars), ..Env::new(module, block.source) };
            self.eval(&env, &attribute.value)
        });
        if let Some(region) = said.as_ref().and_then(Node::as_str).map(str::to_owned) {
            return Some(resource::home(&Stated { region: Some(region), ..self.stated.clone() }));
        }
        let named = block.it.body.get_attribute("provider").map(|attribute| written(&attribute.value));
        let (module, provider) = passed_by(module, named.unwrap_or_else(|| DEFAULT.to_owned()));
        let (_, alias) = provider.split_once('.')?;
        let region = self.region_of(&module, Some(alias));
        // A region that is not known is not the one that is stated for the root.
        Some(resource::home(&Stated { region, ..self.stated.clone() }))
    }

    /// The region of a module's provider, by its alias.
    fn region_of(&self, module: &Rc<ModuleInstance<'a>>, alias: Option<&str>) -> Option<String> {
        let called = |block: &&In<'a, Block>| {
            let own =
                block.it.body.get_attribute("alias").map(|attribute| attribute.value.as_str().unwrap_or_default());
            own == alias
        };
        let block = module.code.providers.iter().find(called)?;
        let region = block.it.body.get_attribute("region")?;
        self.eval(&Env::new(module, block.source), &region.value).as_str().map(str::to_owned)
    }
}

/// The module that has a provider, and its name there: callers hand theirs on.
fn passed_by<'a>(module: &Rc<ModuleInstance<'a>>, mut provider: String) -> (Rc<ModuleInstance<'a>>, String) {
    let mut module = Rc::clone(module);
    while let Some((caller, call)) = &module.caller {
        let handed = call.it.body.get_attribute("providers").and_then(|attribute| {
            let Expression::Object(object) = &attribute.value else { return None };
            let of = |key: &ObjectKey| match key {
                ObjectKey::Ident(name) => name.as_str().to_owned(),
                ObjectKey::Expression(key) => written(key),
            };
            object.iter().find(|(key, _)| of(key) == provider).map(|(_, value)| written(value.expr()))
        });
        provider = match handed {
            Some(handed) => handed,
            // The default one is there without being handed on; any other is the module's own.
            None if provider == DEFAULT => provider,
            None => break,
        };
        let next = Rc::clone(&caller.module);
        module = next;
    }
    (module, provider)
}

/// `aws.eu`, as it is written.
fn written(provider: &Expression) -> String {
    provider.to_string().trim().to_owned()
}
