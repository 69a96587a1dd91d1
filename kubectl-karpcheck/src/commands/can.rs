//! `can`: would AWS allow one request?

use std::sync::Arc;

use clap::Args;

use crate::commands::shared::args::{AwsArgs, ListOutput, SourceArgs};
use crate::commands::shared::error::CommandError;
use crate::commands::shared::gathering;
use crate::commands::shared::gathering::Gathered;
use crate::commands::shared::item_names::{is_called, label};
use crate::commands::shared::streams::{Streams, ignore_broken_pipe};
use crate::exit::Exit;
use crate::iam;
use crate::iam::{Access, Evaluator, Operand, PrincipalSpec, RequestSpec, Target};
use crate::inventory::{Found, Inventory, Item, ItemId, Scope};
use crate::report;
use crate::report::Answered;
use crate::schema::kinds;
use crate::schema::kinds::GatherScope;

/// The flags of `can`.
#[derive(Debug, Args)]
pub struct CanArgs {
    /// Who asks: a role or user by ARN or name, a service (events.amazonaws.com), a policy by name (as if it were all
    /// that its holder has), controller (Karpenter's), or * for anyone in another account
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,
    /// The action: sqs:ReceiveMessage
    #[arg(value_name = "ACTION", value_parser = action)]
    pub action: String,
    /// The resource: an ARN, the name or id of a resource that was read, or * for none
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
    /// A context key of the request and its value; repeatable, also for several values of one key. KEY alone: the request
    /// does not have it. A KEY that ends in * stands for all keys with that prefix
    #[arg(long, value_name = "KEY=VALUE")]
    pub context_key: Vec<String>,
    /// What is read.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Whether and how AWS is asked.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// Also show the statements about other actions
    #[arg(long)]
    pub all: bool,
    /// The format of the answer
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

/// Kinds that can be a principal.
const PRINCIPALS: &[&str] =
    &["AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", kinds::CONTROLLER];
/// Other kinds that bear on a decision.
const OTHERS: &[&str] = &[
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::KMS::Key",
    ALIAS,
    "AWS::Events::Rule",
    "AWS::EKS::Cluster",
    "AWS::EKS::PodIdentityAssociation",
    kinds::TABLE,
    kinds::CLUSTER,
];

/// Another name of a key.
const ALIAS: &str = "AWS::KMS::Alias";

/// Decides one request over what is read.
pub fn run(args: &CanArgs, streams: &mut Streams<'_>) -> Result<Exit, CommandError> {
    let gather_scope = GatherScope::new(PRINCIPALS.iter().chain(OTHERS).map(|kind| (*kind, true)));
    let inventory = match gathering::gather(&args.sources, &args.aws, &gather_scope, &[], streams)? {
        Gathered::Read(read) => Arc::new(gathering::inventory(read.builder, &args.sources)?),
        Gathered::Planned(exit) => return Ok(exit),
    };
    let question = RequestSpec {
        principal: principal(&inventory, &args.principal)?,
        action: args.action.clone(),
        target: meant(&inventory, target(&inventory, &args.resource)?, &args.action),
        context: context(&args.context_key)?,
        fields: vec![],
    };
    let evaluator = Evaluator::new(scope(&inventory, &question));
    let (request, _) = evaluator.prepare(&question);
    let mut decision = evaluator.decide(&question);
    if let Some(message) = args.action.split_once(':').and_then(|(service, name)| iam::no_such_action(service, name)) {
        decision.notes.insert(0, message);
    }
    let answered = Answered {
        request: &request,
        context: &evaluator.stated(&question),
        trail: &evaluator.trail(&question),
        decision: &decision,
    };
    ignore_broken_pipe(match args.output {
        ListOutput::Table => report::decision_table(&inventory, &answered, args.all, streams.width, streams.out),
        ListOutput::Json => report::decision_json(&inventory, &answered, streams.out),
    })?;
    Ok(match decision.access {
        _ if inventory.problems().iter().any(|problem| problem.is_fatal()) => Exit::NotDone,
        Access::Allowed => Exit::Clean,
        Access::ImplicitDeny | Access::ExplicitDeny => Exit::Findings,
        Access::Unknown => Exit::Incomplete,
    })
}

/// The scope that a question is about: that of its principal or resource, else the first in which an ARN of it is found.
fn scope<'a>(inventory: &'a Inventory, question: &RequestSpec) -> &'a Scope {
    let of_item = match (&question.principal, &question.target) {
        (PrincipalSpec::Item(id), _) | (_, Target::Item(id)) => inventory.scope(*id),
        _ => None,
    };
    let arns: Vec<&str> = [
        match &question.principal {
            PrincipalSpec::Arn(arn) => Some(arn.as_str()),
            _ => None,
        },
        match &question.target {
            Target::Arn(arn) => Some(arn.as_str()),
            Target::Item(_) => None,
        },
    ]
    .into_iter()
    .flatten()
    .collect();
    let named = || {
        arns.iter().find_map(|arn| {
            let is_it = |(id, item): (ItemId, &Item)| {
                let own = item.aws.as_deref()?.arn.as_ref()?.as_str()?;
                (own == *arn).then_some(id)
            };
            inventory.scope(inventory.items().find_map(is_it)?)
        })
    };
    of_item.or_else(named).unwrap_or_else(|| inventory.first())
}

fn principal(inventory: &Inventory, written: &str) -> Result<PrincipalSpec, CommandError> {
    if written == "*" {
        return Ok(PrincipalSpec::Anyone);
    }
    if written.starts_with("arn:") && [":oidc-provider/", ":saml-provider/"].iter().any(|kind| written.contains(kind)) {
        return Ok(PrincipalSpec::Federated(written.to_owned()));
    }
    if written.starts_with("arn:") {
        return Ok(PrincipalSpec::Arn(written.to_owned()));
    }
    if written.contains(".amazonaws.com") {
        return Ok(PrincipalSpec::Service(written.to_owned()));
    }
    if written == "controller" {
        return match inventory.of_kind(kinds::CONTROLLER).as_slice() {
            [one] => Ok(PrincipalSpec::Item(*one)),
            [] => Err(CommandError::Usage("no Karpenter controller was read: name its role instead".into())),
            several => Err(ambiguous(inventory, written, several)),
        };
    }
    let among: Vec<ItemId> = PRINCIPALS.iter().flat_map(|kind| inventory.of_kind(kind)).collect();
    named(inventory, written, &among, "no role, user or policy").map(PrincipalSpec::Item)
}

fn target(inventory: &Inventory, written: &str) -> Result<Target, CommandError> {
    if written == "*" || written.starts_with("arn:") {
        return Ok(Target::Arn(written.to_owned()));
    }
    let among: Vec<ItemId> = inventory.items().filter(|(_, item)| item.is_aws()).map(|(id, _)| id).collect();
    named(inventory, written, &among, "no AWS resource").map(Target::Item)
}

/// Who names an alias means its key, unless the action is about the alias itself: an alias has no policy.
fn meant(inventory: &Inventory, target: Target, action: &str) -> Target {
    let Target::Item(id) = &target else { return target };
    let is_alias = inventory.item(*id).is_some_and(|item| &*item.kind == ALIAS);
    if !is_alias || action.to_ascii_lowercase().ends_with("alias") {
        return target;
    }
    let key = inventory.related(*id, "/TargetKeyId").unwrap_or_default().into_iter().find_map(|link| match link.item {
        Found::Known(key) => Some(key),
        _ => None,
    });
    key.map_or(target, Target::Item)
}

fn action(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((service, name)) if !service.is_empty() && !name.is_empty() && !text.contains(['*', '?']) => {
            Ok(text.to_owned())
        }
        _ => Err("an action looks like sqs:ReceiveMessage, without wildcards".into()),
    }
}

/// The one item of this name: `name`, its id in AWS, or `Kind/name`.
fn named(inventory: &Inventory, written: &str, among: &[ItemId], what: &str) -> Result<ItemId, CommandError> {
    let found: Vec<ItemId> =
        among.iter().copied().filter(|id| inventory.item(*id).is_some_and(|item| is_called(item, written))).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let mut names: Vec<String> = among.iter().map(|id| label(inventory, *id)).collect();
            names.sort();
            names.dedup();
            names.truncate(8);
            let known =
                if names.is_empty() { "none was read".to_owned() } else { format!("there are {}", names.join(", ")) };
            Err(CommandError::Usage(format!("{what} is called {written}: {known}; an ARN can name any other")))
        }
        several => Err(ambiguous(inventory, written, several)),
    }
}

fn ambiguous(inventory: &Inventory, written: &str, several: &[ItemId]) -> CommandError {
    let names: Vec<String> = several.iter().take(8).map(|id| label(inventory, *id)).collect();
    CommandError::Usage(format!("{written} may be any of {}: name one of them, or an ARN", names.join(", ")))
}

fn context(keys: &[String]) -> Result<Vec<(String, Operand)>, CommandError> {
    keys.iter()
        .map(|written| {
            let (key, operand) = match written.split_once('=') {
                Some((key, value)) => (key, Operand::Text(value.to_owned())),
                None => (written.as_str(), Operand::Absent),
            };
            if !key.contains(':') || (key.ends_with('*') && operand != Operand::Absent) {
                return Err(CommandError::Usage(format!(
                    "--context-key {written}: a key looks like aws:SourceAccount=111122223333; one that ends in * has no value"
                )));
            }
            Ok((key.to_owned(), operand))
        })
        .collect()
}
