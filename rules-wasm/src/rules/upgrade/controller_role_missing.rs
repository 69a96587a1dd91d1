//! ## What it finds
//!
//! - A running Karpenter without a role of its own: its ServiceAccount names none, and nothing is injected into its Pod, so
//!   that it takes the role of the node that it runs on.
//! - A role whose trust policy does not let the controller's ServiceAccount in.
//! - A Pod Identity association that is for another namespace or ServiceAccount than the controller's, which has no other role.
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

use crate::documents::{allows, not_given, statements};

pub(crate) const RULE: Rule = Rule {
    title: "The controller has no IAM role of its own, or cannot assume it",
    severity: Error,
    subjects: &["Karpcheck::Controller"],
    reads: &["AWS::IAM::Role"],
    reads_if_allowed: &[ASSOCIATION, CLUSTER],
    check,
    ..Rule::DEFAULT
};

const ASSOCIATION: &str = "AWS::EKS::PodIdentityAssociation";
const CLUSTER: &str = "AWS::EKS::Cluster";
/// What a ServiceAccount's token is for, unless `eks.amazonaws.com/audience` says otherwise:
/// <https://github.com/aws/amazon-eks-pod-identity-webhook>.
const AUDIENCE: &str = "sts.amazonaws.com";
/// The cluster's ARN.
const CLUSTER_ARN: &str = "arn:{partition}:eks:{region}:{account}:cluster/{cluster}";
/// The service that gives Pods the credentials of their association's role.
const POD_IDENTITY: &str = "pods.eks.amazonaws.com";

/// Neither an annotation nor an association gives the controller a role, as far as was read.
const NO_ROLE_READ: &str = "role-not-read";
/// The ServiceAccount of the chart, unless it is named otherwise.
const USUAL_ACCOUNT: &str = "karpenter";

fn check(controller: Item) -> Check {
    let named = controller.field("/Role");
    if named.is_absent() {
        return fail(
            "",
            format!(
                "Karpenter {} has no role of its own: neither its ServiceAccount nor its Pod names one, so it acts \
                 with its node's role",
                controller.name()
            ),
        )
        .severity(Warning)
        .remedy("Annotate the ServiceAccount with eks.amazonaws.com/role-arn, or make a Pod Identity association.")
        .check();
    }
    if let Some(finding) = for_another(controller, &named) {
        return finding.check();
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
    let who = Who { controller, role, trust, namespace, account };
    let associations: Vec<Item> = role.referring(ASSOCIATION).collect();
    // Where there is an association, its credentials come before those of a token.
    if associations.iter().any(|association| who.is_of(*association)) {
        return who.verdict(who.by_association());
    }
    let by_token = who.by_token(&controller.text("/TokenAudience")?.unwrap_or_else(|| AUDIENCE.into()));
    if by_token == Entry::Allowed || !associations.is_empty() {
        return who.verdict(by_token);
    }
    match who.by_association() {
        Entry::Allowed => {
            let why = format!(
                "role {} lets Pods assume it by a Pod Identity association, and whether there is one for {} was not \
                 provided",
                role.name(),
                who.subject()
            );
            Err(Unknown::not_provided(why).at(named.place("")).settled_by(Settlement::Kind(ASSOCIATION.into())))
        }
        _ => who.verdict(by_token),
    }
}

/// No role was read for the controller, but an association for a ServiceAccount of its name elsewhere, or for Karpenter's usual one
/// beside its own.
fn for_another(controller: Item, named: &Field) -> Option<Finding> {
    named.value().unknown().filter(|unknown| unknown.code == NO_ROLE_READ)?;
    let (namespace, account) = (controller.known_text("@namespace")?, controller.known_text("/ServiceAccount")?);
    let of_it = |association: &Item| {
        let theirs = (association.known_text("/Namespace")?, association.known_text("/ServiceAccount")?);
        let cluster = association.field("/ClusterName").same(&controller.field("/ClusterName"));
        let meant = theirs.1 == account || (theirs.0 == namespace && theirs.1 == USUAL_ACCOUNT);
        (meant && !cluster.is_no()).then_some((*association, theirs))
    };
    let associations: Vec<(Item, (String, String))> =
        select(ASSOCIATION).known().filter_map(|association| of_it(&association)).collect();
    let own = |(_, theirs): &(Item, (String, String))| theirs.0 == namespace && theirs.1 == account;
    let (association, theirs) = associations.first().filter(|_| !associations.iter().any(own))?;
    let finding = fail(
        "/Role",
        format!(
            "the Pod Identity association that was read is for {}:{}, and Karpenter {} runs as {namespace}:{account}: it gets no \
             credentials by it, and acts with its node's role",
            theirs.0,
            theirs.1,
            controller.name()
        ),
    );
    let remedy = format!("Make the association for namespace {namespace} and ServiceAccount {account}.");
    Some(
        finding
            .severity(Warning)
            .confidence(Confidence::Medium)
            .remedy(remedy)
            .related([association.place("/Namespace", "the association")]),
    )
}

/// May the ServiceAccount take the role?
#[derive(PartialEq)]
enum Entry {
    Allowed,
    /// No, and these statements come nearest.
    Denied(Vec<Place>),
    Unknown(Unknown),
}

/// Who wants which role.
struct Who {
    controller: Item,
    role: Item,
    /// The role's trust policy.
    trust: Field,
    namespace: String,
    account: String,
}

impl Who {
    /// As its token has it.
    fn subject(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.account)
    }

    /// Is an association certainly this ServiceAccount's?
    fn is_of(&self, association: Item) -> bool {
        association.field("/Namespace").is(&self.namespace) && association.field("/ServiceAccount").is(&self.account)
    }

    /// With the token of some provider that the trust policy names: where the cluster does not say its issuer, the policy alone
    /// says which of them is the cluster's.
    fn by_token(&self, audience: &str) -> Entry {
        let own = self.issuer();
        let providers = ["/Statement/Principal/Federated", "/Statement/*/Principal/Federated"]
            .into_iter()
            .flat_map(|at| self.trust.find(at))
            .flat_map(|found| match found {
                Ok(field) if field.is_absent() => vec![],
                Ok(field) if matches!(field.value(), Value::Json(_)) => field.each().collect(),
                other => vec![other],
            });
        let mut entry = Entry::Denied(vec![]);
        for provider in providers {
            let asked = match provider {
                Ok(provider) if self.is_strange(&provider, own.as_deref()) => Entry::Denied(vec![
                    provider.place("it is not the provider of the cluster's tokens in the role's account"),
                ]),
                Ok(provider) => self.entry(self.with_token(&provider, audience)),
                Err(unknown) => Entry::Unknown(unknown),
            };
            entry = entry.or(asked);
        }
        match (entry, self.everyone()) {
            (Entry::Denied(_), Some(principal)) => {
                let why =
                    "whether STS takes a token where the trust policy names everyone and no provider is not known";
                Entry::Unknown(Unknown::undecidable(why).at(principal.place("")))
            }
            (entry, _) => entry,
        }
    }

    /// Where the trust policy lets everyone assume the role with a token, naming no provider.
    fn everyone(&self) -> Option<Field> {
        let has = |field: Field, value: &str| {
            let listed = field.each().known();
            std::iter::once(field.clone()).chain(listed).any(|one| one.is(value))
        };
        let by_token = |statement: &Field| {
            let actions = ["sts:AssumeRoleWithWebIdentity", "sts:*", "*"];
            allows(statement) && actions.into_iter().any(|action| has(statement.child("Action"), action))
        };
        let principals =
            statements(&self.trust).into_iter().filter(by_token).map(|statement| statement.child("Principal"));
        let mut everyone = principals.filter(|principal| principal.is("*") || has(principal.child("AWS"), "*"));
        everyone.next()
    }

    /// The issuer of the cluster's tokens without its scheme, as providers and condition keys have it; none if it is not known.
    fn issuer(&self) -> Option<String> {
        let links = self.controller.related("/ClusterName");
        let cluster = links.first()?.item().ok()??;
        let url = cluster.known_text("/OpenIdConnectIssuerUrl")?;
        Some(url.trim_start_matches("https://").to_owned())
    }

    /// Is a provider certainly not one that STS takes the cluster's tokens by? It looks for a provider of the token's issuer in
    /// the account of the role; SAML's and those of names (`accounts.google.com`) are none. What is neither ARN nor name
    /// (`OIDC_PROVIDER`) is refused by IAM as it stands, so that somebody fills it in.
    fn is_strange(&self, provider: &Field, own: Option<&str>) -> bool {
        let Some(arn) = provider.known_text() else { return false };
        let Some((before, issuer)) = arn.split_once(":oidc-provider/") else {
            return arn.starts_with("arn:") || arn.contains('.');
        };
        let named = self.controller.known_text("/Role");
        // What the role's own source leaves open, the ARN says that the controller takes it by.
        let differs = |number: usize, fact: &str| {
            let part = |arn: &str| arn.split(':').nth(number).filter(|part| !part.is_empty()).map(str::to_owned);
            let own = self.role.known_text(fact).or_else(|| part(named.as_deref()?));
            part(before).zip(own).is_some_and(|(part, own)| part != own)
        };
        // A word in the place of an account (`ACCOUNT_ID`) is to be filled in, too.
        let account = before.split(':').nth(4).is_some_and(|account| account.bytes().all(|byte| byte.is_ascii_digit()));
        own.is_some_and(|own| own != issuer) || (account && differs(4, "@account")) || differs(1, "@partition")
    }

    /// `sts:AssumeRoleWithWebIdentity` with a token of this provider: it says ISSUER:sub and ISSUER:aud, and nothing of
    /// another issuer.
    fn with_token(&self, provider: &Field, audience: &str) -> Request {
        let issuer = provider
            .known_text()
            .and_then(|arn| arn.split_once(":oidc-provider/").map(|(_, issuer)| issuer.to_owned()));
        let mut request = Request::by_provider("{provider}", "sts:AssumeRoleWithWebIdentity", self.role)
            .field("provider", provider.clone());
        for (claim, says) in [("sub", self.subject()), ("aud", audience.to_owned())] {
            if let Some(issuer) = &issuer {
                request = request.with(format!("{issuer}:{claim}"), says.as_str());
            }
            let mut keys: Vec<Field> = vec![];
            let conditions = ["/Statement/Condition/*/*", "/Statement/*/Condition/*/*"];
            for key in
                conditions.into_iter().flat_map(|at| self.trust.find(at).known()).map(|condition| condition.key())
            {
                if key.matches(&format!("*:{claim}")).is_yes() && !keys.iter().any(|known| known.same(&key).is_yes()) {
                    keys.push(key);
                }
            }
            for (number, key) in keys.into_iter().enumerate() {
                let value = match (&issuer, key.known_text()) {
                    (Some(issuer), Some(written)) if written == format!("{issuer}:{claim}") => continue,
                    (Some(_), Some(_)) => Value::Absent,
                    // A provider's ARN is no issuer.
                    _ if key.matches("arn:*").is_yes() => Value::Absent,
                    // Of an issuer that is a parameter, the policy's own key is the only word.
                    _ => says.as_str().into(),
                };
                let name = format!("{claim} {number}");
                request = request.with(format!("{{{name}}}"), value).field(name, key);
            }
        }
        request
    }

    /// As a Pod, by an association.
    fn by_association(&self) -> Entry {
        let controller = self.controller;
        let ask = |action: &str| {
            let request = Request::by_service(POD_IDENTITY, action, self.role)
                .field("partition", self.role.field("@partition"))
                .field("account", self.role.field("@account"))
                .field("region", controller.field("@region"))
                .field("cluster", controller.field("/ClusterName"))
                .with("aws:RequestTag/kubernetes-namespace", self.namespace.as_str())
                .with("aws:RequestTag/kubernetes-service-account", self.account.as_str())
                .with_template("aws:RequestTag/eks-cluster-name", "{cluster}")
                .with_template("aws:RequestTag/eks-cluster-arn", CLUSTER_ARN)
                .with_template("aws:SourceAccount", "{account}")
                .with_template("aws:SourceArn", CLUSTER_ARN);
            self.entry(request)
        };
        match ask("sts:AssumeRole") {
            Entry::Allowed => ask("sts:TagSession"),
            other => other,
        }
    }

    fn entry(&self, request: Request) -> Entry {
        let decision = request.decide();
        match decision.access {
            Access::Allowed => Entry::Allowed,
            Access::Unknown => Entry::Unknown(decision.unknown.into()),
            Access::ImplicitDeny | Access::ExplicitDeny => Entry::Denied(decision.statements),
        }
    }

    fn verdict(&self, entry: Entry) -> Check {
        let mut nearest = match entry {
            Entry::Allowed => return pass(),
            Entry::Unknown(unknown) => return Err(unknown),
            Entry::Denied(nearest) => nearest,
        };
        if nearest.is_empty() {
            nearest.push(self.trust.place("the trust policy"));
        }
        let (subject, role, controller) = (self.subject(), self.role.name(), self.controller.name());
        fail(
            "/Role",
            format!(
                "the trust policy of role {role} does not allow {subject} to assume it: Karpenter {controller} gets \
                 no credentials and does not start"
            ),
        )
        .remedy(format!(
            "Allow {subject} to assume the role in its trust policy (or {POD_IDENTITY}, for Pod Identity)."
        ))
        .related(nearest)
        .check()
    }
}

impl Entry {
    /// Either way in will do.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Allowed, _) | (_, Self::Allowed) => Self::Allowed,
            (Self::Unknown(unknown), _) | (_, Self::Unknown(unknown)) => Self::Unknown(unknown),
            (Self::Denied(one), Self::Denied(other)) => Self::Denied(if one.is_empty() { other } else { one }),
        }
    }
}
