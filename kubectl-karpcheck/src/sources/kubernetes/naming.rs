//! Names as kustomizations change them: `namePrefix` and `nameSuffix`, and the references that follow them.
//!
//! Only the references that kustomize knows do, and those that a file of `configurations` names; a NodePool goes on naming the
//! class as it was written.

use crate::inventory::{Node, Part, Text, Value};
use crate::sources::kubernetes::name_of;
use crate::sources::objects::kind_of;

/// Objects that keep their names: kustomize's prefixSuffixFieldSpecsToSkip.
const KEPT: &[&str] =
    &["apiextensions.k8s.io/CustomResourceDefinition", "apiregistration.k8s.io/APIService", "core/Namespace"];

/// The references that follow a name, by the kind that they lead to: kustomize's builtinconfigconsts/namereference.go, of the
/// kinds that are looked at. Lists on the way are gone through.
const REFERENCES: &[(&str, &str)] = &[
    ("core/ServiceAccount", "spec/template/spec/serviceAccountName"),
    ("core/ConfigMap", "spec/template/spec/volumes/configMap/name"),
    ("core/ConfigMap", "spec/template/spec/volumes/projected/sources/configMap/name"),
    ("core/ConfigMap", "spec/template/spec/containers/env/valueFrom/configMapKeyRef/name"),
    ("core/ConfigMap", "spec/template/spec/containers/envFrom/configMapRef/name"),
    ("core/Service", "spec/conversion/webhook/clientConfig/service/name"),
    ("core/Service", "webhooks/clientConfig/service/name"),
];

/// What a kustomization puts before and after the names of what it takes in.
#[derive(Clone, Debug, Default)]
pub(super) struct Naming {
    prefix: Option<Text>,
    suffix: Option<Text>,
    /// Further references that follow.
    references: Vec<Reference>,
}

/// A field that names an object.
#[derive(Clone, Debug)]
struct Reference {
    /// The kind of what it names, without the group.
    to: String,
    /// The kind that has the field, without the group; any where none is given.
    of: Option<String>,
    path: Vec<String>,
}

/// An object that has another name now.
pub(super) struct Renamed {
    /// `group/Kind`.
    pub(super) kind: String,
    /// All names that it had before.
    pub(super) was: Vec<String>,
    pub(super) name: Text,
}

impl Naming {
    /// What a kustomization says; `file` reads what its `configurations` name.
    pub(super) fn of(spec: &Node, file: &mut dyn FnMut(&str) -> Option<Vec<Node>>) -> Self {
        let text = |name: &str| match spec.member(name).map(|node| &node.value) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let mut naming = Self { prefix: text("namePrefix"), suffix: text("nameSuffix"), references: vec![] };
        if naming.is_none() {
            return naming;
        }
        let files = spec.member("configurations").map(Node::elements).unwrap_or_default();
        for config in files.iter().filter_map(Node::as_str).filter_map(file).flatten() {
            naming.references.extend(
                config.member("nameReference").map(Node::elements).unwrap_or_default().iter().flat_map(of_config),
            );
        }
        naming
    }

    pub(super) const fn is_none(&self) -> bool {
        self.prefix.is_none() && self.suffix.is_none()
    }

    /// Gives an object its new name, unless objects of its kind keep theirs. The name that it had, and the new one.
    pub(super) fn rename(&self, object: &mut Node) -> Option<(String, Text)> {
        let (kind, _) = kind_of(object)?;
        if KEPT.contains(&&*kind) {
            return None;
        }
        let was = name_of(object);
        let Value::Map(body) = &mut object.value else { return None };
        let Value::Map(metadata) = &mut body.get_mut("metadata")?.value else { return None };
        let name = metadata.get_mut("name")?;
        let Value::Text(own) = &name.value else { return None };
        let parts = |text: Option<&Text>| -> Vec<Part> { text.cloned().map(Text::into_parts).unwrap_or_default() };
        let all = [parts(self.prefix.as_ref()), parts(Some(own)), parts(self.suffix.as_ref())].concat();
        let new = Text::from_parts(all);
        name.value = Value::Text(new.clone());
        Some((was, new))
    }

    /// Lets the references of an object follow. Did it change?
    pub(super) fn follow(&self, object: &mut Node, renamed: &[Renamed]) -> bool {
        let Some((own, _)) = kind_of(object) else { return false };
        // Which values a release takes is looked up by the names as they are written.
        if own == "helm.toolkit.fluxcd.io/HelmRelease" {
            return false;
        }
        let own = own.rsplit('/').next().unwrap_or_default();
        let mut changed = false;
        for (to, path) in REFERENCES {
            let path: Vec<&str> = path.split('/').collect();
            changed |= follow(object, &path, &|renamed: &Renamed| renamed.kind == *to, renamed);
        }
        for reference in self.references.iter().filter(|one| one.of.as_deref().is_none_or(|of| of == own)) {
            let path: Vec<&str> = reference.path.iter().map(String::as_str).collect();
            let led_to = |renamed: &Renamed| renamed.kind.rsplit('/').next() == Some(reference.to.as_str());
            changed |= follow(object, &path, &led_to, renamed);
        }
        changed
    }
}

/// The references of an entry of `nameReference`.
fn of_config(entry: &Node) -> Vec<Reference> {
    let Some(to) = entry.str_at(&["kind"]) else { return vec![] };
    let fields = entry.member("fieldSpecs").map(Node::elements).unwrap_or_default();
    fields
        .iter()
        .filter_map(|field| {
            let path = field.str_at(&["path"])?.trim_start_matches('/').split('/').map(str::to_owned).collect();
            Some(Reference { to: to.to_owned(), of: field.str_at(&["kind"]).map(str::to_owned), path })
        })
        .collect()
}

fn follow(node: &mut Node, path: &[&str], led_to: &dyn Fn(&Renamed) -> bool, renamed: &[Renamed]) -> bool {
    if let Value::List(list) = &mut node.value {
        return list.items.iter_mut().fold(false, |any, item| follow(item, path, led_to, renamed) | any);
    }
    match path.split_first() {
        Some((first, rest)) => match &mut node.value {
            Value::Map(map) => map.get_mut(first).is_some_and(|next| follow(next, rest, led_to, renamed)),
            _ => false,
        },
        None => {
            let Some(written) = node.as_str() else { return false };
            let target = renamed.iter().find(|one| led_to(one) && one.was.iter().any(|was| was == written));
            let Some(target) = target else { return false };
            node.value = Value::Text(target.name.clone());
            true
        }
    }
}
