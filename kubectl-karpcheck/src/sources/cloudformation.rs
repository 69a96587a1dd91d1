//! CloudFormation templates: intrinsics are evaluated as far as they can be, what remains are symbols.
//!
//! References into the template stay references (by logical id), so that a relation is known though the value isn't. A
//! parameter with a value, by flag or by default, is known; one without is a symbol of its template, and a pseudo
//! parameter that was not stated is a symbol of the account and region, the same in every template.

mod intrinsics;

use std::sync::Arc;

use crate::inventory::problem::{TemplateProblem, Written};
use crate::inventory::{AwsFacts, Builder, Draft, Logical, Map, Node, Problem, SourceKind, Text, Value};
use crate::schema::aws;
use crate::schema::kinds::GatherScope;
use crate::sources::reader::{Content, Context, Document, Reader};
use intrinsics::Template;

/// Templates.
pub(super) struct CloudFormation;

impl Reader for CloudFormation {
    fn detects(&self, document: &Document<'_>) -> bool {
        document.node().is_some_and(is_template)
    }

    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64 {
        let Content::Node { node, .. } = &document.content else { return 0 };
        add(context.builder, context.gather_scope, context.parameters, node)
    }
}

/// Is this a template?
fn is_template(node: &Node) -> bool {
    if node.member("AWSTemplateFormatVersion").is_some() {
        return true;
    }
    node.member("Resources").and_then(Node::as_map).is_some_and(|resources| {
        resources.entries.iter().any(|(id, resource)| {
            id.known().is_some_and(|id| id.starts_with("Fn::ForEach::"))
                || resource
                    .str_at(&["Type"])
                    .is_some_and(|kind| kind.starts_with("AWS::") || kind.starts_with("Custom::"))
        })
    })
}

/// Adds the resources of a template. Returns how many there are.
fn add(builder: &mut Builder, gather_scope: &GatherScope, parameters: &[(String, String)], node: &Node) -> u64 {
    let scope = builder.template();
    let stated = builder.stated().clone();
    let template = Template::new(node, scope, &stated, parameters);
    let Some(resources) = node.member("Resources").and_then(Node::as_map) else { return 0 };
    transforms(builder, node);
    let mut count = 0;
    for (id, resource) in &resources.entries {
        let (Some(id), Some(kind)) = (id.known(), resource.str_at(&["Type"])) else {
            if let Some(what) = id.known().and_then(made_later) {
                builder.problem(Problem::new(what, Some(resource.at)));
            }
            continue;
        };
        count += 1;
        if let Some(what) = elsewhere(id, kind, resource) {
            builder.problem(Problem::new(what, Some(resource.at)));
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
    count
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
