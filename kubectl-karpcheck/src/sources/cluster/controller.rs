//! What is read by name, because a controller was found: its ServiceAccount, its old settings, its Pods.
//!
//! ConfigMaps, ServiceAccounts and Pods at large are no business of ours unless a rule says so.

use crate::formats::json_value::Object;
use crate::inventory::{ClusterId, Item, Node, SourceKind};
use crate::karpenter::controller::{GLOBAL_SETTINGS, container_of};
use crate::sources::cluster::list::Wanted;

/// Pods of one Deployment are alike: a few show what was injected into them.
const PODS: usize = 5;

/// The kinds that are read by name.
pub(super) const KINDS: [&str; 3] = ["core/ConfigMap", "core/Pod", "core/ServiceAccount"];

/// A thing to read by name: its kind, its namespace, and which.
pub(super) type ByName = (&'static str, String, Wanted);

/// The name of the container of a Pod that is the controller.
pub(super) fn container_in(pod: &Object) -> Option<String> {
    let item = item("core/Pod", pod, pod.body.clone());
    container_of(&item)?.str_at(&["name"]).map(str::to_owned)
}

fn item(kind: &str, object: &Object, body: Node) -> Item {
    Item {
        kind: kind.into(),
        name: object.name.clone(),
        namespace: object.namespace.clone(),
        body,
        source: SourceKind::Live,
        cluster: ClusterId::FILES,
        read_at: None,
        aws: None,
        views: vec![],
        same: vec![],
        unit: None,
        part: None,
    }
}

/// What to read by name for the controllers among these Deployments.
pub(super) fn by_name(deployments: &mut [Object]) -> Vec<ByName> {
    let mut found: Vec<ByName> = vec![];
    for deployment in deployments {
        // The model recognises items; the body is only lent to one.
        let nothing = Node::new(crate::inventory::Value::Null, Default::default());
        let body = std::mem::replace(&mut deployment.body, nothing);
        let item = item("apps/Deployment", deployment, body);
        if container_of(&item).is_some() {
            of_controller(&item, &mut found);
        }
        deployment.body = item.body;
    }
    found
}

fn of_controller(deployment: &Item, found: &mut Vec<ByName>) {
    let namespace = deployment.namespace.as_deref().unwrap_or("default").to_owned();
    let spec = deployment.body.at_path(&["spec", "template", "spec"]);
    let account = spec
        .and_then(|spec| spec.str_at(&["serviceAccountName"]).or_else(|| spec.str_at(&["serviceAccount"])))
        .filter(|account| !account.is_empty())
        .unwrap_or("default");
    found.push(("core/ConfigMap", namespace.clone(), Wanted::Named(GLOBAL_SETTINGS.into())));
    found.push(("core/ServiceAccount", namespace.clone(), Wanted::Named(account.to_owned())));
    if let Some(labels) = deployment.body.at_path(&["spec", "selector"]).and_then(selector) {
        found.push(("core/Pod", namespace, Wanted::Labelled(labels, PODS)));
    }
}

/// A label selector as a query has it. None for one that selects everything.
fn selector(selector: &Node) -> Option<String> {
    let mut terms: Vec<String> = vec![];
    for (key, value) in selector.member("matchLabels").and_then(Node::as_map).into_iter().flat_map(|map| &map.entries) {
        terms.push(format!("{key}={}", value.as_str()?));
    }
    for term in selector.member("matchExpressions").map(Node::elements).unwrap_or_default() {
        let key = term.str_at(&["key"])?;
        let values: Vec<&str> =
            term.member("values").map(Node::elements).unwrap_or_default().iter().filter_map(Node::as_str).collect();
        terms.push(match term.str_at(&["operator"])? {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!terms.is_empty()).then(|| terms.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::json_value::object;

    fn deployment(image: &str, selector: &str) -> Object {
        let text = format!(
            r#"{{"metadata":{{"name":"d","namespace":"kube-system"}},"spec":{{"selector":{selector},"template":{{"spec":{{
                "serviceAccountName":"karpenter","containers":[{{"image":"{image}"}}]}}}}}}}}"#
        );
        object(text.as_bytes(), "apps/v1", "Deployment").unwrap()
    }

    #[test]
    fn only_a_controllers_own_objects_are_read() {
        let labels =
            r#"{"matchLabels":{"app":"x"},"matchExpressions":[{"key":"k","operator":"In","values":["a","b"]}]}"#;
        let mut deployments =
            [deployment("nginx:1", labels), deployment("public.ecr.aws/karpenter/controller:1.8.7", labels)];
        let found = by_name(&mut deployments);
        let told: Vec<String> =
            found.iter().map(|(kind, namespace, wanted)| format!("{kind} {namespace} {wanted:?}")).collect();
        assert_eq!(
            told,
            [
                "core/ConfigMap kube-system Named(\"karpenter-global-settings\")",
                "core/ServiceAccount kube-system Named(\"karpenter\")",
                "core/Pod kube-system Labelled(\"app=x,k in (a,b)\", 5)",
            ]
        );
        assert_eq!(deployments[1].body.str_at(&["metadata", "name"]), Some("d"));
    }

    #[test]
    fn a_selector_of_everything_reads_no_pods() {
        let found = by_name(&mut [deployment("public.ecr.aws/karpenter/controller:1.8.7", "{}")]);
        assert!(found.iter().all(|(kind, ..)| *kind != "core/Pod"));
    }
}
