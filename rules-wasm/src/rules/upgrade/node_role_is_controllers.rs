//! ## What it finds
//!
//! An EC2NodeClass whose role is the controller's own, or any other role that EC2 may not take: one whose trust policy does not
//! let `ec2.amazonaws.com` in. Terraform's module for Karpenter has both roles, and their outputs are easily taken for each
//! other: `iam_role_name` is the controller's, `node_iam_role_name` that of the nodes.
//!
//! ## Why it matters
//!
//! An instance gets credentials only of a role that trusts EC2. Instances of this class start, and never join the cluster:
//! Karpenter takes them away after fifteen minutes and starts the next ones.
//!
//! ## How to fix it
//!
//! Name the role of the nodes, which trusts `ec2.amazonaws.com` and has the policies of a node (AmazonEKSWorkerNodePolicy and
//! those beside it), and let the controller pass it.
//!
//! ## Example that fails
//!
//! ```yaml
//! apiVersion: v1
//! kind: ServiceAccount
//! metadata:
//!   name: karpenter
//!   namespace: kube-system
//!   annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/KarpenterController-demo"}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system, labels: {app.kubernetes.io/name: karpenter}}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata: {labels: {app.kubernetes.io/name: karpenter}}
//!     spec:
//!       serviceAccountName: karpenter
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env: [{name: CLUSTER_NAME, value: demo}, {name: INTERRUPTION_QUEUE, value: demo}]
//! ---
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterController-demo
//!   amiSelectorTerms: [{alias: al2023@latest}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//! ```
//!
//! ## Example that passes
//!
//! ```yaml
//! apiVersion: v1
//! kind: ServiceAccount
//! metadata:
//!   name: karpenter
//!   namespace: kube-system
//!   annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/KarpenterController-demo"}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: karpenter, namespace: kube-system, labels: {app.kubernetes.io/name: karpenter}}
//! spec:
//!   selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
//!   template:
//!     metadata: {labels: {app.kubernetes.io/name: karpenter}}
//!     spec:
//!       serviceAccountName: karpenter
//!       containers:
//!         - name: controller
//!           image: public.ecr.aws/karpenter/controller:1.8.1
//!           env: [{name: CLUSTER_NAME, value: demo}, {name: INTERRUPTION_QUEUE, value: demo}]
//! ---
//! apiVersion: karpenter.k8s.aws/v1
//! kind: EC2NodeClass
//! metadata: {name: default}
//! spec:
//!   role: KarpenterNodeRole-demo
//!   amiSelectorTerms: [{alias: al2023@latest}]
//!   subnetSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//!   securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: demo}}]
//! ```
//!
//! ## Sources
//!
//! - IAM user guide, "Use an IAM role to grant permissions to applications running on Amazon EC2 instances":
//!   <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html>
//! - As users see it: <https://github.com/aws/karpenter-provider-aws/issues/8373>

use karpcheck_sdk::prelude::*;

use crate::documents::not_given;

pub(crate) const RULE: Rule = Rule {
    title: "The role of the nodes is one that EC2 cannot assume",
    severity: Error,
    subjects: &["karpenter.k8s.aws/EC2NodeClass"],
    reads: &["Karpcheck::Controller", ROLE],
    check,
    ..Rule::DEFAULT
};

const ROLE: &str = "AWS::IAM::Role";
/// As EC2 is called in a trust policy; the second one in China.
const EC2: &[&str] = &["ec2.amazonaws.com", "ec2.amazonaws.com.cn"];

fn check(class: Item) -> Check {
    let named = class.field("/spec/role");
    if named.is_absent() {
        return skip();
    }
    let role = named.linked();
    let owner = class.linked("@controller").find(|controller| is_of(&named, role, *controller));
    match (owner, role.map(trusts_ec2)) {
        // A controller without a role of its own may share that of the nodes.
        (_, Some(Trust::Lets)) => pass(),
        (Some(controller), trust) => {
            let finding = fail(
                &named,
                format!(
                    "role {} of EC2NodeClass {} is that of the controller itself, which EC2 cannot assume: its nodes \
                     never join the cluster",
                    name(&named, role),
                    class.name()
                ),
            );
            let sure = matches!(trust, Some(Trust::LetsNot(_)));
            finding
                .confidence(if sure { Confidence::High } else { Confidence::Medium })
                .remedy("Name the role of the nodes, and allow the controller to pass that one.")
                .related([controller.field("/Role").place("the controller's role")])
                .related(role.map(|role| role.place("", "the role")))
                .check()
        }
        (None, Some(Trust::LetsNot(nearest))) => fail(
            &named,
            format!(
                "role {} of EC2NodeClass {} does not trust EC2: its trust policy does not name ec2.amazonaws.com, and \
                 its nodes never join the cluster",
                name(&named, role),
                class.name()
            ),
        )
        .remedy("Name the role of the nodes, or allow ec2.amazonaws.com to assume this one in its trust policy.")
        .related(nearest)
        .check(),
        (None, Some(Trust::Unknown(unknown))) => Err(unknown),
        // It is not the controller's, as far as its name tells.
        (None, Some(Trust::NotGiven) | None) => {
            let told = |controller: Item| controller.known_text("/Role").is_some() && named.known_text().is_some();
            if class.linked("@controller").any(told) { pass() } else { skip() }
        }
    }
}

/// Is the class's role certainly a controller's?
fn is_of(named: &Field, role: Option<Item>, controller: Item) -> bool {
    let own = controller.field("/Role");
    if own.is_blank() {
        return false;
    }
    if let (Some(role), Some(own)) = (role, own.linked()) {
        return role == own;
    }
    // A role's name, and an ARN that ends in it, whatever the path.
    let texts = named.known_text().zip(own.known_text());
    texts.is_some_and(|(name, own)| !name.is_empty() && own.rsplit('/').next() == name.rsplit('/').next())
        || named.same(&own).is_yes()
}

fn name(named: &Field, role: Option<Item>) -> String {
    named.known_text().or_else(|| role.map(Item::name)).unwrap_or_default()
}

/// May EC2 take a role?
enum Trust {
    Lets,
    LetsNot(Vec<Place>),
    NotGiven,
    Unknown(Unknown),
}

fn trusts_ec2(role: Item) -> Trust {
    let trust = role.field("/AssumeRolePolicyDocument");
    if trust.is_absent() || not_given(&trust).is_some() {
        return Trust::NotGiven;
    }
    // The end of a service's name is the partition's: `ec2.${AWS::URLSuffix}` is EC2 in all of them.
    let services = ["/Statement/Principal/Service", "/Statement/*/Principal/Service"].into_iter();
    let is_ec2 = |service: Field| {
        service.matches("ec2.*").is_yes() || service.each().known().any(|one| one.matches("ec2.*").is_yes())
    };
    let may_be_ec2 = services.flat_map(|at| trust.find(at).known()).any(is_ec2);
    let mut refused = Trust::NotGiven;
    for service in EC2 {
        let decision = Request::by_service(service, "sts:AssumeRole", role).decide();
        match decision.access {
            Access::Allowed => return Trust::Lets,
            Access::Unknown if may_be_ec2 => return Trust::Lets,
            Access::Unknown => refused = Trust::Unknown(decision.unknown.into()),
            Access::ImplicitDeny | Access::ExplicitDeny => {
                if !matches!(refused, Trust::Unknown(_)) {
                    let places = if decision.statements.is_empty() {
                        vec![trust.place("the trust policy")]
                    } else {
                        decision.statements
                    };
                    refused = Trust::LetsNot(places);
                }
            }
        }
    }
    refused
}
