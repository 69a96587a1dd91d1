//! ## What it finds
//!
//! A Karpenter controller without a cluster name. What a file of values leaves blank is not decided: another file or `--set`
//! may fill it in.
//!
//! ## Why it matters
//!
//! The name is part of every tag by which Karpenter knows its instances, and the chart requires it. A controller without
//! it does not start; values that leave it empty fail when they are rendered.
//!
//! ## How to fix it
//!
//! Set `settings.clusterName` to the EKS cluster's name (up to 0.31: `settings.aws.clusterName`).
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: helm.toolkit.fluxcd.io/v2
//! kind: HelmRelease
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   chart: {spec: {chart: karpenter, version: 1.8.7, sourceRef: {kind: HelmRepository, name: karpenter}}}
//!   values:
//!     settings: {clusterName: "", interruptionQueue: prod}
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
//! ```
//!
//! ## Sources
//!
//! - charts/karpenter/templates/deployment.yaml of <https://github.com/aws/karpenter-provider-aws>: `required "settings.clusterName"`.

use karpcheck_sdk::prelude::*;

use crate::controllers;

pub(crate) const RULE: Rule = Rule {
    title: "Karpenter has no cluster name",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    check,
    ..Rule::DEFAULT
};

fn check(controller: Item) -> Check {
    match controller.get("/ClusterName") {
        Value::Text(name) if !name.trim().is_empty() => return pass(),
        // A placeholder or a parameter is a name, whichever it will be.
        Value::Unknown(unknown) if unknown.is_symbolic() => return pass(),
        Value::Unknown(unknown) if unknown.is_not_provided() => return skip(),
        Value::Unknown(unknown) => return Err(unknown),
        _ => {}
    }
    let written = ["/Settings/clusterName", "/Settings/aws/clusterName", "/ClusterName"].map(|at| controller.field(at));
    // A name that stands where another version read it.
    let elsewhere = !written[2].is_absent() && written[0].is_absent();
    let at = written.into_iter().find(|field| !field.is_absent()).unwrap_or_else(|| controller.field(""));
    let setting = controllers::cluster_name_setting(controller);
    let place = if elsewhere { format!(" in {setting}, where this version looks for it") } else { String::new() };
    fail(
        at,
        format!("Controller {} has no cluster name{place}: a controller without one does not start", controller.name()),
    )
    .remedy(format!("Set {setting} to the name of the EKS cluster."))
    .group(if elsewhere { "elsewhere" } else { "no-name" })
    .check()
}
