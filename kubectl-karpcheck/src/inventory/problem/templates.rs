//! Problems of CloudFormation templates: what only AWS makes of them.

use std::sync::Arc;

super::problems! {
    /// Of CloudFormation templates: what only AWS makes of them.
    pub enum TemplateProblem {
        Note "macro-not-run" Macro { name: Arc<str> } = "the macro {name} may change the template when the stack is made: what it makes was not read";
        Note "transform-not-run" Transform = "a transform brings in parts of another file when the stack is made: these were not read";
        Note "loop-not-run" Loop { name: Arc<str> } = "the loop {name} makes resources when the stack is made: they were not read";
        Note "transform-not-run" ResourceTransform = "a transform brings resources when the stack is made: they were not read";
        Note "nested-stack-not-read" Stack { id: Arc<str>, address: Written } = "the template of the nested stack {id}{address} was not read: name it with -f";
        Note "stack-set-not-read" StackSet { id: Arc<str>, address: Written } = "the template of the stack set {id}{address} was not read: name it with -f";
        Note "application-not-read" Application { id: Arc<str>, address: Written } = "the application {id}{address} was not read: name its template with -f";
        Note "module-not-read" Module { id: Arc<str>, kind: Arc<str> } = "the resources of the module {id} ({kind}) are known when the stack is made: they were not read";
    }
}

/// An address as the template writes it, where it does.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Written(pub Option<Arc<str>>);

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |address| write!(f, " ({address})"))
    }
}
