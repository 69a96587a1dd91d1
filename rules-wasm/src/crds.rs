//! CustomResourceDefinitions: which fields an API server keeps.

use std::cell::RefCell;
use std::collections::BTreeMap;

use karpcheck_sdk::prelude::*;

pub(crate) const KIND: &str = "apiextensions.k8s.io/CustomResourceDefinition";

/// The kind that it defines: `dynamodb.services.k8s.aws/Table`.
pub(crate) fn defined(definition: Item) -> Result<Option<String>, Unknown> {
    let (group, kind) = (definition.text("/spec/group")?, definition.text("/spec/names/kind")?);
    Ok(group.zip(kind).map(|(group, kind)| format!("{group}/{kind}")))
}

/// Is it the one that counts? A file does not where the cluster's own was read.
pub(crate) fn counts(definition: Item) -> bool {
    definition.observed() || !definition.linked("@same").any(Item::observed)
}

/// By the scopes in which they were looked for, and the kind that they define.
type ByKind = BTreeMap<(String, String), Vec<Item>>;

thread_local! {
    static BY_KIND: RefCell<ByKind> = const { RefCell::new(BTreeMap::new()) };
}

/// The definitions of a kind in the scopes of an object.
fn all_of(object: Item, kind: &str) -> Vec<Item> {
    let scopes = match object.field("@scope").value() {
        Value::Json(scopes) => scopes.clone(),
        _ => String::new(),
    };
    let key = (scopes, kind.to_owned());
    if let Some(items) = BY_KIND.with_borrow(|all| all.get(&key).cloned()) {
        return items;
    }
    let ours = |definition: &Item| defined(*definition).ok().flatten().as_deref() == Some(kind);
    let items: Vec<Item> = select(KIND).known().filter(ours).collect();
    BY_KIND.with_borrow_mut(|all| all.insert(key, items.clone()));
    items
}

/// The definitions of a kind that count for an object: the cluster's own, else all that files give, of which one is
/// installed.
pub(crate) fn of(object: Item, kind: &str) -> Vec<Item> {
    let mut all = all_of(object, kind);
    all.retain(|definition| {
        let elsewhere = object.observed() && definition.observed();
        !elsewhere || !object.same("@cluster", *definition, "@cluster").is_no()
    });
    if all.iter().any(|definition| definition.observed()) {
        all.retain(|definition| definition.observed());
    }
    all
}

/// Others of the same name among the files: which one is installed is not known.
fn rivals(definition: Item) -> Vec<Item> {
    if definition.observed() {
        return vec![];
    }
    let name = definition.name();
    select(KIND).known().filter(|other| *other != definition && other.name() == name && !other.observed()).collect()
}

/// Is which definition is installed not known, so that one may keep what this one drops?
pub(crate) fn contested(definition: Item, keeps: impl Fn(Item) -> bool) -> Result<(), Unknown> {
    if rivals(definition).into_iter().any(keeps) {
        let why = format!("several files define {}, and which one is installed is not known", definition.name());
        return Err(Unknown::undecidable(why)
            .with_code("several-definitions")
            .settled_by(Settlement::Kind(KIND.to_owned())));
    }
    Ok(())
}

/// A version, by its name.
pub(crate) fn version(definition: Item, name: &str) -> Option<Field> {
    let named = definition.find("/spec/versions/*/name").known().find(|version| version.is(name))?;
    Some(named.parent())
}

/// Does a version keep a field of its objects? The pointer is one of the object, with its indices or `*` for them.
///
/// # Errors
///
/// Where the schema is not known as far as that.
pub(crate) fn keeps(version: &Field, field: &str) -> Result<bool, Unknown> {
    let mut schema = version.field("/schema/openAPIV3Schema");
    for segment in field.split('/').skip(1) {
        let element = segment == "*" || segment.bytes().all(|byte| byte.is_ascii_digit());
        let items = element.then(|| schema.child("items"));
        let steps = [schema.field(&format!("/properties/{segment}")), schema.child("additionalProperties")];
        let mut next = None;
        for step in items.into_iter().chain(steps) {
            if exists(&step)? {
                next = Some(step);
                break;
            }
        }
        match next {
            Some(next) => schema = next,
            // What it does not describe it keeps only where it says so.
            None => return Ok(schema.child("x-kubernetes-preserve-unknown-fields").flag()? == Some(true)),
        }
    }
    Ok(true)
}

/// Is there a schema? Most say their type, which is shorter than the whole.
fn exists(schema: &Field) -> Result<bool, Unknown> {
    Ok(schema.child("type").exists()? || schema.exists()?)
}
