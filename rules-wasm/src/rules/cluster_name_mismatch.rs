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

pub(crate) const RULE: Rule = Rule {
    area: "cluster-name",
    title: "Karpenter's cluster name is not the cluster's",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    reads: &["Karpcheck::Cluster"],
    check,
    ..Rule::DEFAULT
};

const NAME: &str = "/ClusterName";

/// A witness of the cluster's name.
struct Witness {
    cluster: Item,
    at: String,
    name: String,
    source: String,
    agrees: bool,
}

fn check(controller: Item) -> Check {
    let own = match controller.get(NAME) {
        Value::Text(name) if !name.is_empty() => name,
        // cluster-name-empty speaks of none; a name that is not known yet contradicts nobody.
        _ => return skip(),
    };
    let mut ranked: [Vec<Witness>; 4] = [vec![], vec![], vec![], vec![]];
    for cluster in select("Karpcheck::Cluster").given() {
        if controller.same("@cluster", cluster, "@cluster") == Answer::No {
            continue;
        }
        for field in cluster.find("/Evidence/*/Name") {
            let Value::Text(name) = &field.value else { continue };
            let entry = field.at.trim_end_matches("/Name");
            let rank = cluster.text(&format!("{entry}/Rank"))?.unwrap_or_default();
            let index = match rank.as_str() {
                "definitive" => 0,
                "strong" => 1,
                "medium" => 2,
                _ => 3,
            };
            ranked[index].push(Witness {
                cluster,
                at: field.at.clone(),
                name: name.clone(),
                source: cluster.text(&format!("{entry}/Source"))?.unwrap_or_default(),
                agrees: *name == own,
            });
        }
    }
    let [definitive, strong, medium, weak] = ranked;
    // The strongest witnesses decide; weaker ones only where there are no stronger.
    for (witnesses, severity, confidence) in
        [(definitive, Error, Confidence::High), (strong, Error, Confidence::Medium)]
    {
        match witnesses.iter().find(|witness| !witness.agrees) {
            Some(other) if witnesses.iter().all(|witness| !witness.agrees && witness.name == other.name) => {
                return differs(controller, &own, &witnesses, severity, confidence);
            }
            Some(_) => return differs(controller, &own, &witnesses, Info, Confidence::Low),
            None if !witnesses.is_empty() => return pass(),
            None => {}
        }
    }
    let all: Vec<Witness> = medium.into_iter().chain(weak).collect();
    if all.is_empty() {
        return skip();
    }
    let against: Vec<&Witness> = all.iter().filter(|witness| !witness.agrees).collect();
    match against.as_slice() {
        [] => pass(),
        _ if against.len() < all.len() => differs(controller, &own, &all, Info, Confidence::Low),
        [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|witness| witness.name == first.name) => {
            differs(controller, &own, &all, Warning, Confidence::Low)
        }
        _ => differs(controller, &own, &all, Info, Confidence::Low),
    }
}

fn differs(controller: Item, own: &str, witnesses: &[Witness], severity: Severity, confidence: Confidence) -> Check {
    let against: Vec<&Witness> = witnesses.iter().filter(|witness| !witness.agrees).collect();
    let Some(first) = against.first() else { return pass() };
    let message = format!(
        "Controller {} calls the cluster {own}, but {} says {}: Karpenter terminates what it takes for leftovers of that name, and misses what is its own",
        controller.name(),
        first.source,
        first.name,
    );
    fail(severity, NAME, message)
        .confidence(confidence)
        .remedy(format!(
            "Set settings.clusterName to the name that EKS knows the cluster by{}.",
            if severity == Error { format!(", {}", first.name) } else { String::new() }
        ))
        .see(witnesses.iter().map(|witness| {
            witness.cluster.place(witness.at.clone(), format!("{} says {}", witness.source, witness.name))
        }))
        .check()
}
