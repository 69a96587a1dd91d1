//! What the rules about ACK share: how its controllers read references, and what they say of an object.
//!
//! Read off the generated code of the controllers (`pkg/resource/*/references.go`) and of their runtime.

use karpcheck_sdk::prelude::*;

pub(crate) mod controllers;
pub(crate) mod keys;

/// The kinds of all ACK controllers.
pub(crate) const KINDS: &str = "*.services.k8s.aws/*";

/// Does the controller never change it?
pub(crate) fn is_read_only(object: Item) -> Result<bool, Unknown> {
    let value = object.text("/metadata/annotations/services.k8s.aws~1read-only")?;
    Ok(value.is_some_and(|value| value.eq_ignore_ascii_case("true")))
}

/// Does the controller pass over references that do not resolve? It does where it only reads or adopts.
pub(crate) fn ignores_references(object: Item) -> Result<bool, Unknown> {
    let adopts = object.text("/metadata/annotations/services.k8s.aws~1adoption-policy")?;
    Ok(is_read_only(object)? || adopts.is_some_and(|policy| policy == "adopt"))
}

/// The places of an object's references, each of a list by itself.
///
/// A field that is called `…Ref` and is no object is no reference. A placeholder elsewhere in the spec may stand for an
/// object with a reference in it, but nothing says so; only where the spec as a whole is unknown, that is told.
pub(crate) fn references(object: Item) -> Result<Vec<String>, Unknown> {
    let mut places = vec![];
    for pattern in ["/spec/**/*Ref", "/spec/**/*Refs/*"] {
        for field in object.find(pattern) {
            if field.at == "/spec" {
                return Err(field.value.text().err().unwrap_or_else(|| "the spec is not known".into()));
            }
            if field_name(&field.at).is_some() && is_object(object, &field.at)? {
                places.push(field.at);
            }
        }
    }
    Ok(places)
}

/// The name of the reference field that a pointer ends in: `kmsMasterKeyRef` of `/spec/kmsMasterKeyRef`, `policyRefs` of
/// `/spec/policyRefs/0`.
pub(crate) fn field_name(at: &str) -> Option<&str> {
    let last = at.rsplit('/').next()?;
    if last.ends_with("Ref") {
        return Some(last);
    }
    let (list, index) = at.rsplit_once('/')?;
    let name = list.rsplit('/').next()?;
    (name.ends_with("Refs") && index.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

/// Is there an object, whatever is known of its parts?
pub(crate) fn is_object(item: Item, at: &str) -> Result<bool, Unknown> {
    match item.get(at) {
        Value::Json(json) => Ok(json.starts_with('{')),
        Value::Unknown(unknown) => {
            let members = item.find(&format!("{at}/*"));
            // Knowledge that ends at the field itself leaves open what it is; below it, it is an object.
            if members.iter().any(|member| member.at.len() > at.len()) { Ok(true) } else { Err(unknown) }
        }
        Value::Absent | Value::Text(_) | Value::Number(_) | Value::Flag(_) => Ok(false),
    }
}

/// A condition of an object's status.
pub(crate) struct Condition {
    /// Where it stands.
    pub(crate) at: String,
    /// `True`, `False` or `Unknown`.
    pub(crate) status: String,
    /// ACK's error text stands here,
    pub(crate) reason: String,
    /// or here.
    pub(crate) message: String,
}

/// A condition by its type, if the object's status has it.
pub(crate) fn condition(object: Item, wanted: &str) -> Option<Condition> {
    let types = object.find("/status/conditions/*/type");
    let at = types.into_iter().find(|field| field.value == Value::from(wanted))?.at.strip_suffix("/type")?.to_owned();
    let part = |name: &str| object.text(&format!("{at}/{name}")).ok().flatten().unwrap_or_default();
    let (status, reason, message) = (part("status"), part("reason"), part("message"));
    // A bug of the runtime from 0.53 on: IAMRoleSelector overwrites this condition with its own news.
    if wanted == "ACK.ReferencesResolved" && message == "Selected" {
        return None;
    }
    Some(Condition { at, status, reason, message })
}

/// The end of a kind, for messages: `Table` of `dynamodb.services.k8s.aws/Table`.
pub(crate) fn noun(object: Item) -> String {
    object.kind().rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_by_their_names() {
        assert_eq!(field_name("/spec/sseSpecification/kmsMasterKeyRef"), Some("kmsMasterKeyRef"));
        assert_eq!(field_name("/spec/policyRefs/0"), Some("policyRefs"));
        assert_eq!(field_name("/spec/tableName"), None);
        assert_eq!(field_name("/spec/policyRefs/x"), None);
        assert_eq!(field_name("/spec"), None);
    }
}
