//! What a field holds, and why something is unknown.

use std::fmt;

use crate::host;
use crate::item::{Item, Place};

/// Why something is unknown. The `Err` of every question, so that `?` ends a judgement as unknown.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Unknown {
    /// What kind of ignorance it is.
    pub cause: Cause,
    /// What exactly, as a stable kebab-case word to compare with: `known-after-apply`, `list-refused`, `not-json`. Empty where
    /// there is no more to say than the cause.
    pub code: String,
    /// For the reader: "known after apply", "listing keys in eu-west-1 was refused". Its wording changes: never compare it.
    pub why: String,
    /// What would settle it, the nearest first. Empty where nothing that the user can give would.
    pub settled_by: Vec<Settlement>,
    /// Where knowledge ends.
    pub at: Option<Box<Place>>,
}

/// What kind of ignorance an [`Unknown`] is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// It was not among what the run was given.
    NotProvided,
    /// RBAC or IAM refused it.
    Refused,
    /// A timeout, an unreadable source.
    Failed,
    /// A parameter, a placeholder, a value known after apply.
    Symbolic,
    /// Only AWS can tell.
    Undecidable,
    /// A cause that a later version of the host knows.
    Other(String),
}

/// Something that the user can add to settle an [`Unknown`]. The host turns it into a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// A fact to state: `account`, `region`, `partition`, `cluster-name`, `karpenter-version`.
    Fact(String),
    /// Items of a kind, from a file, a cluster or AWS.
    Kind(String),
    /// What AWS says of this item.
    Item(Item),
}

impl Unknown {
    fn new(cause: Cause, why: String) -> Self {
        Self { cause, code: String::new(), why, settled_by: vec![], at: None }
    }

    /// A reason of the rule's own: everything was given, but not decidable here.
    pub fn undecidable(why: impl Into<String>) -> Self {
        Self::new(Cause::Undecidable, why.into())
    }

    /// A reason of the rule's own: what it takes was not given.
    pub fn not_provided(why: impl Into<String>) -> Self {
        Self::new(Cause::NotProvided, why.into())
    }

    /// The same reason, with a code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// The same reason, and one more thing that would settle it.
    #[must_use]
    pub fn settled_by(mut self, settlement: Settlement) -> Self {
        self.settled_by.push(settlement);
        self
    }

    /// The same reason, at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.at = Some(Box::new(place));
        self
    }

    /// The same reason in other words.
    #[must_use]
    pub fn reworded(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Was it not among what the run was given?
    pub fn is_not_provided(&self) -> bool {
        self.cause == Cause::NotProvided
    }

    /// Is it a parameter, a placeholder, a value known after apply?
    pub fn is_symbolic(&self) -> bool {
        self.cause == Cause::Symbolic
    }

    /// Is it the same reason, so that saying it once is enough? The code, what settles it and the place where knowledge ends
    /// tell reasons apart; the wording only where a reason has neither of the last two.
    pub fn is_same(&self, other: &Self) -> bool {
        let alike = self.cause == other.cause && self.code == other.code && self.settled_by == other.settled_by;
        match (&self.at, &other.at) {
            (None, None) if self.settled_by.is_empty() => alike && self.why == other.why,
            (one, other) => alike && one == other,
        }
    }
}

/// A reason of the rule's own, `undecidable`.
impl From<&str> for Unknown {
    fn from(why: &str) -> Self {
        Self::undecidable(why)
    }
}

/// A reason of the rule's own, `undecidable`.
impl From<String> for Unknown {
    fn from(why: String) -> Self {
        Self::undecidable(why)
    }
}

/// The reason of a [`Decision`](crate::Decision) whose access is unknown.
impl From<Option<Self>> for Unknown {
    fn from(reason: Option<Self>) -> Self {
        reason.unwrap_or_else(|| Self::undecidable("it cannot be told"))
    }
}

impl From<host::Reason> for Unknown {
    fn from(reason: host::Reason) -> Self {
        Self {
            cause: reason.cause.into(),
            code: reason.code,
            why: reason.why,
            settled_by: reason.settled_by.into_iter().map(Settlement::from).collect(),
            at: reason.at.map(|place| Box::new(place.into())),
        }
    }
}

impl From<Unknown> for host::Reason {
    fn from(unknown: Unknown) -> Self {
        Self {
            cause: unknown.cause.to_string(),
            code: unknown.code,
            why: unknown.why,
            settled_by: unknown.settled_by.into_iter().map(host::Settlement::from).collect(),
            at: unknown.at.map(|place| (*place).into()),
        }
    }
}

impl From<String> for Cause {
    fn from(cause: String) -> Self {
        match cause.as_str() {
            "not-provided" => Self::NotProvided,
            "refused" => Self::Refused,
            "failed" => Self::Failed,
            "symbolic" => Self::Symbolic,
            "undecidable" => Self::Undecidable,
            _ => Self::Other(cause),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotProvided => "not-provided",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Symbolic => "symbolic",
            Self::Undecidable => "undecidable",
            Self::Other(other) => other,
        })
    }
}

impl From<host::Settlement> for Settlement {
    fn from(settlement: host::Settlement) -> Self {
        match settlement {
            host::Settlement::Fact(fact) => Self::Fact(fact),
            host::Settlement::Kind(kind) => Self::Kind(kind),
            host::Settlement::Item(item) => Self::Item(Item(item)),
        }
    }
}

impl From<Settlement> for host::Settlement {
    fn from(settlement: Settlement) -> Self {
        match settlement {
            Settlement::Fact(fact) => Self::Fact(fact),
            Settlement::Kind(kind) => Self::Kind(kind),
            Settlement::Item(item) => Self::Item(item.0),
        }
    }
}

/// What a field holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// The field is not there, or it is null; in an AWS resource, also an empty text.
    Absent,
    /// It may have a value, which is not known here.
    Unknown(Unknown),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// An object or a list as JSON, known down to its last leaf. What is known of one that is not can be had with
    /// [`Item::find`](crate::Item::find).
    Json(String),
}

impl Value {
    /// The text, none where the field is absent. Unknown where the value is, or is not a text.
    pub fn text(self) -> Result<Option<String>, Unknown> {
        match self {
            Self::Text(text) => Ok(Some(text)),
            Self::Absent => Ok(None),
            other => Err(other.unlike("a text")),
        }
    }

    /// The flag, none where the field is absent. Unknown where the value is, or is not a flag.
    pub fn flag(self) -> Result<Option<bool>, Unknown> {
        match self {
            Self::Flag(flag) => Ok(Some(flag)),
            Self::Absent => Ok(None),
            other => Err(other.unlike("true or false")),
        }
    }

    /// The number, none where the field is absent. Unknown where the value is, or is not a number.
    pub fn number(self) -> Result<Option<f64>, Unknown> {
        match self {
            Self::Number(number) => Ok(Some(number)),
            Self::Absent => Ok(None),
            other => Err(other.unlike("a number")),
        }
    }

    /// Is there something, whatever it is? Unknown where that is not known.
    pub fn exists(&self) -> Result<bool, Unknown> {
        match self {
            Self::Absent => Ok(false),
            Self::Unknown(unknown) => Err(unknown.clone()),
            _ => Ok(true),
        }
    }

    /// Is it certainly not there?
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Is it certainly this text?
    pub fn is(&self, text: &str) -> bool {
        matches!(self, Self::Text(own) if own == text)
    }

    /// Is there nothing to read: not there, or an empty text, as YAML often has it?
    pub fn is_blank(&self) -> bool {
        self.is_absent() || self.is("")
    }

    /// Why it is unknown, if it is.
    pub fn unknown(&self) -> Option<&Unknown> {
        match self {
            Self::Unknown(unknown) => Some(unknown),
            _ => None,
        }
    }

    fn unlike(self, wanted: &str) -> Unknown {
        match self {
            Self::Unknown(unknown) => unknown,
            other => Unknown::undecidable(format!("{} is not {wanted}", other.shown())),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Absent => "nothing".into(),
            Self::Unknown(unknown) => unknown.why.clone(),
            Self::Text(text) => format!("the text {text}"),
            Self::Number(number) => format!("the number {number}"),
            Self::Flag(flag) => flag.to_string(),
            Self::Json(json) if json.starts_with('[') => "a list".into(),
            Self::Json(_) => "an object".into(),
        }
    }
}

impl From<host::Value> for Value {
    fn from(value: host::Value) -> Self {
        match value {
            host::Value::Absent => Self::Absent,
            host::Value::Unknown(reason) => Self::Unknown(reason.into()),
            host::Value::Text(text) => Self::Text(text),
            host::Value::Number(number) => Self::Number(number),
            host::Value::Flag(flag) => Self::Flag(flag),
            host::Value::Json(json) => Self::Json(json),
        }
    }
}

impl From<Value> for host::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Absent => Self::Absent,
            Value::Unknown(unknown) => Self::Unknown(unknown.into()),
            Value::Text(text) => Self::Text(text),
            Value::Number(number) => Self::Number(number),
            Value::Flag(flag) => Self::Flag(flag),
            Value::Json(json) => Self::Json(json),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_shape_is_unknown_and_says_what_it_is() {
        assert_eq!(Value::Absent.flag(), Ok(None));
        assert_eq!(Value::Flag(true).flag(), Ok(Some(true)));
        assert_eq!(
            Value::from("yes").flag().map_err(|unknown| unknown.why),
            Err("the text yes is not true or false".into())
        );
        assert_eq!(Value::Json("[1]".into()).text().map_err(|unknown| unknown.why), Err("a list is not a text".into()));
    }

    #[test]
    fn an_unknown_value_keeps_its_reason() {
        let reason = Unknown::not_provided("it was not given");
        assert_eq!(Value::Unknown(reason.clone()).text(), Err(reason.clone()));
        assert_eq!(Value::Unknown(reason.clone()).exists(), Err(reason));
    }

    #[test]
    fn causes_survive_the_contract() {
        for cause in ["not-provided", "refused", "failed", "symbolic", "undecidable", "a-later-one"] {
            assert_eq!(Cause::from(cause.to_owned()).to_string(), cause);
        }
    }

    #[test]
    fn a_reason_is_told_apart_by_its_words_only_without_anything_else() {
        let coded = |why: &str| Unknown::not_provided(why).with_code("list-refused");
        // Several sentences share a code.
        assert!(!coded("listing keys was refused").is_same(&coded("listing roles was refused")));
        let settled = |why: &str| coded(why).settled_by(Settlement::Fact("region".into()));
        assert!(settled("the region is not known").is_same(&settled("nothing states the region")));
        assert!(!coded("x").is_same(&Unknown::undecidable("x").with_code("list-refused")));
        assert!(!coded("x").is_same(&coded("x").settled_by(Settlement::Fact("region".into()))));
        let placed = |why: &str, at: &str| Unknown::from(why).at(Item(1).place(at, ""));
        assert!(placed("one", "/a").is_same(&placed("other", "/a")));
        assert!(!placed("one", "/a").is_same(&placed("one", "/b")));
        assert!(!Unknown::from("one").is_same(&Unknown::from("other")));
    }
}
