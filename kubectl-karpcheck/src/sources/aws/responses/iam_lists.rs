//! IAM's lists of a whole account: `list-roles`, and `get-account-authorization-details`, which has the policies, too. What a
//! list does not have that was asked for whole does not exist.

use std::collections::BTreeSet;

use crate::inventory::{List, LookupResult, Map, Node, Value};
use crate::schema::aws;
use crate::schema::aws::Kind;
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::iam::{FIELDS, MANAGED, MANAGED_FIELDS, ROLE, add_inline, profile_of};
use crate::sources::aws::responses::reader::{
    ResponseReader, Subject, is_list, nothing_missing, nothing_unavailable, text_of,
};
use crate::sources::mapping::PLAIN;
use crate::sources::policy_documents;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "iam",
        name: "list-roles",
        members: &["Roles"],
        // An instance profile has a list of that name, too.
        fits: |node| is_list(node, "Roles", "RoleName") && node.member("InstanceProfileName").is_none(),
        read: roles,
        unavailable: nothing_unavailable,
        missing: nothing_missing,
    },
    Operation {
        service: "iam",
        name: "get-account-authorization-details",
        members: &["RoleDetailList"],
        fits: |node| is_list(node, "RoleDetailList", "RoleName"),
        read: details,
        unavailable: nothing_unavailable,
        missing: nothing_missing,
    },
];

/// The paths of service-linked roles begin so.
const OF_SERVICES: &str = "/aws-service-role/";

fn roles(reader: &mut ResponseReader<'_>, node: &Node) {
    let list = node.member("Roles").map(Node::elements).unwrap_or_default();
    for role in list {
        let Some(subject) = subject_of(role, "RoleName") else { continue };
        // It leaves out boundaries and tags, and does not say so.
        let map = PLAIN.properties(FIELDS, Kind::Object(aws::properties(ROLE)), role);
        reader.part(ROLE, subject, map, role.at);
    }
    let of_services = |role: &Node| text_of(role.member("Path")).is_some_and(|path| path.starts_with(OF_SERVICES));
    let whole = match reader.asked.option("path-prefix") {
        None | Some("/") => {
            // A list that somebody saved may be of one path; roles of services and of others are under no common one.
            !reader.asked.operation.is_empty() || (list.iter().any(of_services) && !list.iter().all(of_services))
        }
        Some(_) => false,
    };
    tell(reader, node, list, whole);
}

fn details(reader: &mut ResponseReader<'_>, node: &Node) {
    let list = |name: &str| node.member(name).map(Node::elements).unwrap_or_default();
    for role in list("RoleDetailList") {
        let (Some(subject), Some(name)) = (subject_of(role, "RoleName"), text_of(role.member("RoleName"))) else {
            continue;
        };
        let part = |name: &str| role.member(name).map(Node::elements).unwrap_or_default();
        let mut map = reader.fields(ROLE, role, FIELDS);
        // Inline policies refer to the role themselves.
        map.set("Policies", Node::new(Value::List(List::default()), role.at));
        let attached = part("AttachedManagedPolicies").iter().filter_map(|policy| policy.member("PolicyArn").cloned());
        map.set("ManagedPolicyArns", Node::new(Value::List(attached.collect()), role.at));
        reader.resource(ROLE, subject, map, role.at);
        for policy in part("RolePolicyList") {
            if let (Some(policy), Some(document)) =
                (text_of(policy.member("PolicyName")), policy.member("PolicyDocument"))
            {
                add_inline(reader, name, policy, policy_documents::object(document.clone()));
            }
        }
        for profile in part("InstanceProfileList") {
            profile_of(reader, profile);
        }
    }
    for policy in list("Policies") {
        let Some(subject) = subject_of(policy, "PolicyName") else { continue };
        let mut map: Map = reader.fields(MANAGED, policy, MANAGED_FIELDS);
        let is_default = |version: &&Node| {
            version.member("IsDefaultVersion").is_some_and(|flag| matches!(flag.value, Value::Flag(true)))
        };
        let versions = policy.member("PolicyVersionList").map(Node::elements).unwrap_or_default();
        let Some(document) = versions.iter().find(is_default).and_then(|version| version.member("Document")) else {
            continue;
        };
        map.set("PolicyDocument", policy_documents::object(document.clone()));
        reader.resource(MANAGED, subject, map, policy.at);
    }
    let filtered = reader.asked.values("filter").any(|kind| kind != "Role");
    let roles = list("RoleDetailList");
    tell(reader, node, roles, !filtered && !roles.is_empty());
}

fn subject_of(node: &Node, name: &str) -> Option<Subject> {
    text_of(node.member("Arn")).or_else(|| text_of(node.member(name))).map(Subject::named)
}

/// Says which roles the account has, where these are all.
fn tell(reader: &mut ResponseReader<'_>, node: &Node, list: &[Node], whole: bool) {
    let cut = ["max-items", "starting-token", "marker"].iter().any(|name| reader.asked.option(name).is_some());
    if !whole || cut || !ResponseReader::whole(node) {
        return;
    }
    let accounts: BTreeSet<&str> =
        list.iter().filter_map(|role| text_of(role.member("Arn"))?.split(':').nth(4)).collect();
    let account = match accounts.into_iter().collect::<Vec<_>>().as_slice() {
        [only] => Some((*only).to_owned()),
        _ => reader.asked.account.clone(),
    };
    let names = list.iter().filter_map(|role| text_of(role.member("RoleName")).map(str::to_owned)).collect();
    reader.record_in(ROLE, account, LookupResult::Only(names));
}
