//! Three-valued logic over [`Ternary`].

use crate::inventory::Ternary;

/// Both.
pub(super) const fn and(one: Ternary, other: Ternary) -> Ternary {
    match (one, other) {
        (Ternary::No, _) | (_, Ternary::No) => Ternary::No,
        (Ternary::Yes, Ternary::Yes) => Ternary::Yes,
        _ => Ternary::Unknown,
    }
}

/// Either.
pub(super) const fn or(one: Ternary, other: Ternary) -> Ternary {
    match (one, other) {
        (Ternary::Yes, _) | (_, Ternary::Yes) => Ternary::Yes,
        (Ternary::No, Ternary::No) => Ternary::No,
        _ => Ternary::Unknown,
    }
}

/// The opposite.
pub(super) const fn not(answer: Ternary) -> Ternary {
    match answer {
        Ternary::Yes => Ternary::No,
        Ternary::No => Ternary::Yes,
        Ternary::Unknown => Ternary::Unknown,
    }
}

/// Is one of them so? Stops at the first that is.
pub(super) fn any(answers: impl IntoIterator<Item = Ternary>) -> Ternary {
    let mut sum = Ternary::No;
    for answer in answers {
        sum = or(sum, answer);
        if sum == Ternary::Yes {
            break;
        }
    }
    sum
}

/// Are all of them so? Stops at the first that is not.
pub(super) fn all(answers: impl IntoIterator<Item = Ternary>) -> Ternary {
    let mut sum = Ternary::Yes;
    for answer in answers {
        sum = and(sum, answer);
        if sum == Ternary::No {
            break;
        }
    }
    sum
}

/// One of several cases holds, and nobody knows which: known where all agree.
pub(super) fn whichever(answers: impl IntoIterator<Item = Ternary>) -> Ternary {
    let mut answers = answers.into_iter();
    let Some(first) = answers.next() else { return Ternary::Unknown };
    if answers.all(|answer| answer == first) { first } else { Ternary::Unknown }
}

/// Certain in two values.
pub(super) const fn certain(so: bool) -> Ternary {
    if so { Ternary::Yes } else { Ternary::No }
}
