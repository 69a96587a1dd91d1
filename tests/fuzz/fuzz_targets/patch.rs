//! Edits in a text: none makes the patcher panic, what it makes is still read, and lines that it is not about stay.
//!
//! The first byte chooses what changes, how, and whether the text is YAML or Terraform's; the rest is the text.
#![no_main]

use karpcheck_fuzz::inventory;
use kubectl_karpcheck::findings::finding::Edit;
use kubectl_karpcheck::fixes::patch;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let name = if choice & 16 == 0 { "a.yaml" } else { "main.tf" };
    let before = inventory(&[(name, bytes)]);
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
    let Some(change) = before.written(&Edit { item: id, pointer, value }) else { return };
    let place = usize::try_from(change.change.at.line).unwrap_or(1);
    let fix = vec![(name.to_owned(), change)];
    let same_names = |_: &str, path: &[String]| Some(path.to_vec());
    let plan = patch::plan(&[fix], &mut |_| Ok(text.to_owned()), &same_names);
    let Some(file) = plan.files.first() else { return };
    assert!(plan.refused.is_empty(), "what is refused changes nothing");
    let after = &file.after;
    // Whatever changed is one stretch: the lines before the place of the value stay as they were.
    let kept = place.saturating_sub(2);
    let lines = |text: &str| text.split('\n').take(kept).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(text), lines(after), "lines before the place stay");
    let _ = inventory(&[(name, after.as_bytes())]);
});
