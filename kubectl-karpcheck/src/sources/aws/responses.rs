//! Answers of the `aws` CLI in the normal form, whoever asked: files saved by hand, a folder of `collect`, `--aws`.
//!
//! An answer is recognised by its shape. What was asked ([`Asked`]) says the rest: many answers do not say what they are
//! about (`get-key-policy` does not name its key), nor in which account and region they were given. Of what was refused, that
//! is what is known of the resource; what does not exist is recorded in the inventory. Nothing of a credential is kept.

mod ec2;
mod eks;
mod events;
mod iam;
mod iam_lists;
mod kms;
mod organizations;
mod reader;
pub(crate) mod saved;
mod sqs;
mod symptoms;

use std::sync::Arc;

use crate::inventory::problem::AwsProblem;
use crate::inventory::reason::Answers;
use crate::inventory::{At, Builder, Cause, Node, Problem, Reason, Value};
use crate::schema::kinds::GatherScope;
use crate::sources::policy_documents;
use reader::ResponseReader;

/// The command that an answer belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Asked {
    /// `kms`.
    pub service: String,
    /// `get-key-policy`.
    pub operation: String,
    /// Options in their order, with or without the leading dashes: `("key-id", "…")`. An option that is repeated or takes
    /// several values has an entry for each.
    pub options: Vec<(String, String)>,
    /// The account that was asked, twelve digits.
    pub account: Option<String>,
    /// The region that was asked.
    pub region: Option<String>,
    /// When, RFC 3339.
    pub at: Option<String>,
    /// Was it asked for in this run (`--aws`), rather than saved?
    pub live: bool,
    /// Where the answer stands: the document as a whole is enough. Used where there is no answer with places of its own.
    pub place: At,
}

impl Asked {
    /// The value of an option.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(option, _)| option.trim_start_matches('-') == name).map(|(_, value)| value.as_str())
    }

    /// All values of an option, those in one word separated at its blanks.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self.options.iter().filter(move |(option, _)| option.trim_start_matches('-') == name);
        own.flat_map(|(_, value)| value.split_whitespace())
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The answer, each node with its place.
    Answer(Node),
    /// AWS refused it.
    Refused {
        /// What to ask for: `kms:GetKeyPolicy`.
        permission: String,
        /// AWS's words, shown as they are.
        text: String,
    },
    /// It could not be asked, or there was no usable answer: a timeout, throttling that did not end, garbage. In words.
    Failed(String),
    /// AWS says that what was asked for does not exist.
    NotFound,
}

/// An operation, and how its answer is taken in.
struct Operation {
    service: &'static str,
    name: &'static str,
    /// The member that its answers have; a second one, where the first is found in other answers, too.
    members: &'static [&'static str],
    /// Are these the types that its answers have?
    fits: fn(&Node) -> bool,
    /// Takes in an answer.
    read: fn(&mut ResponseReader<'_>, &Node),
    /// Says what is not known where it was refused or failed.
    unavailable: fn(&mut ResponseReader<'_>, &crate::inventory::Reason),
    /// Says what does not exist.
    missing: fn(&mut ResponseReader<'_>),
}

const TABLES: &[&[Operation]] = &[
    sqs::OPERATIONS,
    kms::OPERATIONS,
    // Before EventBridge, whose targets are told from these by less.
    organizations::OPERATIONS,
    events::OPERATIONS,
    iam::OPERATIONS,
    iam_lists::OPERATIONS,
    eks::OPERATIONS,
    ec2::OPERATIONS,
    symptoms::OPERATIONS,
];

fn operations() -> impl Iterator<Item = &'static Operation> {
    TABLES.iter().copied().flatten()
}

fn named(name: &str) -> Option<&'static Operation> {
    operations().find(|operation| operation.name == name)
}

impl Operation {
    fn is_answer(&self, node: &Node) -> bool {
        self.members.iter().all(|member| node.member(member).is_some()) && (self.fits)(node)
    }
}

/// Is this an answer, by its shape?
pub(crate) fn is_answer(node: &Node) -> bool {
    match &node.value {
        // Answers side by side, as `jq -s` makes them.
        Value::List(list) => !list.items.is_empty() && list.items.iter().all(|item| recognised(item).is_some()),
        _ => recognised(node).is_some(),
    }
}

/// The operation that an answer is of, by its shape, and the answer with what `--query` took off.
fn recognised(node: &Node) -> Option<(&'static Operation, Option<Node>)> {
    node.as_map()?;
    if let Some(operation) = operations().find(|operation| operation.is_answer(node)) {
        return Some((operation, None));
    }
    // The inner part alone: `--query KeyMetadata`.
    let (operation, member, list) = INNER.iter().find_map(|(signs, operation, member, list)| {
        signs.iter().all(|sign| node.member(sign).is_some()).then_some((*operation, *member, *list))
    })?;
    let inner =
        if list { Node::new(Value::List(std::iter::once(node.clone()).collect()), node.at) } else { node.clone() };
    let whole = Node::new(Value::Map([(member.into(), inner)].into_iter().collect()), node.at);
    let operation = named(operation)?;
    operation.is_answer(&whole).then_some((operation, Some(whole)))
}

/// What `--query` leaves of an answer: the members that it is known by, the operation, the member that it was taken out of, and
/// whether it was one of a list.
const INNER: &[(&[&str], &str, &str, bool)] = &[
    (&["QueueArn"], "get-queue-attributes", "Attributes", false),
    (&["KeyId", "KeyState"], "describe-key", "KeyMetadata", false),
    (&["AliasName", "AliasArn"], "list-aliases", "Aliases", true),
    (&["GrantId", "GranteePrincipal"], "list-grants", "Grants", true),
    (&["Arn", "EventPattern"], "list-rules", "Rules", true),
    (&["RoleName", "AssumeRolePolicyDocument"], "get-role", "Role", false),
    (&["InstanceProfileName", "Roles"], "get-instance-profile", "InstanceProfile", false),
    (&["arn", "endpoint", "resourcesVpcConfig"], "describe-cluster", "cluster", false),
    (&["associationArn", "roleArn"], "describe-pod-identity-association", "association", false),
    (&["ImageId", "BlockDeviceMappings", "OwnerId"], "describe-images", "Images", true),
    (&["SnapshotId", "VolumeSize", "OwnerId"], "describe-snapshots", "Snapshots", true),
    (&["LaunchTemplateId", "LaunchTemplateData"], "describe-launch-template-versions", "LaunchTemplateVersions", true),
    (&["TableName", "TableStatus"], "describe-table", "Table", false),
];

/// Takes in what came of a command. Returns how many facts it held; 0 where an answer is of no known shape, or does not say
/// what it is about, which then is a problem of its own.
pub(crate) fn read(asked: Option<&Asked>, outcome: Outcome, gather_scope: &GatherScope, builder: &mut Builder) -> u64 {
    builder.set_document_parser(policy_documents::object);
    let unasked = Asked::default();
    let asked = asked.unwrap_or(&unasked);
    let mut reader = ResponseReader { asked, gather_scope, builder, facts: 0 };
    let operation = named(&asked.operation);
    match outcome {
        Outcome::Answer(node) => reader.answer(operation, &node),
        Outcome::Refused { permission, text } => {
            let (permission, about): (Arc<str>, Arc<str>) = (permission.into(), reader.about().into());
            let gap = Answers::Refused { permission: Arc::clone(&permission), about: Arc::clone(&about) };
            let reason = Reason::new(Cause::Refused, gap);
            // In a run with --aws each refusal and failure is reported once, however many calls met it.
            if !asked.live {
                let refused = AwsProblem::SavedRefused { permission, about, text: text.trim().into() };
                reader.builder.problem(Problem::new(refused, Some(asked.place)).leaving([reason.clone()]));
            }
            reader.ignorance(operation, reason);
        }
        Outcome::Failed(text) => {
            let command: Arc<str> = format!("aws {} {}", asked.service, asked.operation).into();
            let (about, error): (Arc<str>, Arc<str>) = (reader.about().into(), text.trim().into());
            let gap =
                Answers::Failed { command: Arc::clone(&command), about: Arc::clone(&about), error: Arc::clone(&error) };
            let reason = Reason::new(Cause::Failed, gap);
            if !asked.live {
                let problem = Problem::new(AwsProblem::SavedFailed { command, about, error }, Some(asked.place));
                reader.builder.problem(problem.leaving([reason.clone()]));
            }
            reader.ignorance(operation, reason);
        }
        Outcome::NotFound => {
            if let Some(operation) = operation {
                (operation.missing)(&mut reader);
            }
        }
    }
    reader.facts
}

impl ResponseReader<'_> {
    fn answer(&mut self, asked: Option<&'static Operation>, node: &Node) {
        if let Value::List(list) = &node.value
            && !list.items.is_empty()
            && list.items.iter().all(|item| recognised(item).is_some())
        {
            list.items.iter().for_each(|item| self.answer(asked, item));
            return;
        }
        let found = asked.filter(|operation| operation.is_answer(node)).map(|operation| (operation, None));
        match found.or_else(|| recognised(node)) {
            Some((operation, whole)) => (operation.read)(self, whole.as_ref().unwrap_or(node)),
            // An operation may answer with nothing: no associations, no rules, no grants.
            None if asked.is_some_and(|_| node.as_map().is_some_and(|map| map.entries.is_empty())) => {}
            None => {
                let what = match asked {
                    Some(operation) => {
                        let command = format!("aws {} {}", operation.service, operation.name).into();
                        AwsProblem::NotTheAnswer { command }
                    }
                    None => AwsProblem::NotAnAnswer,
                };
                self.builder.problem(Problem::new(what, Some(node.at)));
            }
        }
    }

    fn ignorance(&mut self, operation: Option<&'static Operation>, reason: Reason) {
        if let Some(operation) = operation {
            (operation.unavailable)(self, &reason);
        }
    }
}

/// What an error that the `aws` CLI printed means.
pub(crate) fn of_error(asked: &Asked, text: &str) -> Outcome {
    // An error occurred (AccessDenied) when calling the GetKeyPolicy operation: User … is not authorized to …
    let code = text.split_once("An error occurred (").and_then(|(_, rest)| rest.split(')').next()).unwrap_or_default();
    let called = text.split_once("when calling the ").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default();
    let refused = ["AccessDenied", "UnauthorizedOperation", "AuthorizationError", "Forbidden", "NotAuthorized"];
    if refused.iter().any(|word| code.contains(word)) {
        let name = if called.is_empty() { pascal(&asked.operation) } else { called.to_owned() };
        return Outcome::Refused { permission: format!("{}:{name}", asked.service), text: text.trim().to_owned() };
    }
    let missing = ["NonExistentQueue", "QueueDoesNotExist", "NotFound", "NoSuchEntity"];
    if missing.iter().any(|word| code.contains(word)) {
        return Outcome::NotFound;
    }
    Outcome::Failed(text.trim().to_owned())
}

/// `GetKeyPolicy` of `get-key-policy`.
fn pascal(operation: &str) -> String {
    operation
        .split('-')
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests;
