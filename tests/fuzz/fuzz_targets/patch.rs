//! Edits in a text: none makes the patcher panic, what it makes is still read, and lines that it is not about stay.
//!
//! The first byte chooses what changes and how; the rest is the text.
#![no_main]

use karpcheck_fuzz::inventory;
use kubectl_karpcheck::fixes::patch;
use kubectl_karpcheck::findings::finding::Edit;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let before = inventory(&[("a.yaml", bytes)]);
    let Some((id, _)) = before.items().next() else { return };
    let (fields, _) = before.find_within(id, "/**", 100).expect("the pattern is well formed");
    let Some(field) = fields.get(usize::from(*choice) % fields.len().max(1)) else { return };
    let value = match choice >> 6 {
        0 => None,
        1 => Some(json!("an edited text: with #, {{ and '")),
        2 => Some(json!({"edited": [1, {"deep": "yes"}]})),
        _ => Some(json!(true)),
    };
    let pointer = if choice & 32 == 0 { field.at.clone() } else { format!("{}/edited", field.at) };
    let Some(change) = before.change(&Edit { item: id, pointer, value }) else { return };
    let (after, refused) = patch::apply(text, std::slice::from_ref(&change));
    if !refused.is_empty() {
        assert_eq!(after, text, "what is refused changes nothing");
        return;
    }
    // Whatever changed is one stretch: the lines before the place of the value stay as they were.
    let place = usize::try_from(change.at.line).unwrap_or(1);
    let kept = place.saturating_sub(2);
    let lines = |text: &str| text.split('\n').take(kept).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(text), lines(&after), "lines before the place stay");
    let _ = inventory(&[("a.yaml", after.as_bytes())]);
});
