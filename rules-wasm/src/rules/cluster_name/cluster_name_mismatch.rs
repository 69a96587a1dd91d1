//! ## What it finds
//!
//! A controller whose cluster name is not the cluster's true name, as far as better witnesses know it.
//!
//! ## Why it matters
//!
//! Karpenter takes instances that carry its cluster name and that it does not know for leftovers, and terminates them: two
//! controllers of one account and region with one name delete each other's nodes. A wrong name that belongs to another
//! cluster also lets new nodes join that one; a name that belongs to none keeps the controller from starting.
//!
//! ## How to fix it
//!
//! Set `settings.clusterName` to the name that EKS knows the cluster by, also in the conditions of the controller's IAM
//! policies. Nodes that were launched under the wrong name have to be replaced.
//!
//! ## Example that fails
//!
//! ```yaml
//! settings:
//!   clusterName: staging
//!   interruptionQueue: prod
//! controller:
//!   image: {repository: public.ecr.aws/karpenter/controller, tag: 1.8.7}
//! ---
//! apiVersion: apps/v1
//! kind: DaemonSet
//! metadata: {name: eks-pod-identity-agent, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: eks-pod-identity-agent
//!           args: [--port, "80", --cluster-name, prod]
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! settings:
//!   clusterName: prod
//!   interruptionQueue: prod
//! controller:
//!   image: {repository: public.ecr.aws/karpenter/controller, tag: 1.8.7}
//! ---
//! apiVersion: apps/v1
//! kind: DaemonSet
//! metadata: {name: eks-pod-identity-agent, namespace: kube-system}
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: eks-pod-identity-agent
//!           args: [--port, "80", --cluster-name, prod]
//! ```
//!
//! ## Sources
//!
//! - <https://github.com/aws/karpenter-provider-aws/issues/7356>: one name in two clusters.
//! - pkg/controllers/nodeclaim/garbagecollection/controller.go of <https://github.com/aws/karpenter-provider-aws>: what is terminated.
//! - The EKS add-ons eks-pod-identity-agent and aws-ebs-csi-driver, which AWS gives the cluster's name.

use karpcheck_sdk::prelude::*;

use crate::controllers;

pub(crate) const RULE: Rule = Rule {
    title: "Karpenter's cluster name is not the name of its cluster",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    reads: &["Karpcheck::Cluster"],
    check,
    ..Rule::DEFAULT
};

/// A witness of the cluster's name.
struct Witness {
    name: String,
    at: Field,
    source: String,
    agrees: bool,
}

fn check(controller: Item) -> Check {
    let named = controller.field("/ClusterName");
    // cluster-name-empty speaks of none; a name that is not known yet contradicts nothing.
    let Some(own) = named.known_text().filter(|name| !name.is_empty()) else { return skip() };
    let mut ranked: [Vec<Witness>; 4] = [vec![], vec![], vec![], vec![]];
    for cluster in select("Karpcheck::Cluster").known() {
        if controller.same("@cluster", cluster, "@cluster").is_no() {
            continue;
        }
        for at in cluster.find("/Evidence/*/Name").known() {
            let Value::Text(name) = at.value().clone() else { continue };
            let rank = match at.sibling("Rank").text()?.unwrap_or_default().as_str() {
                "definitive" => 0,
                "strong" => 1,
                "medium" => 2,
                _ => 3,
            };
            let source = at.sibling("Source").text()?.unwrap_or_default();
            ranked[rank].push(Witness { agrees: name == own, name, at, source });
        }
    }
    let [definitive, strong, medium, weak] = ranked;
    // The strongest witnesses decide; weaker ones only where there are no stronger.
    for (witnesses, confidence) in [(definitive, Confidence::High), (strong, Confidence::Medium)] {
        match witnesses.iter().find(|witness| !witness.agrees) {
            Some(other) if witnesses.iter().all(|witness| !witness.agrees && witness.name == other.name) => {
                return differs(&named, &own, &witnesses, Error, confidence);
            }
            Some(_) => return differs(&named, &own, &witnesses, Info, Confidence::Low),
            None if !witnesses.is_empty() => return pass(),
            None => {}
        }
    }
    let others: Vec<Witness> = medium.into_iter().chain(weak).collect();
    if others.is_empty() {
        return skip();
    }
    let against: Vec<&Witness> = others.iter().filter(|witness| !witness.agrees).collect();
    match against.as_slice() {
        [] => pass(),
        // Two or more, and all say the same.
        [first, rest @ ..]
            if against.len() == others.len()
                && !rest.is_empty()
                && rest.iter().all(|witness| witness.name == first.name) =>
        {
            differs(&named, &own, &others, Warning, Confidence::Low)
        }
        _ => differs(&named, &own, &others, Info, Confidence::Low),
    }
}

fn differs(named: &Field, own: &str, witnesses: &[Witness], severity: Severity, confidence: Confidence) -> Check {
    let Some(first) = witnesses.iter().find(|witness| !witness.agrees) else { return pass() };
    let message = format!(
        "Controller {} calls the cluster {own}, but {} says {}: Karpenter terminates instances that carry that name as leftovers, and does not find its own",
        named.item().name(),
        first.source,
        first.name,
    );
    fail(named, message)
        .severity(severity)
        .confidence(confidence)
        .remedy(format!(
            "Set {} to the cluster's name in EKS{}.",
            controllers::cluster_name_setting(named.item()),
            if severity == Error { format!(", {}", first.name) } else { String::new() }
        ))
        .group(if severity == Error { format!("{own} {}", first.name) } else { own.to_owned() })
        .related(witnesses.iter().map(|witness| witness.at.place(format!("{} says {}", witness.source, witness.name))))
        .check()
}
