//! ARNs in their parts.

use crate::inventory::{Part, Text};

/// The six parts of a text, cut at the first five colons that are known.
pub(super) fn split(text: &Text) -> Option<[Text; 6]> {
    if let Some(known) = text.known() {
        let parts: Vec<Text> = known.splitn(6, ':').map(Text::from).collect();
        return parts.try_into().ok();
    }
    let mut parts: Vec<Vec<Part>> = vec![vec![]];
    for part in text.clone().into_parts() {
        let Part::Known(known) = part else {
            parts.last_mut()?.push(part);
            continue;
        };
        let left = 6 - parts.len();
        for (index, piece) in known.splitn(left + 1, ':').enumerate() {
            if index > 0 {
                parts.push(vec![]);
            }
            parts.last_mut()?.push(Part::Known(piece.into()));
        }
    }
    let texts: Vec<Text> = parts.into_iter().map(Text::from_parts).collect();
    texts.try_into().ok()
}
