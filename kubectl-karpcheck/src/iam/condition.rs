//! `Condition`: operators, qualifiers, and keys that are absent, unknown or have several values.

use crate::inventory::node::json_number;
use crate::inventory::reason::Iam;
use crate::inventory::{Cause, Node, Part, Reason, Symbol, SymbolScope, Ternary, Text, Value};

use crate::iam::context::{Given, KeyName, Lookup};
use crate::iam::environment::{Env, Request};
use crate::iam::fault::Fault;
use crate::iam::fold::fold;
use crate::iam::pattern::{Pattern, Syntax};
use crate::iam::resource::ArnPattern;

mod date;
mod ip;
mod operator;

use operator::{Base, Operator, Quantifier};

/// One key under one operator.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// None where the operator is none: then nothing can be told.
    operator: Option<Operator>,
    /// The operator, as it is written.
    pub(super) written: Box<str>,
    pub(super) key: KeyName,
    /// Can the key have several values?
    several: bool,
    wanted: Vec<Wanted>,
    /// From the root of the document: `/Statement/0/Condition/ArnLike/aws:SourceArn`.
    pub(super) pointer: String,
    /// Why it cannot be evaluated at all.
    broken: Option<Reason>,
}

/// A value of a policy, ready to be compared.
#[derive(Clone, Debug)]
enum Wanted {
    Pattern(Pattern),
    Arn(ArnPattern),
    Number(f64),
    /// Nanoseconds since 1970.
    Instant(i128),
    Net(ip::Net),
    Unknown(Reason),
}

impl Condition {
    /// Reads one key under one operator.
    pub(super) fn new(
        name: &str,
        key: &Text,
        node: &Node,
        variables: bool,
        pointer: String,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let operator = match Operator::parse(name) {
            Ok(operator) => Some(operator),
            Err(message) => {
                // The fault stands at the operator, once for all its keys.
                let at = pointer.rsplit_once('/').map_or("", |(at, _)| at).to_owned();
                if !faults.iter().any(|fault| fault.pointer == at) {
                    faults.push(Fault::rejected(at, message.clone()));
                }
                return Self {
                    operator: None,
                    written: name.into(),
                    several: false,
                    key: KeyName::new(key),
                    wanted: vec![],
                    pointer,
                    broken: Some(super::fault::refused(&message)),
                };
            }
        };
        let mut condition = Self {
            operator,
            written: name.into(),
            several: false,
            key: KeyName::new(key),
            wanted: vec![],
            pointer,
            broken: None,
        };
        condition.several = condition.key.several();
        if key.known().is_some_and(|key| !key.contains(':')) {
            let message = format!("the condition key {key} has no prefix such as `aws:`");
            condition.broken = Some(super::fault::refused(&message));
            faults.push(Fault::rejected(&condition.pointer, message));
        }
        let (values, more) = match &node.value {
            Value::List(list) => (list.items.as_slice(), list.more.as_deref()),
            _ => (std::slice::from_ref(node), None),
        };
        for value in values {
            let wanted = condition.want(value, variables, faults);
            condition.wanted.push(wanted);
        }
        if let Some(more) = more {
            condition.wanted.push(Wanted::Unknown(more.clone()));
        }
        condition
    }

    fn want(&self, node: &Node, variables: bool, faults: &mut Vec<Fault>) -> Wanted {
        let text = match &node.value {
            Value::Text(text) => text.clone(),
            Value::Flag(flag) => Text::from(if *flag { "true" } else { "false" }),
            Value::Number(number) => Text::from(json_number(*number).to_string()),
            Value::Unknown(reason) => return Wanted::Unknown((**reason).clone()),
            Value::Null | Value::List(_) | Value::Map(_) => {
                let message = format!("a value of {} is neither a text, a number nor a flag", self.key);
                faults.push(Fault::rejected(&self.pointer, message.clone()));
                return Wanted::Unknown(super::fault::refused(&message));
            }
        };
        let Some(operator) = self.operator else { return Wanted::Pattern(Pattern::new(&text, EXACT)) };
        let exact = |fold| Wanted::Pattern(Pattern::new(&text, Syntax { wildcards: false, variables, fold }));
        let mut typed = |known: Option<Wanted>, what: &'static str| {
            known.unwrap_or_else(|| match text.hole() {
                Some(symbol) => Wanted::Unknown(symbol.reason.clone()),
                None => {
                    let gap =
                        Iam::Type { text: text.to_string().into(), what, operator: self.written.to_string().into() };
                    faults.push(Fault::never(&self.pointer, gap.to_string()));
                    Wanted::Unknown(Reason::new(Cause::Undecidable, gap))
                }
            })
        };
        match operator.base {
            Base::Equals { fold } => exact(fold),
            Base::Like => Wanted::Pattern(Pattern::new(&text, Syntax { wildcards: true, variables, fold: false })),
            Base::Arn => Wanted::Arn(ArnPattern::new(&text, variables)),
            Base::Bool | Base::Null => {
                if let Some(known) = text.known()
                    && !known.contains("${")
                    && !["true", "false"].iter().any(|flag| known.eq_ignore_ascii_case(flag))
                {
                    let message = format!("{known} is neither true nor false, which {} compares with", self.written);
                    faults.push(Fault::never(&self.pointer, message));
                }
                exact(true)
            }
            Base::Binary => Wanted::Pattern(Pattern::new(&unpadded(&text), EXACT)),
            Base::Number(_) => typed(text.known().and_then(number).map(Wanted::Number), "number"),
            Base::Date(_) => typed(text.known().and_then(date::parse).map(Wanted::Instant), "date"),
            Base::Ip => typed(text.known().and_then(ip::Net::parse).map(Wanted::Net), "IP address or range"),
        }
    }

    /// Does it hold in a request that can never have the key? None where that cannot be told.
    pub(super) fn holds_without(&self) -> Option<bool> {
        let operator = self.operator.filter(|_| self.broken.is_none())?;
        let request = Request::bare("");
        match self.without(operator, &Env::new(&request, None), &mut None) {
            Ternary::Yes => Some(true),
            Ternary::No => Some(false),
            Ternary::Unknown => None,
        }
    }

    /// Does it hold?
    pub(super) fn holds(&self, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        if let Some(reason) = &self.broken {
            doubt.get_or_insert_with(|| reason.clone());
            return Ternary::Unknown;
        }
        match env.request.context.lookup(&self.key) {
            Lookup::One(given) => self.with(given, env, doubt),
            Lookup::Unsaid => self.with(&Given::Unknown(self.key.unsaid()), env, doubt),
            Lookup::Maybe(cases) => {
                let answer = Ternary::agreed(cases.iter().map(|given| self.with(given, env, &mut None)));
                if answer == Ternary::Unknown {
                    doubt.get_or_insert_with(|| {
                        Reason::new(Cause::Symbolic, Iam::Among { key: self.key.to_string().into() })
                    });
                }
                answer
            }
        }
    }

    fn with(&self, given: &Given, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        let Some(operator) = self.operator else { return Ternary::Unknown };
        match given {
            Given::Absent => self.without(operator, env, doubt),
            Given::Values(values) => self.with_values(operator, values, env, doubt),
            Given::Unknown(reason) => {
                // It may be absent, or have any value: known where both come to the same.
                let any = [Text::symbol(Symbol {
                    name: "(any value)".into(),
                    scope: SymbolScope::Run,
                    reason: reason.clone(),
                })];
                let cases = [self.without(operator, env, &mut None), self.with_values(operator, &any, env, &mut None)];
                let answer = Ternary::agreed(cases);
                if answer == Ternary::Unknown {
                    doubt.get_or_insert_with(|| reason.clone());
                }
                answer
            }
        }
    }

    /// A request without the key.
    fn without(&self, operator: Operator, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        if operator.base == Base::Null {
            return self.is_null(true, env, doubt);
        }
        if operator.if_exists {
            return Ternary::Yes;
        }
        match operator.quantifier {
            Some(Quantifier::All) => Ternary::Yes,
            Some(Quantifier::Any) => Ternary::No,
            None => Ternary::from(operator.negated),
        }
    }

    fn with_values(&self, operator: Operator, values: &[Text], env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        if operator.base == Base::Null {
            return self.is_null(false, env, doubt);
        }
        // Values that are all empty are a null data set, of which ForAllValues is true and ForAnyValue is not.
        let empty = Ternary::all(values.iter().map(|value| value.same(&Text::from(""))));
        if let Some(quantifier) = operator.quantifier
            && empty != Ternary::No
        {
            let null = Ternary::from(quantifier == Quantifier::All);
            if empty == Ternary::Yes {
                return null;
            }
            let answer = Ternary::agreed([null, self.compare(operator, values, env, doubt)]);
            if answer == Ternary::Unknown {
                doubt.get_or_insert_with(|| {
                    values.iter().find_map(Text::hole).map_or_else(|| self.key.unsaid(), Symbol::reason)
                });
            }
            return answer;
        }
        self.compare(operator, values, env, doubt)
    }

    fn compare(&self, operator: Operator, values: &[Text], env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        let mut one = |value: &Text| {
            let found = self.finds(operator, value, env, doubt);
            if operator.negated { !found } else { found }
        };
        match operator.quantifier {
            Some(Quantifier::All) => Ternary::all(values.iter().map(one)),
            Some(Quantifier::Any) => Ternary::any(values.iter().map(one)),
            None => match values {
                [value] if !self.several => one(value),
                _ => {
                    doubt.get_or_insert_with(|| {
                        Reason::new(
                            Cause::Undecidable,
                            Iam::Several {
                                key: self.key.to_string().into(),
                                operator: self.written.to_string().into(),
                            },
                        )
                    });
                    Ternary::Unknown
                }
            },
        }
    }

    fn is_null(&self, absent: bool, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        let is = if absent { "true" } else { "false" };
        Ternary::any(self.wanted.iter().map(|wanted| match wanted {
            Wanted::Pattern(pattern) => pattern.matches_str(is, env, doubt),
            Wanted::Unknown(reason) => {
                doubt.get_or_insert_with(|| reason.clone());
                Ternary::Unknown
            }
            _ => Ternary::No,
        }))
    }

    /// Is a value of the request among the policy's?
    fn finds(&self, operator: Operator, value: &Text, env: &Env<'_>, doubt: &mut Option<Reason>) -> Ternary {
        let folded = match operator.base {
            Base::Equals { fold: true } | Base::Bool => Some(fold(value)),
            Base::Binary => Some(unpadded(value)),
            _ => None,
        };
        let value = folded.as_ref().unwrap_or(value);
        Ternary::any(self.wanted.iter().map(|wanted| match wanted {
            Wanted::Unknown(reason) => {
                doubt.get_or_insert_with(|| reason.clone());
                Ternary::Unknown
            }
            Wanted::Pattern(pattern) => pattern.matches(value, env, doubt),
            Wanted::Arn(pattern) => pattern.matches(value, env, doubt),
            Wanted::Number(_) | Wanted::Instant(_) | Wanted::Net(_) => {
                let Some(known) = value.known() else {
                    doubt.get_or_insert_with(|| value.hole().map_or_else(|| self.key.unsaid(), Symbol::reason));
                    return Ternary::Unknown;
                };
                // A value of another type does not match.
                Ternary::from(match (wanted, operator.base) {
                    (Wanted::Number(wanted), Base::Number(compare)) => {
                        number(known).is_some_and(|number| compare.holds(number.partial_cmp(wanted)))
                    }
                    (Wanted::Instant(wanted), Base::Date(compare)) => {
                        date::parse(known).is_some_and(|instant| compare.holds(Some(instant.cmp(wanted))))
                    }
                    (Wanted::Net(net), Base::Ip) => ip::Net::parse(known).is_some_and(|address| net.contains(&address)),
                    _ => false,
                })
            }
        }))
    }

    /// What fails, in a few words.
    pub(super) fn miss(&self, env: &Env<'_>) -> String {
        let Some(operator) = self.operator else { return format!("{} is no condition operator", self.written) };
        let listed = || {
            let all: Vec<String> = self.wanted.iter().take(4).map(Wanted::to_string).collect();
            let more = if self.wanted.len() > 4 { ", …" } else { "" };
            format!("{}{more}", all.join(", "))
        };
        let given = match env.request.context.lookup(&self.key) {
            Lookup::One(given) => given.clone(),
            Lookup::Maybe(_) | Lookup::Unsaid => Given::Unknown(self.key.unsaid()),
        };
        match (&given, operator.base) {
            (Given::Absent, Base::Null) => format!("the request has no {}", self.key),
            (Given::Values(_), Base::Null) => format!("the request has {}", self.key),
            (Given::Absent, _) => format!("the request has no {}", self.key),
            (Given::Unknown(_), _) => format!("{} does not match", self.key),
            (Given::Values(values), _) => {
                let out: Vec<String> = values
                    .iter()
                    .filter(|value| {
                        let found = self.finds(operator, value, env, &mut None);
                        found == Ternary::from(operator.negated)
                    })
                    .map(Text::to_string)
                    .collect();
                let out = if out.is_empty() { values.iter().map(Text::to_string).collect() } else { out };
                match (operator.quantifier, operator.negated) {
                    (Some(Quantifier::All), false) => {
                        format!("{} has {}, which is not among {}", self.key, out.join(", "), listed())
                    }
                    (Some(Quantifier::Any), false) => format!("{} has none of {}", self.key, listed()),
                    (_, true) => format!("{} has {}", self.key, out.join(", ")),
                    (None, false) => format!("{} is {}, not {}", self.key, out.join(", "), listed()),
                }
            }
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pattern(pattern) => pattern.written.fmt(f),
            Self::Arn(pattern) => pattern.written().fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Instant(instant) => write!(f, "the instant {}", instant / 1_000_000_000),
            Self::Net(net) => net.fmt(f),
            Self::Unknown(_) => f.write_str("something unknown"),
        }
    }
}

const EXACT: Syntax = Syntax { wildcards: false, variables: false, fold: false };

fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    // No infinities and no names of numbers.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// Base 64 without its padding, which some writers leave out.
fn unpadded(text: &Text) -> Text {
    let mut parts = text.clone().into_parts();
    if let Some(Part::Known(last)) = parts.last_mut() {
        *last = last.trim_end_matches('=').into();
    }
    Text::from_parts(parts)
}
