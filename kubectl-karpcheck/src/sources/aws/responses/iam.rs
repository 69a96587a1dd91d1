//! IAM. An inline policy is an item of its own (`AWS::IAM::Policy` with `/Roles`), whether its document was given or not.

use crate::inventory::Problem;
use crate::inventory::problem::AwsProblem;
use crate::inventory::reason::Answers;
use crate::inventory::{List, Map, Node, Reason, Value};
use crate::schema::aws;
use crate::schema::aws::Kind;
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::reader::{
    ResponseReader, Subject, bare, is_list, is_map, not_given, nothing_missing, nothing_unavailable, text_of,
};
use crate::sources::mapping::{PLAIN, Rows, row};
use crate::sources::policy_documents;

pub(super) const ROLE: &str = "AWS::IAM::Role";
pub(super) const MANAGED: &str = "AWS::IAM::ManagedPolicy";
const INLINE: &str = "AWS::IAM::Policy";
const PROFILE: &str = "AWS::IAM::InstanceProfile";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "iam",
        name: "get-role",
        members: &["Role"],
        fits: |node| is_map(node, "Role"),
        read: role,
        unavailable: |reader, reason| of_role(reader, &["AssumeRolePolicyDocument", "PermissionsBoundary"], reason),
        missing: |reader| reader.none_called(ROLE, "role-name"),
    },
    Operation {
        service: "iam",
        name: "list-role-policies",
        members: &["PolicyNames"],
        fits: |node| node.member("PolicyNames").is_some_and(|list| matches!(list.value, Value::List(_))),
        read: inline_names,
        unavailable: |reader, reason| of_role(reader, &["Policies"], reason),
        missing: |reader| reader.none_called(ROLE, "role-name"),
    },
    Operation {
        service: "iam",
        name: "get-role-policy",
        members: &["PolicyName", "PolicyDocument"],
        fits: |_| true,
        read: inline,
        unavailable: |reader, reason| {
            let (Some(role), Some(name)) = (reader.asked.option("role-name"), reader.asked.option("policy-name"))
            else {
                return;
            };
            let (role, name) = (role.to_owned(), name.to_owned());
            let unknown = Node::new(Value::Unknown(Box::new(reason.clone())), reader.asked.place);
            add_inline(reader, &role, &name, unknown);
        },
        missing: nothing_missing,
    },
    Operation {
        service: "iam",
        name: "list-attached-role-policies",
        members: &["AttachedPolicies"],
        fits: |node| is_list(node, "AttachedPolicies", "PolicyArn"),
        read: attached,
        unavailable: |reader, reason| of_role(reader, &["ManagedPolicyArns"], reason),
        missing: |reader| reader.none_called(ROLE, "role-name"),
    },
    Operation {
        service: "iam",
        name: "get-policy",
        members: &["Policy"],
        fits: |node| node.at_path(&["Policy", "Arn"]).is_some(),
        read: managed,
        unavailable: of_policy,
        missing: |reader| reader.none_called(MANAGED, "policy-arn"),
    },
    Operation {
        service: "iam",
        name: "get-policy-version",
        members: &["PolicyVersion"],
        fits: |node| node.at_path(&["PolicyVersion", "Document"]).is_some(),
        read: version,
        unavailable: of_policy,
        missing: |reader| reader.none_called(MANAGED, "policy-arn"),
    },
    Operation {
        service: "iam",
        name: "get-instance-profile",
        members: &["InstanceProfile"],
        fits: |node| is_map(node, "InstanceProfile"),
        read: profile,
        unavailable: nothing_unavailable,
        missing: |reader| reader.none_called(PROFILE, "instance-profile-name"),
    },
];

pub(super) const MANAGED_FIELDS: Rows =
    &[row("PolicyName", "ManagedPolicyName"), row("Path", "Path"), row("DefaultVersionId", "DefaultVersionId")];

const PROFILE_FIELDS: Rows =
    &[row("InstanceProfileName", "InstanceProfileName"), row("Path", "Path"), row("Tags", "Tags")];

pub(super) const FIELDS: Rows = &[
    row("RoleName", "RoleName"),
    row("Path", "Path"),
    row("AssumeRolePolicyDocument", "AssumeRolePolicyDocument"),
    row("PermissionsBoundary/PermissionsBoundaryArn", "PermissionsBoundary"),
    row("MaxSessionDuration", "MaxSessionDuration"),
    row("Tags", "Tags"),
];

fn role(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(role) = node.member("Role") else { return };
    let named = text_of(role.member("Arn")).or_else(|| text_of(role.member("RoleName"))).map(Subject::named);
    let Some(subject) = named.or_else(|| asked_for(reader)) else { return };
    let mut map = reader.fields(ROLE, role, FIELDS);
    let name = &subject.name;
    map.set("Policies", not_given(Answers::InlinePolicies { role: name.as_str().into() }, role.at));
    map.set("ManagedPolicyArns", not_given(Answers::AttachedPolicies { role: name.as_str().into() }, role.at));
    reader.resource(ROLE, subject, map, role.at);
}

fn inline_names(reader: &mut ResponseReader<'_>, node: &Node) {
    let (Some(list), Some(subject)) = (node.member("PolicyNames"), asked_for(reader)) else {
        return reader.nameless(
            "iam list-role-policies",
            "which role it is about",
            "list-role-policies--ROLE.json",
            node.at,
        );
    };
    let role = subject.name.clone();
    let mut map = Map::default();
    // Those that there are refer to the role themselves.
    let more = ResponseReader::rest(node, "inline policies", &role);
    map.set("Policies", Node::new(Value::List(List { items: vec![], more }), list.at));
    reader.part(ROLE, subject, map, node.at);
    for name in list.elements() {
        if let Some(text) = name.as_str() {
            add_inline(
                reader,
                &role,
                text,
                not_given(Answers::InlinePolicy { policy: text.into(), role: role.as_str().into() }, name.at),
            );
        }
    }
}

fn inline(reader: &mut ResponseReader<'_>, node: &Node) {
    let role = text_of(node.member("RoleName")).or_else(|| reader.asked.option("role-name")).map(str::to_owned);
    let (Some(document), Some(name)) = (node.member("PolicyDocument"), text_of(node.member("PolicyName"))) else {
        return;
    };
    let Some(role) = role else {
        return reader.nameless(
            "iam get-role-policy",
            "which role it is of",
            "get-role-policy--ROLE--POLICY.json",
            node.at,
        );
    };
    add_inline(reader, &role, name, policy_documents::object(document.clone()));
}

pub(super) fn add_inline(reader: &mut ResponseReader<'_>, role: &str, name: &str, document: Node) {
    let at = document.at;
    let mut map = Map::default();
    map.set("PolicyName", Node::text(name, at));
    map.set("PolicyDocument", document);
    map.set("Roles", Node::new(Value::List(std::iter::once(Node::text(role, at)).collect()), at));
    reader.resource(INLINE, bare(&format!("{role}/{name}"), name.to_owned()), map, at);
}

fn attached(reader: &mut ResponseReader<'_>, node: &Node) {
    let (Some(list), Some(subject)) = (node.member("AttachedPolicies"), asked_for(reader)) else {
        return reader.nameless(
            "iam list-attached-role-policies",
            "which role it is about",
            "list-attached-role-policies--ROLE.json",
            node.at,
        );
    };
    let items = list.elements().iter().filter_map(|policy| policy.member("PolicyArn").cloned()).collect();
    let more = ResponseReader::rest(node, "attached policies", &subject.name);
    let mut map = Map::default();
    map.set("ManagedPolicyArns", Node::new(Value::List(List { items, more }), list.at));
    reader.part(ROLE, subject, map, node.at);
}

fn managed(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(policy) = node.member("Policy") else { return };
    let Some(subject) = text_of(policy.member("Arn")).map(Subject::named) else { return };
    let mut map = reader.fields(MANAGED, policy, MANAGED_FIELDS);
    map.set("PolicyDocument", not_given(Answers::Document { policy: subject.name.as_str().into() }, policy.at));
    reader.resource(MANAGED, subject, map, policy.at);
}

fn version(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(version) = node.member("PolicyVersion") else { return };
    // Only the default version counts for whoever holds the policy.
    if version.member("IsDefaultVersion").is_some_and(|flag| matches!(flag.value, Value::Flag(false))) {
        reader.facts += 1;
        reader.builder.problem(Problem::new(AwsProblem::PolicyVersion, Some(node.at)));
        return;
    }
    let Some(document) = version.member("Document").map(|document| policy_documents::object(document.clone())) else {
        return;
    };
    let at = document.at;
    let mut map = Map::default();
    map.set("PolicyDocument", document);
    match reader.asked.option("policy-arn").map(Subject::named) {
        Some(subject) => reader.part(MANAGED, subject, map, at),
        // It counts like a policy in a file of its own.
        None => {
            reader.resource(MANAGED, Subject { arn: None, id: None, name: "(policy without a name)".into() }, map, at)
        }
    }
}

fn profile(reader: &mut ResponseReader<'_>, node: &Node) {
    if let Some(profile) = node.member("InstanceProfile") {
        profile_of(reader, profile);
    }
}

pub(super) fn profile_of(reader: &mut ResponseReader<'_>, profile: &Node) {
    let named =
        text_of(profile.member("Arn")).or_else(|| text_of(profile.member("InstanceProfileName"))).map(Subject::named);
    let Some(subject) = named else { return };
    let mut map = reader.fields(PROFILE, profile, PROFILE_FIELDS);
    let roles = profile.member("Roles").map(Node::elements).unwrap_or_default();
    let names = roles.iter().filter_map(|role| role.member("RoleName").cloned()).collect();
    map.set("Roles", Node::new(Value::List(names), profile.at));
    reader.resource(PROFILE, subject, map, profile.at);
    // Of a role it has some of what get-role gives, and does not say what it leaves out.
    for one in roles {
        let Some(subject) = text_of(one.member("Arn")).map(Subject::named) else { continue };
        let map = PLAIN.properties(FIELDS, Kind::Object(aws::properties(ROLE)), one);
        reader.part(ROLE, subject, map, one.at);
    }
}

fn asked_for(reader: &ResponseReader<'_>) -> Option<Subject> {
    reader.asked.option("role-name").map(Subject::named)
}

fn of_role(reader: &mut ResponseReader<'_>, properties: &[&str], reason: &Reason) {
    if let Some(subject) = asked_for(reader) {
        reader.unknown(ROLE, subject, properties, reason);
    }
}

fn of_policy(reader: &mut ResponseReader<'_>, reason: &Reason) {
    if let Some(subject) = reader.asked.option("policy-arn").map(Subject::named) {
        reader.unknown(MANAGED, subject, &["PolicyDocument"], reason);
    }
}
