//! What a field holds, and why something cannot be told.

use crate::item::Place;
use crate::wit::karpcheck::rules::inventory as host;

/// Why something cannot be told. The `Err` of every question, so that `?` ends a judgement as unknown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unknown {
    /// What kind of ignorance: `not-provided`, `refused`, `failed`, `symbolic`, `undecidable`. A text, since kinds may
    /// be added.
    pub cause: String,
    /// For the reader: "known after apply", "listing keys in eu-west-1 was refused".
    pub why: String,
    /// Where knowledge ends.
    pub at: Option<Place>,
}

impl Unknown {
    /// A reason of the rule's own: it was given, but only AWS can tell.
    pub fn undecidable(why: impl Into<String>) -> Self {
        Self { cause: "undecidable".into(), why: why.into(), at: None }
    }

    /// A reason of the rule's own: nobody gave what it takes.
    pub fn not_provided(why: impl Into<String>) -> Self {
        Self { cause: "not-provided".into(), why: why.into(), at: None }
    }

    /// The same reason, at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.at = Some(place);
        self
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
        Self { cause: reason.cause, why: reason.why, at: reason.at.map(Place::from) }
    }
}

impl From<Unknown> for host::Reason {
    fn from(unknown: Unknown) -> Self {
        Self { cause: unknown.cause, why: unknown.why, at: unknown.at.map(host::Place::from) }
    }
}

/// What a field holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// The field is not there, or it is null; in an AWS resource, also an empty text.
    Absent,
    /// It may have a value that cannot be told here.
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
    /// The text, none where the field is absent. Unknown where the value is, or is no text.
    pub fn text(self) -> Result<Option<String>, Unknown> {
        match self {
            Self::Text(text) => Ok(Some(text)),
            Self::Absent => Ok(None),
            other => Err(other.unlike("a text")),
        }
    }

    /// The flag, none where the field is absent. Unknown where the value is, or is no flag.
    pub fn flag(self) -> Result<Option<bool>, Unknown> {
        match self {
            Self::Flag(flag) => Ok(Some(flag)),
            Self::Absent => Ok(None),
            other => Err(other.unlike("true or false")),
        }
    }

    /// The number, none where the field is absent. Unknown where the value is, or is no number.
    pub fn number(self) -> Result<Option<f64>, Unknown> {
        match self {
            Self::Number(number) => Ok(Some(number)),
            Self::Absent => Ok(None),
            other => Err(other.unlike("a number")),
        }
    }

    /// Is there something, whatever it is? Unknown where nobody can tell.
    pub fn exists(&self) -> Result<bool, Unknown> {
        match self {
            Self::Absent => Ok(false),
            Self::Unknown(unknown) => Err(unknown.clone()),
            _ => Ok(true),
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
        let reason = Unknown::not_provided("nobody said");
        assert_eq!(Value::Unknown(reason.clone()).text(), Err(reason.clone()));
        assert_eq!(Value::Unknown(reason.clone()).exists(), Err(reason));
    }
}
