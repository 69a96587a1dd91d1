//! Edits in a text: none makes the patcher panic, and what it makes is read as the edit says.
//!
//! The first byte chooses what changes, how, and whether the text is YAML or Terraform's; the rest is the text.
#![no_main]

use karpcheck_fuzz::inventory;
use kubectl_karpcheck::findings::finding::Edit;
use kubectl_karpcheck::fixes::patch;
use kubectl_karpcheck::inventory::{Inventory, Node};
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
    let edit = Edit { item: id, pointer, value };
    let Some(change) = before.written(&edit) else { return };
    let fix = vec![(name.to_owned(), change)];
    let same_names = |_: &str, path: &[String]| Some(path.to_vec());
    let plan = patch::plan(&[fix], &mut |_| Ok(text.to_owned()), &same_names);
    let Some(file) = plan.files.first() else { return };
    assert!(plan.refused.is_empty(), "what is refused changes nothing");
    let after = inventory(&[(name, file.after.as_bytes())]);
    // An object of Kubernetes has in the inventory the names of its file; a text that holds several of its kind may name one twice.
    let own = |inventory: &Inventory| {
        let kind = &before.item(id)?.kind;
        let mut alike = inventory.items().filter(|(_, item)| item.kind == *kind).map(|(id, _)| id);
        alike.next().filter(|_| alike.next().is_none())
    };
    let is_object = before.item(id).is_some_and(|item| item.kind.contains('/'));
    // Without these it is no object, or another one.
    let says_what = ["", "/apiVersion", "/kind", "/metadata"].iter().any(|own| {
        edit.pointer.strip_prefix(own).is_some_and(|rest| rest.is_empty() || !own.is_empty() && rest.starts_with('/'))
    });
    let in_list = edit.pointer.rsplit('/').next().is_some_and(|last| last.parse::<usize>().is_ok());
    if !is_object || says_what || in_list && edit.value.is_none() || own(&before) != Some(id) {
        return;
    }
    let Some(id) = own(&after) else { panic!("the edited object is not read any more: {}", edit.pointer) };
    let is = after.node(id, &edit.pointer).map(Node::to_json);
    assert_eq!(is, edit.value, "{} is not what the edit says", edit.pointer);
});
