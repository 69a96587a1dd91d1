//! A resource of Terraform, from whichever of its files, and what its attributes say.

use std::sync::Arc;

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::reason::Terraform;
use crate::inventory::{
    Address, At, Cause, Map, Node, Part, SourceKind, Stated, Symbol, SymbolScope, Text, UnitPart, Value,
};
use crate::schema::aws;
use crate::schema::aws::Ref;
use crate::sources::mapping;
use crate::sources::terraform::arguments;
use crate::sources::terraform::arguments::Makes;

/// One instance of a `resource` or `data` block.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// `module.karpenter.aws_sqs_queue.this[0]`.
    pub(super) address: Arc<str>,
    /// The same without the last index, where there is one.
    pub(super) bare: Option<Arc<str>>,
    /// `aws_sqs_queue`.
    pub(super) kind: Arc<str>,
    /// Is it only read, by a `data` block?
    pub(super) data: bool,
    /// An object: arguments and attributes, nested blocks as lists of objects.
    pub(super) attributes: Node,
    /// Where it lives, if that is not where the root's provider works.
    pub(super) home: Option<AccountRegion>,
    /// The same where the root's variables whose defaults are empty have no value, if that makes a difference: what is blank by
    /// such a default is to be given.
    pub(super) without_blanks: Option<Node>,
}

/// What one plan, state or module says.
#[derive(Debug)]
pub(super) struct ModuleResources {
    /// Where its addresses and symbols mean something.
    pub(super) scope: SymbolScope,
    /// Whose word it is.
    pub(super) source: SourceKind,
    /// Where its resources live, as far as it is known.
    pub(super) home: AccountRegion,
    /// The resources.
    pub(super) resources: Vec<Resource>,
}

impl Resource {
    /// The call of the module that it stands in; none in the root.
    pub(super) fn part(&self) -> Option<UnitPart> {
        let module = module_of(&self.address);
        (!module.is_empty()).then(|| UnitPart::Call(module.into()))
    }

    /// An attribute that says something.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.attributes.member(name).filter(|node| !node.is_blank())
    }

    /// An attribute that is a text, known in part or as a whole.
    pub(super) fn text(&self, name: &str) -> Option<&Text> {
        match self.get(name).map(|node| &node.value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// The steps of a reference: `module.x["a.b"].y` is `module`, `x["a.b"]`, `y`.
pub(super) fn steps(reference: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let (mut depth, mut quoted) = (0_u32, false);
    for char in reference.chars() {
        match char {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (char, steps.last_mut()) {
            ('.', _) if depth == 0 && !quoted => steps.push(String::new()),
            (char, Some(step)) => step.push(char),
            _ => {}
        }
    }
    steps
}

/// The module that an address stands in; empty for the root.
pub(super) fn module_of(address: &str) -> &str {
    let steps = steps(address);
    let mut length = 0;
    let mut last = 0;
    for pair in steps.chunks(2) {
        match pair {
            [root, name] if root == "module" => {
                length += root.len() + name.len() + 2;
                last = length;
            }
            _ => break,
        }
    }
    // An address of a module alone stands in the module around it.
    if last > address.len() {
        let own: usize = steps[steps.len() - 2..].iter().map(|step| step.len() + 1).sum();
        return address.get(..last.saturating_sub(own + 1)).unwrap_or_default();
    }
    address.get(..last.saturating_sub(1)).unwrap_or_default()
}

/// The kind in the normal form, of the types that are items of their own.
pub(super) fn normal(kind: &str) -> Option<&'static str> {
    match arguments::of(kind)?.makes {
        Makes::Resource(kind) => Some(kind),
        Makes::Part(_) | Makes::EbsDefaults => None,
    }
}

/// Is a resource of this type read at all? All others are left out before they cost anything.
pub(super) fn is_read(kind: &str) -> bool {
    arguments::of(kind).is_some()
        || matches!(kind, "aws_iam_policy_document" | "aws_region" | "aws_partition" | "aws_caller_identity")
        || holds_documents(kind)
        || is_of_cloud_control(kind)
}

/// Is it a type of Terraform's provider for Cloud Control, which names CloudFormation's (`awscc_sqs_queue` is an `AWS::SQS::Queue`), and
/// one that is read of other sources? These resources are counted, so that nobody takes them for read.
pub(super) fn is_of_cloud_control(kind: &str) -> bool {
    let named = kind.strip_prefix("awscc_").and_then(|rest| rest.split_once('_'));
    named.is_some_and(|(service, resource)| {
        aws::types().any(|known| {
            let words: Vec<&str> = known.name.split("::").collect();
            matches!(words[..], ["AWS", of, name] if of.eq_ignore_ascii_case(service) && mapping::snake(name) == resource)
        })
    })
}

/// Is it a type whose resources hold documents of other tools: what Terraform makes in Kubernetes, stacks of CloudFormation,
/// manifests that it writes for somebody who applies them?
pub(super) fn holds_documents(kind: &str) -> bool {
    matches!(
        kind,
        "kubernetes_manifest"
            | "kubectl_manifest"
            | "kubernetes_service_account"
            | "kubernetes_service_account_v1"
            | "helm_release"
            | "aws_cloudformation_stack"
            | "local_file"
    )
}

/// The partition, region and account that are stated, or their symbols.
pub(super) fn home(stated: &Stated) -> AccountRegion {
    let or = |stated: Option<String>, name| stated.map_or_else(|| arn::unstated(name), Text::from);
    AccountRegion {
        partition: or(stated.known_partition(), arn::PARTITION),
        region: or(stated.region.clone(), arn::REGION),
        account: or(stated.account.clone(), arn::ACCOUNT),
    }
}

/// An attribute that follows from the arguments: names with their prefix, ARNs from names. None of what AWS makes up.
pub(super) fn follows(
    kind: &str,
    attribute: &str,
    address: &str,
    scope: SymbolScope,
    home: &AccountRegion,
    get: &dyn Fn(&str) -> Option<Node>,
) -> Option<Text> {
    let text = |name: &str| match get(name)?.value {
        Value::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    };
    let name = || match get("name").map(|node| node.value) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text),
        Some(Value::Unknown(_)) => None,
        _ => {
            let prefix = text("name_prefix")?;
            let end = Part::Hole(known_later(&format!("{address}.name"), scope));
            Some(Text::from_parts(prefix.into_parts().into_iter().chain([end])))
        }
    };
    let known = || aws::of(normal(kind)?);
    let arn = || {
        let known = known()?;
        let id = if known.given_by_aws {
            // Whatever AWS gives, it is the same wherever the resource is named.
            let argument = arguments::of(kind)?.field_of(known.identifier?)?;
            text(argument).unwrap_or_else(|| Text::symbol(known_later(&format!("{address}.{argument}"), scope)))
        } else {
            name()?
        };
        let argument = |property: &str| Some(get(arguments::of(kind)?.field_of(property)?)?.value);
        arn::compose(known.name, home, &arn::resource_id(known.name, &id, &argument)?)
    };
    match attribute {
        "name" => name(),
        "arn" => arn(),
        "id" => match known()?.reference {
            Ref::Identifier => name(),
            Ref::Arn => arn(),
            // The id of a rule is its name.
            Ref::Other => name().filter(|_| kind == "aws_cloudwatch_event_rule"),
        },
        _ => None,
    }
}

/// What AWS makes up when it makes the resource.
pub(super) fn known_later(address: &str, scope: SymbolScope) -> Symbol {
    Symbol::new(format!("${{{address}}}"), scope, Terraform::AfterApply { address: address.into() })
}

/// A text that is an attribute of a resource: what is known of it, and the resource itself where it is an item.
pub(super) fn reference(
    scope: SymbolScope,
    kind: &str,
    address: &str,
    attribute: &str,
    value: Option<Text>,
    at: At,
) -> Node {
    let text = value.unwrap_or_else(|| {
        let written = if attribute.is_empty() { address.to_owned() } else { format!("{address}.{attribute}") };
        Text::symbol(known_later(&written, scope))
    });
    let item = normal(kind).is_some() && !address.split('.').any(|step| step == "data");
    Node::text(
        if item { text.referring(Address { scope, id: address.into(), attribute: attribute.into() }) } else { text },
        at,
    )
}

/// What Terraform marks as sensitive is not kept, whatever it is.
pub(super) fn concealed(at: At) -> Node {
    Node::unknown(Cause::NotProvided, Terraform::Sensitive, at)
}

/// Takes out what is marked: `true` where a value is sensitive, objects and lists of such marks.
pub(super) fn conceal(node: &mut Node, marks: &Node) {
    match (&mut node.value, &marks.value) {
        (_, Value::Flag(true)) => *node = concealed(node.at),
        (Value::Map(map), Value::Map(marks)) => {
            for (key, mark) in &marks.entries {
                if let Some(key) = key.known()
                    && let Some(node) = map.get_mut(key)
                {
                    conceal(node, mark);
                }
            }
        }
        (Value::List(list), Value::List(marks)) => {
            list.items.iter_mut().zip(&marks.items).for_each(|(node, mark)| conceal(node, mark));
        }
        _ => {}
    }
}

/// An empty object.
pub(super) fn empty(at: At) -> Node {
    Node::new(Value::Map(Map::default()), at)
}

/// Something unknown that is a symbol's.
pub(super) fn later(gap: Terraform, at: At) -> Node {
    Node::unknown(Cause::Symbolic, gap, at)
}
