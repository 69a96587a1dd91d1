//! EKS.

use crate::inventory::{LookupResult, Node};
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    As, Fields, ResponseReader, Subject, is_list, is_map, missing_nothing, not_given, text_of, untold_nothing,
};

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

const FIELDS: Fields = &[
    ("name", "Name", As::Same),
    ("version", "Version", As::Same),
    ("endpoint", "Endpoint", As::Same),
    ("roleArn", "RoleArn", As::Same),
    ("status", "Status", As::Same),
    ("identity.oidc.issuer", "OpenIdConnectIssuerUrl", As::Same),
    (
        "encryptionConfig",
        "EncryptionConfig",
        As::Each(&[
            ("resources", "Resources", As::Same),
            ("provider", "Provider", As::Object(&[("keyArn", "KeyArn", As::Same)])),
        ]),
    ),
    (
        "computeConfig",
        "ComputeConfig",
        As::Object(&[("enabled", "Enabled", As::Flag), ("nodeRoleArn", "NodeRoleArn", As::Same)]),
    ),
    ("accessConfig.authenticationMode", "AuthenticationMode", As::Same),
    ("zonalShiftConfig", "ZonalShiftConfig", As::Object(&[("enabled", "Enabled", As::Flag)])),
    ("tags", "Tags", As::Same),
];

fn cluster(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(cluster) = node.member("cluster") else { return };
    if let Some(arn) = text_of(cluster.member("arn")) {
        taker.resource(CLUSTER, Subject::named(arn), ResponseReader::fields(cluster, FIELDS), cluster.at);
    }
}

fn association(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(arn) = text_of(node.member("associationArn")) else { return };
    let fields: Fields = &[
        ("clusterName", "ClusterName", As::Same),
        ("namespace", "Namespace", As::Same),
        ("serviceAccount", "ServiceAccount", As::Same),
        ("associationId", "AssociationId", As::Same),
    ];
    let mut map = ResponseReader::fields(node, fields);
    // The list does not say the role.
    let role = node.member("roleArn").cloned();
    map.set(
        "RoleArn",
        role.unwrap_or_else(|| not_given("the role of the Pod Identity association was not given".into(), node.at)),
    );
    taker.resource(ASSOCIATION, Subject::named(arn), map, node.at);
}
