//! What is wrong with policies in themselves: slips are told, official examples have none.

use kubectl_karpcheck::iam::{Consequence, Fault, PolicyKind, validate};
use serde_json::{Value as Json, json};

use super::node;

fn faults(statement: Json) -> Vec<Fault> {
    validate(&node(&json!({"Version": "2012-10-17", "Statement": [statement]})), PolicyKind::Identity)
}

#[test]
fn karpenters_own_policies_have_no_fault() {
    for document in [
        include_str!("../../fixtures/karpenter/iam/rendered-v0.32.10.json"),
        include_str!("../../fixtures/karpenter/iam/rendered-v0.37.8.json"),
        include_str!("../../fixtures/karpenter/iam/rendered-v1.0.14.json"),
        include_str!("../../fixtures/karpenter/iam/rendered-v1.14.1.json"),
    ] {
        let json: Json = serde_json::from_str(document).expect("JSON");
        assert_eq!(validate(&node(&json), PolicyKind::Identity), []);
    }
}

#[test]
fn an_action_that_no_service_has_is_told_with_its_place() {
    let found = faults(
        json!({"Effect": "Allow", "Resource": "*", "Action": ["ec2:RunInstances", "ec2:CreateTag", "iam:Pas*Rol"]}),
    );
    let told: Vec<(&str, Consequence)> =
        found.iter().map(|fault| (fault.pointer.as_str(), fault.consequence)).collect();
    assert_eq!(
        told,
        [("/Statement/0/Action/1", Consequence::NeverMatches), ("/Statement/0/Action/2", Consequence::NeverMatches)]
    );
    assert!(found[0].message.contains("ec2:CreateTags may be meant"), "{}", found[0].message);
}

#[test]
fn a_key_that_an_action_is_not_offered_is_told_as_what_comes_of_it() {
    let with = |operator: &str, wanted: Json| {
        faults(json!({"Effect": "Allow", "Resource": "*", "Action": "ec2:CreateLaunchTemplate",
            "Condition": {operator: {"ec2:InstanceType": wanted}}}))
    };
    let consequence = |operator: &str, wanted: Json| with(operator, wanted).first().map(|fault| fault.consequence);
    assert_eq!(consequence("StringEquals", json!("t3.small")), Some(Consequence::NeverMatches));
    assert_eq!(consequence("StringNotEquals", json!("t3.small")), Some(Consequence::AlwaysHolds));
    assert_eq!(consequence("StringEqualsIfExists", json!("t3.small")), Some(Consequence::AlwaysHolds));
    assert_eq!(consequence("Null", json!("true")), Some(Consequence::AlwaysHolds));
    assert_eq!(consequence("Null", json!("false")), Some(Consequence::NeverMatches));
}

#[test]
fn what_is_not_known_is_not_judged() {
    for statement in [
        json!({"Effect": "Allow", "Resource": "*", "Action": "newservice:Anything", "Condition": {"Bool": {"newservice:Key": "true"}}}),
        json!({"Effect": "Allow", "Resource": "*", "Action": "<Actions>", "Condition": {"Bool": {"ec2:Encrypted": "true"}}}),
        json!({"Effect": "Allow", "Resource": "*", "NotAction": "ec2:CreateTags", "Condition": {"Bool": {"ec2:Encrypted": "true"}}}),
        json!({"Effect": "Allow", "Resource": "*", "Action": ["KMS:reencrypt*", "kms:CreateGrant"],
            "Condition": {"ArnLike": {"kms:GrantConstraintSourceArn": "arn:aws:ec2:*"}}}),
        json!({"Effect": "Allow", "Resource": "*", "Action": "ec2:TerminateInstances", "Condition": {"StringLike": {"EC2:resourcetag/karpenter.sh/nodepool": "*"}}}),
    ] {
        assert_eq!(faults(statement.clone()), [], "{statement}");
    }
}
