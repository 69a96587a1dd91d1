//! What the rules about ACK share: how its controllers read references, and what they say of an object.
//!
//! Read off the generated code of the controllers (`pkg/resource/*/references.go`) and of their runtime.

use karpcheck_sdk::prelude::*;

use crate::conditions::{self, Condition};

pub(crate) mod controllers;
pub(crate) mod keys;

/// The kinds of all ACK controllers.
pub(crate) const KINDS: &str = "*.services.k8s.aws/*";

/// Is it a kind of an ACK controller?
pub(crate) fn is_kind(kind: &str) -> bool {
    kind.split('/').next().is_some_and(|group| group.ends_with(".services.k8s.aws"))
}

/// Does the controller never change it?
pub(crate) fn is_read_only(object: Item) -> Result<bool, Unknown> {
    let value = annotation(object, "services.k8s.aws/read-only").text()?;
    Ok(value.is_some_and(|value| value.eq_ignore_ascii_case("true")))
}

/// Does the controller pass over references that do not resolve? It does where it only reads or adopts.
pub(crate) fn ignores_references(object: Item) -> Result<bool, Unknown> {
    let adopts = annotation(object, "services.k8s.aws/adoption-policy").text()?;
    Ok(is_read_only(object)? || adopts.is_some_and(|policy| policy == "adopt"))
}

fn annotation(object: Item, name: &str) -> Field {
    object.field("/metadata/annotations").child(name)
}

/// The patterns of fields that are called as references are.
const REFERENCES: [&str; 2] = ["/spec/**/*Ref", "/spec/**/*Refs/*"];

/// The links of an object's references.
pub(crate) fn links(object: Item) -> impl Iterator<Item = Link> {
    let links = REFERENCES.into_iter().flat_map(move |pattern| object.related(pattern));
    links.filter(|link| reference_name(&link.field).is_some())
}

/// An object's references, each of a list by itself.
///
/// A field that is called `…Ref` and is not an object is not a reference. A placeholder elsewhere in the spec may stand for an
/// object with a reference in it, but nothing says so; only where the spec as a whole is unknown, that counts.
pub(crate) fn references(object: Item) -> Result<Vec<Field>, Unknown> {
    if let Some(unknown) = object.open("/spec") {
        return Err(unknown);
    }
    let mut references = vec![];
    for field in REFERENCES.into_iter().flat_map(|pattern| object.find(pattern).known()) {
        if reference_name(&field).is_some() && field.is_object()? {
            references.push(field);
        }
    }
    Ok(references)
}

/// The name of a reference: `kmsMasterKeyRef` of `/spec/kmsMasterKeyRef`, `policyRefs` of `/spec/policyRefs/0`; none of a field
/// that is called otherwise.
pub(crate) fn reference_name(field: &Field) -> Option<String> {
    let name = field.name();
    if name.ends_with("Ref") {
        return Some(name);
    }
    field.index()?;
    Some(field.parent().name()).filter(|list| list.ends_with("Refs"))
}

/// A condition by its type, if the object's status has it.
pub(crate) fn condition(object: Item, wanted: &str) -> Option<Condition> {
    // A bug of the runtime from 0.53 on: IAMRoleSelector overwrites this condition with its own news.
    conditions::condition(object, wanted).filter(|one| wanted != RESOLVED || one.message != "Selected")
}

/// The condition that says whether an object's references were followed.
pub(crate) const RESOLVED: &str = "ACK.ReferencesResolved";

/// What the controller says in [`RESOLVED`] of a reference to another namespace that it may not follow.
pub(crate) const CROSS_NAMESPACE_REFUSED: &str = "cross-namespace resource reference is not allowed";

/// An object in a message: `Table orders`.
pub(crate) fn called(object: Item) -> String {
    format!("{} {}", object.noun(), object.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_by_their_names() {
        let name = |pointer: &str| reference_name(&karpcheck_sdk::testing::item().field(pointer));
        assert_eq!(name("/spec/sseSpecification/kmsMasterKeyRef").as_deref(), Some("kmsMasterKeyRef"));
        assert_eq!(name("/spec/policyRefs/0").as_deref(), Some("policyRefs"));
        assert_eq!(name("/spec/tableName"), None);
        assert_eq!(name("/spec/policyRefs/x"), None);
        assert_eq!(name("/spec"), None);
    }
}
