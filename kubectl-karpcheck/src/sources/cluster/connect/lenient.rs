//! A kubeconfig as kubectl reads it: what an entry lacks costs that entry alone, where kube demands it of all.

use std::path::Path;

use kube::config::Kubeconfig;
use serde::Deserialize as _;
use serde_yaml::{Mapping, Value};

/// What kubectl does without and kube demands: the list, the field of its entries, and the text in it.
const DEMANDED: [(&str, &[&str], &str); 5] = [
    ("contexts", &[], "name"),
    ("contexts", &["context"], "cluster"),
    ("clusters", &[], "name"),
    ("users", &[], "name"),
    ("users", &["user", "auth-provider"], "name"),
];

/// Reads a file that kube cannot read; none where it is not for such a lack.
pub(super) fn read(path: &Path) -> Option<Kubeconfig> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut whole = String::new();
    for document in serde_yaml::Deserializer::from_str(&text) {
        let mut document = Value::deserialize(document).ok()?;
        for (list, path, field) in DEMANDED {
            let entries = document.get_mut(list).and_then(Value::as_sequence_mut).into_iter().flatten();
            for entry in entries {
                let within = path.iter().try_fold(entry, |value, name| value.get_mut(name));
                if let Some(fields) = within.and_then(Value::as_mapping_mut) {
                    complete(fields, field);
                }
            }
        }
        whole.push_str("---\n");
        whole.push_str(&serde_yaml::to_string(&document).ok()?);
    }
    let mut kubeconfig = Kubeconfig::from_yaml(&whole).ok()?;
    resolve(&mut kubeconfig, path.parent()?);
    Some(kubeconfig)
}

fn complete(fields: &mut Mapping, field: &str) {
    let value = fields.entry(field.into()).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::String(String::new());
    }
}

/// Files that it names are beside it, as kube has them where it reads the file itself; a command is, if it is named by a path.
fn resolve(kubeconfig: &mut Kubeconfig, folder: &Path) {
    let beside = |path: &mut Option<String>| {
        if let Some(path) = path.as_mut().filter(|path| Path::new(path).is_relative()) {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
    };
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        beside(&mut cluster.certificate_authority);
    }
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        beside(&mut user.client_certificate);
        beside(&mut user.client_key);
        beside(&mut user.token_file);
        if let Some(exec) = user
            .exec
            .as_mut()
            .filter(|exec| exec.command.as_deref().is_some_and(|command| command.contains(std::path::MAIN_SEPARATOR)))
        {
            beside(&mut exec.command);
        }
    }
}
