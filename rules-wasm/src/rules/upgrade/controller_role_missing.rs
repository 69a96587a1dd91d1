//! ## What it finds
//!
//! - A running Karpenter without a role of its own: its ServiceAccount names none, and nothing is injected into its Pod, so
//!   that it takes the role of the node that it runs on.
//! - A role whose trust policy does not let the controller's ServiceAccount in.
//!
//! ## Why it matters
//!
//! Where the trust policy names another ServiceAccount or namespace (the chart moved from `karpenter` to `kube-system` with
//! 0.33), STS answers AccessDenied and Karpenter does not start. With the node's role it works as far as that role goes, every
//! Pod on the node has the same rights, and with a hop limit of 1 it works not at all.
//!
//! ## How to fix it
//!
//! Annotate the ServiceAccount with `eks.amazonaws.com/role-arn`, or make a Pod Identity association. The trust policy
//! needs, for the first, `sts:AssumeRoleWithWebIdentity` for the cluster's OIDC provider with
//! `ISSUER:sub = system:serviceaccount:NAMESPACE:NAME`; for the second, `sts:AssumeRole` and `sts:TagSession` for
//! `pods.eks.amazonaws.com`.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata: {labels: {app.kubernetes.io/name: karpenter}}
//!     spec:
//!       serviceAccountName: karpenter
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.7
//!           env: [{name: CLUSTER_NAME, value: demo}, {name: INTERRUPTION_QUEUE, value: demo}]
//! ---
//! apiVersion: v1
//! kind: ServiceAccount
//! metadata:
//!   name: karpenter
//!   namespace: kube-system
//!   annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/karpenter"}
//! ---
//! apiVersion: iam.services.k8s.aws/v1alpha1
//! kind: Role
//! metadata:
//!   name: karpenter
//!   annotations: {services.k8s.aws/owner-account-id: "111122223333"}
//! spec:
//!   name: karpenter
//!   assumeRolePolicyDocument: |
//!     {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
//!       "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"},
//!       "Condition": {"StringEquals": {
//!         "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": "system:serviceaccount:karpenter:karpenter"}}}]}
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata: {labels: {app.kubernetes.io/name: karpenter}}
//!     spec:
//!       serviceAccountName: karpenter
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.7
//!           env: [{name: CLUSTER_NAME, value: demo}, {name: INTERRUPTION_QUEUE, value: demo}]
//! ---
//! apiVersion: v1
//! kind: ServiceAccount
//! metadata:
//!   name: karpenter
//!   namespace: kube-system
//!   annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/karpenter"}
//! ---
//! apiVersion: iam.services.k8s.aws/v1alpha1
//! kind: Role
//! metadata:
//!   name: karpenter
//!   annotations: {services.k8s.aws/owner-account-id: "111122223333"}
//! spec:
//!   name: karpenter
//!   assumeRolePolicyDocument: |
//!     {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
//!       "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"},
//!       "Condition": {"StringEquals": {
//!         "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": "system:serviceaccount:kube-system:karpenter"}}}]}
//! ```
//!
//! ## Sources
//!
//! - Amazon EKS user guide, "IAM roles for service accounts":
//!   <https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>
//! - Amazon EKS user guide, "EKS Pod Identity":
//!   <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html>
//! - Karpenter, upgrade guide, 0.33 (namespace): <https://karpenter.sh/docs/upgrading/upgrade-guide/>

use karpcheck_sdk::prelude::*;

use crate::documents::{not_given, statements};

pub(crate) const RULE: Rule = Rule {
    title: "The controller has no role of its own, or may not take it",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    reads: &["AWS::IAM::Role"],
    reads_if_allowed: &["AWS::EKS::PodIdentityAssociation"],
    check,
    ..Rule::DEFAULT
};

fn check(controller: Item) -> Check {
    let named = controller.field("/Role");
    if named.is_absent() {
        return fail(
            "",
            format!(
                "Karpenter {} has no role of its own: neither its ServiceAccount nor its Pod names one, so it acts with the \
                 role of its node",
                controller.name()
            ),
        )
        .severity(Warning)
        .remedy("Annotate the ServiceAccount with eks.amazonaws.com/role-arn, or make a Pod Identity association.")
        .check();
    }
    let links = named.related();
    let Some(link) = links.first() else { return unknown("the controller's role is not known") };
    let Some(role) = link.item()? else { return skip() };
    // Which ServiceAccount it is, only a Deployment says.
    let (Some(namespace), Some(account)) = (controller.text("@namespace")?, controller.text("/ServiceAccount")?) else {
        return skip();
    };
    let trust = role.field("/AssumeRolePolicyDocument");
    if let Some(unknown) = not_given(&trust) {
        return Err(unknown);
    }
    let subject = format!("system:serviceaccount:{namespace}:{account}");
    let mut others: Vec<Place> = vec![];
    let mut open = None;
    for statement in statements(&trust) {
        match lets_in(&statement, &subject, &mut others) {
            Ok(true) => return pass(),
            Ok(false) => {}
            Err(unknown) => open = Some(unknown),
        }
    }
    if let Some(unknown) = open {
        return Err(unknown);
    }
    if others.is_empty() {
        others.push(trust.place("the trust policy"));
    }
    fail(
        named,
        format!(
            "the trust policy of role {} does not let {subject} in: Karpenter {} gets no credentials and does not start",
            role.name(),
            controller.name()
        ),
    )
    .remedy(format!("Let {subject} assume the role in its trust policy (or pods.eks.amazonaws.com, for Pod Identity)."))
    .related(others)
    .check()
}

/// The texts of a field that is one or a list of them, each with its place.
fn texts(field: &Field) -> Result<Vec<(String, Field)>, Unknown> {
    if let Value::Text(text) = field.value() {
        return Ok(vec![(text.clone(), field.clone())]);
    }
    field
        .each()
        .map(|member| {
            let member = member?;
            Ok((member.text()?.unwrap_or_default(), member))
        })
        .collect()
}

/// Does a statement let the ServiceAccount in, by web identity or as a Pod? Whom it lets in instead goes to `others`.
fn lets_in(statement: &Field, subject: &str, others: &mut Vec<Place>) -> Result<bool, Unknown> {
    if !statement.child("Effect").matches_or_unknown("Allow")? {
        return Ok(false);
    }
    let actions = texts(&statement.child("Action"))?;
    let does = |wanted: &str| actions.iter().any(|(action, _)| like(&action.to_lowercase(), &wanted.to_lowercase()));
    if texts(&statement.field("/Principal/Service"))?.iter().any(|(who, _)| who == "pods.eks.amazonaws.com") {
        return Ok(does("sts:AssumeRole") && does("sts:TagSession"));
    }
    if !does("sts:AssumeRoleWithWebIdentity") {
        return Ok(false);
    }
    for condition in statement.find("/Condition/*/*").known() {
        // A key that is known in part may be the one.
        if !condition.key().text()?.is_some_and(|name| name.ends_with(":sub")) {
            continue;
        }
        let values = texts(&condition)?;
        let exact = condition.parent().name().contains("StringEquals");
        if values.iter().any(|(value, _)| if exact { value == subject } else { like(value, subject) }) {
            return Ok(true);
        }
        others.extend(values.into_iter().map(|(_, field)| field.place("lets in another ServiceAccount")));
        return Ok(false);
    }
    // Whoever the provider vouches for.
    Ok(true)
}

/// Does a text match a pattern of `*` and `?`?
fn like(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            like(rest, text) || text.char_indices().any(|(at, char)| like(rest, &text[at + char.len_utf8()..]))
        }
        Some(wanted) => {
            let mut chars = text.chars();
            chars.next().is_some_and(|char| wanted == '?' || wanted == char)
                && like(&pattern[wanted.len_utf8()..], chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_subjects_are_matched() {
        assert!(like("system:serviceaccount:*:karpenter", "system:serviceaccount:kube-system:karpenter"));
        assert!(like("sts:*", "sts:assumerole") && like("*", "x"));
        assert!(!like("system:serviceaccount:karpenter:*", "system:serviceaccount:kube-system:karpenter"));
    }
}
