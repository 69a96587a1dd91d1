//! Kleene's logic: answers to questions about what may be known in part.

use std::ops::Not;

/// An answer to a question about something that may be known in part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ternary {
    /// Whatever the symbols stand for.
    Yes,
    /// Whatever the symbols stand for.
    No,
    /// It depends on what the symbols stand for.
    Unknown,
}

impl Ternary {
    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    /// Either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Unknown,
        }
    }

    /// Is one of them so? Stops at the first that is.
    pub fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::No;
        for answer in answers {
            sum = sum.or(answer);
            if sum == Self::Yes {
                break;
            }
        }
        sum
    }

    /// Are all of them so? Stops at the first that is not.
    pub fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::Yes;
        for answer in answers {
            sum = sum.and(answer);
            if sum == Self::No {
                break;
            }
        }
        sum
    }

    /// One of several cases holds, and it is not known which: known where all agree.
    pub fn agreed(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut answers = answers.into_iter();
        let Some(first) = answers.next() else { return Self::Unknown };
        if answers.all(|answer| answer == first) { first } else { Self::Unknown }
    }
}

impl From<bool> for Ternary {
    fn from(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }
}

impl Not for Ternary {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ternary;
    use super::Ternary::{No, Unknown, Yes};

    #[test]
    fn unknown_counts_only_where_it_decides() {
        assert_eq!([Yes.and(Unknown), No.and(Unknown), Yes.or(Unknown), No.or(Unknown)], [Unknown, No, Yes, Unknown]);
        assert_eq!([!Yes, !No, !Unknown], [No, Yes, Unknown]);
        assert_eq!([Ternary::any([]), Ternary::all([]), Ternary::agreed([])], [No, Yes, Unknown]);
        assert_eq!([Ternary::any([Unknown, Yes]), Ternary::all([Unknown, No])], [Yes, No]);
        assert_eq!([Ternary::agreed([No, No]), Ternary::agreed([No, Yes])], [No, Unknown]);
    }
}
