//! CloudFormation templates: intrinsics are evaluated as far as they can be, what remains are symbols.
//!
//! References into the template stay references (by logical id), so that a relation is known though the value isn't. A
//! parameter with a value, by flag, by a file of parameters or by default, is known; one without is a symbol of its template,
//! and a pseudo parameter that was not stated is a symbol of the account and region, the same in every template. A default
//! that names another cluster than the controllers that were read is a guess: a stack gives the name that it is made for.

mod cdk;
mod intrinsics;
mod parameters;
mod stacks;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::inventory::problem::{TemplateProblem, Written};
use crate::inventory::{AwsFacts, Builder, DocId, Draft, Logical, Map, Node, Problem, SourceKind, Text, Value};
use crate::karpenter::controller;
use crate::schema::aws;
use crate::schema::kinds::GatherScope;
use crate::sources::reader::{Content, Context, Document, Reader};
use crate::sources::{objects, placeholders};
use intrinsics::Template;
use parameters::ParameterFile;
use stacks::{Read, Stack};

/// Templates, and the files that give their parameters values.
#[derive(Default)]
pub(super) struct CloudFormation {
    /// Templates, which wait until all controllers are known.
    read: Vec<Read>,
    files: Vec<ParameterFile>,
}

impl Reader for CloudFormation {
    fn detects(&self, document: &Document<'_>) -> bool {
        document.node().is_some_and(|node| is_template(node) || within(node).is_some() || parameters::is_file(node))
    }

    fn read(&mut self, document: Document<'_>, _: &mut Context<'_>) -> u64 {
        let Document { path, root, named, content, .. } = document;
        let Content::Node { node, .. } = content else { return 0 };
        let node = within(&node).unwrap_or(node);
        if !is_template(&node) {
            self.files.push(ParameterFile::new(path, named, &node));
            return 1;
        }
        let count = resources(&node).count() as u64;
        self.read.push(Read { path, root, node });
        count
    }

    fn finish(&mut self, context: &mut Context<'_>) -> u64 {
        let items = context.builder.items();
        let called: BTreeSet<String> =
            items.iter().filter_map(|item| controller::identity(context.builder, item)?.name).collect();
        // What Terraform makes a stack of was handed on with its parameters.
        let own = |read: &Read| {
            read.root.is_some() || !std::fs::canonicalize(&read.path).is_ok_and(|path| context.claimed.contains(&path))
        };
        let read: Vec<Read> = std::mem::take(&mut self.read).into_iter().filter(own).collect();
        for (number, stack) in stacks::all(context.builder, &read) {
            let Read { path, root, node } = &read[number];
            // What nested templates make is a part of the uppermost one's stack.
            let whole = root.or_else(|| (!stack.calls.is_empty()).then(|| context.builder.root(path)));
            if let Some(whole) = whole {
                context.builder.enter(whole);
            }
            let stated = context.builder.stated().of_unit(&path.to_string_lossy()).clone();
            let template = Template::new(&stack, &stated, parameters::of(path, node, &self.files), &called);
            let mut inside = vec![];
            add(context.builder, context.gather_scope, &template, &stack, &mut inside);
            context.builder.leave();
            context.nested.extend(inside.into_iter().map(|(path, doc, content)| Document {
                path,
                doc,
                named: false,
                root: whole,
                part: None,
                content,
            }));
        }
        0
    }

    fn finishes_last(&self) -> bool {
        true
    }
}

/// Is this a template?
fn is_template(node: &Node) -> bool {
    if node.member("AWSTemplateFormatVersion").is_some() {
        return true;
    }
    node.member("Resources").and_then(Node::as_map).is_some_and(|resources| {
        resources.entries.iter().any(|(id, resource)| {
            id.known().is_some_and(|id| id.starts_with("Fn::"))
                || resource.str_at(&["Type"]).is_some_and(|kind| {
                    ["AWS::", "Custom::"].iter().any(|start| kind.starts_with(start)) || kind.ends_with("::MODULE")
                })
        })
    })
}

/// The template within a document: in AWS's answer to `get-template`, or in a service of the Serverless Framework, whose own
/// variables are `${self:…}` and the like.
fn within(node: &Node) -> Option<Node> {
    if let Some(body) = node.member("TemplateBody").filter(|_| node.member("StagesAvailable").is_some()) {
        return objects::documents(body).into_iter().next().filter(is_template);
    }
    let service = node.member("service").is_some() && node.member("provider").is_some();
    let mut inner = node.member("resources").filter(|inner| service && is_template(inner))?.clone();
    placeholders::mark_serverless(&mut inner);
    Some(inner)
}

/// The resources of a template, by logical id and type.
fn resources(node: &Node) -> impl Iterator<Item = (&str, &str, &Node)> {
    let all = node.member("Resources").and_then(Node::as_map).map(|map| map.entries.as_slice()).unwrap_or_default();
    all.iter().filter_map(|(id, resource)| Some((id.known()?, resource.str_at(&["Type"])?, resource)))
}

/// What a template makes in Kubernetes, with its file.
type Inside = (Arc<Path>, DocId, Content<'static>);

/// Adds the resources of a stack and of those that it nests, and tells what they make in Kubernetes.
fn add(
    builder: &mut Builder,
    gather_scope: &GatherScope,
    template: &Template<'_>,
    stack: &Stack<'_>,
    inside: &mut Vec<Inside>,
) {
    let Stack { node, path, scope, calls } = stack;
    let (node, scope) = (*node, *scope);
    let declared = node.member("Parameters").and_then(Node::as_map).map(|declared| &*declared.entries);
    builder.declare_parameters(
        declared.iter().flat_map(|all| all.iter()).filter_map(|(name, _)| name.known().map(str::to_owned)),
    );
    let Some(all) = node.member("Resources").and_then(Node::as_map) else { return };
    transforms(builder, node);
    for (id, resource) in all.entries.iter().filter_map(|(id, resource)| Some((id.known()?, resource))) {
        let what = match resource.str_at(&["Type"]) {
            Some(_) if calls.contains_key(id) => None,
            Some(kind) => elsewhere(id, kind, resource),
            None => made_later(id),
        };
        if let Some(what) = what {
            builder.problem(Problem::new(what, Some(resource.at)));
        }
    }
    for (id, kind, resource) in resources(node) {
        if cdk::is_read(kind) {
            if let Some(properties) = resource.member("Properties").filter(|_| !template.is_left_out(resource)) {
                let made = cdk::documents(kind, &template.evaluate(properties));
                inside.extend(made.into_iter().map(|content| (Arc::clone(path), node.at.doc, content)));
            }
            continue;
        }
        if !(aws::always(kind) || gather_scope.wants(kind)) {
            builder.skip(1);
            continue;
        }
        if template.is_left_out(resource) {
            continue;
        }
        let at = resource.at;
        let mut body = resource
            .member("Properties")
            .map_or_else(|| Node::new(Value::Map(Map::default()), at), |properties| template.evaluate(properties));
        body.at = at;
        placeholders::mark_bracketed(&mut body);
        let physical = aws::naming(kind).and_then(|field| match body.member(field).map(|node| &node.value) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        });
        let name = physical.as_ref().and_then(Text::known).unwrap_or(id).to_owned();
        let facts = AwsFacts {
            partition: template.pseudo("AWS::Partition", at),
            account: template.pseudo("AWS::AccountId", at),
            region: template.pseudo("AWS::Region", at),
            arn: template
                .attribute(id, "Arn", at)
                .filter(|arn| matches!(&arn.value, Value::Text(text) if text.starts_with("arn:"))),
            id: physical,
            logical: vec![Logical { scope, id: Arc::from(id) }],
        };
        let mut draft = Draft::new(kind, name, body, SourceKind::Template);
        draft.aws = Some(Box::new(facts));
        builder.add(draft);
    }
    for (id, nested) in calls {
        let made = !resources(node).any(|(own, _, resource)| own == id && template.is_left_out(resource));
        if let Some(template) = template.nested(id).filter(|_| made) {
            add(builder, gather_scope, &template, nested, inside);
        }
    }
}

/// Says what the macros of a template keep from us. AWS's own make other kinds of resources, or are evaluated here.
fn transforms(builder: &mut Builder, node: &Node) {
    let Some(transform) = node.member("Transform") else { return };
    let names = transform.as_str().into_iter().chain(transform.elements().iter().filter_map(Node::as_str));
    for name in names.filter(|name| !name.starts_with("AWS::") || *name == "AWS::Include") {
        builder.problem(Problem::new(TemplateProblem::Macro { name: name.into() }, Some(transform.at)));
    }
    if transform.as_map().is_some() {
        builder.problem(Problem::new(TemplateProblem::Transform, Some(transform.at)));
    }
}

/// Members of `Resources` that are no resources.
fn made_later(id: &str) -> Option<TemplateProblem> {
    if let Some(name) = id.strip_prefix("Fn::ForEach::") {
        return Some(TemplateProblem::Loop { name: name.into() });
    }
    (id == "Fn::Transform").then_some(TemplateProblem::ResourceTransform)
}

/// Resources whose content stands in another template.
fn elsewhere(id: &str, kind: &str, resource: &Node) -> Option<TemplateProblem> {
    let place = |field: &str| match resource.at_path(&["Properties", field]).map(|node| &node.value) {
        Some(Value::Text(text)) => Written(Some(text.to_string().into())),
        _ => Written(None),
    };
    let id = id.into();
    match kind {
        "AWS::CloudFormation::Stack" => Some(TemplateProblem::Stack { id, address: place("TemplateURL") }),
        "AWS::CloudFormation::StackSet" => Some(TemplateProblem::StackSet { id, address: place("TemplateURL") }),
        "AWS::Serverless::Application" => Some(TemplateProblem::Application { id, address: place("Location") }),
        kind if kind.ends_with("::MODULE") => Some(TemplateProblem::Module { id, kind: kind.into() }),
        _ => None,
    }
}
