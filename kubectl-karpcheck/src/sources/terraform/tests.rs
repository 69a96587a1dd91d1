//! What Terraform's files say, as items.

mod files;
mod functions;
mod known_modules;
mod roots;
mod variables;

use std::fs;
use std::path::{Path, PathBuf};

use crate::inventory::reason::Terraform;
use crate::inventory::{Builder, Found, Inventory, Item, Stated};
use crate::karpenter;
use crate::schema::kinds::GatherScope;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/terraform").join(name)
}

fn read(path: &Path, parameters: &[(&str, &str)]) -> Inventory {
    let plan = GatherScope::new([("*", false), ("*/*", false)]);
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let stated = Stated { account: Some("111122223333".into()), parameters, ..Stated::default() };
    let mut builder = Builder::new(stated);
    let named = crate::sources::Named { paths: &[path.to_owned()], ..Default::default() };
    crate::sources::files(named, &plan, &mut builder, &mut std::io::empty());
    karpenter::inventory(builder)
}

/// A folder of files, by path and text.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }
    folder
}

/// All files of a folder.
fn files(files: &[(&str, &str)]) -> Inventory {
    read(folder(files).path(), &[])
}

/// A module of one file.
fn module(text: &str) -> Inventory {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("main.tf"), text).expect("written");
    read(folder.path(), &[])
}

fn item<'i>(inventory: &'i Inventory, kind: &str, name: &str) -> &'i Item {
    let found = inventory.items().find(|(_, item)| &*item.kind == kind && &*item.name == name);
    let all: Vec<String> = inventory.items().map(|(_, item)| format!("{} {}", item.kind, item.name)).collect();
    found.unwrap_or_else(|| panic!("no {kind} {name} among {all:#?}")).1
}

/// A field as JSON.
fn field(item: &Item, path: &[&str]) -> String {
    let node = path.iter().try_fold(&item.body, |node, step| match step.parse::<usize>() {
        Ok(index) => node.elements().get(index),
        Err(_) => node.member(step),
    });
    node.map_or_else(|| "(absent)".to_owned(), |node| node.to_json().to_string())
}

/// The name of what a field refers to.
fn related(inventory: &Inventory, item: &Item, pointer: &str) -> String {
    let (id, _) = inventory.items().find(|(_, other)| std::ptr::eq(*other, item)).expect("there");
    let link = inventory.related(id, pointer).expect("a pointer").pop();
    match link.map(|link| link.item) {
        Some(Found::Known(to)) => inventory.item(to).expect("there").name.to_string(),
        Some(Found::Unknown(unknown)) => unknown.reason.to_string(),
        other => format!("{other:?}"),
    }
}

fn problems(inventory: &Inventory) -> Vec<String> {
    inventory
        .problems()
        .iter()
        .map(|problem| {
            let at = problem.at.unwrap_or_default();
            format!("{}:{}: {}", at.line, at.column, problem)
        })
        .collect()
}

#[test]
fn every_type_becomes_its_item() {
    let all = read(&fixture("aws"), &[]);
    assert_eq!(problems(&all), Vec::<String>::new());

    let queue = item(&all, "AWS::SQS::Queue", "karpenter-demo");
    assert_eq!(field(queue, &["MessageRetentionPeriod"]), "300");
    assert_eq!(field(queue, &["KmsMasterKeyId"]), "\"alias/karpenter-queue\"");
    assert_eq!(field(queue, &["Tags", "1"]), r#"{"Key":"use","Value":"karpenter"}"#);
    assert_eq!(related(&all, queue, "/KmsMasterKeyId"), "aws_kms_key.queue");
    let own = "arn:aws:sqs:eu-west-1:111122223333:karpenter-demo";
    assert_eq!(field(queue, &["Policy", "Statement", "0", "Resource"]), format!("{own:?}"));
    assert_eq!((queue.at().line, queue.at().column), (16, 1));

    let key = item(&all, "AWS::KMS::Key", "aws_kms_key.queue");
    assert_eq!(field(key, &["EnableKeyRotation"]), "true");
    let statement = |index: &str, name: &str| field(key, &["KeyPolicy", "Statement", index, name]);
    assert_eq!(statement("0", "Principal"), r#"{"AWS":["arn:aws:iam::111122223333:root"]}"#);
    assert_eq!(statement("1", "Principal"), r#"{"Service":["events.amazonaws.com"]}"#);
    assert_eq!(statement("1", "Condition"), r#"{"StringEquals":{"aws:SourceAccount":["111122223333"]}}"#);
    assert_eq!(field(key, &["Grants", "0", "Operations"]), r#"["Decrypt"]"#);
    assert_eq!(
        related(&all, item(&all, "AWS::KMS::Alias", "alias/karpenter-queue"), "/TargetKeyId"),
        "aws_kms_key.queue"
    );

    let role = item(&all, "AWS::IAM::Role", "controller");
    let arn = role.aws.as_ref().and_then(|aws| aws.arn.as_ref()?.as_str()).map(str::to_owned);
    assert_eq!(arn.as_deref(), Some("arn:aws:iam::111122223333:role/karpenter/controller"));
    assert_eq!(
        field(role, &["AssumeRolePolicyDocument", "Statement", "0", "Principal"]),
        r#"{"Service":"pods.eks.amazonaws.com"}"#
    );
    assert_eq!(field(role, &["Policies", "0", "PolicyName"]), "\"inline\"");
    assert_eq!(related(&all, role, "/ManagedPolicyArns/*"), "controller");
    let policy = item(&all, "AWS::IAM::ManagedPolicy", "controller");
    assert!(field(policy, &["PolicyDocument"]).contains("file()"), "{}", field(policy, &["PolicyDocument"]));
    assert_eq!(field(policy, &["Roles"]), r#"["somebody"]"#);
    assert_eq!(related(&all, item(&all, "AWS::IAM::Policy", "more"), "/Roles/*"), "controller");
    assert_eq!(field(item(&all, "AWS::IAM::InstanceProfile", "node"), &["Roles"]), r#"["node"]"#);

    let rule = item(&all, "AWS::Events::Rule", "karpenter-spot");
    assert_eq!(field(rule, &["EventPattern", "detail-type"]), r#"["EC2 Spot Instance Interruption Warning"]"#);
    assert_eq!(related(&all, rule, "/Targets/*/Arn"), "karpenter-demo");
    assert_eq!(field(item(&all, "AWS::Events::Rule", "karpenter-health"), &["State"]), "\"DISABLED\"");

    let cluster = item(&all, "AWS::EKS::Cluster", "demo");
    assert_eq!(related(&all, cluster, "/EncryptionConfig/*/Provider/KeyArn"), "aws_kms_key.queue");
    let association = item(&all, "AWS::EKS::PodIdentityAssociation", "aws_eks_pod_identity_association.karpenter");
    assert_eq!(related(&all, association, "/RoleArn"), "controller");

    assert_eq!(field(item(&all, "AWS::DynamoDB::Table", "GameScores"), &["SSESpecification", "SSEType"]), "\"KMS\"");
    let template = item(&all, "AWS::EC2::LaunchTemplate", "node");
    assert_eq!(field(template, &["LaunchTemplateData", "BlockDeviceMappings", "0", "Ebs", "Encrypted"]), "true");
    let ebs = item(&all, "Karpcheck::EbsDefaults", "ebs");
    assert_eq!(field(ebs, &["EncryptionByDefault"]), "true");
    assert_eq!(related(&all, ebs, "/KmsKeyId"), "aws_kms_key.queue");

    item(&all, "core/ServiceAccount", "karpenter");
    item(&all, "karpenter.sh/NodePool", "default");
    let class = item(&all, "karpenter.k8s.aws/EC2NodeClass", "default");
    assert_eq!(field(class, &["spec", "role"]), "\"node-${var.unset}\"");

    let controller = item(&all, "Karpcheck::Controller", "karpenter");
    assert_eq!(field(controller, &["Version"]), "\"1.6.0\"");
    assert_eq!(field(controller, &["ClusterName"]), "\"demo\"");
    assert_eq!(related(&all, controller, "/InterruptionQueue"), "karpenter-demo");
    assert_eq!(related(&all, controller, "/Role"), "controller");
}

#[test]
fn secrets_are_not_kept() {
    let all = read(&fixture("aws"), &[]);
    assert!(!format!("{:?}", all.items().map(|(_, item)| item.body.to_json()).collect::<Vec<_>>()).contains("hunter2"));
    let folder = tempfile::tempdir().expect("a folder");
    let state = r#"{"version": 4, "terraform_version": "1.11.4", "lineage": "x", "resources": [{"mode": "managed",
        "type": "aws_sqs_queue", "name": "q", "instances": [{"attributes": {"name": "q", "kms_master_key_id": "hunter2"},
        "sensitive_attributes": [[{"type": "get_attr", "value": "kms_master_key_id"}]]}]}]}"#;
    fs::write(folder.path().join("a.tfstate"), state).expect("written");
    let plan = r#"{"format_version": "1.2", "planned_values": {"root_module": {"resources": [{"address": "aws_sqs_queue.p",
        "mode": "managed", "type": "aws_sqs_queue", "name": "p", "values": {"name": "p", "tags": {"a": "hunter2"}},
        "sensitive_values": {"tags": {"a": true}}}]}}, "variables": {"s": {"value": "hunter2"}}}"#;
    fs::write(folder.path().join("b.json"), plan).expect("written");
    let all = read(folder.path(), &[]);
    assert!(field(item(&all, "AWS::SQS::Queue", "q"), &["KmsMasterKeyId"]).contains("sensitive"));
    assert!(field(item(&all, "AWS::SQS::Queue", "p"), &["Tags", "0", "Value"]).contains("sensitive"));
    assert!(!format!("{:?}", all.items().map(|(_, item)| item.body.to_json()).collect::<Vec<_>>()).contains("hunter2"));
}

#[test]
fn a_plan_knows_relations_whose_values_it_does_not_know() {
    let all = read(&fixture("plan-queue-key-unknown.json"), &[]);
    let queue = item(&all, "AWS::SQS::Queue", "karp-tf");
    assert_eq!(related(&all, queue, "/KmsMasterKeyId"), "aws_kms_key.queue");
    assert_eq!(field(queue, &["SqsManagedSseEnabled"]), "(absent)");
    assert!(field(queue, &["Policy"]).contains("known after apply"), "{}", field(queue, &["Policy"]));
}

#[test]
fn a_document_that_a_plan_defers_is_rebuilt_with_holes() {
    let plan = r#"{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
      {"address": "module.q[\"a\"].aws_sqs_queue.this[0]", "mode": "managed", "type": "aws_sqs_queue", "name": "this", "index": 0,
       "change": {"actions": ["create"], "after": {"name_prefix": "karp-"}, "after_unknown": {"arn": true, "name": true, "url": true}}},
      {"address": "module.q[\"a\"].aws_sqs_queue_policy.this[0]", "mode": "managed", "type": "aws_sqs_queue_policy", "name": "this",
       "index": 0, "change": {"actions": ["create"], "after": {}, "after_unknown": {"queue_url": true, "policy": true}}},
      {"address": "module.q[\"a\"].data.aws_iam_policy_document.queue[0]", "mode": "data", "type": "aws_iam_policy_document",
       "name": "queue", "index": 0, "change": {"actions": ["read"], "after": {"statement": [{"sid": "Write",
       "actions": ["sqs:SendMessage"], "resources": [null], "principals": [{"type": "Service", "identifiers": ["events.amazonaws.com"]}]}]},
       "after_unknown": {"json": true, "statement": [{"resources": [true]}]}}}],
      "configuration": {"root_module": {"module_calls": {"q": {"module": {"resources": [
       {"address": "aws_sqs_queue.this", "expressions": {"name_prefix": {"constant_value": "karp-"}}},
       {"address": "aws_sqs_queue_policy.this", "expressions": {
         "queue_url": {"references": ["aws_sqs_queue.this[0].url", "aws_sqs_queue.this[0]", "aws_sqs_queue.this"]},
         "policy": {"references": ["data.aws_iam_policy_document.queue[0].json", "data.aws_iam_policy_document.queue[0]",
           "data.aws_iam_policy_document.queue"]}}},
       {"address": "data.aws_iam_policy_document.queue", "expressions": {"statement": [{"resources": {"references":
         ["aws_sqs_queue.this[0].arn", "aws_sqs_queue.this[0]", "aws_sqs_queue.this"]}}]}}]}}}}}}"#;
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("plan.json"), plan).expect("written");
    let all = read(folder.path(), &[]);
    let queue = all.items().find(|(_, item)| &*item.kind == "AWS::SQS::Queue").expect("there").1;
    assert_eq!(
        field(queue, &["Policy", "Statement"]),
        r#"[{"Action":["sqs:SendMessage"],"Effect":"Allow","Principal":{"Service":["events.amazonaws.com"]},"Resource":["arn:${AWS::Partition}:sqs:${AWS::Region}:111122223333:${module.q[\"a\"].aws_sqs_queue.this[0].arn}"],"Sid":"Write"}]"#
            .replace("${module.q[\\\"a\\\"].aws_sqs_queue.this[0].arn}", "karp-${module.q[\\\"a\\\"].aws_sqs_queue.this[0].name}")
    );
}

#[test]
fn a_module_for_karpenter_is_known_by_its_version() {
    let call = |version: &str, more: &str| {
        module(&format!(
            "module \"karpenter\" {{\n  source = \"terraform-aws-modules/eks/aws//modules/karpenter\"\n  version = \"{version}\"\n  \
             cluster_name = \"demo\"\n{more}}}\n"
        ))
    };
    let policy = |all: &Inventory| {
        let (_, policy) = all.items().find(|(_, item)| &*item.kind == "AWS::IAM::ManagedPolicy").expect("a policy");
        assert_eq!(policy.at().line, 1);
        field(policy, &["PolicyDocument"])
    };
    for (version, more, holds) in [
        ("19.21.0", "", false),
        ("20.23.0", "enable_v1_permissions = true\n", false),
        ("20.37.2", "", false),
        ("20.37.2", "enable_v1_permissions = true\n", true),
        ("~> 20.24", "", false),
        ("21.0.0", "", true),
        ("21.19.0", "", true),
    ] {
        assert_eq!(policy(&call(version, more)).contains("eks:eks-cluster-name"), holds, "{version} {more}");
    }
    for (version, holds) in [("21.1.0", false), ("21.2.0", true)] {
        assert_eq!(policy(&call(version, "")).contains("iam:ListInstanceProfiles"), holds, "{version}");
    }
    let all = call("21.19.0", "");
    let role = all
        .items()
        .find(|(_, item)| &*item.kind == "AWS::IAM::Role" && item.name.contains("controller"))
        .expect("a role")
        .1;
    assert!(related(&all, role, "/ManagedPolicyArns/*").contains("aws_iam_policy.controller"));
    assert_eq!(all.items().filter(|(_, item)| &*item.kind == "AWS::Events::Rule").count(), 5);
    assert_eq!(call("99.0.0", "").items().filter(|(_, item)| item.is_aws()).count(), 0);
}

#[test]
fn modules_beside_and_installed_are_read_as_they_are_called() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    };
    write(
        "main.tf",
        "module \"a\" {\n  for_each = toset([\"x\"])\n  source = \"./modules/a\"\n  name = \"q-${each.key}\"\n  key = module.b.key\n}\nmodule \"b\" {\n  source = \"example/b/aws\"\n  version = \"1.0.0\"\n}\n",
    );
    write(
        "modules/a/main.tf",
        "variable \"name\" {}\nvariable \"key\" {}\nresource \"aws_sqs_queue\" \"this\" {\n  name = var.name\n  kms_master_key_id = var.key\n}\n",
    );
    write(
        ".terraform/modules/modules.json",
        r#"{"Modules": [{"Key": "", "Dir": "."}, {"Key": "b", "Source": "x", "Dir": ".terraform/modules/b"}]}"#,
    );
    write(
        ".terraform/modules/b/main.tf",
        "resource \"aws_kms_key\" \"this\" {}\noutput \"key\" {\n  value = aws_kms_key.this.arn\n}\n",
    );
    let all = read(folder.path(), &[]);
    assert_eq!(problems(&all), Vec::<String>::new());
    let queue = item(&all, "AWS::SQS::Queue", "q-x");
    assert_eq!(related(&all, queue, "/KmsMasterKeyId"), "module.b.aws_kms_key.this");
    assert_eq!(all.items().filter(|(_, item)| item.is_aws()).count(), 2);
}

#[test]
fn variables_take_what_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("main.tf"), "variable \"a\" {}\nvariable \"b\" { default = \"d\" }\nvariable \"c\" {}\nresource \"aws_sqs_queue\" \"q\" {\n  name = \"${var.a}-${var.b}-${var.c}\"\n}\n").expect("written");
    fs::write(folder.path().join("terraform.tfvars"), "a = \"values\"\n").expect("written");
    item(&read(folder.path(), &[("c", "flag")]), "AWS::SQS::Queue", "values-d-flag");
    let all = read(folder.path(), &[]);
    let queue = item(&all, "AWS::SQS::Queue", "aws_sqs_queue.q");
    assert_eq!(field(queue, &["QueueName"]), "\"values-d-${var.c}\"");
}

#[test]
fn broken_files_are_told_with_their_place_and_cost_no_other() {
    let all = module(
        "resource \"aws_sqs_queue\" \"q\" {\n  name = \"whole\"\n}\n\nresource \"aws_kms_key\" \"k\" {\n  policy = jsonencode({\n",
    );
    item(&all, "AWS::SQS::Queue", "whole");
    let told = problems(&all);
    assert!(told.len() == 1 && told[0].contains("it is not valid HCL") && told[0].starts_with('6'), "{told:?}");
}

#[test]
fn wrong_types_are_unknown_and_never_a_panic() {
    let all = module(
        "resource \"aws_sqs_queue\" \"q\" {\n  name = [1]\n  tags = \"x\"\n  policy = 7\n  count = \"x\"\n}\n\
         resource \"aws_kms_key\" \"k\" {\n  for_each = 3\n  policy = jsonencode(aws_kms_key.k)\n}\n\
         data \"aws_iam_policy_document\" \"d\" {\n  statement = \"x\"\n  source_policy_documents = 4\n}\n\
         resource \"helm_release\" \"h\" {\n  chart = \"karpenter\"\n  values = \"x\"\n  set = 4\n}\n\
         resource \"kubectl_manifest\" \"m\" {\n  yaml_body = \"{{{\"\n}\n",
    );
    assert!(all.items().count() > 0);
}

#[test]
fn circles_and_bombs_end() {
    let circle = module(
        "locals {\n  a = local.b\n  b = \"${local.a}x\"\n}\nresource \"aws_sqs_queue\" \"q\" {\n  name = local.a\n}\nmodule \"self\" {\n  source = \"./\"\n}\n",
    );
    let queue = circle.items().find(|(_, item)| &*item.kind == "AWS::SQS::Queue").expect("there").1;
    assert!(field(queue, &["QueueName"]).contains("refers to itself") || field(queue, &["QueueName"]).contains("${"));
    let mut bomb = String::from("locals {\n  a0 = [\"x\", \"x\"]\n");
    for level in 1..60 {
        bomb.push_str(&format!("  a{level} = [local.a{0}, local.a{0}]\n", level - 1));
    }
    bomb.push_str("}\nresource \"aws_sqs_queue\" \"q\" {\n  name = \"q\"\n  tags = { x = jsonencode(local.a59) }\n}\n");
    item(&module(&bomb), "AWS::SQS::Queue", "q");
    let mut chain = String::from("locals {\n  a0 = \"x\"\n");
    for level in 1..5000 {
        chain.push_str(&format!("  a{level} = local.a{}\n", level - 1));
    }
    chain.push_str("}\nresource \"aws_sqs_queue\" \"q\" {\n  name = local.a4999\n}\n");
    assert_eq!(module(&chain).items().filter(|(_, item)| item.is_aws()).count(), 1);
    let deep = format!("locals {{\n  a = {}1{}\n}}\n", "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(problems(&module(&deep)).len(), 1);
}

#[test]
fn a_plan_beside_its_module_speaks_of_the_same_resources() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "variable \"name\" {}\nresource \"aws_sqs_queue\" \"q\" {\n  name = var.name\n  sqs_managed_sse_enabled = true\n}\n";
    fs::write(folder.path().join("main.tf"), text).expect("written");
    let plan = |name: &str, queue: &str| {
        let plan = format!(
            r#"{{"format_version": "1.2", "planned_values": {{"root_module": {{"resources": [{{"address": "aws_sqs_queue.q",
            "mode": "managed", "type": "aws_sqs_queue", "name": "q", "values": {{"name": "{queue}"}}}}]}}}}}}"#
        );
        fs::write(folder.path().join(name), plan).expect("written");
    };
    plan("plan.json", "planned");
    let all = read(folder.path(), &[]);
    let queue = item(&all, "AWS::SQS::Queue", "planned");
    assert_eq!(
        (field(queue, &["QueueName"]), field(queue, &["SqsManagedSseEnabled"])),
        ("\"planned\"".into(), "true".into())
    );
    assert_eq!(all.items().filter(|(_, item)| item.is_aws()).count(), 1);
    plan("plan2.json", "other");
    assert_eq!(read(folder.path(), &[]).items().filter(|(_, item)| item.is_aws()).count(), 2);
}

#[test]
fn the_json_syntax_says_what_the_native_one_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"{
  "//": "made by cdktf",
  "variable": {"cluster": {"default": "demo"}, "odd": {"default": "${not.an.expression}"}},
  "locals": {"name": "karpenter-${var.cluster}"},
  "data": {"aws_iam_policy_document": {"queue": {"statement": {
    "sid": "Send", "actions": ["sqs:SendMessage"], "resources": ["${aws_sqs_queue.karpenter.arn}"],
    "principals": [{"type": "Service", "identifiers": ["events.amazonaws.com"]}]
  }}}},
  "resource": {
    "aws_sqs_queue": {"karpenter": [{
      "name": "${local.name}",
      "kms_master_key_id": "alias/${join(\"-\", [\"a\", \"}b\"])}",
      "message_retention_seconds": 300,
      "tags": {"odd": "${var.odd}", "quote": "a \"b\" $${c}"}
    }]},
    "aws_sqs_queue_policy": {"karpenter": {
      "queue_url": "${aws_sqs_queue.karpenter.url}",
      "policy": "${data.aws_iam_policy_document.queue.json}"
    }}
  }
}"#;
    fs::write(folder.path().join("main.tf.json"), text).expect("written");
    let all = read(folder.path(), &[]);
    assert_eq!(problems(&all), Vec::<String>::new());
    let queue = item(&all, "AWS::SQS::Queue", "karpenter-demo");
    assert_eq!(field(queue, &["MessageRetentionPeriod"]), "300");
    assert_eq!(field(queue, &["KmsMasterKeyId"]), r#""alias/a-}b""#);
    assert_eq!(field(queue, &["Tags", "0", "Value"]), r#""${not.an.expression}""#);
    assert_eq!(field(queue, &["Tags", "1", "Value"]), r#""a \"b\" ${c}""#);
    let at = queue.body.member("MessageRetentionPeriod").expect("there").at;
    assert_eq!(at.line, 13);
    let (_, policy) = all.items().find(|(_, item)| &*item.kind == "AWS::SQS::QueuePolicy").expect("a policy");
    assert_eq!(
        field(policy, &["PolicyDocument", "Statement", "0", "Principal"]),
        r#"{"Service":["events.amazonaws.com"]}"#
    );
    assert_eq!(related(&all, policy, "/Queues/0"), "karpenter-demo");
}

#[test]
fn a_broken_file_in_the_json_syntax_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("main.tf.json"), "{\"locals\": {\"a\": 1,}}").expect("written");
    let told = problems(&read(folder.path(), &[]));
    assert!(told.len() == 1 && told[0].starts_with("1:20: it is not valid JSON"), "{told:?}");
    fs::write(folder.path().join("main.tf.json"), r#"{"locals": {"a": "${1 +}"}}"#).expect("written");
    let told = problems(&read(folder.path(), &[]));
    assert!(told.len() == 1 && told[0].contains("it is not valid Terraform code"), "{told:?}");
}

#[test]
fn an_output_of_an_unread_module_names_the_module() {
    let all = module(
        r#"
module "karpenter" {
  source  = "example.com/own/karpenter/aws"
  version = "1.0.0"
}
resource "aws_iam_role_policy" "own" {
  name   = "own"
  role   = module.karpenter.role_name
  policy = "{}"
}
"#,
    );
    let (id, _) = all.items().find(|(_, item)| &*item.kind == "AWS::IAM::Policy").expect("a policy");
    let found = all.related(id, "/Roles/0").expect("a pointer").pop().expect("a link").item;
    let Found::Unknown(unknown) = found else { panic!("{found:?}") };
    assert_eq!(*unknown.reason.gap, Terraform::Module { name: "karpenter".into() }.into());
    assert!(unknown.reason.to_string().contains("`terraform init`"), "{}", unknown.reason);
}
