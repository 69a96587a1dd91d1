//! ## What it finds
//!
//! A CustomResourceDefinition of Karpenter whose conversion webhook names a Service that is not there: the definitions of 0.33
//! to 1.0 say `kube-system/karpenter`, wherever the controller was installed.
//!
//! ## Why it matters
//!
//! The API server asks the webhook whenever an object is stored in another version than the one that is asked for. Without the
//! Service no such object can be read or written: every list fails with `service "karpenter" not found`, the controller's
//! included.
//!
//! ## How to fix it
//!
//! Install the chart `karpenter-crd` with `webhook.serviceNamespace` and `webhook.serviceName` of the controller, or install the
//! controller in the namespace that the definitions name. From 1.1 on there is no webhook: upgrade the definitions.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: karpenter, labels: {app.kubernetes.io/name: karpenter}}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata: {labels: {app.kubernetes.io/name: karpenter}}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.0.7
//!           env: [{name: CLUSTER_NAME, value: demo}, {name: INTERRUPTION_QUEUE, value: demo}]
//! ---
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata: {name: nodeclaims.karpenter.sh}
//! spec:
//!   group: karpenter.sh
//!   names: {kind: NodeClaim, plural: nodeclaims}
//!   scope: Cluster
//!   conversion:
//!     strategy: Webhook
//!     webhook:
//!       conversionReviewVersions: [v1beta1, v1]
//!       clientConfig: {service: {name: karpenter, namespace: kube-system, port: 8443}}
//!   versions:
//!     - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
//!     - {name: v1beta1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: karpenter, labels: {app.kubernetes.io/name: karpenter}}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata: {labels: {app.kubernetes.io/name: karpenter}}
//!     spec:
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.0.7
//!           env: [{name: CLUSTER_NAME, value: demo}, {name: INTERRUPTION_QUEUE, value: demo}]
//! ---
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata: {name: nodeclaims.karpenter.sh}
//! spec:
//!   group: karpenter.sh
//!   names: {kind: NodeClaim, plural: nodeclaims}
//!   scope: Cluster
//!   conversion:
//!     strategy: Webhook
//!     webhook:
//!       conversionReviewVersions: [v1beta1, v1]
//!       clientConfig: {service: {name: karpenter, namespace: karpenter, port: 8443}}
//!   versions:
//!     - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
//!     - {name: v1beta1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
//! ```
//!
//! ## Sources
//!
//! - Karpenter, upgrade guide, 1.0: <https://karpenter.sh/v1.0/upgrading/v1-migration/>
//! - The definitions of 1.0: <https://github.com/aws/karpenter-provider-aws/tree/v1.0.0/pkg/apis/crds>
//! - As users see it: <https://github.com/aws/karpenter-provider-aws/issues/6818>
//! - Kubernetes, "Webhook conversion":
//!   <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion>

use karpcheck_sdk::prelude::*;

use crate::crds;

pub(crate) const RULE: Rule = Rule {
    title: "A CRD's conversion webhook does not point to the controller",
    severity: Error,
    subjects: &[crds::KIND],
    reads: &["Karpcheck::Controller", "karpenter.sh/NodePool", "karpenter.k8s.aws/EC2NodeClass"],
    reads_if_allowed: &[SERVICE],
    check,
    ..Rule::DEFAULT
};

const SERVICE: &str = "core/Service";

fn check(definition: Item) -> Check {
    let kind = crds::defined(definition)?.unwrap_or_default();
    let ours = kind.starts_with("karpenter.sh/") || kind.starts_with("karpenter.k8s.aws/");
    let conversion = definition.field("/spec/conversion");
    if !ours || !crds::counts(definition) || conversion.child("strategy").text()?.as_deref() != Some("Webhook") {
        return skip();
    }
    // Where one version is served, nothing is converted.
    let served = definition
        .find("/spec/versions/*/served")
        .filter(|flag| !flag.as_ref().is_ok_and(|flag| flag.flag() == Ok(Some(false))));
    let service = conversion.field("/webhook/clientConfig/service");
    let (Some(name), Some(namespace)) = (service.child("name").text()?, service.child("namespace").text()?) else {
        return skip();
    };
    if served.count() < 2 {
        return skip();
    }
    let (mut there, mut listed) = (false, true);
    for one in select(SERVICE) {
        match one {
            Ok(one) => {
                let elsewhere =
                    one.observed() && definition.observed() && definition.same("@cluster", one, "@cluster").is_no();
                there |= !elsewhere && one.name() == name && one.field("@namespace").is(&namespace);
            }
            Err(_) => listed = false,
        }
    }
    if there {
        return pass();
    }
    let controllers: Vec<Item> = {
        let own: Vec<Item> = definition.linked("@controller").collect();
        if own.is_empty() { select("Karpcheck::Controller").known().collect() } else { own }
    };
    let mut homes: Vec<(Item, String)> = vec![];
    for controller in controllers {
        let Some(home) = controller.text("@namespace")? else { continue };
        homes.push((controller, home));
    }
    // A chart's Service stands in no file that was read.
    if homes.iter().any(|(_, home)| *home == namespace) && !(listed && definition.observed()) {
        return pass();
    }
    let Some((controller, home)) = homes.first() else {
        let why = format!("whether there is a Service {namespace}/{name} was not given");
        return unknown(
            Unknown::not_provided(why).with_code("service-not-given").settled_by(Settlement::Kind(SERVICE.into())),
        );
    };
    let where_it_is = if *home == namespace { "there is none".into() } else { format!("the controller is in {home}") };
    fail(
        &service,
        format!(
            "the conversion webhook of CRD {} is Service {namespace}/{name}, but {where_it_is}: no object that is stored in \
             another version can be read",
            definition.name()
        ),
    )
    .confidence(if listed && definition.observed() { Confidence::High } else { Confidence::Medium })
    .remedy(format!("Install the definitions with webhook.serviceNamespace={home} (chart karpenter-crd), or those of 1.1 or later."))
    .related([controller.place("", "the controller")])
    .group("elsewhere")
    .check()
}
