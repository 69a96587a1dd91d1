//! What AWS documents, vector by vector: tests/fixtures/iam/README.md.

use kubectl_karpcheck::iam::{
    Access, Boundary, Context, Grant, Identity, Policies, PolicyKind, Principal, Request, decide, trail, validate,
};
use kubectl_karpcheck::inventory::{Cause, Gap, ItemId, Ternary, Text, Unknown};
use serde_json::Value as Json;

use super::{given, node, policy, text};

const ROLE: &str = "arn:aws:iam::111122223333:role/karpenter";

fn vectors() -> Vec<Json> {
    serde_json::from_str(include_str!("../../fixtures/iam/vectors.json")).expect("JSON")
}

fn context(vector: &Json) -> Context {
    let mut context = Context::default();
    for (key, value) in vector["context"].as_object().into_iter().flatten() {
        context.set(text(key), given(value));
    }
    context
}

fn policies(vector: &Json) -> Policies {
    let mut policies = Policies::default();
    for document in vector["identity"].as_array().into_iter().flatten() {
        policies.identity.push(policy(document, PolicyKind::Identity, "/PolicyDocument"));
    }
    if let Some(document) = vector.get("boundary") {
        policies.boundary = Boundary::Given(policy(document, PolicyKind::Boundary, "/PolicyDocument"));
    }
    if let Some(document) = vector.get("organisation") {
        policies.organisation.push(policy(document, PolicyKind::Organisation, "/Content"));
        policies.organisation_whole = true;
    }
    if let Some(document) = vector.get("resource_control") {
        policies.resource_control.push(policy(document, PolicyKind::ResourceControl, "/Content"));
    }
    for (name, kind, pointer) in [
        ("resource_policy", PolicyKind::Resource, "/Policy"),
        ("key_policy", PolicyKind::Key, "/KeyPolicy"),
        ("trust_policy", PolicyKind::Trust, "/AssumeRolePolicyDocument"),
    ] {
        let Some(document) = vector.get(name) else { continue };
        policies.decisive = kind != PolicyKind::Resource;
        match document.get("unknown") {
            Some(why) => {
                policies.resource_open = Some(Unknown::new(Cause::Symbolic, Gap::said(why.as_str().expect("a reason"))))
            }
            None => policies.resource.push(policy(document, kind, pointer)),
        }
    }
    for (index, grant) in vector["grants"].as_array().into_iter().flatten().enumerate() {
        policies.grants.push(Grant::new(ItemId(1), format!("/Grants/{index}"), &node(grant)));
    }
    policies.same_account = match vector.get("same_account") {
        Some(Json::Bool(false)) => Ternary::No,
        Some(Json::Null) => Ternary::Unknown,
        _ => Ternary::Yes,
    };
    policies
}

fn request(vector: &Json) -> Request {
    let principal = match &vector["principal"] {
        Json::String(anyone) if anyone == "anyone" => Principal::Anyone,
        Json::String(arn) => Principal::Identity(Identity::new(text(arn))),
        Json::Object(who) => match (who.get("service"), who.get("federated")) {
            (Some(service), _) => Principal::Service(text(service.as_str().expect("a name"))),
            (_, provider) => Principal::Federated(text(provider.and_then(Json::as_str).expect("a provider"))),
        },
        _ => Principal::Identity(Identity::new(Text::from(ROLE))),
    };
    let action = vector["action"].as_str().unwrap_or("ex:Action");
    let resource = text(vector["resource"].as_str().unwrap_or("*"));
    Request::new(principal, action, resource, context(vector))
}

#[test]
fn every_vector_holds() {
    let mut wrong = vec![];
    for vector in vectors() {
        let name = vector["name"].as_str().expect("a name");
        if let Some(condition) = vector.get("condition") {
            let statement =
                serde_json::json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
            let document = serde_json::json!({"Version": "2012-10-17", "Statement": statement});
            let mut policies = Policies::default();
            policies.identity.push(policy(&document, PolicyKind::Identity, ""));
            let decision = decide(&request(&vector), &policies);
            let expected = match vector["holds"].as_bool() {
                Some(true) => Access::Allowed,
                Some(false) => Access::ImplicitDeny,
                None => Access::Unknown,
            };
            if decision.access != expected {
                wrong.push(format!("{name}: {:?}, not {expected:?}: {}", decision.access, decision.why));
            }
        } else if let Some(document) = vector.get("document") {
            let kind = if vector["kind"] == "key" { PolicyKind::Key } else { PolicyKind::Identity };
            let faults = validate(&node(document), kind);
            let found: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
            let expected: Vec<&str> =
                vector["faults"].as_array().expect("a list").iter().filter_map(Json::as_str).collect();
            if found != expected {
                wrong.push(format!("{name}: {faults:?}"));
            }
        } else {
            let (request, policies) = (request(&vector), policies(&vector));
            let decision = decide(&request, &policies);
            let expected = match vector["expect"].as_str().expect("an access") {
                "allowed" => Access::Allowed,
                "implicit-deny" => Access::ImplicitDeny,
                "explicit-deny" => Access::ExplicitDeny,
                _ => Access::Unknown,
            };
            let at = vector["at"].as_str();
            let first = decision.statements.first().map(|place| place.pointer.as_str());
            if decision.access != expected || (at.is_some() && at != first) {
                wrong.push(format!(
                    "{name}: {:?} at {first:?}, not {expected:?} at {at:?}: {}",
                    decision.access, decision.why
                ));
            }
            if decision.access == Access::Unknown && decision.unknown.is_none() {
                wrong.push(format!("{name}: unknown without a reason"));
            }
            // The trail tells the same story: an Allow or Deny that decided is one that applies in it.
            let applied =
                |effect| trail(&request, &policies).iter().any(|it| it.effect == effect && it.applies == Ternary::Yes);
            if decision.access == Access::ExplicitDeny && !applied("Deny") {
                wrong.push(format!("{name}: the trail has no Deny"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_vectors_are_many_and_each_names_its_source() {
    let vectors = vectors();
    assert!(vectors.len() >= 150, "{}", vectors.len());
    assert!(vectors.iter().all(|vector| vector["source"].as_str().is_some_and(|source| source.contains(".html"))));
}
