//! EKS.

use crate::inventory::reason::Answers;
use crate::inventory::{LookupResult, Node};
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::reader::{
    ResponseReader, Subject, is_list, is_map, not_given, nothing_missing, nothing_unavailable, text_of,
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
        read: cluster,
        unavailable: |reader, reason| {
            if let Some(subject) = reader.asked.option("name").map(Subject::named) {
                reader.unknown(CLUSTER, subject, &["Endpoint", "EncryptionConfig", "Version"], reason);
            }
        },
        missing: |reader| reader.none_called(CLUSTER, "name"),
    },
    Operation {
        service: "eks",
        name: "list-pod-identity-associations",
        members: &["associations"],
        fits: |node| is_list(node, "associations", "associationArn"),
        read: |reader, node| {
            let list = node.member("associations").map(Node::elements).unwrap_or_default();
            list.iter().for_each(|one| association(reader, one));
            // Not even one is an answer, too.
            reader.facts = reader.facts.max(1);
        },
        unavailable: |reader, reason| reader.record(ASSOCIATION, LookupResult::Unavailable(reason.clone())),
        missing: nothing_missing,
    },
    Operation {
        service: "eks",
        name: "describe-pod-identity-association",
        members: &["association"],
        fits: |node| node.at_path(&["association", "associationArn"]).is_some(),
        read: |reader, node| {
            if let Some(one) = node.member("association") {
                association(reader, one);
            }
        },
        unavailable: nothing_unavailable,
        missing: nothing_missing,
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

fn cluster(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(cluster) = node.member("cluster") else { return };
    if let Some(arn) = text_of(cluster.member("arn")) {
        let map = reader.fields(CLUSTER, cluster, FIELDS);
        reader.resource(CLUSTER, Subject::named(arn), map, cluster.at);
    }
}

fn association(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(arn) = text_of(node.member("associationArn")) else { return };
    let mut map = reader.fields(ASSOCIATION, node, ASSOCIATION_FIELDS);
    // The list does not say the role.
    if map.get("RoleArn").is_none_or(Node::is_null) {
        map.set("RoleArn", not_given(Answers::AssociationRole, node.at));
    }
    reader.resource(ASSOCIATION, Subject::named(arn), map, node.at);
}
