//! EKS.

use crate::inventory::{LookupResult, Node};
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    ResponseReader, Subject, is_list, is_map, missing_nothing, not_given, text_of, untold_nothing,
};
use crate::sources::mapping::{Rows, block, row};

const CLUSTER: &str = "AWS::EKS::Cluster";
const ASSOCIATION: &str = "AWS::EKS::PodIdentityAssociation";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "eks",
        name: "describe-cluster",
        members: &["cluster"],
        fits: |node| is_map(node, "cluster") && node.at_path(&["cluster", "arn"]).is_some(),
        take: cluster,
        untold: |taker, reason| {
            if let Some(subject) = taker.asked.option("name").map(Subject::named) {
                taker.unknown(CLUSTER, subject, &["Endpoint", "EncryptionConfig", "Version"], reason);
            }
        },
        missing: |taker| taker.none_called(CLUSTER, "name"),
    },
    Operation {
        service: "eks",
        name: "list-pod-identity-associations",
        members: &["associations"],
        fits: |node| is_list(node, "associations", "associationArn"),
        take: |taker, node| {
            let list = node.member("associations").map(Node::elements).unwrap_or_default();
            list.iter().for_each(|one| association(taker, one));
            // Not even one is an answer, too.
            taker.facts = taker.facts.max(1);
        },
        untold: |taker, reason| taker.told(ASSOCIATION, LookupResult::Unavailable(reason.clone())),
        missing: missing_nothing,
    },
    Operation {
        service: "eks",
        name: "describe-pod-identity-association",
        members: &["association"],
        fits: |node| node.at_path(&["association", "associationArn"]).is_some(),
        take: |taker, node| {
            if let Some(one) = node.member("association") {
                association(taker, one);
            }
        },
        untold: untold_nothing,
        missing: missing_nothing,
    },
];

const FIELDS: Rows = &[
    row("name", "Name"),
    row("version", "Version"),
    row("endpoint", "Endpoint"),
    row("roleArn", "RoleArn"),
    row("status", "Status"),
    row("identity/oidc/issuer", "OpenIdConnectIssuerUrl"),
    block(
        "encryptionConfig",
        "EncryptionConfig",
        &[row("resources", "Resources"), block("provider", "Provider", &[row("keyArn", "KeyArn")])],
    ),
    block("computeConfig", "ComputeConfig", &[row("enabled", "Enabled"), row("nodeRoleArn", "NodeRoleArn")]),
    block("accessConfig", "AccessConfig", &[row("authenticationMode", "AuthenticationMode")]),
    block("zonalShiftConfig", "ZonalShiftConfig", &[row("enabled", "Enabled")]),
    row("tags", "Tags"),
];

const ASSOCIATION_FIELDS: Rows = &[
    row("clusterName", "ClusterName"),
    row("namespace", "Namespace"),
    row("serviceAccount", "ServiceAccount"),
    row("roleArn", "RoleArn"),
    row("associationId", "AssociationId"),
];

fn cluster(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(cluster) = node.member("cluster") else { return };
    if let Some(arn) = text_of(cluster.member("arn")) {
        let map = taker.fields(CLUSTER, cluster, FIELDS);
        taker.resource(CLUSTER, Subject::named(arn), map, cluster.at);
    }
}

fn association(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(arn) = text_of(node.member("associationArn")) else { return };
    let mut map = taker.fields(ASSOCIATION, node, ASSOCIATION_FIELDS);
    // The list does not say the role.
    if map.get("RoleArn").is_none_or(Node::is_null) {
        map.set("RoleArn", not_given("the role of the Pod Identity association was not given".into(), node.at));
    }
    taker.resource(ASSOCIATION, Subject::named(arn), map, node.at);
}
