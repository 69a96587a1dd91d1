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

use wasmtime::component::{HasSelf, Linker};

use crate::engine::decide;
use crate::engine::host::Host;
use crate::findings::finding::{Confidence, Outcome, Severity};
use crate::inventory::{Cause, Fact, FieldValue, Found, Gap, ItemId, Link, Reason, Settlement, Ternary, Unknown};

/// The package that a pack may import from.
pub(super) const PACKAGE: &str = "karpcheck:rules";
/// What a pack exports.
pub(super) const EXPORT: &str = "karpcheck:rules/rules";
/// The version that is served: any patch of it that this host knows all functions of.
pub(super) const VERSION: (u64, u64) = (0, 1);

/// Offers the contract's functions, and nothing else.
pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<_>>(linker, |host| host)
}

impl wit::Host for Host {
    fn select(&mut self, kind: String) -> wasmtime::Result<Vec<wit::Found>> {
        Ok(Self::select(self, &kind)?.into_iter().map(found).collect())
    }

    fn get(&mut self, item: u32, pointer: String) -> wasmtime::Result<WitValue> {
        let inventory = self.inventory()?;
        Ok(value(Self::get(self, &inventory, item, &pointer)?))
    }

    fn views(&mut self, item: u32, pointer: String) -> wasmtime::Result<Vec<wit::Seen>> {
        let inventory = self.inventory()?;
        let views = Self::views(self, &inventory, item, &pointer)?;
        // A fact beside the body stands for the item as a whole.
        let at = if pointer.starts_with('@') { "" } else { &pointer };
        Ok(views
            .into_iter()
            .map(|(source, seen)| wit::Seen {
                source: source.into(),
                value: value(seen),
                at: WitPlace { item, pointer: at.into(), note: String::new() },
            })
            .collect())
    }

    fn open(&mut self, item: u32, pointer: String) -> wasmtime::Result<Option<WitReason>> {
        Ok(Self::open(self, item, &pointer)?.map(unknown))
    }

    fn matches(&mut self, item: u32, pointer: String, pattern: String) -> wasmtime::Result<wit::Answer> {
        Ok(answer(Self::matches(self, item, &pointer, &pattern)?))
    }

    fn same(&mut self, item: u32, pointer: String, other: u32, other_pointer: String) -> wasmtime::Result<wit::Answer> {
        Ok(answer(Self::same(self, item, &pointer, other, &other_pointer)?))
    }

    fn find(&mut self, item: u32, pattern: String) -> wasmtime::Result<Vec<wit::Field>> {
        let inventory = self.inventory()?;
        let fields = Self::find(self, &inventory, item, &pattern)?;
        Ok(fields.into_iter().map(|field| wit::Field { at: field.at, value: value(field.value) }).collect())
    }

    fn related(&mut self, item: u32, pattern: String) -> wasmtime::Result<Vec<wit::Link>> {
        Ok(Self::related(self, item, &pattern)?.into_iter().map(link_of).collect())
    }

    fn referrers(&mut self, item: u32, kind: String) -> wasmtime::Result<Vec<wit::Link>> {
        Ok(Self::referrers(self, item, &kind)?.into_iter().map(link_of).collect())
    }

    fn peers(&mut self, item: u32, pointer: String, kind: String, pattern: String) -> wasmtime::Result<Vec<wit::Link>> {
        Ok(Self::peers(self, item, &pointer, &kind, &pattern)?.into_iter().map(link_of).collect())
    }

    fn decide(&mut self, request: Request) -> wasmtime::Result<Decision> {
        Ok(decide::decide(self, &request)?)
    }

    fn setting(&mut self, name: String) -> wasmtime::Result<WitValue> {
        Ok(from_json(Self::setting(self, &name)?))
    }

    fn log(&mut self, text: String) -> wasmtime::Result<()> {
        Self::log(self, &text);
        Ok(())
    }
}

fn found(found: Found) -> wit::Found {
    match found {
        Found::Known(id) => wit::Found::Known(id.0),
        Found::Absent(what) => wit::Found::Absent(what),
        Found::Unknown(why) => wit::Found::Unknown(unknown(why)),
    }
}

fn link_of(link: Link) -> wit::Link {
    wit::Link { item: found(link.item), at: link.at }
}

fn value(value: FieldValue<'_>) -> WitValue {
    match value {
        FieldValue::Absent => WitValue::Absent,
        FieldValue::Unknown(why) => WitValue::Unknown(unknown(why)),
        FieldValue::Text(text) => WitValue::Text(text.into_owned()),
        FieldValue::Number(number) => WitValue::Number(number),
        FieldValue::Flag(flag) => WitValue::Flag(flag),
        FieldValue::Json(json) => WitValue::Json(json),
    }
}

pub(super) fn unknown(unknown: Unknown) -> WitReason {
    WitReason {
        cause: unknown.reason.cause.as_str().into(),
        code: unknown.reason.code().into(),
        why: unknown.reason.to_string(),
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
            WitSettlement::Kind(kind) => Some(Settlement::kind(kind.as_str())),
            WitSettlement::Item(item) => Some(Settlement::Item(ItemId(*item))),
        })
        .collect();
    let gap = Gap::Pack { code: reason.code.as_str().into(), why: why.into(), settled_by };
    Reason::new(Cause::parse(&reason.cause), gap)
}

const fn answer(answer: Ternary) -> wit::Answer {
    match answer {
        Ternary::Yes => wit::Answer::Yes,
        Ternary::No => wit::Answer::No,
        Ternary::Unknown => wit::Answer::Unknown,
    }
}

fn from_json(json: &serde_json::Value) -> WitValue {
    use serde_json::Value as Json;
    match json {
        Json::Null => WitValue::Absent,
        Json::Bool(flag) => WitValue::Flag(*flag),
        Json::Number(number) => WitValue::Number(number.as_f64().unwrap_or_default()),
        Json::String(text) => WitValue::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => WitValue::Json(json.to_string()),
    }
}

/// A value that a pack gives: of a setting, of an edit. An error says why it is none.
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
