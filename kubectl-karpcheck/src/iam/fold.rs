//! Texts without their case.

use crate::inventory::{Part, Text};

/// One character without its case. Characters whose lower case is several stay as they are.
pub(super) fn fold_char(char: char) -> char {
    let mut lower = char.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => char,
    }
}

/// A text without its case. The names of holes keep theirs.
pub(super) fn fold(text: &Text) -> Text {
    match text.known() {
        Some(known) if known.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) => text.clone(),
        Some(known) if known.is_ascii() => Text::from(known.to_ascii_lowercase()),
        Some(known) => Text::from(known.chars().map(fold_char).collect::<String>()),
        None => Text::from_parts(text.clone().into_parts().into_iter().map(|part| match part {
            Part::Known(mut known) if known.is_ascii() => {
                known.make_ascii_lowercase();
                Part::Known(known)
            }
            Part::Known(known) => Part::Known(known.chars().map(fold_char).collect::<String>().into()),
            hole @ Part::Hole(_) => hole,
        })),
    }
}
