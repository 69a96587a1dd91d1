//! eksctl's ClusterConfig: the cluster, its secrets' key, its Pod Identity associations and service accounts with their
//! roles, and the Karpenter that eksctl installs.

use crate::inventory::arn;
use crate::inventory::arn::AccountRegion;
use crate::inventory::reason::Objects;
use crate::inventory::{
    Address, AwsFacts, Builder, Cause, Draft, Logical, Map, Node, Origin, SourceKind, Stated, SymbolScope, Text, Value,
};
use crate::karpenter::releases;
use crate::schema::aws;
use crate::sources::helm::values::object;
use crate::sources::reader::{Content, Release};

const CLUSTER: &str = "AWS::EKS::Cluster";
const ASSOCIATION: &str = "AWS::EKS::PodIdentityAssociation";
const ROLE: &str = "AWS::IAM::Role";

/// Adds what a ClusterConfig describes. Returns the Karpenter that eksctl installs.
pub(super) fn add(builder: &mut Builder, draft: &Draft) -> Vec<Content<'static>> {
    let config = &draft.body;
    let Some(name) = config.at_path(&["metadata", "name"]).filter(|name| matches!(name.value, Value::Text(_))).cloned()
    else {
        return vec![];
    };
    let scope = builder.template();
    let stated = match builder.origin(draft.body.at.doc) {
        Origin::File(path) => builder.stated().of_unit(path).clone(),
        _ => builder.stated().clone(),
    };
    let config = Config { scope, name, region: config.at_path(&["metadata", "region"]).cloned(), body: config, stated };
    config.cluster(builder);
    for (number, one) in elements(config.body, &["iam", "podIdentityAssociations"]).iter().enumerate() {
        config.association(builder, number, one);
    }
    for (number, one) in elements(config.body, &["iam", "serviceAccounts"]).iter().enumerate() {
        config.account(builder, number, one);
    }
    config.karpenter().into_iter().collect()
}

fn elements<'n>(node: &'n Node, path: &[&str]) -> &'n [Node] {
    node.at_path(path).map(Node::elements).unwrap_or_default()
}

struct Config<'a> {
    scope: SymbolScope,
    name: Node,
    region: Option<Node>,
    body: &'a Node,
    stated: Stated,
}

impl Config<'_> {
    fn add(&self, builder: &mut Builder, kind: &'static str, id: Option<&Node>, logical: &str, body: Map, at: &Node) {
        let text = |node: &Node| match &node.value {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let id = id.and_then(text);
        let name = id.as_ref().map_or_else(|| logical.to_owned(), Text::to_string);
        let mut draft = Draft::new(kind, name, Node::new(Value::Map(body), at.at), SourceKind::Manifest);
        draft.aws = Some(Box::new(AwsFacts {
            region: self.region.clone(),
            id,
            logical: vec![Logical { scope: self.scope, id: logical.into() }],
            ..AwsFacts::default()
        }));
        builder.add(draft);
    }

    fn cluster(&self, builder: &mut Builder) {
        let mut body = Map::default();
        body.set("Name", self.name.clone());
        if let Some(role) = self.body.at_path(&["iam", "serviceRoleARN"]) {
            body.set("RoleArn", role.clone());
        }
        if let Some(key) = self.body.at_path(&["secretsEncryption", "keyARN"]) {
            let provider = object([("KeyArn", key.clone())], key.at);
            let entry = object([("Resources", Node::text("secrets", key.at)), ("Provider", provider)], key.at);
            body.set("EncryptionConfig", entry);
        }
        if let Some(auto) = self.body.at_path(&["autoModeConfig", "enabled"]) {
            body.set("ComputeConfig", object([("Enabled", auto.clone())], auto.at));
        }
        if let Some(tags) = self.body.at_path(&["metadata", "tags"]) {
            body.set("Tags", tags.clone());
        }
        self.add(builder, CLUSTER, Some(&self.name), "cluster", body, self.body);
    }

    /// A role that eksctl makes: its ARN, which refers to it.
    fn role(&self, builder: &mut Builder, id: &str, one: &Node, names: [&str; 3], trust: Node) -> Node {
        let [name, attached, boundary] = names;
        let mut body = Map::default();
        let named = one.member(name).filter(|name| matches!(&name.value, Value::Text(name) if !name.is_empty()));
        if let Some(name) = named {
            body.set("RoleName", name.clone());
        }
        body.set("AssumeRolePolicyDocument", trust);
        if let Some(policies) = one.member(attached) {
            body.set("ManagedPolicyArns", policies.clone());
        }
        if let Some(boundary) = one.member(boundary) {
            body.set("PermissionsBoundary", boundary.clone());
        }
        // What eksctl writes into the role for its own well-known policies is in its source, not here.
        let inline = match one.member("permissionPolicy").or_else(|| one.member("attachPolicy")) {
            Some(document) => {
                let name = Node::text("eksctl", document.at);
                let policy = object([("PolicyName", name), ("PolicyDocument", document.clone())], document.at);
                Some(Node::new(Value::List([policy].into_iter().collect()), document.at))
            }
            None => one
                .member("wellKnownPolicies")
                .map(|known| Node::unknown(Cause::NotProvided, Objects::EksctlPolicies, known.at)),
        };
        if let Some(inline) = inline {
            body.set("Policies", inline);
        }
        let arn = match named.map(|name| &name.value) {
            Some(Value::Text(name)) => self.arn(name),
            _ => None,
        };
        self.add(builder, ROLE, named, id, body, one);
        let address = Address { scope: self.scope, id: id.into(), attribute: "Arn".into() };
        let text = arn.unwrap_or_else(|| {
            Text::symbol(crate::inventory::Symbol::new(format!("${{{id}.Arn}}"), self.scope, Objects::EksctlName))
        });
        Node::text(text.referring(address), one.at)
    }

    fn arn(&self, name: &Text) -> Option<Text> {
        let or_symbol =
            |stated: &Option<String>, name: &str| stated.as_deref().map_or_else(|| arn::unstated(name), Text::from);
        let region = self.region.as_ref().and_then(Node::as_str);
        let partition = self.stated.partition.clone().or_else(|| region.and_then(aws::partition_of).map(str::to_owned));
        let home = AccountRegion {
            partition: or_symbol(&partition, arn::PARTITION),
            region: Text::from(""),
            account: or_symbol(&self.stated.account, arn::ACCOUNT),
        };
        arn::compose(ROLE, &home, name)
    }

    fn association(&self, builder: &mut Builder, number: usize, one: &Node) {
        let mut body = Map::default();
        body.set("ClusterName", self.name.clone());
        for (field, property) in [("namespace", "Namespace"), ("serviceAccountName", "ServiceAccount")] {
            if let Some(node) = one.member(field) {
                body.set(property, node.clone());
            }
        }
        let role = match one.member("roleARN").filter(|role| !role.is_null()) {
            Some(role) => role.clone(),
            None => {
                let trust = trust(one, "pods.eks.amazonaws.com", &["sts:AssumeRole", "sts:TagSession"]);
                let names = ["roleName", "permissionPolicyARNs", "permissionsBoundaryARN"];
                self.role(builder, &format!("podIdentityAssociations/{number}/role"), one, names, trust)
            }
        };
        body.set("RoleArn", role);
        self.add(builder, ASSOCIATION, None, &format!("podIdentityAssociations/{number}"), body, one);
    }

    /// A service account with a role of its own, through the cluster's OIDC provider.
    fn account(&self, builder: &mut Builder, number: usize, one: &Node) {
        let role = match one.member("attachRoleARN").filter(|role| !role.is_null()) {
            Some(role) => role.clone(),
            None => {
                let trust = Node::unknown(Cause::Symbolic, Objects::EksctlTrust, one.at);
                let names = ["roleName", "attachPolicyARNs", "permissionsBoundary"];
                self.role(builder, &format!("serviceAccounts/{number}/role"), one, names, trust)
            }
        };
        let only_role = one.member("roleOnly").is_some_and(|only| matches!(only.value, Value::Flag(true)));
        let (Some(metadata), false) = (one.member("metadata"), only_role) else { return };
        let Some(name) = metadata.str_at(&["name"]) else { return };
        let annotations = object([("eks.amazonaws.com/role-arn", role)], one.at);
        let mut written = metadata.clone();
        if let Value::Map(map) = &mut written.value {
            map.set("annotations", annotations);
        }
        let mut draft =
            Draft::new("core/ServiceAccount", name, object([("metadata", written)], one.at), SourceKind::Manifest);
        draft.namespace = metadata.str_at(&["namespace"]).map(Into::into);
        builder.add(draft);
    }

    /// The chart that eksctl installs, with the values that it writes.
    fn karpenter(&self) -> Option<Content<'static>> {
        let karpenter = self.body.member("karpenter").filter(|karpenter| !karpenter.is_null())?;
        let at = karpenter.at;
        let on = |name: &str| karpenter.member(name).is_some_and(|flag| matches!(flag.value, Value::Flag(true)));
        let mut settings = Map::default();
        settings.set("clusterName", self.name.clone());
        settings.set("clusterEndpoint", Node::unknown(Cause::Symbolic, Objects::EksctlEndpoint, at));
        let queue = if on("withSpotInterruptionQueue") {
            // From 0.33 on eksctl wrote a setting that the chart ignores, until eksctl-io/eksctl#8844.
            Node::unknown(Cause::Undecidable, Objects::EksctlQueue, at)
        } else {
            Node::text("", at)
        };
        // Up to 0.32 the chart has them below `aws`, and eksctl writes them there.
        let version =
            karpenter.str_at(&["version"]).and_then(releases::number).and_then(|version| releases::minor(&version));
        let nested = version.is_some_and(|minor| minor < (0, 33));
        settings.set(if nested { "interruptionQueueName" } else { "interruptionQueue" }, queue);
        if nested {
            let below = Node::new(Value::Map(std::mem::take(&mut settings)), at);
            settings.set("aws", below);
        }
        let values = object([("settings", Node::new(Value::Map(settings), at))], at);
        Some(Content::Release(Box::new(Release {
            files: vec![],
            name: "karpenter".into(),
            namespace: Some("karpenter".into()),
            chart: "karpenter".into(),
            repository: String::new(),
            version: karpenter.member("version").cloned(),
            chart_ref: None,
            values,
            source: SourceKind::Manifest,
        })))
    }
}

fn trust(one: &Node, service: &str, actions: &[&str]) -> Node {
    let at = one.at;
    let actions = actions.iter().map(|action| Node::text(*action, at)).collect();
    let principal = object([("Service", Node::text(service, at))], at);
    let statement = object(
        [
            ("Effect", Node::text("Allow", at)),
            ("Principal", principal),
            ("Action", Node::new(Value::List(actions), at)),
        ],
        at,
    );
    let statements = Node::new(Value::List([statement].into_iter().collect()), at);
    object([("Version", Node::text("2012-10-17", at)), ("Statement", statements)], at)
}
