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

use std::path::Path;
use std::sync::Arc;

use crate::formats::json::Prune;
use crate::inventory::problem::{Addresses, TemplateProblem, TerraformProblem, Written};
use crate::inventory::{Map, Node, Problem};
use crate::sources::reader::{Content, Context, Document, Reader};
use hcl::Modules;
pub(super) use hcl::is_terragrunt;
use resource::ModuleResources;

/// Plans, states and modules.
#[derive(Default)]
pub(super) struct Terraform {
    /// The files of a folder are one module, so they are read together at the end.
    modules: Modules,
}

impl Reader for Terraform {
    fn detects(&self, document: &Document<'_>) -> bool {
        match &document.content {
            Content::Text(_) => is_code(&document.path),
            Content::Node { node, .. } => shape_of(node).is_some(),
            Content::Release(_) => false,
        }
    }

    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64 {
        let Document { path, doc, named, content, .. } = document;
        let node = match content {
            Content::Text(text) => {
                self.modules.file(&path, doc, text.to_owned(), named);
                return 0;
            }
            Content::Node { node, .. } => node,
            Content::Release(_) => return 0,
        };
        let Some(shape) = shape_of(&node) else { return 0 };
        let scope = self.modules.scope(context.builder, &path, shape == Shape::Plan);
        let stated = context.builder.stated_of(scope);
        let set = match shape {
            Shape::Plan => plan::read(&node, scope, stated),
            Shape::State => state::read(&node, scope, stated),
            Shape::RawState => state::read_raw(&node, scope, stated),
        };
        add(context, &path, &set)
    }

    fn prune(&self, text: &str) -> Option<Prune> {
        might_be(text).then_some(prune)
    }

    fn finish(&mut self, context: &mut Context<'_>) -> u64 {
        std::mem::take(&mut self.modules).add(context)
    }
}

/// Is a file code of Terraform, or values of its variables?
fn is_code(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("tf" | "tofu" | "tfvars")) || hcl::is_json(path) || is_terragrunt(path)
}

/// What a JSON document of Terraform's is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// `terraform show -json` of a plan.
    Plan,
    /// `terraform show -json` of a state.
    State,
    /// A raw state of version 4.
    RawState,
}

fn shape_of(node: &Node) -> Option<Shape> {
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

/// Adds what a plan, a state or a module describes, as a part of its root. Returns how many resources of interest there were.
fn add(context: &mut Context<'_>, path: &Path, set: &ModuleResources) -> u64 {
    let path: Arc<Path> = path.into();
    for resource in &set.resources {
        let documents = kubernetes::documents_of(resource);
        if documents.is_empty() && &*resource.kind == "aws_cloudformation_stack" && !resource.data {
            let address = Written(resource.text("template_url").map(|url| url.to_string().into()));
            let unread = TemplateProblem::Stack { id: Arc::clone(&resource.address), address };
            context.builder.problem(Problem::new(unread, Some(resource.attributes.at)));
        }
        for content in documents {
            let doc = resource.attributes.at.doc;
            let (root, part) = (Some(set.scope), resource.part());
            context.nested.push(Document { path: Arc::clone(&path), doc, named: false, root, part, content });
        }
    }
    let mut unread = set.resources.iter().filter(|resource| resource::is_of_cloud_control(&resource.kind));
    if let Some(first) = unread.next() {
        let resources = Addresses { first: Arc::clone(&first.address), others: unread.count() };
        let what = TerraformProblem::CloudControl { resources };
        context.builder.problem(Problem::new(what, Some(first.attributes.at)));
    }
    context.builder.enter(set.scope);
    let count = items::add(context.builder, context.gather_scope, set);
    context.builder.leave();
    count
}

/// Might this text be a plan or a state, most of which nobody reads?
fn might_be(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"\"terraform_version\"").is_some()
        || memchr::memmem::find(text.as_bytes(), b"\"planned_values\"").is_some()
}

/// What is not worth keeping of a plan or a state: resources of types that are not read, what was before, outputs and
/// variables (which may be secret).
fn prune(before: &Map, name: &str) -> bool {
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
