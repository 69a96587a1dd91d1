//! The contract, `karpcheck:rules@0.1`, and its types turned into the host's. The only place that knows a version.

pub(super) mod bindings {
    wasmtime::component::bindgen!({ path: "wit", world: "pack", imports: { default: trappable } });
}

pub(super) use bindings::PackPre;
pub(super) use bindings::exports::karpcheck::rules::rules::{
    Confidence as WitConfidence, Description as WitDescription, Edit as WitEdit, Finding as WitFinding,
    Outcome as WitOutcome, Rule as WitRule, Severity as WitSeverity, Verdict as WitVerdict,
};
pub(super) use bindings::karpcheck::rules::inventory::{
    self as wit, Access, ContextKey, Decision, Operand, Place as WitPlace, Principal, Reason as WitReason, Request,
    Settlement as WitSettlement, Target, Value as WitValue,
};

use crate::findings::finding::{Confidence, Outcome, Severity};
use crate::inventory::Wording;
use crate::inventory::{Cause, Fact, FieldValue, Found, Gap, ItemId, Link, Reason, Settlement, Ternary, Unknown};

/// The package that a pack may import from.
pub(super) const PACKAGE: &str = "karpcheck:rules";
/// What a pack exports.
pub(super) const EXPORT: &str = "karpcheck:rules/rules";
/// The version that is served: any patch of it that this host knows all functions of.
pub(super) const VERSION: (u64, u64) = (0, 1);

pub(super) fn found(found: Found, wording: Wording) -> wit::Found {
    match found {
        Found::Known(id) => wit::Found::Known(id.0),
        Found::Absent(what) => wit::Found::Absent(wording.of(what)),
        Found::Unknown(why) => wit::Found::Unknown(unknown(why, wording)),
    }
}

pub(super) fn link_of(link: Link, wording: Wording) -> wit::Link {
    wit::Link { item: found(link.item, wording), at: link.at }
}

pub(super) fn value(value: FieldValue<'_>, wording: Wording) -> WitValue {
    match value {
        FieldValue::Absent => WitValue::Absent,
        FieldValue::Unknown(why) => WitValue::Unknown(unknown(why, wording)),
        FieldValue::Text(text) => WitValue::Text(text.into_owned()),
        FieldValue::Number(number) => WitValue::Number(number),
        FieldValue::Flag(flag) => WitValue::Flag(flag),
        FieldValue::Json(json) => WitValue::Json(json),
    }
}

pub(super) fn unknown(unknown: Unknown, wording: Wording) -> WitReason {
    WitReason {
        cause: unknown.reason.cause.as_str().into(),
        code: unknown.reason.code().into(),
        why: wording.of(unknown.reason.to_string()),
        settled_by: unknown.reason.settlements().into_iter().map(settlement).collect(),
        at: unknown.place.map(|(item, pointer)| WitPlace { item: item.0, pointer, note: String::new() }),
    }
}

fn settlement(settlement: Settlement) -> WitSettlement {
    match settlement {
        Settlement::Fact(fact) => WitSettlement::Fact(fact.as_str().into()),
        Settlement::Kind(kind) => WitSettlement::Kind(kind.as_ref().into()),
        Settlement::Item(item) => WitSettlement::Item(item.0),
    }
}

/// A reason that a pack gives, in the host's own type. The sentence comes as it is to be shown.
pub(super) fn reason(reason: &WitReason, why: String) -> Reason {
    let settled_by = reason
        .settled_by
        .iter()
        .filter_map(|settlement| match settlement {
            WitSettlement::Fact(fact) => Fact::parse(fact).map(Settlement::Fact),
            WitSettlement::Kind(kind) => Some(Settlement::Kind(kind.as_str().into())),
            WitSettlement::Item(item) => Some(Settlement::Item(ItemId(*item))),
        })
        .collect();
    let gap = Gap::Pack { code: reason.code.as_str().into(), why: why.into(), settled_by };
    Reason::new(Cause::parse(&reason.cause), gap)
}

pub(super) const fn answer(answer: Ternary) -> wit::Answer {
    match answer {
        Ternary::Yes => wit::Answer::Yes,
        Ternary::No => wit::Answer::No,
        Ternary::Unknown => wit::Answer::Unknown,
    }
}

pub(super) fn from_json(json: &serde_json::Value) -> WitValue {
    use serde_json::Value as Json;
    match json {
        Json::Null => WitValue::Absent,
        Json::Bool(flag) => WitValue::Flag(*flag),
        Json::Number(number) => WitValue::Number(number.as_f64().unwrap_or_default()),
        Json::String(text) => WitValue::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => WitValue::Json(json.to_string()),
    }
}

/// A value from a pack, of a setting or an edit. The error says why it is not one.
pub(super) fn to_json(value: WitValue) -> Result<Option<serde_json::Value>, &'static str> {
    Ok(match value {
        WitValue::Absent => None,
        WitValue::Unknown(_) => return Err("it is unknown"),
        WitValue::Text(text) => Some(text.into()),
        WitValue::Number(number) if number.is_finite() => Some(crate::inventory::node::json_number(number)),
        WitValue::Number(_) => return Err("it is no number"),
        WitValue::Flag(flag) => Some(flag.into()),
        WitValue::Json(json) => Some(serde_json::from_str(&json).map_err(|_| "it is not JSON")?),
    })
}

pub(super) const fn severity(severity: WitSeverity) -> Severity {
    match severity {
        WitSeverity::Error => Severity::Error,
        WitSeverity::Warning => Severity::Warning,
        WitSeverity::Info => Severity::Info,
    }
}

pub(super) const fn confidence(confidence: WitConfidence) -> Confidence {
    match confidence {
        WitConfidence::High => Confidence::High,
        WitConfidence::Medium => Confidence::Medium,
        WitConfidence::Low => Confidence::Low,
    }
}

pub(super) const fn outcome(outcome: WitOutcome) -> Outcome {
    match outcome {
        WitOutcome::Fail => Outcome::Fail,
        WitOutcome::Unknown => Outcome::Unknown,
    }
}
