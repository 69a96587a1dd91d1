//! IAM. An inline policy is an item of its own (`AWS::IAM::Policy` with `/Roles`), whether its document was given or not.

use crate::inventory::{Cause, List, Map, Node, Reason, Value};
use crate::schema::aws;
use crate::schema::aws::Kind;
use crate::sources::aws_cli::responses::Operation;
use crate::sources::aws_cli::responses::reader::{
    ResponseReader, Subject, bare, is_list, is_map, missing_nothing, not_given, text_of, untold_nothing,
};
use crate::sources::mapping::{PLAIN, Rows, row};
use crate::sources::policy_documents;

const ROLE: &str = "AWS::IAM::Role";
const MANAGED: &str = "AWS::IAM::ManagedPolicy";
const INLINE: &str = "AWS::IAM::Policy";
const PROFILE: &str = "AWS::IAM::InstanceProfile";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "iam",
        name: "get-role",
        members: &["Role"],
        fits: |node| is_map(node, "Role"),
        take: role,
        untold: |taker, reason| of_role(taker, &["AssumeRolePolicyDocument", "PermissionsBoundary"], reason),
        missing: |taker| taker.none_called(ROLE, "role-name"),
    },
    Operation {
        service: "iam",
        name: "list-role-policies",
        members: &["PolicyNames"],
        fits: |node| node.member("PolicyNames").is_some_and(|list| matches!(list.value, Value::List(_))),
        take: inline_names,
        untold: |taker, reason| of_role(taker, &["Policies"], reason),
        missing: |taker| taker.none_called(ROLE, "role-name"),
    },
    Operation {
        service: "iam",
        name: "get-role-policy",
        members: &["PolicyName", "PolicyDocument"],
        fits: |_| true,
        take: inline,
        untold: |taker, reason| {
            let (Some(role), Some(name)) = (taker.asked.option("role-name"), taker.asked.option("policy-name")) else {
                return;
            };
            let (role, name) = (role.to_owned(), name.to_owned());
            let unknown = Node::new(Value::Unknown(Box::new(reason.clone())), taker.asked.place);
            add_inline(taker, &role, &name, unknown);
        },
        missing: missing_nothing,
    },
    Operation {
        service: "iam",
        name: "list-attached-role-policies",
        members: &["AttachedPolicies"],
        fits: |node| is_list(node, "AttachedPolicies", "PolicyArn"),
        take: attached,
        untold: |taker, reason| of_role(taker, &["ManagedPolicyArns"], reason),
        missing: |taker| taker.none_called(ROLE, "role-name"),
    },
    Operation {
        service: "iam",
        name: "get-policy",
        members: &["Policy"],
        fits: |node| node.at_path(&["Policy", "Arn"]).is_some(),
        take: managed,
        untold: of_policy,
        missing: |taker| taker.none_called(MANAGED, "policy-arn"),
    },
    Operation {
        service: "iam",
        name: "get-policy-version",
        members: &["PolicyVersion"],
        fits: |node| node.at_path(&["PolicyVersion", "Document"]).is_some(),
        take: version,
        untold: of_policy,
        missing: |taker| taker.none_called(MANAGED, "policy-arn"),
    },
    Operation {
        service: "iam",
        name: "get-instance-profile",
        members: &["InstanceProfile"],
        fits: |node| is_map(node, "InstanceProfile"),
        take: profile,
        untold: untold_nothing,
        missing: |taker| taker.none_called(PROFILE, "instance-profile-name"),
    },
];

const MANAGED_FIELDS: Rows =
    &[row("PolicyName", "ManagedPolicyName"), row("Path", "Path"), row("DefaultVersionId", "DefaultVersionId")];

const PROFILE_FIELDS: Rows =
    &[row("InstanceProfileName", "InstanceProfileName"), row("Path", "Path"), row("Tags", "Tags")];

const FIELDS: Rows = &[
    row("RoleName", "RoleName"),
    row("Path", "Path"),
    row("AssumeRolePolicyDocument", "AssumeRolePolicyDocument"),
    row("PermissionsBoundary/PermissionsBoundaryArn", "PermissionsBoundary"),
    row("MaxSessionDuration", "MaxSessionDuration"),
    row("Tags", "Tags"),
];

fn role(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(role) = node.member("Role") else { return };
    let told = text_of(role.member("Arn")).or_else(|| text_of(role.member("RoleName"))).map(Subject::named);
    let Some(subject) = told.or_else(|| asked_for(taker)) else { return };
    let mut map = taker.fields(ROLE, role, FIELDS);
    let name = &subject.name;
    map.set("Policies", not_given(format!("the inline policies of role {name} were not given"), role.at));
    map.set("ManagedPolicyArns", not_given(format!("the policies attached to role {name} were not given"), role.at));
    taker.resource(ROLE, subject, map, role.at);
}

fn inline_names(taker: &mut ResponseReader<'_>, node: &Node) {
    let (Some(list), Some(subject)) = (node.member("PolicyNames"), asked_for(taker)) else {
        return taker.nameless(
            "iam list-role-policies",
            "which role it is about",
            "list-role-policies--ROLE.json",
            node.at,
        );
    };
    let role = subject.name.clone();
    let mut map = Map::default();
    // Those that there are refer to the role themselves.
    let more = (!ResponseReader::whole(node)).then(|| page("inline policies", &role));
    map.set("Policies", Node::new(Value::List(List { items: vec![], more }), list.at));
    taker.part(ROLE, subject, map, node.at);
    for name in list.elements() {
        if let Some(text) = name.as_str() {
            add_inline(taker, &role, text, not_given(format!("policy {text} of role {role} was not given"), name.at));
        }
    }
}

fn inline(taker: &mut ResponseReader<'_>, node: &Node) {
    let role = text_of(node.member("RoleName")).or_else(|| taker.asked.option("role-name")).map(str::to_owned);
    let (Some(document), Some(name)) = (node.member("PolicyDocument"), text_of(node.member("PolicyName"))) else {
        return;
    };
    let Some(role) = role else {
        return taker.nameless(
            "iam get-role-policy",
            "which role it is of",
            "get-role-policy--ROLE--POLICY.json",
            node.at,
        );
    };
    add_inline(taker, &role, name, policy_documents::object(document.clone()));
}

fn add_inline(taker: &mut ResponseReader<'_>, role: &str, name: &str, document: Node) {
    let at = document.at;
    let mut map = Map::default();
    map.set("PolicyName", Node::text(name, at));
    map.set("PolicyDocument", document);
    map.set("Roles", Node::new(Value::List(std::iter::once(Node::text(role, at)).collect()), at));
    taker.resource(INLINE, bare(&format!("{role}/{name}"), name.to_owned()), map, at);
}

fn attached(taker: &mut ResponseReader<'_>, node: &Node) {
    let (Some(list), Some(subject)) = (node.member("AttachedPolicies"), asked_for(taker)) else {
        return taker.nameless(
            "iam list-attached-role-policies",
            "which role it is about",
            "list-attached-role-policies--ROLE.json",
            node.at,
        );
    };
    let items = list.elements().iter().filter_map(|policy| policy.member("PolicyArn").cloned()).collect();
    let more = (!ResponseReader::whole(node)).then(|| page("attached policies", &subject.name));
    let mut map = Map::default();
    map.set("ManagedPolicyArns", Node::new(Value::List(List { items, more }), list.at));
    taker.part(ROLE, subject, map, node.at);
}

fn page(what: &str, role: &str) -> Box<Reason> {
    Box::new(Reason::new(Cause::NotProvided, format!("only a page of the {what} of role {role} was given")))
}

fn managed(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(policy) = node.member("Policy") else { return };
    let Some(subject) = text_of(policy.member("Arn")).map(Subject::named) else { return };
    let mut map = taker.fields(MANAGED, policy, MANAGED_FIELDS);
    map.set("PolicyDocument", not_given(format!("the document of policy {} was not given", subject.name), policy.at));
    taker.resource(MANAGED, subject, map, policy.at);
}

fn version(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(version) = node.member("PolicyVersion") else { return };
    // Only the default version counts for whoever holds the policy.
    if version.member("IsDefaultVersion").is_some_and(|flag| matches!(flag.value, Value::Flag(false))) {
        taker.facts += 1;
        taker.builder.problem(crate::inventory::Problem::note(
            "a version of a policy that is not its default one: it is in force nowhere and was left out",
            Some(node.at),
        ));
        return;
    }
    let Some(document) = version.member("Document").map(|document| policy_documents::object(document.clone())) else {
        return;
    };
    let at = document.at;
    let mut map = Map::default();
    map.set("PolicyDocument", document);
    match taker.asked.option("policy-arn").map(Subject::named) {
        Some(subject) => taker.part(MANAGED, subject, map, at),
        // It counts like a policy in a file of its own.
        None => {
            taker.resource(MANAGED, Subject { arn: None, id: None, name: "(policy without a name)".into() }, map, at)
        }
    }
}

fn profile(taker: &mut ResponseReader<'_>, node: &Node) {
    let Some(profile) = node.member("InstanceProfile") else { return };
    let told =
        text_of(profile.member("Arn")).or_else(|| text_of(profile.member("InstanceProfileName"))).map(Subject::named);
    let Some(subject) = told else { return };
    let mut map = taker.fields(PROFILE, profile, PROFILE_FIELDS);
    let roles = profile.member("Roles").map(Node::elements).unwrap_or_default();
    let names = roles.iter().filter_map(|role| role.member("RoleName").cloned()).collect();
    map.set("Roles", Node::new(Value::List(names), profile.at));
    taker.resource(PROFILE, subject, map, profile.at);
    // Of a role it has some of what get-role gives, and does not say what it leaves out.
    for one in roles {
        let Some(subject) = text_of(one.member("Arn")).map(Subject::named) else { continue };
        let map = PLAIN.properties(FIELDS, Kind::Object(aws::properties(ROLE)), one);
        taker.part(ROLE, subject, map, one.at);
    }
}

fn asked_for(taker: &ResponseReader<'_>) -> Option<Subject> {
    taker.asked.option("role-name").map(Subject::named)
}

fn of_role(taker: &mut ResponseReader<'_>, properties: &[&str], reason: &Reason) {
    if let Some(subject) = asked_for(taker) {
        taker.unknown(ROLE, subject, properties, reason);
    }
}

fn of_policy(taker: &mut ResponseReader<'_>, reason: &Reason) {
    if let Some(subject) = taker.asked.option("policy-arn").map(Subject::named) {
        taker.unknown(MANAGED, subject, &["PolicyDocument"], reason);
    }
}
