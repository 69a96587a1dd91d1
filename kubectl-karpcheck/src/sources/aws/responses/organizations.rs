//! Organizations. A policy has an id (`p-examplepolicyid`) in every command; in templates its name is all that is known of it.

use crate::inventory::reason::Answers;
use crate::inventory::{List, LookupResult, Map, Node, Value};
use crate::sources::aws::responses::Operation;
use crate::sources::aws::responses::reader::{ResponseReader, bare, is_list, not_given, nothing_missing, text_of};
use crate::sources::mapping::{Rows, row};
use crate::sources::policy_documents;

const POLICY: &str = "AWS::Organizations::Policy";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        service: "organizations",
        name: "describe-policy",
        members: &["Policy"],
        fits: |node| node.at_path(&["Policy", "PolicySummary"]).is_some(),
        read: policy,
        unavailable: |reader, reason| reader.record(POLICY, LookupResult::Unavailable(reason.clone())),
        missing: nothing_missing,
    },
    Operation {
        service: "organizations",
        name: "list-targets-for-policy",
        members: &["Targets"],
        // Targets of other services have an ARN, too.
        fits: |node| is_list(node, "Targets", "TargetId"),
        read: targets,
        unavailable: |reader, reason| reader.record(POLICY, LookupResult::Unavailable(reason.clone())),
        missing: nothing_missing,
    },
];

const FIELDS: Rows = &[row("PolicySummary/Name", "Name"), row("PolicySummary/Type", "Type"), row("Content", "Content")];

fn policy(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(policy) = node.member("Policy") else { return };
    let id = text_of(policy.at_path(&["PolicySummary", "Id"])).or_else(|| reader.asked.option("policy-id"));
    let Some(id) = id.map(str::to_owned) else { return };
    let name = policy.str_at(&["PolicySummary", "Name"]).unwrap_or(&id).to_owned();
    let mut map = reader.fields(POLICY, policy, FIELDS);
    if let Some(content) = map.remove("Content") {
        map.set("Content", policy_documents::object(content));
    }
    let gap = Answers::NotDescribed { item: name.as_str().into() };
    map.set("TargetIds", not_given(gap, policy.at));
    reader.resource(POLICY, bare(&id, name), map, policy.at);
}

fn targets(reader: &mut ResponseReader<'_>, node: &Node) {
    let Some(list) = node.member("Targets") else { return };
    let Some(id) = reader.asked.option("policy-id").map(str::to_owned) else {
        return reader.nameless(
            "organizations list-targets-for-policy",
            "which policy it is about",
            "list-targets-for-policy--POLICY.json",
            node.at,
        );
    };
    let items = list.elements().iter().filter_map(|target| target.member("TargetId").cloned()).collect();
    let more = ResponseReader::rest(node, "targets", &id);
    let mut map = Map::default();
    map.set("TargetIds", Node::new(Value::List(List { items, more }), list.at));
    reader.part(POLICY, bare(&id, id.clone()), map, node.at);
}
