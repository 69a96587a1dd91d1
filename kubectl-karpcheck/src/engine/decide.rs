//! `decide`: the request is validated here and evaluated by [`crate::iam`].

use crate::engine::contract;
use crate::engine::contract::{
    Access, ContextKey, Decision, Operand, Principal, Request, Target, WitPlace, WitReason, WitValue,
};
use crate::engine::guest_fault::GuestFault;
use crate::engine::host::{Host, MOST_WHY, length, well_formed};
use crate::engine::text;
use crate::iam;
use crate::iam::{Evaluator, PrincipalSpec, RequestSpec};
use crate::inventory::ItemId;
use crate::inventory::Place;
use crate::inventory::Wording;

/// Entries of a context, fields of a request. AWS's own requests have some dozens.
const MOST_ENTRIES: usize = 200;
const MOST_TEXT: usize = 4 << 10;
/// Bytes of all texts of a request, its fields put in. AWS takes 8 KB of a request's parameters where it says so.
const MOST_EXPANDED: u64 = 64 << 10;
/// Bytes of a request's texts that count as one unit of work: each is taken apart, folded and compared with the policies'.
const BYTES_A_UNIT: u64 = 16;
/// What putting in a field costs at least, in bytes: it is looked up.
const LOOKED_UP: u64 = 16;

/// Bytes of a request's texts with its fields put in.
fn expanded(host: &Host, request: &Request) -> Result<u64, GuestFault> {
    let inventory = host.inventory()?;
    let fields: Vec<u64> =
        request.fields.iter().map(|(item, pointer)| LOOKED_UP + length(&inventory, ItemId(*item), pointer).0).collect();
    let template = |text: &str| {
        let put = |after: &str| {
            let number = after.split_once('}').and_then(|(number, _)| number.parse::<usize>().ok());
            number.and_then(|number| fields.get(number)).copied().unwrap_or(0)
        };
        text.len() as u64 + text.split('{').skip(1).map(put).sum::<u64>()
    };
    let value = |operand: &Operand| match operand {
        Operand::Template(text) => template(text),
        Operand::Value(WitValue::Text(text)) => text.len() as u64,
        Operand::Value(WitValue::Unknown(reason)) => reason.why.len() as u64,
        Operand::Value(_) => 0,
    };
    let principal = match &request.principal {
        Principal::Federated(text) | Principal::Arn(text) | Principal::Service(text) => template(text),
        Principal::Item(_) | Principal::Anyone => 0,
    };
    let target = match &request.target {
        Target::Arn(text) => template(text),
        Target::Item(_) => 0,
    };
    let context = request.context.iter().map(|entry| template(&entry.key) + value(&entry.value)).sum::<u64>();
    Ok(principal + target + context + request.action.len() as u64)
}

/// Answers a request of a rule.
pub(super) fn decide(host: &mut Host, request: Request) -> Result<Decision, GuestFault> {
    check(host, &request)?;
    let bytes = expanded(host, &request)?;
    if bytes > MOST_EXPANDED {
        return Err(GuestFault::Limit(format!(
            "its request to decide has {bytes} bytes with its fields put in; {MOST_EXPANDED} are allowed"
        )));
    }
    host.charge(1 + (request.context.len() + request.fields.len()) as u64 + bytes / BYTES_A_UNIT)?;
    let question = question(request);
    if let Some(recorder) = &host.recorder {
        recorder.record_request(&question);
    }
    let inventory = host.inventory()?;
    let Some(scope) = host.subject().and_then(|subject| inventory.scope(subject)) else {
        return Err(GuestFault::Mistake("it asks for a decision without a subject".into()));
    };
    let (asked, policies) = Evaluator::sharing(scope, &host.policies).prepare(&question);
    host.charge(policies.statements())?;
    let decision = answer(iam::rule(&asked, &policies), host.wording());
    // A rule may put all places of the answer into a finding.
    let end = decision.unknown.iter().filter_map(|unknown| unknown.at.as_ref());
    host.name(decision.statements.iter().chain(end).map(|place| ItemId(place.item)));
    Ok(decision)
}

/// A decision in the contract's types.
fn answer(decision: iam::Decision, wording: Wording) -> Decision {
    let place = |place: &Place| WitPlace {
        item: place.item.0,
        pointer: place.pointer.clone(),
        note: wording.of(place.note.clone()),
    };
    let why = |text: &str| text::line(text, MOST_WHY);
    Decision {
        access: match decision.access {
            iam::Access::Allowed => Access::Allowed,
            iam::Access::ImplicitDeny => Access::ImplicitDeny,
            iam::Access::ExplicitDeny => Access::ExplicitDeny,
            iam::Access::Unknown => Access::Unknown,
        },
        why: why(&wording.of(decision.why)),
        statements: decision.statements.iter().map(place).collect(),
        unknown: decision.unknown.map(|unknown| {
            let reason = contract::unknown(unknown, wording);
            WitReason { why: why(&reason.why), ..reason }
        }),
    }
}

/// The request as the evaluator takes it.
fn question(request: Request) -> RequestSpec {
    RequestSpec {
        principal: match request.principal {
            Principal::Item(item) => PrincipalSpec::Item(ItemId(item)),
            Principal::Service(service) => PrincipalSpec::Service(service),
            Principal::Federated(provider) => PrincipalSpec::Federated(provider),
            Principal::Arn(arn) => PrincipalSpec::Arn(arn),
            Principal::Anyone => PrincipalSpec::Anyone,
        },
        action: request.action,
        target: match request.target {
            Target::Item(item) => iam::Target::Item(ItemId(item)),
            Target::Arn(arn) => iam::Target::Arn(arn),
        },
        context: request.context.into_iter().map(|entry| (entry.key, operand(entry.value))).collect(),
        fields: request.fields.into_iter().map(|(item, pointer)| (ItemId(item), pointer)).collect(),
    }
}

fn operand(operand: Operand) -> iam::Operand {
    match operand {
        Operand::Template(text) => iam::Operand::Template(text),
        // `check` has rejected objects: they are no values of a request.
        Operand::Value(WitValue::Absent | WitValue::Json(_)) => iam::Operand::Absent,
        Operand::Value(WitValue::Unknown(reason)) => {
            iam::Operand::Unknown(contract::reason(&reason, reason.why.clone()))
        }
        Operand::Value(WitValue::Text(text)) => iam::Operand::Text(text),
        Operand::Value(WitValue::Number(number)) => iam::Operand::Number(number),
        Operand::Value(WitValue::Flag(flag)) => iam::Operand::Flag(flag),
    }
}

/// Is the request well formed? A malformed one is the rule's mistake, whatever it would evaluate to.
fn check(host: &Host, request: &Request) -> Result<(), GuestFault> {
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
        Principal::Federated(provider) => template(provider, fields)?,
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

fn context_key(host: &Host, entry: &ContextKey, fields: usize) -> Result<(), GuestFault> {
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

fn named(what: &str, text: &str) -> Result<(), GuestFault> {
    if text.is_empty() || text.len() > MOST_TEXT {
        return Err(mistake(format_args!("{what} of {} bytes", text.len())));
    }
    Ok(())
}

/// A text in which `{0}`, `{1}`, … stand for the request's fields.
fn template(text: &str, fields: usize) -> Result<(), GuestFault> {
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

fn mistake(what: std::fmt::Arguments<'_>) -> GuestFault {
    GuestFault::Mistake(format!("its request to decide has {what}"))
}
