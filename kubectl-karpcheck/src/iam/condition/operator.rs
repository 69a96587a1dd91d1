//! The names of condition operators.

use std::cmp::Ordering;

use crate::iam::services;

/// An operator with its qualifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Operator {
    pub(super) base: Base,
    pub(super) negated: bool,
    pub(super) quantifier: Option<Quantifier>,
    pub(super) if_exists: bool,
}

/// How values are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Base {
    Equals { fold: bool },
    Like,
    Number(Compare),
    Date(Compare),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// Over a key with several values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quantifier {
    All,
    Any,
}

/// An order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    pub(super) const fn holds(self, order: Option<Ordering>) -> bool {
        matches!(
            (self, order),
            (Self::Equal | Self::LessOrEqual | Self::GreaterOrEqual, Some(Ordering::Equal))
                | (Self::Less | Self::LessOrEqual, Some(Ordering::Less))
                | (Self::Greater | Self::GreaterOrEqual, Some(Ordering::Greater))
        )
    }
}

/// All operators without their qualifiers, and whether each is negated.
const OPERATORS: &[(&str, Base, bool)] = &[
    ("StringEquals", Base::Equals { fold: false }, false),
    ("StringNotEquals", Base::Equals { fold: false }, true),
    ("StringEqualsIgnoreCase", Base::Equals { fold: true }, false),
    ("StringNotEqualsIgnoreCase", Base::Equals { fold: true }, true),
    ("StringLike", Base::Like, false),
    ("StringNotLike", Base::Like, true),
    ("NumericEquals", Base::Number(Compare::Equal), false),
    ("NumericNotEquals", Base::Number(Compare::Equal), true),
    ("NumericLessThan", Base::Number(Compare::Less), false),
    ("NumericLessThanEquals", Base::Number(Compare::LessOrEqual), false),
    ("NumericGreaterThan", Base::Number(Compare::Greater), false),
    ("NumericGreaterThanEquals", Base::Number(Compare::GreaterOrEqual), false),
    ("DateEquals", Base::Date(Compare::Equal), false),
    ("DateNotEquals", Base::Date(Compare::Equal), true),
    ("DateLessThan", Base::Date(Compare::Less), false),
    ("DateLessThanEquals", Base::Date(Compare::LessOrEqual), false),
    ("DateGreaterThan", Base::Date(Compare::Greater), false),
    ("DateGreaterThanEquals", Base::Date(Compare::GreaterOrEqual), false),
    ("Bool", Base::Bool, false),
    ("BinaryEquals", Base::Binary, false),
    ("IpAddress", Base::Ip, false),
    ("NotIpAddress", Base::Ip, true),
    ("ArnEquals", Base::Arn, false),
    ("ArnLike", Base::Arn, false),
    ("ArnNotEquals", Base::Arn, true),
    ("ArnNotLike", Base::Arn, true),
    ("Null", Base::Null, false),
];

impl Operator {
    /// Reads a name. The error says what AWS says to it.
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        let (quantifier, rest) = match name.split_once(':') {
            None => (None, name),
            Some((word, rest)) if word.eq_ignore_ascii_case("ForAllValues") => (Some(Quantifier::All), rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("ForAnyValue") => (Some(Quantifier::Any), rest),
            Some((word, _)) => return Err(format!("{word} is no qualifier: ForAllValues or ForAnyValue")),
        };
        let exists = rest
            .len()
            .checked_sub("IfExists".len())
            .filter(|cut| rest.is_char_boundary(*cut) && rest[*cut..].eq_ignore_ascii_case("IfExists"));
        let plain = exists.map_or(rest, |cut| &rest[..cut]);
        let found = OPERATORS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(plain));
        let Some((known, base, negated)) = found else {
            let folded: Vec<String> = OPERATORS.iter().map(|(known, ..)| known.to_ascii_lowercase()).collect();
            let known = folded.iter().map(String::as_str).zip(OPERATORS.iter().map(|(known, ..)| *known));
            return Err(match services::nearest(&plain.to_ascii_lowercase(), known) {
                Some(meant) => format!("{name} is no condition operator: {meant} may be meant"),
                None => format!("{name} is no condition operator"),
            });
        };
        if *base == Base::Null && (exists.is_some() || quantifier.is_some()) {
            return Err(format!("{name} is no condition operator: {known} does not take a qualifier"));
        }
        Ok(Self { base: *base, negated: *negated, quantifier, if_exists: exists.is_some() })
    }
}
