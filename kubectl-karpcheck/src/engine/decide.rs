//! `decide`: the request is held to the contract here, and evaluated by [`crate::iam`].

use super::contract::{Access, ContextKey, Decision, Operand, Principal, Request, Target, WitReason, WitValue};
use super::host::{Host, Stop, well_formed};
use super::text;
use crate::model::Cause;

/// Entries of a context, fields of a request. AWS's own requests have some dozens.
const MOST_ENTRIES: usize = 200;
const MOST_TEXT: usize = 4 << 10;

/// Answers a request of a rule.
pub(super) fn decide(host: &mut Host, request: &Request) -> Result<Decision, Stop> {
    check(host, request)?;
    host.charge(1 + (request.context.len() + request.fields.len()) as u64)?;
    let decision = evaluate(host, request);
    host.name(decision.statements.iter().map(|place| crate::model::ItemId(place.item)));
    Ok(decision)
}

/// Where the evaluation of IAM policies plugs in: a checked request, to be answered from `host.inventory()`.
fn evaluate(_host: &Host, _request: &Request) -> Decision {
    let why = "IAM evaluation comes with a later release";
    Decision {
        access: Access::Unknown,
        why: why.into(),
        statements: vec![],
        unknown: Some(WitReason { cause: Cause::Undecidable.as_str().into(), why: why.into(), at: None }),
    }
}

/// A request with a mistake is the rule's, whatever the evaluation makes of it.
fn check(host: &Host, request: &Request) -> Result<(), Stop> {
    let fields = request.fields.len();
    if request.context.len() > MOST_ENTRIES || fields > MOST_ENTRIES {
        return Err(mistake(format_args!("more than {MOST_ENTRIES} context keys or fields")));
    }
    for (item, pointer) in &request.fields {
        host.readable(*item)?;
        if !pointer.starts_with('@') {
            well_formed(pointer)?;
        }
    }
    match &request.principal {
        Principal::Item(item) => drop(host.readable(*item)?),
        Principal::Service(service) => named("a service", service)?,
        Principal::Arn(arn) => template(arn, fields)?,
        Principal::Anyone => {}
    }
    match &request.target {
        Target::Item(item) => drop(host.readable(*item)?),
        Target::Arn(arn) => template(arn, fields)?,
    }
    match request.action.split_once(':') {
        Some((service, name)) if !service.is_empty() && !name.is_empty() => named("an action", &request.action)?,
        _ => return Err(mistake(format_args!("the action {:?}; `service:Action` is one", cut(&request.action)))),
    }
    request.context.iter().try_for_each(|entry| context_key(host, entry, fields))
}

fn context_key(host: &Host, entry: &ContextKey, fields: usize) -> Result<(), Stop> {
    template(&entry.key, fields)?;
    match &entry.value {
        Operand::Template(text) => template(text, fields)?,
        Operand::Value(WitValue::Text(text)) if text.len() > MOST_TEXT => {
            return Err(mistake(format_args!("a context value of {} bytes; {MOST_TEXT} are allowed", text.len())));
        }
        Operand::Value(WitValue::Json(_)) => {
            return Err(mistake(format_args!("an object or list as the value of {:?}", cut(&entry.key))));
        }
        Operand::Value(WitValue::Unknown(WitReason { at: Some(place), .. })) => drop(host.nameable(place.item)?),
        Operand::Value(_) => {}
    }
    let open = entry.key.ends_with('*');
    if open && !matches!(entry.value, Operand::Value(WitValue::Absent | WitValue::Unknown(_))) {
        return Err(mistake(format_args!("a value for all of {:?}, which takes absent or unknown", cut(&entry.key))));
    }
    Ok(())
}

fn named(what: &str, text: &str) -> Result<(), Stop> {
    if text.is_empty() || text.len() > MOST_TEXT {
        return Err(mistake(format_args!("{what} of {} bytes", text.len())));
    }
    Ok(())
}

/// A text in which `{0}`, `{1}`, … stand for the request's fields.
fn template(text: &str, fields: usize) -> Result<(), Stop> {
    named("a text", text)?;
    for after in text.split('{').skip(1) {
        if let Some((number, _)) = after.split_once('}')
            && let Ok(number) = number.parse::<usize>()
            && number >= fields
        {
            return Err(mistake(format_args!("{:?}, but has {fields} fields", cut(text))));
        }
    }
    Ok(())
}

fn cut(text: &str) -> String {
    text::line(text, 100)
}

fn mistake(what: std::fmt::Arguments<'_>) -> Stop {
    Stop::Mistake(format!("its request to decide has {what}"))
}
