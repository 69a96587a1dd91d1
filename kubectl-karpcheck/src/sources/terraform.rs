//! Terraform: plans, states and modules in the normal form.
//!
//! ```text
//! plan JSON ──┐
//! state ──────┼─> Resource (address, type, attributes) ──table──> items, Kubernetes objects, Helm values
//! .tf files ──┘
//! ```
//!
//! Whatever the source, a resource has its arguments and attributes under the provider's names. What is known after apply
//! is a symbol; where the configuration says which resource it comes from, it refers to that one by its address, so that
//! the relation is known. What Terraform marks as sensitive is dropped where it is read.

pub(super) mod arguments;
mod document;
mod hcl;
mod items;
mod kubernetes;
mod plan;
mod resource;
mod state;
#[cfg(test)]
mod tests;

use crate::inventory::{Builder, Map, Node, SymbolScope};
use crate::schema::kinds::GatherScope;

pub(super) use hcl::{Modules, is_json};

/// What a document of Terraform's is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// `terraform show -json` of a plan.
    Plan,
    /// `terraform show -json` of a state.
    State,
    /// A raw state of version 4.
    RawState,
}

/// Recognises a document by what it holds.
pub(super) fn shape_of(node: &Node) -> Option<Shape> {
    let has = |name: &str| node.member(name).is_some();
    if has("planned_values") || has("resource_changes") {
        return Some(Shape::Plan);
    }
    if has("values") && has("format_version") {
        return Some(Shape::State);
    }
    let raw = has("terraform_version") && has("version") && (has("resources") || has("lineage"));
    raw.then_some(Shape::RawState)
}

/// Adds what a document of Terraform's says, whose addresses mean something in a scope. Returns how many resources of
/// interest there were.
pub(super) fn add(builder: &mut Builder, kinds: &GatherScope, scope: SymbolScope, shape: Shape, node: &Node) -> u64 {
    let stated = builder.stated().clone();
    let set = match shape {
        Shape::Plan => plan::read(node, scope, &stated),
        Shape::State => state::read(node, scope, &stated),
        Shape::RawState => state::read_raw(node, scope, &stated),
    };
    builder.enter(scope);
    let count = items::add(builder, kinds, &set);
    builder.leave();
    count
}

/// Might this text be a plan or a state, most of which nobody reads?
pub(super) fn might_be(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"\"terraform_version\"").is_some()
        || memchr::memmem::find(text.as_bytes(), b"\"planned_values\"").is_some()
}

/// What is not worth keeping of a plan or a state: resources of types that are not read, what was before, outputs and
/// variables (which may be secret).
pub(super) fn prune(before: &Map, name: &str) -> bool {
    let has = |name: &str| before.get(name).is_some();
    match name {
        "before" | "before_sensitive" | "replace_paths" => has("actions"),
        "prior_state" | "resource_drift" | "output_changes" | "relevant_attributes" | "variables" | "checks" => {
            has("format_version")
        }
        "outputs" => has("terraform_version") || has("lineage"),
        "private" => has("attributes") || has("schema_version"),
        "values"
        | "sensitive_values"
        | "change"
        | "expressions"
        | "instances"
        | "provisioners"
        | "for_each_expression"
        | "count_expression" => {
            has("mode") && before.get("type").and_then(Node::as_str).is_some_and(|kind| !resource::is_read(kind))
        }
        _ => false,
    }
}
