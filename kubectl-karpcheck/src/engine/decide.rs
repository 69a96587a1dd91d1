//! `decide`: the request is validated here and evaluated by [`crate::iam`].

use crate::engine::contract;
use crate::engine::contract::{
    Access, ContextKey, Decision, Operand, Principal, Request, Target, WitPlace, WitReason, WitValue,
};
use crate::engine::guest_fault::GuestFault;
use crate::engine::host::{Host, MOST_WHY, well_formed};
use crate::engine::text;
use crate::iam;
use crate::iam::{Evaluator, PrincipalSpec, RequestSpec};
use crate::inventory::ItemId;
use crate::inventory::Place;
use crate::inventory::Wording;

/// Entries of a context, fields of a request. AWS's own requests have some dozens.
const MOST_ENTRIES: usize = 200;
const MOST_TEXT: usize = 4 << 10;

/// Answers a request of a rule.
pub(super) fn decide(host: &mut Host, request: &Request) -> Result<Decision, GuestFault> {
    check(host, request)?;
    host.charge(1 + (request.context.len() + request.fields.len()) as u64)?;
    if let Some(recorder) = &host.recorder {
        recorder.record_request(&question(request));
    }
    let inventory = host.inventory()?;
    let Some(scope) = host.subject().and_then(|subject| inventory.scope(subject)) else {
        return Err(GuestFault::Mistake("it asks for a decision without a subject".into()));
    };
    let (asked, policies) = Evaluator::sharing(scope, &host.policies).prepare(&question(request));
    host.charge(policies.statements())?;
    let decision = answer(iam::decide(&asked, &policies), host.wording());
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
fn question(request: &Request) -> RequestSpec {
    RequestSpec {
        principal: match &request.principal {
            Principal::Item(item) => PrincipalSpec::Item(ItemId(*item)),
            Principal::Service(service) => PrincipalSpec::Service(service.clone()),
            Principal::Federated(provider) => PrincipalSpec::Federated(provider.clone()),
            Principal::Arn(arn) => PrincipalSpec::Arn(arn.clone()),
            Principal::Anyone => PrincipalSpec::Anyone,
        },
        action: request.action.clone(),
        target: match &request.target {
            Target::Item(item) => iam::Target::Item(ItemId(*item)),
            Target::Arn(arn) => iam::Target::Arn(arn.clone()),
        },
        context: request.context.iter().map(|entry| (entry.key.clone(), operand(&entry.value))).collect(),
        fields: request.fields.iter().map(|(item, pointer)| (ItemId(*item), pointer.clone())).collect(),
    }
}

fn operand(operand: &Operand) -> iam::Operand {
    match operand {
        Operand::Template(text) => iam::Operand::Template(text.clone()),
        // `check` has rejected objects: they are no values of a request.
        Operand::Value(WitValue::Absent | WitValue::Json(_)) => iam::Operand::Absent,
        Operand::Value(WitValue::Unknown(reason)) => {
            iam::Operand::Unknown(contract::reason(reason, reason.why.clone()))
        }
        Operand::Value(WitValue::Text(text)) => iam::Operand::Text(text.clone()),
        Operand::Value(WitValue::Number(number)) => iam::Operand::Number(*number),
        Operand::Value(WitValue::Flag(flag)) => iam::Operand::Flag(*flag),
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
