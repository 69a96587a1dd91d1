//! What is read of a cluster, as the rules of a role.

use std::collections::{BTreeMap, BTreeSet};

use super::PolicyRule;
use crate::karpenter::controller::GLOBAL_SETTINGS;
use crate::schema::ack;
use crate::schema::kinds;
use crate::schema::kinds::GatherScope;
use crate::schema::pattern::kind_matches;
use crate::sources::cluster;

/// Kinds of the core group that can be listed, without Secrets, which a pattern never includes.
const CORE: &[&str] = &[
    "ConfigMap",
    "Endpoints",
    "Event",
    "LimitRange",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "PodTemplate",
    "ReplicationController",
    "ResourceQuota",
    "Service",
    "ServiceAccount",
];

/// Groups, beside those of ACK, that a pattern of groups can match.
const GROUPS: &[&str] = &["apps", "core", "eks.amazonaws.com", "karpenter.k8s.aws", "karpenter.sh"];

/// What is listed of one group.
#[derive(Default)]
struct Listed {
    kinds: BTreeSet<String>,
    all: bool,
    /// May all of it be denied without making the run incomplete?
    optional: bool,
}

pub(super) fn rules(gather_scope: &GatherScope) -> Vec<PolicyRule> {
    let mut groups: BTreeMap<String, Listed> = BTreeMap::new();
    let mut named = vec![];
    for (kind, optional) in gather_scope.listed() {
        if let Some(rule) = by_name(kind).filter(|_| !gather_scope.declares(kind)) {
            named.push(rule);
            continue;
        }
        let Some((group, name)) = kind.split_once('/') else { continue };
        for group in groups_of(group) {
            let listed = groups.entry(group.clone()).or_insert_with(|| Listed { optional: true, ..Listed::default() });
            listed.optional &= optional;
            match (name.contains('*'), &*group) {
                (true, "core") => listed.kinds.extend(
                    CORE.iter()
                        .filter(|known| kind_matches(kind, &format!("core/{known}")))
                        .map(|known| (*known).to_owned()),
                ),
                (true, _) => listed.all = true,
                (false, "core") if name == "Secret" => {}
                (false, _) => {
                    listed.kinds.insert(name.to_owned());
                }
            }
        }
    }
    for kind in cluster::crossplane_kinds(gather_scope) {
        if let Some((group, name)) = kind.split_once('/') {
            groups.entry(group.to_owned()).or_default().kinds.insert(name.to_owned());
        }
    }
    // Groups with the same resources, as those of ACK are when all of each is read, are one rule.
    let mut rules: BTreeMap<(Vec<String>, bool), Vec<String>> = BTreeMap::new();
    for (group, listed) in groups {
        let resources: Vec<String> =
            if listed.all { vec!["*".to_owned()] } else { listed.kinds.iter().map(|kind| plural(kind)).collect() };
        if !resources.is_empty() {
            let group = if group == "core" { String::new() } else { group };
            rules.entry((resources, listed.optional)).or_default().push(group);
        }
    }
    let mut rules: Vec<PolicyRule> = rules
        .into_iter()
        .map(|((resources, optional), api_groups)| {
            let mut why = purpose(&api_groups, &resources);
            if optional {
                why.push_str("; may be left out, the rules that read it do without");
            }
            PolicyRule { api_groups, resources, resource_names: vec![], verbs: vec!["list"], why }
        })
        .collect();
    rules.sort_by(|one, other| one.api_groups.cmp(&other.api_groups));
    rules.extend(named);
    if !rules.is_empty() {
        rules.push(PolicyRule {
            api_groups: vec![String::new()],
            resources: vec!["namespaces".into()],
            resource_names: vec!["kube-system".into()],
            verbs: vec!["get"],
            why: "The uid of this one namespace, which identifies the cluster; may be left out where clusters are not compared from within: then the server's address does".into(),
        });
    }
    rules
}

/// The known groups that a pattern matches.
fn groups_of(pattern: &str) -> BTreeSet<String> {
    if !pattern.contains('*') {
        return [pattern.to_owned()].into();
    }
    let known = ack::key_fields()
        .iter()
        .map(|field| field.kind)
        .chain(kinds::describing())
        .filter_map(|kind| kind.split_once('/'));
    let pattern = format!("{pattern}/x");
    known
        .map(|(group, _)| group)
        .chain(GROUPS.iter().copied())
        .filter(|group| kind_matches(&pattern, &format!("{group}/x")))
        .map(str::to_owned)
        .collect()
}

/// What is read of a kind by name only, once the controller is found.
fn by_name(kind: &str) -> Option<PolicyRule> {
    let rule = |resource: &str, names: &[&str], verb, why: &str| PolicyRule {
        api_groups: vec![String::new()],
        resources: vec![resource.to_owned()],
        resource_names: names.iter().map(|name| (*name).to_owned()).collect(),
        verbs: vec![verb],
        why: why.to_owned(),
    };
    match kind {
        "core/ConfigMap" => Some(rule(
            "configmaps",
            &[GLOBAL_SETTINGS],
            "get",
            "The controller's settings of Karpenter up to 0.32; this one ConfigMap, in the controller's namespace only",
        )),
        "core/Pod" => Some(rule(
            "pods",
            &[],
            "list",
            "Up to five Pods of the controller, for the role that is injected into them; a Role in the controller's namespace does",
        )),
        "core/ServiceAccount" => Some(rule(
            "serviceaccounts",
            &[],
            "get",
            "The controller's ServiceAccount, which names its role; a Role in the controller's namespace does",
        )),
        _ => None,
    }
}

fn purpose(groups: &[String], resources: &[String]) -> String {
    let has = |resource: &str| resources.iter().any(|known| known == resource);
    match groups {
        [group] if group == "apps" && has("deployments") => {
            "The Karpenter controller, and what other components call the cluster".into()
        }
        [group] if group.is_empty() && resources == ["nodes"] => {
            "The first nodes: the region, and the cluster's name".into()
        }
        [group] if group.is_empty() && resources == ["events"] => {
            "What Karpenter reported of its nodes and launches in the last hour".into()
        }
        [group] if group == "apiextensions.k8s.io" => {
            "The definitions of Karpenter's and ACK's kinds: which fields are kept".into()
        }
        [group] if group == "karpenter.sh" || group == "karpenter.k8s.aws" => "Karpenter's own objects".into(),
        [group] if group == "eks.amazonaws.com" => "EKS Auto Mode's own objects".into(),
        groups if groups.iter().all(|group| group.ends_with(".services.k8s.aws")) => {
            if resources == ["*"] {
                "All objects of ACK's controllers; groups that are not installed here can be left out".into()
            } else {
                "AWS resources that ACK's controllers manage".into()
            }
        }
        groups if groups.iter().all(|group| group.ends_with("upbound.io") || group.ends_with("crossplane.io")) => {
            "AWS resources that Crossplane manages; groups that are not installed here can be left out".into()
        }
        _ => "Read by the chosen rules".into(),
    }
}

/// The plural of a kind, as kubebuilder forms it.
pub(super) fn plural(kind: &str) -> String {
    /// Kinds whose name is plural already.
    const SAME: &[&str] = &["endpoints"];
    let lower = kind.to_ascii_lowercase();
    if SAME.contains(&&*lower) {
        return lower;
    }
    let vowel = |char: Option<char>| matches!(char, Some('a' | 'e' | 'i' | 'o' | 'u'));
    if let Some(stem) = lower.strip_suffix('y').filter(|stem| !vowel(stem.chars().last())) {
        return format!("{stem}ies");
    }
    if ["s", "x", "z", "ch", "sh"].iter().any(|end| lower.ends_with(end)) {
        return format!("{lower}es");
    }
    format!("{lower}s")
}
