//! Three-valued logic over [`Answer`].

use crate::model::Answer;

/// Both.
pub(super) const fn and(one: Answer, other: Answer) -> Answer {
    match (one, other) {
        (Answer::No, _) | (_, Answer::No) => Answer::No,
        (Answer::Yes, Answer::Yes) => Answer::Yes,
        _ => Answer::Unknown,
    }
}

/// Either.
pub(super) const fn or(one: Answer, other: Answer) -> Answer {
    match (one, other) {
        (Answer::Yes, _) | (_, Answer::Yes) => Answer::Yes,
        (Answer::No, Answer::No) => Answer::No,
        _ => Answer::Unknown,
    }
}

/// The opposite.
pub(super) const fn not(answer: Answer) -> Answer {
    match answer {
        Answer::Yes => Answer::No,
        Answer::No => Answer::Yes,
        Answer::Unknown => Answer::Unknown,
    }
}

/// Is one of them so? Stops at the first that is.
pub(super) fn any(answers: impl IntoIterator<Item = Answer>) -> Answer {
    let mut sum = Answer::No;
    for answer in answers {
        sum = or(sum, answer);
        if sum == Answer::Yes {
            break;
        }
    }
    sum
}

/// Are all of them so? Stops at the first that is not.
pub(super) fn all(answers: impl IntoIterator<Item = Answer>) -> Answer {
    let mut sum = Answer::Yes;
    for answer in answers {
        sum = and(sum, answer);
        if sum == Answer::No {
            break;
        }
    }
    sum
}

/// One of several cases holds, and nobody knows which: known where all agree.
pub(super) fn whichever(answers: impl IntoIterator<Item = Answer>) -> Answer {
    let mut answers = answers.into_iter();
    let Some(first) = answers.next() else { return Answer::Unknown };
    if answers.all(|answer| answer == first) { first } else { Answer::Unknown }
}

/// Certain in two values.
pub(super) const fn certain(so: bool) -> Answer {
    if so { Answer::Yes } else { Answer::No }
}
