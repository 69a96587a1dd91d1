//! Policy documents and requests: nothing makes the evaluator panic or hang, and a Deny never widens.
//!
//! The input is JSON: `{"identity": DOCUMENT, "resource": DOCUMENT, "action", "arn", "context": {KEY: VALUES}}`. In texts,
//! `<X>` is a hole.
#![no_main]

use std::sync::Arc;

use kubectl_karpcheck::iam::{
    Access, Context, Document, Given, Identity, Policies, Policy, PolicyKind, Principal, Request, decide, trail,
};
use kubectl_karpcheck::inventory::{At, ItemId, List, Map, Node, Part, Symbol, SymbolScope, Text, Value};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value as Json, json};

fn text(written: &str) -> Text {
    let mut parts = vec![];
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((name, after)) = after.split_once('>') else { break };
        parts.push(Part::Known(before.into()));
        parts.push(Part::Hole(Symbol::new(
            name,
            SymbolScope::Run,
            kubectl_karpcheck::inventory::Gap::said("no value"),
        )));
        rest = after;
    }
    parts.push(Part::Known(rest.into()));
    Text::from_parts(parts)
}

fn node(json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
        Json::String(written) => Value::Text(text(written)),
        Json::Array(items) => Value::List(items.iter().map(node).collect::<List>()),
        Json::Object(members) => {
            Value::Map(members.iter().map(|(key, value)| (text(key), node(value))).collect::<Map>())
        }
    };
    Node::new(value, At::default())
}

fn policy(document: &Json, kind: PolicyKind) -> Policy {
    let document = Arc::new(Document::new(&node(document), kind));
    Policy { item: ItemId(1), pointer: "".into(), name: "fuzzed".into(), kind, document, home: None }
}

const fn width(access: Access) -> u8 {
    match access {
        Access::ExplicitDeny | Access::ImplicitDeny => 0,
        Access::Unknown => 1,
        Access::Allowed => 2,
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(input) = serde_json::from_slice::<Json>(data) else { return };
    let mut context = Context::of_service("ec2");
    for (key, values) in input["context"].as_object().into_iter().flatten() {
        let given = match values {
            Json::Array(values) => Given::Values(values.iter().filter_map(Json::as_str).map(text).collect()),
            Json::String(value) => Given::one(text(value)),
            _ => Given::Absent,
        };
        context.set(text(key), given);
    }
    let action = input["action"].as_str().unwrap_or("ec2:RunInstances");
    let resource = text(input["arn"].as_str().unwrap_or("*"));
    let principal = Principal::Identity(Identity::new(Text::from("arn:aws:iam::111122223333:role/karpenter")));
    let request = Request::new(principal, action, resource, context);
    let mut policies = Policies::default();
    policies.identity.push(policy(&input["identity"], PolicyKind::Identity));
    policies.resource.push(policy(&input["resource"], PolicyKind::Resource));
    let before = decide(&request, &policies).access;
    let _ = trail(&request, &policies);
    let deny = json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": "*"}});
    policies.identity.push(policy(&deny, PolicyKind::Identity));
    assert!(width(decide(&request, &policies).access) <= width(before));
});
