//! Which folders are roots, what each sees of the modules that it calls, and what of those was not read.

use super::{field, files, folder, item, problems, read, related};
use crate::inventory::{Inventory, Ternary, Value};

const MODULE: &str = r#"
variable "name" {}
resource "aws_sqs_queue" "this" {
  name = "karpenter-${var.name}"
}
"#;

fn queues(all: &Inventory) -> Vec<String> {
    let queues = all.items().filter(|(_, item)| &*item.kind == "AWS::SQS::Queue");
    queues.map(|(_, item)| item.name.to_string()).collect()
}

#[test]
fn a_module_is_evaluated_inside_each_caller() {
    let call = |name: &str| format!("module \"k\" {{\n  source = \"../../modules/k\"\n  name = \"{name}\"\n}}\n");
    let all = files(&[
        ("modules/k/main.tf", MODULE),
        ("environments/prod/main.tf", &call("prod")),
        ("environments/staging/main.tf", &call("staging")),
    ]);
    assert_eq!(queues(&all), ["karpenter-prod", "karpenter-staging"]);
    for (name, root) in [("karpenter-prod", "environments/prod"), ("karpenter-staging", "environments/staging")] {
        let queue = item(&all, "AWS::SQS::Queue", name);
        assert!(queue.unit.as_ref().expect("a root").ends_with(root), "{:?}", queue.unit);
        let addresses = &queue.aws.as_ref().expect("facts").logical;
        assert_eq!(&*addresses[0].id, "module.k.aws_sqs_queue.this");
    }
}

#[test]
fn one_output_of_two_roots_is_two_symbols() {
    let root = "module \"eks\" {\n  source = \"terraform-aws-modules/eks/aws\"\n}\n\
                resource \"aws_eks_pod_identity_association\" \"k\" {\n  cluster_name = module.eks.cluster_name\n}\n";
    let all = files(&[("a/main.tf", root), ("b/main.tf", root)]);
    let names: Vec<_> = all
        .items()
        .filter_map(|(_, item)| match &item.body.member("ClusterName")?.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(names.len(), 2);
    assert_eq!((names[0].same(&names[0]), names[0].same(&names[1])), (Ternary::Yes, Ternary::Unknown));
}

#[test]
fn what_a_library_has_by_default_says_nothing_of_its_callers() {
    let library = "variable \"prefix\" {\n  default = \"team\"\n}\nvariable \"name\" {}\n\
                   resource \"aws_sqs_queue\" \"q\" {\n  name = \"${var.prefix}-karpenter\"\n}\n";
    let name = |all: &Inventory| field(item(all, "AWS::SQS::Queue", &queues(all)[0]), &["QueueName"]);
    assert_eq!(name(&files(&[("main.tf", library)])), "\"${var.prefix}-karpenter\"");
    // A provider, a backend, values or a place to install modules: it is a root.
    for (file, text) in [
        ("providers.tf", "provider \"aws\" {}\n"),
        ("backend.tf", "terraform {\n  backend \"s3\" {}\n}\n"),
        ("backend.tf.json", "{\"terraform\": {\"backend\": {\"s3\": {\"bucket\": \"b\"}}}}"),
        ("terraform.tfvars", "name = \"x\"\n"),
        (".terraform.lock.hcl", ""),
    ] {
        assert_eq!(name(&files(&[("main.tf", library), (file, text)])), "\"team-karpenter\"", "{file}");
    }
    // With values for all it has, it can be applied as it is, unless it lies where modules lie.
    let whole = library.replace("variable \"name\" {}\n", "");
    assert_eq!(name(&files(&[("main.tf", &whole)])), "\"team-karpenter\"");
    assert_eq!(name(&files(&[("modules/k/main.tf", &whole)])), "\"${var.prefix}-karpenter\"");
}

#[test]
fn a_module_that_was_not_read_is_one_line_for_all_calls() {
    let call = |name: &str| format!("module \"{name}\" {{\n  source = \"terraform-aws-modules/vpc/aws\"\n}}\n");
    let all = files(&[
        ("a/main.tf", &format!("{}{}", call("vpc"), call("second"))),
        ("b/main.tf", &format!("{}module \"x\" {{\n  source = \"./gone\"\n}}\n", call("vpc"))),
    ]);
    let told = problems(&all);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("the module ./gone was not read (module.x)"), "{told:?}");
    assert!(
        told[1].contains("the module terraform-aws-modules/vpc/aws was not read") && told[1].contains("2 more calls")
    );
}

#[test]
fn a_policy_that_an_unread_module_gets_may_be_attached_to_anything() {
    let all = files(&[(
        "main.tf",
        r#"
resource "aws_iam_policy" "more" {
  name   = "more"
  policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
resource "aws_iam_policy" "own" {
  name   = "own"
  policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
module "irsa" {
  source           = "example/irsa/aws"
  role_policy_arns = { more = aws_iam_policy.more.arn, loop = module.other.out }
}
module "other" {
  source = "example/other/aws"
  in     = module.irsa.out
}
resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = module.irsa.iam_role_name
  policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
"#,
    )]);
    assert_eq!(field(item(&all, "AWS::IAM::ManagedPolicy", "more"), &["Roles"]), "[\"${module.irsa}\"]");
    assert_eq!(field(item(&all, "AWS::IAM::ManagedPolicy", "own"), &["Roles"]), "(absent)");
    let inline = item(&all, "AWS::IAM::Policy", "inline");
    assert!(related(&all, inline, "/Roles/*").contains("the module irsa was not read"));
}

#[test]
fn a_document_that_nothing_uses_is_no_policy() {
    let document = "data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"ec2:CreateFleet\"]\n    \
                    resources = [\"*\"]\n  }\n}\n";
    let policies = |all: &Inventory| all.items().filter(|(_, item)| item.kind.starts_with("AWS::IAM::")).count();
    assert_eq!(policies(&files(&[("main.tf", document)])), 0);
    let used =
        format!("{document}resource \"aws_iam_policy\" \"p\" {{\n  policy = data.aws_iam_policy_document.d.json\n}}\n");
    assert_eq!(policies(&files(&[("main.tf", &used)])), 1);
}

#[test]
fn overrides_are_merged_as_terraform_merges_them() {
    let base = r#"
locals {
  name = "base"
}
resource "aws_sqs_queue" "q" {
  name                      = local.name
  message_retention_seconds = 300
}
data "aws_iam_policy_document" "d" {
  statement {
    sid     = "A"
    actions = ["sqs:SendMessage"]
  }
  dynamic "statement" {
    for_each = ["B"]
    content {
      sid = statement.value
    }
  }
}
resource "aws_iam_policy" "p" {
  name   = "p"
  policy = data.aws_iam_policy_document.d.json
}
"#;
    let over = "locals {\n  name = \"over\"\n}\nresource \"aws_sqs_queue\" \"q\" {\n  kms_master_key_id = \"alias/x\"\n}\n\
                data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    sid = \"C\"\n  }\n}\n";
    let folder = folder(&[
        ("main.tf", base),
        ("z_override.tf", over),
        ("override.tf.json", r#"{"resource": {"aws_sqs_queue": {"q": {"message_retention_seconds": 60}}}}"#),
    ]);
    let all = read(folder.path(), &[]);
    assert_eq!(problems(&all), Vec::<String>::new());
    let queue = item(&all, "AWS::SQS::Queue", "over");
    assert_eq!(field(queue, &["MessageRetentionPeriod"]), "60");
    let key = queue.body.member("KmsMasterKeyId").expect("laid over it");
    assert_eq!((key.as_str(), key.at.line), (Some("alias/x"), 5));
    assert!(all.document(key.at.doc).origin.to_string().ends_with("z_override.tf"));
    let statements = field(item(&all, "AWS::IAM::ManagedPolicy", "p"), &["PolicyDocument", "Statement"]);
    assert_eq!(statements, r#"[{"Effect":"Allow","Sid":"C"}]"#);
}

#[test]
fn of_keys_that_an_object_names_twice_the_last_one_counts() {
    let all = files(&[(
        "main.tf",
        "locals {\n  names = {\n    a = \"first\"\n    \"a\" = \"second\"\n    a = \"third\"\n    a = \"last\"\n  }\n}\n\
         resource \"aws_sqs_queue\" \"q\" {\n  name = local.names.a\n}\n",
    )]);
    assert_eq!(problems(&all), Vec::<String>::new());
    assert_eq!(queues(&all), ["last"]);
}

#[test]
fn a_resource_lives_where_its_provider_works() {
    let root = "provider \"aws\" {\n  region = \"us-east-1\"\n}\n\
                provider \"aws\" {\n  alias = \"eu\"\n  region = \"eu-west-1\"\n}\n\
                resource \"aws_sqs_queue\" \"here\" {\n  name = \"here\"\n}\n\
                resource \"aws_sqs_queue\" \"there\" {\n  provider = aws.eu\n  name = \"there\"\n}\n\
                resource \"aws_sqs_queue\" \"said\" {\n  region = \"ap-south-1\"\n  name = \"said\"\n}\n\
                module \"handed\" {\n  source = \"./queue\"\n  name = \"handed\"\n  providers = {\n    aws = aws.eu\n  }\n}\n\
                module \"inherited\" {\n  source = \"./queue\"\n  name = \"inherited\"\n}\n";
    let queue = "variable \"name\" {}\nresource \"aws_sqs_queue\" \"q\" {\n  name = var.name\n}\n";
    let all = files(&[("main.tf", root), ("queue/main.tf", queue)]);
    let mut homes: Vec<(String, String)> = all
        .items()
        .filter(|(_, item)| &*item.kind == "AWS::SQS::Queue")
        .map(|(_, item)| {
            let arn = item.aws.as_deref().and_then(|facts| facts.arn.as_ref()).expect("an ARN").to_json().to_string();
            (item.name.to_string(), arn.split(':').nth(3).unwrap_or_default().to_owned())
        })
        .collect();
    homes.sort();
    let expected = [
        ("handed", "eu-west-1"),
        ("here", "us-east-1"),
        ("inherited", "us-east-1"),
        ("said", "ap-south-1"),
        ("there", "eu-west-1"),
    ];
    assert_eq!(homes, expected.map(|(name, region)| (name.to_owned(), region.to_owned())));
}
