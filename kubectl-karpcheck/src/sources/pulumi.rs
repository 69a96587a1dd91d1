//! What `pulumi stack export` prints, of programs in any language: AWS's resources as the state of Terraform that they
//! follow (Pulumi's provider is made from Terraform's, and spells its arguments otherwise), Kubernetes' objects and charts.

use crate::inventory::reason::Terraform;
use crate::inventory::{Cause, List, Map, Node, SourceKind, Text, Value};
use crate::sources::helm::values::object;
use crate::sources::mapping::snake;
use crate::sources::reader::{Content, Context, Document, Reader, Release};
use crate::sources::terraform::arguments;

/// Stacks.
pub(super) struct Pulumi;

impl Reader for Pulumi {
    fn detects(&self, document: &Document<'_>) -> bool {
        document.node().is_some_and(|node| {
            let of_pulumi =
                |resource: &Node| resource.str_at(&["urn"]).is_some_and(|urn| urn.starts_with("urn:pulumi:"));
            resources(node).iter().any(of_pulumi)
        })
    }

    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64 {
        let Some(stack) = document.node() else { return 0 };
        let mut state = vec![];
        let mut found = vec![];
        for resource in resources(stack).iter().filter(|resource| resource.member("delete").is_none()) {
            let kind = resource.str_at(&["type"]).unwrap_or_default();
            if let Some(kind) = terraform_type(kind) {
                state.extend(instance(kind, resource, state.len()));
            } else if kind.starts_with("kubernetes:helm.sh/") {
                found.extend(release(resource));
            } else if kind.starts_with("kubernetes:") {
                let written = resource.member("inputs").cloned();
                found.extend(written.map(|node| Content::Node { node, placeholders: false }));
            }
        }
        let count = found.len() as u64;
        if !state.is_empty() {
            let at = stack.at;
            let node = object(
                [
                    ("version", Node::new(Value::Number(4.0), at)),
                    ("terraform_version", Node::text("1.0.0", at)),
                    ("resources", Node::new(Value::List(List { items: state, more: None }), at)),
                ],
                at,
            );
            context.nested.push(document.inner(Content::Node { node, placeholders: false }));
        }
        context.nested.extend(found.into_iter().map(|content| document.inner(content)));
        count
    }
}

fn resources(stack: &Node) -> &[Node] {
    stack.at_path(&["deployment", "resources"]).map(Node::elements).unwrap_or_default()
}

/// Terraform's type for one of Pulumi's: `aws:sqs/queue:Queue` is `aws_sqs_queue`, `aws:ec2/launchTemplate:LaunchTemplate`
/// `aws_launch_template`. None where it is not read.
fn terraform_type(kind: &str) -> Option<String> {
    let (service, rest) = kind.strip_prefix("aws:")?.split_once('/')?;
    let resource = snake(rest.split_once(':')?.0);
    [format!("aws_{service}_{resource}"), format!("aws_{resource}")]
        .into_iter()
        .find(|kind| arguments::of(kind).is_some())
}

/// A resource as Terraform's state has it.
fn instance(kind: String, resource: &Node, number: usize) -> Option<Node> {
    let at = resource.at;
    let attributes = resource.member("outputs").or_else(|| resource.member("inputs"))?;
    let urn = resource.str_at(&["urn"]).and_then(|urn| urn.rsplit("::").next()).unwrap_or_default();
    // Names of resources are unique in a state; those of Pulumi's only among the children of one.
    let name = format!("{urn}-{number}");
    let instance = object([("attributes", spelled(attributes))], at);
    Some(object(
        [
            ("mode", Node::text("managed", at)),
            ("type", Node::text(kind, at)),
            ("name", Node::text(name, at)),
            ("instances", Node::new(Value::List(List { items: vec![instance], more: None }), at)),
        ],
        at,
    ))
}

/// Arguments as Terraform spells them. The keys of maps (tags) are nobody's arguments; secrets are not kept.
fn spelled(node: &Node) -> Node {
    /// The member that marks a value as something else than an object, a secret for the most part.
    const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";
    let value = match &node.value {
        Value::Map(map) if map.get(SIGNATURE).is_some() => {
            return Node::unknown(Cause::NotProvided, Terraform::Sensitive, node.at);
        }
        Value::Map(map) => {
            let mut spelled_map = Map { entries: vec![], more: map.more.clone() };
            for (key, inner) in &map.entries {
                let name = key.known().map_or_else(|| key.clone(), |name| Text::from(snake(name)));
                let keys_of_others = ["tags", "tagsAll"].iter().any(|name| key.is(name));
                let inner = if keys_of_others { inner.clone() } else { spelled(inner) };
                spelled_map.entries.push((name, inner));
            }
            Value::Map(spelled_map)
        }
        Value::List(list) => {
            Value::List(List { items: list.items.iter().map(spelled).collect(), more: list.more.clone() })
        }
        other => other.clone(),
    };
    Node::new(value, node.at)
}

/// A release of a chart.
fn release(resource: &Node) -> Option<Content<'static>> {
    let inputs = resource.member("inputs")?;
    let text = |path: &[&str]| inputs.str_at(path).filter(|text| !text.is_empty());
    Some(Content::Release(Box::new(Release {
        name: text(&["name"]).unwrap_or("karpenter").into(),
        namespace: text(&["namespace"]).map(Into::into),
        chart: text(&["chart"])?.to_owned(),
        repository: text(&["repositoryOpts", "repo"]).unwrap_or_default().to_owned(),
        version: inputs.member("version").cloned(),
        chart_ref: None,
        files: vec![],
        values: inputs.member("values").cloned().unwrap_or_else(|| object([], inputs.at)),
        source: SourceKind::State,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_terraform() {
        for (kind, terraform) in [
            ("aws:sqs/queue:Queue", Some("aws_sqs_queue")),
            ("aws:sqs/queuePolicy:QueuePolicy", Some("aws_sqs_queue_policy")),
            ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", Some("aws_iam_role_policy_attachment")),
            ("aws:cloudwatch/eventTarget:EventTarget", Some("aws_cloudwatch_event_target")),
            ("aws:eks/podIdentityAssociation:PodIdentityAssociation", Some("aws_eks_pod_identity_association")),
            ("aws:ec2/launchTemplate:LaunchTemplate", Some("aws_launch_template")),
            ("aws:ebs/defaultKmsKey:DefaultKmsKey", Some("aws_ebs_default_kms_key")),
            ("aws:s3/bucket:Bucket", None),
            ("kubernetes:core/v1:ServiceAccount", None),
        ] {
            assert_eq!(terraform_type(kind).as_deref(), terraform, "{kind}");
        }
    }
}
