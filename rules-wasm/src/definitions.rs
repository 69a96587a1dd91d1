//! CustomResourceDefinitions: which fields an API server keeps.

use karpcheck_sdk::prelude::*;

pub(crate) const KIND: &str = "apiextensions.k8s.io/CustomResourceDefinition";

/// The kind that it defines: `dynamodb.services.k8s.aws/Table`.
pub(crate) fn defined(definition: Item) -> Result<Option<String>, Unknown> {
    let (group, kind) = (definition.text("/spec/group")?, definition.text("/spec/names/kind")?);
    Ok(group.zip(kind).map(|(group, kind)| format!("{group}/{kind}")))
}

/// Is it the one that counts? A file is of no account where the cluster's own was read.
pub(crate) fn counts(definition: Item) -> bool {
    definition.observed() || !definition.related("@same").iter().filter_map(Link::given).any(Item::observed)
}

/// Others of the same name among the files: which one is installed, nobody can tell.
pub(crate) fn rivals(definition: Item) -> Vec<Item> {
    if definition.observed() {
        return vec![];
    }
    let name = definition.name();
    select(KIND).given().filter(|other| *other != definition && other.name() == name && !other.observed()).collect()
}

/// The place of a version: `/spec/versions/0`.
pub(crate) fn version(definition: Item, name: &str) -> Option<String> {
    let names = definition.find("/spec/versions/*/name");
    let at = names.into_iter().find(|version| version.value == Value::from(name))?.at;
    Some(at.trim_end_matches("/name").to_owned())
}

/// Does a version keep a field of its objects? The pointer is one of the object, with its indices or `*` for them.
///
/// # Errors
///
/// Where the schema is not known as far as that.
pub(crate) fn keeps(definition: Item, version: &str, field: &str) -> Result<bool, Unknown> {
    let mut at = format!("{version}/schema/openAPIV3Schema");
    for segment in field.split('/').skip(1) {
        let element = segment == "*" || segment.bytes().all(|byte| byte.is_ascii_digit());
        let mut steps = vec![format!("{at}/properties/{segment}"), format!("{at}/additionalProperties")];
        if element {
            steps.insert(0, format!("{at}/items"));
        }
        let mut next = None;
        for step in steps {
            if exists(definition, &step)? {
                next = Some(step);
                break;
            }
        }
        match next {
            Some(next) => at = next,
            // What it does not describe it keeps only where it says so.
            None => return Ok(definition.flag(&format!("{at}/x-kubernetes-preserve-unknown-fields"))? == Some(true)),
        }
    }
    Ok(true)
}

/// Is there a schema? Most say their type, which is shorter than the whole.
fn exists(definition: Item, at: &str) -> Result<bool, Unknown> {
    if definition.get(&format!("{at}/type")).exists()? {
        return Ok(true);
    }
    definition.get(at).exists()
}
