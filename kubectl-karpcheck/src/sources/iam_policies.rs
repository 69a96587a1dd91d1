//! IAM JSON: policy documents as they stand in files, with or without placeholders.
//!
//! | what | told by | what it becomes |
//! |---|---|---|
//! | an identity policy | no statement names a principal | `AWS::IAM::ManagedPolicy`, whose name is the file's |
//! | a queue policy | it names principals, and SQS alone | `/Policy` of the `AWS::SQS::Queue` that its resources name |
//! | a key policy | it names principals, and KMS alone | `/KeyPolicy` of the `AWS::KMS::Key` that its resources or the file's name tell |
//! | a trust policy | it names principals, and STS alone | nothing: it grants no permission of its role |
//!
//! What a policy of a resource is about is said where it cannot be told. A list of statements, or one alone, is a part of
//! a policy: what is missing in it is unknown.

use std::path::Path;

use crate::inventory::problem::PolicyProblem;
use crate::inventory::reason::Answers;
use crate::inventory::{
    AwsFacts, Builder, Cause, Draft, List, Map, Node, Problem, Reason, SourceKind, Ternary, Text, Value, arn,
};
use crate::schema::kinds::GatherScope;
use crate::sources::aws::account_region;
use crate::sources::placeholders;
use crate::sources::reader::{Content, Context, Document, Reader};

/// Policy documents in files.
pub(super) struct IamPolicies;

impl Reader for IamPolicies {
    fn detects(&self, document: &Document<'_>) -> bool {
        document.node().is_some_and(is_policy)
    }

    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64 {
        let Content::Node { node, .. } = document.content else { return 0 };
        add(context.builder, context.gather_scope, node, &document.path)
    }
}

/// Is it a policy document, a list of such, a list of statements, or a statement?
fn is_policy(node: &Node) -> bool {
    match &node.value {
        Value::Map(_) => is_document(node) || is_statement(node),
        Value::List(list) => {
            !list.items.is_empty() && (list.items.iter().all(is_document) || list.items.iter().all(is_statement))
        }
        _ => false,
    }
}

fn is_document(node: &Node) -> bool {
    let statement = node.member("Statement");
    statement.is_some_and(|statement| match &statement.value {
        Value::List(list) => list.items.iter().all(|item| matches!(item.value, Value::Map(_) | Value::Text(_))),
        Value::Map(_) => true,
        // A placeholder where the statements belong.
        Value::Text(text) => text.to_string().contains(['$', '{']),
        _ => false,
    }) && node.member("apiVersion").is_none()
}

fn is_statement(node: &Node) -> bool {
    matches!(node.str_at(&["Effect"]), Some("Allow" | "Deny"))
        && ["Action", "NotAction"].iter().any(|name| node.member(name).is_some())
}

/// Adds the policies of a document. Returns how many there are.
fn add(builder: &mut Builder, gather_scope: &GatherScope, mut node: Node, path: &Path) -> u64 {
    placeholders::mark(&mut node);
    let at = node.at;
    let documents = match node.value {
        Value::List(list) if list.items.iter().all(is_document) => list.items,
        Value::List(list) => vec![part(list.items, at)],
        Value::Map(_) if is_document(&node) => vec![node],
        _ => vec![part(vec![node], at)],
    };
    let several = documents.len() > 1;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).filter(|stem| stem != "-");
    let stem = stem.unwrap_or_else(|| "policy".to_owned());
    let count = documents.len() as u64;
    for (number, document) in (1_u32..).zip(documents) {
        let name = if several { format!("{stem} #{number}") } else { stem.clone() };
        one(builder, gather_scope, document, name, path);
    }
    count
}

/// Statements without their document. They are written for one of today's version.
fn part(statements: Vec<Node>, at: crate::inventory::At) -> Node {
    let more = Reason::new(Cause::NotProvided, Answers::Statements);
    let list = List { items: statements, more: Some(Box::new(more)) };
    let members = [
        (Text::from("Version"), Node::text("2012-10-17", at)),
        (Text::from("Statement"), Node::new(Value::List(list), at)),
    ];
    Node::new(Value::Map(members.into_iter().collect()), at)
}

fn one(builder: &mut Builder, gather_scope: &GatherScope, document: Node, name: String, path: &Path) {
    let at = document.at;
    match sort(&document) {
        Sort::Identity => {
            // Written for the run's account and region, whichever these are.
            let mut draft =
                Draft::new("AWS::IAM::ManagedPolicy", name, body("PolicyDocument", document), SourceKind::Source);
            draft.aws = Some(Box::default());
            builder.add(draft);
        }
        Sort::Trust => builder.problem(Problem::new(PolicyProblem::Trust, Some(at))),
        Sort::Key => {
            let named =
                resource(&document, "arn:*:kms:*:key/*").map(|arn| account_region::of_arn("AWS::KMS::Key", &arn, at));
            let facts = named.unwrap_or_else(|| {
                account_region::key_in(path).map(|id| AwsFacts { id: Some(id.into()), ..AwsFacts::default() })
            });
            match facts {
                Some(facts) => resource_policy(builder, gather_scope, "AWS::KMS::Key", "KeyPolicy", facts, document),
                None => builder.problem(Problem::new(PolicyProblem::KeyPolicy, Some(at))),
            }
        }
        Sort::Queue => {
            let named =
                resource(&document, "arn:*:sqs:*").and_then(|arn| account_region::of_arn("AWS::SQS::Queue", &arn, at));
            match named {
                Some(facts) => resource_policy(builder, gather_scope, "AWS::SQS::Queue", "Policy", facts, document),
                None => builder.problem(Problem::new(PolicyProblem::QueuePolicy, Some(at))),
            }
        }
        Sort::Other => builder.problem(Problem::new(PolicyProblem::Other, Some(at))),
    }
}

/// A resource of which only the policy was given.
fn resource_policy(
    builder: &mut Builder,
    gather_scope: &GatherScope,
    kind: &str,
    field: &str,
    facts: AwsFacts,
    document: Node,
) {
    if !gather_scope.wants(kind) {
        builder.skip(1);
        return;
    }
    let name = facts.id.as_ref().map(ToString::to_string).unwrap_or_default();
    let noun = if kind == "AWS::KMS::Key" { "key" } else { "queue" };
    let gap = Answers::PolicyOnly { noun, name: name.as_str().into() };
    let mut body = body(field, document);
    if let Value::Map(map) = &mut body.value {
        map.more = Some(Box::new(Reason::new(Cause::NotProvided, gap)));
    }
    let mut draft = Draft::new(kind, name, body, SourceKind::Source);
    draft.aws = Some(Box::new(facts));
    builder.add(draft);
}

fn body(field: &str, document: Node) -> Node {
    let at = document.at;
    let mut map = Map::default();
    map.set(field, document);
    Node::new(Value::Map(map), at)
}

/// What a policy is attached to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sort {
    /// A role, user or group.
    Identity,
    /// A role, as who may assume it.
    Trust,
    Key,
    Queue,
    /// A bucket, a topic, a repository.
    Other,
}

fn sort(document: &Node) -> Sort {
    let statements = statements(document);
    if !statements
        .iter()
        .any(|statement| ["Principal", "NotPrincipal"].iter().any(|name| statement.member(name).is_some()))
    {
        return Sort::Identity;
    }
    let mut services: Vec<String> = statements
        .iter()
        .flat_map(|statement| ["Action", "NotAction"].into_iter().filter_map(|name| statement.member(name)))
        .flat_map(
            |actions| if actions.elements().is_empty() { std::slice::from_ref(actions) } else { actions.elements() },
        )
        .filter_map(|action| match &action.value {
            Value::Text(text) => Some(text.to_string().split(':').next().unwrap_or_default().to_ascii_lowercase()),
            _ => None,
        })
        // A Deny of everything says nothing.
        .filter(|service| service != "*")
        .collect();
    services.sort_unstable();
    services.dedup();
    match services.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["sts"] => Sort::Trust,
        ["kms"] => Sort::Key,
        ["sqs"] => Sort::Queue,
        _ => Sort::Other,
    }
}

fn statements(document: &Node) -> &[Node] {
    match document.member("Statement") {
        Some(statement @ Node { value: Value::Map(_), .. }) => std::slice::from_ref(statement),
        Some(list) => list.elements(),
        None => &[],
    }
}

/// The one resource that a policy names by an ARN of this form.
fn resource(document: &Node, form: &str) -> Option<Text> {
    let mut named: Vec<Text> = vec![];
    for statement in statements(document) {
        let Some(resources) = statement.member("Resource") else { continue };
        let each = if resources.elements().is_empty() { std::slice::from_ref(resources) } else { resources.elements() };
        for node in each {
            let Value::Text(text) = &node.value else { continue };
            let written = text.to_string();
            // A pattern may stand for several; a placeholder for the whole ARN says nothing.
            if text.matches(form) != Ternary::Yes || written.contains(['*', '?']) || arn::split(text).is_none() {
                continue;
            }
            if !named.iter().any(|known| known.same(text) == Ternary::Yes) {
                named.push(text.clone());
            }
        }
    }
    match named.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::json;
    use crate::formats::json::Base;
    use crate::inventory::builder::Derivation;
    use crate::inventory::{Inventory, Origin, Stated};

    fn read(text: &str, path: &str) -> Inventory {
        let mut builder = Builder::new(Stated::default());
        let doc = builder.document(Origin::File(path.into()));
        let (mut nodes, _, broken) = json::read(text, Base::File(doc));
        assert!(broken.is_none(), "{broken:?}");
        let node = nodes.pop().expect("a document");
        assert!(is_policy(&node), "not taken for a policy: {text}");
        let gather_scope = GatherScope::new([
            ("AWS::IAM::ManagedPolicy", false),
            ("AWS::KMS::Key", false),
            ("AWS::SQS::Queue", false),
        ]);
        add(&mut builder, &gather_scope, node, Path::new(path));
        builder.build(Derivation::NONE)
    }

    fn items(inventory: &Inventory) -> Vec<String> {
        inventory.items().map(|(_, item)| format!("{} {}", item.kind, item.name)).collect()
    }

    fn statement(principal: &str, action: &str, resource: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": {action}, "Resource": "{resource}"}}"#)
    }

    #[test]
    fn an_identity_policy_is_a_managed_policy_named_by_its_file() {
        let inventory =
            read(r#"{"Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}"#, "a/controller.json");
        assert_eq!(items(&inventory), ["AWS::IAM::ManagedPolicy controller"]);
        assert!(inventory.problems().is_empty());
    }

    #[test]
    fn statements_without_a_document_are_a_part_of_a_policy() {
        let one = r#"{"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "arn:aws:ec2:*:*:instance/*"}"#;
        for text in [one.to_owned(), format!("[{one}]")] {
            let inventory = read(&text, "part.json");
            assert_eq!(items(&inventory), ["AWS::IAM::ManagedPolicy part"]);
            let (_, item) = inventory.items().next().expect("one");
            let (reason, _) = item.body.first_unknown().expect("open");
            assert_eq!(reason.cause, Cause::NotProvided);
        }
    }

    #[test]
    fn several_documents_in_one_file_are_told_apart() {
        let one = r#"{"Version": "2012-10-17", "Statement": []}"#;
        let inventory = read(&format!("[{one}, {one}]"), "all.json");
        assert_eq!(items(&inventory), ["AWS::IAM::ManagedPolicy all #1", "AWS::IAM::ManagedPolicy all #2"]);
    }

    #[test]
    fn a_trust_policy_is_nobodys_permission_and_is_told() {
        let trust =
            statement(r#"{"Service": "pods.eks.amazonaws.com"}"#, r#"["sts:AssumeRole", "sts:TagSession"]"#, "*");
        let inventory = read(&format!(r#"{{"Statement": [{trust}]}}"#), "trust.json");
        assert!(items(&inventory).is_empty());
        assert!(inventory.problems()[0].to_string().contains("a trust policy"));
        assert!(!inventory.problems()[0].is_incomplete());
    }

    #[test]
    fn a_queue_policy_is_the_policy_of_the_queue_that_it_names() {
        let text = statement(
            r#"{"Service": "events.amazonaws.com"}"#,
            r#""SQS:SendMessage""#,
            "arn:aws:sqs:us-east-2:111122223333:prod",
        );
        let inventory = read(&text, "policy.json");
        assert_eq!(items(&inventory), ["AWS::SQS::Queue prod"]);
        let (id, item) = inventory.items().next().expect("one");
        assert!(
            inventory
                .get(id, "/KmsMasterKeyId")
                .is_ok_and(|value| matches!(value, crate::inventory::FieldValue::Unknown(_)))
        );
        assert_eq!(item.aws.as_ref().and_then(|aws| aws.region.as_ref()?.as_str()), Some("us-east-2"));
    }

    #[test]
    fn a_key_policy_belongs_to_the_key_of_its_files_name_or_is_told() {
        let text = format!("[{}]", statement(r#"{"Service": "events.amazonaws.com"}"#, r#""kms:Decrypt""#, "*"));
        let inventory = read(&text, "1234abcd-12ab-34cd-56ef-1234567890ab/policy.json");
        assert_eq!(items(&inventory), ["AWS::KMS::Key 1234abcd-12ab-34cd-56ef-1234567890ab"]);
        let inventory = read(&text, "key-policy.json");
        assert!(items(&inventory).is_empty());
        assert!(inventory.problems()[0].to_string().contains("get-key-policy--KEY_ID.json"));
    }

    #[test]
    fn placeholders_are_symbols_and_policy_variables_stay() {
        let text = r#"{"Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::${ACCOUNT}:role/${aws:username}"}]}"#;
        let inventory = read(text, "controller.json");
        let (id, _) = inventory.items().next().expect("one");
        let node = inventory.node(id, "/PolicyDocument/Statement/0/Resource").expect("there");
        let Value::Text(text) = &node.value else { panic!("no text") };
        assert_eq!(text.holes().map(|symbol| symbol.name.to_string()).collect::<Vec<_>>(), ["${ACCOUNT}"]);
    }

    #[test]
    fn other_json_is_no_policy() {
        for text in [
            "[]",
            "{}",
            r#"{"Statement": 1}"#,
            r#"{"Effect": "Allow"}"#,
            r#"[{"Effect": "Allow", "Action": "x:y"}, 1]"#,
        ] {
            let mut builder = Builder::new(Stated::default());
            let doc = builder.document(Origin::File("x".into()));
            let (nodes, _, _) = json::read(text, Base::File(doc));
            assert!(!nodes.iter().any(is_policy), "{text}");
        }
    }
}
