//! The same thing seen by several sources, and things that only look the same.

use kubectl_karpcheck::inventory::{Builder, FieldValue, Inventory, ItemId, SourceKind, Stated};
use kubectl_karpcheck::karpenter;
use kubectl_karpcheck::schema::kinds::GatherScope;
use kubectl_karpcheck::sources;

use super::{json_of, only};

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// Reads texts, each with its file's name.
fn read(files: &[(&str, &str)]) -> Inventory {
    let plan = GatherScope::new(super::KINDS.iter().chain(&["sqs.services.k8s.aws/Queue"]).map(|kind| (*kind, false)));
    let mut builder = Builder::new(Stated::default());
    let files: Vec<_> = files.iter().map(|(name, text)| (std::path::Path::new(*name), text.as_bytes())).collect();
    sources::texts(&files, &plan, &mut builder);
    karpenter::inventory(builder)
}

fn plan(account: &str, region: &str, rotated: bool) -> String {
    let values = serde_json::json!({"arn": format!("arn:aws:kms:{region}:{account}:key/{KEY}"), "id": KEY, "key_id": KEY,
        "region": region, "is_enabled": true, "enable_key_rotation": rotated, "key_usage": "ENCRYPT_DECRYPT"});
    let resource = serde_json::json!({"address": "aws_kms_key.k", "mode": "managed", "type": "aws_kms_key", "name": "k",
        "provider_name": "registry.terraform.io/hashicorp/aws", "values": values});
    serde_json::json!({"format_version": "1.2", "terraform_version": "1.11.4",
        "planned_values": {"root_module": {"resources": [resource]}}})
    .to_string()
}

fn answer(account: &str, region: &str, enabled: bool) -> String {
    serde_json::json!({"KeyMetadata": {"AWSAccountId": account, "KeyId": KEY, "Enabled": enabled,
        "Arn": format!("arn:aws:kms:{region}:{account}:key/{KEY}"), "KeyManager": "CUSTOMER",
        "KeyState": if enabled { "Enabled" } else { "Disabled" }, "KeyUsage": "ENCRYPT_DECRYPT"}})
    .to_string()
}

fn words(inventory: &Inventory, id: ItemId, pointer: &str) -> Vec<(SourceKind, Option<bool>)> {
    let views = inventory.views(id, pointer).unwrap();
    views
        .into_iter()
        .map(|seen| (seen.source, if let FieldValue::Flag(flag) = seen.value { Some(flag) } else { None }))
        .collect()
}

#[test]
fn a_key_seen_twice_is_merged_and_keeps_both_views() {
    let home = ("111122223333", "us-west-2");
    let inventory =
        read(&[("plan.json", &plan(home.0, home.1, true)), ("describe-key.json", &answer(home.0, home.1, false))]);
    let key = only(&inventory, "AWS::KMS::Key");
    assert_eq!(json_of(&inventory, key, "/Enabled"), false, "AWS's own word is the stronger one");
    assert_eq!(json_of(&inventory, key, "/EnableKeyRotation"), true, "what only the plan says is kept");
    let heard = words(&inventory, key, "/Enabled");
    assert_eq!(heard.iter().map(|(_, flag)| *flag).collect::<Vec<_>>(), [Some(false), Some(true)]);
    assert!(heard[0].0 < heard[1].0, "the strongest first: {heard:?}");
}

#[test]
fn an_answer_from_another_account_or_region_is_never_joined() {
    for (account, region) in [("444455556666", "us-west-2"), ("111122223333", "eu-west-1")] {
        let inventory = read(&[
            ("plan.json", &plan("111122223333", "us-west-2", true)),
            ("describe-key.json", &answer(account, region, false)),
        ]);
        let keys = inventory.of_kind("AWS::KMS::Key");
        assert_eq!(keys.len(), 2, "{account} {region}");
        for key in keys {
            assert_eq!(words(&inventory, key, "/Enabled").len(), 1, "{account} {region}");
        }
    }
}

#[test]
fn the_same_queue_in_a_template_and_in_ack_is_not_twice_there() {
    let ack = "
apiVersion: sqs.services.k8s.aws/v1alpha1
kind: Queue
metadata: {name: q}
spec: {queueName: prod}
status: {ackResourceMetadata: {arn: 'arn:aws:sqs:us-west-2:111122223333:prod', region: us-west-2, ownerAccountID: '111122223333'}}
";
    let answer = r#"{"Attributes": {"QueueArn": "arn:aws:sqs:us-west-2:111122223333:prod", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true", "CreatedTimestamp": "1"}}"#;
    let inventory = read(&[("q.yaml", ack), ("attributes.json", answer)]);
    let queue = only(&inventory, "AWS::SQS::Queue");
    assert_eq!(json_of(&inventory, queue, "/SqsManagedSseEnabled"), true);
    assert_eq!(inventory.of_kind("sqs.services.k8s.aws/Queue").len(), 1, "the object stays an item of its own");
    assert_eq!(super::refers(&inventory, queue, "@same"), ["q"]);
}
