use std::path::Path;

use super::*;
use crate::formats::json;
use crate::formats::json::Base;
use crate::inventory::{FieldValue, Found, Inventory, ItemId, Origin, Stated};
use crate::karpenter;
use crate::sources::aws::responses::saved::{Saved, is_saved};

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const QUEUE: &str = r#"{"Attributes": {"QueueArn": "arn:aws:sqs:us-west-2:111122223333:prod", "CreatedTimestamp": "1", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true"}}"#;

/// Reads files, each with its name, as of this day.
fn read(files: &[(&str, &str)]) -> Inventory {
    let mut builder = Builder::new(Stated::default());
    let mut saved = Saved::default();
    for (name, text) in files {
        let doc = builder.document(Origin::File((*name).into()));
        let (nodes, _, broken) = json::read(text, Base::File(doc));
        assert!(broken.is_none(), "{name}: {broken:?}");
        for node in nodes {
            assert!(is_saved(&node), "{name} is not taken for an answer");
            saved.keep(Path::new(name), node);
        }
    }
    let kinds = ["AWS::EC2::Image", "AWS::EC2::Snapshot", "AWS::EC2::Instance", "AWS::EC2::LaunchTemplate"];
    let own = ["Karpcheck::EbsDefaults", "Karpcheck::Metric", "Karpcheck::Denial", "AWS::DynamoDB::Table"];
    let gather_scope = GatherScope::new(kinds.iter().chain(&own).map(|kind| (*kind, false)));
    saved.take(&gather_scope, &mut builder, "2026-11-24T08:00:00Z".parse().expect("a time"));
    karpenter::inventory(builder)
}

fn envelope(command: &[&str], rest: &str) -> String {
    let words: Vec<String> = command.iter().map(|word| format!("{word:?}")).collect();
    format!(
        r#"{{"karpcheck": "aws-answer/v1", "command": ["aws", {}], "account": "111122223333", "region": "us-west-2", "at": "2026-11-24T07:00:00Z", {rest}}}"#,
        words.join(", ")
    )
}

fn the(inventory: &Inventory, kind: &str) -> ItemId {
    let all = inventory.of_kind(kind);
    assert_eq!(all.len(), 1, "{kind}: {all:?}");
    all[0]
}

fn get(inventory: &Inventory, id: ItemId, pointer: &str) -> String {
    match inventory.get(id, pointer).expect("a pointer") {
        FieldValue::Absent => "absent".into(),
        FieldValue::Unknown(unknown) => format!("unknown ({})", unknown.reason.cause.as_str()),
        FieldValue::Text(text) => text.into_owned(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Json(json) => json,
    }
}

#[test]
fn a_queue_without_a_policy_has_none_if_all_was_asked_for() {
    let inventory = read(&[("a.json", QUEUE)]);
    let queue = the(&inventory, "AWS::SQS::Queue");
    assert_eq!(get(&inventory, queue, "/Policy"), "absent");
    assert_eq!(get(&inventory, queue, "/SqsManagedSseEnabled"), "true");
    assert_eq!(get(&inventory, queue, "@region"), "us-west-2");
    let part = r#"{"Attributes": {"QueueArn": "arn:aws:sqs:us-west-2:111122223333:prod"}}"#;
    let inventory = read(&[("a.json", part)]);
    let queue = the(&inventory, "AWS::SQS::Queue");
    assert_eq!(get(&inventory, queue, "/Policy"), "unknown (not-provided)");
}

#[test]
fn what_query_leaves_is_recognised() {
    let inner = QUEUE.trim_start_matches(r#"{"Attributes": "#).trim_end_matches('}').to_owned() + "}";
    assert_eq!(read(&[("a.json", &inner)]).of_kind("AWS::SQS::Queue").len(), 1);
    let side_by_side = format!("[{QUEUE}, {}]", QUEUE.replace(":prod", ":test"));
    assert_eq!(read(&[("a.json", &side_by_side)]).of_kind("AWS::SQS::Queue").len(), 2);
    let pages = format!("{QUEUE}\n{}", QUEUE.replace(":prod", ":test"));
    assert_eq!(read(&[("a.json", &pages)]).of_kind("AWS::SQS::Queue").len(), 2);
}

#[test]
fn a_key_policy_joins_the_key_of_its_files_name() {
    let key = format!(
        r#"{{"KeyMetadata": {{"KeyId": "{KEY}", "Arn": "arn:aws:kms:us-west-2:111122223333:key/{KEY}", "KeyState": "Enabled", "KeyManager": "CUSTOMER"}}}}"#
    );
    let policy = r#"{"Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[]}\n", "PolicyName": "default"}"#;
    for name in [
        format!("get-key-policy--{KEY}.json"),
        format!("get-key-policy/{KEY}.json"),
        format!("{KEY}/get-key-policy.json"),
    ] {
        let inventory = read(&[("key.json", &key), (&name, policy)]);
        let id = the(&inventory, "AWS::KMS::Key");
        assert_eq!(get(&inventory, id, "/KeyState"), "Enabled", "{name}");
        assert!(get(&inventory, id, "/KeyPolicy").starts_with('{'), "{name}");
    }
    let inventory = read(&[("key.json", &key), ("policy.json", policy)]);
    let id = the(&inventory, "AWS::KMS::Key");
    assert_eq!(get(&inventory, id, "/KeyPolicy"), "unknown (not-provided)");
    assert!(inventory.problems()[0].to_string().contains("get-key-policy--KEY_ID.json"));
}

#[test]
fn what_was_refused_is_unknown_and_names_the_permission() {
    let error = r#""error": "An error occurred (AccessDeniedException) when calling the GetKeyPolicy operation: not authorized""#;
    let command = ["kms", "get-key-policy", "--key-id", KEY, "--policy-name", "default"];
    let inventory = read(&[("a.json", &envelope(&command, error))]);
    let key = the(&inventory, "AWS::KMS::Key");
    assert_eq!(get(&inventory, key, "/KeyPolicy"), "unknown (refused)");
    assert!(inventory.problems()[0].to_string().starts_with("kms:GetKeyPolicy was refused for"));
    assert!(inventory.problems()[0].is_incomplete());
}

#[test]
fn errors_are_told_apart() {
    let asked = Asked { service: "sqs".into(), operation: "get-queue-url".into(), ..Asked::default() };
    let of = |text: &str| match of_error(&asked, text) {
        Outcome::Refused { permission, .. } => permission,
        Outcome::Failed(text) => format!("failed: {text}"),
        Outcome::NotFound => "not found".into(),
        Outcome::Answer(_) => "an answer".into(),
    };
    let said = |code: &str| format!("\nAn error occurred ({code}) when calling the GetQueueUrl operation: words\n");
    assert_eq!(of(&said("AccessDenied")), "sqs:GetQueueUrl");
    assert_eq!(of(&said("AWS.SimpleQueueService.NonExistentQueue")), "not found");
    assert_eq!(of(&said("NoSuchEntity")), "not found");
    assert!(of(&said("Throttling")).starts_with("failed: An error"));
    assert_eq!(of("Unable to locate credentials"), "failed: Unable to locate credentials");
}

#[test]
fn a_rule_is_joined_from_its_three_answers_and_the_list_is_whole() {
    let arn = "arn:aws:sqs:us-west-2:111122223333:prod";
    let names =
        envelope(&["events", "list-rule-names-by-target", "--target-arn", arn], r#""answer": {"RuleNames": ["spot"]}"#);
    let rule = envelope(
        &["events", "describe-rule", "--name", "spot"],
        r#""answer": {"Name": "spot", "Arn": "arn:aws:events:us-west-2:111122223333:rule/spot", "EventPattern": "{\"source\":[\"aws.ec2\"]}", "State": "ENABLED"}"#,
    );
    let targets = envelope(
        &["events", "list-targets-by-rule", "--rule", "spot"],
        &format!(r#""answer": {{"Targets": [{{"Id": "1", "Arn": "{arn}"}}]}}"#),
    );
    let inventory = read(&[("q.json", QUEUE), ("n.json", &names), ("r.json", &rule), ("t.json", &targets)]);
    let (queue, rule) = (the(&inventory, "AWS::SQS::Queue"), the(&inventory, "AWS::Events::Rule"));
    assert_eq!(get(&inventory, rule, "/EventPattern/source/0"), "aws.ec2");
    assert_eq!(get(&inventory, rule, "/Targets/0/InputPath"), "absent");
    let links = inventory.referrers(queue, "AWS::Events::Rule");
    assert!(matches!(links.as_slice(), [link] if link.item == Found::Known(rule)), "{links:?}");
    // One page of the names is not all.
    let page = names.replace(r#"["spot"]"#, r#"["spot"], "NextToken": "x""#);
    let inventory = read(&[("q.json", QUEUE), ("n.json", &page)]);
    let links = inventory.referrers(the(&inventory, "AWS::SQS::Queue"), "AWS::Events::Rule");
    assert!(links.iter().any(|link| matches!(link.item, Found::Unknown(_))), "{links:?}");
}

#[test]
fn a_role_is_joined_from_its_answers() {
    let role = r#"{"Role": {"RoleName": "karpenter", "Path": "/eks/", "Arn": "arn:aws:iam::111122223333:role/eks/karpenter", "AssumeRolePolicyDocument": "<URL-encoded-JSON>"}}"#;
    let attached = r#"{"AttachedPolicies": [{"PolicyName": "p", "PolicyArn": "arn:aws:iam::111122223333:policy/p"}], "IsTruncated": false}"#;
    let names = r#"{"PolicyNames": ["inline"]}"#;
    let inline = r#"{"RoleName": "karpenter", "PolicyName": "inline", "PolicyDocument": {"Statement": []}}"#;
    let inventory = read(&[
        ("role.json", role),
        ("list-attached-role-policies--karpenter.json", attached),
        ("list-role-policies--karpenter.json", names),
        ("inline.json", inline),
    ]);
    let id = the(&inventory, "AWS::IAM::Role");
    assert_eq!(get(&inventory, id, "@arn"), "arn:aws:iam::111122223333:role/eks/karpenter");
    assert_eq!(get(&inventory, id, "/ManagedPolicyArns/0"), "arn:aws:iam::111122223333:policy/p");
    assert_eq!(get(&inventory, id, "/PermissionsBoundary"), "absent");
    assert_eq!(get(&inventory, id, "/AssumeRolePolicyDocument"), "unknown (failed)");
    let policy = the(&inventory, "AWS::IAM::Policy");
    assert_eq!(get(&inventory, policy, "/PolicyDocument/Statement"), "[]");
    assert!(inventory.related(policy, "/Roles/0").is_ok_and(|links| links[0].item == Found::Known(id)));
}

#[test]
fn an_organisations_policy_is_of_two_answers() {
    let policy = envelope(
        &["organizations", "describe-policy", "--policy-id", "p-1"],
        r#""answer": {"Policy": {"PolicySummary": {"Id": "p-1", "Name": "fence", "Type": "RESOURCE_CONTROL_POLICY",
            "Arn": "arn:aws:organizations::111122223333:policy/o-1/resource_control_policy/p-1"},
            "Content": "{\"Version\": \"2012-10-17\", \"Statement\": []}"}}"#,
    );
    let targets = envelope(
        &["organizations", "list-targets-for-policy", "--policy-id", "p-1"],
        r#""answer": {"Targets": [{"TargetId": "444455556666", "Type": "ACCOUNT", "Name": "prod",
            "Arn": "arn:aws:organizations::111122223333:account/o-1/444455556666"}]}"#,
    );
    let inventory = read(&[("p.json", &policy), ("t.json", &targets)]);
    let id = the(&inventory, "AWS::Organizations::Policy");
    assert_eq!(get(&inventory, id, "/Type"), "RESOURCE_CONTROL_POLICY");
    assert_eq!(get(&inventory, id, "/Content/Version"), "2012-10-17");
    assert_eq!(get(&inventory, id, "/TargetIds/0"), "444455556666");
}

#[test]
fn what_does_not_exist_is_absent_where_it_was_asked_for() {
    let alias = envelope(&["kms", "list-aliases"], r#""answer": {"Aliases": []}"#);
    let queue = QUEUE.replace(r#""SqsManagedSseEnabled": "true""#, r#""KmsMasterKeyId": "alias/karpenter""#);
    let inventory = read(&[("a/q.json", &queue), ("b/l.json", &alias)]);
    let links = inventory.related(the(&inventory, "AWS::SQS::Queue"), "/KmsMasterKeyId").expect("a pointer");
    assert!(
        matches!(&links[0].item, Found::Absent(what) if what == "alias alias/karpenter in 111122223333, us-west-2"),
        "{links:?}"
    );
    // In another region there may be one.
    let inventory = read(&[("a/q.json", &queue), ("b/l.json", &alias.replace("us-west-2", "eu-west-1"))]);
    let links = inventory.related(the(&inventory, "AWS::SQS::Queue"), "/KmsMasterKeyId").expect("a pointer");
    assert!(matches!(&links[0].item, Found::Unknown(_)), "{links:?}");
}

#[test]
fn answers_of_two_regions_are_never_joined() {
    let on = |region: &str| {
        envelope(&["ec2", "get-ebs-encryption-by-default"], r#""answer": {"EbsEncryptionByDefault": true}"#)
            .replace("us-west-2", region)
    };
    let key = envelope(&["ec2", "get-ebs-default-kms-key-id"], r#""answer": {"KmsKeyId": "alias/aws/ebs"}"#);
    let inventory = read(&[("a.json", &on("us-west-2")), ("b.json", &on("eu-west-1")), ("c.json", &key)]);
    let all = inventory.of_kind("Karpcheck::EbsDefaults");
    let told: Vec<String> = all
        .iter()
        .map(|id| format!("{} {}", get(&inventory, *id, "@region"), get(&inventory, *id, "/KmsKeyId")))
        .collect();
    assert_eq!(told, ["us-west-2 alias/aws/ebs", "eu-west-1 absent"]);
}

#[test]
fn of_two_answers_the_later_one_counts() {
    let command = ["sqs", "get-queue-attributes", "--queue-url", "x", "--attribute-names", "All"];
    let answer = |at: &str, on: &str| {
        envelope(&command, &format!(r#""answer": {}"#, QUEUE.replace(r#""true""#, &format!("{on:?}"))))
            .replace("2026-11-24T07:00:00Z", at)
    };
    let inventory = read(&[
        ("a.json", &answer("2026-11-24T07:00:00Z", "false")),
        ("b.json", &answer("2026-11-20T07:00:00Z", "true")),
    ]);
    let queue = the(&inventory, "AWS::SQS::Queue");
    assert_eq!(get(&inventory, queue, "/SqsManagedSseEnabled"), "false");
    assert_eq!(get(&inventory, queue, "@read-at"), "2026-11-24T07:00:00Z");
    assert_eq!(
        inventory.problems()[0].to_string(),
        "the answers of AWS are 4 days old: things may have changed since; collect them again"
    );
    assert!(!inventory.problems()[0].is_incomplete());
}

#[test]
fn denials_and_state_reasons_are_told() {
    let events = r#"{"Events": [{"EventName": "CreateTags", "CloudTrailEvent": "{\"eventName\":\"CreateTags\",\"errorCode\":\"Client.UnauthorizedOperation\",\"errorMessage\":\"User: arn:aws:sts::111122223333:assumed-role/karpenter/1 is not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:us-west-2:111122223333:fleet/* because\",\"requestParameters\":{\"secret\":1}}"}, {"EventName": "CreateTags", "CloudTrailEvent": "{\"eventName\":\"CreateTags\"}"}]}"#;
    let instances = r#"{"Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": "terminated"}, "StateReason": {"Code": "Client.InternalError", "Message": "Client error on launch"}, "Tags": [{"Key": "karpenter.sh/nodepool", "Value": "x"}]}]}]}"#;
    let inventory = read(&[("e.json", events), ("i.json", instances)]);
    let denial = the(&inventory, "Karpcheck::Denial");
    assert_eq!(get(&inventory, denial, "/Permission"), "ec2:CreateTags");
    assert_eq!(get(&inventory, denial, "/Principal"), "arn:aws:sts::111122223333:assumed-role/karpenter/1");
    assert!(!get(&inventory, denial, "").contains("secret"));
    let instance = the(&inventory, "AWS::EC2::Instance");
    assert_eq!(get(&inventory, instance, "/StateReason/Code"), "Client.InternalError");
}

#[test]
fn nothing_of_the_caller_and_of_user_data_is_kept() {
    let identity =
        r#"{"UserId": "AIDASECRET", "Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/reader"}"#;
    let template = r#"{"LaunchTemplateVersions": [{"LaunchTemplateId": "lt-1", "LaunchTemplateData": {"UserData": "SECRET", "ImageId": "ami-1"}}]}"#;
    let inventory = read(&[("i.json", identity), ("t.json", template)]);
    let kept: String = inventory.items().map(|(_, item)| item.body.to_json().to_string()).collect();
    assert!(!kept.contains("SECRET") && kept.contains("ami-1"), "{kept}");
}

#[test]
fn strange_answers_cost_nothing_else() {
    let commands: [&[&str]; 4] =
        [&["kms", "describe-key"], &["iam", "get-role"], &["events", "list-rules"], &["ec2", "describe-images"]];
    for command in commands {
        for answer in
            ["{}", "[]", "null", "1", r#""text""#, r#"{"KeyMetadata": 1}"#, r#"{"Role": []}"#, r#"{"Rules": {}}"#]
        {
            let inventory =
                read(&[("a.json", &envelope(command, &format!("\"answer\": {answer}"))), ("q.json", QUEUE)]);
            assert_eq!(inventory.of_kind("AWS::SQS::Queue").len(), 1, "{command:?} {answer}");
        }
    }
    let inventory =
        read(&[("a.json", r#"{"karpcheck": "aws-answer/v9"}"#), ("b.json", r#"{"karpcheck": "aws-answer/v1"}"#)]);
    assert_eq!(inventory.problems().len(), 2);
}
